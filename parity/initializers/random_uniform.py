"""random_uniform: every value between two limits alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from parity.code import Case
from parity.entries import read_in
from parity.initializers import Initializer
from parity.lazy import np
from parity.native import Native, same

if TYPE_CHECKING:
    from parity.code import Parameter


class RandomUniform(Initializer):
    """w ~ U(minval, maxval). From -0.05 to 0.05 in Keras unless told, from 0 to 1 in TensorFlow and PyTorch."""

    kind: ClassVar[str] = "random_uniform"
    native: ClassVar = {"tensorflow": {"minval": 0.0, "maxval": 1.0}, "torch": {"minval": 0.0, "maxval": 1.0}}
    source: ClassVar = read_in(keras="initializers/random_initializers", tensorflow="ops/random_ops", torch="nn/init")
    natives: ClassVar = {
        "keras": Native("keras.initializers.RandomUniform", same("minval", "maxval"), leading=("minval", "maxval")),
        "tensorflow": Native("tf.random.uniform", same("shape", "minval", "maxval") | {"dtype": ""},
                             leading=("shape", "minval", "maxval", "dtype")),
        "torch": Native("nn.init.uniform_", {"a": "minval", "b": "maxval"}, leading=("a", "b")),
    }  # fmt: skip

    minval: float = Field(default=-0.05, description="what no value is below")
    maxval: float = Field(default=0.05, description="what no value is above")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.minval > self.maxval:
            raise ValueError(f"got minval {self.minval} above maxval {self.maxval}, expected it below")
        return self

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        return self.minval + (self.maxval - self.minval) * uniform

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="0 in the middle", fields={}, x=[[0.5, 0.75]], expected=[[0.0, 0.025]]),
            Case(shows="from -1 to 3", fields={"minval": -1.0, "maxval": 3.0}, x=[[0.5, 0.75]], expected=[[1.0, 2.0]]),
        ]
