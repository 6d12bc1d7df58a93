"""Why a difference provably does nothing: every reason there is, each of them certain.

A reason is given only where it holds from either side, whatever else the two differ in: an inert difference stays as
the good side has it in every counterfactual run. What does nothing leaves every number as it was, bit for bit; where
only the order of a sum may change, the reason says that rounding moves.
"""

from __future__ import annotations

import filecmp
from collections.abc import Sequence
from typing import Any

from parity.activations import Activation
from parity.initializers import Initializer
from parity.losses.reducing import OVER_WEIGHTS
from parity.ops import Op
from parity.ops.activation import ActivationOp
from parity.ops.penalised import Penalised
from parity.spec.edges import plain
from parity.spec.ends import GraphError
from parity.spec.exactness import numerics_reason
from parity.spec.graph import Layer, graph_of
from parity.spec.kept import KEPT, kept_alike
from parity.spec.paths import set_path
from parity.spec.resolve import Resolved

Column = tuple[Op | None, Op | None]

GIVEN = "both sides start from a file of weights"

SHAPED = "targets of the outputs' shape: nothing to stretch"


def layer_reason(left: Layer, right: Layer, keys: tuple[str, ...]) -> str:
    """Return why a difference on a layer does nothing, empty where it may do something.

    Args:
        left: the layer on the first side.
        right: the layer on the second side.
        keys: of the field, from the layer on.
    """
    name = keys[0]
    mine, theirs = getattr(left.op, name), getattr(right.op, name)
    parameter, said = left.op.about(name)
    if parameter and not any(parameter in one.parameters for one in (left, right)):
        return left.op.inert(name, theirs, left.input_shape) or f"neither side has the {parameter}"
    both = mine is not None and theirs is not None
    if said == "initializer" and len(keys) == 1 and both and _start_reason(mine, theirs):
        return _start_reason(mine, theirs)
    outputs = (left.op.activity(), right.op.activity())
    if name in Penalised.model_fields and all(one is None or one.idle() for one in outputs):
        return "a penalty times 0 is none" if name == "activity_regularizer" else "no output is penalised"
    if said == "regularizer" and all(one is None or one.idle() for one in (mine, theirs)):
        return "a penalty times 0 is none"
    if len(keys) == 1 and kept_alike(left.op, right.op, name):
        return KEPT
    forth = left.op.inert(name, theirs, left.input_shape)
    back = right.op.inert(name, mine, right.input_shape)
    return forth if forth and back else ""


def mask_reason(a: Resolved, b: Resolved, name: str) -> str:
    """Return why a mask does nothing, empty where it may: on both sides it ends before anything goes by it.

    Args:
        a: first side.
        b: second side.
        name: of the layer that makes the mask, or does not.
    """
    shapes = [[(op.kind, op.name, op.said_inputs) for op in side.config.model.layers] for side in (a, b)]
    if shapes[0] != shapes[1]:
        return ""  # What stands between them in a mixture is not known.
    for side in (a, b):
        config, _ = set_path(side.config, f"layers.{name}.mask_zero", True)
        try:
            masks = graph_of(config.model).told_masks
        except GraphError:
            return ""
        if any(mask.name == name for mask in masks):
            return ""
    return "it ends before a layer that goes by masks, or the loss"


def again_reason(columns: Sequence[Column], name: str, field: str = "") -> str:
    """Return why an activation does nothing for what stands before it or behind it, empty where it may do something.

    relu(f(x)) = f(x) where f gives nothing below 0, as relu, sigmoid and softmax do; and relu(g(x)) = relu(x) where g
    leaves what is above 0 and brings nothing else there, as relu and leaky_relu do. Flattening, dropout and maxima in
    between change neither. It must hold on both sides, whatever else they differ in.

    Args:
        columns: layers of both sides, side by side.
        name: of a layer that is nothing but an activation and that one side lacks; or of one whose activation differs.
        field: of that activation, in a layer that both sides have.
    """
    if not plain([op for column in columns for op in column if op is not None]):
        return ""  # What stands beside it in the list need not be what it reads.
    place = next(index for index, column in enumerate(columns) if name in [op.name for op in column if op is not None])
    ops = [op for op in columns[place] if op is not None]
    functions = [getattr(op, field, None) if field else op.ending() for op in ops]
    if not all(function is not None and function.keeps_positive for function in functions):
        return ""
    before = _neighbour(columns[:place][::-1])
    if not field and before and all(one.non_negative for one in before):
        return f"it stands behind {before[0].label()}, which gives nothing below 0"
    behind = _neighbour(columns[place + 1 :], bare=True)
    if behind and all(one.non_negative and one.keeps_positive for one in behind):
        return f"{behind[0].label()} behind it cuts off what it lets through"
    return ""


def _neighbour(columns: Sequence[Column], bare: bool = False) -> list[Activation]:
    """Return both sides' activation of the first layer that does more than lay out values, drop or choose some.

    Nothing is returned where that is not the same layer on both sides: one of them may then be there without the other.

    Args:
        columns: from the activation on.
        bare: it must be a layer that is nothing but an activation, which the values reach as they are.
    """
    found: list[Activation] = []
    names = set()
    for side in (0, 1):
        ops = [column[side] for column in columns]
        first = next((op for op in ops if op is not None and not (op.keeps_sign or op.passes_on())), None)
        ending = None if first is None or (bare and not isinstance(first, ActivationOp)) else first.ending()
        if first is None or ending is None:
            return []
        names.add(first.name)
        found.append(ending)
    return found if len(names) == 1 else []


