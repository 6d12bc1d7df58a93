"""A data set in memory, ready for a model, with the words that say what it is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from parity.lazy import np
from parity.rows import apart, together

if TYPE_CHECKING:
    from collections.abc import Mapping


INVENTED = "sample_weights"
"""What the weights of invented rows are called."""


@dataclass(frozen=True, kw_only=True)
class Aim:
    """The targets of one output of several.

    Args:
        name: of the array.
        shape: of a row, in the form in which everything is compared.
        raw: before any preprocessing; all rows.
        classes: number of classes where labels became one-hot rows, else None.
        flat: True where they are one number a row, stored as (rows,).
    """

    name: str
    shape: tuple[int, ...]
    raw: np.ndarray
    classes: int | None = None
    flat: bool = False


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Inputs and targets of one spec.

    Args:
        x: inputs to train on, (rows, *model input), float64, numbers of tokens among them; of several inputs all
            numbers of a row side by side, which programs are given apart (:mod:`parity.rows`).
        y: targets to train on, (rows, ...), float64, in the one form in which everything is compared and measured:
            one-hot rows for class labels, (rows, 1) for one number a row, else as they came. What form a program is
            given, its bindings say.
        x_val: inputs kept for validation, which nothing is trained on; None where there are none.
        y_val: their targets.
        raw_x: inputs before any preprocessing, as the exported program reads them from its ``--data`` file; all of
            them, the rows kept for validation last; of several inputs the first.
        raw_inputs: all of these by name, where there are several.
        raw_y: targets before any preprocessing; of several outputs those of the first.
        aims: the targets of each output, where there are several: ``y`` has the numbers of all of a row side by side.
        weights: what the loss of each row counts, or of each step: (rows, *steps), the shape of targets without their
            last axis, float64; None where all count alike.
        weights_val: those of the rows kept for validation.
        raw_weights: as they are stored, (rows,), (rows, 1) or (rows, *steps).
        weights_name: of their array.
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
    aims: tuple[Aim, ...] = ()
    weights: np.ndarray | None = None
    weights_val: np.ndarray | None = None
    raw_weights: np.ndarray | None = None
    weights_name: str = ""

    @classmethod
    def invented(
        cls, x: np.ndarray, targets: Mapping[str, np.ndarray], description: str, weights: np.ndarray | None = None
    ) -> Self:  # fmt: skip
        """Return a set that stands in for real data.

        Args:
            x: inputs, as ``x`` of the set.
            targets: of each output by its name, those of the only one under an empty name.
            description: the data in words.
            weights: as ``weights`` of the set.
        """
        aims = tuple(Aim(name=name, shape=one.shape[1:], raw=one) for name, one in targets.items() if name)
        parts = list(targets.values())
        return cls(
            x=x, y=together(parts), raw_x=x, raw_y=parts[0], aims=aims, description=description, stand_in=True,
            weights=weights, raw_weights=weights, weights_name="" if weights is None else INVENTED,
        )  # fmt: skip

    @property
    def target(self) -> tuple[int, ...]:
        """Return the shape of one target as it came: ``()`` where it is flat; that of a table is a column."""
        return () if self.flat and not self.table else self.y.shape[1:]

    @cached_property
    def columns(self) -> tuple[float, float]:
        """Return how large the columns' means are (root mean square), and how far rows differ (standard deviation)."""
        rows = self.x.reshape(len(self.x), -1)
        return float(np.sqrt(np.mean(np.square(rows.mean(axis=0))))), float(np.sqrt(np.mean(rows.var(axis=0))))

    @property
    def raw(self) -> dict[str, np.ndarray]:
        """Return the arrays before any preprocessing, by the names that an exported program reads them by."""
        inputs = self.raw_inputs or {"X": self.raw_x}
        weights = {} if self.raw_weights is None else {self.weights_name: self.raw_weights}
        return {**inputs, **({one.name: one.raw for one in self.aims} or {"y": self.raw_y}), **weights}

    @property
    def stored(self) -> dict[str, Any]:
        """Return what is said of the stored targets where a program is compiled that reads them."""
        weights = None if self.raw_weights is None else self.raw_weights.shape[1:]
        return {"classes": self.classes, "flat": self.flat, "aims": self.aims, "weights": weights}

    @property
    def each(self) -> tuple[Dataset, ...]:
        """Return the set once for each output, with its targets alone; itself of a single one."""
        if not self.aims:
            return (self,)
        places = [{"shape": one.shape, "dtype": "float"} for one in self.aims]
        kept = [None] * len(places) if self.y_val is None else apart(self.y_val, places)
        return tuple(
            replace(self, y=y, y_val=y_val, raw_y=one.raw, classes=one.classes, flat=one.flat, aims=())
            for one, y, y_val in zip(self.aims, apart(self.y, places), kept, strict=True)
        )
