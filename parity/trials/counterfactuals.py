"""Counterfactual runs: what the configs between two sides are as jobs, and what each came to."""

from __future__ import annotations

import contextlib
import math
import statistics
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

from parity.compile import Program
from parity.court.work import Note
from parity.errors import DataError, ParityError
from parity.explain.contest import Contest, ImpossibleError, Paths
from parity.explain.fate import CHECKPOINTS, Fate, Hopeless, checkpoints
from parity.explain.outcome import LEAST_LEARNED, Outcome
from parity.explain.search import SpentError
from parity.explain.seeds import OutcomeGap
from parity.prepare.sizes import fused
from parity.run.jobs import Job
from parity.run.trajectory import Measured, Trajectory
from parity.spec.exactness import unsaid_by
from parity.spec.resolve import Resolved
from parity.trials.budget import Budget, Length
from parity.trials.runner import GUESSED, URGENT, Runner
from parity.trials.units import Unit, UnitError

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


@dataclass(kw_only=True)
class Runs:
    """The configs between two sides, and what each came to.

    Args:
        runner: makes the runs.
        contest: the two sides and their differences.
        home: names the framework, the interpreter and the side that programs are called by.
        outcome: what is compared.
        unit: in which it is measured.
        length: of the runs.
        seeds: that are asked; the first leads the search.
        budget: what may be spent.
        note: told what is under way, and why.
    """

    runner: Runner
    contest: Contest
    home: Resolved
    outcome: Outcome
    unit: Unit
    length: Length
    seeds: list[int]
    budget: Budget
    note: Note
    why: str = ""
    share: float = 0.0
    notes: list[str] = field(default_factory=list)
    runs: dict[tuple[Paths, int], Trajectory] = field(default_factory=dict)
    gap: OutcomeGap | None = None
    gapless: bool = False
    dropped: int = 0
    taken: int | None = None  # Seeds that it took to say whether there is a gap.
    _constant: float | None = None
    _early: dict[Paths, Trajectory] = field(default_factory=dict)
    _factors: dict[Paths, float] = field(default_factory=dict)
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
        try:
            self.unit.factor(self.side(paths, seed))
        except (DataError, UnitError) as error:
            if isinstance(error, UnitError) and paths in self.contest.ends:
                raise  # The sides themselves are not to be compared.
            raise ImpossibleError(str(error)) from None
        side, program = self.placed(paths, seed, home)
        steps = self.length.of(side)
        return Job(
            side=side, program=program, steps=steps, threads=1, fused=fused(side, steps), ends=True,
            epochs=self.outcome.kind == "steps", curve=self.outcome.kind == "steps" or paths in self.contest.ends,
            checkpoints=tuple(checkpoints(steps, FINE if self.outcome.kind == "steps" else CHECKPOINTS)),
            until=Watch(fate=Hopeless() if whole else self._fate(seed), outcome=self.outcome),
        )  # fmt: skip

    def placed(self, paths: Paths, seed: int, home: Resolved | None = None) -> tuple[Resolved, Program]:
        """Return the good side with a set of differences where the trials are made, and its program.

        Arguments and errors as :meth:`job`; what it comes to may be in another unit.
        """
        home, side = home or self.home, self.side(paths, seed)
        side = side.at_home(home)
        for name, (why, _) in unsaid_by(side.framework, side.config).items():
            raise ImpossibleError(f"numerics.{name}: {why}")
        try:
            return side, self.runner.work.trial_program(side)
        except DataError as error:
            # How data are shaped, and what reads them, may differ one without the other.
            raise ImpossibleError(str(error)) from None

    def side(self, paths: Paths, seed: int | None = None) -> Resolved:
        """Return the good side with a set of differences, all metrics of both sides and a seed.

        Raises:
            ImpossibleError: when no config can have them.
        """
        config = self.contest.config_of(paths)
        training = config.training.model_copy(update={"seed": self.seeds[0] if seed is None else seed})
        config = config.model_copy(update={"training": training, "metrics": self._metrics()})
        name = self.contest.bad.name if paths and paths == self.contest.everything else self.contest.good.name
        return replace(self.contest.good, name=name, program=None, config=config)

    def _metrics(self) -> Any:
        """Return all metrics of both sides, of several outputs by their names."""
        pairs = {name: (one, self.contest.bad.views[name]) for name, one in self.contest.good.views.items()}
        found = {}
        for output, sides in pairs.items():
            both = {metric.kind: metric for side in sides for metric in side.config.metrics}
            found[output] = tuple(both[kind] for kind in sorted(both))
        return found.get("", found)

    @property
    def steps(self) -> int:
        """Return the steps of the longer side's run."""
        return self.length.longest

    def _fate(self, seed: int) -> Fate | Hopeless:
        """Return the rule of a seed, whose two sides have been run."""
        sides = [self.runs.get((paths, seed)) for paths in self.contest.ends]
        if self.outcome.kind == "steps" or self.gapless or None in sides:
            return Hopeless()
        good, bad = (curve_of(run.curve, self.outcome) for run in sides if run is not None)
        floor = self.floor  # What is worse than a constant prediction counts as that.
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
        self.note(f"{self._counted()}: {self.contest.label(paths)}, seed {seed}: {self.why}", self.share)
        run = self.begin(self.job(paths, seed, whole)).result()
        if whole or not run.stopped:
            self.runs[paths, seed] = run
        else:
            self._early[paths] = run
        return run

    def _counted(self) -> str:
        """Return which run comes now, and how long one takes: how many there will be depends on what they show."""
        seconds, number = self.seconds, len(self.runs) + len(self._early) + 1
        return f"explaining, run {number}" + (f", {seconds:.0f} s each" if seconds >= 1.0 else "")

    def value(self, paths: Paths, seed: int, whole: bool = True) -> float:
        """Return the outcome of a set, in the unit of the first side; errors as :meth:`run`."""
        return self.value_of(self.run(paths, seed, whole), paths)

    def value_of(self, run: Trajectory, paths: Paths) -> float:
        """Return the outcome of a run of a set, in the unit of the first side."""
        if paths not in self._factors:
            self._factors[paths] = self.unit.factor(self.side(paths))
        return self.outcome.value(run, self.steps, self._factors[paths])

    def _ends(self, seed: int) -> tuple[float, float]:
        good, bad = (self.outcome.score(self.value(paths, seed)) for paths in self.contest.ends)
        return good, bad

    def _mean(self, of: Callable[[int], float]) -> float:
        """Return the mean over the seeds whose sides have both been run."""
        known = [seed for seed in self.seeds if all((paths, seed) in self.runs for paths in self.contest.ends)]
        return statistics.fmean(of(seed) for seed in known) if known else 0.0

    @property
    def constant(self) -> float | None:
        """Return the outcome's metric of the best constant prediction; None where that is not known."""
        if self._constant is None:
            self._constant = self.unit.constant()
        return self._constant

    @property
    def floor(self) -> float:
        """Return the score of the best constant prediction, -inf where the good side is not above it."""
        if self.outcome.kind != "end" or self.constant is None:
            return -math.inf if self.outcome.kind != "level" else 0.0
        score = self.outcome.score(self.constant)
        return score if score < self._mean(lambda one: self._ends(one)[0]) - LEAST_LEARNED else -math.inf

    @property
    def seconds(self) -> float:
        """Return how long a run of the slower side takes, measured; 0 where none was made."""
        runs = [run for (paths, _), run in self.runs.items() if paths in self.contest.ends]
        return max((run.seconds for run in runs), default=0.0)

    @property
    def ended_early(self) -> dict[Paths, Trajectory]:
        """Return the runs of the first seed that ended when their fate was decided, by their differences."""
        return self._early

    @property
    def all_runs(self) -> list[Trajectory]:
        """Return every run that was asked for, those that ended early among them."""
        return [*self.runs.values(), *self._early.values()]

    def turn(self) -> None:
        """Change the sides over, with what is known of them."""
        self.contest = self.contest.turned()
        self._factors.clear()
        self.runs = {(self.contest.without(paths), seed): run for (paths, seed), run in self.runs.items()}
        if self.gap is not None:
            self.gap = replace(self.gap, gaps=tuple(-one for one in self.gap.gaps))

    def again(self) -> None:
        """Forget the runs: they were too short."""
        self.dropped += len(self.runs)
        self.runs.clear()
        self._early.clear()
        self.gap = None

    def say(self, text: str) -> None:
        """Note something that has to be known, once."""
        if text not in self.notes:
            self.notes.append(text)
