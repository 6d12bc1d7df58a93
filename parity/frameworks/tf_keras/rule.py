"""An update rule in Keras 2: its own optimizer, or the rule written out as in raw TensorFlow."""

from __future__ import annotations

from parity.code import OptimizerCode
from parity.frameworks.tensorflow import rule as tensorflow_rule
from parity.native import Native
from parity.optimizers import Optimizer


def written(optimizer: Optimizer, own: Native | None) -> OptimizerCode:
    """Return an optimizer: Keras 2's own, or its rule in a class that keeps what it needs.

    Args:
        optimizer: what it is.
        own: Keras's own part; None where it has none.
    """
    if own is None or not own.fits(optimizer):
        return tensorflow_rule.written(optimizer, None)
    schedule = optimizer.schedule()
    rate = repr(optimizer.learning_rate) if schedule is None else schedule.made("keras")
    return OptimizerCode(
        build=own.source(optimizer, learning_rate=rate),
        slots=own.kept(optimizer.moments(), optimizer.rate(0)),
        doc=optimizer.doc(),
        helpers=schedule.helpers("keras") if schedule else (),
        comment=own.comment,
    )
