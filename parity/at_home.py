"""What no entry reads of a program, be it a layer or a loss: what it is called, where it stands, what would read it."""

from __future__ import annotations

import re
from typing import ClassVar

from pydantic import Field

from parity.entries import Entry
from parity.frameworks import Hole


def pointed_at(what: str, place: str) -> str:
    """Return a part of a program as a person would point at it.

    Args:
        what: it is.
        place: its line; empty where that is not known.

    >>> pointed_at("Gate", "train.py, line 7")
    'Gate (train.py, line 7)'
    """
    return f"{what} ({place})" if place else what


class OpaquePart(Entry):
    """Base of what runs only in the program that it was read from."""

    at_home: ClassVar[bool] = True
    descriptive: ClassVar[frozenset[str]] = frozenset({"what", "place", "needs"})

    what: str = Field(description="the class, the function or the operation of the program that it is")
    place: str = Field(default="", description="line of the program, where that is known")
    needs: str = Field(default="", description="the entry or field that would read it")

    @property
    def pointed_at(self) -> str:
        """Return it as a person would point at it: what it is, and its line."""
        return pointed_at(self.what, self.place)

    def label(self) -> str:
        return f"{self.kind} {self.pointed_at}"

    @classmethod
    def hole(cls, framework: str) -> Hole | None:
        del framework
        return Hole(why="what is opaque runs only in the program that it was read from")

    @property
    def _name(self) -> str:
        """Return what stands for it in the source by which a program of its own is matched, which nobody runs."""
        return re.sub(r"\W+", "_", self.what).strip("_") or "opaque"
