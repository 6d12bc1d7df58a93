"""sorted_rows: rows in order of their class, taken in that order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation
from parity.advice.accuracy_on_regression import classes
from parity.lazy import np

FEW = 3
"""Rows of a class below which its batch tells nothing."""

MOST = 0.5
"""Share of the batches of one class alone, from which on training goes from class to class."""


class SortedRows(Rule):
    """``shuffle: false`` takes rows as they are stored; of rows stored class by class, most batches are of one class.

    Each step then pulls towards the class at hand, and an epoch ends with the last one: accuracy swings with the order,
    and batch statistics are those of a class.
    """

    kind: ClassVar[str] = "sorted_rows"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where nothing shuffles rows that stand class by class."""
        data, training = at.data, at.side.config.training
        if training.shuffle or data is None or not classes(data.y):
            return
        _, labels = np.unique(data.y.reshape(len(data.y), -1), axis=0, return_inverse=True)
        labels = labels.reshape(-1)
        counts = np.bincount(labels)
        changes = np.flatnonzero(np.diff(labels)) + 1
        if len(counts) < 2 or len(changes) != len(counts) - 1 or sorted(counts)[-2] < FEW:
            return
        starts = np.arange(0, len(labels), training.batch_size)
        pure = 1.0 - len(np.unique(changes[changes % training.batch_size != 0] // training.batch_size)) / len(starts)
        if len(starts) < 2 or pure < MOST:
            return
        yield Advice(
            rule=self.kind,
            path="training.shuffle",
            what=f"training.shuffle is false, and the {len(labels)} rows stand class by class: {pure:.0%} of the "
            f"{len(starts)} batches are of one class alone",
            why="each step then learns one class and forgets the others, and an epoch ends with the last class",
            fix="set training.shuffle: true; or store the rows in a random order",
            changes={"training.shuffle": True},
        )
