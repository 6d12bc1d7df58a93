"""Explanations of invented outcomes: what is named, and that no sentence ever contradicts the numbers it prints."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import pytest
from helpers_invented import BIAS, NESTEROV, RATE, THREE, Come, invented
from hypothesis import given, settings
from hypothesis import strategies as st

from parity.explain.contest import Paths
from parity.explain.seeds import needed
from parity.report import lookup
from parity.report.sentences import findings
from parity.result.schema import Result
from parity.trials.budget import Budget

ALL = frozenset({RATE, NESTEROV, BIAS})


def texts(result: Result, *kinds: str) -> list[str]:
    return [one.text for one in findings.findings(result) if one.kind in kinds or not kinds]


def rows(good: list[float], bad: list[float], cause: str = RATE) -> Come:
    """Return outcomes by seed: those of the bad side wherever a difference is given, else those of the good one."""
    return lambda paths, seed, steps: (bad if cause in paths else good)[seed % len(good)]


# ------------------------------------------------------------------------------ what all seeds say together


def test_a_gap_is_not_decided_by_the_first_seed() -> None:
    """0.615, 1, 1 against 0.615 three times: the first seed shows nothing, and a third of all show nothing."""
    told, result = invented(rows([0.615, 1.0, 1.0], [0.615] * 3), constant=0.615)
    assert told.gap is not None
    assert (told.gap.kind, told.gap.held, told.gap.against, len(told.gap.gaps)) == ("unsteady", 8, 0, 12)
    (said,) = texts(result, "unsteady")
    assert "With 8 of 12 seeds good is the better one, with 0 bad is, and with 4 they are about the same" in said
    assert told.findings.causes == []
    assert not texts(result, "cause", "repairs")


def test_a_first_seed_that_shows_the_reverse_proves_nothing() -> None:
    told, _ = invented(rows([0.60, *[0.9] * 11], [0.76, *[0.5] * 11]))
    assert told.contest.good.name == "good"
    assert told.gap is not None
    assert (told.gap.kind, told.gap.held, told.gap.against) == ("gap", 11, 1)
    assert told.seeds[0] == 1, "a seed that has the gap leads the search"
    assert [(claim.kind, sorted(claim.paths), claim.held, claim.tried, claim.status) for claim in told.findings.claims
            ] == [("breaks", [RATE], 11, 12, "holds"), ("repairs", [RATE], 11, 12, "holds")]  # fmt: skip


def test_values_by_seed_stand_in_the_order_of_the_seeds_whichever_leads() -> None:
    _, result = invented(rows([0.60, *[0.9] * 11], [0.76, *[0.5] * 11]))
    assert result.explanation is not None
    assert result.explanation.seeds == [*range(1, 12), 0]
    said = texts(result, "sides")[0]
    assert f"(by seed: 0.600{', 0.900' * 11} and 0.760{', 0.500' * 11})" in said


def test_a_lucky_untrained_score_lifts_nothing() -> None:
    told, result = invented(rows([0.5] * 3, [0.3] * 3), constant=0.5)
    assert told.gap is not None
    assert told.gap.kind == "gap"
    assert told.findings.causes == [RATE]
    (said,) = texts(result, "sides")
    assert said.endswith("The best prediction that is the same for every row gets 0.500, and neither side is clearly "
                         "better than that: nothing is learned here.")  # fmt: skip
    assert "worsens good" in texts(result, "cause")[0]
    assert not re.search("ruin|mend", " ".join(texts(result, "cause", "breaks", "repairs")))


def test_what_one_seed_is_lucky_with_is_asked_again_with_all() -> None:
    """A difference that chance moves as far as the cause does is neither a cause nor harmless."""

    def come(paths: Paths, seed: int, steps: int) -> float:
        if RATE in paths:
            return 0.1
        return 0.9 if NESTEROV not in paths or seed % 2 else 0.3

    told, result = invented(come, order=[NESTEROV, RATE])
    assert told.findings.causes == [RATE]
    assert not any(NESTEROV in text for text in texts(result, "harmless", "cause", "breaks", "repairs"))
    assert any(NESTEROV in text for text in texts(result, "undecided"))


def test_every_single_difference_that_mends_is_a_repair() -> None:
    """The bad side is bad by two that no breaker shows alone, and a third, taken back, mends what they do."""

    def come(paths: Paths, seed: int, steps: int) -> float:
        return 0.25 if paths == ALL else 0.7 if paths >= {RATE, NESTEROV} else 0.72

    told, result = invented(come)
    assert told.findings.causes
    single = {path for claim in told.findings.of("repairs", "holds") for path in claim.paths if len(claim.paths) == 1}
    assert single == ALL
    assert not any("No single difference" in text and "mend" in text for text in texts(result))


# ------------------------------------------------------------------------------------- how long a run is


def later(begins: int) -> Come:
    return lambda paths, seed, steps: 0.3 if steps < begins or RATE in paths else 0.9


def test_a_gap_that_shows_later_is_found_by_going_on() -> None:
    told, result = invented(later(300), ends=(0.9, 0.3), training={"batch_size": 16, "epochs": 40}, seconds=5.0)
    assert told.gap is not None
    assert told.gap.kind == "gap"
    assert told.steps == (384, 384), "24 steps, doubled until it shows; 480 would be all"
    assert told.findings.causes == [RATE]
    assert "after 384 steps" in texts(result, "sides")[0]
    assert "the sides' own runs, of 480 steps and one seed, end at accuracy 0.900 and 0.300" in texts(result, "sides")[
        0
    ].replace("The sides'", "the sides'")


def test_a_gap_that_is_a_small_part_of_the_one_at_the_end_is_not_enough() -> None:
    """After two epochs the sides are a little apart, and three seeds agree; at the end they are far apart."""

    def come(paths: Paths, seed: int, steps: int) -> float:
        return (0.3 if RATE in paths else 0.9) if steps >= 96 else 0.2 if NESTEROV in paths else 0.26

    told, _ = invented(come, ends=(0.9, 0.3), training={"batch_size": 16, "epochs": 40}, seconds=5.0)
    assert told.steps == (96, 96)
    assert told.findings.causes == [RATE]


def test_a_short_training_is_run_to_its_end() -> None:
    told, _ = invented(later(300), training={"batch_size": 16, "epochs": 40}, seconds=0.01)
    assert told.steps == (480, 480)
    assert told.findings.causes == [RATE]


def test_the_more_differences_there_are_the_shorter_a_training_has_to_be_that_is_run_to_its_end() -> None:
    """A whole training takes 2.8 seconds: of three differences every run may be one, of seven none."""
    more = {
        "optimizer.momentum": 0.5, "layers.hidden.kernel_initializer": "glorot_uniform", "training.batch_size": 15,
        "layers.hidden.activation": "tanh", "training.drop_remainder": True,
    }  # fmt: skip
    found = []
    for changes in (THREE, {**THREE, **more}):
        told, _ = invented(later(12), changes, training={"batch_size": 16, "epochs": 40}, seconds=0.14)
        assert told.findings.causes == [RATE]
        found.append((len(told.contest.live), max(told.steps) > 100))
    assert found == [(3, True), (7, False)]


def test_runs_that_are_long_are_not_doubled_for_nothing() -> None:
    told, result = invented(later(10**6), ends=(0.3, 0.3), training={"batch_size": 16, "epochs": 40}, seconds=5.0)
    assert told.gap is not None
    assert (told.gap.kind, told.steps) == ("none", (24, 24))
    assert "end at accuracy 0.300 and 0.300" in texts(result, "alike")[0]


def test_a_gap_beyond_what_is_run_is_a_warning() -> None:
    told, result = invented(later(300), ends=(0.9, 0.3), training={"batch_size": 16, "epochs": 40}, seconds=50.0)
    assert told.gap is not None
    assert told.gap.kind == "none"
    assert "whether there is a gap by then, --explain-steps 480 finds out" in texts(result, "alike")[0]


def trained(paths: Paths, seed: int, steps: int) -> float:
    return min(0.9, 0.1 + steps / 100)


def test_the_number_of_epochs_is_a_cause_where_it_is_one() -> None:
    told, result = invented(trained, {"training.epochs": 1, NESTEROV: True}, training={"batch_size": 16, "epochs": 10})
    assert told.steps == (120, 12)
    assert told.findings.causes == ["training.epochs"]
    assert "after 120 steps (good) and 12 (bad)" in texts(result, "sides")[0]


def test_the_number_of_epochs_is_not_examined_where_every_run_ends_before() -> None:
    told, result = invented(rows([0.9] * 3, [0.3] * 3), {"training.epochs": 300, RATE: 2e-5}, explain={"steps": 24},
                            training={"batch_size": 16, "epochs": 200})  # fmt: skip
    assert told.findings.causes == [RATE]
    (epochs,) = [item for item in result.differences if item.path == "training.epochs"]
    assert lookup.effect_label(epochs, result.explanation) == "not examined"
    assert texts(result, "untested") == [
        "Not examined: training.epochs: 200 -> 300 (every run ends after 24 steps, before either number of epochs is "
        "over)."
    ]
    assert "training.epochs" not in (result.explanation.harmless if result.explanation else [])


def test_the_size_of_a_batch_is_a_cause_where_it_makes_a_training_short() -> None:
    told, _ = invented(trained, {"training.batch_size": 96, NESTEROV: True}, training={"batch_size": 16, "epochs": 6})
    assert told.steps == (72, 12)
    assert told.findings.causes == ["training.batch_size"]


def test_runs_are_no_longer_for_a_rest_of_a_batch() -> None:
    """A whole training of 11 seconds is run where one side's is much shorter, not where it leaves out a rest."""
    changes = [{"training.drop_remainder": True, RATE: 2e-5}, {"training.epochs": 10, RATE: 2e-5}]
    found = [
        invented(rows([0.9] * 3, [0.3] * 3), one, training={"batch_size": 40, "epochs": 20}, seconds=1.1)[0].steps
        for one in changes
    ]
    assert found == [(10, 10), (100, 50)]


