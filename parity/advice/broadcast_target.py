"""broadcast_target: targets of another shape than the outputs, which a loss would stretch without a word."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from parity.advice import Advice, Rule, Situation, setting

if TYPE_CHECKING:
    from parity.entries import Shape


class BroadcastTarget(Rule):
    """Targets (N,) against outputs (N, 1) make a loss of N x N pairs.

    NumPy, TensorFlow and PyTorch stretch axes of 1 and add missing ones in front. The loss is then a number like any
    other: it falls, and what the network learns is the mean of all targets. Here such data are refused, by ``run``
    and ``check`` too; a program in a notebook is not that lucky.
    """

    kind: ClassVar[str] = "broadcast_target"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where the shapes differ and yet can be stretched to one."""
        if at.data is None:
            return
        last, target = at.side.layers()[-1], at.data.y.shape[1:]
        if not broadcasts(target, last.output_shape):
            return
        change, fix = mended(at, target)
        yield Advice(
            rule=self.kind,
            path="data",
            what=f"a target has shape {target}, and layer {last.name} gives {last.output_shape}",
            why=explained(target, last.output_shape),
            fix=fix,
            changes=change,
        )


def broadcasts(target: Shape, output: Shape) -> bool:
    """Return whether a batch of targets would be stretched to fit one of outputs.

    Args:
        target: shape of one target.
        output: shape of one output.

    >>> broadcasts((), (1,)), broadcasts((1,), (1,)), broadcasts((3,), (4,))
    (True, False, False)
    """
    if target == output:
        return False
    # The number of rows is any number, and so fits itself and 1 only.
    pairs = itertools.zip_longest(reversed((None, *target)), reversed((None, *output)), fillvalue=1)
    return all(a == b or 1 in (a, b) for a, b in pairs)


def explained(target: Shape, output: Shape) -> str:
    """Return what a loss would make of such targets."""
    if len(target) != len(output):
        return (
            "the axis that is missing is added in front, before the batch: the loss compares every output with every "
            "target, and the network learns their mean"
        )
    return "the axis of 1 is stretched: one value is compared with several"


def mended(at: Situation, target: Shape) -> tuple[dict[str, Any], str]:
    """Return the change of the last layer that fits it to the targets, where there is one, and the fix in words."""
    last = at.side.layers()[-1]
    field = next((name for name in ("units", "filters") if name in type(last.op).model_fields), None)
    first = getattr(last.op, "data_format", "channels_last") == "channels_first"
    if field is None or first or len(target) != len(last.output_shape):
        return {}, f"store the targets with shape (rows, {', '.join(map(str, last.output_shape))}), as y.reshape does"
    path = f"layers.{last.name}.{field}"
    return {path: target[-1]}, f"set {setting(path, target[-1])}"
