"""Optimizers that a program writes out itself: told by what they make of weights, held against every entry's rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import TYPE_CHECKING, Any, get_args

from parity.catalog import OPTIMIZERS, SCHEDULES
from parity.lazy import np
from parity.optimizers import Optimizer
from parity.optimizers.per_parameter import DECAY
from parity.run.decimals import shares_of
from parity.run.told import DECAY_OF_GROUP, FACTOR_OF_GROUP
from parity.schedules import Schedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRIED = ("sgd", "adam", "rmsprop", "adagrad", "adamw", "adadelta", "adamax", "nadam", "lion")
"""Entries whose rules are tried, the likeliest first."""

DECOUPLED = ("adamw", "lion")
"""Entries whose decay a program may write as one number with their rate, ``lr * decay * w``: tried last."""

CHOICES = ("nesterov", "rate_place", "centered", "epsilon_place", "amsgrad")
"""Fields that are tried at each of their values."""

WRITTEN: dict[str, tuple[float, float]] = {
    "learning_rate": (0.0, 10.0), "decay": (0.0, 0.1), "epsilon": (0.0, 0.1), "weight_decay": (0.0, 0.5),
    "initial_accumulator_value": (0.0, 1.0),
}  # fmt: skip
"""Fields that are a number as the program writes it, above the first and up to the second."""

SHARES = ("beta_1", "beta_2", "rho", "momentum", "dampening")
"""Fields that are a number of the program's, or what it is short of 1 (:func:`~parity.run.decimals.shares_of`)."""

RATE = "learning_rate"
"""What every rule multiplies its move by: the first move shows it, and it is not tried."""

NEEDED = ("beta_1", "beta_2", "rho", "epsilon")
"""Fields that a rule has in any case; of the others two are tried at most."""

NEAR = 1e-6
"""Relative difference within which a move shows a rate; which number that is, and all else, is held to be so then."""

ROUNDING = 1e-9
"""Relative difference of moves within which two rules are one: those of a program have float32's decimals in them."""

MOST = 20_000
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


def fitted(
    weights: NDArray[Any], gradients: NDArray[Any], numbers: Sequence[float], rates: Sequence[float] = ()
) -> Fitted:  # fmt: skip
    """Return the optimizer whose rule moves weights as they were moved.

    Args:
        weights: (steps + 1, n), before the first step and behind each.
        gradients: (steps, n).
        numbers: that the program writes: rates, decays and the like are among them, or what they are short of 1.
        rates: of the steps, where they change.
    """
    steps, tried = len(gradients), 0
    for kind, quotients in [*((kind, False) for kind in TRIED), *((kind, True) for kind in DECOUPLED)]:
        default = OPTIMIZERS[kind]()
        for fields in _candidates(OPTIMIZERS[kind], numbers, quotients):
            tried += 1
            if tried > MOST:
                return Fitted(entry=None, sentence=f"none of {MOST} rules that were tried moves weights so")
            entry = default.model_copy(update=fields)
            rate = _rate(entry, weights, gradients, numbers)
            if rate and _moves(entry.model_copy(update={RATE: _changing(rates) or rate}), weights, gradients):
                return Fitted(
                    entry={kind: {"learning_rate": rate, **fields}},
                    sentence=f"in {steps} steps its rule moves every weight as {kind} does",
                )
    return Fitted(entry=None, sentence=f"none of {tried} rules that were tried moves weights so")


def _changing(rates: Sequence[float]) -> Schedule | None:
    """Return a schedule that gives some rates one after the other; None of none."""
    if not rates:
        return None
    return SCHEDULES["piecewise"].model_validate({"boundaries": [*range(len(rates) - 1)], "values": [*rates]})


Run = tuple["NDArray[Any]", "NDArray[Any]"]
"""Weights before and behind each step, and gradients, as :func:`fitted` takes them."""


def fitted_groups(runs: Sequence[Run], numbers: Sequence[float]) -> tuple[Fitted, list[dict[str, float]]]:
    """Return the optimizer that moves groups of parameters, and what it does otherwise for each of them.

    Args:
        runs: of each group, how it moves.
        numbers: that the program writes.
    """
    every = [fitted(*run, numbers) for run in runs]
    missed = next((one for one in every if one.entry is None), None)
    if missed is not None or len(every) == 1:
        return missed or every[0], []
    sentence = "no rule moves all its groups of parameters, with rates and weight decays of their own"
    for found in sorted(every, key=lambda one: -len(next(iter(one.entry.values())))):  # What says most at first.
        ((kind, fields),) = found.entry.items()
        beside = [_beside(OPTIMIZERS[kind].model_validate(fields), run, numbers) for run in runs]
        if None not in beside:
            entries = [one for one in beside if one is not None]
            rate = max(float(one.learning_rate) for one in entries)  # type: ignore[arg-type]
            decay = max(float(getattr(one, DECAY, 0.0)) for one in entries)
            most = {"learning_rate": rate} | ({DECAY: decay} if decay else {})
            told = f"{found.sentence}, with rates or weight decays of their own for some"
            return Fitted(entry={kind: {**fields, **most}}, sentence=told), _groups(entries, rate, decay)
    return Fitted(entry=None, sentence=sentence), []


