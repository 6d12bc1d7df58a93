"""What is kept of environments: shown, removed, and held to a size."""

from __future__ import annotations

import datetime
import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from parity.environments.wanted import MADE, lock_of, shelf, what_is_in
from parity.errors import UsageError, did_you_mean, listed

LIMIT, UNSAID = "PARITY_CACHE_GB", 20.0
"""Gigabytes that all environments may take together: the variable that says it, and what holds where it does not."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One environment.

    Args:
        name: of its folder.
        folder: where it lies.
        kind: ``overlay`` or ``whole``.
        size: in bytes.
        used: when it was last used, in seconds since 1970.
        packages: that were asked for.
        installed: all that is in it.
    """

    name: str
    folder: Path
    kind: str
    size: int
    used: float
    packages: dict[str, str] = field(default_factory=dict)
    installed: dict[str, str] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self) | {"folder": str(self.folder)}


def limit() -> float:
    """Return how many bytes all environments may take together.

    Raises:
        UsageError: when the variable that says it is no number.
    """
    said = os.environ.get(LIMIT, "")
    try:
        number = float(said) if said else UNSAID
        if not number > 0:
            raise ValueError
    except ValueError:
        raise UsageError(f"{LIMIT}={said!r}: expected gigabytes, such as 20") from None
    return number * 1e9


def kept() -> list[Kept]:
    """Return every environment that is whole, last used first."""
    found = []
    for folder in shelf().glob("*/"):
        told = what_is_in(folder)
        if told:
            used = (folder / MADE).stat().st_mtime
            found.append(
                Kept(
                    name=folder.name, folder=folder, kind=told["kind"], size=told["bytes"], used=used,
                    packages=told["packages"], installed=told["installed"],
                )
            )  # fmt: skip
    return sorted(found, key=lambda one: -one.used)


def removed(names: Sequence[str] | None) -> list[str]:
    """Remove environments that no process uses, and return what was removed.

    Args:
        names: of them; all if None.

    Raises:
        UsageError: for a name that none has, or one that is in use.
    """
    every = {one.name: one for one in kept()}
    for name in names or ():
        if name not in every:
            near = did_you_mean(name, list(every))
            raise UsageError(f"--remove {name}: no such environment; {listed(every)}; {near}".rstrip("; "))
    gone = [name for name in (every if names is None else names) if _gone(every[name].folder)]
    if names is not None and len(gone) < len(names):
        used = ", ".join(name for name in names if name not in gone)
        raise UsageError(f"--remove {used}: another command uses it; wait for its end")
    if names is None:
        for left in shelf().glob("*.part"):  # Of processes that were killed; a living one holds the lock.
            with _unused(left.with_name(left.name.removesuffix(".part"))) as free:
                if free:
                    shutil.rmtree(left, ignore_errors=True)
    return gone


def hold_to_limit() -> list[str]:
    """Remove what was not used for longest until all fits the limit, and return what was removed.

    What a process uses stays, whatever the limit.
    """
    every, most, gone = kept(), limit(), list[str]()
    size = sum(one.size for one in every)
    for one in reversed(every):
        if size <= most:
            break
        if _gone(one.folder):
            size -= one.size
            gone.append(one.name)
    return gone


@contextmanager
def _unused(folder: Path) -> Iterator[bool]:
    """Yield whether no process uses an environment; none can begin to while the block lasts."""
    with lock_of(folder).open("ab") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def _gone(folder: Path) -> bool:
    """Remove an environment that no process uses, and return whether it is gone."""
    with _unused(folder) as free:
        if not free:
            return False
        with suppress(OSError):
            (folder / MADE).unlink()  # First: half an environment is none.
        shutil.rmtree(folder, ignore_errors=True)
    return True


def shown_shelf() -> list[str]:
    """Return what is kept as lines."""
    every = kept()
    size = sum(one.size for one in every)
    lines = [f"{shelf()}: {len(every)} environments, {gigabytes(size)} of {gigabytes(limit())} ({LIMIT})"]
    for one in every:
        when = datetime.datetime.fromtimestamp(one.used).strftime("%Y-%m-%d")
        lines.append(f"  {one.name}  {one.kind}, {gigabytes(one.size)}, used {when}")
    return lines


def gigabytes(size: float) -> str:
    """Return bytes as gigabytes, or as megabytes where they are few.

    >>> gigabytes(8_000_000), gigabytes(1.18e9)
    ('8 MB', '1.2 GB')
    """
    return f"{size / 1e6:.0f} MB" if size < 1e9 else f"{size / 1e9:.1f} GB"
