"""sgd: gradient descent with momentum, Nesterov's variant and Keras's legacy decay."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import Field, NonNegativeFloat

from parity.code import Case, Helper, call
from parity.entries import read_in
from parity.native import Native, same
from parity.optimizers import Optimizer, weight_case
from parity.schedules import AnyRate, Schedule
from parity.schedules.inverse_time import InverseTime

DECAYED = Helper(
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


class Decayed(Schedule):
    """The rate of a schedule over 1 + decay t."""

    schedule: Schedule = Field(description="what falls already")
    decay: NonNegativeFloat = Field(description="of the legacy optimizers")

    def rate(self, step: int) -> float:
        return self.schedule.rate(step) / (1 + self.decay * step)

    def doc(self) -> str:
        return f"{self.schedule.told()}, over 1 + {self.decay!r} t"

    def written(self, framework: str) -> str:
        return f"{self.schedule.written(framework)} / (1.0 + {self.decay!r} * t)"

    def made(self, framework: str) -> str:
        return call("Decayed", self.schedule.made(framework), repr(self.decay))

    def helpers(self, framework: str) -> tuple[Helper, ...]:
        return (*self.schedule.helpers(framework), DECAYED)


class SGD(Optimizer):
    """lr_t = lr / (1 + decay t); v = momentum v - lr_t g; w += v, or w += momentum v - lr_t g with Nesterov.

    The learning rate stands inside the velocity, as in Keras: an old gradient keeps the rate it came with.
    PyTorch (v = momentum v + g; w -= lr v) and TensorFlow 1 hold it outside, which is the same while the rate
    does not change and another trajectory once it does; with a decay or a schedule the PyTorch program therefore writes
    the rule out. Keras 3 ignores the ``decay=`` that Keras 2 had, with no more than a warning: the program uses
    ``InverseTimeDecay(lr, 1, decay)``, which is the same rule.
    """

    kind: ClassVar[str] = "sgd"
    letters: ClassVar = {"velocity": "v"}
    native: ClassVar = {"torch": {"learning_rate": 0.001}}
    source: ClassVar = read_in(keras="optimizers/sgd", tensorflow="training/momentum", torch="optim/sgd")
    natives: ClassVar = {
        "keras": Native("keras.optimizers.SGD", same("learning_rate", "momentum", "nesterov"),
                        own={"momentum": 0.0, "nesterov": False}, slots={"velocity": "momentums"}),
        "torch": Native("torch.optim.SGD", {"lr": "learning_rate"} | same("momentum", "nesterov"),
                        own={"momentum": 0.0, "nesterov": False}, slots={"velocity": ("momentum_buffer", -1.0)}),
    }  # fmt: skip

    learning_rate: AnyRate = Field(default=0.01, description="step size, or a schedule of it")
    momentum: NonNegativeFloat = Field(default=0.0, lt=1.0, description="share of the velocity that stays")
    nesterov: bool = Field(default=False, description="look ahead by one velocity")
    decay: NonNegativeFloat = Field(default=0.0, description="inverse-time decay of the rate per step")

    def formula(self) -> str:
        if not self.momentum:
            return "w -= lr * g"
        return f"v = momentum * v - lr * g\nw += {'momentum * v - lr * g' if self.nesterov else 'v'}"

    def as_written(self) -> Self:
        return self if self.momentum else self.replace(nesterov=False)  # torch.optim refuses it without.

    def schedule(self) -> Schedule | None:
        given = super().schedule()
        if not self.decay:
            return given
        if given is not None:
            return Decayed(schedule=given, decay=self.decay)
        return InverseTime(initial_learning_rate=self.learning_rate, decay_steps=1, decay_rate=self.decay)

    def inert(self, field: str, other: Any) -> str:
        """Say when there is no velocity for ``nesterov`` to look ahead by."""
        idle = field == "nesterov" and not self.momentum
        return "without momentum there is no velocity to look ahead by" if idle else super().inert(field, other)

    def rule(self) -> str:
        rate = "lr" if self.changes() else repr(self.learning_rate)
        if not self.momentum:
            return f"w -= {rate} g"
        moved = f"w += {self.momentum!r} v - {rate} g" if self.nesterov else "w += v"
        return f"v = {self.momentum!r} v - {rate} g; {moved}"

    @classmethod
    def cases(cls) -> list[Case]:
        half = {"cosine": {"initial_learning_rate": 0.5, "decay_steps": 2}}
        return [
            weight_case("w -= lr g, twice", {"learning_rate": 0.5}, [1.0, 1.0], -1.0),
            weight_case("momentum carries half of the first move into the second",
                        {"learning_rate": 0.5, "momentum": 0.5}, [1.0, 1.0], -1.25),
            weight_case("without momentum nesterov has nothing to look ahead by",
                        {"learning_rate": 0.5, "nesterov": True}, [1.0, 1.0], -1.0),
            weight_case("nesterov looks ahead: -0.75, then -0.875 more",
                        {"learning_rate": 0.5, "momentum": 0.5, "nesterov": True}, [1.0, 1.0], -1.625),
            weight_case("decay 1 halves the second rate; the first step has the full one",
                        {"learning_rate": 0.5, "decay": 1.0}, [1.0, 1.0], -0.75),
            weight_case("the rate is inside the velocity: outside it the end would be -0.875",
                        {"learning_rate": 0.5, "momentum": 0.5, "decay": 1.0}, [1.0, 1.0], -1.0),
            weight_case("a schedule with momentum: 0.5 and 0.25, and half of the first move into the second",
                        {"learning_rate": half, "momentum": 0.5, "nesterov": True}, [1.0, 1.0], -1.25),
            weight_case("a schedule without: 0.5 and 0.25", {"learning_rate": half}, [1.0, 1.0], -0.75),
            weight_case("a decay on top of a schedule: 0.5 and 0.125", {"learning_rate": half, "decay": 1.0},
                        [1.0, 1.0], -0.625),
        ]  # fmt: skip
