"""Schedules of the learning rate: one file each. ``AnyRate`` is the type of a field that takes a number or one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt

from parity.code import Helper, documented, needs
from parity.discovery import entry_type
from parity.entries import Entry
from parity.formula import expression, formula_of, value_of
from parity.frameworks import frameworks

if TYPE_CHECKING:
    from parity.frameworks import Words
    from parity.native import Native

NUMBER = "a number"
"""What a rate that no entry stands for is called in faults; no part of a path."""


WRITTEN = '''
class {name}(keras.optimizers.schedules.LearningRateSchedule):
    """{doc}"""

    def __call__(self, step):
        t = keras.ops.cast(step, keras.config.floatx())
        return {rate}
'''


class Schedule(Entry):
    """Base of the schedules: a rate for every step, from the number of updates already made.

    So the first update has the rate of step 0, as in Keras; PyTorch's schedulers, stepped after the optimizer, agree.
    Stepped ahead of it, as before PyTorch 1.1, they leave the first rate out: ``counted: before_update``. Stepped at
    the end of an epoch, as they mostly are, they count epochs: ``per: epoch``, which becomes the number of batches that
    an epoch has once the data are there. Numbers of steps, of a warm-up too, are then numbers of epochs.
    Any of them may begin with a warm-up, in which the rate rises along a line to what it is at the schedule's own first
    step; that begins ``warmup_steps`` later, as with ``torch.optim.lr_scheduler.SequentialLR``. Of Keras's own only
    ``CosineDecay`` has a warm-up.
    """

    quiet: ClassVar[frozenset[str]] = frozenset({"per", "counted"})

    warmup_steps: NonNegativeInt = Field(
        default=0, description="steps before the schedule begins, in which it is reached"
    )
    warmup_from: NonNegativeFloat = Field(default=0.0, description="rate of the first step of a warm-up")
    per: Literal["step", "epoch"] | Annotated[int, Field(ge=2)] = Field(
        default="step", description="what is counted: updates, epochs, or so many updates as one"
    )
    counted: Literal["after_update", "before_update"] = Field(
        default="after_update",
        description="whether the first update has the rate of step 0, or of step 1, as where a scheduler goes ahead of "
        "the optimizer",
    )

    def formula(self) -> str:
        """Return the rate as an expression in ``t``, the updates already made, and the fields."""
        raise TypeError(f"{type(self).__name__} has no meaning")

    def doc(self) -> str:
        """Return the rule in a line."""
        raise TypeError(f"{type(self).__name__} says nothing")

    def rate(self, step: int) -> float:
        """Return the learning rate.

        Args:
            step: updates already made, 0 for the first.
        """
        t = float(formula_of(self._count()).value(t=step))
        if t < self.warmup_steps:
            return float(formula_of(self._rising()).value(t=t))
        return float(formula_of(self.formula()).value(t=t - self.warmup_steps, **dict(self)))

    def _count(self) -> str:
        """Return what is counted, an expression in ``t``, the updates already made.

        Raises:
            ValueError: when it is epochs, and nobody has said how many updates one has.
        """
        if self.per == "epoch":
            raise ValueError("a schedule that counts epochs, of data that are not there: say their batches, per: N")
        found = "t" if self.per == "step" else f"floor(t / {self.per})"
        return found if self.counted == "after_update" else f"({found} + 1)"

    def _rising(self) -> str:
        """Return the rate in the warm-up, an expression in ``t``."""
        peak = float(formula_of(self.formula()).value(t=0, **dict(self)))
        start = f"{self.warmup_from!r} + " if self.warmup_from else ""
        return f"{start}{peak - self.warmup_from!r} * t / {self.warmup_steps}"

    def written(self, framework: str) -> str:
        """Return the source of the rate in a framework, as an expression in ``t``."""
        return self._worded(frameworks()[framework].scalars)

    def _worded(self, words: Words) -> str:
        """Return the source of the rate in some words, as an expression in ``t``."""
        numbers = {name: repr(value) for name, value in self}
        t = expression(value_of(self._count()), words)
        if not self.warmup_steps:
            return expression(value_of(self.formula()), words, numbers | {"t": t})
        after = expression(value_of(self.formula()), words, numbers | {"t": f"({t} - {self.warmup_steps})"})
        rate = value_of(f"where(t < {self.warmup_steps}, {self._rising()}, after)")
        return expression(rate, words, {"after": f"({after})", "t": t})

    def made(self, framework: str) -> str:
        """Return the source of a framework's own schedule, or of one that is written out."""
        own = self._own(framework)
        return own.source(self) if own is not None else f"{type(self).__name__}()"

    def _own(self, framework: str) -> Native | None:
        part = self.part(framework)
        return part if part is not None and part.fits(self) and self._from_the_first() else None

    def _from_the_first(self) -> bool:
        """Return whether it begins with the first update and counts updates, as frameworks' own do."""
        return not self.warmup_steps and self._count() == "t"

    def told(self) -> str:
        """Return the whole rule in a line, with its warm-up and what it counts."""
        found = self.doc()
        if self.warmup_steps:
            found = f"{self.warmup_from!r} to the first rate in {self.warmup_steps} steps, then {found}"
        found += "" if self.per == "step" else f", steps of {self.per} updates each"
        return found if self.counted == "after_update" else f"{found}, the first left out"

    def helpers(self, framework: str) -> tuple[Helper, ...]:
        """Return what :meth:`made` calls beside the framework's own."""
        if self._own(framework) is not None:
            return ()
        name, rate = type(self).__name__, self._worded(frameworks()[framework].words)
        source = WRITTEN.format(name=name, doc=documented(f"{self.told()}, t updates already made."), rate=rate)
        return (Helper(name=name, source=source, imports=needs(source)),)


if TYPE_CHECKING:
    AnyRate = float | Schedule
else:
    AnyRate: Any = entry_type(Schedule, "parity.schedules", NUMBER)
