"""What an optimizer does around its rule, in Keras: its base optimizer's own arguments."""

from __future__ import annotations

from dataclasses import replace

from parity.code import OptimizerCode, Slot
from parity.optimizers import Optimizer
from parity.optimizers.around import PLACES


def wrapped(code: OptimizerCode, optimizer: Optimizer) -> OptimizerCode:
    """Return the code of an optimizer, which is told already, with where Keras keeps what is not its rule's.

    Args:
        code: of it.
        optimizer: what it is.
    """
    kept = {name: Slot(attribute=PLACES[name]) for name in optimizer.kept_around()}
    return replace(code, slots={**code.slots, **kept})
