"""What is installed: which frameworks an interpreter has, without importing them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from functools import cache

from parity.errors import UsageError
from parity.frameworks import frameworks
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
    from parity.run.session import ROOT, find_interpreter

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


def check_installed(sides: Sequence[Resolved], least: int = 1) -> None:
    """Check that every side's framework is there, before anything starts.

    Args:
        sides: of a command that runs them.
        least: how many of them it takes to run anything.

    Raises:
        UsageError: with the command that installs what is missing, and what can be run without it.
    """
    missing: dict[str, list[str]] = {}
    lacking: dict[tuple[str | None, str], bool] = {}
    for side in sides:
        place = (side.python, side.framework)
        if place not in lacking:
            lacking[place] = _lacks(side)
        if lacking[place]:
            missing.setdefault(side.python or "", []).append(side.name)
    if not missing:
        return
    named = {side.name: side.framework for side in sides}
    told = []
    for python, names in missing.items():
        needed = [frameworks()[one] for one in dict.fromkeys(named[name] for name in names)]
        who = ", ".join(f"side {name} needs {named[name]}" for name in names)
        install = f"{python} -m pip install" if python else "pip install"
        extras = ",".join(one.extra for one in needed)
        what = " ".join(one.install for one in needed) if python else f"'parity-harness[{extras}]'"
        wanted = f"{install} {what}"
        told.append(f"{who}, not installed{f' for {python}' if python else ''}: {wanted}")
    rest = [name for name in named if not any(name in names for names in missing.values())]
    others = [one for one in installed_frameworks() if len(rest) < least]
    if len(rest) >= least:
        told.append(f"what is there runs with {' '.join(f'--side {name}' for name in rest)}")
    elif len(others) >= least:
        told.append(f"or run one config in what is there: --frameworks {','.join(others)}")
    raise UsageError("; ".join(told))


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
