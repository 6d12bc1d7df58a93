"""What a layer does with the masks of what it reads: whether it goes by them, and which mask its output has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import PrivateAttr

from parity.entries import Entry, Shape

if TYPE_CHECKING:
    import numpy as np


def letters(count: int) -> tuple[str, ...]:
    """Return what the code of a layer without ports calls what it reads: letters, or numbers where these are many.

    ``x`` is what its output is called.
    """
    known = "abcdefghijklmnopqrstuvwyz"
    return tuple(known[:count]) if count <= len(known) else tuple(f"x_{number}" for number in range(count))


class Masked(Entry):
    """The part of a layer that knows what it reads, and masks: True where a step counts, by a tensor's first axes."""

    ports: ClassVar[tuple[str, ...]] = ("x",)
    """What it reads, by the names of its parts; empty for two tensors or more, each like the others."""
    fewest: ClassVar[int] = 2
    """How many it reads at least, of one that has no ports."""
    optional: ClassVar[int] = 0
    """How many of them, at the end, may be left out."""
    passes_mask: ClassVar[bool] = False
    """Whether the mask of what it reads goes on to what it gives, as in Keras; of several, where each has one."""
    uses_mask: ClassVar[bool] = False
    """Whether it does something else where steps of what it reads are masked."""

    _steps: Any = PrivateAttr(default=None)

    @classmethod
    def given(cls, reads: Sequence[Any]) -> Any:
        """Return what its methods take for what it reads: the one tensor itself, or a tuple of several."""
        return reads[0] if len(cls.ports) == 1 else tuple(reads)

    @classmethod
    def each(cls, read: Any) -> tuple[Any, ...]:
        """Return the parts of what :meth:`given` returns, one for each tensor that it reads."""
        return (read,) if len(cls.ports) == 1 else tuple(read)

    @classmethod
    def arguments(cls, count: int) -> tuple[str, ...]:
        """Return what its code calls what it reads: by its ports, or by letters where these are many."""
        return cls.ports[:count] or letters(count)

    @classmethod
    def mask_argument(cls, name: str) -> str:
        """Return what its code calls the mask of what it calls by a name."""
        return "mask" if len(cls.ports) == 1 else f"{name}_mask"

    def mask_of(self, masked: Sequence[bool], shapes: Sequence[Shape]) -> str:
        """Return which steps of the output count: a formula in what it reads, ``x``, and their masks, ``mask``.

        Of a layer that reads several, these are called ``a``, ``b``, ... or as its ports, the masks ``a_mask``, ...

        Args:
            masked: of each tensor that it reads, whether that has a mask.
            shapes: of these tensors.

        Returns:
            The formula; empty where every step counts.
        """
        del shapes
        names = [self.mask_argument(name) for name in self.arguments(len(masked))]
        return " | ".join(names) if self.passes_mask and all(masked) else ""

    def mask_fault(self, masked: Sequence[Shape | None], shape: Any) -> str:
        """Return why it cannot be told of such masks; an empty string where it can.

        Args:
            masked: of each tensor that it reads, the shape of the mask, None where it has none.
            shape: of what it reads, as :meth:`output_shape` is given it.
        """
        return ""

    def seeing(self, steps: Sequence[np.ndarray | None]) -> Self:
        """Return the layer as it is where the tensors that it reads have these masks: what :meth:`forward` goes by.

        Args:
            steps: of each tensor, True where a step counts; None where all do.
        """
        if not self.uses_mask or all(one is None for one in steps):
            return self
        found = self.model_copy()
        found._steps = tuple(steps)
        return found

    @property
    def steps_seen(self) -> np.ndarray | None:
        """Return the mask of the first tensor that it reads, see :meth:`seeing`."""
        found: np.ndarray | None = None if self._steps is None else self._steps[0]
        return found
