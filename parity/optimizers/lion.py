"""lion: every weight moves by the rate, in the direction of a mix of gradient and momentum."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, PositiveFloat

from parity.code import Case
from parity.entries import Since, read_in
from parity.native import Native, same
from parity.optimizers import Optimizer, weight_case
from parity.schedules import AnyRate


class Lion(Optimizer):
    """w -= lr sign(b1 m + (1 - b1) g); m = b2 m + (1 - b2) g.

    The move uses m as it was, and another share of it than m keeps. A weight whose gradient and momentum are 0 stays;
    any other moves by lr, and the last bit of a sum that is nearly 0 decides which way: two programs that differ by
    rounding part by 2 lr. Keras has it; PyTorch and TensorFlow do not. Chen and others, "Symbolic discovery of
    optimization algorithms" (2023).
    """

    kind: ClassVar[str] = "lion"
    letters: ClassVar = {"m": "m"}
    source: ClassVar = read_in(keras="optimizers/lion")
    since: ClassVar = (Since("keras", "3.0", "learning_rate", 0.0001, 0.001, "lion_rate"),)
    natives: ClassVar = {
        "keras": Native("keras.optimizers.Lion", same("learning_rate", "beta_1", "beta_2"), slots={"m": "_momentums"}),
    }

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")
    beta_1: PositiveFloat = Field(default=0.9, lt=1.0, description="share of the momentum in the direction")
    beta_2: PositiveFloat = Field(default=0.99, lt=1.0, description="decay of the momentum")

    def formula(self) -> str:
        return """
            w -= lr * sign(beta_1 * m + (1.0 - beta_1) * g)
            m = beta_2 * m + (1.0 - beta_2) * g
        """

    def rule(self) -> str:
        return "w -= lr sign(b1 m + (1 - b1) g); m = b2 m + (1 - b2) g"

    @classmethod
    def cases(cls) -> list[Case]:
        fields = {"learning_rate": 0.5, "beta_1": 0.75, "beta_2": 0.5}
        halving = {"inverse_time": {"initial_learning_rate": 0.5, "decay_steps": 1, "decay_rate": 1.0}}
        return [
            weight_case("the rate, whatever the gradient's size", fields, [1e-3], -0.5),
            weight_case("m = 1, by 3/4, outweighs -2 by 1/4", fields, [2.0, -2.0], -1.0),
            weight_case("and not -4 by 1/4", fields, [2.0, -4.0], 0.0),
            weight_case("a schedule", fields | {"learning_rate": halving}, [2.0, 2.0], -0.75),
        ]
