"""Pairs of noisy patterns, alike or not: for models of two inputs."""

from __future__ import annotations

from typing import ClassVar

from parity.data.sources import Raw, Source
from parity.lazy import np

ROWS, SIZE, PATTERNS, NOISE = 1200, 12, 6, 0.6


class Twins(Source):
    """Two rows of 12 numbers each, ``left`` and ``right``, and whether both show the same of six patterns.

    x = pattern + 0.6 e, e ~ N(0, 1): neither row alone says anything of the answer. Drawn with NumPy's PCG64 and seed
    0, the same everywhere.
    """

    name: ClassVar[str] = "twins"
    summary: ClassVar[str] = "invented pairs, 1200 rows of left (12) and right (12): the same pattern?"

    def read(self) -> Raw:
        """Return the pairs: left and right float32 (1200, 12), y int64 (1200,), 1 where they are alike."""
        generator = np.random.default_rng(0)
        patterns = generator.normal(size=(PATTERNS, SIZE))
        y = generator.integers(2, size=ROWS)
        first = generator.integers(PATTERNS, size=ROWS)
        other = (first + generator.integers(1, PATTERNS, size=ROWS)) % PATTERNS
        second = np.where(y == 1, first, other)
        left, right = (
            (patterns[which] + NOISE * generator.normal(size=(ROWS, SIZE))).astype(np.float32)
            for which in (first, second)
        )
        several = {"left": left, "right": right}
        return Raw(x=left, y=y, description="twins, invented pairs of noisy patterns", several=several)
