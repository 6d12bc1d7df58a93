"""Which environment a side asks for, and where it lies: worked out from names alone."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import platformdirs

from parity.frameworks import Build, frameworks

FORM = 1
"""Raised when environments are made in another way: those made before are then not used."""

MADE = "made.json"
"""File of an environment that says what is in it; it is there once the environment is whole."""


def shelf() -> Path:
    """Return the folder of all environments, in the user's cache."""
    return Path(platformdirs.user_cache_dir("parity")) / "environments"


def normal(name: str) -> str:
    """Return a package's name as an index has it.

    >>> normal("TF_Keras")
    'tf-keras'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True, kw_only=True)
class Environment:
    """An interpreter with packages of certain versions in front of, or in place of, what another one has.

    Args:
        framework: whose packages they are: the others of its packages are as the other interpreter has them.
        packages: name and exact version of each, in the order of their names.
        base: path of the other interpreter.
    """

    framework: str
    packages: tuple[tuple[str, str], ...]
    base: str

    @classmethod
    def of(cls, framework: str, packages: Mapping[str, str], base: str | None = None) -> Environment:
        """Return the environment that has packages.

        Args:
            framework: that runs in it.
            packages: exact version by name.
            base: path of the interpreter that it stands on; this one if None.
        """
        named = sorted((normal(name), version) for name, version in packages.items())
        return cls(framework=framework, packages=tuple(named), base=base or sys.executable)

    @cached_property
    def folder(self) -> Path:
        """Return where it lies."""
        # A path that does not change when another Python is put behind the same name would be another's environment.
        stands_on = [os.path.abspath(self.base), os.path.realpath(self.base), platform.machine()]
        decides = json.dumps([FORM, self.framework, self.packages, stands_on])
        named = "-".join(f"{name}-{version}" for name, version in self.packages)
        return shelf() / f"{named[:80]}-{hashlib.sha256(decides.encode()).hexdigest()[:12]}"

    @property
    def python(self) -> str:
        """Return the path of its interpreter."""
        return str(self.folder / "bin" / "python")

    @property
    def title(self) -> str:
        """Return its packages as they are asked for: ``keras 3.13.2``."""
        return ", ".join(f"{name} {version}" for name, version in self.packages)

    @property
    def builds(self) -> Mapping[str, Build]:
        """Return the packages that are taken from elsewhere on this machine."""
        return frameworks()[self.framework].builds if on_x86() else {}

    def requirement(self, name: str, version: str) -> str:
        """Return what is installed for a package: of some, a build for the CPU."""
        build = self.builds.get(name, Build())
        return f"{build.package or name}=={version}{'' if '+' in version else build.local}"

    def indexes(self, names: Iterable[str]) -> list[str]:
        """Return the indexes that have some packages, beside the usual one."""
        return [self.builds[name].index for name in names if name in self.builds and self.builds[name].index]


def on_x86() -> bool:
    """Return whether this is Linux on a 64-bit x86, for which some packages have builds with and without a GPU."""
    return sys.platform == "linux" and platform.machine() == "x86_64"


def what_is_in(folder: Path) -> dict[str, Any]:
    """Return what is known of an environment; nothing of one that is not whole."""
    with suppress(OSError, ValueError):
        found = json.loads((folder / MADE).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}
    return {}


def lock_of(folder: Path) -> Path:
    """Return the file by which an environment is locked."""
    return folder.with_name(f".{folder.name}.lock")
