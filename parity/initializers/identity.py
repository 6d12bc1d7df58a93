"""identity: the identity matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from parity.code import Case
from parity.entries import read_in
from parity.initializers import Initializer
from parity.lazy import np
from parity.native import Native

if TYPE_CHECKING:
    from parity.code import Parameter
    from parity.entries import Shape


class Identity(Initializer):
    """w = gain where row and column have the same number, else 0: of a matrix, square or not.

    No framework takes it for the kernel of a convolution (PyTorch has ``dirac_`` for that). ``nn.init.eye_`` has no
    gain.
    """

    kind: ClassVar[str] = "identity"
    short: ClassVar[str | None] = "gain"
    random: ClassVar[bool] = False
    source: ClassVar = read_in(keras="initializers/constant_initializers", tensorflow="ops/linalg_ops", torch="nn/init")
    natives: ClassVar = {
        "keras": Native("keras.initializers.Identity", {"gain": "gain"}, own={"gain": 1.0}),
        "tensorflow": Native("tf.eye", when={"gain": 1.0}),
        "torch": Native("nn.init.eye_", when={"gain": 1.0}),
    }

    gain: float = Field(default=1.0, description="what stands on the diagonal")

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        rows, columns = parameter.shape
        return self.gain * np.eye(rows, columns)

    def fault(self, shape: Shape) -> str:
        return "" if len(shape) == 2 else f"identity starts a matrix, and this one has the shape {shape}"

    def tensorflow(self, parameter: Parameter) -> str:
        rows, columns = parameter.shape
        return ("" if self.gain == 1.0 else f"{self.gain!r} * ") + f"tf.eye({rows}, {columns}, dtype=dtype)"

    def torch(self, attribute: str, parameter: Parameter) -> str:
        return f"nn.init.eye_({attribute})" + ("" if self.gain == 1.0 else f".data.mul_({self.gain!r})")

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]
        return [
            Case(shows="of a matrix that is not square", fields={}, x=x, expected=[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
            Case(shows="a gain", fields={"gain": 0.3}, x=x, expected=[[0.3, 0.0, 0.0], [0.0, 0.3, 0.0]]),
        ]
