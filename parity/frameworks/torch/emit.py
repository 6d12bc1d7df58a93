"""The PyTorch emitter: ``nn.Module``, its axes moved only where a layer needs them elsewhere."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from parity.activations import Activation
from parity.code import Helper, Parameter, TorchCode, TorchWeight
from parity.compile.fragments import (
    activation_helpers,
    constrained,
    constraint_helpers,
    helpers_source,
    loss_context,
    penalty,
)
from parity.compile.layout import LaidOut, Line, Walk, arguments_of, masks_of
from parity.compile.program import Bindings, Output, Weight
from parity.losses.counting import counting
from parity.spec.graph import Layer
from parity.spec.resolve import Resolved
from parity.tensors import parameter as parameter_name


def applied(activation: Activation, channel_axis: int) -> str | None:
    """Return the expression of an activation by itself, of a tensor whose channels stand there."""
    return activation.torch(channel_axis)


@dataclass(kw_only=True)
class Written:
    """The model: its modules, what starts them, and the lines of ``forward``."""

    laid: LaidOut
    modules: list[tuple[str, str]] = field(default_factory=list)
    fills: list[str] = field(default_factory=list)
    frozen: list[str] = field(default_factory=list)
    forward: list[dict[str, str]] = field(default_factory=list)
    weights: dict[str, Weight] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    helpers: list[tuple[Helper, ...]] = field(default_factory=list)

    def own(self, layer: Layer, code: TorchCode) -> None:
        """Take in what a layer is made of: its modules, and where its tensors lie."""
        self.modules += code.modules.items()
        self.helpers.append(code.helpers)
        if not layer.op.trainable:
            self.frozen += dict.fromkeys(place.attribute.partition(".")[0] for place in code.weights.values())
        for name, parameter in layer.parameters.items():
            place = code.weights[name]
            self.weights[parameter_name(layer.name, name)] = Weight(
                attribute=place.attribute, axes=place.axes, trainable=parameter.trainable, blocks=place.blocks,
                beside=place.beside,
            )  # fmt: skip
            if name in layer.op.started:  # Running statistics start alike everywhere.
                self.fills += _filled(place, parameter)


def written(side: Resolved, fused: bool) -> Written:
    """Return a side's model.

    Args:
        side: whose model.
        fused: the loss applies the last activation.
    """
    graph, low = side.graph, side.config.numerics.mixed_precision is not None
    found = Written(laid=Walk(graph, "torch", side.last if fused else None).laid_out())
    found.helpers += activation_helpers(graph.layers, "torch")
    calls, joined = graph.calls(), Joined()
    for line in found.laid.lines:
        layer, code = line.layer, line.code
        if layer is None or code is None:
            found.forward.append(_made(line) if line.source else _moved(line))
            continue
        place = None if code.output or low else _in_sight(line, found.laid, graph.shared)
        code = joined.code(line) if not code.output and place is None else code
        found.outputs[layer.name] = Output(
            attribute=code.output if place is None else place, axes=found.laid.seen[layer.name],
            part=code.part if place is None else (),
            point="input" if place else "logits" if fused and layer is side.last else "output", call=calls[layer.name],
        )  # fmt: skip
        statement = f"{line.target} = {_given(line, code, low and layer.op.wide)}"
        found.forward.append({"statement": statement, "comment": line.comment})
        if layer.owns:
            found.own(layer, code)
    return found


def emit(side: Resolved) -> tuple[dict[str, Any], Bindings]:
    """Return what the template needs, and where the tensors live."""
    config, ending = side.config, side.graph.ending
    fused = config.loss.fused(ending)
    network = written(side, fused)
    weights = network.weights
    optimizer = config.optimizer.code("torch")
    if network.frozen or any(one.freezes for group in network.helpers for one in group):
        moving = "(p for p in model.parameters() if p.requires_grad)"
        optimizer = replace(optimizer, build=optimizer.build.replace("model.parameters()", moving))
    parameters = side.parameters()
    sources, imports = helpers_source([*network.helpers, optimizer.helpers, *constraint_helpers(parameters, "torch")])
    plain = config.loss.torch(config.loss.on_logits(ending), len(side.last.output_shape) + 1)
    plain = config.loss.meeting(plain, "torch", config.loss.form(config.data.targets), fused)
    counts = side.graph.counted is not None
    loss = loss_context(counting(config.loss, plain, "torch") if counts else plain)
    used = " ".join([loss["body"], *sources, *(line["statement"] for line in network.forward)])
    context = {
        "imports": imports,
        "helpers": sources,
        "modules": network.modules,
        "fills": network.fills,
        "frozen": network.frozen,
        "taken": network.laid.inputs,
        "forward": network.forward,
        "returns": network.laid.returns,
        "counted": network.laid.counted,
        "weights": [line for name, place in weights.items() for line in _copied(name, place)],
        "loss": loss,
        "optimizer": optimizer,
        "penalty": penalty(parameters, "torch", lambda name: _whole(weights[name])),
        "constraints": constrained(
            parameters,
            lambda name: f"model.{weights[name].attribute}",
            lambda name, w: _held(parameters[name], w, weights[name].axes),
            "copy_",
        ),
        "blocks": any(place.blocks for place in weights.values()),
        "functional": re.search(r"\bF\.\w+\(", used) is not None or (bool(side.drawing()) and not side.draws_itself),
    }
    bindings = Bindings(
        weights=weights,
        outputs=network.outputs,
        slots={name: (slot.attribute, slot.scale) for name, slot in optimizer.slots.items()},
        starts=config.optimizer.numbers(),
        mask_axes=tuple(network.laid.drawn[layer.name] for layer in side.drawing() for _ in layer.drawn),
        masks=tuple(number for layer in side.drawing() for number in layer.draw_numbers),
        ending=ending.kind if fused and ending else None,
    )
    return context, bindings


def _filled(place: TorchWeight, parameter: Parameter) -> list[str]:
    """Return the statements that start a parameter; of one that is kept in several tensors, those of each row."""
    if not place.beside:
        return parameter.initializer.torch(f"self.{place.attribute}", parameter).splitlines()
    row = replace(parameter, shape=parameter.shape[1:])
    return [
        line
        for number, attribute in enumerate((place.attribute, *place.beside))
        for line in parameter.initializer.of_row(number).torch(f"self.{attribute}", row).splitlines()
    ]


def _copied(name: str, place: Weight) -> list[tuple[str, str]]:
    """Return what is copied, in the layout of the spec, where to: a tensor, or each row of one."""
    found = []
    attributes = (place.attribute, *place.beside)
    for number, attribute in enumerate(attributes):
        value = f'weights["{name}"]' + (f"[{number}]" if len(attributes) > 1 else "")
        value = f"in_blocks({value}, {list(place.blocks)})" if place.blocks else value
        found.append((attribute, f"{value}.permute{place.axes}" if place.axes else value))
    return found


def _whole(place: Weight) -> str:
    """Return the source of a parameter, whose first axis counts the tensors that it is kept in, if these are many."""
    attributes = [f"model.{one}" for one in (place.attribute, *place.beside)]
    return attributes[0] if len(attributes) == 1 else f"torch.stack(({', '.join(attributes)}))"


def _held(parameter: Parameter, w: str, axes: tuple[int, ...] | None) -> str:
    return parameter.constraint.lying(axes).written(w) if parameter.constraint is not None else w


def _moved(line: Line) -> dict[str, str]:
    """Return the statement that moves the axes of a tensor."""
    axes = ", ".join(map(str, line.axes or ()))
    return {"statement": f"{line.target} = {line.given[0]}.permute({axes})", "comment": line.comment}


def _made(line: Line) -> dict[str, str]:
    """Return the statement that makes a mask."""
    return {"statement": f"{line.target} = {line.source}", "comment": line.comment}


def _given(line: Line, code: TorchCode, wide: bool) -> str:
    """Return a layer's expression in what it is called with; where it is wide, in the precision of the weights."""
    assert line.layer is not None
    names = dict(zip(arguments_of(line.layer), line.given, strict=True))
    if wide:
        names = {name: f"{one}.to(exact)" for name, one in names.items()}
    names |= dict(zip(masks_of(line.layer), line.masks, strict=True))
    found = re.sub(rf"(?<![.\w])({'|'.join(names)})\b(?!=)", lambda name: names[name[1]], code.forward)
    return f"{found}.to({line.given[0]}.dtype)" if wide else found


