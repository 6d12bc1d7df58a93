"""The reports, on invented results: what they say, that they say it safely, and that nothing is lost."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from parity.report import arrange, chart_rows, charts, files, html, lookup, markdown, sidebyside, terminal, write
from parity.report.library import chart_library
from parity.report.sentences import findings, verdict
from parity.result.schema import EffectFact, Result
from tests import report_samples as samples

EVERY = pytest.mark.parametrize("make", samples.SAMPLES.values(), ids=samples.SAMPLES)
Make = Callable[[], Result]


def shown(result: Result, width: int = 80, files: tuple[Path, ...] = (), colour: bool = False) -> str:
    """Print a result as a terminal, or a pipe, of that width would get it."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=colour, color_system="truecolor" if colour else None)
    terminal.print_result(result, console, files)
    return stream.getvalue()


def flat(text: str) -> str:
    """Undo line breaks and indentation."""
    return " ".join(text.split())


def texts(result: Result, kind: str) -> list[str]:
    return [finding.text for finding in findings.findings(result) if finding.kind == kind]


def changed(result: Result, **explanation: object) -> Result:
    """Change fields of a result's explanation."""
    assert result.explanation is not None
    return result.model_copy(update={"explanation": result.explanation.model_copy(update=explanation)})


# ------------------------------------------------------------------------------------------ sentences


@pytest.mark.parametrize(
    ("name", "heading", "sentence"),
    [
        (
            "leaf",
            "Divergent",
            "keras and tensorflow do not train the same: they part at step 1, weights, conv1d.kernel, "
            "by 1.1e+01 where rounding explains 2.2e-16.",
        ),
        (
            "agreeing",
            "Parity, up to rounding",
            "keras, tensorflow and torch train the same: in 9 steps up to step 24, each from the same state, "
            "no tensor differs by more than rounding (largest relative difference 3.1e-16).",
        ),
        (
            "unfinished",
            "Inconclusive",
            "torch did not finish (The worker of side torch died (exit code 137)); "
            "keras and torch: inconclusive (torch has no trajectory).",
        ),
        ("alone", "Nothing to compare", "Only keras ran, so there is nothing to compare it with."),
    ],
)
def test_the_verdict_in_one_sentence(name: str, heading: str, sentence: str) -> None:
    result = samples.SAMPLES[name]()
    assert verdict.heading(result) == heading
    assert verdict.verdict_sentence(result) == sentence


def test_bitwise_agreement_of_a_pair_and_no_sides_at_all() -> None:
    sides = samples.agreeing().sides[:2]
    pair = samples.a_comparison("keras", "tensorflow", "identical", steps=1, checked=[])
    same = samples.a_result(sides, [pair])
    assert verdict.verdict_sentence(same) == "keras and tensorflow are identical to the last bit in 1 step."
    assert verdict.verdict_sentence(samples.a_result([], [])) == "No side ran, so there is nothing to compare."
    assert verdict.verdict_sentence(samples.a_result(sides, [])) == "keras and tensorflow ran, but were not compared."


def test_agreeing_pairs_that_share_no_side_are_not_lumped_together() -> None:
    pairs = [samples.a_comparison(*names, "identical") for names in (("a", "b"), ("c", "d"))]
    sentence = verdict.verdict_sentence(samples.a_result([], pairs))
    assert sentence == (
        "a and b are identical to the last bit in 9 steps up to step 24; "
        "c and d are identical to the last bit in 9 steps up to step 24."
    )


def test_one_divergent_pair_decides_even_when_a_side_died() -> None:
    dead = samples.unfinished()
    pairs = [*dead.comparisons, samples.a_comparison("keras", "tensorflow", "divergent")]
    assert lookup.overall(dead.model_copy(update={"comparisons": pairs})) == "divergent"
    silent = dead.model_copy(update={"comparisons": []})
    assert lookup.overall(silent) == "inconclusive"
    assert verdict.verdict_sentence(silent).endswith("(exit code 137)); the verdict is inconclusive.")


