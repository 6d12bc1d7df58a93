"""Numbers and values as every report writes them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

from parity.report.facts import Place

MISSING = "-"
"""Stands where a number is missing because nothing was measured."""


def scientific(number: float) -> str:
    """Write a relative difference with two significant digits.

    >>> scientific(3.14159e-16), scientific(0.0), scientific(float("inf"))
    ('3.1e-16', '0', 'inf')
    """
    if number == 0:
        return "0"
    return f"{number:.1e}" if math.isfinite(number) else not_finite(number)


def decimals(number: float | None) -> str:
    """Write an outcome such as an accuracy with three decimals; ``-`` where nothing was measured.

    >>> decimals(0.93), decimals(None), decimals(float("nan"))
    ('0.930', '-', 'NaN')
    """
    if number is None:
        return MISSING
    return f"{number:.3f}" if math.isfinite(number) else not_finite(number)


def loss(number: float | None) -> str:
    """Write a loss with five significant digits: enough to tell 0.69941 from ln 2.

    >>> loss(0.694147), loss(12.0), loss(1e-9)
    ('0.69415', '12.000', '1.0000e-09')
    """
    if number is None:
        return MISSING
    return f"{number:#.5g}" if math.isfinite(number) else not_finite(number)


def not_finite(number: float) -> str:
    """Name a number that is not one.

    >>> not_finite(float("-inf"))
    '-inf'
    """
    if math.isnan(number):
        return "NaN"
    return "inf" if number > 0 else "-inf"


def count(number: int, word: str) -> str:
    """Write a number of things, with the plural where it is due.

    >>> count(1, "step"), count(1488, "step")
    ('1 step', '1,488 steps')
    """
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"


def seconds(number: float) -> str:
    """Write a duration.

    >>> seconds(0.04), seconds(61.4), seconds(754)
    ('0.0 s', '61 s', '12 min 34 s')
    """
    if number < 10:
        return f"{number:.1f} s"
    if number < 120:
        return f"{number:.0f} s"
    return f"{int(number) // 60} min {int(number) % 60} s"


def value(thing: Any) -> str:
    """Write a value of a config the way a spec would.

    >>> value(True), value(1e-06), value("truncated_normal(stddev=1.0)"), value([64, 3]), value(None)
    ('true', '1e-6', 'truncated_normal(stddev=1.0)', '[64, 3]', 'none')
    """
    if thing is None:
        return "none"
    if isinstance(thing, bool):
        return "true" if thing else "false"
    if isinstance(thing, float):
        return repr(thing).replace("e-0", "e-").replace("e+0", "e+")
    if isinstance(thing, str):
        return thing
    return json.dumps(thing, default=str, ensure_ascii=False)


def names(words: Iterable[str]) -> str:
    """Join names as a sentence does.

    >>> names(["keras"]), names(["keras", "tensorflow", "torch"])
    ('keras', 'keras, tensorflow and torch')
    """
    listed = list(words)
    return " and ".join([*([", ".join(listed[:-1])] if len(listed) > 1 else []), *listed[-1:]])


def place(where: Place) -> str:
    """Write where a difference is.

    >>> place(Place(step=1, phase="weights", tensor="conv1d/kernel", difference=1.4, noise=1e-15))
    'step 1, weights, conv1d/kernel'
    """
    return f"step {where.step:,}, {where.phase}, {where.tensor}"


def difference(where: Place) -> str:
    """Write how large a difference is, against what rounding explains.

    >>> difference(Place(step=1, phase="weights", tensor="conv1d/kernel", difference=1.4, noise=1e-15))
    '1.4e+00 (rounding explains 1.0e-15)'
    """
    return f"{scientific(where.difference)} (rounding explains {scientific(where.noise)})"
