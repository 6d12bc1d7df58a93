"""The page in a real browser: its charts are drawn, nothing is complained about, a phone needs no sideways scroll."""

from __future__ import annotations

import json
import re
import subprocess
from html import unescape
from pathlib import Path

import pytest
from helpers_sample import taken

from parity.report import html
from tests import report_samples as samples

pytestmark = pytest.mark.browser

NARROW, WIDE = 400, 1280

# Opens every page in a frame of its own width and reads, after the charts are drawn, what can only be measured there.
PROBE = """<!DOCTYPE html>
<meta charset="utf-8"><title>waiting</title>
%s
<pre id="measured"></pre>
<script>
const unfold = (page) => page.querySelectorAll("details.section").forEach((fold) => { fold.open = true; });
addEventListener("load", () => {
  document.querySelectorAll("iframe").forEach((frame) => unfold(frame.contentDocument));
  setTimeout(measure, 3000);
});
function measure() {
  const measured = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentDocument;
    const panes = [...page.querySelectorAll("details[open] .pane")].map((pane) => pane.getBoundingClientRect());
    const seen = (element) => element.checkVisibility() && element.getBoundingClientRect().width > 1;
    const rows = (caption) => [...page.querySelectorAll("table")]
      .filter((table) => table.caption.textContent.startsWith(caption))
      .reduce((sum, table) => sum + [...table.tBodies[0].rows].filter(seen).length, 0);
    measured[frame.name] = {
      inner: page.documentElement.clientWidth,
      scroll: page.documentElement.scrollWidth,
      places: page.querySelectorAll("[data-chart]").length,
      drawn: [...page.querySelectorAll("[data-chart] svg")].filter((svg) => svg.getBoundingClientRect().width > 200)
        .length,
      labelled: page.querySelectorAll("[data-chart] svg[aria-label], [data-chart] svg [aria-label]").length > 0,
      beside: panes.length === 2 && panes[0].top === panes[1].top,
      head: [...page.querySelectorAll(".stacked thead")].some(seen),
      rows: rows("A difference is made"),
      strikes: rows("Is it another program?"),
      wide: [...page.querySelectorAll(".callout")].some((box) => box.scrollWidth > box.clientWidth),
      cut: [...page.querySelectorAll(".stacked")].some((table) => table.scrollWidth > table.parentElement.clientWidth),
      alerted: frame.contentWindow.alerted === true,
    };
  }
  document.getElementById("measured").textContent = JSON.stringify(measured);
}
</script>
"""


def browse(browser: str, page: Path, folder: Path) -> tuple[str, list[str]]:
    """Open a page and return its final content and what the console said."""
    command = [
        browser,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",  # else those of a frame take from its width
        "--allow-file-access-from-files",  # the probe reads the pages in its frames
        "--enable-logging=stderr",
        "--virtual-time-budget=10000",
        f"--user-data-dir={folder}",
        f"--window-size={WIDE + 40},900",
        "--dump-dom",
        page.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


@pytest.fixture(scope="module")
def opened(browser: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, object]], list[str]]:
    """Samples that are asked for by name and a third of all, at both widths, all in one start of the browser."""
    folder = tmp_path_factory.mktemp("pages")
    frames = []
    for name in dict.fromkeys(["leaf", "odd", "claimed", *taken(samples.SAMPLES, 3)]):
        (folder / f"{name}.html").write_text(html.to_html(samples.SAMPLES[name]()), encoding="utf-8")
        for width in (NARROW, WIDE):
            frames.append(
                f'<iframe name="{name} {width}" src="{name}.html" style="width: {width}px; height: 3000px; border: 0">'
                "</iframe>"
            )
    probe = folder / "probe.html"
    probe.write_text(PROBE % "\n".join(frames), encoding="utf-8")
    content, console = browse(browser, probe, folder / "profile")
    measured = re.search(r'<pre id="measured">(.+?)</pre>', content, re.DOTALL)
    assert measured is not None, content[-2000:]
    return json.loads(unescape(measured[1])), console


def test_every_chart_is_drawn(opened: tuple[dict[str, dict[str, object]], list[str]]) -> None:
    for name, page in opened[0].items():
        explained = samples.SAMPLES[name.split()[0]]().explanation is not None
        assert page["places"] == (3 if explained else 2), name
        assert page["drawn"] == page["places"], name
        assert page["labelled"], name


def test_no_page_scrolls_sideways(opened: tuple[dict[str, dict[str, object]], list[str]]) -> None:
    for name, page in opened[0].items():
        assert page["inner"] == int(name.split()[1]), name
        assert page["scroll"] == page["inner"], name


def test_programs_stand_side_by_side_or_stack(opened: tuple[dict[str, dict[str, object]], list[str]]) -> None:
    assert opened[0][f"leaf {WIDE}"]["beside"]
    assert not opened[0][f"leaf {NARROW}"]["beside"]
    assert opened[0][f"leaf {WIDE}"]["head"]
    assert not opened[0][f"leaf {NARROW}"]["head"]


def test_places_are_shown_up_to_eight_and_cut_nowhere(opened: tuple[dict[str, dict[str, object]], list[str]]) -> None:
    for width in (NARROW, WIDE):
        assert opened[0][f"leaf {width}"]["rows"] == 8  # of 12, the others fold out
        assert opened[0][f"odd {width}"]["rows"] == 1
        for name in ("leaf", "odd"):
            assert not opened[0][f"{name} {width}"]["cut"], width


def test_strikes_are_shown_and_no_finding_is_wider_than_its_page(
    opened: tuple[dict[str, dict[str, object]], list[str]],
) -> None:
    for width in (NARROW, WIDE):
        assert opened[0][f"claimed {width}"]["strikes"] == 8
        assert not opened[0][f"claimed {width}"]["cut"], width
    assert not [name for name, page in opened[0].items() if page["wide"]]


def test_the_console_stays_silent_and_no_name_runs(opened: tuple[dict[str, dict[str, object]], list[str]]) -> None:
    measured, console = opened
    assert console == []
    assert not any(page["alerted"] for page in measured.values())


def test_a_script_that_got_through_would_be_stopped(browser: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    planted = "<script>document.title = 'ran'</script><img src='https://example.org/x.png'></body>"
    page.write_text(html.to_html(samples.alone()).replace("</body>", planted), encoding="utf-8")
    content, console = browse(browser, page, tmp_path / "profile")
    assert "<title>ran</title>" not in content
    assert sum("Content Security Policy" in line for line in console) >= 2
