"""The raw TensorFlow emitter: ``tf.Module``, ``tf.Variable``, ``tf.nn``, and no Keras."""

from __future__ import annotations

from typing import Any

from parity.code import Parameter
from parity.compile.fragments import (
    activation_helpers,
    constrained,
    constraint_helpers,
    helpers_source,
    loss_context,
    penalty,
)
from parity.compile.layout import Line, Walk, arguments_of, masks_of
from parity.compile.program import Bindings, Output, Weight
from parity.frameworks.tensorflow.numerics import LOSS_SCALE, in_low_precision
from parity.losses.counting import counting
from parity.spec.resolve import Resolved


def emit(side: Resolved) -> tuple[dict[str, Any], Bindings]:
    """Return what the template needs, and where the tensors live."""
    config, graph = side.config, side.graph
    ending = graph.ending
    fused = config.loss.fused(ending)
    laid = Walk(graph, "tensorflow", side.last if fused else None).laid_out()
    helpers = [*activation_helpers(graph.layers, "tensorflow"), *(line.code.helpers for line in laid.calls)]
    low, calls = config.numerics.mixed_precision, graph.calls()
    methods: list[dict[str, Any]] = []
    outputs: dict[str, Output] = {}
    for line in laid.calls:
        layer = line.layer
        assert layer is not None
        point = "logits" if fused and layer is side.last else "output"
        outputs[layer.name] = Output(
            attribute=layer.owner, axes=laid.seen[layer.name], point=point, call=calls[layer.name]
        )  # fmt: skip
        if layer.owns:
            body, arguments = "\n".join(line.code.body), arguments_of(layer)
            whole = layer.op.reads_dtype == "integer"
            body = in_low_precision(body, layer.op.wide, arguments, whole) if low else body
            taken = ", ".join([*arguments, *masks_of(layer), *(["training"] if line.code.training else [])])
            methods.append({"name": layer.name, "code": line.code, "body": body, "taken": taken})
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
    loss = config.loss.meeting(loss, "tensorflow", config.loss.form(config.data.targets), fused)
    loss = counting(config.loss, loss, "tensorflow") if graph.counted is not None else loss
    sources, imports = helpers_source([*helpers, optimizer.helpers, *constraint_helpers(parameters, "tensorflow")])
    context = {
        "imports": imports,
        "helpers": sources,
        "variables": variables,
        "taken": laid.inputs,
        "lines": [_worded(line) for line in laid.lines],
        "returns": laid.returns,
        "counted": laid.counted,
        "methods": methods,
        "loss": loss_context(loss),
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
        mask_axes=tuple(laid.drawn[layer.name] for layer in side.drawing() for _ in layer.drawn),
        masks=tuple(number for layer in side.drawing() for number in layer.draw_numbers),
        ending=ending.kind if fused and ending else None,
    )
    return context, bindings


def _worded(line: Line) -> dict[str, str]:
    """Return a line of the model's call, and what is said above it."""
    if line.axes is not None:
        return {"statement": f"{line.target} = tf.transpose({line.given[0]}, {line.axes})", "comment": line.comment}
    if line.source:
        return {"statement": f"{line.target} = {line.source}", "comment": line.comment}
    assert line.layer is not None
    given = ", ".join([*line.given, *line.masks, *(["training"] if line.code.training else [])])
    return {"statement": f"{line.target} = self.{line.layer.owner}({given})", "comment": ""}


def _place(name: str) -> str:
    return f"model.{name.replace('.', '_')}"


def _held(parameter: Parameter, w: str) -> str:
    return parameter.constraint.written(w) if parameter.constraint is not None else w
