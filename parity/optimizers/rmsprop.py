"""rmsprop: the gradient over the root of its running mean square, with the place of epsilon explicit."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from parity.code import Case
from parity.entries import read_in
from parity.native import Native, same
from parity.optimizers import Optimizer, weight_case
from parity.schedules import AnyRate


class RMSprop(Optimizer):
    """v = rho v + (1 - rho) g^2; w -= lr g / sqrt(v + epsilon).

    ``centered`` keeps the running mean of the gradient as well, a = rho a + (1 - rho) g, and takes v - a^2 for v. With
    ``momentum``, b = momentum b + lr g / sqrt(v + epsilon); w -= b: the rate stands inside b, as in Keras and
    TensorFlow, where PyTorch holds it outside (the same while it does not change).

    epsilon_place ``inside_root`` (Keras, TensorFlow): sqrt(v + epsilon), which for 1e-7 is at least 3e-4.
    ``outside_root`` (PyTorch): sqrt(v) + epsilon. Epsilon is 1e-7 in Keras, 1e-10 in TensorFlow 1 and 1e-8 in PyTorch.
    v starts at 0; TensorFlow 1's starts at 1.
    """

    kind: ClassVar[str] = "rmsprop"
    letters: ClassVar = {"velocity": "v", "momentum": "b", "average_gradient": "a"}
    native: ClassVar = {
        "tensorflow": {"epsilon": 1e-10},
        "torch": {"learning_rate": 0.01, "rho": 0.99, "epsilon": 1e-8, "epsilon_place": "outside_root"},
    }
    source: ClassVar = read_in(keras="optimizers/rmsprop", tensorflow="training/rmsprop", torch="optim/rmsprop")
    natives: ClassVar = {
        "keras": Native("keras.optimizers.RMSprop", same("learning_rate", "rho", "momentum", "epsilon", "centered"),
                        own={"momentum": 0.0, "centered": False}, when={"epsilon_place": "inside_root"},
                        why={"epsilon_place": "with epsilon added to the root, as PyTorch has it, not under it"},
                        slots={"velocity": "_velocities", "momentum": "_momentums",
                               "average_gradient": "_average_gradients"}),
        "torch": Native("torch.optim.RMSprop", {"lr": "learning_rate", "alpha": "rho", "eps": "epsilon"}
                        | same("momentum", "centered"), own={"momentum": 0.0, "centered": False},
                        when={"epsilon_place": "outside_root"},
                        why={"epsilon_place": "with epsilon under the root, as in Keras"},
                        slots={"velocity": "square_avg", "momentum": ("momentum_buffer", 1.0),
                               "average_gradient": "grad_avg"}),
    }  # fmt: skip

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")
    rho: PositiveFloat = Field(default=0.9, lt=1.0, description="decay of the mean square")
    momentum: NonNegativeFloat = Field(default=0.0, lt=1.0, description="share of the last move that stays")
    epsilon: PositiveFloat = Field(default=1e-7, description="keeps the denominator from 0")
    centered: bool = Field(default=False, description="divide by the deviation of the gradient, not by its size")
    epsilon_place: Literal["inside_root", "outside_root"] = Field(
        default="inside_root", description="whether epsilon is added to v under the root, or to the root"
    )

    def _root(self) -> str:
        v = "v - a * a" if self.centered else "v"
        return f"sqrt({v} + epsilon)" if self.epsilon_place == "inside_root" else f"(sqrt({v}) + epsilon)"

    def formula(self) -> str:
        average = "a = rho * a + (1.0 - rho) * g" if self.centered else ""
        move = f"lr * g / {self._root()}"
        return f"""
            v = rho * v + (1.0 - rho) * g * g
            {average}
            {f"b = momentum * b + {move}" if self.momentum else ""}
            w -= {"b" if self.momentum else move}
        """

    def rule(self) -> str:
        move = f"lr g / {self._root().replace('a * a', 'a^2')}"
        return f"b = {self.momentum!r} b + {move}; w -= b" if self.momentum else f"w -= {move}"

    @classmethod
    def cases(cls) -> list[Case]:
        plain = {"learning_rate": 0.5, "rho": 0.75, "epsilon": 0.75}
        halving = {"inverse_time": {"initial_learning_rate": 0.5, "decay_steps": 1, "decay_rate": 1.0}}
        twice = {"rho": 0.75, "epsilon": 1e-300, "momentum": 0.5}
        return [
            weight_case("v = 1, and epsilon 1.25 under the root makes it 1.5", plain | {"epsilon": 1.25}, [2.0],
                        -2 / 3),
            weight_case("outside the root, epsilon 1.25 makes it 2.25",
                        plain | {"epsilon": 1.25, "epsilon_place": "outside_root"}, [2.0], -1 / 2.25),
            weight_case("centered: v = 1 less a squared, 0.25, under the root with 0.25",
                        plain | {"epsilon": 0.25, "centered": True}, [2.0], -1.0),
            weight_case("centered, epsilon outside, momentum: sqrt(0.75) + 0.75, and b is the move",
                        plain | {"centered": True, "momentum": 0.5, "epsilon_place": "outside_root"}, [2.0],
                        -1 / (0.75**0.5 + 0.75)),
            weight_case("momentum carries half of the first move, 1, into the second, 1 / sqrt(1.75)",
                        twice | {"learning_rate": 0.5}, [2.0, 2.0], -1.5 - 1 / 1.75**0.5),
            weight_case("the rate is inside the momentum: half of the first move stays as it was made",
                        twice | {"learning_rate": halving}, [2.0, 2.0], -1.5 - 0.5 / 1.75**0.5),
            weight_case("the same with epsilon outside the root, and no momentum",
                        {"learning_rate": halving, "rho": 0.75, "epsilon": 1e-300, "epsilon_place": "outside_root"},
                        [2.0, 2.0], -1.0 - 0.5 / 1.75**0.5),
            weight_case("the same with epsilon outside the root, and momentum",
                        twice | {"learning_rate": halving, "epsilon_place": "outside_root"}, [2.0, 2.0],
                        -1.5 - 0.5 / 1.75**0.5),
            weight_case("outside the root at a constant rate, PyTorch's buffer is without it",
                        twice | {"learning_rate": 0.5, "epsilon_place": "outside_root"}, [2.0, 2.0],
                        -1.5 - 1 / 1.75**0.5),
        ]  # fmt: skip
