"""What GitHub is told: annotations that it can read, a summary with verdict, place, cause and patch; else nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from parity.report import github
from parity.result.causefact import CauseFact
from tests import report_samples as samples


@pytest.fixture
def step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The summary of a step of a job."""
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    return file


def test_the_summary_says_verdict_place_cause_and_patch(step: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = samples.both_ways()
    github.tell(result)
    text = step.read_text()
    assert text.startswith("before\n")
    assert "Divergent" in text
    assert "step " in text
    claim = next(one for one in result.explanation.claims if one.kind == "repairs") if result.explanation else None
    assert claim is not None
    assert claim.options[0] in text
    assert result.command.split()[1] in text
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("::error ")
    assert all(re.match(r"::(error|warning) [^:]*title=parity::[^\n]+$", line) for line in said)


def test_a_difference_stands_at_its_line_of_a_program_by_hand(step: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = samples.claimed()
    sides = [side.model_copy(update={"by_hand": side.name == "tensorflow"}) for side in result.sides]
    difference = result.differences[0]
    line = next(one for one in difference.lines if one.side == "tensorflow")
    github.tell(result.model_copy(update={"sides": sides}))
    said = capsys.readouterr().out
    assert f"file={line.file},line={line.line},title=parity::{difference.path}: " in said
    other = next(one for one in difference.lines if one.side == "keras")
    assert f"file={other.file}," not in said


def test_what_makes_a_program_of_ones_own_agree_is_said(step: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sentence = "port: `loss.broadcast: align -> stretch` makes it agree with the NumPy reference."
    cause = CauseFact(side="port", path="loss.broadcast", value="stretch", steps=[1], largest=1e-16, sentence=sentence)
    result = samples.leaf()
    pairs = [one.model_copy(update={"causes": [cause, cause]}) for one in result.comparisons]
    github.tell(result.model_copy(update={"comparisons": pairs}))
    assert step.read_text().count("port: `loss.broadcast: align -> stretch` makes it agree") == 1
    assert capsys.readouterr().out.splitlines()[0].endswith(sentence)


def test_sides_that_agree_are_no_annotation(step: Path, capsys: pytest.CaptureFixture[str]) -> None:
    github.tell(samples.agreeing())
    assert capsys.readouterr().out == ""
    assert "Parity" in step.read_text()


def test_standard_output_is_left_to_json(step: Path, capsys: pytest.CaptureFixture[str]) -> None:
    github.tell(samples.leaf(), to_error=True)
    said = capsys.readouterr()
    assert said.out == ""
    assert "::error " in said.err


def test_a_golden_that_fails_is_an_annotation(step: Path, capsys: pytest.CaptureFixture[str]) -> None:
    github.tell_lines(["keras: divergent", "  step 2"], file="a.yaml", fails=True)
    assert capsys.readouterr().out == "::error file=a.yaml,line=1,title=parity::keras: divergent%0A  step 2\n"
    github.tell_lines(["keras: rounding"], file="a.yaml", fails=False)
    assert capsys.readouterr().out == ""
    assert step.read_text().count("```text") == 2


def test_files_are_told_as_seen_from_the_repository(
    step: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    github.tell_lines(["divergent"], file=str(tmp_path / "specs" / "a.yaml"), fails=True)
    assert "file=specs/a.yaml," in capsys.readouterr().out


def test_elsewhere_nothing_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    github.tell(samples.leaf())
    assert capsys.readouterr() == ("", "")


def test_a_summary_that_cannot_be_written_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "nowhere" / "summary.md"))
    github.tell(samples.leaf())
    assert "the summary is left out" in capsys.readouterr().err


def test_what_parts_a_command_is_escaped_in_its_properties_alone() -> None:
    told = github.annotation("a: b, c", file="odd:name,x.py", line=2, level="notice")
    assert told == "::notice file=odd%3Aname%2Cx.py,line=2,title=parity::a: b, c"
