"""linear_stack: dense layers with nothing between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from parity.activations.linear import Linear
from parity.advice import Advice, Rule, Situation, setting
from parity.spec.paths import pattern_of

if TYPE_CHECKING:
    from parity.spec.graph import Layer
    from parity.spec.resolve import Resolved


class LinearStack(Rule):
    """W2 (W1 x + b1) + b2 is one dense layer with the kernel W2 W1: the first of the two adds nothing it could not do.

    A narrow layer between wider ones holds the rank down, which may be meant; so only layers that are at least as wide
    as what they read or what reads them are spoken of.
    """

    kind: ClassVar[str] = "linear_stack"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice for every two dense layers that are one."""
        found = [(one, other) for one in at.side.layers() if (other := behind(at.side, one)) is not None]
        if not found:
            return
        names = [one.name for one, _ in found]
        pattern = pattern_of(names)
        first, second = found[0]
        widths = first.reads[0].shape[-1], first.output_shape[-1], second.output_shape[-1]
        path = f"layers.{pattern}.activation"
        yield Advice(
            rule=self.kind,
            path=path,
            what=f"nothing stands between dense layers {first.name} and {second.name} ({widths[0]} to {widths[1]} to "
            f"{widths[2]}): {first.name} ends in no activation",
            why="two linear maps after each other are one: what they can learn, a dense layer of "
            f"{widths[2]} alone can",
            fix=f"set {setting(path, 'relu')}, or leave the layer out",
            changes={path: "relu"},
        )


def behind(side: Resolved, layer: Layer) -> Layer | None:
    """Return the dense layer that a dense layer is one with, None where there is none."""
    if layer.op.kind != "dense" or not isinstance(layer.op.ending(), Linear | None):
        return None
    for other in side.graph.chain_from(layer):
        if other.op.kind == "dense":
            wide = layer.output_shape[-1] >= min(layer.reads[0].shape[-1], other.output_shape[-1])
            return other if wide and other.owns and layer.owns else None
        if other.op.kind != "dropout":
            return None
    return None
