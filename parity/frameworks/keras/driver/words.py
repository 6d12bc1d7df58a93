"""Keras's objects as words: parts by the names that people call them by, with what they were told."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any

import keras
import numpy as np

from parity.frameworks.keras.driver.parts import PARTS
from parity.run.driver.parts import arguments_of

MODULES = ("layers", "activations", "initializers", "regularizers", "constraints", "losses", "metrics", "optimizers",
           "callbacks", "optimizers.schedules")  # fmt: skip
"""Where Keras's parts are found."""

UNSAID = ("name", "dtype", "seed")
"""What a configuration tells of every part, and no table has: names of their own, types, seeds of numbers that are
dealt from outside."""


def word(value: Any) -> Any:
    """Return a value as a word (:mod:`parity.run.told`)."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [word(one) for one in value]
    if isinstance(value, Mapping):
        if "class_name" in value and "config" in value:
            return _serialized(value)
        return {str(name): word(one) for name, one in value.items()}
    if isinstance(value, np.ndarray) and value.size <= 64:
        return value.tolist()
    return part_word(value)


def part_word(value: Any) -> dict[str, Any]:
    """Return an object of Keras's, or of a program's, as the part that it is."""
    if inspect.isfunction(value) or inspect.isbuiltin(value) or inspect.isclass(value):
        return {"part": _function(value), "arguments": {}, "own": {}}
    name = name_of(type(value))
    if name is None or not hasattr(value, "get_config"):
        return {"part": f"{type(value).__module__}.{type(value).__qualname__}", "arguments": {}, "own": {}}
    return told(name, value.get_config())


def told(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part with its configuration in words.

    Args:
        name: of the part, with its module.
        config: what it tells of itself.
    """
    arguments = {key: _argument(key, one) for key, one in config.items() if key not in UNSAID}
    return {"part": name, "arguments": arguments, "own": owns(name)}


@cache
def owns(name: str) -> dict[str, Any]:
    """Return what a part's arguments are by themselves."""
    return {key: _argument(key, one) for key, one in arguments_of(PARTS.found(name))}


def _argument(name: str, value: Any) -> Any:
    if isinstance(value, str) and name.endswith("activation"):
        return word(keras.activations.get(value))
    if isinstance(value, str) and name.endswith(("initializer", "regularizer", "constraint")):
        module = getattr(keras, f"{name.rpartition('_')[2]}s")
        return word(module.get(value))
    return word(value)


def _function(value: Any) -> str:
    """Return the name of a function: one of Keras's, or a program's own."""
    name = getattr(value, "__name__", "")
    for module in ("activations", "losses", "metrics"):
        if getattr(getattr(keras, module), name, None) is value:
            return f"keras.{module}.{name}"
    own = getattr(keras.ops, name, None)
    if own is value:
        return f"keras.ops.{name}"
    return f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', name)}"


def name_of(kind: type) -> str | None:
    """Return what people call a class of Keras's; None of any other."""
    if not kind.__module__.startswith("keras."):
        return None
    for module in MODULES:
        found: Any = keras
        for one in module.split("."):
            found = getattr(found, one)
        if getattr(found, kind.__name__, None) is kind:
            return f"keras.{module}.{kind.__name__}"
    return None


def _serialized(value: Mapping[str, Any]) -> Any:
    """Return what Keras saves of an object as the word of the object."""
    kind, config = value["class_name"], value["config"]
    if kind == "__tuple__":
        return [word(one) for one in value["items"]] if "items" in value else word(config)
    if kind == "function":
        module = value.get("module") or ""
        if module.startswith("keras") or module == "builtins":
            return word(keras.activations.get(config)) if isinstance(config, str) else {"part": str(config)}
        return {"part": f"{module}.{config}", "arguments": {}, "own": {}}
    module = value.get("module") or ""
    if module.startswith("keras") and isinstance(config, Mapping):
        for one in MODULES:
            if hasattr(_module(one), kind):
                found = name_of(getattr(_module(one), kind))
                if found is not None and found.startswith(module.replace("keras.src", "keras")):
                    return told(found, config)
        return told(f"{module}.{kind}", config)
    return {"part": f"{module or value.get('registered_name') or ''}.{kind}", "arguments": {}, "own": {}}


def _module(name: str) -> Any:
    found: Any = keras
    for one in name.split("."):
        found = getattr(found, one)
    return found


def shortest(part: Any) -> Any:
    """Return an optimizer whose rate is the shortest decimal of the same float32: Keras keeps it as that."""
    rate = part["arguments"].get("learning_rate") if isinstance(part, dict) else None
    if isinstance(rate, float) and float(np.float32(rate)) == rate:
        part["arguments"]["learning_rate"] = float(str(np.float32(rate)))
    return part


@cache
def _loss_classes() -> dict[int, str]:
    """Return the class of loss that each of Keras's functions is the rule of."""
    found = {}
    for kind in vars(keras.losses).values():
        if inspect.isclass(kind) and issubclass(kind, keras.losses.Loss) and kind is not keras.losses.Loss:
            try:
                function = getattr(kind(), "fn", None)
            except TypeError:
                continue
            if function is not None:
                found[id(function)] = str(name_of(kind))
    return found


def loss_word(loss: Any) -> Any:
    """Return a loss as a word: a name and a function stand for the class of the same rule, told nothing."""
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return {"part": f"keras.losses.{loss}", "arguments": {}, "own": {}}
    if id(loss) in _loss_classes():
        name = _loss_classes()[id(loss)]
        return {"part": name, "arguments": {}, "own": owns(name)}
    return word(loss)


def given_losses(loss: Any, weights: Any, outputs: list[str]) -> list[tuple[str, Any, float]]:
    """Return the loss of each output that has one, as a word, and its weight.

    Args:
        loss: as a person compiles a model with it: one, a list, or a dict.
        weights: in the same way.
        outputs: names of the outputs.
    """
    if loss is None:
        return []

    def each(given: Any) -> dict[str, Any]:
        if isinstance(given, dict):
            return given
        if isinstance(given, list | tuple):
            return dict(zip(outputs, given, strict=False))
        return dict.fromkeys(outputs, given)

    losses, factors = each(loss), each(1.0 if weights is None else weights)
    found = []
    for output in outputs:
        one = losses.get(output)
        if one is not None:
            factor = factors.get(output)
            found.append((output, loss_word(one), 1.0 if factor is None else float(factor)))
    return found
