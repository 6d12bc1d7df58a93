"""What normalizations share that scale and shift what they have normalized."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PositiveFloat

from parity.code import Helper, Layout, Parameter, Site, TorchCode
from parity.entries import Shape
from parity.initializers import AnyInitializer, Initializer
from parity.initializers.ones import Ones
from parity.initializers.zeros import Zeros
from parity.lazy import differentiable as np
from parity.ops import Op

if TYPE_CHECKING:
    from parity.code import Arrays

STARTED = ("epsilon", "center", "scale", "gamma_initializer", "beta_initializer")
"""Fields that Keras's layers call as they are called here."""

WITHOUT = Helper(
    name="without",
    source='''
def without(module, parameter):
    """Return a module with one of its parameters left out."""
    module.register_parameter(parameter, None)
    return module
''',
)


def vector(shape: Shape, initializer: Initializer, trainable: bool = True) -> Parameter:
    """Return a parameter that scales or shifts; its fans are its size, as Keras takes them of one axis."""
    size = math.prod(shape)
    return Parameter(shape=shape, initializer=initializer, fan_in=size, fan_out=size, feeds=size, trainable=trainable)


class Scaling(Op):
    """Base of them: an entry says along which axes it takes mean and variance, and the shape of gamma and beta."""

    wide: ClassVar[bool] = True
    rescales: ClassVar[bool] = True
    started: ClassVar = ("gamma", "beta")
    native: ClassVar = {"torch": {"epsilon": 1e-5}}

    epsilon: PositiveFloat = Field(default=1e-3, description="added to the variance")
    center: bool = Field(default=True, description="add beta")
    scale: bool = Field(default=True, description="multiply by gamma")
    beta_initializer: AnyInitializer = Field(default=Zeros(), description="how beta starts")
    gamma_initializer: AnyInitializer = Field(default=Ones(), description="how gamma starts")

    def scaled_shape(self, shape: Shape) -> Shape:
        """Return the shape of gamma and beta, for an input of the given shape."""
        raise TypeError(f"{type(self).__name__} scales nothing")

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return gamma and beta, where there are any."""
        size = self.scaled_shape(self.output_shape(shape))
        found = {"gamma": vector(size, self.gamma_initializer)} if self.scale else {}
        return found | ({"beta": vector(size, self.beta_initializer)} if self.center else {})

    def _normalized(self, x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
        mean, variance = np.mean(x, axis=axes, keepdims=True), np.var(x, axis=axes, keepdims=True)
        return (x - mean) / np.sqrt(variance + self.epsilon)

    def _shifted(self, x: np.ndarray, p: Arrays, shape: Shape) -> np.ndarray:
        gamma, beta = (p[name].reshape(shape) if name in p else None for name in ("gamma", "beta"))
        x = x if gamma is None else x * gamma
        return x if beta is None else x + beta

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when what starts a parameter is said of one that is not there."""
        if (field == "beta_initializer" and not self.center) or (field == "gamma_initializer" and not self.scale):
            return f"there is no {field.partition('_')[0]}"
        return ""

    def _factors(self, site: Site) -> tuple[str, str]:
        """Return offset and scale as TensorFlow is given them."""
        offset = f"self.{site.name}_beta" if self.center else "None"
        return offset, f"self.{site.name}_gamma" if self.scale else "None"

    def _torch(self, site: Site, made: str, helpers: tuple[Helper, ...] = (), layout: Layout = "as_said") -> TorchCode:
        """Return PyTorch's module, which has both parameters or none, without the one that is not wanted."""
        if self.scale != self.center:
            made = f'without({made}, "{"bias" if self.scale else "weight"}")'
            helpers = (*helpers, WITHOUT)
        return self._made(site, made, helpers, layout)

    def _made(self, site: Site, made: str, helpers: tuple[Helper, ...], layout: Layout) -> TorchCode:
        return TorchCode(
            modules={site.name: made},
            forward=f"self.{site.name}(x)",
            reads=layout,
            writes=layout,
            weights=self.natives["torch"].kept_at(site.name, self.parameters(site.input_shape)),
            output=site.name,
            helpers=helpers,
        )

    def _affine(self) -> str | None:
        return None if self.scale or self.center else "False"
