"""dense: y = activation(x W + b) over the last axis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PositiveInt

from parity.code import (
    Case,
    KerasCode,
    Parameter,
    Site,
    TensorFlowCode,
    TorchCode,
    TorchWeight,
    call,
)
from parity.constraints import AnyConstraint
from parity.entries import Shape
from parity.initializers import AnyInitializer
from parity.initializers.glorot_uniform import GlorotUniform
from parity.initializers.zeros import Zeros
from parity.lazy import differentiable as np
from parity.ops import ActivatedOp, check_constraints, keras_parameters, kernel_and_bias, wrapped
from parity.regularizers import AnyRegularizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from parity.code import Arrays


class Dense(ActivatedOp):
    """y = activation(x W + b), W of shape (in, units), over the last axis of an input of any rank.

    Keras and raw TensorFlow keep W as (in, units); PyTorch's ``nn.Linear`` as (units, in), which raises no
    error when a port of a square layer forgets the transpose. ``nn.Linear`` starts W and b at
    U(-1/sqrt(in), 1/sqrt(in)), Keras at glorot_uniform and zeros: the programs always say which.
    """

    kind: ClassVar[str] = "dense"
    short: ClassVar[str | None] = "units"
    source: ClassVar[Mapping[str, str]] = {
        "keras": "keras/src/layers/core/dense.py",
        "tensorflow": "tensorflow/python/ops/math_ops.py",
        "torch": "torch/nn/modules/linear.py",
    }
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "torch": {
            "kernel_initializer": "fan_in_uniform",
            "bias_initializer": "fan_in_uniform",
        }
    }

    units: PositiveInt = Field(description="size of the output's last axis")
    use_bias: bool = Field(default=True, description="add b")
    kernel_initializer: AnyInitializer = Field(default=GlorotUniform(), description="how W starts")
    bias_initializer: AnyInitializer = Field(default=Zeros(), description="how b starts")
    kernel_regularizer: AnyRegularizer | None = Field(default=None, description="what W adds to the loss")
    bias_regularizer: AnyRegularizer | None = Field(default=None, description="what b adds to the loss")
    kernel_constraint: AnyConstraint | None = Field(default=None, description="what W is held to")
    bias_constraint: AnyConstraint | None = Field(default=None, description="what b is held to")

    def output_shape(self, shape: Shape) -> Shape:
        """Return the input's shape with its last axis replaced by ``units``."""
        check_constraints(self, shape)
        return (*shape[:-1], self.units)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return kernel (in, units) and, with a bias, bias (units,)."""
        return kernel_and_bias((shape[-1], self.units), self)

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        product = np.tensordot(x, p["kernel"], 1)
        return self.activation.forward(product + p["bias"] if self.use_bias else product)

    def keras(self, site: Site) -> KerasCode:
        layer = call(
            "keras.layers.Dense",
            self.units,
            activation=self.keras_activation(site),
            use_bias=None if self.use_bias else False,
            **keras_parameters(self.parameters(site.input_shape), {"kernel": "glorot_uniform", "bias": "zeros"}),
            name=repr(site.name),
        )
        return KerasCode(layer=layer)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        product = f"tf.matmul(x, self.{site.name}_kernel)"
        if self.use_bias:
            product = f"{product} + self.{site.name}_bias"
        return TensorFlowCode(
            body=(f"return {self.tensorflow_activation(site, product)}",),
            doc=f"{self.units} units" + ("" if self.use_bias else ", no bias") + ".",
        )

    def torch(self, site: Site) -> TorchCode:
        linear = call("nn.Linear", site.input_shape[-1], self.units, bias=None if self.use_bias else False)
        activation = self.torch_activation(site, -1)
        weights = {"kernel": TorchWeight(attribute=f"{site.name}.weight", axes=(1, 0))}
        if self.use_bias:
            weights["bias"] = TorchWeight(attribute=f"{site.name}.bias")
        return TorchCode(
            modules={site.name: linear, **activation},
            forward=wrapped(f"self.{site.name}(x)", activation),
            weights=weights,
            output=next(reversed([site.name, *activation])),
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
