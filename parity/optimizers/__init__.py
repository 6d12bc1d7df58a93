"""Optimizers: one file each. ``AnyOptimizer`` is the type of a field that takes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from parity.entries import Entry, entry_type
from parity.lazy import np
from parity.schedules import FUNCTIONS, AnyRate, Schedule, rate_function

if TYPE_CHECKING:
    from collections.abc import Mapping

    from parity.code import Helper, OptimizerCode, Slot

Slots = dict[str, "np.ndarray"]


class Optimizer(Entry):
    """Base of the optimizers: a pure pair (:meth:`init`, :meth:`update`) and three templates.

    The pair is the meaning, in float64 NumPy, one parameter at a time, so it can be fed any framework's
    gradients.
    """

    torch_class: ClassVar[str] = ""
    """PyTorch's own optimizer of this rule, in ``torch.optim``."""

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")

    def rate(self, step: int) -> float:
        """Return the step size.

        Args:
            step: updates already made, 0 for the first.
        """
        return self.learning_rate.rate(step) if isinstance(self.learning_rate, Schedule) else self.learning_rate

    def changes(self) -> bool:
        """Return whether the step size changes from step to step."""
        return isinstance(self.learning_rate, Schedule)

    def init(self, w: np.ndarray) -> Slots:
        """Return the slots of a parameter before the first step."""
        raise TypeError(f"{type(self).__name__} has no meaning")

    def update(self, w: np.ndarray, gradient: np.ndarray, slots: Slots, step: int) -> tuple[np.ndarray, Slots]:
        """Return what is added to the parameter, and the new slots.

        Args:
            w: the parameter.
            gradient: gradient of the loss with respect to it.
            slots: what :meth:`init` or the last call returned.
            step: updates already made, 0 for the first.
        """
        raise TypeError(f"{type(self).__name__} has no meaning")

    def slots(self) -> tuple[str, ...]:
        """Return the names of the slots it keeps for each parameter."""
        return ()

    def numbers(self) -> dict[str, float]:
        """Return the slots that are one number whatever the parameter's shape, and how they start."""
        return {name: float(value) for name, value in self.init(np.zeros(2)).items() if np.ndim(value) == 0}

    def inert(self, field: str, other: Any) -> str:
        """Return why changing ``field`` to ``other`` provably does nothing here, or an empty string.

        Args:
            field: name of a field.
            other: the value it would take.
        """
        return ""

    def keras(self) -> OptimizerCode:
        """Return the optimizer in Keras."""
        raise TypeError(f"{type(self).__name__} has no Keras template")

    def tensorflow(self) -> OptimizerCode:
        """Return the optimizer in raw TensorFlow, its update rule written out."""
        raise TypeError(f"{type(self).__name__} has no TensorFlow template")

    def torch_slots(self, rate: float) -> Mapping[str, Slot]:
        """Return where PyTorch's own optimizer of this rule keeps each of :meth:`slots`.

        The one place that says so: a program that was written by hand is matched by it, and :meth:`torch` goes by it
        where it takes that class.

        Args:
            rate: step size, by which a slot may be scaled: PyTorch holds it outside of what it keeps.
        """
        return {}

    def torch(self) -> OptimizerCode:
        """Return the optimizer in PyTorch."""
        raise TypeError(f"{type(self).__name__} has no PyTorch template")

    def rule(self) -> str:
        """Return the update rule, without a full stop."""
        raise TypeError(f"{type(self).__name__} says nothing")

    def doc(self) -> str:
        """Return the update rule and how the step size changes, in a line."""
        return f"{self.rule()}; lr is {self.rate_doc()}." if self.changes() else f"{self.rule()}."

    def rate_doc(self) -> str:
        """Return the step size in words."""
        return self.learning_rate.doc() if isinstance(self.learning_rate, Schedule) else repr(self.learning_rate)

    def keras_rate(self) -> str:
        """Return the source for Keras's ``learning_rate=``."""
        return self.learning_rate.keras() if isinstance(self.learning_rate, Schedule) else repr(self.learning_rate)

    def rate_formula(self, framework: str) -> str:
        """Return the source of a changing step size as an expression in ``t``."""
        if isinstance(self.learning_rate, Schedule):
            return self.learning_rate.formula(FUNCTIONS[framework])
        return repr(self.learning_rate)

    def rate_helpers(self, framework: str) -> tuple[Helper, ...]:
        """Return the function ``learning_rate(t)`` where the step size changes."""
        if not self.changes():
            return ()
        doc = f"{self.rate_doc()}, t updates already made."
        return (rate_function(framework, self.rate_formula(framework), doc[0].upper() + doc[1:]),)


if TYPE_CHECKING:
    AnyOptimizer = Optimizer
else:
    AnyOptimizer: Any = entry_type(Optimizer, "parity.optimizers")
