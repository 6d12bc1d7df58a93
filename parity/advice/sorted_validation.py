"""sorted_validation: the last rows kept for validation, of rows that are in order of their targets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from parity.advice import Advice, Rule, Situation
from parity.advice.accuracy_on_regression import classes
from parity.lazy import np

FEWEST = 10
"""Rows below which any order may be chance."""

FEW = 3
"""Rows of a class below which it stands at an end by chance."""

UNSEEN = 0.1
"""Share of the held-out rows, beyond twice what chance explains, whose class is never trained on."""

ORDERLY = 0.99
"""Share of steps from row to row in one direction from which quantities count as sorted."""


class SortedValidation(Rule):
    """``validation_split`` takes the last rows as they are stored, before anything is shuffled.

    Of rows sorted by class, these are classes that are never trained on: validation accuracy is 0 whatever the network
    learns. Of rows sorted by a quantity, they are the largest ones. Classes are compared with what a random split of as
    many rows would leave unseen; quantities are looked at row by row.
    """

    kind: ClassVar[str] = "sorted_validation"

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield advice where the held-out rows are not like the others because of the order."""
        data = at.data
        if data is None or data.y_val is None or len(data.y) + len(data.y_val) < FEWEST:
            return
        everything = np.concatenate([data.y, data.y_val]).reshape(len(data.y) + len(data.y_val), -1)
        why = found(everything, len(data.y), is_class=classes(data.y) and classes(data.y_val))
        if not why:
            return
        yield Advice(
            rule=self.kind,
            path="data.validation_split",
            what=f"data.validation_split keeps the last {len(data.y_val)} of {len(everything)} rows, and {why}",
            why="what is measured on these rows says nothing of what was learned from the others",
            fix="store the rows in a random order (p = numpy.random.default_rng(0).permutation(len(y)); X[p], y[p]); "
            "or set data.validation_split: 0.0",
            changes={"data.validation_split": 0.0},
        )


def found(targets: np.ndarray, first: int, *, is_class: bool) -> str:
    """Return what is wrong with the order of the rows, an empty string where it is as good as any.

    Args:
        targets: all of them, (rows, values), those kept for validation last.
        first: number of rows that are trained on.
        is_class: each different row is a class.
    """
    if not is_class:
        told = [column for column in targets.T if len(np.unique(column)) >= FEWEST]
        return "the rows are sorted by their target" if any(one_way(one) >= ORDERLY for one in told) else ""
    _, labels = np.unique(targets, axis=0, return_inverse=True)
    labels = labels.reshape(-1)
    share = unseen(labels, first)
    if share > UNSEEN + 2 * by_chance(labels, first):
        return f"{share:.0%} of these are of classes that no other row has"
    *_, second, _ = sorted([0, *np.bincount(labels)])
    return "the rows are sorted by class" if second >= FEW and one_way(labels) == 1.0 else ""


def one_way(values: np.ndarray) -> float:
    """Return the share of changes from row to row that go the way most of them do; 0 where nothing changes."""
    steps = np.diff(values)
    steps = steps[steps != 0]
    return max(float((steps > 0).mean()), float((steps < 0).mean())) if steps.size else 0.0


def unseen(labels: np.ndarray, first: int) -> float:
    """Return the share of the held-out rows whose class is never trained on."""
    return float((~np.isin(labels[first:], labels[:first])).mean())


def by_chance(labels: np.ndarray, first: int) -> float:
    """Return what that share is expected to be in a random order: all other rows of a class are held out, too."""
    counts = np.bincount(labels)
    return float((counts * (1 - first / len(labels)) ** np.maximum(counts - 1, 0)).sum() / len(labels))
