"""Charts of a result: loss and outcome curves, and what each difference does to the outcome.

Colours come from a :class:`Palette`: fixed ones for ``curves.png``, CSS variables for the page, so that
the same chart follows the reader's light or dark setting without being drawn again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from parity.report import chart_rows, files, lookup
from parity.report.chart_rows import CurveRow, EffectRow
from parity.report.sentences import outcomes
from parity.result import formats
from parity.result.schema import Explanation, Result

if TYPE_CHECKING:
    import altair as alt

Width = int | Literal["container"]

LOG_SPAN = 5.0
"""Losses that span more than this factor, all positive, are drawn on a log scale."""

DASHES = ([1, 0], [9, 5], [1, 0], [2, 4])
WIDTHS = (4.5, 1.7)
"""Sides that agree lie on one line: from the first to the last they shrink, so that each shows under the next."""

PALE = 0.35
"""Opacity of curves from the rounding horizon on."""

BEYOND = "rounding alone from here"
"""What the shade from the rounding horizon on is called."""

ROW = 46
"""Height of one difference in the chart of effects, in pixels: its path and two bars."""


@dataclass(frozen=True)
class Palette:
    """The colours of a chart, as CSS colours."""

    ink: str
    muted: str
    grid: str
    paper: str
    sides: tuple[str, ...]


LIGHT = Palette("#1d2430", "#5b6472", "#e3e6ea", "#ffffff", ("#2f6db5", "#c2571a", "#2b8570", "#8a4fa3"))
PAGE = Palette(
    ink="var(--ink)",
    muted="var(--muted)",
    grid="var(--line)",
    paper="var(--card)",
    sides=tuple(f"var(--side-{number})" for number in (1, 2, 3, 4)),
)


def loss_chart(result: Result, palette: Palette = LIGHT, width: Width = 720) -> alt.LayerChart | None:
    """Draw the training loss of every side, step by step; None when no side took a step."""
    rows = chart_rows.loss_rows(result)
    if not rows:
        return None
    log, scale = _loss_scale(chart_rows.finite(rows))
    title = f"Training loss{' (log scale)' if log else ''}"
    return _curves(result, rows, title, scale, palette, width, lookup.horizon(result))


def metric_chart(result: Result, palette: Palette = LIGHT, width: Width = 720) -> alt.LayerChart | None:
    """Draw the outcome metric of every side, epoch by epoch; None when no side recorded one."""
    import altair as alt

    name = lookup.metric_name(result)
    rows = chart_rows.metric_rows(result, name) if name is not None else []
    numbers = chart_rows.finite(rows)
    if not rows:
        return None
    share = all(0 <= number <= 1 for number in numbers)
    scale = alt.Scale(domain=[0, 1]) if share else alt.Scale(zero=False)
    rows_of = "the rows kept for validation" if str(name).startswith("val_") else "the whole training set"
    title = f"{str(name).removeprefix('val_').capitalize()} on {rows_of}"
    return _curves(result, rows, title, scale, palette, width)


def effects_chart(result: Result, palette: Palette = LIGHT, width: Width = 720) -> alt.LayerChart | None:
    """Draw what each difference does: a bar from the good outcome (put in alone), one from the bad (taken back).

    None when no counterfactual run was made.
    """
    import altair as alt

    told, rows = result.explanation, chart_rows.effect_rows(result)
    if told is None or not rows:
        return None
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=alt.Y("row:O", axis=None, scale=alt.Scale(paddingInner=0.12, paddingOuter=0.05)),
        yOffset=alt.YOffset("lane:O", scale=alt.Scale(domain=[0, 1, 2], paddingInner=0, paddingOuter=0)),
        tooltip=[alt.Tooltip(f"{field}:N") for field in ("difference", "values", "what", "outcome")],
    )
    scale, middle = _outcome_scale(told, rows)
    end = alt.X("end:Q", scale=scale, title=chart_rows.label(outcomes.axis(told)), axis=alt.Axis(tickCount=6))
    used = {row["what"] for row in rows}
    names = [side.name for side in result.sides]
    ways, hues, shapes = [], [], []
    for way, name, sign in (
        (chart_rows.alone_label(result), told.good, "circle"),
        (chart_rows.taken_back_label(result), told.bad, "diamond"),
    ):
        if way in used:
            ways.append(way)
            hues.append(palette.sides[names.index(name) % len(palette.sides)] if name in names else palette.ink)
            shapes.append(sign)
    legend = alt.Legend(orient="top", title=None, columns=1, symbolSize=120, symbolOpacity=1, offset=36)
    colour = alt.Color("what:N", scale=alt.Scale(domain=ways, range=hues), legend=legend)
    shape = alt.Shape("what:N", scale=alt.Scale(domain=ways, range=shapes), legend=legend)
    bars = base.mark_rule(strokeWidth=5, opacity=0.5).encode(x=alt.X("start:Q", scale=scale), x2="end:Q", color=colour)
    dots = base.mark_point(filled=True, size=80, opacity=1).encode(x=end, color=colour, shape=shape)
    seeds = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2, color=palette.ink)
    drawn = [bars, dots, seeds.encode(x=alt.X("low:Q", scale=scale), x2="high:Q")]
    height = ROW * len({row["row"] for row in rows})
    layers = alt.LayerChart(layer=[*_outcomes(told, scale, middle, palette), *drawn, *_paths(base, palette)])
    return layers.properties(width=width, height=height, description=_effects_description(told))


def curves_chart(result: Result, palette: Palette = LIGHT) -> alt.VConcatChart | None:
    """Draw loss and outcome one above the other, the picture for ``curves.png``; None when nothing was recorded."""
    import altair as alt

    charts = [chart for chart in (loss_chart(result, palette), metric_chart(result, palette)) if chart is not None]
    return alt.vconcat(*charts, spacing=24) if charts else None


def specification(result: Result, name: str) -> dict[str, Any]:
    """Give the Vega-Lite specification of a chart of the page: ``loss``, ``metric`` or ``effects``.

    Raises:
        ValueError: this result has nothing to draw there.
    """
    chart = {"loss": loss_chart, "metric": metric_chart, "effects": effects_chart}[name](result, PAGE, "container")
    if chart is None:
        raise ValueError(f"nothing to draw: {name}")
    return themed(chart, PAGE, "transparent")


def themed(chart: alt.TopLevelMixin, palette: Palette, background: str) -> dict[str, Any]:
    """Give a chart's Vega-Lite specification with the fonts and colours of the palette."""
    # Each of its parts was held against the schema when it was made; to do so once more takes half of the time.
    specification: dict[str, Any] = json.loads(chart.to_json(validate=False))
    text = {"labelColor": palette.muted, "titleColor": palette.muted, "labelFontSize": 12, "titleFontSize": 12}
    lines = {"gridColor": palette.grid, "domainColor": palette.muted, "tickColor": palette.muted}
    specification["background"] = background
    specification["config"] = {
        "font": "system-ui, 'Liberation Sans', Arial, sans-serif",
        "view": {"stroke": None},
        "axis": {**text, **lines, "titleFontWeight": "normal"},
        "legend": {**text, "labelColor": palette.ink, "labelLimit": 200, "symbolStrokeWidth": 3},
        "title": {"color": palette.ink, "fontSize": 14, "fontWeight": "bold", "anchor": "start", "offset": 10},
        "text": {"fontSize": 12, "color": palette.muted},
    }
    return specification


