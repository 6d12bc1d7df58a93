"""nadam: Adam with Nesterov's look ahead, its momentum growing by a schedule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, NonNegativeFloat, PositiveFloat

from parity.code import Case, Helper, OptimizerCode, Slot, call
from parity.lazy import np
from parity.optimizers import Optimizer, Slots
from parity.optimizers.written_out import RATE, T, tensorflow_rate, tensorflow_rule, torch_changing
from parity.schedules import AnyRate

if TYPE_CHECKING:
    from collections.abc import Mapping

BASE = 0.96
"""What the momentum's schedule is a power of, in every framework."""

KERAS = '''
class Nadam(keras.optimizers.Nadam):
    """Nadam whose momentum grows at a pace of its own, as in PyTorch; Keras's goes by 0.96^t."""

    def __init__(self, *args, momentum_decay, **kwargs):
        super().__init__(*args, **kwargs)
        self.momentum_decay = momentum_decay

    def momentum(self, t):
        """Return the momentum of step t."""
        return self.beta_1 * (1 - 0.5 * keras.ops.power(0.96, t * self.momentum_decay))

    def _backend_update_step(self, gradients, variables, learning_rate):
        """Multiply the product of all momenta by this step's, and move the variables."""
        t = keras.ops.cast(self.iterations + 1, self._u_product.dtype)
        self.assign(self._u_product, self._u_product * self.momentum(t))
        # Past keras.optimizers.Nadam, which would multiply it by its own.
        super(keras.optimizers.Nadam, self)._backend_update_step(gradients, variables, learning_rate)

    def update_step(self, gradient, variable, learning_rate):
        """Move a variable by its gradient."""
        index = self._get_variable_index(variable)
        m, v = self._momentums[index], self._velocities[index]
        lr = keras.ops.cast(learning_rate, variable.dtype)
        t = keras.ops.cast(self.iterations + 1, variable.dtype)
        ahead, product = self.momentum(t + 1), self._u_product
        self.assign_add(m, (1 - self.beta_1) * (gradient - m))
        self.assign_add(v, (1 - self.beta_2) * (keras.ops.square(gradient) - v))
        m_hat = ahead * m / (1 - product * ahead)
        m_hat += (1 - self.momentum(t)) * gradient / (1 - product)
        v_hat = v / (1 - keras.ops.power(self.beta_2, t))
        self.assign_sub(variable, lr * m_hat / (keras.ops.sqrt(v_hat) + self.epsilon))
'''


