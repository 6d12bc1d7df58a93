"""group_norm: groups of channels of every row to mean 0 and variance 1, then each channel scaled and shifted."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from parity.code import Case, Helper, KerasCode, Layout, Site, TensorFlowCode, TorchCode
from parity.entries import Shape, read_in
from parity.native import Native, same
from parity.ops import ShapeError
from parity.ops.scaling import STARTED, Scaling
from parity.ops.windows import (
    DataFormat,
    channels_of,
    from_channels_last,
    laid_first,
    laid_last,
    lengths_of,
    to_channels_last,
)

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays


SHIFTED = Helper(
    name="ShiftedGroupNorm",
    source='''
class ShiftedGroupNorm(nn.GroupNorm):
    """nn.GroupNorm with a bias and no weight, of which F.group_norm has no gradient."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.weight = None

    def forward(self, x):
        y = F.group_norm(x, self.num_groups, None, None, self.eps)
        return y + self.bias.reshape(-1, *[1] * (x.dim() - 2))
''',
)


GROUPED = Native(
    "nn.GroupNorm", {"num_groups": "groups", "num_channels": "", "eps": "epsilon", "affine": ""},
    leading=("num_groups", "num_channels"), weights={"gamma": ("weight", None), "beta": ("bias", None)},
)  # fmt: skip


class Grouped(Scaling):
    """Base of the normalizations of channels in groups: an entry says how many there are."""

    axis: Literal[-1, 1] = Field(default=-1, description="where the channels are: the last axis, or the first one (1)")

    @property
    def _format(self) -> DataFormat:
        return "channels_first" if self.axis == 1 else "channels_last"

    def channels_at(self) -> DataFormat:
        return self._format

    def groups_of(self, shape: Shape) -> int:
        """Return the number of groups, for an input of the given shape."""
        raise TypeError(f"{type(self).__name__} has no groups")

    def scaled_shape(self, shape: Shape) -> Shape:
        return (channels_of(shape, self._format),)

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        groups, x = self.groups_of(x.shape[1:]), to_channels_last(x, self._format)
        normalized = self._normalized(x.reshape(len(x), -1, groups, x.shape[-1] // groups), (1, 3)).reshape(x.shape)
        return from_channels_last(self._shifted(normalized, p, (x.shape[-1],)), self._format)

    def _keras(self, site: Site, **more: str) -> KerasCode:
        """Return Keras's layer, which takes the tensor as it lies, its channels at one end."""
        lies: Layout = "to_last" if self.axis == 1 and site.layout == "to_last" else "as_said"
        axis = "1" if lies == "as_said" and self.axis == 1 and len(site.input_shape) > 1 else None
        return KerasCode(layer=self.keras_layer(site, axis=axis, **more), reads=lies, writes=lies)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        groups, channels = self.groups_of(site.input_shape), channels_of(site.input_shape, self._format)
        places = math.prod(lengths_of(site.input_shape, self._format))
        (offset, scale), lies = self._factors(site), laid_last(self._format)
        scaled = "y" if scale == "None" else f"y * {scale}"
        return TensorFlowCode(
            body=(
                f"y = tf.reshape(x, (-1, {places}, {groups}, {channels // groups}))",
                "mean, variance = tf.nn.moments(y, axes=[1, 3], keepdims=True)",
                f"y = tf.reshape((y - mean) / tf.sqrt(variance + {self.epsilon!r}), tf.shape(x))",
                f"return {scaled}" if offset == "None" else f"return {scaled} + {offset}",
            ),
            doc=f"{groups} groups of channels to mean 0 and variance 1.",
            reads=lies,
            writes=lies,
        )

    def _grouped(self, site: Site, part: Native) -> TorchCode:
        """Return PyTorch's module that normalizes groups; its functions leave gamma and beta out together only."""
        groups, channels = self.groups_of(site.input_shape), channels_of(site.input_shape, self._format)
        told = {"num_groups": str(groups), "num_channels": str(channels)}
        if self.center and not self.scale:
            made = part.source(self, name_=SHIFTED.name, affine=None, **told)
            code = self._made(site, made, (SHIFTED,), laid_first(self._format))
        else:
            made = part.source(self, affine=self._affine(), **told)
            code = self._torch(site, made, layout=laid_first(self._format))
        if len(site.input_shape) < 3:
            return code
        return replace(
            code,
            forward=f"self.{site.name}(x.clone(memory_format=torch.contiguous_format))",
            comment="of an input that lies channels last, PyTorch's gradient ends the process",
        )

    def _module(self, site: Site, name: str = "", **more: str | None) -> TorchCode:
        made = self.natives["torch"].source(self, name_=name, **({"affine": self._affine()} | more))
        return self._torch(site, made, layout=laid_first(self._format))


class GroupNorm(Grouped):
    """y = gamma (x - mean) / sqrt(variance + epsilon) + beta, mean and variance over all places of a group of channels.

    ``groups`` of neighbouring channels each, 32 in Keras if not said; -1 is one channel a group. ``nn.GroupNorm`` must
    be told, and knows the axis behind the batch only. Epsilon is 1e-3 in Keras, 1e-5 in PyTorch.
    """

    kind: ClassVar[str] = "group_norm"
    passes_mask: ClassVar[bool] = True
    source: ClassVar = read_in(keras="layers/normalization/group_normalization", torch="nn/modules/normalization")
    natives: ClassVar = {
        "keras": Native("keras.layers.GroupNormalization", same("groups", "axis", *STARTED),
                        own={"groups": 32, "axis": -1, "epsilon": 1e-3, "center": True, "scale": True}),
        "torch": GROUPED,
    }  # fmt: skip

    groups: int = Field(default=32, ge=-1, description="how many groups of channels; -1 for one of each channel")

    def groups_of(self, shape: Shape) -> int:
        channels = channels_of(shape, self._format)
        return channels if self.groups == -1 else self.groups

    def output_shape(self, shape: Shape) -> Shape:
        channels = channels_of(shape, self._format)
        if not self.groups or channels % self.groups_of(shape):
            raise ShapeError(f"group_norm of {self.groups} groups, and there are {channels} channels in {shape}")
        if math.prod(shape) == self.groups_of(shape):
            raise ShapeError(f"group_norm reads groups of more than one number, and {shape} are as many as its groups")
        return shape

    def keras(self, site: Site) -> KerasCode:
        return self._keras(site)

    def torch(self, site: Site) -> TorchCode:
        return self._grouped(site, self.natives["torch"])

    @classmethod
    def cases(cls) -> list[Case]:
        own = {"gamma": [10.0, 1.0, 1.0, 1.0], "beta": [1.0, 0.0, 0.0, 0.0]}
        return [
            Case(shows="two groups of neighbours: means 4 and 5", fields={"groups": 2, "epsilon": 7.0},
                 x=[[1.0, 7.0, 5.0, 5.0]], parameters=own, expected=[[-6.5, 0.75, 0.0, 0.0]]),
            Case(shows="places are taken together, rows are not", fields={"groups": 1, "epsilon": 11.5, "scale": False},
                 x=[[[1.0], [7.0], [4.0], [4.0]], [[2.0]] * 4], parameters={"beta": [1.0]},
                 expected=[[[0.25], [1.75], [1.0], [1.0]], [[1.0]] * 4]),
            Case(shows="-1: each channel by itself, gamma alone",
                 fields={"groups": -1, "epsilon": 7.0, "center": False}, x=[[[1.0, 5.0], [7.0, 5.0]]],
                 parameters={"gamma": [10.0, 1.0]}, expected=[[[-7.5, 0.0], [7.5, 0.0]]]),
            Case(shows="axis 1, with neither", x=[[[[1.0, 7.0]], [[5.0, 5.0]]]],
                 fields={"groups": 2, "axis": 1, "epsilon": 7.0, "center": False, "scale": False},
                 expected=[[[[-0.75, 0.75]], [[0.0, 0.0]]]]),
        ]  # fmt: skip
