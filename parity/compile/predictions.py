"""What a side's outputs are: logits or probabilities, and how sides that differ in that are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from parity.compile.program import Answer, Bindings
from parity.frameworks import frameworks
from parity.losses.crossentropies import CrossEntropy
from parity.spec.resolve import Resolved
from parity.tensors import PROBABILITIES, form_of, itself
from parity.tensors import output as output_name

LOGITS, AS_PROBABILITIES = "logits", "probabilities"
"""What numbers can be; a program written by hand may also return ``log_probabilities``."""


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """What a config's outputs are.

    Args:
        ending: activation that makes probabilities of logits, ``softmax`` or ``sigmoid``.
        tapped: what the last layer is watched as.
        predicted: what predictions are.
    """

    ending: str
    tapped: str
    predicted: str


def spoken_by(side: Resolved) -> Spoken | None:
    """Return what a side's outputs are meant to be; None where they are neither logits nor probabilities.

    None, too, where the loss is opaque: what that takes them for is not known, and they are compared as they are. So
    are those of a layer that ends in no softmax, where the loss takes them for probabilities all the same.
    """
    if side.config.loss.at_home:
        return None
    loss, ending = side.config.loss, side.last.op.ending()
    made = ending is not None and ending.logits
    kind = ending.kind if ending is not None and made else loss.behind if isinstance(loss, CrossEntropy) else None
    if kind is None:
        return None
    from_logits = isinstance(loss, CrossEntropy) and loss.from_logits and not made
    if not made and not from_logits and side.last.op.activation_field:
        return None  # Any numbers at all, which the loss takes for probabilities.
    tapped = LOGITS if from_logits or loss.fused(ending) else AS_PROBABILITIES
    return Spoken(ending=kind, tapped=tapped, predicted=LOGITS if from_logits else AS_PROBABILITIES)


def behind_opaque(side: Resolved) -> set[str]:
    """Return the layers whose activation an opaque loss may look behind, for the logits that the framework remembers.

    These are seen by their logits then: what a loss does that is not known may go by either.
    """
    remembers = frameworks()[side.framework].remembers_logits
    views = [one for one in side.views.values() if remembers and one.config.loss.at_home]
    return {one.last.name for one in views if (ending := one.graph.ending) is not None and ending.logits}


def answer_of(side: Resolved, inventory: Mapping[str, Any], output: str = "") -> Answer:
    """Return what the predictions of a program written by hand are.

    Args:
        side: whose config it is meant to be.
        inventory: of the program; ``predicts`` says what its outputs are, where that was tried.
        output: which of several, the only one has no name.
    """
    row, spoken = side.last.output_shape, spoken_by(side)
    if spoken is None:
        return Answer(says="", metrics="", lockstep="", ending=None, shape=row)
    says = inventory.get("predicts", {}).get(output) or spoken.tapped
    return Answer(
        says=says, metrics=spoken.predicted, lockstep=spoken.predicted, ending=spoken.ending, shape=row
    )  # fmt: skip


def in_one_form(sides: Sequence[Resolved], bindings: Mapping[str, Bindings]) -> dict[str, Bindings]:
    """Return the bindings with which sides are held against each other: where one says probabilities, all do.

    Args:
        sides: in order.
        bindings: of each side's program.
    """
    first, *others = sides
    if any(list(side.views) != list(first.views) for side in others):
        return dict(bindings)
    made = {output: _output_in_one_form(output, sides, bindings) for output in first.views}
    found = {}
    for side in sides:
        mine = {output: one[side.name] for output, one in made.items()}
        outputs = {name: place for one in mine.values() for name, place in one.outputs.items()}
        answers = {output: one.answer for output, one in mine.items()}
        found[side.name] = replace(bindings[side.name], outputs=outputs).answering(answers)
    return found


def _output_in_one_form(
    output: str, sides: Sequence[Resolved], bindings: Mapping[str, Bindings]
) -> dict[str, Bindings]:  # fmt: skip
    """Return what :func:`in_one_form` does, of one output."""
    found = {name: one.of(output) for name, one in bindings.items()}
    views = [side.views[output] for side in sides]
    spoken = {view.name: spoken_by(view) for view in views}
    if any(one is None for one in spoken.values()):
        return found
    answers = [one.answer for one in found.values() if one.answer is not None]
    predicted = {one.predicted for one in spoken.values() if one is not None}
    seen = {name for view in views for name in found[view.name].outputs if itself(name) == view.last.name}
    if any(one.says != one.lockstep for one in answers) or len(predicted) > 1:
        found = {view.name: _answering(view, spoken[view.name], found[view.name]) for view in views}
    if any(form_of(name) == PROBABILITIES for name in seen):
        found = {view.name: _shown(view, spoken[view.name], found[view.name]) for view in views}
    return found


def _answering(side: Resolved, spoken: Spoken | None, bindings: Bindings) -> Bindings:
    if spoken is None:
        return bindings
    row = side.last.output_shape
    answer = bindings.answer or Answer(
        says=spoken.predicted, metrics=spoken.predicted, lockstep="", ending=spoken.ending, shape=row
    )
    return replace(bindings, answer=replace(answer, lockstep=AS_PROBABILITIES))


def _shown(side: Resolved, spoken: Spoken | None, bindings: Bindings) -> Bindings:
    last = side.last
    name = output_name(last.name, form=PROBABILITIES)
    kept = bindings.outputs.get(last.name)
    if spoken is None or name in bindings.outputs or kept is None:
        return bindings
    # Such a framework puts out probabilities where the loss works on the logits that it remembers behind them.
    behind = kept.point == "logits" and bindings.answer is None
    remembered = behind and frameworks()[side.framework].remembers_logits
    told = AS_PROBABILITIES if remembered else LOGITS if kept.point == "logits" else spoken.tapped
    shown = replace(kept, point="output", meaning=told, ending=spoken.ending, shape=last.output_shape)
    return replace(bindings, outputs={**bindings.outputs, name: shown})
