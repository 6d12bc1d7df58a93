"""What a page teaches with: every sentence says what its numbers say, and what is not known is left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from parity.report import arrange, drawn_network, html, svg, write
from parity.report import arrange_lessons as lessons
from parity.report import document as doc
from parity.report.sentences import answers, combining, guessing, magnified
from parity.result.schema import Explanation, Result
from parity.result.stepfact import LayerFact
from tests import report_samples as samples
from tests.report_lessons import NETWORK, a_combination, a_step

KERNEL, BIAS, LOGITS = "layers.*.kernel_initializer", "layers.*.bias_initializer", "loss.from_logits"


def taught() -> Result:
    return samples.SAMPLES["taught"]()


def explanation() -> Explanation:
    told = taught().explanation
    assert told is not None
    return told


def reply(result: Result, question: str) -> answers.Reply:
    (found,) = (one for one in answers.replies(result) if one.question == question)
    return found


def changed(result: Result, **explanation: Any) -> Result:
    assert result.explanation is not None
    return result.model_copy(update={"explanation": result.explanation.model_copy(update=explanation)})


# ------------------------------------------------------------------------------------------- five questions


def test_five_questions_are_answered_with_the_numbers_of_the_claims() -> None:
    result = taught()
    first = reply(result, "What must I change first?")
    assert first.lead == (
        "These together, for no smaller set does it, in tensorflow (accuracy 0.011 -> 0.587 ± 0.057; 3 of 3 seeds):"
    )
    assert first.items[1] == f"{BIAS}: truncated_normal(mean=0.0, stddev=1.0) -> zeros"
    assert first.patch is not None
    assert first.patch.side == "tensorflow"
    enough = reply(result, "Is it enough?")
    assert "tensorflow comes to accuracy 0.587 ± 0.057, keras to 0.947 ± 0.020: that is 62% of the gap" in enough.lead
    others = reply(result, "Why did Adam not save it?")
    assert others.lead.startswith("None of these mends tensorflow when it alone is taken back; what does matter, ")
    assert f"{KERNEL} and {LOGITS}, stay in tensorflow in each of these runs" in others.lead
    assert len(others.items) == 2
    assert (
        "taken back from tensorflow: accuracy 0.011 -> 0.011; put alone into keras: accuracy 0.947 -> 0.672"
        in (others.items[0])
    )
    assert reply(result, "Is the difference just rounding?").lead.startswith("No: keras and tensorflow do not train")
    line = reply(result, "Which line?")
    assert line.items[0] == "tensorflow, programs/tensorflow.py:21: (nothing)", "first where it is to be mended"
    assert line.items[-1] == "keras, programs/keras.py:14: rate=0.1"


def test_the_fewest_changes_that_close_nearly_all_of_the_gap_are_those_that_were_run() -> None:
    result = taught()
    assert not reply(result, "Is it enough?").items
    live = [item.path for item in result.differences if not item.inert]
    assert result.explanation is not None
    three = [path for path in live if path not in (KERNEL, BIAS, LOGITS)]
    more = [*result.explanation.combinations, a_combination(three, 0.96, seeds=[0, 1], values=[0.95, 0.97])]
    (item,) = reply(changed(result, combinations=more), "Is it enough?").items
    assert item == (
        f"The fewest changes that were run and close 90% of it or more: {KERNEL}, {BIAS} and {LOGITS} "
        "(accuracy 0.960 ± 0.014, 2 seeds)"
    )
    unknown = [*result.explanation.combinations, a_combination(three, 0.96, seeds=[7])]
    assert not reply(changed(result, combinations=unknown), "Is it enough?").items, "of seed 7 no side is known"


def test_what_one_change_alone_does_is_not_said_of_a_set() -> None:
    result = samples.both_ways()
    assert reply(result, "What must I change first?").lead.startswith("This, in tensorflow (accuracy >= 0.8: missed")
    assert "that is 100% of the gap" in reply(result, "Is it enough?").lead


@pytest.mark.parametrize("name", ["agreeing", "alone", "odd", "unfinished"])
def test_without_an_explanation_nothing_is_answered_that_was_not_asked(name: str) -> None:
    assert not [one for one in answers.replies(samples.SAMPLES[name]()) if one.question != "Which line?"]


def test_without_a_gap_nothing_is_to_be_changed() -> None:
    questions = [one.question for one in answers.replies(samples.alike())]
    assert "What must I change first?" not in questions
    assert "Is it enough?" not in questions


# --------------------------------------------------------------------------------------------------- guessing


def test_what_ruins_alone_is_right_and_every_difference_says_what_it_does() -> None:
    options = {one.path: one for one in guessing.options(taught())}
    assert {path for path, one in options.items() if one.right} == {KERNEL, BIAS, LOGITS}
    assert options[KERNEL].told == "ruins it: accuracy 0.947 -> 0.000 ± 0.000 (3 of 3 seeds)"
    assert options["layers.conv1d.padding"].told == "does nothing: kernel size 1 pads nothing"
    assert options["optimizer.learning_rate"].told == "undecided: accuracy 0.947 -> 0.500"
    assert options["training.shuffle"].told == "harmless"
    assert list(options)[:2] == [KERNEL, BIAS], "in the order of the spec: an order by effect would give it away"


@pytest.mark.parametrize("name", ["agreeing", "alike", "unsteady", "alone"])
def test_where_nothing_is_known_to_ruin_there_is_nothing_to_guess(name: str) -> None:
    assert guessing.options(samples.SAMPLES[name]()) == []
    assert not lessons.guess(samples.SAMPLES[name]())


# ---------------------------------------------------------------------------------------------------- switches


def test_a_combination_says_with_how_many_seeds_and_that_its_run_ended_early() -> None:
    told = taught().explanation
    assert told is not None
    said = [combining.said(told, one) for one in told.combinations]
    assert said[0] == "accuracy 0.947 ± 0.020 (3 seeds)."
    assert said[1] == "accuracy 0.000 (seed 0)."
    assert said[4].endswith("The run ended early: as good as the good side, twice in a row.")
    assert combining.curve(told.combinations[0]) == "Training loss, seed 0, each point the mean of 12 steps."
    assert combining.name(told, told.combinations[-1], 7) == "tensorflow as it is"


def test_a_loss_that_is_no_number_breaks_the_curve_and_is_no_json_of_its_own() -> None:
    (_, widget) = lessons.switches(taught())
    data = widget.data  # type: ignore[union-attr]
    assert data["combinations"][5]["losses"] == [4.6, 9.0, None, 30.0]
    json.dumps(data, allow_nan=False)
    assert data["switches"][0]["path"] == KERNEL
    assert "layers.conv1d.padding" not in [one["path"] for one in data["switches"]], "what is inert was never run"
    assert data["switches"][0]["options"] == [f"--set keras:{KERNEL}=1"]
    assert data["switches"][5]["options"] == [], "it was not run alone: its change is not known"
    assert "layers.conv1d.padding has none: provably without effect." in combining.intro(taught(), explanation())
    assert data["note"].startswith("The loss is one of the switches")


# ------------------------------------------------------------------------------------------------- microscope


def test_a_phase_names_the_first_tensor_beyond_rounding_and_its_element() -> None:
    pair, step = taught().comparisons[0], a_step()
    phases = {name: [one for one in step.tensors if one.phase == name] for name in magnified.PHASES}
    assert magnified.phase(pair, step, phases["batch"]) == "Equal to the last bit."
    assert magnified.phase(pair, step, phases["weights"]) == (
        "1 of 2 tensors differs by more than rounding: conv1d.kernel. At [0, 2] it is 0.125 in keras and -1.75 in "
        "tensorflow."
    )
    assert magnified.phase(pair, step, phases["loss"]) == (
        "It differs by more than rounding. There it is 4.6 in keras and 0.698 in tensorflow."
    )
    assert magnified.phase(pair, step, phases["state"]) == "Nothing but rounding: the largest difference is 3.0e-16."


def test_where_sides_do_not_part_nothing_is_said_to_differ_whatever_its_size() -> None:
    """What an ill-conditioned step makes of rounding, or random numbers that nothing deals, is no difference."""
    step = a_step()
    weights = [one for one in step.tensors if one.phase == "weights"]
    agree = samples.a_comparison("keras", "tensorflow", "rounding", step=step)
    said = magnified.phase(agree, step, weights)
    assert said == (
        "1 of 2 tensors is further apart than rounding alone explains; that is rounding, which this step makes large."
    )
    open_ = samples.a_comparison(
        "keras", "tensorflow", "inconclusive", step=step, reason="noise draws its own numbers."
    )
    assert magnified.phase(open_, step, weights).endswith("nothing follows from that: noise draws its own numbers.")
    (_, widget) = lessons.microscope(samples.agreeing().model_copy(update={"comparisons": [agree]}))
    tensors = [one for phase in widget.data["phases"] for one in phase["tensors"]]  # type: ignore[union-attr]
    assert not [one["name"] for one in tensors if one["beyond"] or one["first"]]


def test_what_is_apart_ahead_of_where_the_sides_part_is_not_said_to_differ() -> None:
    pair, step = taught().comparisons[0], a_step()
    later = pair.model_copy(update={"first": samples.a_place(phase="loss", tensor="loss", difference=0.85)})
    apart = {one.phase for one in step.tensors if magnified.beyond(later, one)}
    assert apart == {"loss", "gradient", "update"}


def test_the_explained_pair_is_looked_at() -> None:
    result = taught()
    other = samples.a_comparison("keras", "torch", "divergent", step=a_step())
    (_, widget, fold) = lessons.microscope(result.model_copy(update={"comparisons": [other, *result.comparisons]}))
    assert widget.data["b"] == "tensorflow"  # type: ignore[union-attr]
    assert fold.summary == "keras and torch"  # type: ignore[union-attr]


# ------------------------------------------------------------------------------------------------------ network


def test_branches_stand_beside_each_other_and_lines_go_around_boxes() -> None:
    drawn = drawn_network.network(NETWORK, "keras")
    assert [(box.name, box.column, box.row) for box in drawn.nodes] == [
        ("input", 0, 0), ("conv1d", 0, 1), ("shortcut", 1, 1), ("sum", 0, 2), ("logits", 0, 3),
    ]  # fmt: skip
    assert set(drawn.edges) == {(0, 1), (0, 2), (1, 3), (2, 3), (3, 4)}
    skipping = [*NETWORK[:1], LayerFact(name="sum", kind="add", reads=["input", "conv1d"], shape=[64, 128])]
    picture = svg.placed(drawn_network.network(skipping, "keras"))
    around = [line for line in picture.lines if "Q" in line]
    assert len(around) == 1
    assert picture.width > max(box.x for box in picture.boxes) + picture.box_width


def test_a_long_name_is_cut_and_kept_in_full_for_who_asks() -> None:
    name = "a_layer_" * 9
    drawn = drawn_network.network([LayerFact(name=name, kind="dense", reads=["input"], shape=[3])], "keras")
    box = svg.placed(drawn).boxes[1]
    assert box.label.endswith("…")
    assert len(box.label) == svg.WIDEST
    assert box.node.name == name


# ------------------------------------------------------------------------------------------------ old results


def test_a_result_of_an_older_version_still_gives_a_page(tmp_path: Any) -> None:
    """What is not in it is left out; and nothing else."""
    told = json.loads(samples.claimed().model_dump_json())
    for part in (*told["sides"], *told["comparisons"], *told["differences"], told, told["explanation"]):
        for name in ("layers", "step", "entries", "field", "combinations"):
            if not (part in told["differences"] and name == "layers"):
                part.pop(name, None)
    (tmp_path / "result.json").write_text(json.dumps(told), encoding="utf-8")
    result = write.read(tmp_path / "result.json")
    sections = {section.anchor for section in arrange.document(result).shown("page")}
    assert "guess" in sections
    assert not sections & {"switches", "microscope", "meanings"}
    assert 'data-widget="switches"' not in html.to_html(result)


def test_the_page_of_everything_is_small() -> None:
    assert len(html.to_html(taught()).encode()) < 2.5e6


def test_a_line_links_to_its_difference_and_back() -> None:
    document = arrange.document(taught())
    (panes,) = (fold for section in document.sections for fold in section.blocks
                if isinstance(fold, doc.Fold) and fold.blocks and isinstance(fold.blocks[0], doc.Panes))  # fmt: skip
    keras = panes.blocks[0].panes[0]  # type: ignore[union-attr]
    assert keras.about == {14: [("difference-1", KERNEL)]}, "the other lines that are told are not in this program"
    page = html.to_html(taught())
    assert 'id="line-keras-14"' in page
    assert 'href="#line-keras-14"' in page
    assert 'id="difference-1"' in page
