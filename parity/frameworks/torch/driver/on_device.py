"""PyTorch's tensors on a GPU, for a probe."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from parity.frameworks.torch.driver.hooks import host
from parity.run.digest import PROJECTIONS
from parity.run.on_device import KEPT, Axes, Far, small_signs

if TYPE_CHECKING:
    from typing import Self  # Python has it from 3.11 on; a worker's may be older.


@lru_cache(maxsize=KEPT)
def placed_signs(axes: Axes, place: torch.device) -> torch.Tensor:
    """Return the signs of axes on a device."""
    return torch.from_numpy(small_signs(axes)).to(place)


class FarTensor(Far):
    """A tensor of PyTorch's; permuting and reshaping it copies nothing where it need not."""

    def host(self) -> np.ndarray:
        """Return a copy for NumPy."""
        return host(self.tensor)

    def beside(self, value: np.ndarray) -> torch.Tensor:
        """Return a tensor of the host where this one lies."""
        return torch.from_numpy(np.array(value)).to(self.tensor.device)

    def reshape(self, *shape: Any) -> Self:
        """Return it with other axes."""
        return type(self)(self.tensor.reshape(*shape))

    def transpose(self, axes: Sequence[int]) -> Self:
        """Return it with its axes permuted."""
        return type(self)(self.tensor.permute(*axes))

    def order(self) -> list[int]:
        """Return its axes as they lie: a channels-last tensor is read in its own order."""
        return sorted(range(self.ndim), key=lambda axis: -self.tensor.stride(axis))

    def sums(
        self, rows: tuple[int, int], order: Sequence[int], left: Axes, right: Axes, starts: Sequence[int], step: int
    ) -> np.ndarray:
        """Return the sums, computed where the tensor lies."""
        place = self.tensor.device
        lying = self.tensor.detach().permute(*order).reshape(rows) if self.ndim else self.tensor.detach().reshape(rows)
        near, far = placed_signs(left, place), placed_signs(right, place).double()
        total = torch.zeros(PROJECTIONS + 1, dtype=torch.float64, device=place)
        for start in starts:
            block = lying[start : start + step].double()
            total[:-1] += ((block @ far) * near[start : start + step]).sum(0)
            total[-1] += (block * block).sum()
        return np.array(total.cpu().numpy())


def lying(tensor: torch.Tensor) -> Any:
    """Return a tensor for a probe: for NumPy, or, on a GPU, a :class:`~parity.run.on_device.Far` one."""
    tensor = tensor.detach()
    return host(tensor) if tensor.device.type == "cpu" else FarTensor(tensor)
