"""batch_in_evaluation: a program written by hand whose predictions depend on the other rows of the batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation
from parity.advice.dropout_in_evaluation import SAME


class BatchInEvaluation(Rule):
    """In evaluation mode, a row gives another output when other rows stand beside it.

    Batch norm left in training mode (``model.eval()`` undone, ``training=True`` written into a call) takes mean and
    variance of the batch at hand in the place of those it has gathered: metrics change with the size and the order of
    batches, and one row alone cannot be predicted. A compiled program cannot do that, so it is not run; one written by
    hand is asked for a few rows together, and for their halves.
    """

    kind: ClassVar[str] = "batch_in_evaluation"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where rows predicted together differ from the same rows predicted in halves."""
        seen = at.evaluation
        if at.side.program is None or seen is None or seen.draws or seen.difference > SAME or seen.together <= SAME:
            return
        yield Advice(
            rule=self.kind,
            path="program",
            what=f"in evaluation mode {at.side.program.shown} gives other outputs for the same rows when fewer are "
            f"predicted at once: they differ by {seen.together:.2g} of their size",
            why="something takes the statistics of the batch, as batch norm does in training mode: metrics then depend "
            "on how rows are put together",
            fix="let batch norm use what it has gathered: in Keras and TensorFlow hand on `training`, in PyTorch let "
            "model.eval() stand and call no .train() in forward",
        )
