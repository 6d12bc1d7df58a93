"""Steps that one program leaves out of its loss by a mask, and the other by the number of their targets: one form.

Keras's loss goes by the mask that its outputs carry (``mask_zero``), PyTorch's by targets of ``ignore_index``; both
divide by the steps that are left. Where these are the same steps of the same rows, the loss is the same, whatever
labels stand where nothing counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from parity.catalog import LOSSES
from parity.lazy import np
from parity.losses.crossentropies import CrossEntropy
from parity.reading.one_form import OF_ROWS, in_logits, put_losses
from parity.reading.prepared import alike
from parity.reading.same_rows import WEIGHTS, class_numbers, laid
from parity.spec.graph import graph_of, named
from parity.spec.per_output import each_loss

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from parity.losses import Loss
    from parity.reading.pair_side import PairSide
    from parity.spec.graph import Layer
    from parity.spec.sections import Spec

SPARSE = "sparse_categorical_crossentropy"


def left_out_alike(sides: Sequence[PairSide], specs: list[Spec]) -> list[str]:
    """Say of a program that leaves out steps by a mask that its loss ignores them, where the other's does so.

    Args:
        sides: of a pair; loss, model and targets of one that masks are changed.
        specs: of both readings; so is the loss there.

    Returns:
        What was said in another way, in sentences.
    """
    notes: list[str] = []
    for number, (side, other) in enumerate((sides, sides[::-1])):
        mine, theirs = (each_loss(specs[at].loss) for at in (number, 1 - number))
        for name in [one for one in mine if one in theirs]:
            loss, ignored = mine[name], theirs[name].ignored
            labels = None if ignored is None else _labels(side, other, name, loss, ignored)
            if labels is None or not isinstance(loss, CrossEntropy):
                continue
            loss = in_logits(side, loss, name)
            known = LOSSES[SPARSE].model_fields
            fields = {field: value for field, value in loss if field in known}
            mine[name] = LOSSES[SPARSE].model_validate({**fields, "ignore_index": ignored})
            side.instead[name or "y"] = labels
            side.masks_ignored = side.masks_ignored or (ignored is not None and ignored < 0)
            put_losses(side, specs, number, mine)
            notes.append(
                f"{side.name} leaves steps out of its loss{f' of {name}' if name else ''} by a mask, {other.name} by "
                f"targets of {ignored}: the same steps, so the same loss."
            )
    return notes


def _labels(side: PairSide, other: PairSide, output: str, loss: Loss, ignored: int) -> NDArray[Any] | None:
    """Return the targets of a program that masks, those that it leaves out being such as the other one ignores.

    None where its loss may be another: it leaves out other steps, has other rows or other labels where these count, or
    weighs them.
    """
    if loss.ignored is not None or loss.kind not in OF_ROWS or getattr(loss, "class_weight", None) is not None:
        return None
    if any(one.reading.made_up or one.reading.redrawn for one in (side, other)):
        return None
    mine, theirs = laid(side), laid(other)
    key, counts = output or "y", _counting(side, output, mine)
    if counts is None or WEIGHTS in mine or WEIGHTS in theirs or set(mine) != set(theirs):
        return None
    y, y_other = class_numbers(mine[key]), theirs[key]
    if y is None or y.shape[1:] != y_other.shape[1:] or counts.shape != y.shape or y_other.dtype.kind not in "iu":
        return None
    rows, width = min(len(y), len(y_other)), _end(side, output).output_shape[-1]
    given = [name for name in mine if name == "X" or name in side.model.named_inputs()]
    if ignored >= width or not all(alike(mine[one][:rows], theirs[one][:rows]) for one in given):
        return None
    left = np.where(counts, y, ignored)
    # The same steps, and the same labels where they count: a step that counts has no such target.
    return left if np.array_equal(left[:rows], y_other[:rows]) and not (counts & (y == ignored)).any() else None


def _counting(side: PairSide, output: str, arrays: dict[str, Any]) -> NDArray[np.bool_] | None:
    """Return which steps of its rows a program's loss counts; None where all, or where its tokens alone do not say."""
    end = _end(side, output)
    if end.gives_mask is None:
        return None
    inputs = side.model.named_inputs()
    known = {name: arrays["X"] if len(inputs) == 1 and name not in arrays else arrays[name] for name in inputs}
    try:
        found: NDArray[np.bool_] = end.gives_mask.value(known)
    except KeyError:  # Made of what layers compute.
        return None
    return found


def _end(side: PairSide, output: str) -> Layer:
    """Return the layer that gives an output."""
    graph = graph_of(named(side.model))
    return graph.by_name[side.model.outputs[output] if output else graph.layers[-1].name]
