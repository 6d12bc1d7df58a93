"""Live models for a worker: saved to a file, since a process cannot be handed an object of another."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parity.errors import UsageError
from parity.frameworks import frameworks
from parity.reading.asking import Wanted, program_of
from parity.run.session import release, scratch_folder
from parity.run.watched import Watcher, owner_of, watchable


@contextmanager
def wanted(programs: Mapping[str, Any]) -> Iterator[list[Wanted]]:
    """Give programs as they can be asked for: texts as they name them, live models saved while they are needed.

    Args:
        programs: by the name that a live one gets.

    Raises:
        UsageError: when one is no program, or cannot be saved.
    """
    folder = scratch_folder(Path(tempfile.gettempdir()))
    try:
        yield [
            program_of(str(one)) if isinstance(one, str | Path) else _saved(one, name, folder)
            for name, one in programs.items()
        ]
    finally:
        release(folder)


def watched_by(model: Any) -> tuple[str, Watcher]:
    """Return the framework of a live model, and its watcher.

    Raises:
        UsageError: when the model is none of a framework that is watched.
    """
    owner = owner_of(model)
    if owner is None:
        kind = f"{type(model).__module__}.{type(model).__qualname__}"
        raise UsageError(f"a {kind} is no model of {', '.join(watchable().values())}, as far as imported here")
    return owner


def saved_as(framework: str, watcher: Watcher, model: Any, file: Path) -> tuple[Wanted, str]:
    """Save a live model; return the program that the file is, and why it cannot be one, empty where it can.

    Args:
        framework: of the model.
        watcher: of the framework.
        model: to save.
        file: without its ending; its name is the program's.
    """
    path = f"{file}{(*frameworks()[framework].saves_as, '')[0]}"
    program = Wanted(text=file.name, name=file.name, taken={"saved": path, "framework": framework})
    try:
        return program, "" if watcher.save(model, path) else "its framework has no file that holds one"
    except Exception as error:  # Whatever a program's own class does when it is saved.
        return program, " ".join(f"{type(error).__name__}: {error}".split())[:200]


def _saved(model: Any, name: str, folder: Path) -> Wanted:
    framework, watcher = watched_by(model)
    program, why = saved_as(framework, watcher, model, folder / name)
    if why:
        raise UsageError(f"{name}: the model cannot be saved for the process that is to run it ({why}); name its file")
    return program
