"""What a Keras model computes, call by call: the graph of a functional one, of any other what a symbolic call shows.

A layer that is a program's own, and a model in a model, is gone into: what stands in the graph are Keras's layers and
operations.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from parity.frameworks.keras.driver.words import attributes, configured, name_of, operation_name, owns, word
from parity.run.told import ToldInput, ToldNode, ToldRefusal

AUTOMATIC = re.compile(r"(keras_tensor|input_layer|inputs?)(_\d+)?")
"""Names of inputs that nobody chose."""


class UntoldError(Exception):
    """A model cannot be told; carries what stands in the way."""

    def __init__(self, refusal: ToldRefusal) -> None:
        super().__init__(refusal.what)
        self.refusal = refusal


class Telling:
    """A model, told.

    Args:
        model: of Keras.
        rows: arrays that it is given, in order or by name; None where there are none.

    ``given_as`` has, by what the rows are called, the input that they are.
    """

    def __init__(self, model: Any, rows: Any) -> None:
        self.inputs: list[ToldInput] = []
        self.nodes: list[ToldNode] = []
        self.outputs: list[tuple[str, str]] = []
        self.refused: list[ToldRefusal] = []
        self.given_as: dict[str, str] = {}
        self._values: dict[int, str] = {}
        self._kept: list[Any] = []  # Tensors whose ids stand above.
        self._first: dict[int, str] = {}
        self._taken: set[str] = set()
        try:
            self._tell(model, rows)
        except UntoldError as error:
            self.refused.append(error.refusal)

    def _tell(self, model: Any, rows: Any) -> None:
        function = functional_of(model, rows)
        if function is not None:
            ends = self._ends(function._outputs_struct, getattr(model, "output_names", None))
            tensors, graph = list(function.inputs), function
        else:
            tensors, given = self._given(model, rows)
            graph, struct = self._traced(model, given, {}, tensors)
            ends = self._ends(struct, None)
        for number, tensor in enumerate(tensors):
            name = tensor.name if len(tensors) > 1 or not AUTOMATIC.fullmatch(tensor.name) else "input"
            shape = list(tensor.shape[1:])
            array = _row(rows, number, tensor.name)
            if array is not None and len(array.shape) - 1 == len(shape):
                shape = list(array.shape[1:])
            if any(size is None for size in shape):
                what = f"input {name!r} of shape {tuple(tensor.shape)}"
                raise UntoldError(ToldRefusal(what=what, needs="rows to see its sizes by"))
            self.inputs.append(ToldInput(name=name, shape=[int(size) for size in shape]))
            self._know(tensor, name)
            self._taken.add(name)
        self._walk(graph)
        self.outputs = [(name, self._values[id(tensor)]) for name, tensor in ends]

    @staticmethod
    def _ends(struct: Any, names: Sequence[str] | None) -> list[tuple[str, Any]]:
        """Return the outputs by what losses and targets call them."""
        if isinstance(struct, Mapping):
            return [(str(name), one) for name, one in struct.items()]
        flat = keras.tree.flatten(struct)
        known = names if names is not None and len(names) == len(flat) else [
            "output" if len(flat) == 1 else f"output_{number}" for number in range(1, len(flat) + 1)
        ]  # fmt: skip
        return list(zip(map(str, known), flat, strict=True))

    @staticmethod
    def _given(model: Any, rows: Any) -> tuple[list[Any], Any]:
        """Return symbolic rows for a model that does not say what it reads, flat and as it is called with them."""
        if rows is None:
            what = f"the input of {type(model).__name__}, which does not say it,"
            raise UntoldError(ToldRefusal(what=what, needs="rows to see it by"))

        def symbolic(name: str, array: np.ndarray) -> Any:
            kind = keras.config.floatx() if array.dtype.kind == "f" else str(array.dtype)
            return keras.Input(array.shape[1:], dtype=kind, name=name)

        if isinstance(rows, Mapping):
            found = {name: symbolic(name, one) for name, one in rows.items()}
            return list(found.values()), found
        several = [symbolic("input" if len(rows) == 1 else f"input_{n}", one) for n, one in enumerate(rows, 1)]
        return several, several[0] if len(several) == 1 else several

    def _traced(
        self, layer: Any, given: Any, more: Mapping[str, Any], tensors: Sequence[Any]
    ) -> tuple[Any, Any]:  # fmt: skip
        """Return the graph of a layer's own ``call``, and what it returns.

        Args:
            layer: of a program's own.
            given: its first argument, symbolic.
            more: the others.
            tensors: every symbolic tensor among these.
        """
        graphs = []
        modes = (True, False) if "training" in inspect.signature(layer.call).parameters else (None,)
        for mode in modes:
            said = {**more, **({} if mode is None else {"training": mode})}
            try:
                struct = layer.call(given, **said)
                graphs.append((keras.Function(list(tensors), struct), struct))
            except Exception as error:
                what = f"{type(layer).__name__}.call, which cannot be traced ({_line(error)}),"
                needs = "a call that is the same whatever the numbers are"
                raise UntoldError(ToldRefusal(what=what, place=_defined(layer), needs=needs)) from error
        first = [operation_name(node.operation) for node in _nodes(graphs[0][0])]
        if any([operation_name(node.operation) for node in _nodes(one)] != first for one, _ in graphs[1:]):
            raise UntoldError(ToldRefusal(
                what=f"{type(layer).__name__}.call, which computes something else in training,",
                place=_defined(layer), needs="layers that know themselves what they do in training"))  # fmt: skip
        if len(graphs) > 1:
            self._check_modes([_nodes(one) for one, _ in graphs])
        elif modes == (None,):
            self._check_modes([_nodes(graphs[0][0])] * 2)
        return graphs[0]

    def _check_modes(self, runs: Sequence[Sequence[Any]]) -> None:
        """Refuse layers that are told one mode whatever the model's is."""
        for one, other in zip(*runs, strict=True):
            said = {node.arguments.kwargs.get("training") for node in (one, other)}
            if len(said) == 1 and said != {None} and _draws_or_counts(one.operation):
                self.refused.append(ToldRefusal(
                    what=f"layer {one.operation.name!r}, always called with training={said.pop()},",
                    place=place_of(one.operation), needs="a field that holds a layer in one mode"))  # fmt: skip

    def _know(self, tensor: Any, name: str) -> None:
        self._values[id(tensor)] = name
        self._kept.append(tensor)

    def _walk(self, graph: Any) -> None:
        """Tell every call of a graph; what its inputs are is known."""
        for node in _nodes(graph):
            operation = node.operation
            kind = name_of(type(operation))
            inside = isinstance(operation, keras.Model) or (kind is None and isinstance(operation, keras.Layer))
            if inside:
                self._inline(node)
            else:
                self._node(node, kind)

    def _inline(self, node: Any) -> None:
        """Tell what a layer of a program's own, or a model in the model, does in one call."""
        operation, tensors = node.operation, node.input_tensors
        fresh = {
            id(one): keras.KerasTensor(one.shape, dtype=one.dtype, name=f"inside_{n}") for n, one in enumerate(tensors)
        }
        inner = functional_of(operation, None)
        if inner is not None:
            for mine, theirs in zip(inner.inputs, tensors, strict=True):
                self._know(mine, self._values[id(theirs)])
            self._walk(inner)
            ends = inner.outputs
        else:
            for one in tensors:
                self._know(fresh[id(one)], self._values[id(one)])
            exchange = lambda one: fresh.get(id(one), one)  # noqa: E731
            arguments = keras.tree.map_structure(exchange, node.arguments.args)
            more = keras.tree.map_structure(exchange, node.arguments.kwargs)
            bound = inspect.signature(operation.call).bind(*arguments, **more).arguments
            first, *_ = bound
            given = bound.pop(first)
            bound.pop("training", None)
            graph, struct = self._traced(operation, given, bound, list(fresh.values()))
            self._walk(graph)
            ends = keras.tree.flatten(struct)
        for mine, inside in zip(node.output_tensors, ends, strict=True):
            self._know(mine, self._values[id(inside)])

    def _node(self, node: Any, kind: str | None) -> None:
        operation, tensors = node.operation, read_by(node)
        reads = [self._values[id(one)] for one in tensors]
        if isinstance(operation, keras.Layer):
            part = self._configured(str(kind), operation)
            called = _called(operation, node)
            shared, trainable = bool(operation.weights), bool(operation.trainable)
        else:
            name = operation_name(operation)
            part = {
                "part": name,
                "arguments": attributes(operation),
                "own": owns(name.replace(".ops.", ".activations.")),
            }
            called, shared, trainable = _operands(node), False, True
        function = not isinstance(operation, keras.Layer)
        name = self._free(operation.name)
        first = self._first.setdefault(id(operation), name) if shared else name
        self._kept.append(operation)
        self.nodes.append(ToldNode(
            name=name, reads=reads, shape=_sizes(node.output_tensors[0]),
            read_shapes=[_sizes(one) for one in tensors], layer=first, trainable=trainable or not shared,
            called=called, place=place_of(operation), function=function, **part,
        ))  # fmt: skip
        self._know(node.output_tensors[0], name)
        for number, tensor in enumerate(node.output_tensors[1:], 1):
            self._know(tensor, f"{name}[{number}]")

    @staticmethod
    def _configured(kind: str, layer: Any) -> dict[str, Any]:
        try:
            return configured(kind, layer)
        except Exception as error:
            what = f"layer {layer.name!r} ({kind}), whose configuration cannot be told ({_line(error)}),"
            raise UntoldError(ToldRefusal(what=what, place=place_of(layer))) from error

    def _free(self, name: str) -> str:
        found, number = name, 0
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found


