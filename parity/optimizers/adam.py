"""adam: moment estimates of the gradient, bias-corrected, with the place of epsilon explicit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, PositiveFloat

from parity.code import Case, Helper, OptimizerCode, Slot, call
from parity.lazy import np
from parity.optimizers import Optimizer, Slots
from parity.optimizers.written_out import RATE, T, tensorflow_rate, tensorflow_rule, torch_changing
from parity.schedules import AnyRate

if TYPE_CHECKING:
    from collections.abc import Mapping

KERAS = '''
class {name}(keras.optimizers.{name}):
    """{name} with epsilon added after the bias correction, as PyTorch has it."""

    def __init__(self, *args, epsilon, **kwargs):
        super().__init__(*args, epsilon=epsilon, **kwargs)
        self.corrected_epsilon = epsilon

    def update_step(self, gradient, variable, learning_rate):
        """Take Keras's step with the epsilon that, uncorrected, amounts to the given one."""
        t = keras.ops.cast(self.iterations + 1, variable.dtype)
        correction = keras.ops.sqrt(1 - keras.ops.power(keras.ops.cast(self.beta_2, variable.dtype), t))
        self.epsilon = self.corrected_epsilon * correction
        super().update_step(gradient, variable, learning_rate)
'''


class Adam(Optimizer):
    """m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; c1 = 1 - b1^t; c2 = 1 - b2^t, t = 1, 2, ...

    epsilon_place ``before_correction`` (Keras, TensorFlow; the "epsilon hat" of Kingma and Ba, section 2):
    w -= lr sqrt(c2) / c1 m / (sqrt(v) + epsilon). ``after_correction`` (PyTorch; Algorithm 1 of the paper):
    w -= lr (m / c1) / (sqrt(v / c2) + epsilon). The first is the second with epsilon / sqrt(c2), 31.6 times larger
    at t = 1. Keras has epsilon 1e-7, TensorFlow 1 and PyTorch 1e-8.
    """

    kind: ClassVar[str] = "adam"
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tensorflow": {"epsilon": 1e-8},
        "torch": {"epsilon": 1e-8, "epsilon_place": "after_correction"},
    }
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/optimizers/adam.py",
        "tensorflow": "tensorflow/python/training/adam.py",
        "torch": "torch/optim/adam.py",
    }

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")
    beta_1: PositiveFloat = Field(default=0.9, lt=1.0, description="decay of the first moment")
    beta_2: PositiveFloat = Field(default=0.999, lt=1.0, description="decay of the second moment")
    epsilon: PositiveFloat = Field(default=1e-7, description="keeps the denominator from 0")
    epsilon_place: Literal["before_correction", "after_correction"] = Field(
        default="before_correction", description="whether epsilon meets sqrt(v) before or after its bias correction"
    )

    title: ClassVar[str] = "Adam"
    """What Keras and PyTorch call it."""
    torch_class: ClassVar[str] = "Adam"
    comment: ClassVar[str] = ""
    """Said where Keras is given something that is not the obvious choice."""

    def slots(self) -> tuple[str, ...]:
        return ("m", "v")

    def init(self, w: np.ndarray) -> Slots:
        return {"m": np.zeros_like(w), "v": np.zeros_like(w)}

    def update(self, w: np.ndarray, gradient: np.ndarray, slots: Slots, step: int) -> tuple[np.ndarray, Slots]:
        m = self.beta_1 * slots["m"] + (1 - self.beta_1) * gradient
        v = self.beta_2 * slots["v"] + (1 - self.beta_2) * gradient**2
        c1, c2 = 1 - self.beta_1 ** (step + 1), 1 - self.beta_2 ** (step + 1)
        if self.epsilon_place == "before_correction":
            move = -self.rate(step) * np.sqrt(c2) / c1 * m / (np.sqrt(v) + self.epsilon)
        else:
            move = -self.rate(step) * (m / c1) / (np.sqrt(v / c2) + self.epsilon)
        return move, {"m": m, "v": v}

    def rule(self) -> str:
        if self.epsilon_place == "before_correction":
            return "w -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)"
        return "w -= lr m_hat / (sqrt(v_hat) + epsilon), both bias-corrected"

    def _fields(self) -> dict[str, str]:
        """Return the source of the hyperparameters beside the rate, by Keras's names."""
        return {name: repr(getattr(self, name)) for name in ("beta_1", "beta_2", "epsilon")}

    def _keras_fields(self) -> dict[str, str]:
        """Return the same as Keras must be given them."""
        return self._fields()

    def _decayed(self) -> list[str]:
        """Return what moves the variable ahead of the rule, in raw TensorFlow."""
        return []

    def _torch_extra(self) -> dict[str, str]:
        """Return further arguments in PyTorch."""
        return {}

    def keras(self) -> OptimizerCode:
        slots = {"m": Slot(attribute="_momentums"), "v": Slot(attribute="_velocities")}
        own = self.epsilon_place == "after_correction"
        helpers = (Helper(name=self.title, source=KERAS.format(name=self.title)),) if own else ()
        name = self.title if own else f"keras.optimizers.{self.title}"
        build = call(name, learning_rate=self.keras_rate(), **self._keras_fields())
        return OptimizerCode(build=build, slots=slots, doc=self.doc(), helpers=helpers, comment=self.comment)

    def tensorflow(self) -> OptimizerCode:
        if self.epsilon_place == "before_correction":
            moves = [
                "alpha = lr * tf.sqrt(correction_2) / correction_1",
                "w.assign_sub(alpha * m / (tf.sqrt(v) + self.epsilon))",
            ]
        else:
            moves = [
                "m_hat, v_hat = m / correction_1, v / correction_2",
                "w.assign_sub(lr * m_hat / (tf.sqrt(v_hat) + self.epsilon))",
            ]
        rule = tensorflow_rule(
            self.title,
            f"{self.rule()}.",
            fields=["learning_rate", *self._fields()],
            slots={"m": "m", "v": "v"},
            before=[
                tensorflow_rate(self.changes()),
                f"t = {T} + 1.0",
                "correction_1 = 1.0 - self.beta_1**t",
                "correction_2 = 1.0 - self.beta_2**t",
            ],
            body=[
                *self._decayed(),
                "m.assign_add((1.0 - self.beta_1) * (g - m))",
                "v.assign_add((1.0 - self.beta_2) * (g * g - v))",
                *moves,
            ],
        )
        build = call(
            self.title,
            "model.trainable_variables",
            learning_rate="learning_rate" if self.changes() else repr(self.learning_rate),
            **self._fields(),
        )
        slots = {"m": Slot(attribute="m"), "v": Slot(attribute="v")}
        return OptimizerCode(build=build, slots=slots, doc=self.doc(), helpers=(*self.rate_helpers("tensorflow"), rule))

    def torch_slots(self, rate: float) -> Mapping[str, Slot]:
        return {"m": Slot(attribute="exp_avg"), "v": Slot(attribute="exp_avg_sq")}

    def torch(self) -> OptimizerCode:
        slots = self.torch_slots(self.rate(0))
        before = self.epsilon_place == "before_correction"
        told, lines = [], []
        if before:
            told.append("with epsilon before the bias correction, as in Keras")
            lines = [
                'correction = 1 - group["betas"][1] ** (self.iterations + 1)',
                f'group["eps"] = {self.epsilon!r} / math.sqrt(correction)',
            ]
        if self.changes():
            told.append("at a rate that changes")
            lines = [RATE, *lines]
        build = call(
            self.title if lines else f"torch.optim.{self.title}",
            "model.parameters()",
            lr="learning_rate(0)" if self.changes() else repr(self.learning_rate),
            betas=f"({self.beta_1!r}, {self.beta_2!r})",
            eps=repr(self.epsilon),
            **self._torch_extra(),
        )
        doc = f"{self.title} {', '.join(told)}."
        helpers = (*self.rate_helpers("torch"), torch_changing(self.title, self.title, doc, lines)) if lines else ()
        return OptimizerCode(build=build, slots=slots, doc=self.doc(), helpers=helpers)

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(shows="the first step is lr whatever the gradient's size, epsilon aside",
                 fields={"learning_rate": 0.5, "epsilon": 1e-300}, x=[[1e-3, -100.0]],
                 parameters={"w": [0.0, 0.0]}, expected=[-0.5, 0.5]),
            Case(shows="before the correction: sqrt(v) = 0.5 meets epsilon 0.5 while v is uncorrected",
                 fields={"learning_rate": 1.0, "beta_2": 0.75, "epsilon": 0.5}, x=[[1.0]], parameters={"w": [0.0]},
                 expected=[-0.5]),
            Case(shows="after the correction: sqrt(v_hat) = 1 meets epsilon 0.5",
                 fields={"learning_rate": 1.0, "beta_2": 0.75, "epsilon": 0.5, "epsilon_place": "after_correction"},
                 x=[[1.0]], parameters={"w": [0.0]}, expected=[-2 / 3]),
            Case(shows="a schedule: the whole rate, then half of it",
                 fields={"learning_rate": {"inverse_time": {"initial_learning_rate": 0.5, "decay_steps": 1,
                                                            "decay_rate": 1.0}}, "epsilon": 1e-300},
                 x=[[2.0], [2.0]], parameters={"w": [0.0]}, expected=[-0.75]),
        ]  # fmt: skip
