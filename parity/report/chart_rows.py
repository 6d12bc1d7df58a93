"""The rows that the charts draw: finite numbers only, thinned where a curve is longer than a screen is wide."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TypedDict

from parity.report import lookup
from parity.report.sentences import outcomes
from parity.result import formats
from parity.result.schema import Explanation, Result, SideFact

POINTS = 600
"""Longer loss curves are thinned to about this many points a side, keeping the extremes of every stretch."""

FEW = 40
"""A curve of at most this many points shows each of them as a dot."""


class CurveRow(TypedDict):
    """One point of a curve; ``y`` is None where the number was not finite, which breaks the line."""

    side: str
    x: int
    y: float | None
    dot: bool
    lost: bool
    size: float
    shown: str


class EffectRow(TypedDict):
    """What one difference does to the outcome, put in alone or taken back."""

    row: int
    lane: int
    named: bool
    difference: str
    values: str
    what: str
    start: float
    end: float
    low: float | None
    high: float | None
    outcome: str


SPREAD = "The thin line through a dot reaches from the lowest to the highest outcome over the seeds."
"""Said under a chart in which a row has one."""


def effect_notes(result: Result) -> list[str]:
    """Say how the chart of effects is read; nothing where there is none."""
    told, rows = result.explanation, effect_rows(result)
    if told is None or not rows:
        return []
    good, bad = told.good, told.bad
    note = f"A bar that starts at {good}'s line shows what the difference does when it is put into {good} alone"
    back = f"; one that starts at {bad}'s line, what is gained when it alone is taken back from {bad}"
    notes = [f"{note}{back if any(row['lane'] == 2 for row in rows) else ''}."]
    return [*notes, SPREAD] if any(row["low"] is not None for row in rows) else notes


def loss_rows(result: Result) -> list[CurveRow]:
    """Give the training loss of every side, step by step; the rounding horizon is always among the steps."""
    curves = [(side.name, list(enumerate(side.losses, start=1))) for side in result.sides]
    return _rows(curves, lookup.horizon(result))


def metric_rows(result: Result, name: str) -> list[CurveRow]:
    """Give a metric of every side, epoch by epoch and at the end."""
    return _rows([(side.name, _measured(side, name)) for side in result.sides])


def effect_rows(result: Result) -> list[EffectRow]:
    """Give what every tested difference does to the outcome, what matters most first."""
    told = result.explanation
    if told is None:
        return []
    rows: list[EffectRow] = []
    good, bad = outcomes.sides_at(told)
    tested = [item for item in lookup.explained(result) if item.effect is not None and not item.inert]
    for number, item in enumerate(tested):
        before, after = lookup.values_from(item, told.good)
        effect = item.effect
        ways = (
            (1, alone_label(result), good, effect.alone if effect else None, "breaks"),
            (2, taken_back_label(result), bad, effect.taken_back if effect else None, "repairs"),
        )
        named = True
        for lane, what, start, end, kind in ways:
            if end is None or not math.isfinite(end) or not math.isfinite(start):
                continue
            low, high = _over_seeds(told, kind, item.path)
            rows.append(
                EffectRow(
                    row=number,
                    lane=lane,
                    named=named,
                    difference=label(item.path),
                    values=label(f"{formats.value(before)} -> {formats.value(after)}"),
                    what=what,
                    start=start,
                    end=end,
                    low=low,
                    high=high,
                    outcome=f"{outcomes.cell(told, start)} -> {outcomes.cell(told, end)}",
                )
            )
            named = False
    return rows


def alone_label(result: Result) -> str:
    """Name the runs that put one difference into the good side."""
    return label(f"put alone into {result.explanation.good}") if result.explanation is not None else ""


def taken_back_label(result: Result) -> str:
    """Name the runs that take one difference back from the bad side."""
    return label(f"taken back from {result.explanation.bad}") if result.explanation is not None else ""


def label(text: str) -> str:
    r"""Put a text on one line: Vega writes names into expressions, whose parser refuses U+2028 in a string.

    >>> label("two\u2028lines")
    'two lines'
    """
    return " ".join(text.split())


def thinned(
    points: list[tuple[int, float]], most: int = POINTS, keep: int | None = None
) -> list[tuple[int, float]]:  # fmt: skip
    """Thin a curve to about ``most`` points: first, last, ``keep``, and the lowest, highest and lost of every stretch.

    >>> thinned([(step, float(step % 7)) for step in range(1, 9)], most=4)
    [(1, 1.0), (4, 4.0), (6, 6.0), (7, 0.0), (8, 1.0)]
    """
    if len(points) <= most:
        return points
    size = math.ceil(2 * len(points) / most)
    kept = {points[0], points[-1], *(point for point in points if point[0] == keep)}
    for start in range(0, len(points), size):
        stretch = points[start : start + size]
        finite = [point for point in stretch if math.isfinite(point[1])]
        kept.update([point for point in stretch if not math.isfinite(point[1])][:1])
        if finite:
            kept.update((min(finite, key=lambda point: point[1]), max(finite, key=lambda point: point[1])))
    return sorted(kept, key=lambda point: point[0])


def finite(rows: Iterable[CurveRow]) -> list[float]:
    """Give the numbers that can be drawn."""
    return [row["y"] for row in rows if row["y"] is not None]


def _over_seeds(told: Explanation, kind: str, path: str) -> tuple[float | None, float | None]:
    """Give the lowest and the highest outcome with a single difference, where it was tried with several seeds."""
    for claim in told.claims:
        if claim.kind == kind and claim.paths == [path] and len(claim.values) > 1:
            values = [value for value in claim.values if math.isfinite(value)]
            return (min(values), max(values)) if len(values) > 1 else (None, None)
    return None, None


def _measured(side: SideFact, name: str) -> list[tuple[int, float]]:
    points = {epoch.step: epoch.metrics[name] for epoch in side.epochs if name in epoch.metrics}
    if name in side.metrics:
        points.setdefault(len(side.losses), side.metrics[name])
    return sorted(points.items())


def _rows(curves: Sequence[tuple[str, list[tuple[int, float]]]], keep: int | None = None) -> list[CurveRow]:
    rows = []
    for number, (side, points) in enumerate(curves):
        # Dots of sides that agree lie on each other: later ones are smaller, so that all of them show.
        size = max(110.0 / (number + 1), 20.0)
        rows += _curve(label(side), thinned(points, keep=keep), size)
    return rows


def _curve(side: str, points: list[tuple[int, float]], size: float) -> list[CurveRow]:
    drawn = [math.isfinite(number) for _, number in points]
    lost = drawn.index(False) if False in drawn else None
    rows = []
    for index, (step, number) in enumerate(points):
        # A finite point between two lost ones has no line to stand on, so it needs a dot.
        lonely = not any(drawn[max(index - 1, 0) : index]) and not any(drawn[index + 1 : index + 2])
        rows.append(
            CurveRow(
                side=side,
                x=step,
                y=number if drawn[index] else None,
                dot=drawn[index] and (lonely or len(points) <= FEW),
                lost=index == lost,
                size=size,
                shown=formats.loss(number),
            )
        )
    return rows
