"""What raw TensorFlow calls operations that are layers, and how it says their sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from parity.run.single_numbers import WHOLE, SingleWords
from parity.run.told import ToldNode

ACTIVATIONS = {
    "Relu": "tf.nn.relu", "Relu6": "tf.nn.relu6", "Elu": "tf.nn.elu", "Selu": "tf.nn.selu", "Tanh": "tf.nn.tanh",
    "Sigmoid": "tf.nn.sigmoid", "Softmax": "tf.nn.softmax", "LogSoftmax": "tf.nn.log_softmax", "Exp": "tf.exp",
    "Softplus": "tf.math.softplus", "Softsign": "tf.nn.softsign", "LeakyRelu": "tf.nn.leaky_relu",
    "tf.nn.gelu": "tf.nn.gelu", "tf.nn.silu": "tf.nn.silu", "tf.nn.swish": "tf.nn.silu",
    "tf.math.log_sigmoid": "tf.math.log_sigmoid",
}  # fmt: skip
"""Operations of one tensor, and what people call them."""

RESHAPES = ("Reshape", "Squeeze", "ExpandDims")

PASSING = ("Identity", "EnsureShape")

SUMS = ("AddV2", "Add", "BiasAdd")

PADDINGS = {"VALID": "valid", "SAME": "same"}

CHANNELS_LAST = ("NWC", "NHWC", "NDHWC")
"""Layouts, of one place, two and three."""

MERGES = {
    "AddV2": "add", "Add": "add", "Sub": "subtract", "Mul": "multiply", "Maximum": "maximum", "Minimum": "minimum",
}  # fmt: skip
"""Operations of two tensors, and the layers that they are."""


def _by_number(node: ToldNode) -> bool:
    """Return whether a layer does the same to each number."""
    if node.part == "activation":
        return str(node.arguments["of"]["part"]) not in ("tf.nn.softmax", "tf.nn.log_softmax")
    return node.part == "rescaling" or node.part in MERGES.values()


SINGLE = SingleWords(
    taking=("tf.strided_slice", {"index": [WHOLE, 0]}), raising=("reshape", {"target_shape": [1]}),
    flattening=("flatten", {}), elementwise=_by_number,
    moving=frozenset({"flatten", "reshape", "tf.strided_slice"}), tables=frozenset({"tf.nn.embedding_lookup"}),
)  # fmt: skip
"""What rows of single numbers go through."""

LINEAR: dict[str, Callable[[float, bool], tuple[float, float]]] = {
    "AddV2": lambda c, ahead: (1.0, c),
    "Add": lambda c, ahead: (1.0, c),
    "Sub": lambda c, ahead: (-1.0, c) if ahead else (1.0, -c),
    "Mul": lambda c, ahead: (c, 0.0),
    "RealDiv": lambda c, ahead: (1.0 / c, 0.0),
}
"""What an operation with a number makes of a tensor: a scale and an offset; whether the number stands ahead."""


def row_of(tensor: Any) -> list[int]:
    """Return the shape of a row."""
    return [int(size) for size in tensor.shape[1:]]


def text_of(value: Any) -> str:
    """Return a text that TensorFlow may have as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)


def padding_of(said: Mapping[str, Any]) -> Any:
    """Return the padding of windows along places, by its name or how many cells there are before and after.

    None of another one, or where channels come first.

    Args:
        said: ``padding``, ``explicit_paddings`` where it is in numbers, and ``data_format``, as TensorFlow says them.
    """
    if text_of(said["data_format"]) not in CHANNELS_LAST:
        return None
    if text_of(said["padding"]) != "EXPLICIT":
        return PADDINGS.get(text_of(said["padding"]))
    cells = [int(one) for one in said.get("explicit_paddings") or ()]
    pairs = [list(pair) for pair in zip(cells[::2], cells[1::2], strict=True)]
    return pairs[1:-1] if len(pairs) > 2 and not any(pairs[0]) and not any(pairs[-1]) else None


def sizes_of(value: Any, rank: int) -> Any:
    """Return sizes along the places, a number for one place: TensorFlow may have those of rows and channels beside."""
    several = [1] if value is None else list(value) if isinstance(value, list | tuple) else [value]
    if len(several) == rank + 2:
        several = several[1:-1]
    found = [int(one) for one in (several * rank if len(several) == 1 else several)]
    return found[0] if rank == 1 else found


def index_of(
    attributes: Mapping[str, Any], begin: Sequence[int], end: Sequence[int], steps: Sequence[int]
) -> list[Any]:
    """Return the index of a ``StridedSlice`` as words: whole numbers, slices, ``"..."`` and None for a new axis.

    Args:
        attributes: of the operation, whose masks have a bit for each part.
        begin: of each part.
        end: of each part.
        steps: of each part.
    """
    found: list[Any] = []
    for number, (first, last, step) in enumerate(zip(begin, end, steps, strict=True)):
        bits = {name: bool(int(attributes.get(f"{name}_mask", 0)) >> number & 1)
                for name in ("begin", "end", "ellipsis", "new_axis", "shrink_axis")}  # fmt: skip
        if bits["ellipsis"]:
            found.append("...")
        elif bits["new_axis"]:
            found.append(None)
        elif bits["shrink_axis"]:
            found.append(int(first))
        else:
            told = [None if bits["begin"] else int(first), None if bits["end"] else int(last), int(step)]
            found.append({"slice": [*told[:2], None if told[2] == 1 else told[2]]})
    return found


def along_last(axes: Any, rank: int) -> bool:
    """Return whether ``tf.tensordot`` goes along the last of as many axes, and the first of the other tensor."""
    if isinstance(axes, int):
        return axes == 1
    first, second = ([int(one) for one in np.ravel(each)] for each in axes)
    return [one % rank for one in first] == [rank - 1] and second in ([0], [-2])
