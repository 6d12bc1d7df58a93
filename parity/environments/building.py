"""Makes an environment, once: an overlay of one pure-Python package on an interpreter, or a whole one."""

from __future__ import annotations

import datetime
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from parity.environments.shelf import hold_to_limit
from parity.environments.wanted import MADE, Environment, lock_of, normal
from parity.errors import UsageError, shortened
from parity.frameworks import frameworks

Told = Callable[[str], None]
"""Told what is under way."""

ABOUT = """
import importlib.metadata as found, json, site, sys
def has(name):
    try:
        return found.version(name)
    except found.PackageNotFoundError:
        return ""
user = [site.getusersitepackages()] if site.ENABLE_USER_SITE else []
print(json.dumps({"sites": [*site.getsitepackages(), *user], "has": {name: has(name) for name in sys.argv[1:]},
                  "python": ".".join(map(str, sys.version_info[:3]))}))
"""
"""Tells where an interpreter finds packages, and which versions it has."""

OVER = """
import importlib.metadata as found, json, re, sys
def absent(name):
    try:
        found.version(name)
    except found.PackageNotFoundError:
        return True
own = found.distribution(sys.argv[1])
needed = {re.match("[A-Za-z0-9._-]+", one)[0] for one in own.requires or () if "extra ==" not in one}
print(json.dumps({"pure": "Root-Is-Purelib: true" in (own.read_text("WHEEL") or ""),
                  "absent": sorted(filter(absent, needed))}))
"""
"""Tells whether a package is pure Python, and which of those that it needs are not there."""

ALL = """
import importlib.metadata as found, json, sys
print(json.dumps({one.metadata["Name"]: one.version for one in found.distributions(path=[sys.argv[1]])}))
"""
"""Tells all that is installed in a folder."""

UNREACHABLE = ("network is disabled", "network was disabled", "dns error", "error sending request", "failed to fetch",
               "connection refused", "operation timed out")  # fmt: skip
"""What uv says where there is no network, in small letters."""

MISSING = ("there is no version of", "was not found in the package registry", "no solution found")
"""What it says where an index does not have what is asked for."""


class UnmadeError(UsageError):
    """An environment that could not be made; says what was asked for, and how to go on."""


_held: dict[Path, IO[bytes]] = {}
"""Locks of the environments that this process uses: as long as it lives, nobody removes them."""


def made(wanted: Environment, told: Told = lambda text: None) -> str:
    """Return the path of an environment's interpreter, having made the environment where there is none yet.

    Args:
        wanted: which.
        told: told what is under way; nothing where the environment is there.

    Raises:
        UnmadeError: when it cannot be made: with what was asked for, and how to go on.
    """
    wanted.folder.parent.mkdir(parents=True, exist_ok=True)
    if not (wanted.folder / MADE).exists():
        with _alone(wanted.folder):
            if not (wanted.folder / MADE).exists():  # Else another process made it while this one waited.
                told(f"making the environment of {wanted.title}, once")
                _make(wanted)
    hold(wanted.folder)
    hold_to_limit()
    with suppress(OSError):
        os.utime(wanted.folder / MADE)  # When it was last used.
    return wanted.python


def hold(folder: Path) -> None:
    """Let nobody remove an environment as long as this process lives."""
    if folder not in _held:
        handle = lock_of(folder).open("ab")
        with suppress(OSError):  # A file system without locks.
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        _held[folder] = handle


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time make an environment."""
    with lock_of(folder).open("ab") as handle:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _make(wanted: Environment) -> None:
    uv = find_uv(wanted.title)
    base = _about(wanted)
    part = wanted.folder.with_name(f"{wanted.folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    begun = time.monotonic()
    try:
        warned, kind = _overlaid(uv, wanted, part, base), "overlay"
        if warned is None:
            shutil.rmtree(part, ignore_errors=True)
            warned, kind = _whole(uv, wanted, part, base), "whole"
        site = _site(part)
        installed = _asked(str(part / "bin" / "python"), ALL, str(site), of=wanted)
        content = {
            "framework": wanted.framework, "packages": dict(wanted.packages), "kind": kind, "base": wanted.base,
            "python": base["python"], "installed": {normal(name): one for name, one in installed.items()},
            "yanked": warned, "bytes": _bytes(part), "seconds": round(time.monotonic() - begun, 1),
            "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        }  # fmt: skip
        (part / MADE).write_text(json.dumps(content, indent=1), encoding="utf-8")
        shutil.rmtree(wanted.folder, ignore_errors=True)
        part.replace(wanted.folder)
    except OSError as error:
        raise UnmadeError(f"packages {wanted.title}: {part}: {error.strerror}; see `parity cache`") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _about(wanted: Environment) -> dict[str, Any]:
    """Return what the other interpreter has, of the framework's packages by their names in an index."""
    packages = [normal(name) for name in frameworks()[wanted.framework].packages]
    other = {name: build.package for name, build in wanted.builds.items() if build.package}
    found: dict[str, Any] = _asked(wanted.base, ABOUT, *packages, *other.values(), of=wanted)
    has = found["has"]
    return found | {"has": {name: has[name] or has.get(other.get(name), "") for name in packages}}


