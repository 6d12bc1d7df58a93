"""Findings over seeds: what holds, what is inconclusive, what is not confirmed, and what that says of a difference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from parity.explain.claims import HARMLESS, Claim, Findings, Tried, claims_of, parts_of
from parity.explain.contest import Paths
from parity.explain.search import Compensation, Search

ALL: Paths = frozenset("abcd")


def tried(paths: str, *lost: float) -> Tried:
    return Tried(paths=frozenset(paths), lost=lost, values=tuple(1.0 - one for one in lost))


def breaks(paths: str, whole: Tried, *parts: Tried) -> Claim:
    return Claim(kind="breaks", paths=frozenset(paths), whole=whole, parts=parts)


def repairs(paths: str, whole: Tried, *parts: Tried) -> Claim:
    return Claim(kind="repairs", paths=frozenset(paths), whole=whole, parts=parts)


def unsound(one: Tried, *seeds: int) -> Tried:
    return replace(one, sound=tuple(number not in seeds for number in range(len(one.lost))))


BAD, OTHER, GOOD = (0.9, 0.8, 1.0), (0.9, 0.2, 1.0), (0.1, 0.0, -0.1)

# ---------------------------------------------------------------------------------------------- status


@pytest.mark.parametrize(
    ("claim", "held", "status"),
    [
        (breaks("a", tried("a", *BAD)), 3, "holds"),
        (breaks("a", tried("a", *OTHER)), 2, "inconclusive"),
        (breaks("a", tried("a", 0.9, 0.9)), 2, "unconfirmed"),
        (breaks("a", tried("a", 0.9, 0.2)), 1, "inconclusive"),
        (breaks("a", tried("a", *GOOD)), 0, "inconclusive"),
        (repairs("a", tried("bcd", *GOOD)), 3, "holds"),
        (repairs("a", tried("bcd", *OTHER)), 1, "inconclusive"),
        (repairs("a", tried("bcd", 0.2)), 1, "unconfirmed"),
    ],
)
def test_a_claim_holds_where_every_seed_says_so(claim: Claim, held: int, status: str) -> None:
    assert (claim.held, claim.status) == (held, status)


@pytest.mark.parametrize(
    ("claim", "held", "status"),
    [
        (breaks("ab", tried("ab", *BAD), tried("a", *GOOD), tried("b", *GOOD)), 3, "holds"),
        (breaks("ab", tried("ab", *BAD), tried("a", *GOOD), tried("b", 0.1, 0.1, 0.9)), 2, "inconclusive"),
        (breaks("ab", tried("ab", *BAD), tried("a", *BAD), tried("b", *GOOD)), 0, "inconclusive"),
        (breaks("ab", tried("ab", *BAD), tried("a", *GOOD), tried("b", 0.1)), 3, "unconfirmed"),
        (breaks("ab", tried("ab", *BAD), tried("a", *GOOD), tried("b")), 3, "unconfirmed"),
        (repairs("ab", tried("cd", *GOOD), tried("acd", *BAD), tried("bcd", *BAD)), 3, "holds"),
        (repairs("ab", tried("cd", *GOOD), tried("acd", *BAD), tried("bcd", *OTHER)), 2, "inconclusive"),
    ],
)
def test_every_part_of_a_set_must_be_needed_with_every_seed(claim: Claim, held: int, status: str) -> None:
    assert (claim.held, claim.status) == (held, status)


@pytest.mark.parametrize("kind", ["breaks", "repairs"])
def test_a_seed_without_a_gap_of_its_own_speaks_against(kind: str) -> None:
    whole = tried("a", *(BAD if kind == "breaks" else GOOD))
    claim = Claim(kind=kind, paths=frozenset("a"), whole=unsound(whole, 1))  # type: ignore[arg-type]
    assert (claim.held, claim.tried, claim.status) == (2, 3, "inconclusive")


@pytest.mark.parametrize(
    ("against", "held", "status"), [((), 12, "holds"), ((4,), 11, "holds"), ((4, 7), 10, "inconclusive")]
)
def test_of_many_seeds_one_may_speak_against(against: tuple[int, ...], held: int, status: str) -> None:
    claim = breaks("a", unsound(tried("a", *(0.9,) * 12), *against))
    assert (claim.held, claim.status) == (held, status)


@pytest.mark.parametrize(
    ("lost", "status"),
    [
        ((0.9, 0.44) * 3 + (0.8,) * 6, "holds"),  # Three of twelve do not say so, and none says the reverse.
        ((0.9, 0.2) * 3 + (0.8,) * 6, "inconclusive"),  # Three lean the other way.
        ((0.95,) * 10 + (0.2,) * 2, "inconclusive"),  # The mean is clear, and two speak against it.
        ((0.6, 0.45) * 6, "inconclusive"),  # The mean is hardly beyond the middle.
    ],
)
def test_of_many_seeds_each_may_lean_where_the_mean_is_clear(lost: tuple[float, ...], status: str) -> None:
    claim = breaks("a", tried("a", *lost))
    assert claim.tried == 12
    assert claim.held < 11
    assert claim.status == status
    kept = tuple(1.0 - one for one in lost)
    assert repairs("a", tried("b", *kept)).status == status
    assert breaks("a", unsound(tried("a", *lost), 1)).status == "inconclusive"


def test_few_seeds_that_scatter_widely_do_not_confirm_and_are_no_objection() -> None:
    assert breaks("a", tried("a", 0.55, 0.6, 1.4)).status == "unconfirmed"
    assert breaks("a", tried("a", 0.55, 0.6, 1.4, 0.6, 0.7, 0.9)).status == "holds"


def test_a_claim_that_the_mean_contradicts_is_none() -> None:
    """Eleven seeds are a little over the line, and the twelfth is far on the other side."""
    assert breaks("a", tried("a", *(0.51,) * 11, -1.0)).status == "inconclusive"


def test_what_makes_up_for_a_set_must_have_something_to_make_up_for() -> None:
    def made_up(cause: Tried) -> Claim:
        return Claim(kind="compensates", paths=frozenset("a"), by=frozenset("b"), whole=tried("ab", *GOOD),
                     parts=(cause,))  # fmt: skip

    assert made_up(tried("a", *BAD)).status == "holds"
    assert made_up(tried("a", *OTHER)).status == "inconclusive"


def test_as_many_seeds_as_were_to_be() -> None:
    one = Claim(kind="breaks", paths=frozenset("a"), whole=tried("a", 0.9), seeds=1)
    assert one.status == "holds"


def test_the_outcome_is_told_with_its_spread() -> None:
    found = Tried(paths=frozenset("a"), lost=(0.5, 0.6, 0.7), values=(0.2, 0.4, 0.6))
    assert (found.mean, found.spread) == (pytest.approx(0.4), pytest.approx(0.2))
    assert found.bad == [False, True, True], "half of the gap is not more than half"
    assert Tried(paths=frozenset("a"), lost=(0.1,), values=(0.3,)).spread == 0.0


# ---------------------------------------------------------------------------------------- what shows it


@pytest.mark.parametrize(
    ("kind", "paths", "by", "whole", "parts"),
    [
        ("breaks", "a", "", "a", []),
        ("breaks", "ab", "", "ab", ["b", "a"]),
        ("repairs", "a", "", "bcd", []),
        ("repairs", "ab", "", "cd", ["acd", "bcd"]),
        ("compensates", "a", "b", "ab", ["a"]),
        ("compensates", "ab", "cd", "abcd", ["ab"]),
    ],
)
def test_the_configs_that_show_a_finding(kind: str, paths: str, by: str, whole: str, parts: list[str]) -> None:
    found = parts_of(kind, frozenset(paths), frozenset(by), ALL)
    assert found == (frozenset(whole), [frozenset(one) for one in parts])


def test_the_findings_of_a_search_become_claims() -> None:
    known = {
        one.paths: one
        for one in (
            tried("a", *BAD), tried("bc", *BAD), tried("b", *GOOD), tried("c", *GOOD), tried("cd", *GOOD),
            tried("acd", *BAD), tried("bcd", *BAD), tried("ad", *GOOD), tried("abd"),
        )
    }  # fmt: skip
    search = Search(
        order=list("abcd"), ask=lambda _: False,
        breakers=[frozenset("a"), frozenset("bc")],
        repairs=[frozenset("ab"), frozenset("c"), frozenset("ac")],
        compensations=[Compensation(frozenset("a"), frozenset("d"))],
    )  # fmt: skip
    found = claims_of(search, ALL, lambda one: known.get(one, tried(one)), 3)
    told = [(one.kind, "".join(sorted(one.paths)), "".join(sorted(one.by)), one.status) for one in found]
    # Taking c back leaves abd, which was to be run and has no outcome; taking ac back was not even that.
    assert told == [
        ("breaks", "a", "", "holds"), ("breaks", "bc", "", "holds"), ("repairs", "ab", "", "holds"),
        ("compensates", "a", "d", "holds"),
    ]  # fmt: skip
    assert [part.paths for part in found[2].parts] == [frozenset("acd"), frozenset("bcd")]


def test_a_part_that_was_not_run_leaves_a_claim_unconfirmed() -> None:
    known = {one.paths: one for one in (tried("ab", *BAD), tried("a", *GOOD))}
    search = Search(order=list("abcd"), ask=lambda _: False, breakers=[frozenset("ab")])
    (found,) = claims_of(search, ALL, lambda one: known.get(one, tried(one)), 3)
    assert found.status == "unconfirmed"


# -------------------------------------------------------------------------------------------- findings


def test_causes_are_in_claims_that_no_seed_speaks_against() -> None:
    found = Findings(claims=[
        breaks("c", tried("c", *BAD)), breaks("a", tried("a", *OTHER)), repairs("bc", tried("ad", 0.1)),
        Claim(kind="compensates", paths=frozenset("c"), by=frozenset("d"), whole=tried("cd", *GOOD)),
    ])  # fmt: skip
    assert found.causes == ["c", "b"]
    assert [one.paths for one in found.of("breaks", "holds")] == [frozenset("c")]
    assert len(found.of("breaks")) == 2


def test_harmless_is_what_loses_next_to_nothing_with_any_seed() -> None:
    found = Findings(
        claims=[breaks("c", tried("c", *BAD))],
        alone={"a": tried("a", 0.0, 0.05, 0.09), "b": tried("b", 0.0, 0.2, 0.0), "c": tried("c", 0.0)},
    )
    assert found.harmless("a") is True
    assert found.harmless("b") is False
    assert found.harmless("c") is False, "a cause is not"
    assert found.harmless("d") is None, "it was not tried"


def test_what_is_in_a_finding_that_one_seed_speaks_against_is_not_called_harmless() -> None:
    pair = breaks("ab", tried("ab", *OTHER), tried("a", *GOOD), tried("b", *GOOD))
    assert pair.status == "inconclusive"
    found = Findings(claims=[pair], alone={"a": tried("a", *GOOD), "d": tried("d", 0.0)}, rest=tried("abd", 0.0))
    assert found.causes == []
    assert found.harmless("a") is None
    assert found.harmless("b") is None
    assert found.harmless("d") is True


def test_what_was_not_tried_alone_is_harmless_where_all_the_rest_together_is() -> None:
    found = Findings(rest=tried("ab", 0.05))
    assert found.harmless("a") is True
    assert found.harmless("d") is None, "it is not among the rest"
    assert Findings(rest=tried("ab", HARMLESS + 0.1)).harmless("a") is None, (
        "one of them is not, and which is not known"
    )
    assert Findings(rest=tried("ab")).harmless("a") is None


@pytest.mark.parametrize(
    ("rest", "expected"),
    [(None, None), (tried("ab"), None), (tried("ab", 0.3, 0.1), 0.2), (tried("ab", -0.1), 0.0)],
)
def test_what_no_cause_explains_is_what_is_lost_without_them(rest: Tried | None, expected: float | None) -> None:
    found = Findings(rest=rest).unexplained
    assert found == (expected if expected is None else pytest.approx(expected))