def functional_of(model: Any, rows: Any) -> Any:
    """Return the functional model that a model is, or has made of its layers; None where it is none."""
    if isinstance(model, keras.Sequential):
        if not model.built and rows is not None and not isinstance(rows, Mapping):
            model.build((None, *rows[0].shape[1:]))
        return getattr(model, "_functional", None)
    own = type(model).call is not keras.src.models.functional.Functional.call
    return model if isinstance(model, keras.src.models.functional.Functional) and not own else None


def _row(rows: Any, number: int, name: str) -> np.ndarray | None:
    if isinstance(rows, Mapping):
        return rows.get(name)
    return rows[number] if rows is not None and number < len(rows) else None


def _nodes(graph: Any) -> list[Any]:
    """Return the calls of a graph, each behind what it reads."""
    depths = sorted(graph._nodes_by_depth, reverse=True)
    return [node for depth in depths for node in graph._nodes_by_depth[depth] if node.operation and not node.is_input]


def read_by(node: Any) -> list[Any]:
    """Return the tensors that a call reads, without the masks that they carry from layer to layer by themselves."""
    carried = _carried(node)
    return [one for one in node.input_tensors if id(one) not in carried]


def _carried(node: Any) -> set[int]:
    """Return the masks that a call is given because its tensors carry them, by their identity."""
    masks = [keras.src.backend.get_keras_mask(one) for one in node.input_tensors]
    return {id(one) for one in masks if one is not None}


