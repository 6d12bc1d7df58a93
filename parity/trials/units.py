"""The unit in which an outcome is measured: the first side's, into which those of other configs are put.

Targets may be scaled on one side, and a metric's name may stand for another metric there. What cannot be put into one
unit is not compared, and the reason is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from parity.data.dataset import Dataset
from parity.errors import ParityError
from parity.explain.outcome import Outcome
from parity.lazy import np
from parity.metrics import VALIDATION, Metric
from parity.spec.resolve import Resolved

FITS = 1e-6
"""Targets are those of another side on another scale where no value is further off than this share of their range."""


class UnitError(ParityError):
    """Outcomes that no unit makes comparable."""


@dataclass(frozen=True, kw_only=True)
class MeasuredOn:
    """What a metric is computed from, predictions aside.

    Args:
        name: of the side.
        trained: targets that are trained on, (rows, ...).
        targets: targets of the rows that the outcome is measured on, (rows, ...).
        outputs: shape of a row of the outputs.
    """

    name: str
    trained: np.ndarray
    targets: np.ndarray
    outputs: tuple[int, ...]


def factor(metric: Metric, base: MeasuredOn, other: MeasuredOn) -> float:
    """Return the number by which a metric of another side is multiplied to be in the first side's unit.

    Args:
        metric: as the spec names it.
        base: the first side.
        other: another one.

    Raises:
        UnitError: when no number does it.
    """
    one, two = (metric.taken(side.targets.shape[1:], side.outputs).metric for side in (base, other))
    classes = [metric.classes(side.targets, side.outputs) for side in (base, other)]
    if classes[0] is not None and classes[1] is not None:
        if len(classes[0]) != len(classes[1]) or np.array_equal(classes[0].ravel(), classes[1].ravel()):
            return 1.0
        raise UnitError(f"{metric.name} is the share of right classes, and {other.name}'s rows have other classes than "
                        f"{base.name}'s")  # fmt: skip
    if one.kind != two.kind:
        raise UnitError(
            f"{metric.name} is {one.kind} on {base.name} and {two.kind} on {other.name}, which are other questions; "
            "name an outcome that is the same on both: --outcome"
        )
    if base.targets.size != other.targets.size or np.array_equal(base.targets.ravel(), other.targets.ravel()):
        return 1.0  # Of other rows there is nothing to compare value by value.
    slope = _slope(base.targets, other.targets)
    if slope is None or one.degree is None:
        raise UnitError(
            f"{metric.name} is measured against other targets on {other.name} than on {base.name}, and they are not "
            "the same ones on another scale; name an outcome that does not depend on that: --outcome"
        )
    return float(abs(slope) ** -one.degree)


def _slope(base: np.ndarray, other: np.ndarray) -> float | None:
    """Return k where other = k base + c for every value, None where there is no such k."""
    x, y = (one.ravel() - one.mean() for one in (base, other))
    spread = float(x @ x)
    if not spread:
        return None
    slope = float(x @ y) / spread
    fits = np.abs(y - slope * x).max() <= FITS * np.ptp(y)
    return slope if fits and slope else None


@dataclass(kw_only=True)
class Unit:
    """The outcome of every config, in the unit of the first side.

    Args:
        outcome: what is compared.
        first: side whose unit it is.
        data: returns the data of a side.
    """

    outcome: Outcome
    first: Resolved
    data: Callable[[Resolved], Dataset]
    _known: dict[str, float | UnitError] = field(default_factory=dict)

    def factor(self, side: Resolved) -> float:
        """Return the number that a side's metric is multiplied by; arguments and errors as :func:`factor`."""
        metric = self._metric(side) or self._metric(self.first)
        if metric is None or side.config.data == self.first.config.data:
            shapes = [one.row for one in (side, self.first)]
            if metric is None or shapes[0] == shapes[1]:
                return 1.0
        key = f"{side.config.data.model_dump_json()} {side.row}"
        if key not in self._known:
            try:
                self._known[key] = factor(metric, self._judged(self.first), self._judged(side))
            except UnitError as error:
                self._known[key] = error
        found = self._known[key]
        if isinstance(found, UnitError):
            raise found
        return found

    def constant(self) -> float | None:
        """Return the metric that the best constant prediction gets, chosen by the rows trained on; None if unknown."""
        metric, judged = self._metric(self.first), self._judged(self.first)
        found = None if metric is None else metric.constant(judged.trained, judged.targets, judged.outputs)
        return None if found is None or not math.isfinite(found) else found

    @property
    def rows(self) -> int:
        """Return the number of rows that the outcome is measured on."""
        return len(self._judged(self.first).targets)

    def _metric(self, side: Resolved) -> Metric | None:
        kind = self.outcome.metric.removeprefix(VALIDATION)
        return next((one for one in side.measured if one.name == kind), None)

    def _judged(self, side: Resolved) -> MeasuredOn:
        data = self.data(side)
        kept = data.y_val if self.outcome.metric.startswith(VALIDATION) else data.y
        targets = data.y if kept is None else kept
        return MeasuredOn(name=side.name, trained=data.y, targets=targets, outputs=side.row)
