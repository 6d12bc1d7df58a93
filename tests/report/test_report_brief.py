"""The short screen: it fits, and says the answer, the cause, what to try and where the rest is."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from report_samples import SAMPLES, claimed, leaf, unsteady
from rich.console import Console

from parity.commands.compare import with_doubts, with_unseen
from parity.commands.read import Proof
from parity.report.terminal import print_brief, print_result
from parity.result.schema import Result

PAGE = Path("reports/leaf_small/report.html")


def screen(result: Result, width: int = 80) -> list[str]:
    stream = io.StringIO()
    print_brief(result, Console(file=stream, width=width), [PAGE])
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "evil"])
def test_every_result_fits_a_screen_of_24_lines_and_80_columns(name: str) -> None:
    lines = screen(SAMPLES[name]())
    # What is to be copied is not broken by parity; a terminal of 80 columns breaks it.
    assert sum(max(1, -(-len(line) // 80)) for line in lines) <= 24, "\n".join(lines)
    assert any(str(PAGE) in line for line in lines)


def test_it_says_the_answer_the_cause_and_what_to_try() -> None:
    text = " ".join(" ".join(screen(claimed())).split())
    whole = io.StringIO()
    print_result(claimed(), Console(file=whole, width=80), [PAGE])
    said = " ".join(whole.getvalue().split())
    assert "To try it, run the same with --set" in text
    answer = text.partition("Accuracy after")[0].partition("Divergent. ")[2].strip()
    assert answer
    assert answer in said, "the same sentence as in the report"


def test_it_says_how_the_sides_end_in_the_words_of_the_report() -> None:
    text = " ".join(" ".join(screen(leaf())).split())
    whole = io.StringIO()
    print_result(leaf(), Console(file=whole, width=80), [PAGE])
    said = " ".join(whole.getvalue().split())
    ends = text.partition("Accuracy after")[2].partition(". Alone")[0]
    assert "with keras's config" in ends
    assert f"accuracy after{ends}" in said


def test_without_causes_it_says_how_the_sides_end() -> None:
    plain = leaf().model_copy(update={"explanation": None})
    text = " ".join(" ".join(screen(plain)).split())
    ends = [f"{side.name} {side.metrics['accuracy']:.3f}"[:12] for side in plain.sides if "accuracy" in side.metrics]
    assert "They end at accuracy: " in text
    assert all(one in text for one in ends)


def test_what_was_not_tried_is_said() -> None:
    told = claimed().explanation
    assert told is not None
    left = claimed().model_copy(update={"explanation": told.model_copy(update={"missing": ["seed 5"]})})
    assert "Not everything was tried" in " ".join(" ".join(screen(left)).split())


def test_what_is_unsteady_is_said() -> None:
    assert any("seed" in line for line in screen(unsteady()))


def test_where_no_finding_names_a_difference_the_screen_names_what_differs() -> None:
    plain = leaf().model_copy(update={"explanation": None})
    known = [one for one in plain.differences if not one.inert]
    text = " ".join(" ".join(screen(plain)).split())
    assert f"They differ in: - {known[0].path}: " in text
    assert all(f"- {one.path}: " in text for one in known[:3])
    assert f"and {len(known) - 3} more, in the report" in text
    assert "They differ in" not in " ".join(screen(claimed())), "the finding names them"
    four = " ".join(" ".join(screen(plain.model_copy(update={"differences": known[:4]}))).split())
    assert all(f"- {one.path}: " in four for one in known[:4])
    assert "more, in the report" not in four


def test_where_nothing_differs_nothing_is_named() -> None:
    plain = leaf().model_copy(update={"explanation": None})
    inert = [one.model_copy(update={"inert": True}) for one in plain.differences]
    assert "They differ in" not in " ".join(screen(plain.model_copy(update={"differences": inert})))


def test_a_line_of_a_program_is_named_and_where_else_a_value_comes_from_is_not() -> None:
    plain = leaf().model_copy(update={"explanation": None})
    one = plain.differences[0].model_copy(
        update={"inert": False, "a_origin": "port.py:12", "b_origin": "spec", "b": "x" * 80}
    )
    text = " ".join(" ".join(screen(plain.model_copy(update={"differences": [one]}), 200)).split())
    assert f"in {one.a_side} (port.py:12), {'x' * 47}... in {one.b_side}" in text
    assert "(spec)" not in text


def test_a_program_that_is_not_what_it_was_read_as_is_doubted_where_the_two_part() -> None:
    plain, proofs = leaf(), {"port": Proof(verdict="divergent", lines=["read, but"], departs="at step 1, loss, by 0.5")}
    doubted = with_doubts(plain, proofs)
    assert doubted.doubts == [
        "port and what it was read as part at step 1, loss, by 0.5: what parts the programs may be that, and "
        "causes are those of what was read."
    ]
    assert doubted.doubts[0] in " ".join(" ".join(screen(doubted)).split())
    assert not with_doubts(plain, {"port": Proof(verdict="rounding", lines=["read faithfully"])}).doubts
    alike = [one.model_copy(update={"verdict": "rounding"}) for one in plain.comparisons]
    assert not with_doubts(plain.model_copy(update={"comparisons": alike}), proofs).doubts


def test_differences_of_the_frameworks_own_parts_are_said_to_be_that() -> None:
    plain = leaf().model_copy(update={"explanation": None})
    known = [one.model_copy(update={"inert": False, "by_themselves": True}) for one in plain.differences[:2]]
    said = "how the frameworks' own parts are, whatever arguments they are given."
    for shown, told in ((known[:1], f"That is {said}"), (known, f"All of these are {said}")):
        assert told in " ".join(" ".join(screen(plain.model_copy(update={"differences": shown}))).split())
    other = [known[0], known[1].model_copy(update={"by_themselves": False})]
    assert said not in " ".join(" ".join(screen(plain.model_copy(update={"differences": other}))).split())


def test_what_a_program_does_later_than_was_seen_is_no_parity() -> None:
    plain, later = leaf(), {"port": ["What it does by epoch (port.py, line 9) is not seen."], "original": []}
    alike = [one.model_copy(update={"verdict": "rounding"}) for one in plain.comparisons]
    found = with_unseen(plain.model_copy(update={"comparisons": alike}), later)
    assert {one.verdict for one in found.comparisons} == {"inconclusive"}
    text = " ".join(" ".join(screen(found)).split())
    assert text.split("Inconclusive.")[1].count("the steps that were compared agree, but they are not all") == 1
    assert "port: What it does by epoch (port.py, line 9) is not seen." in text
    parted = with_unseen(plain, later)
    assert [one.verdict for one in parted.comparisons] == [one.verdict for one in plain.comparisons]
    assert with_unseen(plain, {"port": [], "original": []}) == plain
