"""max_pooling1d: y[n, t, c] = max_k x[n, t s + k - pad, c]."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, PositiveInt

from parity.code import Case
from parity.ops.around import Padding1
from parity.ops.pooling import MaxPooling, pool


class MaxPooling1D(MaxPooling):
    """y[n, t, c] = max_k x[n, t s + k - pad, c], k = 0 ... pool_size - 1.

    ``same`` pads with -inf so that length' = ceil(length / s), the odd cell after the end; padding with zeros
    (``F.pad`` unless told) makes every negative edge 0, and ``nn.MaxPool1d(padding=...)`` pads both sides alike, which
    shifts the windows. Of equal maxima the first has the gradient, in every framework. Strides that are not said are
    ``pool_size``, in Keras and PyTorch.
    """

    kind: ClassVar[str] = "max_pooling1d"
    axes: ClassVar = ("length",)
    natives: ClassVar = pool(1, "Max")

    pool_size: PositiveInt = Field(default=2, description="length of the window")
    strides: PositiveInt | None = Field(default=None, description="step of the window; pool_size if not said")
    padding: Padding1 = Field(
        default="valid",
        description="cells around it, never the largest: valid for none, same, or as many as zero_padding1d is told",
    )

    @classmethod
    def cases(cls) -> list[Case]:
        row = [[[-1.0], [-5.0], [-2.0], [-4.0], [-3.0]]]
        return [
            Case(shows="what does not fill a window is cut off", fields={"pool_size": 2}, x=row,
                 expected=[[[-1.0], [-2.0]]]),
            Case(shows="same lets the last window reach over the end; padding with zeros would give 0 there",
                 fields={"pool_size": 2, "padding": "same"}, x=row, expected=[[[-1.0], [-2.0], [-3.0]]]),
            Case(shows="same with a stride and an even length pads after the end only; both sides give -1, -2",
                 fields={"pool_size": 3, "strides": 2, "padding": "same"}, x=[[[-5.0], [-1.0], [-4.0], [-2.0]]],
                 expected=[[[-1.0], [-2.0]]]),
            Case(shows="windows overlap where the stride is less than the size; channels are apart",
                 fields={"pool_size": 2, "strides": 1}, x=[[[1.0, 6.0], [3.0, 5.0], [2.0, 4.0]]],
                 expected=[[[3.0, 6.0], [3.0, 5.0]]]),
            Case(shows="channels first: along the last axis; an even length in same padding pads after its end",
                 fields={"pool_size": 3, "strides": 2, "padding": "same", "data_format": "channels_first"},
                 x=[[[-5.0, -1.0, -4.0, -2.0], [1.0, 2.0, 3.0, 4.0]]], expected=[[[-1.0, -2.0], [3.0, 4.0]]]),
            Case(shows="one cell on both sides, as PyTorch's padding=1, which is never the largest",
                 fields={"pool_size": 3, "strides": 2, "padding": 1}, x=[[[-1.0], [-3.0], [-4.0], [-2.0]]],
                 expected=[[[-1.0], [-2.0]]]),
        ]  # fmt: skip