SHORT = "w -= lr m_hat / (sqrt(v_hat) + epsilon), m_hat with the momentum of the step to come."
"""The rule as it stands at the head of a class that writes it out."""


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
    torch_class: ClassVar[str] = "NAdam"
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "torch": {"learning_rate": 0.002, "epsilon": 1e-8, "momentum_decay": 0.004}
    }
    source: ClassVar[Mapping[str, str]] = {"keras": "keras/src/optimizers/nadam.py", "torch": "torch/optim/nadam.py"}

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")
    beta_1: PositiveFloat = Field(default=0.9, lt=1.0, description="decay of the first moment; the momentum's limit")
    beta_2: PositiveFloat = Field(default=0.999, lt=1.0, description="decay of the second moment")
    epsilon: PositiveFloat = Field(default=1e-7, description="keeps the denominator from 0")
    momentum_decay: NonNegativeFloat = Field(
        default=1.0, description="how fast the momentum grows to beta_1: 1 in Keras, 0.004 in PyTorch"
    )

    def slots(self) -> tuple[str, ...]:
        return ("m", "v", "u_product")

    def init(self, w: np.ndarray) -> Slots:
        return {"m": np.zeros_like(w), "v": np.zeros_like(w), "u_product": np.ones(())}

    def momentum(self, t: int) -> float:
        """Return the momentum of a step, 1 for the first."""
        return self.beta_1 * (1 - 0.5 * BASE ** (t * self.momentum_decay))

    def update(self, w: np.ndarray, gradient: np.ndarray, slots: Slots, step: int) -> tuple[np.ndarray, Slots]:
        now, ahead = self.momentum(step + 1), self.momentum(step + 2)
        product = np.asarray(slots["u_product"] * now)
        m = self.beta_1 * slots["m"] + (1 - self.beta_1) * gradient
        v = self.beta_2 * slots["v"] + (1 - self.beta_2) * gradient**2
        m_hat = ahead * m / (1 - product * ahead) + (1 - now) * gradient / (1 - product)
        v_hat = v / (1 - self.beta_2 ** (step + 1))
        move = -self.rate(step) * m_hat / (np.sqrt(v_hat) + self.epsilon)
        return move, {"m": m, "v": v, "u_product": product}

    def rule(self) -> str:
        power = "t" if self.momentum_decay == 1 else f"({self.momentum_decay!r} t)"
        return (
            f"u_t = b1 (1 - 0.96^{power} / 2); w -= lr m_hat / (sqrt(v_hat) + epsilon), m_hat with the momentum "
            "u_{t+1} of the step to come"
        )

    def _fields(self) -> dict[str, str]:
        """Return the source of the hyperparameters beside the rate, by Keras's names."""
        return {name: repr(getattr(self, name)) for name in ("beta_1", "beta_2", "epsilon")}

    def keras(self) -> OptimizerCode:
        own = self.momentum_decay != 1
        build = call(
            "Nadam" if own else "keras.optimizers.Nadam",
            learning_rate=self.keras_rate(),
            **self._fields(),
            momentum_decay=repr(self.momentum_decay) if own else None,
        )
        slots = {
            "m": Slot(attribute="_momentums"),
            "v": Slot(attribute="_velocities"),
            "u_product": Slot(attribute="_u_product"),
        }
        helpers = (Helper(name="Nadam", source=KERAS),) if own else ()
        return OptimizerCode(build=build, slots=slots, doc=self.doc(), helpers=helpers)

    def tensorflow(self) -> OptimizerCode:
        rule = tensorflow_rule(
            "Nadam",
            SHORT,
            fields=["learning_rate", *self._fields(), "momentum_decay"],
            slots={"m": "m", "v": "v"},
            numbers={"u_product": "1.0"},
            before=[
                tensorflow_rate(self.changes()),
                f"t = {T} + 1.0",
                "now = self.beta_1 * (1.0 - 0.5 * 0.96 ** (t * self.momentum_decay))",
                "ahead = self.beta_1 * (1.0 - 0.5 * 0.96 ** ((t + 1.0) * self.momentum_decay))",
                "product = self.u_product.assign(self.u_product * now)",
                "correction_2 = 1.0 - self.beta_2**t",
            ],
            body=[
                "m.assign_add((1.0 - self.beta_1) * (g - m))",
                "v.assign_add((1.0 - self.beta_2) * (g * g - v))",
                "m_hat = ahead * m / (1.0 - product * ahead) + (1.0 - now) * g / (1.0 - product)",
                "v_hat = v / correction_2",
                "w.assign_sub(lr * m_hat / (tf.sqrt(v_hat) + self.epsilon))",
            ],
        )
        build = call(
            "Nadam",
            "model.trainable_variables",
            learning_rate="learning_rate" if self.changes() else repr(self.learning_rate),
            **self._fields(),
            momentum_decay=repr(self.momentum_decay),
        )
        slots = {name: Slot(attribute=name) for name in self.slots()}
        return OptimizerCode(build=build, slots=slots, doc=self.doc(), helpers=(*self.rate_helpers("tensorflow"), rule))

    def torch_slots(self, rate: float) -> Mapping[str, Slot]:
        return {
            "m": Slot(attribute="exp_avg"),
            "v": Slot(attribute="exp_avg_sq"),
            "u_product": Slot(attribute="mu_product"),
        }

    def torch(self) -> OptimizerCode:
        slots = self.torch_slots(self.rate(0))
        helpers: tuple[Helper, ...] = ()
        if self.changes():
            doc = "NAdam at a rate that changes."
            helpers = (*self.rate_helpers("torch"), torch_changing("NAdam", "NAdam", doc, [RATE]))
        build = call(
            "NAdam" if helpers else "torch.optim.NAdam",
            "model.parameters()",
            lr="learning_rate(0)" if self.changes() else repr(self.learning_rate),
            betas=f"({self.beta_1!r}, {self.beta_2!r})",
            eps=repr(self.epsilon),
            momentum_decay=repr(self.momentum_decay),
        )
        return OptimizerCode(build=build, slots=slots, doc=self.doc(), helpers=helpers)

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
