"""PyTorch's objects as words: parts by the names that people call them by, with what they were told."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn

from parity.frameworks.torch.driver.parts import PARTS
from parity.run.driver.parts import arguments_of


def word(value: Any) -> Any:
    """Return a value as a word (:mod:`parity.run.told`)."""
    if isinstance(value, np.generic):
        value = value.item()  # A number of NumPy's, which may be a Python float as well.
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [word(one) for one in value]
    if isinstance(value, Mapping):
        return {str(name): word(one) for name, one in value.items()}
    if isinstance(value, torch.Tensor) and value.numel() <= 4096:
        found: Any = value.detach().cpu().tolist()
        return found
    if isinstance(value, torch.dtype | torch.device):
        return str(value)
    if isinstance(value, slice):
        return {"slice": [word(value.start), word(value.stop), word(value.step)]}
    return "..." if value is Ellipsis else bare(called(value))


def bare(name: str) -> dict[str, Any]:
    """Return a part of which nothing is told but its name."""
    return {"part": name, "arguments": {}, "own": {}}


def called(value: Any) -> str:
    """Return what people call a class, a function or an object's class."""
    kind = value if inspect.isclass(value) or inspect.isroutine(value) else type(value)
    module, name = str(getattr(kind, "__module__", "")), getattr(kind, "__qualname__", type(kind).__qualname__)
    for before, after in (("torch.nn.modules.", "nn"), ("torch.optim.lr_scheduler", "torch.optim.lr_scheduler"),
                          ("torch.optim.", "torch.optim"), ("torch.nn.functional", "F")):  # fmt: skip
        if module.startswith(before):
            return f"{after}.{name}"
    return f"{module}.{name}"


@cache
def own_of(name: str) -> dict[str, Any]:
    """Return what a part's arguments are by themselves."""
    part = PARTS.found(name)
    return {} if part is None else {key: word(one) for key, one in arguments_of(part)}


def leaf_of(module: nn.Module) -> type | None:
    """Return the class of PyTorch's that a module computes as; None of a program's own, and of what holds others."""
    for kind in type(module).__mro__:
        if kind.__module__.startswith("torch.nn.modules."):
            held = kind.__module__.rpartition(".")[2] in ("container", "transformer", "module")
            return None if held or type(module).forward is not getattr(kind, "forward", None) else kind
    return None


def module_word(module: nn.Module, kind: type) -> dict[str, Any]:
    """Return a module of PyTorch's as a word: what it was made with, as far as it keeps it."""
    name = called(kind)
    if not name.startswith("nn."):
        return bare(name)
    arguments = {}
    for key in inspect.signature(kind).parameters:
        if key in ("device", "dtype", "kwargs", "args") or key.startswith("_"):
            continue
        kept = getattr(module, key, inspect.Parameter.empty)
        if key == "bias" and not isinstance(kept, bool):
            kept = kept is not None and kept is not inspect.Parameter.empty
        if kept is not inspect.Parameter.empty:
            arguments[key] = word(kept)
    if isinstance(module, nn.MultiheadAttention):
        arguments |= {"bias": module.in_proj_bias is not None, "add_bias_kv": module.bias_k is not None}
    if isinstance(module, nn.RNNBase):
        arguments |= {key: word(getattr(module, key)) for key in ("input_size", "hidden_size", "num_layers", "bias",
                      "batch_first", "dropout", "bidirectional", "proj_size")}  # fmt: skip
    return {"part": name, "arguments": arguments, "own": own_of(name)}


def loss_word(part: dict[str, Any]) -> dict[str, Any]:
    """Return a loss as a word; one that PyTorch has no part for is an entry, with its reduction and its broadcast."""
    if "entry" not in part:
        return part
    broadcast = "stretch" if part["seen"]["stretches"] else "align"
    fields = {"reduction": part["arguments"]["reduction"], "broadcast": broadcast}
    return {**part, "entry": {part["entry"]: fields}}


