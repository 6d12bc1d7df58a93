"""What tests of reading share."""

from __future__ import annotations

from typing import Any


def differing(a: Any, b: Any, path: str = "") -> list[str]:
    """Return the paths at which plain data differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [one for key in {**a, **b} for one in differing(a.get(key), b.get(key), f"{path}.{key}".lstrip("."))]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [one for n, (x, y) in enumerate(zip(a, b, strict=True)) for one in differing(x, y, f"{path}.{n}")]
    return [] if a == b else [path]
