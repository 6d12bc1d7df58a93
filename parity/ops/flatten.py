"""flatten: (N, a, b, ...) becomes (N, a b ...), in row-major order of the channels-last tensor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from parity.entries import Shape
from parity.ops import Op
from parity.written import Case, KerasCode, Site, TensorFlowCode, TorchCode, call

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from parity.written import Arrays


class Flatten(Op):
    """y[n, (i J + j) ...] = x[n, i, j, ...], row-major over the channels-last tensor.

    A PyTorch model that flattens its channels-first tensor has the same shapes with the features in another
    order, so dense kernels cannot be carried over: the PyTorch program moves the channels last first.
    """

    kind: ClassVar[str] = "flatten"
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/layers/reshaping/flatten.py",
        "tensorflow": "tensorflow/python/ops/array_ops.py",
        "torch": "torch/nn/modules/flatten.py",
    }

    def output_shape(self, shape: Shape) -> Shape:
        """Return the product of the input's axes."""
        return (math.prod(shape),)

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        """Return x as (N, features)."""
        return x.reshape(len(x), -1)

    def vjp(
        self, x: np.ndarray, p: Arrays, dy: np.ndarray, mask: np.ndarray | None = None
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return dy in the input's shape."""
        return dy.reshape(x.shape), {}

    def keras(self, site: Site) -> KerasCode:
        """Return ``keras.layers.Flatten``."""
        return KerasCode(layer=call("keras.layers.Flatten", name=repr(site.name)))

    def tensorflow(self, site: Site) -> TensorFlowCode:
        """Return ``tf.reshape``."""
        features = math.prod(site.input_shape)
        return TensorFlowCode(body=(f"return tf.reshape(x, (-1, {features}))",), doc=f"To (N, {features}).")

    def torch(self, site: Site) -> TorchCode:
        """Return ``nn.Flatten``, given the channels last."""
        return TorchCode(modules={site.name: "nn.Flatten()"}, forward=f"self.{site.name}(x)", output=site.name)

    @classmethod
    def cases(cls) -> list[Case]:
        """Return the hand-worked cases."""
        return [
            Case(shows="channels run fastest; channels first would give 1, 3, 5, 2, 4, 6", fields={},
                 x=[[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]], expected=[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]]),
        ]  # fmt: skip
