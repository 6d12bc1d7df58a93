"""What tests of reading share."""

from __future__ import annotations

from typing import Any

from parity.errors import ParityError
from parity.reading.layers_of import layers_of
from parity.reading.whole import read_told
from parity.run.told import Told


def differing(a: Any, b: Any, path: str = "") -> list[str]:
    """Return the paths at which plain data differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [one for key in {**a, **b} for one in differing(a.get(key), b.get(key), f"{path}.{key}".lstrip("."))]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [one for n, (x, y) in enumerate(zip(a, b, strict=True)) for one in differing(x, y, f"{path}.{n}")]
    return [] if a == b else [path]


def kept_and_refused(told: Told) -> tuple[list[str], list[str]]:
    """Return what of a program is opaque, its layers first, and what is not even that, by how each line begins."""
    kept, refused = [one["opaque"]["what"] for one in layers_of(told).layers if "opaque" in one], list[str]()
    try:
        loss = read_told(told, {}, name="program", source="blobs").spec["loss"]
        kept += [loss["opaque"]["what"]] if "opaque" in loss else []
    except ParityError as error:
        lines = [one.partition(": ")[2] if one.startswith("train.py") else one for one in str(error).split("\n")]
        refused = [one.partition(" is not read")[0] for one in lines]
    return kept, refused
