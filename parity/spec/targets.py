"""The form in which a side is given its targets: what the spec says, else what its loss, its program or its data say.

A spec leaves ``data.targets`` unsaid where there is nothing to say. The form is then settled once the data are there,
so that it stands in the side's config, with its origin, and is a difference like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from parity.entries import Shape
from parity.errors import listed
from parity.frameworks import title_of
from parity.spec.paths import set_path

if TYPE_CHECKING:
    from parity.errors import Fault
    from parity.spec.faults import Loc, Where
    from parity.spec.resolve import Resolved
    from parity.spec.sections import Config

BY_LOSS, BY_FILE, BY_TRIAL = "its loss", "the data file", "tried on the program's loss"
"""Origins of a form that nobody says."""

SETTLED = (BY_LOSS, BY_FILE, BY_TRIAL)

FORMS = {
    "one_hot": "one-hot rows",
    "index": "numbers of classes",
    "column": "a column, (N, 1)",
    "flat": "flat, (N,)",
}
"""The forms in words."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """In which form a program written by hand is given its targets.

    Args:
        form: as ``data.targets`` names it; None for the shape of the outputs.
        origin: where that came from; empty for what the config says.
        broadcast: what its loss does with flat targets, ``align`` or ``stretch``; empty where that was not seen.
    """

    form: str | None
    origin: str = ""
    broadcast: str = ""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What came of giving a program's loss one batch of targets in a form.

    Args:
        form: that was tried.
        accepted: it gave one number.
        finite: which is finite.
        stretched: the number is the same when the targets are dealt to other rows: every output meets every target.
        said: why it was not accepted.
    """

    form: str
    accepted: bool
    finite: bool = False
    stretched: bool = False
    said: str = ""


def numbers_classes(side: Resolved) -> dict[str, int]:
    """Return the arrays of targets whose integer labels number classes for a side, and how many the side has of them.

    A loss that takes nothing but classes says so, and so does a spec that asks for their numbers, whatever ``one_hot``
    says. A program compiled for one-hot rows takes ``one_hot: false`` at its word.
    """
    data = side.config.data
    views = [(one.config.loss, one.last.output_shape) for one in side.views.values()]
    return {
        name: shape[-1] if shape else 0
        for name, (loss, shape) in zip(data.goals, views, strict=True)
        if "index" in (data.targets, *loss.forms) or (side.program is not None and len(loss.forms) == 1)
    }


def ignored_classes(side: Resolved) -> dict[str, int]:
    """Return the arrays of targets of which a side's loss leaves out those of one number, and that number."""
    losses = [one.config.loss for one in side.views.values()]
    every = zip(side.config.data.goals, losses, strict=True)
    return {name: loss.ignored for name, loss in every if loss.ignored is not None}


def settled(side: Resolved, target: Shape, classes: bool, given: Given | None = None) -> Resolved:
    """Return a side whose config says the form of its targets and, where that matters, what its loss does with them.

    Args:
        side: resolved.
        target: shape of one target as the data file has it.
        classes: the targets are labels that number classes.
        given: of a program written by hand, what it is given.
    """
    if side.outputs:
        return side  # Each loss says which form it takes; what it does not say has the shape of the output.
    if side.config.data.targets is None:
        form, origin = (given.form, given.origin) if given is not None else _form(side, target, classes)
        if form is not None:
            side = _told(side, "data.targets", form, origin)
    loss = side.config.loss
    if loss.form(side.config.data.targets) != "flat" or not _unsaid(side, "loss.broadcast"):
        return side
    if given is not None and given.broadcast:
        return _told(side, "loss.broadcast", given.broadcast, BY_TRIAL)
    if not any("broadcast" in fields for fields in loss.native.values()):
        return side  # No framework takes such targets but Keras: there are no defaults that differ.
    own = loss.natively(side.framework).get("broadcast", loss.broadcast)  # type: ignore[attr-defined]
    return _told(side, "loss.broadcast", own, f"{title_of(side.framework)} default")


def _unsaid(side: Resolved, path: str) -> bool:
    """Return whether a side has a field and nobody set it."""
    section, _, field = path.partition(".")
    known = field in type(getattr(side.config, section)).model_fields
    return known and side.origin(path) == "parity default"


