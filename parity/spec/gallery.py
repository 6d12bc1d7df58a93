"""The gallery: the specs that come with parity, by name from any folder."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).parents[1]

PLACES = (PACKAGE / "gallery", PACKAGE.parent / "specs")
"""Where they are: in the wheel, and beside the package where it is run from its source."""


def folder() -> Path | None:
    """Return the folder of the specs, None where they did not come with the package."""
    return next((place for place in PLACES if (place / "leaf_small.yaml").is_file()), None)


def names() -> list[str]:
    """Return the names of the specs, in the order of the alphabet."""
    found = folder()
    return sorted(file.stem for file in found.glob("*.yaml")) if found is not None else []


def located(file: Path) -> Path:
    """Return the file that is meant: the one at a path or, where there is none, the gallery's of that name.

    Args:
        file: path of a spec, or the name of one of the gallery, with nothing around it.
    """
    found = folder()
    bare = len(file.parts) == 1 and file.suffix == ""
    if not bare or found is None or os.path.lexists(file):
        return file
    spec = found / f"{file}.yaml"
    return spec if spec.is_file() else file
