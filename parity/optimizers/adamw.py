"""adamw: adam, and a share of the weight itself taken off in every step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, NonNegativeFloat

from parity.code import Case
from parity.entries import read_in
from parity.optimizers import weight_case
from parity.optimizers.adam import Adam

if TYPE_CHECKING:
    import numpy as np


class AdamW(Adam):
    """w -= lr weight_decay w, then adam's step, whose moments do not see the decay (Loshchilov and Hutter, 2019).

    An l2 regularizer would go through the moments: another trajectory. Every trainable parameter is decayed, biases and
    scales of normalizations too, in Keras and in PyTorch; ``weight_decay_of`` leaves some out. ``weight_decay`` is
    0.004 in Keras and 0.01 in PyTorch; ``weight_decay=`` of Keras's other optimizers is this one, of PyTorch's others
    an l2 penalty.
    """

    kind: ClassVar[str] = "adamw"
    couples_decay: ClassVar[bool] = False
    quiet: ClassVar = Adam.quiet - {"weight_decay"}
    coupled: ClassVar[bool] = False
    native: ClassVar = {"torch": {"epsilon": 1e-8, "epsilon_place": "after_correction", "weight_decay": 0.01}}
    source: ClassVar = read_in(keras="optimizers/adamw", torch="optim/adamw")
    natives: ClassVar = {
        "keras": replace(
            Adam.natives["keras"],
            name="keras.optimizers.AdamW",
            arguments={**Adam.natives["keras"].arguments, "weight_decay": "weight_decay"},
            when={"epsilon_place": "before_correction"},
            why={name: why for name, why in Adam.natives["keras"].why.items() if name != "weight_decay"},
        ),
        "torch": replace(
            Adam.natives["torch"],
            name="torch.optim.AdamW",
            own={"amsgrad": False},
        ),
    }  # fmt: skip

    weight_decay: NonNegativeFloat = Field(default=0.004, description="share of the weight taken off, times the rate")

    def formula(self) -> str:
        return f"w -= lr * weight_decay * w\n{self.undecayed()}"

    def between(self, w: np.ndarray, step: int) -> np.ndarray:
        return -self.rate(step) * self.weight_decay * w if self.by_batches else super().between(w, step)

    def rule(self) -> str:
        return f"w -= lr {self.weight_decay!r} w; {self.undecayed_rule()}"

    @classmethod
    def cases(cls) -> list[Case]:
        fields = {"learning_rate": 0.5, "weight_decay": 0.5, "epsilon": 1e-300}
        return [
            weight_case("a quarter of 4 is taken off, then adam's first step of 0.5", fields, [1e-3], 2.5, start=4.0),
            weight_case("after the correction: sqrt(v_hat) = 1 meets epsilon 0.5",
                        fields | {"beta_2": 0.75, "epsilon": 0.5, "epsilon_place": "after_correction"}, [1.0],
                        3.0 - 1 / 3, start=4.0),
            weight_case("a schedule is of the decay, too: 1 and 0.5, then a quarter of 2.5 / 2 and 0.25",
                        fields | {"learning_rate": {"cosine": {"initial_learning_rate": 0.5, "decay_steps": 2}}},
                        [2.0, 2.0], 2.5 - 0.3125 - 0.25, start=4.0),
        ]  # fmt: skip
