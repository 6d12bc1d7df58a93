"""Keras's one schedule with a warm-up of its own, as the entry that it is.

Source: keras/src/optimizers/schedules/learning_rate_schedule.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PART = "keras.optimizers.schedules.CosineDecay"


def warmed_cosine(part: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return a ``CosineDecay`` with a warm-up as an entry; None of any other part.

    With a ``warmup_target`` its initial rate is the one that the warm-up begins with, and the cosine falls from the
    target. Without one Keras passes ``warmup_steps`` by.

    Args:
        part: its name and its arguments, as a driver tells them.
    """
    told = part.get("arguments", {})
    if part["part"] != PART or not (told.get("warmup_steps") or told.get("warmup_target") is not None):
        return None
    fields = {name: told[name] for name in ("initial_learning_rate", "decay_steps", "alpha") if name in told}
    if told.get("warmup_target") is not None:
        fields["initial_learning_rate"] = told["warmup_target"]
        if told.get("warmup_steps"):
            fields |= {"warmup_steps": told["warmup_steps"], "warmup_from": told.get("initial_learning_rate")}
    return {"cosine": {name: one for name, one in fields.items() if one or name not in ("alpha", "warmup_from")}}
