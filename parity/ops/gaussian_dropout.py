"""gaussian_dropout: in training, multiplies every value by a normal number around 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from parity.code import Case, Helper, Site
from parity.entries import read_in
from parity.native import Native
from parity.ops.noise import Noise, noisy

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays


class GaussianDropout(Noise):
    """Training: y = x (1 + s z), s = sqrt(rate / (1 - rate)), z a standard normal number. Evaluation: y = x.

    The noise has the mean and the variance of what ``dropout`` of the same rate multiplies by, and drops nothing
    (Srivastava and others, 2014, section 10). PyTorch has no module of it.
    """

    kind: ClassVar[str] = "gaussian_dropout"
    short: ClassVar[str | None] = "rate"
    source: ClassVar = read_in(
        keras="layers/regularization/gaussian_dropout", tensorflow="ops/random_ops", torch="_torch_docs"
    )
    natives: ClassVar = {"keras": Native("keras.layers.GaussianDropout", {"rate": "rate"}, leading=("rate",))}
    helpers: ClassVar[tuple[Helper, ...]] = (
        noisy("GaussianDropout", "x times normal numbers around 1, in training.",
              "x * (1.0 + self.stddev * torch.randn_like(x))"),
    )  # fmt: skip

    rate: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        description="share that a dropout with noise of this variance drops"
    )

    def passes_on(self) -> bool:
        return self.rate == 0.0

    def deviation(self) -> float:
        return math.sqrt(self.rate / (1.0 - self.rate))

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return x if mask is None else x * (1.0 + self.deviation() * mask)

    def expression(self, site: Site) -> str:
        return f"x * tf.random.normal(tf.shape(x), 1.0, {self.deviation()!r}, x.dtype)"

    def said(self, site: Site) -> str:
        return f"Times normal numbers around 1, of the variance of a dropout of {self.rate:g}."

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="half of the values: a standard deviation of 1", fields={"rate": 0.5}, x=[[1.0, 2.0, -3.0]],
                 mask=[[2.0, -1.0, 0.0]], expected=[[3.0, 0.0, -3.0]]),
            Case(shows="a fifth: the root of a quarter", fields={"rate": 0.2}, x=[[4.0]], mask=[[-3.0]],
                 expected=[[-2.0]]),
            Case(shows="evaluation leaves the input alone", fields={"rate": 0.5}, x=[[1.0, 2.0]],
                 expected=[[1.0, 2.0]]),
        ]  # fmt: skip
