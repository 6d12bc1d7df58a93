"""Operations of a program that was recorded, once more: on other rows, other weights and in another type."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import op_def_registry

from parity.frameworks.tensorflow.driver.chain import OperationChain, is_tensor, number_of
from parity.frameworks.tensorflow.driver.taped import TapedOperation
from parity.frameworks.tensorflow.driver.tensors import unconverted
from parity.run.decimals import decimal_of

ASSIGNS: Mapping[str, Callable[[Any, Any], Any]] = {
    "AssignVariableOp": lambda variable, value: variable.assign(value),
    "AssignAddVariableOp": lambda variable, value: variable.assign_add(value),
    "AssignSubVariableOp": lambda variable, value: variable.assign_sub(value),
}
"""Operations that move a variable."""


class TapeReplay:
    """Operations that are run once more.

    Args:
        chain: that they are of.
        variables: that stand for the program's, by the handles of these.
        dtype: that is computed in.
        settled: of operations that are others in evaluation, what they then make of their tensors, by their identity.
    """

    def __init__(
        self, chain: OperationChain, variables: Mapping[int, Any], dtype: Any,
        settled: Mapping[int, Callable[[Callable[[Any], Any]], Any]] = MappingProxyType({}),
    ) -> None:  # fmt: skip
        self.chain, self.variables, self.dtype, self.settled = chain, variables, dtype, settled
        self._losses: dict[int, Any] = {}

    @unconverted
    def run(self, operations: Sequence[TapedOperation], known: dict[int, Any], training: bool = True) -> dict[int, Any]:
        """Return what tensors are, by their identity, behind operations.

        Args:
            operations: in order.
            known: what some are already.
            training: nothing is dropped where not, and batch norms go by their running statistics.
        """
        values = dict(known)
        for op in operations:
            if all(id(one) in values for one in op.outputs) and op.outputs:
                continue
            for one, found in zip(op.outputs, self._once(op, values, training), strict=False):
                values.setdefault(id(one), found)
        return values

    def _once(self, op: TapedOperation, values: Mapping[int, Any], training: bool) -> Sequence[Any]:
        if not training and id(op) in self.settled:
            return [self.settled[id(op)](lambda tensor: self.value(tensor, values))]
        if op.kind == "FusedBatchNormV3":
            return fused(op.attributes, *(self.value(one, values) for one in op.inputs))
        if op.kind == "ReadVariableOp":
            return [tf.convert_to_tensor(self.variables[id(op.inputs[0])])]
        if op.kind in ASSIGNS:
            variable = self.variables[id(op.inputs[0])]
            ASSIGNS[op.kind](variable, tf.cast(self.value(op.inputs[1], values), variable.dtype))
            return []
        if op.call is not None:
            plain, args, kwargs = op.call
            args, kwargs = tf.nest.map_structure(lambda one: self._argument(one, values), (list(args), dict(kwargs)))
            if op.kind == "keras.Loss":
                args = [self._of_keras(args[0]), *args[1:]]
            if op.kind == "tf.nn.dropout":
                return [tf.nn.dropout(*args, **kwargs) if training else kwargs.get("x", (*args, None)[0])]
            return [one for one in tf.nest.flatten(plain(*args, **kwargs)) if tf.is_tensor(one)]
        if op.kind == "ResourceGather":
            return [tf.gather(self.variables[id(op.inputs[0])], self.value(op.inputs[1], values))]
        return self._raw(op, [self.value(one, values) for one in op.inputs])

    def _of_keras(self, loss: Any) -> Any:
        """Return a loss of Keras's as one that computes in the type that Keras has by now.

        Not by its configuration, as Keras copies it: that of ``Huber`` leaves ``delta`` out, and one of the program's
        own may have none.
        """
        if id(loss) not in self._losses:
            import keras

            found, policy = object.__new__(type(loss)), keras.dtype_policies.get(keras.config.floatx())
            vars(found).update(vars(loss), _dtype_policy=policy, _dtype=policy.compute_dtype)
            self._losses[id(loss)] = found
        return self._losses[id(loss)]

    def _argument(self, one: Any, values: Mapping[int, Any]) -> Any:
        handle = self.chain.handle(one) if isinstance(one, tf.Variable) else None
        if handle is not None:
            return tf.convert_to_tensor(self.variables[handle])
        return self.value(one, values) if is_tensor(one) else one

    def value(self, tensor: Any, values: Mapping[int, Any]) -> Any:
        """Return what a tensor is now; one that the program wrote as a number is the decimal that it wrote."""
        if id(tensor) in values:
            return values[id(tensor)]
        if id(tensor) in self.variables:
            return self.variables[id(tensor)].handle
        return cast(number_of(tensor), self.dtype)

    def _raw(self, op: TapedOperation, given: Sequence[Any]) -> Sequence[Any]:
        """Run an operation of TensorFlow's; what it infers of its inputs it infers anew."""
        function, definition = getattr(tf.raw_ops, op.kind), op_def_registry.get(op.kind)
        inputs = definition.input_arg
        inferred = {name for one in inputs for name in (one.type_attr, one.number_attr, one.type_list_attr)}
        many, arguments, left = len(given) - len(inputs) + 1, dict[str, Any](), list(given)
        for one in inputs:
            arguments[one.name] = [left.pop(0) for _ in range(many)] if one.number_attr else left.pop(0)
        for one in definition.attr:
            if one.name not in inferred and one.name in op.attributes:
                value = op.attributes[one.name]
                if one.type == "type":
                    value = self.dtype if tf.as_dtype(value) == tf.float32 else tf.as_dtype(value)
                arguments[one.name] = value.decode() if isinstance(value, bytes) else value
        taken = [name for name in inspect.signature(function).parameters if name != "name"]
        others = iter([name for name in taken if name not in arguments])  # What Python calls them.
        arguments = {
            name if name in taken else next(others): one for name, one in arguments.items()
            if name in taken or any(name == given.name for given in inputs)
        }  # fmt: skip
        found = function(**arguments)
        return list(found) if isinstance(found, list | tuple) else [found]


