"""What programs do that no field of an entry describes: gradients kept, a mode forgotten, another order of features.

Each habit is one field of :class:`Habits`; :class:`Habitual` is the NumPy reference of a side whose program has them.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from parity.lazy import np
from parity.ops import Op
from parity.recorded import RecordedReference
from parity.reference import Computed, Passed, Tensors
from parity.spec.graph import Layer
from parity.spec.resolve import Resolved
from parity.tensors import layer_of, parameter
from parity.tensors import predictions as predictions_of
from parity.tensors import slot as slot_name

Reduction = Literal["mean", "sum", "sum_over_rows", "sum_over_outputs", "mean_over_classes"]
"""How a loss may be summed up where the entry takes its mean."""


@dataclass(frozen=True, kw_only=True)
class Habits:
    """What a program does beside its config.

    Args:
        keeps_gradients: those of the step before are added to those of a step: they were not set to zero.
        undropped: dropout drops nothing in training.
        uncalled: a layer that draws and is not called; those behind it draw as the one before each would have.
        settled: batch norm goes by its running statistics in training, and leaves them as they are.
        unmoved: batch norm's own parameters are not trained.
        dropping: dropout drops in evaluation.
        batchwise: batch norm goes by the batch's statistics in evaluation, and moves the running ones.
        loss_factor: what the loss is multiplied by, the regularizers' part aside.
        whole: the regularizers' part, too.
        penalty_factor: what that part is multiplied by.
        gradient_factor: what the gradient is multiplied by where the loss that is reported is not.
        reduction: how the loss is summed up, None for as the entry says.
        flattened: layer to the order in which its axes are read, counted from 0 without the batch axis.
        symmetric: layers that are padded alike before and after.
        turned: convolutions whose kernel is turned round, as the books define one.
        emptied: a layer that draws and drops everything in training.
        detached: a layer through whose output no gradient goes back.
        decay: share of the weight that is taken off beside what the config says, times the rate.
        coupled: the decay is added to the gradient instead, and goes through the optimizer's slots.
        kernels_only: parameters of one axis, biases and scales, do not decay.
        averaged: the velocity takes ``1 - momentum`` of each gradient.
        rate_outside: the velocity is held without the rate, which a changing rate then multiplies as a whole.
    """

    keeps_gradients: bool = False
    undropped: bool = False
    uncalled: str = ""
    settled: bool = False
    unmoved: bool = False
    dropping: bool = False
    batchwise: bool = False
    loss_factor: float = 1.0
    whole: bool = False
    penalty_factor: float = 1.0
    gradient_factor: float = 1.0
    reduction: Reduction | None = None
    flattened: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    symmetric: frozenset[str] = frozenset()
    turned: frozenset[str] = frozenset()
    emptied: str = ""
    detached: str = ""
    decay: float = 0.0
    coupled: bool = False
    kernels_only: bool = False
    averaged: bool = False
    rate_outside: bool = False


KERNEL = "kernel"
"""What a convolution calls its own, (window, in, out)."""

MASKS = 3
"""Sets of masks that are kept at once: of a large network each is large."""

FROM_THE_LOSS = {
    "keeps_gradients", "loss_factor", "whole", "penalty_factor", "gradient_factor", "reduction", "detached",
}  # fmt: skip
FROM_THE_UPDATE = {"dropping", "decay", "coupled", "kernels_only", "averaged", "rate_outside"}
"""Habits that leave everything before as it is; the others may change any layer."""


def factors(side: Resolved, rows: int) -> dict[str, float]:
    """Return, by reduction, what a loss as it is taken is multiplied by; those that change it.

    Args:
        side: whose loss and outputs.
        rows: of the batch.
    """
    if side.outputs or (side.weighs and side.config.loss.over_weights()):
        return {}  # Each has a reduction of its own; what the weights come to is another number in every batch.
    *positions, last = side.last.output_shape
    places = math.prod(positions)
    found: dict[str, float]
    loss = side.config.loss
    if loss.over == "rows":  # The mean is over rows, the sum over classes.
        found = {"sum": rows * places, "sum_over_outputs": places, "mean_over_classes": 1 / last}
    else:
        found = {"sum": rows * places * last, "sum_over_rows": rows * places, "sum_over_outputs": places * last}
    own = found.get(loss.reduction, 1.0)
    found = {name: one / own for name, one in {"mean": 1.0, **found}.items()}
    unique = {one: name for name, one in reversed(found.items()) if one != 1.0}  # Of equal ones the first.
    return {name: one for one, name in reversed(unique.items())}


class Habitual(RecordedReference):
    """A side in NumPy as a program with some habits has it.

    Args:
        side: what it is.
        weights: values by ``layer.parameter``.
        slots: values by ``slot/layer.parameter``.
        leftovers: gradients that the step before left, by ``layer.parameter``; slots that the side has none of, by
            ``ATTRIBUTE/layer.parameter``.
    """

    def __init__(self, side: Resolved, weights: Tensors, slots: Tensors, leftovers: Tensors | None = None) -> None:
        super().__init__(side, weights, slots)
        self.leftovers, self.habits = leftovers or {}, Habits()
        self.drawn: dict[Any, list[np.ndarray | None]] = {}

    def varied(self, side: Resolved, habits: Habits) -> Habitual:
        """Return it as another side, whose parameters are the same, with habits; the state is the same."""
        found = copy.copy(self)
        found.habits = habits
        found.weights, found.slots = dict(self.weights), {name: dict(one) for name, one in self.slots.items()}
        found.become(side)
        optimizer, before = side.config.optimizer, self.side.config.optimizer
        # To write a rule takes longer than a small step.
        places = optimizer.code(side.framework).slots if optimizer != before else {}
        for name in found.trainable if set(optimizer.slots()) - set(before.slots()) else ():
            slots = optimizer.init(found.weights[name])
            left = {slot: self.leftovers.get(slot_name(place.attribute, name)) for slot, place in places.items()}
            slots |= {slot: places[slot].scale * one for slot, one in left.items() if one is not None}
            found.slots[name] = slots | found.slots[name]
        for index, layer in enumerate(side.layers()):
            if layer.name in habits.symmetric:
                found.ops[index] = symmetric(found.ops[index], layer)
        return found

    def everything(
        self, x: np.ndarray, y: np.ndarray, number: int, known: Passed | None = None, since: int = 0
    ) -> Iterator[Computed]:
        """Yield what :meth:`stages` does, arguments as there, and the predictions, made before the step, at the end."""
        masks = self._masks(x, number)  # Evaluation draws those of the step that follows.
        if self.habits.batchwise:
            predictions, moved = self._evaluated(x, masks)
            self.weights |= moved
            yield from self.stages(x, y, number, known, since)
        else:
            before = self.weights
            self.weights = dict(before)
            yield from self.stages(x, y, number, known, since)
            self.weights = before
            predictions, _ = self._evaluated(x, masks)
        for name, one in predictions.items():
            yield ("metric", predictions_of(name)), one

    def _masks(self, x: np.ndarray, number: int) -> list[np.ndarray | None]:
        """Return the masks, drawn once for all that draw alike."""
        layers, uncalled = self.side.drawing(), self.habits.uncalled
        key = (number, len(x), uncalled, tuple((one.name, one.drawn) for one in layers))
        if key not in self.drawn:
            if len(self.drawn) > MASKS:
                self.drawn.clear()
            self.drawn[key] = self._by_call(x, number) if uncalled else super()._masks(x, number)
        return self.drawn[key]

    def _by_call(self, x: np.ndarray, number: int) -> list[np.ndarray | None]:
        """Return the masks of a program that does not call one of the layers: they are dealt out call by call."""
        every = self.side.drawing()
        called = [layer for layer in every if layer.name != self.habits.uncalled]
        numbers = iter([call for layer in every for call in layer.draw_numbers])
        masks = {
            layer.name: self._mask(x, number, layer, list(itertools.islice(numbers, len(layer.drawn))))
            for layer in called
        }
        return [masks.get(layer.name) for layer in self.side.layers()]

    def _undropped(self, op: Op) -> bool:
        return op.draws and (self.habits.undropped or op.name == self.habits.uncalled)

    def passed(self, x: np.ndarray, expected: Mapping[tuple[str, str], np.ndarray]) -> Passed:
        """Return what a step leaves for another one, from what it computes."""
        found = Passed(values=self.fed(x))
        for layer in self.graph.layers:
            found.values.append(expected["forward", self._seen_as(layer)])
            names = [parameter(layer.owner, name) for name in layer.op.statistics]
            found.moved.append({name: expected["state", name] for name in names})
        found.gradients = {name: one for (phase, name), one in expected.items() if phase == "gradient"}
        return found

    def _evaluated(self, x: np.ndarray, masks: list[np.ndarray | None]) -> tuple[Tensors, Tensors]:
        """Return the predictions by output, and the running statistics that making them moved."""
        moved: Tensors = {}
        passed = Passed(values=self.fed(x))
        for index, mask in enumerate(() if self.blind else masks):
            op = self._op(index, passed)
            drawn, read = mask if self.habits.dropping else None, self._read(index, passed)
            if op.statistics and self.habits.batchwise:
                value, statistics = self._through(op, read, drawn)
                moved |= {parameter(op.name, name): one for name, one in statistics.items()}
            elif op.name in self.habits.flattened:
                value, _ = self._through(op, read, drawn)
            else:
                value = op.forward(read, self._of(op), drawn)
            passed.values.append(value)
        return {} if self.blind else self.answered(passed), moved

    def _through(self, op: Op, x: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, Tensors]:
        axes = self.habits.flattened.get(str(op.name))
        if axes is not None:
            return x.transpose(0, *(axis + 1 for axis in axes)).reshape(len(x), -1), {}
        if self._undropped(op):
            return op.forward(x, self._of(op)), {}
        if self.habits.emptied and op.name == self.habits.emptied:
            return np.zeros_like(x), {}
        if op.statistics and self.habits.settled:
            own = self._of(op)
            return op.forward(x, own), {name: own[name] for name in op.statistics}
        return super()._through(op, x, mask)

    def _pulled(
        self, op: Op, x: np.ndarray, slope: np.ndarray, mask: np.ndarray | None
    ) -> tuple[np.ndarray, Tensors]:  # fmt: skip
        if self.habits.detached and op.name == self.habits.detached:
            slope = np.zeros_like(slope)
        axes = self.habits.flattened.get(str(op.name))
        if axes is not None:
            read = x.transpose(0, *(axis + 1 for axis in axes))
            back = np.argsort([0, *(axis + 1 for axis in axes)])
            return slope.reshape(read.shape).transpose(*back), {}
        if self._undropped(op):
            return op.vjp_evaluated(x, self._of(op), slope)
        if self.habits.emptied and op.name == self.habits.emptied:
            return np.zeros_like(slope), {}
        if op.statistics and self.habits.settled:
            return op.vjp_evaluated(x, self._of(op), slope)
        read, found = super()._pulled(op, x, slope, mask)
        return read, self._turned(op, found)

    def _of(self, op: Op) -> Tensors:
        return self._turned(op, super()._of(op))

    def _turned(self, op: Op, own: Tensors) -> Tensors:
        """Return the parameters of a layer, or their gradients, with the kernel turned round where it is."""
        if op.name not in self.habits.turned:
            return own
        return own | {KERNEL: np.flip(own[KERNEL], tuple(range(own[KERNEL].ndim - 2)))}

    def _normalizing(self) -> set[str]:
        return {str(op.name) for op in self.ops if op.statistics}

    def _factor(self, rows: int) -> float:
        reduction = self.habits.reduction
        return self.habits.loss_factor * (1.0 if reduction is None else factors(self.side, rows).get(reduction, 1.0))

    def _lost(self, loss: float, passed: Passed) -> float:
        factor = self._factor(len(passed.values[0]))
        most = (factor if self.habits.whole else 1.0) * self.habits.penalty_factor
        return factor * loss + most * self._penalty(passed)

    def _slope_of_activity(self, layer: Layer, value: np.ndarray) -> np.ndarray:
        return self.habits.penalty_factor * super()._slope_of_activity(layer, value)

    def _back(self, slopes: dict[int, np.ndarray], passed: Passed, masks: list[np.ndarray | None]) -> None:
        """Go back with the loss's factor; add what the step before left to the gradients of parameters."""
        factor, most = self._factor(len(passed.values[0])), self.habits.gradient_factor
        own = 1.0 if self.habits.whole else factor
        super()._back({place: one * own for place, one in slopes.items()}, passed, masks)
        most *= factor if self.habits.whole else 1.0
        if most != 1.0:
            passed.gradients = {name: most * one for name, one in passed.gradients.items()}
        for name, one in self._regularized() if self.habits.penalty_factor != 1.0 else ():
            less = most * (self.habits.penalty_factor - 1.0)
            passed.gradients[name] = passed.gradients[name] + less * one.gradient(self.weights[name])
        for name in self.trainable if self.habits.keeps_gradients else ():
            if name in self.leftovers:
                passed.gradients[name] = passed.gradients[name] + self.leftovers[name]

    def _move(self, name: str, gradient: np.ndarray, number: int) -> np.ndarray:
        habits, weight, optimizer = self.habits, self.weights[name], self.side.config.optimizer.of(name)
        taken_off = habits.decay * weight if weight.ndim > 1 or not habits.kernels_only else np.zeros_like(weight)
        if habits.decay and habits.coupled:
            gradient = gradient + taken_off
        if habits.averaged:
            momentum = optimizer.momentum if "momentum" in type(optimizer).model_fields else 0.0  # type: ignore[attr-defined]
            gradient = (1 - float(momentum)) * gradient
        if habits.unmoved and layer_of(name) in self._normalizing():
            return np.zeros_like(weight)
        rate = optimizer.rate(number)
        if habits.rate_outside and optimizer.rate(0):
            constant = optimizer.replace(**steady(optimizer))
            move, self.slots[name] = constant.ruled(weight, gradient, self.slots[name], number)
            move = move * (rate / optimizer.rate(0))
        else:
            move, self.slots[name] = optimizer.ruled(weight, gradient, self.slots[name], number)
        return move - rate * taken_off if habits.decay and not habits.coupled else move


