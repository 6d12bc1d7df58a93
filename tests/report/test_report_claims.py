"""How all three reports tell what was claimed: findings, seeds, patches, strikes, what was said, what is missing."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from parity.report import arrange, chart_rows, charts, html, lookup, markdown
from parity.report.sentences import findings, outcomes, strikes
from parity.report.sentences.finding import Finding, Patch, where
from parity.result import formats
from parity.result.schema import OwnFact, Result
from tests import report_samples as samples
from tests.report.test_report import Reader, changed, flat, shown, texts
from tests.report.test_report_evidence import screens

NORMAL = "truncated_normal(mean=0.0, stddev=1.0)"


def kinds(result: Result) -> list[str]:
    return [finding.kind for finding in findings.findings(result)]


def of(result: Result, kind: str) -> list[Finding]:
    return [finding for finding in findings.findings(result) if finding.kind == kind]


def labels(result: Result) -> dict[str, str]:
    return {item.path: lookup.effect_label(item, result.explanation) for item in result.differences}


def bare(result: Result) -> Result:
    """Take everything from the effects of a result that is not the values of its differences."""
    plain = [item.model_copy(update={"effect": None}) for item in result.differences]
    return result.model_copy(update={"differences": plain})


# ------------------------------------------------------------------------- how far each moves the outcome


def test_what_several_seeds_decide_and_what_not() -> None:
    assert texts(samples.moving(), "moved") == [
        "Of 4 differences, 1 moves val_accuracy, 1 does nothing that matters and of 2 it is not decided. Each was put "
        "into keras and taken back from tensorflow with 3 seeds; what it moves is the mean of the two, and ± is the "
        "interval that all 4 hold together with 95 %. All of it is about these 500 validation rows: on as many others "
        "a val_accuracy of 0.41 would come out another by ± 0.022 (one standard error).",
        "Decided: put in, this moves val_accuracy: layers.batch_norm: absent -> batch_norm "
        "(val_accuracy -0.052 ± 0.021).",
        "Decided: this does nothing to val_accuracy that matters (less than 0.02): training.shuffle: true -> false "
        "(val_accuracy -0.001 ± 0.012).",
        "Not decided, the interval holds no change: what these do to val_accuracy: layers.dense.units: 256 -> 1024 "
        "(val_accuracy -0.018 ± 0.021); layers.dropout.rate: 0.4 -> 0.6 (val_accuracy +0.005 ± 0.021).",
    ]
    assert kinds(samples.moving())[:2] == ["unsteady", "moved"]
    for told in screens(samples.moving()):
        assert "val_accuracy -0.052 ± 0.021" in flat(told)


def test_an_effect_on_an_outcome_without_a_bound_is_a_factor() -> None:
    result = samples.moving()
    assert result.explanation is not None
    lower = result.explanation.model_copy(update={"outcome": "val_mse", "better": "lower"})
    text = texts(result.model_copy(update={"explanation": lower}), "moved")
    assert text[1].endswith("(val_mse times 0.949, 0.93 to 0.969).")
    assert "standard error" not in text[0], "it is no share of rows"


# ------------------------------------------------------------------------------------------ sentences


def test_claims_in_the_order_in_which_they_matter() -> None:
    assert kinds(samples.claimed()) == [
        "own", "sides", "breaks", "repairs", "repairs", "compensates", "said", "shares", "interactions", "interactions",
        "undecided", "harmless", "together", "inert", "unexplained", "method",
    ]  # fmt: skip


def test_lone_breakers_are_one_finding_and_each_says_how_sure_it_is() -> None:
    assert texts(samples.claimed(), "breaks") == [
        "Alone on keras, each of these ruins it: "
        f"layers.*.kernel_initializer: glorot_uniform -> {NORMAL} "
        "(accuracy 0.947 -> 0.000 ± 0.000, 3 of 3 seeds; programs/keras.py:14); "
        "loss.from_logits: false -> true (accuracy 0.947 -> 0.040 ± 0.010, 3 of 3 seeds; programs/keras.py:40); "
        f"layers.*.bias_initializer: zeros -> {NORMAL} (accuracy 0.947 -> 0.040, 1 of 1 seed, too few to be sure)."
    ]


def test_of_several_differences_of_which_one_was_taken_back_one_is_told() -> None:
    result = samples.claimed()
    one = next(item for item in result.differences if item.effect is not None and item.effect.repairs is False)
    others = [
        item if item.path == one.path else item.model_copy(update={"effect": None}) for item in result.differences
    ]
    none, *_ = of(result.model_copy(update={"differences": others}), "repairs")
    assert none.text.startswith("Of 7 differences one was taken back, and it does not mend tensorflow.")


def test_a_set_is_one_finding_with_the_lines_of_the_side_that_is_changed_and_its_patch() -> None:
    none, both = of(samples.claimed(), "repairs")
    assert none.text == "Of the 5 of 7 differences that were tried, none taken back mends tensorflow."
    assert both.text == (
        "Taken back together from tensorflow, these mend it though no smaller set does (accuracy 0.011 -> 0.587 ± "
        f"0.057, 3 of 3 seeds): layers.*.kernel_initializer: {NORMAL} -> glorot_uniform (programs/tensorflow.py:21); "
        f"layers.*.bias_initializer: {NORMAL} -> zeros (programs/tensorflow.py:59)."
    )
    assert both.patch is not None
    assert both.patch.side == "tensorflow"
    assert [line.line for line in both.patch.lines] == [21, 59]
    assert both.patch.diff.splitlines() == [
        "@@ programs/tensorflow.py:21 @@", "+def glorot_uniform(shape): ...",
        "@@ programs/tensorflow.py:59 @@", "-rate=0.1", "+rate=0.2",
    ]  # fmt: skip


def test_a_set_that_breaks_is_told_apart_from_lone_breakers() -> None:
    pair = ["loss.from_logits", "optimizer"]
    result = changed(samples.claimed(), claims=[samples.a_claim("breaks", pair)], breakers=[pair], repairs=[])
    assert texts(result, "breaks")[-1] == (
        "Together on keras, these ruin it though no smaller set does (accuracy 0.947 -> 0.040 ± 0.010, 3 of 3 seeds): "
        "loss.from_logits: false -> true (programs/keras.py:40); optimizer: sgd(momentum=0.9) -> adam(beta_1=0.9, "
        "beta_2=0.999, epsilon=1e-08, epsilon_place=before_correction) (programs/keras.py:45)."
    )


def test_what_both_breaks_and_repairs_is_the_cause_and_told_once() -> None:
    result = samples.both_ways()
    assert texts(result, "cause") == [
        "The cause, proved both ways: alone it ruins keras (accuracy >= 0.8: reached -> missed, 3 of 3 seeds), taken "
        "back it mends tensorflow (accuracy >= 0.8: missed -> reached, 3 of 3 seeds): loss.from_logits: true -> false "
        "(programs/tensorflow.py:44)."
    ]
    assert not of(result, "breaks")
    assert not of(result, "repairs")
    assert result.explanation is not None
    unsure = [one.model_copy(update={"status": "unconfirmed"}) for one in result.explanation.claims]
    assert [finding.kind for finding in findings.findings(changed(result, claims=unsure))][1:3] == ["breaks", "repairs"]


def test_a_set_that_does_both_is_told_as_one() -> None:
    both = ["loss.from_logits", "layers.dropout.rate"]
    claims = [samples.a_claim(kind, order) for kind, order in (("breaks", both), ("repairs", both[::-1]))]
    (cause,) = of(changed(samples.both_ways(), outcome="accuracy", claims=claims), "cause")
    assert cause.lead == (
        "The causes, proved both ways: alone they together ruin keras (accuracy 0.947 -> 0.040 ± 0.010, 3 of 3 seeds), "
        "taken back they together mend tensorflow (accuracy 0.011 -> 0.040 ± 0.010, 3 of 3 seeds); no smaller set does "
        "either"
    )


def test_what_makes_up_for_what() -> None:
    (found,) = of(samples.claimed(), "compensates")
    assert found.lead == (
        "loss.from_logits alone ruins keras (accuracy 0.947 -> 0.040); with optimizer as well it comes to 0.587 ± "
        "0.095 (3 of 3 seeds), so optimizer makes up for it"
    )
    assert [item.change.partition(":")[0] for item in found.items] == ["loss.from_logits", "optimizer"]
    several = samples.a_claim("compensates", ["a", "b"], by=["c", "d"])
    (found,) = of(changed(samples.claimed(), claims=[several]), "compensates")
    assert found.lead == (
        "a and b together ruin keras; with c and d as well it comes to 0.040 ± 0.010 (3 of 3 seeds), so c and d make "
        "up for them"
    )


def test_a_claim_that_does_not_hold_with_every_seed_is_inconclusive_and_nothing_else() -> None:
    result = samples.claimed()
    assert texts(result, "undecided") == [
        "Inconclusive, 2 of 3 seeds say that alone on keras this ruins it (accuracy 0.947 -> 0.500 ± 0.050): "
        "optimizer.learning_rate: 0.01 -> 0.001."
    ]
    assert not any("learning_rate" in text for kind in ("breaks", "repairs", "neither") for text in texts(result, kind))


@pytest.mark.parametrize(
    ("kind", "paths", "told"),
    [
        ("repairs", ["optimizer"], "taken back from tensorflow this mends it (accuracy 0.011 -> 0.040 ± 0.010)"),
        ("repairs", ["a", "b"], "taken back together from tensorflow this mends it (accuracy 0.011 -> 0.040 ± 0.010)"),
        ("breaks", ["a", "b"], "together on keras this ruins it (accuracy 0.947 -> 0.040 ± 0.010)"),
        ("compensates", ["a"], "c makes up for what a ruins (accuracy 0.947 -> 0.040 ± 0.010)"),
    ],
)
def test_inconclusive_claims_of_every_kind(kind: str, paths: list[str], told: str) -> None:
    by = ["c"] if kind == "compensates" else []
    claim = samples.a_claim(kind, paths, status="inconclusive", held=1, by=by)
    leads = [finding.lead for finding in of(changed(samples.claimed(), claims=[claim]), "undecided")]
    assert f"Inconclusive, 1 of 3 seeds says that {told}" in leads


def test_a_claim_that_all_its_seeds_do_not_settle_says_so() -> None:
    claim = samples.a_claim("repairs", ["a", "b"], status="unconfirmed")
    assert "3 of 3 seeds, too few to be sure" in texts(changed(samples.claimed(), claims=[claim]), "repairs")[-1]


def test_what_somebody_said_stands_in_every_report_with_the_verdict_on_it() -> None:
    sentence = "Half right: enough to ruin, not enough to mend: loss.from_logits alone takes keras from accuracy 0.947 "
    for screen in screens(samples.claimed()):
        told = f"It was said (an answer, 2018): “You feed the softmax into a loss that wants logits.” {sentence}"
        assert told in screen
        assert screen.index("these mend it") < screen.index("It was said") < screen.index("Inconclusive, 2 of 3")


def test_shares_and_interactions_are_told_from_the_largest_on_and_slight_ones_are_not() -> None:
    result = samples.claimed()
    assert texts(result, "shares") == [
        "Share of the gap (Shapley value: averaged over all orders in which these can be put in, with seed 0): "
        "layers.*.kernel_initializer (40%); layers.*.bias_initializer (35%); loss.from_logits (25%)."
    ]
    assert texts(result, "interactions") == [
        "Act together (share of the gap that takes both): layers.*.kernel_initializer + loss.from_logits (12%).",
        "Overlap (share of the gap that either takes away by itself): layers.*.kernel_initializer + "
        "layers.*.bias_initializer (34%).",
    ]
    assert not of(samples.both_ways(), "shares")  # one cause has all of it


def test_harmless_alone_and_harmless_by_what_all_do_together() -> None:
    result = samples.claimed()
    assert texts(result, "harmless") == [
        "Harmless, put alone into keras (accuracy stays at 0.906 or above): layers.dropout.rate: 0.4 -> 0.6."
    ]
    assert texts(result, "together") == [
        "All but the causes put into keras together: accuracy 0.983. Harmless together, none of them was tried alone: "
        "training.shuffle: true -> false."
    ]
    nothing = bare(result)
    assert not of(nothing, "harmless")
    assert "layers.dropout.rate" in texts(nothing, "together")[0]
    every = [item for item in result.differences if item.path != "training.shuffle"]
    alone = texts(result.model_copy(update={"differences": every}), "together")
    assert alone == ["All but the causes put into keras together: accuracy 0.983."]


def test_the_label_of_every_difference() -> None:
    assert labels(samples.claimed()) == {
        "layers.*.kernel_initializer": "breaks",
        "layers.*.bias_initializer": "breaks",
        "loss.from_logits": "breaks",
        "optimizer": "makes up",
        "optimizer.learning_rate": "undecided",
        "training.shuffle": "harmless",
        "layers.dropout.rate": "harmless",
        "layers.conv1d.padding": "inert",
    }
    assert labels(samples.leaf())["loss.kind"] == "with others"
    assert labels(samples.alike()) == {
        "optimizer.learning_rate": "breaks", "training.batch_size": "makes up", "optimizer.momentum": "harmless",
    }  # fmt: skip
    plain = changed(samples.alike(), harmless=[])
    assert labels(plain)["optimizer.momentum"] == "neither"  # there is nothing to mend, so it is not open
    partly = samples.a_claim("breaks", ["optimizer.momentum", "x"], status="inconclusive", held=1)
    assert labels(changed(plain, claims=[partly]))["optimizer.momentum"] == "neither"


# ------------------------------------------------------------------------- gap, method and what is missing


def test_what_the_sides_come_to_is_told_first() -> None:
    assert texts(samples.claimed(), "sides") == [
        "The gap to be explained: accuracy after 124 steps is 0.947 ± 0.020 with keras's config and 0.011 ± 0.005 with "
        "tensorflow's (3 seeds, both on keras)."
    ]
    assert texts(samples.both_ways(), "sides") == [
        "The gap to be explained: accuracy >= 0.8 after 124 steps: reached with keras's config and missed with "
        "tensorflow's (3 seeds, both on keras)."
    ]


def test_without_a_gap_what_would_break_either_is_told_all_the_same() -> None:
    result = samples.alike()
    assert texts(result, "alike") == [
        "No gap, both sides come to the same: mse after 124 steps (less is better) is 0.0123 (0.0122 to 0.0124) with "
        "keras's config and 0.0125 (0.0124 to 0.0126) with tensorflow's (3 seeds, both on keras)."
    ]
    assert texts(result, "breaks") == [
        "Alone on keras, this ruins it: optimizer.learning_rate: 0.01 -> 0.1 (mse 0.0123 -> 4.2 (4 to 4.4), 3 of 3 "
        "seeds)."
    ]
    assert "training.batch_size makes up for it" in texts(result, "compensates")[0]
    assert texts(result, "harmless")[0].startswith("Harmless, put alone into keras (mse stays at 0.0125 or below)")
    assert not of(result, "repairs")
    nothing = changed(result, claims=[], breakers=[])
    assert texts(nothing, "breaks") == ["No single difference put in alone was found to ruin keras (1 undecided)."]


def test_sides_that_differ_by_less_than_the_seeds_do_are_inconclusive() -> None:
    assert texts(samples.unsteady(), "unsteady") == [
        "Inconclusive, unsteady, chance decides as much as the configs do, and no difference is named as the cause: "
        "steps to accuracy >= 0.8 (of 124 in a run): 52 ± 17 with keras's config and never with tensorflow's (2 "
        "seeds, both on keras)."
    ]


def test_what_is_missing_is_the_first_thing_said() -> None:
    result = samples.unsteady()
    lead = (
        "Interrupted: what follows was found by then, and the same command goes on from there; there may be more "
        "findings than these. Left out"
    )
    assert findings.findings(result)[0].lead == lead
    for screen in screens(result):
        assert f"{lead}:" in screen
        assert "the causes' shares of the gap: interrupted" in screen
        assert screen.index(lead) < screen.rindex("Inconclusive, unsteady")
    spent = changed(result, interrupted=False, complete=True, missing=["the other seeds: --max-runs 10 is spent"])
    assert texts(spent, "missing") == ["Not everything was tried. Left out: the other seeds: --max-runs 10 is spent."]
    silent = changed(result, interrupted=False, complete=False, missing=[])
    assert texts(silent, "missing") == ["Not everything was tried; there may be more findings than these."]
    assert not of(samples.claimed(), "missing")


def test_a_side_that_comes_to_something_else_on_its_own_framework_is_a_warning() -> None:
    result = samples.claimed()
    assert texts(result, "own") == [
        "tensorflow's config comes to accuracy 0.500 on its own framework, and to 0.016 on keras, on which all of this "
        "was tried: it may not hold there."
    ]
    assert "tensorflow's config" not in texts(result, "method")[0]
    fine = changed(result, own=[OwnFact(side="tensorflow", own=0.02, trial=0.016, agrees=True)])
    assert not of(fine, "own")
    assert texts(fine, "method")[0].endswith(
        "tensorflow's config comes to the same on its own framework: accuracy 0.020, and 0.016 on keras."
    )
    side = result.sides[1].model_copy(update={"name": "tensorflow", "framework": "torch"})
    named = result.model_copy(update={"sides": [side]})
    assert "0.500 on its own framework (torch), and" in texts(named, "own")[0]


def test_how_it_was_found() -> None:
    assert texts(samples.both_ways(), "method") == [
        "Found on keras (the fastest here: a run takes Keras 7.3 s, raw TensorFlow 8.7 s) with the same random numbers "
        "in every run of a seed (seeds 0, 1 and 2): 84 runs of 124 steps, 39 of them ended early, when their fate was "
        "decided, 12 from the store, 10 min 45 s. The search itself tried 23 configs."
    ]


# ------------------------------------------------------------------------------------------- outcomes


@pytest.mark.parametrize(
    ("fields", "value", "values", "told"),
    [
        ({}, 0.9471, (0.92, 0.95, 0.97), "0.947 ± 0.025"),
        ({}, 0.9471, (0.9471,), "0.947"),
        ({}, None, (), "-"),
        ({}, math.nan, (math.nan, 0.5), "NaN"),
        ({}, 0.5, (math.inf, 0.5), "0.500"),
        ({"outcome": "mse", "better": "lower"}, 12345.6, (12345.0, 12346.2), "1.23e+04 (every seed)"),
        ({"outcome": "accuracy >= 0.8"}, 1.0, (1.0, 1.0), "reached"),
        ({"outcome": "accuracy >= 0.8"}, 0.0, (), "missed"),
        ({"outcome": "mse <= 0.1", "better": "lower"}, 1 / 3, (), "reached by 33% of the seeds"),
        ({"outcome": "steps to accuracy >= 0.8", "better": "lower"}, 52.0, (40.0, 64.0), "52 ± 17"),
        ({"outcome": "steps to accuracy >= 0.8", "better": "lower"}, 124.0, (124.0,), "124"),
        ({"outcome": "steps to accuracy >= 0.8", "better": "lower"}, 125.0, (125.0, 125.0), "never"),
        ({"outcome": "steps to accuracy >= 0.8", "better": "lower"}, 90.0, (55.0, 125.0), "at least 90"),
    ],
)
def test_an_outcome_is_written_as_what_it_is(
    fields: dict[str, Any], value: float | None, values: tuple[float, ...], told: str
) -> None:
    assert outcomes.shown(samples.an_explanation(**fields), value, values) == told


def test_where_outcomes_stay_and_what_they_win() -> None:
    level = samples.an_explanation(outcome="accuracy >= 0.8")
    assert outcomes.kept(level, [1.0, 1.0]) == "accuracy >= 0.8 is still reached"
    assert outcomes.kept(level, [1.0, 0.6]) == ""
    assert outcomes.gain(4.0, 0.0, 1.0) == 0.75
    assert outcomes.gain(4.0, 0.0, math.nan) == 0.0
    assert outcomes.gain(0.5, 0.5, 0.6) == 0.0


def test_the_best_single_repair_is_named_only_where_it_gains_something() -> None:
    leaf = samples.leaf()
    assert "The best of them" in texts(leaf, "repairs")[0]
    assert "The best of them" not in texts(changed(leaf, good_value=5.0), "repairs")[0]


def test_the_metric_of_an_outcome_is_shown_beside_the_sides_and_drawn() -> None:
    for make in (samples.both_ways, samples.unsteady):
        assert lookup.metric_name(make()) == "accuracy"
        assert charts.metric_chart(make()) is not None
    held_out = changed(samples.claimed(), outcome="val_accuracy")
    sides = [side.model_copy(update={"metrics": {"val_accuracy": 0.5}, "epochs": []}) for side in held_out.sides]
    chart = charts.metric_chart(held_out.model_copy(update={"sides": sides}))
    assert chart is not None
    assert charts.themed(chart, charts.LIGHT, "white")["title"] == "Accuracy on the rows kept for validation"


# -------------------------------------------------------------------------------------------- patches


def test_the_terminal_gives_what_mends_as_options_on_lines_that_nothing_breaks() -> None:
    screen = shown(samples.claimed())
    assert "\n    --set 'tensorflow:layers.*.bias_initializer=1'\n" in screen
    assert "--set 'keras:" not in screen
    long = f"--set 'tensorflow:a={'x' * 100}'"
    claim = samples.a_claim("repairs", ["loss.from_logits"], options=[long])
    assert f"\n    {long}\n" in shown(changed(samples.claimed(), claims=[claim]))
    two = [samples.a_claim("repairs", [path]) for path in ("loss.from_logits", "optimizer")]
    assert "To try it, run the same with one of" in shown(changed(samples.claimed(), claims=two))


def test_paper_and_page_give_every_patch_in_three_forms() -> None:
    result = samples.claimed()
    paper, page = markdown.to_markdown(result), html.to_html(result)
    for finding in findings.findings(result):
        for patch in finding.patches:
            assert f"```yaml\n{patch.changes}\n```" in paper
            assert "```sh\n" + "\n".join(patch.options) + "\n```" in paper
            assert not patch.diff or f"```diff\n{patch.diff}\n```" in paper
    reader = Reader(page)
    assert (flat(reader.text).count("Patches of keras, one by one"), reader.text.count("Patch of ")) == (1, 2)
    places, programs, spec = 1, 1, 1
    replies, folded = 5, 4
    assert len(reader.all("details")) == 1 + 2 + places + programs + spec + replies + folded
    assert len([box for box in reader.all("details") if "open" in box]) == 1 + programs
    assert "--set 'tensorflow:layers.*.kernel_initializer=1' --set 'tensorflow:layers.*.bias_initializer=1'" in flat(
        reader.text
    )
    assert "-rate=0.1\n+rate=0.2" in reader.text
    assert (
        "Or in its program, programs/tensorflow.py: @@ programs/tensorflow.py:21 @@ +def glorot_uniform(shape): ..."
        in (flat(reader.text))
    )
    assert {link["href"] for link in reader.all("a")} >= {"programs/tensorflow.py", "programs/keras.py"}
    assert "patch" not in Reader(html.to_html(samples.leaf())).text.lower()  # none was recorded


def test_a_line_without_a_file_and_a_patch_without_lines() -> None:
    line = samples.a_line("keras", 3).model_copy(update={"file": ""})
    assert where(line) == "line 3"
    assert Patch("keras", "a: 1", lines=(line,)).diff == "@@ line 3 @@\n-rate=0.1\n+rate=0.2"
    assert Patch("keras", "a: 1").diff == ""
    own = line.model_copy(update={"text": "drop(0.1)", "compiled": "rate=0.1"})
    told = Patch("keras", "a: 1", lines=(own,), by_hand=True)  # What stands there is not what parity would write.
    assert told.diff == "@@ line 3 @@\n drop(0.1)\n-rate=0.1\n+rate=0.2"


# -------------------------------------------------------------------------------------------- strikes


def test_where_each_difference_strikes_first_and_how_strongly() -> None:
    result = samples.claimed()
    items = lookup.explained(result)
    assert strikes.rows(items) == [
        ("layers.*.kernel_initializer", "step 1, weights, conv1d.kernel", "4,409 times", "-"),
        ("layers.*.bias_initializer", "step 1, weights, conv1d.bias", "13 times", "155%"),
        ("loss.from_logits", "step 1, gradient of dense_1's output", "99%", "100%"),
        ("optimizer", "step 1, update, conv1d.kernel", "530 times", "31 times"),
        ("optimizer.learning_rate", "step 1, update, conv1d.kernel", "90%", "-"),
        ("training.shuffle", "step 1, batch, x", "7.3%", "-"),
        ("layers.dropout.rate", "nothing differed in the first steps", "0%", "-"),
        ("layers.conv1d.padding", "nowhere: kernel size 1 pads nothing", "-", "-"),
    ]
    unknown = samples.a_difference("a", 1, 2)
    assert strikes.where(unknown) == "not looked at"
    assert strikes.where(unknown.model_copy(update={"inert": True})) == "nowhere, provably"


def test_the_two_questions_are_answered_apart_in_every_report() -> None:
    for screen in screens(samples.claimed()):
        assert screen.index("Is it another program?") < screen.index("4,409") < screen.index("Is it another outcome?")
        assert "nothing differed in the" in screen
    for screen in screens(samples.leaf()):  # it has no strikes: one table, and no question
        assert "Is it another" not in screen


def test_shares_have_a_column_on_paper_and_page_where_there_are_any() -> None:
    paper, page = markdown.to_markdown(samples.claimed()), html.to_html(samples.claimed())
    row = "| `loss.from_logits` | `false` (spec) | `true` (side tensorflow) | 0.040 | 0.012 | 25% | **breaks** |"
    assert row in paper
    assert "Share of the gap</th>" in page
    assert "Share of the gap |" not in markdown.to_markdown(samples.leaf())
    assert "Share of the gap</th>" not in html.to_html(samples.leaf())


def test_a_level_is_written_in_words_in_every_table() -> None:
    terminal_, paper, page = screens(samples.both_ways())
    assert re.search(r"loss\.from_logits missed reached breaks and repairs", terminal_)
    assert "| missed | reached | 100% | **breaks and repairs** |" in paper
    for screen in (terminal_, paper, page):
        assert "of the two sides as they are, on keras: reached (keras) and missed (tensorflow)." in screen
    assert "67%" in page


# ---------------------------------------------------------------------------------------------- chart


def layers_of(result: Result, mark: str) -> list[dict[str, Any]]:
    chart = charts.effects_chart(result)
    assert chart is not None
    drawn = charts.themed(chart, charts.LIGHT, "white")
    return [layer for layer in drawn["layer"] if layer["mark"]["type"] == mark]


def test_outcomes_over_seeds_have_their_reach_drawn() -> None:
    rows = chart_rows.effect_rows(samples.claimed())
    reach = {(row["difference"], row["lane"]): (row["low"], row["high"]) for row in rows}
    assert reach["loss.from_logits", 1] == (0.03, 0.05)
    assert reach["loss.from_logits", 2] == (None, None)  # it was not claimed, so its seeds are not known
    assert reach["layers.*.bias_initializer", 1] == (None, None)  # one seed has no reach
    assert any(layer["encoding"]["x"].get("field") == "low" for layer in layers_of(samples.claimed(), "rule"))
    assert chart_rows.SPREAD in html.to_html(samples.claimed())
    assert chart_rows.SPREAD not in html.to_html(samples.leaf())


def test_each_side_is_named_where_the_chart_has_room_and_only_ways_that_were_gone_have_a_sign() -> None:
    def named(result: Result) -> list[str]:
        marks = [layer["mark"] for layer in layers_of(result, "text")]
        return [mark["align"] for mark in marks if not mark.get("clip")]

    assert named(samples.claimed()) == ["right", "left"]
    assert named(samples.alike()) == ["left", "left"]  # both stand at the left edge
    signs = [layers_of(make(), "point")[0]["encoding"]["shape"]["scale"] for make in (samples.claimed, samples.alike)]
    assert [sign["range"] for sign in signs] == [["circle", "diamond"], ["circle"]]
    assert signs[1]["domain"] == ["put alone into keras"]


def test_the_chart_does_without_what_is_not_a_number() -> None:
    rows = chart_rows.effect_rows(samples.alike())
    assert [(row["difference"], row["outcome"]) for row in rows] == [
        ("optimizer.learning_rate", "0.0123 -> 4.2"),
        ("optimizer.momentum", "0.0123 -> 0.0125"),
    ]
    lost = changed(samples.alike(), bad_value=math.nan, bad_values=[math.nan])
    assert charts.effects_chart(lost) is not None
    assert Reader(html.to_html(lost)).text
    assert "one that starts at tensorflow" not in html.to_html(lost)  # nothing was taken back


@pytest.mark.parametrize(
    ("make", "scale", "title"),
    [
        (samples.alike, "log", "mse after 124 steps (less is better)"),
        (samples.both_ways, None, "accuracy >= 0.8 after 124 steps (1: reached, 0: missed)"),
        (samples.unsteady, None, "steps to accuracy >= 0.8 (of 124 in a run)"),
        (samples.leaf, None, "accuracy after 124 steps"),
    ],
)
def test_the_axis_says_what_is_drawn(make: Any, scale: str | None, title: str) -> None:
    (dots,) = layers_of(make(), "point")
    assert dots["encoding"]["x"]["title"] == title
    assert dots["encoding"]["x"]["scale"].get("type") == scale


# --------------------------------------------------------------------------------------- one wording


def test_every_finding_stands_in_every_report() -> None:
    for make in (samples.claimed, samples.both_ways, samples.alike, samples.unsteady):
        result = make()
        screen, paper, page = screens(result)
        for finding in findings.findings(result):
            assert finding.lead in paper.replace("&lt;", "<")
            assert finding.lead in page.replace("→", "->")
            if finding.kind not in arrange.TABLED:
                assert finding.lead in screen


def test_shares_are_written_so_that_small_ones_do_not_vanish() -> None:
    assert formats.share(5e-7) == "< 0.1%"
    assert formats.share(math.inf) == "inf"
    assert formats.share(1.0703) == "107%"
