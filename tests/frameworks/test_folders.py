"""A framework is found by being there: one that nobody has written yet, in a folder that is thrown away."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import parity.frameworks
from parity.catalog import FAMILIES
from parity.cli import main
from parity.errors import SpecError
from parity.frameworks import frameworks, has_part, home_of, part_of
from parity.ops.dense import Dense
from parity.spec.load import parse_spec

ABOUT = '''
"""A framework that nobody knows."""
from parity.frameworks import Framework
FRAMEWORK = Framework(name="thrown_away", title="Thrown Away", packages=("numpy",), modules=("numpy",),
                      install="numpy", extra="", on_a_gpu="", other_names=("away",))
'''

SPEC = """\
name: away
data: {source: rows.npz}
model:
  input: [4]
  layers:
    - dense: {units: 3, activation: tanh, name: hidden}
    - dense: {units: 1, name: out}
loss: mse
optimizer: sgd
sides: {one: {framework: thrown_away}}
"""


def forget() -> None:
    frameworks.cache_clear()
    home_of.cache_clear()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    made = tmp_path / "thrown_away"
    made.mkdir()
    (made / "__init__.py").write_text(ABOUT)
    monkeypatch.setattr(parity.frameworks, "__path__", [*parity.frameworks.__path__, str(tmp_path)])
    forget()
    yield made
    forget()
    for name in [name for name in sys.modules if name.startswith("parity.frameworks.thrown_away")]:
        del sys.modules[name]


def is_at_home(entry: Any) -> bool:
    return bool(getattr(entry, "at_home", False))


def test_it_is_found_and_every_hole_has_a_word(folder: Path) -> None:
    assert frameworks()["thrown_away"].title == "Thrown Away"
    every = [entry for entries in FAMILIES.values() for entry in entries.values()]
    words = {entry.hole("thrown_away").word for entry in every if not is_at_home(entry)}  # type: ignore[union-attr]
    assert words == {"not yet"}
    listed = CliRunner().invoke(main, ["catalog", "dense"]).output
    assert "Thrown Away: not yet" in listed
    assert "- PyTorch: nn.Linear\n" in listed
    wide = CliRunner(env={"COLUMNS": "300"}).invoke(main, ["catalog"]).output
    assert "in keras, keras_2, keras_torch, tensorflow, tf_keras, torch" in " ".join(wide.split())


def test_a_spec_that_asks_for_it_is_told_each_hole_with_its_line(folder: Path) -> None:
    with pytest.raises(SpecError) as told:
        parse_spec(SPEC, file="away.yaml")
    lines = [(fault.path, fault.line, fault.got) for fault in told.value.faults]
    assert ("model.layers[0]", 6, "got dense; Thrown Away does not have it yet") in lines
    assert ("loss", 8, "got mse; Thrown Away does not have it yet") in lines
    assert ("optimizer", 9, "got sgd; Thrown Away does not have it yet") in lines
    assert len({path for path, _, _ in lines}) == len(lines) >= 5


def test_a_name_that_it_goes_by_is_understood(folder: Path) -> None:
    with pytest.raises(SpecError, match="thrown_away"):
        parse_spec(SPEC.replace("thrown_away}", "thrown_awya}"), file="away.yaml")


def test_what_it_can_never_have_says_why(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "emit.py").write_text("")
    assert has_part("thrown_away", "emit")
    assert part_of("thrown_away", "emit").__name__ == "parity.frameworks.thrown_away.emit"
    hole: Any = Dense.hole("thrown_away")
    assert (hole.word, hole.why) == ("not yet", "")
    monkeypatch.setattr(Dense, "never", {"thrown_away": "it knows no matrices"})
    with pytest.raises(SpecError, match="got dense; Thrown Away can never have it: it knows no matrices"):
        parse_spec(SPEC, file="away.yaml")
    assert "Thrown Away: never, it knows no matrices" in CliRunner().invoke(main, ["catalog", "dense"]).output


def test_a_template_of_its_name_is_enough(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "emit.py").write_text("")
    monkeypatch.setattr(Dense, "thrown_away", lambda self, site: None, raising=False)
    assert Dense.hole("thrown_away") is None


def test_what_frameworks_there_are_all_entries_run_in() -> None:
    """The catalogue claims what every entry's cases are tested in, but for what a framework says it has not yet."""
    for entries in FAMILIES.values():
        for kind, entry in entries.items():
            if is_at_home(entry):
                continue  # It runs in no framework's compiled program.
            named = f"{entry.__module__.split('.')[1]}.{kind}"
            lacking = [name for name, known in frameworks().items() if named in known.not_yet]
            assert [name for name in frameworks() if entry.hole(name)] == lacking
