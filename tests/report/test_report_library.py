"""The script of the charts is put together once, and what the cache keeps is used only where it is what was written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from parity.report.library import chart_library, kept

TEXT = "window.drawn = 'line 1\n';\r\nsecond = \"é\""


def never() -> str:
    raise AssertionError("made again")


def test_what_is_kept_is_given_again_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "charts" / "script.js"
    assert kept(file, lambda: TEXT) == TEXT
    assert kept(file, never) == TEXT


@pytest.mark.parametrize("damage", [lambda content: content[:-3], lambda content: content.replace(b"line 1", b"line 2"),
                                    lambda content: b"", lambda content: b"\xff" + content])  # fmt: skip
def test_a_damaged_one_is_made_anew(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "script.js"
    kept(file, lambda: TEXT)
    file.write_bytes(damage(file.read_bytes()))
    assert kept(file, lambda: "other") == "other"
    assert kept(file, never) == "other"


def test_without_a_place_to_keep_it_the_script_is_there_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "charts").write_text("a file where the folder would be")
    assert kept(tmp_path / "charts" / "script.js", lambda: TEXT) == TEXT


def test_the_script_of_the_pages_is_kept_for_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = chart_library()
    (file,) = (Path(os.environ["XDG_CACHE_HOME"]) / "parity" / "charts").glob("vega-lite-*.js")
    monkeypatch.setattr("vl_convert.javascript_bundle", lambda *given: never())
    chart_library.cache_clear()
    assert chart_library() == known
    assert "</script" not in known
    assert len(file.read_bytes()) > 100_000
