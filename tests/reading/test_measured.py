"""Initializers told by what they draw: each family and rule by its own numbers, and what is not told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from parity.catalog import INITIALIZERS
from parity.code import Parameter
from parity.reading.drawn_by import rules_for, said_exactly
from parity.reading.measured import measured

SEEDS = 8


def drawn(kind: str, shape: tuple[int, ...], fans: tuple[int, int], **fields: Any) -> list[np.ndarray]:
    entry = INITIALIZERS[kind](**fields)
    parameter = Parameter(shape=shape, initializer=entry, fan_in=fans[0], fan_out=fans[1], feeds=fans[0])
    return [
        entry.sample(np.random.default_rng(seed).random(shape), parameter).astype(np.float32) for seed in range(SEEDS)
    ]


@pytest.mark.parametrize(
    "kind",
    ["glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "xavier_normal",
     "kaiming_normal", "fan_in_uniform", "orthogonal", "zeros", "ones"],
)  # fmt: skip
@pytest.mark.parametrize("shape", [(48, 96), (3, 3, 8, 20)])
def test_a_rule_is_told_by_its_numbers(kind: str, shape: tuple[int, ...]) -> None:
    window = int(np.prod(shape[:-2]))
    fans = window * shape[-2], window * shape[-1]
    assert measured(drawn(kind, shape, fans), fan_in=fans[0], fan_out=fans[1]).entry == kind


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        ("random_normal", {"stddev": 1.0}, {"random_normal": {"stddev": 1.0}}),
        ("random_normal", {"stddev": 0.02}, {"random_normal": {"stddev": 0.02}}),
        ("random_normal", {"mean": 2.0, "stddev": 0.1}, {"random_normal": {"mean": 2.0, "stddev": 0.1}}),
        ("truncated_normal", {"stddev": 0.1}, {"truncated_normal": {"stddev": 0.1}}),
        ("random_uniform", {"minval": -1.0, "maxval": 1.0}, {"random_uniform": {"minval": -1.0, "maxval": 1.0}}),
        ("random_uniform", {"minval": 0.0, "maxval": 1.0}, {"random_uniform": {"minval": 0.0, "maxval": 1.0}}),
        ("random_uniform", {}, "random_uniform"),
        ("constant", {"value": 0.1}, {"constant": {"value": 0.1}}),
        ("identity", {}, "identity"),
        ("orthogonal", {"gain": 2.0}, {"orthogonal": {"gain": 2.0}}),
    ],
)
def test_numbers_are_told_as_people_say_them(kind: str, fields: dict[str, float], said: Any) -> None:
    assert measured(drawn(kind, (70, 30), (70, 30), **fields), fan_in=70, fan_out=30).entry == said


def test_one_draw_of_a_large_tensor_is_enough() -> None:
    draws = drawn("he_normal", (200, 100), (200, 100))[:1]
    assert measured(draws, fan_in=200, fan_out=100).entry == "he_normal"


def test_what_is_no_initializer_is_not_told() -> None:
    generator = np.random.default_rng(0)
    kept = [generator.normal(size=(20, 20))] * SEEDS
    assert measured(kept, fan_in=20, fan_out=20).entry is None
    assert measured(kept, fan_in=20, fan_out=20).sentence == "it starts at the same 400 numbers whatever the seed"
    few = [generator.normal(size=5) for _ in range(SEEDS)]
    assert measured(few, fan_in=5, fan_out=5).sentence == "40 numbers of 8 seeds are too few to tell how it is drawn"
    other = [generator.exponential(size=(40, 40)) for _ in range(SEEDS)]
    assert measured(other, fan_in=40, fan_out=40).entry is None
    mixed = [np.concatenate([generator.normal(size=500), 3.0 * generator.normal(size=500)]) for _ in range(SEEDS)]
    assert measured(mixed, fan_in=1000, fan_out=1000).entry is None
    assert measured([np.array([np.nan, 1.0])], fan_in=2, fan_out=2).entry is None
    shapes = [np.zeros(3), np.zeros(4)]
    assert "its shape is another" in measured(shapes, fan_in=3, fan_out=3).sentence


def test_a_normal_is_told_from_a_cut_one_of_the_same_deviation() -> None:
    for kind in ("glorot_normal", "xavier_normal"):
        assert measured(drawn(kind, (64, 64), (64, 64)), fan_in=64, fan_out=64).entry == kind


def test_a_sentence_says_what_was_seen() -> None:
    found = measured(drawn("random_normal", (70, 30), (70, 30), stddev=0.5), fan_in=70, fan_out=30)
    assert found.sentence.startswith("by 16800 numbers of 8 seeds, normal of deviation 0.5")


def test_numbers_that_a_program_says_are_a_rule_only_to_rounding() -> None:
    rules = rules_for((30, 20), fan_in=30, fan_out=20)
    limit = float(np.float32((6 / 50) ** 0.5))
    assert said_exactly("uniform", 0.0, limit, rules) == "glorot_uniform"
    assert said_exactly("uniform", 0.0, 0.34, rules) == {"random_uniform": {"minval": -0.34, "maxval": 0.34}}
    assert said_exactly("normal", 0.0, float(np.float32(0.1)), rules) == {"random_normal": {"stddev": 0.1}}
    assert said_exactly("truncated_normal", 0.5, 1.0, rules) == {"truncated_normal": {"mean": 0.5, "stddev": 1.0}}


def test_it_is_right_in_most_of_many_draws_and_wrong_in_none() -> None:
    """Of rules and decimals drawn at random, an answer is the distribution that drew, or none."""
    generator = np.random.default_rng(1)
    told = 0
    for _ in range(40):
        shape = tuple(int(one) for one in generator.integers(20, 60, 2))
        stddev = float(f"{generator.uniform(0.01, 1.0):.1g}")
        seeds = [np.random.default_rng(int(one)) for one in generator.integers(0, 2**31, SEEDS)]
        found = measured([one.normal(0.0, stddev, shape) for one in seeds], fan_in=shape[0], fan_out=shape[1]).entry
        if found is None:
            continue
        kind, fields = next(iter(found.items())) if isinstance(found, dict) else (found, {})
        scale = rules_for(shape, fan_in=shape[0], fan_out=shape[1]).get(kind, ("", fields.get("stddev", 0.05)))[1]
        assert abs(scale / stddev - 1.0) < 0.05
        told += kind == "random_normal"
    assert told >= 36


def test_of_few_numbers_the_likeliest_is_read_and_how_likely_another_is_is_said() -> None:
    """So few that a normal distribution and a cut one look alike: what is read trains as well as what is not."""
    told = [measured(drawn(kind, (4, 3), (4, 3), stddev=0.3), fan_in=4, fan_out=3)
            for kind in ("random_normal", "truncated_normal")]  # fmt: skip
    assert all(str(next(iter(one.entry))) in ("random_normal", "truncated_normal") for one in told)
    assert all("normal numbers are" in one.sentence for one in told)
    assert any(word in one.sentence for one in told for word in ("as likely", " times less likely"))
