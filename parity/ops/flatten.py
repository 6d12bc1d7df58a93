"""flatten: (N, a, b, ...) becomes (N, a b ...), in row-major order of the tensor as the spec has it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from parity.code import Case, KerasCode, Site, TensorFlowCode, TorchCode
from parity.entries import Shape, read_in
from parity.native import Native, same
from parity.ops import Op
from parity.ops.windows import DataFormat, laid_last, to_channels_last

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays, Layout


class Flatten(Op):
    """y[n, (i J + j) ...] = x[n, i, j, ...], row-major over the tensor as the spec has it.

    A PyTorch model that flattens its channels-first tensor has the same shapes as a channels-last model, with the
    features in another order, so dense kernels cannot be carried over: the PyTorch program moves the channels last
    first. With data_format ``channels_first``, axis 1 is moved last before, as Keras does it: the features then have
    the order that the channels-last model gives them.
    """

    kind: ClassVar[str] = "flatten"
    keeps_sign: ClassVar[bool] = True
    source: ClassVar = read_in(keras="layers/reshaping/flatten", tensorflow="ops/array_ops", torch="nn/modules/flatten")

    natives: ClassVar = {"keras": Native("keras.layers.Flatten", same("data_format")), "torch": Native("nn.Flatten")}

    data_format: DataFormat = Field(
        default="channels_last", description="channels_first: the first axis, the channels, is moved last before"
    )

    def channels_at(self) -> DataFormat:
        return self.data_format

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return to_channels_last(x, self.data_format).reshape(len(x), -1)

    def keras(self, site: Site) -> KerasCode:
        lies = self._lies(site)
        own = self.data_format == "channels_first" and lies == "as_said"
        data_format = repr("channels_first") if own else None
        return KerasCode(layer=self.keras_layer(site, data_format=data_format), reads=lies)

    def _lies(self, site: Site) -> Layout:
        """Return how the tensor is flattened: it may stand right already."""
        return "to_last" if self.data_format == "channels_first" and site.layout == "to_last" else "as_said"

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when there are not two axes that could stand in another order."""
        lengths = [length for length in shape if length > 1]
        return "no two axes are longer than 1" if field == "data_format" and len(lengths) < 2 else ""

    def tensorflow(self, site: Site) -> TensorFlowCode:
        features = math.prod(site.input_shape)
        lies = laid_last(self.data_format)
        return TensorFlowCode(body=(f"return tf.reshape(x, (-1, {features}))",), doc=f"To (N, {features}).", reads=lies)

    def torch(self, site: Site) -> TorchCode:
        return TorchCode(
            modules={site.name: self.natives["torch"].source(self)},
            forward=f"self.{site.name}(x)",
            reads=laid_last(self.data_format),
            output=site.name,
        )

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="channels run fastest; channels first would give 1, 3, 5, 2, 4, 6", fields={},
                 x=[[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]], expected=[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]),
            Case(shows="channels_first moves the channels last before", fields={"data_format": "channels_first"},
                 x=[[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]], expected=[[1.0, 3.0, 5.0, 2.0, 4.0, 6.0]]),
        ]  # fmt: skip