def bound(function: Callable[..., Any], args: Any, kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a function is given, by its arguments' names; those that a signature does not tell are numbered."""
    order = BUILTIN.get(getattr(function, "__name__", ""), ())
    if not order:
        with contextlib.suppress(TypeError, ValueError):
            return dict(inspect.signature(function).bind(*args, **kwargs).arguments)
    named: dict[str, Any] = {}
    for number, one in enumerate(args):
        if number < len(order) and order[number].startswith("*"):
            rest = args[number:]
            named[order[number][1:]] = rest[0] if len(rest) == 1 and isinstance(rest[0], list | tuple) else rest
            break
        named[order[number] if number < len(order) else str(number)] = one
    return named | dict(kwargs)


POOLED = ("input", "kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")

BUILTIN: dict[str, tuple[str, ...]] = {
    **dict.fromkeys((f"max_pool{rank}d" for rank in (1, 2, 3)), POOLED),
    **dict.fromkeys((f"adaptive_max_pool{rank}d" for rank in (1, 2, 3)), ("input", "output_size")),
    "flatten": ("input", "start_dim", "end_dim"), "softmax": ("input", "dim"), "cat": ("tensors", "dim"),
    "concat": ("tensors", "dim"), "concatenate": ("tensors", "dim"), "log_softmax": ("input", "dim"),
    **dict.fromkeys(("mean", "sum", "amax", "max"), ("input", "dim", "keepdim")), "select": ("input", "dim", "index"),
    "narrow": ("input", "dim", "start", "length"),
    "permute": ("input", "*dims"), "transpose": ("input", "dim0", "dim1"), "swapaxes": ("input", "dim0", "dim1"),
    "squeeze": ("input", "dim"), "unsqueeze": ("input", "dim"), "view": ("input", "*shape"),
    "reshape": ("input", "*shape"), "__getitem__": ("input", "index"), "to": ("input", "dtype"),
    "gelu": ("input",), "softplus": ("input", "beta", "threshold"), "hardshrink": ("input", "lambd"),
    "softshrink": ("input", "lambd"),
    "avg_pool1d": ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"),
    **dict.fromkeys(("avg_pool2d", "avg_pool3d"), ("input", "kernel_size", "stride", "padding", "ceil_mode",
                                                   "count_include_pad", "divisor_override")),
    "adaptive_avg_pool1d": ("input", "output_size"), "flip": ("input", "*dims"), "prelu": ("input", "weight"),
    "scaled_dot_product_attention": ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale"),
    "linear": ("input", "weight", "bias"), "addmm": ("input", "mat1", "mat2"),
    **dict.fromkeys((f"conv{rank}d" for rank in (1, 2, 3)), ("input", "weight", "bias", "stride", "padding", "dilation",
                                                             "groups")),
    "swapdims": ("input", "dim0", "dim1"), "feature_dropout": ("input", "p", "train"), "logsigmoid": ("input",),
}  # fmt: skip
"""Arguments of functions whose signature Python cannot tell; ``*`` takes all that follow, or a list of them."""


DECOUPLED = "decoupled_weight_decay"
"""Argument of PyTorch's Adam, NAdam and RAdam that says how they take their decay."""


def optimizer_word(optimizer: Any, group: Mapping[str, Any]) -> dict[str, Any]:
    """Return an optimizer as a word, told what a group of its parameters is told."""
    name = called(type(optimizer))
    unsaid = {"initial_lr", "max_lr", "min_lr", "params", "param_names"}
    apart = bool(group.get(DECOUPLED) and group.get("weight_decay"))  # Taken off the weight, as AdamW's is.
    name = "torch.optim.AdamW" if apart and name == "torch.optim.Adam" else name
    unsaid |= set() if apart and name != "torch.optim.AdamW" else {DECOUPLED}
    arguments = {key: word(one) for key, one in group.items() if key not in unsaid}
    return {"part": name, "arguments": arguments, "own": own_of(name)}
