"""Numbers that a PyTorch program keeps outside of its tensors and may move in a step: rates, counts, schedulers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from parity.frameworks.torch.driver.older import Scheduler
from parity.run.driver.state import State


class OwnNumbers(State):
    """The part of a driver that remembers the numbers of a program written by hand.

    A compiled program has none: what it changes from step to step it computes from its count of updates.
    """

    optimizer: Any
    module: Any

    def _owners(self) -> list[Any]:
        return owners_of_numbers(self.optimizer, vars(self.module)) if self.by_hand else []

    def numbers_kept(self) -> dict[str, np.ndarray]:
        """Return every number, by its owner's place and its name."""
        return {f"{owner}!{name}": np.array(value) for owner, name, value in numbers_of(self._owners())}

    def put_numbers(self, values: Mapping[str, np.ndarray]) -> None:
        """Put back what :meth:`numbers_kept` returned."""
        owners = self._owners()
        for owner, name, value in numbers_of(owners):
            if f"{owner}!{name}" in values:
                put_number(owners[owner], name, value, values[f"{owner}!{name}"])

    def drifts(self, before: Mapping[str, np.ndarray]) -> bool:
        """Return whether the step just taken moved one of them, such as a rate that a scheduler changes."""
        now = self.numbers_kept()
        return any(name in before and not np.array_equal(before[name], value) for name, value in now.items())


def owners_of_numbers(optimizer: Any, names: Mapping[str, Any]) -> list[Any]:
    """Return what keeps numbers: the optimizer, its parameter groups, and the schedulers that somebody holds.

    Args:
        optimizer: of the program.
        names: what the program's module holds.
    """
    held = [*names.values(), *vars(optimizer).values()]
    schedulers = {id(one): one for one in held if isinstance(one, Scheduler)}
    return [optimizer, *optimizer.param_groups, *schedulers.values()]


def numbers_of(owners: Sequence[Any]) -> list[tuple[int, str, Any]]:
    """Return (owner, name, value) of every number, and every list of numbers, that an owner keeps."""
    found = []
    for index, owner in enumerate(owners):
        kept = owner if isinstance(owner, dict) else vars(owner)
        found += [(index, name, value) for name, value in kept.items() if name != "iterations" and _moves(value)]
    return found


def _moves(value: Any) -> bool:
    if isinstance(value, list | tuple) and value:
        return all(_moves(one) and not isinstance(one, list | tuple) for one in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def put_number(owner: Any, name: str, now: Any, kept: np.ndarray) -> None:
    """Put a number back as it was, in the type that it has.

    Args:
        owner: that keeps it.
        name: of it.
        now: what stands there.
        kept: what is to stand there.
    """
    if isinstance(now, list | tuple):
        value: Any = type(now)(type(one)(number) for one, number in zip(now, kept.tolist(), strict=True))
    else:
        value = type(now)(kept.item())
    if isinstance(owner, dict):
        owner[name] = value
    else:
        vars(owner)[name] = value
