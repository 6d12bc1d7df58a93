"""he_normal: truncated normal, scaled by fan in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from parity.entries import read_in
from parity.initializers import Initializer
from parity.initializers.truncated_normal import CUT
from parity.lazy import np
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter

KEPT = 0.87962566103423978
"""Standard deviation of a standard normal cut at two deviations, as Keras and TensorFlow write it."""


class HeNormal(Initializer):
    """w ~ N(0, s^2) given |w| < 2 s, s = sqrt(2 / fan_in) / 0.8796: the cut is made up for.

    So the standard deviation that results is sqrt(2 / fan_in). He et al., "Delving deep into rectifiers" (2015), who
    do not cut. Keras does; PyTorch's ``kaiming_normal_`` does not, and has one value in 22 beyond the 2.27 standard
    deviations where Keras has none: the PyTorch program draws the cut one with ``trunc_normal_``.
    """

    kind: ClassVar[str] = "he_normal"
    source: ClassVar = read_in(keras="initializers/random_initializers", tensorflow="ops/init_ops_v2", torch="nn/init")
    natives: ClassVar = {
        "keras": Native("keras.initializers.HeNormal"),
        "tensorflow": Native("tf.random.truncated_normal", {"shape": "shape", "stddev": "stddev"}, leading=("shape",)),
        "torch": Native("nn.init.trunc_normal_", {"std": "stddev", "a": "low", "b": "high"}),
    }  # fmt: skip

    def _before(self, parameter: Parameter) -> float:
        """Return the standard deviation before the cut."""
        return math.sqrt(2.0 / parameter.fan_in) / KEPT

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        from scipy.special import ndtr, ndtri

        low, high = ndtr(-CUT), ndtr(CUT)
        return self._before(parameter) * ndtri(low + uniform * (high - low))

    def numbers(self, parameter: Parameter) -> dict[str, float]:
        stddev = self._before(parameter)
        return {"stddev": stddev, "low": -CUT * stddev, "high": CUT * stddev}
