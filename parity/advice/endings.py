"""What a network puts out: its last activation, and the values that one can take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from parity.activations.linear import Linear
from parity.lazy import np

if TYPE_CHECKING:
    from parity.activations import Activation
    from parity.spec.graph import Layer
    from parity.spec.resolve import Resolved

UNBOUNDED = 100.0
"""An activation that reaches this has no bound on that side."""

UNIT = (0.0, 1.0)
"""Bounds of a probability."""


def last_activation(side: Resolved) -> tuple[str, Activation] | None:
    """Return the path and the activation whose values reach the loss, None where they are any number.

    Layers without parameters that end in no activation (flatten, dropout, pooling) hand values on.
    """
    for layer in side.graph.back(side.last):
        ending = layer.op.ending()
        if ending is not None and not isinstance(ending, Linear):
            return f"layers.{layer.name}.{layer.op.activation_field}", ending
        if layer.parameters:
            return None
    return None


def last_parameters(side: Resolved) -> Layer:
    """Return the last layer with parameters of those that the output comes of, else the one that gives it."""
    return next((layer for layer in (side.last, *reversed(side.graph.ahead(side.last))) if layer.parameters), side.last)


def bounds(activation: Activation) -> tuple[float, float]:
    """Return the smallest and the largest value an activation takes, found by trying; infinite where there is none.

    >>> from parity.activations.tanh import Tanh
    >>> bounds(Tanh())
    (-1.0, 1.0)
    """
    near = np.linspace(-12.0, 12.0, 4801)
    tried = np.concatenate([[-1e6, -1e3], near, [1e3, 1e6]])
    with np.errstate(over="ignore"):  # An exponential has no bound.
        values = activation.forward(np.stack([tried, -tried], axis=-1))  # softmax needs a row of two
    low, high = float(values.min()), float(values.max())
    return (low if low > -UNBOUNDED else -math.inf, high if high < UNBOUNDED else math.inf)
