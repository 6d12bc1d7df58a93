"""What a Keras model computes, call by call, in training and in evaluation, which must be the same.

What stands in the graph are Keras's layers and operations (:mod:`parity.frameworks.keras.driver.tracing`).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from parity.frameworks.keras.driver.adapted import numbers_of
from parity.frameworks.keras.driver.called import called_with, masks_carried, operands_of
from parity.frameworks.keras.driver.own_layers import (
    about,
    added_to_loss,
    call_names,
    class_name,
    layers_called,
    told_calls,
)
from parity.frameworks.keras.driver.tied import tied_product
from parity.frameworks.keras.driver.tracing import Trace, UntoldError, is_entered, line_of, place_of_call
from parity.frameworks.keras.driver.words import attributes, bare, configured, name_of, operation_name, owns
from parity.free_names import FreeNames, free_name
from parity.run.told import ToldCall, ToldInput, ToldNode, ToldRefusal

AUTOMATIC = re.compile(r"(keras_tensor|input_layer|inputs?)(_\d+)?")
"""Names of inputs that nobody chose."""

AMOUNTS = ("rate", "stddev", "dropout", "recurrent_dropout", "_dropout")
"""Attributes of layers that draw in training, and how much they draw: at 0 their mode changes nothing."""


class Telling:
    """A model, told.

    Args:
        model: of Keras.
        rows: arrays that it is given, in order or by name; None where there are none.

    ``given_as`` has, by what the rows may be called, the input that they are; ``output_masks`` whether each output
    carries a mask, ``by_key`` whether outputs are a dict; ``calls`` are those of layers of the program's own, ``added``
    what these add to the loss (:func:`~parity.frameworks.keras.driver.own_layers.added_to_loss`). ``layers`` has the
    layer of each call and node that is one's.
    """

    def __init__(self, model: Any, rows: Any) -> None:
        self.inputs: list[ToldInput] = []
        self.nodes: list[ToldNode] = []
        self.outputs: list[tuple[str, str]] = []
        self.output_masks: list[bool] = []
        self.by_key = False
        self.calls: list[ToldCall] = []
        self.layers: dict[str, Any] = {}
        self.added: tuple[str, str, list[str]] = ("", "", [])
        self.refused: list[ToldRefusal] = []
        self.given_as: dict[str, str] = {}
        try:
            self._tell(model, rows)
        except UntoldError as error:
            self.refused.append(error.refusal)

    def _tell(self, model: Any, rows: Any) -> None:
        struct = _inputs_of(model, rows)
        names, given = self._name_inputs(struct, rows)
        traces, told = self._traced(model, given, names)
        self.inputs = [
            ToldInput(name=name, shape=[int(size) for size in one.shape[1:]], whole="int" in str(one.dtype))
            for name, one in zip(names, keras.tree.flatten(given), strict=True)
        ]
        kept = {id(one) for one in model.weights}
        for node in traces[0].nodes:
            operation = node.operation
            if isinstance(operation, keras.Layer) and any(id(one) not in kept for one in operation.weights):
                place = place_of(operation) or place_of_call(traces[0].seen(node).within or model)
                what = f"layer {operation.name!r}, whose weights are none of the model's,"
                needs = "a layer that the model keeps and trains"
                self.refused.append(ToldRefusal(what=what, place=place, needs=needs))
        self.nodes, self.calls = told[0].nodes, told_calls(traces[0], told[0].values, call_names(traces[0]))
        self.layers = {**told[0].layers, **layers_called(traces[0])}
        self.added = added_to_loss(traces[0], told[0].values)
        self.outputs = [(name, told[0].values[id(one)]) for name, one in _ends(model, traces[0].outputs)]
        self.by_key = isinstance(traces[0].outputs, Mapping)
        self.output_masks = [id(one) in traces[0].masks for one in keras.tree.flatten(traces[0].outputs)]

    def _traced(self, model: Any, given: Any, names: Sequence[str]) -> tuple[list[Trace], list[Calls]]:
        """Return the model in training and in evaluation, told.

        A layer of the program's own that does something else in training is not gone into.

        Raises:
            UntoldError: when the model itself does.
        """
        closed: dict[int, str] = {}
        while True:
            traces = [Trace(model, given, mode, closed) for mode in (True, False)]
            told = [Calls(one, names) for one in traces]
            owner = self._compare(model, traces, told)
            if owner is None:
                return traces, told
            closed[id(owner)] = "it computes something else in training"

    def _name_inputs(self, struct: Any, rows: Any) -> tuple[list[str], Any]:
        """Return the names of the inputs, in order, and symbolic rows of known sizes in the structure of a call.

        Raises:
            UntoldError: when a size is not known.
        """
        flat = keras.tree.flatten(struct)
        keys = keras.tree.flatten({key: key for key in struct}) if isinstance(struct, Mapping) else [None] * len(flat)
        names, made = [], []
        for number, (tensor, key) in enumerate(zip(flat, keys, strict=True)):
            name = tensor.name if len(flat) > 1 or not AUTOMATIC.fullmatch(tensor.name) else "input"
            shape = list(tensor.shape[1:])
            array = _row(rows, number, (key, tensor.name))
            if array is not None and len(array.shape) - 1 == len(shape):
                shape = list(array.shape[1:])
            if any(size is None for size in shape):
                what = f"input {name!r} of shape {tuple(tensor.shape)}"
                raise UntoldError(ToldRefusal(what=what, needs="rows to see its sizes by"))
            names.append(name)
            made.append(keras.Input(shape, dtype=tensor.dtype))
            self.given_as |= {str(one): name for one in (tensor.name, key) if one is not None}
        return names, keras.tree.pack_sequence_as(struct, made)

    def _compare(self, model: Any, traces: Sequence[Trace], told: Sequence[Calls]) -> Any:
        """Refuse what is another model in training than in evaluation, and layers that are held in one mode.

        Returns:
            a layer of the program's own that is the reason, which need not be gone into; None where there is none.

        Raises:
            UntoldError: when the two are different calls.
        """
        trained, evaluated = ([_by_number(one.nodes, node) for node in one.nodes] for one in told)
        apart = next((n for n, pair in enumerate(zip(trained, evaluated, strict=False)) if pair[0] != pair[1]), None)
        if apart is None and len(trained) != len(evaluated):
            apart = min(len(trained), len(evaluated))
        ends = [
            [_number(one.nodes, one.values[id(end)]) for end in keras.tree.flatten(trace.outputs)]
            for one, trace in zip(told, traces, strict=True)
        ]
        if apart is None and ends[0] != ends[1]:
            apart = len(trained)
        if apart is not None:
            own = next((layer for one in traces if (layer := _own_layer(one, apart)) is not None), None)
            if own is not None:
                return own
            longer = max(traces, key=lambda one: len(one.nodes))
            within = longer.seen(longer.nodes[apart]).within if apart < len(longer.nodes) else None
            owner = model if within is None else within
            raise UntoldError(ToldRefusal(
                what=f"{type(owner).__name__}.call, which computes something else in training,",
                place=place_of_call(owner), needs="layers that know themselves what they do in training"))  # fmt: skip
        for number, pair in enumerate(zip(*(one.nodes for one in traces), strict=True)):
            modes = [bool(trace.seen(node).mode) for trace, node in zip(traces, pair, strict=True)]
            operation = pair[0].operation
            if modes == [True, False] or not _minds_mode(operation):
                continue
            if modes == [False, False] and isinstance(operation, keras.layers.BatchNormalization):
                told[0].nodes[number].called["training"] = False
                continue
            held = f"always called with training={modes[0]}" if modes[0] == modes[1] else "called in the other mode"
            self.refused.append(ToldRefusal(
                what=f"layer {operation.name!r}, {held},", place=place_of(operation),
                needs="a field that holds a layer in one mode"))  # fmt: skip
        return None


class Calls:
    """The calls of a trace, told.

    Args:
        trace: of a model.
        names: of its inputs.

    ``values`` has the name of each tensor by its identity.

    Raises:
        UntoldError: when one cannot be.
    """

    def __init__(self, trace: Trace, names: Sequence[str]) -> None:
        self.nodes: list[ToldNode] = []
        self.values: dict[int, str] = {}
        self._kept: list[Any] = []  # What stands above by its identity.
        self._first: dict[int, str] = {}
        self._free = FreeNames(names)
        self._trace, self._calls = trace, call_names(trace)
        self.layers: dict[str, Any] = {}
        for tensor, name in zip(trace.inputs, names, strict=True):
            self._know(tensor, name)
        operations = {id(node.operation): node.operation for node in trace.nodes}
        self._own = {key: self._free.take(one.name) for key, one in operations.items()}  # Of its first call.
        for node in trace.nodes:
            self._node(node)

    def _know(self, tensor: Any, name: str) -> None:
        self.values[id(tensor)] = name
        self._kept.append(tensor)

    def _node(self, node: Any) -> None:
        operation, seen, table = node.operation, self._trace.seen(node), self._trace.places.added(node)
        if table is not None:  # What it adds are rows of its own: the two are one layer.
            self._own[id(table)] = self._free.take(table.name)
            operation = table
        tied, called = tied_product(node, self.layers), dict[str, Any]()
        is_layer = isinstance(operation, keras.Layer)
        carried = masks_carried(operation, node, seen.masks.values()) if is_layer and table is None else set()
        tensors = [one for one in node.input_tensors if id(one) not in carried]
        if table is not None:
            part, called = _configured(table), {}
            part["arguments"]["places"] = True
        elif tied is not None:
            part = tied[0]
        elif is_layer:
            part = bare(class_name(operation)) if is_entered(operation) else _configured(operation)
            called = called_with(operation, node, tensors, carried)
        else:
            name = operation_name(operation)
            own = owns(name.replace(".ops.", ".activations."))
            part = {"part": name, "arguments": attributes(operation), "own": own}
            called = operands_of(node, tensors)
        shared = is_layer and bool(operation.weights)
        name = self._own.pop(id(operation), "") or self._free.take(operation.name)
        first = self._first.setdefault(id(operation), name) if shared else name
        self._kept.append(operation)
        if is_layer:
            self.layers[name] = operation
        self.nodes.append(ToldNode(
            name=name, reads=[self.values[id(one)] for one in tensors], shape=_sizes(node.output_tensors[0]),
            read_shapes=[_sizes(one) for one in tensors], read_masks=[id(one) in seen.masks for one in tensors],
            layer=first, trainable=not shared or bool(operation.trainable), called=called, place=place_of(operation),
            function=not is_layer, **about(self._trace, node, seen, self._calls), **part,
        ))  # fmt: skip
        if tied is not None:
            self.nodes[-1].tied, self.nodes[-1].path = {"kernel": tied[1]}, ""
        self._know(node.output_tensors[0], name)
        for number, tensor in enumerate(node.output_tensors[1:], 1):
            self._know(tensor, f"{name}[{number}]")


def _own_layer(trace: Trace, number: int) -> Any:
    """Return the innermost layer of the program's own that a call is of, or stands in; not one that is kept whole."""
    if number >= len(trace.nodes):
        return None
    node = trace.nodes[number]
    layers = [*(call.layer for call in trace.seen(node).stack), node.operation]
    own = [one for one in layers if one is not trace.model and is_entered(one) and name_of(type(one)) is None]
    return next((one for one in reversed(own) if not trace.closes(one)), None)


