"""How far differences move an outcome: the interval, and what it decides."""

from __future__ import annotations

import itertools
import math
import random
import statistics

import pytest

from parity.explain.claims import LEAST_GAP, Tried
from parity.explain.effects import Effect, effects, quantile

CONFIGS = itertools.count()


def tried(*values: float, paths: str = "") -> Tried:
    """Return what a config came to: one of its own where no paths are said."""
    return Tried(paths=frozenset(paths or [f"config {next(CONFIGS)}"]), values=values)


def test_both_ways_are_averaged_and_the_variance_is_pooled() -> None:
    good, bad = tried(0.50, 0.52, 0.48), tried(0.30, 0.32, 0.28)
    found = effects((good, bad), {"a": tried(0.40, 0.42, 0.38)}, {"a": tried(0.36, 0.38, 0.34)}, float)["a"]
    assert found.by == pytest.approx(((0.40 - 0.50) + (0.30 - 0.36)) / 2)
    # Every config has a variance of 0.0004, eight degrees of freedom in all; t for 97.5 % is 2.306.
    assert found.margin == pytest.approx(2.306 * math.sqrt(0.0004 * 4 / 3) / 2, rel=0.01)
    assert found.verdict == "moves"


def test_a_single_difference_is_measured_once_whatever_it_is_called() -> None:
    """Put in, it is the bad side, and taken back the good one: one comparison of two configs, not two of four."""
    good, bad = tried(0.50, 0.53, 0.48, paths="-"), tried(0.30, 0.32, 0.27, paths="a")
    found = effects((good, bad), {"a": bad}, {"a": good}, float)["a"]
    variance = (statistics.variance(good.values) + statistics.variance(bad.values)) / 2
    assert found.by == pytest.approx(statistics.fmean(bad.values) - statistics.fmean(good.values))
    assert found.margin == pytest.approx(2.776 * math.sqrt(variance * 2 / 3), rel=0.015)


def test_intervals_of_one_and_of_two_differences_hold_as_often_as_they_say() -> None:
    numbers, rounds = random.Random(5), 2000
    for names in ("a", "ab"):
        true, held = dict(zip(names, (0.05, -0.03), strict=False)), 0
        for _ in range(rounds):
            sets = ["", *names, *([names] if len(names) > 1 else [])]
            made = {
                one: tried(*(numbers.gauss(sum(true[name] for name in one), 0.02) for _ in range(3)), paths=one or "-")
                for one in sets
            }
            alone, back = {name: made[name] for name in names}, {name: made[names.replace(name, "")] for name in names}
            found = effects((made[""], made[names]), alone, back, float)
            held += all(abs(found[name].by - true[name]) <= found[name].margin for name in names)
        assert 0.935 < held / rounds < 0.985, names


def test_one_way_alone_has_a_wider_interval() -> None:
    sides = tried(0.50, 0.52, 0.48), tried(0.30, 0.32, 0.28)
    one = effects(sides, {"a": tried(0.40, 0.42, 0.38)}, {}, float)["a"]
    both = effects(sides, {"a": tried(0.40, 0.42, 0.38)}, {"a": tried(0.40, 0.42, 0.38)}, float)["a"]
    assert one.by == pytest.approx(-0.1)
    assert one.margin > both.margin


def test_the_more_differences_the_wider_each_interval() -> None:
    sides = tried(0.50, 0.52, 0.48), tried(0.30, 0.32, 0.28)
    few, many = (
        effects(sides, {str(name): tried(0.40, 0.42, 0.38) for name in range(count)}, {}, float)["0"]
        for count in (2, 12)
    )
    assert many.margin > few.margin * 1.05


@pytest.mark.parametrize(
    ("by", "margin", "verdict"),
    [
        (0.05, 0.04, "moves"), (-0.05, 0.04, "moves"), (0.05, 0.06, "open"), (0.0, LEAST_GAP / 2, "still"),
        (LEAST_GAP * 0.75, LEAST_GAP * 0.7, "moves"), (LEAST_GAP / 2, LEAST_GAP * 0.6, "open"),
    ],
)  # fmt: skip
def test_what_an_interval_decides(by: float, margin: float, verdict: str) -> None:
    assert Effect(by=by, margin=margin).verdict == verdict


def test_nothing_is_said_of_what_was_tried_with_one_seed_or_came_to_nothing() -> None:
    sides = tried(0.50, 0.52, 0.48), tried(0.30, 0.32, 0.28)
    alone = {"once": tried(0.4), "nan": tried(0.4, math.nan, 0.4), "known": tried(0.4, 0.42, 0.38)}
    assert set(effects(sides, alone, {}, float)) == {"known"}
    assert effects((tried(0.5), tried(0.3)), alone, {}, float) == {}, "a side with one seed has no variance"
    assert effects((tried(0.5, 0.51), tried(0.3, 0.31)), {"a": tried(0.4, 0.41)}, {}, float) == {}, "too little freedom"


def test_intervals_hold_together_as_often_as_they_say() -> None:
    numbers, held, rounds, names = random.Random(3), 0, 1500, [str(number) for number in range(8)]
    true = {name: numbers.uniform(-0.1, 0.1) for name in names}

    def drawn(mean: float) -> Tried:
        return tried(*(numbers.gauss(mean, 0.02) for _ in range(3)))

    for _ in range(rounds):
        sides = drawn(0.5), drawn(0.5 + sum(true.values()))
        alone = {name: drawn(0.5 + by) for name, by in true.items()}
        back = {name: drawn(0.5 + sum(true.values()) - by) for name, by in true.items()}
        found = effects(sides, alone, back, float)
        held += all(abs(found[name].by - true[name]) <= found[name].margin for name in names)
    assert held / rounds > 0.94  # Bonferroni is a bound: they hold together somewhat more often than 95 %.


@pytest.mark.parametrize(
    ("probability", "freedom", "known"),
    [(0.975, 4, 2.776), (0.975, 10, 2.228), (0.975, 48, 2.011), (0.995, 4, 4.604), (0.995, 20, 2.845),
     (0.9977, 48, 2.972)],
)  # fmt: skip
def test_quantiles_of_students_distribution(probability: float, freedom: int, known: float) -> None:
    assert quantile(probability, freedom) == pytest.approx(known, rel=0.015)


def test_a_logarithm_is_compared_where_the_score_is_one() -> None:
    sides = tried(1.0, 1.1, 0.9), tried(2.0, 2.2, 1.8)
    found = effects(sides, {"a": tried(2.0, 2.2, 1.8)}, {}, lambda value: -math.log(value))["a"]
    assert found.by == pytest.approx(-math.log(2.0))
    assert statistics.fmean(sides[0].values) == 1.0
