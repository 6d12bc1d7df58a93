"""poisson: minus the log-likelihood of counts, but for what does not depend on the outputs."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from pydantic import Field, PositiveFloat

from parity.activations import Activation
from parity.code import Case
from parity.entries import read_in
from parity.losses import loss_case
from parity.losses.elementwise import STRETCHES, Elementwise
from parity.native import Native


class Poisson(Elementwise):
    """L = mean of outputs - targets log(outputs + epsilon); with ``log_input`` of exp(outputs) - targets outputs.

    Keras's outputs are the rates, epsilon is 1e-7. ``nn.PoissonNLLLoss`` takes their logarithms unless told
    ``log_input=False``, and has epsilon 1e-8; ``full`` adds Stirling's formula, which moves no weight.
    """

    kind: ClassVar[str] = "poisson"
    positive: ClassVar[bool] = True
    native: ClassVar = STRETCHES | {"torch": {**STRETCHES["torch"], "log_input": True, "epsilon": 1e-8}}
    source: ClassVar = read_in(keras="losses/losses", torch="nn/functional")
    natives: ClassVar = {
        "keras": Native("keras.losses.Poisson", when={"log_input": False, "epsilon": 1e-7},
                        why={"log_input": "keras.losses.Poisson takes rates, not their logarithms",
                             "epsilon": "keras.losses.Poisson has an epsilon of its own, 1e-7"}),
        "torch": Native("nn.PoissonNLLLoss", {"log_input": "log_input", "eps": "epsilon"},
                        own={"log_input": True, "eps": 1e-8}),
    }  # fmt: skip
    rule: ClassVar[str] = "outputs - targets log(outputs)"

    log_input: bool = Field(default=False, description="outputs are logarithms of the rates, as in PyTorch")
    epsilon: PositiveFloat = Field(default=1e-7, description="added to a rate before its logarithm is taken")

    def formula(self, logits: bool) -> str:
        if self.log_input:
            return "exp(outputs) - targets * outputs"
        return "outputs - targets * log(outputs + epsilon)"

    def inert(self, field: str, other: Any, ending: Activation | None) -> str:
        return "of logarithms none is taken" if field == "epsilon" and self.log_input else ""

    @classmethod
    def cases(cls) -> list[Case]:
        x, y, e = [[0.0, 1.0]], [[3.0, 2.0]], math.e
        return [
            loss_case("0 costs 3 times 16.118, and 1 costs 1 less 2e-7", x, y,
                      (-3.0 * math.log(1e-7) + 1.0 - 2.0 * math.log1p(1e-7)) / 2),
            loss_case("logarithms: 1 - 0 and e - 2", x, y, (e - 1.0) / 2, log_input=True),
            loss_case("epsilon 1: 0 and 1 - 2 log 2, added up", x, y, 1.0 - 2.0 * math.log(2.0), epsilon=1.0,
                      reduction="sum_over_rows", weight=2.0),
        ]  # fmt: skip
