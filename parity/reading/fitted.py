"""Optimizers that a program writes out itself: told by what they make of weights, held against every entry's rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, get_args

from parity.catalog import OPTIMIZERS
from parity.lazy import np
from parity.optimizers import Optimizer

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRIED = ("sgd", "adam", "rmsprop", "adagrad", "adamw", "adadelta", "adamax", "nadam", "lion")
"""Entries whose rules are tried, the likeliest first."""

CHOICES = ("nesterov", "rate_place", "centered", "epsilon_place", "amsgrad")
"""Fields that are tried at each of their values."""

WRITTEN: dict[str, tuple[float, float]] = {
    "learning_rate": (0.0, 10.0), "decay": (0.0, 0.1), "epsilon": (0.0, 0.1), "weight_decay": (0.0, 0.5),
    "initial_accumulator_value": (0.0, 1.0),
}  # fmt: skip
"""Fields that are a number as the program writes it, above the first and up to the second."""

SHARES = ("beta_1", "beta_2", "rho", "momentum", "dampening")
"""Fields that are a number of the program's, or what it is short of 1, between the least and 1."""

LEAST = 0.3
"""Below which nobody has such a share."""

NEEDED = ("learning_rate", "beta_1", "beta_2", "rho", "epsilon")
"""Fields that a rule has in any case; of the others two are tried at most."""

ROUNDING = 1e-9
"""Relative difference of moves within which two rules are one: those of a program have float32's decimals in them."""

MOST = 8_000
"""Candidates that are tried at most."""


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """The optimizer that an update is.

    Args:
        entry: as a spec says it; None where no rule is it.
        sentence: how that is known, without a full stop.
    """

    entry: Any
    sentence: str


def fitted(weights: NDArray[Any], gradients: NDArray[Any], numbers: Sequence[float]) -> Fitted:
    """Return the optimizer whose rule moves weights as they were moved.

    Args:
        weights: (steps + 1, n), before the first step and behind each.
        gradients: (steps, n).
        numbers: that the program writes: rates, decays and the like are among them, or what they are short of 1.
    """
    steps, tried = len(gradients), 0
    for kind in TRIED:
        for fields in _candidates(OPTIMIZERS[kind], numbers):
            tried += 1
            if tried > MOST:
                return Fitted(entry=None, sentence=f"none of {MOST} rules that were tried moves weights so")
            try:
                entry = OPTIMIZERS[kind].model_validate(fields)
            except ValueError:
                continue
            if _moves(entry, weights, gradients):
                return Fitted(
                    entry={kind: fields}, sentence=f"in {steps} steps its rule moves every weight as {kind} does"
                )
    return Fitted(entry=None, sentence=f"none of {tried} rules that were tried moves weights so")


def _candidates(entry: type[Optimizer], numbers: Sequence[float]) -> Iterator[dict[str, Any]]:
    """Return the fields of an entry that are tried: few numbers at first."""
    values: dict[str, list[float]] = {
        name: sorted({one for one in numbers if low < one <= high}) for name, (low, high) in WRITTEN.items()
    }
    shares = sorted({float(f"{one:.12g}") for number in numbers for one in (number, 1.0 - number) if LEAST < one < 1.0})
    values |= dict.fromkeys(SHARES, shares)
    fields = [name for name in entry.model_fields if name in values]
    values["initial_accumulator_value"] = [0.0, *values["initial_accumulator_value"]]
    choices = {name: _each(entry.model_fields[name].annotation) for name in CHOICES if name in entry.model_fields}
    needed = [name for name in fields if name in NEEDED]
    more = [name for name in fields if name not in needed]
    for count in range(min(len(more), 2) + 1):
        for chosen in combinations(more, count):
            names = [*needed, *chosen]
            for given in product(*(values[name] for name in names)):
                for said in product(*choices.values()):
                    yield dict(zip(names, given, strict=True)) | dict(zip(choices, said, strict=True))


def _each(kind: Any) -> tuple[Any, ...]:
    """Return the values that a field can have."""
    return (False, True) if kind is bool else get_args(kind)


def _moves(entry: Optimizer, weights: NDArray[Any], gradients: NDArray[Any]) -> bool:
    """Return whether an optimizer moves weights as they were moved."""
    w, slots = weights[0], entry.init(weights[0])
    for number, gradient in enumerate(gradients):
        with np.errstate(all="ignore"):
            move, slots = entry.update(w, gradient, slots, number)
        expected = weights[number + 1] - weights[number]
        scale = float(np.abs(expected).max())
        if not scale or not np.allclose(move, expected, rtol=0.0, atol=ROUNDING * scale):
            return False
        w = weights[number + 1]
    return True
