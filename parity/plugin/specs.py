"""Specs that are tests: one item a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


class SpecFile(pytest.File):
    """A spec beside tests."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the one test that it is; the file is read when it runs."""
        yield SpecItem.from_parent(self, name="check")


class SpecItem(pytest.Item):
    """A spec that is checked: its sides against each other, and each against its golden."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.add_marker("parity")

    def runtest(self) -> None:
        """Check the spec."""
        from parity.plugin import LEDGER
        from parity.plugin.checker import Checker

        Checker(item=self, ledger=self.config.stash[LEDGER]).check(self.path)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return where it stands."""
        return self.path, 0, self.nodeid
