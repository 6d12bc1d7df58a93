"""A side in NumPy as it begins to train: its weights, its rows, and some changes to try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from parity.data.loading import standardized
from parity.reference import Reference
from parity.rows import beside
from parity.run.initial import initial_weight
from parity.spec.resolve import changed

if TYPE_CHECKING:
    import numpy as np

    from parity.data.dataset import Dataset
    from parity.spec.resolve import Resolved

STANDARDIZE = "data.standardize"
"""The change that is made to the rows, which are at hand."""

STANDARDIZED: Mapping[str, Any] = {STANDARDIZE: True}


@dataclass(frozen=True)
class Begun:
    """A side and its rows.

    Args:
        side: resolved.
        data: rows that fit the model.
    """

    side: Resolved
    data: Dataset

    def having(self, changes: Mapping[str, Any]) -> Begun:
        """Return it with some changes made.

        Args:
            changes: path to value; of the data's, that they are standardized.

        Raises:
            SpecError: when the config cannot be so.
        """
        of_config = {path: value for path, value in changes.items() if path != STANDARDIZE}
        data = replace(self.data, x=standardized(self.data.x)) if changes.get(STANDARDIZE) else self.data
        return Begun(changed(self.side, of_config, "tried") if of_config else self.side, data)

    def reference(self) -> Reference:
        """Return the side in NumPy, with the weights that it starts from."""
        return Reference(self.side, {name: initial_weight(self.side, name) for name in self.side.parameters()})

    def targets(self, rows: np.ndarray) -> np.ndarray:
        """Return the targets of some rows, their sample weights beside them, as a reference takes them."""
        weights = self.data.weights
        return beside(self.data.y[rows], None if weights is None else weights[rows])


def lost(reference: Reference, x: np.ndarray, y: np.ndarray) -> float:
    """Return the loss of a batch with the weights as they are and the draws of the first step."""
    return next(float(value) for (phase, _), value in reference.stages(x, y, 0) if phase == "loss")
