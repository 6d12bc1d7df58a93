"""The Keras emitter: a ``Sequential`` model of real Keras layers, on the TensorFlow backend."""

from __future__ import annotations

from typing import Any

from parity.activations import Activation
from parity.code import LossCode, Site, call
from parity.compile.fragments import activation_helpers, helpers_source, loss_context
from parity.compile.layout import Layouts, Move
from parity.compile.program import Bindings, Output, Weight
from parity.frameworks import frameworks
from parity.losses import Loss
from parity.spec.graph import Layer
from parity.spec.resolve import Resolved


def applied(activation: Activation, channel_axis: int) -> str:
    """Return the expression of an activation by itself; channels stand last."""
    del channel_axis
    return activation.keras()


def emit(side: Resolved) -> tuple[dict[str, Any], Bindings]:
    """Return what the template needs, and where the tensors live."""
    config, layers = side.config, side.layers()
    ending, remembers = layers[-1].op.ending(), frameworks()[side.framework].remembers_logits
    fused, form = config.loss.fused(ending), config.loss.form(config.data.targets)
    # Where nothing remembers the logits that the loss looks for behind a softmax, the model puts them out.
    applied_by_loss = ending if fused and not remembers else None
    lay, drawing = Layouts(side.framework), {layer.name for layer in side.drawing()}
    lines: list[tuple[str, str]] = []
    outputs: dict[str, Output] = {}
    mask_axes: list[tuple[int, ...] | None] = []
    helpers = activation_helpers(layers, "keras")
    for layer in layers:
        linear = applied_by_loss is not None and layer is layers[-1]
        code = layer.op.keras(Site(name=layer.name, input_shape=layer.input_shape, layout=lay.now, linear=linear))
        lines += _moved(lay.reach(code.reads, layer.input_shape), f"{layer.name}_permute")
        if layer.name in drawing:
            mask_axes.append(lay.drawn(layer.input_shape))
        lines.append((code.layer, code.comment))
        helpers.append(code.helpers)
        lay.leave(code.writes, layer.output_shape)
        outputs[layer.name] = Output(attribute=layer.name, axes=lay.seen(layer.output_shape))
    last = layers[-1]
    back = _moved(lay.reach("as_said", last.output_shape), f"{last.name}_permuted")
    low = config.numerics.mixed_precision is not None
    name = last.name
    # Moved, a tensor no longer remembers the logits behind it: the activation comes after that. In mixed precision it
    # is what brings the outputs back to float32, as Keras's guide has it.
    if low or (back and fused and ending is not None and remembers):
        own = None if applied_by_loss else ending
        name = f"{last.name}_{own.kind if own else 'float32'}"
        if own is not None:
            code = last.op.keras(Site(name=last.name, input_shape=last.input_shape, linear=True))
            lines[-1] = (code.layer, code.comment)
        dtype = "keras.config.floatx()" if low else None
        function = own.keras() if own else '"linear"'
        back.append((call("keras.layers.Activation", function, dtype=dtype, name=repr(name)), ""))
        outputs[last.name] = Output(attribute=name)
    if fused and ending is not None:  # It is seen by its logits, as in the other frameworks.
        outputs[last.name] = Output(attribute=name, point="logits")
    loss = _loss(config.loss, layers) if remembers else _plainly(config.loss, fused)
    optimizer = config.optimizer.code("keras")
    sources, imports = helpers_source([*helpers, optimizer.helpers])
    context = {
        "imports": imports,
        "helpers": sources,
        "layers": [*lines, *back],
        "loss": loss_context(config.loss.meeting(loss, "keras", form, fused)),
        "optimizer": optimizer,
        "penalty": any(one.regularizer is not None for one in side.parameters().values()),
    }
    bindings = Bindings(
        weights={name: Weight(attribute=name, trainable=one.trainable) for name, one in side.parameters().items()},
        outputs=outputs,
        slots={name: (slot.attribute, slot.scale) for name, slot in optimizer.slots.items()},
        starts=config.optimizer.numbers(),
        mask_axes=tuple(mask_axes),
        masks=tuple(layer.mask for layer in side.drawing()),
        ending=applied_by_loss.kind if applied_by_loss else None,
    )
    return context, bindings


def _moved(move: Move | None, name: str) -> list[tuple[str, str]]:
    """Return the layer that moves the axes, none where they stand right."""
    if move is None:
        return []
    return [(call("keras.layers.Permute", move.axes[1:], name=repr(name)), move.comment)]


def _plainly(loss: Loss, fused: bool) -> LossCode:
    """Return the loss where nothing is behind the outputs: told that they are logits where it is to work on them."""
    return (loss.replace(from_logits=True) if fused else loss.as_they_are()).keras(None)


def _loss(loss: Loss, layers: list[Layer]) -> LossCode:
    """Return the loss, kept from looking behind a softmax or sigmoid that untouched layers stand behind.

    The tensor that such a layer hands on still carries the logits, which the last layer's own ending cannot say.
    """
    ops = [layer.op for layer in layers]
    while len(ops) > 1 and ops[-1].passes_on():
        ops.pop()
    hidden = len(ops) < len(layers)
    return (loss.as_they_are() if hidden else loss).keras(ops[-1].ending())