def test_every_finding_of_the_leaf_question() -> None:
    normal = "truncated_normal(stddev=1.0)"
    assert [finding.text for finding in findings.findings(samples.leaf())] == [
        "The gap to be explained: accuracy after 124 steps is 0.930 with keras's config and 0.010 with tensorflow's "
        "(both on keras).",
        f"Alone on keras, each of these ruins it: layers.*.kernel_initializer: glorot_uniform -> {normal} "
        f"(accuracy 0.930 -> 0.010); layers.*.bias_initializer: zeros -> {normal} (accuracy 0.930 -> 0.081).",
        "Of the 9 of 11 differences that were tried, none taken back mends tensorflow. The best of them: "
        f"layers.*.kernel_initializer: {normal} -> glorot_uniform (accuracy 0.010 -> 0.203).",
        "Taken back together from tensorflow, these mend it though no smaller set does: "
        f"layers.*.kernel_initializer: {normal} -> glorot_uniform; layers.*.bias_initializer: {normal} -> zeros; "
        "loss.kind: sigmoid_crossentropy -> categorical_crossentropy.",
        "Inconclusive, the runs do not settle what these do: optimizer.learning_rate: 0.01 -> 0.001 "
        "(accuracy 0.500 alone).",
        "These neither ruin nor mend alone, yet move the outcome: training.batch_size: 16 -> 64 (accuracy 0.601 alone, "
        "0.020 taken back).",
        "Harmless, put alone into keras (accuracy stays at 0.909 or above): layers.dropout.rate: 0.4 -> 0.6; "
        "layers.logits.use_bias: true -> false; optimizer.kind: sgd(momentum=0.9, nesterov=true) -> adam; "
        "training.shuffle: true -> false; training.drop_last: false -> true.",
        "Inert, provably without effect: layers.conv1d.padding: valid -> same "
        "(kernel size 1 and stride 1 pad nothing).",
        "Not examined: loss.from_logits: false -> true.",
        "3.1% of the gap stays unexplained.",
        "Found on keras with the same random numbers: 24 runs of 124 steps, 3 from the store, 61 s.",
    ]


def test_nothing_mends_is_said_plainly_once_everything_is_decided() -> None:
    result = changed(samples.leaf(), repairs=[])
    effect = EffectFact(alone=0.9, taken_back=0.0101, breaks=False, repairs=False)
    decided = [item.model_copy(update={"effect": effect}) for item in result.differences]
    result = result.model_copy(update={"differences": decided})
    assert texts(result, "repairs") == ["No single difference taken back mends tensorflow."]


def test_nothing_breaks_and_one_mends_when_the_good_side_is_the_second() -> None:
    item = samples.a_difference("loss.kind", "mse", "mae", (0.9, 0.8, False, True))
    result = changed(
        samples.leaf().model_copy(update={"differences": [item]}),
        good="tensorflow",
        bad="keras",
        good_value=0.95,
        bad_value=0.1,
        breakers=[],
        repairs=[["loss.kind"]],
    )
    assert texts(result, "breaks") == ["No single difference put in alone ruins tensorflow."]
    assert texts(result, "repairs") == [
        "Taken back from keras, this mends it: loss.kind: mse -> mae (accuracy 0.100 -> 0.800)."
    ]


def test_differences_of_other_pairs_are_not_told_of_the_explained_one() -> None:
    other = samples.a_difference("optimizer.epsilon", 1e-7, 1e-8, b_side="torch", b_origin="torch default")
    leaf = samples.leaf()
    result = leaf.model_copy(update={"differences": [*leaf.differences, other]})
    assert not any("epsilon" in finding.text for finding in findings.findings(result))
    assert "13 differences" not in markdown.to_markdown(result)
    assert "**1 config difference between keras and torch**" in markdown.to_markdown(result)


def test_a_set_whose_path_is_unknown_is_named_all_the_same() -> None:
    result = changed(samples.leaf(), breakers=[["gone"], ["also", "gone"]])
    assert texts(result, "breaks") == [
        "Alone on keras, this ruins it: gone.",
        "Together on keras, these ruin it though no smaller set does: also; gone.",
    ]


def test_notes_on_data_losses_and_failures() -> None:
    leaf = samples.leaf()
    assert verdict.data_note(leaf) == "Stand-in data: these numbers are not about the real set."
    assert verdict.data_note(samples.agreeing()) is None
    note = verdict.loss_note(leaf)
    assert note is not None
    assert note.startswith("The sides minimise different losses")
    assert note.endswith("Compare the accuracy instead.")
    assert verdict.loss_note(samples.agreeing()) is None


def test_a_result_of_another_schema_is_refused_with_a_word() -> None:
    old = samples.agreeing().model_dump() | {"schema_version": 1, "parity_version": "0.1", "command": "parity run a"}
    with pytest.raises(ValueError, match=r"a result of schema 1, written by parity 0\.1; .* 'parity run a'"):
        Result.model_validate(old)


