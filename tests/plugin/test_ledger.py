"""Which goldens are left over, and how processes tell each other what they used."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from parity.plugin.ledger import GOLDEN, VERDICT, HeardTest, Ledger, is_spec
from parity.plugin.naming import golden_path, named


@pytest.mark.parametrize(
    ("name", "whether"),
    [
        ("parity_a.yaml", True),
        ("a.parity.yaml", True),
        ("a.yaml", False),
        ("parity.yaml", False),
        ("parity_a.yml", False),
    ],
)
def test_what_is_collected(name: str, whether: bool) -> None:
    assert is_spec(name) == whether


def test_names_of_goldens_are_those_of_tests(tmp_path: Path) -> None:
    file = tmp_path / "test_a.py"
    assert golden_path(file, "t/test_a.py::test_b") == tmp_path / "goldens/test_a/test_b.golden.json"
    assert golden_path(file, "t/test_a.py::test_b", 2) == tmp_path / "goldens/test_a/test_b.2.golden.json"
    ids = ["test_b[a/b]", "test_b[a b]", "test_b[a-b]", "test_b[../..]", "test_b[ä:*?]"]
    names = [named(f"test_a.py::{one}") for one in ids]
    assert len(set(names)) == len(ids)
    assert not any(set(name) & set('/\\:*?"<>| ') for name in names)


def item(file: Path, nodeid: str) -> Any:
    return SimpleNamespace(path=file, nodeid=nodeid)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A file of two tests, one of which uses its golden; beside it a golden of each, and one of a test that is gone."""
    file = tmp_path / "test_a.py"
    file.write_text("")
    found = Ledger()
    for name in ("used", "other", "gone"):
        golden = golden_path(file, f"test_a.py::test_{name}")
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(json.dumps({"parity_golden": 1, "test": f"test_a.py::test_{name}"}))
    found.collected([item(file, f"t/test_a.py::test_{name}") for name in ("used", "other")])
    found.use(golden_path(file, "test_a.py::test_used"), "t/test_a.py::test_used")
    return found


def heard(ledger: Ledger, name: str, outcome: str) -> None:
    nodeid = f"t/test_a.py::{name}"
    ledger.said[nodeid] = HeardTest(nodeid, outcome, ((GOLDEN, "g"), (VERDICT, "torch: divergent")), "t/test_a.py", 3)


def left(ledger: Ledger, whole: bool = True) -> list[str]:
    return [one.name.removesuffix(".golden.json") for one in ledger.finish(whole)]


def test_a_golden_is_left_over_whose_test_is_gone_or_passed_without_it(ledger: Ledger) -> None:
    heard(ledger, "test_other", "passed")
    assert left(ledger) == ["test_gone", "test_other"]


@pytest.mark.parametrize("outcome", ["failed", "skipped"])
def test_a_test_that_did_not_pass_may_need_its_golden(ledger: Ledger, outcome: str) -> None:
    heard(ledger, "test_other", outcome)
    assert left(ledger) == ["test_gone"]


def test_of_a_part_of_a_file_nothing_is_said(ledger: Ledger, tmp_path: Path) -> None:
    assert left(ledger, whole=False) == []
    ledger.deselected([item(tmp_path / "test_a.py", "t/test_a.py::test_third")])
    assert left(ledger) == []


def test_of_a_file_of_which_one_test_was_asked_for_nothing_is_said(ledger: Ledger, tmp_path: Path) -> None:
    ledger.parts = frozenset({str(tmp_path / "test_a.py")})
    assert left(ledger) == []


def test_where_something_could_not_be_collected_nothing_is_said(ledger: Ledger) -> None:
    ledger.broken.add("t/test_a.py")
    assert left(ledger) == []


def test_goldens_of_a_file_that_is_gone_are_left_over(ledger: Ledger, tmp_path: Path) -> None:
    golden = golden_path(tmp_path / "test_old.py", "test_old.py::test_a")
    golden.parent.mkdir(parents=True)
    golden.write_text("{}")
    heard(ledger, "test_other", "failed")
    assert left(ledger) == ["test_gone", "test_a"]
    (tmp_path / "test_old.py").write_text("")  # There, but not asked for.
    assert left(ledger) == ["test_gone"]


def test_an_update_removes_them(ledger: Ledger) -> None:
    ledger.update = True
    heard(ledger, "test_other", "failed")
    assert left(ledger) == []
    assert [Path(one).name for one in ledger.removed] == ["test_gone.golden.json"]
    assert not Path(ledger.removed[0]).exists()


def test_the_controller_learns_what_workers_used_and_writes_what_they_made(ledger: Ledger, tmp_path: Path) -> None:
    controller = Ledger()
    worker = Ledger(given=controller.spool(), used=ledger.used, files=ledger.files)
    target = tmp_path / "goldens/test_a/test_new.golden.json"
    worker.use(target, "t/test_a.py::test_new")
    worker.write(target, "{}")
    assert not target.exists()
    controller.heard_of(worker.told())
    heard(controller, "test_other", "passed")
    assert left(controller) == ["test_gone", "test_other"]
    assert target.read_text() == "{}"
    spool = controller.spool()
    controller.close()
    assert not spool.exists()


def test_what_a_worker_that_crashed_used_is_not_known(ledger: Ledger) -> None:
    ledger.heard_of(None)
    assert left(ledger) == []


def test_only_goldens_that_are_there_are_counted(ledger: Ledger, tmp_path: Path) -> None:
    ledger.use(golden_path(tmp_path / "test_a.py", "test_a.py::test_new"), "t/test_a.py::test_new")
    heard(ledger, "test_new", "failed")
    assert ledger.summary(github=False)[0][0] == "1 test with parity, 1 golden, 1 failed"


def test_github_is_told_in_its_own_words(ledger: Ledger) -> None:
    heard(ledger, "test_other", "failed")
    ledger.said["t/test_a.py::test_x"] = HeardTest(
        "t/test_a.py::test_x", "failed", ((VERDICT, "100 %\nmore: of it"),), "t/a,b.py", 7
    )
    lines, told = ledger.summary(github=True)
    assert lines[0] == "2 tests with parity, 1 golden, 2 failed"
    assert told == [
        "::error file=t/test_a.py,line=3,title=parity::torch: divergent",
        "::error file=t/a%2Cb.py,line=7,title=parity::100 %25%0Amore: of it",
    ]
    assert ledger.summary(github=False)[1] == []
