"""leaky_relu: y = x where x > 0, else negative_slope x."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, NonNegativeFloat

from parity.activations import Activation
from parity.code import Case, Helper
from parity.lazy import differentiable as np

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = '''
def leaky_relu(x, negative_slope):
    """x where x > 0, else negative_slope x; {own} rounds the slope to float32."""
    return {where}(x > 0, x, negative_slope * x)
'''


class LeakyRelu(Activation):
    """y = x where x > 0, else negative_slope x; dy/dx is negative_slope at 0.

    The slope is 0.2 in ``keras.activations.leaky_relu`` and ``tf.nn.leaky_relu``, 0.3 in ``keras.layers.LeakyReLU``,
    0.01 in ``nn.LeakyReLU``. TensorFlow keeps it as a float32 attribute of the operation, even in a float64 model (2e-9
    off for 0.01), and Keras with it: their programs write the formula out.
    """

    kind: ClassVar[str] = "leaky_relu"
    keeps_positive: ClassVar[bool] = True
    short: ClassVar[str | None] = "negative_slope"
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {"torch": {"negative_slope": 0.01}}
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/activations/activations.py",
        "tensorflow": "tensorflow/python/ops/nn_ops.py",
        "torch": "torch/nn/modules/activation.py",
    }

    negative_slope: NonNegativeFloat = Field(default=0.2, description="slope where x < 0")

    def forward(self, x: np.ndarray) -> np.ndarray:
        return np.where(x > 0, x, self.negative_slope * x)

    def keras(self) -> str:
        return f"lambda x: {self.tensorflow('x')}"

    def tensorflow(self, x: str) -> str:
        return f"leaky_relu({x}, {self.negative_slope!r})"

    def torch(self, channel_axis: int) -> str:
        return f"nn.LeakyReLU({self.negative_slope!r})"

    def helpers(self, framework: str) -> tuple[Helper, ...]:
        if framework == "torch":
            return ()
        own, where = {"keras": ("Keras's own", "keras.ops.where"), "tensorflow": ("tf.nn.leaky_relu", "tf.where")}[
            framework
        ]
        return (Helper(name="leaky_relu", source=SOURCE.format(own=own, where=where)),)

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[-2.0, 0.0, 3.0]]
        return [
            Case(shows="a fifth of what is negative", fields={}, x=x, expected=[[-0.4, 0.0, 3.0]]),
            Case(shows="a slope of 0.3, to more digits than float32 has", fields={"negative_slope": 0.3}, x=x,
                 expected=[[-0.6, 0.0, 3.0]]),
        ]  # fmt: skip
