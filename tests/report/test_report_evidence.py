"""What a verdict stands on, in all reports: places, repeats, noise, who departs from what, how far free runs prove."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest

from parity.report import chart_rows, charts, html, lookup, markdown
from parity.report.sentences import evidence, findings, verdict
from parity.result import formats
from parity.result.schema import Comparison, Result, WitnessFact
from tests import report_samples as samples
from tests.report.test_report import Reader, changed, flat, shown


def screens(result: Result) -> tuple[str, str, str]:
    """Give terminal, Markdown and page as plain text on one line."""
    paper = re.sub(r"\\(?=[^\w\s])", "", flat(markdown.to_markdown(result)))
    return flat(shown(result)), paper, flat(Reader(html.to_html(result)).text)


def parted(*comparisons: Comparison, **fields: Any) -> Result:
    names = dict.fromkeys(name for pair in comparisons for name in (pair.a, pair.b))
    return samples.a_result([samples.a_side(name, [1.0], []) for name in names], list(comparisons), **fields)


def at(tensor: str = "dense", **fields: Any) -> Any:
    return samples.a_place(**{"phase": "forward", "tensor": tensor, "step": 2, "noise": 1e-12, **fields})


def held(side: str, agrees: bool = True, **fields: Any) -> WitnessFact:
    return WitnessFact(side=side, agrees=agrees, place=None if agrees else at(**fields))


def pair(a: str, b: str, first: Any = None, **fields: Any) -> Comparison:
    verdict = "rounding" if first is None else "divergent"
    return samples.a_comparison(a, b, verdict, **{"first": first, "largest": first, "phases": [], **fields})


# --------------------------------------------------------------------------------------------- places


def test_a_place_says_where_how_much_and_which_values() -> None:
    found = at("dense_1", phase="gradient", shape=[16, 128], element=[3, 125], values=(0.5, 0.25), difference=0.125)
    assert evidence.place(found, "keras", "torch") == (
        "step 2, gradient of dense_1's output [16, 128]: 1.2e-01 (rounding explains 1.0e-12); "
        "most at [3, 125]: 0.5 in keras and 0.25 in torch"
    )
    loss = at("loss", phase="loss", shape=[], difference=0.5, values=(2.0, 1.0))
    assert evidence.place(loss, "a", "b") == "step 2, loss: 5.0e-01 (rounding explains 1.0e-12); 2 in a and 1 in b"
    assert evidence.place(at(difference=0.5), "a", "b") == "step 2, forward, dense: 5.0e-01 (rounding explains 1.0e-12)"


@pytest.mark.parametrize(
    ("phase", "tensor", "told"),
    [
        ("gradient", "dense_1", "gradient of dense_1's output"),
        ("gradient", "logits.logits", "gradient of logits's output (its logits)"),
        ("gradient", "dense_1.kernel", "gradient of dense_1.kernel"),
        ("forward", "logits.logits", "forward, logits.logits"),
        ("update", "dense_1", "update, dense_1"),
    ],
)
def test_a_gradient_is_of_a_parameter_or_of_what_a_layer_gives(phase: str, tensor: str, told: str) -> None:
    assert formats.place(at(tensor, phase=phase)) == f"step 2, {told}"


def test_an_estimate_is_called_one() -> None:
    assert "dense: about 3.0e-02 (" in evidence.place(at(difference=0.03, exact=False), "a", "b")
    assert "about" not in evidence.place(at(difference=0.03), "a", "b")
    result = parted(pair("keras", "torch", at(difference=0.03, exact=False)))
    assert "by about 3.0e-02 where" in verdict.verdict_sentence(result)
    small = pair("keras", "torch", largest=at(difference=2e-16, exact=False))
    assert "(largest relative difference about 2.0e-16)" in verdict.verdict_sentence(parted(small))


def test_a_difference_to_nothing_is_infinite_and_says_why() -> None:
    zero = at(difference=math.inf, values=(0.0, 2.0), element=[1])
    assert "inf (rounding explains 1.0e-12), since keras's is all zeros; most" in evidence.place(zero, "keras", "b")
    for values in ((0.0, math.nan), (1.0, 2.0)):
        other = zero.model_copy(update={"values": values})
        assert "zeros" not in evidence.place(other, "keras", "b")


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        (1.0, 1.0 + 2**-52, ("1", "1.0000000000000002")),
        (-1.9998394, 0.107935, ("-1.9998", "0.10794")),
        (math.inf, -0.25, ("inf", "-0.25")),
        (0.5, 0.5, ("0.5", "0.5")),
    ],
)
def test_two_values_have_the_digits_that_tell_them_apart(a: float, b: float, told: tuple[str, str]) -> None:
    assert formats.both(a, b) == told


def test_the_terminal_shows_six_places_a_phase_each_first_and_counts_the_rest() -> None:
    screen = shown(samples.leaf())
    rows = re.findall(r"^    - (step [^:]+):", screen, re.MULTILINE)
    assert [flat(row) for row in rows] == [
        "step 1, weights, conv1d.kernel [1, 3, 512]",
        "step 1, weights, conv1d.bias [512]",
        "step 1, loss",
        "step 1, gradient of logits's output (its logits) [16, 99]",
        "step 1, gradient of logits.kernel [1024, 99]",
        "step 2, update, conv1d.kernel",
    ]
    assert "and 6 more, which the report lists: 1 in gradient, 5 in update" in flat(screen)
    six = samples.leaf().comparisons[0].places[:6]
    assert "more, which" not in shown(parted(pair("keras", "torch", six[0], places=six)))


def test_every_phase_has_its_place_among_those_shown_and_none_is_lost() -> None:
    places = [at(f"w{number}", phase="weights") for number in range(20)] + [at("loss", phase="loss"), at("x")]
    few, rest = lookup.telling(places, 4)
    assert [where.tensor for where in few] == ["w0", "w1", "loss", "x"]
    assert sorted([*few, *rest], key=places.index) == places
    assert lookup.telling(places[:3], 6) == (places[:3], [])


def test_paper_and_page_list_every_place() -> None:
    result = samples.leaf()
    comparison = result.comparisons[0]
    paper, page = markdown.to_markdown(result), html.to_html(result)
    rows = [row for row in paper.splitlines() if re.match(r"\| Step \d+, (weights|loss|gradient|update)", row)]
    assert len(rows) == len(comparison.places) == 12
    assert {
        r"| Step 1, weights, `conv1d.bias` \[512\] | inf | 0 | \[279\] | 0 | -1.9995 |",
        "| Step 1, loss | 8.5e-01 | 2.9e-15 | - | 4.5987 | 0.69811 |",
        r"| Step 1, gradient of `dense_1`'s output \[16, 1024\] | 5.0e-01 | 1.4e-14 | \[3, 26\] "
        "| -0.048626 | 1.0509e-07 |",
        "| Step 2, update, `dense.kernel` | about 3.4e+00 | 2.0e-13 | - | - | - |",
    } <= set(rows)
    heading = "A difference is made, on the same inputs, in 12 places"
    assert f"**{heading}**" in paper
    assert "<summary>4 more of these places</summary>" in paper
    reader = Reader(page)
    assert f"{heading}" in flat(reader.text)
    assert "4 more of these places" in flat(reader.text)
    assert sum(cell.get("data-label") == "Most at" for cell in reader.all("td")) == 12
    assert "Step 1, gradient of dense_1's output [16, 1024]" in flat(reader.text)
    short = parted(pair("keras", "torch", at(), places=[at(f"d{number}") for number in range(8)]))
    assert "more of these places" not in html.to_html(short)


def test_what_only_inherits_its_difference_is_not_blamed() -> None:
    first, made = at("dense", made="inherited"), at("dense_1", step=3, made="here")
    result = parted(pair("keras", "torch", first, places=[made], largest=made))
    assert verdict.verdict_sentence(result).endswith("where rounding explains 1.0e-12, inherited from its inputs.")
    for screen in screens(result):
        assert "irst beyond rounding (inherited from its inputs): step 2, forward, dense: 1.0e+00" in screen
        assert "argest of all" not in screen  # it is in the list
    made_first = parted(pair("keras", "torch", made, places=[made]))
    assert not any("irst beyond rounding" in screen for screen in screens(made_first))


def test_which_steps_were_checked_and_how() -> None:
    result = parted(pair("keras", "torch", precision="bfloat16", checked=[1, 2, 3, 4, 6], steps=5))
    assert all("Compared in bfloat16, in 5 steps up to step 6." in screen for screen in screens(result))
    assert "in every step up to step 4, each" in verdict.verdict_sentence(parted(pair("a", "b", checked=[1, 2, 3, 4])))
    assert "in step 7, each" in verdict.verdict_sentence(parted(pair("a", "b", checked=[7])))


def test_a_verdict_without_a_place_still_has_its_reason() -> None:
    worse = "torch is less accurate in float32: its error is 40 times that of keras"
    clause = verdict.comparison_clause(
        pair("keras", "torch", reason=f"{worse}.").model_copy(update={"verdict": "divergent"})
    )
    assert clause == f"keras and torch do not train the same: {worse}"


# ------------------------------------------------------------------------------------ repeats and noise


def test_a_side_that_does_not_repeat_itself_is_told_once_and_before_the_verdict() -> None:
    result = samples.odd()
    text = "keras does not repeat itself: step 1, taken twice from the same state, differs by 1.2e-08 in dense.kernel"
    for screen in screens(result):
        assert screen.count(text) == 1
        assert screen.index(text) < screen.index(verdict.verdict_sentence(result).replace("->", "→"))
        assert "What a side does not repeat counts as rounding in its comparisons." in screen
        assert "repeated itself bit for bit" not in screen


def test_that_every_side_repeated_itself_is_said_where_it_was_seen_and_only_then() -> None:
    seen = pair("keras", "torch")
    sentence = (
        "Where a step was taken twice from the same state (step 1 at least), every side repeated itself bit for bit: "
        "the same loss, the same digest of every tensor."
    )
    for screen in screens(parted(seen)):
        assert screen.count(sentence) == 1
    dead = samples.a_comparison("keras", "tensorflow", "inconclusive", steps=0, checked=[], largest=None, phases=[])
    told = evidence.steady(parted(seen, dead))
    assert told is not None
    assert "each of keras and torch repeated itself" in told
    assert evidence.steady(parted(dead)) is None
    assert evidence.steady(samples.alone()) is None


def test_how_noise_was_measured() -> None:
    high, low = pair("keras", "torch"), pair("keras", "tensorflow", precision="bfloat16")
    assert evidence.noise(parted(high, low)) == [
        "Noise: rounding measured in each program by the same step in float32, scaled to float64; a fixed multiple of "
        "it counts as explained.",
        "Noise: rounding measured in each program in bfloat16 against the same step in float64; a fixed multiple of it "
        "counts as explained.",
    ]
    for screen in screens(samples.leaf()):
        assert "by the same step in float32, scaled to float64" in screen
        assert "Batches and initial weights are drawn, not computed: in these rounding explains nothing." in screen
    assert evidence.noise(parted(samples.a_comparison("a", "b", "identical", largest=None))) == []
    assert evidence.noise(samples.unfinished()) == []


# ------------------------------------------------------------------------------------------------ blame


def test_the_odd_one_out_and_that_it_departs_from_its_reference_in_every_report() -> None:
    for screen in screens(samples.odd()):
        assert "torch is the odd one out: keras and tensorflow agree there (step 3, gradient of dense_1's output)." in (
            screen
        )
        assert (
            "torch does not do what its config says: first at step 3, gradient of dense_1's output [16, 128]: 3.0e-03 "
            "(rounding explains 2.0e-06); most at [2, 5]: 0.125 in its NumPy reference and 0.12537 in torch." in screen
        )
        assert "keras agrees with the NumPy reference of its own config in that step." in screen


def test_sides_that_do_what_their_configs_say_differ_by_config() -> None:
    sentence = (
        "Each program does what its config says (in the first step in which sides part, each agrees with the NumPy "
        "reference of its own config)"
    )
    for screen in screens(samples.leaf()):
        assert f"{sentence}: the difference is one of configs (see the differences below)." in screen
    leaf = samples.leaf()
    inert = [item.model_copy(update={"inert": True}) for item in leaf.differences]
    assert evidence.blame(leaf.model_copy(update={"differences": inert})) == [
        f"{sentence}, and the configs differ in nothing that acts: this does not tell which side is wrong."
    ]


def test_only_sides_that_part_are_said_to_do_what_their_configs_say() -> None:
    away = pair("keras", "torch", at(), odd=["torch"], witnesses=[held("keras"), held("torch")])
    told = evidence.blame(parted(pair("keras", "tensorflow"), away))
    assert told[0] == "torch is the odd one out: keras and tensorflow agree there (step 2, forward, dense)."
    assert told[1].startswith("keras and torch do what their configs say (in the first step in which sides part, each")


def test_nobody_is_blamed_where_nothing_parts_or_nothing_was_held() -> None:
    assert evidence.blame(samples.agreeing()) == []
    assert evidence.blame(parted(pair("keras", "torch", at()))) == []


def test_sides_not_held_against_a_reference_are_named_and_nothing_is_concluded() -> None:
    result = parted(pair("keras", "mine", at(), witnesses=[held("keras")]))
    assert evidence.blame(result) == [
        "keras agrees with the NumPy reference of its own config in that step.",
        "mine was not held against a reference.",
    ]


def test_pairs_that_part_later_than_the_step_held_are_named() -> None:
    both = [held("keras"), held("torch")]
    early = pair("keras", "torch", at(), witnesses=both)
    late = pair("keras", "mine", at(step=8), witnesses=[held("keras"), held("mine")])
    assert evidence.blame(parted(early, late))[-1] == (
        "These part later, in a step not held against the reference: keras and mine (step 8)."
    )
    initial = at("dense.kernel", phase="weights", step=1)
    assert not any("later" in text for text in evidence.blame(parted(early, pair("keras", "x", initial))))


def test_two_sides_have_no_odd_one() -> None:
    result = parted(pair("keras", "torch", at(), odd=["torch"], witnesses=[held("keras"), held("torch", False)]))
    assert not any("odd" in text for text in evidence.blame(result))
    assert evidence.blame(result)[0].startswith("torch does not do what its config says: first at step 2, forward")


def test_several_odd_ones() -> None:
    odd = ["d", "e"]
    pairs = [pair("a", "b"), pair("a", "c"), *(pair("a", name, at(name), odd=odd) for name in odd)]
    assert evidence.blame(parted(*pairs)) == ["d and e are the odd ones out: a, b and c agree there (step 2, forward)."]


def test_the_others_are_not_said_to_agree_where_they_part() -> None:
    odd = {"odd": ["torch"], "witnesses": [held("keras"), held("torch", False)]}
    apart = pair("keras", "tensorflow", at(), odd=["torch"], witnesses=[held("keras"), held("tensorflow")])
    assert not any("odd" in text for text in evidence.blame(parted(apart, pair("keras", "torch", at(), **odd))))
    later = apart.model_copy(update={"first": at(step=9)})
    told = evidence.blame(parted(later, pair("keras", "torch", at(), **odd)))
    assert told[0] == "torch is the odd one out: keras and tensorflow agree there (step 2, forward, dense)."


@pytest.mark.parametrize(
    ("other", "agree"),
    [
        ({"difference": 0.5}, True),
        ({"difference": 0.5 + 1.5e-12}, True),
        ({"difference": 0.6}, False),
        ({"difference": 0.5, "element": [7]}, False),
        ({"difference": 0.5, "tensor": "dense_1"}, False),
    ],
)
def test_when_all_are_compared_with_the_odd_one_their_agreement_is_shown_by_numbers(
    other: dict[str, Any], agree: bool
) -> None:
    one = at(difference=0.5, element=[1])
    two = at(**{"element": [1], **other})
    fields: dict[str, Any] = {"odd": ["keras"]}
    witnesses = [[held("keras", False), held(name)] for name in ("tensorflow", "torch")]
    pairs = [
        pair("keras", name, first, witnesses=seen, **fields)
        for name, first, seen in zip(("tensorflow", "torch"), (one, two), witnesses, strict=True)
    ]
    told = [text for text in evidence.blame(parted(*pairs)) if "odd one out" in text]
    assert bool(told) == agree
    if agree:
        assert told == ["keras is the odd one out: tensorflow and torch agree there (step 2, forward, dense)."]
    # Were the odd one so called for departing from its reference alone, it would not agree with it.
    certain = [one.model_copy(update={"witnesses": [held("keras"), held(one.b)]}) for one in pairs]
    assert any("odd one out" in text for text in evidence.blame(parted(*certain)))


# ------------------------------------------------------------------------------------ rounding horizon


def test_free_runs_and_their_horizon_in_every_report() -> None:
    result = samples.odd()
    assert lookup.horizon(result) == 85  # the smaller one
    for screen in screens(result):
        assert "rounding explains every gap up to step 90, its horizon, growing by 12.0 % a step" in screen
        assert (
            "From step 85 on, rounding alone parts the curves visibly (so does a twin of keras that differs by "
            "rounding only): no cause is claimed from there." in screen
        )
    none = result.model_copy(
        update={"comparisons": [one.model_copy(update={"free": None}) for one in result.comparisons]}
    )
    assert not any("no cause is claimed" in screen for screen in screens(none))
    silent = parted(pair("a", "b", free=samples.a_free(horizon=None, reason="no gap")))
    assert lookup.horizon(silent) is None
    assert evidence.horizon(silent) is None


def test_the_loss_chart_is_shaded_and_pale_from_the_horizon_on() -> None:
    chart = charts.loss_chart(samples.odd())
    assert chart is not None
    drawn = charts.themed(chart, charts.LIGHT, "white")
    kinds = [layer["mark"]["type"] for layer in drawn["layer"]]
    shade = drawn["layer"][kinds.index("rect")]
    assert kinds.index("rect") < kinds.index("line")
    assert drawn["datasets"][shade["data"]["name"]] == [
        {"start": 85, "last": 122, "text": "rounding alone from here →"}
    ]
    assert (shade["encoding"]["x"]["field"], shade["encoding"]["x2"]["field"]) == ("start", "last")
    lines = [layer for layer in drawn["layer"] if layer["mark"]["type"] == "line"]
    assert [line["transform"][-1]["filter"] for line in lines] == ["datum.x <= 85", "datum.x >= 85"]
    assert lines[0]["mark"].get("opacity", 1) == 1
    assert lines[1]["mark"]["opacity"] == charts.PALE < 0.5
    assert kinds.count("text") == 2
    assert "From step 85 on the curves are pale" in drawn["description"]


@pytest.mark.parametrize("horizon", [None, 123])
def test_without_a_horizon_in_the_run_nothing_is_shaded(horizon: int | None) -> None:
    result = samples.odd()
    comparisons = [one.model_copy(update={"free": samples.a_free(horizon=horizon)}) for one in result.comparisons]
    chart = charts.loss_chart(result.model_copy(update={"comparisons": comparisons}))
    assert chart is not None
    kinds = [layer["mark"]["type"] for layer in charts.themed(chart, charts.LIGHT, "white")["layer"]]
    assert "rect" not in kinds
    assert kinds.count("line") == 1


def test_the_outcome_chart_is_never_shaded_and_dots_beyond_are_pale() -> None:
    outcome = charts.metric_chart(samples.odd())
    assert outcome is not None
    assert "rect" not in [layer["mark"]["type"] for layer in charts.themed(outcome, charts.LIGHT, "white")["layer"]]
    few = [samples.a_side(name, [3.0, 2.0, 1.0], []) for name in ("keras", "torch")]
    chart = charts.loss_chart(samples.a_result(few, [pair("keras", "torch", free=samples.a_free(horizon=2))]))
    assert chart is not None
    layers = charts.themed(chart, charts.LIGHT, "white")["layer"]
    dots = next(layer for layer in layers if layer["mark"]["type"] == "point" and "size" in layer["encoding"])
    assert dots["encoding"]["opacity"]["condition"] == {"test": "datum.x > 2", "value": charts.PALE}


def test_a_thinned_curve_keeps_the_horizon_where_pale_begins() -> None:
    losses = [1.0 - 1e-4 * step for step in range(5000)]
    sides = [samples.a_side(name, losses, []) for name in ("keras", "torch")]
    result = samples.a_result(sides, [pair("keras", "torch", free=samples.a_free(horizon=3334))])
    steps = [row["x"] for row in chart_rows.loss_rows(result) if row["side"] == "torch"]
    assert 3334 in steps
    assert len(steps) <= chart_rows.POINTS + 5
    plain = samples.a_result(sides, [])
    assert 3334 not in [row["x"] for row in chart_rows.loss_rows(plain)]  # it is the horizon that keeps it


def test_an_outcome_beyond_the_horizon_is_a_metric_of_the_whole_run() -> None:
    leaf = samples.leaf()
    note = (
        "Measured at step 124, beyond the rounding horizon (step 80): the outcome is a metric of the whole run, single "
        "steps prove nothing there."
    )
    assert findings.notes(changed(leaf, notes=["x"])) == [note, "x"]
    for screen in screens(leaf):
        assert screen.count(note) == 1
    assert findings.notes(changed(leaf, steps=80)) == []
    assert findings.notes(samples.odd()) == []


# ---------------------------------------------------------------------------------------------- safety


def test_names_in_places_and_sentences_stay_text() -> None:
    page = Reader(html.to_html(samples.evil()))
    assert len(page.all("script")) == 2 + 3 + 3
    assert page.text.count(samples.EVIL) > 20
    tables = [part for part in markdown.to_markdown(samples.evil()).split("\n\n") if part.startswith("| Where |")]
    assert len(tables) == 2
    assert {len(re.split(r"(?<!\\)\|", row)) for table in tables for row in table.splitlines()} == {8}
    assert "\x1b" not in shown(samples.evil().model_copy(update={"comparisons": [nasty()]}))


def nasty() -> Comparison:
    escape = "\x1b[2J\x07"
    where = at(escape)
    return pair("a", "b", where, places=[where], unsteady=[escape], unmatched=[escape], reason=escape)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("make", samples.SAMPLES.values(), ids=samples.SAMPLES)
def test_a_result_is_always_drawn_the_same(make: Any) -> None:
    one, two = make(), Result.model_validate_json(make().model_dump_json())
    assert html.to_html(one) == html.to_html(two)
    assert markdown.to_markdown(one) == markdown.to_markdown(two)
    assert shown(one) == shown(two)
