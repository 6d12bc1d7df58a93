"""The third witness: the model, loss and optimizer of a side in float64 NumPy.

Made of the entries' own ``trained``, ``losses``, ``penalty`` and ``update``, and of nothing that a framework computes.
Where two frameworks part, it says which of them does what the spec says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from parity.compile.predictions import spoken_by
from parity.lazy import differentiable, np
from parity.ops import Op
from parity.rows import apart, parted, together
from parity.run.output_form import turned
from parity.run.randomness import dealt
from parity.run.target_forms import in_form
from parity.spec.graph import Layer
from parity.spec.resolve import Resolved
from parity.spec.values import Mask
from parity.tensors import LOGITS, output, parameter, slot_of, without_slot
from parity.tensors import slot as slot_name

if TYPE_CHECKING:
    from parity.code import Arrays
    from parity.losses import Loss
    from parity.regularizers import Regularizer

Tensors = dict[str, "np.ndarray"]

Computed = tuple[tuple[str, str], "np.ndarray"]
"""Phase and name of a tensor, and its value."""


@dataclass(kw_only=True)
class Step:
    """What one training step computes, in canonical layout.

    Args:
        loss: of the batch, as it was before the step.
        forward: outputs by layer; ``layer.logits`` where the loss looks behind the last activation.
        gradient: gradients of the loss, by ``layer.parameter`` and, with respect to the outputs, by the names that
            ``forward`` has.
        update: what every trainable parameter moved by.
        state: slots as ``slot/layer.parameter`` and, as ``layer.parameter``, what the optimizer does not move: running
            statistics and frozen parameters; after the step.
    """

    loss: float
    forward: Tensors = field(default_factory=dict)
    gradient: Tensors = field(default_factory=dict)
    update: Tensors = field(default_factory=dict)
    state: Tensors = field(default_factory=dict)


@dataclass(kw_only=True)
class Passed:
    """What a step has computed so far, for another one that differs from it only in what comes later.

    Args:
        values: the model's inputs, then what each layer put out, as the graph numbers them.
        moved: running statistics, by layer, as the layer left them.
        gradients: as a step gives them; empty before the backward pass.
    """

    values: list[np.ndarray]
    moved: list[Tensors] = field(default_factory=list)
    gradients: Tensors = field(default_factory=dict)


class Reference:
    """A side in float64 NumPy, with the state it has reached.

    Args:
        side: what it is.
        weights: values by ``layer.parameter``, running statistics among them.
        slots: values by ``slot/layer.parameter``; those of the first step where not said.
    """

    form: Mapping[str, str | None] = MappingProxyType({})
    """What predictions of outputs are turned into, ``probabilities`` where a program returns them in place of logits.
    """

    def __init__(self, side: Resolved, weights: Arrays, slots: Arrays | None = None) -> None:
        self._moving: Tensors = {}
        self.weights: Tensors = {name: np.array(value, dtype=np.float64) for name, value in weights.items()}
        self.become(side)
        self.slots = {name: side.config.optimizer.init(self.weights[name]) for name in self.trainable}
        for key, value in (slots or {}).items():
            slot, name = slot_of(key), without_slot(key)
            self.slots[name][slot] = np.array(value, dtype=np.float64)

    def become(self, side: Resolved) -> None:
        """Go on as another side, in the same state; its parameters are the same."""
        self.side = side
        self.parameters = side.parameters()
        self.trainable = [name for name, parameter in self.parameters.items() if parameter.trainable]
        self.graph = side.graph
        self.views = side.views
        self.fused = {one.last.name for one in self.views.values() if one.config.loss.fused(one.graph.ending)}
        self.ops: list[Op] = [
            layer.op.without_activation() if layer.name in self.fused else layer.op for layer in self.graph.layers
        ]

    def step(self, x: np.ndarray, y: np.ndarray, number: int) -> Step:
        """Take one step: forward with dropout, loss and penalties, gradients, update and constraints.

        Args:
            x: inputs, (N, ...), float64.
            y: targets, (N, ...), float64, with the shape of the outputs, the weights of the rows beside them
                (:func:`parity.rows.beside`) where these have such; the loss is given them in the form it takes.
            number: of the step, counted from 0: says the dropout masks and the optimizer's count of updates made.
        """
        found = Step(loss=0.0)
        for (phase, name), value in self.stages(x, y, number):
            if phase == "loss":
                found.loss = float(value)
            else:
                getattr(found, phase)[name] = value
        return found

    def stages(
        self, x: np.ndarray, y: np.ndarray, number: int, known: Passed | None = None, since: int = 0
    ) -> Iterator[Computed]:
        """Yield what :meth:`step` computes, phase after phase: nothing is computed that nobody reads on to.

        Args:
            x: inputs, (N, ...), float64.
            y: targets, as :meth:`step` takes them.
            number: of the step, counted from 0.
            known: what a step has computed that is the same up to ``since``; takes what this one computes if it is
                empty.
            since: number of the first layer that is another one; behind the last layer comes the loss, behind the loss
                the update.
        """
        masks = self._masks(x, number)
        passed = Passed(values=self.fed(x)) if known is None else known
        if since > 0:
            kept = passed.values[: len(self.graph.inputs) + since]
            passed = Passed(values=kept, moved=passed.moved[:since], gradients=passed.gradients)
        self._moving = {name: one for statistics in passed.moved[:since] for name, one in statistics.items()}
        for index, (layer, op, mask) in enumerate(zip(self.graph.layers, self.ops, masks, strict=True)):
            if index >= since:
                value, statistics = self._through(self._op(index, passed), self._read(index, passed), mask)
                passed.values.append(value)
                passed.moved.append({parameter(op.name, name): one for name, one in statistics.items()})
                self._moving |= passed.moved[-1]
            yield ("forward", self._seen_as(layer)), passed.values[self.graph.places[layer.name]]
        self._moving = {}
        parts = self._parts(passed, y)
        whole = sum(loss.value(value[counts], *of) for _, loss, counts, value, *of in parts)
        yield ("loss", "loss"), np.asarray(self._lost(whole, passed))
        if since <= len(self.ops):
            passed.gradients, slopes = {}, {}
            for place, loss, counts, value, *of in parts:
                slopes[place] = np.zeros_like(value)
                slopes[place][counts] = loss.gradient(value[counts], *of)
            self._back(slopes, passed, masks)
        for name, gradient in passed.gradients.items():
            yield ("gradient", name), gradient
        for name, update in self._update(passed.gradients, number):
            yield ("update", name), update
        moved = {name: one for statistics in passed.moved for name, one in statistics.items()}
        self.weights |= moved
        held = {name: self.weights[name] for name, one in self.parameters.items() if not one.trainable}
        for name, one in (self.named_slots() | held).items():
            yield ("state", name), one

    def _parts(self, passed: Passed, y: np.ndarray) -> list[tuple[int, Loss, Any, np.ndarray, Any, bool, Any]]:
        """Return, of each output, its place, its loss, which of its numbers count, and what the loss is given of it.

        That is the output, and of what counts the targets, whether they meet logits, and the rows' weights.
        """
        y, weights = parted(y, self.side.row)
        weights, found = weights if self.side.weighs else None, []
        for one, targets in zip(self.views.values(), apart(y, self.side.outputs), strict=True):
            loss, place = one.config.loss, self.graph.places[one.last.name]
            given = in_form(targets, one.forms[""])
            counts = self._counted(one.graph.counted, passed)
            told = loss.on_logits(one.graph.ending), None if weights is None else weights[counts]
            found.append((place, loss, counts, passed.values[place], given[counts], *told))
        return found

    def fed(self, x: np.ndarray) -> list[np.ndarray]:
        """Return each of the model's inputs, of rows as the harness keeps them."""
        return list(apart(x, self.graph.packed))

    def _read(self, index: int, passed: Passed) -> Any:
        """Return what a layer is given, as its op takes it."""
        return self.ops[index].given([passed.values[place] for place in self.graph.feeds[index]])

    def _op(self, index: int, passed: Passed) -> Op:
        """Return the layer of a number, told which steps of what it is given count."""
        layer, op = self.graph.layers[index], self.ops[index]
        if not layer.told:
            return op
        known = self._known(passed)
        return op.seeing([None if mask is None else mask.value(known) for mask in layer.told])

    def _known(self, passed: Passed) -> Tensors:
        """Return what is computed so far, by name."""
        return {name: passed.values[place] for name, place in self.graph.places.items() if place < len(passed.values)}

    def _counted(self, mask: Mask | None, passed: Passed) -> Any:
        """Return which numbers of an output its loss counts: what an array of them is indexed with."""
        return ... if mask is None else mask.value(self._known(passed))

    def _through(self, op: Op, x: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, Tensors]:
        """Return a layer's output in training, and its running statistics as it leaves them."""
        return op.trained(x, self._of(op), mask)

    def _lost(self, loss: float, passed: Passed) -> float:
        """Return the loss with what the regularizers add to it."""
        return loss + self._penalty(passed)

    def _back(self, slopes: dict[int, np.ndarray], passed: Passed, masks: list[np.ndarray | None]) -> None:
        """Go back through the layers; take note of the gradients, which add up where a value is read twice.

        Args:
            slopes: gradient of the loss with respect to each output, by its place.
            passed: what the step has computed.
            masks: of each layer.
        """
        found = passed.gradients
        for index, layer in reversed(list(enumerate(self.graph.layers))):
            slope = self._slope(layer, slopes.pop(self.graph.places[layer.name], None), passed)
            found[self._seen_as(layer)], op = slope, self._op(index, passed)
            read, gradients = self._pulled(op, self._read(index, passed), slope, masks[index])
            for source, one in zip(self.graph.feeds[index], op.each(read), strict=True):
                slopes[source] = slopes[source] + one if source in slopes else one
            for name, gradient in gradients.items():
                key = op.borrowed().get(name, parameter(op.name, name))
                if key in self.trainable:
                    found[key] = found[key] + gradient if key in found else gradient
        for name, regularizer in self._regularized():
            found[name] = found[name] + regularizer.gradient(self.weights[name])

    def _slope(self, layer: Layer, slope: np.ndarray | None, passed: Passed) -> np.ndarray:
        """Return the gradient with respect to a layer's output, of what those that read it gave."""
        assert slope is not None  # Every layer leads to an output.
        own = layer.op.activity() is not None
        return slope + self._slope_of_activity(layer, passed.values[self.graph.places[layer.name]]) if own else slope

    def _pulled(
        self, op: Op, x: np.ndarray, slope: np.ndarray, mask: np.ndarray | None
    ) -> tuple[np.ndarray, Tensors]:  # fmt: skip
        """Return the gradients with respect to a layer's input and to its parameters."""
        return op.vjp(x, self._of(op), slope, mask)

    def _regularized(self) -> list[tuple[str, Regularizer]]:
        return [(name, one.regularizer) for name, one in self.parameters.items() if one.regularizer is not None]

    def _penalty(self, passed: Passed) -> float:
        """Return what the regularizers add to the loss."""
        found = sum(float(regularizer.penalty(self.weights[name])) for name, regularizer in self._regularized())
        penalised = [layer for layer in self.graph.layers if layer.op.activity() is not None]
        values = [passed.values[self.graph.places[layer.name]] for layer in penalised]
        return found + sum(float(self._activity(*pair)) for pair in zip(penalised, values, strict=True))

    def _activity(self, layer: Layer, value: np.ndarray) -> Any:
        """Return what a layer's output adds to the loss: of logits, the probabilities that the loss makes of them."""
        ending = layer.op.ending()
        return layer.op.activity_penalty(ending.forward(value) if layer.name in self.fused and ending else value)

    def _slope_of_activity(self, layer: Layer, value: np.ndarray) -> np.ndarray:
        """Return the gradient of :meth:`_activity`."""
        return differentiable.pulled(lambda y: self._activity(layer, y), {"y": value}, np.ones(()))["y"]

    def _update(self, gradients: Arrays, number: int) -> Iterator[tuple[str, np.ndarray]]:
        """Move the trainable parameters and their slots, one after another; yield what each parameter moved by."""
        optimizer, given = self.side.config.optimizer, {name: gradients[name] for name in self.trainable}
        given = dict(self._clipped(given)) if optimizer.by_batches else given
        for name in self.trainable:
            given[name], self.slots[name] = optimizer.gathered(given[name], self.slots[name], number)
        given = given if optimizer.by_batches else dict(self._clipped(given))
        for name in self.trainable:
            before = self.weights[name]
            own = optimizer.of(name)
            move = self._move(name, given[name], number) if optimizer.due(number) else own.between(before, number)
            move, self.slots[name] = optimizer.averaged(before, move, self.slots[name], number)
            after, constraint = before + move, self.parameters[name].constraint
            self.weights[name] = after if constraint is None else constraint.held(after)
            yield name, self.weights[name] - before

    def _clipped(self, given: Arrays) -> Arrays:
        return self.side.config.optimizer.clipped(dict(given))

    def _move(self, name: str, gradient: np.ndarray, number: int) -> np.ndarray:
        """Return what the optimizer's rule adds to a parameter, and move its slots."""
        ruled = self.side.config.optimizer.of(name).ruled
        move, self.slots[name] = ruled(self.weights[name], gradient, self.slots[name], number)
        return move

    def _masks(self, x: np.ndarray, number: int) -> list[np.ndarray | None]:
        """Return each layer's dropout mask or noise, None for those that draw nothing."""
        masks = {layer.name: self._mask(x, number, layer, layer.draw_numbers) for layer in self.side.drawing()}
        return [masks.get(layer.name) for layer in self.side.layers()]

    def _mask(self, x: np.ndarray, number: int, layer: Layer, calls: Sequence[int]) -> Any:
        """Return the mask that a layer takes in a step, of those that the calls of the step draw; of several a list."""
        seed = self.side.config.training.seed
        found = [dealt(seed, number, call, (len(x), *one.shape), one.rate)
                 for call, one in zip(calls, layer.drawn, strict=True)]  # fmt: skip
        return found[0] if len(found) == 1 else found

    def _of(self, op: Op) -> Tensors:
        """Return what a layer computes with, by its names: where it is applied again, as that has moved it."""
        prefix = f"{op.name}."
        own = {name[len(prefix) :]: value for name, value in self.weights.items() if name.startswith(prefix)}
        again = self._moving if str(op.name) in self.graph.shared else {}
        own |= {name: again[key] for name in own if (key := prefix + name) in again}
        return own | {name: self.weights[key] for name, key in op.borrowed().items()}

    def _seen_as(self, layer: Layer) -> str:
        """Return the name of a layer's output."""
        return output(layer.name, form=LOGITS) if layer.name in self.fused else layer.name

    def named_slots(self) -> Tensors:
        """Return the optimizer's slots as ``slot/layer.parameter``."""
        return {slot_name(slot, name): value for name, slots in self.slots.items() for slot, value in slots.items()}

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the outputs in evaluation mode, probabilities where the model ends in them; of several, side by side.

        Args:
            x: inputs, (N, ...), float64.
        """
        return together(list(self.predicted(x).values()))

    def predicted(self, x: np.ndarray) -> Tensors:
        """Return the predictions of each output by its name, of the only one without; arguments as :meth:`predict`."""
        passed = Passed(values=self.fed(x))
        for index in range(len(self.ops)):
            op = self._op(index, passed)
            passed.values.append(op.forward(self._read(index, passed), self._of(op)))
        return self.answered(passed)

    def answered(self, passed: Passed) -> Tensors:
        """Return predictions, of outputs in evaluation, in the form in which those of the side are compared."""
        found = {}
        for name, one in self.views.items():
            ending, value = one.graph.ending, passed.values[self.graph.places[one.last.name]]
            value = ending.forward(value) if one.last.name in self.fused and ending else value
            form = self.form.get(name)
            spoken = spoken_by(one) if form is not None else None
            found[name] = turned(value, spoken.predicted, form, spoken.ending) if spoken and form else value
        return found
