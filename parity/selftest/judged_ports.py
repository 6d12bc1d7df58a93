"""The suite of programs: those that are right must stay silent, in the others the fault is found, and its cause named.

Right programs are of two kinds: programs written by hand, and what a config compiles to, saved and brought back as a
program of one's own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from pydantic import Field

from parity.compare.judge import AGREE
from parity.compile import compile_side
from parity.errors import ParityError
from parity.lazy import np
from parity.result.schema import Comparison, Fact, Place
from parity.selftest import networks
from parity.selftest.own_programs import NETWORKS, REFERENCE, Port, spec_of, write_rows
from parity.selftest.port_bench import PortBench

STEPS = 3
"""Steps of each: the state is fresh in the first only, and some faults show in the second."""

TURNS = 7
"""Optimizers that each network comes back with: with all of them it would take hours."""

ENOUGH = 0.9
"""Share of the causes that can be named which must be named."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What came of a program.

    Args:
        port: the program.
        comparison: with what it is meant to be; None where that failed.
        says: why it failed.
    """

    port: Port
    comparison: Comparison | None = None
    says: str = ""

    @property
    def verdict(self) -> str:
        """Return the verdict, ``failed`` where there is none."""
        return self.comparison.verdict if self.comparison else "failed"

    @property
    def ways(self) -> list[list[tuple[str, Any]]]:
        """Return what is named as the cause, path and value of each change; where several do as well, each of them."""
        found: dict[int, list[tuple[str, Any]]] = {}
        for one in getattr(self.comparison, "causes", None) or ():
            found.setdefault(getattr(one, "way", 0), []).append((one.path, one.value))
        return list(found.values())

    @property
    def silent(self) -> bool:
        """Return whether nothing was said against it."""
        return self.verdict in AGREE and not self.ways

    @property
    def detected(self) -> bool:
        """Return whether it is called divergent."""
        return self.verdict == "divergent"

    @property
    def place(self) -> Place | None:
        """Return the first place where a difference is made."""
        return self.comparison.places[0] if self.comparison and self.comparison.places else None

    @property
    def placed(self) -> bool:
        """Return whether the fault is found where it is."""
        at = self.place
        return (
            self.detected
            and at is not None
            and at.step == self.port.step
            and at.tensor in self.port.places.get(at.phase, ())
        )

    @property
    def named(self) -> bool:
        """Return whether the fault's cause is named, alone; others may be named as doing as well."""
        return any(all(_is_cause(self.port, path, value) for path, value in way) for way in self.ways)

    @property
    def misnamed(self) -> bool:
        """Return whether something is called the cause that is not."""
        return bool(self.ways) and not self.named

    def told(self) -> str:
        """Return what was found, in words."""
        if self.comparison is None:
            return self.says
        at = self.place
        where = f" at step {at.step}, {at.phase}, {at.tensor}" if at else f": {self.comparison.reason}"
        why = ", or ".join(" and ".join(f"{path}: {value}" for path, value in way) for way in self.ways)
        return f"{self.verdict}{where}; cause: {why or 'none named'}"


def _is_cause(port: Port, path: str, value: Any) -> bool:
    """Return whether a path and value describe a program's fault."""
    if not any(fnmatchcase(path, pattern) for pattern in port.causes):
        return False
    if port.value is None or value == port.value:
        return True
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (value, port.value))
    return numbers and math.isclose(value, port.value, rel_tol=1e-6)


def hear(bench: PortBench, port: Port, against: str) -> Heard:
    """Judge a program beside what it is meant to be.

    Args:
        bench: with the workers.
        port: the program.
        against: framework of the side that its spec compiles to.
    """
    rows = bench.bench.scratch / f"{port.network}.npz"
    write_rows(NETWORKS[port.network], rows)
    try:
        (comparison,) = bench.judged(port.spec(against, rows), STEPS)
    except Exception as error:  # Whatever a program brings the judge to counts against the judge.
        return Heard(port=port, says=_first_line(error))
    return Heard(port=port, comparison=comparison)


@dataclass(frozen=True, kw_only=True)
class Own:
    """A config whose programs are brought back as programs of one's own, in every framework.

    Args:
        network: a name of ``networks.NETWORKS``.
        optimizer: a name of ``networks.OPTIMIZERS``.
        against: framework of the compiled side.
        frameworks: of the programs that are brought back.
        seed: of weights, data, batches and masks.
    """

    network: str
    optimizer: str
    against: str
    frameworks: tuple[str, ...]
    seed: int


