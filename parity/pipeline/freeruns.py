"""What comes of the free runs, and how far apart two of them are."""

from __future__ import annotations

from dataclasses import dataclass, field

from parity.compare.free import Series, digest_gap, loss_gap
from parity.errors import WorkerError
from parity.run.store import Store
from parity.run.trace import read_trace
from parity.run.trajectory import Trajectory

TWIN = "(twin)"
"""Name of the first side's twin among the free runs."""


@dataclass(kw_only=True)
class FreeRuns:
    """What came of the free runs.

    Args:
        runs: by side, in the order of the sides.
        errors: of the sides that did not finish.
        twins: of the first side.
    """

    runs: dict[str, Trajectory] = field(default_factory=dict)
    errors: dict[str, WorkerError] = field(default_factory=dict)
    twins: dict[str, Trajectory] = field(default_factory=dict)


def gaps(store: Store, a: Trajectory, b: Trajectory) -> Series:
    """Return how far apart two runs are in every step: in their losses, and in every tensor that both traced."""
    found = {("loss", "loss"): loss_gap(a.losses, b.losses)}
    if store.traced(a.key) and store.traced(b.key):
        ours, theirs = read_trace(store.trace(a.key)), read_trace(store.trace(b.key))
        for name in (one for one in ours if one in theirs):
            # The weights are also kept as they start; what a step computes stands one further on.
            late = slice(1, None) if len(ours[name]) > len(a.losses) else slice(None)
            found[name] = digest_gap(ours[name][late], theirs[name][late])
    return found
