"""nadam: Adam with Nesterov's look ahead, its momentum growing by a schedule."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, NonNegativeFloat, PositiveFloat

from parity.code import Case
from parity.entries import Since, read_in
from parity.native import Native, same
from parity.optimizers import weight_case
from parity.optimizers.coupled import NONE, WHY, Coupled, added
from parity.optimizers.per_parameter import Numbers, decays_of
from parity.schedules import AnyRate


class Nadam(Coupled):
    """u_t = b1 (1 - 0.96^(t psi) / 2), t = 1, 2, ...; U_t = u_1 ... u_t; m and v as in Adam.

    m_hat = u_{t+1} m / (1 - U_t u_{t+1}) + (1 - u_t) g / (1 - U_t); v_hat = v / (1 - b2^t);
    w -= lr m_hat / (sqrt(v_hat) + epsilon).

    psi is ``momentum_decay``. Keras has 1: the momentum starts at 0.52 b1 and is within 1 % of b1 after 96 steps.
    PyTorch has 0.004: it starts at 0.50 b1 and needs 24,000 steps, so that for a training of usual length the two are
    different optimizers. Keras also has the rate 0.001 and epsilon 1e-7, PyTorch 0.002 and 1e-8. Both add epsilon after
    the correction. TensorFlow has no Nadam; in raw TensorFlow the rule is written out.
    """

    kind: ClassVar[str] = "nadam"
    letters: ClassVar = {"m": "m", "v": "v", "u_product": "product"}
    starts: ClassVar = {"u_product": 1.0}
    shared: ClassVar[frozenset[str]] = frozenset({"u_product"})
    native: ClassVar = {"torch": {"learning_rate": 0.002, "epsilon": 1e-8, "momentum_decay": 0.004}}
    source: ClassVar = read_in(keras="optimizers/nadam", torch="optim/nadam")
    since: ClassVar = (Since("keras", "2.11", "momentum_decay", 0.004, 1.0, "nadam_momentum"),)
    natives: ClassVar = {
        "keras": Native("keras.optimizers.Nadam", same("learning_rate", "beta_1", "beta_2", "epsilon"),
                        when={"momentum_decay": 1.0} | NONE,
                        why={"momentum_decay": "whose momentum grows at a pace of its own, as in PyTorch; Keras's goes "
                             "by 0.96^t"} | WHY,
                        slots={"m": "_momentums", "v": "_velocities", "u_product": "_u_product"}),
        "torch": Native("torch.optim.NAdam", {"lr": "learning_rate", "betas": ("beta_1", "beta_2"), "eps": "epsilon",
                                              **same("momentum_decay", *NONE)}, own=NONE,
                        slots={"m": "exp_avg", "v": "exp_avg_sq", "u_product": "mu_product"}),
    }  # fmt: skip

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")
    beta_1: PositiveFloat = Field(default=0.9, lt=1.0, description="decay of the first moment; the momentum's limit")
    beta_2: PositiveFloat = Field(default=0.999, lt=1.0, description="decay of the second moment")
    epsilon: PositiveFloat = Field(default=1e-7, description="keeps the denominator from 0")
    momentum_decay: NonNegativeFloat = Field(
        default=1.0, description="how fast the momentum grows to beta_1: 1 in Keras, 0.004 in PyTorch"
    )
    weight_decay: NonNegativeFloat = added()
    weight_decay_of: Numbers = decays_of()

    def undecayed(self) -> str:
        return """
            now = beta_1 * (1.0 - 0.5 * 0.96 ** (t * momentum_decay))
            ahead = beta_1 * (1.0 - 0.5 * 0.96 ** ((t + 1.0) * momentum_decay))
            product = product * now
            correction_2 = 1.0 - beta_2**t
            m += (1.0 - beta_1) * (g - m)
            v += (1.0 - beta_2) * (g * g - v)
            m_hat = ahead * m / (1.0 - product * ahead) + (1.0 - now) * g / (1.0 - product)
            v_hat = v / correction_2
            w -= lr * m_hat / (sqrt(v_hat) + epsilon)
        """

    def undecayed_rule(self) -> str:
        power = "t" if self.momentum_decay == 1 else f"({self.momentum_decay!r} t)"
        return (
            f"u_t = b1 (1 - 0.96^{power} / 2); w -= lr m_hat / (sqrt(v_hat) + epsilon), m_hat with the momentum "
            "u_{t+1} of the step to come"
        )

    @classmethod
    def cases(cls) -> list[Case]:
        still = {"learning_rate": 1.0, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 1e-300, "momentum_decay": 0.0}
        halving = {"inverse_time": {"initial_learning_rate": 1.0, "decay_steps": 1, "decay_rate": 1.0}}
        keras, first, second = still | {"momentum_decay": 1.0}, 1 - 0.26 * 0.2696, 1 - 0.26 * 0.2696 * 0.278816
        return [
            weight_case("m = 1 by 1/4 over 15/16, g = 2 by 3/4 over 3/4, over sqrt(v_hat) = 2", still, [2.0], -17 / 15),
            weight_case("Keras's momentum is 0.26, then 0.2696", keras, [2.0], -(0.2696 / first + 2) / 2),
            weight_case("the product of the momenta goes on: 1/16 and, ahead, 1/64 in the second step", still,
                        [2.0, 2.0], -17 / 15 - 4 / 21 - 0.8),
            weight_case("epsilon after the correction", still | {"epsilon": 2.0}, [2.0], -17 / 30),
            weight_case("a schedule: the whole rate, then half of it", still | {"learning_rate": halving}, [2.0, 2.0],
                        -17 / 15 - 2 / 21 - 0.4),
            weight_case("the same at Keras's pace, in its own class", keras | {"learning_rate": halving}, [2.0, 2.0],
                        -(0.2696 / first + 2) / 2 - (0.278816 * 1.5 / second + 0.7304 * 2 / first) / 4),
            weight_case("a half of the weight, 1, is added to the gradient", still | {"weight_decay": 0.5}, [1.0],
                        2.0 - 17 / 15, start=2.0),
        ]  # fmt: skip
