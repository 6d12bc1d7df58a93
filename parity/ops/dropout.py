"""dropout: in training, zeroes a share of the values and scales the rest up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from parity.code import Case, Helper, KerasCode, Site, TensorFlowCode, TorchCode, call
from parity.entries import read_in
from parity.native import Native
from parity.ops import Op

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays


NOTHING = Helper(
    name="DropoutOfAll",
    source='''
class DropoutOfAll(keras.layers.Layer):
    """0 in training, with a gradient of 0; keras.layers.Dropout(1.0) has none at all."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs, training=False):
        return inputs * 0.0 if training else inputs
''',
)


class Dropout(Op):
    """Training: y = x m / (1 - rate), m = 0 with probability ``rate``, else 1. Evaluation: y = x.

    ``rate`` is the share that is dropped, as in Keras, ``tf.nn.dropout`` and ``nn.Dropout(p)``; TensorFlow 1's
    ``keep_prob`` is 1 - rate. No two frameworks draw the same m; inside the harness all are given the same. A rate of 1
    leaves 0, and a gradient of 0 behind it, as in PyTorch; ``tf.nn.dropout`` refuses it, and behind Keras's layer there
    is no gradient at all, so that its optimizers leave those weights and their moments as they are.
    """

    kind: ClassVar[str] = "dropout"
    passes_mask: ClassVar[bool] = True
    keeps_sign: ClassVar[bool] = True
    short: ClassVar[str | None] = "rate"
    draws: ClassVar[bool] = True
    source: ClassVar = read_in(
        keras="layers/regularization/dropout", tensorflow="ops/nn_ops", torch="nn/modules/dropout"
    )

    natives: ClassVar = {
        "keras": Native("keras.layers.Dropout", {"rate": "rate"}, leading=("rate",)),
        "torch": Native("nn.Dropout", {"p": "rate"}, leading=("p",)),
    }

    rate: Annotated[float, Field(ge=0.0, le=1.0)] = Field(description="share of the values that is dropped")

    def passes_on(self) -> bool:
        return self.rate == 0.0

    def dealt(self) -> bool:
        return super().dealt() and self.rate < 1.0

    def trained(
        self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return (x * 0.0 if self.rate == 1.0 else self.forward(x, p, mask)), {}

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return x if mask is None else x * mask * (1.0 / (1.0 - self.rate))

    def keras(self, site: Site) -> KerasCode:
        if self.rate == 1.0:
            layer = call(NOTHING.name, trainable=self.keras_trainable(), name=repr(site.name))
            return KerasCode(layer=layer, helpers=(NOTHING,), reads="any", writes="any")
        return KerasCode(layer=self.keras_layer(site), reads="any", writes="any")

    def tensorflow(self, site: Site) -> TensorFlowCode:
        dropped = "x * 0.0" if self.rate == 1.0 else f"tf.nn.dropout(x, rate={self.rate!r})"
        return TensorFlowCode(
            body=(f"return {dropped} if training else x",),
            doc=f"Drops {self.rate:g} of the values.",
            training=True,
            reads="any",
            writes="any",
        )

    def torch(self, site: Site) -> TorchCode:
        return TorchCode(
            modules={site.name: self.natives["torch"].source(self)},
            forward=f"self.{site.name}(x)",
            reads="any",
            writes="any",
            output=site.name,
        )

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="what is kept is divided by 1 - rate: 4/3, not 4 as a keep probability would",
                 fields={"rate": 0.25}, x=[[1.0, 1.0, 3.0, 1.0]], mask=[[True, False, True, True]],
                 expected=[[4 / 3, 0.0, 4.0, 4 / 3]]),
            Case(shows="evaluation leaves it alone at a rate of 1, too", fields={"rate": 1.0}, x=[[1.0, 2.0]],
                 expected=[[1.0, 2.0]]),
            Case(shows="evaluation leaves the input alone", fields={"rate": 0.25}, x=[[1.0, 2.0]],
                 expected=[[1.0, 2.0]]),
        ]  # fmt: skip
