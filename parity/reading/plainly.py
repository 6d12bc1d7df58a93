"""Two programs' models in one form, so that what they write in two ways is no difference.

Channels last, and activations in the layer that they follow.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from parity.activations.linear import Linear
from parity.catalog import OPS
from parity.code import Layout, axes_of
from parity.compile.layout import ANY, Line, Walk
from parity.frameworks import frameworks
from parity.free_names import free_name
from parity.ops import ActivatedOp, Op
from parity.ops.activation import ActivationOp
from parity.ops.again import Again
from parity.ops.flatten import Flatten
from parity.ops.global_pooling import GlobalPooling
from parity.ops.merging import Merging
from parity.ops.opaque import Opaque
from parity.ops.permute import Permute
from parity.ops.pooling import AveragePooling, MaxPooling
from parity.ops.reshape import Reshape
from parity.ops.windows import lengths_of
from parity.spec.graph import Graph, Layer, graph_of, named
from parity.spec.sections import ModelSpec

WALKED = next(name for name, known in frameworks().items() if known.carries_masks)
"""Whose layers are asked how they can read a tensor; where tensors carry their masks, none is said."""


def channels_moved_last(model: ModelSpec) -> ModelSpec:
    """Return a model of one input that reads its channels last, where it was written to read them first.

    What reads its tensor as it is written, a ``flatten`` above all, gets a ``permute`` ahead of it: the features come
    in the order that the program has them in.

    Args:
        model: whose input is (channels, places ...).
    """
    graph = graph_of(named(model))
    (source,) = graph.inputs
    layers, outputs = _walked(model, graph, "to_last")
    shape = (*source.shape[1:], source.shape[0])
    inputs = {name: one.model_copy(update={"shape": shape}) for name, one in model.inputs.items()}
    return ModelSpec(input=None if inputs else shape, inputs=inputs, layers=layers, outputs=outputs)


def moves_undone(model: ModelSpec) -> ModelSpec:
    """Return a model that moves its channels first for some layers and back, as one that leaves them where they lie.

    Of ``conv(h.transpose(1, 2)).transpose(1, 2)``, the ``Conv1D`` of Keras. One in which moves would only stand
    elsewhere stays what it is.

    Args:
        model: whose inputs stay as they are.
    """
    graph = graph_of(named(model))
    layers, outputs = _walked(model, graph, "as_said")
    moves = [sum(isinstance(op, Permute) for op in one) for one in ([layer.op for layer in graph.layers], layers)]
    return model if moves[1] >= moves[0] else model.model_copy(update={"layers": layers, "outputs": outputs})


def _walked(model: ModelSpec, graph: Graph, lie: Layout) -> tuple[tuple[Op, ...], dict[str, str]]:
    """Return a model's layers as they read tensors whose channels lie last, and which of them give its outputs.

    Args:
        model: of a spec.
        graph: of it.
        lie: how its inputs lie, against what it says of them.
    """
    walk = _FromLast(graph, lie)
    laid = walk.laid_out()
    # By what a line calls a value, the layer that gives it.
    called = {name: source.name for name, source in zip(laid.inputs, graph.inputs, strict=True)}
    taken = {layer.name for layer in graph.layers}
    layers: list[Op] = []
    for line in laid.lines:
        reads = tuple(called[one] for one in line.given)
        if line.axes is None:
            op = _read_last(line)
        elif (gate := _gate(layers, reads[0], graph)) is not None:
            layers[-1] = gate
            called[line.target] = str(gate.name)
            continue
        else:
            op = Permute(name=free_name("permute", taken), dims=line.axes[1:])
            taken.add(str(op.name))
        layers.append(_reading(op, reads, layers, graph))
        called[line.target] = str(op.name)
    ends = (called[one] for one in laid.returns)
    return tuple(layers), dict(zip(model.outputs, ends, strict=True)) if model.outputs else {}


def _gate(layers: Sequence[Op], read: str, graph: Graph) -> Op | None:
    """Return the layer above that gives a row axes of length 1 behind its channels, as one that gives them ahead."""
    above = layers[-1] if layers else None
    if not isinstance(above, Reshape) or above.name != read or len(graph.readers(read)) != 1:
        return None
    channels, *ones = graph.by_name[read].output_shape
    row = len(graph.by_name[read].input_shape) == 1
    return above.replace(target_shape=(*ones, channels)) if row and set(ones) == {1} else None


class _FromLast(Walk):
    """A walk in which a program's own moves of channels move nothing; its inputs may lie channels last themselves."""

    def __init__(self, graph: Graph, lie: Layout) -> None:
        super().__init__(graph, WALKED, inputs="inputs")
        self.lies = {value.name: lie for value in graph.inputs}

    def _call(self, number: int, layer: Layer) -> None:
        value, rank = layer.reads[0], len(layer.input_shape)
        axes = (0, *layer.op.dims) if isinstance(layer.op, Permute) and rank > 1 else ()
        now = self.lies[value.name]
        ways: dict[Layout, Layout] = {"to_last": "to_last", "as_said": "to_first"}
        # What a model gives is the last of its layers.
        above = bool(self.out.lines) and self.out.lines[-1].target == self.called[value.name] and now == "to_last"
        stays = layer.owns and (above or layer.gives not in self.graph.outputs)
        if stays and now in ways and axes == axes_of(ways[now], rank):
            self.called[layer.name] = self.called[value.name]
            self.lies[layer.name] = "as_said" if now == "to_last" else "to_last"
            return
        super()._call(number, layer)
        if self.called[layer.name] == ANY:  # By a name: what is moved may be read again.
            self.called[layer.name] = self._free(layer.name)
            self.out.lines[-1] = replace(self.out.lines[-1], target=self.called[layer.name])


