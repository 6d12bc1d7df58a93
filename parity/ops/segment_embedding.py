"""segment_embedding: one trained row of a table added at every place of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, NonNegativeInt, PositiveInt

from parity.code import Case, Helper, KerasCode, Parameter, Site, TensorFlowCode, TorchCode, TorchWeight, call
from parity.constraints import AnyConstraint
from parity.entries import Shape
from parity.initializers import AnyInitializer
from parity.initializers.random_uniform import RandomUniform
from parity.ops import Op, ShapeError, check_constraints, held
from parity.regularizers import AnyRegularizer

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays

KERAS = Helper(
    name="SegmentEmbedding",
    source='''
class SegmentEmbedding(keras.layers.Layer):
    """One trained row of a table added at every place."""

    def __init__(self, segments, segment, embeddings_initializer="uniform", embeddings_regularizer=None,
                 embeddings_constraint=None, **kwargs):
        super().__init__(**kwargs)
        self.segments, self.segment, self.initializer = segments, segment, embeddings_initializer
        self.regularizer, self.constraint = embeddings_regularizer, embeddings_constraint

    def build(self, input_shape):
        self.embeddings = self.add_weight(
            shape=(self.segments, input_shape[-1]),
            initializer=self.initializer,
            regularizer=self.regularizer,
            constraint=self.constraint,
            name="embeddings",
        )

    def call(self, inputs):
        return inputs + self.embeddings[self.segment]
''',
)

TORCH = Helper(
    name="SegmentEmbedding",
    source='''
class SegmentEmbedding(nn.Module):
    """One trained row of a table added at every place."""

    def __init__(self, segments, segment, channels):
        super().__init__()
        self.segment = segment
        self.weight = nn.Parameter(torch.empty(segments, channels))

    def forward(self, x):
        return x + self.weight[self.segment]
''',
)


class SegmentEmbedding(Op):
    """y[n, t, c] = x[n, t, c] + E[segment, c], E of shape (segments, channels).

    What BERT adds for the kind of a token (``token_type_embeddings``) where all tokens are of one kind: an embedding of
    one number throughout. Rows of other segments are not read and have a gradient of 0. Neither Keras nor PyTorch has
    a layer of it. E starts as an ``Embedding`` of Keras's does.
    """

    kind: ClassVar[str] = "segment_embedding"
    started: ClassVar = ("embeddings",)
    partly: ClassVar[bool] = True

    segments: PositiveInt = Field(default=1, description="rows of the table")
    segment: NonNegativeInt = Field(default=0, description="number of the row that is added")
    embeddings_initializer: AnyInitializer = Field(default=RandomUniform(), description="how E starts")
    embeddings_regularizer: AnyRegularizer | None = Field(default=None, description="what E adds to the loss")
    embeddings_constraint: AnyConstraint | None = Field(default=None, description="what E is held to")

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the input.

        Raises:
            ShapeError: when it is no sequence, or when there is no such segment.
        """
        if len(shape) != 2:
            raise ShapeError(f"{self.kind} reads (length, channels), it is given {shape}")
        if self.segment >= self.segments:
            raise ShapeError(f"segment {self.segment} of {self.segments}; expected one of them, from 0")
        check_constraints(self, shape)
        return shape

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return embeddings, (segments, channels)."""
        size = (self.segments, shape[-1])
        return {"embeddings": held(self, "embeddings", size, *size, 1)}

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return x + p["embeddings"][self.segment]

    def keras(self, site: Site) -> KerasCode:
        told = self._keras_parameters(site.input_shape)
        made = call(KERAS.name, self.segments, self.segment, **told, trainable=self.keras_trainable(),
                    name=repr(site.name))  # fmt: skip
        return KerasCode(layer=made, helpers=(KERAS,))

    def tensorflow(self, site: Site) -> TensorFlowCode:
        return TensorFlowCode(
            body=(f"return x + self.{site.name}_embeddings[{self.segment}]",), doc="One row is added at every place."
        )

    def torch(self, site: Site) -> TorchCode:
        return TorchCode(
            modules={site.name: f"{TORCH.name}({self.segments}, {self.segment}, {site.input_shape[-1]})"},
            forward=f"self.{site.name}(x)", weights={"embeddings": TorchWeight(attribute=f"{site.name}.weight")},
            output=site.name, helpers=(TORCH,),
        )  # fmt: skip

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[10.0, 10.0], [20.0, 20.0]], [[0.0, 0.0], [0.0, 0.0]]]
        return [
            Case(shows="one row, the same at every place", fields={}, x=x, parameters={"embeddings": [[1.0, 2.0]]},
                 expected=[[[11.0, 12.0], [21.0, 22.0]], [[1.0, 2.0], [1.0, 2.0]]]),
            Case(shows="of two rows the second: the first is not read", fields={"segments": 2, "segment": 1}, x=x,
                 parameters={"embeddings": [[5.0, 6.0], [1.0, 2.0]]},
                 expected=[[[11.0, 12.0], [21.0, 22.0]], [[1.0, 2.0], [1.0, 2.0]]]),
        ]  # fmt: skip
