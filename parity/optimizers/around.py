"""What every optimizer may do around its rule: gather gradients of several batches, keep an average of the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from parity.entries import Since
from parity.frameworks import Hole, frameworks
from parity.native import Native, Turned, same
from parity.optimizers.clipping import Clipping

if TYPE_CHECKING:
    import numpy as np

ACCUMULATED, AVERAGE = "accumulated", "average"
"""Slots: the sum of the gradients of a batch and of those before it, and the average of a weight."""

PLACES = {ACCUMULATED: "_accumulated_gradients", AVERAGE: "_model_variables_moving_average"}
"""Where Keras's optimizers keep them."""


def _several(steps: int) -> int | None:
    return steps if steps > 1 else None


class Around(Clipping):
    """Base of what does something around an update rule, with n for ``gradient_accumulation_steps``.

    ============ =====================================================================================================
    accumulation every n-th batch makes an update, of the mean (or the sum) of n gradients, which is clipped as one.
                 A schedule counts batches, as in Keras (its ``per`` says otherwise), moments count updates.
    EMA          after every batch a = ema_momentum a + (1 - ema_momentum) w; as long as no update is counted, a = w.
                 At the end of every ``ema_overwrite_frequency``-th update, w = a.
    ============ =====================================================================================================

    With ``accumulation_counts: batches``, as in Keras up to 3.4, every batch is counted and not every update: each
    gradient is clipped before it is added, a decoupled weight decay is taken off in every batch, and moments and the
    average go by the number of the batch.

    Both are Keras's: its base optimizer's arguments of these names. In PyTorch a loop makes a step in every n-th batch,
    of the sum of the gradients unless it divides the loss by n; ``AveragedModel`` of ``torch.optim.swa_utils`` has the
    average. What Keras does at the end of ``fit``, to set the weights to their average, is no part of a step.
    """

    quiet: ClassVar[frozenset[str]] = Clipping.quiet | {
        "gradient_accumulation_steps", "accumulation", "accumulation_counts", "use_ema", "ema_momentum",
        "ema_overwrite_frequency",
    }  # fmt: skip

    seen_in_part: ClassVar[frozenset[str]] = frozenset({"accumulation_counts"})
    since: ClassVar = (Since("keras", "3.5", "accumulation_counts", "batches", "updates", "accumulated_batches"),)

    gradient_accumulation_steps: PositiveInt = Field(default=1, description="batches whose gradients make one update")
    accumulation: Literal["mean", "sum"] = Field(
        default="mean", description="what their gradients make: a loop that does not divide the loss takes the sum"
    )
    accumulation_counts: Literal["updates", "batches"] = Field(
        default="updates",
        description="what clipping, weight decay and the number of the step go by: updates, as with one large batch; "
        "or batches, as in Keras up to 3.4",
    )
    use_ema: bool = Field(default=False, description="keep an exponential moving average of the weights")
    ema_momentum: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        default=0.99, description="share of the old average that stays"
    )
    ema_overwrite_frequency: PositiveInt | None = Field(
        default=None, description="updates after which the weights are set to their average; never if not said"
    )

    @model_validator(mode="after")
    def _has_an_average(self) -> Self:
        if self.ema_overwrite_frequency is not None and not self.use_ema:
            raise ValueError("use_ema: true, where weights are to be set to their average")
        if self.by_batches and self.accumulation == "sum":
            raise ValueError("accumulation: mean, where batches are counted")
        return self

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Tell Keras's own optimizers of it: no entry needs to."""
        super().__pydantic_init_subclass__(**kwargs)
        if "keras" in vars(cls).get("natives", {}):
            cls.natives = {**cls.natives, "keras": around(cls.natives["keras"])}

    @property
    def gathers(self) -> bool:
        """Whether an update is made of several batches."""
        return self.gradient_accumulation_steps > 1

    @property
    def by_batches(self) -> bool:
        """Whether, of several batches that make an update, each is counted."""
        return self.gathers and self.accumulation_counts == "batches"

    def hole_of(self, framework: str) -> Hole | None:
        """Return :meth:`hole`, or why it cannot be said with these fields."""
        if self.by_batches and "keras" not in frameworks()[framework].line:
            return Hole(why="only Keras counts batches where several make an update",
                        fix="accumulation_counts: updates, or a program of your own")  # fmt: skip
        return self.hole(framework)

    def kept_around(self) -> tuple[str, ...]:
        """Return the slots of each parameter that are none of the rule's."""
        return (*((ACCUMULATED,) if self.gathers else ()), *((AVERAGE,) if self.use_ema else ()))

    def updates(self, step: int) -> int:
        """Return how many updates were made in so many batches, or the batches, where these are counted."""
        return step if self.by_batches else step // self.gradient_accumulation_steps

    def due(self, step: int) -> bool:
        """Return whether a batch makes an update.

        Args:
            step: batches before it.
        """
        return (step + 1) % self.gradient_accumulation_steps == 0

    def gathered(
        self, gradient: np.ndarray, slots: Mapping[str, np.ndarray], step: int
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the gradient that an update takes, or would take, and the slots with what is gathered.

        Args:
            gradient: of a batch.
            slots: of the parameter.
            step: batches before it.
        """
        if not self.gathers:
            return gradient, dict(slots)
        total, share = slots[ACCUMULATED] + gradient, 1.0
        if self.accumulation == "mean":
            share = self.gradient_accumulation_steps
        return total / share, {**slots, ACCUMULATED: total * 0.0 if self.due(step) else total}

    def averaged(
        self, w: np.ndarray, move: np.ndarray, slots: Mapping[str, np.ndarray], step: int
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return what is added to a parameter in the end, and the slots with its average.

        Args:
            w: the parameter before it.
            move: what the rule adds.
            slots: of the parameter.
            step: batches before this one.
        """
        if not self.use_ema:
            return move, dict(slots)
        momentum = self.ema_momentum if self.updates(step) else 0.0
        average = momentum * slots[AVERAGE] + (1.0 - momentum) * (w + move)
        every = self.ema_overwrite_frequency
        if every is not None and (self.updates(step) + 1) % every == 0:
            move = average - w
        return move, {**slots, AVERAGE: average}

    def updates_of(self, batches: str) -> str:
        """Return the source of how many updates were made in so many batches."""
        return f"{batches} // {self.gradient_accumulation_steps}" if self.gathers else batches

    def around_title(self, base: str) -> str:
        """Return what the class is called that does all this around the one that has the rule."""
        return f"{'Gathering' if self.gathers else 'Averaging'}{base}"

    def around_words(self) -> str:
        """Return what is done around the rule, in words that follow it; an empty string where that is nothing."""
        steps, found = self.gradient_accumulation_steps, ""
        if self.gathers:
            found = f"; g is the {self.accumulation} of the gradients of {steps} batches"
            found += ", each of which counts" if self.by_batches else ""
        if self.use_ema:
            found += f"; a = {self.ema_momentum!r} a + (1 - {self.ema_momentum!r}) w is kept"
            often = self.ema_overwrite_frequency
            found += "" if often is None else f", and w = a after every {f'{often} updates' if often > 1 else 'update'}"
        return found

    def inert(self, field: str, other: Any) -> str:
        """Return why changing ``field`` to ``other`` provably does nothing here, or an empty string."""
        if field in ("accumulation", "accumulation_counts") and not self.gathers:
            return "every batch makes an update"
        return "no average is kept" if field == "ema_momentum" and not self.use_ema else ""


def around(part: Native) -> Native:
    """Return an optimizer of Keras's that is told what to do around its rule."""
    told = same("use_ema", "ema_momentum", "ema_overwrite_frequency")
    steps = Turned("gradient_accumulation_steps", _several, lambda given: given or 1)
    return replace(
        part,
        arguments={**part.arguments, "gradient_accumulation_steps": steps, **told},
        own={**part.own, "gradient_accumulation_steps": None, "use_ema": False, "ema_momentum": 0.99,
             "ema_overwrite_frequency": None},
        slots={**part.slots, **PLACES},
    )  # fmt: skip
