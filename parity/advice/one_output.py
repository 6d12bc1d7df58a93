"""one_output: a softmax over a single number, which is always 1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from parity.advice import Advice, Rule, Situation
from parity.advice.endings import last_activation
from parity.losses.crossentropies import CrossEntropy


class OneOutput(Rule):
    """softmax(z) over one output is exp(z) / exp(z) = 1, whatever z is: nothing can be learned.

    So it is where the activation is softmax, and where a categorical cross-entropy applies it, or renormalises. One
    output that says yes or no takes a sigmoid.
    """

    kind: ClassVar[str] = "one_output"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where the axis that softmax runs over has length 1."""
        loss, output, last = at.side.config.loss, at.side.last.output_shape, last_activation(at.side)
        softmax = last is not None and last[1].kind == "softmax"
        categorical = isinstance(loss, CrossEntropy) and loss.behind == "softmax"
        if output[-1] != 1 or not (softmax or categorical):
            return
        path = last[0] if softmax and last else "loss"
        sigmoid: dict[str, Any] = {"loss": {"sigmoid_crossentropy": {"from_logits": last is None}}}
        where = f"{path} is softmax" if softmax else f"loss is {loss.kind}, which makes the outputs sum to 1"
        yield Advice(
            rule=self.kind,
            path=path,
            what=f"{where}, and there is one output",
            why="it is then always 1, and its gradient 0: nothing is learned",
            fix="for yes or no, set the activation to sigmoid and loss: sigmoid_crossentropy; for classes, give the "
            "last layer one output for each, two at least",
            changes={path: "sigmoid", **sigmoid} if softmax else sigmoid,
        )
