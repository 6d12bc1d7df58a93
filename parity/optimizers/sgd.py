"""sgd: gradient descent with momentum, Nesterov's variant and Keras's legacy decay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, NonNegativeFloat

from parity.code import Case, Helper, OptimizerCode, Slot, call
from parity.lazy import np
from parity.optimizers import Optimizer, Slots
from parity.optimizers.written_out import RATE, tensorflow_rate, tensorflow_rule, torch_changing, torch_rule
from parity.schedules import FUNCTIONS, AnyRate, Schedule
from parity.schedules.inverse_time import InverseTime

if TYPE_CHECKING:
    from collections.abc import Mapping

KERAS = Helper(
    name="Decayed",
    source='''
class Decayed(keras.optimizers.schedules.LearningRateSchedule):
    """The rate of a schedule over 1 + decay t."""

    def __init__(self, schedule, decay):
        self.schedule, self.decay = schedule, decay

    def __call__(self, step):
        rate = self.schedule(step)
        return rate / (1 + self.decay * keras.ops.cast(step, rate.dtype))
''',
)


class SGD(Optimizer):
    """lr_t = lr / (1 + decay t); v = momentum v - lr_t g; w += v, or w += momentum v - lr_t g with Nesterov.

    The learning rate stands inside the velocity, as in Keras: an old gradient keeps the rate it came with.
    PyTorch (v = momentum v + g; w -= lr v) and TensorFlow 1 hold it outside, which is the same while the rate
    does not change and another trajectory once it does; with a decay or a schedule the PyTorch program therefore writes
    the rule out. Keras 3 ignores the ``decay=`` that Keras 2 had, with no more than a warning: the program uses
    ``InverseTimeDecay(lr, 1, decay)``, which is the same rule.
    """

    kind: ClassVar[str] = "sgd"
    torch_class: ClassVar[str] = "SGD"
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {"torch": {"learning_rate": 0.001}}
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/optimizers/sgd.py",
        "tensorflow": "tensorflow/python/training/momentum.py",
        "torch": "torch/optim/sgd.py",
    }

    learning_rate: AnyRate = Field(default=0.01, description="step size, or a schedule of it")
    momentum: NonNegativeFloat = Field(default=0.0, lt=1.0, description="share of the velocity that stays")
    nesterov: bool = Field(default=False, description="look ahead by one velocity")
    decay: NonNegativeFloat = Field(default=0.0, description="inverse-time decay of the rate per step")

    def _schedule(self) -> Schedule | None:
        """Return the schedule that the rate follows before any decay that comes on top of it."""
        if isinstance(self.learning_rate, Schedule):
            return self.learning_rate
        if not self.decay:
            return None
        return InverseTime(initial_learning_rate=self.learning_rate, decay_steps=1, decay_rate=self.decay)

    def _on_top(self) -> bool:
        return bool(self.decay) and isinstance(self.learning_rate, Schedule)

    def rate(self, step: int) -> float:
        return super().rate(step) / (1 + self.decay * step)

    def changes(self) -> bool:
        return self._schedule() is not None

    def rate_doc(self) -> str:
        schedule = self._schedule()
        if schedule is None:
            return repr(self.learning_rate)
        return f"{schedule.doc()}, over 1 + {self.decay!r} t" if self._on_top() else schedule.doc()

    def keras_rate(self) -> str:
        schedule = self._schedule()
        if schedule is None:
            return repr(self.learning_rate)
        return call("Decayed", schedule.keras(), repr(self.decay)) if self._on_top() else schedule.keras()

    def rate_formula(self, framework: str) -> str:
        schedule = self._schedule()
        formula = super().rate_formula(framework) if schedule is None else schedule.formula(FUNCTIONS[framework])
        return f"{formula} / (1.0 + {self.decay!r} * t)" if self._on_top() else formula

    def slots(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    def init(self, w: np.ndarray) -> Slots:
        return {name: np.zeros_like(w) for name in self.slots()}

    def update(self, w: np.ndarray, gradient: np.ndarray, slots: Slots, step: int) -> tuple[np.ndarray, Slots]:
        push = -self.rate(step) * gradient
        if not self.momentum:
            return push, {}
        velocity = self.momentum * slots["velocity"] + push
        return (self.momentum * velocity + push if self.nesterov else velocity), {"velocity": velocity}

    def inert(self, field: str, other: Any) -> str:
        """Say when there is no velocity for ``nesterov`` to look ahead by."""
        idle = field == "nesterov" and not self.momentum
        return "without momentum there is no velocity to look ahead by" if idle else ""

    def rule(self) -> str:
        rate = "lr" if self.changes() else repr(self.learning_rate)
        if not self.momentum:
            return f"w -= {rate} g"
        moved = f"w += {self.momentum!r} v - {rate} g" if self.nesterov else "w += v"
        return f"v = {self.momentum!r} v - {rate} g; {moved}"

    def keras(self) -> OptimizerCode:
        build = call(
            "keras.optimizers.SGD",
            learning_rate=self.keras_rate(),
            momentum=repr(self.momentum) if self.momentum else None,
            nesterov=True if self.nesterov and self.momentum else None,
        )
        slots = {name: Slot(attribute="momentums") for name in self.slots()}
        return OptimizerCode(build=build, slots=slots, doc=self.doc(), helpers=(KERAS,) if self._on_top() else ())

    def tensorflow(self) -> OptimizerCode:
        body = ["w.assign_sub(lr * g)"]
        if self.momentum:
            moved = "w.assign_add(self.momentum * v - lr * g)" if self.nesterov else "w.assign_add(v)"
            body = ["v.assign(self.momentum * v - lr * g)", moved]
        rule = tensorflow_rule(
            "SGD",
            f"{self.rule()}.",
            fields=["learning_rate", *(["momentum"] if self.momentum else [])],
            slots=dict.fromkeys(self.slots(), "v"),
            before=[tensorflow_rate(self.changes())],
            body=body,
        )
        build = call(
            "SGD",
            "model.trainable_variables",
            learning_rate="learning_rate" if self.changes() else repr(self.learning_rate),
            momentum=repr(self.momentum) if self.momentum else None,
        )
        return OptimizerCode(
            build=build,
            slots={name: Slot(attribute=name) for name in self.slots()},
            doc=self.doc(),
            helpers=(*self.rate_helpers("tensorflow"), rule),
        )

    def torch_slots(self, rate: float) -> Mapping[str, Slot]:
        return {name: Slot(attribute="momentum_buffer", scale=-rate) for name in self.slots()}

    def torch(self) -> OptimizerCode:
        if self.changes():
            return self._torch_with_momentum() if self.momentum else self._torch_changing()
        build = call(
            "torch.optim.SGD",
            "model.parameters()",
            lr=repr(self.learning_rate),
            momentum=repr(self.momentum) if self.momentum else None,
            nesterov=True if self.nesterov and self.momentum else None,  # torch.optim refuses it without.
        )
        slots = self.torch_slots(self.rate(0))
        return OptimizerCode(build=build, slots=slots, doc=self.doc())

    def _torch_changing(self) -> OptimizerCode:
        helper = torch_changing("SGD", "SGD", "torch.optim.SGD at a rate that changes from step to step.", [RATE])
        build = call("SGD", "model.parameters()", lr="learning_rate(0)")
        return OptimizerCode(build=build, slots={}, doc=self.doc(), helpers=(*self.rate_helpers("torch"), helper))

    def _torch_with_momentum(self) -> OptimizerCode:
        ahead = ["p.add_(velocity, alpha=momentum).sub_(p.grad, alpha=lr)"] if self.nesterov else ["p.add_(velocity)"]
        rule = torch_rule(
            "SGD",
            "SGD with the learning rate inside the velocity.",
            fields=["lr", "momentum"],
            slots=["velocity"],
            before=['lr, momentum = learning_rate(self.iterations), group["momentum"]'],
            body=['velocity = state["velocity"]', "velocity.mul_(momentum).sub_(p.grad, alpha=lr)", *ahead],
        )
        build = call("SGD", "model.parameters()", lr="learning_rate(0)", momentum=repr(self.momentum))
        doc = f"{self.doc()} torch.optim.SGD holds the rate outside v, which differs once it changes."
        slots = {"velocity": Slot(attribute="velocity")}
        return OptimizerCode(build=build, slots=slots, doc=doc, helpers=(*self.rate_helpers("torch"), rule))

    @classmethod
    def cases(cls) -> list[Case]:
        two = [[1.0], [1.0]]
        half = {"cosine": {"initial_learning_rate": 0.5, "decay_steps": 2}}
        return [
            Case(shows="w -= lr g, twice", fields={"learning_rate": 0.5}, x=two, parameters={"w": [0.0]},
                 expected=[-1.0]),
            Case(shows="momentum carries half of the first move into the second",
                 fields={"learning_rate": 0.5, "momentum": 0.5}, x=two, parameters={"w": [0.0]}, expected=[-1.25]),
            Case(shows="without momentum nesterov has nothing to look ahead by",
                 fields={"learning_rate": 0.5, "nesterov": True}, x=two, parameters={"w": [0.0]}, expected=[-1.0]),
            Case(shows="nesterov looks ahead: -0.75, then -0.875 more",
                 fields={"learning_rate": 0.5, "momentum": 0.5, "nesterov": True}, x=two, parameters={"w": [0.0]},
                 expected=[-1.625]),
            Case(shows="decay 1 halves the second rate; the first step has the full one",
                 fields={"learning_rate": 0.5, "decay": 1.0}, x=two, parameters={"w": [0.0]}, expected=[-0.75]),
            Case(shows="the rate is inside the velocity: outside it the end would be -0.875",
                 fields={"learning_rate": 0.5, "momentum": 0.5, "decay": 1.0}, x=two, parameters={"w": [0.0]},
                 expected=[-1.0]),
            Case(shows="a schedule with momentum: 0.5 and 0.25, and half of the first move into the second",
                 fields={"learning_rate": half, "momentum": 0.5, "nesterov": True}, x=two, parameters={"w": [0.0]},
                 expected=[-1.25]),
            Case(shows="a schedule without: 0.5 and 0.25", fields={"learning_rate": half}, x=two,
                 parameters={"w": [0.0]}, expected=[-0.75]),
            Case(shows="a decay on top of a schedule: 0.5 and 0.125", fields={"learning_rate": half, "decay": 1.0},
                 x=two, parameters={"w": [0.0]}, expected=[-0.625]),
        ]  # fmt: skip
