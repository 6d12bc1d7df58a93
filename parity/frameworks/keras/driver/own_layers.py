"""Layers of a program's own: what they keep, what they draw, what they add to the loss; told where no entry reads them.

What a layer draws is seen by calling it a few times on made-up rows: what its random functions are asked for, and
whether they alone make the calls differ.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import numpy as np

from parity.frameworks.keras.driver import generators
from parity.frameworks.keras.driver.tracing import CallSeen, Trace, is_entered, place_of_call
from parity.free_names import free_name
from parity.run.told import OWN, ToldCall

ROWS = 5
"""Rows that a layer is called with, a number that is no size of anything usual."""


def class_name(layer: Any) -> str:
    """Return the class of a layer of a program's own as its program calls it."""
    return type(layer).__qualname__


def tensors_of(layer: Any) -> dict[str, list[int]]:
    """Return the shapes of the variables of numbers that a layer keeps, by their names in it."""
    return {name: [int(size) for size in one.shape] for name, one in names_in(layer).items()}


def names_in(layer: Any) -> dict[str, Any]:
    """Return the variables of numbers that a layer keeps, by their names in it."""
    found: dict[str, Any] = {}
    for one in layer.weights:
        if "float" in str(one.dtype):
            name = one.path.rpartition(f"{layer.name}/")[2].replace("/", ".")
            found[free_name(name, found)] = one
    return found


def told_calls(trace: Trace, values: Mapping[int, str], names: Mapping[int, str]) -> list[ToldCall]:
    """Return the calls of layers of the program's own that were gone into, the model's own call left out.

    Args:
        trace: of the model.
        values: name of each tensor by its identity.
        names: of each call, by its identity.
    """
    found = []
    for call in trace.calls:
        gives = [values[id(one)] for one in call.outputs if id(one) in values]
        if id(call) not in names or not gives:
            continue
        layer = call.layer
        found.append(ToldCall(
            name=names[id(call)], part=class_name(layer), label=layer.name, gives=list(dict.fromkeys(gives)),
            place=str(getattr(layer, "_parity_place", "")) or place_of_call(layer), tensors=tensors_of(layer),
            random=drawn_by(layer, call.args, call.given) if is_entered(layer) else [],
        ))  # fmt: skip
    return found


def call_names(trace: Trace) -> dict[int, str]:
    """Return what the calls of layers of the program's own are called, by their identity; not that of the model."""
    return {id(call): f"call_{number}" for number, call in enumerate(trace.calls) if call.layer is not trace.model}


def layers_called(trace: Trace) -> dict[str, Any]:
    """Return the layers of the program's own that were called, by the names of the calls."""
    names = call_names(trace)
    return {names[id(call)]: call.layer for call in trace.calls if id(call) in names}


def added_to_loss(trace: Trace, values: Mapping[int, str]) -> tuple[str, str, list[str]]:
    """Return what adds to the loss by itself, its line, and the values that this is computed of; empty where nothing.

    Args:
        trace: of the model.
        values: name of each tensor of the graph by its identity.
    """
    owners = list(dict.fromkeys(f"{class_name(one.layer)}.add_loss" for one in trace.added))
    reads = [name for one in trace.added for tensor in one.tensors for name in _behind(tensor, values)]
    place = next((one.place for one in trace.added if one.place), "")
    return " and ".join(owners), place, list(dict.fromkeys(reads))


def _behind(tensor: Any, values: Mapping[int, str]) -> Iterator[str]:
    """Yield the values of the graph that a tensor is computed of."""
    if id(tensor) in values:
        yield values[id(tensor)]
        return
    history = tensor._keras_history
    if history.operation is None:
        return
    for one in history.operation._inbound_nodes[history.node_index].input_tensors:
        yield from _behind(one, values)


def about(trace: Trace, node: Any, seen: CallSeen, names: Mapping[int, str]) -> dict[str, Any]:
    """Return what a node tells of a call beside its part, its arguments and what it reads.

    Args:
        trace: of the model.
        node: of Keras's graph.
        seen: what was seen of it.
        names: of the calls of layers of the program's own, by their identity.
    """
    found: dict[str, Any] = {"within": [names[id(one)] for one in seen.stack if id(one) in names], "why": seen.why}
    layer = node.operation
    if not isinstance(layer, keras.Layer):
        return found
    if is_entered(layer):
        found["tensors"] = tensors_of(layer)
    if draws_seen(layer) and trace.mode:
        found["random"] = drawn_by(layer, node.arguments.args, node.arguments.kwargs)
    return found


