"""What an optimizer does around its rule, in Keras: its base optimizer's own arguments."""

from __future__ import annotations

from dataclasses import replace

from parity.code import Helper, OptimizerCode, Slot
from parity.optimizers import Optimizer
from parity.optimizers.around import PLACES

BATCHWISE = '''
class {name}({base}):
    """{title} that clips, decays and counts in every batch, also where several make an update, as up to Keras 3.4."""

    iterations = property(lambda self: self._iterations)

    def _backend_apply_gradients(self, gradients, variables):
        """Clip and decay, and then gather."""
        gradients = super()._clip_gradients(gradients)
        super()._apply_weight_decay(variables)
        super()._backend_apply_gradients(gradients, variables)

    def _clip_gradients(self, gradients):
        """Leave them: each was clipped when it came."""
        return gradients

    def _apply_weight_decay(self, variables):
        """Leave them: they were decayed when their gradients came."""
'''


def wrapped(code: OptimizerCode, optimizer: Optimizer) -> OptimizerCode:
    """Return the code of an optimizer, which is told already, with where Keras keeps what is not its rule's.

    Args:
        code: of it.
        optimizer: what it is.
    """
    kept = {name: Slot(attribute=PLACES[name]) for name in optimizer.kept_around()}
    code = replace(code, slots={**code.slots, **kept})
    if not optimizer.by_batches or optimizer.installed("accumulation_counts") == "batches":
        return code
    base, _, arguments = code.build.partition("(")
    title = base.rpartition(".")[2]
    name = f"Batchwise{title}"
    helper = Helper(name=name, source=BATCHWISE.format(name=name, base=base, title=title))
    return replace(code, build=f"{name}({arguments}", helpers=(*code.helpers, helper))
