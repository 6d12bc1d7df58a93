"""What layers share that are dealt normal numbers in training."""

from __future__ import annotations

from typing import ClassVar

from parity.code import Helper, Site, TensorFlowCode
from parity.ops.single import Elementwise, module


class Noise(Elementwise):
    """Base of them: an entry says the expression in training, and how far its noise goes."""

    passes_mask: ClassVar[bool] = True
    draws: ClassVar[bool] = True
    noise: ClassVar[bool] = True

    def deviation(self) -> float:
        """Return the standard deviation of the noise."""
        raise TypeError(f"{type(self).__name__} says nothing of its noise")

    def tensorflow(self, site: Site) -> TensorFlowCode:
        body = "x" if self.passes_on() else f"{self.expression(site)} if training else x"
        drawn = not self.passes_on()
        return TensorFlowCode(body=(f"return {body}",), doc=self.said(site), training=drawn, reads="any", writes="any")

    def modules(self, site: Site) -> dict[str, str]:
        return {"": f"{self.helpers[0].name}({self.deviation()!r})"}


def noisy(name: str, said: str, trained: str) -> Helper:
    """Return a module of PyTorch's that computes something where it trains and has a ``stddev``."""
    return module(name, said, "stddev", f"{trained} if self.training and self.stddev else x")
