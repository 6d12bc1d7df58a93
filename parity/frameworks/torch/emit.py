"""The PyTorch emitter: ``nn.Module``, its axes moved only where a layer needs them elsewhere."""

from __future__ import annotations

import re
from typing import Any

from parity.activations import Activation
from parity.code import Helper, Parameter, Site
from parity.compile.fragments import (
    activation_helpers,
    constrained,
    constraint_helpers,
    helpers_source,
    loss_context,
    penalty,
)
from parity.compile.layout import Layouts, Move
from parity.compile.program import Bindings, Output, Weight
from parity.spec.resolve import Resolved
from parity.tensors import parameter as parameter_name


def applied(activation: Activation, channel_axis: int) -> str | None:
    """Return the expression of an activation by itself, of a tensor whose channels stand there."""
    return activation.torch(channel_axis)


def emit(side: Resolved) -> tuple[dict[str, Any], Bindings]:
    """Return what the template needs, and where the tensors live."""
    config, layers = side.config, side.layers()
    ending = layers[-1].op.ending()
    fused = config.loss.fused(ending)
    lay, drawing = Layouts("torch"), {layer.name for layer in side.drawing()}
    modules: list[tuple[str, str]] = []
    forward: list[dict[str, str]] = []
    weights: dict[str, Weight] = {}
    outputs: dict[str, Output] = {}
    mask_axes: list[tuple[int, ...] | None] = []
    helpers: list[tuple[Helper, ...]] = activation_helpers(layers, "torch")
    fills = []
    for layer in layers:
        linear = fused and layer is layers[-1]
        code = layer.op.torch(Site(name=layer.name, input_shape=layer.input_shape, layout=lay.now, linear=linear))
        forward += _moved(lay.reach(code.reads, layer.input_shape))
        if layer.name in drawing:
            mask_axes.append(lay.drawn(layer.input_shape))
        lay.leave(code.writes, layer.output_shape)
        modules += code.modules.items()
        statement = f"x = {code.forward}"
        if config.numerics.mixed_precision and layer.op.wide:
            statement = f"{statement.replace('(x)', '(x.to(exact))')}.to(x.dtype)"
        forward.append({"statement": statement, "comment": code.comment})
        helpers.append(code.helpers)
        axes = lay.seen(layer.output_shape)
        outputs[layer.name] = Output(attribute=code.output, axes=axes, point="logits" if linear else "output")
        for name, parameter in layer.parameters.items():
            place = code.weights[name]
            weights[parameter_name(layer.name, name)] = Weight(
                attribute=place.attribute, axes=place.axes, trainable=parameter.trainable
            )
            if parameter.trainable:  # Running statistics start alike everywhere.
                fills.append(parameter.initializer.torch(f"self.{place.attribute}", parameter))
    forward += _moved(lay.reach("as_said", layers[-1].output_shape))
    optimizer = config.optimizer.code("torch")
    parameters = side.parameters()
    sources, imports = helpers_source([*helpers, optimizer.helpers, *constraint_helpers(parameters, "torch")])
    plain = config.loss.torch(config.loss.on_logits(ending), len(layers[-1].output_shape) + 1)
    loss = loss_context(config.loss.meeting(plain, "torch", config.loss.form(config.data.targets), fused))
    used = " ".join([loss["body"], *sources, *(line["statement"] for line in forward)])
    context = {
        "imports": imports,
        "helpers": sources,
        "modules": modules,
        "fills": fills,
        "forward": forward,
        "weights": [(name, place.attribute, place.axes) for name, place in weights.items()],
        "loss": loss,
        "optimizer": optimizer,
        "penalty": penalty(parameters, "torch", lambda name: f"model.{weights[name].attribute}"),
        "constraints": constrained(
            parameters,
            lambda name: f"model.{weights[name].attribute}",
            lambda name, w: _held(parameters[name], w, weights[name].axes),
            "copy_",
        ),
        "functional": re.search(r"\bF\.\w+\(", used) is not None or (bool(mask_axes) and not side.draws_itself),
    }
    bindings = Bindings(
        weights=weights,
        outputs=outputs,
        slots={name: (slot.attribute, slot.scale) for name, slot in optimizer.slots.items()},
        starts=config.optimizer.numbers(),
        mask_axes=tuple(mask_axes),
        masks=tuple(layer.mask for layer in side.drawing()),
        ending=ending.kind if fused and ending else None,
    )
    return context, bindings


def _held(parameter: Parameter, w: str, axes: tuple[int, ...] | None) -> str:
    return parameter.constraint.lying(axes).written(w) if parameter.constraint is not None else w


def _moved(move: Move | None) -> list[dict[str, str]]:
    """Return the statement that moves the axes, none where they stand right."""
    if move is None:
        return []
    return [{"statement": f"x = x.permute({', '.join(map(str, move.axes))})", "comment": move.comment}]
