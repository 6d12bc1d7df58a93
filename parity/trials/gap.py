"""The first question of an explanation: is there a gap, and how long does a run have to be to show it?

Runs are as long as the sides' whole training where that is short, and the shorter the more differences there are to be
tried. Else they begin with two epochs and are doubled until a gap shows, as far as runs stay short, or the sides' own
runs say that there is one to be found. What a run of that length cannot show, such as another number of epochs, is
taken out of the contest.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from parity.explain.claims import LEAST_GAP
from parity.explain.contest import Contest
from parity.explain.seeds import FEWEST, OutcomeGap
from parity.trials.budget import LONG, PATIENCE, SHORT
from parity.trials.trials import Trials

PART = 0.5
"""Share of the gap between the sides' own runs below which longer runs show more."""

LEANS = 2.0
"""Times what tells sides apart by which the mean is away from 0 where one side is told as the better, if unsteadily."""


@dataclass(kw_only=True)
class Opening:
    """Finds the length of the runs and what the seeds say of the two sides.

    Args:
        trials: of the contest, in the order of the spec.
        estimate: seconds of a run of the whole training, as timed; None where that was not.
        ends: what the sides' own runs, of their whole training, end at, in the order of the spec; None where unknown.
    """

    trials: Trials
    estimate: float | None = None
    ends: tuple[float, float] | None = None

    def find(self) -> OutcomeGap:
        """Return what the seeds say, with runs of a length that shows it; the better side is then the contest's good.

        Raises:
            ParityError: when the sides' runs fail, or their outcomes are not to be compared.
            SpentError: when the budget ends before both sides were run.
        """
        trials, whole = self.trials, self.trials.contest
        self._begin(whole)
        while True:
            self._hide(whole)
            gap = trials.open()
            if (gap.kind == "gap" and not self._shows_little(gap)) or not self._goes_on():
                break
            trials.length.grow()
            trials.again()
        leans = gap.kind == "gap" or (gap.kind == "unsteady" and abs(statistics.fmean(gap.gaps)) >= LEANS * gap.least)
        if leans and gap.sign < 0:
            trials.turn()
        trials.gapless = gap.kind != "gap"
        trials.lead()
        return gap

    @property
    def apart(self) -> bool | None:
        """Return whether the sides' own runs end apart; None where that is not known."""
        if self.ends is None:
            return None
        one, other = (self.trials.outcome.metric_score(value) for value in self.ends)
        return not abs(one - other) < LEAST_GAP

    def _begin(self, whole: Contest) -> None:
        """Take the whole training where that is short, or where its length is what differs and it can be had."""
        trials, length = self.trials, self.trials.length
        if not length.grows:
            return
        most = LONG if length.unequal else min(SHORT, PATIENCE / max(1, len(trials.contest.live)))
        if self.estimate is None:
            self._hide(whole)
            steps = length.longest
            for paths in trials.contest.ends:
                trials.run(paths, trials.seeds[0])
            self.estimate = trials.seconds * length.full / steps
        if self.estimate <= most and trials.budget.allows(2 * FEWEST, self.estimate):
            length.grow(whole=True)
            trials.again()

    def _hide(self, whole: Contest) -> None:
        """Take out of the contest what runs of this length cannot show."""
        trials = self.trials
        trials.contest = whole
        trials.contest = whole.hidden(lambda path: trials.length.hides(path, trials.side, whole.everything))

    def _shows_little(self, gap: OutcomeGap) -> bool:
        """Return whether a gap is a small part of that between the sides' own runs, or of the other sign."""
        if not self.apart or self.ends is None or self.trials.outcome.kind != "end":
            return False
        one, other = (self.trials.outcome.metric_score(value) for value in self.ends)
        return statistics.fmean(gap.gaps) * (1 if one > other else -1) < PART * abs(one - other)

    def _goes_on(self) -> bool:
        """Return whether runs of twice the length are to be had, and promise more."""
        trials, length = self.trials, self.trials.length
        if not length.grows:
            return False
        seconds = 2 * trials.seconds
        promised = self.apart and trials.outcome.kind == "end"
        return seconds <= (LONG if promised else SHORT) and trials.budget.allows(2 * FEWEST, seconds)