def draws_seen(layer: Any) -> bool:
    """Return whether it is worth a look what a layer draws: it is no plain layer of Keras's."""
    own = not type(layer).__module__.startswith("keras.") or isinstance(layer, keras.layers.Lambda)
    return own or hasattr(layer, "seed_generator") or hasattr(layer, "generator")


def drawn_by(layer: Any, args: Any, given: Mapping[str, Any]) -> Any:
    """Return what a layer draws in training: shape for a row, and rate, of each draw that can be dealt; or ``own``.

    Args:
        layer: to call.
        args: symbolic tensors and others that it is called with, like ``given``, by name.
        given: as there.
    """
    generator = np.random.default_rng(0)

    def made_up(one: Any) -> Any:
        if not isinstance(one, keras.KerasTensor):
            return one
        shape = [ROWS if size is None else size for size in one.shape]
        if "float" in str(one.dtype):
            return keras.ops.convert_to_tensor(generator.uniform(0.1, 0.9, shape), one.dtype)
        return keras.ops.ones(shape, one.dtype)

    args, named = keras.tree.map_structure(made_up, args), keras.tree.map_structure(made_up, dict(given))
    if "training" in inspect.signature(layer.call).parameters:
        named["training"] = True
    kept = [(one, keras.ops.convert_to_numpy(one)) for one in layer.variables]
    told: list[Any] = []
    try:
        results = []
        for number in range(2):
            with _seeing(told if number == 0 else []) as other:
                found = keras.tree.flatten(layer(*args, **named))
            results.append([np.asarray(keras.ops.convert_to_numpy(one)) for one in found])
            if other:
                return OWN
    except Exception as error:  # What a program's own layer may raise.
        print("what it draws was not seen:", type(error).__name__, str(error)[:200])
        return OWN
    finally:
        for one, value in kept:
            one.assign(value)
    same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(*results, strict=True))
    return told if same and all(one is not None for one in told) else OWN


@contextmanager
def _seeing(told: list[Any]) -> Iterator[list[str]]:
    """Within it random functions give the same numbers each time; what can be dealt is told, all else is named.

    Args:
        told: takes what can be dealt: shape for a row and rate, None for what is drawn for no row.
    """
    other: list[str] = []
    backend = keras.src.backend.random

    def row(shape: Any, rate: float | None) -> None:
        sizes = [int(size) for size in np.asarray(keras.ops.convert_to_numpy(shape)).tolist()]
        told.append({"shape": sizes[1:], "rate": rate} if sizes[:1] == [ROWS] and len(sizes) > 1 else None)

    def normal(shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None) -> Any:
        if dealt_seed(seed):
            row(shape, None)
            return keras.ops.ones(shape, dtype or keras.config.floatx()) * 0.5 * stddev + mean
        return generators.NORMAL(shape, mean, stddev, dtype, seed)

    def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Any:
        row([*keras.ops.shape(inputs)] if noise_shape is None else [*noise_shape], float(rate))
        return inputs

    with ExitStack() as stack:
        _put(stack, backend, "normal", normal)
        _put(stack, backend, "dropout", dropout)
        for name in ("uniform", "randint", "categorical", "truncated_normal", "shuffle", "gamma", "binomial", "beta"):
            _put(stack, backend, name, _named(other, name, getattr(backend, name)))
        for name, one in _of_tensorflow().items():
            if name == "normal":
                _put(stack, sys.modules["tensorflow"].random, name, normal)
            else:
                _put(stack, sys.modules["tensorflow"].random, name, _named(other, name, one))
        yield other


def dealt_seed(seed: Any) -> bool:
    """Return whether numbers of a seed are a layer's, which a harness deals; an initializer's are a whole number."""
    return seed is None or isinstance(seed, keras.random.SeedGenerator)


def _of_tensorflow() -> dict[str, Any]:
    """Return TensorFlow's random functions, where the program uses them."""
    module: Any = getattr(sys.modules.get("tensorflow"), "random", None)
    return {} if module is None else {name: getattr(module, name) for name in (
        "normal", "uniform", "truncated_normal", "stateless_normal", "stateless_uniform", "shuffle", "categorical",
    ) if hasattr(module, name)}  # fmt: skip


def _named(other: list[str], name: str, run: Callable[..., Any]) -> Callable[..., Any]:
    def called(*args: Any, **given: Any) -> Any:
        other.append(name)
        return run(*args, **given)

    return called


def _put(stack: ExitStack, owner: Any, name: str, value: Any) -> None:
    before = getattr(owner, name)
    setattr(owner, name, value)
    stack.callback(setattr, owner, name, before)
