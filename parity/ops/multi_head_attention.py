"""multi_head_attention: every place of a sequence looks at places of another one, or of its own, with several heads."""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, PositiveFloat, PositiveInt

from parity.code import Case, Helper, KerasCode, Parameter, Site, TensorFlowCode, TorchCode, TorchWeight
from parity.constraints import AnyConstraint
from parity.entries import Shape, read_in
from parity.initializers import AnyInitializer
from parity.initializers.glorot_uniform import GlorotUniform
from parity.initializers.zeros import Zeros
from parity.lazy import differentiable as np
from parity.native import Native, same
from parity.ops import HELD, Op, ShapeError, check_constraints
from parity.ops.attention_classes import TORCH, WRITTEN_OUT, keras_class
from parity.regularizers import AnyRegularizer

if TYPE_CHECKING:
    from parity.code import Arrays

PARTS = ("query", "key", "value", "output")


class MultiHeadAttention(Op):
    """y = sum_h softmax(q_h k_h^T / sqrt(key_dim)) v_h O_h + b, q_h = query Q_h + b, k and v from key and value alike.

    Vaswani et al., "Attention is all you need" (2017). Reads ``[query, value, key]``, (N, T, E) and twice (N, S, E);
    value and key may be left out: key is value then, and value the query. ``causal``: a place sees itself and those
    before it. ``dropout``, in training, drops what a place gives a place, and scales the rest up.

    Of masks, a place that counts sees places that count; one that does not sees none, and so all alike, a mean of v, or
    with ``dropout`` 0, as Keras's layer does on TensorFlow. The query's mask goes on. Keras's layer takes the masks off
    what it reads, so that in a residual sum the mask is lost: the program's keeps them (docs/findings.md).

    Keras keeps kernels as (E, heads, key_dim), and takes the fans of such a kernel from its last two axes
    times E, so that glorot_uniform starts them narrower than a dense layer's. ``nn.MultiheadAttention`` has one matrix
    (3E, E) for all three, which xavier_uniform starts as such, an output kernel that starts as ``nn.Linear`` does,
    heads * key_dim = E and no value_dim: the PyTorch program has a module of its own on
    ``F.scaled_dot_product_attention``.
    """

    kind: ClassVar[str] = "multi_head_attention"
    uses_mask: ClassVar[bool] = True
    rate_fields: ClassVar[tuple[str, ...]] = ("dropout",)
    ports: ClassVar[tuple[str, ...]] = ("query", "value", "key")
    optional: ClassVar[int] = 2
    started: ClassVar = tuple(f"{part}_{name}" for part in PARTS for name in ("kernel", "bias"))
    said_as: ClassVar = {f"{part}_{name}": name for part in PARTS for name in ("kernel", "bias")}
    source: ClassVar = read_in(
        keras="layers/attention/multi_head_attention", tensorflow="ops/nn_ops", torch="nn/functional"
    )  # fmt: skip
    natives: ClassVar = {
        "keras": Native("keras.layers.MultiHeadAttention",
                        same("num_heads", "key_dim", "value_dim", "use_bias", "dropout", *HELD),
                        leading=("num_heads", "key_dim"), own={"use_bias": True, "value_dim": None, "dropout": 0.0}),
    }  # fmt: skip

    num_heads: PositiveInt = Field(description="how many heads")
    key_dim: PositiveInt = Field(description="size of a head's query and key")
    value_dim: PositiveInt | None = Field(default=None, description="size of a head's value; key_dim if not said")
    causal: bool = Field(default=False, description="a place does not see those behind it")
    use_bias: bool = Field(default=True, description="add a bias to each projection")
    output_bias: bool | None = Field(default=None, description="the same of the output; as the others if not said")
    scale: PositiveFloat | None = Field(
        default=None, description="what scores are multiplied by; 1 / sqrt(key_dim) if not said"
    )
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = Field(
        default=0.0, description="share of the weights between places that is dropped in training"
    )
    kernel_initializer: AnyInitializer = Field(default=GlorotUniform(), description="how the kernels start")
    output_initializer: AnyInitializer | None = Field(
        default=None, description="how the kernel of the output starts; as the others if not said"
    )
    bias_initializer: AnyInitializer = Field(default=Zeros(), description="how the biases start")
    kernel_regularizer: AnyRegularizer | None = Field(default=None, description="what each kernel adds to the loss")
    bias_regularizer: AnyRegularizer | None = Field(default=None, description="what each bias adds to the loss")
    kernel_constraint: AnyConstraint | None = Field(default=None, description="what each kernel is held to")
    bias_constraint: AnyConstraint | None = Field(default=None, description="what each bias is held to")

    @classmethod
    def about(cls, field: str) -> tuple[str, str]:
        return ("output_kernel", "initializer") if field == "output_initializer" else super().about(field)

    @classmethod
    def field_of(cls, parameter: str, said: str) -> str:
        apart = (parameter, said) == ("output_kernel", "initializer")
        return "output_initializer" if apart else super().field_of(parameter, said)

    @property
    def draws(self) -> bool:  # type: ignore[override]
        """Whether it drops any."""
        return self.dropout > 0.0

    def mask_shape(self, shape: Any) -> Shape:
        """Return (heads, places, places that they look at)."""
        query, value, _ = self._three(shape)
        return (self.num_heads, query[0], value[0])

    def mask_of(self, masked: Sequence[bool], shapes: Sequence[Shape]) -> str:
        return "query_mask" if masked[0] else ""

    def inert(self, field: str, other: Any, shape: Shape) -> str:
        """Say when an output kernel whose start is not said starts as it would be told to."""
        if field == "output_bias" and (self.use_bias if other is None else other) == self.biased("output"):
            return "the output has a bias either way" if self.biased("output") else "the output has none either way"
        if field == "scale" and math.isclose(other or self.key_dim**-0.5, self._scale, rel_tol=1e-12):
            return "scores are multiplied by the same either way"
        starts = self.output_initializer or self.kernel_initializer
        alike = field == "output_initializer" and (other or self.kernel_initializer) == starts
        return "the output's kernel starts as the others either way" if alike else ""

    def biased(self, part: str) -> bool:
        """Return whether a projection, one of :data:`PARTS`, adds a bias."""
        return self.output_bias if part == "output" and self.output_bias is not None else self.use_bias

    @property
    def _scale(self) -> float:
        return self.key_dim**-0.5 if self.scale is None else self.scale

    @staticmethod
    def _parts(masks: Sequence[Any]) -> tuple[Any, Any, Any]:
        """Return the masks of query, value and key that it goes by; a key that is no other tensor brings none."""
        return masks[0], masks[1] if len(masks) > 1 else masks[0], masks[2] if len(masks) > 2 else None

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
        for field in ("kernel_constraint", "bias_constraint"):
            if hasattr(getattr(self, field), "axis"):
                raise ShapeError(
                    f"{field} of multi_head_attention: a norm along axes is another one where heads are an axis, as "
                    "Keras has them; only non_neg holds the same to it everywhere"
                )
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
        return found | ({"output_bias": (query,)} if self.biased("output") else {})

    def parameters(self, shape: Any) -> dict[str, Parameter]:
        """Return four kernels (in, out) and, with ``use_bias``, their biases; heads stand side by side."""
        found: dict[str, Parameter] = {}
        feeds = 0
        for name, kept in self.shaped(shape).items():
            said = name.partition("_")[2]
            flat: Shape = kept
            if len(kept) == 3:
                flat = (kept[0] * kept[1], kept[2]) if name == "output_kernel" else (kept[0], kept[1] * kept[2])
            # As Keras's compute_fans has it: of three axes, the first is a window.
            window = kept[0] if len(kept) == 3 else 1
            fans = (math.prod(kept), math.prod(kept)) if said == "bias" else (window * kept[1], window * kept[2])
            starts = getattr(self, f"{said}_initializer")
            if name == "output_kernel" and self.output_initializer is not None:
                starts = self.output_initializer
            if said == "kernel":
                feeds = flat[0]  # The bias behind it is fed by as many.
            found[name] = Parameter(
                shape=(math.prod(kept),) if said == "bias" else flat, fan_in=fans[0], fan_out=fans[1],
                feeds=feeds, initializer=starts,
                regularizer=getattr(self, f"{said}_regularizer"), constraint=getattr(self, f"{said}_constraint"),
            )  # fmt: skip
        return found

    def _seen(self, places: int, others: int) -> Any:
        """Return which of the others each place sees, (N, 1, places, others), as far as that goes; None where all."""
        query, value, key = self._parts(self._steps) if self._steps is not None else (None,) * 3
        found = [] if query is None else [query[:, None, :, None]]
        found += [one[:, None, None, :] for one in (value, key) if one is not None]
        found += [np.tril(np.ones((places, others))) > 0] if self.causal else []
        return functools.reduce(operator.and_, found) if found else None

    def forward(self, x: Any, p: Arrays, mask: Any = None) -> Any:
        query, value, key = self._three(x)

        def projected(part: str, x: Any) -> Any:
            made = np.matmul(x, p[f"{part}_kernel"])
            return made + p[f"{part}_bias"] if self.biased(part) else made

        q, k, v = (
            np.reshape(projected(part, one), (len(one), one.shape[1], self.num_heads, -1))
            for part, one in (("query", query), ("key", key), ("value", value))
        )
        scores, seen = np.einsum("nthd,nshd->nhts", q, k) * self._scale, self._seen(q.shape[1], k.shape[1])
        shares = np.exp(np.log_softmax(scores if seen is None else np.where(seen, scores, -1e300)))
        if self.draws and seen is not None:
            shares = np.where(seen, shares, 0.0)
        shares = shares if mask is None else shares * mask * (1.0 / (1.0 - self.dropout))
        mixed = np.einsum("nhts,nshd->nthd", shares, v)
        return projected("output", np.reshape(mixed, (len(query), query.shape[1], -1)))

    def keras(self, site: Site) -> KerasCode:
        query, *rest = (f"{{{name}}}" for name in site.arguments)
        given = [query, *(rest or [query]), *(["use_causal_mask=True"] if self.causal else [])]
        kept = self.shaped(site.input_shapes)
        places = {name: f"{name.partition('_')[0]}_dense.{name.partition('_')[2]}" for name in kept}
        helper = self._keras_class(site)
        name, helpers = (helper.name, (helper,)) if helper is not None else ("", ())
        more = {} if self.scale is None else {"factor": repr(self.scale * math.sqrt(self.key_dim))}
        more |= {"output_bias": repr(self.output_bias)} if self._output_apart else {}
        layer = self.keras_layer(site, name, **more)
        return KerasCode(layer=layer, called=", ".join(given), helpers=helpers, weights=places, shapes=kept)

    def keras_trainable(self) -> None:
        """Leave it to itself: Keras's layer, told so, lets what it is made of move; a class in its place does not."""

    @property
    def _output_apart(self) -> bool:
        return self.biased("output") != self.use_bias

    def _keras_class(self, site: Site) -> Helper | None:
        """Return the class where Keras's own would do something else; None where it would not."""
        keeps = any(site.masked)
        return keras_class(
            frozen=not self.trainable, apart=self.output_initializer is not None, keeping=keeps,
            of_none=keeps and not self.draws and site.framework == "keras_torch",
            scaled=self.scale is not None, output_bias=self._output_apart,
        )  # fmt: skip

    def tensorflow(self, site: Site) -> TensorFlowCode:
        query, value, key = self._three(site.arguments)
        (length, _), (places, _), _ = self._three(site.input_shapes)
        wide = self._sizes()[1]

        def projected(part: str, x: str) -> str:
            made = f"tf.matmul({x}, self.{site.name}_{part}_kernel)"
            return f"{made} + self.{site.name}_{part}_bias" if self.biased(part) else made

        def heads(part: str, x: str, long: int) -> str:
            return f"tf.reshape({projected(part, x)}, (-1, {long}, {self.num_heads}, {self._width(part)}))"

        seen = self._tensorflow_seen(site)
        shares = "tf.nn.softmax(scores)"
        dropped = [
            f"shares = {shares}",
            *(["shares = tf.where(seen, shares, tf.zeros_like(shares))"] if any(site.masked) else []),
            f"shares = tf.nn.dropout(shares, rate={self.dropout!r}) if training else shares",
        ]
        body = (
            f"q = {heads('query', query, length)}",
            f"k = {heads('key', key, places)}",
            f"v = {heads('value', value, places)}",
            f'scores = tf.einsum("nthd,nshd->nhts", q, k) * {self._scale!r}',
            *seen,
            *(dropped if self.draws else []),
            f'x = tf.einsum("nhts,nshd->nthd", {"shares" if self.draws else shares}, v)',
            f"x = tf.reshape(x, (-1, {length}, {wide}))",
            f"return {projected('output', 'x')}",
        )
        doc = f"{self.num_heads} heads of {self.key_dim}."
        return TensorFlowCode(body=body, doc=doc, training=self.draws)

    def _tensorflow_seen(self, site: Site) -> list[str]:
        """Return the lines that keep a place from what it does not see; none where it sees all."""
        names = [self.mask_argument(name) if there else None
                 for name, there in zip(site.arguments, site.masked, strict=False)]  # fmt: skip
        query, *others = self._parts(names) if any(names) else (None, None, None)
        told = [f"{query}[:, None, :, None]"] if query else []
        told += [f"{one}[:, None, None, :]" for one in others if one]
        told += ["tf.linalg.band_part(tf.ones(scores.shape[2:], tf.bool), -1, 0)"] if self.causal else []
        if not told:
            return []
        comment = "  # what is not behind" if told[0].startswith("tf.") else ""
        return [f"seen = {' & '.join(told)}{comment}", "scores = tf.where(seen, scores, scores.dtype.min)"]

    def _width(self, part: str) -> int:
        return (self.value_dim or self.key_dim) if part == "value" else self.key_dim

    def torch(self, site: Site) -> TorchCode:
        query, value, key = (one[-1] for one in self._three(site.input_shapes))
        kind = WRITTEN_OUT if any(site.masked) or self.draws else TORCH
        told = [f"({query}, {key}, {value})", str(self.num_heads), str(self.key_dim), str(self._width("value"))]
        told += ([] if self.use_bias else ["bias=False"]) + (["causal=True"] if self.causal else [])
        told += [f"output_bias={self.output_bias}"] if self._output_apart else []
        told += [] if self.scale is None else [f"scale={self.scale!r}"]
        told += [f"dropout={self.dropout!r}"] if self.draws else []
        weights = {}
        for name in self.shaped(site.input_shapes):
            part, _, said = name.partition("_")
            axes = None if said == "bias" else (1, 0)
            attribute = f"{site.name}.{part}.{'bias' if said == 'bias' else 'weight'}"
            weights[name] = TorchWeight(attribute=attribute, axes=axes)
        masks = [f"{self.mask_argument(name)}={self.mask_argument(name)}"
                 for name, there in zip(site.arguments, site.masked, strict=False) if there]  # fmt: skip
        return TorchCode(
            modules={site.name: f"{kind.name}({', '.join(told)})"}, weights=weights, output=site.name,
            forward=f"self.{site.name}({', '.join([*site.arguments, *masks])})", helpers=(kind,),
            part=(0,),  # nn.MultiheadAttention gives what places give each other, too.
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
            Case(shows="a scale of a half: the other log 3 counts sqrt(3) times as much",
                 fields=fields | {"scale": 0.5}, x=[[[[0.0], [1.0]]], [[[0.0], [log3]]]], parameters=plain,
                 expected=[[[log3 / 2], [log3 * 3**0.5 / (1 + 3**0.5)]]]),
            Case(shows="a bias of the output alone", fields=fields | {"output_bias": True},
                 x=[[[[0.0], [0.0]]], [[[2.0], [6.0]]]], parameters=plain | {"output_bias": [1.0]},
                 expected=[[[5.0], [5.0]]]),
            Case(shows="causal: the first place sees itself alone", fields=fields | {"causal": True},
                 x=[[[[0.0], [1.0]]], [[[5.0], [5.0 + log3]]]], parameters=plain,
                 expected=[[[5.0], [5.0 + log3 * 0.75]]]),
            Case(shows="of masks: the first place sees the second alone, the second, which does not count, all alike",
                 fields=fields, x=[[[[0.0], [1.0]]], [[[0.0], [6.0]]]], steps=[[[True, False]], [[False, True]]],
                 parameters=plain, expected=[[[6.0], [3.0]]]),
            Case(shows="in training, what is kept of the weights is doubled; a place that sees none gets 0",
                 fields=fields | {"dropout": 0.5}, x=[[[[0.0], [0.0]]], [[[2.0], [6.0]]]],
                 steps=[[[True, False]], None], mask=[[[[True, False], [True, True]]]], parameters=plain,
                 expected=[[[2.0], [0.0]]]),
            Case(shows="key and value apart: 3/4 of 4 and 1/4 of 8; two heads are added up",
                 fields=fields | {"num_heads": 2}, x=[[[[1.0]]], [[[4.0], [8.0]]], [[[log3], [0.0]]]],
                 parameters={"query_kernel": [[1.0, 0.0]], "key_kernel": [[1.0, 1.0]], "value_kernel": [[1.0, 1.0]],
                             "output_kernel": [[1.0], [10.0]]}, expected=[[[65.0]]]),
        ]  # fmt: skip
