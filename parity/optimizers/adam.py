"""adam: moment estimates of the gradient, bias-corrected, with the place of epsilon explicit."""

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


class Adam(Coupled):
    """m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; c1 = 1 - b1^t; c2 = 1 - b2^t, t = 1, 2, ...

    epsilon_place ``before_correction`` (Keras, TensorFlow; the "epsilon hat" of Kingma and Ba, section 2):
    w -= lr sqrt(c2) / c1 m / (sqrt(v) + epsilon). ``after_correction`` (PyTorch; Algorithm 1 of the paper):
    w -= lr (m / c1) / (sqrt(v / c2) + epsilon). The first is the second with epsilon / sqrt(c2), 31.6 times larger
    at t = 1. Keras has epsilon 1e-7, TensorFlow 1 and PyTorch 1e-8. ``amsgrad`` takes the largest v so far for v; in
    Keras as in PyTorch it is the largest of those that are not corrected, which Reddi and others (2018) do not correct.
    ``weight_decay`` is PyTorch's, coupled: weight_decay w is added to g, and goes through the moments, as an l2 penalty
    of half of it would; Keras's argument of that name takes it off the weight, which is ``adamw``.
    """

    kind: ClassVar[str] = "adam"
    letters: ClassVar = {"m": "m", "v": "v", "v_max": "top"}
    quiet: ClassVar = Coupled.quiet | {"amsgrad"}
    native: ClassVar = {
        "tensorflow": {"epsilon": 1e-8},
        "torch": {"epsilon": 1e-8, "epsilon_place": "after_correction"},
    }
    source: ClassVar = read_in(keras="optimizers/adam", tensorflow="training/adam", torch="optim/adam")
    natives: ClassVar = {
        "keras": Native("keras.optimizers.Adam", same("learning_rate", "beta_1", "beta_2", "epsilon", "amsgrad"),
                        own={"amsgrad": False}, when={"epsilon_place": "before_correction"} | NONE,
                        anew={"epsilon": "epsilon * sqrt(1.0 - beta_2**t)"}, mended=("epsilon_place",),
                        why={"epsilon_place": "with epsilon added after the bias correction, as PyTorch has it"} | WHY,
                        slots={"m": "_momentums", "v": "_velocities", "v_max": "_velocity_hats"}),
        "torch": Native("torch.optim.Adam", {"lr": "learning_rate", "betas": ("beta_1", "beta_2"), "eps": "epsilon",
                                             **same(*NONE, "amsgrad")}, own=NONE | {"amsgrad": False},
                        when={"epsilon_place": "after_correction"}, anew={"eps": "epsilon / sqrt(1.0 - beta_2**t)"},
                        why={"epsilon_place": "with epsilon before the bias correction, as in Keras"},
                        slots={"m": "exp_avg", "v": "exp_avg_sq", "v_max": "max_exp_avg_sq"}),
    }  # fmt: skip

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")
    beta_1: PositiveFloat = Field(default=0.9, lt=1.0, description="decay of the first moment")
    beta_2: PositiveFloat = Field(default=0.999, lt=1.0, description="decay of the second moment")
    epsilon: PositiveFloat = Field(default=1e-7, description="keeps the denominator from 0")
    epsilon_place: Literal["before_correction", "after_correction"] = Field(
        default="before_correction", description="whether epsilon meets sqrt(v) before or after its bias correction"
    )
    amsgrad: bool = Field(default=False, description="divide by the largest v so far, before its correction")
    weight_decay: NonNegativeFloat = added()
    weight_decay_of: Numbers = decays_of()

    def undecayed(self) -> str:
        v = "top" if self.amsgrad else "v"
        if self.epsilon_place == "before_correction":
            move = "alpha = lr * sqrt(correction_2) / correction_1\nw -= alpha * m / (sqrt(%s) + epsilon)"
        else:
            move = "m_hat = m / correction_1\nv_hat = %s / correction_2\nw -= lr * m_hat / (sqrt(v_hat) + epsilon)"
        return f"""
            correction_1 = 1.0 - beta_1**t
            correction_2 = 1.0 - beta_2**t
            m += (1.0 - beta_1) * (g - m)
            v += (1.0 - beta_2) * (g * g - v)
            {"top = maximum(top, v)" if self.amsgrad else ""}
            {move % v}
        """

    def undecayed_rule(self) -> str:
        if self.amsgrad:
            return f"as Adam {self.epsilon_place.replace('_', ' the ')}, with the largest v so far"
        if self.epsilon_place == "before_correction":
            return "w -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)"
        return "w -= lr m_hat / (sqrt(v_hat) + epsilon), both bias-corrected"

    @classmethod
    def cases(cls) -> list[Case]:
        halving = {"inverse_time": {"initial_learning_rate": 0.5, "decay_steps": 1, "decay_rate": 1.0}}
        return [
            Case(shows="the first step is lr whatever the gradient's size, epsilon aside",
                 fields={"learning_rate": 0.5, "epsilon": 1e-300}, x=[[1e-3, -100.0]],
                 parameters={"w": [0.0, 0.0]}, expected=[-0.5, 0.5]),
            weight_case("before the correction: sqrt(v) = 0.5 meets epsilon 0.5 while v is uncorrected",
                        {"learning_rate": 1.0, "beta_2": 0.75, "epsilon": 0.5}, [1.0], -0.5),
            weight_case("after the correction: sqrt(v_hat) = 1 meets epsilon 0.5",
                        {"learning_rate": 1.0, "beta_2": 0.75, "epsilon": 0.5, "epsilon_place": "after_correction"},
                        [1.0], -2 / 3),
            weight_case("amsgrad: v is 1/2 and then 3/8, the largest stays",
                        {"learning_rate": 1.0, "beta_1": 0.5, "beta_2": 0.5, "epsilon": 1e-300, "amsgrad": True},
                        [1.0, 0.5], -1.0 - 0.5 / 0.375**0.5),
            weight_case("gathered, moments count updates, the schedule batches: a half and a quarter of the rate",
                        {"learning_rate": halving, "epsilon": 1e-300, "gradient_accumulation_steps": 2},
                        [2.0] * 4, -0.25 - 0.125),
            weight_case("gathered, after the correction", {"learning_rate": 1.0, "beta_2": 0.75, "epsilon": 0.5,
                        "epsilon_place": "after_correction", "gradient_accumulation_steps": 2, "use_ema": True,
                        "ema_momentum": 0.5}, [0.5, 1.5, 1.0], -2 / 3),
            weight_case("a schedule: the whole rate, then half of it", {"learning_rate": halving, "epsilon": 1e-300},
                        [2.0, 2.0], -0.75),
            weight_case("a decay turns the gradient round: -1 and half of 4, and the first step is lr",
                        {"learning_rate": 0.5, "weight_decay": 0.5, "epsilon": 1e-300}, [-1.0], 3.5, start=4.0),
            weight_case("it goes through the moments: m is 1/2 and then 3/4, v 1/2 and 3/4, corrected 1",
                        {"learning_rate": 1.0, "weight_decay": 0.5, "beta_1": 0.5, "beta_2": 0.5, "epsilon": 1.0,
                         "epsilon_place": "after_correction"}, [-1.0, -0.75], 4.0 - 0.5 - 0.5, start=4.0),
            weight_case("and with the largest v so far", {"learning_rate": 1.0, "weight_decay": 0.5, "beta_1": 0.5,
                        "beta_2": 0.5, "epsilon": 1e-300, "amsgrad": True}, [-1.0, -1.0], 3.0 - 0.5 / 0.375**0.5,
                        start=4.0),
        ]  # fmt: skip
