"""channels_first_input: rows whose first axis looks like channels, before layers that read them last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation
from parity.spec.channels import brought_last, fix, looks_first
from parity.spec.resolve import Layer, Resolved


class ChannelsFirstInput(Rule):
    """A convolution or pooling over (3, 32, 32) moves along 3 rows and 32 columns, and takes 32 for the channels.

    Nothing fails while the window fits: the network mixes columns as if they were colours. It is told from the shape
    alone, a first axis of at most 4 before long ones, so nothing is said of windows that never move along that axis.
    """

    kind: ClassVar[str] = "channels_first_input"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where the first windowed layer still reads the input's own axes."""
        model, layer = at.side.config.model, first_windowed(at.side)
        if layer is None or not looks_first(model.input) or still_along_first(layer, model.input[0]):
            return
        transpose = at.side.config.data.transpose
        yield Advice(
            rule=self.kind,
            path="model.input",
            what=f"model.input is {list(model.input)}, and layer {layer.name} reads {read(layer)}",
            why=f"the {model.input[0]} along axis 0 look like channels: the window would move along them as along "
            f"places, and take the {model.input[-1]} places of the last axis for channels",
            fix=fix(model.input, transpose),
            changes=brought_last(model.input, transpose),
        )


def first_windowed(side: Resolved) -> Layer | None:
    """Return the first layer whose window moves along axes of the input as it is; None where they are gone by then."""
    for layer in side.layers():
        if len(layer.input_shape) != len(side.config.model.input):
            return None
        if getattr(layer.op, "axes", ()):
            return layer
        if layer.input_shape != layer.output_shape:
            return None
    return None


def still_along_first(layer: Layer, length: int) -> bool:
    """Return whether a window does not move along the first axis: of length 1, over an input that is as long."""
    return length == 1 and len(layer.input_shape) > 2 and getattr(layer.op, "windows", (0,))[0] == 1


def read(layer: Layer) -> str:
    """Return in words what a windowed layer takes each axis for."""
    return f"({', '.join([*layer.op.axes, 'channels'])})"  # type: ignore[attr-defined]
