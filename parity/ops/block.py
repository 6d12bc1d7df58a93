"""block: layers that are written once and stand there as often as is said."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

from pydantic import Field, PositiveInt, TypeAdapter, field_validator

from parity.code import KerasCode, Site, TensorFlowCode, TorchCode
from parity.entries import Shape
from parity.ops import Op, layer_type

INPUT = "input"
"""What layers of a block call what the block reads."""


@cache
def layers_adapter() -> TypeAdapter[tuple[Op, ...]]:
    """Return what reads layers: made once, since making it takes longer than reading them."""
    layers: Any = tuple[layer_type(), ...]  # type: ignore[misc]
    return TypeAdapter(layers)


class Block(Op):
    """The layers of a block, ``repeat`` times, each time behind the last; the weights are others each time.

    A layer called ``conv`` in a block called ``res`` is ``res_1_conv``, ``res_2_conv``, ... in the model, and
    ``res_conv`` where the block stands there once. ``inputs`` of such a layer names another one of the block, ``input``
    for what the block reads, or a layer outside.
    """

    kind: ClassVar[str] = "block"

    repeat: PositiveInt = Field(default=1, description="how often the layers stand there, one time behind the other")
    layers: tuple[Any, ...] = Field(min_length=1, description="the layers, as a model has them")

    @field_validator("layers", mode="before")
    @classmethod
    def _of_layers(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return layers_adapter().validate_python(tuple(value))
        return value

    def output_shape(self, shape: Shape) -> Shape:
        raise TypeError("a model has the layers themselves in the place of `block`")

    def keras(self, site: Site) -> KerasCode:
        raise TypeError("a model has the layers themselves in the place of `block`")

    def tensorflow(self, site: Site) -> TensorFlowCode:
        raise TypeError("a model has the layers themselves in the place of `block`")

    def torch(self, site: Site) -> TorchCode:
        raise TypeError("a model has the layers themselves in the place of `block`")
