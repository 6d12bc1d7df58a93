"""The Keras emitter: a ``Sequential`` model of real Keras layers, on the TensorFlow backend."""

from __future__ import annotations

from typing import Any

from parity.compile.emit import helpers_source, loss_context
from parity.compile.program import Bindings, Output, Weight
from parity.spec.resolve import Resolved
from parity.written import Site


def emit(side: Resolved) -> tuple[dict[str, Any], Bindings]:
    """Return what the template needs, and where the tensors live."""
    config, layers = side.config, side.layers()
    codes = [layer.op.keras(Site(name=layer.name, input_shape=layer.input_shape)) for layer in layers]
    optimizer = config.optimizer.keras()
    helpers, imports = helpers_source([*(code.helpers for code in codes), optimizer.helpers])
    context = {
        "imports": imports,
        "helpers": helpers,
        "layers": [(code.layer, code.comment) for code in codes],
        "loss": loss_context(config.loss.keras(layers[-1].op.ending())),
        "optimizer": optimizer,
    }
    # A softmax or sigmoid that the loss looks behind is seen by its logits too, as in the other frameworks.
    fused = config.loss.fused(layers[-1].op.ending())
    outputs = {
        layer.name: Output(attribute=layer.name, point="logits" if fused and layer is layers[-1] else "output")
        for layer in layers
    }
    bindings = Bindings(
        weights={name: Weight(attribute=name) for name in side.parameters()},
        outputs=outputs,
        slots={name: (slot.attribute, slot.scale) for name, slot in optimizer.slots.items()},
        mask_axes=tuple(None for layer in layers if layer.op.draws),
    )
    return context, bindings
