"""What optimizers share whose weight decay is added to the gradient, as PyTorch's is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, NonNegativeFloat

from parity.optimizers import Optimizer
from parity.optimizers.per_parameter import DECAY

WHY = {DECAY: "with the decay in the gradient, as PyTorch has it"}
"""What Keras has no part for, which takes its decay off the weights."""

NONE = {DECAY: 0.0}


def added() -> Any:
    """Return the field of the decay."""
    return Field(default=0.0, description="share of the weight added to its gradient")


class Coupled(Optimizer):
    """Base of rules whose gradient g has weight_decay w added to it, as an l2 penalty of half of that would have.

    It goes through all that the rule keeps of gradients. ``weight_decay=`` of Keras's optimizers is another thing: it
    is taken off the weight, times the rate.
    """

    couples_decay: ClassVar[bool] = True
    quiet: ClassVar = Optimizer.quiet | {DECAY}

    if TYPE_CHECKING:  # Each says it behind its own fields, with that of parameters that decay otherwise.
        weight_decay: NonNegativeFloat

    def undecayed(self) -> str:
        """Return the formula of the rule without a decay."""
        raise TypeError(f"{type(self).__name__} has no meaning")

    def undecayed_rule(self) -> str:
        """Return the rule without a decay, as people write it."""
        raise TypeError(f"{type(self).__name__} says nothing")

    def formula(self) -> str:
        if not self.decays_some():
            return self.undecayed()
        return f"decayed = g + {self.share()} * w\n" + re.sub(r"\bg\b", "decayed", self.undecayed())

    def rule(self) -> str:
        return (
            f"g is g + {self.weight_decay!r} w; {self.undecayed_rule()}"
            if self.decays_some()
            else self.undecayed_rule()
        )
