"""The loss of two programs in one form, where both mean the same by it: what they write in two ways is no difference.

A softmax in the model whose loss works on the logits behind it, or logits and a loss of these; log-probabilities, which
are logits of the same probabilities; classes as numbers, or as rows with a single 1. Of several outputs it is so of
each.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from parity.activations.linear import Linear
from parity.activations.log_softmax import LogSoftmax
from parity.activations.softmax import Softmax
from parity.catalog import LOSSES
from parity.losses import Loss
from parity.losses.crossentropies import CrossEntropy, OfClasses
from parity.ops import ActivatedOp
from parity.reading.opaque import read_by_losses
from parity.spec.graph import graph_of, named
from parity.spec.per_output import each_loss, together
from parity.spec.plain import brief

if TYPE_CHECKING:
    from parity.ops import Op
    from parity.reading.pair_side import PairSide
    from parity.spec.sections import ModelSpec, Spec

OF_ROWS = {"sparse_categorical_crossentropy", "categorical_crossentropy"}
"""Losses of one class a row, whose targets are its number, or a row with a single 1."""


def in_one_form(first: PairSide, second: PairSide, specs: list[Spec]) -> list[str]:
    """Bring the second program's loss to the first's form where both are one function.

    Args:
        first: the one side; its model is changed where it alone ends in a log_softmax.
        second: the other; its model and its loss are changed.
        specs: of both readings; the second's loss is changed.

    Returns:
        What was two forms of one thing, in sentences.
    """
    notes: list[str] = []
    mine, theirs = (each_loss(spec.loss) for spec in specs)
    kept = [read_by_losses(one) for one in (first.reading.spec["loss"], second.loss)]
    for name in [one for one in theirs if one in mine]:
        logs = _logs_as_logits((first, second), (mine[name], theirs[name]), name, kept)
        loss, model, said = _as_first(mine[name], theirs[name], first.model, second.model, name, kept[1])
        if not said and not logs:
            continue
        second.model, theirs[name] = model, loss
        notes += [f"{told.format(first.name, second.name)}: the same loss{f' of {name}' if name else ''}."
                  for told in logs + said]  # fmt: skip
    if notes:
        put_losses(second, specs, 1, theirs)
    return notes


def put_losses(side: PairSide, specs: list[Spec], number: int, losses: Mapping[str, Loss]) -> None:
    """Give a side of a pair, and the spec of its reading, other losses.

    Args:
        side: the side.
        specs: of both readings.
        number: of its own among them.
        losses: of each output, as :func:`~parity.spec.per_output.each_loss` gives them.
    """
    specs[number] = specs[number].model_copy(update={"loss": together(losses)})
    said = {name: brief(one) for name, one in losses.items()}
    side.loss = said.get("", said)


def _as_first(
    mine: Loss, theirs: Loss, first: ModelSpec, second: ModelSpec, output: str, kept: Collection[str]
) -> tuple[Loss, ModelSpec, list[str]]:  # fmt: skip
    """Return a loss and a model in the form of another program's, and what was two forms of one thing."""
    ends = [_end(model, output) for model in (first, second)]
    if not isinstance(mine, CrossEntropy) or not isinstance(theirs, CrossEntropy) or None in ends:
        return theirs, second, []
    one, other = (op for op in ends if op is not None)
    if mine.behind != theirs.behind or not mine.on_logits(one.ending()) or not theirs.on_logits(other.ending()):
        return theirs, second, []
    said: list[str] = []
    alone = _alone(second, other, kept)
    if alone and mine.fused(one.ending()) and _plain(theirs, other):
        second, theirs = _ending_in(second, other, one.ending()), theirs.replace(from_logits=False)
        said.append(f"{{0}} applies a {mine.behind} in its model, {{1}} in its loss")
    elif alone and _plain(mine, one) and theirs.fused(other.ending()):
        second, theirs = _ending_in(second, other, Linear()), theirs.replace(from_logits=True)
        said.append(f"{{0}} applies a {mine.behind} in its loss, {{1}} in its model")
    if (
        mine.kind != theirs.kind
        and {mine.kind, theirs.kind} == OF_ROWS
        and _alike_by_rows(theirs)
        and mine.ignored is None
    ):
        words = ["the numbers of classes", "rows with a single 1"]
        one_hot = mine.kind == "categorical_crossentropy"
        said.append(f"{{0}} is given {words[one_hot]}, {{1}} {words[not one_hot]}")
        known = LOSSES[mine.kind].model_fields
        theirs = LOSSES[mine.kind].model_validate({name: one for name, one in theirs if name in known})
    return theirs, second, said


