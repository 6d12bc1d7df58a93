"""Running the self-test: its suites, or a stated sample of them, on this machine and its framework versions."""

from __future__ import annotations

import importlib.metadata
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from parity import __version__
from parity.compare.noise import FACTOR
from parity.errors import UsageError
from parity.prepare.installed import installed_frameworks
from parity.selftest import SUITES
from parity.selftest.clean import Silence, chosen, listen
from parity.selftest.judged_ports import Heard, Own, ProgramsTold, hear, hear_own, owns, programs_told
from parity.selftest.own_programs import Port
from parity.selftest.pair_bench import TestBench
from parity.selftest.planted import FAULTS, Found, find
from parity.selftest.port_bench import PortBench
from parity.selftest.port_table import FAULTY, PORTS, RIGHT

PAIRS, QUICK_PAIRS, QUICK_FAULTS = 200, 8, 9
"""Clean pairs of the whole self-test and of the quick one, and the planted faults of the quick one."""

QUICK_RIGHT, QUICK_FAULTY, QUICK_EVERY = 6, 6, 83
"""Programs of the quick self-test; and of the configs whose compiled programs are brought back every so many: a prime,
so that each of these few has another network, optimizer and compiled side."""

Note = Callable[[str, float], None]
"""Called with (what is under way, share done from 0 to 1)."""


