"""How large a side is, and how many of its kind run at once."""

from __future__ import annotations

from collections.abc import Sequence

from parity.frameworks import frameworks
from parity.run.environment import may_have_gpus
from parity.spec.resolve import Resolved

LARGE = 1 << 22
"""Parameters from which on a step spends its time on moving the weights through memory."""

COMPILED_PAYS = 1.5e8
"""Parameters times steps from which on a fused update pays that has to be compiled: that takes 0.8 s, and saves 9 ns a
parameter and step (TensorFlow 2.21, Adam, 2.1 million parameters: 37 ms a step, 18 fused)."""

WORKERS = 2
"""Workers at once: sides' own runs keep their framework's default of a thread per core."""


def large(side: Resolved) -> bool:
    """Return whether a step spends its time on moving the weights through memory."""
    return side.parameter_count >= LARGE


def fused(side: Resolved, steps: int) -> bool:
    """Return whether a run is shorter with an update that goes through memory once.

    Args:
        side: that runs.
        steps: of the run.
    """
    return frameworks()[side.framework].fuses_at_once or side.parameter_count * steps >= COMPILED_PAYS


def at_once(sides: Sequence[Resolved]) -> int:
    """Return how many workers run at once: large networks that share a GPU, and its memory, one after another.

    Args:
        sides: that run.
    """
    shared = may_have_gpus() and any(large(side) and side.config.numerics.device != "cpu" for side in sides)
    return 1 if shared else WORKERS
