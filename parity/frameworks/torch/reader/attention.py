"""Attention as a layer, PyTorch's module or written out: four kernels, of which three may be kept as one matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parity.catalog import INITIALIZERS
from parity.frameworks.torch.reader.starts import initializer_of
from parity.reading.drawn_by import drawn_as, said_exactly
from parity.reading.entries_of import shown_word
from parity.reading.odd import Said
from parity.reading.unread import NoEntryError
from parity.run.told import ToldNode, Word

KIND = "multi_head_attention"

TOLD = ("roles", "causal")
"""What a watcher tells of a call that a layer can be called with."""

PACKED = 3
"""Matrices that are one: those of query, key and value."""


def attention(node: ToldNode) -> Said:
    """Return an attention as the layer that it is.

    Raises:
        NoEntryError: when none is it.
    """
    told, called = {**node.own, **node.arguments}, dict(node.called)
    if not told.get("batch_first"):
        what = "it takes its first axis for the places (batch_first=False), and is given the rows first"
        raise NoEntryError(f"an attention between the rows of a batch: {what}")
    for name in ("add_bias_kv", "add_zero_attn"):
        if told.get(name):
            raise NoEntryError(f"a field of {KIND} that says {name}=True")
    if "key_padding_mask" in called:
        raise NoEntryError(f"a mask of {KIND} that hides keys alone, and no queries (key_padding_mask)")
    other = next(((name, value) for name, value in called.items() if name not in TOLD), None)
    if other is not None:
        raise NoEntryError(f"a field of {KIND} that says that it is called with {other[0]}={shown_word(other[1])}")
    size, heads = int(told["embed_dim"]), int(told["num_heads"])
    wide = int(told.get("key_dim", size // heads))
    fields: dict[str, Any] = {"num_heads": heads, "key_dim": wide, "use_bias": bool(told["bias"]),
                              "dropout": float(told["dropout"]), "causal": bool(called.get("causal"))}  # fmt: skip
    if told.get("value_dim", wide) != wide:
        fields["value_dim"] = int(told["value_dim"])
    fields |= {name: told[name] for name in ("scale", "output_bias") if name in told}
    return Said(KIND, fields | _starts(node, size), _kept(node, called["roles"]))


def _kept(node: ToldNode, roles: Sequence[int | None]) -> tuple[int, ...]:
    """Return the numbers of what is read as a spec has them: query, value and key, as far as these are others."""
    if None in roles:
        raise NoEntryError(f"a field of {KIND} that says what it reads that is not computed from the input")
    query, key, value = (int(one) for one in roles if one is not None)
    reads = [node.reads[one] for one in (query, value, key)]
    return (query, value, key) if reads[2] != reads[1] else (query, value) if reads[1] != reads[0] else (query,)


def _starts(node: ToldNode, size: int) -> dict[str, Any]:
    """Return how the parameters start.

    A kernel of a spec has fans of its own, PyTorch's initializers go by those of the matrix that they fill. So a rule
    that scales by fans is said by the numbers that it comes to.
    """
    starts: Mapping[str, Word] = node.arguments.get("starts", {})
    feeds = [size, int(node.arguments["kdim"]), int(node.arguments["vdim"])]
    value = node.arguments.get("value_dim")
    inner = size if value is None else int(value) * int(node.arguments["num_heads"])
    found: dict[str, Any] = {}
    kernels = _of_each(starts, "weight")
    if kernels:
        packed = "in_proj_weight" in starts and not _apart(starts["in_proj_weight"])
        wide = node.arguments.get("wide", [PACKED * size if packed else size] * PACKED)
        every = [_in_numbers(one, *fans) for one, *fans in zip(kernels, feeds, wide, strict=True)]
        if any(one != every[0] for one in every):
            raise NoEntryError(f"fields of {KIND} that start the kernels of query, key and value in different ways")
        found["kernel_initializer"] = every[0]
    if "out_proj.weight" in starts:
        output = _in_numbers(starts["out_proj.weight"], inner, size)
        if output != found.get("kernel_initializer"):
            found["output_initializer"] = output
    told = [*zip(_of_each(starts, "bias"), feeds, strict=False)]
    told += [(starts["out_proj.bias"], inner)] if "out_proj.bias" in starts else []
    biases = [initializer_of(*one) for one in told]
    if any(one != biases[0] for one in biases):
        raise NoEntryError(f"fields of {KIND} that start the biases in different ways")
    return found | ({"bias_initializer": biases[0]} if biases else {})


def _of_each(starts: Mapping[str, Word], what: str) -> list[Word]:
    """Return how the kernels, or the biases, of query, key and value start; nothing where they have none.

    Of two that are one tensor only the first is told.
    """
    whole = starts.get(f"in_proj_{what}")
    if whole is not None:
        return _apart(whole) or [whole] * PACKED
    found: list[Word] = []
    for part in "qkv":
        one = starts.get(f"{part}_proj_{what}", found[-1] if found else None)
        if one is not None:
            found.append(one)
    return found if len(found) == PACKED else []


def _apart(whole: Word) -> list[Word]:
    """Return what filled the rows of query, key and value in a packed tensor, each by itself; nothing for another."""
    parts = {tuple(one["rows"]): one["told"] for one in whole.get("parts", ())}  # The last of the same rows.
    size = min((stop for _, stop in parts), default=0)
    thirds = [(number * size, (number + 1) * size) for number in range(PACKED)]
    return [parts[rows] for rows in thirds] if set(parts) == set(thirds) else []


def _in_numbers(word: Word, fan_in: int, fan_out: int) -> Any:
    """Return how a matrix (in, out) starts, without a rule of its fans."""
    ((kind, fields),) = initializer_of(word, fan_in).items()
    if kind == "fan_in_uniform":  # What feeds an output is the same.
        return {kind: dict(fields)}
    entry = INITIALIZERS[kind].model_validate(dict(fields))
    if not entry.random or "stddev" in fields or "minval" in fields or "maxval" in fields:
        return {kind: dict(fields)}
    drawn = drawn_as(entry, (fan_in, fan_out), fan_in=fan_in, fan_out=fan_out)
    if drawn is None:
        raise NoEntryError(f"an initializer of {KIND} that fills three kernels as one by {kind}")
    plain = said_exactly(drawn[0], 0.0, drawn[1], {})
    return {plain: {}} if isinstance(plain, str) else plain
