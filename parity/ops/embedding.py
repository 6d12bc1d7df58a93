"""embedding: a row of a table for the number of each token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, NonNegativeInt, PositiveInt

from parity.code import Case, Helper, KerasCode, Parameter, Site, TensorFlowCode, TorchCode
from parity.constraints import AnyConstraint
from parity.entries import Shape, read_in
from parity.initializers import AnyInitializer
from parity.initializers.random_uniform import RandomUniform
from parity.lazy import differentiable
from parity.native import Native, same
from parity.ops import Op, ShapeError, check_constraints
from parity.ops.penalised import Penalised
from parity.ops.zero_row import ZeroRow
from parity.regularizers import AnyRegularizer

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Arrays

PADDED = '''
class {name}(keras.layers.Embedding):
    """Embedding with a row for padding, which {starts} and has no gradient (padding_idx)."""

    def __init__(self, *sizes, padding_idx, **more):
        super().__init__(*sizes, **more)
        self.padding_idx = padding_idx
{build}
    def call(self, inputs):
        y = super().call(inputs)
        padding = keras.ops.expand_dims(keras.ops.equal(inputs, self.padding_idx), -1)
        return keras.ops.where(padding, keras.ops.stop_gradient(y), y)
'''


BUILD = """
    def build(self, input_shape=None):
        super().build(input_shape)
        padding = keras.ops.one_hot(self.padding_idx, self.input_dim)
        self.embeddings.assign(self.embeddings * (1.0 - padding[:, None]))