def _read_last(line: Line) -> Op:
    """Return the layer of a line as one that reads its tensor as it lies in the walk."""
    layer, site = line.layer, line.site
    assert layer is not None
    assert site is not None
    if not layer.owns:
        return own_call(layer)
    lies = site.layout if line.code.reads == "any" else line.code.reads
    fields = type(layer.op).model_fields
    if lies != "to_last":
        return layer.op
    if isinstance(layer.op, Opaque):
        return layer.op.replace(shape=(*layer.op.shape[1:], layer.op.shape[0]))
    if "data_format" in fields:
        return layer.op.replace(data_format="channels_last")
    if "axis" in fields:
        rank = len(layer.input_shape)
        axis: int = vars(layer.op)["axis"]
        moved = axes_of("to_last", rank).index(axis % (rank + 1))
        return layer.op.replace(axis=-1 if moved == rank else moved)
    return layer.op


def activations_joined(model: ModelSpec, kept: Collection[str] = ()) -> ModelSpec:
    """Return a model whose activations stand in the layers that they follow, as far as these can have them.

    Of ``dense`` and ``activation: relu``, ``dense: {activation: relu}``: one network, in two ways to write it.

    Args:
        model: of a spec.
        kept: layers whose outputs are read from outside of it, and stay what they are.
    """
    graph = graph_of(named(model))
    fixed = {value.name for value in graph.outputs} | set(kept)
    ops = {layer.name: own_call(layer) for layer in graph.layers}
    gone: dict[str, str] = {}  # An activation, and the call of the layer that has it now.
    for layer in graph.layers:
        calls = [one for one in graph.layers if one.owner == layer.name]
        if not layer.owns or not _takes(layer.op) or fixed & {one.name for one in calls}:
            continue
        behind = [_activation(graph, one, kept) for one in calls]  # Of one that is called again, of each call.
        functions = [one.op.function for one in behind if one is not None and isinstance(one.op, ActivationOp)]
        if len(functions) == len(calls) and all(one == functions[0] for one in functions):
            ops[layer.name] = layer.op.replace(**{layer.op.activation_field: functions[0]})
            gone |= {one.name: call.name for one, call in zip(behind, calls, strict=True) if one is not None}
    return without(model, graph, ops, gone)


def _activation(graph: Graph, call: Layer, kept: Collection[str]) -> Layer | None:
    """Return the activation, applied nowhere else, that alone reads what a call gives; None where there is none."""
    readers = graph.readers(call.name)
    one = readers[0] if len(readers) == 1 else None
    fits = one is not None and isinstance(one.op, ActivationOp) and one.owns and one.name not in graph.shared
    return one if fits and one is not None and one.name not in kept else None


def merges_joined(model: ModelSpec, kept: Collection[str] = ()) -> ModelSpec:
    """Return a model in which a sum of a sum, a product of a product, is one of all that they read.

    Of ``a + b + c``, what ``Add()([a, b, c])`` is.

    Args:
        model: of a spec.
        kept: layers whose outputs are read from outside of it, and stay what they are.
    """
    graph = graph_of(named(model))
    fixed = {value.name for value in graph.outputs} | set(kept) | graph.shared
    reads = {layer.name: [value.name for value in layer.reads] for layer in graph.layers}
    gone: set[str] = set()
    for layer in graph.layers:
        for name in [one for one in reads[layer.name] if one in graph.by_name]:
            inner = graph.by_name[name].op
            joins = isinstance(inner, Merging) and inner.joins and inner.kind == layer.op.kind and layer.owns
            if joins and graph.readers(name) == [layer] and reads[layer.name].count(name) == 1 and name not in fixed:
                at = reads[layer.name].index(name)
                reads[layer.name][at : at + 1] = reads[name]
                gone.add(name)
    layers: list[Op] = []
    for layer in graph.layers:
        if layer.name not in gone:
            layers.append(_reading(own_call(layer), tuple(reads[layer.name]), layers, graph))
    return model.model_copy(update={"layers": tuple(layers)}) if gone else model


def pools_whole(model: ModelSpec, kept: Collection[str] = ()) -> ModelSpec:
    """Return a model whose poolings of one window, as long as all that they read, are poolings over all places.

    Of ``F.max_pool1d(c, c.size(2)).squeeze(2)``, what ``GlobalMaxPooling1D`` is.

    Args:
        model: of a spec.
        kept: layers whose outputs are read from outside of it, and stay what they are.
    """
    graph = graph_of(named(model))
    windows = {layer.owner for layer in graph.layers if not _is_whole(layer)}  # Of one called again, of any call.
    whole = {layer.name: _over_all(layer) for layer in graph.layers if layer.owns and layer.name not in windows}
    if not whole:
        return model
    ops = {layer.name: own_call(layer) for layer in graph.layers} | whole
    return pools_flattened(without(model, graph, ops, {}), kept)