def cast(value: np.ndarray, dtype: Any) -> Any:
    """Return numbers as a tensor: floats in a type, by the shortest decimals of float32."""
    if value.dtype.kind != "f":
        return tf.constant(value)
    if value.dtype == np.float32 and value.size < 65:
        value = np.array([float(str(one)) for one in value.ravel()]).reshape(value.shape)
    return tf.constant(value.astype(dtype.as_numpy_dtype))


def fused(said: Mapping[str, Any], x: Any, scale: Any, offset: Any, mean: Any, variance: Any) -> list[Any]:
    """Return what ``FusedBatchNormV3``, which computes in float32 alone, gives: y, and statistics as it keeps them.

    Args:
        said: attributes of the operation.
        x: (rows, height, width, channels), or with the channels ahead of the places.
        scale: of each channel.
        offset: of each channel.
        mean: that was kept, empty for none.
        variance: that was kept, over n - 1.
    """
    axes = [0, 2, 3] if said["data_format"] in (b"NCHW", "NCHW") else [0, 1, 2]
    channels = [1 if at in axes else -1 for at in range(4)]
    share = decimal_of(float(said["exponential_avg_factor"]))
    if not said["is_training"]:
        seen, used = [mean, variance], [mean, variance]
    else:
        used = list(tf.nn.moments(x, axes))
        n = tf.cast(tf.size(x) / tf.size(used[0]), x.dtype)
        seen = [used[0], used[1] * n / (n - 1.0)]
        if share != 1.0:
            seen = [share * new + (1.0 - share) * old for new, old in zip(seen, (mean, variance), strict=True)]
    given = [tf.reshape(one, channels) for one in (*used, offset, scale)]
    return [tf.nn.batch_normalization(x, *given, decimal_of(float(said["epsilon"]))), *seen]
