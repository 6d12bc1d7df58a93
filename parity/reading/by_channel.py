"""Convolutions of every channel by itself in one form: as many groups as channels, and a separable one in two layers.

PyTorch has neither a depthwise nor a separable convolution: who ports one writes ``Conv2d(c, c, 3, groups=c)``, and
behind it ``Conv2d(c, n, 1)``. Both mean what Keras has one layer for, and are that where the other program has it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from parity.activations.linear import Linear
from parity.catalog import OPS
from parity.ops import SAID
from parity.ops.convolution import Convolution
from parity.ops.depthwise import DepthwiseConvolution, SeparableConvolution
from parity.ops.windows import channels_of, lengths_of
from parity.reading.drawn_by import as_started
from parity.reading.plainly import own_call, without
from parity.spec.graph import Graph, Layer, graph_of, named

if TYPE_CHECKING:
    from parity.ops import Op
    from parity.spec.sections import ModelSpec


def by_channel(
    model: ModelSpec, other: ModelSpec, kept: Collection[str] = ()
) -> tuple[ModelSpec, dict[str, dict[str, str]]]:
    """Return a model with the depthwise and separable convolutions of another one, where it has them in other words.

    Args:
        model: of a spec.
        other: of the program that it is compared with.
        kept: layers whose outputs are read from outside of it, and stay what they are.

    Returns:
        The model, and of layers that were two, the one whose kernel is a parameter of theirs, by its name.
    """
    wanted = [_window(op) for op in other.layers if isinstance(op, DepthwiseConvolution | SeparableConvolution)]
    for op in model.layers:
        if _window(op) in wanted:
            wanted.remove(_window(op))
    graph = graph_of(named(model))
    made: dict[str, Op] = {}
    gone: dict[str, str] = {}
    parts: dict[str, dict[str, str]] = {}
    fixed = {*kept, *graph.kept_by_name, *(value.name for value in graph.outputs)}
    for layer in graph.layers:
        alone = _alone(layer) if layer.owns and layer.name not in graph.kept_by_name else None
        if alone is None:
            continue
        point = _behind(graph, layer) if layer.name not in fixed else None
        whole = None if point is None or point.name in graph.kept_by_name else _separable(alone, point)
        if point is not None and whole is not None and _window(whole) in wanted:
            wanted.remove(_window(whole))
            made[point.name] = whole
            gone[layer.name] = layer.reads[0].name
            parts[point.name] = {"depthwise_kernel": layer.name}
        elif _window(alone) in wanted:
            wanted.remove(_window(alone))
            made[layer.name] = alone
    if not made:
        return model, {}
    return without(model, graph, {layer.name: own_call(layer) for layer in graph.layers} | made, gone), parts


def _window(op: Op) -> tuple[Any, ...]:
    """Return what layers must have in common to be one in two forms."""
    fields = ("kernel_size", "strides", "filters", "depth_multiplier")
    return (op.kind, *(getattr(op, name, None) for name in fields))


def _alone(layer: Layer) -> DepthwiseConvolution | None:
    """Return a convolution whose groups are its channels as what it is; None of another layer."""
    op = layer.op
    if isinstance(op, DepthwiseConvolution):
        return op
    kind = OPS.get(f"depthwise_{op.kind}")
    if kind is None or not isinstance(op, Convolution):
        return None
    if not (op.groups == op.filters == channels_of(layer.input_shape, op.data_format)) or op.kernel_constraint:
        return None  # What holds a kernel goes by its axes, which are others.
    held = {kind.field_of("kernel", said): getattr(op, f"kernel_{said}") for said in SAID}
    found = _like(kind, op, held)
    before = layer.parameters["kernel"]
    after = found.parameters(layer.input_shape)["kernel"] if found is not None else before
    start = as_started(op.kernel_initializer, before, after)
    return found.replace(**{kind.field_of("kernel", "initializer"): start}) if found is not None and start else None


def _behind(graph: Graph, layer: Layer) -> Layer | None:
    """Return the one layer that reads another and mixes its channels cell by cell; None where there is no such."""
    readers = graph.readers(layer.name)
    after = readers[0] if len(readers) == 1 else None
    if after is None or not isinstance(after.op, Convolution) or len(after.reads) != 1 or not after.owns:
        return None
    cell = all(set(after.op.sizes(name)) == {1} for name in ("kernel_size", "strides")) and after.op.groups == 1
    pads = after.op.pads(lengths_of(after.input_shape, after.op.data_format))
    return after if cell and not any(map(sum, pads)) else None


def _separable(alone: DepthwiseConvolution, point: Layer) -> SeparableConvolution | None:
    """Return two layers as one; None where something stands between them that no separable one has."""
    op, kind = point.op, OPS.get(alone.kind.replace("depthwise", "separable"))
    assert isinstance(op, Convolution)
    same = alone.trainable == op.trainable and alone.data_format == op.data_format
    plain = not alone.use_bias and isinstance(alone.activation, Linear) and not alone.activity_regularizer
    if kind is None or not plain or not same:
        return None
    fields = {name: getattr(op, name) for name in ("name", "inputs", "filters", "use_bias", "activation",
                                                   "activity_regularizer")}  # fmt: skip
    for now, was in ("pointwise_kernel", "kernel"), ("bias", "bias"):
        fields |= {kind.field_of(now, said): getattr(op, f"{was}_{said}") for said in SAID}
    return _like(kind, alone, fields)


def _like(kind: type[Op], op: Op, fields: Mapping[str, Any]) -> Any:
    """Return a layer of another kind that says what a layer says, and fields of its own; None where it cannot."""
    said = {name: getattr(op, name) for name in type(op).model_fields if name in kind.model_fields}
    try:
        return kind.model_validate({**said, **fields})
    except ValidationError:
        return None  # Strides of rows and columns that differ.
