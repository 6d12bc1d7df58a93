"""Trials: what the configs between two sides come to, read between the two sides by all seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import replace

from parity.errors import ParityError, WorkerError
from parity.explain.claims import BREAKS, DOUBT, LEAST_GAINED, LEAST_GAP, MOST_DOUBT, SCATTER, Tried
from parity.explain.contest import ImpossibleError, Paths
from parity.explain.outcome import OutcomeScale, scale
from parity.explain.search import SpentError
from parity.explain.seeds import LOOKS, OutcomeGap, agrees, judged
from parity.trials.budget import MORE
from parity.trials.counterfactuals import Runs

MOST_GAP = 60.0
"""Gap that counts as such where a score is not finite."""


class Trials(Runs):
    """The configs between two sides, and what each says of the gap between them."""

    def scale(self, seed: int) -> OutcomeScale:
        """Return what the sides of a seed are; without a gap, what has learned nothing stands for the bad one."""
        good, bad = (self.outcome.score(self.value(paths, seed)) for paths in self.contest.ends)
        floor = self.floor
        if not self.gapless:
            return scale(good, bad, floor, self._mean(lambda one: scale(*self._ends(one), floor).gap))
        nothing = self.nothing
        return scale(good, nothing, floor, self._mean(lambda one: self._ends(one)[0]) - nothing)

    @property
    def few(self) -> list[int]:
        """Return the seeds that do for what no finding rests on: those that the gap took, none of a doubt since."""
        return self.seeds if self.gapless else self.seeds[: self.taken]

    @property
    def nothing(self) -> float:
        """Return the score of a model that has learned nothing: a constant prediction, or an untrained one."""
        if self.outcome.kind == "level":
            return 0.0
        if self.outcome.kind == "steps":
            return self.outcome.score(self.steps + 1.0)
        if self.constant is not None:
            return self.outcome.score(self.constant)
        return self._mean(self._untrained)

    def _untrained(self, seed: int) -> float:
        first = self.runs[frozenset(), seed].curve[0]
        return self.outcome.metric_score(first.metrics.get(self.outcome.metric, math.nan))

    def lost(self, paths: Paths, seed: int, whole: bool = True) -> float:
        """Return the share of the gap that a set loses with a seed."""
        value = self.value(paths, seed, whole)
        return self.scale(seed).lost(self.outcome.score(value))

    def sound(self, seed: int) -> bool:
        """Return whether a seed's two sides are apart, the right way round; or, without a gap, whether it learns."""
        good, bad = self._ends(seed)
        least = LEAST_GAP if self.gap is None else self.gap.least
        return agrees(good - (self.nothing if self.gapless else bad), least)

    def bad(self, paths: Paths) -> bool:
        """Return whether a set is bad: by the first seed, by the mean of all of them where that is in doubt.

        A set that no config can have, or whose run fails, is not: it is noted, and nothing rests on it.

        Args:
            paths: the set.

        Raises:
            SpentError: when the budget is spent.
        """
        try:
            first = self.lost(paths, self.seeds[0])
            if abs(first - BREAKS) > self.doubt:
                return first > BREAKS
            self.start([(paths, seed) for seed in self.seeds])
            return statistics.fmean(self.lost(paths, seed) for seed in self.seeds) > BREAKS
        except ImpossibleError as error:
            self.say(f"not tried, since it cannot be: {self.contest.label(paths)}: {error}")
        except WorkerError as error:
            self.say(f"failed: {self.contest.label(paths)}: {error}")
        return False

    @property
    def doubt(self) -> float:
        """Return how near to the middle of the gap a share is in doubt: the more, the further the seeds scatter."""
        gaps = self.gap.gaps if self.gap is not None else ()
        if len(gaps) < 2 or self.gapless:
            return DOUBT
        mean = abs(statistics.fmean(gaps))
        return min(MOST_DOUBT, max(DOUBT, SCATTER * statistics.stdev(gaps) / mean)) if mean else MOST_DOUBT

    def clearly_good(self, paths: Paths) -> bool:
        """Return whether what is known of a set that is not bad is out of doubt; so is one of which nothing is."""
        lost = self.known(paths).lost
        return not lost or statistics.fmean(lost) < BREAKS - DOUBT

    def known(self, paths: Paths) -> Tried:
        """Return what a set comes to with the seeds it was run with, without a further run."""
        seeds = []
        for seed in self.seeds:
            run = self.runs.get((paths, seed)) or (self._early.get(paths) if seed == self.seeds[0] else None)
            if run is None or not all((one, seed) in self.runs for one in self.contest.ends):
                break
            seeds.append(seed)
        return self._tried(paths, seeds)

    def _tried(self, paths: Paths, seeds: Sequence[int]) -> Tried:
        values = [self.value(paths, seed, (paths, seed) in self.runs) for seed in seeds]
        return Tried(
            paths=paths,
            lost=tuple(self.scale(seed).lost(self.outcome.score(one)) for seed, one in zip(seeds, values, strict=True)),
            values=tuple(values),
            sound=tuple(self.sound(seed) for seed in seeds),
        )

    def open(self) -> OutcomeGap:
        """Run both sides with some seeds, with more where these do not settle it and runs are short; say what they say.

        Raises:
            WorkerError: when not even one seed's runs of both sides came to an end.
            SpentError: when the budget ended before that.
        """
        first, gaps = self.seeds[0], list[float]()
        for count in LOOKS:
            wanted = [first + number for number in range(count)]
            more = count < LOOKS[-1]
            try:
                self.start([(paths, seed) for seed in wanted for paths in self.contest.ends])
                for seed in wanted[len(gaps) :]:
                    good, bad = self._ends(seed)
                    gaps.append(good - bad)
            except (SpentError, WorkerError):
                if not gaps:
                    raise
                more = False
            self.seeds[:] = wanted[: len(gaps)] if len(gaps) > LOOKS[0] else wanted[: LOOKS[0]]
            more = more and self.affordable(LOOKS[LOOKS.index(count) + 1] - count)
            self.gap = judged(_finite(gaps), self._least(), last=not more)
            if self.gap.kind != "open" or not more:
                break
        assert self.gap is not None
        self.taken = len(self.seeds)
        return self.gap

    def lead(self) -> None:
        """Let a seed lead the search that has the gap."""
        if self.gap is not None and not self.gapless:
            self.seeds[:] = sorted(self.seeds, key=lambda seed: not self.sound(seed))

    def judge_again(self) -> OutcomeGap:
        """Return what all seeds with which both sides have been run by now say of the gap."""
        known = [seed for seed in self.seeds if all((paths, seed) in self.runs for paths in self.contest.ends)]
        if self.gap is None or len(known) > len(self.gap.gaps):
            gaps = [good - bad for good, bad in map(self._ends, known)]
            self.gap = judged(_finite(gaps), self._least())
            if self.gapless and self.gap.kind == "gap":  # It was searched as one where neither side is better.
                self.gap = replace(self.gap, kind="unsteady")
        return self.gap

    def more_seeds(self) -> bool:
        """Add seeds up to the next look; return whether there are more now."""
        count = next((look for look in LOOKS if look > len(self.seeds)), None)
        if count is None or not self.affordable(count - len(self.seeds)):
            return False
        self.seeds += [max(self.seeds) + 1 + number for number in range(count - len(self.seeds))]
        return True

    def affordable(self, seeds: int) -> bool:
        """Return whether so many more runs of each side are short enough, and within the budget."""
        return seeds * self.seconds <= MORE and self.budget.allows(2 * seeds, self.seconds)

    def _least(self) -> float:
        """Return what the sides have to be apart: two hundredths, or a twentieth of what training gained."""
        if self.outcome.kind == "level":
            return LEAST_GAP
        best = max(self._mean(lambda one, side=side: self._ends(one)[side]) for side in (0, 1))  # type: ignore[misc]
        return max(LEAST_GAP, LEAST_GAINED * (best - self.nothing))

    def tried(self, paths: Paths, most: int | None = None) -> Tried:
        """Return what a set comes to with each seed; with fewer where the budget ends or a run fails.

        Args:
            paths: the set.
            most: seeds, all of them if None.
        """
        seeds: list[int] = []
        for seed in self.seeds[:most]:
            try:
                for one in (paths, *self.contest.ends):
                    self.run(one, seed)
                seeds.append(seed)
            except (SpentError, ParityError) as error:
                if not isinstance(error, SpentError):
                    self.say(f"failed: {self.contest.label(paths)}, seed {seed}: {error}")
                break
        return self._tried(paths, seeds)


def _finite(gaps: Sequence[float]) -> list[float]:
    """Return gaps between scores, one of which may be no number, within the range of a metric's logarithm."""
    return [0.0 if math.isnan(gap) else min(MOST_GAP, max(-MOST_GAP, gap)) for gap in gaps]
