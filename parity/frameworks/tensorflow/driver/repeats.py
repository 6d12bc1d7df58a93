"""Steps of TensorFlow that give the same twice: as far as its operations have such a form."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import tensorflow as tf
from tensorflow.python.framework import config

Took = TypeVar("Took")


def set_determinism_off() -> None:
    """Take back what ``enable_op_determinism`` did, for a program that was in this process before."""
    if config.is_op_determinism_enabled():
        config.disable_op_determinism()


def undetermined(error: tf.errors.UnimplementedError) -> str:
    """Return which operation has no form that repeats itself, empty where the error is about something else.

    TensorFlow says it in a sentence of each kernel's own (tensorflow/core/kernels, tf2xla/kernels), and names the node
    of the graph behind it.
    """
    text = str(error)
    if "determinis" not in text.lower():
        return ""
    node = re.search(r"\{\{node ([^}]+)\}\}", text)
    return node[1].rpartition("/")[2] if node else text.splitlines()[0][:80]


def taken(take: Callable[[], Took], variables: Sequence[Any], anew: Callable[[str], None]) -> Took:
    """Return what a step gives; where an operation has no deterministic form, taken again without asking for one.

    Args:
        take: takes the step.
        variables: what the step may have moved in part when it fails.
        anew: is told the operation, and lets the step be traced anew.
    """
    kept = [(one, tf.identity(one)) for one in variables]
    try:
        return take()
    except tf.errors.UnimplementedError as error:
        found = undetermined(error)
        if not found or not config.is_op_determinism_enabled():
            raise
        set_determinism_off()
        for variable, value in kept:
            variable.assign(value)
        anew(found)
        return take()
