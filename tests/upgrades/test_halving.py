"""The first release that differs, on invented lists of versions."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from parity.upgrades.halving import first_changed

EVERY = [f"3.{number}.0" for number in range(12)]


def judged(first_bad: int, blind: tuple[int, ...] = ()) -> tuple[Callable[[str], bool | None], list[str]]:
    """Return a judge of releases that notes what it is asked, and its notes."""
    asked: list[str] = []

    def same(version: str) -> bool | None:
        asked.append(version)
        number = EVERY.index(version)
        return None if number in blind else number < first_bad

    return same, asked


@pytest.mark.parametrize("first_bad", range(1, 12))
def test_the_first_release_that_differs_is_found_in_log2_steps(first_bad: int) -> None:
    same, asked = judged(first_bad)
    found = first_changed(EVERY, same)
    assert (found.first, found.last) == (EVERY[first_bad], EVERY[first_bad - 1])
    assert not found.skipped
    assert len(asked) == len(set(asked)) <= 1 + math.ceil(math.log2(len(EVERY) - 1))


def test_where_nothing_differs_only_the_last_is_asked() -> None:
    same, asked = judged(12)
    found = first_changed(EVERY, same)
    assert (found.first, found.last, asked) == (None, EVERY[-1], [EVERY[-1]])


def test_where_the_last_cannot_be_judged_nothing_is_said() -> None:
    same, asked = judged(3, blind=(11,))
    found = first_changed(EVERY, same)
    assert (found.first, found.last, asked) == (None, EVERY[0], [EVERY[-1]])


def test_a_release_that_cannot_be_judged_is_gone_around() -> None:
    same, _ = judged(9, blind=(5, 6))
    found = first_changed(EVERY, same)
    assert (found.first, found.last, found.skipped) == (EVERY[9], EVERY[8], [])


def test_where_the_change_lies_among_those_that_cannot_be_judged_they_are_named() -> None:
    same, asked = judged(5, blind=(4, 5, 6))
    found = first_changed(EVERY, same)
    assert (found.first, found.last) == (EVERY[7], EVERY[3])
    assert found.skipped == EVERY[4:7]
    assert found.tried["3.5.0"] is None
    assert len(asked) == len(set(asked))


def test_two_neighbours_need_one_look() -> None:
    same, asked = judged(1)
    found = first_changed(EVERY[:2], same)
    assert (found.first, found.last, asked) == ("3.1.0", "3.0.0", ["3.1.0"])