def owns(frameworks: Sequence[str]) -> list[Own]:
    """Return every network with :data:`TURNS` optimizers of its own, so that these come up evenly.

    The first of them have another network and optimizer each.

    Args:
        frameworks: that are installed; each is the compiled side in turn.
    """
    names, rules = list(networks.NETWORKS), list(networks.OPTIMIZERS)
    again = math.lcm(len(names), len(rules))  # So many on, the same two would meet.

    def rule(network: str, seed: int) -> str:
        # Of those that its turns do not come to, where one cannot be.
        turns = (rules[(seed + seed // again + more) % len(rules)] for more in range(0, len(rules), TURNS))
        return next(one for one in turns if networks.stands(tuple(frameworks), network, one))

    return [
        Own(network=network, optimizer=rule(network, seed), seed=seed,
            against=frameworks[seed % len(frameworks)], frameworks=tuple(frameworks))
        for seed, network in enumerate(names * TURNS)
    ]  # fmt: skip


def hear_own(bench: PortBench, own: Own) -> list[Heard]:
    """Bring compiled programs back, and judge each beside the compiled side.

    What fails together is judged one by one, so that one program's failure is not taken for all.

    Args:
        bench: with the workers.
        own: the config.
    """
    network, rule = networks.NETWORKS[own.network], networks.OPTIMIZERS[own.optimizer]
    data, folder = networks.dataset(network, own.seed), bench.bench.scratch
    rows = folder / "own.npz"
    arrays: Any = data.raw
    np.savez(rows, **arrays)
    sides: dict[str, Any] = {REFERENCE: {"framework": own.against}}
    for framework in own.frameworks:
        program = compile_side(networks.side(framework, network, rule, own.seed), name="selftest", formatted=False)
        file = folder / f"{framework}_own.py"
        file.write_text(program.source, encoding="utf-8")
        sides[f"{framework}_own"] = {"framework": framework, "program": str(file)}
    try:
        judged = bench.judged(spec_of(network, rule, rows, sides, own.seed), STEPS)
    except Exception as error:
        if len(own.frameworks) > 1:
            return [one for name in own.frameworks for one in hear_own(bench, replace(own, frameworks=(name,)))]
        return [Heard(port=_own_port(own, own.frameworks[0]), says=_first_line(error))]
    return [
        Heard(port=_own_port(own, framework), comparison=comparison)
        for framework, comparison in zip(own.frameworks, judged, strict=True)
    ]


def _first_line(error: Exception) -> str:
    """Return what went wrong without the worker's last words; of an error of our own, its kind, too."""
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return line if isinstance(error, ParityError) else f"{type(error).__name__}: {line}"


def _own_port(own: Own, framework: str) -> Port:
    return Port(
        program=f"{framework}_own", style=f"compiled, beside {own.against}", network=own.network,
        optimizer=own.optimizer,
    )  # fmt: skip


class FaultyTold(Fact):
    """A faulty program in which the fault was not found, not where it is, or not with its cause."""

    program: str
    fault: str
    expected: str
    found: str


class ProgramsTold(Fact):
    """The suite of programs."""

    right: int = Field(description="programs that are what they are meant to be")
    own: int = Field(description="of these, compiled ones brought back as programs of one's own")
    silent: int = Field(description="right ones against which nothing was said")
    alarms: list[str]
    faulty: int = Field(description="programs with one fault")
    detected: int = Field(description="called divergent")
    placed: int = Field(description="of these, found in the right step, phase and tensor")
    nameable: int = Field(description="faults that a field of an entry or a known habit describes")
    named: int = Field(description="of these, whose cause was named")
    misnamed: int = Field(description="programs, right or faulty, with something called the cause that is not")
    not_run: int = Field(description="for lack of a framework")
    misses: list[FaultyTold]

    @property
    def passed(self) -> bool:
        """Return whether nothing was said against right ones, faults were found, and enough of their causes named."""
        return (
            self.silent == self.right
            and self.placed == self.faulty
            and self.named >= ENOUGH * self.nameable
            and not self.misnamed
        )


def programs_told(heard: Iterable[Heard], owned: Sequence[Heard], not_run: int) -> ProgramsTold:
    """Count what came of the programs.

    Args:
        heard: of those written by hand.
        owned: of compiled ones brought back.
        not_run: how many were not.
    """
    ones = list(heard)
    faulty = [one for one in ones if one.port.fault]
    right = [*owned, *(one for one in ones if not one.port.fault)]
    return ProgramsTold(
        right=len(right),
        own=len(owned),
        silent=sum(one.silent for one in right),
        alarms=[
            f"{one.port.program}, {one.port.network}, {one.port.optimizer} ({one.port.style}): {one.told()}"
            for one in right
            if not one.silent
        ],
        faulty=len(faulty),
        detected=sum(one.detected for one in faulty),
        placed=sum(one.placed for one in faulty),
        nameable=sum(one.port.nameable for one in faulty),
        named=sum(one.port.nameable and one.named for one in faulty),
        misnamed=sum(one.misnamed for one in [*faulty, *right]),
        not_run=not_run,
        misses=[
            FaultyTold(program=one.port.program, fault=one.port.fault, expected=_expected(one.port), found=one.told())
            for one in faulty
            if not one.placed or one.misnamed or (one.port.nameable and not one.named)
        ],
    )


def _expected(port: Port) -> str:
    said = "" if port.value is None else f": {port.value}"
    return f"{port.place}; cause: {' or '.join(port.causes) or 'none'}{said}"
