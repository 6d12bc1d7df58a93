"""What a finding is made of: a sentence, the differences it is about, and the patch that makes the change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from parity.report import lookup
from parity.result import formats
from parity.result.schema import ClaimFact, DifferenceFact, Explanation, LineFact, Result

Kind = Literal[
    "missing", "own", "sides", "alike", "unsteady", "moved", "cause", "breaks", "repairs", "compensates", "said",
    "shares", "interactions", "undecided", "neither", "harmless", "together", "inert", "untested", "unexplained",
    "method",
]  # fmt: skip


@dataclass(frozen=True)
class Patch:
    """A change of a side, in the three forms in which somebody makes it.

    Args:
        side: the side that is changed.
        changes: what to write under its ``changes``, YAML.
        options: the same for the command line.
        lines: where that stands in its program, and what would stand there.
        by_hand: that program is written by hand: its options say what it is meant to be, and change nothing of it.
    """

    side: str
    changes: str
    options: tuple[str, ...] = ()
    lines: tuple[LineFact, ...] = ()
    by_hand: bool = False

    @property
    def diff(self) -> str:
        """Write the lines of the program as a diff: the first place of each difference.

        Of a program written by hand, its line, and beneath it how parity would write the change.
        """
        written = []
        for line in self.lines:
            written.append(f"@@ {where(line)} @@")
            written += [f" {line.text}"] if self.by_hand and line.text else []
            before = line.compiled if self.by_hand else line.text
            written += [f"-{before}"] if before else []
            written += [f"+{line.instead}"] if line.instead else []
        return "\n".join(written)


@dataclass(frozen=True)
class Item:
    """A difference that a finding is about: the change of config, and what came of it."""

    change: str
    note: str = ""
    patch: Patch | None = None
    code: bool = True

    @property
    def text(self) -> str:
        """Both on one line, the note in brackets."""
        return f"{self.change} ({self.note})" if self.note else self.change


@dataclass(frozen=True)
class Finding:
    """One sentence: a lead, and the differences it is about.

    Args:
        kind: what it is about.
        lead: the sentence, without a full stop where items follow.
        items: the differences.
        patch: of the whole set; where each difference stands for itself, its item has the patch.
    """

    kind: Kind
    lead: str
    items: tuple[Item, ...] = ()
    patch: Patch | None = None

    @property
    def text(self) -> str:
        """The whole sentence on one line."""
        return f"{self.lead}: {'; '.join(item.text for item in self.items)}." if self.items else self.lead

    @property
    def patches(self) -> list[Patch]:
        """Every patch of it: its own, or those of its items."""
        return [patch for patch in (self.patch, *(item.patch for item in self.items)) if patch is not None]


def explanation(result: Result) -> Explanation:
    """Give what was explained.

    Raises:
        ValueError: when nothing was.
    """
    if result.explanation is None:
        raise ValueError("this result has no explanation to word")
    return result.explanation


def find(result: Result, path: str) -> DifferenceFact | None:
    """Find a difference of the explained pair of sides by its path."""
    return next((item for item in lookup.explained(result) if item.path == path), None)


def change(item: DifferenceFact, start: str) -> str:
    """Write a difference as a change, starting from the named side's value."""
    before, after = lookup.values_from(item, start)
    return f"{item.path}: {formats.value(before)} -> {formats.value(after)}"


def where(line: LineFact) -> str:
    """Write a line of a program as an editor reads it.

    >>> where(LineFact(side="keras", file="programs/leaf.py", line=29, text="", instead=""))
    'programs/leaf.py:29'
    """
    return f"{line.file}:{line.line}" if line.file else f"line {line.line}"


def changes(result: Result, paths: Iterable[str], side: str) -> tuple[Item, ...]:
    """Write differences as changes of a side, each with its place in that side's program."""
    return tuple(changed(result, path, side) for path in paths)


def changed(result: Result, path: str, side: str, note: str = "", patch: Patch | None = None) -> Item:
    """Write one difference as a change of a side, with what came of it and its place in that side's program."""
    item = find(result, path)
    if item is None:
        return Item(path, note, patch)
    places = [where(line) for line in item.lines if line.side == side]
    return Item(change(item, side), "; ".join([*([note] if note else []), *places]), patch)


def patch_of(result: Result, claim: ClaimFact) -> Patch | None:
    """Give the patch of a claim; None where no config can have that set alone, or it is not recorded."""
    if not claim.patch:
        return None
    found = [item for path in [*claim.paths, *claim.by] if (item := find(result, path)) is not None]
    lines = tuple(line for item in found for line in item.lines if line.side == claim.side)
    by_hand = any(side.name == claim.side and side.by_hand for side in result.sides)
    return Patch(claim.side, claim.patch, tuple(claim.options), lines, by_hand)
