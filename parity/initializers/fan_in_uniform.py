"""fan_in_uniform: what PyTorch starts kernels and biases at when told nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.entries import read_in
from parity.initializers import Initializer
from parity.lazy import np
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter


class FanInUniform(Initializer):
    """w ~ U(-1/sqrt(n), 1/sqrt(n)), n the number of inputs that feed one output of the layer.

    The default of PyTorch's ``nn.Linear`` and convolutions, for weight (written there as
    ``kaiming_uniform_(a=sqrt(5))``) and bias alike. For a kernel it is Keras's
    ``VarianceScaling(1/3, "fan_in", "uniform")``; for a bias Keras has nothing that knows n.
    """

    kind: ClassVar[str] = "fan_in_uniform"
    source: ClassVar = read_in(torch="nn/modules/linear")
    natives: ClassVar = {
        "keras": Native("keras.initializers.RandomUniform", {"minval": "low", "maxval": "high"},
                        leading=("minval", "maxval")),
        "tensorflow": Native("tf.random.uniform", {"shape": "shape", "minval": "low", "maxval": "high", "dtype": ""},
                             leading=("shape", "minval", "maxval", "dtype")),
        "torch": Native("nn.init.uniform_", {"a": "low", "b": "high"}, leading=("a", "b")),
    }  # fmt: skip

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        return (2.0 * uniform - 1.0) / np.sqrt(parameter.feeds)

    def numbers(self, parameter: Parameter) -> dict[str, float]:
        bound = parameter.feeds**-0.5
        return {"low": -bound, "high": bound}
