"""What a recorded program is: loss, layers, rows, what its variables start at, and how they are moved."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import tensorflow as tf

from parity.frameworks.tensorflow.driver.chain import BRINGS, READS, OperationChain, number_of
from parity.frameworks.tensorflow.driver.clips import clipped_in
from parity.frameworks.tensorflow.driver.counted import RateTable
from parity.frameworks.tensorflow.driver.norm import Norm
from parity.frameworks.tensorflow.driver.norms import norms_in
from parity.frameworks.tensorflow.driver.recording import BEHIND_DRAWS, DRAWS, Recorder
from parity.frameworks.tensorflow.driver.replay import ASSIGNS
from parity.frameworks.tensorflow.driver.same_update import SameUpdate, same_update
from parity.frameworks.tensorflow.driver.taped import TapedOperation, TapedStep
from parity.frameworks.tensorflow.driver.told_graph import TapedGraph
from parity.frameworks.tensorflow.driver.told_loss import loss_of
from parity.frameworks.tensorflow.driver.told_rates import set_rates
from parity.frameworks.tensorflow.driver.told_rows import HeldByProgram, RowsOfLoop, rows_of
from parity.run.decimals import decimal_of
from parity.run.told import ToldRefusal

FAMILIES = {"RandomStandardNormal": "normal", "StatelessRandomNormalV2": "normal", "RandomUniform": "uniform",
            "StatelessRandomUniformV2": "uniform", "TruncatedNormal": "truncated_normal",
            "StatelessTruncatedNormalV2": "truncated_normal"}  # fmt: skip


class Recorded:
    """A recorded program.

    Args:
        recorder: of it.
        held: what it held when it was stopped.
        names: of variables, by their handles.

    Raises:
        UnreadLossError: when its loss is none that is read.
    """

    def __init__(self, recorder: Recorder, held: HeldByProgram, names: Mapping[int, str]) -> None:
        self.recorder, self.names = recorder, names
        self.steps = recorder.steps
        number = min(1, len(self.steps) - 1)
        before = self.steps[number - 1].after if number else []
        self.step = self.steps[number]
        self.loss = self.step.loss
        self.chain = OperationChain([*before, *self.step.taped], recorder.variables)
        moved = self.step.sources if self.steps[-1].optimizer is None else self.steps[-1].applied[1]
        self.trained = {handle for one in moved if (handle := self.handle_of(one)) is not None}
        self.clipped = clipped_in(self.steps[-1])
        self.refused: list[ToldRefusal] = []
        self.chain.rows = self._rows()
        self.found = loss_of(self.chain, self.loss)
        self.of_keras = self._call_of_keras()
        self.norms: list[Norm] = []
        if self.of_keras is None:
            self.norms = self._norms([*before, *self.step.taped, *self.step.after])
            self.graph = TapedGraph(
                self.chain, self.found.outputs, self.names, self.trained, self.found.penalties, self.norms
            )
            reads = self.graph.reads
        else:
            reads = [one for one in self.of_keras.inputs if not self.handle_of(one)]
        self.batches = [number_of(one) for one in (*reads, self.found.targets)]
        self.rows: RowsOfLoop = rows_of(self.batches, held)

    def unsteady(self) -> TapedOperation | None:
        """Return an operation of the step that is another one in another step, or has other numbers; None for none."""
        made = {id(out) for step in self.steps for op in step.taped for out in op.outputs}
        for other in self.steps:
            if len(other.taped) != len(self.step.taped):
                return self.step.taped[-1]
            for mine, theirs in zip(self.step.taped, other.taped, strict=True):
                if mine.kind != theirs.kind or _written(mine, made) != _written(theirs, made):
                    return mine
        return None

    @cached_property
    def same_update(self) -> SameUpdate | None:
        """Return the update that is written out, where it is one for all steps."""
        return same_update(self)

    @cached_property
    def set_rates(self) -> RateTable | str | None:
        """Return the rates that the program sets of its optimizer, or where it does so."""
        return set_rates(self)

    def _norms(self, operations: Sequence[TapedOperation]) -> list[Norm]:
        """Return the batch norms between the rows and the outputs; what is behind the gradient may move theirs."""
        whole = OperationChain(operations, self.recorder.variables)
        whole.rows = self.chain.rows
        with self.recorder.quiet():
            return norms_in(whole, whole.needed(self.found.outputs), self.trained)

    def _call_of_keras(self) -> TapedOperation | None:
        """Return the call of a model of Keras's that gives the outputs of rows as they come; None where none does."""
        op = self.chain.producer(self.found.outputs)
        if op is None or op.kind != "keras.Layer" or op.call is None or not hasattr(op.call[1][0], "fit"):
            return None
        return op if op.inputs and all(self.chain.brought(one) for one in op.inputs) else None

    def handle_of(self, source: Any) -> int | None:
        """Return the handle of a variable, Keras's or TensorFlow's."""
        value = getattr(source, "value", source)
        handle = getattr(source if hasattr(source, "handle") else value, "handle", None)
        return None if handle is None else id(handle)

    def _rows(self) -> int:
        """Return the rows of a batch: the length of most that the loss is made of and that was there before."""
        for op in reversed(self.chain.operations):
            shapes = [one.shape for one in (*op.inputs, *op.outputs) if hasattr(one, "shape") and len(one.shape)]
            reduces = op.kind in ("Mean", "Sum") and op.inputs[0].shape.rank and self.chain.trains(op.inputs[0])
            if reduces and self.chain.handle(op.inputs[0]) is None and not self._of_weights(op.inputs[0]):
                return int(op.inputs[0].shape[0])
            if op.kind.startswith("keras.") and len(shapes) > 0 and op.call is not None:
                return int(shapes[-1][0])
        return 0

    def _of_weights(self, tensor: Any) -> bool:
        """Return whether a tensor is made of variables and numbers alone."""
        for op in self.chain.needed(tensor):
            if op.kind in BRINGS:
                return False
            for one in op.inputs:
                before = self.chain.producer(one) is None and self.chain.handle(one) is None
                sizes = str(getattr(one.dtype, "name", one.dtype)) == "int32" and op.call is None  # Axes and shapes.
                if before and len(one.shape) and np.size(number_of(one)) > 1 and ("Gather" in op.kind or not sizes):
                    return False
        return True

    def attributes(self) -> dict[int, str]:
        """Return the variables of the model, and what each is called in it."""
        found: dict[int, str] = {}
        for layer, variables in self.graph.layers.items():
            for field, handle in variables.items():
                name = f"{layer}_{field.removesuffix('_initializer')}"
                found.setdefault(handle, re.sub(r"\W", "_", name))
        for op in (*self.graph.operations, *self.chain.needed(self.loss)):
            for one in op.inputs:
                if id(one) in self.chain.variables:
                    found.setdefault(id(one), f"more_{len(found)}")
        return found

    def gradients(self) -> dict[int, Any]:
        """Return the gradients of the last step, by the handles of their variables."""
        pairs = zip(self.steps[-1].sources, self.steps[-1].gradients, strict=True)
        return {handle: one for source, one in pairs if (handle := self.handle_of(source)) is not None}

    def start(self, handle: int) -> Any:
        """Return what a variable held before the first step."""
        return self.recorder.before.get(handle, self.recorder.starts.get(handle))

    def drawn(self, handle: int) -> tuple[str, float, float] | None:
        """Return family, middle and scale of the numbers that a variable starts at, where TensorFlow drew them."""
        tensor = self.recorder.starts.get(handle)
        scale, middle = 1.0, 0.0
        while tensor is not None:
            op = self.recorder.drawn.get(id(tensor))
            if op is None:
                return None
            if op.kind in DRAWS:
                family = FAMILIES[op.kind]
                if family == "uniform":  # From 0 to 1.
                    middle, scale = middle + scale / 2.0, scale / 2.0
                return family, middle, abs(scale)
            tensor, factor, offset = self._behind(op)
            if tensor is None:
                return None
            middle, scale = middle + scale * offset, scale * factor
        return None

    def _behind(self, op: TapedOperation) -> tuple[Any, float, float]:
        """Return what an operation changes, and by which factor and offset."""
        assert op.kind in BEHIND_DRAWS
        ahead = id(op.inputs[0]) in self.recorder.drawn
        drawn = op.inputs[0] if ahead else op.inputs[-1]
        if op.kind in ("Reshape", "Cast", "Identity", "Transpose"):
            return op.inputs[0], 1.0, 0.0
        if op.kind == "Neg":
            return op.inputs[0], -1.0, 0.0
        other = op.inputs[1] if ahead else op.inputs[0]
        if id(other) in self.recorder.drawn or np.size(number_of(other)) != 1:
            return None, 0.0, 0.0
        number = float(number_of(other))
        if op.kind == "Mul":
            return drawn, number, 0.0
        if op.kind == "RealDiv":
            return (drawn, 1.0 / number, 0.0) if ahead else (None, 0.0, 0.0)
        if op.kind == "Sub":
            return (drawn, 1.0, -number) if ahead else (drawn, -1.0, number)
        return drawn, 1.0, number

    def rows_like(self, operations: Sequence[TapedOperation]) -> list[Any]:
        """Return the tensors that rows come in as, wherever they do."""
        found = {id(one): one for op in operations for one in op.inputs if self.chain.brought(one)}
        return [one for one in found.values() if self.same_rows(one) is not None]

    def same_rows(self, tensor: Any) -> Any:
        """Return the input of the model that a tensor has the numbers of."""
        name = self.graph.values.get(id(tensor))
        return next((one for told, one in zip(self.graph.inputs, self.graph.reads, strict=True) if told.name == name),
                    None)  # fmt: skip

    def update(self, step: TapedStep, handles: Collection[int] | None = None) -> list[TapedOperation]:
        """Return the operations of a step behind its gradients that move variables.

        Args:
            step: of the program.
            handles: of these variables; None for all that are trained. What their assignments read is moved, too.
        """
        chain = OperationChain(step.after, self.chain.variables)
        assigns = [op for op in step.after if op.kind in ASSIGNS]
        moved, found = set(self.trained if handles is None else handles), set[int]()
        grown = True
        while grown:
            grown = False
            for op in assigns:
                if id(op.inputs[0]) in moved and id(op) not in found:
                    grown = True
                    needed = chain.needed(op.inputs[1])
                    found |= {id(op), *map(id, needed)}
                    moved |= {id(inner.inputs[0]) for inner in needed if inner.kind in READS}
        return [op for op in step.after if id(op) in found]

    def exact(self, config: Any) -> Any:
        """Return a configuration whose floats are the shortest decimals that float32 keeps as they are."""
        if isinstance(config, dict):
            return {name: self.exact(one) for name, one in config.items()}
        return decimal_of(config) if isinstance(config, float) else config


