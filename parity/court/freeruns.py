"""What comes of the free runs, and how far apart two of them are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from parity.compare.free import Series, digest_gap, loss_gap
from parity.errors import WorkerError
from parity.run.store import Store
from parity.run.trajectory import Trajectory

Trace = dict[tuple[str, str], np.ndarray]
"""Digests by phase and tensor, one record a step."""

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


def gaps(store: Store, first: Trajectory, others: Sequence[Trajectory]) -> list[Series]:
    """Return how far other runs are from one in every step: in their losses, and in every tensor that both traced.

    Args:
        store: has their traces; each is read once, and of the others one at a time is held.
        first: the run that the others are compared with.
        others: in the order of the answer.
    """
    ours = _trace(store, first) if others else {}
    return [_gap(first, ours, other, _trace(store, other) if ours else {}) for other in others]


def _trace(store: Store, run: Trajectory) -> Trace:
    return store.read(run.key)


def _gap(a: Trajectory, ours: Trace, b: Trajectory, theirs: Trace) -> Series:
    found = {("loss", "loss"): loss_gap(a.losses, b.losses)}
    for name in (one for one in ours if one in theirs):
        # The weights are also kept as they start; what a step computes stands one further on.
        late = slice(1, None) if len(ours[name]) > len(a.losses) else slice(None)
        found[name] = digest_gap(ours[name][late], theirs[name][late])
    return found
