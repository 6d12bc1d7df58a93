"""What a watcher tells by numbers, as words that say it: initializers, and optimizers that a program writes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from parity.reading.drawn_by import rules_for, said_exactly
from parity.reading.draws import fans_of, starts_measured, starts_of
from parity.reading.fitted import fitted, fitted_groups
from parity.reading.fitted_loss import fitted_loss
from parity.reading.fitted_rate import rate_of, rate_of_epochs
from parity.reading.unread import Unread
from parity.run.told import Told, ToldLoss, ToldNode, Word

if TYPE_CHECKING:
    from numpy.typing import NDArray

MEASURED = "measured:"
"""How the name begins under which it is told by how many numbers a tensor's start was measured."""

STARTS = "an initializer that starts it so"
NEEDS = f"{STARTS}, or the weights as they are: --weights live"
"""What a tensor needs of which nobody can tell how it starts."""


def resolved(
    told: Told, arrays: Mapping[str, NDArray[Any]], unread: list[Unread], given_weights: bool = False
) -> Told:  # fmt: skip
    """Return a program in which every word says what it is.

    ``{"start": ...}`` is how a tensor starts: its ``shape``, and of what TensorFlow's generator drew ``drawn``, the
    family, the middle and the scale; else the names of the ``arrays`` that it starts at, one for each seed, with the
    ``axes`` of the canonical layout in it and the number of inputs that feed an output of its layer. ``{"fit": ...}``
    is an update: of each of the ``groups`` that are moved in another way the names of its ``weights`` and
    ``gradients``, and the ``numbers`` that the program writes. ``{"elements": ...}`` is a loss: what it makes of
    numbers that were made up; ``fields`` what else is known of it.

    Args:
        told: what a watcher told.
        arrays: that it wrote.
        unread: takes what the numbers do not tell.
        given_weights: the spec starts from the program's own weights, whatever the initializers say.
    """
    notes, places = list(told.notes), dict(told.places)
    nodes = [_node(node, arrays, unread, notes, places, given_weights) for node in told.nodes]
    optimizer = told.optimizer
    if isinstance(optimizer, Mapping) and "fit" in optimizer:
        optimizer, groups = _written_out(optimizer["fit"], arrays, unread, notes)
        told = replace(told, groups=groups)
    if isinstance(optimizer, Mapping) and isinstance(optimizer.get("arguments", {}).get("learning_rate"), Mapping):
        optimizer = _by_count(optimizer, unread, places.get("schedule", ""))
    losses = [_loss(one, places.get("loss") or places.get("compile", ""), unread, notes) for one in told.losses]
    return replace(told, nodes=nodes, losses=losses, optimizer=optimizer, notes=notes, places=places)


def _loss(told: ToldLoss, place: str, unread: list[Unread], notes: list[str]) -> ToldLoss:
    """Return a loss that is told by what it makes of numbers as the entry that makes the same of them."""
    if not (isinstance(told.part, Mapping) and "elements" in told.part):
        return told
    found = fitted_loss(**told.part["elements"])
    if found is None:
        what = "a loss that is written out, number by number,"
        unread.append(Unread(what=what, place=place, needs="one of the losses of errors: mse, mae, huber, ..."))
        return replace(told, part={"entry": "mse"})
    ((kind, fields),) = found.entry.items()
    told_fields = ", ".join(f"{name} {one:g}" for name, one in fields.items())
    beside = f" with {told_fields}" if fields else ""
    notes.append(f"The loss is written out in the program: of each number it is {kind}{beside}.")
    entry = {kind: {**fields, **told.part["fields"]}}
    return replace(told, part={"entry": entry}, weight=told.weight * found.factor)


def _by_count(optimizer: Mapping[str, Any], unread: list[Unread], place: str) -> Word:
    """Return an optimizer of which each epoch, or each step, has a rate with the schedule that gives these."""
    told = optimizer["arguments"]["learning_rate"]
    if not {"rates", "dense"} & told.keys():
        return optimizer
    found = _schedule_of(told)
    if found is None:
        unread.append(
            Unread(
                what=_rates_shown(told), place=place, needs="rates that are finite numbers, as a schedule gives them"
            )
        )
    rate = {"entry": found} if isinstance(found, Mapping) else found or 0.0
    arguments = {**optimizer["arguments"], "learning_rate": rate}
    return {**optimizer, "arguments": arguments}


