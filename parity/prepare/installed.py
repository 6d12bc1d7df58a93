"""What is installed: which frameworks an interpreter has, without importing them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from parity.errors import UsageError
from parity.frameworks import frameworks, title_of
from parity.run.environment import versions
from parity.spec.resolve import Resolved


def installed_frameworks() -> tuple[str, ...]:
    """Return the frameworks this interpreter has, without importing them; of those that fall back on one, that one."""
    return tuple(name for name, one in frameworks().items() if not one.falls_back and one.installed())


TELL = """
import json, sys
sys.path.insert(0, sys.argv[1])
from parity.run.environment import versions
print(json.dumps(versions(sys.argv[2:])))
"""
"""Prints which versions an interpreter has."""


@cache
def _versions(python: str | None, packages: tuple[str, ...]) -> dict[str, str]:
    if python is None:
        return versions(list(packages))
    from parity.run.forks import ROOT
    from parity.run.session import find_interpreter

    asked = [find_interpreter(python) or python, "-c", TELL, str(ROOT), *packages]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
        found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return {}  # That is said where it is started.
    return found


def installed_versions(side: Resolved) -> dict[str, str]:
    """Return the versions of all that a side's framework runs on, its own first, and of Python; what is known of them.

    Args:
        side: whose interpreter is asked, without importing anything.
    """
    packages = frameworks()[side.framework].packages
    found = _versions(side.python, packages)
    return {name: found[name] for name in (*packages, "python") if found.get(name)}


def installed_version(side: Resolved) -> str:
    """Return the version of a side's framework, empty where its interpreter does not tell."""
    return installed_versions(side).get(frameworks()[side.framework].packages[0], "")


FOUND = "import importlib.util, sys; print(*(name for name in sys.argv[1:] if importlib.util.find_spec(name) is None))"
"""Prints which modules an interpreter has not, without importing them."""


def with_what_is_there(
    sides: Sequence[Resolved], least: int = 1, asked: Sequence[str] = ()
) -> tuple[list[Resolved], list[str]]:
    """Return the sides that can be run here, and what is said of the others, before anything starts.

    Where two sides or more have their framework, the others are left out. Where not, the config of one that has not is
    run in a framework that is there: what its config does is seen, if not what its framework does. A side whose config
    another side has anyway, and a program written by hand, are left out. A side with an interpreter of its own must
    have it.

    Args:
        sides: of a command that runs them.
        least: how many of them it takes to run anything.
        asked: names of sides that a user asked for, of which none is left out without a fault.

    Raises:
        UsageError: when too few are left, with the command that installs what is missing.
    """
    lacking: dict[tuple[str | None, str], bool] = {}
    for side in sides:
        place = (side.python, side.framework)
        if place not in lacking:
            lacking[place] = _lacks(side)
    missing = [side for side in sides if lacking[side.python, side.framework]]
    if not missing:
        return list(sides), []
    rest = [side for side in sides if side not in missing]
    others = [side.framework for side in rest if not side.python] + list(installed_frameworks())
    if not others or any(side.name in asked or side.python for side in missing):
        raise UsageError("; ".join(_wanted(missing)))
    found, told = list(rest), []
    for side in missing:
        needs = f"{side.framework} is not installed: {_command(side)}"
        known = any(one.config == side.config for one in found)
        if len(rest) < 2 and side.program is None and not known:
            found.append(replace(side, framework=others[0]))
            told.append(
                f"side {side.name} runs in {title_of(others[0])}, which shows what its config does and not what its "
                f"framework does; {needs}"
            )
        else:
            told.append(f"side {side.name} is left out; {needs}")
    if len(found) < least:
        raise UsageError("; ".join(_wanted(missing)))
    order = [side.name for side in sides]
    return sorted(found, key=lambda side: order.index(side.name)), told


def check_installed(sides: Sequence[Resolved]) -> None:
    """Check that every side's framework is there.

    Raises:
        UsageError: with the command that installs what is missing.
    """
    with_what_is_there(sides, asked=[side.name for side in sides])


def _command(side: Resolved) -> str:
    """Return the command that installs the framework of a side."""
    known = frameworks()[side.framework]
    if side.python:
        return f"{side.python} -m pip install {known.install}"
    return f"pip install 'parity-harness[{known.extra}]'"


def _wanted(missing: Sequence[Resolved]) -> list[str]:
    """Say what is missing, and how to install it, by interpreter."""
    told = []
    for python in dict.fromkeys(side.python or "" for side in missing):
        here = [side for side in missing if (side.python or "") == python]
        needed = [frameworks()[one] for one in dict.fromkeys(side.framework for side in here)]
        who = ", ".join(f"side {side.name} needs {side.framework}" for side in here)
        install = f"{python} -m pip install" if python else "pip install"
        extras = ",".join(one.extra for one in needed)
        what = " ".join(one.install for one in needed) if python else f"'parity-harness[{extras}]'"
        told.append(f"{who}, not installed{f' for {python}' if python else ''}: {install} {what}")
    return told


def _lacks(side: Resolved) -> bool:
    """Return whether a side's interpreter is known not to have its framework."""
    known = frameworks()[side.framework]
    if side.python is None:
        return not known.installed()
    from parity.run.session import find_interpreter

    python = find_interpreter(side.python)
    if python is None:
        return False  # That is said where it is started, and the other sides run.
    try:
        asked = [python, "-c", FOUND, *known.modules]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return bool(done.stdout.strip())
