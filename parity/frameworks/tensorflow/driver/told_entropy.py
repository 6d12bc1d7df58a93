"""The cross-entropy as programs of raw TensorFlow write it out: labels times the logarithm of a softmax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from parity.frameworks.tensorflow.driver.chain import OperationChain, number_of
from parity.frameworks.tensorflow.driver.taped import TapedOperation
from parity.run.held_probabilities import held_probabilities

MOST = 1e-6
"""The largest share at which a program may hold probabilities and still have the loss behind the softmax, but there."""


@dataclass(frozen=True)
class WrittenEntropy:
    """A cross-entropy that was written out.

    Args:
        outputs: probabilities, straight from a softmax.
        targets: what is multiplied by their logarithms.
        note: where the program's loss is another than the entry's; empty for nowhere.
    """

    outputs: Any
    targets: Any
    note: str = ""


def written_entropy(chain: OperationChain, op: TapedOperation) -> WrittenEntropy | None:
    """Return the cross-entropy that a product is, ``targets * log(softmax)``; None of another product.

    Args:
        chain: of the operations of a step.
        op: the product, of as many elements as there are rows and classes.
    """
    if op.kind != "Mul":
        return None
    logs = [one for one in op.inputs if _kind(chain, one) == "Log"]
    if len(logs) != 1 or len(logs[0].shape) != 2:
        return None
    targets = op.inputs[1] if op.inputs[0] is logs[0] else op.inputs[0]
    if chain.trains(targets) or list(targets.shape) != list(logs[0].shape):
        return None
    made = chain.producer(logs[0])
    assert made is not None
    low, high, held = 0.0, 1.0, made.inputs[0]
    while (inner := chain.producer(held)) is not None and inner.kind in ("Maximum", "Minimum", "ClipByValue"):
        bounds = [number_of(one) for one in inner.inputs[1:]]
        if any(one.ndim or chain.moves(given) for one, given in zip(bounds, inner.inputs[1:], strict=True)):
            return None
        low = max(low, float(bounds[0])) if inner.kind != "Minimum" else low
        high = min(high, float(bounds[-1])) if inner.kind != "Maximum" else high
        held = inner.inputs[0]
    if _kind(chain, held) != "Softmax" or low > MOST or high < 1.0 - MOST:
        return None
    return WrittenEntropy(held, targets, held_probabilities(low, high))


def _kind(chain: OperationChain, tensor: Any) -> str:
    op = chain.producer(tensor)
    return "" if op is None else op.kind