def _schedule_of(told: Mapping[str, Any]) -> Mapping[str, Any] | float | None:
    """Return the schedule that gives the rates of epochs, or of steps."""
    if "rates" in told:
        return rate_of_epochs(told["rates"], told["steps"])
    return rate_of(told["dense"], {int(step): one for step, one in told["later"]})


def _rates_shown(told: Mapping[str, Any]) -> str:
    """Return rates as a person would point at them."""
    by = "rates" if "rates" in told else "dense"
    shown = ", ".join(f"{one:g}" for one in told[by][:4])
    return f"rates of {'epochs' if by == 'rates' else 'steps'} ({shown}, ...)"


def _written_out(
    said: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], unread: list[Unread], notes: list[str]
) -> tuple[Word, list[dict[str, float]]]:  # fmt: skip
    """Return the optimizer that an update is, and what it does otherwise for each group of parameters."""
    runs = [(arrays[one["weights"]], arrays[one["gradients"]]) for one in said["groups"]]
    if "asked" in said:
        return _at_rates(said, runs, unread, notes), []
    found, groups = fitted_groups(runs, said["numbers"])
    if found.entry is None:
        unread.append(Unread(what=f"an update that is written out ({found.sentence})", place=said["place"],
                             needs="an optimizer with that rule"))  # fmt: skip
        return {"entry": "sgd"}, []
    notes.append(f"The optimizer is written out in the program: {found.sentence}.")
    ((kind, fields),) = found.entry.items()
    return {"entry": {kind: {**fields, **said["around"]}} if said.get("around") else found.entry}, groups


def _at_rates(
    said: Mapping[str, Any], runs: Sequence[tuple[Any, Any]], unread: list[Unread], notes: list[str]
) -> Word:  # fmt: skip
    """Return the optimizer that an update is whose rate a line of the program gives by a count."""
    rate, what, needs = _schedule_of(said["asked"]), "", ""
    found = fitted(*runs[0], said["numbers"], said["rates"])
    if rate is None:
        what, needs = _rates_shown(said["asked"]), "rates that a schedule gives"
    elif found.entry is None or len(runs) > 1:
        what, needs = f"an update that is written out ({found.sentence})", "an optimizer with that rule"
    if what or found.entry is None:
        unread.append(Unread(what=what, place=said["place"], needs=needs))
        return {"entry": "sgd"}
    notes.append(f"The optimizer is written out in the program: {found.sentence}.")
    ((kind, fields),) = found.entry.items()
    return {"entry": {kind: {**fields, "learning_rate": rate, **(said.get("around") or {})}}}


def _node(
    node: ToldNode, arrays: Mapping[str, NDArray[Any]], unread: list[Unread], notes: list[str],
    places: dict[str, str], given_weights: bool,
) -> ToldNode:  # fmt: skip
    """Return a layer whose starts are entries; those that are not told are left to the layer where they do nothing."""
    if not any(starts_of(node)):
        return node
    node = replace(node, arguments={**node.arguments})
    if isinstance(node.arguments.get("starts"), Mapping):
        node.arguments["starts"] = dict(node.arguments["starts"])
    words = [(where, name, where[name]["start"]) for where, name in starts_of(node)]
    found = starts_measured({name: said for _, name, said in words if "drawn" not in said}, arrays)
    for where, name, said in words:
        if "drawn" in said:
            family, middle, scale = said["drawn"]
            rules = rules_for(said["shape"], **fans_of(said["shape"]))
            where[name] = {"entry": said_exactly(family, middle, scale, rules)}
            continue
        start = found[name]
        where[name] = {"entry": start.entry or "zeros"}
        if start.ones is not None:
            where[name]["parts"] = [{"rows": list(start.ones), "told": {"entry": "ones"}}]
        if start.entry is not None:
            places[f"{MEASURED}{said['of']}"] = start.sentence.partition(",")[0]
            notes += [] if start.entry in ("zeros", "ones") else [f"{said['of']} is measured: {start.sentence}."]
        elif given_weights:
            del where[name]
            notes.append(f"How {said['of']} starts is not told: {start.sentence}; the file of weights has it.")
        else:
            unread.append(Unread(what=f"{said['of']}: {start.sentence}; it", place=said.get("place", ""), needs=NEEDS))
    return node