def _groups(entries: Sequence[Optimizer], rate: float, decay: float) -> list[dict[str, float]]:
    """Return what each group has otherwise than the largest rate and decay."""
    decays = [float(getattr(one, DECAY, 0.0)) for one in entries]
    rates = [float(one.learning_rate) for one in entries]  # type: ignore[arg-type]
    return [
        ({FACTOR_OF_GROUP: float(f"{own / rate:.12g}")} if len(set(rates)) > 1 else {})
        | ({DECAY_OF_GROUP: share} if len(set(decays)) > 1 else {})
        for own, share in zip(rates, decays, strict=True)
    ]


def _beside(entry: Optimizer, run: Run, numbers: Sequence[float]) -> Optimizer | None:
    """Return the entry with the rate and the decay with which it moves a group so; None where it never does."""
    low, high = WRITTEN["learning_rate"]
    rates = [float(entry.learning_rate), *(one for one in numbers if low < one <= high)]  # type: ignore[arg-type]
    decays: list[dict[str, float]] = [{}]
    if DECAY in type(entry).model_fields:
        decays = [{DECAY: one} for one in (getattr(entry, DECAY), 0.0, *numbers) if one <= WRITTEN[DECAY][1]]
    for rate in rates:
        for decay in decays:
            other = entry.replace(learning_rate=rate, **decay)
            if _moves(other, *run):
                return other
    return None


def _candidates(entry: type[Optimizer], numbers: Sequence[float], quotients: bool) -> Iterator[dict[str, Any]]:
    """Return the fields of an entry that are tried beside its rate: few numbers at first.

    Args:
        entry: the optimizer.
        numbers: that the program writes.
        quotients: whether its decay is one number less another one that it was multiplied by.
    """
    values: dict[str, list[float]] = {
        name: sorted({one for one in numbers if low < one <= high}) for name, (low, high) in WRITTEN.items()
    }
    if quotients:
        decays = (float(f"{one / other:.12g}") for one in numbers for other in numbers if 0.0 < one < other)
        values[DECAY] = sorted({one for one in decays if one <= WRITTEN[DECAY][1] and float(f"{one:.3g}") == one})
    values |= dict.fromkeys(SHARES, shares_of(numbers))
    fields = [name for name in entry.model_fields if name in values and name != RATE]
    values["initial_accumulator_value"] = [0.0, *values["initial_accumulator_value"]]
    choices = {name: _each(entry.model_fields[name].annotation) for name in CHOICES if name in entry.model_fields}
    needed = [name for name in fields if name in NEEDED]
    more = [name for name in fields if name not in needed] if not quotients else [DECAY]
    for count in range(1 if quotients else 0, min(len(more), 2) + 1):
        for chosen in combinations(more, count):
            names = [*needed, *chosen]
            for given in product(*(values[name] for name in names)):
                for said in product(*choices.values()):
                    yield dict(zip(names, given, strict=True)) | dict(zip(choices, said, strict=True))


def _each(kind: Any) -> tuple[Any, ...]:
    """Return the values that a field can have."""
    return (False, True) if kind is bool else get_args(kind)


def _rate(entry: Optimizer, weights: NDArray[Any], gradients: NDArray[Any], numbers: Sequence[float]) -> float:
    """Return the number that is the rate of a rule by its first move; 0 where none is."""
    with np.errstate(all="ignore"):
        whole = entry.model_copy(update={RATE: 1.0})
        move, _ = whole.update(weights[0], gradients[0], whole.init(weights[0]), 0)
        ratios = (weights[1] - weights[0]) / move
        rate = float(np.median(ratios))
        if not np.isfinite(rate) or not np.allclose(ratios, rate, rtol=NEAR, atol=0.0):
            return 0.0
    low, high = WRITTEN[RATE]
    return next((one for one in numbers if low < one <= high and abs(one - rate) <= NEAR * rate), 0.0)


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
