"""The PyTorch emitter: ``nn.Module``; follows where the channels stand and moves them only where it must."""

from __future__ import annotations

import re
from typing import Any

from parity.compile.fragments import constrained, constraint_helpers, helpers_source, loss_context, penalty
from parity.compile.program import Bindings, Output, Weight, to_first, to_last
from parity.entries import Shape
from parity.spec.resolve import Layer, Resolved
from parity.written import Layout, Parameter, Site, TorchCode


def emit(side: Resolved) -> tuple[dict[str, Any], Bindings]:
    """Return what the template needs, and where the tensors live."""
    config, layers = side.config, side.layers()
    ending = layers[-1].op.ending()
    fused = config.loss.fused(ending)
    layout: Layout = "channels_last"
    modules: list[tuple[str, str]] = []
    forward: list[dict[str, str]] = []
    weights: dict[str, Weight] = {}
    outputs: dict[str, Output] = {}
    mask_axes: list[tuple[int, ...] | None] = []
    helpers, fills = [], []
    for layer in layers:
        linear = fused and layer is layers[-1]
        code = layer.op.torch(Site(name=layer.name, input_shape=layer.input_shape, layout=layout, linear=linear))
        if code.reads not in ("any", layout) and len(layer.input_shape) > 1:
            forward.append(_moved(code.reads, layer.input_shape))
            layout = code.reads
        if layer.op.draws and not layer.op.passes_on():
            mask_axes.append(to_first(len(layer.input_shape)) if layout == "channels_first" else None)
        layout = _after(code, layout, layer)
        modules += code.modules.items()
        forward.append({"statement": f"x = {code.forward}", "comment": code.comment})
        helpers.append(code.helpers)
        axes = to_last(len(layer.output_shape)) if layout == "channels_first" else None
        outputs[layer.name] = Output(attribute=code.output, axes=axes, point="logits" if linear else "output")
        for name, parameter in layer.parameters.items():
            place = code.weights[name]
            weights[f"{layer.name}.{name}"] = Weight(
                attribute=place.attribute, axes=place.axes, trainable=parameter.trainable
            )
            if parameter.trainable:  # Running statistics start alike everywhere.
                fills.append(parameter.initializer.torch(f"self.{place.attribute}", parameter))
    if layout == "channels_first":
        forward.append(_moved("channels_last", layers[-1].output_shape))
    optimizer = config.optimizer.torch()
    parameters = side.parameters()
    sources, imports = helpers_source([*helpers, optimizer.helpers, *constraint_helpers(parameters, "torch")])
    loss = loss_context(config.loss.torch(config.loss.on_logits(ending), len(layers[-1].output_shape) + 1))
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
        "functional": re.search(r"\bF\.\w+\(", used) is not None or bool(mask_axes),
    }
    bindings = Bindings(
        weights=weights,
        outputs=outputs,
        slots={name: (slot.attribute, slot.scale) for name, slot in optimizer.slots.items()},
        mask_axes=tuple(mask_axes),
        ending=ending.kind if fused and ending else None,
    )
    return context, bindings


def _held(parameter: Parameter, w: str, axes: tuple[int, ...] | None) -> str:
    return parameter.constraint.torch(w, axes) if parameter.constraint is not None else w


def _after(code: TorchCode, layout: Layout, layer: Layer) -> Layout:
    """Return where the channels stand after a layer; a row of features has them last in any case."""
    if len(layer.output_shape) == 1:
        return "channels_last"
    return layout if code.writes == "any" else code.writes


def _moved(layout: Layout, shape: Shape) -> dict[str, str]:
    """Return the statement that moves the channels, and why."""
    rank = len(shape)
    last = ", ".join(["N", *map(str, shape)])
    first = ", ".join(["N", str(shape[-1]), *map(str, shape[:-1])])
    if layout == "channels_first":
        axes, comment = to_first(rank), f"({last}) to ({first}): PyTorch convolves channels first"
    else:
        axes, comment = to_last(rank), f"({first}) back to ({last}), the order Keras keeps"
    return {"statement": f"x = x.permute({', '.join(map(str, axes))})", "comment": comment}
