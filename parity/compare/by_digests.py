"""A step that is taken, held against one that was recorded: of that one there are digests, and no tensors to look at.

The noise rule is the same as between two sides that run. A digest says how far apart two tensors are within a factor
that it seldom misses by more than ``DOUBT``, so what counts as beyond rounding is so many times the noise, and never
less than two digests can tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from parity.compare.judge import Judge, Seen
from parity.compare.noise import Name, Rounding, StepDigests, distance
from parity.compare.saturated import forgiven
from parity.compare.steps import DOUBT, in_order, lone_gradients, shared_names
from parity.run.digest import RESOLUTION

LOSS: Name = ("loss", "loss")

LEAST = RESOLUTION * 2.0**-53
"""Difference below which two digests say nothing, of numbers that were summed on two machines."""


def compare_recorded(
    judge: Judge,
    number: int,
    recorded: StepDigests,
    taken: StepDigests,
    rounding: Rounding,
    remeasure: Callable[[Sequence[Seen]], None],
) -> list[Seen]:
    """Note every tensor of a step that was recorded, and return those beyond rounding.

    Args:
        judge: takes the notes; its first side is the recorded one.
        number: of the step, counted from 1.
        recorded: what was recorded of the step.
        taken: the step as it is taken now, from the same state.
        rounding: what is known of the rounding errors of both.
        remeasure: called with what is beyond rounding as it is known, to measure it in this very step.
    """
    found = _told(judge, number, recorded, taken, rounding)
    beyond = [seen for seen in found if seen.beyond]
    if beyond:
        remeasure(beyond)
        found = _told(judge, number, recorded, taken, rounding)
    for seen in found:
        size = recorded.loss if seen.name == LOSS else recorded.digests[seen.name]["norm"]
        judge.add(seen, bool(np.isfinite(size)))
    beyond = [seen for seen in found if seen.beyond]
    judge.settle(beyond, None)
    return beyond


def _told(judge: Judge, number: int, a: StepDigests, b: StepDigests, rounding: Rounding) -> list[Seen]:
    order = in_order([*a.digests, LOSS])
    found = []
    for name in [*shared_names(judge, a, b), LOSS, *lone_gradients(a, b)]:
        phase, tensor = name
        if name in b.digests or name == LOSS:
            difference = distance(a, b, name)
        else:  # No gradient is one of zeros.
            difference = 0.0 if float(a.digests[name]["norm"]) == 0.0 else 1.0
        noise = rounding.noise(judge.a, judge.b, name)
        exact = name == LOSS or difference == 0.0
        seen = Seen(step=number, phase=phase, tensor=tensor, difference=difference, noise=noise, exact=exact,
                    order=order[name])  # fmt: skip
        found.append(seen if name == LOSS else replace(seen, noise=DOUBT * noise + LEAST))
    return forgiven(found, a, b, rounding.precision)
