"""Weight decay in a program's optimizer that stands for l2 penalties of the spec: shown where the spec has them.

``weight_decay=d`` of PyTorch's optimizers, but AdamW's, adds d w to the gradient g of a parameter w, which is what a
penalty d / 2 sum(w^2) in the loss does; the loss alone does not show it. So both are reported with what it comes to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from parity.run.on_device import Far
from parity.run.probe import Guide, Probe


class Decay:
    """What an optimizer is going to add to gradients in a step.

    Args:
        decays: d of each parameter that has one.
        lies: returns a parameter as its gradient lies.
    """

    def __init__(self, decays: Mapping[str, float], lies: Callable[[str], np.ndarray]) -> None:
        self.added: dict[str, np.ndarray] = {}
        self.penalty = 0.0
        for name, decay in decays.items():
            w = lies(name)
            self.added[name] = decay * w  # A copy: once the step is taken, they are others.
            self.penalty += 0.5 * decay * float(np.sum(np.square(w, dtype=np.float64)))


class DecayProbe:
    """A probe that is shown gradients as the optimizer makes use of them."""

    def __init__(self, decay: Decay, probe: Probe) -> None:
        self.decay, self.probe = decay, probe

    def see(self, phase: str, name: str, value: np.ndarray | Far, axes: Sequence[int] | None = None) -> None:
        """Take a tensor, as :meth:`parity.run.probe.Probe.see` does."""
        more = self.decay.added.get(name) if phase == "gradient" else None
        self.probe.see(phase, name, value if more is None else np.asarray(value) + more, axes)


class DecayGuide(Guide):
    """A guide whose gradients have in them what the optimizer is going to add."""

    def __init__(self, decay: Decay, guide: Guide) -> None:
        super().__init__(guide.exchange, [])
        self.names, self.decay = guide.names, decay

    def instead(self, phase: str, name: str, shape: Sequence[int], axes: Sequence[int] | None) -> np.ndarray | None:
        """Return what to go on with, as :meth:`parity.run.probe.Guide.instead` does."""
        found, more = super().instead(phase, name, shape, axes), self.decay.added.get(name)
        return found if found is None or more is None or phase != "gradient" else found - more
