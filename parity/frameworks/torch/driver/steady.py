"""Whether the steps that were seen of a loop are one step: the same calls with the same numbers, of other rows.

What is told of a loop is told of its last step. A number that is another one in the step before it (the weight of a
divergence that is annealed, a smoothing of labels that grows) is no constant of the loss, however it looks there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from parity.frameworks.torch.driver.batch_rows import BatchRows
from parity.frameworks.torch.driver.calls import Call, Ref, behind, key_of, leaves
from parity.frameworks.torch.driver.held_tensors import array_of
from parity.frameworks.torch.driver.terms import trains
from parity.frameworks.torch.driver.tracer import UnclearError
from parity.run.held_rows import holds

if TYPE_CHECKING:
    from parity.frameworks.torch.driver.loops import Pass

ONE = "one loss in all steps"

PLAIN = (bool, int, float, complex, str)
"""What a call may be given beside tensors that says how it goes."""


def check_steady(passes: Sequence[Pass]) -> None:
    """Refuse steps of which one computes its loss otherwise than another of as many rows.

    Args:
        passes: as they were seen, in order.

    Raises:
        UnclearError: for such.
    """
    for one, other in pairwise(passes):
        if {id(root) for root in one.roots} & {id(root) for root in other.roots}:
            what = "what a model gave in one step, handed to it in the next (a hidden state),"
            raise UnclearError(what, other.place, "steps that begin from their rows alone")
        if _shapes(one) != _shapes(other):
            continue  # A last batch of fewer rows is reshaped by other numbers.
        calls = list(_calls(one)), list(_calls(other))
        for before, after in zip(*calls, strict=False):
            if before.name != after.name or _module(before) != _module(after):
                what = f"a loss that is {_named(before)} in one step and {_named(after)} in the next"
                raise UnclearError(what, after.place, ONE)
            numbers = _numbers(before), _numbers(after)
            if numbers[0] != numbers[1]:
                apart = next((pair for pair in zip(*numbers, strict=False) if pair[0] != pair[1]), numbers)
                what = f"{_named(after)} with another number in each step ({apart[0]}, then {apart[1]})"
                raise UnclearError(what, after.place, ONE)
        if len(calls[0]) != len(calls[1]):
            raise UnclearError("a loss of more calls in one step than in the next", other.place, ONE)


def check_rows(batches: Sequence[tuple[Sequence[Ref], str]], arrays: Sequence[np.ndarray]) -> None:
    """Refuse rows that a loop changes by its count: those of each step are among the rows that the last one says.

    Args:
        batches: of each step, what it takes, and its line.
        arrays: of each of these, all rows.

    Raises:
        UnclearError: when they are not.
    """
    for taken, place in batches:
        for array, ref in zip(arrays, taken, strict=False):
            batch = array_of(ref.tensor)
            if batch.shape[1:] == array.shape[1:] and not holds(array, batch):
                what = "rows that the loop makes otherwise from step to step"
                raise UnclearError(what, place, "rows as an array or a loader has them")


def _shapes(step: Pass) -> list[Any]:
    return [one.tensor.shape for one in step.inputs]


def _calls(step: Pass) -> Iterator[Call]:
    """Yield the calls between the rows and targets of a step and its loss, each once, from the loss on."""
    aside = [one for term in step.terms for one in (term.targets, term.weights) if one is not None]
    seen: set[int] = set()
    for one in behind(step.loss, {key_of(end) for end in (*step.inputs, *aside)}):
        if one.call is not None and one.call.name != "rows" and id(one.call) not in seen:
            seen.add(id(one.call))
            yield one.call


def _module(call: Call) -> Any:
    """Return which module is called: one that is trained is no other; one without parameters goes by its kind."""
    if call.name != "module":
        return None
    return id(call.what) if trains(call) else type(call.what)


def _named(call: Call) -> str:
    return type(call.what).__name__ if call.name == "module" else call.name


def _numbers(call: Call) -> list[Any]:
    """Return what a call is given beside tensors, and what a module without parameters was made with."""
    given = [one for _, one in leaves((call.args, dict(call.kwargs))) if _plain(one)]
    if call.name == "module" and isinstance(call.what, nn.Module) and not trains(call):
        given += [one for name, one in sorted(vars(call.what).items()) if name[:1] != "_" and _plain(one)]
    return given


def _plain(value: Any) -> bool:
    return isinstance(value, PLAIN) and not isinstance(value, BatchRows)
