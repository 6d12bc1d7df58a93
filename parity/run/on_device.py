"""Tensors that lie on a device: digested there, and copied only where their numbers are asked for.

A trace keeps 136 bytes of a tensor. To copy it for that and to sum it on the host takes longer than the step that
computed it; so a driver hands a probe a tensor on a GPU as it lies, and the probe asks it for its digest.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from parity.run.digest import PROJECTIONS, RECORD, digest, joint_signs, split_rows

if TYPE_CHECKING:
    from typing import Self  # Python has it from 3.11 on; a worker's may be older.

BLOCK = 1 << 24
"""Elements projected at once: 128 MiB of float64."""


Axes = tuple[tuple[int, int], ...]
"""Canonical number and length of axes, in the order in which they lie."""

KEPT = 256
"""Sets of axes whose signs stay on a device: those of a network's outputs, gradients and weights."""


def small_signs(axes: Axes) -> np.ndarray:
    """Return the signs of several axes taken together, a byte each, not kept on the host."""
    found: np.ndarray = joint_signs.__wrapped__(axes, "int8")
    return found


class Far(ABC):
    """A tensor on a device, as far as a probe and what stands before it need one.

    Where NumPy is asked for anything else about it, it is copied.

    Args:
        tensor: the framework's, of a float type.
    """

    def __init__(self, tensor: Any) -> None:
        self.tensor = tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of its axes."""
        return tuple(int(length) for length in self.tensor.shape)

    @property
    def ndim(self) -> int:
        """The number of its axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of its elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Return a copy for NumPy."""
        return self.host() if dtype is None else self.host().astype(dtype)

    def __truediv__(self, number: float) -> Self:
        """Return it divided by a number."""
        return type(self)(self.tensor / number)

    def __mul__(self, number: float) -> Self:
        """Return it times a number."""
        return type(self)(self.tensor * number)

    def __sub__(self, other: np.ndarray) -> Self:
        """Return the difference to a tensor of the host."""
        return type(self)(self.tensor - self.beside(np.asarray(other)))

    def digest(self, axes: Sequence[int] | None = None) -> np.ndarray:
        """Return its digest, every sum of it in float64; arguments and result as :func:`parity.run.digest.digest`'s."""
        known = list(zip(axes or range(self.ndim), self.shape, strict=True))
        order = self.order()
        known = [known[axis] for axis in order] or [(0, 1)]  # One number is one of a row of them.
        split, run = split_rows([length for _, length in known])
        count = self.size // max(run, 1)
        if not self.size:
            return digest(np.zeros(self.shape), axes)
        step = max(1, BLOCK // run)
        sums = self.sums((count, run), order, tuple(known[:split]), tuple(known[split:]), range(0, count, step), step)
        if not np.isfinite(sums[-1]) or sums[-1] == 0.0:
            return digest(self.host(), axes)  # Squares were lost, or there are none.
        found = np.zeros((), RECORD)
        found["norm"], found["projections"] = np.sqrt(sums[-1]), sums[:PROJECTIONS]
        return found

    @abstractmethod
    def host(self) -> np.ndarray:
        """Return a copy for NumPy."""

    @abstractmethod
    def beside(self, value: np.ndarray) -> Any:
        """Return a tensor of the host where this one lies."""

    @abstractmethod
    def reshape(self, *shape: Any) -> Self:
        """Return it with other axes, said one by one or as one tuple."""

    @abstractmethod
    def transpose(self, axes: Sequence[int]) -> Any:
        """Return it with its axes permuted."""

    def order(self) -> list[int]:
        """Return its axes in the order in which they lie in memory, the fastest last."""
        return list(range(self.ndim))

    @abstractmethod
    def sums(
        self, rows: tuple[int, int], order: Sequence[int], left: Axes, right: Axes, starts: Sequence[int], step: int
    ) -> np.ndarray:
        """Return the sums of the blocks' projections, ``left * (block @ right)``, and last that of its squares.

        The signs are brought to the device once for each shape: those of the rows of an output with few channels are
        half as large as the output.

        Args:
            rows: the shape that the tensor is taken in, as it lies.
            order: of its axes, as they lie.
            left: the axes that count the rows, whose signs are :func:`small_signs`.
            right: those of what a row holds.
            starts: first rows of the blocks.
            step: rows of a block.
        """
