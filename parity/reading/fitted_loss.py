"""Losses that a program writes out element by element: told by what they make of numbers, held against the entries'."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parity.catalog import LOSSES
from parity.formula import formula_of
from parity.lazy import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRIED = ("mse", "mae", "huber", "smooth_l1", "log_cosh", "squared_hinge", "hinge", "msle", "poisson")
"""Entries whose formula is tried, the likeliest first."""

BOUNDS = ("delta", "beta")
"""Fields that are a number as the program writes it, from which on a loss is a line."""

ROUNDING = 1e-9
"""Relative difference of losses within which two are one: those of a program have float32's decimals in them."""


@dataclass(frozen=True, kw_only=True)
class FittedLoss:
    """The loss that a function of outputs and targets is.

    Args:
        entry: as a spec says it.
        factor: that it is multiplied by.
    """

    entry: dict[str, dict[str, Any]]
    factor: float


def fitted_loss(
    outputs: Sequence[float], targets: Sequence[float], values: Sequence[float], numbers: Sequence[float]
) -> FittedLoss | None:  # fmt: skip
    """Return the loss that makes these values of outputs and targets, number by number; None where no entry's does.

    One that is not multiplied comes ahead of one that is: of a parabola to 0.5 and a line of slope 1, ``smooth_l1``
    rather than twice a ``huber``.

    Args:
        outputs: numbers that were made up.
        targets: as many.
        values: what the program makes of them.
        numbers: that it writes.
    """
    x, y, wanted = (np.asarray(one, np.float64) for one in (outputs, targets, values))
    found = [one for one in _found(x, y, wanted, numbers) if one is not None]
    return min(found, key=lambda one: one.factor != 1.0, default=None)


def _found(
    x: NDArray[Any], y: NDArray[Any], wanted: NDArray[Any], numbers: Sequence[float]
) -> Iterator[FittedLoss | None]:  # fmt: skip
    for kind in TRIED:
        for fields in _candidates(kind, numbers):
            loss = LOSSES[kind].model_validate(fields)
            with np.errstate(all="ignore"):
                made = np.asarray(formula_of(loss.formula(False)).value(outputs=x, targets=y, **dict(loss)))
            factor = _factor(made, wanted)
            if factor:
                yield FittedLoss(entry={kind: dict(fields)}, factor=factor)


def _candidates(kind: str, numbers: Sequence[float]) -> list[Mapping[str, float]]:
    """Return the fields of an entry that are tried: at first none."""
    bounds = [name for name in BOUNDS if name in LOSSES[kind].model_fields]
    more = [{name: one} for name in bounds for one in sorted({abs(one) for one in numbers}) if one]
    return [{}, *more]


def _factor(made: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Return the number above 0 that some values times are others; 0 where there is none."""
    if made.shape != wanted.shape or not (np.isfinite(made).all() and np.isfinite(wanted).all()):
        return 0.0
    most = int(np.abs(made).argmax())
    factor = float(wanted[most] / made[most]) if made[most] else 0.0
    simple = float(f"{factor:.9g}")
    return simple if simple > 0.0 and np.allclose(simple * made, wanted, rtol=ROUNDING, atol=1e-12) else 0.0
