"""The embedded stand-in for CIFAR-10: same shapes, ten classes that texture and colour tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from parity.data.sources import Raw, Source
from parity.data.sources.cifar10 import read_images
from parity.data.sources.leaf_like import Draws
from parity.lazy import np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLASSES, SIZE, COLOURS = 10, 32, 3
TRAINING, TEST = 200, 50
"""Images of each class."""

KEY = 0xC1FA
"""Key of the generator. Changing it, or the order of the draws, changes the set."""

CONTRAST, TINT, CLUTTER, GRAIN = 30.0, 11.0, 34.0, 16.0
"""Sizes in grey levels: of the stripes, of a class's own colour, of the blurred background, of the grain of a pixel.
Chosen so that the small network learns about as much of the test images as it does of real ones."""
TURN, STRETCH = 0.12, 0.15
"""Deviations, from image to image of a class, of the angle of its stripes in radians and of the log of their width."""


def blurred(noise: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return noise (N, 4, 4, colours) as a smooth background (N, 32, 32, colours), linear between its points."""
    at = np.linspace(0, 3, SIZE)
    low = np.minimum(at.astype(int), 2)
    share = (at - low)[:, None, None]
    rows = noise[:, low] * (1 - share) + noise[:, low + 1] * share
    share = share[:, :, 0]
    found: NDArray[np.float64] = rows[:, :, low] * (1 - share) + rows[:, :, low + 1] * share
    return found


def images(draws: Draws, labels: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return images (N, 32, 32, 3): stripes whose angle and width are the class's, at any phase, over a background.

    The phase is drawn anew for each image, so that no single pixel says anything: the stripes have to be found
    wherever they are, which is what a convolution does and a linear model cannot.

    Args:
        draws: where the randomness comes from.
        labels: class of each image, (N,).
    """
    count = len(labels)
    # Five angles in two widths; neighbours in number are far apart in angle.
    angle = np.pi * (np.arange(CLASSES) * 3 % 5) / 5
    width = np.where(np.arange(CLASSES) < 5, 4.5, 9.0)
    tint = TINT * draws.normal(CLASSES, COLOURS)
    ink = 0.6 + 0.4 * draws.uniform(CLASSES, COLOURS)
    turned = angle[labels] + TURN * draws.normal(count)
    wave = 2 * np.pi / (width[labels] * np.exp(STRETCH * draws.normal(count)))
    phase = 2 * np.pi * draws.uniform(count)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    along = np.cos(turned)[:, None, None] * columns + np.sin(turned)[:, None, None] * rows
    stripes = np.sin(wave[:, None, None] * along + phase[:, None, None])
    strength = CONTRAST * np.exp(0.3 * draws.normal(count))
    values = 120.0 + strength[:, None, None, None] * stripes[..., None] * ink[labels][:, None, None, :]
    values += tint[labels][:, None, None, :] + CLUTTER * blurred(draws.normal(count, 4, 4, COLOURS))
    values += GRAIN * draws.normal(count, SIZE, SIZE, COLOURS)
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def generate() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the set: 2,000 training images and 500 test images behind them, each part in a shuffled order."""
    draws = Draws(KEY)
    parts = []
    for each in (TRAINING, TEST):
        labels = np.repeat(np.arange(CLASSES), each)
        parts.append(labels[np.argsort(draws.uniform(len(labels)), kind="stable")])
    y = np.concatenate(parts)
    return images(draws, y), y.astype(np.uint8)


class CifarLike(Source):
    """Generated images: no file, no download."""

    name: ClassVar[str] = "cifar_like"
    summary: ClassVar[str] = "generated stand-in for CIFAR-10: 2,000 and 500 images (32, 32, 3), 10 classes"
    stands_for: ClassVar[str | None] = "cifar10"

    def read(self) -> Raw:
        """Return the generated set."""
        x, y = generate()
        words = (
            f"cifar_like, a generated stand-in for CIFAR-10 (no real images), {CLASSES * TRAINING} training images, "
            f"then {CLASSES * TEST} test images"
        )
        return Raw(x=x, y=y, description=words, stand_in=True)

    def read_given(self, file: Path, *, x: str | tuple[str, ...], y: str | tuple[str, ...]) -> Raw:
        """Return a user's images, called real only when they are known to be."""
        return read_images(file, x, y)
