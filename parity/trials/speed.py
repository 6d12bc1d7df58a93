"""Which framework makes the counterfactual runs: the one that is fastest here, measured."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from packaging.version import InvalidVersion, Version

from parity.court.work import Note
from parity.errors import ParityError
from parity.explain.search import SpentError
from parity.frameworks import title_of
from parity.prepare.installed import installed_frameworks, installed_version
from parity.prepare.sizes import fused
from parity.run.jobs import Job
from parity.run.trajectory import Trajectory
from parity.spec.exactness import unsaid_by
from parity.spec.holes import says_fields
from parity.spec.resolve import Resolved
from parity.trials.runner import GUESSED, Runner

TIMED = 12
"""Steps by which a framework is timed: the first, which compiles, and eleven more."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The framework chosen, and why.

    Args:
        home: a side of that framework: its name and interpreter are the programs'.
        seconds: estimated for a run, by framework; empty where the spec chose, or there was nothing to choose.
        more: frameworks that take longer than that; how long did not matter any more.
    """

    home: Resolved
    seconds: dict[str, float]
    more: frozenset[str] = frozenset()

    @property
    def why(self) -> str:
        """Return the reason in words."""
        if not self.seconds:
            return ""
        told = ", ".join(
            f"{title_of(name)} {'more than ' if name in self.more else ''}{value:.1f} s"
            for name, value in sorted(self.seconds.items(), key=_second)
        )
        return f"the fastest here, timed over {TIMED} steps: a run takes {told}"


def _second(one: tuple[str, float]) -> float:
    return one[1]


def choose(
    runner: Runner,
    sides: Sequence[Resolved],
    pair: tuple[Resolved, Resolved],
    wanted: str | None,
    steps: int,
    note: Note,
) -> Choice:
    """Return the framework for counterfactual runs.

    Both configs are timed on every framework there is, one thread each as the trials will have; the slower of the two
    counts. Where the first one alone takes longer than another framework does for both, the second is not timed. The
    timings are kept with the runs, so that another command on the same machine chooses alike.

    Args:
        runner: makes the runs.
        sides: that ran; their interpreters are used.
        pair: the two sides whose configs are timed.
        wanted: framework that the spec names, None for the fastest.
        steps: of each run.
        note: told what is under way.
    """
    homes = {side.framework: side for side in _newest_last(sides)}
    for name in installed_frameworks():
        homes.setdefault(name, here(pair[0], name))
    configs = [side.config for side in pair]
    homes = {
        name: home for name, home in homes.items()
        if not any(unsaid_by(name, one) or not says_fields(name, one) for one in configs)
    }  # fmt: skip
    if wanted is not None:
        return Choice(home=homes.get(wanted, here(pair[0], wanted)), seconds={})
    if len(homes) == 1:
        return Choice(home=next(iter(homes.values())), seconds={})
    note(f"explaining: which of {', '.join(title_of(name) for name in homes)} is fastest here", 0.02)
    race = _Race(runner=runner, homes=homes, pair=pair, steps=steps)
    try:
        race.run()
    except SpentError:  # The time is over; what was found out by now says so where it is told.
        return Choice(home=homes[race.best] if race.done else pair[0], seconds={})
    best = race.best
    runner.close_others(homes[best])
    seconds = {name: one for name, one in race.seconds.items() if one < float("inf")}
    return Choice(home=homes[best], seconds=seconds, more=frozenset(race.seconds) - frozenset(race.done))


def _newest_last(sides: Sequence[Resolved]) -> list[Resolved]:
    """Return sides so that of each framework the newest release comes last: in it can be written what older ones do."""
    turned = list(reversed(sides))
    if not any(side.packages or side.python for side in turned):
        return turned

    def release(side: Resolved) -> Version:
        try:
            return Version(installed_version(side))
        except InvalidVersion:  # Its interpreter does not tell.
            return Version("0")

    return sorted(turned, key=release)


@dataclass(kw_only=True)
class _Race:
    """The timing of both configs on every framework.

    Args:
        runner: makes the runs.
        homes: a side of each framework.
        pair: the two sides whose configs are timed.
        steps: of the run that is estimated.
    """

    runner: Runner
    homes: dict[str, Resolved]
    pair: tuple[Resolved, Resolved]
    steps: int
    seconds: dict[str, float] = field(default_factory=dict)
    done: dict[str, float] = field(default_factory=dict)

    @property
    def best(self) -> str:
        """Return the fastest framework of those with which both configs were timed."""
        return min(self.done, key=lambda name: self.done[name])

    def run(self) -> None:
        """Time the first config everywhere; the second one where it can matter, the most promising framework first."""
        firsts, others = ({name: _timed(self.runner, side, home, self.steps) for name, home in self.homes.items()}
                           for side in self.pair)  # fmt: skip
        fresh = not all(self.runner.begun(job) for job in firsts.values())
        futures = {name: self.runner.start(job) for name, job in firsts.items()}
        if fresh:  # A core that has no first config to time any more goes on with these.
            for job in others.values():
                self.runner.start(job, GUESSED)
        self.seconds = {name: self._estimate(future) for name, future in futures.items()}
        left = sorted(self.seconds, key=lambda one: self.seconds[one])
        while left:
            name, *left = left
            second = self._estimate(self.runner.start(others[name]))
            self.seconds[name] = self.done[name] = max(self.seconds[name], second)
            beaten = [one for one in left if self.seconds[one] >= self.done[self.best]]
            for one in beaten:  # At once: an idle core would begin it.
                self.runner.withdraw(others[one])
            left = [one for one in left if one not in beaten]

    def _estimate(self, future: Future[Trajectory]) -> float:
        """Return the seconds that a run takes, from one of a few steps; infinity where it failed."""
        try:
            run = future.result()
        except ParityError:
            return float("inf")
        per_step = (run.seconds - run.begin) / max(1, len(run.losses) - 1)
        return run.begin + per_step * self.steps


def here(side: Resolved, framework: str) -> Resolved:
    """Return a side as a framework that this interpreter has runs it."""
    return replace(side, name=framework, framework=framework, python=None, packages={}, own={})


def _timed(runner: Runner, side: Resolved, home: Resolved, steps: int) -> Job:
    """Return the job that times a config; its update is fused where that of the whole run would be."""
    side = side.at_home(home)
    program, at_once = runner.work.trial_program(side), fused(side, steps)
    return Job(side=side, program=program, steps=TIMED, threads=1, fused=at_once, metrics=False)
