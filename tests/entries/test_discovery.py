"""Discovery: the names that files say are those of the classes in them, and no file is imported before it is wanted."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from parity.catalog import FAMILIES
from parity.discovery import Family, discover, entry_type
from parity.entries import Entry
from parity.initializers import Initializer


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_names_that_the_files_say_are_those_of_all_classes_in_them(family: Mapping[str, type[Entry]]) -> None:
    assert isinstance(family, Family)
    found = {}
    for file in pkgutil.iter_modules(importlib.import_module(family.package).__path__):
        module = importlib.import_module(f"{family.package}.{file.name}")
        for one in vars(module).values():
            if (
                isinstance(one, type)
                and issubclass(one, family.base)
                and one.__module__ == module.__name__
                and isinstance(one.kind, str)
                and one.kind
            ):
                found[one.kind] = one
    assert dict(family) == {name: one for name, one in sorted(found.items()) if name in family}
    assert set(found) - set(family) <= {"forget_gate_ones"}  # part of a layer, and nothing that a spec names


def test_an_entry_is_imported_when_it_is_first_asked_for_and_no_other_is() -> None:
    code = """
import sys
from parity.catalog import INITIALIZERS
assert len(INITIALIZERS) > 15 and "he_normal" in INITIALIZERS and "he" not in INITIALIZERS
assert "parity.initializers.he_normal" not in sys.modules
assert INITIALIZERS["he_normal"].kind == "he_normal"
assert "parity.initializers.he_normal" in sys.modules
assert "parity.initializers.identity" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr


def test_what_validates_a_field_names_the_place_in_the_entry_and_the_names_there_are() -> None:
    reads = TypeAdapter[Any](entry_type(Initializer, "parity.initializers"))
    assert reads.validate_python("he_normal") == discover(Initializer, "parity.initializers")["he_normal"]()
    with pytest.raises(ValidationError) as wrong:
        reads.validate_python({"truncated_normal": {"stddev": -1.0, "width": 3}})
    assert [one["loc"] for one in wrong.value.errors()] == [
        ("truncated_normal", "stddev"),
        ("truncated_normal", "width"),
    ]
    with pytest.raises(ValidationError) as unknown:
        reads.validate_python("he")
    assert "'he_normal'" in unknown.value.errors()[0]["ctx"]["expected_tags"]


def test_a_family_may_be_of_any_class_with_a_name(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "odd_family"
    folder.mkdir()
    (folder / "__init__.py").write_text("class Base:\n    kind = ''\n")
    (folder / "several.py").write_text(
        "from typing import ClassVar\n\nfrom odd_family import Base\n\n\n"
        'class B(Base):\n    kind: ClassVar[str] = "b"\n\n\nclass A(Base):\n    kind: ClassVar[str] = "a"\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    base = importlib.import_module("odd_family").Base
    family: Family[Any] = Family(base, "odd_family")
    assert list(family) == ["a", "b"]
    assert "odd_family.several" not in sys.modules
    assert family["b"].__name__ == "B"
    with pytest.raises(KeyError):
        family["c"]
