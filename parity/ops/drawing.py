"""What a layer draws in training: masks that say which values are kept."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import ClassVar

from parity.entries import Entry, Shape


@dataclass(frozen=True)
class Draw:
    """A mask, or noise, that a layer draws.

    Args:
        shape: for a row; of length 1 along an axis whose values share one.
        rate: share of the values that it drops; None for normal numbers.
    """

    shape: Shape
    rate: float | None


def number_of(name: str) -> int:
    """Return the number of a mask, which a layer's name decides: dropout 0, dropout_1 1, and so on."""
    counted = re.fullmatch(r"dropout(?:_([1-9]\d{0,8}))?", name)
    if counted:
        return int(counted[1] or 0)
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little") >> 1


class Drawing(Entry):
    """The part of a layer that draws."""

    draws: ClassVar[bool] = False
    """Whether it draws random numbers in training."""
    noise: ClassVar[bool] = False
    """Whether these are standard normal numbers, and no mask."""
    rate_fields: ClassVar[tuple[str, ...]] = ("rate",)
    """The fields that say how much it drops, or how far its noise goes; where all are 0 it draws nothing."""

    def rates(self) -> dict[str, float]:
        """Return by these fields what they say, those that are not 0."""
        return {name: rate for name in self.rate_fields if (rate := getattr(self, name))}

    def drops(self) -> float | None:
        """Return the share of the values that the first mask it draws drops; None where it draws normal numbers."""
        return None if self.noise else next(iter(self.rates().values()), 0.0)

    def passes_on(self) -> bool:
        """Return whether it hands on the very tensor it is given: nothing drawn, nothing computed."""
        return False

    def dealt(self) -> bool:
        """Return whether a step in training deals it random numbers."""
        return self.draws and not self.passes_on()

    def mask_shape(self, shape: Shape) -> Shape:
        """Return the shape of the mask it draws for a row of the given shape; of length 1 where values share one."""
        return shape

    def drawn(self, shape: Shape) -> tuple[Draw, ...]:
        """Return the masks that it draws for a row of the given shape, in order; most layers draw one."""
        return (Draw(self.mask_shape(shape), self.drops()),)
