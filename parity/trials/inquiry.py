"""Explaining two sides: speed, probes, search, seeds, shares, and what each difference does; in that order.

What the answer rests on comes first, so that a budget that ends, or Ctrl-C, leaves the most useful part.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import InitVar, dataclass, field
from functools import partial

from parity.court.work import Note, Work
from parity.errors import ParityError, WorkerError
from parity.explain.claims import SEEDS, Claim, Tried, claims_of
from parity.explain.contest import Contest, Paths
from parity.explain.outcome import Outcome
from parity.explain.search import Search, SpentError
from parity.explain.strikes import by_suspicion, suspects
from parity.run.jobs import Job
from parity.trials.budget import Budget, Length
from parity.trials.combined import ALL, combined
from parity.trials.gap import Opening
from parity.trials.inquired import Explained, Grown
from parity.trials.probes import probes
from parity.trials.runner import LATER, Runner
from parity.trials.shared import SHARES, shared
from parity.trials.singles import measured, new_ones, one_by_one, taken_back
from parity.trials.speed import Choice
from parity.trials.trials import Trials
from parity.trials.units import Unit

SUSPICIOUS, MOST_SUSPECTS = 1.0, 3
"""Differences so suspicious are tried alone in any case, at most so many: something may make up for them."""

SUSPICIOUS_ALIKE, MOST_ALIKE = 0.3, 8
"""The same where the sides reach the same outcome, so that there is nothing else to search."""


@dataclass(kw_only=True)
class Inquiry:
    """One explanation under way.

    Args:
        work: data, programs and store.
        runner: makes the runs.
        contest: the two sides, in any order.
        choice: the framework.
        outcome: what is compared.
        length: of the runs.
        budget: what may be spent.
        note: told what is under way.
        ends: what the two sides' own runs, of their whole training, end at; None where that is not known.
        every: also measure each difference alone and taken back, when the causes are known.
        each_seeds: seeds with which that is done.
        claims: sets that somebody says are the cause, to be tried in any case.
        checked: check the choice of framework on the sides' own.
        subsets: also run every combination of the causes.
        grown: told what is known so far, and what is still to come, whenever a part of the work is done; None: nobody.
    """

    work: Work
    runner: Runner
    contest: InitVar[Contest]
    choice: Choice
    outcome: Outcome
    length: Length
    budget: Budget
    note: Note
    ends: tuple[float, float] | None = None
    every: bool = True
    each_seeds: int = 1
    claims: Sequence[Paths] = ()
    checked: bool = True
    subsets: bool = False
    grown: Grown | None = None
    trials: Trials = field(init=False)
    told: Explained = field(init=False)
    _found: Search | None = None

    def __post_init__(self, contest: Contest) -> None:
        """Lay out what will be told."""
        seed = contest.good.config.training.seed
        seeds = [seed + number for number in range(SEEDS)]
        unit = Unit(outcome=self.outcome, first=contest.good, data=self.work.dataset)
        self.trials = Trials(
            runner=self.runner, contest=contest, home=self.choice.home, outcome=self.outcome, unit=unit,
            length=self.length, seeds=seeds, budget=self.budget, note=self.note,
        )  # fmt: skip
        self.told = Explained(
            contest=contest, outcome=self.outcome, choice=self.choice, unit=unit, seeds=seeds, ends=self.ends,
            full=self.length.full, first=contest.good.name, each_seeds=self.each_seeds,
        )  # fmt: skip

    def run(self) -> Explained:
        """Do it all; what a limit or Ctrl-C leaves out is named in ``missing``."""
        begun = time.monotonic()
        stages: list[tuple[str, Callable[[], None]]] = [
            ("the outcome of the two sides", self._sides),
            ("where each difference strikes", self._probe),
            ("the search for smallest breakers and repairs", self._search),
            ("the other seeds", self._confirm),
            ("what is said to be the cause", self._claims),
            ("single differences taken back", self._back),
            (SHARES, partial(shared, self.trials, self.told)),
            *([(ALL, partial(combined, self.trials, self.told))] if self.subsets else []),
            ("the check on the other framework", self._check_framework),
        ]
        # What turns out to do something alone is found before anything rests on the causes; where not all can be had,
        # what is known of them comes first.
        stages.insert(len(stages) if self.budget.limited else 3, ("each difference alone and taken back", self._each))
        for number, (what, stage) in enumerate(stages):
            self.trials.share = number / len(stages)
            try:
                self._grow(begun, [one for one, _ in stages[number:] if self._applies(one)])
                stage()
            except SpentError as spent:
                self.told.missing += [f"{one}: {spent}" for one, _ in stages[number:] if self._applies(one)]
                break
            except ParityError as error:
                self.told.missing.append(f"{what}: {error}")
                if stage == self._sides:
                    if not isinstance(error, WorkerError):  # Sides that cannot be run cannot be probed either.
                        with contextlib.suppress(ParityError, SpentError):
                            self.told.strikes = probes(self.trials)  # Which asks for no outcome.
                    break
            except KeyboardInterrupt:
                if stage == self._sides:
                    raise  # Nothing is known that could be told.
                self.told.interrupted = True
                self.told.missing += [f"{one}: interrupted" for one, _ in stages[number:] if self._applies(one)]
                break
        self._settle(begun)
        return self.told

    def _grow(self, begun: float, left: Sequence[str]) -> None:
        """Tell whoever listens what is known, once that is anything."""
        if self.grown is not None and left and any(side.values for side in self.told.sides):
            self._settle(begun)
            self.grown(self.told, left)

    def _applies(self, stage: str) -> bool:
        """Return whether a stage would have had something to do."""
        if stage.startswith("what is said"):
            return bool(self.claims)
        if stage.startswith("single"):  # Part of the last one, where there is that.
            return not self.every and not self._alike
        return not stage.startswith("each") or self.every

    def _settle(self, begun: float) -> None:
        """Gather what is known, whatever is missing."""
        told, trials = self.told, self.trials
        told.contest = trials.contest  # Which the trials turn and narrow, until here.
        if self._found is not None:
            told.findings.claims = self._claims_now()
        measured(trials, told)
        told.notes = list(trials.notes)
        runs = trials.all_runs
        told.runs, told.made = len(runs) + trials.dropped, sum(not run.cached for run in runs)
        told.stopped = sum(bool(run.stopped) for run in runs)
        told.seconds = time.monotonic() - begun

    def _sides(self) -> None:
        """Find out which side is better, by all seeds, and with runs that are long enough to show it."""
        trials, told = self.trials, self.told
        trials.why = "what the sides come to on one framework"
        opening = Opening(trials=trials, estimate=self.choice.seconds.get(self.choice.home.framework), ends=self.ends)
        try:
            told.gap = opening.find()
        finally:
            told.steps = tuple(trials.length.of(trials.side(paths)) for paths in trials.contest.ends)
        told.constant = trials.constant
        told.sides = self._both_sides(len(trials.seeds))

    @property
    def _alike(self) -> bool:
        """Return whether there is no gap to be explained."""
        return self.trials.gapless

    def _both_sides(self, seeds: int) -> tuple[Tried, Tried]:
        good, bad = self.trials.contest.ends
        return self.trials.tried(good, seeds), self.trials.tried(bad, seeds)

    def _probe(self) -> None:
        others = [(paths, seed) for seed in self.trials.seeds[1:] for paths in self.trials.contest.ends]
        self.trials.ahead(others, rank=LATER)
        self.told.strikes = probes(self.trials)

    def _search(self) -> None:
        trials, told = self.trials, self.told
        alike = self._alike
        least, most = (SUSPICIOUS_ALIKE, MOST_ALIKE) if alike else (SUSPICIOUS, MOST_SUSPECTS)
        everything = self.trials.contest.everything
        trials.why = "looking for the smallest sets that ruin the one and mend the other"
        if self.every:  # Will be wanted in any case, and one question after the other leaves a core idle.
            trials.ahead(self._with_seeds(one_by_one(trials, self.each_seeds > 1 or not self._alike)), rank=LATER)
        trials.ahead(self._to_judge(), rank=LATER)
        if not trials.budget.limited:
            with contextlib.suppress(ParityError):  # Said where it is asked for.
                for job in self._own_jobs().values():
                    trials.begin(job, LATER)
        self._found = search = Search(
            order=[*by_suspicion(told.strikes), *sorted(everything - set(told.strikes))],
            ask=self._asked,
            suspects=suspects(told.strikes, least, most),
            soon=lambda sets: trials.ahead([(one, trials.seeds[0]) for one in sets]),
            clearly=trials.clearly_good,
            tried={everything: not alike},
        )
        search.run()
        told.searched = len(search.tried) + 1
        told.findings.complete = search.complete
        if trials.budget.over and not search.complete:
            raise SpentError(trials.budget.over)

    def _asked(self, paths: Paths) -> bool:
        """Return whether a set is bad, and begin meanwhile what will be asked next, whichever comes of it."""
        search, trials = self._found, self.trials
        if search is not None and not trials.budget.limited:
            trials.start([(paths, trials.seeds[0])])  # First: two idle workers would take up the two guesses.
            trials.ahead(self._to_confirm(self._claims_now()), rank=LATER)
            trials.guess([search.next_after(paths, bad) for bad in (True, False)])
        return trials.bad(paths)

    def _claims_now(self) -> list[Claim]:
        """Return the findings of the search with what is known of each by now."""
        search = self._found
        assert search is not None
        return claims_of(search, self.trials.contest.everything, self.trials.known, SEEDS)

    def _confirm(self) -> None:
        """Run what the findings rest on to its end, with every seed; with more seeds where that does not settle it."""
        trials, told = self.trials, self.told
        if self._found is None:
            return
        trials.why = "do the findings hold with other seeds?"
        steady = told.gap is not None and told.gap.kind in ("gap", "none")
        # What holds, of those that have been asked before, needs no more seeds because another one does.
        claims, asked = [one for one in self._claims_now() if one.status != "holds" or not steady], 0
        while True:
            wanted = self._to_confirm(claims)
            trials.start(wanted)
            for paths, seed in wanted:
                try:
                    trials.run(paths, seed)
                except ParityError as error:  # A claim that rests on it is not confirmed; the others may be.
                    trials.say(f"failed: {trials.contest.label(paths)}, seed {seed}: {error}")
            told.findings.claims = self._claims_now()
            told.gap = trials.judge_again()
            steady = told.gap.kind in ("gap", "none")
            # One that is not settled is asked again; all of them where the gap itself is not.
            claims = [one for one in told.findings.claims if one.status != "holds" or not steady]
            if claims and not steady and asked < len(trials.seeds):
                asked = len(trials.seeds)  # Those that were settled by fewer seeds, too.
            elif not claims or not trials.more_seeds():
                break
        told.sides = self._both_sides(len(trials.seeds))

    def _to_confirm(self, claims: Sequence[Claim]) -> list[tuple[Paths, int]]:
        """Return what findings rest on, with every seed."""
        sets = list(self.trials.contest.ends)
        for claim in claims:
            sets += [claim.whole.paths, *(part.paths for part in claim.parts)]
        return [(paths, seed) for seed in self.trials.seeds for paths in dict.fromkeys(sets)]

    def _to_judge(self) -> list[tuple[Paths, int]]:
        """Return what is said to be the cause, alone and taken back, with every seed."""
        sets = [one for paths in self.claims for one in (paths, self.trials.contest.without(paths))]
        return [(one, seed) for seed in self.trials.few for one in sets]

    def _claims(self) -> None:
        """Try what somebody says is the cause: alone, and taken back."""
        trials = self.trials
        trials.why = "is what was said to be the cause the cause?"
        trials.start(self._to_judge())
        for paths in self.claims:
            alone, back = (trials.tried(one, len(trials.few)) for one in (paths, trials.contest.without(paths)))
            self.told.claimed[paths] = (alone, back)
        if trials.budget.over:
            raise SpentError(trials.budget.over)

    def _own_jobs(self) -> dict[tuple[str, Paths], Job]:
        """Return the jobs of the sides on their own frameworks, where those are others."""
        home, contest, jobs = self.choice.home, self.trials.contest, {}
        for side, paths in zip((contest.good, contest.bad), contest.ends, strict=True):
            if self.checked and (side.framework, side.python) != (home.framework, home.python):
                jobs[side.name, paths] = self.trials.job(paths, self.trials.seeds[0], home=side)
        return jobs

    def _check_framework(self) -> None:
        """Run each side's config on the side's own framework, where that is another one."""
        trials, told = self.trials, self.told
        trials.why = "does the side's own framework come to the same?"
        started = {key: trials.begin(job) for key, job in self._own_jobs().items()}
        for (name, paths), future in started.items():
            told.own[name] = (trials.value_of(future.result(), paths), trials.value(paths, trials.seeds[0]))

    def _each(self) -> None:
        """Measure every difference alone and taken back; what turns out to break alone is followed up."""
        trials, search = self.trials, self._found
        if not self.every or search is None:
            return
        trials.why = "each difference on its own"
        sets = one_by_one(trials, self.each_seeds > 1 or not self._alike)
        trials.start(self._with_seeds(sets))
        for one in sets if self.each_seeds > 1 else ():
            trials.tried(one, self.each_seeds)
        if trials.budget.over:
            raise SpentError(trials.budget.over)
        for one in sets:
            trials.bad(one)
        self._take_up()

    def _back(self) -> None:
        """Take each difference back alone where that is worth it, and follow up what was seen to do anything alone."""
        if self._found is None or self._alike:
            return
        if not self.every:
            taken_back(self.trials, self._found)
        self._take_up()

    def _take_up(self) -> None:
        """Follow up what was seen to ruin or to mend alone, whatever it was run for."""
        search = self._found
        assert search is not None
        broken, mended = new_ones(self.trials, search)
        if broken or mended:
            search.more(broken, mended)
            self.told.findings.complete = search.complete
            self._confirm()
            if self.budget.limited:  # Else they are taken when all of this is over.
                shared(self.trials, self.told)
                if self.subsets:
                    combined(trials=self.trials, told=self.told)

    def _with_seeds(self, sets: Sequence[Paths]) -> list[tuple[Paths, int]]:
        """Return each with every seed of which that is asked."""
        return [(one, seed) for seed in self.trials.seeds[: self.each_seeds] for one in sets]
