"""The verbs ``across`` and ``bisect``: one program under several versions of a package."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from parity import __version__
from parity.atomic import whole
from parity.commands.check import check
from parity.commands.run import run
from parity.court.work import Note
from parity.environments.building import UnmadeError
from parity.environments.releases import from_to, releases
from parity.environments.wanted import Environment, normal, what_is_in
from parity.errors import ParityError, UsageError, listed_near
from parity.explain.outcome import Outcome, parse_outcome
from parity.frameworks import frameworks
from parity.prepare.installed import installed_frameworks, installed_versions
from parity.prepare.options import Options, prepare
from parity.spec.resolve import Resolved
from parity.spec.sections import EXACT_VERSION, SideSpec, Spec
from parity.upgrades.between import Across, Between, Bisected, OutcomeAt, VersionRow, between
from parity.upgrades.halving import first_changed

KEPT = "versions"
"""Folder, among a spec's reports, of what was found of pairs of versions: an interrupted command goes on from it."""


LAST_LOSS = "loss"
"""Outcome that every training has: the loss of its last step."""


@dataclass(kw_only=True)
class Upgrade:
    """One program under several versions of a package.

    Args:
        spec: what is trained.
        options: of the command; of ``sides``, the first is the program.
        package: whose versions.
        text: the spec as it was written.
        file: it came from.
        folder: of the reports.
        command: that repeats this.
        note: told what is under way.
    """

    spec: Spec
    options: Options
    package: str
    text: str
    file: str | None
    folder: Path
    command: str
    note: Note
    checks: int = field(default=0, init=False)

    @cached_property
    def side(self) -> SideSpec:
        """Return the side whose program it is: that is named, or the first whose framework has the package.

        Raises:
            UsageError: when no framework has the package.
        """
        having = [name for name, one in frameworks().items() if normal(self.package) in map(normal, one.packages)]
        if not having:
            every = sorted({normal(name) for one in frameworks().values() for name in one.packages})
            raise UsageError(f"--package {self.package}: no framework has it; {listed_near(self.package, every)}")
        sides = self.spec.sides
        for name in self.options.sides:
            if name not in sides:
                raise UsageError(f"--side {name!r}: no such side; {listed_near(name, sides)}")
        chosen = [sides[name] for name in self.options.sides or sides]
        found = next((one for one in chosen if one.framework in having), None)
        if found is None and self.options.sides:
            raise UsageError(f"--side {self.options.sides[0]}: {chosen[0].framework} does not run on {self.package}")
        if found is None:  # The config of the first side, in the framework that the package is the first of.
            own = [name for name in having if normal(frameworks()[name].packages[0]) == normal(self.package)]
            known = [name for name in own if name in installed_frameworks()] or own or having
            found = (chosen[0] if chosen else SideSpec(framework=known[0])).model_copy(update={"framework": known[0]})
        return found

    def environment(self, version: str) -> Environment:
        """Return the environment of a version."""
        return Environment.of(self.side.framework, self._packages(version), self.side.python)

    def _packages(self, version: str) -> dict[str, str]:
        return {normal(name): one for name, one in self.side.packages.items()} | {normal(self.package): version}

    def sides(self, *versions: str) -> Spec:
        """Return the spec with a side for each version; what nobody says is each version's own."""
        made = {
            one: self.side.model_copy(update={"packages": self._packages(one), "defaults": "native"})
            for one in versions
        }
        return self.spec.model_copy(update={"sides": made})

    @property
    def _options(self) -> Options:
        return replace(self.options, sides=(), explain=False)

    def between(self, before: Sequence[str], after: str) -> list[Between]:
        """Return what lies between each of some versions and a later one, in one check; what is stored is not made.

        Args:
            before: the older ones.
            after: the newer one, which every other one is held against.

        Raises:
            ParityError: when the spec or the options are at fault.
        """
        try:
            resolved = {one.name: one for one in prepare(self.sides(after, *before), self._options)}
        except UnmadeError as error:
            return [failed(one, after, str(error), 0.0) for one in before]
        keys = {one: self._key(resolved[one], resolved[after]) for one in before}
        found = {one: kept for one in before if (kept := self._kept(keys[one])) is not None}
        missing = [one for one in before if one not in found]
        if missing:
            begun, self.checks = time.monotonic(), self.checks + 1
            try:
                result = check(
                    self.sides(after, *missing), self._options, text=self.text, file=self.file, folder=self.folder,
                    command=self.command, note=self.note,
                )  # fmt: skip
            except ParityError as error:
                if error.exit_code == 2:
                    raise
                seconds = round(time.monotonic() - begun, 1)
                return [found.get(one) or failed(one, after, str(error), seconds) for one in before]
            seconds = time.monotonic() - begun
            for one in missing:
                found[one] = between(result, resolved[one], resolved[after], seconds)
                if not found[one].error:
                    self._keep(keys[one], found[one])
        return [found[one] for one in before]

    def _key(self, before: Resolved, after: Resolved) -> str:
        """Return the hash of all that decides what lies between two versions."""
        told = replace(self._options, out=None, timeout=0.0)
        decides = [__version__, self.spec.model_dump_json(), self.side.model_dump_json(), repr(told)]
        decides += [f"{one.name} {sorted(installed_versions(one).items())}" for one in (before, after)]
        return hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:20]

    def _kept(self, key: str) -> Between | None:
        try:
            return Between.model_validate_json((self.folder / KEPT / f"{key}.json").read_text(encoding="utf-8"))
        except (OSError, ValidationError):
            return None

    def _keep(self, key: str, found: Between) -> None:
        with whole(self.folder / KEPT / f"{key}.json") as file:
            file.write(found.model_dump_json(indent=1).encode())

    def notes(self, version: str) -> list[str]:
        """Return what the index said of a version when its environment was made."""
        return [str(one) for one in what_is_in(self.environment(version).folder).get("yanked", ())]

    def across(self, versions: Sequence[str]) -> Across:
        """Hold each version against the one before it and against the first.

        Args:
            versions: in the order of the table.

        Raises:
            ParityError: when the spec or the options are at fault.
        """
        if len(set(versions)) != len(versions) or len(versions) < 2:
            raise UsageError(f"--versions {','.join(versions)}: expected two or more versions, each of them once")
        prepare(self.sides(*versions), self._options)  # A version there is not, or no network, is told before anything.
        rows: list[VersionRow] = []
        for number, version in enumerate(versions):
            self.note(f"{self.package} {version}", number / len(versions))
            older = list(dict.fromkeys([versions[number - 1], versions[0]])) if number else []
            found = {one.before: one for one in self.between(older, version)} if older else {}
            before, first = (found[older[0]], found[versions[0]]) if older else (None, None)
            row = VersionRow(version=version, packages=self._installed(version), notes=self.notes(version))
            rows.append(row.model_copy(update={"against_before": before, "against_first": first}))
        return Across(spec=self.spec.name, framework=self.side.framework, package=self.package, rows=rows)

    def _installed(self, version: str) -> dict[str, str]:
        (side,) = prepare(self.sides(version), self._options)
        return installed_versions(side)

    def bisect(self, good: str, bad: str, outcome: str | None) -> Bisected:
        """Find the first release that differs from a good one.

        Args:
            good: the release to hold others against.
            bad: a later one.
            outcome: what is held against the good release's; the verdict if None.

        Raises:
            ParityError: when the spec or the options are at fault, or the index cannot be asked.
        """
        begun = time.monotonic()
        listed_ = releases(self.side.framework, self.package, self.environment(good).base)
        every = from_to(listed_, good, bad, self.package)
        prepare(self.sides(good, bad), self._options)  # Of releases between them one may not be had; these are needed.
        tried: list[Between] = []
        outcomes: dict[str, OutcomeAt] = {}
        measured = self._outcome(outcome, good) if outcome else None

        def same(version: str) -> bool | None:
            self.note(f"{self.package} {version} against {good}", 0.0)
            if measured is not None:
                for one in (good, bad, version):
                    if one not in outcomes:
                        outcomes[one] = self._trained(one, measured)
                return as_good(measured, *(outcomes[one].value for one in (good, bad, version)))
            (found,) = self.between([good], version)
            tried.append(found)
            return found.agree

        halved = first_changed(every, same)
        change = None
        if halved.first is not None and halved.last is not None:
            (change,) = self.between([halved.last], halved.first)
        looked = [*halved.tried, *filter(None, (halved.last,))]
        return Bisected(
            spec=self.spec.name, framework=self.side.framework, package=self.package, good=good, bad=bad,
            outcome=measured.text if measured else "", level=measured is not None and measured.level is not None,
            releases=every, first=halved.first, last=halved.last,
            skipped=halved.skipped, change=change, tried=tried, outcomes=list(outcomes.values()), checks=self.checks,
            notes=[note for one in dict.fromkeys(looked) for note in self.notes(one)],
            seconds=round(time.monotonic() - begun, 1),
        )  # fmt: skip

    def _outcome(self, text: str, version: str) -> Outcome:
        (side,) = prepare(self.sides(version), self._options)
        measured = {one.name: one.metric.better for one in side.metrics()}
        found = parse_outcome(text, {LAST_LOSS: "lower", **measured})
        if found.kind == "steps":
            raise UsageError(
                f"--outcome {text!r}: expected what a training ends at: a metric, loss, or accuracy >= 0.8"
            )
        return found

    def _trained(self, version: str, outcome: Outcome) -> OutcomeAt:
        """Train a version's program on its own, and return what it ends at; runs that are stored are not made again."""
        self.checks += 1
        try:
            result = run(
                self.sides(version), replace(self._options, trace=False), text=self.text, file=self.file,
                folder=self.folder, command=self.command, note=self.note,
            )  # fmt: skip
        except ParityError as error:
            if error.exit_code == 2:
                raise
            return OutcomeAt(version=version, value=None, error=str(error))
        (side,) = result.sides
        last = {LAST_LOSS: side.losses[-1]} if side.losses else {}
        value = {**last, **side.metrics}.get(outcome.metric)
        if value is not None and outcome.level is not None:
            value = float(outcome.reached(value))
        return OutcomeAt(version=version, value=value, error=side.error or "")


def as_good(outcome: Outcome, good: float | None, bad: float | None, value: float | None) -> bool | None:
    """Return whether a value is nearer to the good release's than to the bad one's; None where that cannot be told.

    Args:
        outcome: whose values they are.
        good: of the good release.
        bad: of the bad one.
        value: of the one that is judged.
    """
    if good is None or bad is None or value is None:
        return None
    if good == bad:
        return True
    near, far = (abs(outcome.score(value) - outcome.score(one)) for one in (good, bad))
    return near < far


def failed(before: str, after: str, why: str, seconds: float) -> Between:
    """Return that two versions could not be held against each other."""
    return Between(before=before, after=after, verdict="inconclusive", reason=why, error=why, seconds=seconds)


def parse_versions(text: str) -> list[str]:
    """Return the versions of a list with commas.

    Raises:
        UsageError: when one is no exact version.
    """
    found = [part.strip() for part in text.split(",") if part.strip()]
    for one in found:
        if not re.match(EXACT_VERSION, one):
            raise UsageError(f"--versions {one}: expected exact versions, such as 3.12.0,3.13.2")
    return found