def _places(node: Any) -> Any:
    """Return what makes a tensor its number among those that a call reads, and anything else a word."""
    numbers = {id(one): number for number, one in enumerate(read_by(node))}

    def told_as(one: Any) -> Any:
        if isinstance(one, keras.KerasTensor):
            return {"tensor": numbers[id(one)]}
        if isinstance(one, keras.Variable):
            return {"part": "a variable", "arguments": {"shape": list(one.shape)}, "own": {}}
        return word(one)

    return told_as


def _operands(node: Any) -> dict[str, Any]:
    """Return what an operation was called with, where that is more than tensors in their order."""
    told_as = _places(node)
    given = [keras.tree.map_structure(told_as, one) for one in node.arguments.args]
    more = {name: keras.tree.map_structure(told_as, one) for name, one in node.arguments.kwargs.items()}
    plain = [{"tensor": number} for number in range(len(node.input_tensors))]
    if not more and given in (plain, [plain]):
        return {}
    return {"operands": given, **more}


def _called(layer: Any, node: Any) -> dict[str, Any]:
    """Return what a layer was called with beside what it reads, by argument; ``training`` follows the model."""
    signature, told_as, carried = inspect.signature(layer.call), _places(node), _carried(node)
    bound = signature.bind(*node.arguments.args, **node.arguments.kwargs).arguments
    plain = [{"tensor": number} for number in range(len(read_by(node)))]
    found = {}
    for number, (name, one) in enumerate(bound.items()):
        if name.endswith("mask") and all(id(mask) in carried for mask in keras.tree.flatten(one) if mask is not None):
            continue
        said = keras.tree.map_structure(told_as, one)
        if name == "training" or (number == 0 and said in (plain, plain[0], tuple(plain))):
            continue
        if said != signature.parameters[name].default:
            found[name] = said
    return found


def _sizes(tensor: Any) -> list[Any]:
    return [None if size is None else int(size) for size in tensor.shape[1:]]


def _draws_or_counts(operation: Any) -> bool:
    """Return whether a layer does something else in training."""
    return isinstance(operation, keras.layers.BatchNormalization) or any(
        hasattr(operation, name) for name in ("rate", "stddev", "dropout", "seed_generator")
    )


def place_of(operation: Any) -> str:
    """Return the line of the program that made a layer or an operation; empty where that is not known."""
    return str(getattr(operation, "_parity_place", ""))


def _defined(layer: Any) -> str:
    code = type(layer).call.__code__
    return f"{os.path.basename(code.co_filename)}, line {code.co_firstlineno}"


def _line(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said[:160]}"