def write_png(chart: alt.TopLevelMixin, path: Path) -> None:
    """Write a chart as a picture on white, without a browser, at twice the screen's resolution."""
    import altair as alt
    import vl_convert

    specification = {**themed(chart, LIGHT, "white"), "padding": 16}
    version = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    files.write(path, vl_convert.vegalite_to_png(specification, vl_version=version, scale=2))


def _curves(
    result: Result,
    rows: Sequence[CurveRow],
    title: str,
    scale: alt.Scale,
    palette: Palette,
    width: Width,
    horizon: int | None = None,
) -> alt.LayerChart:
    """Draw one curve a side: a line where it is finite, a cross at the top where it first is not.

    From ``horizon`` on the ground is shaded and the curves are pale.
    """
    import altair as alt

    names = [chart_rows.label(side.name) for side in result.sides]
    legend = alt.Legend(orient="top", title=None, columns=2, symbolType="stroke", symbolSize=600, symbolOpacity=1)
    last = max(row["x"] for row in rows)
    # One step alone gets room on both sides; a few steps get their own ticks, since half a step is none.
    steps = alt.Scale(domain=[1, last] if last > 1 else [0, 2], nice=False)
    ticks: dict[str, Any] = {"values": list(range(1, last + 1))} if last < 10 else {"tickCount": 6}
    y = alt.Y("y:Q", title=None, scale=scale, axis=alt.Axis(tickCount=5))
    base = alt.Chart().encode(
        x=alt.X("x:Q", title="step", scale=steps, axis=alt.Axis(grid=False, format=",d", **ticks)),
        color=alt.Color("side:O", title=None, scale=_cycle(names, palette.sides), legend=legend),
        tooltip=[alt.Tooltip("side:N"), alt.Tooltip("x:Q", title="step"), alt.Tooltip("shown:N", title="value")],
    )
    stroke: dict[str, Any] = {"invalid": "break-paths-show-domains", "strokeJoin": "round"}
    lines = base.mark_line(**stroke).encode(
        y=y,
        strokeDash=alt.StrokeDash("side:O", title=None, scale=_cycle(names, DASHES), legend=legend),
        strokeWidth=alt.StrokeWidth("side:O", title=None, scale=alt.Scale(domain=names, range=WIDTHS), legend=legend),
    )
    beyond = horizon if horizon is not None and horizon <= last else None
    pieces = [lines] if beyond is None else [
        lines.transform_filter(f"datum.x <= {beyond}"),
        lines.transform_filter(f"datum.x >= {beyond}").mark_line(**stroke, opacity=PALE),
    ]  # fmt: skip
    drawn = base.transform_filter("isValid(datum.y)")
    dots = (
        drawn.transform_filter("datum.dot")
        .mark_point(filled=True, opacity=1)
        .encode(y=y, size=alt.Size("size:Q", scale=None))
    )
    if beyond is not None:
        dots = dots.encode(opacity=alt.condition(f"datum.x > {beyond}", alt.value(PALE), alt.value(1)))
    # Unseen, but wide enough for a mouse to find: they carry the tooltips.
    hover = drawn.mark_point(filled=True, size=120, opacity=0).encode(y=y)
    lost = base.transform_filter("datum.lost").mark_point(shape="cross", filled=True, size=140, angle=45, opacity=1)
    shade, label = _beyond(beyond, last, steps, palette) if beyond is not None else ([], [])
    layers = [*shade, *pieces, *([dots] if any(row["dot"] for row in rows) else []), hover]
    layers += [lost.encode(y=alt.value(0))] if any(row["lost"] for row in rows) else []
    layers += label
    described = f"{title}, by step, for {formats.names(names)}. The table of sides holds the numbers."
    if beyond is not None:
        described += f" From step {beyond:,} on the curves are pale: {BEYOND}."
    # The rows stand beside the layers, not in them: what a mark has is copied whenever something is added to it.
    drawing = alt.LayerChart(data=alt.InlineData(values=list(rows)), layer=layers)
    return drawing.properties(title=title, width=width, height=240, description=described)


