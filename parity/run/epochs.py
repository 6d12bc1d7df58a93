"""Schedules that count epochs: how many updates one has shows once the data are there."""

from __future__ import annotations

from dataclasses import replace

from parity.run.randomness import steps_per_epoch
from parity.schedules import Schedule
from parity.spec.paths import set_path
from parity.spec.resolve import Resolved

PATH = "optimizer.learning_rate.per"
BY_DATA = "batches in an epoch"


def of_steps(rate: Schedule, steps: int) -> Schedule:
    """Return a schedule that counts updates, one of epochs as what it is where an epoch has so many."""
    return rate.replace(per=steps if steps > 1 else "step") if rate.per == "epoch" else rate


def counted(side: Resolved, rows: int) -> Resolved:
    """Return a side whose schedule counts the updates of an epoch as one, if it counts epochs.

    Args:
        side: resolved.
        rows: that an epoch reads.
    """
    rate, training = side.config.optimizer.learning_rate, side.config.training
    if not isinstance(rate, Schedule) or rate.per != "epoch":
        return side
    steps = steps_per_epoch(rows, training.batch_size, training.drop_remainder)
    config, _ = set_path(side.config, PATH, of_steps(rate, steps).per)
    return replace(side.having(config), origins={**side.origins, PATH: BY_DATA})
