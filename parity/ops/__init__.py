"""Ops: the layers a model is made of, one file each. ``AnyOp`` is the type of a field that takes one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import Field

from parity.activations import Activation, AnyActivation
from parity.activations.linear import Linear
from parity.code import Parameter
from parity.discovery import entry_type
from parity.entries import Shape
from parity.frameworks import frameworks
from parity.ops.borrowing import Borrowing
from parity.ops.drawing import Drawing
from parity.ops.masks import Masked
from parity.ops.penalised import Adding, Penalised

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays, KerasCode, Site, TensorFlowCode, TorchCode
    from parity.ops.windows import DataFormat


SAID = ("initializer", "regularizer", "constraint")
"""What a field may say of a parameter: what it starts at, what it adds to the loss, what it is held to."""


class ShapeError(ValueError):
    """A layer cannot read what it is given; the message says what it was given and what it needs."""


class Op(Masked, Drawing, Adding, Borrowing):
    """Base of the layers.

    The reference (:meth:`forward`, in training :meth:`trained`) is the meaning: float64 NumPy, channels last; its
    gradients follow. A framework whose own part means something else has the equivalent written out in its template.
    """

    statistics: ClassVar[tuple[str, ...]] = ()
    """Names of the running statistics it keeps beside what starts by an initializer of the spec's."""
    keeps_sign: ClassVar[bool] = False
    """Whether each output is an input, times a number above 0, or 0."""

    wide: ClassVar[bool] = False
    """Whether, in mixed precision, it computes in float32 all the same, as Keras's layer and PyTorch's autocast do."""

    by_rows: ClassVar[bool] = False
    """Whether the gradient of its table comes as the rows that a batch reads, in a framework that has such."""

    activation_field: ClassVar[str] = ""
    """The field with the activation that its output has just been through."""
    width_field: ClassVar[str] = ""
    """The field that says the size of its output's last axis."""
    started: ClassVar[tuple[str, ...]] = ()
    """Names of the parameters that a spec says how to start, and how to hold: ``kernel`` by ``kernel_initializer``."""
    said_as: ClassVar[Mapping[str, str]] = {}
    """What fields call a parameter, where that is not its name: ``depthwise`` for a ``depthwise_kernel``."""
    beside: ClassVar[tuple[str, ...]] = ()
    """Suffixes of modules that a program may have beside the one of its own name."""
    axes: ClassVar[tuple[str, ...]] = ()
    """What the axes are called that a window of its moves along."""
    rescales: ClassVar[bool] = False
    """Whether its output has the same size whatever size its input has."""

    partly: ClassVar[bool] = False
    """Whether a framework's own module that keeps its parameters computes a part of it, and no more."""

    reads_dtype: ClassVar[str] = "float"
    """What it reads: ``float``, ``integer`` for numbers of tokens, or ``any``."""

    name: str | None = Field(default=None, pattern=r"^[A-Za-z][A-Za-z0-9_]*$", description="the layer's name")
    inputs: str | tuple[str, ...] | None = Field(
        default=None, description="what it reads: an input, a layer above it, or a list of them; the layer above it"
    )

    trainable: bool = Field(default=True, description="whether its parameters move; false: they stay as they start")

    @property
    def said_inputs(self) -> tuple[str, ...] | None:
        """What it says it reads; None where it does not say."""
        return (self.inputs,) if isinstance(self.inputs, str) else self.inputs

    @classmethod
    def said_in(cls, framework: str) -> bool:
        return getattr(cls, framework, None) not in (None, getattr(Op, framework, None))

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the output, without the batch axis.

        Args:
            shape: shape of the input, without the batch axis; a tuple of them for a layer that reads several.

        Raises:
            ShapeError: when the layer cannot read it.
        """
        return shape

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return the tensors it keeps by name, for an input of the given shape."""
        return {}

    def ending(self) -> Activation | None:
        """Return the activation its output has just been through, if any."""
        return getattr(self, self.activation_field) if self.activation_field else None

    def without_activation(self) -> Self:
        """Return the layer without the activation that it ends in."""
        return self.replace(**{self.activation_field: "linear"}) if self.activation_field else self

    def channels_at(self) -> DataFormat | None:
        """Return where it reads the channels; None where it takes them as they lie, or says no more than an axis."""
        return None

    @property
    def windows(self) -> tuple[int, ...]:
        """Lengths that its window spans along :attr:`axes`."""
        return ()

    @classmethod
    def about(cls, field: str) -> tuple[str, str]:
        """Return which parameter a field says how to start or hold, and which of :data:`SAID` it says of it.

        >>> from parity.ops.conv1d import Conv1D
        >>> Conv1D.about("bias_initializer"), Conv1D.about("kernel_size")
        (('bias', 'initializer'), ('', ''))
        """
        prefix, _, said = field.rpartition("_")
        parameter = {word: name for name, word in cls.said_as.items()}.get(prefix, prefix)
        return (parameter, said) if parameter in cls.started and said in SAID else ("", "")

    @classmethod
    def field_of(cls, parameter: str, said: str) -> str:
        """Return the field that says one of :data:`SAID` of a parameter: what :meth:`about` is given."""
        return f"{cls.said_as.get(parameter, parameter)}_{said}"

    def steps(self) -> tuple[int, ...]:
        """Return how far its window moves along each axis, in ``strides``; nothing where it has no window."""
        return ()

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        """Return the output.

        Args:
            x: input, (N, *shape); a tuple of arrays for a layer that reads several.
            p: parameters by name.
            mask: for layers that draw, True where a value is kept, or standard normal numbers; None in evaluation.
        """
        raise TypeError(f"{type(self).__name__} has no meaning")

    def trained(
        self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the output in training, and the running statistics as it leaves them."""
        return self.forward(x, p, mask), {}

    def keras(self, site: Site) -> KerasCode:
        """Return the layer in Keras."""
        raise TypeError(f"{type(self).__name__} has no Keras template")

    def template(self, framework: str) -> Callable[[Site], Any]:
        """Return what writes the layer in a framework, or in the nearest that it falls back on."""
        name = next(name for name in frameworks()[framework].line if hasattr(type(self), name))
        found: Callable[[Site], Any] = getattr(self, name)
        return found

    def in_parts(self, framework: str, masked: bool) -> tuple[str, ...]:
        """Return the parameters that a framework keeps in several tensors.

        Args:
            framework: its name.
            masked: it is told which steps count.
        """
        del framework, masked
        return ()

    def keras_layer(self, site: Site, name: str = "", **more: str | None) -> str:
        """Return the source of Keras's own layer.

        Args:
            site: where it stands.
            name: of what is called in its place.
            more: the source of arguments that are not written as their fields are.
        """
        shape = self.given(site.input_shapes or (site.input_shape,))
        told = self._keras_parameters(shape) | more
        told["activity_regularizer"] = self.keras_penalty(site.framework, self.ending() if site.linear else None)
        told |= {"trainable": self.keras_trainable() if self.parameters(shape) else None, "name": repr(site.name)}
        return self.natives["keras"].source(self, name_=name, **told)

    def keras_trainable(self) -> str | None:
        """Return the source of what Keras's layer is told of that; None where it is left to itself."""
        return None if self.trainable else "False"

    def _keras_parameters(self, shape: Any) -> dict[str, str | None]:
        """Return how parameters start and are held, None where that is as Keras has it by itself."""
        found: dict[str, str | None] = {field: None for field in type(self).model_fields if self.about(field)[0]}
        for name, one in self.parameters(shape).items():
            if name in self.started:
                start, penalty, limit = (self.field_of(name, said) for said in SAID)
                own = type(self).model_fields[start].get_default(call_default_factory=True)
                found[start] = None if getattr(self, start) == own else one.initializer.keras(one)
                found[penalty] = one.regularizer.keras() if one.regularizer is not None else None
                found[limit] = one.constraint.keras() if one.constraint is not None else None
        return found

    def tensorflow(self, site: Site) -> TensorFlowCode:
        """Return the layer in raw TensorFlow."""
        raise TypeError(f"{type(self).__name__} has no TensorFlow template")

    def torch(self, site: Site) -> TorchCode:
        """Return the layer in PyTorch."""
        raise TypeError(f"{type(self).__name__} has no PyTorch template")

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Return why changing ``field`` to ``other`` provably does nothing here, or an empty string.

        Args:
            field: name of a field.
            other: the value it would take.
            shape: shape of the input.
        """
        return ""


class ActivatedOp(Penalised, Op):
    """Base of the layers that end in an activation of their own, as Keras's do."""

    activation_field: ClassVar[str] = "activation"

    activation: AnyActivation = Field(default=Linear(), description="applied to the output")

    def keras_activation(self, site: Site) -> str | None:
        """Return the source for ``activation=``, or None when there is nothing to write."""
        return None if site.linear or isinstance(self.activation, Linear) else self.activation.keras(site.framework)

    def tensorflow_activation(self, site: Site, expression: str) -> str:
        """Return the expression with the activation applied."""
        return expression if site.linear else self.activation.tensorflow(expression)

    def torch_activation(self, site: Site, channel_axis: int) -> dict[str, str]:
        """Return the activation's module under its attribute name; empty where nothing is to be done."""
        module = None if site.linear else self.activation.torch(channel_axis)
        return {f"{site.name}_{self.activation.kind}": module} if module else {}


HELD = tuple(f"{name}_{said}" for name in ("kernel", "bias") for said in SAID)
"""Fields of a layer with a kernel and a bias that say how these start and are held."""


def held(op: Any, name: str, shape: Shape, fan_in: int, fan_out: int, feeds: int) -> Parameter:
    """Return a parameter that starts and is held as fields of its layer say.

    Args:
        op: the layer.
        name: of the parameter.
        shape: of it.
        fan_in: inputs that feed one output, as Keras counts them.
        fan_out: outputs that one input feeds.
        feeds: inputs that feed one output of the layer.
    """
    said = {part: getattr(op, f"{op.said_as.get(name, name)}_{part}") for part in SAID}
    return Parameter(shape=shape, fan_in=fan_in, fan_out=fan_out, feeds=feeds, **said)


def kernel_and_bias(shape: Shape, op: Any) -> dict[str, Parameter]:
    """Return the parameters of a dense or convolution layer.

    Args:
        shape: canonical shape of the kernel, ``[..., in, out]``.
        op: the layer: ``use_bias``, and how kernel and bias start and are held.
    """
    window = math.prod(shape[:-2])
    fan_in, fan_out = window * shape[-2], window * shape[-1]
    found = {"kernel": held(op, "kernel", shape, fan_in, fan_out, fan_in)}
    if op.use_bias:
        # Keras takes both fans of a 1-d tensor to be its length (compute_fans), PyTorch those of its layer.
        found["bias"] = held(op, "bias", shape[-1:], shape[-1], shape[-1], fan_in)
    return found


def check_constraints(op: Op, shape: Shape) -> None:
    """Check that the initializers of a layer's parameters can start them, and the constraints hold them.

    Args:
        op: the layer.
        shape: of its input.

    Raises:
        ShapeError: when one cannot.
    """
    for name, parameter in op.parameters(shape).items():
        why = parameter.constraint.fault(len(parameter.shape)) if parameter.constraint is not None else ""
        if why:
            raise ShapeError(f"{op.field_of(name, 'constraint')} of {op.kind}: {why}")
        if parameter.initializer.fault(parameter.shape):
            told = op.field_of(name, "initializer")
            raise ShapeError(f"{told} of {op.kind}: {parameter.initializer.fault(parameter.shape)}")


def wrapped(expression: str, modules: Mapping[str, str]) -> str:
    """Return ``self.last(self.first(expression))`` for the modules, in order."""
    for attribute in modules:
        expression = f"self.{attribute}({expression})"
    return expression


def layer_type() -> Any:
    """Return the annotation of a field that takes any layer, for a layer that holds others."""
    return AnyOp


if TYPE_CHECKING:
    AnyOp = Op
else:
    AnyOp: Any = entry_type(Op, "parity.ops")
