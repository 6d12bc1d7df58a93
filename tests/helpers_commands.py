"""Commands in this process, with workers that stay from one to the next: starting both takes longest."""

from __future__ import annotations

import itertools
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers_forked import forked_defaults, interpreter, shared_servers
from helpers_frameworks import APART, shared_bench

from parity.cli import main
from parity.court.work import Work
from parity.reading import asking
from parity.run.session import Session
from parity.selftest.pair_bench import TestBench
from parity.spec.resolve import Resolved

LIMITED = 10
"""Number of the first worker that has one thread."""


START = Work.session


class Lent:
    """A worker lent to a command: ended where it is closed while it is at work, given back else.

    Args:
        session: the worker.
        back: is told whether it may be lent again.
    """

    def __init__(self, session: Session, back: Callable[[bool], None]) -> None:
        self._session, self._back, self._asking, self._closed = session, back, False, False

    def start(self, command: str, **payload: Any) -> None:
        """Send a command."""
        self._asking = True
        self._session.start(command, **payload)

    def finish(self, on_event: Any = None) -> Any:
        """Wait for the answer."""
        found = self._session.finish(on_event)
        self._asking = False
        return found

    def ask(self, command: str, on_event: Any = None, **payload: Any) -> Any:
        """Send a command and wait for its answer."""
        self.start(command, **payload)
        return self.finish(on_event)

    def __enter__(self) -> Lent:
        """Return the worker."""
        return self

    def __exit__(self, *error: object) -> None:
        """Give it back."""
        self.close()

    def close(self) -> None:
        """Give the worker back, or end it where its answer is still to come or was an error."""
        if not self._closed:
            self._closed = True
            self._back(not self._asking)


class Lender:
    """Lends the workers of a bench, each to one at a time.

    Args:
        bench: with the workers.
    """

    def __init__(self, bench: TestBench) -> None:
        self.bench = bench
        self._out: set[tuple[str, int]] = set()
        self._lock = threading.Lock()  # A command starts the workers of its sides at once.

    def session(self, work: Work, side: Resolved, log: str) -> Lent:
        """Stand in for ``Work.session``; a side with an interpreter of its own has a worker of its own."""
        if side.python is not None:
            return START(work, side, log)  # type: ignore[return-value]
        # Counterfactual runs have one thread each, to which a worker is limited for good, and before its first step.
        begin = LIMITED if log.startswith("explain-") else 0
        with self._lock:
            numbers = (number for number in itertools.count(begin) if number != APART)
            place = next(one for number in numbers if (one := (side.framework, number)) not in self._out)
            self._out.add(place)
            session = self.bench.session(*place)

        def back(again: bool) -> None:
            with self._lock:
                if not again:
                    self.bench.drop(*place)
                self._out.discard(place)

        return work.kept(Lent(session, back))  # type: ignore[type-var, return-value, arg-type]


IMPORTS = re.compile(r"^\s*(?:import|from)\s+(torch|keras|tensorflow)\b|(KERAS_BACKEND)", re.MULTILINE)


def importing(program: str) -> str:
    """Return an interpreter that has imported the one framework that a script imports; a plain one for any other.

    Args:
        program: as a user types it.
    """
    file = Path(program.split()[0])
    text = file.read_text(errors="replace") if file.suffix == ".py" and file.is_file() else ""
    if 'os.environ["KERAS_BACKEND"] = "torch"' in text:
        return interpreter("keras_torch")
    found = set(IMPORTS.findall(text))
    named = {framework or other for framework, other in found}
    if named == {"torch"}:
        return interpreter("torch")
    return interpreter("keras") if named and named <= {"keras", "tensorflow"} else sys.executable


@contextmanager
def lender(bench: TestBench | None = None, fresh: bool = False) -> Iterator[Lender]:
    """Lend workers to every command in this process, whose programs nobody reads.

    Args:
        bench: with the workers; that of this process if None.
        fresh: run a program that is read in an interpreter that has imported nothing, as a user's has.
    """
    made = Lender(bench or shared_bench())
    with pytest.MonkeyPatch.context() as patch:

        def asked(program: str, python: str | None, timeout: float) -> Session:
            return Session(program, python if fresh else python or importing(program), timeout=timeout)

        patch.setattr(asking, "Session", asked)
        forked_defaults(patch)
        shared_servers(patch)
        patch.setattr(Work, "session", lambda work, side, log: made.session(work, side, log))
        patch.setattr(Work, "shows_programs", False)
        yield made


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came of a command: its exit code, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


def command(*arguments: str | Path, cwd: Path, **env: str) -> Done:
    """Run a command in this process.

    Args:
        arguments: as a user types them.
        cwd: folder to run it in.
        env: of its environment.
    """
    with chdir(cwd), lender():
        done = CliRunner(env={"COLUMNS": "100", **env}).invoke(main, [str(one) for one in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(returncode=done.exit_code, stdout=done.stdout, stderr=done.stderr)
