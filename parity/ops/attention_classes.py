"""Classes of programs that attention is made of where a framework has none that means it."""

from __future__ import annotations

from parity.code import Helper

TORCH = Helper(
    name="MultiHeadAttention",
    source='''
class MultiHeadAttention(nn.Module):
    """Attention with a projection for each of query, key and value, as Keras has it."""

    def __init__(self, sizes, heads, key_dim, value_dim, bias=True, causal=False,
                 output_bias=None, scale=None):
        super().__init__()
        query, key, value = sizes
        self.heads, self.causal, self.scale = heads, causal, scale
        self.query = nn.Linear(query, heads * key_dim, bias)
        self.key = nn.Linear(key, heads * key_dim, bias)
        self.value = nn.Linear(value, heads * value_dim, bias)
        self.output = nn.Linear(heads * value_dim, query, bias if output_bias is None else output_bias)

    def forward(self, query, value=None, key=None):
        value = query if value is None else value
        key = value if key is None else key
        parts = (self.query(query), self.key(key), self.value(value))
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        x = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal, scale=self.scale)
        return self.output(x.transpose(1, 2).flatten(2))
''',
)

WRITTEN_OUT = Helper(
    name="WrittenOutAttention",
    source='''
class WrittenOutAttention(nn.Module):
    """Attention as Keras has it, by masks of its places and with dropout of its weights.

    A place that sees none sees all alike; F.scaled_dot_product_attention would give it 0.
    """

    def __init__(self, sizes, heads, key_dim, value_dim, bias=True, causal=False,
                 dropout=0.0, output_bias=None, scale=None):
        super().__init__()
        query, key, value = sizes
        self.heads, self.causal, self.scale = heads, causal, scale or key_dim**-0.5
        self.query = nn.Linear(query, heads * key_dim, bias)
        self.key = nn.Linear(key, heads * key_dim, bias)
        self.value = nn.Linear(value, heads * value_dim, bias)
        self.output = nn.Linear(heads * value_dim, query, bias if output_bias is None else output_bias)
        self.dropout = nn.Dropout(dropout)

    def forward(self, query, value=None, key=None, query_mask=None, value_mask=None, key_mask=None):
        if value is None:
            value, value_mask = query, query_mask
        key = value if key is None else key
        parts = (self.query(query), self.key(key), self.value(value))
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        scores = q @ k.transpose(2, 3) * self.scale
        seen = torch.ones_like(scores, dtype=torch.bool)
        if query_mask is not None:
            seen = seen & query_mask[:, None, :, None]
        for mask in (value_mask, key_mask):
            if mask is not None:
                seen = seen & mask[:, None, None, :]
        if self.causal:
            seen = seen.tril()
        shares = scores.masked_fill(~seen, torch.finfo(scores.dtype).min).softmax(-1)
        if self.dropout.p > 0.0:
            shares = self.dropout(shares.masked_fill(~seen, 0.0))
        return self.output((shares @ v).transpose(1, 2).flatten(2))
''',
)

KERAS = '''
class {name}(keras.layers.MultiHeadAttention):
    """MultiHeadAttention {what}."""
'''
"""Keras's layer with something put right; its methods follow."""

INIT = """
    def __init__(self, *sizes, {told}, **more):
        super().__init__(*sizes, **more)
"""

KEPT = {
    "output_initializer": "keras.initializers.get(output_initializer)", "factor": "factor",
    "output_bias": "output_bias",
}  # fmt: skip
"""What a class is told beside what Keras's layer is, and what it keeps of that."""

BUILD = """
    def build(self, query_shape, value_shape, key_shape=None):
        super().build(query_shape, value_shape, key_shape)
"""

START = """        kernel = self.output_dense.kernel
        kernel.assign(self.output_initializer(kernel.shape, kernel.dtype))
"""

STAY = "        self.trainable = False  # told so, its own lets what it is made of move\n"

KEEPING = """
    def call(
        self, query, value, key=None, query_mask=None, value_mask=None, key_mask=None, attention_mask=None,
        return_attention_scores=False, training=None, use_causal_mask=False,
    ):
        read = [one for one in (query, value, key) if getattr(one, "_keras_mask", None) is not None]
        masks = [one._keras_mask for one in read]
        found = super().call(
            query, value, key, query_mask=query_mask, value_mask=value_mask, key_mask=key_mask,
            attention_mask=attention_mask, return_attention_scores=return_attention_scores, training=training,
            use_causal_mask=use_causal_mask,
        )
        for one, mask in zip(read, masks):
            one._keras_mask = mask
        return found
"""

SCALED = """
    def _compute_attention(self, query, *args, **more):
        return super()._compute_attention(query * self.factor, *args, **more)
"""

BIASED = """
    def _make_output_dense(self, *args, **more):
        others, self._use_bias = self._use_bias, self.output_bias
        made = super()._make_output_dense(*args, **more)
        self._use_bias = others
        return made
"""

OF_NONE = """
    def _compute_attention(self, query, key, value, attention_mask=None, *args, **more):
{factor}        # A place that sees none sees all alike, with no slope, as on TensorFlow.
        if attention_mask is not None:
            some = keras.ops.any(attention_mask, axis=-1)
            attention_mask = attention_mask | ~some[..., None]
            query = keras.ops.where(some[:, :, None, None], query, 0.0)
        return super()._compute_attention(query, key, value, attention_mask, *args, **more)
"""


def keras_class(
    *, frozen: bool, apart: bool, keeping: bool, of_none: bool, scaled: bool = False, output_bias: bool = False
) -> Helper | None:
    """Return Keras's layer with what it does otherwise put right; None where nothing is to be.

    Args:
        frozen: what it is made of stays as it starts.
        apart: its output's kernel starts in a way of its own.
        keeping: the masks stay on what it reads; its own takes them off, so that a residual sum behind it has none.
        of_none: what a place that sees none gets is to be put right.
        scaled: its scores are multiplied by something else.
        output_bias: whether its output has a bias is said apart.
    """
    what = [
        *(["that stays"] if frozen else []),
        *(["whose output kernel starts in a way of its own"] if apart else []),
        *(["whose scores are multiplied by a number of its own"] if scaled else []),
        *(["whose output is told apart whether it has a bias"] if output_bias else []),
        *(["that leaves the masks on what it reads, for a residual sum behind it"] if keeping else []),
    ]
    if not what:
        return None
    kept = "MaskKeepingAttention" if keeping else "MultiHeadAttention"
    name = "Frozen" * frozen + "Apart" * apart + "Scaled" * scaled + "Biased" * output_bias + kept + "OfNone" * of_none
    source = KERAS.format(name=name, what=", and ".join(what))
    told = [one for one, there in zip(KEPT, (apart, scaled, output_bias), strict=True) if there]
    if told:
        source += INIT.format(told=", ".join(told)) + "".join(f"        self.{one} = {KEPT[one]}\n" for one in told)
    source += BUILD * (frozen or apart) + START * apart + STAY * frozen + BIASED * output_bias
    factor = "        query = query * self.factor\n" if scaled else ""
    return Helper(
        name=name,
        source=source + KEEPING * keeping + OF_NONE.format(factor=factor) * of_none + SCALED * (scaled and not of_none),
    )
