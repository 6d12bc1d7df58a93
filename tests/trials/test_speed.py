"""Which framework makes the counterfactual runs: the faster one with both configs, and no timing that cannot matter."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from helpers_numpy import net_side

from parity.errors import UsageError, WorkerError
from parity.spec.resolve import Resolved
from parity.trials import speed
from parity.trials.runner import GUESSED, URGENT
from parity.trials.speed import TIMED, Choice, choose

STEPS = 100
"""Of the runs that are estimated."""

Timed = tuple[str, str]
"""Framework and config of a timing."""


@dataclass
class Clock:
    """A runner that knows how long a step takes; a job is a pair of names."""

    steps: Mapping[Timed, float]
    kept: set[Timed] = field(default_factory=set)
    asked: list[tuple[Timed, int]] = field(default_factory=list)
    withdrawn: list[Timed] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)

    def begun(self, job: Timed) -> bool:
        """Return whether a timing is in the store."""
        return job in self.kept

    def start(self, job: Timed, rank: int = URGENT) -> Future[Any]:
        """Return a run of which the first step took a second."""
        self.asked.append((job, rank))
        found: Future[Any] = Future()
        if self.steps[job] < 0.0:
            found.set_exception(WorkerError(job[0], "it died"))
        else:
            seconds = 1.0 + self.steps[job] * (TIMED - 1)
            found.set_result(SimpleNamespace(seconds=seconds, begin=1.0, losses=(0.0,) * TIMED))
        return found

    def withdraw(self, job: Timed) -> None:
        """Remember what is not wanted any more."""
        self.withdrawn.append(job)

    def close_others(self, side: Resolved) -> None:
        """Remember which framework stays."""
        self.closed.append(side.framework)

    @property
    def wanted(self) -> list[Timed]:
        """Return what was not only guessed."""
        return [job for job, rank in self.asked if rank != GUESSED]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Choose among two sides' frameworks and PyTorch."""
    monkeypatch.setattr(speed, "_timed", lambda runner, side, home, steps: (home.framework, side.name))
    monkeypatch.setattr(speed, "installed_frameworks", lambda: ("keras", "tensorflow", "torch"))

    def chosen(clock: Clock, wanted: str | None = None) -> Choice:
        sides = [replace(net_side("one"), framework="keras"), replace(net_side("other"), framework="tensorflow")]
        return choose(clock, sides, (sides[0], sides[1]), wanted, STEPS, lambda what, share: None)  # type: ignore[arg-type]

    return chosen


def of(**steps: tuple[float, float]) -> dict[Timed, float]:
    """Return how long a step of each config takes, by framework."""
    return {
        (name, config): one for name, both in steps.items() for config, one in zip(("one", "other"), both, strict=True)
    }


def test_the_slower_of_two_configs_counts(told: Any) -> None:
    clock = Clock(of(keras=(0.1, 0.5), tensorflow=(0.2, 0.3), torch=(0.25, 0.4)))
    choice = told(clock)
    assert choice.home.framework == "tensorflow"
    assert choice.seconds == pytest.approx({"keras": 51.0, "tensorflow": 31.0, "torch": 41.0})
    assert choice.why == (
        "the fastest here, timed over 12 steps: a run takes raw TensorFlow 31.0 s, PyTorch 41.0 s, Keras 51.0 s"
    )
    assert (clock.withdrawn, clock.closed) == ([], ["tensorflow"])


def test_what_is_beaten_with_one_config_is_not_timed_with_the_other(told: Any) -> None:
    clock = Clock(of(keras=(0.1, 0.3), tensorflow=(0.2, 0.2), torch=(0.31, 9.0)))
    choice = told(clock)
    assert choice.home.framework == "tensorflow"
    assert (clock.withdrawn, ("torch", "other") in clock.wanted) == ([("torch", "other")], False)
    assert choice.why.endswith("raw TensorFlow 21.0 s, Keras 31.0 s, PyTorch more than 32.0 s")


def test_an_idle_core_goes_on_with_second_configs_but_not_of_timings_that_are_kept(told: Any) -> None:
    steps = of(keras=(0.1, 0.3), tensorflow=(0.2, 0.2), torch=(0.31, 9.0))
    clock = Clock(steps)
    told(clock)
    assert {job for job, rank in clock.asked if rank == GUESSED} == {job for job in steps if job[1] == "other"}
    again = Clock(steps, kept=set(clock.wanted))
    assert told(again) == told(clock)
    assert set(again.wanted) == {job for job, _ in again.asked} == again.kept, "the same command costs nothing"


def test_a_framework_that_fails_is_not_chosen(told: Any) -> None:
    first = told(Clock(of(keras=(-1.0, 0.1), tensorflow=(0.2, 0.3), torch=(0.25, 0.4))))
    second = told(Clock(of(keras=(0.1, -1.0), tensorflow=(0.2, 0.3), torch=(0.25, 0.4))))
    assert first.home.framework == second.home.framework == "tensorflow"
    assert set(first.seconds) == set(second.seconds) == {"tensorflow", "torch"}


def test_where_all_fail_one_is_chosen_and_says_so_itself(told: Any) -> None:
    choice = told(Clock(of(keras=(-1.0, -1.0), tensorflow=(-1.0, -1.0), torch=(-1.0, -1.0))))
    assert (choice.home.framework in ("keras", "tensorflow", "torch"), choice.why) == (True, "")


def test_a_spec_that_names_one_has_it_without_a_race(told: Any) -> None:
    clock = Clock({})
    assert told(clock, "torch").home.framework == "torch"
    assert clock.asked == []


def test_a_framework_that_cannot_say_a_config_with_its_fields_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches that are counted are Keras's alone: in another framework a trial would be of another rule."""
    monkeypatch.setattr(speed, "installed_frameworks", lambda: ("keras", "tensorflow", "torch"))
    counted = {"optimizer": {"adam": {"gradient_accumulation_steps": 2, "accumulation_counts": "batches"}}}
    sides = [net_side("one"), net_side("other", **counted)]
    clock = Clock({})
    choice = choose(clock, sides, (sides[0], sides[1]), None, STEPS, lambda what, share: None)  # type: ignore[arg-type]
    assert (choice.home.framework, clock.asked) == ("keras", [])
    with pytest.raises(UsageError, match=r"adam\(.*\): PyTorch cannot say it: only Keras counts batches"):
        sides[1].config.optimizer.code("torch")


def test_of_two_releases_the_newer_one_makes_the_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an older release does is written in a newer one, not the other way."""
    monkeypatch.setattr(speed, "installed_frameworks", lambda: ("keras",))
    monkeypatch.setattr(speed, "installed_version", lambda side: side.packages["keras"])
    sides = [replace(net_side(one), packages={"keras": one}) for one in ("3.4.1", "3.10.0")]
    for order in (sides, sides[::-1]):
        choice = choose(Clock({}), order, (order[0], order[1]), None, STEPS, lambda what, share: None)  # type: ignore[arg-type]
        assert choice.home.name == "3.10.0"
