"""Numbers that a program works out of the count of its steps, in Python, where nothing shows how: told by their values.

``1 - 0.9 ** t`` of Adam, a rate of ``lr * sqrt(1 - b2 ** t) / (1 - b1 ** t)``, a rate that decays: what is believed
gives every number that was seen, to the last bit of float32, and is made of short decimals.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np

from parity.run.decimals import LEAST_SHARE

LEAST = 3
"""Steps that such a number must have been seen in."""

FEW = 5
"""Digits at most of a decimal that is found among numbers, and is not written by itself."""

UNSURE = 1e-2
"""Share of a decay up to which float32 may leave it open."""

STARTS = (0.0, 1.0)
"""What a count that a program takes starts at ahead of the first step: it is counted before that, or behind."""

NEAR = 1e-6
"""Relative difference within which float32 leaves a decimal."""

EXPONENTS = (1.0, -1.0, 0.5, -0.5)
"""Powers of what a mean is short of after some steps."""


@dataclass(frozen=True)
class Counted:
    """A number that goes by the count t of steps, from 1: a product of what is said of it.

    Args:
        factor: a decimal.
        left: shares and powers: ``(1 - share ** t) ** power``.
        power: ``power ** (t - start)``.
        decay: divides by ``1 + decay * (t - start)``.
        start: of the count of these two.
        offset: the count itself, and so much more; None for no such thing.
        exponent: ``t ** exponent``.
    """

    factor: float = 1.0
    left: tuple[tuple[float, float], ...] = ()
    power: float = 1.0
    decay: float = 0.0
    start: float = 0.0
    offset: float | None = None
    exponent: float = 0.0

    def at(self, t: Any) -> Any:
        """Return what it is in a step, of a float or a tensor."""
        if self.offset is not None:
            return t + self.offset
        found = self.factor * self.power ** (t - self.start)
        for share, power in self.left:
            found = found * (1.0 - share**t) ** power
        if self.decay:
            found = found / (1.0 + self.decay * (t - self.start))
        return found * t**self.exponent if self.exponent else found

    @property
    def numbers(self) -> list[float]:
        """Return the decimals that it is made of."""
        every = [self.factor, self.power, self.decay, *(share for share, _ in self.left)]
        return [one for one in every if one not in (0.0, 1.0)]


@dataclass(frozen=True)
class RateTable:
    """A rate that goes by the count t of steps, from 1, as a line of the program has it.

    Args:
        table: of the steps.
        word: what is told of it.
    """

    table: tuple[float, ...]
    word: dict[str, Any]

    def at(self, t: Any) -> Any:
        """Return what it is in a step, of a float or a tensor."""
        if isinstance(t, float):
            return self.tried[int(t) - 1]
        import tensorflow as tf

        return tf.gather(tf.constant(self.table, t.dtype), tf.cast(t, tf.int32) - 1)

    @property
    def tried(self) -> list[float]:
        """Return the rates that an update is tried with: of several, no other rule moves weights so."""
        return [self.table[0], self.table[0] / 2.0, self.table[0] / 4.0]

    @property
    def numbers(self) -> list[float]:
        """Return the decimals that it is made of."""
        return [self.table[0]]


def counted(values: Sequence[float], shares: Sequence[float]) -> Counted | None:
    """Return how a number goes by the count of steps; None where nothing that is known gives it.

    Args:
        values: in each step, from the first.
        shares: that the program writes, which means may keep.

    >>> counted([0.1, 0.19, 0.271], ()).left
    ((0.9, 1.0),)
    """
    if len(values) < LEAST:
        return None
    scaled = (one if one.offset is not None else _scaled(one, values) for one in _ways(values, shares))
    return next((one for one in scaled if one is not None and _gives(one, values)), None)


def _ways(values: Sequence[float], shares: Sequence[float]) -> Iterator[Counted]:
    """Return what a number may be but for a factor, the likeliest first."""
    first, second = values[:2]
    if first == int(first):
        yield Counted(offset=first - 1.0)
    found = [_short(one) for one in (1.0 - first, first, second / first if first else 0.0)]
    known = [one for one in dict.fromkeys([*shares, *found]) if LEAST_SHARE < one < 1.0]
    for share in known:
        yield from (Counted(power=share, start=start) for start in STARTS)
        yield from (Counted(left=((share, power),)) for power in EXPONENTS)
    for one, other in permutations(known, 2):
        yield from (Counted(left=((one, power), (other, -power / 2.0))) for power in (-1.0, 1.0))
    yield from (Counted(exponent=power) for power in (-0.5, -1.0))
    yield from _decays(values)


def _decays(values: Sequence[float]) -> Iterator[Counted]:
    """Return the ways in which a number falls as one over a line does, where float32 shows which."""
    if not all(values):
        return
    last = len(values) - 1
    slope = (1.0 / values[last] - 1.0 / values[0]) / last
    for start in STARTS:
        decay = slope / (1.0 / values[0] - slope * (1.0 - start))
        near = float(np.finfo(np.float32).eps) / max(decay, NEAR)
        found = _short(decay, near) if decay > 0.0 and near < UNSURE else 0.0
        if found:
            yield Counted(decay=found, start=start)


def _scaled(way: Counted, values: Sequence[float]) -> Counted | None:
    """Return a way with the decimal ahead of it that gives the numbers; None where none does."""
    ratios = [one / float(way.at(float(number))) for number, one in enumerate(values, 1)]
    if not np.allclose(ratios, ratios[0], rtol=NEAR, atol=0.0):
        return None
    scaled = (replace(way, factor=float(f"{ratios[0]:.{digits}g}")) for digits in range(1, FEW + 1))
    return next((one for one in scaled if _gives(one, values)), None)


def _short(value: float, near: float = NEAR) -> float:
    """Return the decimal of few digits that a number is but for float32's rounding; 0 where there is none.

    >>> _short(0.99900001), _short(0.123456789)
    (0.999, 0.0)
    """
    decimals = (float(f"{value:.{digits}g}") for digits in range(1, FEW + 1))
    return next((one for one in decimals if abs(one - value) <= near * abs(value)), 0.0)


def _gives(way: Counted, values: Sequence[float]) -> bool:
    """Return whether a way gives numbers, but for the last bit of float32."""
    made = [float(way.at(float(number))) for number in range(1, len(values) + 1)]
    return all(
        abs(one - seen) <= float(np.spacing(np.float32(abs(seen)))) for one, seen in zip(made, values, strict=True)
    )
