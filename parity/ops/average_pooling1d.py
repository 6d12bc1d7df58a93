"""average_pooling1d: y[n, t, c] = mean_k x[n, t s + k - pad, c], over the cells that there are."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, PositiveInt

from parity.code import Case
from parity.ops.around import Padding1
from parity.ops.pooling import AveragePooling, pool


class AveragePooling1D(AveragePooling):
    """y[n, t, c] = mean_k x[n, t s + k - pad, c] over a window of ``pool_size``.

    ``same`` puts cells around the input so that length' = ceil(length / s), the odd one after the end. Keras and
    TensorFlow leave them out of the count; ``nn.AvgPool1d`` divides by ``pool_size`` unless told
    ``count_include_pad=False``: with the same shape, its edges are smaller.
    """

    kind: ClassVar[str] = "average_pooling1d"
    axes: ClassVar = ("length",)
    natives: ClassVar = pool(1, "Average")

    pool_size: PositiveInt = Field(default=2, description="length of the window")
    strides: PositiveInt | None = Field(default=None, description="step of the window; pool_size if not said")
    padding: Padding1 = Field(
        default="valid", description="cells around it: valid for none, same, or as many as zero_padding1d is told"
    )

    @classmethod
    def cases(cls) -> list[Case]:
        ramp, same = [[[2.0], [4.0], [9.0]]], {"pool_size": 3, "strides": 1, "padding": "same"}
        return [
            Case(shows="what does not fill a window is cut off", fields={"pool_size": 2}, x=ramp, expected=[[[3.0]]]),
            Case(shows="the edges are means of two cells", fields=same, x=ramp, expected=[[[3.0], [5.0], [6.5]]]),
            Case(shows="counting what stands around, a third of two cells", fields=same | {"count_include_pad": True},
                 x=ramp, expected=[[[2.0], [5.0], [13 / 3]]]),
            Case(shows="an even window reaches over the end only", fields={"padding": "same"}, x=ramp,
                 expected=[[[3.0], [9.0]]]),
            Case(shows="counted, the cell after the end halves the last one", x=ramp,
                 fields={"padding": "same", "count_include_pad": True}, expected=[[[3.0], [4.5]]]),
            Case(shows="padded in numbers, the cells around it are not counted", x=ramp, fields={"padding": 1},
                 expected=[[[2.0], [6.5]]]),
            Case(shows="or they are", x=ramp, fields={"padding": 1, "count_include_pad": True},
                 expected=[[[1.0], [6.5]]]),
            Case(shows="more than half a window of them, which PyTorch's own refuses", x=ramp,
                 fields={"pool_size": 3, "padding": 2}, expected=[[[2.0], [6.5]]]),
            Case(shows="as many of them, counted", x=ramp,
                 fields={"pool_size": 3, "padding": 2, "count_include_pad": True}, expected=[[[2 / 3], [13 / 3]]]),
            Case(shows="channels first: along the last axis", x=[[[1.0, 3.0], [5.0, 9.0]]],
                 fields={"data_format": "channels_first"}, expected=[[[2.0], [7.0]]]),
        ]  # fmt: skip
