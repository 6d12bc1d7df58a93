"""Which rule an installed optimizer follows: the fields that no signature says, decided by a few of its steps."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError

from parity.entries import Entry
from parity.lazy import np
from parity.native import Native
from parity.optimizers import Optimizer

START, GRADIENTS = 0.5, (3e-7, -2e-7, 5e-7)
"""What an optimizer is shown: slopes so small that what it adds to a denominator decides."""

SAME_STEP = 1e-7
"""Relative difference of two moves up to which they are one rule's; Keras keeps a rate in float32."""


def choices(entry: type[Entry], taken: frozenset[str]) -> dict[str, tuple[Any, ...]]:
    """Return the fields that are one of few words, or yes or no, and that nobody says."""
    found: dict[str, tuple[Any, ...]] = {}
    for name, one in entry.model_fields.items():
        if name not in taken and get_origin(one.annotation) is Literal:
            found[name] = get_args(one.annotation)
        elif name not in taken and one.annotation is bool:
            found[name] = (False, True)
    return found


def numbers(kind: type[Optimizer], part: Native) -> dict[str, tuple[Any, ...]]:
    """Return the numbers that the part is known to have and is not told, and what else a framework has there."""
    known = {name: one for name, one in part.when.items() if isinstance(one, float) and name not in part.fields}
    return {
        name: tuple(dict.fromkeys([one, *(own[name] for own in kind.native.values() if name in own)]))
        for name, one in known.items()
    }


def ruled(kind: type[Optimizer], part: Native, told: Mapping[str, Any], steps: Sequence[float]) -> dict[str, Any]:
    """Return the fields that no signature says and that steps of the part decide.

    Args:
        kind: the optimizer.
        part: the framework's own.
        told: fields that its signature says.
        steps: what it made of :data:`START` by :data:`GRADIENTS`.
    """
    unsaid = choices(kind, part.fields) | numbers(kind, part)
    held = {name: value for name, value in part.when.items() if name in unsaid}
    fitting = []
    for values in itertools.product(*unsaid.values()):
        fields = dict(zip(unsaid, values, strict=True))
        with suppress(ValidationError):
            if _moves(kind.model_validate({**told, **fields}), steps):
                fitting.append({name: fields[name] for name in held})
    # Of several that these steps do not tell apart, the one that is known of the part.
    return held if held in fitting else fitting[0] if fitting else {}


def _moves(optimizer: Optimizer, steps: Sequence[float]) -> bool:
    w = np.asarray([START])
    slots, at = optimizer.init(w), START
    for number, (gradient, reached) in enumerate(zip(GRADIENTS, steps, strict=True)):
        move, slots = optimizer.update(w, np.asarray([gradient]), slots, number)
        if not abs(move[0] - (reached - at)) <= SAME_STEP * abs(move[0]):
            return False
        w, at = w + move, reached
    return True
