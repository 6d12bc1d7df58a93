"""Keras's objects as words: parts by the names that people call them by, with what they were told."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from functools import cache
from operator import attrgetter
from typing import Any

import keras
import numpy as np

from parity.frameworks.keras.driver.parts import PARTS
from parity.run.decimals import decimal_of
from parity.run.driver.parts import arguments_of

MODULES = ("layers", "activations", "initializers", "regularizers", "constraints", "losses", "metrics", "optimizers",
           "callbacks", "optimizers.schedules")  # fmt: skip
"""Where Keras's parts are found."""

FUNCTIONS = ("activation", "recurrent_activation")
"""Attributes of layers that are functions."""

OPERATIONS = ("keras.src.ops.", "keras.src.activations.")
"""Where the classes of Keras's operations stand."""

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
    if isinstance(value, slice):
        return {"slice": [word(value.start), word(value.stop), word(value.step)]}
    if value is Ellipsis:
        return "..."
    if isinstance(value, np.ndarray) and value.size <= 64:
        return value.tolist()
    return part_word(value)


def part_word(value: Any) -> dict[str, Any]:
    """Return an object of Keras's, or of a program's, as the part that it is."""
    name = name_of(type(value))
    if name is not None and hasattr(value, "get_config"):
        return configured(name, value)
    if callable(value) and not inspect.isclass(value):
        return _function(value)
    kind = value if inspect.isclass(value) else type(value)
    return bare(name or f"{kind.__module__}.{kind.__qualname__}")


def bare(name: str) -> dict[str, Any]:
    """Return a part of which nothing is told but its name."""
    return {"part": name, "arguments": {}, "own": {}}


def configured(name: str, value: Any) -> dict[str, Any]:
    """Return a part of Keras's with its configuration in words.

    A function of a program's own cannot always be saved, nor then what holds it: it is told by itself.

    Args:
        name: of the part, with its module.
        value: the object.
    """
    own = {key: one for key in FUNCTIONS if inspect.isfunction(one := getattr(value, key, None)) and _name(one) is None}
    try:
        for key in own:
            object.__setattr__(value, key, keras.activations.linear)
        found = told(name, {**_passed_on(value), **value.get_config()})
    finally:
        for key, one in own.items():
            object.__setattr__(value, key, one)
    found["arguments"] |= {key: word(one) for key, one in own.items()}
    return found


def _passed_on(value: Any) -> dict[str, Any]:
    """Return what an object passes on to its function: the configuration of ``Huber`` leaves ``delta`` out."""
    known = inspect.signature(type(value).__init__).parameters
    return {key: one for key, one in getattr(value, "_fn_kwargs", {}).items() if key in known}


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


def _function(value: Any) -> dict[str, Any]:
    """Return a function as a part: one of Keras's, told what a program's own tells it, or a program's own."""
    name = _name(value)
    if name is not None:
        return bare(name)
    below = _of_tensorflow(value)
    if below is not None:
        return below
    try:
        graph = keras.Function([tensor := keras.KerasTensor((None, 3))], value(tensor))
        operations = [node.operation for nodes in graph._nodes_by_depth.values() for node in nodes if not node.is_input]
    except Exception:  # What a program's own function does with such a tensor is its own affair.
        operations = []
    if len(operations) == 1 and operations[0] is not None:
        inner = operation_name(operations[0]).replace("keras.ops.", "keras.activations.")
        if PARTS.found(inner) is not None:
            return {"part": inner, "arguments": attributes(operations[0]), "own": owns(inner)}
    return bare(f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', type(value).__qualname__)}")


def _of_tensorflow(value: Any) -> dict[str, Any] | None:
    """Return a function of TensorFlow's, which may stand where Keras takes an activation; None of any other."""
    found: Any = sys.modules.get("tensorflow")
    for module in ("nn", "math") if found is not None else ():
        for name, one in sorted(vars(getattr(found, module)).items()):
            if one is value and callable(one):
                own = {
                    key: word(said.default)
                    for key, said in inspect.signature(one).parameters.items()
                    if said.default is not said.empty and key not in UNSAID
                }
                return {**bare(f"tf.{module}.{name}"), "own": own, "framework": "tensorflow"}
    return None


def operation_name(operation: Any) -> str:
    """Return what people call a layer or an operation."""
    known, kind = name_of(type(operation)), type(operation)
    if known is not None:
        return known
    if kind.__module__.startswith(OPERATIONS):
        snake = keras.src.utils.naming.to_snake_case(kind.__name__)
        return f"keras.ops.{next((name for name in (kind.__name__.lower(), snake) if hasattr(keras.ops, name)), snake)}"
    return f"{kind.__module__}.{kind.__qualname__}"


def attributes(operation: Any) -> dict[str, Any]:
    """Return what an operation was told, as far as it keeps it."""
    own = {name: one for name, one in vars(operation).items() if not name.startswith("_") and name != "name"}
    return {name: word(one) for name, one in own.items()}


def _name(value: Any) -> str | None:
    """Return what people call a function of Keras's; None of any other."""
    name = getattr(value, "__name__", "")
    for module in ("activations", "losses", "metrics"):
        if getattr(getattr(keras, module), name, None) is value:
            return f"keras.{module}.{name}"
    own = getattr(keras.ops, name, None)
    return f"keras.ops.{name}" if own is value and own is not None else None


def name_of(kind: type) -> str | None:
    """Return what people call a class of Keras's; None of any other."""
    if not kind.__module__.startswith("keras."):
        return None
    for module in MODULES:
        found: Any = keras
        for one in module.split("."):
            found = getattr(found, one)
        known = getattr(found, kind.__name__, None)
        # A backend may make its own of an optimizer, under the same name.
        if known is kind or (kind.__module__.startswith("keras.src.backend.") and known in kind.__mro__):
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
        below = _of_tensorflow(getattr(sys.modules.get(module), str(config), None))
        return below if below is not None else bare(f"{module}.{config}")
    module = value.get("module") or ""
    if module.startswith("keras") and isinstance(config, Mapping):
        for one in MODULES:
            home = attrgetter(one)(keras)
            if hasattr(home, kind):
                found = name_of(getattr(home, kind))
                if found is not None and found.startswith(module.replace("keras.src", "keras")):
                    return told(found, config)
        return told(f"{module}.{kind}", config)
    return bare(f"{module or value.get('registered_name') or ''}.{kind}")


def optimizer_word(optimizer: Any) -> dict[str, Any]:
    """Return an optimizer as a word, with the rate that somebody will have said: Keras keeps it as float32."""
    rate = optimizer._learning_rate
    if not isinstance(rate, keras.optimizers.schedules.LearningRateSchedule):
        found = part_word(optimizer)
        if isinstance(found["arguments"].get("learning_rate"), float):
            found["arguments"]["learning_rate"] = decimal_of(found["arguments"]["learning_rate"])
        return found
    try:  # A schedule of a program's own need not tell its configuration, nor then the optimizer its own.
        optimizer._learning_rate = None
        found = part_word(optimizer)
    finally:
        optimizer._learning_rate = rate
    found["arguments"]["learning_rate"] = word(rate)
    return found


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
            return bare(f"keras.losses.{loss}")
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
