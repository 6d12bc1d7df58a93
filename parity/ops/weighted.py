"""What layers share that have a kernel and a bias, and end in an activation."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from parity.constraints import AnyConstraint
from parity.initializers import AnyInitializer
from parity.initializers.glorot_uniform import GlorotUniform
from parity.initializers.zeros import Zeros
from parity.ops import ActivatedOp
from parity.regularizers import AnyRegularizer


class Biased(ActivatedOp):
    """Base of the layers with a bias."""

    use_bias: bool = Field(default=True, description="add b")
    bias_initializer: AnyInitializer = Field(default=Zeros(), description="how b starts")
    bias_regularizer: AnyRegularizer | None = Field(default=None, description="what b adds to the loss")
    bias_constraint: AnyConstraint | None = Field(default=None, description="what b is held to")


class Kernelled(ActivatedOp):
    """Base of the layers with a kernel."""

    kernel_initializer: AnyInitializer = Field(default=GlorotUniform(), description="how W starts")
    kernel_regularizer: AnyRegularizer | None = Field(default=None, description="what W adds to the loss")
    kernel_constraint: AnyConstraint | None = Field(default=None, description="what W is held to")


class Weighted(Biased, Kernelled):  # In this order the kernel's fields stand before the bias's.
    """Base of the layers with both."""

    started: ClassVar = ("kernel", "bias")
    native: ClassVar = {"torch": {"kernel_initializer": "fan_in_uniform", "bias_initializer": "fan_in_uniform"}}
