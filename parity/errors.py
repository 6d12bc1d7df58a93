"""Faults a user can mend: where, what is wrong, what was expected, how to fix it.

Every fault of a spec is collected before any is raised, so that one look is enough.
Nothing here is ever shown with a traceback: the command line prints ``str(error)`` and
exits with ``error.exit_code``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong in a spec.

    Args:
        path: where in the spec, as the user would write it (``model.layers[2].dense.units``).
        got: what is wrong, as a clause: ``got 'ten'``, ``no layer matches 'conv2d'``.
        expected: what would have been right, with the choices where there are few; empty where ``got`` says it.
        fix: how to mend it, often the nearest valid name.
        line: line in the file, counted from 1; None for a spec built in Python.
        file: the file, None for a spec built in Python.
    """

    path: str
    got: str
    expected: str = ""
    fix: str = ""
    line: int | None = None
    file: str | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        head = f"{place}: {self.path}" if place else self.path
        expected = f"expected {self.expected}" if self.expected else ""
        return f"{head}: {'; '.join(part for part in (self.got, expected, self.fix) if part)}"


class ParityError(Exception):
    """Something the user can act on; printed without a traceback."""

    exit_code = 2


class SpecError(ParityError):
    """A spec that cannot be used, with all of its faults, in the order of their lines.

    Args:
        faults: everything that was found wrong.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.line is None, fault.line or 0)))
        super().__init__("\n".join(str(fault) for fault in self.faults))


class DataError(ParityError):
    """Data that is missing or does not fit the model; says how to get it or what to change."""


class UsageError(ParityError):
    """Options that cannot be followed; says which and what would be right."""


class WorkerError(ParityError):
    """A side's worker process died, hung or failed; what the other sides finished is kept.

    Args:
        side: name of the side.
        what: what happened, in one sentence.
        log: the last lines the worker wrote, if any.
    """

    exit_code = 3

    def __init__(self, side: str, what: str, log: str = "") -> None:
        self.side = side
        tail = f"\n  its last words:\n{_indented(log)}" if log.strip() else ""
        super().__init__(f"side {side}: {what}{tail}")


def _indented(text: str, lines: int = 12) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-lines:])


def nearest(name: str, choices: Iterable[str], cutoff: float = 0.5) -> str | None:
    """Return the choice most like ``name`` in any case of letters, or None when nothing is near.

    Args:
        name: what the user wrote.
        choices: the valid names.
        cutoff: similarity from 0 to 1 below which nothing is suggested.
    """
    names = {choice.lower(): choice for choice in choices}
    found = difflib.get_close_matches(name.lower(), list(names), n=1, cutoff=cutoff)
    if not found:  # Initials, as people write them: lr, bs.
        found = [one for one in names if "_" in one and "".join(word[:1] for word in one.split("_")) == name.lower()]
    return names[found[0]] if found else None


def did_you_mean(name: str, choices: Sequence[str]) -> str:
    """Return ``did you mean 'x'?`` for the nearest choice, or an empty string."""
    found = nearest(name, choices)
    return f"did you mean {found!r}?" if found else ""


def listed(choices: Iterable[str], most: int = 12) -> str:
    """Return ``one of a, b, c`` with at most ``most`` names; ``nothing`` when there are none."""
    names = sorted(choices)
    if not names:
        return "nothing"
    shown = ", ".join(names[:most])
    return f"one of {shown}" + (f" (and {len(names) - most} more)" if len(names) > most else "")
