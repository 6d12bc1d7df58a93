"""alpha_dropout: in training, sets values to where a SELU ends below, and keeps mean and variance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from parity.code import Case, Site, TensorFlowCode
from parity.entries import read_in
from parity.native import Native
from parity.ops.single import Elementwise

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays

FLOOR = -1.6732632423543772 * 1.0507009873554805
"""What a SELU comes to for very negative values: minus its alpha times its scale."""


class AlphaDropout(Elementwise):
    """Training: y = a (x m + f (1 - m)) + b, m = 0 with probability ``rate``, f = -1.758; evaluation: y = x.

    f is what a SELU comes to for very negative values; a = 1 / sqrt((1 - rate) (1 + rate f^2)) and b = -a f rate bring
    inputs of mean 0 and variance 1 back to these (Klambauer and others, "Self-normalizing neural networks", 2017).
    The same in Keras and PyTorch; raw TensorFlow has none, the program asks its dropout for the mask.
    """

    kind: ClassVar[str] = "alpha_dropout"
    passes_mask: ClassVar[bool] = True
    short: ClassVar[str | None] = "rate"
    draws: ClassVar[bool] = True
    source: ClassVar = read_in(
        keras="layers/regularization/alpha_dropout", tensorflow="ops/nn_ops", torch="nn/modules/dropout"
    )
    natives: ClassVar = {
        "keras": Native("keras.layers.AlphaDropout", {"rate": "rate"}, leading=("rate",)),
        "torch": Native("nn.AlphaDropout", {"p": "rate"}, leading=("p",)),
    }

    rate: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(description="share of the values that is dropped")

    def passes_on(self) -> bool:
        return self.rate == 0.0

    def _line(self) -> tuple[float, float]:
        """Return the factor and what is added, a and b."""
        factor = ((1.0 - self.rate) * (1.0 + self.rate * FLOOR**2)) ** -0.5
        return factor, -factor * FLOOR * self.rate

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        if mask is None:
            return x
        factor, added = self._line()
        return factor * (x * mask + FLOOR * (1.0 - mask)) + added

    def tensorflow(self, site: Site) -> TensorFlowCode:
        factor, added = self._line()
        body = (
            "if not training:",
            "    return x",
            f"kept = tf.nn.dropout(tf.ones_like(x), rate={self.rate!r}) > 0.0",
            f"return {factor!r} * tf.where(kept, x, {FLOOR!r}) + {added!r}",
        )
        doc = f"Sets {self.rate:g} of the values to where a SELU ends, and keeps mean and variance."
        return TensorFlowCode(body=body, doc=doc, training=True, reads="any", writes="any")

    @classmethod
    def cases(cls) -> list[Case]:
        floor = 1.7580993408473766
        factor = (0.5 * (1 + 0.5 * floor**2)) ** -0.5
        return [
            Case(shows="what is dropped is -1.758 before the line: not 0", fields={"rate": 0.5}, x=[[1.0, 1.0]],
                 mask=[[True, False]],
                 expected=[[factor + factor * floor / 2, -factor * floor + factor * floor / 2]]),
            Case(shows="evaluation leaves the input alone", fields={"rate": 0.5}, x=[[1.0, 2.0]],
                 expected=[[1.0, 2.0]]),
        ]  # fmt: skip
