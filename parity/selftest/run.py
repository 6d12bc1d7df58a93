"""Running the self-test: both suites, or a stated sample of them, on this machine and its framework versions."""

from __future__ import annotations

import importlib.metadata
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from parity import __version__
from parity.compare.noise import FACTOR
from parity.errors import UsageError
from parity.pipeline.prepare import installed_frameworks
from parity.selftest.bench import TestBench
from parity.selftest.clean import Silence, chosen, listen
from parity.selftest.faults import Fault
from parity.selftest.planted import FAULTS, Found, find

PAIRS, QUICK_PAIRS, QUICK_FAULTS = 200, 8, 9
"""Clean pairs of the whole self-test and of the quick one, and the planted faults of the quick one."""

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
    planted: PlantedTold
    clean: CleanTold
    seconds: float

    @property
    def passed(self) -> bool:
        """Return whether every fault was found in step and phase, and every clean pair was silent."""
        return self.planted.placed == self.planted.planted and self.clean.silent == self.clean.pairs


def sample(faults: Sequence[Fault], count: int) -> list[Fault]:
    """Return so many faults that phases and frameworks come up evenly; always the same ones."""
    waiting: dict[tuple[str, str], list[Fault]] = {}
    for fault in faults:
        waiting.setdefault((fault.phase, fault.framework), []).append(fault)
    phases, frameworks = (list(dict.fromkeys(key[part] for key in waiting)) for part in (0, 1))
    found: list[Fault] = []
    turn = 0
    while len(found) < min(count, len(faults)):
        # Every phase in each turn, with the next framework.
        turns = [(phase, frameworks[(index + turn) % len(frameworks)]) for index, phase in enumerate(phases)]
        found += [waiting[one].pop(0) for one in turns if waiting.get(one)]
        turn += 1
    return found[:count]


def against(framework: str, installed: Sequence[str]) -> str:
    """Return the framework of the clean side: another one where there is one."""
    return next((name for name in reversed(installed) if name != framework), framework)


def selftest(*, quick: bool = False, seed: int = 0, note: Note = lambda what, share: None) -> SelfTest:
    """Plant faults and run clean pairs.

    Args:
        quick: a sample of both suites.
        seed: of the choice of clean pairs.
        note: told what is under way.

    Raises:
        UsageError: when no framework is installed.
        StaleFaultError: when a planted fault no longer fits the program it was written for.
    """
    installed = installed_frameworks()
    if not installed:
        raise UsageError("no framework is installed; pip install 'parity-harness[all]'")
    begun = time.monotonic()
    usable = [fault for fault in FAULTS if fault.framework in installed]
    faults = sample(usable, QUICK_FAULTS) if quick else usable
    locksteps = chosen(installed, QUICK_PAIRS if quick else PAIRS, seed)
    total, done = len(faults) + len(locksteps), 0
    found: list[Found] = []
    silences: list[Silence] = []
    with tempfile.TemporaryDirectory(prefix="parity-selftest-") as logs, TestBench(logs=Path(logs)) as bench:
        for fault in faults:
            note(f"planted: {fault.name} ({fault.framework})", done / total)
            found.append(find(bench, fault, against(fault.framework, installed)))
            done += 1
        for one in locksteps:
            note(f"clean: {one.network}, {one.optimizer}, {one.precision}", done / total)
            silences += listen(bench, one)
            done += 1
    return SelfTest(
        parity_version=__version__,
        versions={name: importlib.metadata.version(name) for name in (*installed, "numpy")},
        quick=quick,
        factor=dict(FACTOR),
        planted=_planted(found, len(FAULTS) - len(usable)),
        clean=_clean(silences),
        seconds=time.monotonic() - begun,
    )


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
