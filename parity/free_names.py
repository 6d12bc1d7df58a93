"""Names that are not taken yet. Only the standard library: workers read this, too."""

from __future__ import annotations

from collections.abc import Container, Iterable
from itertools import count


def free_name(name: str, taken: Container[str]) -> str:
    """Return a name that is not taken, as Keras counts: itself, or with the first number behind it.

    >>> free_name("dense", ()), free_name("dense", {"dense", "dense_1"})
    ('dense', 'dense_2')
    """
    like = (f"{name}_{number}" if number else name for number in count())
    return next(one for one in like if one not in taken)


class FreeNames:
    """Hands out names, none of them twice.

    Args:
        taken: names that it does not hand out.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def take(self, name: str) -> str:
        """Return a name that nothing has yet, which it is from now on: the one that is wanted, or with a number.

        >>> names = FreeNames()
        >>> names.take("dense"), names.take("dense")
        ('dense', 'dense_1')
        """
        found = free_name(name, self._taken)
        self._taken.add(found)
        return found
