"""rmsprop: the gradient over the root of its running mean square, with the place of epsilon explicit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat

from parity.code import Case, Helper, OptimizerCode, Slot, call
from parity.lazy import np
from parity.optimizers import Optimizer, Slots
from parity.optimizers.written_out import RATE, tensorflow_rate, tensorflow_rule, torch_changing, torch_rule
from parity.schedules import AnyRate

if TYPE_CHECKING:
    from collections.abc import Mapping

KERAS = '''
class RMSprop(keras.optimizers.RMSprop):
    """RMSprop with epsilon added to the root, as PyTorch has it, not under it."""

    def update_step(self, gradient, variable, learning_rate):
        """Move a variable by its gradient."""
        index = self._get_variable_index(variable)
        lr = keras.ops.cast(learning_rate, variable.dtype)
        v = self._velocities[index]
        self.assign(v, self.rho * v + (1 - self.rho) * keras.ops.square(gradient))
        {lines}
'''


class RMSprop(Optimizer):
    """v = rho v + (1 - rho) g^2; w -= lr g / sqrt(v + epsilon).

    ``centered`` keeps the running mean of the gradient as well, a = rho a + (1 - rho) g, and takes v - a^2 for v. With
    ``momentum``, b = momentum b + lr g / sqrt(v + epsilon); w -= b: the rate stands inside b, as in Keras and
    TensorFlow, where PyTorch holds it outside (the same while it does not change).

    epsilon_place ``inside_root`` (Keras, TensorFlow): sqrt(v + epsilon), which for 1e-7 is at least 3e-4.
    ``outside_root`` (PyTorch): sqrt(v) + epsilon. Epsilon is 1e-7 in Keras, 1e-10 in TensorFlow 1 and 1e-8 in PyTorch.
    v starts at 0; TensorFlow 1's starts at 1.
    """

    kind: ClassVar[str] = "rmsprop"
    torch_class: ClassVar[str] = "RMSprop"
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "tensorflow": {"epsilon": 1e-10},
        "torch": {"learning_rate": 0.01, "rho": 0.99, "epsilon": 1e-8, "epsilon_place": "outside_root"},
    }
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/optimizers/rmsprop.py",
        "tensorflow": "tensorflow/python/training/rmsprop.py",
        "torch": "torch/optim/rmsprop.py",
    }

    learning_rate: AnyRate = Field(default=0.001, description="step size, or a schedule of it")
    rho: PositiveFloat = Field(default=0.9, lt=1.0, description="decay of the mean square")
    momentum: NonNegativeFloat = Field(default=0.0, lt=1.0, description="share of the last move that stays")
    epsilon: PositiveFloat = Field(default=1e-7, description="keeps the denominator from 0")
    centered: bool = Field(default=False, description="divide by the deviation of the gradient, not by its size")
    epsilon_place: Literal["inside_root", "outside_root"] = Field(
        default="inside_root", description="whether epsilon is added to v under the root, or to the root"
    )

    def slots(self) -> tuple[str, ...]:
        momentum = ("momentum",) if self.momentum else ()
        return ("velocity", *momentum, *(("average_gradient",) if self.centered else ()))

    def init(self, w: np.ndarray) -> Slots:
        return {name: np.zeros_like(w) for name in self.slots()}

    def update(self, w: np.ndarray, gradient: np.ndarray, slots: Slots, step: int) -> tuple[np.ndarray, Slots]:
        new = {"velocity": self.rho * slots["velocity"] + (1 - self.rho) * gradient**2}
        square = new["velocity"]
        average = self.rho * slots["average_gradient"] + (1 - self.rho) * gradient if self.centered else None
        if average is not None:
            square = square - average**2
        inside = self.epsilon_place == "inside_root"
        root = np.sqrt(square + self.epsilon) if inside else np.sqrt(square) + self.epsilon
        move = self.rate(step) * gradient / root
        if self.momentum:
            move = new["momentum"] = self.momentum * slots["momentum"] + move
        if average is not None:
            new["average_gradient"] = average
        return -move, new

    def rule(self) -> str:
        v = "v - a^2" if self.centered else "v"
        root = f"sqrt({v} + epsilon)" if self.epsilon_place == "inside_root" else f"(sqrt({v}) + epsilon)"
        return f"b = {self.momentum!r} b + lr g / {root}; w -= b" if self.momentum else f"w -= lr g / {root}"

    def _fields(self) -> dict[str, str]:
        """Return the source of the hyperparameters beside the rate, by Keras's names."""
        names = ("rho", *(("momentum",) if self.momentum else ()), "epsilon")
        return {name: repr(getattr(self, name)) for name in names}

    def keras(self) -> OptimizerCode:
        places = {"velocity": "_velocities", "momentum": "_momentums", "average_gradient": "_average_gradients"}
        slots = {name: Slot(attribute=places[name]) for name in self.slots()}
        own = self.epsilon_place == "outside_root"
        build = call(
            "RMSprop" if own else "keras.optimizers.RMSprop",
            learning_rate=self.keras_rate(),
            **self._fields(),
            centered=True if self.centered else None,
        )
        helpers = (Helper(name="RMSprop", source=self._keras_source()),) if own else ()
        return OptimizerCode(build=build, slots=slots, doc=self.doc(), helpers=helpers)

    def _keras_source(self) -> str:
        lines, square, move = [], "v", "lr * gradient / (keras.ops.sqrt({square}) + self.epsilon)"
        if self.centered:
            lines += ["a = self._average_gradients[index]",
                      "self.assign(a, self.rho * a + (1 - self.rho) * gradient)"]  # fmt: skip
            square = "v - keras.ops.square(a)"
        move = move.format(square=square)
        if self.momentum:
            lines += ["b = self._momentums[index]", f"self.assign(b, self.momentum * b + {move})"]
            move = "b"
        lines += [f"self.assign_sub(variable, {move})"]
        return KERAS.format(lines="\n        ".join(lines))

    def tensorflow(self) -> OptimizerCode:
        square, body = "v", ["v.assign(self.rho * v + (1.0 - self.rho) * g * g)"]
        if self.centered:
            square = "v - a * a"
            body += ["a.assign(self.rho * a + (1.0 - self.rho) * g)"]
        inside = self.epsilon_place == "inside_root"
        root = f"tf.sqrt({square} + self.epsilon)" if inside else f"(tf.sqrt({square}) + self.epsilon)"
        if self.momentum:
            body += [f"b.assign(self.momentum * b + lr * g / {root})", "w.assign_sub(b)"]
        else:
            body += [f"w.assign_sub(lr * g / {root})"]
        short = {"velocity": "v", "momentum": "b", "average_gradient": "a"}
        # The momentum itself is a hyperparameter: what is kept of it needs another name.
        places = {"velocity": "velocity", "momentum": "moves", "average_gradient": "average_gradient"}
        rule = tensorflow_rule(
            "RMSprop",
            f"{self.rule()}.",
            fields=["learning_rate", *self._fields()],
            slots={places[name]: short[name] for name in self.slots()},
            before=[tensorflow_rate(self.changes())],
            body=body,
        )
        build = call(
            "RMSprop",
            "model.trainable_variables",
            learning_rate="learning_rate" if self.changes() else repr(self.learning_rate),
            **self._fields(),
        )
        slots = {name: Slot(attribute=places[name]) for name in self.slots()}
        return OptimizerCode(build=build, slots=slots, doc=self.doc(), helpers=(*self.rate_helpers("tensorflow"), rule))

    def torch_slots(self, rate: float) -> Mapping[str, Slot]:
        places = {
            "velocity": Slot(attribute="square_avg"),
            "momentum": Slot(attribute="momentum_buffer", scale=rate),
            "average_gradient": Slot(attribute="grad_avg"),
        }
        return {name: places[name] for name in self.slots()}

    def torch(self) -> OptimizerCode:
        if self.epsilon_place == "inside_root" or (self.momentum and self.changes()):
            return self._torch_rule()
        helpers: tuple[Helper, ...] = ()
        if self.changes():
            doc = "torch.optim.RMSprop at a rate that changes from step to step."
            helpers = (*self.rate_helpers("torch"), torch_changing("RMSprop", "RMSprop", doc, [RATE]))
        build = call(
            "RMSprop" if helpers else "torch.optim.RMSprop",
            "model.parameters()",
            lr="learning_rate(0)" if self.changes() else repr(self.learning_rate),
            alpha=repr(self.rho),
            eps=repr(self.epsilon),
            momentum=repr(self.momentum) if self.momentum else None,
            centered=True if self.centered else None,
        )
        slots = self.torch_slots(self.rate(0))
        return OptimizerCode(build=build, slots=slots, doc=self.doc(), helpers=helpers)

    def _torch_rule(self) -> OptimizerCode:
        names = ["lr", *self._fields()]
        values = ["learning_rate(self.iterations)" if self.changes() else 'group["lr"]']
        values += [f'group["{name}"]' for name in names[1:]]
        body = ['v = state["velocity"].mul_(rho).addcmul_(p.grad, p.grad, value=1 - rho)']
        square = "v"
        if self.centered:
            body += ['a = state["average_gradient"].lerp_(p.grad, 1 - rho)']
            square = "v - a * a"
        inside = self.epsilon_place == "inside_root"
        root = f"torch.sqrt({square} + epsilon)" if inside else f"torch.sqrt({square}) + epsilon"
        body += [f"root = {root}"]
        if self.momentum:
            body += ['b = state["momentum"].mul_(momentum).addcdiv_(p.grad, root, value=lr)', "p.sub_(b)"]
        else:
            body += ["p.addcdiv_(p.grad, root, value=-lr)"]
        differs = ["epsilon under the root"] if inside else []
        differs += ["the rate inside the momentum"] if self.momentum and self.changes() else []
        doc = f"RMSprop with {' and '.join(differs)}, as in Keras."
        before = [f"{name} = {value}" for name, value in zip(names, values, strict=True)]
        rule = torch_rule("RMSprop", doc, fields=names, slots=self.slots(), before=before, body=body)
        build = call(
            "RMSprop",
            "model.parameters()",
            lr="learning_rate(0)" if self.changes() else repr(self.learning_rate),
            **self._fields(),
        )
        slots = {name: Slot(attribute=name) for name in self.slots()}
        return OptimizerCode(build=build, slots=slots, doc=self.doc(), helpers=(*self.rate_helpers("torch"), rule))

    @classmethod
    def cases(cls) -> list[Case]:
        plain = {"learning_rate": 0.5, "rho": 0.75, "epsilon": 0.75}
        once = [[2.0]]
        halving = {"inverse_time": {"initial_learning_rate": 0.5, "decay_steps": 1, "decay_rate": 1.0}}
        twice = {"rho": 0.75, "epsilon": 1e-300, "momentum": 0.5}
        return [
            Case(shows="v = 1, and epsilon 1.25 under the root makes it 1.5", fields=plain | {"epsilon": 1.25}, x=once,
                 parameters={"w": [0.0]}, expected=[-2 / 3]),
            Case(shows="outside the root, epsilon 1.25 makes it 2.25", x=once,
                 fields=plain | {"epsilon": 1.25, "epsilon_place": "outside_root"}, parameters={"w": [0.0]},
                 expected=[-1 / 2.25]),
            Case(shows="centered: v = 1 less a squared, 0.25, under the root with 0.25", parameters={"w": [0.0]},
                 fields=plain | {"epsilon": 0.25, "centered": True}, x=once, expected=[-1.0]),
            Case(shows="centered, epsilon outside, momentum: sqrt(0.75) + 0.75, and b is the move", x=once,
                 fields=plain | {"centered": True, "momentum": 0.5, "epsilon_place": "outside_root"},
                 parameters={"w": [0.0]}, expected=[-1 / (0.75**0.5 + 0.75)]),
            Case(shows="momentum carries half of the first move, 1, into the second, 1 / sqrt(1.75)",
                 fields=twice | {"learning_rate": 0.5}, x=[[2.0], [2.0]], parameters={"w": [0.0]},
                 expected=[-1.5 - 1 / 1.75**0.5]),
            Case(shows="the rate is inside the momentum: half of the first move stays as it was made",
                 fields=twice | {"learning_rate": halving}, x=[[2.0], [2.0]], parameters={"w": [0.0]},
                 expected=[-1.5 - 0.5 / 1.75**0.5]),
            Case(shows="the same with epsilon outside the root, and no momentum",
                 fields={"learning_rate": halving, "rho": 0.75, "epsilon": 1e-300, "epsilon_place": "outside_root"},
                 x=[[2.0], [2.0]], parameters={"w": [0.0]}, expected=[-1.0 - 0.5 / 1.75**0.5]),
            Case(shows="the same with epsilon outside the root, and momentum", x=[[2.0], [2.0]],
                 fields=twice | {"learning_rate": halving, "epsilon_place": "outside_root"}, parameters={"w": [0.0]},
                 expected=[-1.5 - 0.5 / 1.75**0.5]),
            Case(shows="outside the root at a constant rate, PyTorch's buffer is without it", x=[[2.0], [2.0]],
                 fields=twice | {"learning_rate": 0.5, "epsilon_place": "outside_root"}, parameters={"w": [0.0]},
                 expected=[-1.5 - 1 / 1.75**0.5]),
        ]  # fmt: skip
