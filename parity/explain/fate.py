"""When a counterfactual run's fate is decided, and the rest of it need not be run.

A run is looked at eight times (its checkpoints), by the metric on a sample of the rows. It ends early when

1. its loss is not a number: no step brings it back, for the weights are no numbers either;
2. it stands still: over the last quarter of the run's length no loss moved by more than 1e-6 of its size, and the
   metric did not move at all;
3. it is clearly as good as the good side: at two checkpoints in a row its metric is within a tenth of the gap of where
   the good side *ends*, or better;
4. it is clearly as bad as the bad side: past the middle of the run, at three checkpoints in a row, it is within a tenth
   of the gap of the bad side at the same checkpoint, and at least half a gap behind the good side there.

The rules read nothing but the curves of the two sides and of the run itself, and are part of a run's key: a changed
side is a changed rule. A run on which a finding rests is never ended by rules 3 and 4.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CHECKPOINTS = 8
"""Times that a run is looked at."""

STILL = 1e-6
"""Relative movement of the loss below which it stands still."""

NEAR, BEHIND = 0.1, 0.5
"""Shares of the gap: as good as the good side or as bad as the bad one, and clearly behind the good one."""

GOOD_IN_A_ROW, BAD_IN_A_ROW = 2, 3
"""Checkpoints in a row that decide."""


@dataclass(frozen=True, kw_only=True)
class Fate:
    """Decides from the curves of the two sides; each maps a step to the score of the metric there, higher is better.

    Args:
        good: curve of the good side.
        bad: curve of the bad side.
    """

    good: Mapping[int, float]
    bad: Mapping[int, float]

    def plain(self) -> dict[str, Any]:
        """Return what decides, for a run's key."""
        return {"good": sorted(self.good.items()), "bad": sorted(self.bad.items())}

    def reads(self, losses: Sequence[float], steps: int) -> bool:
        """Return whether it takes metrics to decide here: always."""
        return True

    def decided(self, losses: Sequence[float], curve: Mapping[int, float], steps: int) -> str:
        """Return why a run may end here, empty where its fate is open.

        Args:
            losses: of the steps so far.
            curve: score at each checkpoint so far, in order.
            steps: length of the whole run.
        """
        return hopeless(losses, curve, steps) or self._as_good(curve) or self._as_bad(curve, steps)

    @property
    def _gap(self) -> float:
        return self._end(self.good) - self._end(self.bad)

    @staticmethod
    def _end(curve: Mapping[int, float]) -> float:
        return curve[max(curve)]

    def _as_good(self, curve: Mapping[int, float]) -> str:
        last = list(curve.values())[-GOOD_IN_A_ROW:]
        if self._gap > 0.0 and len(last) == GOOD_IN_A_ROW and min(last) >= self._end(self.good) - NEAR * self._gap:
            return f"as good as the good side's end at {GOOD_IN_A_ROW} checkpoints in a row"
        return ""

    def _as_bad(self, curve: Mapping[int, float], steps: int) -> str:
        last = list(curve.items())[-BAD_IN_A_ROW:]
        late = len(last) == BAD_IN_A_ROW and last[0][0] * 2 >= steps
        if late and self._gap > 0.0 and all(self._lost(step, score) for step, score in last):
            return f"as bad as the bad side at {BAD_IN_A_ROW} checkpoints in a row, past the middle of the run"
        return ""

    def _lost(self, step: int, score: float) -> bool:
        if step not in self.good or step not in self.bad:
            return False
        near = score <= self.bad[step] + NEAR * self._gap
        return near and self.good[step] - score >= BEHIND * self._gap


@dataclass(frozen=True, kw_only=True)
class Hopeless:
    """Decides by the run alone: only what no step can mend ends it."""

    def plain(self) -> dict[str, Any]:
        """Return what decides: nothing but the rules."""
        return {}

    def reads(self, losses: Sequence[float], steps: int) -> bool:
        """Return whether it takes metrics to decide here: only where the loss stands still."""
        return _still(losses, steps)

    def decided(self, losses: Sequence[float], curve: Mapping[int, float], steps: int) -> str:
        """Return why a run may end here; arguments as :meth:`Fate.decided`."""
        return hopeless(losses, curve, steps)


def hopeless(losses: Sequence[float], curve: Mapping[int, float], steps: int) -> str:
    """Return why no further step will change anything, empty where one may; arguments as :meth:`Fate.decided`."""
    if losses and math.isnan(losses[-1]):
        first = next(number for number, loss in enumerate(losses, 1) if math.isnan(loss))
        return f"the loss is not a number from step {first} on"
    window = _window(steps)
    scores = [score for step, score in curve.items() if step > len(losses) - window]
    if _still(losses, steps) and len(scores) > 1 and max(scores) == min(scores):
        return f"it stands still: no loss of the last {window} steps moved by more than {STILL:g} of its size"
    return ""


def _window(steps: int) -> int:
    """Return the number of steps over which a loss has to stand still."""
    return max(2, steps // 4)


def _still(losses: Sequence[float], steps: int) -> bool:
    """Return whether the last losses are all but the same number."""
    late = losses[-_window(steps) :]
    if len(late) < _window(steps) or not all(map(math.isfinite, late)):
        return False
    return max(late) - min(late) <= STILL * abs(late[0])


def checkpoints(steps: int, times: int = CHECKPOINTS) -> list[int]:
    """Return the steps after which a run is looked at, the last of them its end."""
    return sorted({max(1, round(steps * number / times)) for number in range(1, times + 1)})
