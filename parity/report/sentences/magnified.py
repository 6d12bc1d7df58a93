"""One step under the microscope: what is said of each phase of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from parity.result import formats
from parity.result.schema import Comparison, Place
from parity.result.stepfact import StepFact, TensorFact

TITLE = "One step under the microscope"

PHASES = {
    "batch": "Batch", "weights": "Initial weights", "forward": "Forward pass", "loss": "Loss", "gradient": "Gradients",
    "update": "Update", "state": "Optimizer state", "metric": "Evaluation",
}  # fmt: skip
"""What the phases of a step are called, in their order."""


def intro(pair: Comparison, step: StepFact) -> str:
    """Say what is looked at."""
    which = "The first step" if step.number == 1 else f"Step {step.number:,}, the first in which they part"
    some = f" Of {step.every:,} tensors, the first of each phase are shown." if step.every > len(step.tensors) else ""
    return (
        f"{which}, taken by {pair.a} and {pair.b} from the same state, in {pair.precision}, phase by phase. "
        f"A bar is a tensor's size; the narrow bar beneath says how far the two are apart, and the grey part of it is "
        f"what rounding explains.{some}"
    )


def place(step: StepFact, one: TensorFact) -> Place:
    """Give a tensor of a step as a place."""
    return Place(
        step=step.number, phase=one.phase, tensor=one.tensor, shape=one.shape, difference=one.difference,
        noise=one.noise, element=one.element, values=one.values,
    )  # fmt: skip


def further(one: TensorFact) -> bool:
    """Say whether the two are further apart than rounding explains."""
    return not one.difference <= one.noise


def beyond(pair: Comparison, one: TensorFact) -> bool:
    """Say whether a tensor really differs: the sides part there, or have parted by then.

    What is further apart where they do not part is rounding that a step makes large, or random numbers of a side's own.
    """
    phases = list(PHASES)
    return pair.first is not None and further(one) and phases.index(one.phase) >= phases.index(pair.first.phase)


def is_first(pair: Comparison, one: TensorFact) -> bool:
    """Say whether the sides part in this tensor."""
    return pair.first is not None and (one.phase, one.tensor) == (pair.first.phase, pair.first.tensor)


def phase(pair: Comparison, step: StepFact, tensors: Sequence[TensorFact]) -> str:
    """Say how a phase came out."""
    apart = [one for one in tensors if beyond(pair, one)]
    if apart:
        first = next((one for one in apart if is_first(pair, one)), apart[0])
        name = "".join(formats.tensor(place(step, first)))
        verb = "differ" if len(apart) > 1 else "differs"
        which = f", {name} the first" if len(apart) > 1 else f": {name}" if len(tensors) > 1 else ""
        return f"{_count(apart, tensors)} {verb} by more than rounding{which}. {element(pair, first)}".strip()
    large = [one for one in tensors if further(one)]
    if large:
        why = "that is rounding, which this step makes large" if pair.verdict in ("rounding", "identical") \
            else f"nothing follows from that: {pair.reason.rstrip('.')}"  # fmt: skip
        verb = "is" if len(large) == 1 else "are"
        return f"{_count(large, tensors)} {verb} further apart than rounding alone explains; {why}."
    largest = max((one.difference for one in tensors), default=0.0)
    if largest == 0.0:
        return "Equal to the last bit."
    return f"Nothing but rounding: the largest difference is {formats.scientific(largest)}."


def _count(some: Sequence[TensorFact], tensors: Sequence[TensorFact]) -> str:
    return f"{len(some)} of {formats.count(len(tensors), 'tensor')}" if len(tensors) > 1 else "It"


def element(pair: Comparison, one: TensorFact) -> str:
    """Name the element that differs most, and its two values; empty where it is not known."""
    if one.values is None:
        return ""
    a, b = formats.both(*one.values)
    where = f"At {formats.index(one.element)}" if one.element else "There"
    return f"{where} it is {a} in {pair.a} and {b} in {pair.b}."


def told(pair: Comparison, one: TensorFact) -> str:
    """Say how far the two sides of a tensor are apart."""
    if one.difference == 0.0:
        return "equal to the last bit"
    apart = "without bound" if math.isinf(one.difference) else f"by {formats.scientific(one.difference)}"
    return f"apart {apart}; rounding explains {formats.scientific(one.noise)}"
