"""Losses of a raw TensorFlow program that are written out, as far as they go element by element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from parity.frameworks.tensorflow.driver.chain import OperationChain, is_tensor, number_of
from parity.frameworks.tensorflow.driver.replay import TapeReplay
from parity.run.decimals import decimal_of
from parity.run.made_up_errors import elements_of
from parity.run.told import Word


@dataclass(frozen=True)
class WrittenErrors:
    """A loss of each element, written out.

    Args:
        outputs: tensor that it reads.
        targets: tensor that this should be.
        elements: what it makes of numbers that are made up.
    """

    outputs: Any
    targets: Any
    elements: Word


def written_errors(chain: OperationChain, tensor: Any) -> WrittenErrors | None:
    """Return the loss of each element that a tensor is; None where it is made of more than outputs and targets.

    Args:
        chain: of the operations of a step.
        tensor: of the losses, which are put together behind it.
    """
    outputs, targets = _met(chain, tensor)
    if outputs is None or not len(outputs.shape):
        return None
    within = {id(one) for tensors in (outputs, targets) for one in chain.needed(tensors)}
    behind = [one for one in chain.needed(tensor) if id(one) not in within]
    made = {id(outputs), id(targets), *(id(one) for op in behind for one in op.outputs)}
    if any(chain.moves(one) and id(one) not in made for op in behind for one in op.inputs if is_tensor(one)):
        return None  # It reads variables, or more than these two.
    numbers = [one for op in behind for one in op.inputs if chain.producer(one) is None and _is_number(one)]
    replay = TapeReplay(chain, {}, tf.float64)

    def computed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        known = {id(outputs): tf.constant(x), id(targets): tf.constant(y)}
        return np.asarray(replay.run(behind, known)[id(tensor)])

    shapes = [[int(size) for size in one.shape] for one in (outputs, targets)]
    try:
        elements = elements_of(shapes, computed, [decimal_of(float(number_of(one))) for one in numbers])
    except (ValueError, tf.errors.OpError):
        return None
    return None if elements is None else WrittenErrors(outputs, targets, elements)


def _met(chain: OperationChain, tensor: Any) -> tuple[Any, Any]:
    """Return the last two tensors that meet, one trained and the other data, where an error is made of them."""
    for op in reversed(chain.needed(tensor)):
        trained = [one for one in op.inputs if is_tensor(one) and chain.trains(one)]
        data = [one for one in op.inputs if is_tensor(one) and not chain.trains(one) and chain.moves(one)]
        if len(trained) == 1 == len(data) and len(op.inputs) == 2:
            return (trained[0], data[0]) if op.kind in ("Sub", "SquaredDifference") else (None, None)
    return None, None


def _is_number(tensor: Any) -> bool:
    return not len(tensor.shape) and tf.as_dtype(tensor.dtype).is_floating
