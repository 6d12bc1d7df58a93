"""The page as its reader turns it, in a real browser: a guess, switches, one step, an address; by light and by dark."""

from __future__ import annotations

import importlib.resources
import json
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from helpers_sample import taken

from parity.notebook import found
from parity.report import html
from tests import report_samples as samples

pytestmark = pytest.mark.browser

PHONE, DESK = 390, 1280
LIGHTS = ("light", "dark")
LINKED = "#with=layers.*.kernel_initializer,layers.*.bias_initializer&lesson"

# Every page stands in a frame of its own width; this turns it as a reader does and notes what is then to be seen.
PROBE = """<!DOCTYPE html>
<meta charset="utf-8"><title>waiting</title>
%s
<pre id="measured"></pre>
<script>
const wait = (time) => new Promise((done) => setTimeout(done, time));
async function turn(frame) {
  const page = frame.contentDocument, found = {};
  const one = (where) => page.querySelector(where), all = (where) => [...page.querySelectorAll(where)];
  const curve = () => one(".curve .current") && one(".curve .current").getAttribute("d");
  const boxes = all(".switch input");
  found.linked = boxes.map((box) => box.checked);
  found.lesson = getComputedStyle(one(".switches .controls")).display;
  found.paper = getComputedStyle(page.body).backgroundColor;
  found.before = { answer: one(".guess .still").hidden, button: one(".guess button").textContent };
  all(".guess input")[0].click();
  found.ticked = one(".guess button").textContent;
  one(".guess button").click();
  found.guess = { kind: one(".guess").dataset.answer, told: one(".guess [role=status]").textContent,
    shown: !one(".guess .still").hidden, rows: all(".guess .right").length };
  if (found.lesson === "none") return found;

  found.start = { curve: curve(), said: one(".said").textContent, grey: all(".switch.unrun").length };
  boxes[0].click();
  found.turned = { curve: curve(), said: one(".said").textContent, hash: frame.contentWindow.location.hash,
    patch: one(".change pre").textContent, lines: one(".change .lines").textContent,
    grey: all(".switch.unrun code").map((code) => code.textContent) };
  boxes[4].click();
  found.unrun = { curve: curve(), said: one(".said").textContent,
    unknown: one(".switches").classList.contains("unknown"), options: one(".change").textContent };
  const choice = one(".picker select");
  choice.value = choice.options.length - 3;
  choice.dispatchEvent(new Event("change"));
  found.chosen = { said: one(".said").textContent, on: boxes.filter((box) => box.checked).length };
  frame.contentWindow.location.hash = "#with=loss.from_logits,optimizer";
  await wait(300);
  found.again = one(".change").textContent;
  frame.contentWindow.location.hash = "#with=loss.from_logits";
  await wait(300);
  found.hashed = boxes.map((box) => box.checked);

  const root = one(".microscope"), next = all(".phase .controls button")[1];
  found.phases = [root.dataset.phase];
  while (!next.disabled) { next.click(); found.phases.push(root.dataset.phase); }
  root.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));
  found.key = root.dataset.phase;
  all(".phase .controls button")[2].click();
  found.parted = { phase: root.dataset.phase, lit: all(".node.lit").map((node) => node.dataset.layer),
    said: one(".phase [role=status] p").textContent, first: one(".tensor.first code").textContent,
    bars: all(".tensor.first .bar").map((bar) => bar.style.width), noise: one(".tensor .gap .noise").style.width };

  frame.contentWindow.location.hash = "#steps";
  await wait(300);
  found.opened = one("#steps details").open;
  found.requests = frame.contentWindow.performance.getEntriesByType("resource").length;
  found.sideways = page.documentElement.scrollWidth - page.documentElement.clientWidth;
  found.folds = all("header details summary").map((summary) => summary.textContent);
  const answers = one("header details").getBoundingClientRect(), picture = one("header figure").getBoundingClientRect();
  found.order = picture.top < answers.top;
  found.picture = picture.top + frame.contentWindow.scrollY;
  return found;
}
addEventListener("load", async () => {
  await wait(1500);
  const measured = {};
  for (const frame of document.querySelectorAll("iframe")) {
    try { measured[frame.name] = await turn(frame); }
    catch (error) { measured[frame.name] = { failed: String(error.stack) }; }
  }
  document.getElementById("measured").textContent = JSON.stringify(measured);
  document.title = "done";
});
</script>
"""

AXE = """<!DOCTYPE html>
<meta charset="utf-8"><title>waiting</title>
<iframe name="page" src="axed.html" style="width: %dpx; height: 900px; border: 0"></iframe>
<pre id="measured"></pre>
<script>
addEventListener("load", () => setTimeout(async () => {
  const page = document.querySelector("iframe").contentWindow;
  for (const fold of page.document.querySelectorAll("details")) fold.open = true;
  page.document.querySelector(".guess button").click();
  const found = await page.axe.run(page.document, { resultTypes: ["violations"] });
  const shown = (one) => one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160));
  const told = found.violations.map((one) => [one.id, one.impact, ...shown(one)]);
  document.getElementById("measured").textContent = JSON.stringify({ found: told, rules: found.passes.length });
}, 1500));
</script>
"""


