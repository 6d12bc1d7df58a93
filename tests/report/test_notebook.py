"""A result in a notebook: its page in a frame, its losses as a table."""

from __future__ import annotations

import html
import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from report_samples import evil, leaf

from parity.errors import UsageError
from parity.notebook import found
from parity.report.html import to_html


@pytest.mark.parametrize("sample", [leaf, evil])
def test_the_page_is_shown_in_a_frame_of_its_own(sample: Any) -> None:
    shown = found(sample())._repr_html_()
    document = re.fullmatch(r'<iframe title="([^"]*)" style="[^"]*" srcdoc="([^"]*)"></iframe>', shown)
    assert document is not None
    assert html.unescape(document[2]) == to_html(sample())


def test_a_result_is_what_it_was() -> None:
    assert found(leaf()).model_dump() == leaf().model_dump()


def test_losses_are_given_as_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    pandas = SimpleNamespace(DataFrame=lambda rows, columns: made.append((rows, columns)))
    monkeypatch.setitem(sys.modules, "pandas", pandas)
    found(leaf()).to_frame()
    ((rows, columns),) = made
    assert columns == ["side", "step", "loss"]
    assert [row["loss"] for row in rows if row["side"] == leaf().sides[0].name] == leaf().sides[0].losses


def test_without_pandas_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UsageError, match="pip install pandas"):
        found(leaf()).to_frame()
