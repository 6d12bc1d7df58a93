"""multi_head_attention: every place of a sequence looks at places of another one, or of its own, with several heads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, PositiveInt

from parity.code import Case, Helper, KerasCode, Parameter, Site, TensorFlowCode, TorchCode, TorchWeight
from parity.constraints import AnyConstraint
from parity.entries import Shape, read_in
from parity.initializers import AnyInitializer
from parity.initializers.glorot_uniform import GlorotUniform
from parity.initializers.zeros import Zeros
from parity.lazy import differentiable as np
from parity.native import Native, same
from parity.ops import HELD, Op, ShapeError, check_constraints
from parity.regularizers import AnyRegularizer

if TYPE_CHECKING:
    from parity.code import Arrays

PARTS = ("query", "key", "value", "output")

FROZEN = Helper(
    name="FrozenMultiHeadAttention",
    source='''
class FrozenMultiHeadAttention(keras.layers.MultiHeadAttention):
    """MultiHeadAttention that stays: told trainable=False, its own lets what it is made of move."""

    def build(self, query_shape, value_shape, key_shape=None):
        super().build(query_shape, value_shape, key_shape)
        self.trainable = False
''',
)

TORCH = Helper(
    name="MultiHeadAttention",
    source='''
class MultiHeadAttention(nn.Module):
    """Attention with a projection for each of query, key and value, as Keras has it."""

    def __init__(self, sizes, heads, key_dim, value_dim, bias=True, causal=False):
        super().__init__()
        query, key, value = sizes
        self.heads, self.causal = heads, causal
        self.query = nn.Linear(query, heads * key_dim, bias)
        self.key = nn.Linear(key, heads * key_dim, bias)
        self.value = nn.Linear(value, heads * value_dim, bias)
        self.output = nn.Linear(heads * value_dim, query, bias)

    def forward(self, query, value=None, key=None):
        value = query if value is None else value
        key = value if key is None else key
        parts = (self.query(query), self.key(key), self.value(value))
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        x = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.output(x.transpose(1, 2).flatten(2))
''',
)


class MultiHeadAttention(Op):
    """y = sum_h softmax(q_h k_h^T / sqrt(key_dim)) v_h O_h + b, q_h = query Q_h + b, k and v from key and value alike.

    Vaswani et al., "Attention is all you need" (2017). Reads ``[query, value, key]``, (N, T, E) and twice (N, S, E);
    value and key may be left out: key is value then, and value the query. ``causal``: a place sees itself and those
    before it. Keras keeps kernels as (E, heads, key_dim), and takes the fans of such a kernel from its last two axes
    times E, so that glorot_uniform starts them narrower than a dense layer's. ``nn.MultiheadAttention`` has one matrix
    for all three, heads * key_dim = E and no value_dim: the PyTorch program has a module of its own on
    ``F.scaled_dot_product_attention``.
    """

    kind: ClassVar[str] = "multi_head_attention"
    ports: ClassVar[tuple[str, ...]] = ("query", "value", "key")
    optional: ClassVar[int] = 2
    started: ClassVar = tuple(f"{part}_{name}" for part in PARTS for name in ("kernel", "bias"))
    said_as: ClassVar = {f"{part}_{name}": name for part in PARTS for name in ("kernel", "bias")}
    source: ClassVar = read_in(
        keras="layers/attention/multi_head_attention", tensorflow="ops/nn_ops", torch="nn/functional"
    )  # fmt: skip
    natives: ClassVar = {
        "keras": Native("keras.layers.MultiHeadAttention", same("num_heads", "key_dim", "value_dim", "use_bias", *HELD),
                        leading=("num_heads", "key_dim"), own={"use_bias": True, "value_dim": None}),
    }  # fmt: skip

    num_heads: PositiveInt = Field(description="how many heads")
    key_dim: PositiveInt = Field(description="size of a head's query and key")
    value_dim: PositiveInt | None = Field(default=None, description="size of a head's value; key_dim if not said")
    causal: bool = Field(default=False, description="a place does not see those behind it")
    use_bias: bool = Field(default=True, description="add a bias to each projection")
    kernel_initializer: AnyInitializer = Field(default=GlorotUniform(), description="how the kernels start")
    bias_initializer: AnyInitializer = Field(default=Zeros(), description="how the biases start")
    kernel_regularizer: AnyRegularizer | None = Field(default=None, description="what each kernel adds to the loss")
    bias_regularizer: AnyRegularizer | None = Field(default=None, description="what each bias adds to the loss")
    kernel_constraint: AnyConstraint | None = Field(default=None, description="what each kernel is held to")
    bias_constraint: AnyConstraint | None = Field(default=None, description="what each bias is held to")

    def mask_fault(self, masked: Any, shape: Any) -> str:
        return "multi_head_attention of masked steps is not there yet: leave mask_zero and masking out ahead of it"

    @staticmethod
    def _three(reads: Any) -> tuple[Any, Any, Any]:
        """Return query, value and key of what is read."""
        value = reads[1] if len(reads) > 1 else reads[0]
        return reads[0], value, reads[2] if len(reads) > 2 else value

    def output_shape(self, shape: Any) -> Shape:
        query, value, key = self._three(shape)
        if any(len(one) != 2 for one in (query, value, key)) or key[0] != value[0]:
            told = " and ".join(map(str, shape))
            raise ShapeError(f"multi_head_attention reads (length, features), key as long as value, it is given {told}")
        if self.causal and key[0] != query[0]:
            raise ShapeError(f"causal attention of {query[0]} places over {key[0]}: which are before it is not said")
        check_constraints(self, shape)
        return query

    def _sizes(self) -> tuple[int, int]:
        return self.num_heads * self.key_dim, self.num_heads * (self.value_dim or self.key_dim)

    def shaped(self, shape: Any) -> dict[str, Shape]:
        """Return the shapes that Keras keeps the parameters in: heads are an axis."""
        query, value, key = (one[-1] for one in self._three(shape))
        heads, dim, wide = self.num_heads, self.key_dim, self.value_dim or self.key_dim
        found: dict[str, Shape] = {}
        for part, size, inner in (("query", query, dim), ("key", key, dim), ("value", value, wide)):
            found[f"{part}_kernel"] = (size, heads, inner)
            found |= {f"{part}_bias": (heads, inner)} if self.use_bias else {}
        found["output_kernel"] = (heads, wide, query)
        return found | ({"output_bias": (query,)} if self.use_bias else {})

    def parameters(self, shape: Any) -> dict[str, Parameter]:
        """Return four kernels (in, out) and, with ``use_bias``, their biases; heads stand side by side."""
        found = {}
        for name, kept in self.shaped(shape).items():
            said = name.partition("_")[2]
            flat: Shape = kept
            if len(kept) == 3:
                flat = (kept[0] * kept[1], kept[2]) if name == "output_kernel" else (kept[0], kept[1] * kept[2])
            # As Keras's compute_fans has it: of three axes, the first is a window.
            window = kept[0] if len(kept) == 3 else 1
            fans = (math.prod(kept), math.prod(kept)) if said == "bias" else (window * kept[1], window * kept[2])
            found[name] = Parameter(
                shape=(math.prod(kept),) if said == "bias" else flat, fan_in=fans[0], fan_out=fans[1],
                feeds=flat[0], initializer=getattr(self, f"{said}_initializer"),
                regularizer=getattr(self, f"{said}_regularizer"), constraint=getattr(self, f"{said}_constraint"),
            )  # fmt: skip
        return found

    def forward(self, x: Any, p: Arrays, mask: Any = None) -> Any:
        query, value, key = self._three(x)

        def projected(part: str, x: Any) -> Any:
            made = np.matmul(x, p[f"{part}_kernel"])
            return made + p[f"{part}_bias"] if self.use_bias else made

        q, k, v = (
            np.reshape(projected(part, one), (len(one), one.shape[1], self.num_heads, -1))
            for part, one in (("query", query), ("key", key), ("value", value))
        )
        scores = np.einsum("nthd,nshd->nhts", q, k) / math.sqrt(self.key_dim)
        if self.causal:
            scores = np.where(np.tril(np.ones(scores.shape[2:])) > 0, scores, -1e300)
        mixed = np.einsum("nhts,nshd->nthd", np.exp(np.log_softmax(scores)), v)
        return projected("output", np.reshape(mixed, (len(query), query.shape[1], -1)))

    def keras(self, site: Site) -> KerasCode:
        query, *rest = (f"{{{name}}}" for name in site.arguments)
        given = [query, *(rest or [query]), *(["use_causal_mask=True"] if self.causal else [])]
        kept = self.shaped(site.input_shapes)
        places = {name: f"{name.partition('_')[0]}_dense.{name.partition('_')[2]}" for name in kept}
        name = "" if self.trainable else FROZEN.name
        layer = self.replace(trainable=True).keras_call(site, name, **self._keras_parameters(site.input_shapes))
        helpers = () if self.trainable else (FROZEN,)
        return KerasCode(layer=layer, called=", ".join(given), helpers=helpers, weights=places, shapes=kept)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        query, value, key = self._three(site.arguments)
        (length, _), (places, _), _ = self._three(site.input_shapes)
        wide = self._sizes()[1]

        def projected(part: str, x: str) -> str:
            made = f"tf.matmul({x}, self.{site.name}_{part}_kernel)"
            return f"{made} + self.{site.name}_{part}_bias" if self.use_bias else made

        def heads(part: str, x: str, long: int) -> str:
            return f"tf.reshape({projected(part, x)}, (-1, {long}, {self.num_heads}, {self._width(part)}))"

        seen = ["seen = tf.linalg.band_part(tf.ones(scores.shape[2:], tf.bool), -1, 0)  # what is not behind",
                "scores = tf.where(seen, scores, scores.dtype.min)"]  # fmt: skip
        body = (
            f"q = {heads('query', query, length)}",
            f"k = {heads('key', key, places)}",
            f"v = {heads('value', value, places)}",
            f'scores = tf.einsum("nthd,nshd->nhts", q, k) / {math.sqrt(self.key_dim)!r}',
            *(seen if self.causal else []),
            'x = tf.einsum("nhts,nshd->nthd", tf.nn.softmax(scores), v)',
            f"x = tf.reshape(x, (-1, {length}, {wide}))",
            f"return {projected('output', 'x')}",
        )
        return TensorFlowCode(body=body, doc=f"{self.num_heads} heads of {self.key_dim}.")

    def _width(self, part: str) -> int:
        return (self.value_dim or self.key_dim) if part == "value" else self.key_dim

    def torch(self, site: Site) -> TorchCode:
        query, value, key = (one[-1] for one in self._three(site.input_shapes))
        told = [f"({query}, {key}, {value})", str(self.num_heads), str(self.key_dim), str(self._width("value"))]
        told += ([] if self.use_bias else ["bias=False"]) + (["causal=True"] if self.causal else [])
        weights = {}
        for name in self.shaped(site.input_shapes):
            part, _, said = name.partition("_")
            axes = None if said == "bias" else (1, 0)
            attribute = f"{site.name}.{part}.{'bias' if said == 'bias' else 'weight'}"
            weights[name] = TorchWeight(attribute=attribute, axes=axes)
        return TorchCode(
            modules={site.name: f"MultiHeadAttention({', '.join(told)})"}, weights=weights, output=site.name,
            forward=f"self.{site.name}({', '.join(site.arguments)})", helpers=(TORCH,),
        )  # fmt: skip

    @classmethod
    def cases(cls) -> list[Case]:
        one = [[1.0]]
        plain = {f"{part}_kernel": one for part in PARTS}
        log3 = 1.0986122886681098
        fields = {"num_heads": 1, "key_dim": 1, "use_bias": False}
        return [
            Case(shows="a place of 0 sees all alike: the mean of 0 and log 3, the other log 3 three times as much",
                 fields=fields, x=[[[[0.0], [1.0]]], [[[0.0], [log3]]]], parameters=plain,
                 expected=[[[log3 / 2], [log3 * 0.75]]]),
            Case(shows="causal: the first place sees itself alone", fields=fields | {"causal": True},
                 x=[[[[0.0], [1.0]]], [[[5.0], [5.0 + log3]]]], parameters=plain,
                 expected=[[[5.0], [5.0 + log3 * 0.75]]]),
            Case(shows="key and value apart: 3/4 of 4 and 1/4 of 8; two heads are added up",
                 fields=fields | {"num_heads": 2}, x=[[[[1.0]]], [[[4.0], [8.0]]], [[[log3], [0.0]]]],
                 parameters={"query_kernel": [[1.0, 0.0]], "key_kernel": [[1.0, 1.0]], "value_kernel": [[1.0, 1.0]],
                             "output_kernel": [[1.0], [10.0]]}, expected=[[[65.0]]]),
        ]  # fmt: skip
