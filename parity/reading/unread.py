"""What is not read: said, never guessed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from parity.errors import ParityError
from parity.run.told import ToldNode


@dataclass(frozen=True, kw_only=True)
class Unread:
    """One thing that no entry reads.

    Args:
        what: it is, with its name: ``layer 'lambda' (keras.layers.Lambda)``.
        place: line of the program; empty where that is not known.
        needs: which entry or field would be needed.
    """

    what: str
    place: str = ""
    needs: str = ""

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        needs = f"; it needs {self.needs}" if self.needs else ""
        return f"{place}{self.what} is not read{needs}"


def named(node: ToldNode) -> str:
    """Return a call as a person would point at it."""
    return node.part if node.function else f"layer {node.name!r} ({node.part})"


class NoEntryError(Exception):
    """No entry is a part; carries what would be needed."""


class UnreadProgramError(ParityError):
    """A program that cannot be read, a line for each thing that stands in the way.

    Args:
        unread: these.
    """

    def __init__(self, unread: Iterable[Unread]) -> None:
        self.unread = tuple(unread)
        super().__init__("\n".join(dict.fromkeys(map(str, self.unread))))
