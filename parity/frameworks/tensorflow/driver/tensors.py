"""What the TensorFlow and the Keras driver do with models and tensors, whoever's they are."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import wraps
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf

from parity.frameworks.tensorflow.driver import generators as tensorflow_generators
from parity.run.driver.base import active_driver, dealing
from parity.run.driver.layouts import View
from parity.run.driver.objects import called
from parity.run.driver.programs import ProgramError

Function = TypeVar("Function", bound=Callable[..., Any])

Lies = View | Sequence[int] | None
"""How a tensor is seen: an output by its view, a gradient of a parameter by the axes that make it canonical."""

Taps = list[tuple[str, str, Any, Lies]]
"""Phase, name, tensor of what a step computes, and how it is seen."""

Pairs = list[tuple[Any, Any]]
"""Gradients and their variables."""

unconverted: Callable[[Function], Function] = tf.autograph.experimental.do_not_convert
"""Keeps AutoGraph from a function of ours, and from all that it calls.

A step written by hand is traced with AutoGraph, which looks for branches and loops on tensors in whatever the step
calls; ours have none, and to look through them takes seconds in each process.
"""


def module_of(model: Any, rows: Any) -> Any:
    """Return a model that knows its variables; one that makes them when it first sees rows is shown some.

    Args:
        model: of the program.
        rows: to show it, None for none.

    Raises:
        ProgramError: when it does not.
    """
    if not hasattr(model, "trainable_variables"):
        raise ProgramError(f"the model is a {type(model).__name__}; it must be a tf.Module, which knows its variables")
    if rows is not None and not model.trainable_variables:
        called(model, rows, training=False)
    return model


def watch_calls(model: Any, seen: Callable[[Any], Any]) -> Callable[[], None]:
    """Let what a model returns be seen, and return what takes that back.

    Python looks ``__call__`` up in the class, so the model gets one of its own, with the same signature.

    Args:
        model: of the program.
        seen: is given what it returns, and returns what goes on.
    """
    own = type(model)

    @wraps(own.__call__)
    def watched(this: Any, *args: Any, **kwargs: Any) -> Any:
        return seen(own.__call__(this, *args, **kwargs))

    object.__setattr__(model, "__class__", type(own.__name__, (own,), {"__call__": watched}))
    return lambda: object.__setattr__(model, "__class__", own)


def shown(phase: str, value: np.ndarray, lies: Lies) -> tuple[np.ndarray, Sequence[int] | None]:
    """Return a tensor as it is compared, and the axes that make it canonical."""
    if not isinstance(lies, View):
        return value, lies
    return lies.seen(value) if phase == "forward" else lies.plainly(value)


def held(owner: Any, above: str = "") -> list[tuple[str, tf.Variable]]:
    """Return the variables of a module by path, in the order in which it makes them: TensorFlow sorts them by name."""
    if isinstance(owner, Mapping | Sequence):
        keys = owner if isinstance(owner, Mapping) else range(len(owner))
        parts = [(str(key), owner[key]) for key in keys]
    else:
        parts = [(name, one) for name, one in vars(owner).items() if not name.startswith("_")]
    found: list[tuple[str, tf.Variable]] = []
    for name, one in parts:
        if isinstance(one, tf.Variable):
            found.append((above + name, one))
        elif isinstance(one, tf.Module | Mapping | list | tuple):
            found += held(one, f"{above}{name}.")
    return list({id(one): (path, one) for path, one in reversed(found)}.values())[::-1]


def reached(model: Any, path: str) -> Any:
    """Return what a model keeps at a path: attributes, keys and numbers, with dots between them; itself for none."""
    found = model
    for part in path.split(".") if path else ():
        if isinstance(found, Mapping):
            found = found[part]
        else:
            found = found[int(part)] if isinstance(found, Sequence) else getattr(found, part)
    return found


def masked(
    x: tf.Tensor,
    rate: float,
    noise_shape: Any = None,
    *more: Any,
    own: Any = tensorflow_generators.DROPOUT,
    **named: Any,
) -> tf.Tensor:
    """Return x with what the active driver says kept, in place of the framework's dropout.

    Args:
        x: any tensor.
        rate: share that is dropped.
        noise_shape: of what is drawn, where several values share a number.
        more: what the framework's dropout takes beside.
        own: that dropout, for a program that draws its own masks.
        named: what it takes by name.
    """
    driver = active_driver()
    if driver.native:
        return own(x, rate, noise_shape, *more, **named)
    if rate in (0.0, 1.0):
        return x if rate == 0.0 else x * 0.0
    keep = kept(tf.shape(x) if noise_shape is None else noise_shape, rate)
    return tf.ensure_shape(tf.where(keep, x * (1.0 / (1.0 - rate)), tf.zeros_like(x)), x.shape)


def kept(shape: Any, rate: float) -> tf.Tensor:
    """Return the mask that the active driver says, which a graph asks for when it runs."""
    driver, asked = active_driver(), [tf.convert_to_tensor(shape), tf.constant(rate, tf.float64)]
    return tf.numpy_function(lambda shape, p: driver.draw(tuple(shape), float(p)), asked, tf.bool)


def noised(
    shape: Any,
    mean: float = 0.0,
    stddev: float = 1.0,
    dtype: Any = tf.float32,
    *more: Any,
    own: Any = tensorflow_generators.NORMAL,
    **named: Any,
) -> tf.Tensor:
    """Return normal numbers that the active driver deals, in place of the framework's.

    Args:
        shape: of them.
        mean: of them.
        stddev: of them.
        dtype: of them.
        more: what the framework takes beside.
        own: the framework's, for a program that draws its own, and for what is drawn before it computes.
        named: what it takes by name.
    """
    driver = dealing()
    if driver is None:
        return own(shape, mean, stddev, dtype, *more, **named)
    shape = tf.convert_to_tensor(shape)
    dealt = tf.numpy_function(lambda shape: driver.draw(tuple(shape), None), [shape], tf.float64)
    return tf.cast(tf.reshape(dealt, shape), dtype) * stddev + mean


def host(tensor: Any) -> np.ndarray:
    """Return a tensor or variable for NumPy, which has no bfloat16.

    It is not copied, as ``numpy()`` would: TensorFlow moves a variable elsewhere while somebody still reads its value.
    """
    value = tf.convert_to_tensor(tensor)
    return np.asarray(value) if value.dtype in (tf.float32, tf.float64) else value.numpy().astype(np.float32)


def applied(optimizer: Any, gradients: Any, variables: Any) -> None:
    """Apply gradients as the optimizer takes them: ``(gradients, variables)``, or pairs, as TensorFlow's own do."""
    takes = [
        one
        for one in inspect.signature(optimizer.apply_gradients).parameters.values()
        if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) and one.default is one.empty
    ]
    if len(takes) > 1:
        optimizer.apply_gradients(gradients, variables)
    else:
        optimizer.apply_gradients(list(zip(gradients, variables, strict=True)))


def unbound(model: Any, optimizer: Any, bound: Collection[int]) -> list[Any]:
    """Return the model's variables that are not bound, and what an optimizer keeps whose slots are not known.

    Args:
        model: of the program.
        optimizer: of the program; None where its slots are known.
        bound: ids of the variables that are.
    """
    own = {id(one) for one in model.variables}
    kept = getattr(optimizer, "variables", None)
    if not isinstance(kept, Sequence):  # An optimizer written by hand need be nothing of TensorFlow's.
        kept = [] if optimizer is None else [one for _, one in held(optimizer)]
    kept = [one for one in kept if id(one) not in own]
    return [one for one in (*model.variables, *kept) if id(one) not in bound and "float" in str(one.dtype)]
