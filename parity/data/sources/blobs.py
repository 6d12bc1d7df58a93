"""Noisy images of discs and what is disc in them: for models that give an image."""

from __future__ import annotations

from typing import ClassVar

from parity.data.sources import Raw, Source
from parity.lazy import np

ROWS, SIDE, NOISE = 400, 16, 0.5


class Blobs(Source):
    """Images of one to three discs, 16 x 16 x 1, and for every place whether it lies in one: targets (16, 16, 1).

    x = 1 in a disc, 0 outside, plus 0.5 e, e ~ N(0, 1). Drawn with NumPy's PCG64 and seed 0, the same everywhere.
    """

    name: ClassVar[str] = "blobs"
    summary: ClassVar[str] = "invented images of discs, 400 rows of 16 x 16 x 1, and which places lie in one"
    classes: ClassVar[bool] = False

    def read(self) -> Raw:
        """Return the images: x float32 (400, 16, 16, 1), y float32 (400, 16, 16, 1), 0 or 1."""
        generator = np.random.default_rng(0)
        rows, columns = np.mgrid[:SIDE, :SIDE]
        y = np.zeros((ROWS, SIDE, SIDE), np.float32)
        for image in y:
            for _ in range(int(generator.integers(1, 4))):
                row, column = generator.uniform(2, SIDE - 2, size=2)
                radius = generator.uniform(1.5, 4.0)
                image[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = 1.0
        x = (y + NOISE * generator.normal(size=y.shape)).astype(np.float32)
        return Raw(x=x[..., None], y=y[..., None], description="blobs, invented noisy images of discs")
