"""Outputs and targets that are made up, by which a loss that a program writes out element by element is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from parity.lazy import np

SCALES = (0.01, 0.1, 0.3, 1.0, 2.0, 10.0)
"""How large the errors are: a loss may go another way from some size on."""

MOST = 400
"""Numbers that are told."""


def elements_of(
    shapes: Sequence[Sequence[int]], computed: Callable[[Any, Any], Any], numbers: Sequence[float]
) -> dict[str, Any] | None:  # fmt: skip
    """Return what a loss makes of numbers that are made up, as a word; None where it is not one number for each pair.

    Args:
        shapes: of its outputs and its targets.
        computed: returns the losses of each element, of outputs and targets in float64.
        numbers: that the program writes.
    """
    generator = np.random.default_rng(0)
    parts: list[list[Any]] = [[], [], []]
    for scale in SCALES:
        x = generator.normal(size=tuple(shapes[0]))
        y = generator.normal(size=tuple(shapes[1]))
        y = y if x.shape != y.shape else x + scale * generator.normal(size=x.shape)
        made = np.asarray(computed(x, y), np.float64)
        pairs = np.broadcast_arrays(x, y)
        if made.shape != pairs[0].shape:
            return None
        for part, one in zip(parts, (*pairs, made), strict=True):
            part += one.ravel()[: MOST // len(SCALES)].tolist()
    outputs, targets, values = parts
    return {"outputs": outputs, "targets": targets, "values": values, "numbers": list(numbers)}
