"""concatenate: what it reads side by side along an axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from parity.code import Case, KerasCode, Site, TensorFlowCode, TorchCode, axes_of
from parity.entries import Shape, read_in
from parity.lazy import differentiable
from parity.native import Native, same
from parity.ops import Op, ShapeError

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays


class Concatenate(Op):
    """y = [a, b, ...] along ``axis``, which counts the batch axis as 0, as in Keras; -1 is the last, the channels.

    ``torch.cat`` and ``tf.concat`` have no axis of their own; a PyTorch model on channels first concatenates along 1.
    """

    kind: ClassVar[str] = "concatenate"
    ports: ClassVar[tuple[str, ...]] = ()
    source: ClassVar = read_in(keras="layers/merging/concatenate")
    natives: ClassVar = {"keras": Native("keras.layers.Concatenate", same("axis"), own={"axis": -1})}

    axis: int = Field(default=-1, description="axis along which they stand side by side; 0 is the batch")

    def _axis(self, rank: int) -> int:
        """Return the axis, counted from 0 with the batch axis."""
        axis = self.axis + rank + 1 if self.axis < 0 else self.axis
        if not 1 <= axis <= rank:
            raise ShapeError(f"axis {self.axis} of concatenate: it reads tensors of {rank} axes beside the batch axis")
        return axis

    def output_shape(self, shape: Any) -> Shape:
        told = " and ".join(map(str, shape))
        if len({len(one) for one in shape}) > 1:
            raise ShapeError(f"concatenate reads tensors with as many axes each, it is given {told}")
        at = self._axis(len(shape[0])) - 1
        if len({(*one[:at], *one[at + 1 :]) for one in shape}) > 1:
            raise ShapeError(f"concatenate reads tensors that differ along axis {self.axis} alone, it is given {told}")
        return (*shape[0][:at], sum(one[at] for one in shape), *shape[0][at + 1 :])

    def forward(self, x: Any, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return differentiable.concatenate(x, axis=self._axis(x[0].ndim - 1))

    def _lying(self, site: Site) -> int:
        """Return the axis where the tensors lie as they reach the layer."""
        rank = len(site.input_shape)
        axis = axes_of(site.layout, rank).index(self._axis(rank))
        return -1 if axis == rank else axis

    def keras(self, site: Site) -> KerasCode:
        return KerasCode(layer=self.keras_layer(site, axis=str(self._lying(site))), reads="any", writes="any")

    def tensorflow(self, site: Site) -> TensorFlowCode:
        body = f"return tf.concat([{', '.join(site.arguments)}], axis={self._lying(site)})"
        return TensorFlowCode(
            body=(body,), doc=f"Side by side along axis {self._lying(site)}.", reads="any", writes="any"
        )

    def torch(self, site: Site) -> TorchCode:
        forward = f"torch.cat([{', '.join(site.arguments)}], dim={self._lying(site)})"
        return TorchCode(modules={}, forward=forward, reads="any", writes="any")

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="channels side by side", fields={}, x=[[[1.0, 2.0]], [[3.0]]], expected=[[1.0, 2.0, 3.0]]),
            Case(shows="along axis 1, rows of a sequence", fields={"axis": 1}, x=[[[[1.0, 2.0]]], [[[3.0, 4.0]]]],
                 expected=[[[1.0, 2.0], [3.0, 4.0]]]),
        ]  # fmt: skip
