"""ftrl: follow the regularized leader: a weight is made anew of all gradients so far, and 0 if they are small."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat

from parity.code import Case
from parity.entries import read_in
from parity.native import Native, Turned, same
from parity.optimizers import Optimizer, weight_case
from parity.schedules import AnyRate

STRENGTHS = {
    "initial_accumulator_value": 0.1, "l1_regularization_strength": 0.0, "l2_regularization_strength": 0.0,
    "l2_shrinkage_regularization_strength": 0.0, "beta": 0.0,
}  # fmt: skip


class Ftrl(Optimizer):
    """n' = n + g^2; z += g + 2 shrinkage w - (n'^p - n^p) / lr w; n = n'; w = (clip(z, -l1, l1) - z) / q.

    q = n'^p / lr + 2 l2 + beta / lr, with p = -learning_rate_power. Where |z| is at most l1, the weight is 0 exactly.
    Since w is made anew of z, which starts at 0, the first step forgets what a weight started at but for the share
    (n'^p - n^p) / n'^p: initial weights hardly matter, and a network that starts at random does not train with it. A
    rate of 0 divides by 0. Keras and TensorFlow 1 (without beta) have it, PyTorch does not. McMahan and others, "Ad
    click prediction" (2013).
    """

    kind: ClassVar[str] = "ftrl"
    letters: ClassVar = {"accumulator": "n", "linear": "z"}
    starts: ClassVar = {"accumulator": "initial_accumulator_value"}
    divides_by_rate: ClassVar[bool] = True
    source: ClassVar = read_in(keras="optimizers/ftrl", tensorflow="training/ftrl")
    natives: ClassVar = {
        "keras": Native("keras.optimizers.Ftrl", same("learning_rate", *STRENGTHS)
                        | {"learning_rate_power": Turned("power", lambda p: -p, lambda p: -p)},
                        own={**STRENGTHS, "learning_rate_power": -0.5},
                        slots={"accumulator": "_accumulators", "linear": "_linears"}),
    }  # fmt: skip

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")
    power: NonNegativeFloat = Field(default=0.5, description="of the sum of squares; minus Keras's learning_rate_power")
    initial_accumulator_value: NonNegativeFloat = Field(default=0.1, description="what the sum of squares starts at")
    l1_regularization_strength: NonNegativeFloat = Field(default=0.0, description="below it a weight is 0")
    l2_regularization_strength: NonNegativeFloat = Field(default=0.0, description="pulls weights to 0")
    l2_shrinkage_regularization_strength: NonNegativeFloat = Field(default=0.0, description="l2 in the gradient")
    beta: NonNegativeFloat = Field(default=0.0, description="pulls weights to 0, divided by the rate")

    def formula(self) -> str:
        return """
            grown = n + g * g
            z += g + 2.0 * l2_shrinkage_regularization_strength * w - (grown**power - n**power) / lr * w
            q = (grown**power + beta) / lr + 2.0 * l2_regularization_strength
            w += (clip(z, -l1_regularization_strength, l1_regularization_strength) - z) / q - w
            n = grown
        """

    def rule(self) -> str:
        return "z += g - (n'^p - n^p) / lr w; w = (clip(z, -l1, l1) - z) / (n'^p / lr + 2 l2 + beta / lr)"

    @classmethod
    def cases(cls) -> list[Case]:
        plain = {"learning_rate": 1.0, "initial_accumulator_value": 5.0}
        halving = {"inverse_time": {"initial_learning_rate": 1.0, "decay_steps": 1, "decay_rate": 1.0}}
        return [
            weight_case("z = 2, over the root of 9", plain, [2.0], -2 / 3),
            weight_case("of 3, a share of 1 - root 5 / 3 is left", plain, [2.0], -2 / 3 + 3.0 - 5.0**0.5, start=3.0),
            weight_case("l1 leaves 0", plain | {"l1_regularization_strength": 2.0}, [2.0], 0.0),
            weight_case("and the rest of it: 1.5 over 3 + 2 + 1", plain
                        | {"l1_regularization_strength": 0.5, "l2_regularization_strength": 1.0, "beta": 1.0}, [2.0],
                        -0.25),
            weight_case("shrinkage of 3: z = 2 + 6 - (9 - 5) 3, over 9",
                        plain | {"l2_shrinkage_regularization_strength": 1.0, "power": 1.0}, [2.0], 4 / 9, start=3.0),
            weight_case("a schedule: z = 2 + 4 (5 - 3) / 3, over 10, and 12 / 5 of a start of 3",
                        plain | {"learning_rate": halving}, [2.0, 4.0], -(6 + 2 * 2 * 2 / 3) / 10),
        ]  # fmt: skip
