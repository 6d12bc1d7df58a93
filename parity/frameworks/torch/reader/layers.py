"""PyTorch's modules as layers, where a table does not read them by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from parity.catalog import ACTIVATIONS, OPS
from parity.frameworks.torch.reader.attention import attention
from parity.frameworks.torch.reader.starts import started
from parity.reading.entries_of import entry_of, shown_word
from parity.reading.odd import Passing, Said
from parity.reading.unread import NoEntryError
from parity.run.told import ToldNode

TITLES = {part.title.lower(): part.title for one in ACTIVATIONS.values() if (part := one.natives.get("torch"))}
"""Modules that are activations, by what the functions that do the same are called."""

FIRST = "channels_first"

POOLS = {"dilation": 1, "ceil_mode": False, "return_indices": False, "divisor_override": None}
"""What a pooling is told by itself, whose function does not tell it."""

UNTOLD = ("starts", "training", "inplace", "return_indices")
"""What a watcher tells beside what a module was made with."""


def module_of(node: ToldNode) -> Said | Passing:
    """Return a call of a module as a layer.

    Raises:
        NoEntryError: when it is none.
    """
    family, _, name = node.part.partition(".")
    if family != "nn":
        raise NoEntryError(f"a layer that is {node.part}")
    if name in ATTENTIONS:
        return ATTENTIONS[name](node)
    if node.called:
        key, value = next(iter(node.called.items()))
        raise NoEntryError(f"a field that says that it is called with {key}={shown_word(value)}")
    return started(node, _module(name, node))


def _plain(node: ToldNode, part: str, drop: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """Return a module as a word, without what is told beside it."""
    told = {key: one for key, one in node.arguments.items() if key not in (*UNTOLD, *drop)}
    return {"part": part, "arguments": {**told, **more}, "own": node.own}


def _module(name: str, node: ToldNode) -> Said | Passing:
    if name in MODULES:
        return MODULES[name](node)
    if name in TITLES.values() and name != "PReLU":
        return activation(name, node)
    return _entry(node, _plain(node, node.part))


def _entry(node: ToldNode, word: Mapping[str, Any], **more: Any) -> Said:
    """Return a module that a table reads, with what only the shapes of its tensors tell."""
    ((kind, fields),) = entry_of(word, "torch", "op").items()
    known = OPS[kind].model_fields
    if "data_format" in known and kind != "flatten":
        fields = {**fields, "data_format": FIRST}
    return Said(kind, {**fields, **more})


def activation(title: str, node: ToldNode) -> Said:
    """Return an activation as a layer; a softmax goes along the last axis."""
    axis = node.arguments.get("dim", -1)
    along = title in ("Softmax", "LogSoftmax", "Softmin")
    if along and axis not in (-1, len(node.shape)) and not (axis is None and len(node.shape) == 1):
        raise NoEntryError(f"a {title} along axis {axis} of {['rows', *node.shape]}")
    word = _plain(node, f"nn.{title}", ("dim", "dtype"))
    return Said("activation", {"function": entry_of(word, "torch", "activation")})


def windowed(node: ToldNode, part: str | None = None) -> Said:
    """Return a convolution or a pooling: its padding is told in numbers."""
    told = {**node.own, **{key: one for key, one in node.arguments.items() if one is not None or key != "stride"}}
    rank = len(node.shape) - 1
    if rank < 1:
        raise NoEntryError(f"a {node.part} of {node.read_shapes[0]}")
    padding, dilation = told.get("padding", 0), told.get("dilation", 1)
    size = told["kernel_size"]
    strides = told.get("stride") or (size if "Pool" in (part or node.part) or "pool" in node.part else 1)
    said = padding if isinstance(padding, str) else _padded(padding, size, strides, dilation, rank, node)
    drop = ("padding", *(("stride",) if node.arguments.get("stride") is None else ()))
    word = _plain(node, part or node.part, drop)
    return _entry(node, {**word, "own": {**POOLS, **word["own"]}}, padding=said)


def _padded(padding: Any, size: Any, strides: Any, dilation: Any, rank: int, node: ToldNode) -> Any:
    """Return zeros around an input as a field says them: by name where they are what it means."""
    cells, sizes, steps, apart = (_each(one, rank) for one in (padding, size, strides, dilation))
    if not any(cells):
        return "valid"
    windows = [(one - 1) * far + 1 for one, far in zip(sizes, apart, strict=True)]
    lengths = zip(cells, windows, steps, strict=True)
    if "Conv" in node.part and all(step == 1 and 2 * one == window - 1 for one, window, step in lengths):
        return "same"
    return cells[0] if len(set(cells)) == 1 else [[one, one] for one in cells]


def _each(value: Any, rank: int) -> list[int]:
    found = list(value) if isinstance(value, list | tuple) else [value] * rank
    return found * rank if len(found) == 1 else found


def _transposed(node: ToldNode) -> Said:
    """Return a transposed convolution: by its name what is cut off, or in numbers; it must not add to its ends."""
    rank = len(node.shape) - 1
    told = {**node.own, **node.arguments}
    cut, more, sizes, steps = (_each(told[key], rank) for key in ("padding", "output_padding", "kernel_size", "stride"))
    word = _plain(node, node.part, ("padding", "output_padding"))
    axes = list(zip(sizes, steps, strict=True))
    over = [max(size - step, 0) for size, step in axes]
    # Of each axis PyTorch cuts off as much at both ends, and adds to the second; others add what a stride is longer.
    ends = [[a, a - b + max(step - size, 0)] for a, b, (size, step) in zip(cut, more, axes, strict=True)]
    if not any(map(any, ends)):
        return _entry(node, word, padding="valid")
    if ends == [[one // 2, one - one // 2] for one in over]:
        return _entry(node, word, padding="same")
    if min(map(min, ends)) >= 0:
        return _entry(node, word, padding=ends)
    raise NoEntryError(f"a padding of a transposed convolution that says padding={cut}, output_padding={more}")


def _batch_norm(node: ToldNode) -> Said:
    affine = node.arguments.get("affine", True)
    more: dict[str, Any] = {} if affine else {"center": False, "scale": False}
    if len(node.read_shapes[0]) > 1:
        more |= {"axis": 1}
    if not node.arguments.get("training", True):
        more |= {"freeze_statistics": True}
    elif not node.trainable:
        more |= {"freeze_statistics": False}
    return _entry(node, _plain(node, node.part.rstrip("123d")), **more)


def _scaled(node: ToldNode) -> Said:
    """Return a normalization that scales, or does not."""
    name = node.part.rpartition(".")[2]
    affine = bool(node.arguments.get("elementwise_affine", node.arguments.get("affine", True)))
    more: dict[str, Any] = {"center": affine and bool(node.arguments.get("bias", True)), "scale": affine}
    shape = node.arguments.get("normalized_shape")
    if shape is not None and len(shape) > 1:
        more["axis"] = [*range(-len(shape), 0)]
    if name.startswith(("Group", "Instance")) and len(node.read_shapes[0]) > 1:
        more["axis"] = 1
    if name == "RMSNorm":
        if not affine or (shape is not None and len(shape) > 1):
            raise NoEntryError("a rms_norm of one axis that scales")
        more = {}
    return _entry(node, _plain(node, node.part.rstrip("123d"), ("bias",)), **more)


def dropout(node: ToldNode) -> Said | Passing:
    """Return a dropout; one that is off in training hands on what it is given."""
    if not node.arguments.get("training", True) or not node.arguments.get("train", True):
        return Passing()
    name = node.part.rpartition(".")[2].replace("_", "").lower()
    titles = {"dropout": "Dropout", "dropout1d": "Dropout1d", "dropout2d": "Dropout2d", "dropout3d": "Dropout3d",
              "alphadropout": "AlphaDropout"}  # fmt: skip
    if name not in titles:
        raise NoEntryError(f"a layer that is {node.part}")
    if name == "dropout2d":  # Of fewer axes it drops what is there of a channel: nn/functional, dropout2d, torch 2.
        name = {1: "dropout", 2: "dropout1d"}.get(len(node.shape), name)
    return _entry(node, _plain(node, f"nn.{titles[name]}", ("train",)))


def adaptive(node: ToldNode) -> Said:
    """Return an adaptive pooling; to one place, it is a global one that keeps the axes."""
    kind = "average" if "avg" in node.part.lower() else "max"
    rank, size = len(node.shape) - 1, node.arguments["output_size"]
    if set(_each(size, rank)) == {1}:
        return Said(f"global_{kind}_pooling{rank}d", {"keepdims": True, "data_format": FIRST})
    if kind == "max":
        raise NoEntryError(f"a layer that is {node.part} to {size}")
    return _entry(node, _plain(node, f"nn.AdaptiveAvgPool{rank}d"))


def reshaped(node: ToldNode) -> Said | Passing:
    """Return what only moves the numbers of a row as the layer that it is."""
    before = node.read_shapes[0]
    if math.prod(node.shape) != math.prod(before):
        raise NoEntryError(f"a reshape that mixes rows, of {before} to {node.shape}")
    if node.shape == before:
        return Passing()
    return Said("flatten") if len(node.shape) == 1 and before else Said("reshape", {"target_shape": node.shape})


def filled(node: ToldNode) -> Said:
    """Return a padding with zeros of the axes behind the channels."""
    cells = node.arguments.get("pad", node.arguments.get("padding"))
    told = {**node.own, **node.arguments}
    if (
        told.get("mode", "constant") != "constant"
        or told.get("value") not in (None, 0, 0.0)
        or not isinstance(cells, list)
    ):
        raise NoEntryError(f"a layer that pads with mode={told.get('mode')}, value={told.get('value')}")
    rank = len(node.shape) - 1
    if len(cells) > 2 * rank or rank not in (1, 2, 3):
        raise NoEntryError(f"a layer that pads {cells} around {node.read_shapes[0]}")
    whole = [*cells, *[0] * (2 * rank - len(cells))]
    less = min(whole) < 0
    if less and max(whole) > 0:
        raise NoEntryError(f"a layer that pads {cells}, at one end more and at another less than nothing")
    edges = [[abs(whole[2 * one]), abs(whole[2 * one + 1])] for one in reversed(range(rank))]
    said: Any = edges[0] if rank == 1 else edges
    kind, field = ("cropping", "cropping") if less else ("zero_padding", "padding")
    return Said(f"{kind}{rank}d", {field: said, "data_format": FIRST})


def upsampled(node: ToldNode) -> Said:
    """Return a layer that makes an image larger, whole times."""
    rank = len(node.shape) - 1
    sizes = [b / a for a, b in zip(node.read_shapes[0][1:], node.shape[1:], strict=True)]
    if any(one != int(one) for one in sizes):
        raise NoEntryError(f"a layer that makes {node.shape} of {node.read_shapes[0]}")
    mode, corners = node.arguments.get("mode", "nearest"), bool(node.arguments.get("align_corners"))
    said = [int(one) for one in sizes]
    fields: dict[str, Any] = {"size": said[0] if len(set(said)) == 1 else said, "data_format": FIRST}
    if mode == "nearest" and rank in (1, 2, 3):
        return Said(f"up_sampling{rank}d", fields)
    if mode == "bilinear" and rank == 2:
        return Said("up_sampling2d", fields | {"interpolation": mode} | ({"align_corners": True} if corners else {}))
    raise NoEntryError(f"a layer that is {node.part} with mode={mode}")


def _recurrent(node: ToldNode) -> Said:
    """Return a recurrent module of one direction; a watcher says what of its states is read."""
    if not node.arguments.get("batch_first"):
        what = "it takes its first axis for the steps (batch_first=False), and is given the rows first"
        raise NoEntryError(f"a recurrent layer along the rows of a batch: {what}")
    drop = ("dropout", "return_sequences", "bidirectional", "num_layers", "numbered", "one_bias")
    if int(node.arguments.get("num_layers", 1)) > 1:
        raise NoEntryError(f"a field of the layer that says num_layers={node.arguments['num_layers']}")
    fields = {"return_sequences": bool(node.arguments.get("return_sequences", True))}
    said = _entry(node, _plain(node, node.part, drop), **fields)
    both = node.arguments.get("bias", True) and not node.arguments.get("one_bias")
    more = {"two_biases": True} if said.kind in ("lstm", "simple_rnn") and both else {}
    if said.kind == "lstm":
        more["unit_forget_bias"] = False
    found = replace(said, fields={**said.fields, **more})
    if not node.arguments.get("bidirectional"):
        return found
    inner = started(node, found)
    assert isinstance(inner, Said)
    return Said("bidirectional", {"layer": {inner.kind: dict(inner.fields)}})


DRAWN = "padding_starts_at_0"
"""What is told of an embedding whose row of padding starts at other numbers."""


def _table(node: ToldNode) -> Said:
    """Return an embedding, one of positions where it is added at its places, or what is put in front of a sequence."""
    if node.arguments.get("ahead"):
        return Said("class_token", {"tokens": int(node.arguments["num_embeddings"])})
    if "segment" in node.arguments:
        if node.arguments.get("padding_idx") is not None:
            raise NoEntryError("a field of segment_embedding that says padding_idx")
        segments, segment = (int(node.arguments[one]) for one in ("num_embeddings", "segment"))
        return Said("segment_embedding", {"segments": segments, **({"segment": segment} if segment else {})})
    word = _plain(node, node.part, ("places", DRAWN))
    if not node.arguments.get("places"):
        return _entry(node, word, **({DRAWN: False} if DRAWN in node.arguments else {}))
    ((_, fields),) = entry_of(word, "torch", "op").items()
    if fields.get("padding_idx") is not None:
        raise NoEntryError("a field of position_embedding that says padding_idx")
    rows, length = int(node.arguments["num_embeddings"]), node.shape[0]
    return Said("position_embedding", {"sequence_length": rows} if rows != length else {})


def _identity(node: ToldNode) -> Passing:
    del node
    return Passing()


MODULES: dict[str, Callable[[ToldNode], Said | Passing]] = {
    **dict.fromkeys((f"{kind}{rank}d" for kind in ("Conv", "MaxPool", "AvgPool") for rank in (1, 2, 3)), windowed),
    **dict.fromkeys((f"ConvTranspose{rank}d" for rank in (1, 2, 3)), _transposed),
    **dict.fromkeys((f"BatchNorm{rank}d" for rank in (1, 2, 3)), _batch_norm),
    **dict.fromkeys(("LayerNorm", "GroupNorm", "RMSNorm", *(f"InstanceNorm{rank}d" for rank in (1, 2, 3))), _scaled),
    **dict.fromkeys(("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout"), dropout),
    **dict.fromkeys((f"Adaptive{kind}Pool{rank}d" for kind in ("Avg", "Max") for rank in (1, 2, 3)), adaptive),
    **dict.fromkeys((f"{kind}Pad{rank}d" for kind in ("Zero", "Constant") for rank in (1, 2, 3)), filled),
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _recurrent),
    "Identity": _identity, "Embedding": _table, "Flatten": reshaped, "Unflatten": reshaped, "Upsample": upsampled,
    "UpsamplingNearest2d": upsampled,
}  # fmt: skip
"""Modules that a table does not read by itself."""

ATTENTIONS: dict[str, Callable[[ToldNode], Said]] = {"MultiheadAttention": attention}
"""Modules that are called with more than what they read, and start parameters that no table has."""
