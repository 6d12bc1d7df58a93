"""When a framework's watcher is there: as soon as the framework has been imported, however that comes about."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from parity.run import watched
from parity.run.watched import Training, UnwatchedError, Watcher

WITHIN = """
try:
    import within_second
except ImportError:
    pass
value = 1
"""


@pytest.fixture
def met(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Two frameworks: the first tries to import the second, which needs the first; return those that are watched."""
    (tmp_path / "within_first.py").write_text(WITHIN)
    (tmp_path / "within_second.py").write_text("from within_first import value\n")
    found: list[str] = []

    class Noting(Watcher):
        def __init__(self, name: str) -> None:
            self.name = name

        @contextmanager
        def watching(self, seen: Callable[[Training], None]) -> Iterator[None]:
            found.append(self.name)
            yield

    monkeypatch.setattr(watched, "watchable", lambda: {"within_first": "first", "within_second": "second"})
    monkeypatch.setattr(watched, "watcher_of", Noting)
    yield found
    for name in ("within_first", "within_second"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("import within_first\nimport within_second", ["first", "second"]),
        ("import within_second", ["second", "first"]),
        ("import within_first", ["first"]),
        ("import importlib.util\nimportlib.util.find_spec('within_second')\nimport within_first\nimport within_second",
         ["first", "second"]),
    ],
)  # fmt: skip
def test_a_framework_is_watched_once_it_is_imported(
    met: list[str], tmp_path: Path, text: str, names: list[str]
) -> None:
    """As TensorFlow tries to import Keras, which needs TensorFlow: what fails within is imported later."""
    script = tmp_path / "train.py"
    script.write_text(f"{text}\n")
    with pytest.raises(UnwatchedError):
        watched.taken({"script": str(script), "folder": str(tmp_path)})
    assert sorted(met) == sorted(names)
