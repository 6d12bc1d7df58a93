"""How large the outputs of each layer are at step 0, measured on the first rows.

The layers are those of the NumPy reference, with the initial values that a run starts from. A tensor of more than a
million weights is not drawn whole, which would take most of the time: its rows are windows into one block of drawn
numbers, begun at random places, and only the size of what comes out is looked at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from parity.activations.linear import Linear
from parity.lazy import np
from parity.rows import apart
from parity.run import randomness
from parity.run.initial import initial_value, initial_weight
from parity.tensors import parameter

if TYPE_CHECKING:
    from parity.activations import Activation
    from parity.code import Parameter
    from parity.data.dataset import Dataset
    from parity.spec.graph import Layer
    from parity.spec.resolve import Resolved

ROWS = 16
"""Rows at most; more would not change the size of a mean over thousands of values."""

FLAT = 1e-3
"""An activation is flat where its slope is this small a part of the largest it has."""

WORK = 2 << 30
"""Multiplications at most, about a second; fewer rows are taken where they would be more."""

DRAWN = 1 << 20
"""Weights of a tensor that are drawn one by one; of a larger one so many are, and used again."""

LARGEST = 1 << 28
"""Weights of a tensor beyond which nothing is measured: a gigabyte of memory."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The size of what one layer takes in and gives, as root mean squares.

    Args:
        layer: its name.
        read: of its inputs.
        given: of its outputs before the activation.
        bias: of its bias, 0 without one.
        held: a batch normalisation follows, which brings the outputs back to 1.
        sampled: its weights were not drawn one by one.
        flat: share of its outputs at which its activation is flat: a sigmoid's near 0 and 1, a relu's at 0.
    """

    layer: str
    read: float
    given: float
    bias: float = 0.0
    held: bool = False
    sampled: bool = False
    flat: float = 0.0

    @property
    def gain(self) -> float:
        """How much larger the outputs are than the inputs."""
        return self.given / self.read if self.read > 0.0 else 0.0


@dataclass(frozen=True, kw_only=True)
class Scales:
    """The sizes in one network.

    Args:
        inputs: root mean square of what the network is given.
        rows: that were looked at.
        layers: those with parameters, in order.
    """

    inputs: float
    rows: int
    layers: tuple[Scale, ...]


def measure(side: Resolved, data: Dataset) -> Scales | None:
    """Return the sizes at step 0, in training without dropout; None for a network too large to try, or opaque in part.

    Args:
        side: what is measured.
        data: rows that fit the model.
    """
    if too_large(side) or any(layer.op.at_home for layer in side.graph.layers):
        return None
    training, graph = side.config.training, side.graph
    layers = side.layers()
    count = min(ROWS, max(WORK // max(multiplications(layers), 1), 2), len(data.x))
    order = randomness.row_order(training.seed, 0, len(data.x), training.shuffle)
    values = [one.astype(np.float32) for one in apart(data.x[order[:count]], side.graph.packed)]
    inputs, found = size(data.x[order[:count]]), []
    with np.errstate(all="ignore"):  # What overflows is what is looked for.
        for index, layer in enumerate(layers):
            # A large kernel would else be copied into float64.
            read = [values[place].astype(np.float32) for place in graph.feeds[index]]
            owner = layer if layer.owns else graph.by_name[layer.owner]
            names = {name: parameter(owner.name, name) for name in owner.parameters} | layer.op.borrowed()
            tensors = {
                name: _started(side, one, graph.parameters[one]).astype(np.float32, copy=False)
                for name, one in names.items()
            }
            ending, op = layer.op.ending(), layer.op
            bare = op if ending is None or isinstance(ending, Linear) else op.without_activation()
            given, _ = bare.trained(op.given(read), tensors)
            if tensors and layer.owns:
                found.append(
                    Scale(
                        layer=layer.name,
                        read=size(read[0]),
                        given=size(given),
                        bias=size(tensors["bias"]) if "bias" in tensors else 0.0,
                        held=is_held(graph.chain_from(layer)),
                        sampled=any(math.prod(one.shape) > DRAWN for one in layer.parameters.values()),
                        flat=0.0 if bare is op or ending is None else flat_share(ending, given),
                    )
                )
            values.append(given if bare is op or ending is None else ending.forward(given))
    return Scales(inputs=inputs, rows=count, layers=tuple(found))


def flat_share(activation: Activation, values: np.ndarray) -> float:
    """Return the share of values at which an activation is flat; 0 for one of several numbers, a softmax.

    Args:
        activation: any.
        values: what it is given.
    """
    if not activation.elementwise:
        return 0.0
    step = 1e-4

    def slope(z: np.ndarray) -> np.ndarray:
        return np.abs(activation.forward(z + step) - activation.forward(z - step)) / (2.0 * step)

    return float(np.mean(slope(values.astype(np.float64)) < FLAT * np.max(slope(np.linspace(-6.0, 6.0, 121)))))


def too_large(side: Resolved) -> bool:
    """Return whether a network has a tensor too large to be tried."""
    return any(math.prod(one.shape) > LARGEST for one in side.parameters().values())


def size(values: np.ndarray) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def is_held(after: list[Layer]) -> bool:
    """Return whether what a layer gives reaches a batch normalisation before anything that its size matters to.

    Args:
        after: the layers behind it.
    """
    for layer in after:
        if layer.op.rescales:
            return True
        ending = layer.op.ending()
        if layer.parameters or (ending is not None and not isinstance(ending, Linear)):
            return False
    return False


def multiplications(layers: list[Layer]) -> int:
    """Return how many multiplications a row costs: each weight of a kernel once at every place of the output."""
    return sum(
        math.prod(parameter.shape) * math.prod(layer.output_shape) // parameter.shape[-1]
        for layer in layers
        for parameter in layer.parameters.values()
    )


def _started(side: Resolved, name: str, one: Parameter) -> np.ndarray:
    """Return what a parameter starts from, or a stand-in of the same size for a large one that is drawn."""
    training = side.config.training
    return drawn(training.seed, name, one) if training.initial_weights is None else initial_weight(side, name)


def drawn(seed: int, name: str, parameter: Parameter) -> np.ndarray:
    """Return the initial value of a parameter, or a stand-in of the same size for one that is large.

    Args:
        seed: of the run.
        name: ``layer.parameter``.
        parameter: its shape, fans and initializer.
    """
    *window, last = parameter.shape
    if math.prod(parameter.shape) <= DRAWN or not parameter.initializer.random:
        return initial_value(seed, name, parameter)
    rows = math.prod(window)
    block = replace(parameter, shape=(max(DRAWN // last, 2), last))
    pool = initial_value(seed, name, block).astype(np.float32).reshape(-1)
    starts = (randomness.uniform(seed, f"{name} rows", (rows,)) * (len(pool) - last)).astype(np.int64)
    return np.lib.stride_tricks.sliding_window_view(pool, last)[starts].reshape(parameter.shape)
