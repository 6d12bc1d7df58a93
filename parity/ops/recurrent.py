"""What recurrent layers share: an entry says its cell, its gates and its states."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, PositiveInt

from parity.activations import Activation, AnyActivation
from parity.activations.tanh import Tanh
from parity.code import (
    Helper,
    KerasCode,
    Parameter,
    Site,
    TensorFlowCode,
    TorchCode,
    TorchWeight,
    call,
)
from parity.constraints import AnyConstraint
from parity.entries import Shape, discover
from parity.initializers import AnyInitializer, Initializer
from parity.initializers.glorot_uniform import GlorotUniform
from parity.initializers.zeros import Zeros
from parity.lazy import differentiable as np
from parity.ops import SAID, Op, ShapeError, check_constraints
from parity.ops.cell import Calls, stepped, worded
from parity.ops.recurrent_module import ONE_BIAS, written
from parity.regularizers import AnyRegularizer

if TYPE_CHECKING:
    from parity.code import Arrays

HELD = tuple(f"{name}_{said}" for name in ("kernel", "recurrent", "bias") for said in SAID)
"""Fields that say how kernels and bias start and are held."""

STARTS_AT = discover(Initializer, "parity.initializers").get("orthogonal", GlorotUniform)
"""What a recurrent kernel starts at when nobody says: orthogonal, as in Keras, where there is such an entry."""

UNIFORM = {f"{name}_initializer": "fan_in_uniform" for name in ("kernel", "recurrent", "bias")}
"""PyTorch starts all tensors of a recurrent module at U(-1/sqrt(units), 1/sqrt(units))."""


class Recurrent(Op):
    """Base of the recurrent layers: an entry says its cell, its gates and its states.

    Reads (N, length, features). Gives the last state, (N, units), or with ``return_sequences`` the state at every step,
    (N, length, units); with ``go_backwards`` the last step comes first, in what it reads and in what it gives.
    """

    width_field: ClassVar[str] = "units"
    started: ClassVar = ("kernel", "recurrent_kernel", "bias")
    beside: ClassVar = ("dropout",)
    said_as: ClassVar = {"recurrent_kernel": "recurrent"}

    states: ClassVar[tuple[str, ...]] = ("h",)
    """What it keeps from step to step; its output is the first."""
    gates: ClassVar[tuple[str, ...]] = ("h",)
    """What stands side by side along the last axis of its kernels."""
    order: ClassVar[tuple[int, ...] | None] = None
    """Numbers of the gates as PyTorch has them; None where it has them alike."""

    units: PositiveInt = Field(description="size of the state, the output's last axis")
    activation: AnyActivation = Field(default=Tanh(), description="applied to what enters the state")
    use_bias: bool = Field(default=True, description="add a bias")
    return_sequences: bool = Field(default=False, description="give the state at every step, not the last one alone")
    go_backwards: bool = Field(default=False, description="read the last step first, and give them in that order")
    kernel_initializer: AnyInitializer = Field(default=GlorotUniform(), description="how the kernel starts")
    recurrent_initializer: AnyInitializer = Field(default=STARTS_AT(), description="how the recurrent kernel starts")
    bias_initializer: AnyInitializer = Field(default=Zeros(), description="how the bias starts")
    kernel_regularizer: AnyRegularizer | None = Field(default=None, description="what the kernel adds to the loss")
    recurrent_regularizer: AnyRegularizer | None = Field(
        default=None, description="what the recurrent kernel adds to the loss"
    )
    bias_regularizer: AnyRegularizer | None = Field(default=None, description="what the bias adds to the loss")
    kernel_constraint: AnyConstraint | None = Field(default=None, description="what the kernel is held to")
    recurrent_constraint: AnyConstraint | None = Field(default=None, description="what the recurrent kernel is held to")
    bias_constraint: AnyConstraint | None = Field(default=None, description="what the bias is held to")
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        default=0.0, description="share of the features that is dropped in training, the same ones at every step"
    )

    @property
    def draws(self) -> bool:  # type: ignore[override]
        """Whether it drops any."""
        return self.dropout > 0.0

    def drops(self) -> float:
        return self.dropout

    def mask_shape(self, shape: Shape) -> Shape:
        """Return (features,): the mask is one for all steps."""
        return shape[-1:]

    def biases(self) -> int:
        """Return how many biases it has; two are the rows of one parameter, of the input and of the state."""
        return int(self.use_bias)

    def cell(self) -> str:
        """Return one step as text, see :mod:`parity.ops.cell`."""
        raise TypeError(f"{type(self).__name__} has no meaning")

    def bias(self, row: int) -> str:
        """Return what a cell adds to the product with the input (row 0) or with the state: nothing where there is none.

        A single one is added to that with the input.
        """
        if self.biases() == 2:
            return f" + bias[{row}]"
        return " + bias" if self.biases() == 1 and row == 0 else ""

    def activations(self) -> dict[str, tuple[str, Activation]]:
        """Return, by the cell's name for it, the field of each of its activations, and the activation."""
        found = {"act": "activation", "gate": "recurrent_activation"}
        return {name: (field, getattr(self, field)) for name, field in found.items() if hasattr(self, field)}

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 2:
            raise ShapeError(f"{self.kind} reads (length, features), it is given {shape}")
        check_constraints(self, shape)
        return (shape[0], self.units) if self.return_sequences else (self.units,)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return kernel (features, gates units), recurrent_kernel (units, gates units) and bias, two as rows of one."""
        size = len(self.gates) * self.units
        found: dict[str, Shape] = {"kernel": (shape[-1], size), "recurrent_kernel": (self.units, size)}
        if self.biases():
            found["bias"] = (size,) if self.biases() == 1 else (2, size)
        return {name: self._made(name, one) for name, one in found.items()}

    def _made(self, name: str, shape: Shape) -> Parameter:
        said = {part: getattr(self, self.field_of(name, part)) for part in SAID}
        # PyTorch scales everything by the size of the state.
        return Parameter(shape=shape, fan_in=shape[0], fan_out=shape[-1], feeds=self.units, **said)

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        functions: dict[str, Any] = {name: one.forward for name, (_, one) in self.activations().items()}
        functions["split"] = lambda z: np.split(z, len(self.gates), -1)
        x = x if mask is None else x * mask[:, None] * (1.0 / (1.0 - self.dropout))
        now = {name: np.zeros((len(x), self.units)) for name in self.states}
        steps = range(x.shape[1])
        outputs = []
        for step in reversed(steps) if self.go_backwards else steps:
            found = stepped(self.cell(), {**p, **functions, **now, "x": x[:, step]})
            now = {name: found[name] for name in self.states}
            outputs.append(now["h"])
        return np.stack(outputs, axis=1) if self.return_sequences else outputs[-1]

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when there is one step only, whose direction is no other, and when there is no bias to have two of."""
        if field in ("two_biases", "unit_forget_bias") and not self.use_bias:
            return "there is no bias"
        return "there is one step only" if field == "go_backwards" and shape[0] == 1 else ""

    # ------------------------------------------------------------------------------------------- Keras

    def keras_fits(self) -> bool:
        """Return whether Keras's own layer means it; how many biases it has not got is the same to all."""
        return self.natives["keras"].fits(self) or self.biases() == 0

    def keras_told(self) -> dict[str, str | None]:
        """Return the source of the activations, None where they are Keras's own defaults."""
        return {
            field: None if one == type(self).model_fields[field].default else one.keras()
            for field, one in self.activations().values()
        }

    def keras_own(self, shape: Shape, name: str | None = None, **more: str) -> str:
        """Return the source of the layer.

        Args:
            shape: of what it reads.
            name: source of its name, None where that is Keras's to choose.
            more: the source of activations that are not written as the fields are.
        """
        own = self.natives["keras"]
        cell = self._keras_parameters(shape) | self.keras_told() | more
        if self.keras_fits():
            return own.source(self, name_="", **cell, trainable=self.keras_trainable(), name=name)
        beside = {"return_sequences": None, "go_backwards": None, "use_bias": None}
        made = own.source(self, name_=f"TwoBias{own.title}Cell", **cell, **beside)
        said = {name: "True" if getattr(self, name) else None for name in ("return_sequences", "go_backwards")}
        return call("keras.layers.RNN", made, **said, trainable=self.keras_trainable(), name=name)

    def keras_helpers(self) -> tuple[Helper, ...]:
        """Return what the layer's source calls."""
        own = () if self.keras_fits() else (self.keras_cell(),)
        return (*self.activation_helpers("keras"), *own)

    def keras_cell(self) -> Helper:
        """Return the cell where Keras's own means something else."""
        raise TypeError(f"{type(self).__name__} is Keras's own")

    def activation_helpers(self, framework: str) -> tuple[Helper, ...]:
        """Return what the sources of the activations call."""
        return tuple(helper for _, one in self.activations().values() for helper in one.helpers(framework))

    def keras(self, site: Site) -> KerasCode:
        places = {name: f"cell.{name}" for name in self.parameters(site.input_shape)}
        layer = self.keras_own(site.input_shape, repr(site.name))
        return KerasCode(layer=layer, helpers=self.keras_helpers(), weights=places)

    # ------------------------------------------------------------------------------------------ TensorFlow

    def lines(self, framework: str, names: dict[str, str], split: str, module: str = "") -> list[str]:
        """Return the cell in a framework's words.

        Args:
            framework: whose program it is.
            names: what its names are written as.
            split: how its last axis is cut, ``{}`` standing for the tensor.
            module: what its activations are attributes of; empty where they are written as functions.
        """
        calls: dict[str, Any] = {"split": lambda z: split.format(z)}
        for name, (field, one) in self.activations().items():
            calls[name] = (lambda z, field=field: f"{module}.{field}({z})") if module else one.tensorflow
        said: Calls = calls
        return worded(self.cell(), {"x": "step", **names}, said)

    def tensorflow_loop(self, steps: str, names: dict[str, str]) -> list[str]:
        """Return the statements of a loop over the steps; the last one is the output, without ``return``.

        Args:
            steps: source of a list of them.
            names: what the parameters are called.
        """
        states = " = ".join(self.states)
        lines = self.lines("tensorflow", names, f"tf.split({{}}, {len(self.gates)}, axis=1)")
        lines += ["outputs.append(h)"] if self.return_sequences else []
        return [
            f"{states} = tf.zeros((tf.shape(x)[0], {self.units}), x.dtype)",
            *(["outputs = []"] if self.return_sequences else []),
            f"for step in {steps}:",
            *(f"    {line}" for line in lines),
            "tf.stack(outputs, axis=1)" if self.return_sequences else "h",
        ]

    def says(self) -> str:
        """Return in words what a method of raw TensorFlow is."""
        gates = f", gates {' '.join(self.gates)}" if len(self.gates) > 1 else ""
        gives = "every state" if self.return_sequences else "the last state"
        return f"{self.units} units{gates}; {gives}{', from the end' if self.go_backwards else ''}."

    def tensorflow(self, site: Site) -> TensorFlowCode:
        names = {name: f"self.{site.name}_{name}" for name in self.parameters(site.input_shape)}
        dropped = (
            "if training:  # the same features at every step",
            f"    x = x * tf.nn.dropout(tf.ones_like(x[:, :1]), rate={self.dropout!r})",
        )
        steps = "reversed(tf.unstack(x, axis=1))" if self.go_backwards else "tf.unstack(x, axis=1)"
        *lines, last = self.tensorflow_loop(steps, names)
        return TensorFlowCode(
            body=(*(dropped if self.draws else ()), *lines, f"return {last}"), doc=self.says(), training=self.draws,
            helpers=self.activation_helpers("tensorflow"),
        )  # fmt: skip

    # --------------------------------------------------------------------------------------------- PyTorch

    def torch_fits(self) -> bool:
        """Return whether PyTorch's own module means it; it keeps two biases apart, which a constraint holds as one."""
        return self.natives["torch"].fits(self) and (self.biases() < 2 or self.bias_constraint is None)

    def torch_module(self, features: int, **more: str) -> tuple[str, tuple[Helper, ...]]:
        """Return the source of the module, and what it calls.

        Args:
            features: size of the last axis of what it reads.
            more: the source of further arguments of PyTorch's own.
        """
        if self.torch_fits():
            made = self.natives["torch"].source(self, input_size=repr(features), batch_first="True", **more)
            return (made, ()) if self.biases() != 1 else (f"{ONE_BIAS.name}({made})", (ONE_BIAS,))
        written = self._written_out()
        told = [one.torch(-1) or "nn.Identity()" for _, one in self.activations().values()]
        return call(written.name, features, self.units, *told), (*self.activation_helpers("torch"), written)

    def torch_weights(self, name: str, shape: Shape) -> dict[str, TorchWeight]:
        """Return where the parameters are kept.

        Args:
            name: attribute of the module.
            shape: of what it reads.
        """
        parameters = self.parameters(shape)
        if not self.torch_fits():
            return {one: TorchWeight(attribute=f"{name}.{one}") for one in parameters}
        found = {
            one: replace(place, blocks=self.order)
            for one, place in self.natives["torch"].kept_at(name, parameters).items()
        }
        if self.biases() == 2:
            found["bias"] = replace(found["bias"], beside=(f"{name}.bias_hh_l0",))
        return found

    def torch_called(self, module: str) -> tuple[str, tuple[int, ...]]:
        """Return the expression of the states at every step, and which part of what the module gives they are."""
        x = f"x * {module}_dropout(torch.ones_like(x[:, :1]))" if self.draws else "x"
        x = (f"({x}).flip(1)" if self.draws else f"{x}.flip(1)") if self.go_backwards else x
        return (f"{module}({x})[0]", (0,)) if self.torch_fits() else (f"{module}({x})", ())

    def torch(self, site: Site) -> TorchCode:
        module, helpers = self.torch_module(site.input_shape[-1])
        forward, part = self.torch_called(f"self.{site.name}")
        if not self.return_sequences:
            forward, part = f"{forward}[:, -1]", (*part, -1)
        dropping = {f"{site.name}_dropout": f"nn.Dropout({self.dropout!r})"} if self.draws else {}
        return TorchCode(
            modules={**dropping, site.name: module}, forward=forward, output=site.name, part=part, helpers=helpers,
            weights=self.torch_weights(site.name, site.input_shape),
            comment="drops the same features at every step" if self.draws else "",
        )  # fmt: skip

    def _written_out(self) -> Helper:
        """Return the module where PyTorch has none."""
        own, rows = self.natives["torch"].title, self.biases()
        names = {one: f"self.{one}" for one in self.started}
        return written(
            f"{['Unbiased', 'Plain', 'TwoBias'][rows]}{own}{self.variant()}",
            doc=f"{self.equation()}; nn.{own} is another cell.",
            activations=[field for field, _ in self.activations().values()], states=self.states,
            gates=len(self.gates), biases=rows,
            lines=self.lines("torch", names, f"torch.chunk({{}}, {len(self.gates)}, dim=1)", "self"),
        )  # fmt: skip

    def variant(self) -> str:
        """Return a suffix of the written-out module's name for another cell of the same kind."""
        return ""

    def equation(self) -> str:
        """Return the cell in a line."""
        raise TypeError(f"{type(self).__name__} has no meaning")
