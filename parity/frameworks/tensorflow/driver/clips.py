"""Gradients that a raw TensorFlow program clips itself, between ``tape.gradient`` and what moves its variables."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from parity.frameworks.tensorflow.driver.chain import number_of
from parity.frameworks.tensorflow.driver.taped import TapedOperation, TapedStep
from parity.run.decimals import decimal_of
from parity.run.told import Told, ToldRefusal

LIMITS = {"tf.clip_by_global_norm": "global_clipnorm", "tf.clip_by_norm": "clipnorm", "tf.clip_by_value": "clipvalue"}
"""Functions that clip, and the fields of an optimizer that say so."""

BESIDE = ("use_norm", "axes")
"""What these functions may be given that no field says."""


@dataclass(kw_only=True)
class Clipped:
    """How the gradients of a step are clipped.

    Args:
        fields: of an optimizer that say so; empty where they are not clipped.
        operations: that clip.
        sources: what was clipped, by the identity of what that gave.
        why: why that is no clipping that an optimizer has; empty where it is one.
    """

    fields: dict[str, float] = field(default_factory=dict)
    operations: list[TapedOperation] = field(default_factory=list)
    sources: dict[int, Any] = field(default_factory=dict)
    why: str = ""

    def before(self, tensor: Any) -> Any:
        """Return what a tensor was before it was clipped; itself where it was not."""
        return self.sources.get(id(tensor), tensor)


def clipped_in(step: TapedStep) -> Clipped:
    """Return how the gradients of a step are clipped."""
    gradients = {id(one): one for one in step.gradients if one is not None}
    found, limits = Clipped(), set[tuple[str, float]]()
    for op in step.after:
        if op.kind not in LIMITS or op.call is None:
            continue
        given = inspect.signature(inspect.unwrap(op.call[0])).bind(*op.call[1], **op.call[2]).arguments
        tensors = next(iter(given.values()))
        several = list(tensors) if isinstance(tensors, list | tuple) else [tensors]
        several = [one for one in several if one is not None]
        if any(id(found.before(one)) in gradients and id(one) in found.sources for one in several):
            found.why = "gradients that are clipped twice"
        if not any(id(one) in gradients for one in several):
            continue
        found.operations.append(op)
        found.sources |= {id(out): one for one, out in zip(several, op.outputs, strict=False)}
        limits.add((LIMITS[op.kind], _limit(given)))
        if any(given.get(name) is not None for name in BESIDE) or _limit(given) <= 0.0:
            found.why = f"{op.kind} with more than one limit on all that it is given"
        if op.kind == "tf.clip_by_global_norm" and {id(one) for one in several} != set(gradients):
            found.why = "a norm of some of the gradients"
    if len(limits) > 1:
        found.why = "gradients that are clipped in several ways"
    if found.operations and {id(one) for one in found.sources.values()} != set(gradients):
        found.why = found.why or "gradients of which some are clipped"
    found.fields = {name: limit for name, limit in limits if not found.why}
    return found


def _limit(given: dict[str, Any]) -> float:
    """Return the limit that a function is given, 0 where it has none that is one number on both sides."""
    if "clip_norm" in given:
        return _number(given["clip_norm"])
    low, high = (_number(given[name]) for name in ("clip_value_min", "clip_value_max"))
    return high if low == -high else 0.0


def _number(value: Any) -> float:
    array = number_of(value)
    return decimal_of(float(array)) if array.size == 1 else 0.0


def clipping_told(optimizer: dict[str, Any], clipped: Clipped, told: Told) -> dict[str, Any]:
    """Return an optimizer as a word, with how the program clips.

    Args:
        optimizer: as a word.
        clipped: how the program clips.
        told: takes what is no clipping that an optimizer has.
    """
    own = [name for name in LIMITS.values() if optimizer["arguments"].get(name) is not None]
    what = clipped.why or ("gradients that are clipped, and again by the optimizer," if own and clipped.fields else "")
    if what:
        place = next((op.place for op in clipped.operations), told.places.get("train", ""))
        needs = "clipping of all gradients, once, in one way"
        told.refused.append(ToldRefusal(what=what, place=place, needs=needs))
        return optimizer
    return {**optimizer, "arguments": {**optimizer["arguments"], **clipped.fields}}


def clipping(optimizer: Any, clipped: Clipped, replay: Any, gradient_of: Callable[[Any], Any]) -> Any:
    """Return an optimizer of Keras's that is given gradients as the program clips them.

    Args:
        optimizer: to return.
        clipped: how the program clips.
        replay: runs operations once more.
        gradient_of: returns the gradient that a variable had in the program's step.
    """
    if not clipped.operations:
        return optimizer
    plain = optimizer.apply

    def apply(gradients: Any, trainable_variables: Any = None) -> Any:
        trained = trainable_variables if trainable_variables is not None else optimizer._trainable_variables
        known = {id(gradient_of(one)): given for given, one in zip(gradients, trained, strict=True)}
        values = replay.run(clipped.operations, known)
        after = {id(source): values[out] for out, source in clipped.sources.items()}
        return plain([after[id(gradient_of(one))] for one in trained], trained)

    optimizer.apply = apply
    return optimizer