def _is_whole(layer: Layer) -> bool:
    """Return whether a layer is a pooling whose only window is all that it reads, and nothing besides.

    Masked steps are left out of a mean over all, and of no mean of a window.
    """
    op = layer.op
    if not isinstance(op, MaxPooling | AveragePooling) or any(mask is not None for mask in layer.masks):
        return False
    lengths = lengths_of(layer.input_shape, op.data_format)
    return op.windows == lengths and not any(map(any, op.pads(lengths)))


def _over_all(layer: Layer) -> Op:
    """Return a pooling of one window as one over all places, which keeps their axes."""
    told = {"name": layer.name, "keepdims": True, "data_format": vars(layer.op)["data_format"]}
    return OPS[f"global_{layer.op.kind}"].model_validate(told)


def pools_flattened(model: ModelSpec, kept: Collection[str] = ()) -> ModelSpec:
    """Return a model whose poolings over all places give the channels alone, where these are flattened behind them.

    Of an ``AdaptiveAvgPool2d(1)`` and a ``flatten``, what ``GlobalAveragePooling2D`` is.

    Args:
        model: of a spec.
        kept: layers whose outputs are read from outside of it, and stay what they are.
    """
    graph = graph_of(named(model))
    ends = {value.name for value in graph.outputs} | set(kept)
    gone: dict[str, str] = {}  # What flattens, and the pooling that does so now.
    ops = {layer.name: own_call(layer) for layer in graph.layers}
    for layer in graph.layers:
        if not (isinstance(layer.op, GlobalPooling) and layer.op.keepdims and layer.owns) or layer.name in graph.shared:
            continue
        chain, last = list[str](), layer
        while len(last.output_shape) > 1 and last.name not in ends and len(graph.readers(last.name)) == 1:
            last = graph.readers(last.name)[0]
            if not isinstance(last.op, Flatten | Reshape | Permute):
                break
            chain.append(last.name)
        if chain and chain[-1] == last.name and len(last.output_shape) == 1 and not {*chain} & set(kept):
            ops[layer.name] = layer.op.replace(keepdims=False)
            gone |= dict.fromkeys(chain, layer.name)
    return without(model, graph, ops, gone)


def _takes(op: Op | None) -> bool:
    """Return whether a layer can have an activation, and has none."""
    able = isinstance(op, ActivatedOp) and isinstance(op.ending(), Linear)
    return able and getattr(op, "activity_regularizer", None) is None


def own_call(layer: Layer) -> Op:
    """Return a call of a layer as it stands in a list."""
    return layer.op if layer.owns else Again(name=layer.name, layer=layer.owner)


def _reading(op: Op, reads: tuple[str, ...], layers: Sequence[Op], graph: Graph) -> Op:
    """Return a layer that reads values by name; it says nothing where that is the one above, the last of the layers."""
    sources = graph.inputs if len(graph.inputs) == 1 else ()
    above = str(layers[-1].name) if layers else next((one.name for one in sources), "")
    return op.replace(inputs=None if reads == (above,) else reads[0] if len(reads) == 1 else reads)


def counterparts(model: ModelSpec, other: ModelSpec) -> Iterator[tuple[Layer, Layer]]:
    """Yield layers of a model, each with that of another model that it stands for: of its name and kind.

    Args:
        model: of a spec.
        other: of a spec, whose layers have the same names where they are one.
    """
    theirs = graph_of(named(other)).by_name
    for layer in graph_of(named(model)).layers:
        like = theirs.get(layer.name)
        if like is not None and like.op.kind == layer.op.kind and layer.owns and like.owns:
            yield layer, like


def having(model: ModelSpec, changes: Mapping[str, Mapping[str, Any]]) -> ModelSpec:
    """Return a model some of whose layers have other fields.

    Args:
        model: of a spec.
        changes: of each such layer, by its name.
    """
    layers = tuple(op.replace(**changes[str(op.name)]) if op.name in changes else op for op in model.layers)
    return model.model_copy(update={"layers": layers})


def without(model: ModelSpec, graph: Graph, ops: Mapping[str, Op], gone: Mapping[str, str]) -> ModelSpec:
    """Return a model of other entries, and without layers whose place others take, by name.

    Args:
        model: of a spec.
        graph: of it.
        ops: its entries by name.
        gone: of each layer that goes, the layer or input that is read in its place.
    """
    layers: list[Op] = []
    for layer in graph.layers:
        if layer.name in gone:
            continue
        reads = tuple(gone.get(value.name, value.name) for value in layer.reads)
        layers.append(_reading(ops[layer.name], reads, layers, graph))
    outputs = {name: gone.get(layer, layer) for name, layer in named(model).outputs.items()}
    return ModelSpec(input=model.input, inputs=model.inputs, layers=tuple(layers), outputs=outputs)
