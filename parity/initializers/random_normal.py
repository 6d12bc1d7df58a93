"""random_normal: a normal distribution, not cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveFloat

from parity.code import Case
from parity.entries import read_in
from parity.initializers import Initializer
from parity.lazy import np
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter


class RandomNormal(Initializer):
    """w ~ N(mean, stddev^2). The standard deviation is 0.05 in Keras unless told, 1 in TensorFlow and PyTorch."""

    kind: ClassVar[str] = "random_normal"
    short: ClassVar[str | None] = "stddev"
    native: ClassVar = {"tensorflow": {"stddev": 1.0}, "torch": {"stddev": 1.0}}
    source: ClassVar = read_in(keras="initializers/random_initializers", tensorflow="ops/random_ops", torch="nn/init")
    natives: ClassVar = {
        "keras": Native("keras.initializers.RandomNormal", {"mean": "mean", "stddev": "stddev"}, own={"mean": 0.0}),
        "tensorflow": Native("tf.random.normal", {"shape": "shape", "mean": "mean", "stddev": "stddev"},
                             leading=("shape",), own={"mean": 0.0}),
        "torch": Native("nn.init.normal_", {"mean": "mean", "std": "stddev"}, own={"mean": 0.0}),
    }  # fmt: skip

    mean: float = Field(default=0.0, description="centre, and mean of the values")
    stddev: PositiveFloat = Field(default=0.05, description="standard deviation")

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        from scipy.special import ndtri

        return self.mean + self.stddev * ndtri(uniform)

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="a median of 0, a quartile 0.6745 deviations above", fields={}, x=[[0.5, 0.75]],
                 expected=[[0.0, 0.033724487509804085]]),
            Case(shows="a deviation of 2 around 1", fields={"mean": 1.0, "stddev": 2.0}, x=[[0.5, 0.75]],
                 expected=[[1.0, 2.3489795003921634]]),
        ]  # fmt: skip
