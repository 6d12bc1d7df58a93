"""Losses that leave out the targets of one number, which are of no class: what fills up rows, or is not labelled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from parity.code import LossCode
from parity.frameworks import frameworks
from parity.losses.counting import called

if TYPE_CHECKING:
    from parity.losses import Loss

KEPT = {
    "keras": """\
def kept(y_true, y_pred):
    seen = y_true != {number}  # the targets that count
    return {loss}(y_true[seen], y_pred[seen])""",
    "tensorflow": """\
def kept({called}, outputs):
    seen = {called} != {number}  # the targets that count
    return {loss}(tf.boolean_mask({called}, seen), tf.boolean_mask(outputs, seen))""",
    "torch": """\
def kept(outputs, targets):
    seen = targets != {number}  # those that count
    return {loss}(outputs[seen], targets[seen])""",
}
"""A loss of the targets that count, in the frameworks' words."""

OWN = {"keras": "ignore_class=", "torch": "nn.CrossEntropyLoss("}
"""What stands in the code of a framework's own loss that leaves them out by itself, PyTorch's -100 unsaid."""


def ignoring(loss: Loss, code: LossCode, framework: str) -> LossCode:
    """Return the loss's code, of the targets that count alone: a mean is over them.

    Args:
        loss: whose code it is.
        code: of the loss, as :meth:`~parity.losses.Loss.meeting` returns it.
        framework: that it is written in.
    """
    if loss.ignored is None:
        return code
    said = next(name for name in frameworks()[framework].line if name in KEPT)
    # Keras's takes weights of classes row by row, and would look up that of a target that is no class.
    weights = said == "keras" and getattr(loss, "class_weight", None) is not None
    if said in OWN and any(OWN[said] in line for line in code.body) and not weights:
        return code
    before, made = called(code)
    lines = KEPT[said].format(loss=made, number=loss.ignored, called=loss.called).splitlines()
    return replace(code, body=(*before, "", *lines, "", "return kept"))
