"""What pooling layers share, whatever the number of axes that their window moves along."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from parity.code import Helper, KerasCode, Site, TensorFlowCode, TorchCode, call
from parity.entries import Shape, read_in
from parity.lazy import differentiable as np
from parity.native import Native, Turned, one_for_all, same
from parity.ops import ShapeError
from parity.ops.windowed import PADDED, Windowed
from parity.ops.windows import (
    DataFormat,
    channels_of,
    from_channels_last,
    laid_first,
    laid_last,
    lengths_of,
    one_window,
    padded_length,
    same_padding,
    size_source,
    tf_pads,
    to_channels_last,
    torch_pads,
)

if TYPE_CHECKING:
    from parity.code import Arrays

KERAS_SAME = '''
class {own}{name}(keras.layers.{name}):
    """{name} of the cells that there are{why}."""

    def __init__(self, *args, around, **kwargs):
        super().__init__(*args, **kwargs)
        self.around = around

    def compute_output_shape(self, input_shape):
        lengths = [n if n is None else n + sum(ends) for n, ends in zip(input_shape, self.around)]
        return super().compute_output_shape(tuple(lengths))

    def call(self, inputs):
        cells, real = (keras.ops.pad(x, self.around) for x in (inputs, keras.ops.ones_like(inputs)))
        share = keras.ops.average_pool(real, self.pool_size, self.strides)
        return keras.ops.average_pool(cells, self.pool_size, self.strides) / share
'''

WHY = {"Same": ": on PyTorch, Keras's own repeats the last ones beside them", "Partial": ", of none around its input"}

TORCH = '''
class {own}{name}(nn.{name}):
    """nn.{name} with {cells}, none of which it counts."""

    def __init__(self, *args, around, **kwargs):
        super().__init__(*args, **kwargs)
        self.around = around

    def forward(self, x):
        share = super().forward(F.pad(torch.ones_like(x[:1, :1]), self.around))
        return super().forward(F.pad(x, self.around)) / share
'''


def pool(rank: int, kind: str) -> dict[str, Native]:
    """Return the frameworks' own poolings over so many axes, ``Max`` or ``Average``."""
    size = Turned("pool_size", one_for_all)
    counted = {"count_include_pad": "count_include_pad"} if kind == "Average" else {}
    return {
        "keras": Native(f"keras.layers.{kind}Pooling{rank}D", {"pool_size": size, **same("strides", "padding")},
                        leading=("pool_size",), own={"padding": "valid"}),
        "torch": Native(f"nn.{kind[:3].replace('Ave', 'Avg')}Pool{rank}d",
                        {"kernel_size": size, "stride": "strides", "padding": "", **counted},
                        leading=("kernel_size",)),
    }  # fmt: skip


