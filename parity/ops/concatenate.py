"""concatenate: what it reads side by side along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from parity.code import Case, Helper, KerasCode, Site, TensorFlowCode, TorchCode, axes_of
from parity.entries import Shape, read_in
from parity.lazy import differentiable
from parity.native import Native, same
from parity.ops import Op, ShapeError
from parity.ops.masks import letters

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays


KERAS = Helper(
    name="MaskedConcatenate",
    source='''
class MaskedConcatenate(keras.layers.Concatenate):
    """Concatenate with the mask made of other operations: that of its own is called concatenate, as a layer may be."""

    def compute_mask(self, inputs, mask=None):
        if mask is None or all(one is None for one in mask):
            return None
        if self.axis in (-1, len(inputs[0].shape) - 1):
            found = None if any(one is None for one in mask) else mask[0]
            for one in mask[1:] if found is not None else ():
                found = keras.ops.logical_or(found, one)
            return found
        masks = [keras.ops.ones_like(x[..., 0], "bool") if one is None else one for x, one in zip(inputs, mask)]
        found = masks[0]
        for one in masks[1:]:
            found = keras.ops.append(found, one, axis=self.axis)
        return found
''',
)


class Concatenate(Op):
    """y = [a, b, ...] along ``axis``, which counts the batch axis as 0, as in Keras; -1 is the last, the channels.

    ``torch.cat`` and ``tf.concat`` have no axis of their own; a PyTorch model on channels first concatenates along 1.
    Of masks, Keras makes one beside the other, too, and along the last axis one that counts a step that counts in any;
    in a tensor without a mask every step does.
    """

    kind: ClassVar[str] = "concatenate"
    ports: ClassVar[tuple[str, ...]] = ()
    passes_mask: ClassVar[bool] = True
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

    def mask_of(self, masked: Sequence[bool], shapes: Sequence[Shape]) -> str:
        names, axis = letters(len(masked)), self._axis(len(shapes[0]))
        if axis == len(shapes[0]):
            return super().mask_of(masked, shapes)
        told = [
            f"{name}_mask" if one else f"every_step({name}, {shape[:-1]})"
            for name, one, shape in zip(names, masked, shapes, strict=True)
        ]
        return f"concatenate([{', '.join(told)}], axis={axis})" if any(masked) else ""

    def forward(self, x: Any, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return differentiable.concatenate(x, axis=self._axis(x[0].ndim - 1))

    def _lying(self, site: Site) -> int:
        """Return the axis where the tensors lie as they reach the layer."""
        rank = len(site.input_shape)
        axis = axes_of(site.layout, rank).index(self._axis(rank))
        return -1 if axis == rank else axis

    def keras(self, site: Site) -> KerasCode:
        name, helpers = (KERAS.name, (KERAS,)) if any(site.masked) else ("", ())
        layer = self.keras_layer(site, name, axis=str(self._lying(site)))
        return KerasCode(layer=layer, reads="any", writes="any", helpers=helpers)

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
