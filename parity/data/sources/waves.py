"""Noisy waves, what each is and how fast it swings: for models of two outputs."""

from __future__ import annotations

from typing import ClassVar

from parity.data.sources import Raw, Source
from parity.lazy import np

ROWS, SAMPLES, NOISE = 800, 32, 0.4


class Waves(Source):
    """Rows of 32 samples of a sine, a square or a saw, and two targets: ``wave``, 0 to 2, and ``pitch``.

    x = wave(2 pi (pitch t + phase)) + 0.4 e, e ~ N(0, 1), t from 0 to 1; the pitch is 1 to 4 swings a row and is given
    as (pitch - 2.5) / 1.5. Drawn with NumPy's PCG64 and seed 0, the same everywhere.
    """

    name: ClassVar[str] = "waves"
    summary: ClassVar[str] = "invented waves, 800 rows of 32 x 1, and two targets: wave, of 3, and pitch, a number"
    classes: ClassVar[bool] = False

    def read(self) -> Raw:
        """Return the waves: x float32 (800, 32, 1), wave int64 (800,), pitch float32 (800,)."""
        generator = np.random.default_rng(0)
        wave = generator.integers(3, size=ROWS)
        pitch, phase = generator.uniform(1.0, 4.0, size=ROWS), generator.uniform(size=ROWS)
        turns = pitch[:, None] * np.linspace(0.0, 1.0, SAMPLES, endpoint=False) + phase[:, None]
        sine = np.sin(2.0 * np.pi * turns)
        every = np.stack([sine, np.sign(sine), 2.0 * (turns % 1.0) - 1.0])
        x = every[wave, np.arange(ROWS)] + NOISE * generator.normal(size=(ROWS, SAMPLES))
        level = ((pitch - 2.5) / 1.5).astype(np.float32)
        return Raw(
            x=x[..., None].astype(np.float32), y=wave, aims={"wave": wave, "pitch": level},
            description="waves, invented noisy waves",
        )  # fmt: skip
