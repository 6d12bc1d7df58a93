"""What every emitter does with the fragments that entries give it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from parity.code import Helper, LossCode, Parameter
from parity.spec.graph import Layer


def helpers_source(groups: Iterable[tuple[Helper, ...]]) -> tuple[list[str], list[str]]:
    """Return the sources and the imports of helpers, each once."""
    helpers = {helper.name: helper for group in groups for helper in group}
    imports = {line for helper in helpers.values() for line in helper.imports}
    return [helper.source.strip("\n") for helper in helpers.values()], sorted(imports)


def loss_context(code: LossCode) -> dict[str, Any]:
    """Return a loss for the templates."""
    return {"doc": code.doc, "comment": code.comment, "body": "\n".join(code.body)}


def activation_helpers(layers: Iterable[Layer], framework: str) -> list[tuple[Helper, ...]]:
    """Return what the layers' activations call."""
    return [ending.helpers(framework) for layer in layers if (ending := layer.op.ending()) is not None]


def penalty(parameters: Mapping[str, Parameter], framework: str, place: Callable[[str], str]) -> list[str]:
    """Return the expressions that ``penalty(model)`` adds up: one for each regularizer there is.

    Args:
        parameters: by ``layer.parameter``.
        framework: whose program it is.
        place: gives the source of a parameter for its name.
    """
    groups: dict[Any, list[str]] = {}
    for name, parameter in parameters.items():
        if parameter.regularizer is not None:
            groups.setdefault(parameter.regularizer, []).append(place(name))
    return [
        one.written(framework, places[0])
        if len(places) == 1
        else f"sum({one.written(framework, 'w')} for w in ({', '.join(places)}))"
        for one, places in groups.items()
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
