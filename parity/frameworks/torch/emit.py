"""The PyTorch emitter: ``nn.Module``, its axes moved only where a layer needs them elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from parity.activations import Activation
from parity.code import Helper, Parameter
from parity.compile.fragments import (
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
from parity.frameworks.torch import loops
from parity.frameworks.torch.loops import AboutModule
from parity.frameworks.torch.written import written
from parity.spec.graph import Layer
from parity.spec.resolve import Resolved
from parity.tensors import layer_of


def applied(activation: Activation, channel_axis: int) -> str | None:
    """Return the expression of an activation by itself, of a tensor whose channels stand there."""
    return activation.torch(channel_axis)


def emit(side: Resolved) -> tuple[dict[str, Any], Bindings]:
    """Return what the template needs, and where the tensors live."""
    config = side.config
    network = written(side, fused_layers(side))
    weights = network.weights
    optimizer = config.optimizer.code("torch", kept_by(side, weights))
    if network.frozen or any(one.freezes for group in network.helpers for one in group):
        moving = "(p for p in model.parameters() if p.requires_grad)"
        build = optimizer.build.replace("model.parameters()", moving)
        optimizer = replace(optimizer, build=build, helpers=tuple(map(_of_moving, optimizer.helpers)))
    parameters = side.parameters()
    sources, imports = helpers_source([*network.helpers, optimizer.helpers, *constraint_helpers(parameters, "torch")])
    codes = {
        name: loss.torch(loss.on_logits(one.graph.ending), len(one.last.output_shape) + 1)
        for name, (one, loss) in losses_of(side).items()
    }
    losses = losses_context(side, "torch", codes, "outputs, targets")
    lines = (line["statement"] for line in network.forward)
    bodies = (part["body"] for part in losses)
    used = " ".join([*bodies, *sources, *lines, *(one.source for one in network.blocks)])
    most = loops.MOST_BESIDE_BLOCKS if network.blocks else loops.MOST_LINES

    def in_loops(lines: list[AboutModule], root: str) -> list[str]:
        return loops.written(lines, network.classes, sources, root, most)

    def copied(name: str, place: Weight) -> list[AboutModule]:
        return _copied(name, place, network.module_of(place.attribute))

    def behind(layer: Layer, y: str) -> str:
        ending, lies = layer.op.ending(), network.laid.seen[layer.name]
        first = layer.op.channels_at() == "channels_first"
        module = None if ending is None else ending.torch(1 if first else -1 if lies is None else lies[-1])
        return f"{module}({y})" if module else y

    masks = any(not layer.op.noise for layer in side.drawing())
    context = {
        "imports": imports,
        "helpers": sources,
        "modules": network.modules,
        "fills": in_loops([AboutModule(source=one, module=at) for one, at in network.fills], "self"),
        "ties": network.ties,
        "frozen": network.frozen,
        "blocks": [one.source for one in network.blocks],
        "taken": network.taken,
        "forward": network.forward,
        "returns": network.returns,
        "counted": network.laid.counted,
        "weights": in_loops([one for name, place in weights.items() for one in copied(name, place)], "model"),
        "losses": losses,
        "optimizer": optimizer,
        "penalty": penalty(side, "torch", lambda name: _whole(weights[name]), "len({0})", behind),
        "constraints": constrained(
            parameters,
            lambda name: f"model.{weights[name].attribute}",
            lambda name, w: _held(parameters[name], w, weights[name].axes),
            "copy_",
        ),
        "in_blocks": any(place.blocks for place in weights.values()),
        "functional": re.search(r"\bF\.\w+\(", used) is not None or (masks and not side.draws_itself),
    }
    bindings = Bindings(
        weights=weights,
        outputs=network.outputs,
        slots={name: (slot.attribute, slot.scale) for name, slot in optimizer.slots.items()},
        fills=config.optimizer.fills(),
        **network.laid.draws(side.drawing()),
        **endings(side),
    )
    return context, bindings


def _of_moving(helper: Helper) -> Helper:
    """Return what groups parameters, where some do not move: of those that do."""
    every = "in model.named_parameters():\n"
    some = f"{every}        if not p.requires_grad:\n            continue\n"
    return replace(helper, source=helper.source.replace(every, some)) if helper.name == "parameter_groups" else helper


def _copied(name: str, place: Weight, module: str) -> list[AboutModule]:
    """Return what copies a parameter, laid out as the spec says, into a tensor, or each of its rows into one."""
    found = []
    attributes = (place.attribute, *place.beside)
    for number, attribute in enumerate(attributes):
        value = f'weights["{name}"]' + (f"[{number}]" if len(attributes) > 1 else "")
        value = f"in_blocks({value}, {list(place.blocks)})" if place.blocks else value
        source = f"model.{attribute}.copy_({f'{value}.permute{place.axes}' if place.axes else value})"
        found.append(AboutModule(source=source, module=module, layer=layer_of(name)))
    return found


def _whole(place: Weight) -> str:
    """Return the source of a parameter, whose first axis counts the tensors that it is kept in, if these are many."""
    attributes = [f"model.{one}" for one in (place.attribute, *place.beside)]
    return attributes[0] if len(attributes) == 1 else f"torch.stack(({', '.join(attributes)}))"


def _held(parameter: Parameter, w: str, axes: tuple[int, ...] | None) -> str:
    return parameter.constraint.lying(axes).written(w) if parameter.constraint is not None else w