def test_a_length_that_was_asked_for_is_had_whatever_the_length_of_the_sides_own_runs() -> None:
    """The sides' own runs, of ``--steps``, may be shorter; a side's training ends where it ends."""
    for asked, steps in ((40, (40, 12)), (8, (8, 8)), (None, (10, 10))):
        told, _ = invented(trained, {"training.batch_size": 96}, training={"batch_size": 16, "epochs": 6},
                           explain={"steps": asked, "most": 10})  # fmt: skip
        assert told.steps == steps
        assert told.full == 10


@pytest.mark.parametrize("most", range(0, 40, 3))
def test_whatever_the_budget_nothing_contradicts_itself(most: int) -> None:
    told, result = invented(rows([0.9, 0.8, 0.85], [0.3, 0.35, 0.2]), budget=Budget(runs=most))
    assert told.runs <= most
    check(result)


@pytest.mark.parametrize("constant", [0.1, 0.5])
@pytest.mark.parametrize("cause", [RATE, BIAS])
def test_a_budget_that_is_not_reached_finds_what_none_finds(cause: str, constant: float) -> None:
    """What stands in the way of the gap comes last with a budget, and ahead of the shares without one."""

    def come(paths: Paths, seed: int, steps: int) -> float:
        bad = cause in paths or (NESTEROV in paths and len(paths) == 1)
        return 0.3 + seed % 3 / 100 if bad else 0.9 - seed % 3 / 100

    none, limited = (invented(come, constant=constant, budget=budget)[0] for budget in (None, Budget(runs=10_000)))
    assert {(one.kind, one.paths, one.by, one.status) for one in none.findings.claims} == {
        (one.kind, one.paths, one.by, one.status) for one in limited.findings.claims
    }
    assert NESTEROV in none.findings.causes
    assert none.findings.shares == limited.findings.shares
    assert none.findings.rest == limited.findings.rest
    assert not limited.missing


