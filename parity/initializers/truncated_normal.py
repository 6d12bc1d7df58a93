"""truncated_normal: a normal distribution cut at two standard deviations."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveFloat

from parity.initializers import Initializer, shape_source
from parity.lazy import np

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    native: ClassVar[Mapping[str, Mapping[str, float]]] = {
        "tensorflow": {"stddev": 1.0},
        "torch": {"stddev": 1.0},
    }
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/initializers/random_initializers.py",
        "tensorflow": "tensorflow/python/ops/random_ops.py",
        "torch": "torch/nn/init.py",
    }

    mean: float = Field(default=0.0, description="centre, and mean of the values")
    stddev: PositiveFloat = Field(default=0.05, description="standard deviation before the cut")

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        from scipy.special import ndtr, ndtri

        low, high = ndtr(-CUT), ndtr(CUT)
        return self.mean + self.stddev * ndtri(low + uniform * (high - low))

    def keras(self, parameter: Parameter) -> str:
        mean = f"mean={self.mean!r}, " if self.mean else ""
        return f"keras.initializers.TruncatedNormal({mean}stddev={self.stddev!r})"

    def tensorflow(self, parameter: Parameter) -> str:
        return (
            f"tf.random.truncated_normal({shape_source(parameter)}, mean={self.mean!r}, "
            f"stddev={self.stddev!r}, dtype=dtype)"
        )

    def torch(self, attribute: str, parameter: Parameter) -> str:
        low, high = self.mean - CUT * self.stddev, self.mean + CUT * self.stddev
        return f"nn.init.trunc_normal_({attribute}, mean={self.mean!r}, std={self.stddev!r}, a={low!r}, b={high!r})"
