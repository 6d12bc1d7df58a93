"""sigmoid_crossentropy: every output is a yes-or-no question of its own; mean over all elements."""

from __future__ import annotations

import math
from typing import ClassVar

from parity.code import Case, LossCode
from parity.entries import read_in
from parity.losses import loss_case
from parity.losses.crossentropies import CrossEntropy
from parity.losses.elementwise import STRETCHED, Elementwise
from parity.native import Native, same

TOLD = {"from_logits": False, "label_smoothing": 0.0}


class SigmoidCrossentropy(Elementwise, CrossEntropy):
    """L = mean over all elements of -(y log p + (1 - y) log(1 - p)).

    From logits z: p = sigmoid(z) and 1 - p = sigmoid(-z), whose logarithms do not overflow. From probabilities: p is
    clipped to [1e-7, 1 - 1e-7]; ``nn.BCELoss`` instead holds log p at -100. Keras calls it ``BinaryCrossentropy``. Fed
    softmax outputs as logits, which lie in [0, 1], it cannot fall below log(1 + e^-1) for the right class
    and log 2 for every other: with 99 classes, 0.689 at best and 0.69941 when all rows are surely wrong.
    """

    kind: ClassVar[str] = "sigmoid_crossentropy"
    behind: ClassVar[str | None] = "sigmoid"
    native: ClassVar = {"tensorflow": {"from_logits": True}, "keras_torch": {"recover_logits": False}}
    source: ClassVar = read_in(keras="backend/tensorflow/nn", tensorflow="ops/nn_impl", torch="nn/modules/loss")
    natives: ClassVar = {
        "keras": Native("keras.losses.BinaryCrossentropy", same(*TOLD), own=TOLD),
        "tensorflow": Native("tf.nn.sigmoid_cross_entropy_with_logits", when={"from_logits": True}),
        "torch": Native("nn.BCEWithLogitsLoss", when={"from_logits": True},
                        why={"from_logits": "nn.BCELoss does not clip p, it holds log p at -100"}),
    }  # fmt: skip
    rule: ClassVar[str] = "sigmoid cross-entropy"
    smoothing: ClassVar[str] = "targets * (1.0 - label_smoothing) + 0.5 * label_smoothing"
    clipped: ClassVar[str] = "-(y log p + (1 - y) log(1 - p)), p clipped to [1e-7, 1 - 1e-7]"

    def formula(self, logits: bool) -> str:
        smoothed, labels = self.labels()
        if logits:
            return f"{smoothed}-({labels} * log_sigmoid(outputs) + (1 - {labels}) * log_sigmoid(-outputs))"
        return f"""
            {smoothed}
            p = clip(outputs, 1e-07, 1 - 1e-07)
            -({labels} * log(p) + (1 - {labels}) * log(1 - p))
        """

    def given(self, code: LossCode, framework: str, form: str | None, fused: bool) -> LossCode:
        """Return the loss as it meets flat targets; stretched, an output no longer remembers the logits behind it."""
        own = self._own("keras", True)
        if framework != "keras" or not fused or not self.stretches(form) or own is None:
            return super().given(code, framework, form, fused)
        stretched = STRETCHED[framework].format(loss=own.source(self.told(True)))
        return LossCode(
            doc=code.doc, comment="all pairs, N x N, on the logits that Keras remembers behind the sigmoid",
            body=(f"loss = {stretched}", "return lambda y_true, y_pred: loss(y_true, y_pred._keras_logits)"),
        )  # fmt: skip

    @classmethod
    def cases(cls) -> list[Case]:
        rows, half = [[2.0], [-2.0]], math.log(2.0)
        return [
            loss_case("a logit of 0 costs log 2, right or wrong", [[0.0, 0.0]], [[1.0, 0.0]], half, from_logits=True),
            loss_case("a surely wrong softmax row over 99 classes, taken as logits, costs 0.69941 for ever",
                      [[1.0] + [0.0] * 98], [[0.0, 1.0] + [0.0] * 97], (98 * half + math.log1p(math.e)) / 99,
                      from_logits=True),
            loss_case("a certain wrong answer costs 16.118, half of the elements are right", [[1.0, 1.0]],
                      [[0.0, 1.0]], (16.118095651484676 + 1.0000000494736474e-07) / 2),
            loss_case("flat targets beside (N, 1), aligned: both rows are right, logits of 2 and -2", rows, [1.0, 0.0],
                      math.log1p(math.exp(-2.0)), from_logits=True),
            loss_case("the same, stretched: of four pairs two are wrong by 2, and no output can be right", rows,
                      [1.0, 0.0], 1.0 + math.log1p(math.exp(-2.0)), from_logits=True, broadcast="stretch"),
            loss_case("smoothed by 1/2, a right answer by 4 counts 3/4", [[4.0]], [[1.0]],
                      1.0 + math.log1p(math.exp(-4.0)), from_logits=True, label_smoothing=0.5),
            loss_case("Keras's sum is of the rows' means", [[0.0, 0.0]] * 3, [[1.0, 0.0]] * 3, 3 * half,
                      from_logits=True, reduction="sum_over_rows"),
            loss_case("PyTorch's of all", [[0.5, 0.5]] * 3, [[1.0, 0.0]] * 3, 6 * half, reduction="sum"),
        ]  # fmt: skip
