"""rmsprop: the gradient over the root of its running mean square, with the place of epsilon explicit."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from parity.code import Case
from parity.entries import Since, read_in
from parity.native import Native, same
from parity.optimizers import weight_case
from parity.optimizers.coupled import NONE, WHY, Coupled, added
from parity.optimizers.per_parameter import Numbers, decays_of
from parity.schedules import AnyRate

OPTIONAL = {"momentum": 0.0, "centered": False}


class RMSprop(Coupled):
    """v = rho v + (1 - rho) g^2; w -= lr g / sqrt(v + epsilon).

    ``centered`` keeps the running mean of the gradient as well, a = rho a + (1 - rho) g, and takes v - a^2 for v. With
    ``momentum``, b = momentum b + lr g / sqrt(v + epsilon); w -= b: the rate stands inside b, as in Keras and
    TensorFlow, where PyTorch holds it outside (the same while it does not change).

    epsilon_place ``inside_root`` (Keras, TensorFlow): sqrt(v + epsilon), at least 3e-4 for 1e-7. ``outside_root``
    (PyTorch): sqrt(v) + epsilon. It is 1e-7 in Keras, 1e-10 in TensorFlow 1, whose v starts at 1, 1e-8 in PyTorch.
    """

    kind: ClassVar[str] = "rmsprop"
    letters: ClassVar = {"velocity": "v", "momentum": "b", "average_gradient": "a"}
    native: ClassVar = {
        "tensorflow": {"epsilon": 1e-10},
        "torch": {"learning_rate": 0.01, "rho": 0.99, "epsilon": 1e-8, "epsilon_place": "outside_root"},
    }
    source: ClassVar = read_in(keras="optimizers/rmsprop", tensorflow="training/rmsprop", torch="optim/rmsprop")
    since: ClassVar = (Since("keras", "2.11", "epsilon_place", "outside_root", "inside_root", "rmsprop_epsilon"),)
    natives: ClassVar = {
        "keras": Native("keras.optimizers.RMSprop", same("learning_rate", "rho", "epsilon", *OPTIONAL), own=OPTIONAL,
                        slots=dict(zip(letters, ("_velocities", "_momentums", "_average_gradients"), strict=True)),
                        when={"epsilon_place": "inside_root"} | NONE,
                        why={"epsilon_place": "with epsilon added to the root, as PyTorch has it, not under it"} | WHY),
        "torch": Native("torch.optim.RMSprop",
                        {"lr": "learning_rate", "alpha": "rho", "eps": "epsilon"} | same(*OPTIONAL, *NONE),
                        own=OPTIONAL | NONE,
                        when={"epsilon_place": "outside_root"},
                        why={"epsilon_place": "with epsilon under the root, as in Keras"},
                        slots=dict(zip(letters, ("square_avg", ("momentum_buffer", 1.0), "grad_avg"), strict=True))),
    }  # fmt: skip

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")
    rho: PositiveFloat = Field(default=0.9, lt=1.0, description="decay of the mean square")
    momentum: NonNegativeFloat = Field(default=0.0, lt=1.0, description="share of the last move that stays")
    epsilon: PositiveFloat = Field(default=1e-7, description="keeps the denominator from 0")
    centered: bool = Field(default=False, description="divide by the deviation of the gradient, not by its size")
    epsilon_place: Literal["inside_root", "outside_root"] = Field(
        default="inside_root", description="whether epsilon is added to v under the root, or to the root"
    )
    weight_decay: NonNegativeFloat = added()
    weight_decay_of: Numbers = decays_of()

    def _root(self) -> str:
        v = "v - a * a" if self.centered else "v"
        return f"sqrt({v} + epsilon)" if self.epsilon_place == "inside_root" else f"(sqrt({v}) + epsilon)"

    def undecayed(self) -> str:
        move = f"lr * g / {self._root()}"
        return f"""
            v = rho * v + (1.0 - rho) * g * g
            {"a = rho * a + (1.0 - rho) * g" if self.centered else ""}
            {f"b = momentum * b + {move}" if self.momentum else ""}
            w -= {"b" if self.momentum else move}
        """

    def undecayed_rule(self) -> str:
        move = f"lr g / {self._root().replace('a * a', 'a^2')}"
        return f"b = {self.momentum!r} b + {move}; w -= b" if self.momentum else f"w -= {move}"

    @classmethod
    def cases(cls) -> list[Case]:
        plain = {"learning_rate": 0.5, "rho": 0.75, "epsilon": 0.75}
        twice = {"learning_rate": 0.5, "rho": 0.75, "epsilon": 1e-300, "momentum": 0.5}
        halving = {"learning_rate": {"inverse_time": {"initial_learning_rate": 0.5, "decay_steps": 1, "decay_rate": 1}}}
        outside, root = {"epsilon_place": "outside_root"}, 1.75**0.5
        return [
            weight_case("v = 1, with epsilon 1.25 under the root 1.5", plain | {"epsilon": 1.25}, [2.0], -2 / 3),
            weight_case("outside it, 2.25", plain | {"epsilon": 1.25} | outside, [2.0], -1 / 2.25),
            weight_case("v = 1 less a^2, 0.25", plain | {"epsilon": 0.25, "centered": True}, [2.0], -1.0),
            weight_case("all", plain | {"centered": True, "momentum": 0.5} | outside, [2.0], -1 / (0.75**0.5 + 0.75)),
            weight_case("half of the first move, 1, goes on in the second", twice, [2.0, 2.0], -1.5 - 1 / root),
            weight_case("as it was made, at the rate of then", twice | halving, [2.0, 2.0], -1.5 - 0.5 / root),
            weight_case("epsilon outside", twice | halving | outside, [2.0, 2.0], -1.5 - 0.5 / root),
            weight_case("without", twice | halving | outside | {"momentum": 0.0}, [2.0, 2.0], -1.0 - 0.5 / root),
            weight_case("PyTorch's buffer is without the rate", twice | outside, [2.0, 2.0], -1.5 - 1 / root),
            weight_case("a half of the weight is added to the gradient: 1 + 2 / 2", plain | {"epsilon": 1.25,
                        "weight_decay": 0.5}, [1.0], 2 - 2 / 3, start=2.0),
            weight_case("so it is in a, 1/2", plain | {"epsilon": 0.25, "centered": True, "weight_decay": 0.5}, [1.0],
                        1.0, start=2.0),
            weight_case("and in b, 1", twice | {"weight_decay": 0.5}, [1.0], 1.0, start=2.0),
            weight_case("and in both", plain | {"epsilon": 0.25, "centered": True, "momentum": 0.5,
                        "weight_decay": 0.5}, [1.0], 1.0, start=2.0),
        ]  # fmt: skip