class Model(BaseModel):
    """Base of what the self-test tells."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FaultTold(Model):
    """A planted fault that was not found, or not where it is."""

    fault: str
    framework: str
    expected: str
    found: str


class PlantedTold(Model):
    """The suite of planted faults."""

    planted: int
    detected: int = Field(description="called divergent")
    placed: int = Field(description="found in the right step and phase")
    exact: int = Field(description="found in the right tensor, too")
    not_run: int = Field(description="for lack of a framework")
    misses: list[FaultTold]


class CleanTold(Model):
    """The suite of clean pairs."""

    pairs: int
    silent: int
    identical: int = Field(description="bit for bit the same")
    float64: int = Field(description="pairs in float64 lockstep, the others were in float32")
    alarms: list[str]
    shares: dict[str, dict[str, float]] = Field(
        description="by precision and phase, the largest share of the noise that a difference took"
    )


class SelfTest(Model):
    """What the self-test found."""

    parity_version: str
    versions: dict[str, str]
    quick: bool
    factor: dict[str, float] = Field(description="multiple of the expected rounding difference that is allowed")
    planted: PlantedTold | None = Field(description="None where the suite was left out")
    clean: CleanTold | None
    programs: ProgramsTold | None
    seconds: float
    seconds_of: dict[str, float] = Field(description="by suite; of the programs, those that were compiled apart")

    @property
    def passed(self) -> bool:
        """Return whether every fault was found in step and phase, every clean pair silent, programs judged right."""
        planted, clean, programs = self.planted, self.clean, self.programs
        return (
            (planted is None or planted.placed == planted.planted)
            and (clean is None or clean.silent == clean.pairs)
            and (programs is None or programs.passed)
        )


class Placed(Protocol):
    """What a sample is taken of."""

    @property
    def framework(self) -> str:
        """Return the framework of its program."""

    @property
    def phase(self) -> str:
        """Return the phase of its fault."""


P = TypeVar("P", bound=Placed)


def sample(faults: Sequence[P], count: int) -> list[P]:
    """Return so many faults that phases and frameworks come up evenly; always the same ones."""
    waiting: dict[tuple[str, str], list[P]] = {}
    for fault in faults:
        waiting.setdefault((fault.phase, fault.framework), []).append(fault)
    phases, frameworks = (list(dict.fromkeys(key[part] for key in waiting)) for part in (0, 1))
    found: list[P] = []
    turn = 0
    while len(found) < min(count, len(faults)):
        # Every phase in each turn, with the next framework that has one.
        for index, phase in enumerate(phases):
            begin = (index + turn) % len(frameworks)
            keys = [(phase, name) for name in [*frameworks[begin:], *frameworks[:begin]]]
            found += next(([waiting[key].pop(0)] for key in keys if waiting.get(key)), [])
        turn += 1
    return found[:count]


def against(framework: str, installed: Sequence[str]) -> str:
    """Return the framework of the clean side: another one where there is one."""
    return next((name for name in reversed(installed) if name != framework), framework)


class Watched:
    """Seconds by suite, and how much of everything is done.

    Args:
        note: told what is under way.
        total: number of things to do.
    """

    def __init__(self, note: Note, total: int) -> None:
        self.note, self.total, self.done, self.begun = note, total, 0, time.monotonic()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def suite(self, name: str) -> Iterator[None]:
        """Take the time of a suite."""
        begun = time.monotonic()
        yield
        self.seconds[name] = time.monotonic() - begun

    def begin(self, what: str) -> None:
        """Say what is under way; what was before it is done."""
        self.note(what, self.done / self.total)
        self.done += 1


def selftest(
    *, quick: bool = False, seed: int = 0, only: Iterable[str] = SUITES, note: Note = lambda what, share: None
) -> SelfTest:
    """Plant faults, run clean pairs, and judge programs of one's own.

    Args:
        quick: a sample of each suite.
        seed: of the choice of clean pairs.
        only: suites to run, of ``SUITES``.
        note: told what is under way.

    Raises:
        UsageError: when no framework is installed.
        StaleFaultError: when a planted fault no longer fits the program it was written for.
    """
    installed = installed_frameworks()
    if not installed:
        raise UsageError("no framework is installed; pip install 'parity-harness[all]'")
    usable = [fault for fault in FAULTS if fault.framework in installed] if "planted" in only else []
    faults = sample(usable, QUICK_FAULTS) if quick else usable
    locksteps = chosen(installed, QUICK_PAIRS if quick else PAIRS, seed) if "clean" in only else []
    ports, own = ported(installed, quick) if "programs" in only else ([], [])
    watch = Watched(note, max(len(faults) + len(locksteps) + len(ports) + len(own), 1))
    found: list[Found] = []
    silences: list[Silence] = []
    heard: list[Heard] = []
    owned: list[Heard] = []
    with tempfile.TemporaryDirectory(prefix="parity-selftest-") as logs, TestBench(logs=Path(logs)) as bench:
        lender = PortBench(bench=bench)
        with watch.suite("planted"):
            for fault in faults:
                watch.begin(f"planted: {fault.name} ({fault.framework})")
                found.append(find(bench, fault, against(fault.framework, installed)))
        with watch.suite("clean"):
            for lockstep in locksteps:
                watch.begin(f"clean: {lockstep.network}, {lockstep.optimizer}, {lockstep.precision}")
                silences += listen(bench, lockstep)
        with watch.suite("programs"):
            for port in ports:
                watch.begin(f"program: {port.program}")
                heard.append(hear(lender, port, against(port.framework, installed[::-1])))
        with watch.suite("programs, compiled"):
            for one in own:
                watch.begin(f"compiled and brought back: {one.network}, {one.optimizer}")
                owned += hear_own(lender, one)
    missing = sum(port.framework not in installed for port in PORTS)
    return SelfTest(
        parity_version=__version__,
        versions={name: importlib.metadata.version(name) for name in (*installed, "numpy")},
        quick=quick,
        factor=dict(FACTOR),
        planted=_planted(found, len(FAULTS) - len(usable)) if "planted" in only else None,
        clean=_clean(silences) if "clean" in only else None,
        programs=programs_told(heard, owned, missing) if "programs" in only else None,
        seconds=time.monotonic() - watch.begun,
        seconds_of=watch.seconds,
    )


def ported(installed: Sequence[str], quick: bool) -> tuple[list[Port], list[Own]]:
    """Return the programs to judge: those written by hand, and those to compile and bring back."""
    right, faulty = ([port for port in ports if port.framework in installed] for ports in (RIGHT, FAULTY))
    own = owns(installed)
    if quick:
        return [*sample(right, QUICK_RIGHT), *sample(faulty, QUICK_FAULTY)], own[::QUICK_EVERY]
    return [*right, *faulty], own


def _planted(found: Sequence[Found], not_run: int) -> PlantedTold:
    misses = [
        FaultTold(
            fault=one.fault.name,
            framework=one.fault.framework,
            expected=f"step {one.fault.step}, {one.fault.phase}, {one.fault.tensor}",
            found=f"step {one.step}, {one.phase}, {one.tensor}" if one.step else one.says,
        )
        for one in found
        if not one.exact
    ]
    return PlantedTold(
        planted=len(found),
        detected=sum(one.detected for one in found),
        placed=sum(one.detected and one.placed for one in found),
        exact=sum(one.detected and one.exact for one in found),
        not_run=not_run,
        misses=misses,
    )


def _clean(silences: Sequence[Silence]) -> CleanTold:
    shares: dict[str, dict[str, float]] = {}
    for one in silences:
        known = shares.setdefault(one.clean.precision, {})
        for phase, share in one.shares.items():
            known[phase] = max(known.get(phase, 0.0), share)
    alarms = [
        f"{one.a} and {one.b}, {one.clean.network}, {one.clean.optimizer}, seed {one.clean.seed}, "
        f"{one.clean.precision}: {one.verdict}: {one.says}"
        for one in silences
        if not one.silent
    ]
    return CleanTold(
        pairs=len(silences),
        silent=sum(one.silent for one in silences),
        identical=sum(one.verdict == "identical" for one in silences),
        float64=sum(one.clean.precision == "float64" for one in silences),
        alarms=alarms,
        shares=shares,
    )
