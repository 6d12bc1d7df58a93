"""dropout_on_output: dropout behind the last layer that has weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation, setting
from parity.advice.endings import last_parameters


class DropoutOnOutput(Rule):
    """Dropout between the last weights and the loss zeroes the answers themselves, whatever was learned.

    Ahead of the last layer it is usual: a unit that is missing can be made up for by others. Of an output it makes 0,
    in a share of the rows, and the rest too large by 1 / (1 - rate).
    """

    kind: ClassVar[str] = "dropout_on_output"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where a dropout stands behind the last layer with parameters."""
        last = last_parameters(at.side)
        for layer in at.side.graph.back(at.side.last):
            if layer is last:
                return
            rate = getattr(layer.op, "rate", 0.0)
            if "dropout" in layer.op.kind and rate:
                path = f"layers.{layer.name}.rate"
                yield Advice(
                    rule=self.kind,
                    path=path,
                    what=f"dropout of {rate:g} ({layer.name}) stands behind {last.name}, the last layer with weights",
                    why=f"{rate:.0%} of the outputs are 0 in training, whatever the weights are, and the loss counts "
                    "them as answers",
                    fix=f"put it ahead of {last.name}, or set {setting(path, 0.0)}",
                    changes={path: 0.0},
                )
                return
