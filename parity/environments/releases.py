"""Which releases of a package there are, from the index, as pip lists them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence

from packaging.version import InvalidVersion, Version

from parity.environments.building import MISSING, UNREACHABLE, find_uv
from parity.environments.shelf import Kept, kept
from parity.environments.wanted import Environment, normal
from parity.errors import UsageError, shortened


def releases(framework: str, package: str, python: str | None = None) -> list[str]:
    """Return the releases of a package that an interpreter can have, oldest first, pre-releases left out.

    Args:
        framework: that runs on it: of some packages, the builds for a CPU count.
        package: its name.
        python: path of the interpreter; this one if None.

    Raises:
        UsageError: when the index cannot be asked, or knows of no such package.
    """
    wanted = Environment.of(framework, {package: "0"}, python)
    name = wanted.requirement(normal(package), "0").partition("=")[0]
    index = [part for one in wanted.indexes([normal(package)]) for part in ("--index-url", one)]
    uv = find_uv(package)
    command = [uv, "tool", "run", "-q", "--python", wanted.base, "pip", "index", "versions", name, "--json", *index]
    names = {"UV_NO_PROGRESS": "1", "NO_COLOR": "1", "UV_PYTHON_DOWNLOADS": "never"}
    environment = os.environ | names
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=environment)
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    if done.returncode:
        low = done.stderr.lower()
        why = shortened(said[-1] if said else "pip says nothing", 200)
        if "no matching distribution" in low or any(one in low for one in MISSING):
            raise UsageError(f"--package {package}: the index has no release for Python at {wanted.base} ({why})")
        far = any(one in low for one in UNREACHABLE) or "connection" in low
        raise UsageError(f"--package {package}: its releases cannot be listed ({why}); {_else(package, wanted, far)}")
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))["versions"]
    return in_order({one.partition("+")[0] for one in found})


def _else(package: str, wanted: Environment, far: bool) -> str:
    """Return what to do where releases cannot be listed: of those whose environments are kept no index is asked.

    Args:
        package: whose they are.
        wanted: an environment on the same interpreter.
        far: whether the index cannot be reached.
    """
    if not far:
        return "see `pip index versions`"
    mine = [one for one in kept() if list(one.packages) == [normal(package)]]
    there = in_order({one.packages[normal(package)] for one in mine if _on(one, wanted)})
    if len(there) < 2:
        return "go on where there is a network"
    kept_ones = f"parity across SPEC --package {package} --versions {','.join(there)}"
    return f"of those that are kept a table can be made: {kept_ones}"


def _on(one: Kept, wanted: Environment) -> bool:
    """Return whether an environment stands on the interpreter of another one."""
    again = Environment(framework=wanted.framework, packages=tuple(one.packages.items()), base=wanted.base)
    return again.folder == one.folder


def in_order(versions: Sequence[str] | set[str]) -> list[str]:
    """Return versions oldest first, without what is no release.

    >>> in_order(["3.10.0", "3.9.2", "3.11.0rc1"])
    ['3.9.2', '3.10.0']
    """
    known = {}
    for one in versions:
        try:
            known[one] = Version(one)
        except InvalidVersion:
            continue
    return sorted((one for one, read in known.items() if not read.is_prerelease), key=lambda one: known[one])


def from_to(every: Sequence[str], good: str, bad: str, package: str) -> list[str]:
    """Return the releases from a good one to a bad one.

    Args:
        every: oldest first.
        good: where to begin.
        bad: where to end.
        package: whose they are, for errors.

    Raises:
        UsageError: when one is none of them, or the bad one is not the later.
    """
    for option, one in (("--good", good), ("--bad", bad)):
        if one not in every:
            inside = [other for other in every if other.startswith(f"{one}.")]
            beside = [other for other in every if other.startswith(f"{one.rpartition('.')[0]}.")]
            near = ", ".join((inside or beside or every)[-8:])
            raise UsageError(f"{option} {one}: {package} has no such release here; nearest are {near}")
    if good == bad:
        raise UsageError(f"--good {good} --bad {bad}: both are one release; name a later one with --bad")
    if every.index(good) > every.index(bad):
        raise UsageError(
            f"--good {good} --bad {bad}: the bad release must be the later one; to look for what mended it, too, name "
            f"the earlier one with --good: --good {bad} --bad {good} finds the first that differs from {bad}"
        )
    return list(every[every.index(good) : every.index(bad) + 1])
