"""What starts a table of which one row stands for padding: the row starts at 0, the others as another one says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from parity.code import Helper
from parity.initializers import Initializer
from parity.lazy import np

if TYPE_CHECKING:
    from parity.code import Parameter
    from parity.entries import Shape

HELPER = Helper(
    name="without_row",
    source='''
def without_row(table, row):
    """A table whose row of padding is 0."""
    return tf.tensor_scatter_nd_update(table, [[row]], tf.zeros((1, table.shape[1]), table.dtype))
''',
)


class ZeroRow(Initializer):
    """w as another initializer has it, but for one row of zeros. No spec says it: an ``embedding`` does."""

    of: Any
    row: int

    @property
    def random(self) -> bool:  # type: ignore[override]
        """Whether the other one draws."""
        return bool(self.of.random)

    @property
    def elementwise(self) -> bool:  # type: ignore[override]
        """Whether the other one is."""
        return bool(self.of.elementwise)

    @property
    def kind(self) -> str:  # type: ignore[override]
        """The other one's."""
        return str(self.of.kind)

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        found = np.array(self.of.sample(uniform, parameter))
        found[self.row] = 0.0
        return found

    def fault(self, shape: Shape) -> str:
        return str(self.of.fault(shape))

    def level(self) -> float | None:
        found: float | None = self.of.level()
        return 0.0 if found == 0.0 else None

    def keras(self, parameter: Parameter) -> str:
        return str(self.of.keras(parameter))  # The layer sees to the row.

    def tensorflow(self, parameter: Parameter) -> str:
        return f"{HELPER.name}({self.of.tensorflow(parameter)}, {self.row})"

    def torch(self, attribute: str, parameter: Parameter) -> str:
        return f"{self.of.torch(attribute, parameter)}\nnn.init.zeros_({attribute}.data[{self.row}])"

    def tensorflow_helpers(self) -> tuple[Helper, ...]:
        return (*self.of.tensorflow_helpers(), HELPER)