"""


def padded(zero: bool) -> Helper:
    """Return the class of a table with a row for padding, which starts at 0 or as the others do."""
    name, starts = ("PaddedEmbedding", "starts at 0") if zero else ("DrawnPaddedEmbedding", "starts as the others do")
    return Helper(name=name, source=PADDED.format(name=name, starts=starts, build=BUILD if zero else ""))


SAID = tuple(f"embeddings_{said}" for said in ("initializer", "regularizer", "constraint"))


class Embedding(Penalised, Op):
    """y[n, ..., :] = E[x[n, ...]], E of shape (input_dim, output_dim), for whole numbers x below ``input_dim``.

    Only rows that a batch reads have a gradient; TensorFlow and Keras hold it as slices, one for each place,
    PyTorch whole, unless told ``sparse=True``. Keras's optimizers on TensorFlow work on the slices, so that one
    that squares a gradient squares it place by place: for a token that stands in a batch twice, g1^2 + g2^2 in
    place of (g1 + g2)^2. The programs make a tensor of the slices first. E starts at U(-0.05, 0.05) in Keras and at
    N(0, 1) in ``nn.Embedding``, 35 times as wide. A number that is too large is an error in PyTorch and, on a CPU,
    in TensorFlow; on a GPU TensorFlow gives zeros. With ``mask_zero``, y is the same, and has the mask x != 0
    (docs/graphs.md); row 0 is a row like the others. ``padding_idx``, which only PyTorch has, is about a row and masks
    nothing: it starts at 0, and has no gradient, so that nothing but a penalty of all weights moves it. Who draws the
    whole table afterwards (``nn.init.uniform_(table.weight)``) has a row that starts as the others do
    (``padding_starts_at_0: false``), and stays there.
    """

    kind: ClassVar[str] = "embedding"
    reads_dtype: ClassVar[str] = "integer"
    native: ClassVar = {"torch": {"embeddings_initializer": {"random_normal": {"mean": 0.0, "stddev": 1.0}}}}
    source: ClassVar = read_in(
        keras="layers/core/embedding", tensorflow="ops/embedding_ops", torch="nn/modules/sparse"
    )  # fmt: skip
    natives: ClassVar = {
        "keras": Native("keras.layers.Embedding", same("input_dim", "output_dim", "mask_zero", *SAID),
                        leading=("input_dim", "output_dim"), own={"mask_zero": False}),
        "torch": Native("nn.Embedding", {"num_embeddings": "input_dim", "embedding_dim": "output_dim",
                                         "padding_idx": "padding_idx"}, own={"padding_idx": None},
                        leading=("num_embeddings", "embedding_dim"), weights={"embeddings": ("weight", None)}),
    }  # fmt: skip
    width_field: ClassVar[str] = "output_dim"
    by_rows: ClassVar[bool] = True
    started: ClassVar = ("embeddings",)

    input_dim: PositiveInt = Field(description="how many tokens there are: the largest number and one more")
    output_dim: PositiveInt = Field(description="size of the row that stands for a token")
    mask_zero: bool = Field(default=False, description="token 0 fills up: layers behind that know masks leave it out")
    padding_idx: NonNegativeInt | None = Field(
        default=None, description="token whose row starts at 0 and has no gradient; no mask comes of it"
    )
    padding_starts_at_0: bool = Field(
        default=True, description="whether the row of padding_idx starts at 0, as nn.Embedding has it, or as the others"
    )
    embeddings_initializer: AnyInitializer = Field(default=RandomUniform(), description="how E starts")
    embeddings_regularizer: AnyRegularizer | None = Field(default=None, description="what E adds to the loss")
    embeddings_constraint: AnyConstraint | None = Field(default=None, description="what E is held to")

    def output_shape(self, shape: Shape) -> Shape:
        if self.padding_idx is not None and self.padding_idx >= self.input_dim:
            raise ShapeError(f"padding_idx {self.padding_idx} of an embedding of {self.input_dim} tokens; expected one "
                             f"of them, 0 to {self.input_dim - 1}")  # fmt: skip
        check_constraints(self, shape)
        return (*shape, self.output_dim)

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when there is no row of padding that could start anywhere."""
        return "no row stands for padding" if field == "padding_starts_at_0" and self.padding_idx is None else ""

    def mask_of(self, masked: Sequence[bool], shapes: Sequence[Shape]) -> str:
        return "x != 0" if self.mask_zero else ""

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        starts = self.embeddings_initializer
        if self.padding_idx is not None and self.padding_starts_at_0:
            starts = ZeroRow(of=starts, row=self.padding_idx)
        rows = Parameter(
            shape=(self.input_dim, self.output_dim), fan_in=self.input_dim, fan_out=self.output_dim, feeds=1,
            initializer=starts, regularizer=self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )  # fmt: skip
        return {"embeddings": rows}

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        y = differentiable.looked_up(p["embeddings"], x)
        if self.padding_idx is None:
            return y
        return differentiable.where((x == self.padding_idx)[..., None], differentiable.constant(y), y)

    def keras(self, site: Site) -> KerasCode:
        if self.padding_idx is None:
            return KerasCode(layer=self.keras_layer(site))
        helper = padded(self.padding_starts_at_0)
        if not site.framework.startswith("keras") or site.framework == "keras_2":
            # What it calls is the same in TensorFlow, where Keras 2 has no operations of its own.
            helper = Helper(name=helper.name, source=helper.source.replace("keras.ops.", "tf."))
        layer = self.keras_layer(site, helper.name, padding_idx=repr(self.padding_idx))
        return KerasCode(layer=layer, helpers=(helper,))

    def tensorflow(self, site: Site) -> TensorFlowCode:
        read = f"tf.gather(self.{site.name}_embeddings, x)"
        body: tuple[str, ...] = (f"return {read}",)
        if self.padding_idx is not None:
            held = f"tf.where((x == {self.padding_idx})[..., None], tf.stop_gradient(y), y)"
            body = (f"y = {read}", f"return {held}  # padding has no gradient")
        return TensorFlowCode(body=body, doc=f"A row of {self.output_dim} for each token.")

    def torch(self, site: Site) -> TorchCode:
        own = self.natives["torch"]
        return TorchCode(
            modules={site.name: own.source(self)}, forward=f"self.{site.name}(x)",
            weights=own.kept_at(site.name, self.parameters(site.input_shape)), output=site.name,
        )  # fmt: skip

    @classmethod
    def cases(cls) -> list[Case]:
        table = {"embeddings": [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]}
        return [
            Case(shows="a row for each token, the same one twice", fields={"input_dim": 3, "output_dim": 2},
                 x=[[2, 0, 2]], parameters=table, expected=[[[4.0, 5.0], [0.0, 1.0], [4.0, 5.0]]]),
            Case(shows="beside a row of padding, which these rows do not read", x=[[2, 1]], parameters=table,
                 fields={"input_dim": 3, "output_dim": 2, "padding_idx": 0}, expected=[[[4.0, 5.0], [2.0, 3.0]]]),
        ]  # fmt: skip
