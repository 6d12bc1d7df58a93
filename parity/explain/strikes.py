"""Where a difference strikes first, how strongly, and how suspicious that makes it.

Read from the traces of two short probes in float64 that start alike and take a few steps: the good side as it is, and
with one difference put in. No rounding reaches the level at which a difference is seen here. The *strike* is the first
place in which they differ; its *share* is norm(u' - u) / norm(u) of the first step's update u over all tensors.

The suspicion orders the search; it decides nothing. What makes a training fail changes the size of the update by
factors, or what evaluation sees; another order of the rows turns the update round and does no harm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from parity.compare.free import digest_gap
from parity.compare.judge import PHASES
from parity.run.digest import minus

PROBE_STEPS = 3
"""Steps of a probe: momentum, a decay and running statistics show from the second."""

SEEN = 1e-9
"""Relative difference that is one of meaning: float64 steps from one state differ by 1e-15, summed otherwise 1e-12."""

Trace = Mapping[tuple[str, str], np.ndarray]
"""Digests of each (phase, tensor), one record a step; weights begin with the state before the first."""

Shapes = Mapping[str, tuple[int, ...]]

TURNED, UNSEEN, OTHER_ROWS, MOST = 0.5, 1.0, 0.2, 12.0
"""Weights of the suspicion: an update turned round, a state that training does not read, a strike in the batch; and the
largest size of an update's change that counts, as a logarithm."""


@dataclass(frozen=True, kw_only=True)
class Strike:
    """Where and how strongly a difference strikes.

    Args:
        step: first step in which something differs, counted from 1; None where nothing did in the steps looked at.
        phase: in which it does.
        tensor: first one that differs.
        share: share of the first step's update that is changed.
        size: size of the update of the first steps, as a multiple of that without the difference.
        suspicion: how much it looks like what makes a training fail; 0 is not at all.
    """

    step: int | None
    phase: str = ""
    tensor: str = ""
    share: float = 0.0
    size: float = 1.0
    suspicion: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Moved:
    """Two updates, summed over all tensors.

    Args:
        mine: norm of the update without the difference.
        theirs: norm of the update with it.
        apart: norm of what lies between them.
    """

    mine: float
    theirs: float
    apart: float

    @property
    def share(self) -> float:
        """Return norm(u' - u) / norm(u); infinite where it is not finite."""
        return _ratio(self.apart, self.mine)

    @property
    def size(self) -> float:
        """Return norm(u') / norm(u); 1 where neither moves."""
        return _ratio(self.theirs, self.mine) if self.theirs or self.mine else 1.0

    @property
    def turned(self) -> float:
        """Return 1 - cos of the angle between the updates, from 0 to 2."""
        product = 2.0 * self.mine * self.theirs
        if not (self.mine or self.theirs):
            return 0.0
        if not (math.isfinite(product) and product > 0.0):
            return 1.0
        return min(2.0, max(0.0, 1.0 - (self.mine**2 + self.theirs**2 - self.apart**2) / product))


def _ratio(one: float, other: float) -> float:
    if not math.isfinite(one):
        return math.inf
    return one / other if other else 0.0 if not one else math.inf


def moved(a: Trace, b: Trace, shapes_a: Shapes, shapes_b: Shapes, steps: int) -> Moved:
    """Return the updates of the first steps of two traces.

    Args:
        a: trace without the difference.
        b: trace with it.
        shapes_a: of the trainable parameters without it; a parameter of another shape is wholly changed.
        shapes_b: with it.
        steps: how many steps the update sums.
    """
    mine = theirs = apart = 0.0
    for name in dict.fromkeys([*shapes_a, *shapes_b]):
        ours, other = _update(a, name, steps), _update(b, name, steps)
        same = shapes_a.get(name) == shapes_b.get(name)
        mine += _square(ours)
        theirs += _square(other)
        apart += _square(_minus(other, ours)) if same else _square(ours) + _square(other)
    return Moved(mine=math.sqrt(mine), theirs=math.sqrt(theirs), apart=math.sqrt(apart))


