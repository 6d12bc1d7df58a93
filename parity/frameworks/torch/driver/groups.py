"""Groups of an optimizer's parameters: what is otherwise in some of them, and of which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import nn

from parity.run.told import DECAY_OF_GROUP, FACTOR_OF_GROUP, Told

RATE, DECAY = "lr", "weight_decay"
OF_THE_RATE = (RATE, "initial_lr", "max_lr", "min_lr")
"""What a group keeps of its rate; all but the first put there by schedulers."""

UNSAID = ("params", "param_names")
"""What a group keeps that is no option of it."""

Group = Mapping[str, Any]


def rate_of(group: Group) -> float:
    """Return the rate of a group that a schedule, if there is one, begins with."""
    return float(group.get("initial_lr", group[RATE]))


def base_of(groups: Sequence[Group]) -> int:
    """Return the number of the group that the fields of an optimizer tell of: of the largest rates the first."""
    return max(range(len(groups)), key=lambda number: (rate_of(groups[number]), -number))


def base_word(groups: Sequence[Group]) -> dict[str, Any]:
    """Return the options that the fields of an optimizer tell of: the largest rate, and the largest decay."""
    base = dict(groups[base_of(groups)])
    return base | ({DECAY: max(one[DECAY] for one in groups)} if DECAY in base else {})


def apart_in(groups: Sequence[Group]) -> list[str]:
    """Return the options, beside rate and decay, in which groups differ."""
    first, known = groups[0], (*OF_THE_RATE, *UNSAID, DECAY)
    return sorted(key for key in first if key not in known and any(one.get(key) != first[key] for one in groups[1:]))


def otherwise(groups: Sequence[Group]) -> list[dict[str, float]]:
    """Return of each group what it has otherwise than another one; nothing at all where all have the same."""
    base = base_word(groups)
    most, several = rate_of(base), len({rate_of(one) for one in groups}) > 1
    decays = DECAY in base and len({one[DECAY] for one in groups}) > 1
    found = []
    for group in groups:
        decay = {DECAY_OF_GROUP: float(group[DECAY])} if decays else {}
        rates = {FACTOR_OF_GROUP: share(rate_of(group), most)} if several else {}
        found.append({**rates, **decay})
    return found if several or decays else []


def share(rate: float, most: float) -> float:
    """Return what a rate is of another one: of few digits, where that comes to the same.

    >>> share(1e-4, 1e-3), share(0.3, 0.9)
    (0.1, 0.3333333333333333)
    """
    exact = rate / most
    plain = float(f"{exact:.12g}")
    return plain if abs(plain * most - rate) <= 2e-16 * rate else exact


def tell_groups(
    told: Told, groups: Sequence[Group], members: Sequence[Iterable[Any]],
    named: Mapping[str, Mapping[str, nn.Parameter]], called: Mapping[str, nn.Module],
) -> None:  # fmt: skip
    """Tell which parameter is in which group, where groups are not all alike.

    Args:
        told: takes it.
        groups: those that move, as they were ahead of the first step.
        members: their parameters.
        named: of each call that has parameters, these by their names in it.
        called: of each call of a module of the program's own, the module.
    """
    told.groups = otherwise(groups)
    if not told.groups:
        return
    numbers = {id(one): number for number, held in enumerate(members) for one in held if one.requires_grad}
    for node in told.nodes:
        node.groups = _numbers(named.get(node.name, {}), numbers)
    for call in told.calls:
        module = called.get(call.name)
        call.groups = {} if module is None else _numbers(dict(module.named_parameters()), numbers)


def _numbers(parameters: Mapping[str, Any], numbers: Mapping[int, int]) -> dict[str, int]:
    return {name: numbers[id(one)] for name, one in parameters.items() if id(one) in numbers}
