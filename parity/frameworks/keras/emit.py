"""The Keras emitter: real Keras layers in a ``Sequential`` model, or a functional one, on the TensorFlow backend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from parity.activations import Activation
from parity.code import LossCode, Site, call
from parity.compile.fragments import activation_helpers, helpers_source, loss_context
from parity.compile.layout import ANY, Line, Walk, arguments_of
from parity.compile.program import Bindings, Output, Weight
from parity.frameworks import frameworks
from parity.losses import Loss
from parity.losses.counting import counting
from parity.spec.graph import Graph, Layer
from parity.spec.resolve import Resolved
from parity.tensors import parameter as parameter_name


def applied(activation: Activation, channel_axis: int) -> str:
    """Return the expression of an activation by itself; channels stand last."""
    del channel_axis
    return activation.keras()


def emit(side: Resolved) -> tuple[dict[str, Any], Bindings]:
    """Return what the template needs, and where the tensors live."""
    config, graph, last = side.config, side.graph, side.last
    ending, remembers = graph.ending, frameworks()[side.framework].remembers_logits
    fused, form = config.loss.fused(ending), config.loss.form(config.data.targets)
    # Where nothing remembers the logits that the loss looks for behind a softmax, the model puts them out.
    applied_by_loss = ending if fused and not remembers else None
    # A layer that is called with more than the tensor cannot stand in a Sequential model.
    chain = graph.is_chain and all(len(layer.op.ports) == 1 for layer in graph.layers)
    walk = Walk(graph, side.framework, last if applied_by_loss else None, "" if chain else "inputs")
    laid = walk.laid_out()
    order = in_order_of_calls(laid.lines)
    calls = graph.calls(order)
    outputs = {
        layer.name: Output(attribute=layer.owner, axes=laid.seen[layer.name], call=calls[layer.name])
        for layer in graph.layers
    }
    lines = _made(laid.lines, last, graph.shared)
    back = [line for line in laid.lines if line.layer is None]
    low = config.numerics.mixed_precision is not None
    name = last.name
    # Moved, a tensor no longer remembers the logits behind it: the activation comes after that. In mixed precision it
    # is what brings the outputs back to float32, as Keras's guide has it.
    if low or (back and fused and ending is not None and remembers):
        own = None if applied_by_loss else ending
        name = f"{last.name}_{own.kind if own else 'float32'}"
        if own is not None:
            site = Site(name=last.name, input_shape=last.input_shape, linear=True, framework=side.framework)
            code = last.op.keras(site)
            at = next(index for index, line in enumerate(laid.lines) if line.axes is None and line.layer is last)
            lines[at] |= {"layer": code.layer, "comment": code.comment}
        dtype = "keras.config.floatx()" if low else None
        function = own.keras(side.framework) if own else '"linear"'
        made, given = call("keras.layers.Activation", function, dtype=dtype, name=repr(name)), laid.returns[0]
        lines.append({"target": ANY, "given": given, "layer": made, "comment": ""})
        laid.returns = (ANY,)
        outputs[last.name] = Output(attribute=name)
    if fused and ending is not None:  # It is seen by its logits, as in the other frameworks.
        outputs[last.name] = Output(attribute=name, point="logits")
    loss = _loss(config.loss, graph) if remembers else _plainly(config.loss, fused, side.framework)
    loss = config.loss.meeting(loss, "keras", form, fused)
    loss = counting(config.loss, loss, side.framework, fused and remembers) if graph.counted is not None else loss
    optimizer = config.optimizer.code("keras")
    helpers = [*activation_helpers(graph.layers, side.framework), *(line.code.helpers for line in laid.calls)]
    sources, imports = helpers_source([*helpers, optimizer.helpers])
    context = {
        "imports": imports,
        "helpers": sources,
        "chain": chain,
        "lines": lines,
        "taken": laid.inputs,
        "returns": laid.returns,
        "loss": loss_context(loss),
        "optimizer": optimizer,
        "penalty": any(one.regularizer is not None for one in side.parameters().values()),
        "weights": _inside(_places(side, laid.calls)),
    }
    drawing = [layer for layer in order if layer in side.drawing()]
    bindings = Bindings(
        weights=_places(side, laid.calls),
        outputs=outputs,
        slots={name: (slot.attribute, slot.scale) for name, slot in optimizer.slots.items()},
        starts=config.optimizer.numbers(),
        mask_axes=tuple(laid.drawn[layer.name] for layer in drawing for _ in layer.drawn),
        masks=tuple(number for layer in drawing for number in layer.draw_numbers),
        ending=applied_by_loss.kind if applied_by_loss else None,
    )
    return context, bindings


def _places(side: Resolved, calls: Iterable[Line]) -> dict[str, Weight]:
    """Return where each parameter is kept: by layer and name, or by a path from the layer."""
    found = {name: Weight(attribute=name, trainable=one.trainable) for name, one in side.parameters().items()}
    for line in calls:
        if line.layer is None or not line.layer.owns:
            continue
        for name, path in line.code.weights.items():
            own = parameter_name(line.layer.name, name)
            lies = side.parameters()[own].shape if name in line.code.shapes else None
            found[own] = replace(found[own], attribute=f"{line.layer.name}.{path}", lies=lies)
    return found


def _inside(places: Mapping[str, Weight]) -> list[tuple[str, str, str, bool]]:
    """Return name, layer and path of every parameter, and whether it has another shape there.

    Nothing where all are attributes of their layers.
    """
    if all(name == place.attribute for name, place in places.items()):
        return []
    found = []
    for name, place in places.items():
        layer, _, path = place.attribute.partition(".")
        found.append((name, layer, path, place.lies is not None))
    return found


def _made(lines: Iterable[Line], last: Layer, shared: Collection[str]) -> list[dict[str, str]]:
    """Return each line's layer as Keras makes it, what it is called with and what comes of it.

    A layer that is called again is made in a line of its own.
    """
    found: list[dict[str, str]] = []
    moves: Counter[str] = Counter()
    for line in lines:
        if line.axes is None and line.layer is not None:
            made, comment = line.code.layer, line.comment
            if line.layer.owner in shared:
                if line.layer.owns:
                    found.append({"target": f"{line.layer.name}_layer", "given": "", "layer": made, "comment": comment})
                made, comment = f"{line.layer.owner}_layer", ""
        else:
            name = f"{last.name}_permuted" if line.layer is None else f"{line.layer.name}_permute"
            moves[name] += 1
            name += f"_{moves[name] - 1}" if moves[name] > 1 else ""
            made, comment = call("keras.layers.Permute", (line.axes or ())[1:], name=repr(name)), line.comment
        given = line.given[0] if len(line.given) == 1 else f"[{', '.join(line.given)}]"
        if line.layer is not None and line.axes is None and line.code.called:
            given = line.code.called.format(**dict(zip(arguments_of(line.layer), line.given, strict=True)))
        found.append({"target": line.target, "given": given, "layer": made, "comment": comment})
    return found


def in_order_of_calls(lines: Sequence[Line]) -> list[Layer]:
    """Return the layers in the order in which a functional model calls them, which is not that of its lines.

    Those farthest from the output come first, a layer that is called twice as far as its farthest call; of those as
    far, the one first met on the way back from the output (``keras/src/ops/function.py``, ``map_graph``).
    """
    made: dict[str, int] = {}
    reads: list[list[int]] = []
    for number, line in enumerate(lines):
        reads.append([made[name] for name in line.given if name in made])
        made[line.target] = number
    ordered: list[int] = []

    def visit(number: int) -> None:
        if number not in ordered:
            for one in reads[number]:
                visit(one)
            ordered.append(number)

    visit(len(lines) - 1)
    depths: dict[int, int] = {}
    farthest: dict[str, int] = {}
    for number in reversed(ordered):
        layer = lines[number].layer if lines[number].axes is None else None
        owner = f"move {number}" if layer is None else layer.owner
        depth = max(depths.setdefault(number, 0), farthest.get(owner, 0))
        depths[number] = farthest[owner] = depth
        for one in reads[number]:
            depths[one] = max(depth + 1, depths.get(one, 0))
    called = sorted(depths, key=lambda number: -depths[number])  # Of equal ones, as they were met.
    return [layer for number in called if lines[number].axes is None and (layer := lines[number].layer) is not None]


def _plainly(loss: Loss, fused: bool, framework: str) -> LossCode:
    """Return the loss where nothing is behind the outputs: told that they are logits where it is to work on them."""
    return (loss.replace(from_logits=True) if fused else loss.as_they_are()).keras(None, framework)


def _loss(loss: Loss, graph: Graph) -> LossCode:
    """Return the loss, kept from looking behind a softmax or sigmoid that untouched layers stand behind.

    The tensor that such a layer hands on still carries the logits, which the last layer's own ending cannot say.
    """
    layer = graph.last
    while layer.op.passes_on() and layer.reads[0].name in graph.by_name:
        layer = graph.by_name[layer.reads[0].name]
    hidden = layer is not graph.last
    return (loss.as_they_are() if hidden else loss).keras(layer.op.ending())