def _inputs_of(model: Any, rows: Any) -> Any:
    """Return what a model is called with, symbolic: its own inputs, or what the rows are for one that says none.

    Raises:
        UntoldError: when neither is there.
    """
    if isinstance(model, keras.Sequential) and not model.built and rows is not None and not isinstance(rows, Mapping):
        model.build((None, *rows[0].shape[1:]))
    functional = getattr(model, "_functional", None) or model
    if isinstance(functional, keras.src.models.functional.Functional):
        return functional._inputs_struct
    if rows is None:
        what = f"the input of {type(model).__name__}, which does not say it,"
        raise UntoldError(ToldRefusal(what=what, needs="rows to see it by"))

    def symbolic(name: str, array: np.ndarray) -> Any:
        kind = keras.config.floatx() if array.dtype.kind == "f" else str(array.dtype)
        return keras.Input(array.shape[1:], dtype=kind, name=name)

    if isinstance(rows, Mapping):
        return {name: symbolic(name, one) for name, one in rows.items()}
    several = [symbolic("input" if len(rows) == 1 else f"input_{n}", one) for n, one in enumerate(rows, 1)]
    return several[0] if len(several) == 1 else several


def _ends(model: Any, struct: Any) -> list[tuple[str, Any]]:
    """Return the outputs by what losses and targets call them."""
    flat = keras.tree.flatten(struct)
    if isinstance(struct, Mapping):
        names = keras.tree.flatten({name: name for name in struct})
    else:
        names = getattr(model, "output_names", None) or []
    if len(names) != len(flat):
        names = ["output"] if len(flat) == 1 else [f"output_{number}" for number in range(1, len(flat) + 1)]
    found: dict[str, Any] = {}
    for name, one in zip(map(str, names), flat, strict=True):
        found[free_name(name, found)] = one
    return list(found.items())


