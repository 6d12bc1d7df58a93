"""A recorded program as one that keeps the contract of a side's program (docs/own-program.md)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import tensorflow as tf

from parity.frameworks.tensorflow.driver.clips import clipping
from parity.frameworks.tensorflow.driver.norm import Norm
from parity.frameworks.tensorflow.driver.norms import moves_of
from parity.frameworks.tensorflow.driver.replay import TapeReplay
from parity.frameworks.tensorflow.driver.seen import Recorded
from parity.frameworks.tensorflow.driver.told_rates import at_rates
from parity.frameworks.tensorflow.driver.wide import set_float_type_of_keras


def contract_of(seen: Recorded) -> dict[str, Any]:
    """Return the parts of the contract, made of what a program was seen to do.

    Args:
        seen: of the program.
    """
    made: dict[str, Any] = {}

    def build_model(dtype: Any) -> Any:
        if "keras" in sys.modules:
            set_float_type_of_keras(dtype.name)
        made["model"] = _Model(seen, dtype)
        return made["model"]

    def build_loss() -> Callable[..., Any]:
        return lambda targets, outputs: made["model"].loss(targets, outputs)

    def build_optimizer(model: Any) -> Any:
        optimizer = seen.steps[-1].optimizer
        if optimizer is None:
            return _Update(seen, model)
        found = type(optimizer).from_config(at_rates(seen.exact(optimizer.get_config()), seen.set_rates))
        handles = {id(one): handle for handle, one in model._replay.variables.items()}
        by_handle = seen.gradients()
        return clipping(found, seen.clipped, model._replay, lambda one: by_handle[handles[id(one)]])

    return {"build_model": build_model, "build_loss": build_loss, "build_optimizer": build_optimizer}


class _Model(tf.Module):  # type: ignore[misc]
    """A program's operations from the rows to the outputs.

    Args:
        seen: of the program.
        dtype: that is computed in.
    """

    def __init__(self, seen: Recorded, dtype: Any) -> None:
        super().__init__()
        self._seen, self.dtype = seen, dtype
        self.order: tuple[int, ...] = ()  # Of its inputs, the numbers of those that it is given.
        by_handle: dict[int, Any] = {}
        for handle, name in seen.attributes().items():
            by_handle[handle] = _started(seen, handle, dtype, trainable=handle in seen.trained, name=name)
            setattr(self, name, by_handle[handle])
        settled = {id(one.last): partial(self._settled, one) for one in seen.norms}
        self._replay = TapeReplay(seen.chain, by_handle, dtype, settled)
        self._moves = list(moves_of(seen.norms))
        self._same = {id(one): id(seen.same_rows(one)) for one in seen.rows_like(seen.graph.operations)}
        self._of_loss = seen.chain.needed(seen.loss, but=seen.graph.operations)

    def __call__(self, *rows: Any, training: bool = False) -> Any:
        seen = self._seen
        rows = tuple(rows[number] for number in self.order) if self.order else rows
        pairs = zip(seen.graph.reads, rows, strict=False)
        known = {id(one): tf.reshape(row, [-1]) if len(one.shape) == 1 else row for one, row in pairs}
        known |= {one: known[same] for one, same in self._same.items()}
        values = self._replay.run(seen.graph.operations, known, training)
        if training:  # Running statistics, wherever in its step the program moves them.
            self._replay.run(self._moves, values)
        return values[id(seen.found.outputs)]

    def _settled(self, norm: Norm, value: Callable[[Any], Any]) -> Any:
        return norm.settled(self._replay.variables, value(norm.x))

    def loss(self, targets: Any, outputs: Any) -> Any:
        """Return the loss of outputs, as the program computes it."""
        seen = self._seen
        given = seen.found.targets
        if targets.dtype != tf.as_dtype(given.dtype) and tf.as_dtype(given.dtype).is_integer:
            targets = tf.cast(targets, given.dtype)
        known = {id(seen.found.outputs): outputs, id(given): targets}
        return self._replay.run(self._of_loss, known)[id(seen.loss)]


def _started(seen: Recorded, handle: int, dtype: Any, **said: Any) -> Any:
    """Return a variable that starts as the program's of a handle does, where that is float32 in another type."""
    kind = seen.chain.variables[handle].dtype
    return tf.Variable(tf.cast(seen.start(handle), dtype if kind == tf.float32 else kind), **said)


class _Update(tf.Module):  # type: ignore[misc]
    """An update that a program writes out itself.

    Args:
        seen: of the program.
        model: whose variables it moves.
    """

    def __init__(self, seen: Recorded, model: _Model) -> None:
        super().__init__()
        self._seen, self._model, dtype = seen, model, model.dtype
        by_handle = dict(model._replay.variables)
        self.kept = []
        same = seen.same_update
        self._operations = seen.update(seen.steps[-1]) if same is None else same.operations
        self._counted = {} if same is None else same.counted
        self._carried = {} if same is None else same.carried
        for op in self._operations:
            for one in op.inputs:
                handle = id(one)
                if handle in seen.chain.variables and handle not in by_handle:
                    by_handle[handle] = _started(seen, handle, dtype, trainable=False)
                    self.kept.append(by_handle[handle])
        # In a list: a tf.Module sorts what a dict holds by its keys, which are other ones in every process.
        self._handed = [tf.Variable(tf.cast(one.start, dtype), trainable=False) for one in self._carried.values()]
        self._count = tf.Variable(0.0, dtype=dtype, trainable=False)
        self.kept += self._handed
        if self._counted:  # Set where a step begins from the state of another: by it the numbers of the count go.
            self.iterations = self._count
        self._replay = TapeReplay(seen.chain, by_handle, dtype)

    def apply_gradients(self, gradients: Any, variables: Any) -> None:
        """Move the variables as the program does."""
        seen, step = self._seen, self._seen.steps[-1]
        given = {id(variable): gradient for gradient, variable in zip(gradients, variables, strict=True)}
        known = {}
        for source, gradient in zip(step.sources, step.gradients, strict=True):
            handle = seen.handle_of(source)
            if gradient is not None and handle is not None:
                known[id(gradient)] = given[id(self._replay.variables[handle])]
        known |= {read: tf.convert_to_tensor(one) for read, one in zip(self._carried, self._handed, strict=True)}
        if self._counted:
            self._count.assign_add(1.0)
            known |= {read: one.at(tf.convert_to_tensor(self._count)) for read, one in self._counted.items()}
        values = self._replay.run(self._operations, known)
        for one, kept in zip(self._carried.values(), self._handed, strict=True):
            kept.assign(values[id(one.made)])
