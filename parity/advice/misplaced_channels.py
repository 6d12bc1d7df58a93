"""misplaced_channels: rows whose channels look as if they stood at the other end than where layers read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation
from parity.ops import Op
from parity.ops.windows import wanted_axes
from parity.spec.channels import fix, misplaced, put_right
from parity.spec.graph import Layer
from parity.spec.resolve import Resolved


class MisplacedChannels(Rule):
    """A convolution or pooling over (3, 32, 32) moves along 3 rows and 32 columns, and takes 32 for the channels.

    Nothing fails while the window fits: the network mixes columns as if they were colours. It is told from the shape
    alone, an axis of at most 4 at one end and long ones beside it, so nothing is said of windows that never move along
    that axis. The same the other way round, where layers have ``data_format: channels_first``.
    """

    kind: ClassVar[str] = "misplaced_channels"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where the first windowed layer still reads the input's own axes."""
        model, layer = at.side.config.model, first_windowed(at.side)
        if layer is None:
            return
        op, read = layer.op, layer.op.channels_at() or "channels_last"
        if not misplaced(model.row, read) or stays(op, model.row):
            return
        axis, end = (0, -1) if read == "channels_last" else (len(model.row) - 1, 0)
        transpose = at.side.config.data.transpose
        yield Advice(
            rule=self.kind,
            path="model.input",
            what=f"model.input is {list(model.row)}, and layer {layer.name} reads ({wanted_axes(op.axes, read)})",
            why=f"the {model.row[axis]} along axis {axis} look like channels: the window would move along them as "
            f"along places, and take the {model.row[end]} places at the other end for channels",
            fix=fix(model.row, read, transpose),
            changes=put_right(model.row, read, transpose),
        )


def first_windowed(side: Resolved) -> Layer | None:
    """Return the first layer whose window moves along axes of the input as it is; None where they are gone by then."""
    for layer in side.layers():
        if len(layer.input_shape) != len(side.config.model.row):
            return None
        if layer.op.axes:
            return layer
        if layer.input_shape != layer.output_shape:
            return None
    return None


def stays(op: Op, shape: tuple[int, ...]) -> bool:
    """Return whether a window does not move along the axis in question: of length 1, over an input that is as long.

    Args:
        op: with a window.
        shape: of its input.
    """
    if len(shape) < 3:
        return False
    first = op.channels_at() == "channels_first"
    return (shape[-1], op.windows[-1]) == (1, 1) if first else (shape[0], op.windows[0]) == (1, 1)