def browse(browser: str, page: Path, folder: Path, light: str, *more: str) -> tuple[str, list[str]]:
    """Open a page by light or dark, and return its final content and what the console said."""
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
        "--allow-file-access-from-files", "--enable-logging=stderr", "--virtual-time-budget=20000",
        f"--blink-settings=preferredColorScheme={LIGHTS[::-1].index(light)}", f"--user-data-dir={folder}",
        f"--window-size={DESK + 40},900", *(more or ("--dump-dom",)), page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


def measured(content: str) -> dict[str, Any]:
    known = re.search(r'<pre id="measured">(.+?)</pre>', content, re.DOTALL)
    assert known is not None, content[-2000:]
    told: dict[str, Any] = json.loads(unescape(known[1]))
    return told


@pytest.fixture(scope="module", params=taken(LIGHTS, 2))
def turned(request: pytest.FixtureRequest, browser: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The sample that has everything, turned at both widths, and once more by an address; in one light by turns."""
    folder = tmp_path_factory.mktemp("turned")
    (folder / "page.html").write_text(html.to_html(samples.SAMPLES["taught"]()), encoding="utf-8")
    frames = [(str(width), width, "") for width in (PHONE, DESK)] + [("linked", DESK, LINKED)]
    drawn = "\n".join(
        f'<iframe name="{name}" src="page.html{hash_}" style="width: {width}px; height: 900px; border: 0"></iframe>'
        for name, width, hash_ in frames
    )
    (folder / "probe.html").write_text(PROBE % drawn, encoding="utf-8")
    content, console = browse(browser, folder / "probe.html", folder / "profile", request.param)
    return {"light": request.param, "console": console, **measured(content)}


@pytest.mark.parametrize("width", [str(PHONE), str(DESK)])
def test_a_guess_is_ticked_and_the_answer_shown(turned: dict[str, Any], width: str) -> None:
    page = turned[width]
    assert page["before"] == {"answer": True, "button": "Skip to the answer"}
    assert page["ticked"] == "Show the answer"
    guess = page["guess"]
    assert guess["kind"] == "some"
    assert guess["shown"]
    assert guess["rows"] == 3
    assert "Partly right" in guess["told"]
    assert "loss.from_logits" in guess["told"]


@pytest.mark.parametrize("width", [str(PHONE), str(DESK)])
def test_a_switch_changes_the_curve_and_says_what_came_of_it(turned: dict[str, Any], width: str) -> None:
    page = turned[width]
    assert page["start"]["curve"] != page["turned"]["curve"]
    assert "keras as it is: accuracy 0.947" in page["start"]["said"]
    assert "(3 seeds)" in page["start"]["said"]
    assert page["turned"]["said"] == "keras with layers.*.kernel_initializer: accuracy 0.000 (seed 0)."
    assert page["turned"]["hash"] == "#with=layers.*.kernel_initializer"
    assert page["turned"]["patch"] == "layers.*.kernel_initializer: 1"
    assert "+rate=0.2" in page["turned"]["lines"]
    assert page["chosen"]["on"] == 5, page["chosen"]
    assert "0.590" in page["chosen"]["said"]


@pytest.mark.parametrize("width", [str(PHONE), str(DESK)])
def test_a_switch_that_was_not_run_is_grey_and_says_so(turned: dict[str, Any], width: str) -> None:
    page = turned[width]
    assert page["start"]["grey"] == 3  # Of seven, four were run alone.
    assert "layers.*.bias_initializer" not in page["turned"]["grey"]  # Both were run together.
    assert "loss.from_logits" in page["turned"]["grey"]
    assert page["unrun"]["unknown"]
    assert page["unrun"]["curve"] is None
    assert page["unrun"]["options"] == "", "the second was never run alone: how it is said is not known"
    assert page["again"] == "To run it, run the same with--set keras:loss.from_logits=1\n--set keras:optimizer=1"
    assert page["unrun"]["said"].startswith("This combination was not run, so nothing is known of it.")


def test_an_address_sets_the_switches_and_a_lesson_hides_them(turned: dict[str, Any]) -> None:
    assert turned["linked"]["linked"] == [True, True, False, False, False, False, False]
    assert turned["linked"]["lesson"] == "none"
    for width in (PHONE, DESK):
        assert turned[str(width)]["hashed"] == [False, False, True, False, False, False, False]
        assert turned[str(width)]["lesson"] != "none"


@pytest.mark.parametrize("width", [str(PHONE), str(DESK)])
def test_one_step_is_gone_through_phase_by_phase(turned: dict[str, Any], width: str) -> None:
    page = turned[width]
    assert page["phases"] == ["batch", "weights", "forward", "loss", "gradient", "update", "state"]
    assert page["key"] == "update"
    parted = page["parted"]
    assert (parted["phase"], parted["first"], parted["lit"]) == ("weights", "conv1d.kernel", ["conv1d"])
    assert "At [0, 2] it is 0.125 in keras and -1.75 in tensorflow." in parted["said"]
    assert [round(float(width.rstrip("%"))) for width in parted["bars"]] == [29, 100]
    assert 5 < float(parted["noise"].rstrip("%")) < 20


def test_nothing_is_complained_about_and_nothing_asked_for(turned: dict[str, Any]) -> None:
    assert turned["console"] == []
    for width in (PHONE, DESK):
        page = turned[str(width)]
        assert page["requests"] == 0
        assert page["sideways"] == 0
        assert page["opened"]
    bright = int(re.findall(r"\d+", turned["linked"]["paper"])[0]) > 128
    assert bright is (turned["light"] == "light")


def test_the_picture_comes_first_and_the_questions_are_a_click_away(turned: dict[str, Any]) -> None:
    page = turned[str(DESK)]
    assert page["order"]
    assert page["picture"] < 400
    assert page["folds"] == [
        "What must I change first?", "Is it enough?", "Why did Adam not save it?", "Is the difference just rounding?",
        "Which line?",
    ]  # fmt: skip


def axed(browser: str, folder: Path, width: int, light: str, planted: str = "") -> dict[str, Any]:
    """What axe finds on the sample page, all of it unfolded; without the policy, which would not let axe in."""
    package = pytest.importorskip("axe_core_python")
    axe = importlib.resources.files(package).joinpath("axe.min.js").read_text(encoding="utf-8")
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html.to_html(samples.SAMPLES["taught"]()))
    (folder / "axed.html").write_text(f"{page}{planted}<script>{axe}</script>", encoding="utf-8")
    (folder / "probe.html").write_text(AXE % width, encoding="utf-8")
    content, console = browse(browser, folder / "probe.html", folder / "profile", light)
    assert console == []
    return measured(content)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("width", "light"), [(PHONE, "light"), (DESK, "dark"), (DESK, "light")])
def test_axe_finds_nothing(browser: str, tmp_path: Path, width: int, light: str) -> None:
    told = axed(browser, tmp_path, width, light)
    assert told["rules"] > 10
    assert told["found"] == []


def test_axe_would_find_a_button_without_a_name(browser: str, tmp_path: Path) -> None:
    told = axed(browser, tmp_path, DESK, "light", "<button></button>")
    assert "button-name" in [name for name, *_ in told["found"]]


NOTEBOOK = """<!DOCTYPE html>
<meta charset="utf-8"><title>waiting</title>
%s
<pre id="measured"></pre>
<script>
addEventListener("load", () => setTimeout(() => {
  const frame = document.querySelector("iframe"), page = () => frame.contentDocument;
  page().querySelector(".switch input").click();
  page().querySelector('nav a[href="#steps"]').click();
  setTimeout(() => {
    document.getElementById("measured").textContent = JSON.stringify({
      opened: Boolean(page().querySelector("#steps details[open]")), said: page().querySelector(".said").textContent,
      here: location.hash,
    });
  }, 1000);
}, 1500));
</script>
"""


def test_in_the_frame_of_a_notebook_switches_turn_and_links_stay_in_the_page(browser: str, tmp_path: Path) -> None:
    (tmp_path / "notebook.html").write_text(
        NOTEBOOK % found(samples.SAMPLES["taught"]())._repr_html_(), encoding="utf-8"
    )
    content, console = browse(browser, tmp_path / "notebook.html", tmp_path / "profile", "light")
    assert console == []
    told = measured(content)
    assert told["said"].startswith("keras with layers.*.kernel_initializer")
    assert told["opened"]
    assert told["here"] == ""


@pytest.mark.sampled(2)
@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_picture_of_the_page_can_be_taken(browser: str, tmp_path: Path, width: int, light: str) -> None:
    """Kept in the folder of the test (``--basetemp``), to be looked at."""
    (tmp_path / "page.html").write_text(html.to_html(samples.SAMPLES["taught"]()), encoding="utf-8")
    frame = (
        f'<body style="margin: 0"><iframe src="page.html" style="width: {width}px; height: 3600px; border: 0"></iframe>'
    )
    (tmp_path / "frame.html").write_text(frame, encoding="utf-8")
    picture = tmp_path / f"page-{width}-{light}.png"
    browse(browser, tmp_path / "frame.html", tmp_path / "profile", light, f"--screenshot={picture}")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 20_000
