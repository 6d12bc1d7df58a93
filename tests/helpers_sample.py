"""What ``make test`` leaves to ``make long``: of a framework that falls back on another, all but a stated sample."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from parity.frameworks import frameworks

WHOLE = os.environ.get("HYPOTHESIS_PROFILE") == "long"
"""Whether everything is tested."""

EVERY = 6
"""Of so many cases of a test, one is taken for a framework that falls back: the first, the seventh, and so on."""


def framework_of(item: pytest.Item) -> str:
    """Return the framework that a test is parametrized with, an empty string where it is with none."""
    callspec = getattr(item, "callspec", None)
    named = callspec.params.get("framework", "") if callspec is not None else ""
    return named if isinstance(named, str) else ""


def left_out(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests that are not of the sample, of those in the order in which they were collected."""
    borrowed = {name for name, one in frameworks().items() if one.falls_back}
    met: Counter[tuple[str, str]] = Counter()
    found = []
    for item in items:
        framework = framework_of(item)
        if framework in borrowed:
            key = (item.nodeid.partition("[")[0], framework)
            if met[key] % EVERY:
                found.append(item)
            met[key] += 1
    return found
