"""instance_norm: every channel of every row to mean 0 and variance 1 over its places."""

from __future__ import annotations

import math
from typing import ClassVar

from parity.code import Case, KerasCode, Site, TorchCode
from parity.entries import Shape, read_in
from parity.native import Native, same
from parity.ops import ShapeError
from parity.ops.group_norm import GROUPED, Grouped
from parity.ops.scaling import STARTED
from parity.ops.windows import channels_of, lengths_of


class InstanceNorm(Grouped):
    """y = gamma (x - mean) / sqrt(variance + epsilon) + beta, mean and variance over the places of one channel.

    The same in training and in evaluation. Keras has it as ``GroupNormalization(groups=-1)``, with gamma and beta and
    an epsilon of 1e-3; ``nn.InstanceNorm2d`` has neither of them unless told ``affine=True``, and an epsilon of 1e-5.
    Running statistics, which PyTorch's can be told to keep, are not to be said here.
    """

    kind: ClassVar[str] = "instance_norm"
    passes_mask: ClassVar[bool] = True
    native: ClassVar = {"torch": {"epsilon": 1e-5, "center": False, "scale": False}}
    source: ClassVar = read_in(keras="layers/normalization/group_normalization", torch="nn/modules/instancenorm")
    natives: ClassVar = {
        "keras": Native("keras.layers.GroupNormalization", same("axis", *STARTED),
                        own={"axis": -1, "epsilon": 1e-3, "center": True, "scale": True}),
        "torch": Native("nn.InstanceNorm", {"num_features": "", "eps": "epsilon", "affine": ""},
                        leading=("num_features",), weights={"gamma": ("weight", None), "beta": ("bias", None)}),
    }  # fmt: skip

    def groups_of(self, shape: Shape) -> int:
        return channels_of(shape, self._format)

    def output_shape(self, shape: Shape) -> Shape:
        if not 2 <= len(shape) <= 4 or math.prod(lengths_of(shape, self._format)) < 2:
            raise ShapeError(f"instance_norm reads one to three axes of more than one place, it is given {shape}")
        return shape

    def keras(self, site: Site) -> KerasCode:
        return self._keras(site, groups="-1")

    def torch(self, site: Site) -> TorchCode:
        if len(site.input_shape) > 2:
            # Of a batch of one row, the gradients of nn.InstanceNorm2d and 3d are wrong where the gradient that
            # reaches them lies channels last, as ours does: docs/findings.md.
            return self._grouped(site, GROUPED)
        name = f"{self.natives['torch'].name}{len(site.input_shape) - 1}d"
        affine = "True" if self.scale or self.center else None  # By itself it has neither.
        return self._module(site, name, affine=affine, num_features=str(channels_of(site.input_shape, self._format)))

    @classmethod
    def cases(cls) -> list[Case]:
        x, own = [[[1.0, 5.0], [7.0, 5.0]], [[3.0, 0.0], [3.0, 6.0]]], {"gamma": [10.0, 1.0], "beta": [1.0, 0.0]}
        return [
            Case(shows="each channel of each row by itself", fields={"epsilon": 7.0}, x=x, parameters=own,
                 expected=[[[-6.5, 0.0], [8.5, 0.0]], [[1.0, -0.75], [1.0, 0.75]]]),
            Case(shows="axis 1, as PyTorch has it by itself", x=[[[[1.0, 7.0]], [[5.0, 5.0]]]],
                 fields={"axis": 1, "epsilon": 7.0, "center": False, "scale": False},
                 expected=[[[[-0.75, 0.75]], [[0.0, 0.0]]]]),
            Case(shows="two axes, with neither", x=[[[[1.0], [7.0]], [[5.0], [3.0]]]],
                 fields={"epsilon": 4.0, "center": False, "scale": False},
                 expected=[[[[-1.0], [1.0]], [[1 / 3], [-1 / 3]]]]),
            Case(shows="beta without gamma", fields={"epsilon": 7.0, "scale": False}, x=x,
                 parameters={"beta": [1.0, 0.0]},
                 expected=[[[0.25, 0.0], [1.75, 0.0]], [[1.0, -0.75], [1.0, 0.75]]]),
        ]  # fmt: skip
