"""Zeros ahead of a convolution, and ends that are cut off behind it, as the padding that they come to.

``ZeroPadding2D(1)`` and ``Conv2D(4, 3)``, ``conv(F.pad(x, (1, 1, 1, 1)))`` and ``Conv2d(1, 4, 3, padding=1)`` are one
thing; so are a convolution of ``padding="causal"``, one of a sequence with zeros ahead, and one with zeros at both ends
whose last steps are cut off.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from parity.ops import ActivatedOp, ShapeError
from parity.ops.convolution import Convolving
from parity.ops.padding import Cropping, ZeroPadding
from parity.ops.pooling import MaxPooling
from parity.ops.slice import Slice
from parity.ops.transposed import Transposed
from parity.ops.windowed import Windowed
from parity.ops.windows import lengths_of
from parity.reading.opaque import read_by_losses
from parity.reading.plainly import activations_joined, counterparts, having, own_call, without
from parity.spec.graph import Graph, Layer, graph_of, named

if TYPE_CHECKING:
    from parity.ops import Op
    from parity.ops.around import Edges
    from parity.reading.pair_side import PairSide
    from parity.spec.sections import ModelSpec


def as_padding(sides: Sequence[PairSide]) -> None:
    """Say zeros around what a window moves over, and ends that are cut off behind it, as the padding that they are.

    Args:
        sides: of a pair; their models, and what they say of layers with a window, are changed.
    """
    for side in sides:
        kept = read_by_losses(side.reading.spec["loss"])
        side.model, side.padded = zeros_taken_in(side.model, kept)
        side.model, side.cut = ends_cut(side.model, kept)
        if side.cut:
            side.model = activations_joined(side.model, kept)


def zeros_taken_in(model: ModelSpec, kept: Collection[str] = ()) -> tuple[ModelSpec, dict[str, str]]:
    """Return a model whose zeros around what a window moves over are the padding of the layer that has the window.

    Of a max pooling they are where it reads nothing below 0: what stands around its own input is never the largest.

    Args:
        model: of a spec.
        kept: layers whose outputs are read from outside of it, and stay what they are.

    Returns:
        The model, and of each layer that has zeros taken in, the one that they were.
    """
    graph = graph_of(named(model))
    fixed = {*kept, *(value.name for value in graph.outputs)}
    owners = {layer.owner for layer in graph.layers if isinstance(layer.op, ZeroPadding)}
    ahead = _calls(graph, [one for one in owners if not any(call.name in fixed for call in _of(graph, one))])
    while True:  # Each may hold on to others: zeros that something else reads, too, stay, and so do what else reads.
        takers: dict[str, Edges] = {}
        for owner in dict.fromkeys(layer.owner for layer in graph.layers):
            padding = _with_zeros(graph, _of(graph, owner), ahead)
            takers |= {} if padding is None else {owner: padding}
        left = _calls(graph, [owner for owner in owners if all(
            call.name in ahead and all(reader.owner in takers for reader in graph.readers(call.name))
            for call in _of(graph, owner))])  # fmt: skip
        if len(left) == len(ahead):
            break
        ahead = left
    if not ahead:
        return model, {}
    ops = {layer.name: own_call(layer) for layer in graph.layers}
    ops |= {owner: graph.by_name[owner].op.replace(padding=padding) for owner, padding in takers.items()}
    gone = {name: graph.by_name[name].reads[0].name for name in ahead}
    found, more = zeros_taken_in(without(model, graph, ops, gone), kept)  # Of zeros around zeros.
    return found, {owner: graph.by_name[owner].reads[0].name for owner in takers} | more


def _of(graph: Graph, owner: str) -> list[Layer]:
    """Return the calls of a layer."""
    return [one for one in graph.layers if one.owner == owner]


def _calls(graph: Graph, owners: Collection[str]) -> dict[str, Layer]:
    """Return the calls of layers, by name."""
    return {one.name: one for one in graph.layers if one.owner in owners}


def _with_zeros(graph: Graph, calls: Sequence[Layer], ahead: Mapping[str, Layer]) -> Edges | None:
    """Return the padding of a layer with the zeros that each of its calls reads; None where it cannot have them."""
    found: set[Edges] = set()
    for call in calls:
        op, before = call.op, ahead.get(call.reads[0].name)
        if before is None or not isinstance(op, Convolving | MaxPooling):
            return None
        zeros = before.op
        assert isinstance(zeros, ZeroPadding)
        if zeros.data_format != op.data_format or before.gives_mask is not None:
            return None
        if isinstance(op, MaxPooling) and not _never_negative(graph, before.reads[0].name):
            return None
        own = op.pads(lengths_of(call.input_shape, op.data_format))
        padding = tuple((a + c, b + d) for (a, b), (c, d) in zip(zeros.edges(), own, strict=True))
        if not _fits(op, padding, before.input_shape, call.output_shape):
            return None
        found.add(padding)
    return found.pop() if len(found) == 1 else None


def _fits(op: Op, padding: Any, shape: Any, wanted: Any) -> bool:
    """Return whether a layer with another padding makes of a row what is wanted."""
    try:
        found: bool = op.replace(padding=padding).output_shape(shape) == wanted
        return found
    except (ValidationError, ShapeError):  # It would have a window of nothing but zeros.
        return False


def _never_negative(graph: Graph, name: str) -> bool:
    """Return whether nothing that a layer gives is below 0."""
    layer = graph.by_name.get(name)
    if layer is None:
        return False
    ending = layer.op.ending()
    if ending is not None and ending.non_negative:
        return True
    return layer.op.keeps_sign and all(_never_negative(graph, value.name) for value in layer.reads)


def ends_cut(model: ModelSpec, kept: Collection[str] = ()) -> tuple[ModelSpec, dict[str, str]]:
    """Return a model in which a convolution whose ends are cut off behind it pads by so much less.

    Of a transposed one, whose padding cuts off what it says, it is so much more.

    Args:
        model: of a spec.
        kept: layers whose outputs are read from outside of it, and stay what they are.

    Returns:
        The model, and of each such layer, the one that cut.
    """
    graph = graph_of(named(model))
    changes: dict[str, dict[str, Any]] = {}
    gone: dict[str, str] = {}
    for layer in graph.layers:
        readers = graph.readers(layer.name)
        behind = readers[0] if len(readers) == 1 and layer.gives not in graph.outputs else None
        alone = layer.owns and layer.name not in graph.shared and layer.name not in kept
        if behind is None or not alone or behind.name in graph.shared or behind.name in kept or not behind.owns:
            continue
        padding = _less(layer, behind)
        if padding is not None:
            changes[layer.name] = {"padding": padding}
            gone[behind.name] = layer.name
    if not gone:
        return model, {}
    ops = {layer.name: own_call(layer) for layer in graph.layers}
    ops |= {name: ops[name].replace(**fields) for name, fields in changes.items()}
    return without(model, graph, ops, gone), {layer: name for name, layer in gone.items()}


def _less(layer: Layer, behind: Layer) -> Any:
    """Return the padding with which a layer gives what is left behind it; None where there is none."""
    op, edges = layer.op, _edges(layer, behind)
    if edges is None or not isinstance(op, Convolving | Transposed) or not isinstance(op, ActivatedOp):
        return None
    if not op.activation.elementwise or op.activity() is not None:
        return None
    if isinstance(op, Transposed):
        more = tuple((a + c, b + d) for (a, b), (c, d) in zip(op.cut(), edges, strict=True))
        return more if _fits(op, more, layer.input_shape, behind.output_shape) else None
    pads = op.pads(lengths_of(layer.input_shape, op.data_format))
    axes = zip(pads, edges, op.steps(), strict=True)
    less = tuple((before - a * step, after - b * step) for (before, after), (a, b), step in axes)
    fits = min(map(min, less)) >= 0 and _fits(op, less, layer.input_shape, behind.output_shape)
    return less if fits else None


def _edges(layer: Layer, behind: Layer) -> Edges | None:
    """Return what a layer cuts off the ends of what another one gives, along the axes of its window."""
    op, cut = layer.op, behind.op
    if not isinstance(op, Windowed) or len(behind.reads) != 1:
        return None
    if isinstance(cut, Cropping):
        return cut.edges() if cut.data_format == op.data_format else None
    if not isinstance(cut, Slice):
        return None
    lengths = lengths_of(layer.output_shape, op.data_format)
    axis = cut.axis if cut.axis > 0 else len(layer.output_shape) + 1 + cut.axis
    at = axis - (2 if op.data_format == "channels_first" else 1)
    if not 0 <= at < len(lengths):
        return None
    start, stop, _ = slice(cut.start, cut.stop).indices(lengths[at])
    return tuple((start, n - stop) if one == at else (0, 0) for one, n in enumerate(lengths))


def padded_alike(model: ModelSpec, other: ModelSpec) -> ModelSpec:
    """Return a model whose paddings are said as the other one's are, where they add the same cells.

    Args:
        model: of a spec.
        other: of a spec, whose layers have the same names where they are one.
    """
    changes: dict[str, dict[str, Any]] = {}
    for layer, like in counterparts(model, other):
        theirs = getattr(like.op, "padding", None)
        if _of_same_rows(layer, like) and _pads_alike(layer, theirs):
            changes[layer.name] = {"padding": theirs}
    return having(model, changes)


def _of_same_rows(layer: Layer, like: Layer) -> bool:
    """Return whether two layers move a window of one size, by the same steps, over rows of the same shape."""
    one, other = layer.op, like.op
    if not isinstance(one, Windowed) or not isinstance(other, Windowed) or layer.input_shape != like.input_shape:
        return False
    return (one.windows, one.steps(), one.data_format) == (other.windows, other.steps(), other.data_format)


def _pads_alike(layer: Layer, padding: Any) -> bool:
    """Return whether another padding does the same."""
    op = layer.op
    assert isinstance(op, Windowed)
    if op.padding == padding:
        return False
    if isinstance(op, Transposed):
        return op.cut() == op.replace(padding=padding).cut()
    return op.same_ends(lengths_of(layer.input_shape, op.data_format), padding)
