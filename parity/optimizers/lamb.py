"""lamb: Adam, each layer's move made as long as its weights are."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, PositiveFloat

from parity.code import Case
from parity.entries import read_in
from parity.native import Native, same
from parity.optimizers import Optimizer, weight_case
from parity.schedules import AnyRate


class Lamb(Optimizer):
    """d = m_hat / (sqrt(v_hat) + epsilon), as Adam after the correction; w -= lr |w| / |d| d.

    |w| and |d| are the norms of the whole parameter; the ratio is 1 where either is 0. A bias that starts at 0 takes
    Adam's step first, and a tiny one ever after: the relative size of every step is the rate. Keras has it; PyTorch and
    TensorFlow do not. You and others, "Large batch optimization for deep learning" (2020), whose weight decay stands in
    d; ``weight_decay`` of ``keras.optimizers.Lamb`` does not.
    """

    kind: ClassVar[str] = "lamb"
    letters: ClassVar = {"m": "m", "v": "v"}
    source: ClassVar = read_in(keras="optimizers/lamb")
    natives: ClassVar = {
        "keras": Native("keras.optimizers.Lamb", same("learning_rate", "beta_1", "beta_2", "epsilon"),
                        slots={"m": "_momentums", "v": "_velocities"}),
    }  # fmt: skip

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")
    beta_1: PositiveFloat = Field(default=0.9, lt=1.0, description="decay of the first moment")
    beta_2: PositiveFloat = Field(default=0.999, lt=1.0, description="decay of the second moment")
    epsilon: PositiveFloat = Field(default=1e-7, description="keeps the denominator from 0")

    def formula(self) -> str:
        return """
            correction_1 = 1.0 - beta_1**t
            correction_2 = 1.0 - beta_2**t
            m += (1.0 - beta_1) * (g - m)
            v += (1.0 - beta_2) * (g * g - v)
            d = m / correction_1 / (sqrt(v / correction_2) + epsilon)
            size = sqrt(sum(square(d)))
            length = sqrt(sum(square(w)))
            ratio = where((length > 0.0) & (size > 0.0), length / where(size > 0.0, size, 1.0), 1.0)
            w -= lr * ratio * d
        """

    def rule(self) -> str:
        return "d = m_hat / (sqrt(v_hat) + epsilon); w -= lr |w| / |d| d"

    @classmethod
    def cases(cls) -> list[Case]:
        fields = {"learning_rate": 0.5, "beta_1": 0.5, "beta_2": 0.75, "epsilon": 1e-300}
        halving = {"inverse_time": {"initial_learning_rate": 0.5, "decay_steps": 1, "decay_rate": 1.0}}
        return [
            Case(shows="d is (1, 1), of length root 2, and w of length 5: each weight moves by 2.5 / root 2",
                 fields=fields, x=[[1e-3, 100.0]], parameters={"w": [3.0, 4.0]},
                 expected=[3.0 - 2.5 * 0.5**0.5, 4.0 - 2.5 * 0.5**0.5]),
            weight_case("from 0 it is Adam's step, and then half of what there is", fields, [2.0, 2.0], -0.75),
            weight_case("and back by half of it", fields, [2.0, -8.0], -0.25),
            weight_case("a schedule: half of 4, and a quarter of 2", fields | {"learning_rate": halving}, [2.0, 2.0],
                        1.5, start=4.0),
        ]  # fmt: skip
