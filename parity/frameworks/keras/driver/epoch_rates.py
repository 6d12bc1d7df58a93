"""Rates that a program's callback sets ahead of each epoch (``LearningRateScheduler``), asked for ahead of training.

Source: keras/src/callbacks/learning_rate_scheduler.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from parity.frameworks.keras.driver.tracing import UntoldError
from parity.rows import training_rows
from parity.run.decimals import decimal_of
from parity.run.told import ToldRefusal
from parity.run.watched import Training

SETS = keras.callbacks.LearningRateScheduler

NEEDS = "a schedule of the optimizer, or a function of the epoch and the rate before it"


@dataclass(frozen=True)
class EpochRates:
    """The rate of each epoch.

    Args:
        rates: of the epochs.
        steps: of an epoch.
    """

    rates: Sequence[float]
    steps: int

    def word(self) -> dict[str, Any]:
        """Return them as a word of which a reader makes a schedule."""
        return {"rates": list(self.rates), "steps": self.steps}


def epoch_rates(training: Training) -> EpochRates | None:
    """Return the rates that a callback sets; None where none does.

    A callback is asked as Keras asks it, with the rate of the epoch before, which it is given in full, where Keras has
    it in float32.

    Raises:
        UntoldError: when it cannot be told: it fails, or how many steps an epoch has is not known.
    """
    setting = [one for one in training.callbacks if isinstance(one, SETS)]
    if not setting:
        return None
    rows, optimizer = _rows(training.x), training.model.optimizer
    if len(setting) > 1 or rows is None or type(setting[0]).on_epoch_begin is not SETS.on_epoch_begin:
        raise UntoldError(ToldRefusal(what="rates that callbacks set", needs=NEEDS))
    rate = decimal_of(float(np.asarray(optimizer.learning_rate)))
    found = []
    for epoch in range(training.epochs or 1):
        try:
            try:
                rate = setting[0].schedule(epoch, rate)
            except TypeError:
                rate = setting[0].schedule(epoch)
            rate = float(rate)
        except Exception as error:
            what = f"a rate that a callback sets, which fails in epoch {epoch + 1} ({type(error).__name__}: {error}),"
            raise UntoldError(ToldRefusal(what=what, needs=NEEDS)) from None
        found.append(rate)
    count = training_rows(rows, training.validation_split) if training.validation_split else rows
    return EpochRates(found, math.ceil(count / (training.batch_size or 32)))


def _rows(x: Any) -> int | None:
    """Return how many rows there are; None of what has no length that says it."""
    several = x.values() if isinstance(x, Mapping) else x if isinstance(x, list | tuple) else [x]
    shape: Any = getattr(next(iter(several), None), "shape", ())
    return int(shape[0]) if len(shape) else None


class SetByEpoch(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """The rates of epochs as a schedule, by which a program trains whose callbacks nobody calls."""

    def __init__(self, told: EpochRates) -> None:
        """Take the rates."""
        super().__init__()
        self._told = told

    def __call__(self, step: Any) -> Any:
        """Return the rate of a step."""
        table = keras.ops.convert_to_tensor(list(self._told.rates), keras.config.floatx())
        epoch = keras.ops.cast(step, "int64") // self._told.steps
        return keras.ops.take(table, keras.ops.minimum(epoch, len(self._told.rates) - 1))

    def get_config(self) -> dict[str, Any]:
        """Return what it is made of."""
        return self._told.word()