def _overlaid(uv: str, wanted: Environment, part: Path, base: dict[str, Any]) -> list[str] | None:
    """Make an overlay and return what uv warned of; None where it takes a whole environment.

    One package of pure Python stands in front of what the interpreter has, which is read on behind it.
    """
    name, version = wanted.packages[0]
    if len(wanted.packages) != 1 or name in wanted.builds:
        return None  # Several, or one that is compiled.
    if not all(one for other, one in base["has"].items() if other != name):
        return None  # The interpreter has not what the package stands on.
    warned = _environment(uv, wanted, part, [wanted.requirement(name, version), "--no-deps"])
    lines = [f"import site; site.addsitedir({site!r})" for site in base["sites"]]
    (_site(part) / "parity_base.pth").write_text("\n".join([*lines, ""]), encoding="utf-8")
    about = _asked(str(part / "bin" / "python"), OVER, name, of=wanted)
    if not about["pure"]:
        return None
    if about["absent"]:  # Another version may need a package that the interpreter has not.
        warned += _installed(uv, wanted, part, [*about["absent"], "--no-deps"])
    return warned


def _whole(uv: str, wanted: Environment, part: Path, base: dict[str, Any]) -> list[str]:
    """Make an environment with all that the framework needs, and return what uv warned of.

    Of the framework's other packages it has the interpreter's versions, but for NumPy: an old framework may need an
    old one.
    """
    asked = dict(wanted.packages)
    needed = {name: asked.get(name) or ("" if name == "numpy" else one) for name, one in base["has"].items()} | asked
    every = [wanted.requirement(name, version) if version else name for name, version in needed.items()]
    indexes = [part for one in wanted.indexes(needed) for part in ("--index", one)]
    return _environment(uv, wanted, part, [*every, *indexes])


def _environment(uv: str, wanted: Environment, part: Path, what: Sequence[str]) -> list[str]:
    _run(wanted, [uv, "venv", "-q", "--python", wanted.base, str(part)])
    return _installed(uv, wanted, part, what)


def _installed(uv: str, wanted: Environment, part: Path, what: Sequence[str]) -> list[str]:
    """Install into an environment, and return what uv warned of."""
    said = _run(wanted, [uv, "pip", "install", "--no-cache", "--python", str(part / "bin" / "python"), *what])
    return [" ".join(line.split()) for line in said.splitlines() if "yanked" in line]


def _run(wanted: Environment, command: Sequence[str]) -> str:
    """Run uv and return what it said.

    Raises:
        UsageError: in one line, when it fails.
    """
    names = {"UV_NO_PROGRESS": "1", "NO_COLOR": "1", "UV_PYTHON_DOWNLOADS": "never", "VIRTUAL_ENV": ""}
    done = subprocess.run(
        command, capture_output=True, text=True, errors="replace", check=False, env=os.environ | names
    )
    if done.returncode:
        raise UnmadeError(refusal(wanted, done.stderr))
    return done.stderr


def refusal(wanted: Environment, said: str) -> str:
    """Return why an environment cannot be made, in one line.

    Args:
        wanted: which.
        said: what uv said.
    """
    lines = [re.sub(r"^(error|cause|warning|[×╰─▶├│\s]+):?\s*", "", line.strip()) for line in said.splitlines()]
    why = shortened(" ".join(line for line in lines if line and not line.startswith("Using ")), 300)
    low, asked = said.lower(), f"packages {wanted.title}"
    if any(one in low for one in UNREACHABLE):
        return (
            f"{asked}: the package index cannot be reached ({why}); it is asked once, and the environment is then "
            "kept: go on where there is a network, or name an interpreter that has it with `python:`"
        )
    if any(one in low for one in MISSING):
        return (
            f"{asked}: there is no such release for Python at {wanted.base} ({why}); "
            "ask for another version, or name an interpreter that it has wheels for with `python:`"
        )
    return f"{asked}: uv could not make the environment ({why}); name an interpreter that has it with `python:`"


def find_uv(what: str) -> str:
    """Return the path of uv.

    Raises:
        UsageError: when there is none.
    """
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        with suppress(ImportError, OSError):
            from uv import find_uv_bin

            found = find_uv_bin()
    if found is None:
        raise UsageError(
            f"packages {what}: environments are made by uv, which is not installed: "
            "pip install 'parity-harness[versions]'"
        )
    return found


def _asked(python: str, code: str, *arguments: str, of: Environment) -> Any:
    try:
        done = subprocess.run(
            [python, "-c", code, *arguments], capture_output=True, text=True, timeout=120, check=True
        )  # fmt: skip
        return json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        what = f"packages {of.title}: {python} does not answer as a Python interpreter does"
        raise UsageError(f"{what} ({type(error).__name__}); set `python:` of the side to one") from None


def _site(folder: Path) -> Path:
    return next((folder / "lib").glob("python*/site-packages"))


def _bytes(folder: Path) -> int:
    return sum(one.lstat().st_size for one in folder.rglob("*") if one.is_file() and not one.is_symlink())
