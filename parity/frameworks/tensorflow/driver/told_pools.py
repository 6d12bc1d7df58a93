"""Poolings and paddings of raw TensorFlow, told as layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from parity.frameworks.tensorflow.driver.chain import arguments_of, number_of
from parity.frameworks.tensorflow.driver.told_words import padding_of, sizes_of

if TYPE_CHECKING:
    from parity.frameworks.tensorflow.driver.taped import TapedOperation
    from parity.frameworks.tensorflow.driver.told_graph import TapedGraph


def averaged(graph: TapedGraph, op: TapedOperation) -> bool:
    """Tell a pooling over all places."""
    x, kind = op.inputs[0], {"Mean": "average", "Max": "max"}[op.kind]
    rank = len(x.shape)
    axes = sorted(int(one) % rank for one in np.ravel(number_of(op.inputs[1])))
    if axes != [*range(1, rank - 1)] or not 3 <= rank <= 5:
        return False
    part = f"global_{kind}_pooling{rank - 2}d"
    return graph._node(op, part, [x], part, function=True, keepdims=bool(op.attributes.get("keep_dims")))


def pooled(graph: TapedGraph, op: TapedOperation) -> bool:
    """Tell a pooling of windows."""
    kind = "average" if "avg" in op.kind.lower() else "max"
    if op.call is None:
        said, rank = op.attributes, 3 if "3D" in op.kind else 2
    else:
        said, rank = arguments_of(op), 1
    padding = padding_of(said)
    if padding is None:
        return False
    size, strides = sizes_of(said["ksize"], rank), sizes_of(said["strides"], rank)
    part = f"{kind}_pooling{rank}d"
    return graph._node(op, part, [op.inputs[0]], part, function=True, pool_size=size, padding=padding,
                      strides=None if strides == size else strides)  # fmt: skip


def padded(graph: TapedGraph, op: TapedOperation) -> bool:
    """Tell zeros around places."""
    pads = number_of(op.inputs[1]).tolist()
    rank = len(pads) - 2
    if rank not in (1, 2, 3) or any(pads[0]) or any(pads[-1]):
        return False
    if len(op.inputs) > 2 and float(number_of(op.inputs[2])) != 0.0:
        return False
    part = f"zero_padding{rank}d"
    return graph._node(op, part, [op.inputs[0]], part, function=True, padding=pads[1:-1] if rank > 1 else pads[1])
