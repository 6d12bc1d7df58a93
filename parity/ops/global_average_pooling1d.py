"""global_average_pooling1d: y[n, c] = mean over t of x[n, t, c]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from parity.code import Case, Helper, Site, TensorFlowCode, TorchCode
from parity.entries import Shape
from parity.lazy import differentiable as np
from parity.ops.global_pooling import GlobalAveragePooling, global_pool

if TYPE_CHECKING:
    from parity.code import Arrays

MASKED_MEAN = Helper(
    name="MaskedMean",
    source='''
class MaskedMean(nn.Module):
    """The mean of every channel over the steps that count."""

    def __init__(self, keepdim=False):
        super().__init__()
        self.keepdim = keepdim

    def forward(self, x, mask):
        seen = mask.unsqueeze(-1)
        return torch.where(seen, x, 0.0).sum(1, self.keepdim) / seen.sum(1, self.keepdim)
''',
)


class GlobalAveragePooling1D(GlobalAveragePooling):
    """y[n, c] = mean over t of x[n, t, c]: one number of every channel.

    ``nn.AdaptiveAvgPool1d(1)`` leaves the axes of the places, each of length 1; Keras drops them unless told
    ``keepdims``. With the channels first and no word of it, the mean is over another axis, and may fit all the same.
    Of masked steps, the mean is over those that count; of a row with none it is 0 / 0, no number, as in Keras.
    """

    kind: ClassVar[str] = "global_average_pooling1d"
    uses_mask: ClassVar[bool] = True
    places: ClassVar = ("length",)
    natives: ClassVar = global_pool(1, "Average")

    def mask_fault(self, masked: Sequence[Shape | None], shape: Shape) -> str:
        if self.data_format == "channels_last":
            return ""
        return f"{self.kind} of masked steps takes the channels last: set its data_format, or leave the mask out"

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        seen = self.steps_seen
        if seen is None:
            return super().forward(x, p, mask)
        total = np.sum(np.where(seen[:, :, None], x, 0.0), axis=1, keepdims=self.keepdims)
        return total / np.sum(seen[:, :, None], axis=1, keepdims=self.keepdims)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        if not any(site.masked):
            return super().tensorflow(site)
        kept = ", keepdims=True" if self.keepdims else ""
        return TensorFlowCode(
            body=(
                "seen = tf.cast(mask, x.dtype)[:, :, None]",
                "x = tf.where(mask[:, :, None], x, tf.zeros_like(x))",
                f"return tf.reduce_sum(x, axis=1{kept}) / tf.reduce_sum(seen, axis=1{kept})",
            ),
            doc="Mean of every channel over the steps that count.",
        )

    def torch(self, site: Site) -> TorchCode:
        if not any(site.masked):
            return super().torch(site)
        made = f"MaskedMean({'keepdim=True' if self.keepdims else ''})"
        return TorchCode(
            modules={site.name: made}, forward=f"self.{site.name}(x, mask)", output=site.name, helpers=(MASKED_MEAN,)
        )

    @classmethod
    def cases(cls) -> list[Case]:
        x, first = [[[1.0, 8.0], [3.0, 4.0]]], {"data_format": "channels_first"}
        return [
            Case(shows="one number of every channel, the axes gone", fields={}, x=x, expected=[[2.0, 6.0]]),
            Case(shows="of masked steps, the mean of the others", fields={}, x=[[[1.0, 8.0], [3.0, 4.0], [5.0, 9.0]]],
                 steps=[[True, False, True]], expected=[[3.0, 8.5]]),
            Case(shows="the axes kept", fields={"keepdims": True}, x=x, expected=[[[2.0, 6.0]]]),
            Case(shows="channels first: along the last axis", fields=first, x=x, expected=[[4.5, 3.5]]),
            Case(shows="channels first, the axes kept", fields=first | {"keepdims": True}, x=x,
                 expected=[[[4.5], [3.5]]]),
        ]  # fmt: skip
