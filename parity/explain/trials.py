"""Counterfactual configs: each difference put into the good side alone, and taken back from the bad side.

A trial says which differences a config has; :func:`config_of` builds it. What a set of differences decides is
asked by running its trial and judging the outcome by the same code for all (``parity.explain.effects``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from parity.errors import ParityError
from parity.spec.differences import Difference, mixed
from parity.spec.resolve import Resolved
from parity.spec.schema import Config


class ImpossibleError(ParityError):
    """A set of differences that no config can have."""


@dataclass(frozen=True)
class Trial:
    """A set of differences the good side is given; none of them is the good side, all of them the bad side.

    Args:
        taken: paths of the differences whose bad value is in force.
    """

    taken: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Two sides whose outcomes differ, and what may be the reason.

    Args:
        good: side with the better outcome.
        bad: the other one.
        live: differences that may do something.
        inert: differences that provably do nothing; they are in no trial.
    """

    good: Resolved
    bad: Resolved
    live: tuple[Difference, ...]
    inert: tuple[Difference, ...]

    @property
    def nothing(self) -> Trial:
        """Return the good side."""
        return Trial(frozenset())

    @property
    def everything(self) -> Trial:
        """Return the bad side."""
        return Trial(frozenset(difference.path for difference in self.live))

    def alone(self, difference: Difference) -> Trial:
        """Return the good side with one difference put in."""
        return Trial(frozenset({difference.path}))

    def taken_back(self, difference: Difference) -> Trial:
        """Return the bad side with one difference taken back."""
        return Trial(self.everything.taken - {difference.path})

    def singles(self) -> list[Trial]:
        """Return the trials of the first search: both sides, each difference alone, each taken back."""
        trials = [self.nothing, self.everything]
        trials += [self.alone(one) for one in self.live]
        trials += [self.taken_back(one) for one in self.live]
        return list(dict.fromkeys(trials))

    def config_of(self, trial: Trial) -> Config:
        """Return the config of a trial. An inert difference stands as the good side has it.

        Raises:
            ImpossibleError: when some of the differences cannot stand without the others.
        """
        taken = {path for one in self.live if one.path in trial.taken for path in one.paths}
        try:
            config = mixed(self.good.config, self.bad.config, taken)
            shape = config.model.input
            for op in config.model.layers:
                shape = op.output_shape(shape)
        except ValueError as error:  # pydantic's and ShapeError are of this kind
            raise ImpossibleError(" ".join(str(error).split())) from None
        return config

    def label(self, trial: Trial) -> str:
        """Return what a trial is, in words, for a progress bar."""
        count = len(trial.taken)
        if count == 0:
            return f"{self.good.name} as it is"
        if count == len(self.live):
            return f"{self.bad.name} as it is"
        if count == 1:
            return f"{self.good.name} with {next(iter(trial.taken))}"
        missing = self.everything.taken - trial.taken
        if len(missing) == 1:
            return f"{self.bad.name} without {next(iter(missing))}"
        return f"{self.good.name} with {count} differences"


def contest(good: Resolved, bad: Resolved, found: Sequence[Difference]) -> Contest:
    """Return the contest of two sides over their differences.

    Args:
        good: side with the better outcome.
        bad: the other one.
        found: their differences, in either direction: only paths and reasons are read.
    """
    live = tuple(difference for difference in found if not difference.inert)
    inert = tuple(difference for difference in found if difference.inert)
    return Contest(good=good, bad=bad, live=live, inert=inert)