def _beyond(start: int, last: int, steps: alt.Scale, palette: Palette) -> tuple[list[alt.Chart], list[alt.Chart]]:
    """Draw what lies beyond the rounding horizon: the shade under the curves, its label over them."""
    import altair as alt

    early = 2 * start <= last
    text = BEYOND if early else f"{BEYOND} \N{RIGHTWARDS ARROW}"
    base = alt.Chart(alt.InlineData(values=[{"start": start, "last": last, "text": text}])).encode(
        x=alt.X("start:Q", scale=steps)
    )
    shade = base.mark_rect(color=palette.muted, opacity=0.13).encode(x2="last:Q")
    edge = base.mark_rule(color=palette.muted, strokeDash=[3, 3])
    align: Literal["left", "right"] = "left" if early else "right"
    words = base.encode(text="text:N", y=alt.value(10))
    halo = words.mark_text(align=align, dx=6 if early else -6, stroke=palette.paper, strokeWidth=4)
    ink = words.mark_text(align=align, dx=6 if early else -6, color=palette.muted)
    return [shade, edge], [halo, ink]


def _outcomes(told: Explanation, scale: alt.Scale, middle: float, palette: Palette) -> list[alt.Chart]:
    """Draw the outcome of both sides as they are: a line each, named on top at its own height."""
    import altair as alt

    charts = []
    sides = ((told.good, told.good_value, -24), (told.bad, told.bad_value, -10))
    known = [side for side in sides if math.isfinite(side[1])]
    for name, at, height in known:
        text = chart_rows.label(f"{outcomes.cell(told, at)} {name}")
        base = alt.Chart(alt.InlineData(values=[{"at": at, "text": text}])).encode(x=alt.X("at:Q", scale=scale))
        align: Literal["left", "right"] = "right" if at > middle else "left"
        charts.append(base.mark_rule(strokeDash=[3, 3], color=palette.muted))
        charts.append(
            base.mark_text(align=align, color=palette.muted, limit=150).encode(y=alt.value(height), text="text:N")
        )
    return charts


