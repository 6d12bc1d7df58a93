"""sparse_categorical_crossentropy: -log p of the class whose number the target is, mean over the rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from parity.code import Case
from parity.entries import Shape
from parity.lazy import np
from parity.losses import loss_case
from parity.losses.crossentropies import OfClasses
from parity.native import Native, Turned, same

if TYPE_CHECKING:
    from parity.activations import Activation

IGNORED = {"ignore_class": "ignore_index"}

NONE = -100
"""The number that PyTorch leaves out where nothing is said: no target is it where all count."""


def _or_none(number: int | None) -> int:
    return NONE if number is None else number


def _unless_none(number: int) -> int | None:
    return None if number == NONE else number


WEIGHT = Turned("class_weight", back=lambda kept: None if kept is None else tuple(kept), source="torch.tensor({})")


class SparseCategoricalCrossentropy(OfClasses):
    """L = mean over rows of -log p_y, y being the number of the row's class.

    From logits z: p = softmax(z), computed as log-softmax; that is ``categorical_crossentropy`` of one-hot rows. From
    probabilities: p is clipped to [1e-7, 1 - 1e-7] first and brought to sum 1 after that, as Keras on TensorFlow has
    it, where ``categorical_crossentropy`` does so the other way round. ``nn.CrossEntropyLoss`` and ``nn.NLLLoss`` take
    numbers of classes, too; the first reads logits, the second log p as it is. Targets are integers from 0, without the
    axis of the classes; rows that are stored as one-hot are handed on as the numbers they stand for. Keras on
    TensorFlow given softmax outputs uses the first formula on the logits behind them (``recover_logits``).

    Targets that are ``ignore_index`` count for nothing, neither in the sum nor in what a mean is divided by: the rows
    are those that are left. Keras calls it ``ignore_class`` (which then looks behind no softmax), PyTorch leaves out
    -100 unless told. Such targets may be of no class. Where none is left Keras's loss is 0, the others' no number.
    """

    kind: ClassVar[str] = "sparse_categorical_crossentropy"
    behind: ClassVar[str | None] = "softmax"
    forms: ClassVar = ("index",)
    quiet: ClassVar = OfClasses.quiet | {"ignore_index"}
    native: ClassVar = {"tensorflow": {"from_logits": True}, "torch": {"from_logits": True, "divisor": "weights"}}
    natives: ClassVar = {
        "keras": Native("keras.losses.SparseCategoricalCrossentropy", {**same("from_logits"), **IGNORED},
                        own={"from_logits": False, "ignore_class": None},
                        when={"label_smoothing": 0.0}, why={"label_smoothing": "which has no label_smoothing"}),
        "keras_torch": Native("keras.losses.SparseCategoricalCrossentropy", {**same("from_logits"), **IGNORED},
                              own={"from_logits": False, "ignore_class": None},
                              when={"label_smoothing": 0.0, "from_logits": True},
                              why={"label_smoothing": "which has no label_smoothing",
                                   "from_logits": "keras.losses.SparseCategoricalCrossentropy on PyTorch "
                                   "renormalises first and clips after that"}),
        "tensorflow": Native("tf.nn.sparse_softmax_cross_entropy_with_logits",
                             when={"from_logits": True, "label_smoothing": 0.0}),
        "torch": Native("nn.CrossEntropyLoss", {"label_smoothing": "label_smoothing", "weight": WEIGHT,
                                                "ignore_index": Turned("ignore_index", _or_none, _unless_none)},
                        own={"label_smoothing": 0.0, "weight": None, "ignore_index": NONE}, when={"from_logits": True},
                        why={"from_logits": "nn.NLLLoss neither clips nor renormalises"}),
    }  # fmt: skip
    rule: ClassVar[str] = "softmax cross-entropy of class numbers"
    clipped: ClassVar[str] = "-log p of the class, p clipped to [1e-7, 1 - 1e-7] and renormalised"
    as_logits: ClassVar[str] = "log(clip(outputs, 1e-07, 1 - 1e-07))"

    ignore_index: int | None = Field(
        default=None, description="targets that are this number count for nothing; none: all count"
    )

    def fused(self, ending: Activation | None) -> bool:
        return super().fused(ending) and self.ignore_index is None

    def unweighed(self, shape: Shape) -> str:
        told = "ignore_index leaves targets out, and weights of rows beside it are not there yet"
        return super().unweighed(shape) if self.ignore_index is None else told

    def ended(self) -> str:
        left = f", those that are {self.ignore_index} left out" if self.ignore_index is not None else ""
        return super().ended() + left

    def value(
        self, outputs: np.ndarray, targets: np.ndarray, logits: bool, weights: np.ndarray | None = None
    ) -> float:  # fmt: skip
        if self.ignore_index is None:
            return super().value(outputs, targets, logits, weights)
        seen = targets != self.ignore_index
        return super().value(outputs[seen], targets[seen], logits)

    def gradient(
        self, outputs: np.ndarray, targets: np.ndarray, logits: bool, weights: np.ndarray | None = None
    ) -> np.ndarray:  # fmt: skip
        if self.ignore_index is None:
            return super().gradient(outputs, targets, logits, weights)
        seen, found = targets != self.ignore_index, np.zeros_like(outputs)
        found[seen] = super().gradient(outputs[seen], targets[seen], logits)
        return found

    def formula(self, logits: bool) -> str:
        logs = f"log_softmax({'outputs' if logits else self.as_logits})"
        if not self.label_smoothing:
            return f"-picked({logs}, targets)"
        return f"""
            logs = {logs}
            -((1.0 - label_smoothing) * picked(logs, targets) + label_smoothing * mean(logs, axis=-1))
        """

    @classmethod
    def cases(cls) -> list[Case]:
        two = {"x": [[0.0, 0.0]] * 2, "targets": [1, 0], "from_logits": True, "class_weight": (1.0, 3.0)}
        return [
            loss_case("two equal logits cost log 2", [[0.0, 0.0]], [1], math.log(2.0), from_logits=True),
            loss_case("a wrong row by 1000 costs 1000 from logits", [[1000.0, 0.0]], [1], 1000.0, from_logits=True),
            loss_case("a certain wrong row costs 16.118 from probabilities", [[1.0, 0.0]], [1], 16.11809565095832),
            loss_case("probabilities are clipped, then renormalised: 3 counts as 1 beside 0.5 and costs log 1.5, not "
                      "log 3.5 / 3; the second row costs log 4; mean over rows", [[0.5, 3.0], [0.25, 0.75]], [1, 0],
                      0.8958797512806955),
            loss_case("smoothed by 1/2, the wrong class has 1/4: a right row by 4 costs 1", [[0.0, 4.0]], [1],
                      1.0 + math.log1p(math.exp(-4.0)), from_logits=True, label_smoothing=0.5),
            loss_case("so from probabilities: 1/4 log 4 + 3/4 log 4/3", [[0.25, 0.75]], [1],
                      0.25 * math.log(4.0) + 0.75 * math.log(4 / 3), label_smoothing=0.5),
            loss_case("a row of the second class counts 3 times, over 2 rows", expected=2 * math.log(2.0), **two),
            loss_case("over the sum of the weights, 4, as PyTorch has it", expected=math.log(2.0), divisor="weights",
                      **two),
            loss_case("of two rows one is left out, and the mean is over the other", [[0.0, 0.0], [9.0, 0.0]],
                      [1, -7], math.log(2.0), from_logits=True, ignore_index=-7),
            loss_case("a class may be what is left out", [[0.0, 0.0], [9.0, 0.0]], [1, 0], math.log(2.0),
                      from_logits=True, ignore_index=0),
            loss_case("left out beside weights of classes, over the sum of those that are left", from_logits=True,
                      x=[[0.0, 0.0]] * 3, targets=[1, -1, 0], expected=math.log(2.0), class_weight=(1.0, 3.0),
                      divisor="weights", ignore_index=-1),
            loss_case("smoothed labels that are left out", [[0.0, 4.0], [7.0, 4.0]], [1, -1],
                      1.0 + math.log1p(math.exp(-4.0)), from_logits=True, label_smoothing=0.5, ignore_index=-1),
            loss_case("of probabilities one row is left out", [[0.25, 0.75], [0.5, 0.5]], [0, -1], math.log(4.0),
                      ignore_index=-1),
            loss_case("smoothed, too", [[0.0, 4.0], [0.0, 4.0]], [1, 1], 3.0 + 3.0 * math.log1p(math.exp(-4.0)),
                      from_logits=True, label_smoothing=0.5, class_weight=(1.0, 3.0)),
        ]  # fmt: skip
