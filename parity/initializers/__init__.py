"""Initializers: one file each. ``AnyInitializer`` is the type of a field that takes one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from parity.discovery import entry_type
from parity.entries import Entry
from parity.lazy import np

if TYPE_CHECKING:
    from parity.code import Helper, Parameter
    from parity.entries import Shape


class Initializer(Entry):
    """Base of the initializers.

    Inside the harness every side starts from the same values, drawn by :meth:`sample` from uniform numbers
    made outside the frameworks. A program run on its own without ``--weights`` uses the framework's own
    initializer, written by the three template methods.
    """

    random: ClassVar[bool] = True
    """Whether :meth:`sample` reads its uniform numbers at all."""
    elementwise: ClassVar[bool] = True
    """Each value comes of its own number; else of all."""

    def sample(self, uniform: np.ndarray, parameter: Parameter) -> np.ndarray:
        """Return float64 values for a parameter.

        Args:
            uniform: numbers in (0, 1), one an element, in the parameter's shape. Two initializers given the
                same numbers differ by nothing but their formula.
            parameter: shape and fans.
        """
        raise TypeError(f"{type(self).__name__} cannot be sampled")

    def fault(self, shape: Shape) -> str:
        """Return why it cannot start a parameter of this shape, an empty string where it can."""
        return ""

    def level(self) -> float | None:
        """Return the value that every element starts at, None where they do not start alike."""
        return None

    def numbers(self, parameter: Parameter) -> dict[str, Any]:
        """Return what :attr:`natives` are told beside the fields and the shape, worked out for a parameter."""
        return {}

    def _told(self, parameter: Parameter) -> SimpleNamespace:
        return SimpleNamespace(**dict(self), **self.numbers(parameter), shape=tuple(parameter.shape))

    def of_row(self, number: int) -> Initializer:
        """Return how a row of a parameter starts whose first axis counts a few tensors of the same kind."""
        return self

    def keras(self, parameter: Parameter) -> str:
        """Return the source of the value for Keras's ``*_initializer=``."""
        own = self.natives["keras"]
        return own.source(self._told(parameter)) if own.arguments else f'"{self.kind}"'

    def tensorflow(self, parameter: Parameter) -> str:
        """Return the source of a tensor with the initial values; ``dtype`` is in scope."""
        return self.natives["tensorflow"].source(self._told(parameter), dtype="dtype")

    def torch(self, attribute: str, parameter: Parameter) -> str:
        """Return the statement that fills ``attribute`` in place."""
        return self.natives["torch"].source(self._told(parameter), attribute)

    def tensorflow_helpers(self) -> tuple[Helper, ...]:
        """Return functions that :meth:`tensorflow` calls."""
        return ()


if TYPE_CHECKING:
    AnyInitializer = Initializer
else:
    AnyInitializer: Any = entry_type(Initializer, "parity.initializers")
