"""adagrad: the gradient over the root of the sum of all its squares so far."""

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


class Adagrad(Coupled):
    """a = a + g^2; w -= lr g / sqrt(a + epsilon).

    epsilon_place ``inside_root`` (Keras), ``outside_root`` (PyTorch): sqrt(a) + epsilon. a starts at 0.1 in Keras and
    TensorFlow 1, which has no epsilon, so that the first move is lr |g| / sqrt(0.1 + g^2); at 0 in PyTorch, where it is
    lr whatever the gradient. Keras has the rate 0.001 and epsilon 1e-7, PyTorch 0.01 and 1e-10. Its ``lr_decay`` is the
    schedule ``inverse_time`` with ``decay_steps`` 1.
    """

    kind: ClassVar[str] = "adagrad"
    letters: ClassVar = {"accumulator": "a"}
    starts: ClassVar = {"accumulator": "initial_accumulator_value"}
    native: ClassVar = {
        "torch": {"learning_rate": 0.01, "epsilon": 1e-10, "epsilon_place": "outside_root",
                  "initial_accumulator_value": 0.0},
    }  # fmt: skip
    source: ClassVar = read_in(keras="optimizers/adagrad", tensorflow="training/adagrad", torch="optim/adagrad")
    since: ClassVar = (Since("keras", "2.11", "epsilon_place", "outside_root", "inside_root", "adagrad_epsilon"),)
    natives: ClassVar = {
        "keras": Native("keras.optimizers.Adagrad", same("learning_rate", "initial_accumulator_value", "epsilon"),
                        when={"epsilon_place": "inside_root"} | NONE,
                        why={"epsilon_place": "with epsilon added to the root, as PyTorch has it, not under it"} | WHY,
                        slots={"accumulator": "_accumulators"}),
        "torch": Native("torch.optim.Adagrad", {"lr": "learning_rate", "eps": "epsilon"}
                        | same("initial_accumulator_value", *NONE), own=NONE, when={"epsilon_place": "outside_root"},
                        why={"epsilon_place": "with epsilon under the root, as in Keras"},
                        slots={"accumulator": "sum"}),
    }  # fmt: skip

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")
    initial_accumulator_value: NonNegativeFloat = Field(default=0.1, description="what the sum of squares starts at")
    epsilon: PositiveFloat = Field(default=1e-7, description="keeps the denominator from 0")
    epsilon_place: Literal["inside_root", "outside_root"] = Field(
        default="inside_root", description="whether epsilon is added to a under the root, or to the root"
    )
    weight_decay: NonNegativeFloat = added()
    weight_decay_of: Numbers = decays_of()

    def _root(self) -> str:
        return "sqrt(a + epsilon)" if self.epsilon_place == "inside_root" else "(sqrt(a) + epsilon)"

    def undecayed(self) -> str:
        return f"a += g * g\nw -= lr * g / {self._root()}"

    def undecayed_rule(self) -> str:
        return f"a += g^2; w -= lr g / {self._root()}"

    @classmethod
    def cases(cls) -> list[Case]:
        plain = {"learning_rate": 1.0, "initial_accumulator_value": 5.0, "epsilon": 7.0}
        outside = {"epsilon_place": "outside_root"}
        halving = {"inverse_time": {"initial_learning_rate": 1.0, "decay_steps": 1, "decay_rate": 1.0}}
        return [
            weight_case("4 and the 5 it starts at, with epsilon 16 under the root", plain, [2.0], -0.5),
            weight_case("outside it 3 + 7", plain | outside, [2.0], -0.2),
            weight_case("from 0 the first move is lr", plain | outside | {"initial_accumulator_value": 0.0,
                        "epsilon": 1e-300}, [1e-3, -1e-3], -1.0 + 0.5**0.5),
            weight_case("nothing is forgotten: 16, then 25", plain, [2.0, 3.0], -1.1),
            weight_case("PyTorch's lr_decay: the whole rate, then half of it", plain | {"learning_rate": halving},
                        [2.0, 3.0], -0.8),
            weight_case("a half of the weight, 1, is added to the gradient", plain | {"weight_decay": 0.5}, [1.0], 1.5,
                        start=2.0),
        ]  # fmt: skip
