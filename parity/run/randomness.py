"""Random numbers shared by all sides, drawn outside the frameworks.

NumPy's Philox is counter-based: the raw output for a (key, counter) is the same on every machine and in every
version. The key is (seed, purpose), the counter says which draw: so the mask of step 7 does not depend on what
was drawn in step 6, and two sides that differ in one layer still share all other numbers. The exported
programs carry the same few lines.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from parity.run.threads import Threads, at_once

WEIGHTS, ORDER, DROPOUT, NUDGE, DIGEST = 1, 2, 3, 4, 5
"""Purposes, the second word of the key."""

NOISE = 7
"""Another purpose: standard normal numbers."""

FIRST = 6
"""Numbers that are told of what a generator gives first."""

SHARED = 1 << 15
"""Numbers of a mask from which on threads share it."""


def raw(seed: int, purpose: int, high: int, low: int, count: int, first: int = 0) -> np.ndarray:
    """Return ``count`` uint64 numbers of the stream (seed, purpose, high, low).

    Args:
        seed: of the run, below 2**63.
        purpose: one of the constants above.
        high: most significant word of the counter, below 2**64.
        low: the word below it.
        count: how many.
        first: of them in the stream, a multiple of 4: the generator makes four at once.
    """
    # Arrays, since NumPy takes a list with a number of 2**63 or more for floats and rounds it.
    key, counter = (np.array(words, dtype=np.uint64) for words in ([seed, purpose], [first // 4, 0, low, high]))
    return np.random.Philox(key=key, counter=counter).random_raw(count)


def uniform(seed: int, name: str, shape: Sequence[int]) -> np.ndarray:
    """Return float64 numbers in (0, 1) for a parameter, keyed by its name.

    Args:
        seed: of the run.
        name: ``layer.parameter``.
        shape: of the parameter, canonical layout.
    """
    digest = hashlib.sha256(name.encode()).digest()
    high, low = (int.from_bytes(digest[start : start + 8], "little") for start in (0, 8))
    return _inside(raw(seed, WEIGHTS, high, low, math.prod(shape))).reshape(tuple(shape))


def _inside(numbers: np.ndarray) -> np.ndarray:
    """Return float64 numbers in (0, 1), of 64 random bits each."""
    found: np.ndarray = ((numbers >> np.uint64(11)) + 0.5) * 2.0**-53
    return found


def row_order(seed: int, epoch: int, rows: int, shuffle: bool) -> np.ndarray:
    """Return the order in which an epoch reads the rows.

    Args:
        seed: of the run.
        epoch: counted from 0.
        rows: number of rows.
        shuffle: file order if not set.
    """
    return np.argsort(raw(seed, ORDER, epoch, 0, rows), kind="stable") if shuffle else np.arange(rows)


def batches(
    seed: int, rows: int, batch_size: int, shuffle: bool, drop_remainder: bool, first: int = 0
) -> Iterator[np.ndarray]:  # fmt: skip
    """Yield the row numbers of each batch, epoch after epoch, without end.

    Args:
        seed: of the run.
        rows: number of rows.
        batch_size: rows in a batch.
        shuffle: file order if not set.
        drop_remainder: leave out the last batch of an epoch when it is not full.
        first: number of the batch to begin with; no order of an earlier epoch is drawn for it.

    Raises:
        ValueError: when no batch would ever be full, and only full ones are wanted.
    """
    per_epoch = steps_per_epoch(rows, batch_size, drop_remainder)
    if per_epoch == 0:
        raise ValueError(f"{rows} rows fill no batch of {batch_size}, and drop_remainder leaves out what is not full")
    begin, skipped = divmod(first, per_epoch)
    for epoch in itertools.count(begin):
        order = row_order(seed, epoch, rows, shuffle)
        for number in range(skipped if epoch == begin else 0, per_epoch):
            yield order[number * batch_size : (number + 1) * batch_size]


def evenly(count: int, most: int | None) -> np.ndarray | slice:
    """Return the numbers of rows that stand for all, evenly spaced; all of them if there are no more.

    Args:
        count: number of rows.
        most: rows to choose, None for all.
    """
    if most is None or count <= most:
        return slice(None)
    return np.linspace(0, count - 1, most).astype(int)


def steps_per_epoch(rows: int, batch_size: int, drop_remainder: bool) -> int:
    """Return the number of batches in an epoch."""
    return rows // batch_size if drop_remainder else -(-rows // batch_size)


def batch_sizes(rows: int, batch_size: int, drop_remainder: bool) -> list[int]:
    """Return the number of rows in each batch of an epoch.

    >>> batch_sizes(10, 4, False), batch_sizes(10, 4, True)
    ([4, 4, 2], [4, 4])
    """
    steps = steps_per_epoch(rows, batch_size, drop_remainder)
    return [min(batch_size, rows - batch_size * step) for step in range(steps)]


def keep_mask(seed: int, step: int, call: int, shape: Sequence[int], rate: float) -> np.ndarray:
    """Return which values a dropout call keeps, True with probability 1 - rate.

    Args:
        seed: of the run.
        step: counted from 0.
        call: which of the step's dropout calls, counted from 0.
        shape: of the tensor, with its batch axis, channels last.
        rate: share that is dropped, below 1.
    """
    count, bound = math.prod(shape), int(rate * 2**64)
    if Threads.count == 1 or count < SHARED:
        return (raw(seed, DROPOUT, step, call, count) >= bound).reshape(tuple(shape))
    kept, share = np.empty(count, bool), -(-count // Threads.count) + 3 & ~3

    def part(start: int) -> None:
        words = raw(seed, DROPOUT, step, call, min(share, count - start), start)
        np.greater_equal(words, bound, out=kept[start : start + share])

    at_once([partial(part, start) for start in range(0, count, share)])
    return kept.reshape(tuple(shape))


def normal(seed: int, step: int, call: int, shape: Sequence[int]) -> np.ndarray:
    """Return standard normal numbers for a layer that draws such, by the method of Box and Muller (1958).

    Args:
        seed: of the run.
        step: counted from 0.
        call: which of the step's drawing layers.
        shape: of the tensor, with its batch axis, channels last.
    """
    count = math.prod(shape)
    pairs = -(-count // 2)
    lengths, turns = _inside(raw(seed, NOISE, step, call, 2 * pairs)).reshape(2, pairs)
    length, angle = np.sqrt(-2.0 * np.log(lengths)), 2.0 * np.pi * turns
    return np.concatenate([length * np.cos(angle), length * np.sin(angle)])[:count].reshape(tuple(shape))


def dealt(seed: int, step: int, call: int, shape: Sequence[int], rate: float | None) -> np.ndarray:
    """Return what a layer draws: see :func:`keep_mask`; standard normal numbers where no rate is said."""
    return normal(seed, step, call, shape) if rate is None else keep_mask(seed, step, call, shape, rate)


def nudged(values: np.ndarray, seed: int, name: str, step: int, bfloat16: bool = False) -> np.ndarray:
    """Return the values with each moved up or down by one unit in the last place, at random.

    Args:
        values: floating point.
        seed: of the run.
        name: of the tensor.
        step: counted from 0.
        bfloat16: the values are float32 that stand for bfloat16: its last place is the 16th of float32.
    """
    high = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    words = raw(seed, NUDGE, high, step, -(-values.size // 64))
    up = np.unpackbits(words.view(np.uint8), count=values.size).reshape(values.shape)
    if bfloat16:
        moved = values.astype(np.float32).view(np.int32) + np.where(up, 1 << 16, -(1 << 16)).astype(np.int32)
        return np.where(values == 0.0, values, moved.view(np.float32))
    return np.nextafter(values, np.where(up, np.inf, -np.inf).astype(values.dtype))
