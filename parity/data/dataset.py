"""A data set in memory, ready for a model, with the words that say what it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Inputs and targets of one spec.

    Args:
        x: inputs to train on, (rows, *model input), float64, numbers of tokens among them; of several inputs all
            numbers of a row side by side, which programs are given apart (:mod:`parity.run.inputs`).
        y: targets to train on, (rows, ...), float64, in the one form in which everything is compared and measured:
            one-hot rows for class labels, (rows, 1) for one number a row, else as they came. What form a program is
            given, its bindings say.
        x_val: inputs kept for validation, which nothing is trained on; None where there are none.
        y_val: their targets.
        raw_x: inputs before any preprocessing, as the exported program reads them from its ``--data`` file; all of
            them, the rows kept for validation last; of several inputs the first.
        raw_inputs: all of these by name, where there are several.
        raw_y: targets before any preprocessing.
        classes: number of classes where labels became one-hot rows, else None.
        flat: True where the targets are one number a row and are stored as (rows,), not as (rows, 1).
        table: True where they are a column of a table.
        description: the data in words, for every report; says so when it is a stand-in.
        stand_in: True for generated data that stands in for a real set.
    """

    x: np.ndarray
    y: np.ndarray
    raw_x: np.ndarray
    raw_y: np.ndarray
    description: str
    stand_in: bool = False
    classes: int | None = None
    flat: bool = False
    table: bool = False
    x_val: np.ndarray | None = None
    y_val: np.ndarray | None = None
    raw_inputs: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def target(self) -> tuple[int, ...]:
        """Return the shape of one target as it came: ``()`` where it is flat; that of a table is a column."""
        return () if self.flat and not self.table else self.y.shape[1:]
