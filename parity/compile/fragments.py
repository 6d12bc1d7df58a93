"""What every emitter does with the fragments that entries give it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from parity.code import Helper, LossCode, Parameter
from parity.compile.program import Head, Weight
from parity.frameworks import frameworks
from parity.losses import Loss
from parity.losses.counting import counting
from parity.losses.ignoring import ignoring
from parity.losses.weighing import weighed
from parity.spec.graph import Graph, Layer
from parity.spec.resolve import Resolved


def helpers_source(groups: Iterable[tuple[Helper, ...]]) -> tuple[list[str], list[str]]:
    """Return the sources and the imports of helpers, each once.

    Raises:
        ValueError: when two that are not the same have one name: a program would use one of them for both.
    """
    helpers: dict[str, Helper] = {}
    for helper in (helper for group in groups for helper in group):
        if helpers.setdefault(helper.name, helper) != helper:
            raise ValueError(f"two helpers of a program are called {helper.name}, and are not the same")
    imports = {line for helper in helpers.values() for line in helper.imports}
    return [helper.source.strip("\n") for helper in helpers.values()], sorted(imports)


def kept_by(side: Resolved, weights: Mapping[str, Weight]) -> dict[str, tuple[str, ...]]:
    """Return the attributes that hold each trainable parameter of a side.

    Args:
        side: whose program it is.
        weights: where its parameters live.
    """
    return {
        name: (weights[name].attribute, *weights[name].beside)
        for name, one in side.parameters().items() if one.trainable
    }  # fmt: skip


def losses_of(side: Resolved) -> dict[str, tuple[Resolved, Loss]]:
    """Return of each output the side as seen from it, and its loss; of several without their weights.

    Where rows have weights of their own it is the loss by rows, see :mod:`parity.losses.weighing`.
    """
    return {
        name: (one, _by_rows(one) if one.weighs else one.config.loss.replace(weight=1.0) if name else one.config.loss)
        for name, one in side.views.items()
    }


def _by_rows(side: Resolved) -> Loss:
    loss = side.config.loss
    return loss.by_rows(loss.stretches(loss.form(side.config.data.targets)))


def fused_layers(side: Resolved) -> list[Layer]:
    """Return the layers of a side whose activation the loss of their output applies."""
    return [one.last for one in side.views.values() if one.config.loss.fused(one.graph.ending)]


def endings(side: Resolved, applied: bool = True) -> dict[str, Any]:
    """Return what the bindings say of the outputs: which activation the loss applies in place of the model.

    Args:
        side: whose outputs.
        applied: losses apply what they look behind; else they remember it.
    """
    fused = fused_layers(side) if applied else []
    kinds = {
        name: one.graph.ending.kind if one.last in fused and one.graph.ending else None
        for name, one in side.views.items()
    }
    heads = tuple(
        Head(name=one["name"], shape=one["shape"], targets=side.forms[one["name"]], ending=kinds[one["name"]])
        for one in side.outputs
    )
    return {"ending": next(filter(None, kinds.values()), None), "heads": heads}


def losses_context(side: Resolved, framework: str, codes: Mapping[str, LossCode], order: str) -> list[dict[str, str]]:
    """Return the functions that build the loss: of several outputs, the loss of each, and their sum last.

    Args:
        side: whose loss.
        framework: that it is written in.
        codes: of each output, its loss for targets of the output's shape.
        order: what the framework's losses are given: ``y_true, y_pred``.
    """
    made = {}
    for (name, code), (one, told) in zip(codes.items(), losses_of(side).values(), strict=True):
        loss = told if one.weighs else one.config.loss
        form, fused = side.forms[name], loss.fused(one.graph.ending)
        met = loss.given(code, framework, form, fused) if name else loss.meeting(code, framework, form, fused)
        met = ignoring(loss, met, side.framework)
        if one.graph.counted is not None:
            met = counting(loss, met, side.framework, fused and frameworks()[side.framework].remembers_logits)
        if one.weighs:
            met = weighed(one.config.loss, met, side.framework, one.graph.counted is not None, loss.stretches(form))
        made[name] = {
            "name": f"build_{PART}{name}" if name else WHOLE, "doc": met.doc, "comment": met.comment,
            "body": "\n".join(met.body),
        }  # fmt: skip
    if "" in made:
        return [made[""]]
    taken = order.split(", ")
    terms = []
    for name in made:
        given = ", ".join(f'{one}["{name}"]' for one in taken)
        weight = side.views[name].config.loss.weight
        terms.append(f"{'' if weight == 1.0 else f'{weight!r} * '}{PART}{name}({given})")
    lines = [f"{PART}{name} = build_{PART}{name}()" for name in made]
    body = "\n".join([*lines, "", f"def loss({order}):", f"    return {' + '.join(terms)}", "", "return loss"])
    whole = {"name": WHOLE, "doc": f"The losses of {' and '.join(made)}, added up.", "comment": "", "body": body}
    return [*made.values(), whole]


WHOLE, PART = "build_loss", "loss_of_"
"""What builds the loss, and how the name of the loss of one output of several begins."""


def activation_helpers(layers: Iterable[Layer], framework: str) -> list[tuple[Helper, ...]]:
    """Return what the layers' activations call."""
    return [ending.helpers(framework) for layer in layers if (ending := layer.op.ending()) is not None]


