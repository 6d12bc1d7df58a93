"""The third witness of a program with opaque parts: what they gave in its own step is taken, all else is computed.

Of an opaque layer its output in the step stands for it. Gradients that come out of it, or out of an opaque loss, are
those that the program has with respect to what these read. So every layer, loss and update that an entry reads is held
against the entry's meaning, on the numbers that reach it, and what is opaque is held against nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from parity.compile.predictions import behind_opaque
from parity.lazy import np
from parity.losses.opaque import Opaque as OpaqueLoss
from parity.ops.opaque import Opaque
from parity.reference import Reference, Tensors
from parity.spec.resolve import Resolved
from parity.tensors import LOGITS, output

if TYPE_CHECKING:
    from parity.losses import Loss
    from parity.ops import Op
    from parity.reference import Computed, Passed
    from parity.spec.graph import Layer

Own = Callable[[tuple[str, str]], "np.ndarray | None"]
"""The program's tensor of a phase and name in the step; None where it cannot be seen."""


def opaque_layers(side: Resolved) -> list[str]:
    """Return the layers of a side that no entry reads."""
    return [layer.name for layer in side.graph.layers if isinstance(layer.op, Opaque)]


def opaque_losses(side: Resolved) -> list[str]:
    """Return the layers that give an output whose loss no entry reads."""
    return [one.last.name for one in side.views.values() if isinstance(one.config.loss, OpaqueLoss)]


def is_opaque(side: Resolved) -> bool:
    """Return whether a part of a side is opaque, so that the side runs only in its own program."""
    return bool(opaque_layers(side) or opaque_losses(side))


def opaque_in(side: Resolved) -> list[str]:
    """Return what is opaque in a side, as a person would point at it."""
    layers = [f"layer {one.name!r}, {one.op.pointed_at}" for one in side.graph.layers if isinstance(one.op, Opaque)]
    return [*layers, *(f"the loss, {one.pointed_at}" for one in _losses(side) if isinstance(one, OpaqueLoss))]


def _losses(side: Resolved) -> list[Loss]:
    return [one.config.loss for one in side.views.values()]


def undealt(side: Resolved) -> str:
    """Return what of a side draws random numbers that nothing deals to it, in words; empty where nothing does."""
    found = [layer for layer in side.graph.layers if isinstance(layer.op, Opaque) and layer.op.draws_itself]
    return " and ".join(f"layer {layer.name!r}, {layer.op.pointed_at}," for layer in found)  # type: ignore[attr-defined]


def reached_by_draws(side: Resolved) -> set[str]:
    """Return the layers that such numbers come into."""
    found: set[str] = set()
    for layer in side.graph.layers:
        own = isinstance(layer.op, Opaque) and layer.op.draws_itself
        if own or any(value.name in found for value in layer.reads):
            found.add(layer.name)
    return found


def tapped(side: Resolved) -> set[str]:
    """Return the layers whose gradients come, at least in part, out of what is opaque."""
    ends = {value.name for value in side.graph.outputs} if opaque_losses(side) else set[str]()
    beside = {name for loss in _losses(side) if isinstance(loss, OpaqueLoss) for name in loss.reads}
    read = {value.name for layer in side.graph.layers if isinstance(layer.op, Opaque) for value in layer.reads}
    return (ends | beside | read) & set(side.graph.by_name)


def _led_back(side: Resolved) -> set[str]:
    """Return those of the layers of :func:`tapped` that are read, and behind which parameters are trained."""
    found = set()
    for name in tapped(side):
        layer = side.graph.by_name[name]
        every = [layer, *side.graph.ahead(layer)]
        if not isinstance(layer.op, Opaque) and any(one.trainable for x in every for one in x.parameters.values()):
            found.add(name)
    return found


