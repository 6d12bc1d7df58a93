"""What holds of the differences between any two sides, however they came to be."""

from __future__ import annotations

from parity.spec.differences import Difference, differences, mixed
from parity.spec.resolve import Resolved


def paths(found: list[Difference]) -> set[str]:
    """Return the concrete paths of some differences."""
    return {path for one in found for path in one.paths}


def assert_all_is_the_other_side_and_none_is_this_one(a: Resolved, b: Resolved) -> None:
    """Taking all differences gives the other side, taking none leaves this one; a side does not differ from itself."""
    found = differences(a, b)
    assert mixed(a.config, b.config, paths(found)) == b.config
    assert mixed(a.config, b.config, set()) == a.config
    assert mixed(b.config, a.config, paths(found)) == a.config
    assert differences(a, a) == differences(b, b) == []
    assert bool(found) is (a.config != b.config)
