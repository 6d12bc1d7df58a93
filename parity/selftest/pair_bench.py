"""Runs pairs of programs in lockstep, one after another, in workers that stay."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from parity.compare.judge import Judge
from parity.compile import Program, compile_side
from parity.court.judging import Court, Judged
from parity.court.starting import compare_extras, speak_alike
from parity.data.dataset import Dataset
from parity.run.jobs import Bench, Job
from parity.run.lockstep import Lockstep
from parity.run.session import Scratch, Session
from parity.run.store import Store
from parity.spec.resolve import Resolved


@dataclass(kw_only=True)
class TestBench(Scratch):
    """Workers by framework, and the scratch space of the pairs; a context that cleans up after itself.

    Args:
        logs: folder for what workers print.
        timeout: seconds without a word after which a worker is given up.
    """

    __test__ = False
    """Not a class of tests, whatever pytest thinks of its name."""

    logs: Path
    timeout: float = 120.0
    _sessions: dict[tuple[str, int], Session] = field(default_factory=dict)
    _programs: dict[str, Program] = field(default_factory=dict)
    _count: int = 0

    def session(self, framework: str, number: int) -> Session:
        """Return a framework's worker, started when first asked for; two sides of one framework have one each."""
        key = framework, number
        if key not in self._sessions:
            log = self.logs / f"selftest-{framework}-{number}.log"
            self._sessions[key] = self.kept(Session(framework, log=log, timeout=self.timeout))
        return self._sessions[key]

    def drop(self, framework: str, number: int) -> None:
        """End a worker; whoever asks for it next gets a new one."""
        session = self._sessions.pop((framework, number), None)
        if session is not None:
            session.close()

    def program(self, side: Resolved, formatted: bool = False) -> Program:
        """Return a side's program, compiled once.

        Args:
            side: that is compiled.
            formatted: as :func:`~parity.compile.emit.compile_side` takes it; longer than a few small steps.
        """
        key = f"{formatted} {replace(side, name='')!r}"
        if key not in self._programs:
            self._programs[key] = compile_side(side, name="selftest", formatted=formatted)
        return self._programs[key]

    def judged(
        self,
        sides: Sequence[Resolved],
        data: Dataset,
        steps: int,
        precision: str = "float64",
        programs: Mapping[str, Program] | None = None,
        hold: bool = False,
    ) -> Judged:
        """Run sides in lockstep over their first steps, and judge each against the first.

        Args:
            sides: with names of their own.
            data: to learn from.
            steps: to check, all of them.
            precision: of the lockstep.
            programs: by side, in the place of the compiled ones.
            hold: hold every side against the NumPy reference in every step.

        Raises:
            WorkerError: when a program cannot be run.
        """
        self._count += 1
        root = self.scratch / str(self._count)
        bench = Bench(dataset=data, store=Store(root / "runs"), scratch=root, programs=root, logs=self.logs)
        sessions: dict[str, Session] = {}
        used: dict[str, int] = {}
        openings: dict[str, dict[str, Any]] = {}
        run: dict[str, Program] = {}
        for one in sides:
            sessions[one.name] = self.session(one.framework, used.get(one.framework, 0))
            used[one.framework] = used.get(one.framework, 0) + 1
            program = (programs or {}).get(one.name) or self.program(one)
            run[one.name] = program = replace(program, file_name=f"{one.name}.py")
            openings[one.name] = bench.opening(Job(side=one, program=program, steps=steps, precision=precision))
        speak_alike(openings, sides, run)
        first, *others = sides
        lock = Lockstep(
            sessions=sessions, openings=openings, root=root / "lockstep", seed=first.config.training.seed,
            precision=precision,
        )  # fmt: skip
        judges = [Judge(a=first.name, b=other.name, precision=precision) for other in others]
        for judge in judges:
            compare_extras(judge, run)
        try:
            lock.open()
            return Court(lock=lock, judges=judges, sides={one.name: one for one in sides}, hold=hold).sit(
                range(1, steps + 1), lambda number: None
            )
        except BaseException:
            # Of several that were asked at once, other answers still wait: nobody may take them for his.
            for framework, count in used.items():
                for number in range(count):
                    self.drop(framework, number)
            raise
        finally:
            shutil.rmtree(root, ignore_errors=True)
