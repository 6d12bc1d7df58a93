"""The worker's answers about the framework itself, with no program open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from parity.frameworks import part_of
from parity.run.driver.parts import Parts
from parity.run.environment import versions
from parity.run.redrawing import redrawn
from parity.run.watched import UnwatchedError, taken


class Asked:
    """What a worker says of a framework's own parts; see :mod:`parity.run.own_defaults`."""

    def defaults(self, framework: str, names: list[str]) -> dict[str, dict[str, Any]]:
        """Return what :meth:`~parity.run.driver.parts.Parts.defaults` says of a framework's parts."""
        return {name: self._parts(framework).defaults(name) for name in names}

    def drawn(
        self, framework: str, modules: dict[str, str], attributes: list[str], count: int, most: int
    ) -> dict[str, list[float]]:
        """Return what :meth:`~parity.run.driver.parts.Parts.drawn` says of modules of a framework."""
        return self._parts(framework).drawn(modules, attributes, count, most)

    def stepped(self, framework: str, name: str, start: float, gradients: list[float]) -> list[float]:
        """Return what :meth:`~parity.run.driver.parts.Parts.stepped` says of an optimizer of a framework."""
        return self._parts(framework).stepped(name, start, gradients)

    def watched(self, program: dict[str, Any], folder: str) -> dict[str, Any]:
        """Return what :meth:`~parity.run.watched.Watcher.tell` says of a program; ``unwatched``, why there is none.

        Args:
            program: as :func:`~parity.run.watched.taken` takes it.
            folder: takes the arrays that it trains on.
        """
        try:
            watcher, training = taken(program)
        except UnwatchedError as error:
            return {"unwatched": str(error)}
        return watcher.tell(training, Path(folder)).plain()

    def redrawn(self, program: dict[str, Any], number: int, wanted: list[int], folder: str) -> dict[str, Any]:
        """Write how tensors of a program start with another seed, ``N.npy`` each, N its place in ``wanted``.

        Args:
            program: as :func:`~parity.run.watched.taken` takes it.
            number: of the seed.
            wanted: which tensors, as the watcher counts them.
            folder: takes them.
        """
        try:
            found = redrawn(program, number)
        except UnwatchedError as error:
            return {"unwatched": str(error)}
        for place, one in enumerate(wanted):
            np.save(Path(folder) / f"{place}.npy", np.asarray(found[one]))
        return {}

    @staticmethod
    def _parts(framework: str) -> Parts:
        found: Parts = part_of(framework, "driver.parts").PARTS
        return found

    def versions(self, packages: list[str]) -> dict[str, str]:
        """Return what :func:`~parity.run.environment.versions` says of this process."""
        return versions(packages)
