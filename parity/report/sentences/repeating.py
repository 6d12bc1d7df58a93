"""What it takes to repeat a run: seeds, and the versions that it ran on."""

from __future__ import annotations

from parity.result import formats
from parity.result.schema import Result


def told(result: Result) -> list[str]:
    """Say what has to be the same."""
    return [*seeds(result), *versions(result)]


def seeds(result: Result) -> list[str]:
    """Name the seeds; nothing where none is recorded."""
    own = dict.fromkeys(side.drawn.seed for side in result.sides if side.drawn is not None)
    explained = result.explanation
    parts = [f"the sides' own runs {formats.names(map(str, own))}"] if own else []
    parts += (
        [f"causes {formats.names(map(str, sorted(explained.seeds)))}"]
        if explained is not None and explained.seeds
        else []
    )
    return [f"Seeds: {'; '.join(parts)}."] if parts else []


def versions(result: Result) -> list[str]:
    """Name the versions that each side ran on, sides of the same ones together."""
    found: dict[str, list[str]] = {}
    for side in result.sides:
        packages = {side.framework: side.version} | side.packages if side.version else side.packages
        if packages:
            found.setdefault(", ".join(f"{name} {version}" for name, version in packages.items()), []).append(side.name)
    return [f"{formats.names(names)} ran on {packages}." for packages, names in found.items()]