def given_to_reference(side: Resolved) -> list[tuple[str, str]]:
    """Return what the reference of a side takes from the program's own step, by phase and the layer's name."""
    losses = [("loss", "loss")] if opaque_losses(side) else []
    opened = [("forward", name) for name in opaque_layers(side)]
    logits = behind_opaque(side)
    names = [output(name, form=LOGITS) if name in logits else name for name in sorted(_led_back(side))]
    return [*opened, *losses, *(("gradient", name) for name in names)]


def unseen(side: Resolved, own: Own) -> list[tuple[str, str]]:
    """Return those of :func:`given_to_reference` that a program does not show, or shows another tensor of.

    A recurrent module gives its outputs and its last states; what is seen of one that is opaque are the outputs.

    Args:
        side: what it is.
        own: the program's tensors in a step.
    """
    opened = opaque_layers(side)
    found = []
    for phase, name in given_to_reference(side):
        value = own((phase, name))
        other = phase == "forward" and name in opened and value is not None and (
            np.shape(value)[1:] != tuple(side.graph.by_name[name].output_shape)
        )  # fmt: skip
        if value is None or other:
            found.append((phase, name))
    return found


class RecordedReference(Reference):
    """A reference that goes on with what a program itself gave, where its config is opaque.

    Args:
        side: what it is.
        weights: as of :class:`~parity.reference.Reference`, like ``slots``.
        slots: as there.
    """

    own: Own = staticmethod(lambda name: None)
    """The program's tensors in the step; not asked where nothing is opaque."""
    beside: tuple[str, ...] = ()
    """Names of gradients that the spec has no parameter for; they count where all are clipped together."""

    def become(self, side: Resolved) -> None:
        super().become(side)
        for name in behind_opaque(side):
            index = self.graph.layers.index(self.graph.by_name[name])
            self.fused, self.ops[index] = self.fused | {name}, self.graph.layers[index].op.without_activation()
        self.blind, self.unled, self.taps = bool(opaque_layers(side)), bool(opaque_losses(side)), tapped(side)
        self.needed = _led_back(side)

    def _recorded(self, phase: str, name: str) -> np.ndarray:
        found = self.own((phase, name))
        if found is None:
            raise LookupError(f"{name} ({phase}) is opaque, and cannot be seen in the program")
        return np.asarray(found, np.float64)

    def _through(self, op: Op, x: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, Tensors]:
        if isinstance(op, Opaque):
            return self._recorded("forward", str(op.name)), {}
        return super()._through(op, x, mask)

    def _pulled(
        self, op: Op, x: np.ndarray, slope: np.ndarray, mask: np.ndarray | None
    ) -> tuple[np.ndarray, Tensors]:  # fmt: skip
        if isinstance(op, Opaque):
            return op.given([np.zeros_like(one) for one in op.each(x)]), {}
        return super()._pulled(op, x, slope, mask)

    def _slope(self, layer: Layer, slope: np.ndarray | None, passed: Passed) -> np.ndarray:
        if layer.name in self.taps:
            name = self._seen_as(layer)
            if layer.name not in self.needed and self.own(("gradient", name)) is None:
                return np.zeros_like(passed.values[self.graph.places[layer.name]])  # Nothing ahead of it is trained.
            return self._recorded("gradient", name)
        return super()._slope(layer, slope, passed)

    def _parts(self, passed: Passed, y: np.ndarray) -> list[tuple[int, Any, Any, np.ndarray, Any, bool, Any]]:
        return [] if self.unled else super()._parts(passed, y)

    def stages(
        self, x: np.ndarray, y: np.ndarray, number: int, known: Passed | None = None, since: int = 0
    ) -> Iterator[Computed]:
        for name, value in super().stages(x, y, number, known, since):
            yield name, self._recorded(*name) if self.unled and name[0] == "loss" else value

    def _clipped(self, given: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
        beside = {name: self._recorded("gradient", name) for name in self.beside if name not in given}
        found = super()._clipped({**given, **beside})
        return {name: one for name, one in found.items() if name in given}

    def predicted(self, x: np.ndarray) -> Tensors:
        return {} if self.blind else super().predicted(x)  # What is opaque was seen in training alone.
