"""The first release that differs from a good one, in log2 steps; no framework, no network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Same = Callable[[str], bool | None]
"""Returns whether a release is as the good one; None where that cannot be told."""


@dataclass(kw_only=True)
class Halved:
    """What a search came to.

    Args:
        first: the first release that differs, None where the last one does not, or cannot be judged.
        last: the last one that is as the good one.
        skipped: releases between the two that could not be judged: the change may be in one of them.
        tried: releases that were judged, in order, and what of them.
    """

    first: str | None
    last: str | None
    skipped: list[str] = field(default_factory=list)
    tried: dict[str, bool | None] = field(default_factory=dict)


def first_changed(releases: Sequence[str], same: Same) -> Halved:
    """Return the first release that differs from the first one of a list.

    It is taken that what has changed stays so: of several changes, one is found. Of a release that cannot be judged,
    the nearest one on either side stands in.

    Args:
        releases: in order, the good one first, the bad one last; at least two.
        same: judges one against the first; it is asked about the last one, and then in log2 steps.
    """
    tried: dict[str, bool | None] = {}

    def ask(number: int) -> bool | None:
        name = releases[number]
        if name not in tried:
            tried[name] = same(name)
        return tried[name]

    low, high = 0, len(releases) - 1
    ended = ask(high)
    if ended is not False:
        return Halved(first=None, last=releases[high] if ended else releases[0], tried=tried)
    while high - low > 1:
        middle = (low + high) // 2
        nearest = sorted(range(low + 1, high), key=lambda one: (abs(one - middle), one))
        found = next((one for one in nearest if ask(one) is not None), None)
        if found is None:
            break
        if tried[releases[found]]:
            low = found
        else:
            high = found
    return Halved(first=releases[high], last=releases[low], skipped=list(releases[low + 1 : high]), tried=tried)