def _update(trace: Trace, name: str, steps: int) -> np.ndarray | None:
    """Return the digest of a parameter's update, None where there is no such parameter."""
    records = trace.get(("weights", name))
    if records is None or len(records) < 2:
        return None
    last = min(steps, len(records) - 1)
    return _minus(records[last], records[0])


def _minus(one: np.ndarray | None, other: np.ndarray | None) -> np.ndarray | None:
    if one is None or other is None:
        return None
    with np.errstate(all="ignore"):
        return minus(one, other)


def _square(update: np.ndarray | None) -> float:
    norm = 0.0 if update is None else float(update["norm"])
    return norm * norm if math.isfinite(norm) else math.inf


def first_place(
    a: Trace, b: Trace, shapes_a: Shapes, shapes_b: Shapes, batch: tuple[int, str] | None
) -> tuple[int, str, str] | None:
    """Return step, phase and tensor of the first place in which two traces differ.

    Args:
        a: trace without the difference.
        b: trace with it.
        shapes_a: of all parameters without it.
        shapes_b: with it.
        batch: first step in which the two read another batch, and which of its arrays; None where they never do.
    """
    places = [] if batch is None else [(batch[0], PHASES.index("batch"), 0, batch[1])]
    for order, name in enumerate(dict.fromkeys([*shapes_a, *shapes_b])):
        if shapes_a.get(name) != shapes_b.get(name):
            places.append((1, PHASES.index("weights"), order, name))
    for order, (phase, tensor) in enumerate(a):
        if (phase, tensor) not in b or (tensor in shapes_a and shapes_a[tensor] != shapes_b.get(tensor)):
            continue
        gap = digest_gap(a[phase, tensor], b[phase, tensor])
        seen = np.flatnonzero(gap > SEEN)
        if not len(seen):
            continue
        step = int(seen[0])
        # Weights and state begin with those before the first step; after step t weights tell of the update of step t.
        known = "weights" if phase == "weights" and step == 0 else "update" if phase == "weights" else phase
        begin = max(1, step) if phase in ("weights", "state") else step + 1
        places.append((begin, PHASES.index(known), order, tensor))
    if not places:
        return None
    step, phase_number, _, tensor = min(places)
    return step, PHASES[phase_number], tensor


def strike(
    a: Trace,
    b: Trace,
    parameters: tuple[Shapes, Shapes],
    trainable: tuple[Shapes, Shapes],
    batch: tuple[int, str] | None,
) -> Strike:
    """Return where a difference strikes.

    Args:
        a: trace of the probe without it.
        b: trace of the probe with it.
        parameters: shapes of all parameters, without and with it.
        trainable: those of the trainable ones.
        batch: first step in which the two read another batch, and which of its arrays; None where they never do.
    """
    place = first_place(a, b, *parameters, batch)
    if place is None:
        return Strike(step=None)
    step, phase, tensor = place
    one, all_steps = moved(a, b, *trainable, 1), moved(a, b, *trainable, PROBE_STEPS)
    size = all_steps.size
    grown = MOST if not (math.isfinite(size) and size > 0.0) else min(MOST, abs(math.log(size)))
    suspicion = grown + TURNED * all_steps.turned
    if phase == "batch":
        suspicion *= OTHER_ROWS if 0.5 < size < 2.0 else 1.0
    if phase == "state":
        suspicion += UNSEEN * min(1.0, _changed_state(a, b))
    return Strike(step=step, phase=phase, tensor=tensor, share=one.share, size=size, suspicion=suspicion)


def _changed_state(a: Trace, b: Trace) -> float:
    """Return the largest relative difference of a running statistic or slot after the first steps."""
    gaps = [digest_gap(a[name], b[name]) for name in a if name[0] == "state" and name in b]
    return max((float(gap[-1]) for gap in gaps if len(gap)), default=0.0)


def by_suspicion(strikes: Mapping[str, Strike]) -> list[str]:
    """Return the differences, the most suspicious first, in their own order where they are alike."""
    return sorted(strikes, key=lambda path: -strikes[path].suspicion)


def suspects(strikes: Mapping[str, Strike], least: float, most: int) -> Sequence[str]:
    """Return the differences to try alone in any case: at least so suspicious, at most so many."""
    return [path for path in by_suspicion(strikes) if strikes[path].suspicion >= least][:most]
