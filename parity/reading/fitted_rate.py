"""A rate that a program computes by itself, found among the schedules by what it is at many steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from parity.catalog import SCHEDULES
from parity.schedules import Schedule

CLOSE = 1e-9
"""Share of the largest rate by which the rate of a schedule may be off."""

TRIED = 400
"""Steps at which a schedule is held against the rate, at most."""

EXACT = 1e-14
"""Share by which a number may be off that a program gave as it is."""

WORKED_OUT = 1e-11
"""Share by which a number may be off that was worked out of several."""

PIECES = 12
"""Rates of a piecewise schedule, at most."""

Said = Mapping[str, dict[str, Any]]


def rate_of_epochs(rates: Sequence[float], steps: int) -> Said | float | None:
    """Return the schedule that gives each epoch its rate; the rate where all have one.

    Args:
        rates: of the epochs.
        steps: of an epoch.

    Returns:
        what a spec says; None where no schedule gives them.
    """
    if not all(map(math.isfinite, rates)):
        return None
    if len(set(rates)) == 1:
        return float(rates[0])
    dense = np.repeat(np.asarray(rates, np.float64), steps)
    found = rate_of(dense.tolist(), {})
    if found is not None:
        return found
    changes = [epoch for epoch in range(1, len(rates)) if rates[epoch] != rates[epoch - 1]]
    values = [_plain(float(rates[one]), EXACT) for one in (0, *changes)]
    return {"piecewise": {"boundaries": [epoch * steps - 1 for epoch in changes], "values": values}}


def rate_of(rates: Sequence[float], later: Mapping[int, float]) -> Said | None:
    """Return the schedule that gives these rates, with a warm-up along a line where they begin with one.

    Args:
        rates: of the first steps, each of them.
        later: of steps far behind, by their number.

    Returns:
        what a spec says; None where no schedule gives them.
    """
    dense = np.asarray(rates, dtype=np.float64)
    if len(dense) < 3 or not np.isfinite(dense).all() or not dense.max() > 0.0:
        return None
    rising = _rising(dense)  # Any two rates are on a line.
    for warmup in (rising, 0) if rising > 1 else (0, rising):
        begun = {"warmup_steps": warmup, "warmup_from": _plain(float(dense[0]), EXACT)} if warmup else {}
        rest = dense[warmup:]
        far = {step - warmup: rate for step, rate in later.items() if step > warmup}
        for kind, fields, end in _candidates(rest, far):
            near = EXACT if kind == "piecewise" else WORKED_OUT  # The rates themselves, or what they come to.
            told = {name: _plain(one, near) for name, one in fields.items()}
            try:
                schedule = SCHEDULES[kind].model_validate({**told, **begun})
            except ValueError:
                continue
            if _gives(schedule, dense, {step: one for step, one in later.items() if step - warmup <= end}):
                return {kind: {**told, **begun}}
    return None


def _plain(value: Any, near: float) -> Any:
    """Return a number as a person would have written it, where that is the number up to rounding.

    Args:
        value: a number, or several.
        near: share of it by which it may be off: little of one that a program gave as it is, more of one worked out.
    """
    if isinstance(value, tuple):
        return tuple(_plain(one, near) for one in value)
    if not isinstance(value, float):
        return value
    short = float(f"{value:.12g}")
    return short if math.isclose(short, value, rel_tol=near) else value


def _rising(dense: np.ndarray) -> int:
    """Return at which step a rate stops to rise along the line on which it begins; 0 where it does not rise."""
    step = dense[1] - dense[0]
    if not step > 0.0:
        return 0
    on_line = np.isclose(dense, dense[0] + step * np.arange(len(dense)), rtol=0.0, atol=CLOSE * dense.max())
    return len(dense) if on_line.all() else int(np.argmin(on_line)) - 1


def _candidates(rates: np.ndarray, far: Mapping[int, float]) -> Iterator[tuple[str, dict[str, Any], float]]:
    """Yield schedules that may be it, each with the step up to which it says something."""
    if len(rates) < 3 or not rates[0] > 0.0:
        return
    first, second, close = float(rates[0]), float(rates[1]), CLOSE * float(rates.max())
    endless = math.inf
    if np.ptp(rates) <= close:
        yield "constant", {"learning_rate": first}, endless
    yield from _falling(rates, far, close)
    if 0.0 < second != first:
        yield "exponential", {"initial_learning_rate": first, "decay_steps": 1, "decay_rate": second / first}, endless
        rate = first / second - 1.0
        if rate > 0.0:
            yield "inverse_time", {"initial_learning_rate": first, "decay_steps": 1, "decay_rate": rate}, endless
    changes = np.flatnonzero(np.abs(np.diff(rates)) > close)
    if len(changes):
        long, ratio = int(changes[0]) + 1, float(rates[changes[0] + 1]) / first
        if ratio > 0.0:
            yield "step", {"initial_learning_rate": first, "step_size": long, "gamma": ratio}, endless
    if 0 < len(changes) < PIECES:
        values = [first, *(float(rates[one + 1]) for one in changes)]
        yield "piecewise", {"boundaries": tuple(int(one) for one in changes), "values": tuple(values)}, endless


def _falling(rates: np.ndarray, far: Mapping[int, float], close: float) -> Iterator[tuple[str, dict[str, Any], float]]:
    """Yield lines and cosines from the first rate to a last one."""
    first, count = float(rates[0]), len(rates)
    last = float(list(far.values())[-1]) if far else float(rates[-1])
    flat = np.abs(rates - last) <= close
    ends: list[tuple[int, float]] = []
    if flat[-1] and last < first:
        ends.append((count - int(np.argmax(~flat[::-1])), last))  # Where the last rate is reached.
    fall = first - float(rates[1])
    if fall > close * 1e-3 and not flat[-1]:
        for bottom in dict.fromkeys((0.0, last if last < first else 0.0)):
            steps = round((first - bottom) / fall)
            ends.append((steps, bottom))
    for steps, bottom in ends:
        if steps > 0:
            line = {"initial_learning_rate": first, "decay_steps": steps, "end_learning_rate": bottom}
            yield "polynomial", line, float(steps)
    at = int(np.argmax(rates < 0.6 * first)) or count - 1
    bottoms = [bottom for _, bottom in ends] or [0.0]
    for bottom in dict.fromkeys((*bottoms, 0.0)):
        share = (float(rates[at]) - bottom) / (first - bottom) if first > bottom else 1.0
        if 0.0 <= share < 1.0:
            steps = round(math.pi * at / math.acos(2.0 * share - 1.0))
            wave = {"initial_learning_rate": first, "decay_steps": steps, "alpha": bottom / first}
            yield "cosine", wave, float(steps)


def _gives(schedule: Schedule, dense: np.ndarray, later: Mapping[int, float]) -> bool:
    """Return whether a schedule gives rates at all steps that are tried, up to where it ends."""
    close, end = CLOSE * float(dense.max()), len(dense)
    steps = getattr(schedule, "decay_steps", None)
    if schedule.kind in ("polynomial", "cosine") and steps is not None:
        end = min(end, schedule.warmup_steps + int(steps) + 1)
    tried = {*range(min(end, TRIED // 2)), *np.linspace(0, end - 1, TRIED // 2).astype(int).tolist()}
    pairs = [*((step, float(dense[step])) for step in sorted(tried)), *later.items()]
    return all(abs(schedule.rate(step) - rate) <= close for step, rate in pairs)
