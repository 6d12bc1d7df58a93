"""adam: moment estimates of the gradient, bias-corrected, with the place of epsilon explicit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from parity.lazy import np
from parity.optimizers import Optimizer
from parity.written import Case, Helper, OptimizerCode, Slot, call

if TYPE_CHECKING:
    from collections.abc import Mapping

KERAS = '''
class Adam(keras.optimizers.Adam):
    """Adam with epsilon added after the bias correction, as PyTorch has it."""

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

TENSORFLOW = '''
class Adam(tf.Module):
    """{doc}"""

    def __init__(self, variables, learning_rate, beta_1, beta_2, epsilon):
        super().__init__()
        self.learning_rate, self.beta_1, self.beta_2, self.epsilon = learning_rate, beta_1, beta_2, epsilon
        self.iterations = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.m = [tf.Variable(tf.zeros_like(w), trainable=False) for w in variables]
        self.v = [tf.Variable(tf.zeros_like(w), trainable=False) for w in variables]

    def apply_gradients(self, gradients, variables):
        """Move each variable by its gradient."""
        t = tf.cast(self.iterations + 1, variables[0].dtype)
        correction_1 = 1.0 - self.beta_1**t
        correction_2 = 1.0 - self.beta_2**t
        for w, m, v, g in zip(variables, self.m, self.v, gradients):
            m.assign_add((1.0 - self.beta_1) * (g - m))
            v.assign_add((1.0 - self.beta_2) * (g * g - v))
{body}
        self.iterations.assign_add(1)
'''

BEFORE = """            alpha = self.learning_rate * tf.sqrt(correction_2) / correction_1
            w.assign_sub(alpha * m / (tf.sqrt(v) + self.epsilon))"""

AFTER = """            m_hat, v_hat = m / correction_1, v / correction_2
            w.assign_sub(self.learning_rate * m_hat / (tf.sqrt(v_hat) + self.epsilon))"""

TORCH = '''
class Adam(torch.optim.Adam):
    """Adam with epsilon added before the bias correction, as Keras and TensorFlow have it."""

    def __init__(self, params, lr, betas, eps):
        super().__init__(params, lr=lr, betas=betas, eps=eps)
        self.uncorrected_eps, self.iterations = eps, 0

    def step(self, closure=None):
        """Take PyTorch's step with the eps that, corrected, amounts to the given one."""
        self.iterations += 1
        for group in self.param_groups:
            group["eps"] = self.uncorrected_eps / math.sqrt(1 - group["betas"][1] ** self.iterations)
        return super().step(closure)
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

    learning_rate: NonNegativeFloat = Field(default=0.001, description="step size")
    beta_1: PositiveFloat = Field(default=0.9, lt=1.0, description="decay of the first moment")
    beta_2: PositiveFloat = Field(default=0.999, lt=1.0, description="decay of the second moment")
    epsilon: PositiveFloat = Field(default=1e-7, description="keeps the denominator from 0")
    epsilon_place: Literal["before_correction", "after_correction"] = Field(
        default="before_correction", description="whether epsilon meets sqrt(v) before or after its bias correction"
    )

    def slots(self) -> tuple[str, ...]:
        """Return m and v."""
        return ("m", "v")

    def init(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """Return moments of zero."""
        return {"m": np.zeros_like(w), "v": np.zeros_like(w)}

    def update(
        self, gradient: np.ndarray, slots: dict[str, np.ndarray], step: int
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the move and the new moments."""
        m = self.beta_1 * slots["m"] + (1 - self.beta_1) * gradient
        v = self.beta_2 * slots["v"] + (1 - self.beta_2) * gradient**2
        c1, c2 = 1 - self.beta_1 ** (step + 1), 1 - self.beta_2 ** (step + 1)
        if self.epsilon_place == "before_correction":
            move = -self.learning_rate * np.sqrt(c2) / c1 * m / (np.sqrt(v) + self.epsilon)
        else:
            move = -self.learning_rate * (m / c1) / (np.sqrt(v / c2) + self.epsilon)
        return move, {"m": m, "v": v}

    def doc(self) -> str:
        """Return the rule in one line."""
        if self.epsilon_place == "before_correction":
            return "w -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)."
        return "w -= lr m_hat / (sqrt(v_hat) + epsilon), both bias-corrected."

    def _fields(self) -> dict[str, str]:
        return {name: repr(getattr(self, name)) for name in ("learning_rate", "beta_1", "beta_2", "epsilon")}

    def keras(self) -> OptimizerCode:
        """Return ``keras.optimizers.Adam``, with another epsilon each step where it comes after the correction."""
        slots = {"m": Slot(attribute="_momentums"), "v": Slot(attribute="_velocities")}
        if self.epsilon_place == "before_correction":
            build = call("keras.optimizers.Adam", **self._fields())
            return OptimizerCode(build=build, slots=slots, doc=self.doc())
        helper = Helper(name="Adam", source=KERAS)
        return OptimizerCode(build=call("Adam", **self._fields()), slots=slots, doc=self.doc(), helpers=(helper,))

    def tensorflow(self) -> OptimizerCode:
        """Return a small class with exactly the rule that is asked for."""
        body = BEFORE if self.epsilon_place == "before_correction" else AFTER
        helper = Helper(name="Adam", source=TENSORFLOW.format(doc=self.doc(), body=body))
        build = call("Adam", "model.trainable_variables", **self._fields())
        return OptimizerCode(
            build=build, slots={"m": Slot(attribute="m"), "v": Slot(attribute="v")}, doc=self.doc(), helpers=(helper,)
        )

    def torch(self) -> OptimizerCode:
        """Return ``torch.optim.Adam``, with another eps each step where it comes before the correction."""
        slots = {"m": Slot(attribute="exp_avg"), "v": Slot(attribute="exp_avg_sq")}
        arguments = {"lr": repr(self.learning_rate), "betas": f"({self.beta_1!r}, {self.beta_2!r})",
                     "eps": repr(self.epsilon)}  # fmt: skip
        if self.epsilon_place == "after_correction":
            build = call("torch.optim.Adam", "model.parameters()", **arguments)
            return OptimizerCode(build=build, slots=slots, doc=self.doc())
        helper = Helper(name="Adam", source=TORCH, imports=("import math",))
        build = call("Adam", "model.parameters()", **arguments)
        return OptimizerCode(build=build, slots=slots, doc=self.doc(), helpers=(helper,))

    @classmethod
    def cases(cls) -> list[Case]:
        """Return the hand-worked cases: gradients of successive steps, and where the parameter ends."""
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
        ]  # fmt: skip