def test_it_is_said_where_sides_ran_that_did_not_all_run_on_the_cpu() -> None:
    result = samples.agreeing()
    assert verdict.device_note(result) is None
    place = "gpu:0, NVIDIA H100, driver 570.86, CUDA 12.8, cuDNN 91002"
    first, *others = result.sides
    moved = result.model_copy(update={"sides": [first.model_copy(update={"device": place}), *others]})
    said = verdict.device_note(moved)
    assert said is not None
    assert said.startswith(f"Where they ran: {first.name} on {place}; ")
    assert verdict.side_notes(moved)[0] == said
    assert verdict.finite_notes(samples.lost()) == [
        "keras: the loss is not finite at 3 of 7 steps, first at step 3.",
        "tensorflow: the loss is not finite from step 3 on.",
        "torch: the loss is not finite from step 1 on.",
    ]
    assert verdict.failure_notes(samples.unfinished()) == [
        "torch did not finish: The worker of side torch died (exit code 137).\nLast line: Killed."
    ]


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "name", ["leaf", "agreeing", "unfinished", "lost", "alone", "claimed", "both_ways", "alike", "unsteady"]
)
def test_all_three_reports_use_the_same_words(name: str) -> None:
    result = samples.SAMPLES[name]()
    reader = Reader(html.to_html(result))
    page, screen, paper = flat(reader.text).replace("→", "->"), flat(shown(result)), flat(markdown.to_markdown(result))
    for report in (page, screen, paper.replace("\\", "")):
        assert verdict.verdict_sentence(result) in report
        for note in verdict.finite_notes(result):
            assert note in report
    for finding in findings.findings(result):
        for item in finding.items:
            assert item.text in page
            assert item.change in paper
        for report in (page, paper.replace("\\", "")):
            assert finding.lead in report
        if finding.kind not in arrange.TABLED:
            assert finding.lead in screen
            assert all(item.text in screen for item in finding.items)


# ------------------------------------------------------------------------------------------- terminal


@EVERY
@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal_and_a_pipe_gets_no_colours(make: Make, width: int) -> None:
    result = make()
    screen = shown(result, width).replace(flat(result.command), "")  # a command is not broken, so that it can be copied
    assert max(len(line) for line in screen.split("\n")) <= width
    assert "\x1b" not in screen
    assert "…" not in screen


def test_the_last_screen_names_what_breaks_and_where_the_files_are() -> None:
    page = Path("/a/folder/with/a/very/long/name/that/does/not/fit/at/eighty/columns/of/a/terminal/reports/report.html")
    screen = shown(samples.leaf(), files=(page,))
    assert f"\n  {page}\n" in screen
    assert "Stand-in data: these numbers are not about the real set." in screen
    assert screen.index("Sides") < screen.index("Do they train the same?") < screen.index("12 config differences")
    assert screen.index("12 config differences") < screen.index("Alone on keras") < screen.index("Files")
    assert re.search(r"layers\.\*\.kernel_initializer +0\.010 +0\.203 +breaks", screen)
    assert f"\n  {page.parent}/programs/keras.py\n" in screen
    assert "\nRepeat this run\n  parity run specs/leaf.yaml\n" in screen


def test_what_breaks_is_coloured_on_a_terminal() -> None:
    assert "\x1b[1;31m" in shown(samples.leaf(), colour=True)


def test_a_terminal_shows_markup_and_obeys_no_escape_sequence() -> None:
    result = samples.evil()
    result = result.model_copy(update={"command": "run \x1b[2J", "notes": ["\x1b]0;title\x07"]})
    screen = shown(result)
    assert "\x1b" not in screen
    assert "\x07" not in screen
    assert "[red]b[/red]" in flat(screen)


def test_the_terminal_report_loads_nothing_heavy() -> None:
    code = "import sys, parity.report.terminal; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert not {"altair", "jinja2", "numpy", "pygments", "vl_convert"} & set(done.stdout.split())


# ------------------------------------------------------------------------------------------- markdown


def cells(row: str) -> list[str]:
    """Split a row of a table where GitHub does: at every bar without a backslash."""
    return re.split(r"(?<!\\)\|", row)[1:-1]


