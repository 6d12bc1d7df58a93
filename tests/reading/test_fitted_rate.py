"""A rate that a program computes is the schedule that gives it at every step, or none."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from parity.catalog import SCHEDULES
from parity.reading.fitted_rate import rate_of

FAR = [3000, 20_000, 900_000]
BASE = 5e-4


def fitted(rate: Callable[[int], float]) -> dict[str, dict[str, object]] | None:
    found = rate_of([BASE * rate(step) for step in range(2050)], {step: BASE * rate(step) for step in FAR})
    return None if found is None else dict(found)


def linear(warmup: int, steps: int) -> Callable[[int], float]:
    return lambda s: s / max(1, warmup) if s < warmup else max(0.0, (steps - s) / max(1, steps - warmup))


def cosine(warmup: int, steps: int, least: float = 0.0) -> Callable[[int], float]:
    def rate(s: int) -> float:
        if s < warmup:
            return s / max(1, warmup)
        passed = (s - warmup) / max(1, steps - warmup)
        return max(0.0, least + (1.0 - least) * 0.5 * (1.0 + math.cos(math.pi * min(passed, 1.0))))

    return rate


@pytest.mark.parametrize(("rate", "wanted"), [
    (lambda s: 1.0, {"constant": {"learning_rate": BASE}}),
    (lambda s: 0.95**s, {"exponential": {"initial_learning_rate": BASE, "decay_steps": 1, "decay_rate": 0.95}}),
    (lambda s: 0.5 ** (s // 30), {"step": {"initial_learning_rate": BASE, "step_size": 30, "gamma": 0.5}}),
    (lambda s: 1.0 / (1.0 + 0.01 * s), {"inverse_time": {"initial_learning_rate": BASE, "decay_steps": 1,
                                                         "decay_rate": 0.01}}),
    (lambda s: 1.0 if s < 10 else 0.5 if s < 25 else 0.1, {"piecewise": {
        "boundaries": (9, 24), "values": (BASE, 0.5 * BASE, 0.1 * BASE)}}),
    (linear(0, 500), {"polynomial": {"initial_learning_rate": BASE, "decay_steps": 500, "end_learning_rate": 0.0}}),
    (linear(100, 1000), {"polynomial": {"initial_learning_rate": BASE, "decay_steps": 900, "end_learning_rate": 0.0,
                                        "warmup_steps": 100, "warmup_from": 0.0}}),
    (linear(500, 100_000), {"polynomial": {"initial_learning_rate": BASE, "decay_steps": 99_500,
                                           "end_learning_rate": 0.0, "warmup_steps": 500, "warmup_from": 0.0}}),
    (cosine(0, 300), {"cosine": {"initial_learning_rate": BASE, "decay_steps": 300, "alpha": 0.0}}),
    (cosine(100, 1000, 0.1), {"cosine": {"initial_learning_rate": BASE, "decay_steps": 900, "alpha": 0.1,
                                         "warmup_steps": 100, "warmup_from": 0.0}}),
    (cosine(200, 50_000), {"cosine": {"initial_learning_rate": BASE, "decay_steps": 49_800, "alpha": 0.0,
                                      "warmup_steps": 200, "warmup_from": 0.0}}),
    (lambda s: 0.5 * (1.0 + math.cos(math.pi * s / 1000)), {"cosine": {  # Behind its end it rises again.
        "initial_learning_rate": BASE, "decay_steps": 1000, "alpha": 0.0}}),
    (lambda s: min(1.0, (s + 1) / 10), {"constant": {"learning_rate": BASE, "warmup_steps": 9,
                                                     "warmup_from": 0.1 * BASE}}),
])  # fmt: skip
def test_a_rate_is_the_schedule_that_gives_it(rate: Callable[[int], float], wanted: dict[str, object]) -> None:
    found = fitted(rate)
    assert found is not None
    ((kind, fields),) = found.items()
    ((known, said),) = wanted.items()
    assert kind == known
    assert {name: pytest.approx(one) for name, one in said.items()} == fields  # type: ignore[attr-defined]
    schedule = SCHEDULES[kind].model_validate(fields)
    assert all(schedule.rate(step) == pytest.approx(BASE * rate(step), abs=1e-12) for step in (0, 1, 7, 99, 100, 499))


@pytest.mark.parametrize("rate", [
    lambda s: 1.0 / math.sqrt(max(s, 100)), lambda s: 1.0 + 0.1 * math.sin(s), lambda s: s / 3000.0, lambda s: 0.0,
    lambda s: (s + 1) / 10 if s < 10 else 0.5 * (1.0 + math.cos(math.pi * (s - 10) / 500)),
    lambda s: 1.0 if s < 2500 else 0.1, lambda s: math.nan, lambda s: max(0.0, 1.0 - s / 500) ** 0.9,
])  # fmt: skip
def test_what_no_schedule_gives_is_none(rate: Callable[[int], float]) -> None:
    assert fitted(rate) is None


def test_few_rates_say_nothing() -> None:
    assert rate_of([0.1, 0.1], {}) is None
