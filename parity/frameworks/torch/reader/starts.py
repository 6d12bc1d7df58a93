"""How the tensors of PyTorch's modules start, as initializers of a layer's fields."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from parity.catalog import INITIALIZERS, OPS
from parity.reading.entries_of import entry_of
from parity.reading.odd import Passing, Said
from parity.reading.unread import NoEntryError
from parity.run.told import ToldNode, Word

SECOND = {"weight_ih_l0": "weight_hh_l0", "bias_ih_l0": "bias_hh_l0"}
"""Tensors that are kept beside another one."""

KEPT = {"class_token": {"tokens": ("weight", None)},
        **{kind: {"embeddings": ("weight", None)} for kind in ("position_embedding", "segment_embedding")}}  # fmt: skip
"""Where a module keeps the parameters of a layer that no module of PyTorch's is alone."""

ATTENTION = {"in_proj": ("query", "key", "value"), "q_proj": ("query",), "k_proj": ("key",), "v_proj": ("value",),
             "out_proj": ("output",)}  # fmt: skip
"""Tensors of an attention, and what of it they are of."""

FAR = 5.0
"""Deviations from which on a cut of a normal distribution cuts nothing off."""


def parameters_in(kind: str, tensor: str) -> tuple[str, ...]:
    """Return the parameters of a layer that a tensor of a module is, or holds.

    >>> parameters_in("lstm", "bias_hh_l0"), parameters_in("multi_head_attention", "in_proj_bias")
    (('bias',), ('query_bias', 'key_bias', 'value_bias'))

    Args:
        kind: of the layer.
        tensor: its name in the module.
    """
    if kind == "opaque":
        return (tensor,)
    if kind == "multi_head_attention":
        part, _, what = tensor.replace(".", "_").rpartition("_")
        return tuple(f"{one}_{'kernel' if what == 'weight' else what}" for one in ATTENTION.get(part, ()))
    tensor, back = tensor.removesuffix("_reverse"), tensor.endswith("_reverse")
    first = {second: one for one, second in SECOND.items() if one.startswith("bias")}.get(tensor, tensor)
    inner = "lstm" if kind == "bidirectional" else kind  # The three kinds keep tensors under the same names.
    table = OPS[inner].natives["torch"].weights if "torch" in OPS[inner].natives else KEPT.get(inner, {})
    found = [canonical for canonical, (attribute, _) in table.items() if attribute == first]
    if kind == "bidirectional":
        return tuple(f"{'backward' if back else 'forward'}_{one}" for one in found)
    return tuple(found)


def started(node: ToldNode, said: Said | Passing) -> Said | Passing:
    """Return a layer with how its parameters start.

    Raises:
        NoEntryError: when no initializer is that.
    """
    starts = node.arguments.get("starts", {})
    if isinstance(said, Passing) or not starts:
        return said
    entry, fields = OPS[said.kind], dict[str, Any]()
    table = entry.natives["torch"].weights if "torch" in entry.natives else KEPT.get(said.kind, {})
    for canonical, (attribute, _) in table.items():
        field = f"{entry.said_as.get(canonical, canonical)}_initializer"
        word = starts.get(attribute)
        if word is None:
            continue
        if field not in entry.model_fields:
            _check_start(node, said, canonical, initializer_of(word, _feeds(node)))
            continue
        if attribute == "bias_ih_l0":
            word, ones = _without_ones(word, int(node.arguments["hidden_size"]))
            if ones and "unit_forget_bias" in entry.model_fields:
                fields["unit_forget_bias"] = True
        padded = said.kind == "embedding" and said.fields.get("padding_idx") is not None
        if padded and said.fields.get("padding_starts_at_0", True):
            word = _without_padding(word, int(said.fields["padding_idx"]))
        fields[field] = initializer_of(word, _feeds(node))
    return replace(said, fields={**said.fields, **fields})


def _check_start(node: ToldNode, said: Said, canonical: str, start: Mapping[str, Any]) -> None:
    """Check that a parameter whose start no field says starts as its layer has it.

    Raises:
        NoEntryError: when it does not.
    """
    op = OPS[said.kind].model_validate(dict(said.fields))
    kept = op.parameters(tuple(node.read_shapes[0])).get(canonical)
    if kept is not None and start != {kept.initializer.kind: {}}:
        ((kind, fields),) = start.items()
        told = INITIALIZERS[kind].model_validate(dict(fields)).label()
        raise NoEntryError(f"a field of {said.kind} that says that its {canonical} starts as {told}")


