"""glorot_uniform: uniform, scaled by fan in and fan out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from parity.code import Helper, call
from parity.entries import read_in
from parity.initializers import Initializer
from parity.lazy import np
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter

HELPER = Helper(
    name="glorot_uniform",
    imports=("import math",),
    source='''
def glorot_uniform(shape, fan_in, fan_out, dtype):
    """U(-limit, limit) with limit = sqrt(6 / (fan_in + fan_out))."""
    limit = math.sqrt(6.0 / (fan_in + fan_out))
    return tf.random.uniform(shape, -limit, limit, dtype)
''',
)


class GlorotUniform(Initializer):
    """w ~ U(-limit, limit), limit = sqrt(6 / (fan_in + fan_out)).

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010).
    Keras's default for kernels, and that of TensorFlow 1's ``get_variable``; PyTorch calls it
    ``xavier_uniform_`` and starts ``nn.Linear`` and convolutions at U(-1/sqrt(fan_in), 1/sqrt(fan_in)) instead.
    """

    kind: ClassVar[str] = "glorot_uniform"
    source: ClassVar = read_in(keras="initializers/random_initializers", tensorflow="ops/init_ops_v2", torch="nn/init")
    natives: ClassVar = {
        "keras": Native("keras.initializers.GlorotUniform"),
        "torch": Native("nn.init.xavier_uniform_"),
    }  # fmt: skip

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        limit = np.sqrt(6.0 / (parameter.fan_in + parameter.fan_out))
        return limit * (2.0 * uniform - 1.0)

    def tensorflow(self, parameter: Parameter) -> str:
        # Raw TensorFlow 2 has no initializer of its own outside Keras.
        return call(HELPER.name, tuple(parameter.shape), parameter.fan_in, parameter.fan_out, "dtype")

    def tensorflow_helpers(self) -> tuple[Helper, ...]:
        return (HELPER,)

    def torch(self, attribute: str, parameter: Parameter) -> str:
        if len(parameter.shape) > 1:  # It refuses vectors such as a bias.
            return super().torch(attribute, parameter)
        limit = math.sqrt(6.0 / (parameter.fan_in + parameter.fan_out))
        return f"nn.init.uniform_({attribute}, {-limit!r}, {limit!r})"
