"""Which program is read, and what a worker says of it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parity.errors import UsageError, WorkerError
from parity.frameworks import frameworks
from parity.lazy import np
from parity.reading.draws import draw_again
from parity.run.session import Session, release, scratch_folder
from parity.run.told import Told

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A program that is to be read.

    Args:
        text: as a person named it.
        name: that its spec gets.
        taken: as a worker is told of it (:func:`parity.run.watched.taken`).
    """

    text: str
    name: str
    taken: Mapping[str, Any] = field(default_factory=dict)


def program_of(text: str, arguments: Sequence[str] = ()) -> Wanted:
    """Return the program that a text names: a script, a file that holds a model, or ``MODULE:NAME``.

    Args:
        text: of the command line.
        arguments: a script's own.

    Raises:
        UsageError: when it names none.
    """
    path = Path(text)
    endings = {ending: name for name, known in frameworks().items() for ending in known.saves_as}
    if path.suffix == ".py" or path.suffix in endings:
        if not path.is_file():
            raise UsageError(f"{text}: {'this is a folder' if path.is_dir() else 'there is no such file'}")
        file = str(path.resolve())
        if path.suffix == ".py":
            return Wanted(text=text, name=path.stem, taken={"script": file, "arguments": list(arguments)})
        return Wanted(text=text, name=path.stem, taken={"saved": file, "framework": endings[path.suffix]})
    module, colon, name = text.rpartition(":")
    if not colon or not name.isidentifier():
        raise UsageError(
            f"{text!r} names no program; expected a training script (.py), a file that holds a model "
            f"({', '.join(sorted(endings))}) or MODULE:NAME"
        )
    folder = Path.cwd()
    if module.endswith(".py"):
        folder, module = (folder / module).parent, Path(module).stem
    taken = {"module": module, "name": name, "folder": str(folder.resolve())}
    return Wanted(text=text, name=f"{module.rpartition('.')[2]}_{name}", taken=taken)


def asked(program: Wanted, seconds: float, python: str | None = None) -> tuple[Told, dict[str, NDArray[Any]]]:
    """Run a program in a worker until it trains; return what it holds, and the arrays that it trains on.

    Args:
        program: to run.
        seconds: after which it is ended.
        python: interpreter that runs it; this one if None.

    Raises:
        UsageError: when it fails, or does not train in that time.
    """
    with Session(program.text, python, timeout=seconds) as session:
        return asked_in(session, program)


def asked_in(session: Session, program: Wanted) -> tuple[Told, dict[str, NDArray[Any]]]:
    """Run a program in a worker that is there already; arguments as :func:`asked`'s."""
    folder = scratch_folder(Path(tempfile.gettempdir()))
    try:
        try:
            answer = session.ask("watched", program=dict(program.taken), folder=str(folder))
        except WorkerError as error:
            raise UsageError(_why(program, error, session.timeout)) from None
        if "unwatched" in answer:
            raise UsageError(f"{answer['unwatched']}{_last(session.words())}")
        told = Told.of(answer)
        arrays = arrays_in(folder, told)
        draw_again(session, program.taken, told, arrays, folder)
        return told, arrays
    finally:
        release(folder)


def arrays_in(folder: Path, told: Told) -> dict[str, NDArray[Any]]:
    """Return the arrays that a watcher wrote to a folder, by the names that it told."""
    return {key: np.load(folder / f"{number}.npy", allow_pickle=False) for number, key in enumerate(told.arrays)}


def _why(program: Wanted, error: WorkerError, seconds: float) -> str:
    """Return in one line why a program was not read."""
    if error.silent:
        return f"{program.text} did not train within {seconds:g} seconds and was ended; give it more: --max-seconds"
    return f"{program.text} failed before it trained: {error.what}"


LOGGED = re.compile(r"[IWEF]\d{4} |\d{4}-\d\d-\d\d |WARNING: All log messages|To enable the following instructions")
"""How lines begin that libraries log on their own."""


def _last(words: str) -> str:
    """Return the last that a program printed itself, where it printed anything."""
    lines = [line.strip() for line in words.splitlines() if line.strip() and not LOGGED.match(line)]
    return f"; the last that it printed: {lines[-1][:300]}" if lines else ""
