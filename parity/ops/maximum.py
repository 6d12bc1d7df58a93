"""maximum: the larger at each place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from parity.code import Case, Site, TorchCode, function
from parity.lazy import differentiable
from parity.native import Native
from parity.ops.merging import Merging, folded, merge_case

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays


class Maximum(Merging):
    """y = max(a, b, ...), one after another; where two are the same, the first takes the gradient.

    So does TensorFlow, and Keras on it (``MaximumGrad``: x >= y). ``torch.maximum`` gives each half of it, which
    differs wherever two relus are 0: the PyTorch program has a function of its own.
    """

    kind: ClassVar[str] = "maximum"
    doc: ClassVar[str] = "The larger at each place."
    natives: ClassVar = {"keras": Native("keras.layers.Maximum")}
    never: ClassVar = {"keras_torch": "keras.ops.maximum halves the gradient between equal ones there"}
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