@EVERY
def test_markdown_tables_have_as_many_cells_in_every_row(make: Make) -> None:
    for part in markdown.to_markdown(make()).split("\n\n"):
        if part.startswith("| "):
            assert len({len(cells(row)) for row in part.splitlines()}) == 1, part


def test_markdown_sections_links_and_warning() -> None:
    text = markdown.to_markdown(samples.leaf())
    assert re.findall(r"^#+ .*", text, re.MULTILINE) == [
        "# Why does the same network learn in Keras and not in TensorFlow?",
        "## Programs",
        "## Do they train the same?",
        "## What breaks, what repairs",
        "## Training",
        "## Config differences",
        "## Step by step, from the same state",
        "### keras and tensorflow: **divergent**",
        "## Repeat this run",
    ]
    assert "> [!WARNING]\n> **Stand-in data" in text
    assert "](curves.png)" in text
    assert "[programs/keras.py](programs/keras.py)" in text
    values = "`zeros` (spec) | `truncated_normal(stddev=1.0)` (side tensorflow)"
    assert f"| `layers.*.bias_initializer` | {values} | 0.081 | 0.010 | **breaks** |" in text


def test_markdown_markup_in_names_stays_text() -> None:
    text = markdown.to_markdown(samples.evil())
    bare = re.sub(r"(?s)(`{3,}).*?\n\1|(`+)(?!`).*?(?<!`)\2(?!`)", "", text.replace("\\`", ""))
    assert "<script" not in bare
    assert "alert" in bare
    assert set(re.findall(r"<(\w+)", bare)) == {"details", "summary"}


def test_links_are_relative_to_the_folder_of_the_report(tmp_path: Path) -> None:
    side = samples.alone().sides[0].model_copy(update={"program_file": str(tmp_path / "out" / "a b.py")})
    result = samples.a_result([side], [])
    assert "[a b.py](a%20b.py)" in markdown.to_markdown(result, tmp_path / "out")
    assert 'href="../out/a%20b.py"' in html.to_html(result, tmp_path / "other")
    assert files.link("javascript:alert(1)", None) == "javascript%3Aalert%281%29"


