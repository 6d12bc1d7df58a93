"""Numbers in a loss that are how many rows its batch has: ``criterion(out, y) / len(x)``."""

from __future__ import annotations

from typing import Any

import torch

from parity.run.here import frames_here
from parity.run.rows_here import by_rows_here

FACTORS = frozenset({"div", "divide", "true_divide", "truediv", "rdiv", "idiv", "itruediv", "mul",
                     "multiply", "rmul", "imul"})  # fmt: skip
"""Functions by which a loss is divided by a number, or multiplied."""


class BatchRows(float):
    """A number that is how many rows its batch has: another one where a batch has fewer."""


def marked(name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what a function is given, its number as :class:`BatchRows` where that is what the program takes.

    Args:
        name: of the function.
        args: that it is given.
    """
    numbers = [one for one in args if type(one) in (int, float)]
    if name.strip("_") not in FACTORS or len(args) != 2 or len(numbers) != 1:
        return args
    frame, rows = next(frames_here(), None), numbers[0]
    if frame is None or not by_rows_here(frame, lambda one: isinstance(one, torch.Tensor) and _rows(one) == rows):
        return args
    return tuple(BatchRows(one) if one is rows else one for one in args)


def _rows(tensor: torch.Tensor) -> int:
    with torch._C.DisableTorchFunction():  # Nobody's call.
        return len(tensor) if tensor.dim() else 0
