"""dense: y = activation(x W + b) over the last axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveInt

from parity.code import (
    Case,
    KerasCode,
    Parameter,
    Site,
    TensorFlowCode,
    TorchCode,
)
from parity.constraints import AnyConstraint
from parity.entries import Shape, read_in
from parity.initializers import AnyInitializer
from parity.initializers.glorot_uniform import GlorotUniform
from parity.initializers.zeros import Zeros
from parity.lazy import differentiable as np
from parity.native import Native, same
from parity.ops import HELD, ActivatedOp, check_constraints, kernel_and_bias, wrapped
from parity.ops.axes import with_an_axis
from parity.ops.tied import TABLE, lent_as, tied_dense
from parity.regularizers import AnyRegularizer
from parity.tensors import parameter

if TYPE_CHECKING:
    from parity.code import Arrays


class Dense(ActivatedOp):
    """y = activation(x W + b), W of shape (in, units), over the last axis of an input of any rank.

    Keras and raw TensorFlow keep W as (in, units); PyTorch's ``nn.Linear`` as (units, in), which raises no
    error when a port of a square layer forgets the transpose. ``nn.Linear`` starts W and b at
    U(-1/sqrt(in), 1/sqrt(in)), Keras at glorot_uniform and zeros: the programs always say which.

    With ``kernel_of`` W is the table of an embedding, (units, in), transposed, whose gradient is the sum of both: what
    starts, holds and penalises it is said there. In PyTorch that is ``head.weight = tokens.weight``.
    """

    kind: ClassVar[str] = "dense"
    passes_mask: ClassVar[bool] = True
    short: ClassVar[str | None] = "units"
    source: ClassVar = read_in(keras="layers/core/dense", tensorflow="ops/math_ops", torch="nn/modules/linear")
    native: ClassVar = {
        "torch": {
            "kernel_initializer": "fan_in_uniform",
            "bias_initializer": "fan_in_uniform",
        }
    }

    natives: ClassVar = {
        "keras": Native("keras.layers.Dense", same("units", "activation", "use_bias", *HELD), leading=("units",),
                        own={"use_bias": True}),
        "torch": Native("nn.Linear", {"in_features": "", "out_features": "units", "bias": "use_bias"},
                        leading=("in_features", "out_features"), own={"bias": True},
                        weights={"kernel": ("weight", (1, 0)), "bias": ("bias", None)}),
    }  # fmt: skip
    width_field: ClassVar[str] = "units"
    started: ClassVar = ("kernel", "bias")
    naming: ClassVar = ("kernel_of",)
    lends: ClassVar = {"kernel_of": "kernel"}
    quiet: ClassVar = frozenset({"kernel_of"})

    units: PositiveInt = Field(description="size of the output's last axis")
    use_bias: bool = Field(default=True, description="add b")
    kernel_initializer: AnyInitializer = Field(default=GlorotUniform(), description="how W starts")
    bias_initializer: AnyInitializer = Field(default=Zeros(), description="how b starts")
    kernel_regularizer: AnyRegularizer | None = Field(default=None, description="what W adds to the loss")
    bias_regularizer: AnyRegularizer | None = Field(default=None, description="what b adds to the loss")
    kernel_of: str | None = Field(
        default=None, description="name of an embedding above it, whose table, transposed, is W: tied weights"
    )
    kernel_constraint: AnyConstraint | None = Field(default=None, description="what W is held to")
    bias_constraint: AnyConstraint | None = Field(default=None, description="what b is held to")

    def output_shape(self, shape: Shape) -> Shape:
        """Return the input's shape with its last axis replaced by ``units``."""
        check_constraints(self, with_an_axis(self.kind, shape))
        return (*shape[:-1], self.units)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return kernel (in, units), unless it is another layer's, and, with a bias, bias (units,)."""
        found = kernel_and_bias((shape[-1], self.units), self)
        return {name: one for name, one in found.items() if name != "kernel" or self.kernel_of is None}

    def borrowed(self) -> dict[str, str]:
        return {} if self.kernel_of is None else {TABLE: parameter(self.kernel_of, TABLE)}

    def borrows(self, name: str, shape: Shape) -> Shape:
        return (self.units, shape[-1])

    def inert(self, field: str, other: object, shape: Shape) -> str:
        tied = self.kernel_of is not None and self.about(field)[0] == "kernel"
        return f"the kernel is the table of {self.kernel_of}" if tied else ""

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        product = np.tensordot(x, p["kernel"] if self.kernel_of is None else p[TABLE].T, 1)
        return self.activation.forward(product + p["bias"] if self.use_bias else product)

    def keras(self, site: Site) -> KerasCode:
        activation = self.keras_activation(site)
        if self.kernel_of is None:
            return KerasCode(layer=self.keras_layer(site, activation=activation))
        # Keras has no layer that reads a table in reverse: one that takes the embedding is written.
        made = self.keras_layer(site, "TiedDense", activation=activation, table=lent_as(self.kernel_of))
        return KerasCode(layer=made, helpers=(tied_dense(site.framework),))

    def tensorflow(self, site: Site) -> TensorFlowCode:
        product = f"tf.matmul(x, self.{site.name}_kernel)"
        if self.kernel_of is not None:
            product = f"tf.matmul(x, self.{self.kernel_of}_{TABLE}, transpose_b=True)"
        if self.use_bias:
            product = f"{product} + self.{site.name}_bias"
        return TensorFlowCode(
            body=(f"return {self.tensorflow_activation(site, product)}",),
            doc=f"{self.units} units" + ("" if self.use_bias else ", no bias") + ".",
        )

    def torch(self, site: Site) -> TorchCode:
        own = self.natives["torch"]
        activation = self.torch_activation(site, -1)
        return TorchCode(
            modules={site.name: own.source(self, in_features=repr(site.input_shape[-1])), **activation},
            forward=wrapped(f"self.{site.name}(x)", activation),
            weights=own.kept_at(site.name, self.parameters(site.input_shape)),
            output=next(reversed([site.name, *activation])),
            ties={} if self.kernel_of is None else {f"{site.name}.weight": f"{self.kernel_of}.weight"},
        )

    @classmethod
    def cases(cls) -> list[Case]:
        square = {"kernel": [[1.0, 2.0], [3.0, 4.0]], "bias": [0.0, 0.0]}
        return [
            Case(shows="a transposed square kernel gives 3 and 7 instead", fields={"units": 2},
                 x=[[1.0, 1.0]], parameters=square, expected=[[4.0, 6.0]]),
            Case(shows="bias is added, then relu cuts", fields={"units": 2, "activation": "relu"},
                 x=[[1.0, -1.0]], parameters={"kernel": [[1.0, 2.0], [3.0, 1.0]], "bias": [1.5, 0.5]},
                 expected=[[0.0, 1.5]]),
            Case(shows="the last axis is contracted, the others stay", fields={"units": 1, "use_bias": False},
                 x=[[[1.0, 2.0], [3.0, 4.0]]], parameters={"kernel": [[10.0], [1.0]]},
                 expected=[[[12.0], [34.0]]]),
            Case(shows="softmax is over the units", fields={"units": 2, "activation": "softmax", "use_bias": False},
                 x=[[1.0]], parameters={"kernel": [[0.0, 1.0986122886681098]]}, expected=[[0.25, 0.75]]),
        ]  # fmt: skip
