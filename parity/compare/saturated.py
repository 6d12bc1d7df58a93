"""Gradients that rounding alone makes something of, behind outputs that are saturated to the last bit.

Where a tanh is 1 within a unit roundoff, its slope 1 - tanh^2 is 0 or 2e-16, as the last bit falls: the gradients ahead
of it are that, times what came back to it. float32 tells nothing of it, since all of it is 0 there. An optimizer that
divides by the root of its squared gradients makes moves of full length of such numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from parity.compare.judge import Seen
from parity.compare.noise import FACTOR, FLOOR, UNIT, Name, StepDigests
from parity.tensors import without_slot

LOST = FACTOR["float64"] * FLOOR * UNIT["float64"]
"""Share of a step's largest gradient up to which one, on both sides, is nothing but rounding: 1.4e-14."""


def lost(step: StepDigests) -> set[str]:
    """Return the tensors of a step whose gradient is nothing but rounding: what is made of it, no noise tells."""
    sizes = _sizes(step)
    most = LOST * _largest(sizes)
    return {tensor for (_, tensor), norm in sizes.items() if norm <= most}


def forgiven(
    found: Sequence[Seen], a: StepDigests | Mapping[Name, np.ndarray], b: StepDigests, precision: str
) -> list[Seen]:
    """Return a step's differences; in float64 those of gradients that are lost in rounding are laid to it.

    So are the updates and slots that are made of them. A gradient that is the same on both sides forgives nothing. In
    another precision the step in float64 beside it shows what rounding does.

    Args:
        found: differences of one step.
        a: the reference side's step, or the tensors that the reference itself computes.
        b: the other side's.
        precision: of the step.
    """
    apart = [seen for seen in found if seen.phase == "gradient" and seen.beyond]
    if not apart or precision != "float64":
        return list(found)
    ours, theirs = _sizes(a), _sizes(b)
    most = LOST * _largest(ours)
    gone = {seen.tensor for seen in apart if max(ours.get(seen.name, math.inf), theirs.get(seen.name, 0.0)) <= most}

    def laid(seen: Seen) -> Seen:
        tensor = {"gradient": seen.tensor, "update": seen.tensor, "state": without_slot(seen.tensor)}.get(seen.phase)
        if tensor not in gone or not seen.beyond:
            return seen
        difference = seen.difference if math.isfinite(seen.difference) else 1.0  # Of a tensor of zeros.
        return replace(seen, difference=difference, noise=max(difference, 1.0))

    return [laid(seen) for seen in found]


def _sizes(step: StepDigests | Mapping[Name, np.ndarray]) -> dict[Name, float]:
    """Return the norms of the gradients of a step."""
    if isinstance(step, Mapping):
        return {name: float(np.linalg.norm(value)) for name, value in step.items() if name[0] == "gradient"}
    return {name: float(digest["norm"]) for name, digest in step.digests.items() if name[0] == "gradient"}


def _largest(sizes: Mapping[Name, float]) -> float:
    return max((norm for norm in sizes.values() if math.isfinite(norm)), default=0.0)
