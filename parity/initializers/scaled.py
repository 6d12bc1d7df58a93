"""What initializers share that scale by a fan: one variance, drawn in one of three ways."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from parity.entries import read_in
from parity.initializers import Initializer
from parity.initializers.truncated_normal import CUT
from parity.lazy import np
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter

KEPT = 0.87962566103423978
"""Standard deviation of a standard normal cut at two deviations, as Keras and TensorFlow write it."""

Distribution = Literal["uniform", "truncated_normal", "untruncated_normal"]

DRAWN: dict[str, dict[str, Native]] = {
    "uniform": {
        "tensorflow": Native("tf.random.uniform", {"shape": "shape", "minval": "low", "maxval": "high", "dtype": ""},
                             leading=("shape", "minval", "maxval", "dtype")),
        "torch": Native("nn.init.uniform_", {"a": "low", "b": "high"}, leading=("a", "b")),
    },
    "truncated_normal": {
        "tensorflow": Native("tf.random.truncated_normal", {"shape": "shape", "stddev": "stddev"}, leading=("shape",)),
        "torch": Native("nn.init.trunc_normal_", {"std": "stddev", "a": "low", "b": "high"}),
    },
    "untruncated_normal": {
        "tensorflow": Native("tf.random.normal", {"shape": "shape", "stddev": "stddev"}, leading=("shape",)),
        "torch": Native("nn.init.normal_", {"std": "stddev"}),
    },
}  # fmt: skip
"""What draws a distribution, told its numbers."""


class FanScaled(Initializer):
    """Base of what is drawn with a variance that is scaled by a fan.

    uniform: U(-limit, limit), limit = sqrt(3 variance); untruncated_normal: N(0, variance); truncated_normal: N(0, s^2)
    given |w| < 2 s, s = sqrt(variance) / 0.8796, so that the cut is made up for.
    """

    source: ClassVar = read_in(keras="initializers/random_initializers", tensorflow="ops/init_ops_v2", torch="nn/init")
    drawn: ClassVar[Distribution] = "uniform"

    def variance(self, parameter: Parameter) -> float:
        """Return the variance of the values."""
        raise TypeError(f"{type(self).__name__} has no variance")

    def distributed(self) -> Distribution:
        """Return how they are distributed."""
        return self.drawn

    def _stddev(self, parameter: Parameter) -> float:
        """Return the standard deviation, before the cut if there is one."""
        cut = self.distributed() == "truncated_normal"
        return math.sqrt(self.variance(parameter)) / (KEPT if cut else 1.0)

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        from scipy.special import ndtr, ndtri

        if self.distributed() == "uniform":
            return math.sqrt(3.0 * self.variance(parameter)) * (2.0 * uniform - 1.0)
        if self.distributed() == "truncated_normal":
            uniform = ndtr(-CUT) + uniform * (ndtr(CUT) - ndtr(-CUT))
        return self._stddev(parameter) * ndtri(uniform)

    def numbers(self, parameter: Parameter) -> dict[str, Any]:
        stddev = self._stddev(parameter)
        edge = math.sqrt(3.0) if self.distributed() == "uniform" else CUT
        return {"stddev": stddev, "low": -edge * stddev, "high": edge * stddev, "drawn": self.distributed()}

    def tensorflow(self, parameter: Parameter) -> str:
        # Raw TensorFlow 2 has no initializers outside Keras.
        return DRAWN[self.distributed()]["tensorflow"].source(self._told(parameter), dtype="dtype")

    def torch(self, attribute: str, parameter: Parameter) -> str:
        if "torch" in self.natives and len(parameter.shape) > 1:  # PyTorch's own refuse vectors such as a bias.
            return super().torch(attribute, parameter)
        return DRAWN[self.distributed()]["torch"].source(self._told(parameter), attribute)
