"""What is installed: which frameworks an interpreter has, without importing them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
from collections.abc import Sequence

from parity.entries import FRAMEWORKS
from parity.errors import UsageError
from parity.spec.resolve import Resolved


def installed_frameworks() -> tuple[str, ...]:
    """Return the frameworks this interpreter has, without importing them."""
    found = {name for name in FRAMEWORKS if importlib.util.find_spec(name) is not None}
    if "tensorflow" not in found:
        found.discard("keras")  # Keras programs run on the TensorFlow backend.
    return tuple(name for name in FRAMEWORKS if name in found)


def installed_version(side: Resolved) -> str:
    """Return the version of a side's framework in this interpreter; empty for a side with one of its own."""
    if side.python:
        return ""
    try:
        return importlib.metadata.version(side.framework)
    except importlib.metadata.PackageNotFoundError:  # tensorflow also comes as tensorflow-cpu, and under other names.
        packages = importlib.metadata.packages_distributions().get(side.framework, ())
        return importlib.metadata.version(packages[0]) if packages else ""


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
        frameworks = list(dict.fromkeys(named[name] for name in names))
        who = ", ".join(f"side {name} needs {named[name]}" for name in names)
        install = f"{python} -m pip install" if python else "pip install"
        what = " ".join("keras tensorflow" if one == "keras" else one for one in frameworks)
        wanted = f"{install} {what}" if python else f"{install} 'parity-harness[{','.join(frameworks)}]'"
        told.append(f"{who}, not installed{f' for {python}' if python else ''}: {wanted}")
    rest = [name for name in named if not any(name in names for names in missing.values())]
    frameworks = [one for one in installed_frameworks() if len(rest) < least]
    if len(rest) >= least:
        told.append(f"what is there runs with {' '.join(f'--side {name}' for name in rest)}")
    elif len(frameworks) >= least:
        told.append(f"or run one config in what is there: --frameworks {','.join(frameworks)}")
    raise UsageError("; ".join(told))


def _lacks(side: Resolved) -> bool:
    """Return whether a side's interpreter is known not to have its framework."""
    modules = ("keras", "tensorflow") if side.framework == "keras" else (side.framework,)
    if side.python is None:
        return side.framework not in installed_frameworks()
    from parity.run.session import find_interpreter

    python = find_interpreter(side.python)
    if python is None:
        return False  # That is said where it is started, and the other sides run.
    try:
        done = subprocess.run([python, "-c", FOUND, *modules], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return bool(done.stdout.strip())