def steady(optimizer: Any) -> dict[str, Any]:
    """Return the fields of an optimizer with which its rate stays what it is at first."""
    fields = {"learning_rate": optimizer.rate(0)}
    return fields | ({"decay": 0.0} if "decay" in type(optimizer).model_fields else {})


def symmetric(op: Op, layer: Layer) -> Op:
    """Return a layer that pads as much before as after, as PyTorch's ``padding=`` does.

    Args:
        op: the layer, or the layer without its activation.
        layer: where it stands.
    """
    around = [(count, count) for count in symmetric_pads(layer) or ()]
    kind: Any = type(op)
    made: Any = type(kind.__name__, (kind,), {"__module__": __name__, "pads": lambda self, lengths: around})
    found: Op = made.model_validate({name: getattr(op, name) for name in kind.model_fields})
    return found


def symmetric_pads(layer: Layer) -> list[int] | None:
    """Return the cells along each axis that, before and after, give the output its shape but not its values.

    None where a layer is not padded, or where that pads as the layer does.
    """
    op: Any = layer.op
    if getattr(op, "padding", None) != "same":
        return None
    channels_first = op.channels_at() == "channels_first"
    lengths = layer.input_shape[1:] if channels_first else layer.input_shape[:-1]
    found, own = [], op.pads(lengths)
    for length, window, step in zip(lengths, op.windows, op.steps(), strict=True):
        fits = [pad for pad in (window // 2, (window - 1) // 2)
                if (length + 2 * pad - window) // step + 1 == -(-length // step)]  # fmt: skip
        if not fits:
            return None
        found.append(fits[0])
    return found if any(pad != before for pad, (before, _) in zip(found, own, strict=True)) else None