def _paths(base: alt.Chart, palette: Palette) -> list[alt.Chart]:
    """Write each path over its bars, not beside them: paths are long, and a phone is narrow."""
    import altair as alt

    text = base.transform_filter("datum.named").transform_calculate(lane="0").encode(text="difference:N")
    halo = text.mark_text(align="left", clip=True, fontWeight="bold", stroke=palette.paper, strokeWidth=4)
    ink = text.mark_text(align="left", clip=True, fontWeight="bold", color=palette.ink)
    return [layer.encode(x=alt.value(2)) for layer in (halo, ink)]


def _loss_scale(numbers: Sequence[float]) -> tuple[bool, alt.Scale]:
    import altair as alt

    low, high = min(numbers, default=0.0), max(numbers, default=0.0)
    if low == high:  # one value, or none: without a domain the axis would have no extent
        return False, alt.Scale(domain=[min(0.0, 2 * low), max(2 * high, 0.0) or 1.0], nice=True)
    log = low > 0 and high > LOG_SPAN * low
    return log, alt.Scale(type="log", nice=False) if log else alt.Scale(zero=False)


def _outcome_scale(told: Explanation, rows: Sequence[EffectRow]) -> tuple[alt.Scale, float]:
    """Lay out outcomes from nothing to the most there is, and say which is in the middle.

    Where less is better they may span magnitudes.
    """
    import altair as alt

    places = [row[key] for row in rows for key in ("start", "end", "low", "high")]
    places += [number for number in (told.good_value, told.bad_value) if math.isfinite(number)]
    ends = [number for number in places if number is not None]
    if told.better == "lower" and outcomes.kind(told) == "end":
        low, high = min(ends), max(ends)
        if low > 0 and high > LOG_SPAN * low:
            return alt.Scale(type="log", nice=True), math.sqrt(low * high)
        return alt.Scale(domain=[min(0.0, low), high or 1.0], nice=True), (min(0.0, low) + high) / 2
    domain = [min(0.0, *ends), max(1.0, *ends)]
    return alt.Scale(domain=domain, nice=True), sum(domain) / 2


def _cycle(names: Sequence[str], values: Sequence[Any]) -> alt.Scale:
    """Give every side one of a few values, starting over when there are more sides than values."""
    import altair as alt

    return alt.Scale(domain=list(names), range=[values[number % len(values)] for number, _ in enumerate(names)])


def _effects_description(told: Explanation) -> str:
    return chart_rows.label(
        f"{told.outcome[:1].upper()}{told.outcome[1:]} when each difference is put alone into {told.good} or taken "
        f"back from {told.bad}. The table of differences holds the numbers."
    )
