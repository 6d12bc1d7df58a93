"""The raw TensorFlow emitter: ``tf.Module``, ``tf.Variable``, ``tf.nn``, and no Keras."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parity.code import Parameter
from parity.compile.fragments import (
    activation_helpers,
    constrained,
    constraint_helpers,
    endings,
    fused_layers,
    helpers_source,
    kept_by,
    losses_context,
    losses_of,
    penalty,
)
from parity.compile.program import Bindings, Weight
from parity.frameworks.tensorflow.numerics import LOSS_SCALE
from parity.frameworks.tensorflow.written import written
from parity.spec.graph import Layer
from parity.spec.resolve import Resolved


def emit(side: Resolved) -> tuple[dict[str, Any], Bindings]:
    """Return what the template needs, and where the tensors live."""
    config, graph = side.config, side.graph
    fused = fused_layers(side)
    model, low = written(side, fused), config.numerics.mixed_precision
    helpers = [*activation_helpers(graph.layers, "tensorflow"), *model.helpers]
    parameters = side.parameters()
    if low == "float16":
        helpers.append((LOSS_SCALE,))
    optimizer = config.optimizer.code("tensorflow", kept_by(side, model.weights))
    codes = {name: loss.tensorflow(loss.on_logits(one.graph.ending)) for name, (one, loss) in losses_of(side).items()}
    sources, imports = helpers_source([*helpers, optimizer.helpers, *constraint_helpers(parameters, "tensorflow")])

    def place(name: str) -> str:
        return f"model.{model.weights[name].attribute}"

    def behind(layer: Layer, y: str) -> str:
        ending = layer.op.ending()
        return ending.tensorflow(y) if ending is not None else y

    context = {
        "imports": imports,
        "helpers": sources,
        "classes": model.classes,
        "looked_up": bool(model.classes) or any(one.name == "numbers_of" for one in optimizer.helpers),
        "made": model.made,
        "taken": model.taken,
        "lines": model.lines,
        "returns": model.returns,
        "counted": model.laid.counted,
        "methods": model.methods,
        "elsewhere": _elsewhere(model.weights),
        "losses": losses_context(side, "tensorflow", codes, "targets, outputs"),
        "optimizer": optimizer,
        "penalty": penalty(side, "tensorflow", place, "tf.cast(tf.shape({0})[0], {0}.dtype)", behind),
        "constraints": constrained(parameters, place, lambda name, w: _held(parameters[name], w), "assign"),
    }
    bindings = Bindings(
        weights=model.weights,
        outputs=model.outputs,
        slots={name: (slot.attribute, slot.scale) for name, slot in optimizer.slots.items()},
        **model.laid.draws(side.drawing()),
        **endings(side),
    )
    return context, bindings


def _elsewhere(weights: Mapping[str, Weight]) -> dict[str, str]:
    """Return the variables that are not called as their layers are: by the name that they would have, their paths."""
    return {
        name: place.attribute
        for name, place in ((name.replace(".", "_"), place) for name, place in weights.items())
        if place.attribute.replace(".", "_") != name
    }


def _held(parameter: Parameter, w: str) -> str:
    return parameter.constraint.written(w) if parameter.constraint is not None else w
