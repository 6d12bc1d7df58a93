"""From what was run and is known to the facts that a page teaches with: a step, a network, entries, combinations."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

from parity.catalog import FAMILIES
from parity.compare.judge import Judge
from parity.compare.looked import Looked
from parity.entries import Entry, shown
from parity.errors import ParityError
from parity.explain.contest import Contest
from parity.frameworks import frameworks, title_of
from parity.native import means_in
from parity.result.entryfact import EntryFact, PartFact
from parity.result.explanation import CombinationFact
from parity.result.patches import as_options, as_yaml, changes_of
from parity.result.stepfact import LayerFact, StepFact, TensorFact
from parity.spec.differences import Difference
from parity.spec.paths import at
from parity.spec.resolve import Resolved
from parity.tensors import is_of_parameter, itself, layer_of, without_slot
from parity.trials.combined import thinned
from parity.trials.inquired import Combination, Explained

MOST_TENSORS = 600
"""Tensors of a step that are kept: of very many, the first of each phase, and those beyond rounding."""

MOST_POINTS = 100
"""Numbers of a counterfactual run's curve."""


def step_fact(judge: Judge) -> StepFact | None:
    """Return the facts of the step in which two sides part, or of the first; None where none was looked at whole."""
    found = judge.looks.of(judge.first.step if judge.first is not None else None)
    if found is None:
        return None
    number, every = found
    phases = len({one.seen.phase for one in every})
    room: dict[str, int] = {}
    kept = []
    for one in every:
        room[one.seen.phase] = room.get(one.seen.phase, 0) + 1
        if len(every) <= MOST_TENSORS or one.seen.beyond or room[one.seen.phase] <= MOST_TENSORS // phases:
            kept.append(_tensor_fact(one))
    return StepFact(number=number, tensors=kept, every=len(every))


def _tensor_fact(one: Looked) -> TensorFact:
    seen = one.seen
    return TensorFact(
        phase=seen.phase, tensor=seen.tensor, layer=_layer(seen.phase, seen.tensor),
        shape=None if seen.shape is None else list(seen.shape), a=_rounded(one.a), b=_rounded(one.b),
        difference=_rounded(seen.difference), noise=_rounded(seen.noise),
        element=list(seen.element) if seen.beyond and seen.element is not None else None,
        values=seen.values if seen.beyond else None,
    )  # fmt: skip


def _layer(phase: str, tensor: str) -> str:
    """Return the layer that a tensor is of; empty where it is none's."""
    if phase in ("batch", "loss", "metric"):
        return ""
    name = without_slot(tensor)
    return layer_of(name) if is_of_parameter(name) else itself(name).partition(":")[0]


def _rounded(number: Any) -> Any:
    """Return a number with as many digits as a picture shows."""
    return None if number is None else float(f"{number:.4g}")


def layer_facts(side: Resolved) -> list[LayerFact]:
    """Return the facts of a side's network."""
    return [
        LayerFact(
            name=layer.name, kind=layer.op.kind, reads=[value.name for value in layer.reads],
            shape=list(layer.output_shape),
        )
        for layer in side.graph.layers
    ]  # fmt: skip


def combination_facts(told: Explained) -> list[CombinationFact]:
    """Return the facts of every combination of differences that was run."""
    return [_combination_fact(told.contest, one) for one in told.combinations]


def _combination_fact(contest: Contest, one: Combination) -> CombinationFact:
    missing = contest.without(one.paths)
    near = len(one.paths) <= len(missing)  # The side from which fewer differences lead there.
    side, taken = (contest.good, one.paths) if near else (contest.bad, missing)
    try:
        changes = changes_of(contest if near else contest.turned(), taken) if taken else {}
    except ParityError:
        changes = {}
    every, losses = thinned(one.losses, MOST_POINTS)
    return CombinationFact(
        paths=[item.path for item in contest.live if item.path in one.paths],
        seeds=list(one.seeds), values=list(one.values), every=every, losses=[_rounded(loss) for loss in losses],
        steps=len(one.losses),
        stopped=one.stopped, side=side.name, patch=as_yaml(changes), options=as_options(side.name, changes),
    )  # fmt: skip


def about(a: Resolved, b: Resolved, one: Difference) -> tuple[list[str], str]:
    """Return the names of the entries that a difference is about, and what its field is; what is not known is empty.

    Args:
        a: first side.
        b: second side.
        one: their difference.
    """
    entries: dict[str, None] = {}
    said = ""
    for side in (a, b):
        parent, _, key = one.paths[0].rpartition(".")
        owner, value = _held(side, parent), _held(side, one.paths[0])
        about_it = value if isinstance(value, Entry) else owner
        if isinstance(about_it, Entry) and (name := _name(type(about_it))):
            entries[name] = None
        field = type(owner).model_fields.get(key) if hasattr(type(owner), "model_fields") else None
        said = said or (field.description or "" if field is not None else "")
    return list(entries), said


def by_themselves(a: Resolved, b: Resolved, one: Difference) -> bool:
    """Return whether both sides have what their frameworks' own parts do, and no argument of these says otherwise.

    Args:
        a: first side.
        b: second side.
        one: their difference.
    """
    return all(_given(side, path) for side in (a, b) for path in one.paths)


def _given(side: Resolved, path: str) -> bool:
    """Return whether a value is what the framework's own part has, whatever it is told."""
    parent, _, key = path.rpartition(".")
    owner = _held(side, parent)
    native = type(owner).natives.get(side.framework) if isinstance(owner, Entry) else None
    if native is None or native.never or key not in native.when or key in native.fields:
        return False
    return not isinstance(native.when[key], frozenset) and bool(getattr(owner, key) == native.when[key])


def _held(side: Resolved, path: str) -> Any:
    """Return the value at a path; None where this side has no such thing."""
    try:
        return at(side.config, path)
    except AttributeError:
        return None


def _name(entry: type[Entry]) -> str:
    return next((f"{family}.{kind}" for family, known in FAMILIES.items() for kind, one in known.items()
                 if one is entry), "")  # fmt: skip


def entry_facts(names: Iterable[str], used: Sequence[str]) -> list[EntryFact]:
    """Return the facts of entries.

    Args:
        names: of the entries, family and kind.
        used: frameworks of the sides.
    """
    return [_entry_fact(name, used) for name in dict.fromkeys(names)]


def _entry_fact(name: str, used: Sequence[str]) -> EntryFact:
    family, kind = name.split(".")
    entry = FAMILIES[family][kind]
    first, _, rest = inspect.cleandoc(entry.__doc__ or "").partition("\n")
    parts = [
        PartFact(
            framework=one, title=title_of(one), means=means_in(entry, one), link=_link(entry, one),
            defaults={field: shown(value) for field, value in entry.natively(one).items()},
            since=[moved.told() for moved in entry.moved_in(one)],
        )
        for one in dict.fromkeys(used)
    ]  # fmt: skip
    return EntryFact(name=name, family=family, kind=kind, equation=first, about=rest.strip(), parts=parts)


def _link(entry: type[Entry], framework: str) -> str:
    """Return where to read about the part that an entry is in a framework; empty where that is not known."""
    part = entry.part(framework)
    if part is None or entry.hole(framework) is not None:
        return ""
    known = {start: address for name in reversed(frameworks()[framework].line)
             for start, address in frameworks()[name].documentation.items()}  # fmt: skip
    start = max((one for one in known if part.name.startswith(one)), key=len, default=None)
    return "" if start is None else known[start].format(name=part.name, path=part.name.replace(".", "/"))
