"""Initializers that a program does not say by a name: told by the numbers that it draws, from several seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from parity.initializers.scaled import KEPT
from parity.initializers.truncated_normal import CUT
from parity.lazy import np
from parity.reading.drawn_by import EXACT, initializer_said, rules_for, share_below
from parity.run.decimals import decimal_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST = 64
"""Numbers below which nothing is told of how they are distributed."""

SOME = math.log(2.0)
"""Difference of log likelihoods below which one distribution is said to be as likely as another."""

FAR = 3.5
"""Standard errors within which a scale is believed."""

EDGE = 12.0
"""The largest of n uniform numbers is further than so many n-th of the limit below it in one of 160,000 cases."""

MISFIT = 2.2
"""Kolmogorov's distance times the root of n beyond which numbers of such a distribution are in one of 8,000 cases."""

DECADES = 1.0
"""What a decimal is less likely than a rule: e, since scales that are no rule spread over a few decades."""

NEAR = 3.0
"""Difference of log likelihoods below which another scale is told beside the likeliest one."""

CERTAIN = 1e12
"""Odds beyond which none are said."""

RARE = 1e-3
"""Share of draws of a rule that may reach less far than numbers must to be held to be its."""


@dataclass(frozen=True, kw_only=True)
class StartMeasured:
    """How a tensor starts.

    Args:
        entry: the initializer as a spec says it; None where the numbers do not tell it.
        sentence: how sure that is, or why nothing is told, without a full stop.
        ones: first and last, exclusive, of the numbers that start at 1 beside that; None for none.
    """

    entry: Any
    sentence: str
    ones: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class _Fit:
    """A distribution at its likeliest location and scale (the limit, or the deviation before a cut)."""

    family: str
    location: float
    scale: float
    likelihood: float
    error: float


def measured(draws: Sequence[NDArray[Any]], *, fan_in: int, fan_out: int, feeds: int = 0) -> StartMeasured:
    """Return how a tensor starts.

    Args:
        draws: the tensor of runs that differ in their seed, each in the canonical layout; one does, where it is large.
        fan_in: inputs that feed one output.
        fan_out: outputs that one input feeds.
        feeds: inputs that feed one output of its layer; ``fan_in`` if 0.
    """
    every = [np.asarray(one, np.float64) for one in draws]
    shape = every[0].shape
    if any(one.shape != shape for one in every):
        return StartMeasured(entry=None, sentence=f"its shape is another with another seed, {shape} with the first")
    numbers = np.concatenate([one.ravel() for one in every])
    if not numbers.size or not np.isfinite(numbers).all():
        return StartMeasured(entry=None, sentence="not all of its numbers are finite")
    if numbers.size == 1 and numbers[0] not in (0.0, 1.0):
        return StartMeasured(entry=None, sentence="one number of one draw cannot tell how it is drawn")
    if (numbers == numbers[0]).all() and (len(every) == 1 or every[0].size > 1 or numbers[0] in (0.0, 1.0)):
        return StartMeasured(entry=_level(float(numbers[0])), sentence=f"every number is {numbers[0]:g}")
    same = len(every) > 1 and all(np.array_equal(one, every[0]) for one in every[1:])
    eye = _identity(every[0]) if same or len(every) == 1 else None
    if eye is not None:
        return StartMeasured(entry=eye, sentence="it is an identity matrix")
    if same:
        return StartMeasured(entry=None, sentence=f"it starts at the same {every[0].size} numbers whatever the seed")
    gain = _gain(every)
    if gain is not None:
        return StartMeasured(
            entry=initializer_said("orthogonal", gain=gain), sentence="its rows or columns are at right angles"
        )
    rules = rules_for(shape, fan_in=fan_in, fan_out=fan_out, feeds=feeds)
    return _of_numbers(numbers, len(every), rules)


def measured_gates(draws: Sequence[NDArray[Any]], gates: int, **fans: int) -> StartMeasured:
    """Return how a bias starts whose part of one gate may start at 1, and the rest otherwise.

    Args:
        draws: as :func:`measured` takes them, vectors.
        gates: that it has a part of each for.
        fans: as :func:`measured` takes them.
    """
    parts = [np.asarray(one, np.float64).reshape(gates, -1) for one in draws]
    ones = [gate for gate in range(gates) if all((one[gate] == 1.0).all() for one in parts)]
    if len(ones) != 1 or gates < 2:
        return measured(draws, **fans)
    (gate,), size = ones, parts[0].shape[1]
    rest = measured([np.delete(one, gate, axis=0).ravel() for one in parts], **fans)
    told = f"{rest.sentence}, but for numbers {gate * size} to {(gate + 1) * size}, which are 1"
    return replace(rest, sentence=told, ones=(gate * size, (gate + 1) * size))


