"""sgd: gradient descent with momentum, Nesterov's variant and Keras's legacy decay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, NonNegativeFloat

from parity.lazy import np
from parity.optimizers import Optimizer
from parity.written import Case, Helper, OptimizerCode, Slot, call

if TYPE_CHECKING:
    from collections.abc import Mapping

TENSORFLOW = '''
class SGD(tf.Module):
    """{doc}"""

    def __init__(self, variables, learning_rate{parameters}):
        super().__init__()
        self.learning_rate = learning_rate{fields}
        self.iterations = tf.Variable(0, dtype=tf.int64, trainable=False){slots}

    def apply_gradients(self, gradients, variables):
        """Move each variable by its gradient."""
{rate}        for {targets}:
{body}
        self.iterations.assign_add(1)
'''

TORCH = '''
class SGD(torch.optim.Optimizer):
    """{doc}"""

    def __init__(self, params, lr, momentum, nesterov, decay):
        super().__init__(params, dict(lr=lr, momentum=momentum, nesterov=nesterov, decay=decay, iterations=0))

    @torch.no_grad()
    def step(self, closure=None):
        """Move each parameter by its gradient."""
        for group in self.param_groups:
            lr = group["lr"] / (1 + group["decay"] * group["iterations"])
            for p in group["params"]:
                if "velocity" not in self.state[p]:
                    self.state[p]["velocity"] = torch.zeros_like(p)
                velocity = self.state[p]["velocity"]
                velocity.mul_(group["momentum"]).sub_(p.grad, alpha=lr)
                if group["nesterov"]:
                    p.add_(velocity, alpha=group["momentum"]).sub_(p.grad, alpha=lr)
                else:
                    p.add_(velocity)
            group["iterations"] += 1
'''


class SGD(Optimizer):
    """lr_t = lr / (1 + decay t); v = momentum v - lr_t g; w += v, or w += momentum v - lr_t g with Nesterov.

    The learning rate stands inside the velocity, as in Keras: an old gradient keeps the rate it came with.
    PyTorch (v = momentum v + g; w -= lr v) and TensorFlow 1 hold it outside, which is the same while the rate
    does not change and another trajectory once it does; with a decay the PyTorch program therefore writes the rule
    out. Keras 3 ignores the ``decay=`` that Keras 2 had, with no more than a warning: the program uses
    ``InverseTimeDecay(lr, 1, decay)``, which is the same rule.
    """

    kind: ClassVar[str] = "sgd"
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {"torch": {"learning_rate": 0.001}}
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/optimizers/sgd.py",
        "tensorflow": "tensorflow/python/training/momentum.py",
        "torch": "torch/optim/sgd.py",
    }

    learning_rate: NonNegativeFloat = Field(default=0.01, description="step size")
    momentum: NonNegativeFloat = Field(default=0.0, lt=1.0, description="share of the velocity that stays")
    nesterov: bool = Field(default=False, description="look ahead by one velocity")
    decay: NonNegativeFloat = Field(default=0.0, description="inverse-time decay of the rate per step")

    def slots(self) -> tuple[str, ...]:
        """Return velocity, where there is momentum."""
        return ("velocity",) if self.momentum else ()

    def init(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """Return a velocity of zero."""
        return {name: np.zeros_like(w) for name in self.slots()}

    def update(
        self, gradient: np.ndarray, slots: dict[str, np.ndarray], step: int
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the move and the new velocity."""
        push = -self.learning_rate / (1 + self.decay * step) * gradient
        if not self.momentum:
            return push, {}
        velocity = self.momentum * slots["velocity"] + push
        return (self.momentum * velocity + push if self.nesterov else velocity), {"velocity": velocity}

    def doc(self) -> str:
        """Return the rule in one line."""
        rate = f"{self.learning_rate!r} / (1 + {self.decay!r} t)" if self.decay else repr(self.learning_rate)
        if not self.momentum:
            return f"w -= {rate} g."
        moved = f"w += {self.momentum!r} v - {rate} g" if self.nesterov else "w += v"
        return f"v = {self.momentum!r} v - {rate} g; {moved}."

    def keras(self) -> OptimizerCode:
        """Return ``keras.optimizers.SGD``."""
        rate = repr(self.learning_rate)
        if self.decay:
            rate = f"keras.optimizers.schedules.InverseTimeDecay({rate}, decay_steps=1, decay_rate={self.decay!r})"
        build = call(
            "keras.optimizers.SGD",
            learning_rate=rate,
            momentum=repr(self.momentum) if self.momentum else None,
            nesterov=True if self.nesterov else None,
        )
        return OptimizerCode(
            build=build, slots={name: Slot(attribute="momentums") for name in self.slots()}, doc=self.doc()
        )

    def tensorflow(self) -> OptimizerCode:
        """Return a small class with exactly the rule that is asked for."""
        pad = " " * 8
        extra = [name for name in ("momentum", "decay") if getattr(self, name)]
        rate = f"{pad}lr = self.learning_rate\n"
        if self.decay:
            rate = (
                f"{pad}t = tf.cast(self.iterations, variables[0].dtype)\n"
                f"{pad}lr = self.learning_rate / (1.0 + self.decay * t)\n"
            )
        if not self.momentum:
            targets, lines = "w, g in zip(variables, gradients)", ["w.assign_sub(lr * g)"]
        else:
            targets = "w, v, g in zip(variables, self.velocity, gradients)"
            lines = ["v.assign(self.momentum * v - lr * g)"]
            lines += ["w.assign_add(self.momentum * v - lr * g)" if self.nesterov else "w.assign_add(v)"]
        source = TENSORFLOW.format(
            doc=self.doc(),
            parameters="".join(f", {name}" for name in extra),
            fields="".join(f"\n{pad}self.{name} = {name}" for name in extra),
            slots=f"\n{pad}self.velocity = [tf.Variable(tf.zeros_like(w), trainable=False) for w in variables]"
            if self.momentum
            else "",
            rate=rate,
            targets=targets,
            body="\n".join(f"{pad}    {line}" for line in lines),
        )
        build = call(
            "SGD",
            "model.trainable_variables",
            learning_rate=repr(self.learning_rate),
            **{name: repr(getattr(self, name)) for name in extra},
        )
        slots = {name: Slot(attribute="velocity") for name in self.slots()}
        return OptimizerCode(build=build, slots=slots, doc=self.doc(), helpers=(Helper(name="SGD", source=source),))

    def torch(self) -> OptimizerCode:
        """Return ``torch.optim.SGD``, or the rule written out where a changing rate makes it another one."""
        if self.decay and self.momentum:
            build = call("SGD", "model.parameters()", lr=repr(self.learning_rate), momentum=repr(self.momentum),
                         nesterov=self.nesterov, decay=repr(self.decay))  # fmt: skip
            doc = f"{self.doc()} torch.optim.SGD holds the rate outside v, which differs once it changes."
            helper = Helper(name="SGD", source=TORCH.format(doc="SGD with the learning rate inside the velocity."))
            return OptimizerCode(
                build=build, slots={"velocity": Slot(attribute="velocity")}, doc=doc, helpers=(helper,)
            )
        build = call(
            "torch.optim.SGD",
            "model.parameters()",
            lr=repr(self.learning_rate),
            momentum=repr(self.momentum) if self.momentum else None,
            nesterov=True if self.nesterov else None,
        )
        if self.decay:
            helper = Helper(name="DecayedSGD", source=TORCH_DECAYED)
            build = build.replace("torch.optim.SGD(", "DecayedSGD(")[:-1] + f", decay={self.decay!r})"
            return OptimizerCode(build=build, slots={}, doc=self.doc(), helpers=(helper,))
        # torch keeps sum(momentum^k g) without the rate; the canonical velocity is -lr times that.
        slots = {name: Slot(attribute="momentum_buffer", scale=-self.learning_rate) for name in self.slots()}
        return OptimizerCode(build=build, slots=slots, doc=self.doc())

    @classmethod
    def cases(cls) -> list[Case]:
        """Return the hand-worked cases: gradients of successive steps, and where the parameter ends."""
        two = [[1.0], [1.0]]
        return [
            Case(shows="w -= lr g, twice", fields={"learning_rate": 0.5}, x=two, parameters={"w": [0.0]},
                 expected=[-1.0]),
            Case(shows="momentum carries half of the first move into the second",
                 fields={"learning_rate": 0.5, "momentum": 0.5}, x=two, parameters={"w": [0.0]}, expected=[-1.25]),
            Case(shows="nesterov looks ahead: -0.75, then -0.875 more",
                 fields={"learning_rate": 0.5, "momentum": 0.5, "nesterov": True}, x=two, parameters={"w": [0.0]},
                 expected=[-1.625]),
            Case(shows="decay 1 halves the second rate; the first step has the full one",
                 fields={"learning_rate": 0.5, "decay": 1.0}, x=two, parameters={"w": [0.0]}, expected=[-0.75]),
            Case(shows="the rate is inside the velocity: outside it the end would be -0.875",
                 fields={"learning_rate": 0.5, "momentum": 0.5, "decay": 1.0}, x=two, parameters={"w": [0.0]},
                 expected=[-1.0]),
        ]  # fmt: skip


TORCH_DECAYED = '''
class DecayedSGD(torch.optim.SGD):
    """torch.optim.SGD at the rate lr / (1 + decay t)."""

    def __init__(self, params, lr, decay):
        super().__init__(params, lr=lr)
        self.initial_lr, self.decay, self.iterations = lr, decay, 0

    def step(self, closure=None):
        """Set the rate of this step and take it."""
        for group in self.param_groups:
            group["lr"] = self.initial_lr / (1 + self.decay * self.iterations)
        self.iterations += 1
        return super().step(closure)
'''
