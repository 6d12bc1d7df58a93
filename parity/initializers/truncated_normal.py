"""truncated_normal: a normal distribution cut at two standard deviations."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveFloat

from parity.entries import read_in
from parity.initializers import Initializer
from parity.lazy import np
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter

CUT = 2.0
"""Where the distribution is cut, in units of ``stddev``."""


class TruncatedNormal(Initializer):
    """w ~ N(mean, stddev^2) given |w - mean| < 2 stddev; the cut is not made up for.

    So the standard deviation that results is 0.8796 ``stddev``. This is what ``truncated_normal`` means in
    Keras (``TruncatedNormal``) and in TensorFlow (``tf.random.truncated_normal``). PyTorch's
    ``trunc_normal_`` takes its cut points as absolute values, -2 and 2 unless told, so for a small ``std`` it
    does not cut at all: the template passes ``a`` and ``b``. The Keras initializers of the variance-scaling
    kind (``he_normal``, ...) do make up for the cut; they are other entries.
    """

    kind: ClassVar[str] = "truncated_normal"
    short: ClassVar[str | None] = "stddev"
    native: ClassVar = {
        "tensorflow": {"stddev": 1.0},
        "torch": {"stddev": 1.0},
    }
    source: ClassVar = read_in(keras="initializers/random_initializers", tensorflow="ops/random_ops", torch="nn/init")
    natives: ClassVar = {
        "keras": Native("keras.initializers.TruncatedNormal", {"mean": "mean", "stddev": "stddev"}, own={"mean": 0.0}),
        "tensorflow": Native("tf.random.truncated_normal", {"shape": "shape", "mean": "mean", "stddev": "stddev"},
                             leading=("shape",)),
        "torch": Native("nn.init.trunc_normal_", {"mean": "mean", "std": "stddev", "a": "low", "b": "high"}),
    }  # fmt: skip

    mean: float = Field(default=0.0, description="centre, and mean of the values")
    stddev: PositiveFloat = Field(default=0.05, description="standard deviation before the cut")

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        from scipy.special import ndtr, ndtri

        low, high = ndtr(-CUT), ndtr(CUT)
        return self.mean + self.stddev * ndtri(low + uniform * (high - low))

    def numbers(self, parameter: Parameter) -> dict[str, float]:
        return {"low": self.mean - CUT * self.stddev, "high": self.mean + CUT * self.stddev}
