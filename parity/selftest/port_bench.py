"""Judges programs of one's own as a command does, in the workers of the other suites."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from parity.court.work import Work
from parity.errors import WorkerError
from parity.prepare.options import Options
from parity.result.filling import comparison_facts
from parity.result.schema import Comparison
from parity.run.session import Session
from parity.selftest.pair_bench import TestBench
from parity.spec.resolve import Resolved, resolve
from parity.spec.sections import Spec

MOST_LOANS = 400
"""Times a worker is lent before a new one takes its place: what a framework keeps of every program adds up."""


class Loan(Session):
    """A worker that goes back to whoever lent it when it is closed.

    Args:
        lent: the worker; the loan is the same session under another ``close``.
        side: that it works for.
        back: is told that it is free again, and whether it still lives.
    """

    def __init__(self, lent: Session, side: str, back: Callable[[bool], None]) -> None:
        vars(self).update(vars(lent), side=side)
        self._back, self._lives = back, True

    def close(self) -> None:
        """Give it back; again, does nothing."""
        back, self._back = self._back, lambda lives: None
        back(self._lives)

    def _died(self, what: str) -> WorkerError:
        self._lives = False
        return super()._died(what)


@dataclass(kw_only=True)
class PortWork(Work):
    """What one command works with, its workers lent.

    Args:
        lend: returns a worker for a side.
    """

    lend: Callable[[Resolved], Session]
    shows_programs: ClassVar[bool] = False

    def session(self, side: Resolved, log: str) -> Session:
        """Return a lent worker; it goes back with this context at the latest."""
        return self.kept(self.lend(side))


@dataclass(kw_only=True)
class PortBench:
    """Lends the workers of a test bench to one comparison after another.

    Args:
        bench: with the workers.
    """

    bench: TestBench
    _out: set[tuple[str, int]] = field(default_factory=set)
    _used: set[tuple[str, int]] = field(default_factory=set)
    _loans: dict[Session, int] = field(default_factory=dict)

    def lend(self, side: Resolved) -> Session:
        """Return a worker for a side, started where none of its framework is free."""
        place = next(one for number in itertools.count() if (one := (side.framework, number)) not in self._out)
        session = self.bench.session(*place)
        self._loans[session] = self._loans.get(session, 0) + 1
        self._out.add(place)
        self._used.add(place)

        def back(lives: bool) -> None:
            self._out.discard(place)
            if not lives or self._loans[session] >= MOST_LOANS:
                self.bench.drop(*place)

        return Loan(session, side.name, back)

    def judged(self, spec: Spec, steps: int) -> list[Comparison]:
        """Return how each side of a spec stands to the first, as ``parity check`` tells it.

        Args:
            spec: with the sides.
            steps: of the lockstep, all of them checked.

        Raises:
            ParityError: when a side cannot be matched or run.
        """
        sides, self._used = resolve(spec), set()
        options = Options(check_steps="all", explain=False, timeout=self.bench.timeout)
        try:
            with (
                TemporaryDirectory(dir=self.bench.scratch) as folder,
                PortWork(spec=spec, sides=sides, options=options, folder=Path(folder), lend=self.lend) as work,
            ):
                return comparison_facts(work.judged(sides, steps, "float64", _unheard))
        except BaseException:
            # Of two that were asked at once, the second one's answer still waits: nobody may take it for another.
            for place in self._used:
                self.bench.drop(*place)
            raise


def _unheard(*told: Any) -> None:
    """Take note of nothing."""
