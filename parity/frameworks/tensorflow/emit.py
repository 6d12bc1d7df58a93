"""The raw TensorFlow emitter: ``tf.Module``, ``tf.Variable``, ``tf.nn``, and no Keras."""

from __future__ import annotations

from typing import Any

from parity.code import Parameter, Site
from parity.compile.fragments import (
    activation_helpers,
    constrained,
    constraint_helpers,
    helpers_source,
    loss_context,
    penalty,
)
from parity.compile.layout import Layouts
from parity.compile.program import Bindings, Output, Weight
from parity.frameworks.tensorflow.numerics import LOSS_SCALE, in_low_precision
from parity.spec.resolve import Resolved


def emit(side: Resolved) -> tuple[dict[str, Any], Bindings]:
    """Return what the template needs, and where the tensors live."""
    config, layers = side.config, side.layers()
    ending = layers[-1].op.ending()
    fused = config.loss.fused(ending)
    lay, drawing = Layouts("tensorflow"), {layer.name for layer in side.drawing()}
    methods: list[dict[str, Any]] = []
    outputs: dict[str, Output] = {}
    mask_axes: list[tuple[int, ...] | None] = []
    helpers = activation_helpers(layers, "tensorflow")
    low = config.numerics.mixed_precision
    for layer in layers:
        linear = fused and layer is layers[-1]
        site = Site(name=layer.name, input_shape=layer.input_shape, layout=lay.now, linear=linear)
        code = layer.op.tensorflow(site)
        move = lay.reach(code.reads, layer.input_shape)
        if layer.name in drawing:
            mask_axes.append(lay.drawn(layer.input_shape))
        body = "\n".join(code.body)
        body = in_low_precision(body, layer.op.wide) if low else body
        methods.append({"name": layer.name, "code": code, "body": body, "move": move})
        helpers.append(code.helpers)
        lay.leave(code.writes, layer.output_shape)
        axes = lay.seen(layer.output_shape)
        outputs[layer.name] = Output(attribute=layer.name, axes=axes, point="logits" if linear else "output")
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
    if low == "float16":
        helpers.append((LOSS_SCALE,))
    optimizer, loss = config.optimizer.code("tensorflow"), config.loss.tensorflow(config.loss.on_logits(ending))
    sources, imports = helpers_source([*helpers, optimizer.helpers, *constraint_helpers(parameters, "tensorflow")])
    context = {
        "imports": imports,
        "helpers": sources,
        "variables": variables,
        "methods": methods,
        "move": lay.reach("as_said", layers[-1].output_shape),
        "loss": loss_context(config.loss.meeting(loss, "tensorflow", config.loss.form(config.data.targets), fused)),
        "optimizer": optimizer,
        "penalty": penalty(parameters, "tensorflow", _place),
        "constraints": constrained(parameters, _place, lambda name, w: _held(parameters[name], w), "assign"),
    }
    bindings = Bindings(
        weights={
            name: Weight(attribute=name.replace(".", "_"), trainable=one.trainable) for name, one in parameters.items()
        },
        outputs=outputs,
        slots={name: (slot.attribute, slot.scale) for name, slot in optimizer.slots.items()},
        starts=config.optimizer.numbers(),
        mask_axes=tuple(mask_axes),
        masks=tuple(layer.mask for layer in side.drawing()),
        ending=ending.kind if fused and ending else None,
    )
    return context, bindings


def _place(name: str) -> str:
    return f"model.{name.replace('.', '_')}"


def _held(parameter: Parameter, w: str) -> str:
    return parameter.constraint.written(w) if parameter.constraint is not None else w
