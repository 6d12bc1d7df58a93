"""The raw TensorFlow emitter: ``tf.Module``, ``tf.Variable``, ``tf.nn``, and no Keras."""

from __future__ import annotations

from typing import Any

from parity.compile.fragments import (
    activation_helpers,
    constrained,
    constraint_helpers,
    helpers_source,
    loss_context,
    penalty,
)
from parity.compile.program import Bindings, Output, Weight
from parity.spec.resolve import Resolved
from parity.written import Parameter, Site


def emit(side: Resolved) -> tuple[dict[str, Any], Bindings]:
    """Return what the template needs, and where the tensors live."""
    config, layers = side.config, side.layers()
    ending = layers[-1].op.ending()
    fused = config.loss.fused(ending)
    methods = []
    helpers = activation_helpers(layers, "tensorflow")
    for layer in layers:
        linear = fused and layer is layers[-1]
        code = layer.op.tensorflow(Site(name=layer.name, input_shape=layer.input_shape, linear=linear))
        methods.append({"name": layer.name, "code": code, "body": "\n".join(code.body)})
        helpers.append(code.helpers)
    parameters = side.parameters()
    variables = []
    for name, parameter in parameters.items():
        fixed = "" if parameter.trainable else "trainable=False, "
        variables.append(
            (
                name.replace(".", "_"),
                parameter.initializer.tensorflow(parameter),
                f'{fixed}name="{name.replace(".", "/")}"',
            )
        )
        helpers.append(parameter.initializer.tensorflow_helpers())
    optimizer = config.optimizer.tensorflow()
    sources, imports = helpers_source([*helpers, optimizer.helpers, *constraint_helpers(parameters, "tensorflow")])
    context = {
        "imports": imports,
        "helpers": sources,
        "variables": variables,
        "methods": methods,
        "loss": loss_context(config.loss.tensorflow(config.loss.on_logits(ending))),
        "optimizer": optimizer,
        "penalty": penalty(parameters, "tensorflow", _place),
        "constraints": constrained(parameters, _place, lambda name, w: _held(parameters[name], w), "assign"),
    }
    bindings = Bindings(
        weights={
            name: Weight(attribute=name.replace(".", "_"), trainable=one.trainable) for name, one in parameters.items()
        },
        outputs={
            layer.name: Output(attribute=layer.name, point="logits" if fused and layer is layers[-1] else "output")
            for layer in layers
        },
        slots={name: (slot.attribute, slot.scale) for name, slot in optimizer.slots.items()},
        mask_axes=tuple(None for _ in side.drawing()),
        masks=tuple(layer.mask for layer in side.drawing()),
        ending=ending.kind if fused and ending else None,
    )
    return context, bindings


def _place(name: str) -> str:
    return f"model.{name.replace('.', '_')}"


def _held(parameter: Parameter, w: str) -> str:
    return parameter.constraint.tensorflow(w) if parameter.constraint is not None else w
