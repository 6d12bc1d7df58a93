"""What a person sees of a command before it is done: a page that is written again, and each answer said once."""

from __future__ import annotations

from pathlib import Path

import pytest
from report_samples import claimed, leaf

from parity.commands.growing import EVERY, GrowingPage
from parity.report import html, markdown
from parity.report.sentences import findings
from parity.report.write import read
from parity.result.schema import Result


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def under_way(result: Result, *left: str) -> Result:
    return result.model_copy(update={"under_way": list(left)})


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def page(tmp_path: Path, said: list[str], clock: Clock) -> GrowingPage:
    return GrowingPage(folder=tmp_path / "report", say=said.append, clock=clock)


def test_the_page_is_there_before_causes_are_known_and_says_that_it_is_not_all(
    page: GrowingPage, said: list[str], clock: Clock, tmp_path: Path
) -> None:
    clock.now = 24.0
    page(under_way(leaf().model_copy(update={"explanation": None}), "what causes it"))
    file = tmp_path / "report" / "report.html"
    assert said == [f"24 s: Divergent; {file} can be read, and grows"]
    text = file.read_text(encoding="utf-8")
    assert "still at work" in text
    assert "what causes it" in text
    assert read(tmp_path / "report" / "result.json").under_way == ["what causes it"]


def test_an_answer_is_said_once_and_again_where_it_is_another(page: GrowingPage, said: list[str], clock: Clock) -> None:
    first = claimed()
    for now in (10.0, 20.0):
        clock.now = now
        page(under_way(first, "the other seeds"))
    answers = said[1:]
    assert len(answers) == 1
    assert answers[0].startswith("10 s: ")
    assert first.explanation is not None
    assert any(path in answers[0] for paths in first.explanation.breakers for path in paths)
    fewer = first.explanation.model_copy(update={"gap": "none", "claims": [], "breakers": [], "repairs": []})
    clock.now = 30.0
    page(under_way(first.model_copy(update={"explanation": fewer}), "the other seeds"))
    assert len(said) == 3
    assert said[-1].startswith("30 s: ")
    assert said[-1] != answers[0]


def test_it_is_not_written_so_often_that_the_runs_would_wait_for_it(
    page: GrowingPage, clock: Clock, tmp_path: Path
) -> None:
    file, left = tmp_path / "report" / "result.json", ["one", "two", "three"]
    page(under_way(leaf(), *left))
    clock.now = EVERY - 1.0
    page(under_way(leaf(), *left[1:]))
    assert read(file).under_way == left
    clock.now = EVERY
    page(under_way(leaf(), *left[2:]))
    assert read(file).under_way == left[2:]


def test_a_disk_that_is_full_is_left_to_whoever_writes_the_report(
    page: GrowingPage, said: list[str], tmp_path: Path
) -> None:
    (tmp_path / "report").write_text("a file where the folder would be", encoding="utf-8")
    page(under_way(claimed(), "the other seeds"))
    assert [text for text in said if "can be read" in text] == []


def test_what_is_still_to_come_is_not_told_as_left_out() -> None:
    told = claimed()
    assert told.explanation is not None
    part = told.model_copy(update={"explanation": told.explanation.model_copy(update={"complete": False})})
    assert [one.kind for one in findings.findings(part)].count("missing") == 1
    assert [one.kind for one in findings.findings(under_way(part, "the other seeds"))].count("missing") == 0


def test_a_result_that_is_whole_does_not_speak_of_more() -> None:
    assert "still at work" not in html.to_html(leaf())
    assert "still at work" not in markdown.to_markdown(leaf())
