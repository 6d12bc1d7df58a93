"""Paths into a config: ``layers.*.kernel_initializer``, ``optimizer.learning_rate``, ``training.shuffle``.

A path starts with a section (``data``, ``loss``, ``optimizer``, ``training``, ``metrics``) or with ``layers`` and a
pattern over layer names: a name, a wildcard such as ``*`` or ``dense*``, or a list ``{a,b}``.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

SECTIONS = ("data", "loss", "optimizer", "training", "metrics")
"""Sections a path may start with, beside ``layers``."""


def split(path: str) -> list[str]:
    """Return the parts of a path; dots inside braces or brackets do not separate."""
    return re.findall(r"[^.{]*\{[^}]*\}[^.]*|[^.]+", path)


def matching(pattern: str, names: list[str]) -> list[str]:
    """Return the names that a pattern means, in their own order.

    Args:
        pattern: a name, a wildcard (``*``, ``dense*``) or a list of either (``{conv1d,dense}``).
        names: the layers there are.
    """
    braces = re.fullmatch(r"\{(.*)\}", pattern)
    patterns = [part.strip() for part in braces[1].split(",")] if braces else [pattern]
    return [name for name in names if any(fnmatchcase(name, one) for one in patterns)]


def auto_names(kinds: list[tuple[str, str | None]]) -> list[str]:
    """Return a name for each layer, as Keras counts them: dense, dense_1, dense_2.

    Args:
        kinds: kind and given name of each layer; a layer without a name takes the next free one of its kind.
    """
    taken = {name for _, name in kinds if name}
    names: list[str] = []
    for kind, name in kinds:
        if not name:
            count, name = 0, kind
            while name in taken:
                count += 1
                name = f"{kind}_{count}"
            taken.add(name)
        names.append(name)
    return names
