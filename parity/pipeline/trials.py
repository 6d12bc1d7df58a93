"""Trials: what the configs between two sides come to, run on one framework within a budget."""

from __future__ import annotations

import contextlib
import math
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

from parity.errors import DataError, ParityError, WorkerError
from parity.explain.claims import BREAKS, DOUBT, LEAST_GAINED, LEAST_GAP, Tried
from parity.explain.fate import CHECKPOINTS, Fate, Hopeless, checkpoints
from parity.explain.outcome import Outcome, Scale, scale, steady
from parity.explain.search import SpentError
from parity.explain.trials import Contest, ImpossibleError, Paths
from parity.pipeline.runner import GUESSED, URGENT, Runner
from parity.pipeline.work import Note
from parity.run.bench import Job
from parity.run.trajectory import Measured, Trajectory
from parity.spec.resolve import Resolved

LARGE = 1 << 22
"""Parameters from which on the optimizer's update is fused: compiling it takes a second or two."""

FINE = 32
"""Checkpoints of a run whose outcome is a number of steps."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """The rule by which a run ends early, with the outcome that it reads.

    Args:
        fate: the rule.
        outcome: whose metric it reads.
    """

    fate: Fate | Hopeless
    outcome: Outcome

    def plain(self) -> dict[str, Any]:
        """Return all that decides, as plain data."""
        return {"rule": self.fate.plain(), "metric": self.outcome.metric}

    def reads(self, losses: Sequence[float], steps: int) -> bool:
        """Return whether it takes metrics to decide now."""
        return self.fate.reads(losses, steps)

    def decided(self, losses: Sequence[float], curve: Sequence[Measured], steps: int) -> str:
        """Return why a run may end, empty where it may not."""
        return self.fate.decided(losses, curve_of(curve, self.outcome), steps)


def curve_of(points: Sequence[Measured], outcome: Outcome) -> dict[int, float]:
    """Return the score of the outcome's metric at each checkpoint."""
    return {one.step: outcome.metric_score(one.metrics.get(outcome.metric, math.nan)) for one in points}


def large(side: Resolved) -> bool:
    """Return whether a step spends its time on moving the weights through memory, so that a fused update pays."""
    return sum(math.prod(one.shape) for one in side.parameters().values()) >= LARGE


@dataclass(kw_only=True)
class Budget:
    """What may be spent.

    Args:
        runs: counterfactual runs, None for any number; those that were made before cost nothing.
        seconds: None for any time.
    """

    runs: int | None = None
    seconds: float | None = None
    begun: float = field(default_factory=time.monotonic)
    spent: int = 0
    over: str = ""

    @property
    def limited(self) -> bool:
        """Return whether there is a limit."""
        return self.runs is not None or self.seconds is not None

    def take(self) -> None:
        """Take one run.

        Raises:
            SpentError: when there is none left.
        """
        if self.runs is not None and self.spent >= self.runs:
            self.over = f"--max-runs {self.runs} is spent"
            raise SpentError(self.over)
        self.on_time()
        self.spent += 1

    def on_time(self) -> None:
        """Check the clock, before a run is queued and again before it begins.

        Raises:
            SpentError: when the time is over.
        """
        if self.seconds is not None and time.monotonic() - self.begun >= self.seconds:
            self.over = f"--max-seconds {self.seconds:g} is over"
            raise SpentError(self.over)


