"""The operations of one step as a chain: who made a tensor, and what it depends on."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from parity.frameworks.tensorflow.driver.taped import TapedOperation

SIZES = ("Shape", "ShapeN", "Size", "Rank")
"""Operations that tell the sizes of a tensor, whatever its numbers are."""

READS = ("ReadVariableOp",)

PICKS = ("StridedSlice", "Slice", "GatherV2", "RandomShuffle")
"""Operations that pick rows of data."""

BRINGS = ("IteratorGetNext", "EagerPyFunc", "PyFunc", "PyFuncStateless")
"""Operations that bring rows."""


class OperationChain:
    """The operations of a step.

    Args:
        operations: in order.
        variables: by the identity of their handles.
    """

    def __init__(self, operations: Sequence[TapedOperation], variables: dict[int, Any]) -> None:
        self.operations, self.variables = operations, variables
        self.by_output = {id(out): (op, number) for op in operations for number, out in enumerate(op.outputs)}
        self._handles = {id(variable): handle for handle, variable in variables.items()}
        self._depends: dict[int, bool] = {}
        self._fixed: dict[int, bool] = {}

    def producer(self, tensor: Any) -> TapedOperation | None:
        """Return the operation that gave a tensor; None of one that was there before."""
        return self.by_output.get(id(tensor), (None, 0))[0]

    def handle(self, tensor: Any) -> int | None:
        """Return the handle of the variable that a tensor is the value of; None where it is none's."""
        if id(tensor) in self._handles:
            return self._handles[id(tensor)]
        if id(tensor) in self.variables:
            return id(tensor)
        op = self.producer(tensor)
        if op is not None and op.kind in READS:
            return id(op.inputs[0])
        if op is not None and op.kind == "Identity":
            return self.handle(op.inputs[0])
        return None

    def trains(self, tensor: Any) -> bool:
        """Return whether a tensor depends on a variable."""
        return self._any(tensor, self._depends, lambda one: self.handle(one) is not None)

    def moves(self, tensor: Any) -> bool:
        """Return whether a tensor depends on rows or on variables, not only on sizes and numbers that are written."""
        if id(tensor) not in self._fixed:
            op = self.producer(tensor)
            if self.handle(tensor) is not None or self.brought(tensor):
                moving = True
            elif op is None or op.kind in SIZES:
                moving = False
            else:
                moving = not op.inputs or any(self.moves(one) for one in op.inputs)
            self._fixed[id(tensor)] = moving
        return self._fixed[id(tensor)]

    rows: int = 0
    """Rows of the batch; 0 before that is known."""

    def is_rows(self, tensor: Any) -> bool:
        """Return whether a tensor that was there before can be rows of data."""
        return len(tensor.shape) > 0 and int(tensor.shape[0]) == self.rows and np.size(tensor) > 1

    def brought(self, tensor: Any) -> bool:
        """Return whether a tensor is rows as they come: there before, or picked of what was there."""
        op = self.producer(tensor)
        if op is None:
            return self.is_rows(tensor)
        if self.handle(tensor) is not None or not self.is_rows(tensor):
            return False
        first = op.inputs[0] if op.inputs else None
        return op.kind in BRINGS or (op.kind in PICKS and self.producer(first) is None and self.handle(first) is None)

    def _any(self, tensor: Any, known: dict[int, bool], test: Any) -> bool:
        waiting = [tensor]
        while waiting:
            one = waiting[-1]
            op = self.producer(one)
            if id(one) in known:
                waiting.pop()
            elif test(one):
                known[id(one)] = True
            elif op is None or not op.inputs:
                known[id(one)] = False
            else:
                left = [given for given in op.inputs if id(given) not in known]
                if left:
                    waiting += left
                else:
                    known[id(one)] = any(known[id(given)] for given in op.inputs)
        return known[id(tensor)]

    def needed(self, tensor: Any) -> list[TapedOperation]:
        """Return the operations behind a tensor, in order; rows are taken as they come."""
        wanted, found = [tensor], set[int]()
        while wanted:
            one = wanted.pop()
            op = self.producer(one)
            if op is None or id(op) in found or self.brought(one):
                continue
            found.add(id(op))
            wanted += list(op.inputs)
        return [op for op in self.operations if id(op) in found]


def number_of(tensor: Any) -> np.ndarray:
    """Return the numbers of a tensor, an array or a number."""
    return np.asarray(tensor.numpy() if hasattr(tensor, "numpy") else tensor)


def arguments_of(op: TapedOperation) -> dict[str, Any]:
    """Return what a function was called with, by name."""
    assert op.call is not None
    plain, args, kwargs = op.call
    bound = inspect.signature(plain).bind(*args, **kwargs)
    bound.apply_defaults()
    return dict(bound.arguments)


def flat_size(tensor: Any) -> int:
    """Return the number of elements."""
    return int(np.prod([int(one) for one in tensor.shape]))


def is_tensor(value: Any) -> bool:
    """Return whether something is a tensor or an array, and no variable."""
    return (tf.is_tensor(value) or isinstance(value, np.ndarray)) and not isinstance(value, tf.Variable)