def _of_numbers(numbers: NDArray[Any], draws: int, rules: dict[str, tuple[str, float]]) -> StartMeasured:
    count = numbers.size
    by = f"by {count} numbers of {f'{draws} seeds' if draws > 1 else 'one draw'}"
    if count < LEAST:
        few = f"{count} numbers of {f'{draws} seeds' if draws > 1 else 'one draw'}"
        return StartMeasured(entry=None, sentence=f"{few} are too few to tell how it is drawn")
    fits = sorted(_fits(numbers), key=lambda one: -one.likelihood)
    best, ahead = fits[0], fits[0].likelihood - fits[1].likelihood
    ordered = np.sort((numbers - best.location) / best.scale)
    if _distance(ordered, best.family) * math.sqrt(count) > MISFIT:
        return StartMeasured(entry=None, sentence=f"{by}, it is neither uniform nor normal, cut or not")
    if best.family == "uniform":
        found = _uniform(float(numbers.min()), float(numbers.max()), count, rules, by)
    else:
        found = _normal(best, count, rules, by)
    less = f"{_odds(ahead)} less likely" if ahead > SOME else "as likely"
    return replace(found, sentence=f"{found.sentence}; {_worded(fits[1].family)} numbers are {less}")


def _odds(ahead: float) -> str:
    """Return how many times likelier one thing is than another, of the difference of their log likelihoods.

    >>> _odds(math.log(2e5)), _odds(1000.0), _odds(math.log(3.3))
    ('2e+05 times', 'more than 1e+12 times', '3 times')
    """
    if ahead >= math.log(CERTAIN):
        return f"more than {CERTAIN:.0e} times"
    return f"{math.exp(ahead):.0f} times" if ahead < math.log(1000.0) else f"{math.exp(ahead):.0e} times"


def within(draws: Sequence[NDArray[Any]], rule: str, *, fan_in: int, fan_out: int, feeds: int = 0) -> bool:
    """Return whether numbers are such as a rule draws uniformly: none is beyond its limit, all reach as far as that.

    Args:
        draws: as :func:`measured` takes them.
        rule: initializer that scales by a fan.
        fan_in: inputs that feed one output.
        fan_out: outputs that one input feeds.
        feeds: inputs that feed one output of its layer; ``fan_in`` if 0.
    """
    numbers = np.sort(np.concatenate([np.asarray(one, np.float64).ravel() for one in draws]))
    family, limit = rules_for(draws[0].shape, fan_in=fan_in, fan_out=fan_out, feeds=feeds).get(rule, ("", 0.0))
    count, largest = numbers.size, float(np.abs(numbers).max(initial=0.0))
    if family != "uniform" or not count or (count > len(draws) and np.ptp(numbers) == 0.0):
        return False
    fits = limit * RARE ** (1.0 / count) <= largest <= limit * (1.0 + EXACT)
    return fits and _distance(numbers / limit, "uniform") * math.sqrt(count) <= MISFIT


def _distance(ordered: NDArray[Any], family: str) -> float:
    """Return Kolmogorov's distance of sorted numbers from a family at location 0 and scale 1."""
    share, steps = share_below(family, ordered), np.arange(ordered.size + 1) / ordered.size
    return max(float(np.max(steps[1:] - share)), float(np.max(share - steps[:-1])))


def _fits(numbers: NDArray[Any]) -> list[_Fit]:
    """Return each family at its likeliest scale, with the logarithm of how likely the numbers are there."""
    count, low, high = numbers.size, float(numbers.min()), float(numbers.max())
    mean, deviation = float(numbers.mean()), float(numbers.std())
    if abs(mean) < 4.0 * deviation / math.sqrt(count):
        mean, deviation = 0.0, math.sqrt(float(np.mean(numbers**2)))
    squares = count * (deviation**2 + (float(numbers.mean()) - mean) ** 2 * (mean != 0.0))
    error = 1.0 / math.sqrt(2.0 * count)
    base = -0.5 * math.log(2.0 * math.pi)
    wide = max(deviation / KEPT, float(np.abs(numbers - mean).max()) / CUT)
    inside = math.log(math.erf(CUT / math.sqrt(2.0)))
    return [
        _Fit(family="uniform", location=(low + high) / 2.0, scale=(high - low) / 2.0, error=1.0 / count,
             likelihood=-count * math.log(high - low)),
        _Fit(family="normal", location=mean, scale=deviation, error=error,
             likelihood=count * (base - math.log(deviation)) - squares / (2.0 * deviation**2)),
        _Fit(family="truncated_normal", location=mean, scale=wide, error=0.83 * error,
             likelihood=count * (base - math.log(wide) - inside) - squares / (2.0 * wide**2)),
    ]  # fmt: skip


