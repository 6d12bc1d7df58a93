"""position_embedding: a trained row of a table added at every place of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveInt

from parity.code import Case, Helper, KerasCode, Parameter, Site, TensorFlowCode, TorchCode, TorchWeight, call
from parity.constraints import AnyConstraint
from parity.entries import Shape
from parity.initializers import AnyInitializer
from parity.initializers.random_uniform import RandomUniform
from parity.lazy import differentiable as np
from parity.ops import Op, ShapeError, check_constraints, held
from parity.regularizers import AnyRegularizer

if TYPE_CHECKING:
    from parity.code import Arrays

KERAS = Helper(
    name="PositionEmbedding",
    source='''
class PositionEmbedding(keras.layers.Layer):
    """A trained row of a table added at every place."""

    def __init__(self, sequence_length, embeddings_initializer="uniform", embeddings_regularizer=None,
                 embeddings_constraint=None, **kwargs):
        super().__init__(**kwargs)
        self.sequence_length, self.initializer = sequence_length, embeddings_initializer
        self.regularizer, self.constraint = embeddings_regularizer, embeddings_constraint

    def build(self, input_shape):
        self.embeddings = self.add_weight(
            shape=(self.sequence_length, input_shape[-1]),
            initializer=self.initializer,
            regularizer=self.regularizer,
            constraint=self.constraint,
            name="embeddings",
        )

    def call(self, inputs):
        return inputs + self.embeddings[: inputs.shape[1]]
''',
)

TORCH = Helper(
    name="PositionEmbedding",
    source='''
class PositionEmbedding(nn.Module):
    """A trained row of a table added at every place."""

    def __init__(self, sequence_length, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(sequence_length, channels))

    def forward(self, x):
        return x + self.weight[: x.shape[1]]
''',
)


class PositionEmbedding(Op):
    """y[n, t, c] = x[n, t, c] + E[t, c], E of shape (sequence_length, channels).

    What a transformer knows of the order of its tokens, as in GPT and BERT. Neither Keras nor PyTorch has a layer of it
    (Keras Hub has, which gives E alone); people write an ``Embedding`` of ``arange(length)``, which is the same. E
    starts as an ``Embedding`` of Keras's does. Rows behind the input's length are not read and have a gradient of 0.
    """

    kind: ClassVar[str] = "position_embedding"
    started: ClassVar = ("embeddings",)
    partly: ClassVar[bool] = True

    sequence_length: PositiveInt | None = Field(
        default=None, description="rows of the table, no fewer than the input has places; as many if not said"
    )
    embeddings_initializer: AnyInitializer = Field(default=RandomUniform(), description="how E starts")
    embeddings_regularizer: AnyRegularizer | None = Field(default=None, description="what E adds to the loss")
    embeddings_constraint: AnyConstraint | None = Field(default=None, description="what E is held to")

    def _rows(self, shape: Shape) -> int:
        return self.sequence_length or shape[0]

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of the input.

        Raises:
            ShapeError: when it is no sequence, or a longer one than the table is.
        """
        if len(shape) != 2:
            raise ShapeError(f"{self.kind} reads (length, channels), it is given {shape}")
        if shape[0] > self._rows(shape):
            raise ShapeError(f"{self.kind} has {self.sequence_length} places, it is given {shape}")
        check_constraints(self, shape)
        return shape

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return embeddings, (sequence_length, channels)."""
        size = (self._rows(shape), shape[-1])
        return {"embeddings": held(self, "embeddings", size, *size, 1)}

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        return x + np.cut(p["embeddings"], (slice(0, x.shape[1]), slice(None)))

    def inert(self, field: str, other: object, shape: Shape) -> str:
        """Say when a length that is not said is the one that is."""
        alike = field == "sequence_length" and (other or shape[0]) == self._rows(shape)
        return "the table has as many rows either way" if alike else ""

    def keras(self, site: Site) -> KerasCode:
        told = self._keras_parameters(site.input_shape)
        rows = self._rows(site.input_shape)
        made = call(KERAS.name, rows, **told, trainable=self.keras_trainable(), name=repr(site.name))
        return KerasCode(layer=made, helpers=(KERAS,))

    def tensorflow(self, site: Site) -> TensorFlowCode:
        table, length = f"self.{site.name}_embeddings", site.input_shape[0]
        read = table if self._rows(site.input_shape) == length else f"{table}[:{length}]"
        return TensorFlowCode(body=(f"return x + {read}",), doc="A trained row is added at every place.")

    def torch(self, site: Site) -> TorchCode:
        rows, channels = self._rows(site.input_shape), site.input_shape[-1]
        return TorchCode(
            modules={site.name: f"{TORCH.name}({rows}, {channels})"}, forward=f"self.{site.name}(x)",
            weights={"embeddings": TorchWeight(attribute=f"{site.name}.weight")}, output=site.name, helpers=(TORCH,),
        )  # fmt: skip

    @classmethod
    def cases(cls) -> list[Case]:
        table, x = {"embeddings": [[1.0, 2.0], [3.0, 4.0]]}, [[[10.0, 10.0], [20.0, 20.0]], [[0.0, 0.0], [0.0, 0.0]]]
        return [
            Case(shows="the same rows for all of a batch", fields={}, x=x, parameters=table,
                 expected=[[[11.0, 12.0], [23.0, 24.0]], [[1.0, 2.0], [3.0, 4.0]]]),
            Case(shows="a table that is longer: its last row is not read", fields={"sequence_length": 3}, x=x,
                 parameters={"embeddings": [*table["embeddings"], [5.0, 6.0]]},
                 expected=[[[11.0, 12.0], [23.0, 24.0]], [[1.0, 2.0], [3.0, 4.0]]]),
        ]  # fmt: skip
