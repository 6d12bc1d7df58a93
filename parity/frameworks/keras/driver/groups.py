"""Which variables Keras's optimizers leave out of the weight decay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import keras

from parity.frameworks.keras.driver.own_layers import names_in
from parity.run.told import DECAY_OF_GROUP, Told

DECAYING, BARE = 0, 1
"""Numbers of the two groups."""


def tell_groups(told: Told, optimizer: Any, layers: Mapping[str, Any]) -> None:
    """Tell which variables an optimizer leaves out of the decay, where it leaves out some.

    Args:
        told: takes it.
        optimizer: of the program.
        layers: of each call and node that is a layer's, the layer.
    """
    decay = float(getattr(optimizer, "weight_decay", None) or 0.0)
    every = [one for layer in layers.values() for one in layer.trainable_variables]
    bare = {id(one) for one in every if not _decays(optimizer, one)} if decay else set()
    if not bare:
        return
    told.groups = [{DECAY_OF_GROUP: decay}, {DECAY_OF_GROUP: 0.0}]  # By number.
    for node in told.nodes:
        node.groups = _numbers(layers.get(node.name), bare)
    for call in told.calls:
        call.groups = _numbers(layers.get(call.name), bare)


def _numbers(layer: Any, bare: Iterable[int]) -> dict[str, int]:
    if layer is None:
        return {}
    moving = {id(one) for one in layer.trainable_variables}
    return {name: BARE if id(one) in bare else DECAYING for name, one in names_in(layer).items() if id(one) in moving}


def _decays(optimizer: Any, variable: Any) -> bool:
    """Return whether a variable decays: on TensorFlow Keras looks at what lies behind it, whose name is its path."""
    on_tensorflow = keras.config.backend() == "tensorflow"
    return bool(optimizer._use_weight_decay(variable.value if on_tensorflow else variable))


def exclusions(optimizer: Any) -> dict[str, Any]:
    """Return what an optimizer keeps of the variables that it leaves out: a configuration does not have it."""
    names = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")
    return {name: getattr(optimizer, name) for name in names if getattr(optimizer, name, None)}