@dataclass(kw_only=True)
class Trials:
    """The configs between two sides, and what each came to.

    Args:
        runner: makes the runs.
        contest: the two sides and their differences.
        home: names the framework, the interpreter and the side that programs are called by.
        outcome: what is compared.
        steps: of every run.
        seeds: the spec's own first.
        budget: what may be spent.
        note: told what is under way, and why.
    """

    runner: Runner
    contest: Contest
    home: Resolved
    outcome: Outcome
    steps: int
    seeds: Sequence[int]
    budget: Budget
    note: Note
    why: str = ""
    share: float = 0.0
    notes: list[str] = field(default_factory=list)
    runs: dict[tuple[Paths, int], Trajectory] = field(default_factory=dict)
    gapless: bool = False
    _early: dict[Paths, Trajectory] = field(default_factory=dict)
    _guessed: list[Job] = field(default_factory=list)

    def job(self, paths: Paths, seed: int, whole: bool = True, home: Resolved | None = None) -> Job:
        """Return the job of a set of differences.

        Args:
            paths: given to the good side.
            seed: of the run.
            whole: run it to its end unless no step can change anything; else it ends when its fate is decided.
            home: another framework and interpreter than the trials' own.

        Raises:
            ImpossibleError: when no config can have them.
        """
        work, home = self.runner.work, home or self.home
        config = self.contest.config_of(paths)
        both = {one.kind: one for side in (self.contest.good, self.contest.bad) for one in side.config.metrics}
        training = config.training.model_copy(update={"seed": seed})
        config = config.model_copy(update={"training": training, "metrics": tuple(both[kind] for kind in sorted(both))})
        side = replace(self.contest.good, name=home.name, framework=home.framework, python=home.python,
                       program=None, config=config)  # fmt: skip
        try:
            program = work.trial_program(side)
        except DataError as error:  # How data are shaped, and what reads them, may differ one without the other.
            raise ImpossibleError(str(error)) from None
        return Job(
            side=side, program=program, steps=self.steps, threads=1, fused=large(side), ends=True,
            epochs=self.outcome.kind == "steps", curve=self.outcome.kind == "steps" or paths in self.contest.ends,
            checkpoints=tuple(checkpoints(self.steps, FINE if self.outcome.kind == "steps" else CHECKPOINTS)),
            until=Watch(fate=Hopeless() if whole else self._fate(seed), outcome=self.outcome),
        )  # fmt: skip

    def _fate(self, seed: int) -> Fate | Hopeless:
        """Return the rule of a seed, whose two sides have been run."""
        sides = [self.runs.get((paths, seed)) for paths in self.contest.ends]
        if self.outcome.kind == "steps" or self.gapless or None in sides:
            return Hopeless()
        good, bad = (curve_of(run.curve, self.outcome) for run in sides if run is not None)
        floor = good[min(good)]  # What is worse than an untrained model counts as that.
        return Fate(good=good, bad={step: max(score, floor) for step, score in bad.items()})

    def start(self, wanted: Sequence[tuple[Paths, int]], whole: bool = True, rank: int = URGENT) -> None:
        """Begin runs whose outcome will be asked for in any case."""
        for paths, seed in wanted:
            if (paths, seed) not in self.runs:
                try:
                    self.begin(self.job(paths, seed, whole), rank)
                except (ParityError, SpentError):
                    continue  # Said when it is asked for.

    def ahead(self, wanted: Sequence[tuple[Paths, int]], rank: int = URGENT) -> None:
        """Begin runs whose outcome will most likely be asked for; with a limited budget none."""
        if not self.budget.limited:
            self.start(wanted, rank=rank)

    def guess(self, sets: Sequence[Paths | None]) -> None:
        """Begin, where a core is idle, runs one of which will be asked for; those guessed before are given up."""
        for job in self._guessed:
            self.runner.withdraw(job)
        self._guessed = []
        for paths in dict.fromkeys(sets):
            if paths is None or (paths, self.seeds[0]) in self.runs:
                continue
            with contextlib.suppress(ParityError):  # Said when it is asked for.
                self._guessed.append(self.job(paths, self.seeds[0]))
                self.runner.start(self._guessed[-1], GUESSED)

    def begin(self, job: Job, rank: int = URGENT) -> Future[Trajectory]:
        """Return what a job will come to; what was made before costs nothing.

        Raises:
            SpentError: when the budget is spent.
        """
        if not self.runner.begun(job):
            self.budget.take()
        return self.runner.start(job, rank)

    def run(self, paths: Paths, seed: int, whole: bool = True) -> Trajectory:
        """Return what a set of differences comes to.

        Raises:
            SpentError: when the budget is spent.
            ImpossibleError: when no config can have them.
            WorkerError: when the run fails.
        """
        if (paths, seed) in self.runs:
            return self.runs[paths, seed]
        if not whole and seed == self.seeds[0] and paths in self._early:
            return self._early[paths]
        self.note(f"explaining: {self.contest.label(paths)}, seed {seed}: {self.why}", self.share)
        run = self.begin(self.job(paths, seed, whole)).result()
        if whole or not run.stopped:
            self.runs[paths, seed] = run
        else:
            self._early[paths] = run
        return run

    def scale(self, seed: int) -> Scale:
        """Return what the sides of a seed are; without a gap between them, the untrained model stands for the bad."""
        good, bad = (self.run(paths, seed) for paths in self.contest.ends)
        first = self.outcome.metric_score(good.curve[0].metrics.get(self.outcome.metric, math.nan))
        if self.outcome.kind == "level":
            first = 0.0
        elif self.outcome.kind == "steps":
            first = self.outcome.score(self.steps + 1.0)
        scores = [self.outcome.score(self.value(one)) for one in (good, bad)]
        return scale(scores[0], first if self.gapless else scores[1], first)

    def value(self, run: Trajectory) -> float:
        """Return the outcome of a run."""
        return self.outcome.value(run, self.steps)

    def lost(self, paths: Paths, seed: int, whole: bool = True) -> float:
        """Return the share of a seed's gap that a set loses."""
        run = self.run(paths, seed, whole)
        return self.scale(seed).lost(self.outcome.score(self.value(run)))

    def bad(self, paths: Paths) -> bool:
        """Return whether a set is bad: by the first seed, by the middle of all of them where that is in doubt.

        A set that no config can have, or whose run fails, is not: it is noted, and nothing rests on it.

        Args:
            paths: the set.

        Raises:
            SpentError: when the budget is spent.
        """
        try:
            first = self.lost(paths, self.seeds[0])
            if abs(first - BREAKS) > DOUBT:
                return first > BREAKS
            self.start([(paths, seed) for seed in self.seeds])
            return statistics.median(self.lost(paths, seed) for seed in self.seeds) > BREAKS
        except ImpossibleError as error:
            self.say(f"not tried, since it cannot be: {self.contest.label(paths)}: {error}")
        except WorkerError as error:
            self.say(f"failed: {self.contest.label(paths)}: {error}")
        return False

    def clearly_good(self, paths: Paths) -> bool:
        """Return whether what is known of a set that is not bad is out of doubt; so is one of which nothing is."""
        lost = self.known(paths).lost
        return not lost or statistics.median(lost) < BREAKS - DOUBT

    @property
    def all_runs(self) -> list[Trajectory]:
        """Return every run that was asked for, those that ended early among them."""
        return [*self.runs.values(), *self._early.values()]

    def turn(self) -> None:
        """Change the sides over, with what is known of them."""
        self.contest = self.contest.turned()
        self.runs = {(self.contest.without(paths), seed): run for (paths, seed), run in self.runs.items()}

    def known(self, paths: Paths) -> Tried:
        """Return what a set comes to with the seeds it was run with, without a further run."""
        lost, values = [], []
        for seed in self.seeds:
            run = self.runs.get((paths, seed)) or (self._early.get(paths) if seed == self.seeds[0] else None)
            if run is None or not all((one, seed) in self.runs for one in self.contest.ends):
                break
            values.append(self.value(run))
            lost.append(self.scale(seed).lost(self.outcome.score(values[-1])))
        return Tried(paths=paths, lost=tuple(lost), values=tuple(values))

    def say(self, text: str) -> None:
        """Note something that has to be known, once."""
        if text not in self.notes:
            self.notes.append(text)

    def gaps(self, seeds: Sequence[int]) -> list[float]:
        """Return by how much the good side's score is above the bad one's, with each seed."""
        self.start([(paths, seed) for seed in seeds for paths in self.contest.ends])
        return [self.scale(seed).good - self.scale(seed).bad for seed in seeds]

    def open(self) -> str:
        """Return whether there is a gap: ``gap``, ``none``, or ``unsteady`` where the seeds do not agree."""
        (gap,), seed = self.gaps(self.seeds[:1]), self.seeds[0]
        gained = self.scale(seed).good - self.scale(seed).floor
        least = max(LEAST_GAP, LEAST_GAINED * gained)
        if gap < least:
            return "none"
        if gap >= 4 * least:
            return "gap"
        return "gap" if steady([one - least / 2 for one in self.gaps(self.seeds)], 1.0) else "unsteady"

    def tried(self, paths: Paths, most: int | None = None) -> Tried:
        """Return what a set comes to with each seed; with fewer where the budget ends or a run fails.

        Args:
            paths: the set.
            most: seeds, all of them if None.
        """
        lost, values = [], []
        for seed in self.seeds[:most]:
            try:
                lost.append(self.lost(paths, seed))
                values.append(self.value(self.run(paths, seed)))
            except (SpentError, ParityError) as error:
                if not isinstance(error, SpentError):
                    self.say(f"failed: {self.contest.label(paths)}, seed {seed}: {error}")
                break
        return Tried(paths=paths, lost=tuple(lost), values=tuple(values))
