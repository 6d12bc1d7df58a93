"""The Keras emitter: a ``Sequential`` model of real Keras layers, on the TensorFlow backend."""

from __future__ import annotations

from typing import Any

from parity.compile.fragments import activation_helpers, helpers_source, loss_context
from parity.compile.program import Bindings, Output, Weight
from parity.losses import Loss
from parity.spec.resolve import Layer, Resolved
from parity.written import LossCode, Site


def emit(side: Resolved) -> tuple[dict[str, Any], Bindings]:
    """Return what the template needs, and where the tensors live."""
    config, layers = side.config, side.layers()
    codes = [layer.op.keras(Site(name=layer.name, input_shape=layer.input_shape)) for layer in layers]
    optimizer = config.optimizer.keras()
    activations = activation_helpers(layers, "keras")
    helpers, imports = helpers_source([*activations, *(code.helpers for code in codes), optimizer.helpers])
    context = {
        "imports": imports,
        "helpers": helpers,
        "layers": [(code.layer, code.comment) for code in codes],
        "loss": loss_context(_loss(config.loss, layers)),
        "optimizer": optimizer,
        "penalty": any(one.regularizer is not None for one in side.parameters().values()),
    }
    # A softmax or sigmoid that the loss looks behind is seen by its logits too, as in the other frameworks.
    fused = config.loss.fused(layers[-1].op.ending())
    outputs = {
        layer.name: Output(attribute=layer.name, point="logits" if fused and layer is layers[-1] else "output")
        for layer in layers
    }
    bindings = Bindings(
        weights={name: Weight(attribute=name, trainable=one.trainable) for name, one in side.parameters().items()},
        outputs=outputs,
        slots={name: (slot.attribute, slot.scale) for name, slot in optimizer.slots.items()},
        mask_axes=tuple(None for _ in side.drawing()),
        masks=tuple(layer.mask for layer in side.drawing()),
    )
    return context, bindings


def _loss(loss: Loss, layers: list[Layer]) -> LossCode:
    """Return the loss, kept from looking behind a softmax or sigmoid that untouched layers stand behind.

    The tensor that such a layer hands on still carries the logits, which the last layer's own ending cannot say.
    """
    ops = [layer.op for layer in layers]
    while len(ops) > 1 and ops[-1].passes_on():
        ops.pop()
    hidden = len(ops) < len(layers)
    return (loss.as_they_are() if hidden else loss).keras(ops[-1].ending())
