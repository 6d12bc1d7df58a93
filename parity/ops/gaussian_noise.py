"""gaussian_noise: in training, adds normal noise to every value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from parity.code import Case, Helper, Site
from parity.entries import read_in
from parity.native import Native
from parity.ops.noise import Noise, noisy

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays


class GaussianNoise(Noise):
    """Training: y = x + stddev z, z a standard normal number for every value. Evaluation: y = x.

    PyTorch has no module of it; the one that is written adds ``stddev * torch.randn_like(x)``, as people do.
    """

    kind: ClassVar[str] = "gaussian_noise"
    short: ClassVar[str | None] = "stddev"
    rate_fields: ClassVar[tuple[str, ...]] = ("stddev",)
    source: ClassVar = read_in(
        keras="layers/regularization/gaussian_noise", tensorflow="ops/random_ops", torch="_torch_docs"
    )
    natives: ClassVar = {"keras": Native("keras.layers.GaussianNoise", {"stddev": "stddev"}, leading=("stddev",))}
    helpers: ClassVar[tuple[Helper, ...]] = (
        noisy("GaussianNoise", "x and normal noise, in training.", "x + self.stddev * torch.randn_like(x)"),
    )

    stddev: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        description="standard deviation of the noise, at most 1, as in Keras"
    )

    def passes_on(self) -> bool:
        return self.stddev == 0.0

    def deviation(self) -> float:
        return self.stddev

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return x if mask is None else x + self.stddev * mask

    def expression(self, site: Site) -> str:
        return f"x + tf.random.normal(tf.shape(x), stddev={self.stddev!r}, dtype=x.dtype)"

    def said(self, site: Site) -> str:
        return f"Adds noise of a standard deviation of {self.stddev:g}."

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="a quarter of a standard normal number is added to each", fields={"stddev": 0.25},
                 x=[[1.0, 2.0, -3.0]], mask=[[2.0, -1.0, 0.0]], expected=[[1.5, 1.75, -3.0]]),
            Case(shows="none draws nothing", fields={"stddev": 0.0}, x=[[1.0, 2.0]], expected=[[1.0, 2.0]]),
            Case(shows="evaluation leaves the input alone", fields={"stddev": 0.25}, x=[[1.0, 2.0]],
                 expected=[[1.0, 2.0]]),
        ]  # fmt: skip
