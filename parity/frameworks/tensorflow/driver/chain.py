"""The operations of one step as a chain: who made a tensor, and what it depends on."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
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
        self._moving: dict[int, bool] = {}

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
        return self._follows(tensor, self._depends, self._trains_itself)

    def _trains_itself(self, tensor: Any) -> bool | None:
        op = self.producer(tensor)
        if self.handle(tensor) is not None or (op is not None and is_of_keras(op)):
            return True
        return None if op is not None and op.inputs else False

    def moves(self, tensor: Any) -> bool:
        """Return whether a tensor depends on rows or on variables, not only on sizes and numbers that are written."""
        return self._follows(tensor, self._moving, self._moves_itself)

    def _moves_itself(self, tensor: Any) -> bool | None:
        op = self.producer(tensor)
        if self.handle(tensor) is not None or self.brought(tensor):
            return True
        if op is None or op.kind in SIZES:
            return False
        return None if op.inputs else True

    rows: int = 0
    """Rows of the batch; 0 before that is known."""

    def is_rows(self, tensor: Any) -> bool:
        """Return whether a tensor that was there before can be rows of data."""
        return len(tensor.shape) > 0 and int(tensor.shape[0]) == self.rows and flat_size(tensor) > 1

    def brought(self, tensor: Any) -> bool:
        """Return whether a tensor is rows as they come: there before, or picked of what was there."""
        op = self.producer(tensor)
        if op is None:
            return self.is_rows(tensor)
        if self.handle(tensor) is not None or not self.is_rows(tensor):
            return False
        return op.kind in BRINGS or (op.kind in PICKS and self._was_there(op.inputs[0])) or self._was_there(tensor)

    def _was_there(self, tensor: Any) -> bool:
        """Return whether a tensor was there before, or is such a one in a wider type, as a float64 worker has it."""
        op = self.producer(tensor)
        if op is None:
            return self.handle(tensor) is None
        widens = op.kind == "Cast" and tensor.dtype.is_floating and op.inputs[0].dtype.is_floating
        return bool(widens) and tensor.dtype.size > op.inputs[0].dtype.size and self._was_there(op.inputs[0])

    def _follows(self, tensor: Any, known: dict[int, bool], itself: Callable[[Any], bool | None]) -> bool:
        """Return whether something is so of a tensor: by itself, or else of one that it is made of.

        Args:
            tensor: of a chain as long as it may be, so that nothing here calls itself.
            known: takes what is found, by the identity of tensors.
            itself: whether it is so of a tensor; None where what it is made of decides.
        """
        waiting = [tensor]
        while waiting:
            one = waiting[-1]
            if id(one) in known:
                waiting.pop()
                continue
            found = itself(one)
            op = self.producer(one)
            if found is not None or op is None:
                known[id(one)] = bool(found)
                continue
            left = [given for given in op.inputs if id(given) not in known]
            waiting += left
            if not left:
                known[id(one)] = any(known[id(given)] for given in op.inputs)
        return known[id(tensor)]

    def needed(self, tensor: Any, but: Sequence[TapedOperation] = ()) -> list[TapedOperation]:
        """Return the operations behind a tensor, in order and but for some; rows are taken as they come."""
        wanted, found = [tensor], set[int]()
        while wanted:
            one = wanted.pop()
            op = self.producer(one)
            if op is None or id(op) in found or self.brought(one):
                continue
            found.add(id(op))
            wanted += list(op.inputs)
        found -= {id(op) for op in but}
        return [op for op in self.operations if id(op) in found]


def is_of_keras(op: TapedOperation) -> bool:
    """Return whether an operation is a call of a layer or model of Keras's, whose variables are no inputs of it."""
    return op.kind == "keras.Layer" and op.call is not None and bool(getattr(op.call[1][0], "variables", ()))


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


def is_single(tensor: Any) -> bool:
    """Return whether a tensor is a single number."""
    return tf.is_tensor(tensor) and tensor.shape.rank == 0


def is_value(given: Any) -> bool:
    """Return whether something is a tensor, a variable or an array."""
    return tf.is_tensor(given) or isinstance(given, np.ndarray | tf.Variable)
