"""What entries say of releases: each is borne out by a spec of two real versions, and told where the entry is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from parity.catalog import FAMILIES
from parity.commands.tables import catalog_json
from parity.entries import Entry, Since
from parity.ops.dense import Dense
from parity.optimizers.rmsprop import RMSprop
from parity.report.sentences.meanings_told import means
from parity.result.filling_lessons import entry_facts
from parity.spec.yaml import parse_yaml

ROOT = Path(__file__).resolve().parents[2]
TOLD = sorted({one for family in FAMILIES.values() for entry in family.values() for one in entry.moved()})


def versions(name: str) -> list[Version]:
    """Return the version of Keras of each side of a spec, in order."""
    spec: Any = parse_yaml((ROOT / "specs" / "upgrades" / f"{name}.yaml").read_text(encoding="utf-8"), None)[0]
    return [Version(str(next(iter(side["packages"].values())))) for side in spec["sides"].values()]


@pytest.mark.parametrize("since", TOLD, ids=lambda one: f"{one.shown_by}-{one.version}")
def test_a_spec_has_a_version_before_and_one_after(since: Since) -> None:
    before, after = versions(since.shown_by)
    assert before < Version(since.version) <= after


@pytest.mark.parametrize("since", TOLD, ids=lambda one: f"{one.shown_by}-{one.version}")
def test_what_was_found_is_what_is_said(since: Since) -> None:
    page = (ROOT / "docs" / "upgrades.md").read_text(encoding="utf-8")
    (row,) = [line for line in page.splitlines() if line.startswith(f"| `{since.shown_by}` |")]
    assert "| divergent |" in row
    assert since.field in row
    assert f"{since.before} -> {since.after}" in row


def test_a_field_that_moved_is_one_of_the_entry() -> None:
    every: list[type[Entry]] = [entry for family in FAMILIES.values() for entry in family.values()]
    assert len(TOLD) >= 7
    assert all(one.field in entry.model_fields for entry in every for one in entry.moved() if not entry.at_home)


def test_the_page_and_the_catalogue_tell_it_of_the_framework_and_of_none_other() -> None:
    (fact,) = entry_facts(["optimizer.rmsprop"], ["keras", "torch", "keras_torch"])
    told = {part.framework: means(part) for part in fact.parts}
    assert (
        "; since Keras 2.11 epsilon_place is inside_root, before it was outside_root; since Keras 3.5" in told["keras"]
    )
    assert "since" not in told["torch"]
    assert "since Keras 2.11" in told["keras_torch"]  # Keras all the same, on another backend.
    known = json.loads(catalog_json())
    assert known["optimizer"]["rmsprop"]["since"] == [one.told() for one in RMSprop.moved()]
    assert [one.version for one in Dense.moved_in("keras")] == ["3.0", "3.14"]
    assert not Dense.moved_in("tensorflow")