class Pooling(Windowed):
    """Base of the poolings: an entry says its axes and the fields that are one number for each of them."""

    source: ClassVar = read_in(keras="layers/pooling/base_pooling", tensorflow="ops/nn_ops", torch="nn/modules/pooling")
    short: ClassVar[str | None] = "pool_size"
    word: ClassVar[str]
    """What it takes of a window, in TensorFlow's words."""
    fill: ClassVar[float]
    """What stands around the input."""

    # One number for each axis; here for their place among the fields.
    pool_size: Any = Field(default=2, description="size of the window")
    strides: Any = Field(default=None, description="step of the window; pool_size if not said")
    padding: Any = Field(
        default="valid", description="same: the last window may reach over the end; valid: what is over is cut off"
    )
    data_format: DataFormat = Field(default="channels_last", description="where the channels stand, before and after")

    def steps(self) -> tuple[int, ...]:
        return self.sizes("pool_size" if self.strides is None else "strides")

    @property
    def windows(self) -> tuple[int, ...]:
        return self.sizes("pool_size")

    def output_shape(self, shape: Shape) -> Shape:
        """Return the number of positions along each axis, and the channels as they are."""
        found = self._moved_over(shape, channels_of(shape, self.data_format))
        self._check_windows(lengths_of(shape, self.data_format))
        return found

    def _check_windows(self, lengths: Shape) -> None:
        """Check that no window lies in padding alone: of no cell there is neither a largest nor a mean."""
        axes = zip(lengths, self.windows, self.steps(), self.pads(lengths), self._positions(lengths), strict=True)
        for length, window, step, (before, after), count in axes:
            if before >= window or (count - 1) * step - before >= length:
                raise ShapeError(
                    f"{self.kind} with a window of {window} and ({before}, {after}) cells around {length} has a window "
                    "with nothing of its input in it; pad by less than the window"
                )

    def _seen(self, x: np.ndarray) -> np.ndarray:
        """Return the cells of the window at all positions, along a new first axis."""
        lengths = x.shape[1:-1]
        padded = np.pad(x, ((0, 0), *self.pads(lengths), (0, 0)), "constant", constant_values=self.fill)
        places = self._places(self.windows, lengths)
        return np.concatenate([np.expand_dims(np.cut(padded, place), 0) for place in places])

    def _taken(self, x: np.ndarray) -> np.ndarray:
        """Return what is taken of each window of an input whose channels are last."""
        raise TypeError(f"{type(self).__name__} takes nothing")

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return from_channels_last(self._taken(to_channels_last(x, self.data_format)), self.data_format)

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when ``padding`` pads and cuts nothing, and when ``strides`` says what is so unsaid or goes nowhere."""
        size, strides = self.windows, self.steps()
        if field == "strides" and (other is None or other == self.pool_size) and size == strides:
            return "strides that are not said are those of pool_size"
        lengths = lengths_of(shape, self.data_format)
        if field == "strides" and self.padding == "valid":
            given = self.pool_size if other is None else other
            return one_window(lengths, size, strides, given if isinstance(given, tuple) else (given,))
        axes = list(zip(lengths, size, strides, strict=True))
        whole = all(padded_length(*axis, "same") == padded_length(*axis, "valid") for axis in axes)
        if field == "padding" and self.same_ends(lengths, other):
            return "the same cells either way"
        if (
            field == "padding"
            and "same" in (self.padding, other)
            and whole
            and not any(any(same_padding(*axis)) for axis in axes)
        ):
            return f"windows of {size_source(size)} fill {size_source(lengths)} either way"
        return ""

    def _stride_source(self) -> str | None:
        """Return the strides as source, None where they are the window's size."""
        return None if self.steps() == self.windows else size_source(self.steps())

    def _around(self, site: Site) -> list[tuple[int, int]]:
        return self.pads(lengths_of(site.input_shape, self.data_format))

    def keras(self, site: Site) -> KerasCode:
        lies = laid_last(self.data_format)
        return KerasCode(layer=self.keras_layer(site, strides=self._stride_source()), reads=lies, writes=lies)

    def _pooled(self, x: str, padding: str) -> TensorFlowCode:
        size, lies = self.windows, laid_last(self.data_format)
        pooled = call(f"tf.nn.{self.word}_pool{len(self.axes)}d", x, size_source(size), size_source(self.steps()),
                      repr(padding.upper()))  # fmt: skip
        name = {"max": "Largest", "avg": "Mean"}[self.word]
        doc = f"{name} of {'every ' + str(size[0]) if len(size) == 1 else ' x '.join(map(str, size))}."
        return TensorFlowCode(body=(f"return {pooled}",), doc=doc, reads=lies, writes=lies)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        return self._pooled("x", self.padding)

    def _module(self, site: Site, x: str = "x", name: str = "", helpers: tuple[Helper, ...] = (), comment: str = "",
                **more: str | None) -> TorchCode:  # fmt: skip
        made = self.natives["torch"].source(self, name_=name, stride=self._stride_source(), **more)
        return TorchCode(
            modules={site.name: made},
            forward=f"self.{site.name}({x})",
            reads=laid_first(self.data_format),
            writes=laid_first(self.data_format),
            output=site.name,
            comment=comment,
            helpers=helpers,
        )


def alike(around: list[tuple[int, int]], windows: Shape) -> str | None:
    """Return cells added on both sides, as source; None where there are none, or not as many before as after.

    PyTorch's own padding, which also refuses more than half a window.
    """
    both = all(before == after for before, after in around) and any(map(any, around))
    few = all(2 * before <= window for (before, _), window in zip(around, windows, strict=True))
    return size_source([before for before, _ in around]) if both and few else None


def by_hand(around: list[tuple[int, int]]) -> str:
    """Return why cells are added by hand in PyTorch."""
    even = all(before == after for before, after in around)
    return f"padded by hand: PyTorch pads {'by half a window at most' if even else 'both sides alike'}"


class MaxPooling(Pooling):
    """Base of the max poolings."""

    keeps_sign: ClassVar[bool] = True
    word: ClassVar[str] = "max"
    fill: ClassVar[float] = -float("inf")

    def _taken(self, x: np.ndarray) -> np.ndarray:
        return np.largest(self._seen(x))

    def keras(self, site: Site) -> KerasCode:
        if isinstance(self.padding, str):
            return super().keras(site)
        lies, title = laid_last(self.data_format), self.natives["keras"].title
        source = PADDED.format(
            name=title, base="keras.layers.", cells="cells, never the largest,", value=', constant_values=float("-inf")'
        )
        layer = self.keras_layer(
            site, f"Padded{title}", strides=self._stride_source(), padding=None, around=tf_pads(self.padding)
        )
        return KerasCode(layer=layer, helpers=(Helper(name=f"Padded{title}", source=source),), reads=lies, writes=lies)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        if isinstance(self.padding, str):
            return super().tensorflow(site)
        return self._pooled(f'tf.pad(x, {tf_pads(self.padding)}, constant_values=float("-inf"))', "valid")

    def torch(self, site: Site) -> TorchCode:
        around = self._around(site)
        if alike(around, self.windows) or not any(map(any, around)):
            return self._module(site, padding=alike(around, self.windows))
        x = f'F.pad(x, {torch_pads(around)}, value=float("-inf"))'
        comment = f"{by_hand(around)}; with -inf, which is never the largest"
        return self._module(site, x, comment=comment, padding=None)