def _row(rows: Any, number: int, names: Sequence[str | None]) -> np.ndarray | None:
    if isinstance(rows, Mapping):
        return next((rows[name] for name in names if name in rows), None)
    return rows[number] if rows is not None and number < len(rows) else None


def _by_number(nodes: Sequence[ToldNode], node: ToldNode) -> ToldNode:
    """Return a call with the numbers of calls in place of their names, which are others in each trace."""
    reads = [_number(nodes, one) for one in node.reads]
    return replace(node, name="", layer=_number(nodes, node.layer), reads=reads, place="", random=[])


def _number(nodes: Sequence[ToldNode], name: str) -> str:
    call, bracket, end = name.partition("[")
    number = next((str(number) for number, node in enumerate(nodes) if node.name == call), call)
    return f"{number}{bracket}{end}"


def _configured(layer: Any) -> dict[str, Any]:
    kind = str(name_of(type(layer)))
    try:
        found = configured(kind, layer)
    except Exception as error:
        what = f"layer {layer.name!r} ({kind}), whose configuration cannot be told ({line_of(error)}),"
        raise UntoldError(ToldRefusal(what=what, place=place_of(layer))) from error
    found["arguments"] |= numbers_of(layer)
    return found


def _sizes(tensor: Any) -> list[Any]:
    return [None if size is None else int(size) for size in tensor.shape[1:]]


def _minds_mode(operation: Any) -> bool:
    """Return whether a layer does something else in training: it is told, and counts or draws."""
    if not isinstance(operation, keras.Layer):
        return False
    every = [*operation._flatten_layers()]
    if not any("training" in inspect.signature(one.call).parameters for one in every):
        return False
    if any(isinstance(one, keras.layers.BatchNormalization) for one in every):
        return True
    return any(getattr(one, name, 0) > 0 for one in every for name in AMOUNTS)


def place_of(operation: Any) -> str:
    """Return the line of the program that made a layer or an operation; empty where that is not known."""
    return str(getattr(operation, "_parity_place", ""))
