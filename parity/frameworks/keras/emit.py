"""The Keras emitter: real Keras layers in a ``Sequential`` model, or a functional one, on the TensorFlow backend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from parity.activations import Activation
from parity.code import LossCode, Site, call
from parity.compile.fragments import activation_helpers, helpers_source, loss_context
from parity.compile.layout import ANY, Line, Walk
from parity.compile.program import Bindings, Output, Weight
from parity.frameworks import frameworks
from parity.losses import Loss
from parity.spec.graph import Graph, Layer
from parity.spec.resolve import Resolved


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
    walk = Walk(graph, side.framework, last if applied_by_loss else None, "" if graph.is_chain else "inputs")
    laid = walk.laid_out()
    calls = graph.calls(in_order_of_calls(graph, graph.layers))
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
    optimizer = config.optimizer.code("keras")
    helpers = [*activation_helpers(graph.layers, side.framework), *(line.code.helpers for line in laid.calls)]
    sources, imports = helpers_source([*helpers, optimizer.helpers])
    context = {
        "imports": imports,
        "helpers": sources,
        "chain": graph.is_chain,
        "lines": lines,
        "taken": laid.inputs,
        "returns": laid.returns,
        "loss": loss_context(config.loss.meeting(loss, "keras", form, fused)),
        "optimizer": optimizer,
        "penalty": any(one.regularizer is not None for one in side.parameters().values()),
    }
    drawing = in_order_of_calls(graph, side.drawing())
    bindings = Bindings(
        weights={name: Weight(attribute=name, trainable=one.trainable) for name, one in side.parameters().items()},
        outputs=outputs,
        slots={name: (slot.attribute, slot.scale) for name, slot in optimizer.slots.items()},
        starts=config.optimizer.numbers(),
        mask_axes=tuple(laid.drawn[layer.name] for layer in drawing),
        masks=tuple(layer.mask for layer in drawing),
        ending=applied_by_loss.kind if applied_by_loss else None,
    )
    return context, bindings


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
        found.append({"target": line.target, "given": given, "layer": made, "comment": comment})
    return found


def in_order_of_calls(graph: Graph, layers: Iterable[Layer]) -> list[Layer]:
    """Return layers in the order in which a functional model calls them: the farthest from the output first.

    Those that are as far go by the order in which they were made (``keras/src/ops/function.py``, ``map_graph``).
    """
    depth: dict[str, int] = {}
    for layer in reversed(graph.layers):
        behind = [depth[one.name] for one in graph.readers(layer.name)]
        depth[layer.name] = max(behind, default=-1) + 1
    return sorted(layers, key=lambda layer: -depth[layer.name])


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
