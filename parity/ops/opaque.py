"""opaque: what no entry reads of a program; it keeps its place, and runs only in the program that it was read from."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from parity.at_home import OpaquePart
from parity.code import KerasCode, Layout, Site, TensorFlowCode, TorchCode
from parity.entries import Shape, Strict
from parity.ops import Op
from parity.ops.drawing import Draw

Sizes = tuple[Annotated[int, Field(ge=1)], ...]


class OpaqueDraw(Strict):
    """Random numbers that an opaque layer is dealt in a step, as every layer is that draws."""

    shape: Sizes = Field(description="of what is drawn for a row")
    rate: float | None = Field(default=None, description="share of the values that a mask drops; none: normal numbers")


class OpaqueTensor(Strict):
    """A parameter that an opaque layer keeps."""

    name: str = Field(description="what the program calls it, in the layer")
    shape: tuple[int, ...] = Field(description="as it lies in the program")


class Opaque(OpaquePart, Op):
    """y is what a program's own layer, or a stretch of its operations, makes of what it reads; no meaning is known.

    A program is read with one where no entry is what it does: its place in the graph, its shapes and the parameters
    that it keeps are known, and nothing is guessed. In its own program it takes part as it is. It is compiled in no
    framework, and the NumPy reference goes on with what the program itself gave (``parity.recorded``).
    """

    kind: ClassVar[str] = "opaque"
    ports: ClassVar[tuple[str, ...]] = ()
    fewest: ClassVar[int] = 1
    reads_dtype: ClassVar[str] = "any"
    draws: ClassVar[bool] = True
    rate_fields: ClassVar[tuple[str, ...]] = ()
    descriptive: ClassVar[frozenset[str]] = OpaquePart.descriptive | {"tensors", "random"}

    shape: Sizes = Field(description="of what it gives for a row")
    tensors: tuple[OpaqueTensor, ...] = Field(default=(), description="parameters that it keeps: name and shape")
    random: Literal["own"] | tuple[OpaqueDraw, ...] = Field(
        default=(), description="what it is dealt in a training step, in order; own: it draws what nobody can deal"
    )

    @property
    def noise(self) -> bool:  # type: ignore[override]
        """Whether normal numbers are among what it is dealt."""
        return any(one.rate is None for one in self._dealt)

    @property
    def draws_itself(self) -> bool:
        """Whether it draws random numbers that nothing deals to it."""
        return self.random == "own"

    @property
    def _dealt(self) -> tuple[OpaqueDraw, ...]:
        return self.random if isinstance(self.random, tuple) else ()

    def output_shape(self, shape: Any) -> Shape:
        return self.shape

    def dealt(self) -> bool:
        return bool(self._dealt)

    def drawn(self, shape: Shape) -> tuple[Draw, ...]:
        return tuple(Draw(one.shape, one.rate) for one in self._dealt)

    def _lies(self, site: Site) -> Layout:
        """Return how tensors lie: of as many axes as it reads, as they come."""
        return "any" if len(site.input_shape) == len(self.shape) else "as_said"

    def keras(self, site: Site) -> KerasCode:
        lies = self._lies(site)
        return KerasCode(layer=f"{self._name}(name={site.name!r})", reads=lies, writes=lies)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        body = f"return {self._name}({', '.join(site.arguments)})"
        return TensorFlowCode(
            body=(body,), doc=f"As the program has it: {self.what}.", reads=self._lies(site), writes=self._lies(site)
        )

    def torch(self, site: Site) -> TorchCode:
        forward = f"self.{site.name}({', '.join(site.arguments)})"
        return TorchCode(
            modules={site.name: f"{self._name}()"},
            forward=forward,
            reads=self._lies(site),
            writes=self._lies(site),
            output=site.name,
        )
