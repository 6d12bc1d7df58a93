"""Weights that a program sets by itself before it trains, of which its initializers say nothing.

Source: keras/src/layers/layer.py and keras/src/models/model.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

from parity.errors import shortened
from parity.run.here import line_here

SETTING = ((keras.layers.Layer, "set_weights"), (keras.Model, "load_weights"))
"""What sets all weights of a layer, or of a model."""

MARK = "_parity_set"
"""Where the line that sets a layer's weights is kept."""


@contextmanager
def assigning() -> Iterator[None]:
    """Take note of the layers whose weights are set, until the end."""

    def noting(plain: Callable[..., Any]) -> Callable[..., Any]:
        def setting(layer: Any, *args: Any, **given: Any) -> Any:
            found = plain(layer, *args, **given)
            for one in layer._flatten_layers():
                object.__setattr__(one, MARK, line_here())
            return found

        return setting

    before = [(kind, name, getattr(kind, name)) for kind, name in SETTING]
    for kind, name, plain in before:
        setattr(kind, name, noting(plain))
    try:
        yield
    finally:
        for kind, name, plain in before:
            setattr(kind, name, plain)


def told_of(model: Any) -> list[str]:
    """Return what a reader should know of a model whose weights the program has set, in sentences."""
    lines: dict[str, list[str]] = {}
    for layer in model._flatten_layers(include_self=False):
        place = getattr(layer, MARK, "")
        if place and layer.weights and not list(layer._flatten_layers(include_self=False)):
            lines.setdefault(place, []).append(layer.name)
    return [
        f"The program sets the weights of {shortened(', '.join(names), 60)} itself ({place}); the spec draws them by "
        "its initializers, and --weights live takes them as they are." for place, names in lines.items()
    ]  # fmt: skip
