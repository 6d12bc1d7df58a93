"""What layers share that are a layer of Keras's, an expression of TensorFlow's and a module of PyTorch's."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.code import Helper, KerasCode, Layout, Site, TensorFlowCode, TorchCode
from parity.entries import Shape
from parity.ops import Op, ShapeError
from parity.ops.windows import DataFormat, laid_first, laid_last, wanted_axes


class Single(Op):
    """Base of them: an entry says the expression, and the module where that is not its table's."""

    helpers: ClassVar[tuple[Helper, ...]] = ()
    """Classes that its module in PyTorch is made of."""

    def lies(self, framework: str) -> Layout:
        """Return the layout that a framework's part reads and writes."""
        del framework
        return "as_said"

    def keras(self, site: Site) -> KerasCode:
        return KerasCode(layer=self.keras_layer(site), reads=self.lies("keras"), writes=self.lies("keras"))

    def expression(self, site: Site) -> str:
        """Return what it is of ``x`` in TensorFlow."""
        raise TypeError(f"{type(self).__name__} has no expression")

    def said(self, site: Site) -> str:
        """Return what it does, in a line."""
        return f"To (N, {', '.join(map(str, self.output_shape(site.input_shape)))})."

    def tensorflow(self, site: Site) -> TensorFlowCode:
        lies = self.lies("tensorflow")
        return TensorFlowCode(body=(f"return {self.expression(site)}",), doc=self.said(site), reads=lies, writes=lies)

    def modules(self, site: Site) -> dict[str, str]:
        """Return PyTorch's modules by the ends of their names, in order; the first has none."""
        return {"": self.natives["torch"].source(self)}

    def torch(self, site: Site) -> TorchCode:
        modules = {"_".join(filter(None, (site.name, end))): made for end, made in self.modules(site).items()}
        forward = "x"
        for one in modules:
            forward = f"self.{one}({forward})"
        return TorchCode(
            modules=modules,
            forward=forward,
            reads=self.lies("torch"),
            writes=self.lies("torch"),
            output=next(reversed(modules)),
            helpers=self.helpers,
        )


class Elementwise(Single):
    """Base of those that do the same to every value, however a tensor lies."""

    def lies(self, framework: str) -> Layout:
        return "any"


class Spatial(Single):
    """Base of those that know places and channels: an entry says what its axes of places are called."""

    places: ClassVar[tuple[str, ...]]
    """What the axes are called that its places are counted along."""

    data_format: DataFormat = Field(default="channels_last", description="where the channels stand, before and after")

    def channels_at(self) -> DataFormat:
        return self.data_format

    def lies(self, framework: str) -> Layout:
        return laid_first(self.data_format) if framework == "torch" else laid_last(self.data_format)

    def checked(self, shape: Shape) -> Shape:
        """Return the shape of the input.

        Raises:
            ShapeError: when it has other axes.
        """
        if len(shape) != len(self.places) + 1:
            raise ShapeError(f"{self.kind} reads ({wanted_axes(self.places, self.data_format)}), it is given {shape}")
        return shape


def module(name: str, said: str, arguments: str, forward: str) -> Helper:
    """Return a module of PyTorch that keeps its arguments and computes one expression.

    Args:
        name: of its class.
        said: its docstring.
        arguments: their names, as they stand in its constructor.
        forward: what it returns, of ``x`` and of the arguments as ``self.NAME``.
    """
    names = [one.strip().lstrip("*").partition("=")[0] for one in arguments.split(",") if one.strip()]
    kept = "".join(f"        self.{one} = {one}\n" for one in names)
    made = f"    def __init__(self, {arguments}):\n        super().__init__()\n{kept}\n" if names else ""
    return Helper(
        name=name,
        source=f'\nclass {name}(nn.Module):\n    """{said}"""\n\n{made}'
        f"    def forward(self, x):\n        return {forward}\n",
    )
