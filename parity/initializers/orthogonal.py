"""orthogonal: rows or columns at right angles, each of the same length."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveFloat

from parity.code import Case, Helper
from parity.entries import read_in
from parity.initializers import Initializer
from parity.lazy import np
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter
    from parity.entries import Shape

HELPER = Helper(
    name="orthogonal",
    imports=("import math",),
    source='''
def orthogonal(shape, gain, dtype):
    """Rows or columns at right angles: Q of a normal matrix, R with a positive diagonal."""
    rows, columns = math.prod(shape[:-1]), shape[-1]
    normal = tf.random.normal((max(rows, columns), min(rows, columns)), dtype=dtype)
    q, r = tf.linalg.qr(normal)
    q *= tf.sign(tf.linalg.diag_part(r))
    return gain * tf.reshape(q if rows >= columns else tf.transpose(q), shape)
''',
)


class Orthogonal(Initializer):
    """w = gain Q, Q R = a matrix of standard normal numbers, R with a positive diagonal; w^T w = gain^2 I, or w w^T.

    Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks" (2014). A kernel
    is laid flat to its last axis, and a matrix of fewer rows than columns is that of its transpose. Keras and PyTorch
    flip signs for the diagonal alike: without that, Q is not uniform among the rotations. Vectors are refused by both.
    """

    kind: ClassVar[str] = "orthogonal"
    short: ClassVar[str | None] = "gain"
    elementwise: ClassVar[bool] = False
    source: ClassVar = read_in(keras="initializers/random_initializers", tensorflow="ops/init_ops_v2", torch="nn/init")
    natives: ClassVar = {
        "keras": Native("keras.initializers.Orthogonal", {"gain": "gain"}, own={"gain": 1.0}),
        "torch": Native("nn.init.orthogonal_", {"gain": "gain"}, own={"gain": 1.0}),
    }

    gain: PositiveFloat = Field(default=1.0, description="length of each row or column")

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        from scipy.special import ndtri

        rows, columns = math.prod(parameter.shape[:-1]), parameter.shape[-1]
        q, r = np.linalg.qr(ndtri(uniform).reshape(max(rows, columns), min(rows, columns)))
        q = q * np.sign(np.diag(r))
        return self.gain * (q if rows >= columns else q.T).reshape(parameter.shape)

    def fault(self, shape: Shape) -> str:
        return "" if len(shape) > 1 else f"orthogonal starts a matrix or more, and this one has the shape {shape}"

    def tensorflow(self, parameter: Parameter) -> str:
        return f"orthogonal({tuple(parameter.shape)}, {self.gain!r}, dtype)"

    def tensorflow_helpers(self) -> tuple[Helper, ...]:
        return (HELPER,)

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="a column keeps its direction: its sign is that with which R is positive", fields={},
                 x=[[0.25], [0.5]], expected=[[-1.0], [0.0]]),
            Case(shows="a row of three, of length 2", fields={"gain": 2.0}, x=[[0.75, 0.75, 0.5]],
                 expected=[[2**0.5, 2**0.5, 0.0]]),
        ]  # fmt: skip