def _logs_as_logits(
    sides: Sequence[PairSide], losses: Sequence[Loss], output: str, kept: Sequence[Collection[str]]
) -> list[str]:  # fmt: skip
    """Let a model end in the logits whose log_softmax its loss is given, where the other one's does not end so.

    The log_softmax of log-probabilities is these again: of a loss from logits it changes nothing. So PyTorch's
    ``F.nll_loss(F.log_softmax(z, dim=1), y)`` is read.

    Returns:
        What was two forms of one thing, in a sentence; nothing where it was not.
    """
    if not all(isinstance(one, CrossEntropy) and one.behind == Softmax.kind for one in losses):
        return []
    ends = [_end(side.model, output) for side in sides]
    logs = [one is not None and isinstance(one.ending(), LogSoftmax) for one in ends]
    if logs[0] == logs[1]:
        return []
    at = logs.index(True)
    side, op, loss = sides[at], ends[at], losses[at]
    if op is None or not loss.on_logits(op.ending()) or not _alone(side.model, op, kept[at]):
        return []
    side.model = _ending_in(side.model, op, Linear())
    return [f"{{{at}}} ends in a log_softmax, the logits of the same probabilities, and {{{1 - at}}} does not"]


def in_logits(side: PairSide, loss: CrossEntropy, output: str) -> CrossEntropy:
    """Return the loss of an output from the logits that it works on, its model ending in these.

    What recovers logits behind the model's last activation means the same; where anything else sees that activation, or
    nothing is recovered, loss and model stay as they are.

    Args:
        side: of a pair; its model is changed.
        loss: of the output.
        output: its name; empty where there is one.
    """
    end, kept = _end(side.model, output), read_by_losses(side.loss or side.reading.spec["loss"])
    if end is None or not loss.fused(end.ending()) or not _alone(side.model, end, kept):
        return loss
    side.model = _ending_in(side.model, end, Linear())
    return loss.replace(from_logits=True)


def _plain(loss: CrossEntropy, last: ActivatedOp) -> bool:
    """Return whether a loss takes logits, and the last layer gives such; behind a softmax none leaves targets out."""
    return loss.from_logits and loss.ignored is None and isinstance(last.ending(), Linear)


def _alone(model: ModelSpec, op: ActivatedOp, kept: Collection[str]) -> bool:
    """Return whether only its loss sees how a layer ends: nothing else reads it, and no penalty is of what it gives."""
    graph = graph_of(named(model))
    name = str(op.name)
    seen = graph.readers(name) or name in graph.shared or name in kept
    return not seen and getattr(op, "activity_regularizer", None) is None


def _alike_by_rows(loss: CrossEntropy) -> bool:
    """Return whether a loss is the same of numbers and of rows; classes that count more, or nothing, are not."""
    return isinstance(loss, OfClasses) and loss.class_weight is None and loss.ignored is None


def _end(model: ModelSpec, output: str) -> ActivatedOp | None:
    """Return the layer that gives an output, where it is one that can end in an activation."""
    wanted = model.outputs.get(output) if output else str(model.layers[-1].name)
    found: Op | None = next((op for op in model.layers if op.name == wanted), None)
    return found if isinstance(found, ActivatedOp) else None


def _ending_in(model: ModelSpec, op: ActivatedOp, activation: Any) -> ModelSpec:
    """Return a model of which a layer ends in another activation."""
    made = op.replace(activation=activation)
    layers = tuple(made if one.name == op.name else one for one in model.layers)
    return model.model_copy(update={"layers": layers})
