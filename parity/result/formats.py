"""Numbers and values as every report writes them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from parity.tensors import LOGITS, form_of, is_of_parameter, itself

if TYPE_CHECKING:  # parity lint draws none of a comparison, and the rest of a result takes long to import.
    from parity.result.schema import Comparison, Place

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


def metric(number: float | None) -> str:
    """Write a metric with three decimals, or three significant digits where that says more.

    >>> metric(0.93), metric(0.01234), metric(0.0), metric(None)
    ('0.930', '0.0123', '0.000', '-')
    """
    small = number is not None and 0 < abs(number) < 0.1
    return f"{number:#.3g}" if small else decimals(number)


def significant(number: float) -> str:
    """Write a number with three significant digits, as a power of ten where it is far from one.

    >>> significant(0.0), significant(0.01234), significant(12.3456), significant(123456.0)
    ('0', '0.0123', '12.3', '1.23e+05')
    """
    return f"{number:.3g}" if math.isfinite(number) else not_finite(number)


def share(number: float | None) -> str:
    """Write a share, or how many times the whole it is.

    >>> share(0.99), share(0.0728), share(-0.33), share(1e-9), share(0.0), share(530.2), share(None)
    ('99%', '7.3%', '-33%', '< 0.1%', '0%', '530 times', '-')
    """
    if number is None:
        return MISSING
    if not math.isfinite(number):
        return not_finite(number)
    if abs(number) >= 10:
        return f"{number:,.0f} times"
    if number == 0 or abs(number) >= 0.0995:
        return f"{number:.0%}"
    return "< 0.1%" if abs(number) < 0.001 else f"{number:.1%}"


def parts(shares: Sequence[float]) -> list[str]:
    """Write the parts of a whole in percent, so that what is written adds up to 100; nothing where they are no parts.

    >>> parts([1 / 3, 1 / 3, 1 / 3]), parts([0.996, 0.004]), parts([1.13, -0.13]), parts([0.5, 0.3])
    (['34%', '33%', '33%'], ['100%', '0%'], [], [])
    """
    if not all(-0.01 < one < 1.01 for one in shares) or abs(math.fsum(shares) - 1.0) > 0.01:
        return []
    whole = [math.floor(max(0.0, one) * 100) for one in shares]
    by_rest = sorted(range(len(shares)), key=lambda index: whole[index] - shares[index] * 100)
    for index in by_rest[: max(0, 100 - sum(whole))]:
        whole[index] += 1
    return [f"{one}%" for one in whole] if sum(whole) == 100 else []


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


def tensor(where: Place) -> tuple[str, str]:
    """Name a tensor, and what of it is meant where the name alone does not say.

    A gradient without a parameter's name is the one with respect to what a layer gives.

    >>> from parity.result.schema import Place
    >>> tensor(Place(step=1, phase="gradient", tensor="dense_1", difference=1.0, noise=0.0))
    ('dense_1', "'s output")
    >>> tensor(Place(step=1, phase="gradient", tensor="dense_1.kernel", difference=1.0, noise=0.0))
    ('dense_1.kernel', '')
    """
    if where.phase == "gradient":
        if form_of(where.tensor) == LOGITS:
            return itself(where.tensor), "'s output (its logits)"
        if not is_of_parameter(where.tensor):
            return where.tensor, "'s output"
    return where.tensor, ""


def place(where: Place) -> str:
    """Write where a difference is.

    >>> from parity.result.schema import Place
    >>> place(Place(step=1, phase="weights", tensor="conv1d.kernel", difference=1.4, noise=1e-15))
    'step 1, weights, conv1d.kernel'
    >>> place(Place(step=1, phase="gradient", tensor="dense_1", difference=1.4, noise=1e-15))
    "step 1, gradient of dense_1's output"
    """
    name = "".join(tensor(where))
    if where.phase == "gradient":
        return f"step {where.step:,}, gradient of {name}"
    # The loss is the only tensor of its phase.
    return f"step {where.step:,}, {where.phase}" + (f", {name}" if name != where.phase else "")


def measured(where: Place) -> str:
    """Write how large a difference is; one that only digests tell is an estimate.

    >>> from parity.result.schema import Place
    >>> measured(Place(step=1, phase="forward", tensor="dense", difference=1.4, noise=1e-15, exact=False))
    'about 1.4e+00'
    """
    return ("" if where.exact else "about ") + scientific(where.difference)


def difference(where: Place) -> str:
    """Write how large a difference is, against what rounding explains.

    >>> from parity.result.schema import Place
    >>> difference(Place(step=1, phase="weights", tensor="conv1d.kernel", difference=1.4, noise=1e-15))
    '1.4e+00 (rounding explains 1.0e-15)'
    """
    return f"{measured(where)} (rounding explains {scientific(where.noise)})"


def index(numbers: Iterable[int] | None) -> str:
    """Write a shape or the index of an element; empty for a scalar's, ``-`` where it is not known.

    >>> index([16, 128]), index([]), index(None)
    ('[16, 128]', '', '-')
    """
    if numbers is None:
        return MISSING
    listed = ", ".join(str(number) for number in numbers)
    return f"[{listed}]" if listed else ""


def both(a: float, b: float) -> tuple[str, str]:
    """Write two values with as many digits as it takes to tell them apart, and one more.

    >>> both(1 / 3, 0.5), both(1.0000000000001, 1.0), both(0.0, float("nan"))
    (('0.33333', '0.5'), ('1.0000000000001', '1'), ('0', 'NaN'))
    """
    if not (math.isfinite(a) and math.isfinite(b)):
        shown = [f"{number:.5g}" if math.isfinite(number) else not_finite(number) for number in (a, b)]
        return shown[0], shown[1]
    digits = next((digits for digits in range(4, 17) if f"{a:.{digits}g}" != f"{b:.{digits}g}"), 4 if a == b else 16)
    return f"{a:.{digits + 1}g}", f"{b:.{digits + 1}g}"


def checked(comparison: Comparison) -> str:
    """Write which steps were checked, to stand after "in".

    >>> from parity.result.schema import Comparison
    >>> common = {"a": "a", "b": "b", "verdict": "rounding", "reason": "", "precision": "float64"}
    >>> checked(Comparison(**common, steps=7, checked=[1, 2, 3, 4, 6, 8, 12]))
    '7 steps up to step 12'
    >>> checked(Comparison(**common, steps=3, checked=[1, 2, 3])), checked(Comparison(**common, steps=3))
    ('every step up to step 3', '3 steps')
    >>> checked(Comparison(**common, steps=1, checked=[1], uncompiled=True))
    'step 1, taken uncompiled'
    """
    how = ", taken uncompiled" if comparison.uncompiled else ""
    steps = comparison.checked
    if not steps:
        return f"{count(comparison.steps, 'step')}{how}"
    if len(steps) == 1:
        return f"step {steps[0]:,}{how}"
    every = steps == list(range(1, len(steps) + 1))
    return f"{'every step' if every else count(len(steps), 'step')} up to step {steps[-1]:,}{how}"
