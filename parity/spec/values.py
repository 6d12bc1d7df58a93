"""What stands on the edges of a model: tensors, and masks that say which of their steps count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from parity.entries import Shape
from parity.formula import formula_of
from parity.ops import Op, ShapeError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Value:
    """A tensor on an edge: an input of the model, or what a layer gives; its shape is without the batch axis."""

    name: str
    shape: Shape
    dtype: str = "float"


@dataclass(frozen=True)
class Mask:
    """Which steps of a tensor count: True where one does, of the tensor's first axes.

    Args:
        name: of the layer that makes it.
        shape: without the batch axis.
        formula: of it, in the names of ``of``.
        of: what it is made of, by the names that the formula has for them: tensors and other masks.
    """

    name: str
    shape: Shape
    formula: str
    of: tuple[tuple[str, Value | Mask], ...]

    @property
    def values(self) -> tuple[Value, ...]:
        """Return the tensors that it is made of."""
        return tuple(one for _, one in self.of if isinstance(one, Value))

    @property
    def masks(self) -> tuple[Mask, ...]:
        """Return the masks that it is made of."""
        return tuple(one for _, one in self.of if isinstance(one, Mask))

    def value(self, known: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return it in NumPy.

        Args:
            known: the tensors by name.
        """
        scope = {name: known[one.name] if isinstance(one, Value) else one.value(known) for name, one in self.of}
        found: np.ndarray = formula_of(self.formula).value(**scope)
        return found


def masked(masks: Iterable[Mask | None]) -> tuple[bool, ...]:
    """Return of each tensor whether it has a mask."""
    return tuple(one is not None for one in masks)


def every(*masks: Mask | None) -> frozenset[Mask]:
    """Return masks and all that they are made of."""
    found: set[Mask] = set()
    waiting = [mask for mask in masks if mask is not None]
    while waiting:
        mask = waiting.pop()
        found.add(mask)
        waiting += mask.masks
    return frozenset(found)


def mask_given(
    op: Op, name: str, reads: tuple[Value, ...], masks: tuple[Mask | None, ...], shape: Shape
) -> Mask | None:  # fmt: skip
    """Return which steps of a layer's output count, None where all do: masks are worked out here and nowhere else.

    Raises:
        ShapeError: when it cannot be told of the masks, or when a mask does not fit what it gives.
    """
    fault = op.mask_fault(
        [None if one is None else one.shape for one in masks], op.given([value.shape for value in reads])
    )
    if fault and any(masked(masks)):
        raise ShapeError(fault)
    formula = op.mask_of(masked(masks), [value.shape for value in reads])
    if not formula:
        return None
    names = op.arguments(len(reads))
    scope: dict[str, Value | Mask] = dict(zip(names, reads, strict=True))
    scope |= {op.mask_argument(one): mask for one, mask in zip(names, masks, strict=True) if mask is not None}
    of = tuple((one, scope[one]) for one in sorted(formula_of(formula).names & set(scope)))
    first = of[0][1]
    if isinstance(first, Mask) and not formula_of(formula).functions and all(one == first for _, one in of):
        found = first  # Handed on, or put together of nothing but itself.
    else:
        found = Mask(name, shape[:-1], formula, of)
    if found.shape != shape[: len(found.shape)]:
        told = f"{name} gives {shape}, and hands on the mask of {found.shape} steps: "
        raise ShapeError(f"{told}put it ahead of what makes the mask, or leave the mask out")
    return found
