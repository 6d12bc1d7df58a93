"""Rows less constants, divided by constants, as one call: numbers that a program has measured before training.

``(x - self.mean) / self.std`` with buffers is what Keras's ``Normalization`` is, ``x * std + mean`` its inverse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from parity.frameworks.torch.driver.joined import JoinedCalls
from parity.frameworks.torch.driver.tracer import CallValue, FunctionCall
from parity.run.told import MOST_NUMBERS, ToldNode

PLAIN = {
    "sub": "sub", "__sub__": "sub", "subtract": "sub", "add": "add", "__add__": "add", "__radd__": "add",
    "mul": "mul", "__mul__": "mul", "__rmul__": "mul", "multiply": "mul",
    "div": "div", "__truediv__": "div", "true_divide": "div", "divide": "div", "truediv": "div",
}  # fmt: skip
"""Functions of a tensor and a constant, and what they do."""

BEHIND = {"div": "sub", "add": "mul"}
"""What stands ahead of the second of two calls that are one."""


@dataclass(frozen=True)
class _Shift:
    """A call of a tensor and a constant.

    Args:
        does: what it does.
        numbers: the constant.
        axis: that they are of, 0 for one number of all.
        memory: where the program keeps them; 0 of a number of Python's.
    """

    does: str
    numbers: np.ndarray
    axis: int
    memory: int = 0


def constant_shifts(calls: JoinedCalls, others: Sequence[Mapping[str, FunctionCall]]) -> set[int]:
    """Put one call in the place of those that move and scale rows by constants, some of which are no single number.

    Args:
        calls: of a step.
        others: the calls of other traces, by the same names: what is made anew in each is no constant.

    Returns:
        where in memory the constants lie that are told so.
    """
    kept: set[int] = set()
    found = {one.name: _shift(calls, one, others) for one in calls.nodes}
    for node in reversed(list(calls.nodes)):
        shift = found.get(node.name)
        if shift is None or calls.node(node.name) is not node:
            continue
        ahead = calls.node(node.reads[0])
        before = found.get(ahead.name) if ahead is not None else None
        if (
            ahead is not None and before is not None and before.does == BEHIND.get(shift.does)
            and calls.alone(ahead.name, node)
        ):  # fmt: skip
            told, inside, of = _told(before, shift), [ahead, node], {before.memory, shift.memory}
        else:
            told, inside, of = _told(shift, None), [node], {shift.memory}
        if told is not None:
            _take(calls, inside, told)
            kept |= of
    return kept


def _shift(calls: JoinedCalls, node: ToldNode, others: Sequence[Mapping[str, FunctionCall]]) -> _Shift | None:
    does = PLAIN.get(node.part.removeprefix("torch."))
    given = calls.given.get(node.name)
    if not (node.function and does and given and len(node.reads) == 1 and len(given.told) == 2 and not given.owned):
        return None
    constant = _constant(given)
    turned = isinstance(given.args[-1], CallValue) and does in ("sub", "div")
    if constant is None or turned:
        return None
    if isinstance(constant, torch.Tensor) and not _kept(constant, node.name, others):
        return None
    numbers = torch.as_tensor(constant, dtype=torch.float64).detach().cpu()
    placed = _placed(numbers, len(node.read_shapes[0]) + 1, node.read_shapes[0])
    if placed is None or not bool(torch.isfinite(numbers).all()):
        return None
    return _Shift(does, *placed, constant.data_ptr() if isinstance(constant, torch.Tensor) else 0)


def _constant(given: FunctionCall) -> torch.Tensor | float | None:
    """Return the one argument that no call gave; None where it is no number."""
    (found, *more) = [one for one in (*given.args, *given.kwargs.values()) if not isinstance(one, CallValue)] or [None]
    if more or isinstance(found, bool) or not isinstance(found, torch.Tensor | int | float):
        return None
    whole = isinstance(found, torch.Tensor) and not found.is_floating_point()
    return None if whole or (isinstance(found, torch.Tensor) and found.requires_grad) else found


def _kept(constant: torch.Tensor, name: str, others: Sequence[Mapping[str, FunctionCall]]) -> bool:
    """Return whether each trace was given the same memory: nothing that a call makes, or draws, anew."""
    every = [_constant(one[name]) if name in one else None for one in others]
    return all(isinstance(one, torch.Tensor) and one.data_ptr() == constant.data_ptr() for one in every)


def _placed(numbers: torch.Tensor, rank: int, row: Sequence[int]) -> tuple[np.ndarray, int] | None:
    """Return numbers and the axis that they are of, -1 for the last; None where they are of several, or of rows."""
    shape = (*(1,) * (rank - numbers.dim()), *numbers.shape)
    long = [axis for axis, size in enumerate(shape) if size > 1]
    if len(shape) > rank or len(long) > 1 or numbers.numel() > MOST_NUMBERS:
        return None
    if not long:
        return numbers.reshape(()).numpy(), 0
    (axis,) = long
    if axis not in (1, rank - 1) or shape[axis] != row[axis - 1]:
        return None
    return numbers.reshape(-1).numpy(), -1 if axis == rank - 1 else 1


def _told(first: _Shift, second: _Shift | None) -> dict[str, Any] | None:
    """Return mean, variance and axis of one call or of two; None where they are single numbers, or no deviation."""
    axes = {one.axis for one in (first, second) if one is not None and one.axis}
    if len(axes) != 1:
        return None
    zero, one = np.zeros(()), np.ones(())
    if second is not None:
        invert = second.does == "add"
        mean, deviation = (second.numbers, first.numbers) if invert else (first.numbers, second.numbers)
    else:
        invert = first.does in ("mul", "add")
        mean = first.numbers if first.does in ("sub", "add") else zero
        deviation = first.numbers if first.does in ("mul", "div") else one
    if not (deviation > 1e-7).all():
        return None
    mean, deviation = np.broadcast_arrays(mean, deviation)
    return {
        "mean": mean.tolist(), "variance": np.square(deviation).tolist(), "invert": invert, "axis": next(iter(axes)),
    }  # fmt: skip


def _take(calls: JoinedCalls, inside: list[ToldNode], told: Mapping[str, Any]) -> None:
    last = inside[-1]
    name = calls.title(inside) or calls.free("normalization")
    found = calls.join(inside, last, name, inside[0].reads[0])
    found.arguments, found.place = dict(told), inside[0].place