def _without_ones(word: Word, units: int) -> tuple[Word, bool]:
    """Return how a bias starts, and whether its forget gate then starts at 1."""
    parts = word.get("parts", [])
    plain = {key: one for key, one in word.items() if key != "parts"}
    if [one["rows"] for one in parts] == [[units, 2 * units]] and _is_level(parts[0]["told"], 1.0):
        return plain, True
    return word, False


def _without_padding(word: Word, row: int) -> Word:
    """Return how a table starts beside its row of padding, which starts at 0."""
    rows = [one for one in word.get("parts", ()) if one["rows"] == [row, row + 1] and _is_level(one["told"], 0.0)]
    return {**word, "parts": [one for one in word["parts"] if one not in rows]} if rows else word


def _is_level(told: Word, value: float) -> bool:
    """Return whether what filled rows, ``nn.init.ones_`` or ``fill_(1.0)``, gave them one value, 0 or 1."""
    name = {0.0: "nn.init.zeros_", 1.0: "nn.init.ones_"}[value]
    if "entry" in told:  # It was measured.
        return bool(told["entry"] == name.removeprefix("nn.init.").removesuffix("_"))
    return told["part"] == name or (
        told["part"] == "nn.init.constant_" and float(told["arguments"].get("val", 0.0)) == value
    )


def _feeds(node: ToldNode) -> int | None:
    """Return how many numbers feed one output of a module; None where that says nothing."""
    told = node.arguments
    if "in_features" in told:
        return int(told["in_features"])
    if "hidden_size" in told:
        return int(told["hidden_size"])
    if "in_channels" in told:
        size = told["kernel_size"]
        inputs = told["out_channels"] if "Transpose" in node.part else told["in_channels"]
        return int(inputs) // int(told.get("groups", 1)) * math.prod(size if isinstance(size, list) else [size])
    return None


def initializer_of(word: Word, feeds: int | None = None) -> Mapping[str, Any]:
    """Return how a tensor starts as the entry that it is.

    Args:
        word: of what filled it.
        feeds: numbers that feed one output of its layer.

    Raises:
        NoEntryError: when none is it.
    """
    if word.get("parts"):
        raise NoEntryError("an initializer that fills a part of a tensor in another way")
    if "entry" in word:  # Its numbers were measured.
        return entry_of(word, "torch", "initializer")
    name, told = word["part"], dict(word.get("arguments", {}))
    if name == "nn.init.constant_" and told.get("val") in (0, 1):
        return {"zeros" if told["val"] == 0 else "ones": {}}
    if name == "nn.init.kaiming_uniform_" and math.isclose(float(told.get("a", 0.0)), math.sqrt(5.0)) and (
        told.get("mode", "fan_in") == "fan_in" and told.get("nonlinearity", "leaky_relu") == "leaky_relu"
    ):  # fmt: skip
        return {"fan_in_uniform": {}}
    if name == "nn.init.uniform_":
        low, high = float(told.get("a", 0.0)), float(told.get("b", 1.0))
        if feeds and low == -high and math.isclose(high, feeds**-0.5, rel_tol=1e-6):
            return {"fan_in_uniform": {}}
    if name == "nn.init.trunc_normal_":
        return _cut(told)
    return entry_of(word, "torch", "initializer")


def _cut(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a normal distribution that PyTorch cuts at two numbers."""
    mean, deviation = float(told.get("mean", 0.0)), float(told.get("std", 1.0))
    low, high = ((float(told.get(name, edge)) - mean) / deviation for name, edge in (("a", -2.0), ("b", 2.0)))
    if low < -FAR and high > FAR:
        return {"random_normal": {"mean": mean, "stddev": deviation}}
    if math.isclose(low, -2.0, rel_tol=1e-6) and math.isclose(high, 2.0, rel_tol=1e-6):
        return {"truncated_normal": {"mean": mean, "stddev": deviation}}
    raise NoEntryError(f"a truncated_normal cut at {low:g} and {high:g} deviations")
