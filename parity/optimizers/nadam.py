"""nadam: Adam with Nesterov's look ahead, its momentum growing by a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, NonNegativeFloat, PositiveFloat

from parity.code import Case
from parity.native import Native
from parity.optimizers import Optimizer
from parity.schedules import AnyRate

if TYPE_CHECKING:
    from collections.abc import Mapping


class Nadam(Optimizer):
    """u_t = b1 (1 - 0.96^(t psi) / 2), t = 1, 2, ...; U_t = u_1 ... u_t; m and v as in Adam.

    m_hat = u_{t+1} m / (1 - U_t u_{t+1}) + (1 - u_t) g / (1 - U_t); v_hat = v / (1 - b2^t);
    w -= lr m_hat / (sqrt(v_hat) + epsilon).

    psi is ``momentum_decay``. Keras has 1: the momentum starts at 0.52 b1 and is within 1 % of b1 after 96 steps.
    PyTorch has 0.004: it starts at 0.50 b1 and needs 24,000 steps, so that for a training of usual length the two are
    different optimizers. Keras also has the rate 0.001 and epsilon 1e-7, PyTorch 0.002 and 1e-8. Both add epsilon after
    the correction. TensorFlow has no Nadam; in raw TensorFlow the rule is written out.
    """

    kind: ClassVar[str] = "nadam"
    letters: ClassVar[Mapping[str, str]] = {"m": "m", "v": "v", "u_product": "product"}
    starts: ClassVar[Mapping[str, float | str]] = {"u_product": 1.0}
    shared: ClassVar[frozenset[str]] = frozenset({"u_product"})
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "torch": {"learning_rate": 0.002, "epsilon": 1e-8, "momentum_decay": 0.004}
    }
    source: ClassVar[Mapping[str, str]] = {"keras": "keras/src/optimizers/nadam.py", "torch": "torch/optim/nadam.py"}
    natives: ClassVar[Mapping[str, Native]] = {
        "keras": Native(
            "keras.optimizers.Nadam",
            {name: name for name in ("learning_rate", "beta_1", "beta_2", "epsilon")},
            when={"momentum_decay": 1.0},
            why={"momentum_decay": "whose momentum grows at a pace of its own, as in PyTorch; Keras's goes by 0.96^t"},
            slots={"m": "_momentums", "v": "_velocities", "u_product": "_u_product"},
        ),
        "torch": Native(
            "torch.optim.NAdam",
            {
                "lr": "learning_rate",
                "betas": ("beta_1", "beta_2"),
                "eps": "epsilon",
                "momentum_decay": "momentum_decay",
            },
            slots={"m": "exp_avg", "v": "exp_avg_sq", "u_product": "mu_product"},
        ),
    }

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")
    beta_1: PositiveFloat = Field(default=0.9, lt=1.0, description="decay of the first moment; the momentum's limit")
    beta_2: PositiveFloat = Field(default=0.999, lt=1.0, description="decay of the second moment")
    epsilon: PositiveFloat = Field(default=1e-7, description="keeps the denominator from 0")
    momentum_decay: NonNegativeFloat = Field(
        default=1.0, description="how fast the momentum grows to beta_1: 1 in Keras, 0.004 in PyTorch"
    )

    def formula(self) -> str:
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

    def rule(self) -> str:
        power = "t" if self.momentum_decay == 1 else f"({self.momentum_decay!r} t)"
        return (
            f"u_t = b1 (1 - 0.96^{power} / 2); w -= lr m_hat / (sqrt(v_hat) + epsilon), m_hat with the momentum "
            "u_{t+1} of the step to come"
        )

    @classmethod
    def cases(cls) -> list[Case]:
        still = {"learning_rate": 1.0, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 1e-300, "momentum_decay": 0.0}
        halving = {"inverse_time": {"initial_learning_rate": 1.0, "decay_steps": 1, "decay_rate": 1.0}}
        return [
            Case(shows="m = 1 by 1/4 over 15/16, g = 2 by 3/4 over 3/4: 34/15 over sqrt(v_hat) = 2", fields=still,
                 x=[[2.0]], parameters={"w": [0.0]}, expected=[-17 / 15]),
            Case(shows="Keras's pace: the momentum is 0.26 in the first step, 0.2696 in the second",
                 fields=still | {"momentum_decay": 1.0}, x=[[2.0]], parameters={"w": [0.0]},
                 expected=[-(0.2696 / (1 - 0.26 * 0.2696) + 2) / 2]),
            Case(shows="the product of the momenta goes on: 1/16 and, ahead, 1/64 in the second step", fields=still,
                 x=[[2.0], [2.0]], parameters={"w": [0.0]}, expected=[-17 / 15 - 4 / 21 - 0.8]),
            Case(shows="epsilon 2 beside sqrt(v_hat) = 2, after the correction", fields=still | {"epsilon": 2.0},
                 x=[[2.0]], parameters={"w": [0.0]}, expected=[-17 / 30]),
            Case(shows="a schedule: the whole rate, then half of it", fields=still | {"learning_rate": halving},
                 x=[[2.0], [2.0]], parameters={"w": [0.0]}, expected=[-17 / 15 - 2 / 21 - 0.4]),
            Case(shows="the same at Keras's pace, in its own class", x=[[2.0], [2.0]], parameters={"w": [0.0]},
                 fields=still | {"learning_rate": halving, "momentum_decay": 1.0},
                 expected=[-(0.2696 / (1 - 0.26 * 0.2696) + 2) / 2
                           - (0.278816 * 1.5 / (1 - 0.26 * 0.2696 * 0.278816)
                              + (1 - 0.2696) * 2 / (1 - 0.26 * 0.2696)) / 4]),
        ]  # fmt: skip
