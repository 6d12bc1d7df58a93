"""The embedded stand-in for the leaf set: same shapes, same look, learnable to the same degree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from parity.data.sources import Raw, Source
from parity.data.sources.leaf import described
from parity.lazy import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASSES = 99
ROWS_PER_CLASS = 10
FEATURES = 64
"""Features of each of the three blocks: margin, shape, texture."""

KEY = 0x1EAF
"""Key of the generator. Changing it, or the order of the draws, changes the set."""


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How the rows of a histogram block (margin, texture) are drawn; all deviations are of log frequencies.

    Args:
        samples: points of the leaf that are counted, so that values are multiples of 1 / samples.
        bins: deviation of the bins that all leaves share.
        factors: traits that the species share, each moving many bins.
        decay: deviation of each trait over that of the one before it.
        species: deviation between species along the traits.
        species_bin: deviation between species in each bin alone.
        leaf: deviation between leaves of a species along the traits.
        leaf_bin: deviation between leaves of a species in each bin alone.
    """

    samples: int
    bins: float
    factors: int
    decay: float
    species: float
    species_bin: float
    leaf: float
    leaf_bin: float


@dataclass(frozen=True, kw_only=True)
class Outline:
    """How the rows of the shape block are drawn: distances from the centre to the outline; deviations are of logs.

    Args:
        typical: distance of an average leaf, in the units of the real set.
        harmonics: number of waves around the outline.
        decay: power by which higher harmonics are weaker.
        skewness: strength of the asymmetric (sine) waves over the symmetric (cosine) ones.
        species_size: deviation of size between species.
        leaf_size: deviation of size between leaves of a species.
        species: deviation of the waves between species.
        leaf: deviation of the waves between leaves of a species.
    """

    typical: float
    harmonics: int
    decay: float
    skewness: float
    species_size: float
    leaf_size: float
    species: float
    leaf: float


# Calibrated against the real set (tests/benchmarks/leaf_like_calibration.py): variance between and within
# species, its leading directions, and above all the training accuracy of the leaf network after each epoch.
MARGIN = Histogram(samples=512, bins=1.0, factors=5, decay=0.75, species=1.1, species_bin=0.2, leaf=0.25, leaf_bin=0.2)
TEXTURE = Histogram(
    samples=1024, bins=0.7, factors=9, decay=0.85, species=1.9, species_bin=0.4, leaf=0.75, leaf_bin=0.55
)
OUTLINE = Outline(
    typical=5.5e-4, harmonics=6, decay=2.2, skewness=0.4, species_size=0.4, leaf_size=0.13, species=0.35, leaf=0.12
)
UNEVENNESS = 0.5
"""Deviation of the log of how much the leaves of a species vary: some species are far harder to tell than others."""


