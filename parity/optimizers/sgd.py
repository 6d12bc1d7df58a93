"""sgd: gradient descent with momentum in both forms, Nesterov's variant, dampening and two decays."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, NonNegativeFloat, model_validator

from parity.code import Case, Helper, call
from parity.entries import read_in
from parity.native import Native, same
from parity.optimizers import Optimizer, weight_case
from parity.optimizers.per_parameter import Numbers, decays_of
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
        return f"({self.schedule.written(framework)}) / (1.0 + {self.decay!r} * t)"

    def made(self, framework: str) -> str:
        return call("Decayed", self.schedule.made(framework), repr(self.decay))

    def helpers(self, framework: str) -> tuple[Helper, ...]:
        return (*self.schedule.helpers(framework), DECAYED)


PLAIN = {"nesterov": False, "dampening": 0.0, "weight_decay": 0.0}


class SGD(Optimizer):
    """lr_t = lr / (1 + decay t); v = momentum v - lr_t g; w += v, or w += momentum v - lr_t g with Nesterov.

    rate_place ``inside_velocity``: the learning rate stands inside the velocity, as in Keras, so an old gradient keeps
    the rate it came with. ``outside_velocity``: b = momentum b + g; w -= lr_t b, as in PyTorch and TensorFlow 1. They
    are the same while the rate does not change and part once it does; then each framework writes out the form that is
    not its own. ``dampening`` takes (1 - dampening) g into the velocity, but in the first step, where PyTorch's buffer
    is the gradient itself. ``weight_decay`` is PyTorch's, coupled: weight_decay w is added to g, as an l2 penalty of
    half of it would be; Keras's argument of that name takes it off the weight. Keras 3 ignores the ``decay=`` that
    Keras 2 had, with no more than a warning: the program uses ``InverseTimeDecay(lr, 1, decay)``, the same rule.
    """

    kind: ClassVar[str] = "sgd"
    letters: ClassVar = {"velocity": "v", "buffer": "b"}
    couples_decay: ClassVar[bool] = True
    quiet: ClassVar = Optimizer.quiet | {"rate_place", "dampening", "weight_decay"}
    native: ClassVar = {"torch": {"learning_rate": 0.001}}
    source: ClassVar = read_in(keras="optimizers/sgd", tensorflow="training/momentum", torch="optim/sgd")
    natives: ClassVar = {
        "keras": Native("keras.optimizers.SGD", same("learning_rate", "momentum", "nesterov"),
                        own={"momentum": 0.0, "nesterov": False},
                        slots={"velocity": "momentums", "buffer": "momentums"},
                        when={"rate_place": "inside_velocity", "dampening": 0.0, "weight_decay": 0.0},
                        why={"rate_place": "with the rate outside the velocity, as PyTorch has it",
                             "dampening": "with dampening, as PyTorch has it",
                             "weight_decay": "with the decay in the gradient, as PyTorch has it"}),
        "torch": Native("torch.optim.SGD", {"lr": "learning_rate"} | same("momentum", *PLAIN),
                        own={"momentum": 0.0} | PLAIN,
                        slots={"velocity": ("momentum_buffer", -1.0), "buffer": "momentum_buffer"}),
    }  # fmt: skip

    learning_rate: AnyRate = Field(default=0.01, description="step size, or a schedule of it")
    momentum: NonNegativeFloat = Field(default=0.0, lt=1.0, description="share of the velocity that stays")
    nesterov: bool = Field(default=False, description="look ahead by one velocity")
    decay: NonNegativeFloat = Field(default=0.0, description="inverse-time decay of the rate per step")
    rate_place: Literal["inside_velocity", "outside_velocity"] = Field(
        default="inside_velocity", description="whether the velocity holds the rate its gradients came with, or none"
    )
    dampening: NonNegativeFloat = Field(default=0.0, le=1.0, description="share of a gradient kept out of the velocity")
    weight_decay: NonNegativeFloat = Field(default=0.0, description="share of the weight added to its gradient")
    weight_decay_of: Numbers = decays_of()

    @model_validator(mode="after")
    def _looks_ahead(self) -> Self:
        if self.nesterov and self.momentum and self.dampening:
            raise ValueError("nesterov without dampening, as in PyTorch")
        return self

    def formula(self) -> str:
        d = "d" if self.decays_some() else "g"
        start = f"d = g + {self.share()} * w\n" if self.decays_some() else ""
        if not self.momentum:
            return f"{start}w -= lr * {d}"
        share = "damped * " if self.dampening else ""
        start += "damped = 1.0 - dampening * minimum(t - 1.0, 1.0)\n" if self.dampening else ""
        if self.rate_place == "outside_velocity":
            return (
                f"{start}b = momentum * b + {share}{d}\nw -= lr * {f'({d} + momentum * b)' if self.nesterov else 'b'}"
            )
        ahead = f"momentum * v - lr * {d}" if self.nesterov else "v"
        return f"{start}v = momentum * v - lr * {share}{d}\nw += {ahead}"

    def as_written(self) -> Self:
        # torch.optim refuses nesterov without momentum.
        return self if self.momentum else self.replace(nesterov=False, dampening=0.0, rate_place="inside_velocity")

    def schedule(self) -> Schedule | None:
        given = super().schedule()
        if not self.decay:
            return given
        if given is not None:
            return Decayed(schedule=given, decay=self.decay)
        return InverseTime(initial_learning_rate=self.learning_rate, decay_steps=1, decay_rate=self.decay)

    def inert(self, field: str, other: Any) -> str:
        """Say when there is no velocity for ``nesterov`` to look ahead by, or to hold a rate or less of a gradient."""
        if field in ("rate_place", "dampening") and not self.momentum:
            return "without momentum there is no velocity"
        idle = field == "nesterov" and not self.momentum
        return "without momentum there is no velocity to look ahead by" if idle else super().inert(field, other)

    def rule(self) -> str:
        rate = "lr" if self.changes() else repr(self.learning_rate)
        g, before = ("d", f"d = g + {self.weight_decay!r} w; ") if self.decays_some() else ("g", "")
        if not self.momentum:
            return f"{before}w -= {rate} {g}"
        share = f"{1 - self.dampening!r} " if self.dampening else ""
        first = ", the first b = g" if self.dampening else ""
        if self.rate_place == "outside_velocity":
            moved = f"w -= {rate} ({g} + {self.momentum!r} b)" if self.nesterov else f"w -= {rate} b"
            return f"{before}b = {self.momentum!r} b + {share}{g}{first}; {moved}"
        moved = f"w += {self.momentum!r} v - {rate} {g}" if self.nesterov else "w += v"
        return f"{before}v = {self.momentum!r} v - {share}{rate} {g}{first.replace('b = g', f'v = -{rate} g')}; {moved}"

    @classmethod
    def cases(cls) -> list[Case]:
        outside = {"momentum": 0.5, "rate_place": "outside_velocity"}
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
            weight_case("outside the velocity: 0.5, and half of the rate times 1.5",
                        outside | {"learning_rate": half}, [1.0, 1.0], -0.875),
            weight_case("the same at a rate that stays", outside | {"learning_rate": 0.5}, [1.0, 1.0], -1.25),
            weight_case("and looking ahead: 1.5, then 1 + 0.5 times 1.5", outside | {"learning_rate": half,
                        "nesterov": True}, [1.0, 1.0], -0.75 - 0.25 * 1.75),
            weight_case("dampening leaves the first gradient whole: 1, then 0.5 + 0.25",
                        outside | {"learning_rate": 0.5, "dampening": 0.75}, [1.0, 1.0], -0.5 - 0.375),
            weight_case("inside, with a schedule: 0.5, then 0.25 + a quarter of 0.25",
                        {"learning_rate": half, "momentum": 0.5, "dampening": 0.75}, [1.0, 1.0], -0.8125),
            weight_case("half of 4 is added to the gradient, then half of 2.5", {"learning_rate": 0.5,
                        "weight_decay": 0.5}, [1.0, 1.0], 2.5 - 0.5 * 2.25, start=4.0),
            weight_case("all", outside | {"learning_rate": half, "weight_decay": 0.5, "dampening": 0.5}, [1.0, 1.0],
                        2.5 - 0.25 * (1.5 + 0.5 * 2.25), start=4.0),
            weight_case("with a decay, inside and looking ahead: d = 3, w = 4 - 2.25; d = 1.875",
                        {"learning_rate": 0.5, "momentum": 0.5, "weight_decay": 0.5, "nesterov": True}, [1.0, 1.0],
                        1.75 - 0.5 * (0.75 + 0.9375) - 0.9375, start=4.0),
            weight_case("a decay on top of a warm-up: 0 and 0.25", {"learning_rate": {"constant": {
                        "learning_rate": 0.5, "warmup_steps": 1}}, "decay": 1.0}, [1.0, 1.0], -0.25),
            weight_case("two batches make an update of their mean, the third is kept",
                        {"learning_rate": 0.5, "gradient_accumulation_steps": 2}, [1.0, 3.0, 8.0], -1.0),
            weight_case("or of their sum", {"learning_rate": 0.5, "momentum": 0.5, "gradient_accumulation_steps": 2,
                        "accumulation": "sum"}, [1.0, 3.0, 1.0, 1.0], -2.0 - 1.0 - 1.0),
            weight_case("a schedule counts batches: the second and the fourth of 0.5, 0.25, 0.25 / 1.5, 0.125",
                        {"learning_rate": 0.5, "decay": 1.0, "gradient_accumulation_steps": 2}, [2.0] * 4, -0.75),
            weight_case("the first average is the weight itself, the second half of -1 and of -2",
                        {"learning_rate": 1.0, "use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
                        [1.0, 1.0], -1.5),
            weight_case("an average alone moves nothing", {"learning_rate": 1.0, "use_ema": True}, [1.0, 1.0], -2.0),
            weight_case("both: the average follows every batch, and is put in the place of w in those of an update",
                        {"learning_rate": 1.0, "gradient_accumulation_steps": 2, "use_ema": True, "ema_momentum": 0.5,
                         "ema_overwrite_frequency": 2}, [1.0, 3.0, 1.0, 1.0], -2.5),
            weight_case("a decay on top of a schedule: 0.5 and 0.125", {"learning_rate": half, "decay": 1.0},
                        [1.0, 1.0], -0.625),
        ]  # fmt: skip
