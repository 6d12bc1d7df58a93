"""adadelta: the gradient over its running size, times the running size of the moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PositiveFloat

from parity.code import Case, OptimizerCode, Slot, call
from parity.lazy import np
from parity.optimizers import Optimizer, Slots
from parity.optimizers.written_out import RATE, tensorflow_rate, tensorflow_rule, torch_changing
from parity.schedules import AnyRate

if TYPE_CHECKING:
    from collections.abc import Mapping


class Adadelta(Optimizer):
    """a = rho a + (1 - rho) g^2; d = sqrt(u + epsilon) / sqrt(a + epsilon) g; u = rho u + (1 - rho) d^2; w -= lr d.

    One formula in all frameworks: epsilon under both roots, the rate outside u, as in Zeiler's paper, which has no rate
    (lr 1). The defaults are far apart: Keras has lr 0.001, rho 0.95 and epsilon 1e-7, with which next to nothing is
    learned (Keras before 2.4 had lr 1.0), TensorFlow 1 the same with epsilon 1e-8, PyTorch lr 1.0, rho 0.9 and epsilon
    1e-6. Since u starts at 0, the first moves are about sqrt(epsilon / (1 - rho)) whatever the gradient: epsilon is a
    warm-up, not a guard.
    """

    kind: ClassVar[str] = "adadelta"
    torch_class: ClassVar[str] = "Adadelta"
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tensorflow": {"epsilon": 1e-8},
        "torch": {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-6},
    }
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/optimizers/adadelta.py",
        "tensorflow": "tensorflow/python/training/adadelta.py",
        "torch": "torch/optim/adadelta.py",
    }

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")
    rho: PositiveFloat = Field(default=0.95, lt=1.0, description="decay of both mean squares")
    epsilon: PositiveFloat = Field(default=1e-7, description="added to both mean squares, under the root")

    def slots(self) -> tuple[str, ...]:
        return ("accumulated_grad", "accumulated_delta")

    def init(self, w: np.ndarray) -> Slots:
        return {name: np.zeros_like(w) for name in self.slots()}

    def update(self, w: np.ndarray, gradient: np.ndarray, slots: Slots, step: int) -> tuple[np.ndarray, Slots]:
        a = self.rho * slots["accumulated_grad"] + (1 - self.rho) * gradient**2
        move = np.sqrt(slots["accumulated_delta"] + self.epsilon) / np.sqrt(a + self.epsilon) * gradient
        u = self.rho * slots["accumulated_delta"] + (1 - self.rho) * move**2
        return -self.rate(step) * move, {"accumulated_grad": a, "accumulated_delta": u}

    def rule(self) -> str:
        return "d = sqrt(u + epsilon) / sqrt(a + epsilon) g; w -= lr d"

    def _fields(self) -> dict[str, str]:
        """Return the source of the hyperparameters beside the rate, by Keras's names."""
        return {name: repr(getattr(self, name)) for name in ("rho", "epsilon")}

    def keras(self) -> OptimizerCode:
        build = call("keras.optimizers.Adadelta", learning_rate=self.keras_rate(), **self._fields())
        slots = {
            "accumulated_grad": Slot(attribute="_accumulated_grads"),
            "accumulated_delta": Slot(attribute="_accumulated_delta_vars"),
        }
        return OptimizerCode(build=build, slots=slots, doc=self.doc())

    def tensorflow(self) -> OptimizerCode:
        rule = tensorflow_rule(
            "Adadelta",
            f"{self.rule()}.",
            fields=["learning_rate", *self._fields()],
            slots={"accumulated_grad": "a", "accumulated_delta": "u"},
            before=[tensorflow_rate(self.changes())],
            body=[
                "a.assign(self.rho * a + (1.0 - self.rho) * g * g)",
                "d = tf.sqrt(u + self.epsilon) / tf.sqrt(a + self.epsilon) * g",
                "u.assign(self.rho * u + (1.0 - self.rho) * d * d)",
                "w.assign_sub(lr * d)",
            ],
        )
        build = call(
            "Adadelta",
            "model.trainable_variables",
            learning_rate="learning_rate" if self.changes() else repr(self.learning_rate),
            **self._fields(),
        )
        slots = {name: Slot(attribute=name) for name in self.slots()}
        return OptimizerCode(build=build, slots=slots, doc=self.doc(), helpers=(*self.rate_helpers("tensorflow"), rule))

    def torch_slots(self, rate: float) -> Mapping[str, Slot]:
        return {"accumulated_grad": Slot(attribute="square_avg"), "accumulated_delta": Slot(attribute="acc_delta")}

    def torch(self) -> OptimizerCode:
        helpers = self.rate_helpers("torch")
        if self.changes():
            doc = "torch.optim.Adadelta at a rate that changes from step to step."
            helpers = (*helpers, torch_changing("Adadelta", "Adadelta", doc, [RATE]))
        build = call(
            "Adadelta" if self.changes() else "torch.optim.Adadelta",
            "model.parameters()",
            lr="learning_rate(0)" if self.changes() else repr(self.learning_rate),
            rho=repr(self.rho),
            eps=repr(self.epsilon),
        )
        slots = self.torch_slots(self.rate(0))
        return OptimizerCode(build=build, slots=slots, doc=self.doc(), helpers=helpers)

    @classmethod
    def cases(cls) -> list[Case]:
        plain = {"learning_rate": 1.0, "rho": 0.75, "epsilon": 0.75}
        halving = {"inverse_time": {"initial_learning_rate": 1.0, "decay_steps": 1, "decay_rate": 1.0}}
        return [
            Case(shows="a = 1: sqrt(0.75) / sqrt(1.75) times 2", fields=plain, x=[[2.0]], parameters={"w": [0.0]},
                 expected=[-2 * (3 / 7) ** 0.5]),
            Case(shows="epsilon is under both roots: outside them the move would be 0.75 / 1.75 times 2",
                 fields=plain | {"learning_rate": 0.5}, x=[[2.0]], parameters={"w": [0.0]},
                 expected=[-((3 / 7) ** 0.5)]),
            Case(shows="the second move is of the size of the first: u = 3 / 7, a = 1.75", fields=plain,
                 x=[[2.0], [2.0]], parameters={"w": [0.0]},
                 expected=[-2 * (3 / 7) ** 0.5 - 2 * ((0.75 + 3 / 7) / 2.5) ** 0.5]),
            Case(shows="the rate is outside u: halved, the second move is half of what it was",
                 fields=plain | {"learning_rate": halving}, x=[[2.0], [2.0]], parameters={"w": [0.0]},
                 expected=[-2 * (3 / 7) ** 0.5 - ((0.75 + 3 / 7) / 2.5) ** 0.5]),
        ]  # fmt: skip