# ---------------------------------------------------------------------------- what is told before it is over


def test_what_is_known_grows_and_says_what_is_to_come() -> None:
    seen: list[tuple[list[str], int, int, list[str]]] = []

    def look(result: Result, left: Sequence[str]) -> None:
        told = result.explanation
        assert told is not None
        check(result)
        broken = [path for paths in told.breakers for path in paths]
        seen.append((broken, told.runs, max((one.seeds for one in told.claims), default=0), [*left]))

    told, _ = invented(rows([0.9, 0.8, 0.85], [0.3, 0.35, 0.2]), seen=look)
    assert [one[1] for one in seen] == sorted(one[1] for one in seen)
    first = next(one for one in seen if one[0])
    assert (first[0], first[2]) == ([RATE], 1), "with one seed, before the others are asked"
    assert "the other seeds" in first[3]
    assert (seen[-1][0], seen[-1][2]) == ([RATE], 3)
    assert len(seen[-1][3]) == 1
    assert seen[-1][1] <= told.runs


def test_what_holds_with_three_seeds_is_not_asked_again_for_what_does_not() -> None:
    """The rate is clear; the bias lies so near to the middle of the gap that three seeds do not tell.

    Nesterov, which ruins only alone, is found when the search is over: then all findings are looked at once more.
    """

    def come(paths: Paths, seed: int, steps: int) -> float:
        spread = (0.0, 0.02, 0.09, -0.05, 0.01, 0.03)[seed % 6]
        if RATE in paths or paths == {NESTEROV}:
            return 0.1 + spread / 10
        return 0.45 + spread - 0.05 if BIAS in paths else 0.9 - spread / 10

    told, _ = invented(come)
    tried = {tuple(sorted(one.paths)): one.tried for one in told.findings.of("breaks")}
    assert tried[RATE,] == tried[NESTEROV,] == 3
    assert tried[BIAS,] > 3
    assert len(told.sides[0].values) == tried[BIAS,]
    assert told.findings.rest is not None
    assert len(told.findings.rest.values) == 3, "no finding rests on what is left without the causes"


# ------------------------------------------------------------- no sentence contradicts the numbers it prints

