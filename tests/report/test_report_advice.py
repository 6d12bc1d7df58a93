"""Advice in the reports: the same words in all of them, and nothing where there is none."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from parity.report import html, markdown, terminal
from parity.report.sentences import advice
from parity.result.schema import AdviceFact, Lint, Result
from tests import report_samples as samples
from tests.report.test_report import Reader, flat, shown

SOFTMAX = AdviceFact(
    rule="softmax_before_logits",
    sides=["tensorflow"],
    path="loss.from_logits",
    file="specs/leaf.yaml",
    line=34,
    what="layers.logits.activation is softmax, and the loss takes what it is given for logits",
    why="the loss applies sigmoid once more",
    fix="set layers.logits.activation: linear",
    changes={"layers.logits.activation": "linear"},
)
PLACELESS = SOFTMAX.model_copy(update={"file": None, "line": None, "sides": ["keras", "torch"]})
NASTY = SOFTMAX.model_copy(update={"what": f"{samples.EVIL} stands here", "fix": f"{samples.EVIL} goes"})


def advised(*given: AdviceFact) -> Result:
    return samples.leaf().model_copy(update={"advice": list(given)})


def test_every_report_says_what_why_where_and_how() -> None:
    for text in (
        flat(shown(advised(SOFTMAX))),
        flat(markdown.to_markdown(advised(SOFTMAX)).replace("\\", "").replace("`", "").replace("*", "")),
        flat(Reader(html.to_html(advised(SOFTMAX))).text),
    ):
        for part in (advice.TITLE, "softmax before logits (tensorflow)", "specs/leaf.yaml:34", advice.what(SOFTMAX),
                     "The loss applies sigmoid once more.", "Fix: set layers.logits.activation: linear"):  # fmt: skip
            assert part in text, part


def test_without_advice_no_report_speaks_of_it() -> None:
    for text in (shown(samples.leaf()), markdown.to_markdown(samples.leaf()), html.to_html(samples.leaf())):
        assert advice.TITLE not in text
        assert "#advice" not in text


def test_advice_without_a_line_names_its_path() -> None:
    assert advice.place(PLACELESS) == "loss.from_logits"
    assert "softmax before logits (keras, torch)" in flat(shown(advised(PLACELESS)))


def test_names_in_advice_stay_text() -> None:
    assert samples.EVIL in Reader(html.to_html(advised(NASTY))).text
    assert "\x1b" not in shown(advised(NASTY.model_copy(update={"why": "a \x1b[2J b"})))
    assert "<script" not in markdown.to_markdown(advised(NASTY)).split(f"## {advice.TITLE}")[1].split("\n## ")[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("the loss", "The loss."), ("loss.from_logits is on.", "loss.from_logits is on."), ("a row", "A row.")],
)
def test_a_sentence_begins_with_a_capital_but_not_a_path(text: str, sentence: str) -> None:
    assert advice.sentence(text) == sentence


def test_a_line_of_lint_is_not_broken_so_that_an_editor_can_follow_it() -> None:
    stream = io.StringIO()
    given = SOFTMAX.model_copy(update={"file": f"{'deep/' * 30}leaf.yaml"})
    found = Lint(spec="leaf", sides=["keras", "tensorflow"], advice=[given], notes=["nothing was measured"])
    terminal.print_lint(found, Console(file=stream, width=60))
    lines = stream.getvalue().splitlines()
    assert lines[0] == f"{given.file}:34: softmax before logits (tensorflow)"
    assert lines[-2:] == ["Note: nothing was measured", "leaf: 1 piece of advice (sides: keras, tensorflow)"]
