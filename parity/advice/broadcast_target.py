"""broadcast_target: flat targets beside a column of outputs, which a loss stretches without a word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation, setting
from parity.frameworks import title_of


class BroadcastTarget(Rule):
    """Targets (N,) against outputs (N, 1) make a loss of N x N pairs, where the framework stretches the two.

    Raw TensorFlow and PyTorch do; Keras aligns them, and nothing is said of it. The loss is then a number like any
    other: it falls, and what the network learns is the mean of all targets. Of a program written by hand, what its own
    loss does was tried.
    """

    kind: ClassVar[str] = "broadcast_target"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where the loss stretches the targets."""
        side, loss = at.side, at.side.config.loss
        if at.data is None or not loss.stretches(loss.form(side.config.data.targets)):
            return
        last = side.last
        by = title_of(side.framework) if side.program is None else "the program's loss"
        yield Advice(
            rule=self.kind,
            path="data.targets",
            what=f"targets are flat, (N,), and layer {last.name} gives (N, 1)",
            why=f"{by} stretches the two to (N, N): {loss.kind} compares every output with every target, and the "
            "network learns the mean of all targets",
            fix=f"set {setting('data.targets', 'column')}",
            changes={"data.targets": "column"},
        )