NUMBER = r"(-?\d+(?:\.\d+)?(?:e[-+]?\d+)?|NaN|inf)"
MOVE = re.compile(r"\b(?:accuracy|mse) " + NUMBER + r"(?: ± [\d.e+-]+| \([^)]*\))? -> " + NUMBER)
COUNT = re.compile(r"(\d+) of (\d+) seeds?(?! only)")


def check(result: Result) -> None:
    """Hold every sentence against the numbers in it, and the labels against the claims."""
    told = result.explanation
    if told is None:
        return
    low = told.better == "lower"

    def worse(before: float, after: float) -> bool:
        return after > before if low else after < before

    for one in findings.findings(result):
        if one.kind in ("breaks", "repairs", "cause"):
            check_claims(one.text, worse)
        if one.kind in ("sides", "alike", "unsteady"):
            assert one.kind == {"gap": "sides", "none": "alike"}.get(told.gap, "unsteady")
        if one.kind == "shares":
            assert sum(int(number) for number in re.findall(r"\((\d+)%\)", one.text)) == 100
        if one.kind == "harmless":
            for item in one.items:
                path = item.change.partition(":")[0]
                assert path in told.harmless
                assert not any(path in paths for paths in (*told.breakers, *told.repairs))
    if told.gap == "gap":
        seeds = len(told.good_values)
        assert told.held is not None
        assert told.held >= needed(seeds)
        better = sum(worse(good, bad) for good, bad in zip(told.good_values, told.bad_values, strict=True))
        assert better >= told.held
        assert not math.isfinite(told.good_value) or worse(told.good_value, told.bad_value)
        if told.learned is False:
            assert not any(re.search(r"\b(ruin|mend)", one) for one in texts(result, "cause", "breaks", "repairs"))
    else:
        assert not told.repairs
    for item in result.differences:
        label = lookup.effect_label(item, told)
        if label in ("breaks", "breaks and repairs"):
            assert [item.path] in told.breakers
        if label in ("repairs", "breaks and repairs"):
            assert [item.path] in told.repairs
        if label == "harmless":
            assert item.effect is not None or told.harmless_together is not None


def check_claims(text: str, worse: Any) -> None:
    """Hold what a sentence says of ruining and mending against the outcomes that stand behind it."""
    parts = (
        re.split(r"(?=alone it|taken back it|alone they|taken back they)", text) if "proved both" in text else [text]
    )
    for part in parts:
        ruins = re.search(r"\b(ruin|worsen)", part)
        mends = re.search(r"\b(mend|improve)", part)
        if "No single" in part or "were tried, none" in part:
            continue
        for before, after in MOVE.findall(part):
            if "NaN" in (before, after):
                continue
            if ruins:
                assert worse(float(before), float(after)), part
            if mends:
                assert worse(float(after), float(before)), part
        for held, tried in COUNT.findall(part):
            if ruins or mends:
                assert int(held) >= needed(int(tried)), part


def noisy(draw: st.DataObject, low: float, high: float) -> Come:
    """Return outcomes of every set with every seed: levels that are drawn, scatter, and seeds that fail altogether."""
    levels = {}
    scatter = draw.draw(st.sampled_from([0.0, 0.02, 0.1, 0.3]), "scatter")
    numbers = draw.draw(st.randoms(use_true_random=False), "numbers")
    kinds = draw.draw(st.lists(st.sampled_from(["good", "bad", "between", "any", "fails"]), min_size=8, max_size=8))

    def come(paths: Paths, seed: int, steps: int) -> float:
        key = (paths, seed)
        if key not in levels:
            number = sum(1 << index for index, path in enumerate(sorted(ALL)) if path in paths)
            kind = kinds[number]
            level = {"good": high, "bad": low, "between": (low + high) / 2}.get(kind, numbers.uniform(low, high))
            if kind == "fails" and numbers.random() < 0.3:
                level = low
            levels[key] = min(high, max(low, level + numbers.gauss(0.0, scatter) * (high - low)))
        return levels[key]

    return come


@given(st.data(), st.booleans(), st.sampled_from([None, 0.1, 0.5]))
def test_no_sentence_contradicts_its_numbers(data: Any, every: bool, constant: float | None) -> None:
    _, result = invented(noisy(data, 0.05, 0.95), every=every, constant=constant)
    check(result)


@settings(max_examples=8)
@given(st.data())
def test_no_sentence_that_is_told_before_it_is_over_contradicts_its_numbers(data: Any) -> None:
    invented(noisy(data, 0.05, 0.95), seen=lambda known, left: check(known))


@given(st.data(), st.sampled_from([None, 1.0, 30.0]))
def test_no_sentence_about_an_error_contradicts_its_numbers(data: Any, constant: float | None) -> None:
    come = noisy(data, -5.0, 5.0)
    _, result = invented(lambda paths, seed, steps: math.exp(come(paths, seed, steps)), metric="mse", better="lower",
                         constant=constant)  # fmt: skip
    check(result)
