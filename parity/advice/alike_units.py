"""alike_units: units that start the same and stay the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation


class AlikeUnits(Rule):
    """Units with the same weights in and out have the same gradient, and are one unit for ever.

    So it is where a kernel starts as a constant and so does what reads its units. The last layer may start at 0: its
    units have targets of their own. That is measured: after two exact updates the kernels of a layer are still equal.
    """

    kind: ClassVar[str] = "alike_units"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where a layer's units are still equal after two updates."""
        if at.updates is None:
            return
        ops = {layer.name: layer.op for layer in at.side.layers()}
        names = [
            name
            for name in at.updates.as_is.alike
            if name != at.side.last.name and not getattr(getattr(ops[name], "kernel_initializer", None), "random", True)
        ]
        if not names:
            return
        pattern = names[0] if len(names) == 1 else "{" + ",".join(names) + "}"
        path = f"layers.{pattern}.kernel_initializer"
        how = getattr(ops[names[0]], "kernel_initializer").label()  # noqa: B009 - not every op has it
        yield Advice(
            rule=self.kind,
            path=path,
            what=f"kernel_initializer of {', '.join(names)} is {how}: all units start with the same weights, and after "
            "two updates they still have the same ones",
            why="units with the same weights have the same gradient: the layer is one unit for ever",
            fix=f"set {path}: glorot_uniform",
            changes={path: "glorot_uniform"},
        )