# ----------------------------------------------------------------------------------------------- html

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Reader(HTMLParser):
    """Reads a page strictly: every tag closed in order; keeps what the tests ask about."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute of <{tag}> stands twice"
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)
        elif not self.open or self.open[-1] != "style":
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module", params=samples.SAMPLES)
def read(request: pytest.FixtureRequest) -> tuple[Result, Reader]:
    result = samples.SAMPLES[request.param]()
    return result, Reader(html.to_html(result))


@pytest.mark.sampled(3)
def test_html_is_well_formed_and_its_anchors_lead_somewhere(read: tuple[Result, Reader]) -> None:
    _, page = read
    identifiers = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert max(Counter(identifiers).values()) == 1
    inner = [link["href"] for link in page.all("a") if (link["href"] or "").startswith("#")]
    assert {"#training", "#differences", "#steps", "#programs", "#repeat"} <= set(inner)
    assert {str(target)[1:] for target in inner} <= set(identifiers)
    assert ("findings" in identifiers) == ("#findings" in inner)


def test_html_loads_nothing_and_runs_only_its_own_two_scripts(read: tuple[Result, Reader]) -> None:
    result, page = read
    assert not [attributes for _, attributes in page.tags if "src" in attributes]
    assert not page.all("link")
    away = [link for link in page.all("a") if re.match("[a-z]+:|//", link["href"] or "")]
    read_on = {part.link for entry in result.entries for part in entry.parts}
    assert not [link for link in away if "download" not in link and link["href"] not in read_on]
    saved = [base64.b64decode((link["href"] or "").partition("base64,")[2]) for link in away if "download" in link]
    assert saved == [side.program.encode() for side in result.sides]
    running = [script for attributes, script in page.scripts if attributes.get("type") != "application/json"]
    assert len(running) == 2
    assert running[0] == chart_library()
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy") or ""
    for script in running:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe-eval" not in policy
    assert not re.search(r"url\(|@import", "".join(file.read_text() for file in html.TEMPLATES.glob("*.css")))


def test_html_charts_are_json_without_nan(read: tuple[Result, Reader]) -> None:
    _, page = read
    held = {attributes["id"]: script for attributes, script in page.scripts if "id" in attributes}
    places = {attributes["data-chart"] for _, attributes in page.tags if "data-chart" in attributes}
    assert places == set(held)
    for script in held.values():
        assert json.loads(script, parse_constant=pytest.fail)["config"]
        assert "<" not in script


@pytest.mark.parametrize("name", ["leaf", "evil", "lost"])
def test_charts_fit_the_schema_that_they_are_not_held_against_when_a_page_is_drawn(name: str) -> None:
    result = samples.SAMPLES[name]()
    drawn = [chart(result) for chart in (charts.curves_chart, charts.effects_chart)]
    assert drawn[0] is not None
    for chart in filter(None, drawn):
        assert chart.to_dict(validate=True) == chart.to_dict(validate=False)


def test_html_can_be_read_without_eyes(read: tuple[Result, Reader]) -> None:
    _, page = read
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all("scope" in head for head in page.all("th"))
    assert all(region.get("aria-label") for _, region in page.tags if region.get("role") == "region")
    assert page.all("html")[0]["lang"] == "en"


def test_html_shows_names_as_they_are() -> None:
    page = Reader(html.to_html(samples.evil()))
    assert samples.EVIL in page.text
    assert len(page.all("script")) == 2 + 3 + 3  # Charts, and what its reader turns.
    assert "49" not in "".join(re.findall(r"\{\{.*?\}\}", page.text))


def test_html_marks_the_lines_that_differ() -> None:
    result = samples.leaf()
    page = Reader(html.to_html(result))
    left, right = sidebyside.side_by_side(*(side.program for side in result.sides))
    assert len(page.all("mark")) == len(left.marked) + len(right.marked)
    assert "16 lines and 17 lines differ, marked" in flat(page.text)


def test_contrast_of_every_text_colour_in_both_themes() -> None:
    style = (html.TEMPLATES / "page.css").read_text()
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)
    )
    assert light.keys() == dark.keys()
    for theme in (light, dark):
        for name in ("ink", "muted", "link", "harm", "mend", "doubt"):
            for ground in ("card", "paper"):
                assert contrast(theme[name], theme[ground]) >= 4.5, (name, ground)
        for name in ("harm", "mend", "doubt"):
            assert contrast(theme[name], theme[f"{name}-soft"]) >= 4.5, name
        assert contrast(theme["muted"], theme["soft"]) >= 4.5
        for name in (key for key in theme if key.startswith("code-")):
            assert min(contrast(theme[name], theme[ground]) for ground in ("card", "mark")) >= 4.5, name
        for number in range(1, 5):
            assert contrast(theme[f"side-{number}"], theme["card"]) >= 3


def contrast(one: str, other: str) -> float:
    """Compute the contrast of two colours as WCAG defines it."""
    brightness = []
    for colour in (one, other):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        brightness.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    low, high = sorted(brightness)
    return (high + 0.05) / (low + 0.05)


# ------------------------------------------------------------------------------ programs side by side


def test_programs_are_aligned_by_their_common_lines() -> None:
    left, right = sidebyside.side_by_side("a\nb\nc\n", "a\nx\ny\nc\n")
    assert (left.numbers, left.marked) == ([1, 2, None, 3], {2})
    assert (right.numbers, right.marked) == ([1, 2, 3, 4], {2, 3})
    assert sidebyside.side_by_side("a\n", "a\n") == (sidebyside.listing("a\n"), sidebyside.listing("a\n"))


@pytest.mark.parametrize(
    "program",
    ["", "\n", "a", "\n\na\n\n", '"""x\n\ny"""\n', "a\r\nb\x0c\u2028c\rd\n", "x = '</mark></script>'\n", "\tif ("],
)
def test_highlighting_keeps_every_line_and_closes_its_tags(program: str) -> None:
    lines = program.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n") if program else []
    highlighted = sidebyside.highlighted(program)
    assert [Reader(str(line)).text for line in highlighted] == lines


# --------------------------------------------------------------------------------------------- charts


def test_a_long_curve_is_thinned_but_keeps_its_extremes() -> None:
    points = [(step, math.sin(step / 50)) for step in range(1, 20001)]
    points[7777] = (7778, 99.0)
    points[8888] = (8889, math.nan)
    thin = chart_rows.thinned(points)
    assert len(thin) <= chart_rows.POINTS + 4
    assert {points[0], points[-1], points[7777]} <= set(thin)
    assert any(step == 8889 for step, _ in thin)
    assert [step for step, _ in thin] == sorted({step for step, _ in thin})


def test_lost_points_break_the_line_and_lonely_ones_get_a_dot() -> None:
    rows = [row for row in chart_rows.loss_rows(samples.lost()) if row["side"] == "keras"]
    assert [row["y"] for row in rows] == [4.6, 3.9, None, 3.1, None, None, 2.5]
    assert [row["x"] for row in rows if row["lost"]] == [3]
    assert [row["shown"] for row in rows] == ["4.6000", "3.9000", "NaN", "3.1000", "inf", "-inf", "2.5000"]
    long = samples.a_side("keras", [1.0] * 60 + [math.nan, 2.0, math.nan], [])
    assert [row["x"] for row in chart_rows.loss_rows(samples.a_result([long], [])) if row["dot"]] == [62]


@pytest.mark.parametrize(
    ("losses", "scale"),
    [([4.6, 0.1], "log"), ([4.6, 4.0], "linear"), ([4.6, -0.1], "linear"), ([4.6], "linear"), ([math.nan], "linear")],
)
def test_losses_are_on_a_log_scale_where_that_helps(losses: list[float], scale: str) -> None:
    chart = charts.loss_chart(samples.a_result([samples.a_side("keras", losses, [])], []))
    assert chart is not None
    specification = charts.themed(chart, charts.LIGHT, "white")
    used = {layer["encoding"]["y"].get("scale", {}).get("type", "linear") for layer in specification["layer"][:1]}
    assert used == {scale}
    assert ("(log scale)" in specification["title"]) == (scale == "log")


def test_effects_start_from_the_side_they_are_tried_on() -> None:
    rows = chart_rows.effect_rows(samples.leaf())
    first = [row for row in rows if row["difference"] == "layers.*.kernel_initializer"]
    assert [(row["what"], row["outcome"]) for row in first] == [
        ("put alone into keras", "0.930 -> 0.010"),
        ("taken back from tensorflow", "0.010 -> 0.203"),
    ]
    assert not [row for row in rows if row["difference"] in ("layers.conv1d.padding", "loss.from_logits")]
    assert charts.effects_chart(samples.agreeing()) is None


def test_nothing_to_draw_draws_nothing() -> None:
    empty = samples.a_result([], [])
    assert charts.loss_chart(empty) is None
    assert charts.curves_chart(empty) is None
    assert Reader(html.to_html(empty)).text
    assert "curves.png" not in markdown.to_markdown(empty)
    assert "No side ran" in shown(empty)


# ---------------------------------------------------------------------------------------------- files


@pytest.mark.sampled(3)
@EVERY
def test_everything_is_written_and_the_result_survives(make: Make, tmp_path: Path) -> None:
    result, folder = make(), tmp_path / "deep" / "reports"
    written = write.write_all(result, folder)
    assert [path.name for path in written] == ["result.json", "report.md", "report.html", "curves.png"]
    assert sorted(folder.iterdir()) == sorted(written)
    assert repr(write.read(written[0])) == repr(result)  # by repr, since NaN is not equal to itself
    assert written[3].read_bytes().startswith(b"\x89PNG\r\n")


def test_an_old_picture_does_not_outlive_its_result(tmp_path: Path) -> None:
    (tmp_path / "curves.png").write_bytes(b"old")
    written = write.write_all(samples.a_result([], []), tmp_path)
    assert [path.name for path in written] == ["result.json", "report.md", "report.html"]
    assert not (tmp_path / "curves.png").exists()


def test_a_failed_write_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.md"
    files.write(path, "old")

    def fail(*paths: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        files.write(path, "new")
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("report.md", "old")]


def test_sides_of_one_framework_are_told_apart_by_what_else_they_run_on() -> None:
    packages = {"keras": "3.15.1", "tensorflow": "2.19.1", "numpy": "2.1.3", "python": "3.11.7"}
    newer = packages | {"tensorflow": "2.21.0"}
    sides = [
        samples.a_side(name, [1.0], []).model_copy(update={"packages": found})
        for name, found in (("before", packages), ("after", newer), ("torch", {"torch": "2.13.0", "numpy": "2.4.6"}))
    ]
    result = samples.a_result(sides, [])
    told = [lookup.runs_on(side, result) for side in sides]
    assert told == ["keras 3.15.1, tensorflow 2.19.1", "keras 3.15.1, tensorflow 2.21.0", "torch 2.13.0"]
    assert lookup.runs_on(sides[0], samples.a_result([sides[0], sides[2]], [])) == "keras 3.15.1"
