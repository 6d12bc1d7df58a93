"""Threads beside the framework's, for what the harness itself computes in a worker: digests and dropout masks.

Whatever they share has the same bits for any number of them. Only the standard library: this module also runs inside
workers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, TypeVar

T = TypeVar("T")

MOST = 8
"""Threads that together read memory as fast as it is."""


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)  # Linux's: a container may have fewer than the machine.
    return len(affinity(0)) if affinity else os.cpu_count() or 1


class Threads:
    """How many there are: one a core unless limited."""

    count = min(MOST, _cores())

    @classmethod
    def limit(cls, count: int) -> None:
        """Use at most so many."""
        cls.count = max(1, min(cls.count, count))


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="parity")


def at_once(works: Sequence[Callable[[], T]]) -> list[T]:
    """Return what some functions return, computed side by side; they must not call this themselves.

    Args:
        works: the functions, at most a thread each.
    """
    others: list[Any] = [_pool(Threads.count).submit(work) for work in works[1:]]
    return [works[0](), *(other.result() for other in others)]


def clock_of(alone: bool) -> Callable[[], float]:
    """Return the clock of a run's steps, in seconds.

    Args:
        alone: the run has one thread of a CPU. Its seconds are then the processor's: what else a machine does at that
            time changes neither which framework is found to be the fastest nor how many seeds can be had.
    """
    return time.process_time if alone else time.perf_counter
