"""time_distributed: the same layer at every step of a sequence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Self

from pydantic import Field, model_validator

from parity.code import Case, Helper, KerasCode, Parameter, Site, TensorFlowCode, TorchCode
from parity.discovery import one_of
from parity.entries import Shape, read_in
from parity.native import Native
from parity.ops import ShapeError
from parity.ops.conv1d import Conv1D
from parity.ops.conv2d import Conv2D
from parity.ops.dense import Dense
from parity.ops.holding import Holding

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays

    AnyLayer = Dense | Conv1D | Conv2D
else:
    AnyLayer = one_of({entry.kind: entry for entry in (Dense, Conv1D, Conv2D)})


class TimeDistributed(Holding):
    """y[n, t] = layer(x[n, t]), with the same weights at every step.

    Keras applies the layer to one step after another; PyTorch and raw TensorFlow, which have no such layer, take all
    steps of all rows for the rows of one batch. Around a dense layer it does what that does by itself.
    """

    kind: ClassVar[str] = "time_distributed"
    passes_mask: ClassVar[bool] = True
    started: ClassVar = ("kernel", "bias")
    beside: ClassVar = ("steps",)
    source: ClassVar = read_in(keras="layers/rnn/time_distributed")
    natives: ClassVar = {"keras": Native("keras.layers.TimeDistributed", {"layer": ""}, leading=("layer",))}

    layer: AnyLayer = Field(description="a dense layer or a convolution, applied at every step")

    @model_validator(mode="after")
    def _plain_inside(self) -> Self:
        self.holding(self.layer)
        if self.layer.channels_at() == "channels_first":
            raise ValueError("the layer inside has its channels first; set its data_format to channels_last")
        return self

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) < 2:
            raise ShapeError(f"time_distributed reads (length, ...), what its layer reads at each step; given {shape}")
        return (shape[0], *self.layer.output_shape(shape[1:]))

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return those of the layer inside."""
        return self.layer.parameters(shape[1:])

    @classmethod
    def about(cls, field: str) -> tuple[str, str]:
        return "", ""  # The fields that say so are those of the layer inside.

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        y = self.layer.forward(x.reshape(-1, *x.shape[2:]), p)
        return y.reshape(*x.shape[:2], *y.shape[1:])

    def _inside(self, site: Site) -> Site:
        return Site(name=site.name, input_shape=site.input_shape[1:], framework=site.framework)

    def _helpers(self, framework: str) -> tuple[Helper, ...]:
        return self.layer.activation.helpers(framework)

    def keras(self, site: Site) -> KerasCode:
        # Told of the layer around it alone, Keras lets what lies inside move (docs/findings.md).
        code = self.layer.replace(trainable=self.trainable).keras(self._inside(site))
        inside = code.layer.replace(f", name={site.name!r}", "")
        layer = self.natives["keras"].source(self, layer=inside, name=repr(site.name))
        places = {name: f"layer.{name}" for name in self.parameters(site.input_shape)}
        return KerasCode(
            layer=layer, comment=code.comment, helpers=(*code.helpers, *self._helpers("keras")), weights=places
        )

    def tensorflow(self, site: Site) -> TensorFlowCode:
        code = self.layer.tensorflow(self._inside(site))
        *lines, last = code.body
        value = last.removeprefix("return ")
        helpers, doc = (*code.helpers, *self._helpers("tensorflow")), f"{code.doc[:-1]}, at every step."
        if isinstance(self.layer, Dense):  # Along the last axis, whatever stands before it.
            return TensorFlowCode(body=(*lines, last), doc=doc, helpers=helpers)
        row = site.input_shape[1:]
        return TensorFlowCode(
            body=(
                f"x = tf.reshape(x, (-1, {', '.join(map(str, row))}))  # every step a row",
                *lines,
                f"y = {value}",
                f"return tf.reshape(y, (-1, {', '.join(map(str, self.output_shape(site.input_shape)))}))",
            ),
            doc=doc, helpers=helpers,
        )  # fmt: skip

    def torch(self, site: Site) -> TorchCode:
        code = self.layer.torch(self._inside(site))
        helpers = (*code.helpers, *self._helpers("torch"))
        if isinstance(self.layer, Dense):
            return TorchCode(
                modules=code.modules, forward=code.forward, weights=code.weights, output=code.output, helpers=helpers
            )
        steps = f"{site.name}_steps"
        inside = re.sub(r"\bx\b", "x.flatten(0, 1).movedim(-1, 1)", code.forward)
        return TorchCode(
            modules={**code.modules, steps: f"nn.Unflatten(0, (-1, {site.input_shape[0]}))"},
            forward=f"self.{steps}({inside}.movedim(1, -1))", weights=code.weights, output=steps, helpers=helpers,
            comment="every step a row, with its channels first",
        )  # fmt: skip

    @classmethod
    def cases(cls) -> list[Case]:
        digits = {"kernel": [[[1.0]], [[10.0]]], "bias": [0.5]}
        return [
            Case(shows="a dense layer at every step, with the same weights", fields={"layer": {"dense": {"units": 1}}},
                 x=[[[1.0, 2.0], [3.0, 4.0]]], parameters={"kernel": [[10.0], [1.0]], "bias": [0.5]},
                 expected=[[[12.5], [34.5]]]),
            Case(shows="a convolution does not reach from one step into the next",
                 fields={"layer": {"conv1d": {"filters": 1, "kernel_size": 2, "activation": "relu"}}},
                 x=[[[[1.0], [2.0], [3.0]], [[4.0], [-5.0], [6.0]]]], parameters=digits,
                 expected=[[[[21.5], [32.5]], [[0.0], [55.5]]]]),
            Case(shows="same padding, two steps of two rows",
                 fields={"layer": {"conv1d": {"filters": 1, "kernel_size": 2, "padding": "same", "strides": 2}}},
                 x=[[[[1.0], [2.0]], [[3.0], [4.0]]], [[[5.0], [6.0]], [[7.0], [8.0]]]], parameters=digits,
                 expected=[[[[21.5]], [[43.5]]], [[[65.5]], [[87.5]]]]),
        ]  # fmt: skip
