"""One page that opens offline: everything it needs, the chart library included, stands in the file.

The page forbids itself what it does not need: its content security policy names the two scripts by their hashes
and allows no load from anywhere, so a name in a spec that looked like markup could not run even if it got through.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parity.report import chart_rows, charts, files, lookup, sidebyside
from parity.report.sentences import (
    advice,
    draws,
    epochs,
    evidence,
    finding,
    findings,
    measures,
    outcomes,
    strikes,
    targets,
    verdict,
)
from parity.result import agreeing, formats
from parity.result.schema import Comparison, DifferenceFact, Result

if TYPE_CHECKING:
    import jinja2

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Pair:
    """Two sides as the page shows them: how they compare, where they differ, their programs."""

    a: str
    b: str
    comparison: Comparison | None
    differences: list[DifferenceFact]
    explained: bool
    programs: sidebyside.Panes


@dataclass(frozen=True)
class Figure:
    """A chart and what has to be said under it."""

    name: str
    specification: dict[str, Any]
    notes: list[str]


def to_html(result: Result, folder: Path | None = None) -> str:
    """Draw the page. With ``folder``, the page's own, links to program files are relative to it."""
    environment = _environment()
    # Browsers break lines after a hyphen, so that "->" would come apart.
    environment.filters["arrows"] = lambda text: text.replace(" -> ", " \N{RIGHTWARDS ARROW} ")
    environment.filters["causes"], environment.filters["pieces"] = agreeing.sentences, agreeing.pieces
    environment.filters["where"] = finding.where
    environment.filters["relative"] = lambda target: files.relative(target, folder)
    environment.filters["link"] = lambda target: files.link(target, folder)
    library, script = chart_library(), (TEMPLATES / "page.js").read_text(encoding="utf-8")
    return environment.get_template("page.html.j2").render(
        result=result,
        view=lookup,
        words=verdict,
        evidence=evidence,
        advice=advice,
        epochs=epochs,
        measures=[*targets.notes(result), *measures.notes(result)],
        findings=findings.findings(result),
        findings_title=findings.TITLE,
        outcomes=outcomes,
        strikes=strikes,
        draws=draws,
        remarks=findings.notes(result),
        verdict=lookup.overall(result) or "none",
        metric=lookup.metric_name(result),
        metrics=_metric_names(result),
        curves=_curves(result),
        effects=_effects(result),
        pairs=_pairs(result),
        listing=sidebyside.listing(result.sides[0].program) if len(result.sides) == 1 else None,
        library=library,
        script=script,
        hashes=[_hash(library), _hash(script)],
    )


@cache
def chart_library() -> str:
    """Give Vega, Vega-Lite and their embedding as one script that is safe to stand in a page."""
    import altair as alt
    import vl_convert

    version = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version)
    # In JavaScript these can only stand in strings and patterns, where the backslash changes nothing.
    return bundle.replace("\r", "").replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _hash(script: str) -> str:
    """Give the name by which the page's own policy allows a script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # NaN is no JSON: better no page than one whose charts fail silently.
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "sort_keys": True}
    for name in (
        "scientific", "decimals", "metric", "loss", "count", "seconds", "share", "value", "place", "measured",
        "difference",
        "tensor", "index", "both", "checked",
    ):  # fmt: skip
        environment.filters[name] = getattr(formats, name)
    return environment


def _curves(result: Result) -> list[Figure]:
    figures = []
    loss = charts.loss_chart(result, charts.PAGE, "container")
    if loss is not None:
        told = (*verdict.side_notes(result), *_free(result), evidence.horizon(result))
        notes = [note for note in told if note is not None]
        figures.append(Figure("loss", charts.themed(loss, charts.PAGE, "transparent"), notes))
    metric = charts.metric_chart(result, charts.PAGE, "container")
    if metric is not None:
        figures.append(Figure("metric", charts.themed(metric, charts.PAGE, "transparent"), []))
    return figures


def _free(result: Result) -> list[str]:
    told = [(pair, evidence.free(pair)) for pair in result.comparisons]
    return [f"Free runs of {pair.a} and {pair.b}: {sentence}" for pair, sentence in told if sentence is not None]


def _effects(result: Result) -> Figure | None:
    chart = charts.effects_chart(result, charts.PAGE, "container")
    told = result.explanation
    if chart is None or told is None:
        return None
    note = (
        f"A bar that starts at {told.good}'s line shows what the difference does when it is put into {told.good} alone"
    )
    back = f"; one that starts at {told.bad}'s line, what is gained when it alone is taken back from {told.bad}"
    note += f"{back}." if chart_rows.taken_back(result) else "."
    notes = [note, chart_rows.SPREAD] if chart_rows.spread(chart_rows.effect_rows(result)) else [note]
    return Figure("effects", charts.themed(chart, charts.PAGE, "transparent"), notes)


def _pairs(result: Result) -> list[Pair]:
    compared = {(comparison.a, comparison.b): comparison for comparison in result.comparisons}
    programs = {side.name: side.program for side in result.sides}
    pairs = []
    for a, b in lookup.pairs(result):
        differences = lookup.differences_between(result, a, b)
        pairs.append(
            Pair(
                a=a,
                b=b,
                comparison=compared.get((a, b)),
                differences=differences,
                explained=any(lookup.is_explained(result, item) for item in differences),
                programs=sidebyside.side_by_side(programs.get(a, ""), programs.get(b, "")),
            )
        )
    return pairs


def _metric_names(result: Result) -> list[str]:
    """List every metric that a side has at its end, the outcome first."""
    first = lookup.metric_name(result)
    recorded = [name for side in result.sides for name in side.metrics]
    return list(dict.fromkeys([*([first] if first is not None else []), *recorded]))
