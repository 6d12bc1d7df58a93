"""What a search for causes may spend: runs, seconds, and how long a run may be."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from parity.explain.search import SpentError
from parity.spec.resolve import Resolved
from parity.spec.sections import Config

EPOCHS = 2
"""Length of a counterfactual run to begin with, where the whole training would take longer than a short run."""

SHORT = 3.0
"""Seconds of a whole training that is so short that every run may be one."""

PATIENCE = 18.0
"""Seconds that whole trainings with each difference alone, and taken back, may take: of eleven differences they are
twenty-two, two at a time, and the answer waits for them."""

MORE = 30.0
"""Seconds that a side's runs with more seeds may take together, where the first ones do not settle a question."""

LONG = 30.0
"""Seconds that a run may take because the sides' own ones say that there is something to be found later."""

UNEQUAL = 1.1
"""Times the steps of the shorter training from which on the longer one is so by more than a rest of its batches."""


@dataclass(kw_only=True)
class Budget:
    """What may be spent.

    Args:
        runs: counterfactual runs, None for any number; those that were made before cost nothing.
        seconds: from ``begun`` on, None for any time.
        begun: when the command began, by the monotonic clock.
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

    def allows(self, runs: int, seconds: float) -> bool:
        """Return whether so many runs of so many seconds, two at a time, are likely to be had."""
        if self.runs is not None and self.spent + runs > self.runs:
            return False
        left = math.inf if self.seconds is None else self.seconds - (time.monotonic() - self.begun)
        return runs * seconds / 2 <= left


@dataclass(kw_only=True)
class Length:
    """How many steps each config runs.

    Args:
        sides: the two, as the spec has them.
        epoch_steps: returns the number of batches in an epoch of a side.
        steps: of every run, that somebody asked for; None: so many epochs.
        most: steps that a run may have at all (``--steps``), None for any number.
        epochs: that a run has at most, each config no more than its own.
    """

    sides: tuple[Resolved, Resolved]
    epoch_steps: Callable[[Resolved], int]
    steps: int | None = None
    most: int | None = None
    epochs: int = EPOCHS
    _counted: dict[int, tuple[Resolved, int]] = field(default_factory=dict, init=False)
    _longest: dict[tuple[int | None, int | None, int], int] = field(default_factory=dict, init=False)

    def own(self, side: Resolved) -> int:
        """Return the steps of a side's whole training."""
        whole = self._training(side)
        return whole if self.most is None else min(whole, self.most)

    def _training(self, side: Resolved) -> int:
        return side.config.training.epochs * self._batches(side)

    def _batches(self, side: Resolved) -> int:
        """Return the batches in an epoch of a side, counted once: its data are looked at for that."""
        _, known = self._counted.get(id(side), (side, None))
        if known is None:
            known = self.epoch_steps(side)
            self._counted[id(side)] = side, known  # Kept with its number, no other side can have its id.
        return known

    @property
    def differ(self) -> bool:
        """Return whether the sides' trainings are of another length, so that each config runs its own."""
        one, other = self.sides
        return _lengths(one.config) != _lengths(other.config) or self.own(one) != self.own(other)

    @property
    def unequal(self) -> bool:
        """Return whether one side trains so much longer than the other that this alone may make a gap."""
        steps = [self.own(side) for side in self.sides]
        return max(steps) > UNEQUAL * min(steps)

    @property
    def whole(self) -> int:
        """Return the epochs of the longer training."""
        return max(side.config.training.epochs for side in self.sides)

    @property
    def longest(self) -> int:
        """Return the steps of the longer of the two sides' runs; every outcome that is read asks for it."""
        asked = self.steps, self.most, self.epochs
        if asked not in self._longest:
            self._longest[asked] = max(self.of(side) for side in self.sides)
        return self._longest[asked]

    @property
    def full(self) -> int:
        """Return the steps of the longer of the two sides' whole trainings."""
        return max(self.own(side) for side in self.sides)

    def of(self, side: Resolved) -> int:
        """Return the steps of a side's run: what was asked for; of lengths that differ, those of its training at most.

        ``--steps`` is about the sides' own runs, and shortens none whose length was asked for by itself.
        """
        if self.steps is not None:
            return min(self.steps, self._training(side)) if self.differ else self.steps
        epochs = min(self.epochs, side.config.training.epochs)
        return min(epochs * self._batches(side), self.own(side))

    @property
    def grows(self) -> bool:
        """Return whether a longer run is still to be had."""
        return self.steps is None and any(self.of(side) < self.own(side) for side in self.sides)

    def grow(self, whole: bool = False) -> None:
        """Double the length, or go to the end at once."""
        self.epochs = self.whole if whole else min(2 * self.epochs, self.whole)

    def hides(self, path: str, config: Callable[[frozenset[str]], Resolved], paths: frozenset[str]) -> str:
        """Return why a difference is not examined, empty where it is.

        The number of epochs is not where every run ends before either training does.

        Args:
            path: of the difference.
            config: returns the side that has some of the differences.
            paths: of all differences.
        """
        if path != "training.epochs":
            return ""
        for rest in (frozenset[str](), paths - {path}):
            if self.of(config(rest)) != self.of(config(rest | {path})):
                return ""
        return f"every run ends after {self.longest:,} steps, before either number of epochs is over"


def _lengths(config: Config) -> tuple[int, int, bool]:
    """Return what of a config decides how long a training on the same rows is."""
    training = config.training
    return training.epochs, training.batch_size, training.drop_remainder