def _uniform(low: float, high: float, count: int, rules: dict[str, tuple[str, float]], by: str) -> StartMeasured:
    """Return uniform numbers: whose limits are just beyond the smallest and the largest."""
    room = EDGE * (high - low) / count
    sentence = f"{by}, uniform from {low:.5g} to {high:.5g}"
    near = [(limit, kind) for kind, (family, limit) in rules.items()
            if family == "uniform" and all(-EXACT * limit <= limit - one <= room for one in (high, -low))]  # fmt: skip
    if near:  # Of n numbers, each is as much likelier as the limit is nearer.
        limit, kind = min(near, key=lambda one: one[0])
        others = [one for one in near if EXACT < one[0] / limit - 1.0 < NEAR / count]
        or_so = f", or {others[0][1]} ({others[0][0]:.5g}), which is nearly as likely" if others else ""
        return StartMeasured(entry=kind, sentence=f"{sentence}, as {kind} (limit {limit:.5g}){or_so}")
    even = abs(high + low) <= room
    most = _shortest(max(high, -low) if even else high, (max(high, -low) if even else high) + room)
    least = -most if even else _shortest(low - room, low)
    return StartMeasured(entry=initializer_said("random_uniform", minval=least, maxval=most), sentence=sentence)


def _normal(fit: _Fit, count: int, rules: dict[str, tuple[str, float]], by: str) -> StartMeasured:
    """Return normal numbers by the rule or the decimal that is likeliest: rules are few, decimals ten to a digit."""
    sentence = f"{by}, {_worded(fit.family)} of deviation {fit.scale:.4g} (standard error {fit.error * fit.scale:.1g})"
    likely: list[tuple[float, str | float]] = []
    for kind, (family, scale) in rules.items():
        off = (fit.scale / scale - 1.0) / fit.error
        if family == fit.family and fit.location == 0.0 and abs(off) < FAR:
            likely.append((off**2 / 2.0 + math.log(10.0), kind))
    for digits in (1, 2, 3):
        scale = float(f"{fit.scale:.{digits - 1}e}")
        off = (fit.scale / scale - 1.0) / fit.error
        if abs(off) < FAR:
            likely.append((off**2 / 2.0 + digits * math.log(10.0) + DECADES, scale))
    likely.sort(key=lambda one: one[0])
    said = likely[0][1] if likely else float(f"{fit.scale:.4g}")
    near = [one for cost, one in likely[1:] if cost - likely[0][0] < NEAR and _scale(one, rules) != _scale(said, rules)]
    or_so = f", or {_shown(near[0], rules)}, which is nearly as likely" if near else ""
    if isinstance(said, str):
        return StartMeasured(entry=said, sentence=f"{sentence}, as {_shown(said, rules)}{or_so}")
    sentence += or_so
    error = FAR * fit.scale / math.sqrt(count)
    mean = 0.0 if fit.location == 0.0 else _shortest(fit.location - error, fit.location + error)
    kind = "random_normal" if fit.family == "normal" else "truncated_normal"
    return StartMeasured(entry=initializer_said(kind, mean=mean, stddev=said), sentence=sentence)


def _scale(said: str | float, rules: dict[str, tuple[str, float]]) -> float:
    return rules[said][1] if isinstance(said, str) else said


def _shown(said: str | float, rules: dict[str, tuple[str, float]]) -> str:
    return f"{said} ({rules[said][1]:.4g})" if isinstance(said, str) else f"{said:g}"


def _worded(family: str) -> str:
    return {"truncated_normal": "cut normal"}.get(family, family)


def _level(value: float) -> Any:
    return {0.0: "zeros", 1.0: "ones"}.get(value, {"constant": {"value": decimal_of(value)}})


def _identity(array: NDArray[Any]) -> Any:
    """Return the identity matrix as an initializer; None where it is another matrix."""
    gain = float(array.flat[0]) if array.ndim == 2 and array.size else 0.0
    if not gain or min(array.shape) < 2 or not np.array_equal(array, gain * np.eye(*array.shape)):
        return None
    return initializer_said("identity", gain=decimal_of(gain))


def _gain(draws: Sequence[NDArray[Any]]) -> float | None:
    """Return the length of rows or columns at right angles; None where they are at no right angles."""
    gains = []
    for one in draws:
        if one.ndim < 2:
            return None
        flat = one.reshape(-1, one.shape[-1])
        product = flat.T @ flat if flat.shape[0] >= flat.shape[1] else flat @ flat.T
        square = float(np.mean(np.diag(product)))
        if len(product) < 2 or square <= 0.0 or np.abs(product - square * np.eye(len(product))).max() > 1e-4 * square:
            return None
        gains.append(math.sqrt(square))
    gain = float(np.mean(gains))
    return _shortest(gain * (1.0 - 1e-5), gain * (1.0 + 1e-5))


def _shortest(low: float, high: float) -> float:
    """Return the shortest decimal within two numbers.

    >>> _shortest(0.0499, 0.0512)
    0.05
    """
    middle = (low + high) / 2.0
    if low <= 0.0 <= high:
        return 0.0
    found = (float(f"{middle:.{digits}e}") for digits in range(17))
    return next((one for one in found if low <= one <= high), middle)
