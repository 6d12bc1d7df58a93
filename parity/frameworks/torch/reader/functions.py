"""Calls of PyTorch's functions as layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from parity.frameworks.torch.reader.attention import attention
from parity.frameworks.torch.reader.layers import (
    FIRST,
    TITLES,
    activation,
    adaptive,
    dropout,
    filled,
    reshaped,
    upsampled,
    windowed,
)
from parity.ops.merging import mergeable
from parity.reading.entries_of import shown_word
from parity.reading.indexed import indexed, sliced, taken
from parity.reading.odd import Passing, Said
from parity.reading.unread import NoEntryError
from parity.run.told import ToldNode

MERGES = {"add": "add", "sub": "subtract", "mul": "multiply", "maximum": "maximum", "minimum": "minimum",
          "max": "maximum", "min": "minimum"}  # fmt: skip
"""Functions of two tensors, and the layers that they are."""

PASSING = frozenset({"contiguous", "clone", "float", "to", "type_as", "positive", "alias", "double"})
"""Functions that give what they are given."""


def function(name: str, node: ToldNode) -> Said | Passing:
    """Return a call of a function as the layer that it is.

    Raises:
        NoEntryError: when no layer is it.
    """
    operands = node.called.get("operands", [])
    plain = name.strip("_").replace("rsub", "sub").replace("radd", "add").replace("rmul", "mul").replace("rdiv", "div")
    if name in PASSING:
        kind = str(node.arguments.get("dtype", "torch.float32"))
        if "float" not in kind and kind not in ("cpu", "cuda"):
            raise NoEntryError(f"a layer that makes {kind} of numbers")
        return Passing()
    if plain.replace("_", "") in TITLES and name != "prelu":
        return activation(TITLES[plain.replace("_", "")], node)
    if name == "scaled_dot_product_attention" and "num_heads" in node.arguments:
        return attention(node)
    if name in ("max", "min") and len(node.reads) == 2:
        return Said(MERGES[name])
    if {"mean", "variance"} <= node.arguments.keys():
        return Said("normalization", dict(node.arguments))
    if name in FUNCTIONS:
        return FUNCTIONS[name](node)
    if name.startswith(("max_pool", "avg_pool")):
        rank = name[-2]
        return windowed(node, f"nn.{'Max' if name[0] == 'm' else 'Avg'}Pool{rank}d")
    if name.startswith("adaptive_"):
        return adaptive(node)
    tensors = [one for one in operands if isinstance(one, Mapping) and "tensor" in one]
    if plain in MERGES and len(node.reads) == 2 == len(tensors) and "alpha" not in node.arguments:
        if not mergeable([tuple(one) for one in node.read_shapes]):
            raise NoEntryError(
                f"a layer that {plain}s tensors of shapes {node.read_shapes[0]} and {node.read_shapes[1]}"
            )
        return Said(MERGES[plain])
    if plain in ("add", "sub", "mul", "div", "neg") and len(node.reads) == 1:
        return _rescaled(plain, name.strip("_").startswith("r"), operands, node)
    others = [shown_word(one) for one in operands if one not in tensors]
    beside = f" with {', '.join(others)}" if others else ""
    raise NoEntryError(node.why or f"a layer that does what {node.part} does{beside}")


def _moved(node: ToldNode) -> Said:
    rank = len(node.shape) + 1
    axes = [*range(rank)]
    if "dims" in node.arguments:
        axes = [int(one) % rank for one in node.arguments["dims"]]
    else:
        first, second = (int(node.arguments[name]) % rank for name in ("dim0", "dim1"))
        axes[first], axes[second] = second, first
    if axes[0] != 0:
        raise NoEntryError("a layer that moves the axis of rows")
    return Said("permute", {"dims": axes[1:]})


def _pooled(node: ToldNode) -> Said:
    """Return a mean or a maximum over all places as a global pooling."""
    name, rank = node.part.rpartition(".")[2], len(node.read_shapes[0])
    axis = node.arguments.get("dim")
    axes = sorted(int(one) % (rank + 1) for one in (axis if isinstance(axis, list) else [] if axis is None else [axis]))
    where = {tuple(range(2, rank + 1)): FIRST, tuple(range(1, rank)): "channels_last"}
    if not 2 <= rank <= 4 or tuple(axes) not in where:
        raise NoEntryError(f"a layer that takes the {name} along axis {axis} of {['rows', *node.read_shapes[0]]}")
    kind = {"mean": "average", "amax": "max", "max": "max"}[name]
    return Said(f"global_{kind}_pooling{rank - 1}d",
                {"keepdims": bool(node.arguments.get("keepdim")), "data_format": where[tuple(axes)]})  # fmt: skip


def _indexed(node: ToldNode) -> Said | Passing:
    """Return what takes places of each row: one without its axis, or those from one to another."""
    if "index" not in node.arguments:
        raise NoEntryError("a layer that takes places whose numbers are computed")
    return indexed(node.arguments["index"], node.read_shapes[0]) or reshaped(node)


def _selected(node: ToldNode) -> Said:
    told = node.arguments
    axis = int(told["dim"]) % (len(node.read_shapes[0]) + 1)
    if not axis:
        raise NoEntryError(f"a layer that does what {node.part} does with rows")
    if "index" in told:
        return taken(axis, int(told["index"]))
    start, length = int(told["start"]), int(told["length"])
    return sliced(axis, start, start + length or None)


def _joined(node: ToldNode) -> Said:
    if any(not (isinstance(one, Mapping) and "tensor" in one) for one in node.called["operands"][0]):
        raise NoEntryError("a layer that puts what is not computed from the input beside what is")
    axis = int(node.arguments.get("dim", 0)) % (len(node.shape) + 1)
    if axis == 0:
        raise NoEntryError("a layer that puts rows behind rows")
    return Said("concatenate", {"axis": axis if axis != len(node.shape) else -1})


LINEAR: dict[str, Callable[[float, bool], tuple[float, float]]] = {
    "add": lambda c, turned: (1.0, c),
    "sub": lambda c, turned: (-1.0, c) if turned else (1.0, -c),
    "mul": lambda c, turned: (c, 0.0),
    "div": lambda c, turned: (1.0 / c, 0.0),
}
"""What an operation with a number makes of a tensor: a scale and an offset; whether the number stands first."""


def _rescaled(plain: str, turned: bool, operands: list[Any], node: ToldNode) -> Said | Passing:
    if plain == "neg":
        return Said("rescaling", {"scale": -1.0})
    numbers = [one for one in operands if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(operands) != 2 or len(numbers) != 1 or (turned and plain == "div"):
        others = ", ".join(shown_word(one) for one in operands if not (isinstance(one, Mapping) and "tensor" in one))
        raise NoEntryError(f"a layer that does what {node.part} does with {others or 'the same tensor twice'}")
    scale, offset = LINEAR[plain](float(numbers[0]), turned)
    if (scale, offset) == (1.0, 0.0):  # What a sum begins with: ``total = 0``.
        return Passing()
    return Said("rescaling", {"scale": scale, "offset": offset})


FUNCTIONS: dict[str, Callable[[ToldNode], Said | Passing]] = {
    **dict.fromkeys(("flatten", "view", "reshape", "squeeze", "unsqueeze", "unflatten", "ravel"), reshaped),
    **dict.fromkeys(("permute", "transpose", "swapaxes", "swapdims"), _moved),
    **dict.fromkeys(("mean", "amax", "max"), _pooled), "__getitem__": _indexed,
    **dict.fromkeys(("select", "narrow"), _selected),
    **dict.fromkeys(("cat", "concat", "concatenate"), _joined),
    **dict.fromkeys(("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"), dropout),
    "pad": filled, "interpolate": upsampled,
}  # fmt: skip
