"""adadelta: the gradient over its running size, times the running size of the moves."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat, PositiveFloat

from parity.code import Case
from parity.entries import read_in
from parity.native import Native, same
from parity.optimizers import weight_case
from parity.optimizers.coupled import NONE, WHY, Coupled, added
from parity.optimizers.per_parameter import Numbers, decays_of
from parity.schedules import AnyRate


class Adadelta(Coupled):
    """a = rho a + (1 - rho) g^2; d = sqrt(u + epsilon) / sqrt(a + epsilon) g; u = rho u + (1 - rho) d^2; w -= lr d.

    One formula in all frameworks: epsilon under both roots, the rate outside u, as in Zeiler's paper, which has no rate
    (lr 1). The defaults are far apart: Keras has lr 0.001, rho 0.95 and epsilon 1e-7, with which next to nothing is
    learned (Keras before 2.4 had lr 1.0), TensorFlow 1 the same with epsilon 1e-8, PyTorch lr 1.0, rho 0.9 and epsilon
    1e-6. Since u starts at 0, the first moves are about sqrt(epsilon / (1 - rho)) whatever the gradient: epsilon is a
    warm-up, not a guard.
    """

    kind: ClassVar[str] = "adadelta"
    letters: ClassVar = {"accumulated_grad": "a", "accumulated_delta": "u"}
    native: ClassVar = {
        "tensorflow": {"epsilon": 1e-8},
        "torch": {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-6},
    }
    source: ClassVar = read_in(keras="optimizers/adadelta", tensorflow="training/adadelta", torch="optim/adadelta")
    natives: ClassVar = {
        "keras": Native("keras.optimizers.Adadelta", same("learning_rate", "rho", "epsilon"), when=NONE, why=WHY,
                        slots={"accumulated_grad": "_accumulated_grads",
                               "accumulated_delta": "_accumulated_delta_vars"}),
        "torch": Native("torch.optim.Adadelta", {"lr": "learning_rate", "eps": "epsilon"} | same("rho", *NONE),
                        own=NONE, slots={"accumulated_grad": "square_avg", "accumulated_delta": "acc_delta"}),
    }  # fmt: skip

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")
    rho: PositiveFloat = Field(default=0.95, lt=1.0, description="decay of both mean squares")
    epsilon: PositiveFloat = Field(default=1e-7, description="added to both mean squares, under the root")
    weight_decay: NonNegativeFloat = added()
    weight_decay_of: Numbers = decays_of()

    def undecayed(self) -> str:
        return """
            a = rho * a + (1.0 - rho) * g * g
            d = sqrt(u + epsilon) / sqrt(a + epsilon) * g
            u = rho * u + (1.0 - rho) * d * d
            w -= lr * d
        """

    def undecayed_rule(self) -> str:
        return "d = sqrt(u + epsilon) / sqrt(a + epsilon) g; w -= lr d"

    @classmethod
    def cases(cls) -> list[Case]:
        plain = {"learning_rate": 1.0, "rho": 0.75, "epsilon": 0.75}
        halving = {"inverse_time": {"initial_learning_rate": 1.0, "decay_steps": 1, "decay_rate": 1.0}}
        return [
            weight_case("a = 1: sqrt(0.75) / sqrt(1.75) times 2", plain, [2.0], -2 * (3 / 7) ** 0.5),
            weight_case("epsilon is under both roots: outside them the move would be 0.75 / 1.75 times 2",
                        plain | {"learning_rate": 0.5}, [2.0], -((3 / 7) ** 0.5)),
            weight_case("the second move is of the size of the first: u = 3 / 7, a = 1.75", plain, [2.0, 2.0],
                        -2 * (3 / 7) ** 0.5 - 2 * ((0.75 + 3 / 7) / 2.5) ** 0.5),
            weight_case("the rate is outside u: halved, the second move is half of what it was",
                        plain | {"learning_rate": halving}, [2.0, 2.0],
                        -2 * (3 / 7) ** 0.5 - ((0.75 + 3 / 7) / 2.5) ** 0.5),
            weight_case("a half of the weight, 1, is added to the gradient", plain | {"weight_decay": 0.5}, [1.0],
                        2 - 2 * (3 / 7) ** 0.5, start=2.0),
        ]  # fmt: skip
