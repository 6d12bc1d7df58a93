"""What ``make test`` leaves to ``make long``, a stated sample of each test being taken.

Of a framework that falls back on another, every sixth case. Of a test marked ``takes_turns``, every case in one
framework, case by case another one, and in the one named as ``but``, which does there what others do not: these tests
are about how things stand together, and the worked cases of every entry run in every framework at all times.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest

from parity.frameworks import frameworks

WHOLE = os.environ.get("HYPOTHESIS_PROFILE") == "long"
"""Whether everything is tested."""

EVERY = 6
"""Of so many cases of a test, one is taken for a framework that falls back: the first, the seventh, and so on."""

Case = tuple[tuple[str, int], ...]


def framework_of(item: pytest.Item) -> str:
    """Return the framework that a test is parametrized with, an empty string where it is with none."""
    callspec = getattr(item, "callspec", None)
    named = callspec.params.get("framework", "") if callspec is not None else ""
    return named if isinstance(named, str) else ""


def left_out(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests that are not of the sample, of those in the order in which they were collected."""
    borrowed = {name for name, one in frameworks().items() if one.falls_back}
    turns = [name for name in frameworks() if name not in borrowed]
    met: Counter[tuple[str, str]] = Counter()
    cases: dict[str, dict[Case, int]] = {}
    found = []
    for item in items:
        framework, test = framework_of(item), item.nodeid.partition("[")[0]
        if framework in borrowed:
            if met[test, framework] % EVERY:
                found.append(item)
            met[test, framework] += 1
        elif framework and (mark := item.get_closest_marker("takes_turns")) and framework != mark.kwargs.get("but"):
            known = cases.setdefault(test, {})
            number = known.setdefault(case_of(item), len(known))
            # Of a table, each row meets every framework, and so does each column.
            if (number + number // len(turns)) % len(turns) != turns.index(framework):
                found.append(item)
    return found


def case_of(item: pytest.Item) -> Case:
    """Return what tells a case of a test from the others, whatever the framework."""
    indices: dict[str, int] = getattr(item, "callspec").indices  # noqa: B009 - of a function, not of every item
    return tuple(sorted((name, index) for name, index in indices.items() if name != "framework"))