def _start_reason(mine: Initializer, theirs: Initializer) -> str:
    level = mine.level()
    return f"both start at {level:g}" if level is not None and level == theirs.level() else ""


def section_reason(path: tuple[str, ...], a: Resolved, b: Resolved, rows: int | None, gpus: bool = True) -> str:
    """Return why a difference outside the layers does nothing, empty where it may do something.

    Args:
        path: of the difference.
        a: first side.
        b: second side.
        rows: rows of the training set, where known.
        gpus: whether the machine may have a GPU.
    """
    if path[0] == "loss" and a.outputs and len(path) > 1:
        one, other = a.views[path[1]], b.views[path[1]]  # Of one output of several, which has a loss of its own.
        if path[2:] == ("broadcast",):
            return SHAPED  # They are handed over so.
        return section_reason(("loss", *path[2:]), one, other, rows, gpus)
    if path == ("metrics",):
        return "metrics are reported, nothing is trained by them"
    if path in (("data", "targets"), ("loss", "broadcast")):
        return _targets_reason(path, a, b)
    if path == ("loss", "reduction") and all(_alike(side) for side in (a, b)):
        return "all rows count alike: rounding moves, nothing else"
    if path == ("loss",):
        return "" if a.outputs else _loss_reason(a, b)
    if path[0] == "numerics":
        return numerics_reason(path[1], a.config, b.config, gpus)
    if path[0] == "training" and (rows is not None or path[1] == "initial_weights"):
        return _training_reason(path[1], a, b, rows)
    if len(path) == 2 and path[0] in ("loss", "optimizer"):
        mine, theirs = getattr(a.config, path[0]), getattr(b.config, path[0])
        return _both(path, mine, theirs, (a, b))
    return ""


def _alike(side: Resolved) -> bool:
    """Return whether a loss is a plain mean, divided by what it may: nothing has weights."""
    loss = side.config.loss
    weighs = side.weighs or getattr(loss, "class_weight", None) is not None
    return not weighs and loss.reduction in ("mean", OVER_WEIGHTS)


def _targets_reason(path: tuple[str, ...], a: Resolved, b: Resolved) -> str:
    """Return why the form of the targets, or what is done with flat ones, does nothing."""
    forms = {side.config.data.targets for side in (a, b)}
    if path == ("loss", "broadcast"):
        return "" if "flat" in forms or None in forms else SHAPED
    if len({form in ("column", "flat") for form in forms}) > 1:
        return ""  # One number a row, or several: the data differ, too, and neither goes without the other.
    if any(side.config.loss.stretches("flat") for side in (a, b)):
        return ""
    return "the same targets, in the form that each program takes"


def _loss_reason(a: Resolved, b: Resolved) -> str:
    """Return why another loss does nothing: from logits, of one-hot rows and of their numbers it is one number."""
    both = (a.config.loss, b.config.loss)
    alike = {loss.behind for loss in both} == {"softmax"} and all(getattr(loss, "from_logits", False) for loss in both)
    indexed = any(loss.forms == ("index",) for loss in both)
    return "the same number from logits: rounding moves, nothing else" if alike and indexed else ""


def _both(path: tuple[str, ...], mine: Any, theirs: Any, sides: tuple[Resolved, Resolved]) -> str:
    """Return the reason of a loss or an optimizer, where either says so."""
    field = path[1]
    if kept_alike(mine, theirs, field):
        return KEPT
    endings = [(side.last.op.ending(),) if path[0] == "loss" else () for side in sides]
    forth = mine.inert(field, getattr(theirs, field), *endings[0])
    back = theirs.inert(field, getattr(mine, field), *endings[1])
    return forth if forth and back else ""


def _files_reason(mine: str | None, theirs: str | None) -> str:
    """Return why another file of initial weights does nothing: where it is a copy."""
    try:
        same = mine is not None and theirs is not None and filecmp.cmp(mine, theirs, shallow=False)
    except OSError:  # Said where they are read.
        return ""
    return "the two files are alike to the last byte" if same else ""


def given_weights(a: Resolved, b: Resolved) -> bool:
    """Return whether both sides start from a file, whatever their initializers say."""
    return None not in (a.config.training.initial_weights, b.config.training.initial_weights)


def _training_reason(field: str, a: Resolved, b: Resolved, rows: int | None) -> str:
    both = (a.config.training, b.config.training)
    if field == "initial_weights":
        return _files_reason(*(one.initial_weights for one in both))
    sizes = {training.batch_size for training in both}
    if rows is None:
        return ""
    if field == "drop_remainder" and all(rows % size == 0 for size in sizes):
        return f"{rows} rows fill every batch"
    if min(sizes) < rows:
        return ""
    if field == "batch_size" and not any(training.drop_remainder for training in both):
        return f"every batch holds all {rows} rows"
    if field == "shuffle" and not (a.drawing() or b.drawing()):
        return f"every batch holds all {rows} rows: their order moves rounding only"
    return ""
