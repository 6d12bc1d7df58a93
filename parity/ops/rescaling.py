"""rescaling: y = x scale + offset."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from parity.code import Case, Helper, Site
from parity.entries import read_in
from parity.native import Native, same
from parity.ops.single import Elementwise, module

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays


class Rescaling(Elementwise):
    """y = x scale + offset.

    For pixels of 0 to 255 a scale of 1 / 255, a layer of the model in Keras and no part of the data. Neither PyTorch
    nor TensorFlow has such a layer. A number for each channel, which Keras takes too, is not to be said here.
    """

    kind: ClassVar[str] = "rescaling"
    passes_mask: ClassVar[bool] = True
    short: ClassVar[str | None] = "scale"
    source: ClassVar = read_in(keras="layers/preprocessing/rescaling")
    natives: ClassVar = {
        "keras": Native("keras.layers.Rescaling", same("scale", "offset"), leading=("scale",), own={"offset": 0.0})
    }
    helpers: ClassVar[tuple[Helper, ...]] = (
        module(
            "Rescaling", "x times a scale, moved by an offset.", "scale, offset=0.0", "x * self.scale + self.offset"
        ),
    )

    scale: float = Field(description="what x is multiplied by")
    offset: float = Field(default=0.0, description="what is added after that")

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return x * self.scale + self.offset

    def expression(self, site: Site) -> str:
        return f"x * {self.scale!r}" + (f" + {self.offset!r}" if self.offset else "")

    def said(self, site: Site) -> str:
        """Return the scale."""
        return f"Times {self.scale:g}."

    def modules(self, site: Site) -> dict[str, str]:
        return {"": f"Rescaling({self.scale!r}" + (f", {self.offset!r})" if self.offset else ")")}

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="the offset is not scaled", fields={"scale": 2.0, "offset": -1.0}, x=[[0.0, 3.0]],
                 expected=[[-1.0, 5.0]]),
            Case(shows="a scale that float32 has not", fields={"scale": 0.1}, x=[[1.0, 3.0]], expected=[[0.1, 0.3]]),
        ]  # fmt: skip
