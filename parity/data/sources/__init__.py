"""Named data sources: one file each, found by itself; adding a source is adding a file.

A source's file holds one subclass of :class:`Source`. It may import NumPy only through ``parity.lazy``, and
whatever else it needs inside :meth:`Source.read`, so that listing the sources costs nothing.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from parity.errors import DataError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True)
class Raw:
    """Rows as a source holds them, before any preprocessing.

    Args:
        x: inputs, (rows, ...), integers or floats; of several, the first.
        several: all of them by name, where there are several.
        y: class labels 0..classes - 1, integers, (rows, ...); or targets, floats, (rows, ...); of several, the first.
        aims: all arrays of targets by name, where there are several.
        description: where the rows come from, in words, without how many they are.
        stand_in: True for generated rows that stand in for a real set.
        table: True where the targets are a column of a table, which says nothing of the shape they were meant to have.
        weights: what the loss of each row counts, (rows,), (rows, 1) or (rows, steps), where that was asked for.
    """

    x: np.ndarray
    y: np.ndarray
    description: str
    stand_in: bool = False
    table: bool = False
    weights: np.ndarray | None = None
    several: Mapping[str, np.ndarray] = field(default_factory=dict)
    aims: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def goals(self) -> list[np.ndarray]:
        """Return the arrays of targets."""
        return list(self.aims.values()) or [self.y]

    @property
    def inputs(self) -> list[np.ndarray]:
        """Return the arrays of inputs."""
        return list(self.several.values()) or [self.x]


class Source(ABC):
    """A named source of rows.

    Class attributes:
        name: what a spec writes after ``source:``.
        summary: one line for the catalog.
        classes: True where the targets are class labels, integers from 0; False where they are numbers to be met.
        csv_target: the label column of a .csv that is given in the source's place; None for the one the spec names.
        stands_for: name of the real source that it stands in for, which a file given in its place is; None for none.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    classes: ClassVar[bool] = True
    csv_target: ClassVar[str | None] = None
    stands_for: ClassVar[str | None] = None

    @abstractmethod
    def read(self) -> Raw:
        """Return the rows.

        Raises:
            DataError: they are not to be had here; says how to get them.
        """

    def read_given(self, file: Path, *, x: str | tuple[str, ...], y: str | tuple[str, ...]) -> Raw:
        """Return the rows of a file that a user gave in the source's place (``--data FILE``).

        Args:
            file: an .npz or .csv.
            x: name of the array of inputs, or names of several.
            y: name of the array of targets, or names of several, or of their column in a .csv.

        Raises:
            DataError: it cannot be read, or does not hold what was asked for.
        """
        from parity.data.reading import read_file  # It imports Raw from here.

        return self.recognise(read_file(file, x=x, y=y))

    def recognise(self, raw: Raw) -> Raw:
        """Return rows that a user's file gave in the source's place, described by what is known of them.

        Args:
            raw: the rows as they were read.
        """
        return raw


FOLDER = "PARITY_DATA"
"""Environment variable that names a folder with the real sets."""


def real_file(source: str, names: Sequence[str], how_to_get_it: str) -> Path:
    """Return the file of a real set: the first of some names that is in the folder that ``PARITY_DATA`` names.

    Args:
        source: that wants it.
        names: what the set may be called there.
        how_to_get_it: what a user can do who has none.

    Raises:
        DataError: it is not there; says how to get it.
    """
    folder = os.environ.get(FOLDER)
    if not folder:
        raise DataError(f"data source {source}: no --data FILE was given and {FOLDER} is not set; {how_to_get_it}")
    found = next((path for path in (Path(folder) / name for name in names) if path.is_file()), None)
    if found is None:
        wanted = " or ".join(names)
        raise DataError(f"data source {source}: {FOLDER} is {folder!r}, which has no {wanted}; {how_to_get_it}")
    return found


@cache
def sources() -> Mapping[str, Source]:
    """Return every named source by its name, in alphabetical order."""
    found: dict[str, Source] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        for kind in vars(module).values():
            # The module test leaves out what a file imports from another: only what it defines is its source.
            if isinstance(kind, type) and issubclass(kind, Source) and kind.__module__ == module.__name__:
                if kind.name in found:
                    raise TypeError(f"{module.__name__}: the name {kind.name!r} is taken by another data source")
                found[kind.name] = kind()
    return MappingProxyType(dict(sorted(found.items())))
