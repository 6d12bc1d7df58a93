"""A program once more, seeded otherwise, until it trains: how its tensors then start.

Only the standard library and NumPy; a framework's own watcher seeds its generators.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from parity.run.watched import Watcher, taken, watchable, watcher_of

OF_NUMPY = ("seed", "default_rng", "RandomState")
"""NumPy's functions that take a seed."""

FAR = 0x5EED0000
"""What a seed is mixed with begins here: to NumPy's older generator [3, 2] is what 3 is."""


def redrawn(program: Mapping[str, Any], number: int) -> Sequence[Any]:
    """Return how the tensors of a program start with another seed, in the order in which its watcher counts them.

    Args:
        program: as of :func:`~parity.run.watched.taken`.
        number: of the seed; it is mixed into those that the program sets.

    Raises:
        UnwatchedError: when it does not train.
    """
    with ExitStack() as stack:
        stack.enter_context(reseeded(number))
        for module, framework in watchable().items():
            if module in sys.modules:
                stack.enter_context(watcher_of(framework).reseeded(number))
        watcher: Watcher
        watcher, training = taken(program, at_once=True)
        return watcher.starts(training)


@contextmanager
def reseeded(number: int) -> Iterator[None]:
    """Return within what Python and NumPy draw other numbers than the seeds that a program sets would give."""
    seeding = [(random, "seed"), *((np.random, name) for name in OF_NUMPY)]
    plain: dict[tuple[Any, str], Callable[..., Any]] = {(owner, name): getattr(owner, name) for owner, name in seeding}
    states = random.getstate(), np.random.get_state()
    random.seed(number)
    np.random.seed(number)

    def python(a: Any = None, *args: Any, **kwargs: Any) -> None:
        plain[random, "seed"](a if a is None else f"{a!r} {number}", *args, **kwargs)

    def numpy(name: str) -> Callable[..., Any]:
        def seeds(seed: Any = None, *args: Any, **kwargs: Any) -> Any:
            return plain[np.random, name](_mixed(seed, number, name), *args, **kwargs)

        return seeds

    random.seed = python

    state: Any = plain[np.random, "RandomState"]

    class RandomState(state):  # type: ignore[misc]  # A class still: NumPy asks for it.
        def __init__(self, seed: Any = None) -> None:
            super().__init__(_mixed(seed, number, "RandomState"))

    np.random.seed, np.random.default_rng = numpy("seed"), numpy("default_rng")
    np.random.RandomState = RandomState  # type: ignore[misc]
    try:
        yield
    finally:
        for (owner, name), one in plain.items():
            setattr(owner, name, one)
        random.setstate(states[0])
        np.random.set_state(states[1])


def _mixed(seed: Any, number: int, name: str) -> Any:
    """Return a seed that stands for another one; what is none is left as it is."""
    whole = isinstance(seed, int | np.integer)
    if not whole and not isinstance(seed, list | tuple | np.ndarray):
        return seed
    words = [int(seed)] if whole else [int(one) for one in seed]
    words = words if name == "default_rng" else [one % 2**32 for one in words]
    return [*words, FAR + number]
