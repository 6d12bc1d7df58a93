"""Planted faults: a mistake in one side's program, and where it must be found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from parity.errors import ParityError


class StaleFaultError(ParityError):
    """A fault no longer fits the program it was written for."""


@dataclass(frozen=True, kw_only=True)
class PlantedFault:
    """A mistake that people make in ports, as an edit of a compiled program.

    Args:
        name: what is wrong, in words.
        framework: whose program it is planted in.
        network: name of the network, see ``parity.selftest.networks``.
        optimizer: name of the optimizer.
        edits: text of the program to the text in its place; each must stand in it exactly once.
        step: in which it must be found, counted from 1.
        phase: in which it must be found.
        tensor: in which it must be found first.
        replaces: fields of layers that the spec has otherwise, by layer name.
    """

    name: str
    framework: str
    network: str
    optimizer: str
    edits: Mapping[str, str]
    step: int = 1
    phase: str
    tensor: str
    replaces: Mapping[str, Mapping[str, Any]] | None = None

    def planted(self, source: str) -> str:
        """Return the program with the fault in it.

        Args:
            source: of the program as compiled.

        Raises:
            StaleFaultError: when what it edits does not stand in the program exactly once.
        """
        for old, new in self.edits.items():
            if source.count(old) != 1:
                found = "not" if old not in source else f"{source.count(old)} times"
                raise StaleFaultError(
                    f"planted fault {self.name!r} ({self.framework}): {old!r} is {found} in the program"
                )
            source = source.replace(old, new)
        return source
