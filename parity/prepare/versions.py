"""Packages of certain versions: which environment each side runs in, made where it is first needed."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

from parity.environments.building import made
from parity.environments.wanted import Environment, normal
from parity.errors import UsageError, listed, listed_near
from parity.frameworks import frameworks
from parity.prepare.installed import installed_frameworks
from parity.spec.sections import SideSpec, Spec, Version

NAMED = re.compile(r"([A-Za-z0-9][\w.-]*:)?[A-Za-z0-9][\w.-]*")
"""A package, and before it a side."""

_placed: dict[str, Environment] = {}
"""The environments that sides run in, by the path of their interpreter."""


def with_environments(spec: Spec, packages: Mapping[str, str]) -> Spec:
    """Return a spec whose sides name the interpreters of the environments that they ask for; none is made yet.

    Args:
        spec: the spec.
        packages: exact version by package, of the command line: for every side whose framework has the package, or
            ``SIDE:package`` for one.

    Raises:
        UsageError: for a side there is not, or a package that no side's framework has.
    """
    sides = dict(spec.sides) or {name: SideSpec(framework=name) for name in installed_frameworks()}
    more: dict[str, dict[str, str]] = {name: {} for name in sides}
    for said, version in packages.items():
        for name in _meant(said, sides):
            more[name][said.rpartition(":")[2]] = version
    for name, side in sides.items():
        asked = {**side.packages, **more[name]}
        if asked:
            _check_releases(name, side.framework, asked)
            found = Environment.of(side.framework, asked, _interpreter(side.python))
            _placed[found.python] = found
            sides[name] = side.model_copy(update={"python": found.python, "packages": dict(found.packages)})
    return spec.model_copy(update={"sides": sides}) if spec.sides or any(more.values()) else spec


def _check_releases(side: str, framework: str, packages: Mapping[str, str]) -> None:
    """Refuse a package that another framework runs on, and this one does not; a release that another one runs, or none.

    Raises:
        UsageError: in one line.
    """
    known = frameworks()
    for package, version in packages.items():
        name = normal(package)
        on_it = [one for one, about in known.items() if name in map(normal, about.packages)]
        if on_it and framework not in on_it:
            told = f"framework {framework} does not run on {name}, so it would change nothing"
            raise UsageError(f"side {side}: packages {name} {version}: {told}; say framework: {' or '.join(on_it)}")
        if known[framework].runs(name, version):
            continue
        first, over = known[framework].releases[name]
        span = f"from {first} on" + (f", before {over}" if over else "")
        others = [one for one, about in known.items() if name in about.releases and about.runs(name, version)]
        fix = f"say framework: {' or '.join(others)}" if others else f"name a release that it runs, such as {first}"
        raise UsageError(f"side {side}: packages {name} {version}: framework {framework} runs {name} {span}; {fix}")


def make(python: str | None) -> None:
    """Make the environment that an interpreter is of, where it is one's and is not there yet.

    Raises:
        UsageError: when it cannot be made.
    """
    if python in _placed:
        made(_placed[python], _told)


def parse_packages(text: str) -> dict[str, str]:
    """Return the packages of ``[SIDE:]NAME=VERSION,...``.

    Raises:
        UsageError: when it is none.
    """
    from pydantic import TypeAdapter, ValidationError

    found = {}
    for one in filter(None, (part.strip() for part in text.split(","))):
        name, equals, version = (part.strip() for part in one.replace("==", "=").partition("="))
        try:
            if not (equals and NAMED.fullmatch(name)):
                raise ValueError
            found[name] = TypeAdapter(Version).validate_python(version)
        except (ValidationError, ValueError):
            wanted = "expected NAME=VERSION, an exact one such as keras=3.13.2, or SIDE:NAME=VERSION"
            raise UsageError(f"--packages {one!r}: {wanted}") from None
    return found


def _meant(said: str, sides: Mapping[str, SideSpec]) -> list[str]:
    """Return the sides that a package of the command line is for."""
    owner, colon, package = said.rpartition(":")
    if colon:
        if owner not in sides:
            raise UsageError(f"--packages {said}: no such side {owner!r}; {listed_near(owner, sides)}")
        return [owner]
    known = {name: {normal(one) for one in frameworks()[side.framework].packages} for name, side in sides.items()}
    found = [name for name in sides if normal(package) in known[name]]
    if not found:
        every = sorted(set().union(*known.values()))
        raise UsageError(
            f"--packages {said}: no side's framework has it; {listed(every)}; for one side, SIDE:{package}=VERSION"
        )
    return found


def _interpreter(python: str | None) -> str | None:
    from parity.run.session import find_interpreter

    return None if python is None else find_interpreter(python) or python


def _told(text: str) -> None:
    if sys.stderr.isatty():
        print(text, file=sys.stderr)