def penalty_helpers(layers: Iterable[Layer], framework: str) -> list[tuple[Helper, ...]]:
    """Return what the penalties of the layers' outputs call, in a framework whose layers have them."""
    if not frameworks()[framework].penalises_outputs:
        return []
    return [layer.op.keras_penalty_helpers() for layer in layers]


def kept_outputs(graph: Graph) -> dict[str, str]:
    """Return the layers whose outputs the loss penalises, and the attribute that a model keeps each in.

    None that a layer or one of the times of a block has.
    """
    names = {*graph.by_name, *(scope.prefix.removesuffix("_") for many in graph.scopes.values() for scope in many)}
    found = {}
    for layer in graph.layers:
        if layer.op.activity() is not None:
            name = f"{layer.name}_output"
            while name in names:
                name += "_"
            names.add(name)
            found[layer.name] = name
    return found


def penalty(
    side: Resolved, framework: str, place: Callable[[str], str], rows: str, behind: Callable[[Layer, str], str]
) -> list[str]:  # fmt: skip
    """Return the expressions that ``penalty(model)`` adds up: one for each regularizer there is.

    Args:
        side: whose parameters and outputs it penalises.
        framework: whose program it is.
        place: gives the source of a parameter for its name.
        rows: source of how many rows an output has, which ``{0}`` stands for.
        behind: gives the source of a layer's activation, which the loss applies, for what the model keeps of it.
    """
    terms: list[tuple[str, Callable[[str], str], str]] = []
    written: Callable[[str], str]
    for name, parameter in side.parameters().items():
        if parameter.regularizer is not None:
            terms.append(("w", partial(parameter.regularizer.written, framework), place(name)))
    fused, kept = fused_layers(side), kept_outputs(side.graph)
    for layer in side.layers():
        if layer.name in kept:
            ending: Callable[[str], str] = partial(behind, layer) if layer in fused else str
            written = partial(layer.op.activity_written, framework, rows, ending)
            terms.append(("y", written, f"model.{kept[layer.name]}"))
    groups: dict[tuple[str, str], tuple[Callable[[str], str], list[str]]] = {}
    for short, written, whole in terms:
        groups.setdefault((short, written(short)), (written, []))[1].append(whole)
    return [
        written(places[0]) if len(places) == 1 else f"sum({said} for {short} in ({', '.join(places)}))"
        for (short, said), (written, places) in groups.items()
    ]


def constrained(
    parameters: Mapping[str, Parameter], place: Callable[[str], str], held: Callable[[str, str], str], move: str
) -> list[str]:
    """Return the statements of ``constrain(model)``: one for each constraint there is, or a loop over what it holds.

    Args:
        parameters: by ``layer.parameter``.
        place: gives the source of a parameter for its name.
        held: gives the source of a parameter as it is made to be, for its name and its source.
        move: method that sets a parameter.
    """
    groups: dict[str, list[str]] = {}
    for name, parameter in parameters.items():
        if parameter.constraint is not None:
            groups.setdefault(held(name, "w"), []).append(name)
    found = []
    for source, names in groups.items():
        if len(names) == 1:
            (w,) = map(place, names)
            found.append(f"{w}.{move}({held(names[0], w)})")
        else:
            found += [f"for w in ({', '.join(map(place, names))}):", f"    w.{move}({source})"]
    return found


def constraint_helpers(parameters: Mapping[str, Parameter], framework: str) -> list[tuple[Helper, ...]]:
    """Return what the constraints call."""
    return [(one.constraint.helper(framework),) for one in parameters.values() if one.constraint is not None]
