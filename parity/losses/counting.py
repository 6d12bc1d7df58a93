"""Losses of the steps that count: what a loss makes of outputs that carry a mask."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from parity.code import LossCode
from parity.frameworks import frameworks

if TYPE_CHECKING:
    from parity.losses import Loss

COUNTED = {
    "keras": """\
def counted(y_true, y_pred{weights}):
    seen = y_pred._keras_mask  # the steps that count
    outputs = y_pred[seen]
    outputs._keras_logits = y_pred._keras_logits[seen]
    return {loss}(y_true[seen], outputs{seen})""",
    "tensorflow": """\
def counted({called}, outputs):
    seen = outputs.mask  # the steps that count
    return {loss}(tf.boolean_mask({called}, seen), tf.boolean_mask(outputs, seen))""",
    "torch": """\
def counted(outputs, targets):
    seen = outputs.mask  # the steps that count
    return {loss}(outputs[seen], targets[seen])""",
}
"""A loss of the steps that count, in the frameworks' words."""


def called(code: LossCode) -> tuple[list[str], str]:
    """Return a loss's code without its end, and what is called there that it returns: ``loss``, or ``whole``."""
    *before, last = code.body
    made = last.removeprefix("return ")
    if made == "loss":
        return before, made
    name = "whole" if any("loss" in line for line in before) else "loss"
    return [*before, f"{name} = {made}"], name


def counting(loss: Loss, code: LossCode, framework: str, fused: bool = False) -> LossCode:
    """Return the loss's code, of the steps that count alone: those of the mask that the outputs carry.

    A mean is over them, so that what is masked neither adds to the loss nor waters it down. Keras's own losses do
    so by themselves, where they are given the outputs as they are (``reduce_weighted_values``).

    Args:
        loss: whose code it is.
        code: of the loss, as :meth:`~parity.losses.Loss.meeting` returns it.
        framework: that it is written in.
        fused: see :meth:`~parity.losses.Loss.fused`.
    """
    *before, last = code.body
    made = last.removeprefix("return ")
    keras = "keras" in frameworks()[framework].line
    if keras and re.fullmatch(r"keras\.losses\..+|lambda .+\bloss\(y_true, y_pred[,)].*", made):
        own = [line for line in code.body if "keras.losses." in line]
        if own and not any(line.startswith("def ") for line in before):
            return code
    before, made = called(code)
    weights = {"weights": ", sample_weights", "seen": ", sample_weights[seen]"} if code.weighs else {}
    told = {"loss": made, "called": loss.called, "weights": "", "seen": ""} | weights
    lines = COUNTED["keras" if keras else framework].format(**told).splitlines()
    lines = [line for line in lines if fused or "_keras_logits" not in line]
    return replace(code, body=(*before, "", *lines, "", "return counted"))
