"""Rates that lines of a raw TensorFlow program give by a count of steps or of epochs, as tables and as words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from parity.frameworks.tensorflow.driver.chain import number_of
from parity.frameworks.tensorflow.driver.counted import RateTable
from parity.frameworks.tensorflow.driver.told_rows import RowsOfLoop
from parity.run.asked_rates import AskedRate, asked_rate
from parity.run.loops_here import loops_around
from parity.run.told import Told, ToldRefusal, Word

if TYPE_CHECKING:
    from parity.frameworks.tensorflow.driver.seen import Recorded

DENSE = 2050
"""Steps whose rates are all asked for."""

LATER = [round(DENSE * 1.05**number) for number in range(1, 130)]
"""Steps behind these, up to a million, at which a rate is asked for, too."""


def table_of(told: AskedRate, rows: RowsOfLoop) -> RateTable | None:
    """Return the rates of the steps; None where they do not change, or are not known.

    Args:
        told: how the rate follows from a count.
        rows: that the program trains on: how many steps an epoch has, and how many epochs there are.
    """
    if told.by_epoch:
        epochs, size = rows.training.epochs, rows.training.batch_size
        if not epochs or not size or not rows.arrays:
            return None
        count = len(rows.arrays[0])
        steps = count // size if rows.training.drop_remainder else math.ceil(count / size)
        rates = told.rates(epochs)
        if len(rates) < epochs:
            return None
        word = {"rates": rates, "steps": steps}
        table = [rate for rate in rates for _ in range(steps)]
    else:
        table = told.rates(DENSE)
        later = [] if len(table) < DENSE else [(step, one) for step in LATER if (one := _at(told, step)) is not None]
        word = {"dense": table, "later": later}
    known = bool(table) and all(map(math.isfinite, table)) and table[0] > 0.0
    return RateTable(tuple(table), word) if known and len(set(table)) > 1 else None


def _at(told: AskedRate, step: int) -> float | None:
    try:
        return float(told.rate(step))
    except Exception:  # Whatever a program does.
        return None


def at_set_rates(word: Word, seen: Recorded, told: Told) -> Word:
    """Return an optimizer of Keras's with the rates that the program sets, ``optimizer.learning_rate.assign(...)``.

    Args:
        word: of the optimizer.
        seen: of the program.
        told: takes what cannot be told.
    """
    if seen.set_rates is None:
        return word
    if isinstance(seen.set_rates, RateTable):
        return {**word, "arguments": {**word["arguments"], "learning_rate": seen.set_rates.word}}
    told.refused.append(ToldRefusal(what="a rate that the program sets itself, by no count that is seen,",
                                    place=seen.set_rates, needs="a schedule of the optimizer"))  # fmt: skip
    return word


def set_rates(seen: Recorded) -> RateTable | str | None:
    """Return the rates that a program sets of its optimizer; where it does so, if that is not told; None for none.

    Args:
        seen: of the program.
    """
    optimizer = seen.steps[-1].optimizer
    handle = None if optimizer is None else seen.handle_of(getattr(optimizer, "_learning_rate", None))
    last = {steps: (number, place) for steps, number, place in seen.recorder.sets.by_handle.get(handle or 0, [])}
    if not last:
        return None
    numbers, places = zip(*last.values(), strict=True)
    every = list(range(len(seen.steps)))
    each = [*last] in (every, [one + 1 for one in every], [0])  # Ahead of each gradient, or behind it; once for all.
    told = asked_rate(places, [float(number_of(one)) for one in numbers]) if each else None
    if told is None:  # Once, ahead of all loops, it is the rate that it is.
        inside = any(loops_around(at.tree, at.line) for at in places[-1])
        return seen.steps[-1].place if inside or len(last) > 1 else None
    table = table_of(told, seen.rows)
    return table if table is not None or len(set(told.rates(DENSE))) < 2 else seen.steps[-1].place


def at_rates(config: dict[str, Any], asked: RateTable | str | None) -> dict[str, Any]:
    """Return the configuration of an optimizer of Keras's with a schedule that gives the rates that a program sets."""
    if not isinstance(asked, RateTable):
        return config
    import keras
    import tensorflow as tf

    table = asked.table

    class Rates(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
        """A rate of each step."""

        def __call__(self, step: Any) -> Any:
            return tf.gather(tf.constant(table, tf.float64), tf.cast(step, tf.int32))

    return {**config, "learning_rate": Rates()}
