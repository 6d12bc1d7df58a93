"""What the layers share that make one tensor of several: shapes, and how the frameworks are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from parity.code import Case, KerasCode, Site, TensorFlowCode, TorchCode
from parity.entries import Shape, read_in
from parity.formula import formula_of
from parity.frameworks import frameworks
from parity.ops import Op, ShapeError
from parity.ops.masks import letters

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays


class Merging(Op):
    """Base of the layers that read two tensors or more, each like the others, and give one.

    Sizes must be the same, or 1, which is stretched. Keras also stretches tensors of fewer axes, which it gives axes of
    length 1 behind the batch axis; PyTorch and TensorFlow would put these in front of it: say ``reshape``. Where each
    of them has a mask, a step counts that counts in one of them; a tensor without a mask takes it from all.
    """

    ports: ClassVar[tuple[str, ...]] = ()
    passes_mask: ClassVar[bool] = True
    source: ClassVar = read_in(keras="layers/merging/base_merge")

    joins: ClassVar[bool] = False
    """Whether of one that another of its kind reads, both are one that reads all."""
    doc: ClassVar[str] = ""
    """What a method of raw TensorFlow says of itself."""

    def combined(self, names: tuple[str, ...]) -> str:
        """Return the output as a formula in the names of what it reads."""
        raise TypeError(f"{type(self).__name__} has no meaning")

    def output_shape(self, shape: Any) -> Shape:
        if len({len(one) for one in shape}) > 1:
            told = " and ".join(map(str, shape))
            raise ShapeError(f"{self.kind} reads tensors with as many axes each, it is given {told}: reshape one")
        if not mergeable(shape):
            told = " and ".join(map(str, shape))
            raise ShapeError(f"{self.kind} reads tensors of one shape, it is given {told}")
        return tuple(next((size for size in along if size != 1), 1) for along in zip(*shape, strict=True))

    def forward(self, x: Any, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        names = letters(len(x))
        return formula_of(self.combined(names)).value(**dict(zip(names, x, strict=True)))

    def keras(self, site: Site) -> KerasCode:
        return KerasCode(layer=self.keras_layer(site), reads="any", writes="any")

    def _written(self, framework: str, site: Site) -> str:
        (line,) = formula_of(self.combined(site.arguments)).lines(frameworks()[framework].words)
        return line

    def tensorflow(self, site: Site) -> TensorFlowCode:
        line = self._written("tensorflow", site)
        return TensorFlowCode(body=(line,), doc=self.doc, reads="any", writes="any")

    def torch(self, site: Site) -> TorchCode:
        line = self._written("torch", site).removeprefix("return ")
        return TorchCode(modules={}, forward=line, reads="any", writes="any")


def mergeable(shapes: Sequence[Shape]) -> bool:
    """Return whether tensors have as many axes each, of the same sizes or of 1, which is stretched.

    >>> mergeable([(8, 8, 6), (1, 1, 6)]), mergeable([(8, 8, 6), (6,)]), mergeable([(8, 6), (4, 6)])
    (True, False, False)
    """
    if len({len(one) for one in shapes}) > 1:
        return False
    return all(len({size for size in along if size != 1}) <= 1 for along in zip(*shapes, strict=True))


def folded(function: str, names: tuple[str, ...]) -> str:
    """Return the formula of a function of two applied to several, one after another.

    >>> folded("maximum", ("a", "b", "c"))
    'maximum(maximum(a, b), c)'
    """
    found, *rest = names
    for name in rest:
        found = f"{function}({found}, {name})"
    return found


def merge_case(shows: str, x: Any, expected: Any) -> Case:
    """Return a worked case of a layer without parameters that reads several.

    Args:
        shows: what it shows, in words.
        x: what it reads, one after another.
        expected: what must come out.
    """
    return Case(shows=shows, fields={}, x=x, expected=expected)
