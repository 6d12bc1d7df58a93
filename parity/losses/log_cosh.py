"""log_cosh: the logarithm of the hyperbolic cosine of the error: its square when small, itself when large."""

from __future__ import annotations

import math
from typing import ClassVar

from parity.code import Case
from parity.entries import read_in
from parity.losses import loss_case
from parity.losses.elementwise import STRETCHES, Elementwise
from parity.native import Native


class LogCosh(Elementwise):
    """e = outputs - targets; L = mean of log cosh e, computed as |e| + log(1 + exp(-2 |e|)) - log 2.

    Keras writes e + softplus(-2 e) - log 2, which is the same and no more exact: of an error of 1e-6, whose loss is
    5e-13, all but three digits cancel in float64, and all of them in float32. The gradient, tanh e, keeps its digits.
    PyTorch and TensorFlow have no such loss.
    """

    kind: ClassVar[str] = "log_cosh"
    native: ClassVar = STRETCHES
    source: ClassVar = read_in(keras="losses/losses")
    natives: ClassVar = {
        "keras": Native("keras.losses.LogCosh"),
        "keras_torch": Native("keras.losses.LogCosh", never="on PyTorch hands on what is above 20 to its softplus"),
    }
    rule: ClassVar[str] = "log cosh(outputs - targets)"

    def formula(self, logits: bool) -> str:
        return f"""
            e = outputs - targets
            abs(e) + log1p(exp(-2.0 * abs(e))) - {math.log(2.0)!r}
        """

    @classmethod
    def cases(cls) -> list[Case]:
        x, y = [[1.0, 500.0], [0.0, -2.0]], [[0.0, 0.0], [0.0, 0.0]]
        rows = math.log(math.cosh(1.0)) + 500.0 - math.log(2.0), math.log(math.cosh(2.0))
        return [
            loss_case("an error of 500 costs 500 less log 2; cosh 500 itself would be 7e216", x, y, sum(rows) / 4),
            loss_case("every error, added up", x, y, sum(rows), reduction="sum"),
        ]
