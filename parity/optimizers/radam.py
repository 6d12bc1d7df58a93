"""radam: Adam, rectified: plain momentum until the second moment can be trusted."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat, PositiveFloat

from parity.code import Case
from parity.entries import read_in
from parity.native import Native, same
from parity.optimizers import weight_case
from parity.optimizers.coupled import NONE, Coupled, added
from parity.optimizers.per_parameter import Numbers, decays_of
from parity.schedules import AnyRate


class RAdam(Coupled):
    """R = 2 / (1 - b2) - 1; r = R - 2 t b2^t / (1 - b2^t); m and v as in Adam, t = 1, 2, ...

    Where r is more than 5: w -= lr m_hat sqrt((r - 4) (r - 2) R / ((R - 4) (R - 2) r)) sqrt(1 - b2^t) /
    (sqrt(v) + epsilon); else w -= lr m_hat, a step as large as the gradient: with b2 0.999 the first five. epsilon is
    added before the correction, where PyTorch's Adam adds it after. PyTorch has it; Keras and TensorFlow do not. Liu
    and others, "On the variance of the adaptive learning rate and beyond" (2020), with 4 in the place of 5.
    """

    kind: ClassVar[str] = "radam"
    letters: ClassVar = {"m": "m", "v": "v"}
    native: ClassVar = {"torch": {"epsilon": 1e-8}}
    source: ClassVar = read_in(torch="optim/radam")
    natives: ClassVar = {
        "torch": Native("torch.optim.RAdam", {"lr": "learning_rate", "betas": ("beta_1", "beta_2"), "eps": "epsilon",
                                              **same(*NONE)}, own=NONE,
                        slots={"m": "exp_avg", "v": "exp_avg_sq"}),
    }  # fmt: skip

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")
    beta_1: PositiveFloat = Field(default=0.9, lt=1.0, description="decay of the first moment")
    beta_2: PositiveFloat = Field(default=0.999, gt=0.6, lt=1.0, description="decay of the second moment")
    epsilon: PositiveFloat = Field(default=1e-7, description="keeps the denominator from 0")
    weight_decay: NonNegativeFloat = added()
    weight_decay_of: Numbers = decays_of()

    def undecayed(self) -> str:
        most = 2.0 / (1.0 - self.beta_2) - 1.0
        return f"""
            correction_1 = 1.0 - beta_1**t
            correction_2 = 1.0 - beta_2**t
            r = {most!r} - 2.0 * t * beta_2**t / correction_2
            rectified = maximum((r - 4.0) * (r - 2.0) * {most / ((most - 4.0) * (most - 2.0))!r} / r, 0.0)
            m += (1.0 - beta_1) * (g - m)
            v += (1.0 - beta_2) * (g * g - v)
            adapted = sqrt(rectified * correction_2) / (sqrt(v) + epsilon)
            w -= lr * m / correction_1 * where(r > 5.0, adapted, 1.0)
        """

    def undecayed_rule(self) -> str:
        return "w -= lr m_hat, once r_t > 5 times a rectified sqrt(1 - b2^t) / (sqrt(v) + epsilon)"

    @classmethod
    def cases(cls) -> list[Case]:
        fields = {"learning_rate": 0.5, "beta_1": 0.5, "beta_2": 0.96875, "epsilon": 1e-300}
        power = 0.96875**6
        r = 63.0 - 12.0 * power / (1.0 - power)
        share = ((r - 4.0) * (r - 2.0) * 63.0 / (59.0 * 61.0 * r)) ** 0.5
        halving = {"inverse_time": {"initial_learning_rate": 0.5, "decay_steps": 1, "decay_rate": 1.0}}
        return [
            weight_case("the first steps are as large as the gradient", fields, [2.0, 2.0], -2.0),
            weight_case("the sixth is of Adam's size, rectified: r was 4.89 in the fifth", fields, [2.0] * 6,
                        -5.0 - 0.5 * share),
            weight_case("a schedule", fields | {"learning_rate": halving}, [2.0, 2.0], -1.5),
            weight_case("a half of the weight is added to the gradient: 2, and then 3/2; m is 1, and then 5/4",
                        fields | {"weight_decay": 0.5}, [1.0, 1.0], 1.0 - 0.5 * 1.25 / 0.75, start=2.0),
        ]  # fmt: skip
