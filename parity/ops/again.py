"""again: a layer of the model once more, with the same weights."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import KerasCode, Site, TensorFlowCode, TorchCode
from parity.entries import Shape
from parity.ops import Op


class Again(Op):
    """y = layer(x), with the weights of ``layer``, whose gradients add up over all that it is given.

    A model's graph has the layer itself in this place (``parity.spec.graph``), so that it has no meaning of its own: in
    Keras the layer is called once more, in PyTorch and raw TensorFlow so is the module or the method.
    """

    kind: ClassVar[str] = "again"
    short: ClassVar[str | None] = "layer"
    naming: ClassVar = ("layer",)

    layer: str = Field(description="name of a layer above it, whose weights it uses once more")

    def output_shape(self, shape: Shape) -> Shape:
        raise TypeError("a graph has the layer itself in the place of `again`")

    def keras(self, site: Site) -> KerasCode:
        raise TypeError("a graph has the layer itself in the place of `again`")

    def tensorflow(self, site: Site) -> TensorFlowCode:
        raise TypeError("a graph has the layer itself in the place of `again`")

    def torch(self, site: Site) -> TorchCode:
        raise TypeError("a graph has the layer itself in the place of `again`")
