"""Work with workers that are lent: they stay when a command is done, and the next one is spared their start."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self, cast

from parity.court.work import MOST_RUNS, Work
from parity.run.session import Session
from parity.spec.resolve import Resolved

Place = tuple[str, str]
"""What a worker stays with: a framework, and all that a side says of its interpreter."""


class LentSession:
    """A worker lent to one command: given back where it is closed, ended where its answer is still to come.

    Args:
        session: the worker.
        side: name of the side that it is lent to, for errors.
        back: is told whether it may be lent again.
    """

    def __init__(self, session: Session, side: str, back: Callable[[bool], None]) -> None:
        self._session, self._back, self._asking, self._closed = session, back, False, False
        session.side = side

    def __enter__(self) -> Self:
        """Return the worker."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        self.close()

    @property
    def pid(self) -> int | None:
        """Return the worker's process id."""
        return self._session.pid

    def start(self, command: str, **payload: Any) -> None:
        """Send a command without waiting for its answer."""
        self._asking = True
        self._session.start(command, **payload)

    def finish(self, on_event: Callable[[dict[str, Any]], None] | None = None) -> Any:
        """Wait for the answer; one that is an error leaves the worker in no known state."""
        found = self._session.finish(on_event)
        self._asking = False
        return found

    def ask(self, command: str, on_event: Callable[[dict[str, Any]], None] | None = None, **payload: Any) -> Any:
        """Send a command and wait for its answer."""
        self.start(command, **payload)
        return self.finish(on_event)

    def close(self) -> None:
        """Give the worker back."""
        if not self._closed:
            self._closed = True
            self._back(not self._asking)


@dataclass(kw_only=True)
class Lender:
    """Keeps workers as long as it is open, each lent to one command at a time.

    Args:
        logs: folder of what they print.
    """

    logs: Path
    _idle: dict[Place, list[tuple[Session, int]]] = field(default_factory=dict)
    _all: list[Session] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def session(self, side: Resolved, timeout: float) -> Session:
        """Return a worker for a side, one that is idle or a new one.

        What has run a program written by hand is not lent again: what that leaves in its process is not known.

        Raises:
            WorkerError: when its interpreter does not start.
        """
        place = (side.framework, str(side.python))
        with self._lock:
            idle = self._idle.get(place, [])
            found, runs = idle.pop() if idle else (None, 0)
            number = len(self._all)
        if found is None:
            log = self.logs / f"{side.framework}-{number}.log"
            found = Session(side.name, side.python, log, timeout)
            with self._lock:
                self._all.append(found)
        made = found

        def back(whole: bool) -> None:
            if whole and side.program is None and runs + 1 < MOST_RUNS:
                with self._lock:
                    self._idle.setdefault(place, []).append((made, runs + 1))
            else:
                made.close()

        return cast(Session, LentSession(found, side.name, back))

    def close(self) -> None:
        """End all workers."""
        for session in self._all:
            session.close()
        self._idle.clear()
        self._all.clear()


@dataclass(kw_only=True)
class LentWork(Work):
    """Work whose workers come from a lender; nobody reads its programs.

    Args:
        lender: of the workers.
    """

    lender: Lender
    shows_programs: ClassVar[bool] = False

    def session(self, side: Resolved, log: str) -> Session:
        """Return a worker for a side, which goes back with this context at the latest."""
        del log
        return self.kept(self.lender.session(side, self.options.timeout))
