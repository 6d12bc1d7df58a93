"""What a layer computes with of other layers' parameters, and gradients: of what it reads, keeps and borrows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from parity.entries import Entry, Shape
from parity.lazy import differentiable

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays


class Borrowing(Entry):
    """The part of a layer that knows what it shares with others."""

    naming: ClassVar[tuple[str, ...]] = ()
    """Fields, beside ``inputs``, that name another layer."""

    lends: ClassVar[Mapping[str, str]] = {}
    """Of these fields, those that say that a parameter is another layer's, and which; they say all of it."""

    def borrowed(self) -> dict[str, str]:
        """Return the parameters of other layers that it computes with, as ``layer.parameter``, by its names for them.

        They start, are held and move as their layer says; their gradients add up.
        """
        return {}

    def borrows(self, name: str, shape: Shape) -> Shape:
        """Return the shape that a parameter must have which it borrows.

        Args:
            name: its own name for it.
            shape: of what it reads.
        """
        raise TypeError(f"{type(self).__name__} borrows no {name}")

    def called_anew(self, called: Mapping[str, str]) -> dict[str, Any]:
        """Return the fields that name another layer, with other names for layers.

        Args:
            called: by the name that a layer had, the one that it has.
        """
        said = {name: getattr(self, name) for name in self.naming}
        return {name: called.get(one, one) for name, one in said.items() if one is not None}

    def vjp(
        self, x: np.ndarray, p: Arrays, dy: np.ndarray, mask: np.ndarray | None = None
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the gradients with respect to the input and to each trainable parameter, given the one of the output.

        Of the pass in training (:meth:`~parity.ops.Op.trained`), which they follow from.
        """
        op: Any = self
        return self._pulled(lambda x, p: op.trained(x, p, mask)[0], x, p, dy)

    def vjp_evaluated(self, x: np.ndarray, p: Arrays, dy: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the same of the pass in evaluation (``forward``): what a program trains that never left it."""
        op: Any = self
        return self._pulled(op.forward, x, p, dy)

    def _pulled(
        self, computed: Callable[[np.ndarray, Arrays], np.ndarray], x: np.ndarray, p: Arrays, dy: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        op: Any = self
        shape = op.given([one.shape[1:] for one in op.each(x)])
        own = {name: p[name] for name, one in op.parameters(shape).items() if one.trainable}
        own |= {name: p[name] for name in self.borrowed()}
        found = differentiable.pulled(lambda x, **own: computed(x, {**p, **own}), {"x": x, **own}, dy)
        return found.pop("x"), found
