"""What the generators of every framework have in common: how they are seeded beside, and what they give first.

A framework's module has ``seed(number)``, ``uniform(count)``, numbers in [0, 1), and ``kept(count)``, which of as many
ones a dropout of a half keeps.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np


def seed_plain(number: int) -> None:
    """Seed Python's generator and NumPy's old one, which takes seeds below 2**32."""
    random.seed(number)
    np.random.seed(number % 2**32)


def first(generators: Any, number: int, count: int) -> dict[str, Any]:
    """Return what a framework's generators give first, each time seeded anew.

    Args:
        generators: the framework's module.
        number: the seed.
        count: of numbers.

    Returns:
        ``uniform`` and ``mask``, each as a list.
    """
    found = {}
    for name, draw in (("uniform", generators.uniform), ("mask", generators.kept)):
        generators.seed(number)
        found[name] = np.asarray(draw(count)).tolist()
    return found
