"""Gradients that rounding alone makes something of, behind outputs that are saturated to the last bit.

Where a tanh is 1 within a unit roundoff, its slope 1 - tanh^2 is 0 or 2e-16, as the last bit falls: the gradients ahead
of it are that, times what came back to it. float32 tells nothing of it, since all of it is 0 there. An optimizer that
divides by the root of its squared gradients makes moves of full length of such numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from parity.compare.judge import Seen
from parity.compare.noise import FACTOR, FLOOR, UNIT, Name, StepDigests
from parity.tensors import without_slot

LOST = FACTOR["float64"] * FLOOR * UNIT["float64"]
"""Share of a step's largest gradient up to which one, on both sides, is nothing but rounding: 1.4e-14."""


def norms(step: StepDigests) -> dict[Name, float]:
    """Return the norm of every tensor of a step."""
    return {name: float(digest["norm"]) for name, digest in step.digests.items()}


def forgiven(found: Sequence[Seen], a: Mapping[Name, float], b: Mapping[Name, float]) -> list[Seen]:
    """Return a step's differences in float64; those of gradients that are lost in rounding are laid to it.

    So are the updates and slots that are made of them. A gradient that is the same on both sides forgives nothing.

    Args:
        found: differences of one step.
        a: norms of the reference side's tensors.
        b: norms of the other side's.
    """
    largest = max((norm for (phase, _), norm in a.items() if phase == "gradient" and math.isfinite(norm)), default=0.0)
    gone = {
        seen.tensor
        for seen in found
        if seen.phase == "gradient" and seen.beyond
        and max(a.get(seen.name, math.inf), b.get(seen.name, 0.0)) <= LOST * largest
    }  # fmt: skip

    def laid(seen: Seen) -> Seen:
        tensor = {"gradient": seen.tensor, "update": seen.tensor, "state": without_slot(seen.tensor)}.get(seen.phase)
        if tensor not in gone or not seen.beyond:
            return seen
        difference = seen.difference if math.isfinite(seen.difference) else 1.0  # Of a tensor of zeros.
        return replace(seen, difference=difference, noise=max(difference, 1.0))

    return [laid(seen) for seen in found] if gone else list(found)