def _in_sight(line: Line, laid: LaidOut, shared: Collection[str]) -> str | None:
    """Return the module that takes in the value of an expression, where that is seen; "" if the model returns it.

    None where there is no such place: another reader, or one that computes something else of it first.
    """
    layer = line.layer
    assert layer is not None
    if laid.lines[-1] is line:  # A mask that it carries would not outlive a look at the model.
        return None if laid.counted else ""
    readers = [one for one in laid.calls if one.layer is not None and layer.gives in one.layer.reads]
    if len(readers) != 1 or readers[0].layer is None or readers[0].layer.owner in shared:
        return None
    between = laid.lines[laid.lines.index(line) : laid.lines.index(readers[0])]
    if any(one.axes is not None and one.given == (line.target,) for one in between):
        return None
    first = re.search(r"self\.(\w+)\(x\)", readers[0].code.forward)
    return first[1] if first and readers[0].code.forward.count("x)") == 1 else None


class Joined:
    """The modules of expressions that nothing else shows: ``Add``, and what it computes."""

    def __init__(self) -> None:
        self.made: dict[str, tuple[str, Helper]] = {}

    def code(self, line: Line) -> TorchCode:
        """Return a layer's code with its expression in a module of its own."""
        layer = line.layer
        assert layer is not None
        arguments, kind = arguments_of(layer), "".join(word.capitalize() for word in layer.op.kind.split("_"))
        expression = f"{kind}: {', '.join(arguments)}: {line.code.forward}"
        if expression not in self.made:
            same = sum(helper.name.rstrip("0123456789") == kind for _, helper in self.made.values())
            name = f"{kind}{same + 1}" if same else kind
            source = (
                f"class {name}(nn.Module):\n    def forward(self, {', '.join(arguments)}):\n"
                f"        return {line.code.forward}"
            )
            self.made[expression] = (name, Helper(name=name, source=source))
        name, helper = self.made[expression]
        return replace(
            line.code, modules={layer.name: f"{name}()"}, output=layer.name, helpers=(*line.code.helpers, helper),
            forward=f"self.{layer.name}({', '.join(arguments)})",
        )  # fmt: skip
