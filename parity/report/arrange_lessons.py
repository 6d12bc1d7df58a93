"""What a page teaches with, arranged: the answer, a guess, the switches, a step under the microscope."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from parity.report import document as doc
from parity.report import lookup
from parity.report.drawn_network import network
from parity.report.sentences import answers, combining, guessing, magnified, outcomes
from parity.report.sentences.answers import Reply
from parity.report.sentences.finding import Finding, Patch, where
from parity.result import formats
from parity.result.explanation import CombinationFact
from parity.result.schema import Comparison, DifferenceFact, Explanation, Result, SideFact
from parity.result.stepfact import StepFact, TensorFact

MOST = 6
"""Differences that a sentence names."""

MOST_PAIRS = 4
"""Pairs of sides whose step is on the page."""


def short(finding: Finding) -> doc.Words:
    """Say a finding and the differences it is about, their values left out."""
    listed: list[doc.Span] = []
    for number, item in enumerate(finding.items[:MOST]):
        shown = doc.Span(item.change.partition(": ")[0], "code") if item.code else doc.Span(item.change)
        listed += [doc.Span(", " if number else ""), shown]
    if len(finding.items) > MOST:
        listed.append(doc.Span(f" and {len(finding.items) - MOST} more"))
    return [doc.Span(finding.lead + (": " if listed else ""), "strong"), *listed]


def replies(result: Result) -> list[doc.Block]:
    """Answer what a reader asks next, a fold for each question."""
    return [doc.Fold(one.question, _reply(one), on=doc.READ) for one in answers.replies(result)]


def _reply(one: Reply) -> list[doc.Block]:
    told: list[doc.Block] = [doc.Callout([one.lead], list(one.items), on=doc.READ)]
    return [*told, *patch(one.patch)]


def patch(given: Patch | None) -> list[doc.Block]:
    """Give a change of a side as YAML and as lines of its program."""
    if given is None:
        return []
    lines = [doc.Code(given.diff, "Lines of the program", "diff")] if given.diff else []
    if given.by_hand:
        return [*lines]
    return [doc.Code(given.changes, f"Changes of side {given.side}", "yaml"), *lines]


def guess(result: Result) -> list[doc.Block]:
    """Let the reader guess which difference it is."""
    options, told = guessing.options(result), result.explanation
    if not options or told is None:
        return []
    data = {
        "question": guessing.question(told),
        "options": [{"path": one.path, "change": one.change, "right": one.right, "told": one.told} for one in options],
        "comments": guessing.comments(result),
        "show": guessing.SHOW,
        "skip": guessing.SKIP,
        "again": guessing.AGAIN,
    }
    answer = [doc.Span(guessing.answer(result), "strong")]
    return [doc.Widget("guess", guessing.TITLE, data, [doc.Callout([answer], tone="harm")], on=doc.PAGE)]


def switches(result: Result) -> list[doc.Block]:
    """Let the reader turn the differences on and off."""
    told = result.explanation
    if told is None or not told.combinations:
        return []
    items = [item for item in _in_order(result, told) if not item.inert and not item.unexamined]
    sides = {side.name: side for side in result.sides}
    data = {
        "good": told.good,
        "bad": told.bad,
        "outcome": outcomes.axis(told),
        "lower": told.better == "lower",
        "curves": _curves(result, told.good, told.bad),
        "switches": [_switch(result, item, told, sides) for item in items],
        "again": combining.AGAIN,
        "combinations": [_combination(told, one, items) for one in told.combinations],
        "unrun": combining.unrun(result),
        "note": combining.other_loss(result),
    }
    return [
        doc.Text(combining.intro(result, told), on=doc.PAGE),
        doc.Widget("switches", combining.TITLE, data, on=doc.PAGE),
    ]


def _switch(result: Result, item: DifferenceFact, told: Explanation, sides: dict[str, SideFact]) -> dict[str, Any]:
    off, on = lookup.values_from(item, told.good)
    alone = next((one for one in told.combinations if one.paths == [item.path]), None)
    # Of a program written by hand, its own line, and beneath it how parity would write the change.
    hand = {name for name, side in sides.items() if side.by_hand}
    lines = [
        {"side": line.side, "where": where(line), "own": line.text if line.side in hand else "",
         "text": line.compiled if line.side in hand else line.text, "instead": line.instead}
        for line in item.lines
    ]  # fmt: skip
    options = alone.options if alone is not None and alone.side == told.good and told.good not in hand else []
    return {"path": item.path, "off": formats.value(off), "on": formats.value(on), "lines": lines, "options": options,
            "anchor": lookup.anchor(result, item) if lookup.meant(result) else ""}  # fmt: skip


def _combination(told: Explanation, one: CombinationFact, items: Sequence[DifferenceFact]) -> dict[str, Any]:
    paths = [item.path for item in items]
    known = [path for path in one.paths if path in paths]
    return {
        "on": [paths.index(path) for path in known],
        "name": combining.name(told, one, len(items)),
        "said": combining.said(told, one),
        "curve": combining.curve(one),
        "value": combining.place(told, one),
        "every": one.every,
        "steps": one.steps,
        "losses": [loss if math.isfinite(loss) else None for loss in one.losses],
        "side": one.side,
        "patch": one.patch,
    }


def _in_order(result: Result, told: Explanation) -> list[DifferenceFact]:
    pair = {told.good, told.bad}
    return [item for item in result.differences if {item.a_side, item.b_side} == pair]


def microscope(result: Result) -> list[doc.Block]:
    """Let the reader go through one step, phase by phase; of several pairs the others are folded away."""
    known = _looked_at(result)
    others = [doc.Fold(f"{pair.a} and {pair.b}", _step(result, pair), on=doc.PAGE) for pair in known[1:MOST_PAIRS]]
    return [*(block for pair in known[:1] for block in _step(result, pair)), *others]


def _step(result: Result, pair: Comparison) -> list[doc.Block]:
    step, side = pair.step, next((one for one in result.sides if one.name == pair.a), None)
    assert step is not None
    by_phase = {name: [one for one in step.tensors if one.phase == name] for name in magnified.PHASES}
    data = {
        "a": pair.a,
        "b": pair.b,
        "curves": _curves(result, pair.a, pair.b),
        "phases": [
            {"name": magnified.PHASES[name], "said": magnified.phase(pair, step, tensors), "key": name,
             "tensors": [_tensor(pair, step, one) for one in tensors]}
            for name, tensors in by_phase.items() if tensors
        ],
    }  # fmt: skip
    drawn = [network(side.layers, side.name)] if side is not None and side.layers else []
    label = f"{magnified.TITLE}: {pair.a} and {pair.b}"
    return [
        doc.Text(magnified.intro(pair, step), on=doc.PAGE),
        doc.Widget("microscope", label, data, drawn, on=doc.PAGE),
    ]


def _tensor(pair: Comparison, step: StepFact, one: TensorFact) -> dict[str, Any]:
    name = "".join(formats.tensor(magnified.place(step, one)))
    return {
        "name": name,
        "shape": formats.index(one.shape) if one.shape else "",
        "layer": one.layer,
        "a": _finite(one.a),
        "b": _finite(one.b),
        "difference": _finite(one.difference),
        "noise": _finite(one.noise),
        "beyond": magnified.beyond(pair, one),
        "first": magnified.is_first(pair, one),
        "told": magnified.told(pair, one),
        "element": magnified.element(pair, one),
    }


def _curves(result: Result, *names: str) -> list[int]:
    """Give the numbers of the colours that sides have in every picture."""
    sides = [side.name for side in result.sides]
    return [(sides.index(name) if name in sides else 0) % 4 + 1 for name in names]


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _looked_at(result: Result) -> list[Comparison]:
    """List the comparisons whose step is known: the explained pair's, those that part, the others."""
    told, known = result.explanation, [pair for pair in result.comparisons if pair.step is not None]
    explained = {told.good, told.bad} if told is not None else set()
    return sorted(known, key=lambda pair: ({pair.a, pair.b} != explained, pair.verdict != "divergent"))


def downloads(result: Result) -> list[doc.Block]:
    """Give the programs to be saved, under names of their own."""
    files = {
        side.program_file.rpartition("/")[2] if side.program_file else f"{side.name}.py": side.program
        for side in result.sides
        if side.program
    }
    return [doc.Downloads(files, on=doc.PAGE)] if files else []
