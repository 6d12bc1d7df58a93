"""activation: a layer that is nothing but an activation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, model_validator

from parity.activations import Activation, AnyActivation
from parity.activations.linear import Linear
from parity.code import Case, KerasCode, Site, TensorFlowCode, TorchCode
from parity.discovery import discover
from parity.entries import read_in
from parity.native import Native
from parity.ops import Op

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays, Layout


class ActivationOp(Op):
    """y = function(x), written ``{activation: relu}``."""

    kind: ClassVar[str] = "activation"
    passes_mask: ClassVar[bool] = True
    short: ClassVar[str | None] = "function"
    source: ClassVar = read_in(keras="layers/activations/activation")

    natives: ClassVar = {
        "keras": Native("keras.layers.Activation", {"activation": "function"}, leading=("activation",))
    }
    activation_field: ClassVar[str] = "function"

    function: AnyActivation = Field(description="which activation")

    @model_validator(mode="before")
    @classmethod
    def _function_with_fields(cls, data: Any) -> Any:
        """Read ``{activation: {leaky_relu: 0.3}}``, whose one field is no field of the layer, as its function."""
        inner = data.get(cls.kind) if isinstance(data, Mapping) and set(data) == {cls.kind} else data
        if isinstance(inner, Mapping) and len(inner) == 1 and set(inner) <= set(_activations()):
            return {"function": inner}
        return data

    def passes_on(self) -> bool:
        return isinstance(self.function, Linear)

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return self.function.forward(x)

    def keras(self, site: Site) -> KerasCode:
        function = '"linear"' if site.linear else self.function.keras(site.framework)
        return KerasCode(layer=self.keras_layer(site, activation=function), reads=self._lies(), writes=self._lies())

    def _lies(self) -> Layout:
        """Return what Keras and raw TensorFlow must be given: they go along the last axis where they go along one."""
        return "any" if self.function.elementwise else "as_said"

    def tensorflow(self, site: Site) -> TensorFlowCode:
        expression = "x" if site.linear else self.function.tensorflow("x")
        doc = "Applied by the loss." if site.linear else f"{self.function.label()}."
        doc = doc[0].upper() + doc[1:]
        return TensorFlowCode(body=(f"return {expression}",), doc=doc, reads=self._lies(), writes=self._lies())

    def torch(self, site: Site) -> TorchCode:
        axis = 1 if site.layout == "to_first" else -1
        module = (None if site.linear else self.function.torch(axis)) or "nn.Identity()"
        return TorchCode(
            modules={site.name: module}, forward=f"self.{site.name}(x)", reads="any", writes="any", output=site.name
        )

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows=f"{kind}: {case.shows}", fields={"function": {kind: dict(case.fields)}}, x=case.x,
                 expected=case.expected)
            for kind, entry in _activations().items()
            for case in entry.cases()
        ]  # fmt: skip


def _activations() -> Mapping[str, type[Activation]]:
    return discover(Activation, "parity.activations")
