"""An update rule in Keras 2: its own optimizer, or the rule written out as in raw TensorFlow."""

from __future__ import annotations

from parity.code import OptimizerCode
from parity.frameworks.keras.apart import apart
from parity.frameworks.tensorflow import rule as tensorflow_rule
from parity.native import Native
from parity.optimizers import Optimizer
from parity.optimizers.per_parameter import Kept


def written(optimizer: Optimizer, own: Native | None, kept: Kept) -> OptimizerCode:
    """Return an optimizer: Keras 2's own, or its rule in a class that keeps what it needs.

    Args:
        optimizer: what it is.
        own: Keras's own part; None where it has none.
        kept: where the program keeps parameters, of an optimizer that treats some otherwise than others.
    """
    if own is None or not own.fits(optimizer):
        return tensorflow_rule.written(optimizer, None, kept)
    schedule = optimizer.schedule()
    rate = repr(optimizer.learning_rate) if schedule is None else schedule.made("keras")
    made = OptimizerCode(
        build=own.source(optimizer, learning_rate=rate),
        slots=own.kept(optimizer.moments(), optimizer.rate(0)),
        doc=optimizer.doc(),
        helpers=schedule.helpers("keras") if schedule else (),
        comment=own.comment,
    )
    return apart(made, optimizer, own, kept) if kept else made
