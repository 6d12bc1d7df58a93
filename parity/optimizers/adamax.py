"""adamax: Adam with the largest gradient lately in the place of the mean square."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from parity.code import Case
from parity.entries import read_in
from parity.native import Native, same
from parity.optimizers import weight_case
from parity.optimizers.coupled import NONE, WHY, Coupled, added
from parity.optimizers.per_parameter import Numbers, decays_of
from parity.schedules import AnyRate


class Adamax(Coupled):
    """m = b1 m + (1 - b1) g; u = max(b2 u, |g|); w -= lr m / ((1 - b1^t) (u + epsilon)), t = 1, 2, ...

    epsilon_place ``denominator`` (Keras); ``inside_maximum`` (PyTorch): u = max(b2 u, |g| + epsilon), nothing added to
    u, which so keeps epsilon for as long as the gradient is the largest. Keras has the rate 0.001 and epsilon 1e-7,
    PyTorch 0.002 and 1e-8. Kingma and Ba (2015), section 7.1, has no epsilon. TensorFlow has no Adamax.
    """

    kind: ClassVar[str] = "adamax"
    letters: ClassVar = {"m": "m", "u": "u"}
    native: ClassVar = {"torch": {"learning_rate": 0.002, "epsilon": 1e-8, "epsilon_place": "inside_maximum"}}
    source: ClassVar = read_in(keras="optimizers/adamax", torch="optim/adamax")
    natives: ClassVar = {
        "keras": Native("keras.optimizers.Adamax", same("learning_rate", "beta_1", "beta_2", "epsilon"),
                        when={"epsilon_place": "denominator"} | NONE,
                        why={"epsilon_place": "with epsilon added to the gradient's size, as PyTorch has it"} | WHY,
                        slots={"m": "_m", "u": "_u"}),
        "torch": Native("torch.optim.Adamax", {"lr": "learning_rate", "betas": ("beta_1", "beta_2"), "eps": "epsilon",
                                               **same(*NONE)}, own=NONE,
                        when={"epsilon_place": "inside_maximum"},
                        why={"epsilon_place": "with epsilon in the denominator, as in Keras"},
                        slots={"m": "exp_avg", "u": "exp_inf"}),
    }  # fmt: skip

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")
    beta_1: PositiveFloat = Field(default=0.9, lt=1.0, description="decay of the first moment")
    beta_2: PositiveFloat = Field(default=0.999, lt=1.0, description="decay of the largest gradient")
    epsilon: PositiveFloat = Field(default=1e-7, description="keeps the denominator from 0")
    epsilon_place: Literal["denominator", "inside_maximum"] = Field(
        default="denominator", description="whether epsilon is added to u, or to the gradient's size before it"
    )
    weight_decay: NonNegativeFloat = added()
    weight_decay_of: Numbers = decays_of()

    def undecayed(self) -> str:
        before = self.epsilon_place == "denominator"
        return f"""
            correction_1 = 1.0 - beta_1**t
            m += (1.0 - beta_1) * (g - m)
            u = maximum(beta_2 * u, {"abs(g)" if before else "abs(g) + epsilon"})
            w -= lr / correction_1 * m / {"(u + epsilon)" if before else "u"}
        """

    def undecayed_rule(self) -> str:
        if self.epsilon_place == "denominator":
            return "u = max(b2 u, |g|); w -= lr / (1 - b1^t) m / (u + epsilon)"
        return "u = max(b2 u, |g| + epsilon); w -= lr / (1 - b1^t) m / u"

    @classmethod
    def cases(cls) -> list[Case]:
        plain = {"learning_rate": 1.0, "beta_1": 0.5, "beta_2": 0.5, "epsilon": 2.0}
        inside = {"epsilon_place": "inside_maximum"}
        halving = {"inverse_time": {"initial_learning_rate": 1.0, "decay_steps": 1, "decay_rate": 1.0}}
        return [
            weight_case("m is 1 over 1/2, u 2, with epsilon 4", plain, [2.0], -0.5),
            weight_case("m 3/4 over 3/4, u half of what it was, with epsilon 3", plain, [2.0, 0.5], -0.5 - 1 / 3),
            weight_case("inside the maximum u is 4, and then 1/2 + 2, more than half of 4", plain | inside, [2.0, 0.5],
                        -0.5 - 0.4),
            weight_case("a schedule: half of the second move", plain | {"learning_rate": halving}, [2.0, 0.5],
                        -0.5 - 1 / 6),
            weight_case("a half of the weight, 1, is added to the gradient", plain | {"weight_decay": 0.5}, [1.0], 1.5,
                        start=2.0),
        ]  # fmt: skip
