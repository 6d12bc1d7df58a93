"""What was seen of a whole step, tensor by tensor: for a reader who wants to follow one step from phase to phase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parity.compare.judge import Seen
    from parity.compare.noise import StepDigests


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A tensor of a step, and how large it is on either side.

    Args:
        seen: its difference.
        a: its norm on the reference side; None where only the other side has it.
        b: its norm on the other side; None where only the reference side has it.
    """

    seen: Seen
    a: float | None
    b: float | None


@dataclass(kw_only=True)
class Looks:
    """The tensors of a step that was looked at: of the one in which two sides part, or of the first.

    Args:
        start: the initial values of the parameters.
        steps: by number, the tensors of the first step, and of the last one that was looked at before the sides parted.
    """

    start: list[Looked] = field(default_factory=list)
    steps: dict[int, list[Looked]] = field(default_factory=dict)

    def take(self, number: int, seen: Sequence[Seen], a: StepDigests, b: StepDigests) -> None:
        """Keep what was seen of a step.

        Args:
            number: of the step, counted from 1.
            seen: its tensors.
            a: the reference side's step.
            b: the other side's.
        """
        first = min([number, *self.steps])
        kept = {first: self.steps[first]} if first in self.steps else {}
        self.steps = kept | {number: [Looked(seen=one, a=_size(one, a), b=_size(one, b)) for one in seen]}

    def of(self, parted: int | None) -> tuple[int, list[Looked]] | None:
        """Return number and tensors of the step in which the sides parted, of the first where they have not.

        Args:
            parted: number of the step, None where they have not parted.

        Returns:
            None where nothing was seen of that step.
        """
        number = min(self.steps, default=None) if parted is None else parted
        if number is None or number not in self.steps:
            return None
        every = [*(self.start if number == 1 else ()), *self.steps[number]]
        return number, sorted(every, key=lambda one: one.seen.when)


def _size(seen: Seen, step: StepDigests) -> float | None:
    if seen.phase == "loss":
        return abs(step.loss)
    return float(step.digests[seen.name]["norm"]) if seen.name in step.digests else None
