"""The first two updates of a side, exact, on its first batch: what the learning rate and the inputs come to.

The NumPy reference takes them, in float64, with the initial weights and the draws that a run starts from. The loss is
that of the same rows with the same dropout each time: whether it falls says of the update, not of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from parity.advice.begun import STANDARDIZED, Begun, lost
from parity.advice.magnitudes import multiplications, size
from parity.errors import ParityError
from parity.lazy import np
from parity.recorded import is_opaque
from parity.run import randomness
from parity.tensors import parameter

if TYPE_CHECKING:
    from parity.reference import Reference
    from parity.spec.resolve import Resolved

WORK = 1 << 27
"""Multiplications of a forward pass at most, of which two updates take about half a second."""

WEIGHTS = 1 << 22
"""Weights at most."""


GROWN = 4.0
"""The loss after each of two updates, over that before them, from which they overshoot; of specs that learn, 1.2."""


class FirstTwo:
    """What two updates came to; the second is taken when it is first asked for, which most specs that learn never do.

    Args:
        begun: the side as it begins.
        rows: numbers of the batch's rows.
    """

    def __init__(self, begun: Begun, rows: np.ndarray) -> None:
        """Take the first update."""
        self._batch, self._reference = (begun.data.x[rows], begun.targets(rows)), begun.reference()
        start = dict(self._reference.weights)
        names = self._reference.trainable
        with np.errstate(all="ignore"):  # What overflows is what is looked for.
            first = self._reference.step(*self._batch, 0)
            self.before, self.after = first.loss, lost(self._reference, *self._batch)
        self.moves = {name: over(size(first.update[name]), size(start[name])) for name in names}
        """Of each trained tensor: the first update over the initial values, root mean squares; infinite over 0."""
        self.gradient = max((float(np.max(np.abs(first.gradient[name]), initial=0.0)) for name in names), default=0.0)
        """The largest entry of any gradient of the first step."""

    @cached_property
    def _twice_moved(self) -> Reference:
        with np.errstate(all="ignore"):
            self._reference.step(*self._batch, 1)
        return self._reference

    @cached_property
    def last(self) -> float:
        """The loss of the batch after the second update."""
        with np.errstate(all="ignore"):
            return lost(self._twice_moved, *self._batch)

    @property
    def losses(self) -> tuple[float, float, float]:
        """The losses of the batch before the first update, after it, and after the second."""
        return self.before, self.after, self.last

    def alike(self, layer: str) -> bool:
        """Return whether the units of a layer, two at least, have one kernel between them after both updates."""
        return same_units(layer, self._twice_moved)

    def grows(self, times: float) -> bool:
        """Return whether the loss is so many times larger after both updates, or no number any more."""
        bound = times * max(self.before, 1e-12)
        return bool(np.isfinite(self.before)) and not self.after < bound and not self.last < bound

    def falls(self) -> bool:
        """Return whether the first update made the loss smaller."""
        return self.after < self.before


@dataclass(frozen=True)
class FirstUpdates(Begun):
    """The first batch of a side, to be tried as it is and otherwise."""

    @cached_property
    def rows(self) -> np.ndarray:
        """Return the numbers of the first batch's rows."""
        training = self.side.config.training
        order = randomness.row_order(training.seed, 0, len(self.data.x), training.shuffle)
        return order[: training.batch_size]

    @cached_property
    def as_is(self) -> FirstTwo:
        """Return what the updates of the side as it is come to."""
        return FirstTwo(self, self.rows)

    @cached_property
    def standardized(self) -> FirstTwo | None:
        """Return what they come to with the inputs standardized."""
        return self.tried(STANDARDIZED)

    def tried(self, changes: Mapping[str, Any]) -> FirstTwo | None:
        """Return what they come to with some changes made, None where the config cannot be so."""
        try:
            return FirstTwo(self.having(changes), self.rows)
        except ParityError:
            return None


def affordable(side: Resolved) -> bool:
    """Return whether a side is small enough for its first updates to be tried, and nothing in it is opaque."""
    if is_opaque(side):
        return False
    return side.parameter_count <= WEIGHTS and multiplications(side.layers()) * side.config.training.batch_size <= WORK


def over(update: float, start: float) -> float:
    """Return the one by the other; of a tensor that starts at 0, infinity where it moves."""
    if start > 0.0:
        return update / start
    return np.inf if update > 0.0 else 0.0


def same_units(layer: str, reference: Reference) -> bool:
    """Return whether the units of a layer, two at least, have one kernel between them."""
    kernel = reference.weights.get(parameter(layer, "kernel"))
    return kernel is not None and kernel.shape[-1] > 1 and bool(np.all(kernel == kernel[..., :1]))
