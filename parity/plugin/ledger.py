"""What a test session knows of its goldens: used, written, moved, left over; in each process, and told between them.

Under xdist workers write goldens into a folder of the controller's and tell it, when they end, which they used. The
controller alone puts them in their places, and decides which are left over.
"""

from __future__ import annotations

import fnmatch
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from parity.plugin.naming import ENDING, FOLDER, short_id

if TYPE_CHECKING:
    from parity.court.lent import Lender

PATTERNS = ("parity_*.yaml", "*.parity.yaml")
"""Names of specs that are tests."""

VERDICT, CAUSE, GOLDEN, NOTE = "parity_verdict", "parity_cause", "parity_golden", "parity_note"
"""Properties of a test: in the report of JUnit, and on their way to the process that prints."""

TOLD = (VERDICT, CAUSE, NOTE)


def is_spec(name: str) -> bool:
    """Return whether a file of that name is a spec that is a test."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in PATTERNS)


@dataclass(frozen=True)
class HeardTest:
    """What was said of a test.

    Args:
        nodeid: of the test.
        outcome: of its call: passed, failed, skipped.
        properties: those of parity's, in order.
        file: of the test, from the root of the tests.
        line: of the test, counted from 1.
    """

    nodeid: str
    outcome: str
    properties: tuple[tuple[str, str], ...]
    file: str
    line: int


@dataclass(kw_only=True)
class Ledger:
    """The count of one process.

    Args:
        update: goldens are written anew.
        steps: that a golden records; None for as many as the command line does.
        given: folder that takes goldens, of a controller; None in a process that writes them itself.
        parts: files of which single tests were asked for.
    """

    update: bool = False
    steps: int | None = None
    given: Path | None = None
    parts: frozenset[str] = frozenset()
    used: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)
    partial: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    lender: Lender | None = None
    broken: set[str] = field(default_factory=set)
    said: dict[str, HeardTest] = field(default_factory=dict)
    _spool: Path | None = None
    _closing: list[Callable[[], None]] = field(default_factory=list)

    @classmethod
    def of(cls, config: pytest.Config) -> Ledger:
        """Return the count of a process that begins."""
        spool = getattr(config, "workerinput", {}).get("parity_spool")
        steps = str(config.getini("parity_steps")).strip()
        if steps and not (steps.isdecimal() and int(steps)):
            raise pytest.UsageError(f"parity_steps = {steps}: expected a number of steps, from 1")
        parts = {str(_absolute(one.partition("::")[0], config)) for one in config.args if "::" in one}
        return cls(
            update=config.getoption("parity_update"), steps=int(steps) if steps else None,
            given=Path(spool) if spool else None, parts=frozenset(parts),
        )  # fmt: skip

    def at_end(self, close: Callable[[], None]) -> None:
        """Do something when the session ends."""
        self._closing.append(close)

    def close(self) -> None:
        """End what was begun for the session."""
        while self._closing:
            self._closing.pop()()
        if self._spool is not None:
            shutil.rmtree(self._spool, ignore_errors=True)

    def spool(self) -> Path:
        """Return the folder that takes the goldens of workers."""
        if self._spool is None:
            self._spool = Path(tempfile.mkdtemp(prefix="parity-goldens-"))
        return self._spool

    def collected(self, items: Iterable[pytest.Item]) -> None:
        """Take note of the tests of each file."""
        for item in items:
            self.files.setdefault(str(item.path), []).append(item.nodeid)

    def deselected(self, items: Iterable[pytest.Item]) -> None:
        """Take note of files of which tests are left out."""
        self.partial |= {str(item.path) for item in items}

    def use(self, golden: Path, nodeid: str) -> None:
        """Take note that a test has a golden."""
        self.used[str(golden)] = nodeid

    def write(self, golden: Path, text: str) -> None:
        """Write a golden: in its place, or where the controller finds it."""
        from parity.atomic import whole

        self.written.append(str(golden))
        if self.given is None:
            with whole(golden) as handle:
                handle.write(text.encode())
            return
        made = Path(tempfile.mkdtemp(dir=self.given))
        (made / "golden").write_text(text, encoding="utf-8")
        (made / "target").write_text(str(golden), encoding="utf-8")

    def told(self) -> str:
        """Return what a worker tells the controller."""
        found = {"used": self.used, "files": self.files, "partial": sorted(self.partial), "broken": sorted(self.broken)}
        return json.dumps(found | {"parts": sorted(self.parts)})

    def heard_of(self, told: str | None) -> None:
        """Take over what a worker tells; of one that tells nothing, everything may have been used."""
        if told is None:
            self.partial |= {str(file) for file in self.files}
            self.broken.add("")
            return
        found: dict[str, Any] = json.loads(told)
        self.used |= found["used"]
        self.files |= found["files"]
        self.partial |= set(found["partial"])
        self.parts |= set(found["parts"])
        self.broken.update(found["broken"])

    def heard(self, report: pytest.TestReport) -> None:
        """Take note of a test's report, in whatever process it was made."""
        if report.when != "call" and not (report.when == "setup" and report.outcome != "passed"):
            return
        found = tuple((name, str(value)) for name, value in report.user_properties if name in (*TOLD, GOLDEN))
        file, line, _ = report.location
        self.said[report.nodeid] = HeardTest(report.nodeid, report.outcome, found, file, (line or 0) + 1)

    def finish(self, whole: bool) -> list[Path]:
        """Put goldens of workers in their places; return those that no test uses, which an update removes.

        Args:
            whole: the session came to its end.
        """
        from parity.atomic import whole as written_whole

        for made in sorted(self._spool.iterdir()) if self._spool else ():
            with suppress(FileNotFoundError):  # A worker was killed as it wrote: its test is run again.
                text = (made / "golden").read_bytes()
                target = Path((made / "target").read_text(encoding="utf-8"))
                with written_whole(target) as handle:
                    handle.write(text)
        left = self._unused() if whole and not self.broken else []
        if self.update:
            for file in left:
                file.unlink(missing_ok=True)
            self.removed = [os.path.relpath(file) for file in left]
            return []
        self.left = [os.path.relpath(file) for file in left]
        return left

    def _unused(self) -> list[Path]:
        """Return the goldens of files that were tested as a whole, and of such as are gone, that no test uses."""
        folders = {Path(file).parent / FOLDER for file in self.files}
        found = []
        for golden in sorted(one for folder in folders for one in folder.glob(f"*/*{ENDING}")):
            if str(golden) in self.used:
                continue
            beside, stem = golden.parent.parent.parent, golden.parent.name
            homes = [file for file in self.files if Path(file).parent == beside and Path(file).stem == stem]
            if not homes:
                if not any((beside / f"{stem}{ending}").exists() for ending in (".py", ".yaml")):
                    found.append(golden)
            elif not any(file in self.partial or file in self.parts for file in homes) and self._free(golden, homes):
                found.append(golden)
        return found

    def _free(self, golden: Path, homes: list[str]) -> bool:
        """Return whether the test of a golden is gone, or passed without it."""
        from parity.goldens.file import belongs_to

        owner = belongs_to(golden)
        tests = [nodeid for file in homes for nodeid in self.files[file] if short_id(nodeid) == owner]
        return all(nodeid in self.said and self.said[nodeid].outcome == "passed" for nodeid in tests)

    def summary(self, github: bool) -> tuple[list[str], list[str]]:
        """Return what the terminal says of goldens, and what GitHub is told.

        Args:
            github: GitHub reads along.
        """
        from parity.report.github import annotation
        from parity.result.formats import count

        heard = [one for one in self.said.values() if one.properties]
        if not heard and not self.left and not self.removed:
            return [], []
        goldens = sum(os.path.exists(one) for one in self.used)  # A test that could not run has written none.
        failed = [one for one in heard if one.outcome == "failed"]
        tests = f"{count(len(heard), 'test')} with parity"
        lines = [f"{tests}, {count(goldens, 'golden')}, {len(failed)} failed"]
        for one in heard:
            told = [
                value for name, value in one.properties if name in (NOTE, *((VERDICT, CAUSE) if one in failed else ()))
            ]
            lines += [f"{one.nodeid}: {value}" for value in told]
        lines += [f"unused: {file}; no test uses it: remove it, or let --parity-update" for file in self.left]
        lines += [f"removed: {file}; no test used it" for file in self.removed]
        told = []
        for one in failed if github else ():
            text = "\n".join(value for name, value in one.properties if name in TOLD)
            told.append(annotation(text, file=one.file, line=one.line))
        told += [annotation("unused golden", file=file) for file in self.left if github]
        return lines, told


class Listener:
    """Hears the reports of one session, in the process that prints.

    Args:
        ledger: that takes note.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of what came of a test."""
        self.ledger.heard(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Take note of what could not be collected."""
        if report.failed:
            self.ledger.broken.add(report.nodeid.partition("::")[0])


def _absolute(argument: str, config: pytest.Config) -> Path:
    path = Path(argument)
    return path if path.is_absolute() else (config.invocation_params.dir / path).resolve()
