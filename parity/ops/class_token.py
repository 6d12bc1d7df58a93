"""class_token: trained vectors that are put in front of a sequence, the same for every row."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, PositiveInt

from parity.code import Case, Helper, KerasCode, Parameter, Site, TensorFlowCode, TorchCode, TorchWeight, call
from parity.constraints import AnyConstraint
from parity.entries import Shape
from parity.initializers import AnyInitializer
from parity.initializers.zeros import Zeros
from parity.lazy import differentiable as np
from parity.ops import Op, ShapeError, check_constraints, held
from parity.regularizers import AnyRegularizer

if TYPE_CHECKING:
    from parity.code import Arrays

KERAS = Helper(
    name="ClassToken",
    source='''
class ClassToken(keras.layers.Layer):
    """Trained vectors in front of a sequence, the same for every row."""

    def __init__(self, tokens=1, tokens_initializer="zeros", tokens_regularizer=None, tokens_constraint=None, **kwargs):
        super().__init__(**kwargs)
        self.count, self.initializer = tokens, tokens_initializer
        self.regularizer, self.constraint = tokens_regularizer, tokens_constraint

    def build(self, input_shape):
        self.tokens = self.add_weight(
            shape=(self.count, input_shape[-1]),
            initializer=self.initializer,
            regularizer=self.regularizer,
            constraint=self.constraint,
            name="tokens",
        )

    def call(self, inputs):
        rows = keras.ops.shape(inputs)[0]
        tokens = keras.ops.broadcast_to(self.tokens, (rows, *self.tokens.shape))
        return keras.ops.concatenate([tokens, inputs], axis=1)
''',
)

TORCH = Helper(
    name="ClassToken",
    source='''
class ClassToken(nn.Module):
    """Trained vectors in front of a sequence, the same for every row."""

    def __init__(self, tokens, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(tokens, channels))

    def forward(self, x):
        return torch.cat((self.weight.expand(len(x), -1, -1), x), dim=1)
''',
)


class ClassToken(Op):
    """y[n] = (T[0], ..., T[tokens - 1], x[n, 0], x[n, 1], ...), T of shape (tokens, channels).

    What a vision transformer reads its answer from (Dosovitskiy et al., 2021, section 3.1; with a second one for
    distillation, Touvron et al., 2021): ``take`` gives it behind the last block. Neither Keras nor PyTorch has a layer
    of it; people write ``torch.cat((token.expand(n, -1, -1), x), 1)``. T starts at 0 there, or is drawn.
    """

    kind: ClassVar[str] = "class_token"
    short: ClassVar[str | None] = "tokens"
    started: ClassVar = ("tokens",)
    partly: ClassVar[bool] = True

    tokens: PositiveInt = Field(default=1, description="how many vectors")
    tokens_initializer: AnyInitializer = Field(default=Zeros(), description="how T starts")
    tokens_regularizer: AnyRegularizer | None = Field(default=None, description="what T adds to the loss")
    tokens_constraint: AnyConstraint | None = Field(default=None, description="what T is held to")

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of a longer sequence.

        Raises:
            ShapeError: when it is given no sequence.
        """
        if len(shape) != 2:
            raise ShapeError(f"{self.kind} reads (length, channels), it is given {shape}")
        check_constraints(self, shape)
        return (self.tokens + shape[0], shape[1])

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return tokens, (tokens, channels)."""
        size = (self.tokens, shape[-1])
        return {"tokens": held(self, "tokens", size, *size, 1)}

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        # Times 1 in each row: a gradient follows the product, and sums over the rows.
        return np.concatenate([np.ones((len(x), 1, 1)) * p["tokens"], x], axis=1)

    def keras(self, site: Site) -> KerasCode:
        told = self._keras_parameters(site.input_shape)
        made = call(KERAS.name, self.tokens, **told, trainable=self.keras_trainable(), name=repr(site.name))
        return KerasCode(layer=made, helpers=(KERAS,))

    def tensorflow(self, site: Site) -> TensorFlowCode:
        tokens = f"self.{site.name}_tokens"
        return TensorFlowCode(
            body=(f"tokens = tf.broadcast_to({tokens}, (tf.shape(x)[0], *{tokens}.shape))",
                  "return tf.concat([tokens, x], axis=1)"),
            doc="Trained vectors in front of the sequence.",
        )  # fmt: skip

    def torch(self, site: Site) -> TorchCode:
        return TorchCode(
            modules={site.name: f"{TORCH.name}({self.tokens}, {site.input_shape[-1]})"},
            forward=f"self.{site.name}(x)", weights={"tokens": TorchWeight(attribute=f"{site.name}.weight")},
            output=site.name, helpers=(TORCH,),
        )  # fmt: skip

    @classmethod
    def cases(cls) -> list[Case]:
        x = [[[10.0, 10.0]], [[20.0, 30.0]]]
        return [
            Case(shows="the same vector in front of each row", fields={}, x=x, parameters={"tokens": [[1.0, 2.0]]},
                 expected=[[[1.0, 2.0], [10.0, 10.0]], [[1.0, 2.0], [20.0, 30.0]]]),
            Case(shows="two of them, in their order", fields={"tokens": 2}, x=x,
                 parameters={"tokens": [[1.0, 2.0], [3.0, 4.0]]},
                 expected=[[[1.0, 2.0], [3.0, 4.0], [10.0, 10.0]], [[1.0, 2.0], [3.0, 4.0], [20.0, 30.0]]]),
        ]  # fmt: skip
