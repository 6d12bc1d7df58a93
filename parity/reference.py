"""The third witness: the model, loss and optimizer of a side in float64 NumPy.

Made of the entries' own ``forward``, ``vjp``, ``gradient`` and ``update``, and of nothing that a framework computes.
Where two frameworks part, it says which of them does what the spec says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from parity.lazy import np
from parity.ops import Op
from parity.run.randomness import keep_mask
from parity.run.targets import in_form
from parity.spec.resolve import Resolved

if TYPE_CHECKING:
    from parity.regularizers import Regularizer
    from parity.written import Arrays

Tensors = dict[str, "np.ndarray"]


@dataclass(kw_only=True)
class Step:
    """What one training step computes, in canonical layout.

    Args:
        loss: of the batch, as it was before the step.
        forward: outputs by layer; ``layer.logits`` where the loss looks behind the last activation.
        gradient: gradients of the loss, by ``layer.parameter`` and, with respect to the outputs, by the names that
            ``forward`` has.
        update: what every trainable parameter moved by.
        state: slots as ``slot/layer.parameter`` and running statistics as ``layer.parameter``, after the step.
    """

    loss: float
    forward: Tensors = field(default_factory=dict)
    gradient: Tensors = field(default_factory=dict)
    update: Tensors = field(default_factory=dict)
    state: Tensors = field(default_factory=dict)


class Reference:
    """A side in float64 NumPy, with the state it has reached.

    Args:
        side: what it is.
        weights: values by ``layer.parameter``, running statistics among them.
        slots: values by ``slot/layer.parameter``; those of the first step where not said.
    """

    def __init__(self, side: Resolved, weights: Arrays, slots: Arrays | None = None) -> None:
        self.side, config = side, side.config
        self.weights: Tensors = {name: np.array(value, dtype=np.float64) for name, value in weights.items()}
        self.parameters = side.parameters()
        self.trainable = [name for name, parameter in self.parameters.items() if parameter.trainable]
        self.slots = {name: config.optimizer.init(self.weights[name]) for name in self.trainable}
        for key, value in (slots or {}).items():
            slot, _, name = key.partition("/")
            self.slots[name][slot] = np.array(value, dtype=np.float64)
        ops: list[Op] = [layer.op for layer in side.layers()]
        self.ending = ops[-1].ending()
        self.fused = config.loss.fused(self.ending)
        self.ops = [*ops[:-1], without_activation(ops[-1])] if self.fused else ops

    def step(self, x: np.ndarray, y: np.ndarray, number: int) -> Step:
        """Take one step: forward with dropout, loss and penalties, gradients, update and constraints.

        Args:
            x: inputs, (N, ...), float64.
            y: targets, (N, ...), float64, with the shape of the outputs; the loss is given them in the form it takes.
            number: of the step, counted from 0: says the dropout masks and the optimizer's count of updates made.
        """
        loss, value = self.side.config.loss, x
        y = in_form(y, loss.form(self.side.config.data.targets))
        masks = self._masks(x, number)
        read: list[np.ndarray] = []
        moved: Tensors = {}
        found = Step(loss=0.0)
        for op, mask in zip(self.ops, masks, strict=True):
            read.append(value)
            value, statistics = op.trained(value, self._of(op), mask)
            moved |= {f"{op.name}.{name}": one for name, one in statistics.items()}
            found.forward[self._seen_as(op)] = value
        logits = loss.on_logits(self.ending)
        found.loss = loss.value(value, y, logits) + self._penalty()
        slope = loss.gradient(value, y, logits)
        for op, given, mask in reversed(list(zip(self.ops, read, masks, strict=True))):
            found.gradient[self._seen_as(op)] = slope
            slope, gradients = op.vjp(given, self._of(op), slope, mask)
            found.gradient |= {f"{op.name}.{name}": gradient for name, gradient in gradients.items()}
        for name, regularizer in self._regularized():
            found.gradient[name] = found.gradient[name] + regularizer.gradient(self.weights[name])
        found.update = self._update(found.gradient, number)
        self.weights |= moved
        found.state = self.named_slots() | moved
        return found

    def _regularized(self) -> list[tuple[str, Regularizer]]:
        return [(name, one.regularizer) for name, one in self.parameters.items() if one.regularizer is not None]

    def _penalty(self) -> float:
        """Return what the regularizers add to the loss."""
        return sum(regularizer.penalty(self.weights[name]) for name, regularizer in self._regularized())

    def _update(self, gradients: Arrays, number: int) -> Tensors:
        """Move the trainable parameters and their slots; return what the parameters moved by."""
        found = {}
        for name in self.trainable:
            before = self.weights[name]
            update, slots = self.side.config.optimizer.update, self.slots[name]
            move, self.slots[name] = update(before, gradients[name], slots, number)
            after, constraint = before + move, self.parameters[name].constraint
            self.weights[name] = after if constraint is None else constraint.held(after)
            found[name] = self.weights[name] - before
        return found

    def _masks(self, x: np.ndarray, number: int) -> list[np.ndarray | None]:
        """Return each layer's dropout mask, None for those that draw nothing."""
        seed, draws = self.side.config.training.seed, {layer.name for layer in self.side.drawing()}
        return [
            keep_mask(seed, number, layer.mask, (len(x), *layer.input_shape), layer.op.rate)  # type: ignore[attr-defined]
            if layer.name in draws
            else None
            for layer in self.side.layers()
        ]

    def _of(self, op: Op) -> Tensors:
        """Return the parameters of a layer, by their names in it."""
        prefix = f"{op.name}."
        return {name[len(prefix) :]: value for name, value in self.weights.items() if name.startswith(prefix)}

    def _seen_as(self, op: Op) -> str:
        """Return the name of a layer's output."""
        return f"{op.name}.logits" if self.fused and op is self.ops[-1] else str(op.name)

    def named_slots(self) -> Tensors:
        """Return the optimizer's slots as ``slot/layer.parameter``."""
        return {f"{slot}/{name}": value for name, slots in self.slots.items() for slot, value in slots.items()}

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the outputs in evaluation mode, probabilities where the model ends in them.

        Args:
            x: inputs, (N, ...), float64.
        """
        for op in self.ops:
            x = op.forward(x, self._of(op))
        return self.ending.forward(x) if self.fused and self.ending else x


def without_activation(op: Op) -> Op:
    """Return a layer that ends in an activation without it."""
    (name,) = {"activation", "function"} & set(type(op).model_fields)
    return op.replace(**{name: "linear"})
