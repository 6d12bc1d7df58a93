"""dropout_in_evaluation: a program written by hand that predicts at random."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation

SAME = 1e-4
"""Two evaluations of the same rows may differ by so much: threads that add in another order, in float32."""


class DropoutInEvaluation(Rule):
    """In evaluation mode, the same rows give other outputs in a second call.

    ``training=True`` written into a call, ``F.dropout(x)`` without ``self.training``, or noise that is always added:
    metrics are then those of a crippled network. A compiled program cannot do that, so it is not run; one written by
    hand is asked for the outputs of a few rows twice, in a worker.
    """

    kind: ClassVar[str] = "dropout_in_evaluation"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where two evaluations differ, or where one of them called dropout."""
        seen = at.evaluation
        if at.side.program is None or seen is None or (not seen.draws and seen.difference <= SAME):
            return
        draws = f"{seen.draws} calls of dropout were made" if seen.draws else "no dropout of the framework was called"
        yield Advice(
            rule=self.kind,
            path="program",
            what=f"in evaluation mode {at.side.program.shown} gives other outputs for the same rows when asked twice: "
            f"they differ by {seen.difference:.2g} of their size; {draws}",
            why="metrics and predictions are then those of a network with a part of it switched off at random",
            fix="let the program draw in training only: in Keras and TensorFlow hand on `training`, in PyTorch use "
            "nn.Dropout or F.dropout(x, p, self.training)",
        )
