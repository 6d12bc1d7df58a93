"""alike_units: units that start the same and stay the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation, setting
from parity.advice.starts import restarted, started
from parity.spec.resolve import Resolved
from parity.tensors import parameter


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
        layers = [one.name for one in at.side.layers() if one.owns and one.name != at.side.last.name]
        names = [name for name in layers if undrawn(at.side, name) and at.updates.as_is.alike(name)]
        changes = restarted(at.side, {"kernel_initializer": names}) if names else {}
        if not changes:
            return
        ((path, value),) = changes.items()
        yield Advice(
            rule=self.kind,
            path=path,
            what=f"{started(at.side, path)}: all units of {', '.join(names)} start with the same weights, and after "
            "two updates they still have the same ones",
            why="units with the same weights have the same gradient: the layer is one unit for ever",
            fix=f"set {setting(path, value)}",
            changes={path: value},
        )


def undrawn(side: Resolved, name: str) -> bool:
    """Return whether a layer has a kernel that is not drawn by chance: a constant, or read from a file."""
    kernel = side.parameters().get(parameter(name, "kernel"))
    return kernel is not None and (side.config.training.initial_weights is not None or not kernel.initializer.random)
