"""Poolings of three axes, as two of two: TensorFlow has none of three in float64 on a CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parity.code import Helper, KerasCode, Site, TensorFlowCode
from parity.ops.windows import channels_of, laid_last, lengths_of, tf_pads

if TYPE_CHECKING:
    from parity.ops.pooling import Pooling as Base
else:
    Base = object  # It has no fields: those of a pooling are what says what is taken.

KERAS = '''
class {name}(keras.layers.{base}):
    """{base} as two poolings of two axes: TensorFlow has none of three in float64."""
{around}
    def call(self, inputs):
        (planes, *window), (step, *steps) = self.pool_size, self.strides{padded}
        _, t, u, v, channels = inputs.shape
        x = keras.ops.reshape(inputs, (-1, u, v, channels))
        x = keras.ops.{word}_pool(x, tuple(window), tuple(steps), self.padding)
        _, u, v, _ = x.shape
        x = keras.ops.reshape(x, (-1, t, u * v, channels))
        x = keras.ops.{word}_pool(x, (planes, 1), (step, 1), self.padding)
        return keras.ops.reshape(x, (-1, x.shape[1], u, v, channels))
'''

AROUND = """
    def __init__(self, *args, around, **kwargs):
        super().__init__(*args, **kwargs)
        self.around = around

    def compute_output_shape(self, input_shape):
        lengths = [n if n is None else n + sum(ends) for n, ends in zip(input_shape, self.around)]
        return super().compute_output_shape(tuple(lengths))
"""


class InTwo(Base):
    """Base of them, ahead of what says what is taken: of each plane its rows and columns, then of these the planes.

    Means over the cells that there are, and first maxima, are the same either way.
    """

    def _padded(self, site: Site) -> list[tuple[int, int]] | None:
        """Return what is put around the input by hand; None where a framework's own padding says it."""
        around = self._around(site)
        counted = getattr(self, "count_include_pad", False) and any(map(any, around))
        return around if counted or not isinstance(self.padding, str) else None

    def keras(self, site: Site) -> KerasCode:
        """Return Keras's layer with a call of its own."""
        around, title, lies = self._padded(site), self.natives["keras"].title, laid_last(self.data_format)
        name = f"{'Flat' if around is None else 'Padded'}{title}"
        value = ', constant_values=float("-inf")' if self.fill else ""
        source = KERAS.format(
            name=name, base=title, word={"max": "max", "avg": "average"}[self.word],
            around="" if around is None else AROUND,
            padded="" if around is None else f"\n        inputs = keras.ops.pad(inputs, self.around{value})",
        )  # fmt: skip
        told = {"strides": self._stride_source()}
        told |= {} if around is None else {"padding": None, "around": tf_pads(around)}
        layer = self.keras_layer(site, name, **told)
        return KerasCode(layer=layer, helpers=(Helper(name=name, source=source),), reads=lies, writes=lies)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        """Return the two poolings."""
        around, size, steps = self._padded(site), list(self.windows), list(self.steps())
        lengths = lengths_of(site.input_shape, self.data_format)
        planes, rows, columns = self._positions(lengths)
        x, padding = "x", str(self.padding).upper()
        if around is not None:
            value = ', constant_values=float("-inf")' if self.fill else ""
            x, padding = f"tf.pad(x, {tf_pads(around)}{value})", "VALID"
            lengths = tuple(n + sum(ends) for n, ends in zip(lengths, around, strict=True))
        channels, pooled = channels_of(site.input_shape, self.data_format), f"tf.nn.{self.word}_pool2d"
        code = super().tensorflow(site)
        body = (
            "# Of rows and columns, then of planes: there is no pooling of all three in float64.",
            f"x = tf.reshape({x}, [-1, {lengths[1]}, {lengths[2]}, {channels}])",
            f'x = {pooled}(x, {size[1:]}, {steps[1:]}, "{padding}")',
            f"x = tf.reshape(x, [-1, {lengths[0]}, {rows * columns}, {channels}])",
            f'x = {pooled}(x, {[size[0], 1]}, {[steps[0], 1]}, "{padding}")',
            f"return tf.reshape(x, [-1, {planes}, {rows}, {columns}, {channels}])",
        )
        return TensorFlowCode(body=body, doc=code.doc, reads=code.reads, writes=code.writes)
