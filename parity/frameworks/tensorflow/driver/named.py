"""What a program calls its variables, and so its layers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

import tensorflow as tf

KERNEL = r"(?:w|weights?|kernels?|filters?|embeddings?|table)"
"""What people call the larger variable of a layer."""

MOST = 200
"""Parts of a collection that are looked at."""

UNNAMED = re.compile(r"Variable(_\d+)?")


def names_of(frames: Sequence[FrameType], variables: Mapping[int, Any]) -> dict[int, str]:
    """Return what each variable is called: by its own name, or by where the program keeps it.

    Args:
        frames: of the program.
        variables: by their handles.
    """
    kept: dict[int, str] = {}
    scopes = [scope for frame in frames for scope in (frame.f_locals, frame.f_globals)]
    for scope in reversed(scopes):
        for name, value in list(scope.items()):
            if not name.startswith("__"):
                for path, one in _inside(name, value, 3):
                    if isinstance(one, tf.Variable) and _better(path, kept.get(id(one))):
                        kept[id(one)] = path
    found = {}
    for handle, variable in variables.items():
        own = variable.name.partition(":")[0]
        found[handle] = kept.get(id(variable), "") if UNNAMED.fullmatch(own) else own
    return found


def _better(path: str, known: str | None) -> bool:
    """Return whether a path says more than another: words more than numbers, and few of them."""
    return known is None or (path[-1:].isdigit() and path.count("."), len(path)) < (
        known[-1:].isdigit() and known.count("."), len(known)
    )  # fmt: skip


def _inside(name: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    """Return the variables that a value is or holds, each with its path."""
    if isinstance(value, tf.Variable):
        yield name, value
    elif depth and not isinstance(value, type) and not tf.is_tensor(value):
        for key, one in _parts(value):
            if isinstance(one, tf.Variable | Mapping | list | tuple | tf.Module):
                yield from _inside(f"{name}.{key}", one, depth - 1)


def _parts(value: Any) -> list[tuple[Any, Any]]:
    """Return what a collection or an object of a program's holds, by key, number or attribute."""
    if isinstance(value, Mapping):
        return list(value.items())[:MOST]
    if isinstance(value, list | tuple):
        return list(enumerate(value[:MOST]))
    if isinstance(value, tf.Module) or type(value).__module__ == "__main__":
        return [(key, one) for key, one in getattr(value, "__dict__", {}).items() if not key.startswith("_")]
    return []


def layer_name(path: str, kind: str) -> str:
    """Return what the layer of a kernel is called; empty where its name says nothing.

    Args:
        path: of the kernel: ``h1.kernel``, ``weights.h1``, ``W1``, ``conv1d/kernel``.
        kind: of the layer.

    >>> [layer_name(one, "dense") for one in ("conv1d/kernel", "model.hidden_w", "weights.h1", "W1", "W", "w_out")]
    ['conv1d', 'hidden', 'h1', 'dense_1', '', 'out']
    """
    parts = [one for one in re.split(r"[/.]", path) if one]
    if not parts:
        return ""
    last = parts[-1]
    if re.fullmatch(KERNEL, last, re.IGNORECASE) or last.isdigit():
        inner = parts[-2] if len(parts) > 1 else ""
        if last.isdigit():
            return ""
        plain = re.fullmatch(KERNEL, inner, re.IGNORECASE) or len(parts) < 2 or (len(parts) == 2 and "/" not in path)
        return "" if plain and inner in ("", "model", "net", "self") else inner
    numbered = re.fullmatch(rf"{KERNEL}_?(\d+)", last, re.IGNORECASE)
    if numbered:
        return f"{kind}_{numbered[1]}"
    ending = re.sub(rf"_{KERNEL}$|^{KERNEL}_", "", last, flags=re.IGNORECASE)
    return ending
