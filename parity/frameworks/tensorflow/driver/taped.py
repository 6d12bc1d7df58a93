"""What is kept of a raw TensorFlow program: its operations, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class TapedOperation:
    """One operation, or one call of a function.

    Args:
        kind: as TensorFlow calls it; of a function the name that people call it by.
        inputs: tensors, and arrays where a function is given some.
        attributes: of an operation, by name.
        outputs: tensors.
        place: line of the program.
        call: of a function: itself, its arguments and what it is called with by name.
    """

    kind: str
    inputs: Sequence[Any]
    attributes: Mapping[str, Any]
    outputs: Sequence[Any]
    place: str
    call: tuple[Any, Sequence[Any], Mapping[str, Any]] | None = None


@dataclass(eq=False)
class TapedStep:
    """One training step.

    Args:
        ahead: operations of single numbers ahead of the tape.
        taped: operations under the tape.
        after: operations behind the tape, until the next one.
        loss: target of ``tape.gradient``.
        sources: its variables.
        gradients: what it gave.
        optimizer: of Keras's, that took them.
        applied: gradients and variables that it was given.
        rate: that it had then; None of a schedule.
        place: line of ``tape.gradient``.
    """

    ahead: list[TapedOperation] = field(default_factory=list)
    taped: list[TapedOperation] = field(default_factory=list)
    after: list[TapedOperation] = field(default_factory=list)
    loss: Any = None
    sources: Sequence[Any] = ()
    gradients: Sequence[Any] = ()
    optimizer: Any = None
    applied: tuple[Sequence[Any], Sequence[Any]] = ((), ())
    rate: float | None = None
    place: str = ""
