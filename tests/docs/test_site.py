"""The docs as a site: built with every warning an error, nothing fetched from elsewhere, found by those who search.

The site is built once, from ``docs/`` as a checkout has it.
"""

from __future__ import annotations

import html
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from parity.catalog import FAMILIES
from parity.cli import main

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("material") is None or importlib.util.find_spec("mkdocs") is None,
    reason="the extra docs is not installed",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, with the page of one run of three."""
    folder, reports = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("reports")
    (reports / "leaf").mkdir()
    (reports / "leaf" / "report.html").write_text("<title>the leaf page</title>")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PARITY_REPORTS": str(reports)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    linked = r"<link[^>]+rel=\"?(?:stylesheet|preload|preconnect)[^>]+href=\"?(https?:)?//"
    fetched = re.compile(rf"<(?:script|img|iframe)[^>]+src=\"?(https?:)?//|{linked}")
    wrong = [page.relative_to(site) for page in site.rglob("*.html") if fetched.search(page.read_text("utf-8"))]
    assert not wrong
    assert fetched.search('<script src="https://unpkg.com/x.js">')
    styles = [sheet.name for sheet in site.rglob("*.css") if re.search(r"url\(\"?https?:", sheet.read_text("utf-8"))]
    assert not styles


def test_every_entry_and_every_command_has_a_page(site: Path) -> None:
    for family, entries in FAMILIES.items():
        there = {page.stem for page in (site / "reference" / family).glob("*.html")}
        assert set(entries) <= there
    assert set(main.commands) == {page.stem for page in (site / "reference" / "commands").glob("*.html")}
    adam = html.unescape((site / "reference" / "optimizer" / "adam.html").read_text("utf-8"))
    assert "m = b1 m + (1 - b1) g" in adam
    assert "keras.optimizers.Adam" in adam
    assert "torch.optim.Adam" in adam
    assert "--explain-steps" in (site / "reference" / "commands" / "run.html").read_text("utf-8")


def test_a_page_says_where_frameworks_differ_in_a_field(site: Path) -> None:
    epsilon = (site / "reference" / "differ" / "epsilon.html").read_text("utf-8")
    for value in ("1e-07", "1e-08", "after_correction", "before_correction"):
        assert value in epsilon
    padding = (site / "reference" / "differ" / "padding.html").read_text("utf-8")
    assert "the odd cell after the end" in padding
    decay = (site / "reference" / "differ" / "weight_decay.html").read_text("utf-8")
    assert "0.004 in Keras and 0.01 in PyTorch" in decay


def searched(browser: str, site: Path, words: str, profile: Path) -> list[str]:
    """Return the pages that the site's own search finds, best first, in a browser that reads the files."""
    command = [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}",
        "--virtual-time-budget=20000", "--dump-dom", f"{(site / 'index.html').as_uri()}?q={quote(words)}",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=True)
    links = re.findall(r'<a href="([^"]+)" class="md-search-result__link"', done.stdout)
    pages = [re.sub(r"[?#].*", "", link).removeprefix(f"{site.as_uri()}/") for link in links]
    return [*dict.fromkeys(pages)]


@pytest.mark.browser
@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("epsilon", "reference/differ/epsilon.html"),
        ("padding same", "reference/differ/padding.html"),
        ("weight decay", "reference/differ/weight_decay.html"),
    ],
)
def test_a_search_finds_first_where_frameworks_differ(
    words: str, page: str, site: Path, browser: str, tmp_path: Path
) -> None:
    assert searched(browser, site, words, tmp_path / "profile")[:1] == [page]


def test_the_index_of_the_search_is_in_the_site(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    titles = {entry["location"]: entry["title"] for entry in index["docs"]}
    assert "epsilon" in titles["reference/differ/epsilon.html"]
    assert not [place for place in titles if "/gallery/" in place and place.endswith("-yaml.html")]


def test_the_page_of_a_run_is_embedded_where_it_is_given(site: Path) -> None:
    assert '<iframe class="report" src="../reports/leaf.html"' in (site / "questions" / "leaf.html").read_text("utf-8")
    assert "the leaf page" in (site / "reports" / "leaf.html").read_text("utf-8")
    cifar = (site / "questions" / "cifar.html").read_text("utf-8")
    assert "iframe class" not in cifar
    assert "reports/cifar/report.html" in cifar
