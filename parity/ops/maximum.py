"""maximum: the larger at each place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from parity.code import Case, Helper, KerasCode, Site, TorchCode, function
from parity.lazy import differentiable
from parity.native import Native
from parity.ops.merging import Merging, folded, merge_case

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays

FIRST = '''
class First{title}(keras.layers.{title}):
    """The {kind}; of two that are the same, the first takes the gradient, as in TensorFlow."""

    def _merge_function(self, inputs):
        found, *rest = inputs
        for one in rest:
            found = keras.ops.where(found {at_least} one, found, one)
        return found
'''


class Maximum(Merging):
    """y = max(a, b, ...), one after another; where two are the same, the first takes the gradient.

    So does TensorFlow, and Keras on it (``MaximumGrad``: x >= y). ``torch.maximum`` gives each half of it, which
    differs wherever two relus are 0: the programs of PyTorch, and of Keras on it, have a part of their own.
    """

    kind: ClassVar[str] = "maximum"
    joins: ClassVar[bool] = True
    doc: ClassVar[str] = "The larger at each place."
    natives: ClassVar = {"keras": Native("keras.layers.Maximum")}
    at_least: ClassVar[str] = ">="

    def forward(self, x: Any, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        found, *rest = x
        for one in rest:
            first = found >= one if self.at_least == ">=" else found <= one
            stretched = 0.0 * first  # Of sizes that are stretched the slope of a sum knows, that of a where does not.
            found = differentiable.where(first, found + stretched, one + stretched)
        return found

    def combined(self, names: tuple[str, ...]) -> str:
        return folded(self.kind, names)

    def keras(self, site: Site) -> KerasCode:
        if site.framework != "keras_torch":
            return super().keras(site)
        title = self.natives["keras"].title
        source = FIRST.format(title=title, kind=self.kind, at_least=self.at_least)
        made = self.keras_layer(site, f"First{title}")
        return KerasCode(
            layer=made, helpers=(Helper(name=f"First{title}", source=source),), reads="any", writes="any",
            comment=f"keras.layers.{title} on PyTorch halves the gradient between equal ones",
        )  # fmt: skip

    def torch(self, site: Site) -> TorchCode:
        doc = f"The {self.kind}; of two that are the same, the first takes the gradient, as in TensorFlow."
        body = f"return torch.where(a {self.at_least} b, a, b)"
        helper = function(self.kind, ["a", "b"], doc, [body])
        forward = folded(self.kind, site.arguments)
        return TorchCode(modules={}, forward=forward, reads="any", writes="any", helpers=(helper,))

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            merge_case("the largest of three", [[[1.0, -2.0]], [[3.0, 4.0]], [[5.0, -6.0]]], [[5.0, 4.0]]),
            merge_case("one row is stretched", [[[[1.0], [5.0]]], [[[3.0]]]], [[[3.0], [5.0]]]),
            merge_case("two that are the same", [[[1.0, -2.0]], [[1.0, -2.0]]], [[1.0, -2.0]]),
        ]
