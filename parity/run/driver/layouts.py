"""How the tensors of a program are seen: where it keeps its channels, told from their shapes, and what they mean.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from parity.run.axes import counted_first, counted_last, inverse, permuted
from parity.run.output_form import PROBABILITIES, fitted, turned
from parity.run.probe import Guide
from parity.tensors import LOGITS
from parity.tensors import output as output_name

STEPS_FIRST = ((1, 0, 2),)
"""How a program may keep a sequence: its steps ahead of the rows."""


def laid_out(output: dict[str, Any], shape: Sequence[int]) -> Sequence[int] | None:
    """Return the permutation that makes a layer's output canonical, told by its shape where the program may differ.

    Args:
        output: of the bindings.
        shape: of the framework's tensor, with the batch axis.
    """
    known, axes = output.get("shape"), output["axes"]
    if known is None or len(known) < 2:
        return axes
    last = (0, *range(2, len(known) + 1), 1)
    ways = (None, last, *(STEPS_FIRST if len(known) == 2 else ()))
    fits = [one for one in dict.fromkeys(ways) if tuple(shape[i] for i in one or range(len(shape)))[1:] == tuple(known)]
    return fits[0] if len(fits) == 1 else axes


def mask_layout(row: Sequence[int], shape: Sequence[int], known: Sequence[int] | None) -> Sequence[int] | None:
    """Return the permutation that makes a canonical mask the program's.

    Args:
        row: canonical shape of a row.
        shape: of the program's tensor, with the batch axis.
        known: what the compiled program has, where the shape does not tell.
    """
    whole, rank = (shape[0], *row), len(row)
    first, last = (0, rank, *range(1, rank)), (0, *range(2, rank + 1), 1)
    ways = dict.fromkeys((None, first, last))  # The spec's own channels may stand first, and the program's last.
    fits = [one for one in ways if tuple(whole[i] for i in one or range(len(whole))) == tuple(shape)]
    if len(fits) > 1 and len(row) > 1:
        return known
    if not fits and rank == 2 and tuple(shape) == (row[0], shape[1], row[1]):
        return STEPS_FIRST[0]
    return fits[0] if fits else None


class View:
    """How an output of a program is seen as the spec's, and how what is given in its place is handed back.

    Args:
        key: name in the bindings, canonical.
        output: of the bindings.
        then: applies the activation that the program applies as a function, behind the module that is watched; None
            where what is watched is the output itself.
    """

    def __init__(
        self, key: str, output: dict[str, Any], then: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> None:
        self.output, self.then, self.meaning = output, then, output.get("meaning")
        self.name = output_name(key, form=LOGITS) if output["point"] == "logits" and self.meaning is None else key
        self.gradients = self.meaning is None and then is None
        """Whether the gradient with respect to it is that of the spec's output."""

    def seen(self, value: np.ndarray) -> tuple[np.ndarray, Sequence[int] | None]:
        """Return the output as it is compared, and the axes that make it canonical."""
        if self.then is not None:
            value = self.then(np.asarray(value))
        if self.meaning is not None:
            canonical = fitted(np.asarray(value), tuple(self.output["shape"]))
            return turned(canonical, self.meaning, PROBABILITIES, self.output["ending"]), None
        return self.plainly(value)

    def instead(self, guide: Guide | None, phase: str, value: np.ndarray) -> np.ndarray | None:
        """Return what to go on with in the place of a value, as the program has it; None to go on with the value.

        Args:
            guide: has the reference side's tensors; None where nothing is steered.
            phase: ``forward``, or ``gradient`` for the gradient with respect to it.
            value: as the program has it.
        """
        if guide is None or (phase == "gradient" and not self.gradients):
            return None
        shown, axes = self.seen(value) if phase == "forward" else self.plainly(value)
        given = guide.instead(phase, self.name, shown.shape, axes)
        if given is None:
            return None
        if self.then is not None:  # The activation will be applied to it: relu once more does nothing, tanh does.
            return given if np.array_equal(self.then(given), given) else None
        if self.meaning is not None:
            given = turned(given, PROBABILITIES, self.meaning, self.output["ending"])
            if not np.isfinite(given).all():
                return None
        return self._back(given, value.shape)

    def plainly(self, value: np.ndarray) -> tuple[np.ndarray, Sequence[int] | None]:
        """Return a tensor that lies as the output does, its gradient for one, and the axes that make it canonical."""
        row, counted = self.output.get("shape"), self.output.get("counted")
        if counted and value.ndim == 2:
            return counted_last(np.asarray(value), counted, 1), None
        if row is not None and value.ndim != len(row) + 1:
            return fitted(value, tuple(row)), None
        return value, laid_out(self.output, value.shape)

    def _back(self, given: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Return a canonical value as the program has it."""
        if self.output.get("counted") and given.ndim == len(shape) == 2:
            return counted_first(given, self.output["counted"], 1)
        if given.shape == shape:
            return given
        if given.ndim == len(shape):
            axes = laid_out(self.output, shape) or (0, *range(2, given.ndim), 1)
            return permuted(given, inverse(axes))
        return given.reshape(shape)