class Draws:
    """Uniform and normal numbers from Philox's raw integers, which no NumPy version changes.

    Args:
        key: key of the generator.
    """

    def __init__(self, key: int) -> None:
        self._philox = np.random.Philox(key=key)

    def uniform(self, *shape: int) -> NDArray[np.float64]:
        """Return numbers strictly between 0 and 1: 53 bits and a half."""
        raw = self._philox.random_raw(math.prod(shape)).reshape(shape)
        return ((raw >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53

    def normal(self, *shape: int) -> NDArray[np.float64]:
        """Return standard normal numbers, by the inverse of the distribution function."""
        from scipy.special import ndtri

        normal: NDArray[np.float64] = ndtri(self.uniform(*shape))
        return normal


def histograms(draws: Draws, block: Histogram, spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return histograms that sum to 1, (species, leaf, bin).

    Args:
        draws: where the randomness comes from.
        block: the kind of histogram.
        spread: how much the leaves of each species vary, (species, 1, 1); 1 is average.
    """
    bins = block.bins * draws.normal(FEATURES)
    traits = draws.normal(block.factors, FEATURES) * block.decay ** np.arange(block.factors)[:, None]
    traits /= np.sqrt((traits**2).sum(axis=0))
    species = block.species * draws.normal(CLASSES, 1, block.factors) @ traits
    species += block.species_bin * draws.normal(CLASSES, 1, FEATURES)
    leaf = block.leaf * draws.normal(CLASSES, ROWS_PER_CLASS, block.factors) @ traits
    leaf += block.leaf_bin * draws.normal(CLASSES, ROWS_PER_CLASS, FEATURES)
    steps = np.exp(bins + species + spread * leaf).reshape(-1, FEATURES).cumsum(axis=1)
    steps /= steps[:, -1:]
    # Counting points makes the values skewed, often 0, and the same in every maths library: a last-bit
    # difference in exp would have to move one of 1.5 million points over the edge of its bin.
    rows = np.arange(len(steps))[:, None]
    points = draws.uniform(len(steps), block.samples) + rows
    hit = np.minimum(np.searchsorted((steps + rows).ravel(), points.ravel()), steps.size - 1)
    counts = np.bincount(hit, minlength=steps.size)
    return counts.reshape(CLASSES, ROWS_PER_CLASS, FEATURES) / block.samples


def outlines(draws: Draws, block: Outline, spread: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return smooth positive outlines, (species, leaf, point), on a grid of 1e-8.

    Args:
        draws: where the randomness comes from.
        block: the kind of outline.
        spread: how much the leaves of each species vary, (species, 1, 1); 1 is average.
    """
    order = np.arange(1, block.harmonics + 1)[:, None]
    angle = 2 * np.pi * np.arange(FEATURES) / FEATURES
    waves = np.concatenate([np.cos(order * angle), block.skewness * np.sin(order * angle)])
    waves *= np.concatenate([order, order]) ** -block.decay
    size = block.species_size * draws.normal(CLASSES, 1, 1)
    size = size + spread * block.leaf_size * draws.normal(CLASSES, ROWS_PER_CLASS, 1)
    species = block.species * draws.normal(CLASSES, 1, len(waves)) @ waves
    leaf = block.leaf * draws.normal(CLASSES, ROWS_PER_CLASS, len(waves)) @ waves
    return np.round(block.typical * np.exp(size + species + spread * leaf), 8)


def generate() -> tuple[NDArray[np.float32], NDArray[np.int16]]:
    """Return the set: values (990, 192) as margin, shape, texture; species 0..98 (990,), in a shuffled row order."""
    draws = Draws(KEY)
    spread = np.exp(UNEVENNESS * draws.normal(CLASSES, 1, 1))
    blocks = histograms(draws, MARGIN, spread), outlines(draws, OUTLINE, spread), histograms(draws, TEXTURE, spread)
    x = np.concatenate(blocks, axis=2).reshape(-1, 3 * FEATURES).astype(np.float32)
    y = np.repeat(np.arange(CLASSES, dtype=np.int16), ROWS_PER_CLASS)
    shuffled = np.argsort(draws.uniform(len(y)), kind="stable")
    return x[shuffled], y[shuffled]


_generated = cache(generate)
"""It takes a quarter of a second, and several specs of one process may ask for it."""


class LeafLike(Source):
    """Generated leaves: no file, no download."""

    name: ClassVar[str] = "leaf_like"
    summary: ClassVar[str] = "generated stand-in for the leaf set: 990 rows of 192, 99 classes of 10"
    csv_target: ClassVar[str | None] = "species"
    stands_for: ClassVar[str | None] = "leaf"

    def read(self) -> Raw:
        """Return the generated set."""
        x, y = _generated()
        words = "leaf_like, a generated stand-in for the leaf set (no real leaves)"
        return Raw(x=x.copy(), y=y.copy(), description=words, stand_in=True)

    def recognise(self, raw: Raw) -> Raw:
        """Return a user's rows, called the real leaf set only when they are."""
        return described(raw)
