"""What is kept of a raw TensorFlow program: its operations, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from parity.run.asked_rates import At, stood
from parity.run.here import frames_here, line_here

PLACES = 50
"""Lines behind a gradient of which it is kept where the program stands in them."""


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


class SingleSets:
    """Who set variables that are single numbers: by the handle, steps that had been taken, the number, the place."""

    def __init__(self) -> None:
        self.by_handle: dict[int, list[tuple[int, Any, list[At]]]] = {}
        self.lines: set[str] = set()

    def note(self, given: Sequence[Any], steps: int) -> None:
        """Note that an operation set one.

        Args:
            given: the handle, and the number.
            steps: that had been taken.
        """
        kept, place = self.by_handle.setdefault(id(given[0]), []), list(frames_here())
        self.lines.add(line_here())
        if given[1].dtype.is_floating and place and len(kept) < PLACES:
            kept.append((steps, given[1], stood(place)))


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
        place: line of ``tape.gradient``.
        stood: by the line of an operation behind the gradient that is given a number, where the program stood there.
    """

    ahead: list[TapedOperation] = field(default_factory=list)
    taped: list[TapedOperation] = field(default_factory=list)
    after: list[TapedOperation] = field(default_factory=list)
    loss: Any = None
    sources: Sequence[Any] = ()
    gradients: Sequence[Any] = ()
    optimizer: Any = None
    applied: tuple[Sequence[Any], Sequence[Any]] = ((), ())
    place: str = ""
    stood: dict[str, list[At]] = field(default_factory=dict)

    def stand(self, inputs: Sequence[Any]) -> None:
        """Keep where the program stands, where it hands an operation a number."""
        number = any(getattr(one, "shape", None) == () and one.dtype.is_floating for one in inputs)
        if number and len(self.stood) < PLACES and (place := line_here()) not in self.stood:
            self.stood[place] = stood(list(frames_here()))
