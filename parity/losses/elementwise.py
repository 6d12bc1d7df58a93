"""What the losses share that compare every output with the target at its place: what (N,) beside (N, 1) comes to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from parity.code import LossCode
from parity.losses import Loss
from parity.losses.reducing import OVER_WEIGHTS, REDUCED

if TYPE_CHECKING:
    import numpy as np

    from parity.activations import Activation

STRETCHES = {name: {"broadcast": "stretch"} for name in ("tensorflow", "torch")}
"""The native defaults of a loss that is plain tensor arithmetic, or PyTorch's own that stretches with a warning."""

ALIGNED = {
    "keras": "lambda y_true, y_pred: {loss}(keras.ops.reshape(y_true, keras.ops.shape(y_pred)), y_pred)",
    "tensorflow": "lambda targets, outputs: {loss}(tf.reshape(targets, tf.shape(outputs)), outputs)",
    "torch": "lambda outputs, targets: {loss}(outputs, targets.reshape(outputs.shape))",
}
"""The loss of targets (N,) and outputs (N, 1) row by row, in the frameworks that do not do so by themselves."""

STRETCHED = {
    "keras": "lambda y_true, y_pred: {loss}(y_true + keras.ops.zeros_like(y_pred), "
    "y_pred + keras.ops.zeros_like(y_true))",
    "tensorflow": "lambda targets, outputs: {loss}(targets + tf.zeros_like(outputs), outputs + tf.zeros_like(targets))",
    "torch": "lambda outputs, targets: {loss}(*torch.broadcast_tensors(outputs, targets))",
}
"""The loss of all N x N pairs, in the frameworks that do not stretch by themselves."""


class Elementwise(Loss):
    """Base of the losses that compare every output with the target at its place; mean over all elements.

    Targets (N,) beside outputs (N, 1) are either aligned, row i with row i, or stretched to all pairs:

        align    L = 1/N   sum_i    l(outputs_i, targets_i)
        stretch  L = 1/N^2 sum_i,j  l(outputs_i, targets_j)

    The second is a number like any other: it falls, and what is learned is the mean of all targets. Keras aligns the
    two (``squeeze_or_expand_to_same_rank``); plain tensor arithmetic, so raw TensorFlow, and ``nn.MSELoss`` and
    ``nn.L1Loss``, which warn, stretch them. Where a framework's own loss refuses such a pair, as ``nn.BCELoss``,
    ``nn.BCEWithLogitsLoss`` and ``tf.nn.sigmoid_cross_entropy_with_logits`` do, there is no default of its own to take:
    it aligns unless the spec says otherwise. Targets of the outputs' shape leave nothing to stretch.
    """

    over: ClassVar[str] = "all elements"
    reductions: ClassVar = dict(Loss.reductions) | {"sum_over_rows": "sum(mean({}, axis=-1))"}
    reduced: ClassVar = REDUCED | {
        "keras": {"mean": "sum_over_batch_size", "sum_over_rows": "sum", OVER_WEIGHTS: OVER_WEIGHTS}
    }
    quiet: ClassVar[frozenset[str]] = frozenset({"broadcast"})
    settled: ClassVar[frozenset[str]] = quiet

    reduction: Literal["mean", "sum", "sum_over_rows", "mean_with_sample_weight"] = Field(  # type: ignore[assignment]
        default="mean",
        description="how the losses of all outputs become one number; sum_over_rows, Keras's sum, adds up the means "
        "over the last axis",
    )
    broadcast: Literal["align", "stretch"] = Field(
        default="align",
        description="targets (N,) beside outputs (N, 1): align row by row, or stretch to all N x N pairs; nothing to "
        "do where data.targets is not flat",
    )

    def met(self, outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return targets as they meet the outputs: left flat, NumPy stretches the two as the frameworks do."""
        flat = targets.ndim < outputs.ndim
        return targets[..., None] if flat and self.broadcast == "align" else targets

    def row(self) -> str:
        return "sum({}, axis=-1)" if self.reduction == "sum" else "mean({}, axis=-1)"

    def stretches(self, form: str | None) -> bool:
        return form == "flat" and self.broadcast == "stretch"

    def own_broadcast(self, framework: str) -> str | None:
        """Return what a framework does with flat targets; None where its own loss refuses them."""
        if framework == "keras":
            return "align" if self._own("keras", True) is not None else "stretch"
        return self.natively(framework).get("broadcast")

    def words(self, ending: Activation | None) -> str:
        """Return which formula runs, with what is done to flat targets where that is not to align them."""
        formula = super().words(ending)
        return formula if self.broadcast == "align" else f"{formula}; targets (N,) are stretched to (N, N)"

    def given(self, code: LossCode, framework: str, form: str | None, fused: bool) -> LossCode:
        """Return the loss with what the field says is done to flat targets, where the framework does not do so."""
        if form != "flat":
            return code
        if self.broadcast == self.own_broadcast(framework):
            said = "targets (N,) beside outputs (N, 1) are stretched to (N, N)" if self.stretches(form) else ""
            return _with(code, code.body, said)
        *body, last = code.body
        made, name = last.removeprefix("return "), "loss"
        if made != name:
            name = "plain" if any("loss" in line for line in body) else "loss"
            body.append(f"{name} = {made}")
        how = (ALIGNED if self.broadcast == "align" else STRETCHED)[framework].format(loss=name)
        said = "targets (N,) meet outputs (N, 1) row by row" if self.broadcast == "align" else "all pairs, N x N"
        return _with(code, (*body, f"return {how}"), said)


def _with(code: LossCode, body: tuple[str, ...], said: str) -> LossCode:
    """Return a loss with another body, and more said above it."""
    return replace(code, body=body, comment="; ".join(one for one in (code.comment, said) if one))
