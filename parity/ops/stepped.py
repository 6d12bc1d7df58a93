"""What recurrent layers mean, whatever they are written in: their fields, their parameters, and the steps they take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

from pydantic import Field, PositiveInt, model_validator

from parity.activations import Activation, AnyActivation
from parity.activations.tanh import Tanh
from parity.code import Parameter
from parity.constraints import AnyConstraint
from parity.entries import Shape
from parity.initializers import AnyInitializer
from parity.initializers.glorot_uniform import GlorotUniform
from parity.initializers.orthogonal import Orthogonal
from parity.initializers.zeros import Zeros
from parity.lazy import differentiable as np
from parity.ops import SAID, Op, ShapeError, check_constraints
from parity.ops.cell import stepped
from parity.ops.drawing import Draw
from parity.ops.penalised import Penalised
from parity.regularizers import AnyRegularizer

if TYPE_CHECKING:
    from parity.code import Arrays

HELD = tuple(f"{name}_{said}" for name in ("kernel", "recurrent", "bias") for said in SAID)
"""Fields that say how kernels and bias start and are held."""

UNIFORM = {f"{name}_initializer": "fan_in_uniform" for name in ("kernel", "recurrent", "bias")}
"""PyTorch starts all tensors of a recurrent module at U(-1/sqrt(units), 1/sqrt(units))."""


class Stepped(Penalised, Op):
    """The meaning of the recurrent layers: an entry says its cell, its gates and its states.

    Reads (N, length, features). Gives the last state, (N, units), or with ``return_sequences`` the state at every step,
    (N, length, units); with ``go_backwards`` the last step comes first, in what it reads and in what it gives.

    A masked step leaves the states as they are, and gives the state that was; of a row with no other, that is 0. The
    mask goes on beside the states of every step, in the order in which it came, with ``go_backwards`` too. PyTorch's
    own modules know no masks: sequences that are packed leave out steps at the end alone, and are 0 there.

    In training ``dropout`` drops features of x and ``recurrent_dropout`` values of h ahead of the product with U, the
    same at every step. Where there is ``recurrent_dropout``, each gate has masks of its own, of x too. PyTorch's own
    modules have no such; their ``dropout`` is one between stacked layers.
    """

    uses_mask: ClassVar[bool] = True
    rate_fields: ClassVar[tuple[str, ...]] = ("dropout", "recurrent_dropout")

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
    recurrent_initializer: AnyInitializer = Field(default=Orthogonal(), description="how the recurrent kernel starts")
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

    recurrent_dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        default=0.0, description="share of the state that is dropped ahead of its product, the same at every step"
    )

    @model_validator(mode="after")
    def _with_one_bias(self) -> Self:
        if self.recurrent_dropout and getattr(self, "two_biases", False):
            raise ValueError("recurrent_dropout with two_biases is in no framework: leave one of them out")
        return self

    @property
    def draws(self) -> bool:  # type: ignore[override]
        """Whether it drops any."""
        return self.dropout > 0.0 or self.recurrent_dropout > 0.0

    def mask_shape(self, shape: Shape) -> Shape:
        """Return (features,): the mask is one for all steps."""
        return shape[-1:] if self.dropout else (self.units,)

    def drawn(self, shape: Shape) -> tuple[Draw, ...]:
        if not self.recurrent_dropout:
            return super().drawn(shape)
        of_x = (Draw(shape[-1:], self.dropout),) if self.dropout else ()
        return len(self.gates) * of_x + len(self.gates) * (Draw((self.units,), self.recurrent_dropout),)

    def biases(self) -> int:
        """Return how many biases it has; two are the rows of one parameter, of the input and of the state."""
        return int(self.use_bias)

    def cell(self) -> str:
        """Return one step as text, see :mod:`parity.ops.cell`."""
        raise TypeError(f"{type(self).__name__} has no meaning")

    def step(self) -> str:
        """Return one step with what it drops: each gate's product is of what its mask keeps."""
        text = self.cell()
        for name, kernel, rate in (("x", "kernel", self.dropout), ("h", "recurrent_kernel", self.recurrent_dropout)):
            if self.recurrent_dropout and rate and len(self.gates) == 1:
                text = text.replace(f"{name} @ {kernel}", f"({name} * {name}_kept[0]) @ {kernel}")
            elif self.recurrent_dropout and rate:
                text = text.replace(f"{name} @ {kernel}", f"by_gate({name}, {name}_kept, {kernel})")
        return text

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

    def mask_of(self, masked: Sequence[bool], shapes: Sequence[Shape]) -> str:
        return "mask" if masked[0] and self.return_sequences else ""

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
        kept: dict[str, Any] = {}
        if self.recurrent_dropout:
            kept = self._kept(x, mask)
        elif mask is not None:
            x = x * mask[:, None] * (1.0 / (1.0 - self.dropout))
        now = {name: np.zeros((len(x), self.units)) for name in self.states}
        steps, seen = range(x.shape[1]), self.steps_seen
        outputs = []
        for step in reversed(steps) if self.go_backwards else steps:
            found = stepped(self.step(), {**p, **functions, **kept, **now, "x": x[:, step]})
            was, now = now, {name: found[name] for name in self.states}
            if seen is not None:
                now = {name: np.where(seen[:, step, None], one, was[name]) for name, one in now.items()}
            outputs.append(now["h"])
        return np.stack(outputs, axis=1) if self.return_sequences else outputs[-1]

    def _kept(self, x: np.ndarray, masks: Any) -> dict[str, Any]:
        """Return what each gate keeps of the input and of the state, and the product that goes by it."""
        gates = len(self.gates)
        every = iter(masks if isinstance(masks, list) else [] if masks is None else [masks])

        def of(size: int, rate: float) -> list[Any]:
            ones = np.ones((len(x), size))
            return [ones if masks is None else next(every) * (1.0 / (1.0 - rate)) for _ in range(gates)]

        def by_gate(value: Any, kept: list[Any], kernel: Any) -> Any:
            parts = np.split(kernel, gates, -1)
            return np.concatenate([(value * one) @ part for one, part in zip(kept, parts, strict=True)], axis=-1)

        of_x = {"x_kept": of(x.shape[-1], self.dropout)} if self.dropout else {}
        return {**of_x, "h_kept": of(self.units, self.recurrent_dropout), "by_gate": by_gate}

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when there is one step only, whose direction is no other, and when there is no bias to have two of."""
        if field in ("two_biases", "unit_forget_bias") and not self.use_bias:
            return "there is no bias"
        return "there is one step only" if field == "go_backwards" and shape[0] == 1 else ""
