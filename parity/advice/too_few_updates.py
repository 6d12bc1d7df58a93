"""too_few_updates: so few updates, each on all rows, that nothing can be learned from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation, setting

FEW = 50
"""Updates in all below which a training on whole batches of all rows has hardly begun."""

ENOUGH = 1000
"""Updates to begin with."""


class TooFewUpdates(Rule):
    """A batch as large as the data makes an epoch one update; of a few epochs that is a few updates.

    It is the sum of the updates that moves the weights, not the rows that were read. A full batch is a way to train,
    over hundreds of epochs; so only both together are spoken of.
    """

    kind: ClassVar[str] = "too_few_updates"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where an epoch is one update and there are few epochs."""
        training = at.side.config.training
        if at.data is None or at.data.stand_in or training.batch_size < len(at.data.x):
            return
        if not 1 < training.epochs < FEW:
            return  # One epoch compares a step; it is not meant to learn.
        yield Advice(
            rule=self.kind,
            path="training.batch_size",
            what=f"a batch is {training.batch_size} rows, there are {len(at.data.x)}, and training.epochs is "
            f"{training.epochs}: {training.epochs} updates in all",
            why="every epoch is one update; what a network has learned is the sum of its updates",
            fix=f"set {setting('training.epochs', ENOUGH)}, or a smaller batch_size with as many updates",
            changes={"training.epochs": ENOUGH},
        )