def changed_by_hand(seen: Recorded) -> list[ToldRefusal]:
    """Return what a program does to gradients or variables beside an optimizer of Keras's that moves these.

    Args:
        seen: of the program.
    """
    last, clipped, found = seen.steps[-1], seen.clipped, []
    given = {id(one): seen.handle_of(source) for one, source in zip(last.gradients, last.sources, strict=True)}
    pairs = [(one, seen.handle_of(variable)) for one, variable in zip(*last.applied, strict=False) if one is not None]
    if not clipped.why and any(given.get(id(clipped.before(one))) != handle for one, handle in pairs):
        what = "gradients that are not applied as tape.gradient gives them, each to its variable,"
        found.append(ToldRefusal(what=what, place=last.place, needs="an optimizer that does so"))
    assigns = (
        op for step in seen.steps for op in step.after if op.kind in ASSIGNS and id(op.inputs[0]) in seen.trained
    )
    for op in list(assigns)[:1]:
        name = seen.names.get(id(op.inputs[0]))
        what = f"a change of weights beside the steps of the optimizer{f' ({name})' if name else ''}"
        found.append(ToldRefusal(what=what, place=op.place, needs="weights that the optimizer alone moves"))
    return found


def _written(op: TapedOperation, made: Collection[int]) -> list[float]:
    """Return the single numbers that an operation is given as they are written, and not as another made them."""
    given = list(op.inputs) if op.call is None else tf.nest.flatten((list(op.call[1]), dict(op.call[2])))
    floats = [one for one in given if isinstance(one, float)]
    tensors = [one for one in given if tf.is_tensor(one) and one.dtype.is_floating and not len(one.shape)]
    return floats + [float(number_of(one)) for one in tensors if id(one) not in made]
