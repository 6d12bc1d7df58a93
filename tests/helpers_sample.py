"""What ``make test`` leaves to ``make long``: a stated sample of each test is taken.

Which one is a number, :data:`TURN`: 0, or what ``PARITY_TURN`` says, so that one who changes an entry is not told of a
case that nobody has run for weeks. Only whole questions turn with the commit. A run says both numbers at its head. By
them

- of a framework that falls back on another, one of twelve cases of a test is taken, and of tests marked
  ``takes_turns`` one of twelve of their file;
- of a test marked ``takes_turns``, every case in one framework, case by case another one, and in the one named as
  ``but``, which does there what others do not; with ``every``, one of so many cases only. These tests are about how
  things stand together, and every entry has a worked case in every framework at all times;
- of a test marked ``sampled(EVERY)``, one of so many cases, in each framework others; with ``of`` a parameter, one of
  so many with each of its values, and so one of each at least. Tests without cases that are marked so are the cases of
  their file, and those with one word as ``among`` those of all files that are run, which turn with the commit;
- whatever else a file takes by :func:`taken` and :func:`dealt`: models that run together in one program, for example.
"""

from __future__ import annotations

import os
import subprocess
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from pathlib import Path
from typing import TypeVar
from zlib import crc32

import pytest

from parity.frameworks import frameworks

WHOLE = os.environ.get("HYPOTHESIS_PROFILE") == "long"
"""Whether everything is tested."""

EVERY = 12
"""Of so many cases of a test, one is taken for a framework that falls back."""

T = TypeVar("T")


def turn_of_commit() -> int:
    """Return a number that every commit has of its own; 0 where no commit is known."""
    asked = ["git", "rev-parse", "HEAD"]
    try:
        told = subprocess.run(asked, cwd=Path(__file__).parent, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):  # An archive of the sources.
        return 0
    return int(told[:6], 16)


TURN = int(os.environ.get("PARITY_TURN", "0"))
"""Which sample is taken."""

# In the environment, all processes of a run find the same one, whatever is committed meanwhile.
if "PARITY_QUESTIONS" not in os.environ:
    os.environ["PARITY_QUESTIONS"] = str(turn_of_commit())
QUESTIONS = int(os.environ["PARITY_QUESTIONS"])
"""Which whole questions are asked."""


def taken(
    cases: Iterable[T], every: int, framework: str = "", of: Callable[[T], Hashable] = lambda case: None,
    turn: int | None = None,
) -> list[T]:  # fmt: skip
    """Return one of so many cases in the order that they have, in ``make long`` all of them.

    Args:
        cases: as a test has them.
        every: of so many, one is taken.
        framework: that they run in: the next one begins with the next case.
        of: what is counted by itself; one of each is taken at least.
        turn: which sample is taken, in place of :data:`TURN`.
    """
    groups: defaultdict[Hashable, list[int]] = defaultdict(list)
    ones = list(cases)
    for number, one in enumerate(ones):
        groups[of(one)].append(number)
    turns = taking_turns()
    first = (TURN if turn is None else turn) + (turns.index(framework) if framework in turns else 0)
    numbers = {
        one for index, group in enumerate(groups.values())
        for one in group[(first + index) % min(every, len(group)) :: min(every, len(group))]
    }  # fmt: skip
    return ones if WHOLE else [one for number, one in enumerate(ones) if number in numbers]


def dealt(cases: Iterable[T], framework: str) -> list[T]:
    """Return the cases that run in a framework: each framework others of them, and each case in one.

    In ``make long`` all run in all. The cases of the entries themselves run in every framework at all times.
    """
    return taken(cases, len(taking_turns()), framework)


def taking_turns() -> list[str]:
    """Return the frameworks among which cases are dealt out."""
    return [name for name, known in frameworks().items() if not known.falls_back]


def framework_of(item: pytest.Item) -> str:
    """Return the framework that a test is parametrized with, an empty string where it is with none."""
    callspec = getattr(item, "callspec", None)
    named = callspec.params.get("framework", "") if callspec is not None else ""
    return named if isinstance(named, str) else ""


def left_out(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests that are not of the sample, of those in the order in which they were collected."""
    borrowed = {name for name, one in frameworks().items() if one.falls_back}
    turns = taking_turns()
    cases: dict[str, dict[Case, int]] = {}
    groups: defaultdict[tuple[str, str, int, str, int], list[pytest.Item]] = defaultdict(list)
    found = []
    for item in items:
        framework, test = framework_of(item), item.nodeid.partition("[")[0]
        if framework in borrowed:
            there = test.partition("::")[0] if item.get_closest_marker("takes_turns") else test
            groups[there, framework, EVERY, "", TURN].append(item)
        elif framework and (mark := item.get_closest_marker("takes_turns")) and framework != mark.kwargs.get("but"):
            known = cases.setdefault(test, {})
            number = known.setdefault(case_of(item), len(known))
            row, late = divmod(number + TURN + place_of(test), mark.kwargs.get("every", 1))
            # Of a table, each row meets every framework, and so does each column.
            if late or (row + number // len(turns)) % len(turns) != turns.index(framework):
                found.append(item)
        elif mark := item.get_closest_marker("sampled"):
            there = test if hasattr(item, "callspec") else mark.kwargs.get("among", test.partition("::")[0])
            turn = QUESTIONS if "among" in mark.kwargs else TURN
            groups[there, framework, mark.args[0], mark.kwargs.get("of", ""), turn].append(item)
    for (_, framework, every, parameter, turn), group in groups.items():
        kept = taken(group, every, framework, of=partial(value_of, parameter=parameter), turn=turn)
        found += [item for item in group if item not in kept]
    return found


Case = tuple[tuple[str, int], ...]


def place_of(test: str) -> int:
    """Return a number that a test has of its own: of tests with one case each, not all run in the same framework."""
    return crc32(test.encode())


def case_of(item: pytest.Item) -> Case:
    """Return what tells a case of a test from the others, whatever the framework."""
    indices: dict[str, int] = getattr(item, "callspec").indices  # noqa: B009 - of a function, not of every item
    return tuple(sorted((name, index) for name, index in indices.items() if name != "framework"))


def value_of(item: pytest.Item, parameter: str) -> str:
    """Return what a test has as a parameter, as text; nothing where none is asked for."""
    return repr(getattr(item, "callspec").params[parameter]) if parameter else ""  # noqa: B009