class AveragePooling(Pooling):
    """Base of the average poolings."""

    native: ClassVar = {"torch": {"count_include_pad": True}}
    word: ClassVar[str] = "avg"
    fill: ClassVar[float] = 0.0

    count_include_pad: bool = Field(default=False, description="whether the cells around the input are counted")

    def _taken(self, x: np.ndarray) -> np.ndarray:
        real = 1.0 if self.count_include_pad else self._seen(np.ones((1, *x.shape[1:-1], 1))).mean(axis=0)
        return self._seen(x).mean(axis=0) / real

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when there is nothing around the input to be counted."""
        if field == "count_include_pad" and not any(map(any, self.pads(lengths_of(shape, self.data_format)))):
            return "nothing stands around the input"
        return super().inert(field, other, shape)

    def keras(self, site: Site) -> KerasCode:
        if not isinstance(self.padding, str):
            return self._keras_numbered(site)
        if not self.count_include_pad or not any(map(any, self._around(site))):
            return super().keras(site)
        return self._keras_padded(site, "Padded", PADDED)

    def keras_torch(self, site: Site) -> KerasCode:
        """Return the layer where Keras's own repeats the last cells beside its input (docs/findings.md)."""
        around = self._around(site)
        if self.count_include_pad or not isinstance(self.padding, str) or alike(around, self.windows):
            return self.keras(site)
        return self._keras_padded(site, "Same", KERAS_SAME)

    def _keras_numbered(self, site: Site) -> KerasCode:
        """Return the layer with padding in numbers, which Keras's own has not: counted, or left out of the mean."""
        if not any(map(any, self._around(site))):
            lies = laid_last(self.data_format)
            layer = self.keras_layer(site, strides=self._stride_source(), padding=None)
            return KerasCode(layer=layer, reads=lies, writes=lies)
        return self._keras_padded(site, *("Padded", PADDED) if self.count_include_pad else ("Partial", KERAS_SAME))

    def _keras_padded(self, site: Site, own: str, source: str) -> KerasCode:
        title, lies = self.natives["keras"].title, laid_last(self.data_format)
        told = {"strides": self._stride_source(), "padding": None, "around": tf_pads(self._around(site))}
        source = source.format(own=own, name=title, base="keras.layers.", cells="zeros, which it counts,", value="",
                               why=WHY.get(own, ""))  # fmt: skip
        layer = self.keras_layer(site, f"{own}{title}", **told)
        return KerasCode(layer=layer, helpers=(Helper(name=f"{own}{title}", source=source),), reads=lies, writes=lies)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        around = self._around(site)
        if not any(map(any, around)):
            return self._pooled("x", "valid") if not isinstance(self.padding, str) else super().tensorflow(site)
        whole = self._pooled(f"tf.pad(x, {tf_pads(around)})", "valid")
        if self.count_include_pad:
            return whole
        if isinstance(self.padding, str):
            return super().tensorflow(site)
        (value,) = whole.body
        share = value.removeprefix("return ").replace("tf.pad(x,", "tf.pad(tf.ones_like(x[:1, ..., :1]),")
        lines = (f"share = {share}  # of each window, what the cells are that there are", f"{value} / share")
        return replace(whole, body=lines)

    def torch(self, site: Site) -> TorchCode:
        around, title = self._around(site), self.natives["torch"].title
        if not any(map(any, around)):
            return self._module(site, padding=None, count_include_pad=None)
        lengths = lengths_of(site.input_shape, self.data_format)
        # Of three axes PyTorch refuses an input that is shorter than the window before it is padded.
        refused = len(lengths) > 2 and any(n < window for n, window in zip(lengths, self.windows, strict=True))
        if alike(around, self.windows) and not refused:
            said = None if self.count_include_pad else "False"
            return self._module(site, padding=alike(around, self.windows), count_include_pad=said)
        if self.count_include_pad:
            comment = by_hand(around)
            x = f"F.pad(x, {torch_pads(around)})"
            return self._module(site, x, comment=comment, padding=None, count_include_pad=None)
        own, cells = ("Same", "more cells after its input than before it") if isinstance(self.padding, str) else (
            "Partial", "cells around its input")  # fmt: skip
        helper = Helper(name=f"{own}{title}", source=TORCH.format(own=own, name=title, cells=cells))
        return self._module(
            site, name=helper.name, helpers=(helper,), padding=None, count_include_pad=None,
            around=str(torch_pads(around)),
        )  # fmt: skip