def unsaid(side: Resolved) -> bool:
    """Return whether nobody said in which form a side is given its targets."""
    return side.origin("data.targets") in (*SETTLED, "parity default")


def _form(side: Resolved, target: Shape, classes: bool) -> tuple[str | None, str]:
    """Return the form that a compiled program is given, and why."""
    forms = side.config.loss.forms
    if len(forms) == 1:
        return forms[0], BY_LOSS
    if classes:
        return "one_hot", BY_FILE
    return {(): ("flat", BY_FILE), (1,): ("column", BY_FILE)}.get(target, (None, ""))


def _told(side: Resolved, path: str, value: Any, origin: str) -> Resolved:
    return replace(side, config=set_path(side.config, path, value)[0], origins={**side.origins, path: origin})


def candidates(side: Resolved, target: Shape, classes: bool, one_hot_rows: bool) -> list[str]:
    """Return the forms in which a program written by hand may be given its targets; none where there is one only.

    Args:
        side: of the program.
        target: shape of one target as the data file has it.
        classes: the targets are labels that number classes.
        one_hot_rows: the targets are stored as one-hot rows.
    """
    said = side.config.data.targets
    if side.outputs:
        return []
    if said is not None:
        return [said] if said == "flat" else []  # It is given in any case; what the loss does with it is seen.
    if classes:
        return ["index", "one_hot"] if side.config.data.one_hot else ["index"]
    if one_hot_rows:
        return ["one_hot", "index"]
    return {(): ["flat", "column"], (1,): ["column", "flat"]}.get(target, [])


def chosen(side: Resolved, target: Shape, outputs: int, trials: Sequence[Trial]) -> Given | None:
    """Return the form that a program is given, from what its loss took; None where it took none.

    Where the data file has (N,), that is what everybody would hand to the program, and it is given that if it takes it
    at all. Else a form that the loss stretches to all pairs is given only where it takes no other.

    Args:
        side: of the program.
        target: shape of one target as the data file has it.
        outputs: number of axes of a batch of its outputs.
        trials: what came of each form, in the order in which they are preferred.
    """
    said = side.config.data.targets
    if outputs == 1 and target == (1,):
        trials = sorted(trials, key=lambda trial: trial.form != "flat")
    taken = [trial for trial in trials if trial.accepted]
    taken = [trial for trial in taken if trial.finite] or taken
    if target != ():
        taken = [trial for trial in taken if not trial.stretched] or taken
    if not taken:
        return Given(form=said) if said is not None else None
    first = taken[0]
    broadcast = ("stretch" if first.stretched else "align") if first.form == "flat" else ""
    return Given(form=first.form, origin="" if said is not None else BY_TRIAL, broadcast=broadcast)


def refused(trials: Sequence[Trial]) -> str:
    """Return in one line that a program's loss took no form of targets, and what it said to each."""
    told = "; ".join(f"as {FORMS[trial.form]}: {trial.said}" for trial in trials)
    return f"its loss takes the targets in no form that was tried ({told}); data.targets says the form it takes"


def target_faults(config: Config, origin: str, where: Where, changes: Mapping[str, Any], loc: Loc) -> list[Fault]:
    """Return the fault of a form that the loss of a compiled side does not take.

    Args:
        config: of the side.
        origin: of its ``data.targets``.
        where: knows the lines.
        changes: of the side, for the one that made it so.
        loc: their place.
    """
    said, loss = config.data.targets, config.loss
    if said is None or origin in SETTLED or said in loss.forms:
        return []
    last = next((key for key in reversed(list(changes)) if key.partition(".")[0] in ("data", "loss")), None)
    sparse, dense = "sparse_categorical_crossentropy", "categorical_crossentropy"
    other = {("index", dense): sparse, ("one_hot", sparse): dense}.get((said, loss.kind))
    fix = f"leave it out, or set loss: {other}" if other else "leave it out: the loss says which it takes"
    taken = listed(loss.forms) if len(loss.forms) > 1 else loss.forms[0]
    at: Loc = (*loc, last) if last else ("data", "targets")
    return [where.fault(at, f"data.targets is {said}, and the loss is {loss.kind}", taken, fix)]
