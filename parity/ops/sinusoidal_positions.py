"""sinusoidal_positions: sines and cosines of the place added at every place of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PositiveFloat

from parity.code import Case, Helper, KerasCode, Site, TensorFlowCode, call
from parity.entries import Shape
from parity.lazy import differentiable as np
from parity.ops import ShapeError
from parity.ops.single import Single, module

if TYPE_CHECKING:
    from parity.code import Arrays

WAVES = Helper(
    name="waves",
    source='''
def waves(length, channels, longest, halves):
    """Return sines and cosines of every place, their wavelengths from 2 pi to 2 pi longest."""
    channel = np.arange(channels)
    sines = -(-channels // 2)
    pair = np.where(channel < sines, channel, channel - sines) if halves else channel // 2
    angles = np.arange(length)[:, None] * longest ** (-2.0 * pair / channels)
    return np.where((channel < sines) if halves else channel % 2 == 0, np.sin(angles), np.cos(angles))
''',
)

KERAS = Helper(
    name="SinusoidalPositions",
    source='''
class SinusoidalPositions(keras.layers.Layer):
    """Sines and cosines of the place added at every place."""

    def __init__(self, longest, halves, **kwargs):
        super().__init__(**kwargs)
        self.longest, self.halves = longest, halves

    def call(self, inputs):
        added = waves(*inputs.shape[1:], self.longest, self.halves)
        return inputs + keras.ops.convert_to_tensor(added, inputs.dtype)
''',
)


class SinusoidalPositions(Single):
    """y[n, t, c] = x[n, t, c] + sin(t max_wavelength^(-2 k / channels)), or the cosine; k counts pairs of the two.

    Vaswani and others, "Attention is all you need" (2017), section 3.5: a sine and its cosine side by side
    (``interleaved``); their own code had all sines ahead of all cosines (``halves``), and ports of it still do. Nothing
    is trained. Neither Keras nor PyTorch has a layer of it; Keras Hub's ``SinePositionEncoding`` is ``interleaved``.
    """

    kind: ClassVar[str] = "sinusoidal_positions"
    helpers: ClassVar[tuple[Helper, ...]] = (
        WAVES,
        module("SinusoidalPositions", "Sines and cosines of the place added at every place.", "longest, halves",
               "x + torch.tensor(waves(*x.shape[1:], self.longest, self.halves)).to(x)"),
    )  # fmt: skip

    max_wavelength: PositiveFloat = Field(default=10000.0, description="the longest wave, over 2 pi")
    order: Literal["interleaved", "halves"] = Field(
        default="interleaved", description="a sine and its cosine side by side, or all sines ahead of all cosines"
    )

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 2:
            raise ShapeError(f"{self.kind} reads (length, channels), it is given {shape}")
        return shape

    def _waves(self, length: int, channels: int) -> np.ndarray:
        channel, sines = np.arange(channels), -(-channels // 2)
        pair, sine = channel // 2, channel % 2 == 0
        if self.order == "halves":
            pair, sine = np.where(channel < sines, channel, channel - sines), channel < sines
        angles = np.arange(length)[:, None] * self.max_wavelength ** (-2.0 * pair / channels)
        return np.where(sine, np.sin(angles), np.cos(angles))

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return x + self._waves(*x.shape[1:])

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when a sine and a cosine are all there is, and when there is one place."""
        if field == "order" and shape[-1] < 3:
            return "there is one sine, and one cosine at most"
        return "there is one place" if field == "max_wavelength" and shape[0] == 1 else ""

    def _told(self) -> str:
        return f"{self.max_wavelength!r}, {self.order == 'halves'}"

    def keras(self, site: Site) -> KerasCode:
        made = call(KERAS.name, self._told(), trainable=self.keras_trainable(), name=repr(site.name))
        return KerasCode(layer=made, helpers=(WAVES, KERAS))

    def tensorflow(self, site: Site) -> TensorFlowCode:
        added = f"waves({', '.join(map(str, site.input_shape))}, {self._told()})"
        body = (f"return x + tf.constant({added}, x.dtype)",)
        return TensorFlowCode(body=body, doc="Sines and cosines of the place are added.", helpers=(WAVES,))

    def modules(self, site: Site) -> dict[str, str]:
        return {"": f"SinusoidalPositions({self._told()})"}

    @classmethod
    def cases(cls) -> list[Case]:
        import math

        x, one, hundredth = [[[0.0] * 4, [0.0] * 4]], (math.sin(1.0), math.cos(1.0)), (math.sin(0.01), math.cos(0.01))
        return [
            Case(shows="waves of 1 and of a hundredth, a sine and its cosine side by side", fields={}, x=x,
                 expected=[[[0.0, 1.0, 0.0, 1.0], [*one, *hundredth]]]),
            Case(shows="sines ahead of cosines", fields={"order": "halves"}, x=x,
                 expected=[[[0.0, 0.0, 1.0, 1.0], [one[0], hundredth[0], one[1], hundredth[1]]]]),
            Case(shows="an odd number of channels, and waves that grow less", fields={"max_wavelength": 8.0},
                 x=[[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]],
                 expected=[[[1.0, 2.0, 1.0], [1 + one[0], 1 + one[1], 1 + math.sin(0.25)]]]),
        ]  # fmt: skip
