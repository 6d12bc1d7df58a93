"""Optimizers: one file each. ``AnyOptimizer`` is the type of a field that takes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field

from parity.code import Case, function
from parity.discovery import entry_type
from parity.errors import UsageError
from parity.formula import Formula, formula_of
from parity.frameworks import part_of, title_of
from parity.lazy import np
from parity.optimizers.per_parameter import PerParameter
from parity.schedules import AnyRate, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from parity.code import Helper, OptimizerCode

Slots = dict[str, "np.ndarray"]


class Optimizer(PerParameter):
    """Base of the optimizers: an update rule as a formula, and the frameworks' own parts that mean it.

    The rule is of one parameter at a time, so that it can be fed any framework's gradients. Where no part of a
    framework means it, the framework writes it out.
    """

    letters: ClassVar[Mapping[str, str]] = {}
    """Every slot that it may keep for a parameter, and what the formula calls it."""
    starts: ClassVar[Mapping[str, float | str]] = {}
    """What slots start at, a number or the name of a field; 0 where not said."""
    shared: ClassVar[frozenset[str]] = frozenset()
    """The slots that are one number, whatever the parameter's shape."""

    divides_by_rate: ClassVar[bool] = False
    """Whether a step size of 0 breaks it."""

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")

    def formula(self) -> str:
        """Return the update rule: assignments to the weight ``w`` and to slots, a line each.

        It reads the gradient ``g``, the step size ``lr``, the number ``t`` of the step, 1 for the first, slots by their
        letters, and fields.
        """
        raise TypeError(f"{type(self).__name__} has no meaning")

    def rule(self) -> str:
        """Return the update rule as people write it, without a full stop."""
        raise TypeError(f"{type(self).__name__} says nothing")

    def schedule(self) -> Schedule | None:
        """Return what the step size follows, None where it stays what it is."""
        return self.learning_rate if isinstance(self.learning_rate, Schedule) else None

    def meaning(self) -> Formula:
        """Return :meth:`formula`, read."""
        return formula_of(self.formula())

    def rate(self, step: int) -> float:
        """Return the step size.

        Args:
            step: batches already trained on, each an update as a rule; 0 for the first.
        """
        schedule = self.schedule()
        rate = float(self.learning_rate) if schedule is None else schedule.rate(step)  # type: ignore[arg-type]
        return self._own_factor * rate

    def changes(self) -> bool:
        """Return whether the step size changes from step to step."""
        return self.schedule() is not None

    def slots(self) -> tuple[str, ...]:
        """Return the names of the slots it keeps for each parameter."""
        return (*self.moments(), *self.kept_around())

    def moments(self) -> tuple[str, ...]:
        """Return those of them that the rule reads and moves."""
        return tuple(name for name, letter in self.letters.items() if letter in self.meaning().names)

    def start(self, slot: str) -> float:
        """Return what a slot starts at."""
        start = self.starts.get(slot, 0.0)
        return float(getattr(self, start) if isinstance(start, str) else start)

    def numbers(self) -> dict[str, float]:
        """Return the slots that are one number whatever the parameter's shape, and how they start."""
        return {name: self.start(name) for name in self.slots() if name in self.shared}

    def fills(self) -> dict[str, float]:
        """Return the slots of the rule that are no single numbers and start at other numbers than 0, and these."""
        starts = {name: self.start(name) for name in self.moments() if name not in self.shared}
        return {name: start for name, start in starts.items() if start}

    def measured(self) -> str:
        """Return what takes the norm of a whole parameter, in words; empty where each number is by itself."""
        if self.clipnorm is not None:
            return "clipnorm, of each parameter"
        return self.kind if "sum(" in self.formula() else ""

    def hyperparameters(self) -> tuple[str, ...]:
        """Return the fields beside the step size that the rule reads."""
        return tuple(name for name in type(self).model_fields if name in self.meaning().names)

    def init(self, w: np.ndarray) -> Slots:
        """Return the slots of a parameter before the first step."""
        return {
            name: np.full(() if name in self.shared else np.shape(w), self.start(name), np.float64)
            for name in self.slots()
        }

    def update(self, w: np.ndarray, gradient: np.ndarray, slots: Slots, step: int) -> tuple[np.ndarray, Slots]:
        """Return what is added to the parameter, and the new slots, clipping aside, which is of all parameters.

        Args:
            w: the parameter.
            gradient: gradient of the loss with respect to it.
            slots: what :meth:`init` or the last call returned.
            step: batches before this one, 0 for the first.
        """
        gradient, slots = self.gathered(gradient, slots, step)
        move, slots = self.ruled(w, gradient, slots, step) if self.due(step) else (self.between(w, step), slots)
        return self.averaged(w, move, slots, step)

    def between(self, w: np.ndarray, step: int) -> np.ndarray:
        """Return what is added to the parameter in a batch that makes no update: as a rule nothing.

        Args:
            w: the parameter.
            step: batches before this one.
        """
        del step
        return np.zeros_like(w)

    def ruled(self, w: np.ndarray, gradient: np.ndarray, slots: Slots, step: int) -> tuple[np.ndarray, Slots]:
        """Return what the rule adds to the parameter, and the new slots: the arguments are those of :meth:`update`."""
        fields = {name: getattr(self, name) for name in self.hyperparameters()}
        kept = {self.letters[name]: slots[name] for name in self.moments()}
        given = {"w": w, "g": gradient, "lr": self.rate(step), "t": self.updates(step) + 1, **kept, **fields}
        found, move = self.meaning().moved("w", given)
        return move, {**slots, **{name: np.asarray(found[self.letters[name]]) for name in self.moments()}}

    def inert(self, field: str, other: Any) -> str:
        """Return why changing ``field`` to ``other`` provably does nothing here, or an empty string.

        Args:
            field: name of a field.
            other: the value it would take.
        """
        idle = field == "clip_epsilon" and (self.clip() is None or self.clipvalue is not None)
        return "no norm is clipped" if idle else super().inert(field, other)

    def code(self, framework: str, kept: Mapping[str, tuple[str, ...]] = {}) -> OptimizerCode:
        """Return the optimizer in a framework: its own part, or the rule written out.

        Args:
            framework: whose program it is for.
            kept: where the program keeps its trainable parameters; without it all are treated alike.

        Raises:
            UsageError: where it cannot be said there.
        """
        hole = self.hole_of(framework) if self.hole(framework) is None else None
        if hole is not None:
            raise UsageError(f"optimizer {self.label()}: {title_of(framework)} cannot say it: {hole.why}; {hole.fix}")
        one = self.as_written().decay_first()
        made: OptimizerCode = part_of(framework, "rule").written(one, self.part(framework), kept if one.parts else {})
        return made if not self.kept_around() else part_of(framework, "around").wrapped(made, self)

    def as_written(self) -> Self:
        """Return the optimizer without what says nothing here."""
        return self

    def doc(self) -> str:
        """Return the update rule and how the step size changes, in a line."""
        schedule = self.schedule()
        rule = f"{self.rule()}{self.clip_words()}{self.apart_words()}{self.around_words()}"
        return f"{rule}." if schedule is None else f"{rule}; lr is {schedule.told()}."

    def rate_helpers(self, framework: str) -> tuple[Helper, ...]:
        """Return the function ``learning_rate(t)`` where the step size changes."""
        schedule = self.schedule()
        if schedule is None:
            return ()
        doc = f"{schedule.told()}, t updates already made."
        return (function("learning_rate", ["t"], doc[0].upper() + doc[1:], [f"return {schedule.written(framework)}"]),)


def weight_case(
    shows: str, fields: Mapping[str, Any], gradients: Sequence[float], end: float, start: float = 0.0
) -> Case:
    """Return a worked case of one weight.

    Args:
        shows: what it shows, in words.
        fields: of the optimizer.
        gradients: of successive steps.
        end: where the weight ends.
        start: where it starts.
    """
    return Case(shows=shows, fields=fields, x=[[one] for one in gradients], parameters={"w": [start]}, expected=[end])


if TYPE_CHECKING:
    AnyOptimizer = Optimizer
else:
    AnyOptimizer: Any = entry_type(Optimizer, "parity.optimizers")
