"""dead_layer: a layer of which every output is 0 at the start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation, setting
from parity.advice.exploding_initializer import mended
from parity.advice.starts import started
from parity.advice.unscaled_inputs import UnscaledInputs

ROWS = 8
"""Rows that must have been looked at."""


class DeadLayer(Rule):
    """A relu is 0, with slope 0, wherever what it reads is below 0. Where that is every unit and row, nothing moves.

    Half of the units at 0 is usual. All of them are so behind a large negative bias, or behind a kernel that makes
    positive inputs negative; what stands ahead of the layer, and the layer itself, has then no gradient.
    """

    kind: ClassVar[str] = "dead_layer"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where all outputs of a hidden layer are where its relu is flat."""
        if at.scales is None or at.scales.rows < ROWS:
            return
        ops = {layer.name: layer.op for layer in at.side.layers()}
        for one in at.scales.layers:
            ending = ops[one.layer].ending()
            if ending is None or not ending.non_negative or not ending.keeps_positive or one.flat < 1.0:
                continue
            changes = mended(at.side, [one])
            if not changes or one.layer == at.side.last.name:
                continue
            if any(UnscaledInputs().look(at)):
                return  # Of rows that are all alike, a unit that is 0 for one is 0 for all.
            ((path, value),) = changes.items()
            yield Advice(
                rule=self.kind,
                path=path,
                what=f"at step 0 every output of layer {one.layer} is 0 ({ending.kind}; {at.scales.rows} rows)",
                why=f"where {ending.kind} is 0 its slope is 0: neither this layer nor any ahead of it has a gradient. "
                f"{started(at.side, path)}",
                fix=f"set {setting(path, value)}",
                changes=changes,
            )
            return
