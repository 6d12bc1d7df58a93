"""How large a side is, and how many of its kind run at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

from parity.run.environment import may_have_gpus
from parity.spec.resolve import Resolved

LARGE = 1 << 22
"""Parameters from which on the optimizer's update is fused: compiling it takes a second or two."""

WORKERS = 2
"""Workers at once: sides' own runs keep their framework's default of a thread per core."""


def large(side: Resolved) -> bool:
    """Return whether a step spends its time on moving the weights through memory, so that a fused update pays."""
    return sum(math.prod(one.shape) for one in side.parameters().values()) >= LARGE


def at_once(sides: Sequence[Resolved]) -> int:
    """Return how many workers run at once: large networks that share a GPU, and its memory, one after another.

    Args:
        sides: that run.
    """
    shared = may_have_gpus() and any(large(side) and side.config.numerics.device != "cpu" for side in sides)
    return 1 if shared else WORKERS
