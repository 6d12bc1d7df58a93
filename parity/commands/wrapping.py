"""A person's own program as one that keeps the contract of a side's program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parity.reading.asking import Wanted

WRAPPER = '''"""{text}, run until it trains: what it would then train keeps the contract of a side's program."""

from parity.run.watched import contract

globals().update(contract({taken!r}{more}))
'''


def wrapper_of(
    program: Wanted, moved: bool = False, ends: bool = False, order: Sequence[int] = ()
) -> str:  # fmt: skip
    """Return the source of a side's program that is a person's own.

    Args:
        program: as it was asked for.
        moved: its rows have their channels first, and it is given them last.
        ends: so have its outputs, and its targets.
        order: of its inputs, in their order, the numbers of those that it is given; empty where they are the same.
    """
    more = ", moved=True" * moved + ", ends=True" * ends + f", order={tuple(order)!r}" * bool(order)
    return WRAPPER.format(text=program.text, taken=dict(program.taken), more=more)
