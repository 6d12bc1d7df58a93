"""Faults a user can mend: where, what is wrong, what was expected, how to fix it.

Every fault of a spec is collected before any is raised, so that one look is enough.
Nothing here is ever shown with a traceback: the command line prints ``str(error)`` and
exits with ``error.exit_code``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

LONGEST_LINE = 1000
"""Letters of a line of a message; the middle of a longer one is left out."""

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069\ufeff]")
"""What a terminal obeys in the place of showing it, what turns a line around, and what no file can hold."""


def printable(text: str) -> str:
    r"""Return text that any terminal shows as it is, and any file can hold.

    >>> print(printable("\x1b[31mred\ud800"))
    \x1b[31mred\ud800
    """
    return _OBEYED.sub(lambda found: ascii(found[0])[1:-1], text)


def shortened(text: str, most: int = LONGEST_LINE) -> str:
    """Return text of at most about so many letters, with how many were left out in the middle."""
    if len(text) <= most:
        return text
    left = len(text) - most
    return f"{text[: most - most // 4]}... ({left} letters left out) ...{text[len(text) - most // 4 :]}"


def controlled(text: str) -> str | None:
    """Return the first character of a text that :func:`printable` would change, None where there is none."""
    found = _OBEYED.search(text)
    return found[0] if found else None


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
    """Something the user can act on; printed without a traceback.

    Args:
        message: what is wrong and how to mend it; what a terminal would obey in it is spelled out, and a line that
            nobody would read is cut.
    """

    exit_code = 2

    def __init__(self, message: str = "") -> None:
        super().__init__("\n".join(shortened(line) for line in printable(message).split("\n")))


class SpecError(ParityError):
    """A spec that cannot be used, with all of its faults, in the order of their lines.

    Args:
        faults: everything that was found wrong.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.line is None, fault.line or 0)))
        super().__init__("\n".join(" ".join(str(fault).split("\n")) for fault in self.faults))


class DataError(ParityError):
    """Data that is missing or does not fit the model; says how to get it or what to change."""


class UsageError(ParityError):
    """Options that cannot be followed; says which and what would be right."""


class WorkerError(ParityError):
    """A side's worker process died, hung or failed; what the other sides finished is kept.

    Args:
        side: name of the side.
        what: what happened, in one sentence.
        words: what the worker printed, of which the last line is told.
        log: file that has all of it, None where there is none.
        machine: it is the machine's fault (a full disk, no memory), not the program's.

    ``what`` has what happened alone; ``silent`` says whether it is that the worker said nothing for too long.
    """

    exit_code = 3

    def __init__(self, side: str, what: str, words: str = "", log: str | None = None, machine: bool = False) -> None:
        self.side, self.silent = side, False
        self.what = shortened(" ".join(what.split()), 500)
        if machine:
            self.exit_code = MACHINE
        lines = [line.strip() for line in words.splitlines() if line.strip()]
        last = f"; the last that it printed: {shortened(lines[-1], 300)}" if lines else ""
        self.brief = f"side {side}: {self.what}{last}"
        super().__init__(self.brief + (f"; more in {log}" if log else ""))


MACHINE = 4
"""Exit code where it is the machine's fault, or our own."""


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """Return the choice that ``name`` is a misspelling of, or None.

    Case, ``_`` and ``-`` do not count; of short names one letter may be wrong, missing, too much or in its neighbour's
    place, of long ones three. What is further away is another name, and not suggested.

    Args:
        name: what the user wrote.
        choices: the valid names.
    """
    names = {re.sub(r"[_\-\s]", "", choice.lower()) or choice: choice for choice in reversed(list(choices))}
    wanted = re.sub(r"[_\-\s]", "", name.lower())
    if wanted in names:
        return names[wanted]
    if len(wanted) <= LONGEST_LINE:
        near = sorted((_apart(wanted, one), one) for one in names if abs(len(one) - len(wanted)) <= 3)
        if near and near[0][0] <= _may_be_wrong(max(len(wanted), len(near[0][1]))):
            return names[near[0][1]]
    # Initials, as people write them: lr, bs.
    initials = [
        one for one in names.values() if "_" in one and "".join(w[:1] for w in one.lower().split("_")) == wanted
    ]
    return initials[0] if initials else None


def _may_be_wrong(length: int) -> int:
    return (0 if length < 3 else 1) if length < 6 else 2 if length < 10 else 3


def _apart(a: str, b: str) -> int:
    """Return how many letters to change, put in, take out or exchange with the next make one name the other."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, other in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]


def did_you_mean(name: str, choices: Sequence[str]) -> str:
    """Return ``did you mean 'x'?`` for the nearest choice, or an empty string."""
    found = nearest(name, choices)
    return f"did you mean {found!r}?" if found else ""


def listed_near(name: str, choices: Collection[str]) -> str:
    """Return the choices as :func:`listed` has them, and behind them the nearest to a name, where one is near.

    >>> listed_near("kears", ["keras", "torch"]), listed_near("other", ["keras", "torch"])
    ("one of keras, torch; did you mean 'keras'?", 'one of keras, torch')
    """
    near = did_you_mean(name, list(choices))
    return f"{listed(choices)}; {near}" if near else listed(choices)


def listed(choices: Iterable[str], most: int = 12) -> str:
    """Return ``one of a, b, c`` with at most ``most`` names; ``nothing`` when there are none."""
    names = sorted(choices)
    if not names:
        return "nothing"
    shown = ", ".join(names[:most])
    return f"one of {shown}" + (f" (and {len(names) - most} more)" if len(names) > most else "")
