"""The state of a program by the spec's names and in its layouts: weights, running statistics, optimizer slots.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from parity.run.axes import counted_first, counted_last, in_blocks, inverse, permuted
from parity.tensors import slot as slot_name


def _blocked(place: dict[str, Any]) -> int:
    """Return the axis of a program's tensor that is the spec's last."""
    return -1 if place["axes"] is None else list(place["axes"]).index(len(place["axes"]) - 1)


def _first(place: dict[str, Any]) -> int:
    """Return the axis of a program's tensor that is the spec's first."""
    return 0 if place["axes"] is None else list(place["axes"]).index(0)


class State(ABC):
    """Reads and writes a program's tensors as the spec has them.

    ``bindings`` say where they are: see ``parity.compile.program``.
    """

    bindings: dict[str, Any]
    native: bool

    @property
    def by_hand(self) -> bool:
        """Whether the program was written by hand: only of one is it said what a row of its outputs is to be."""
        return self.bindings.get("output") is not None

    @property
    def draws(self) -> bool:
        """Whether what the framework draws may count: not in a compiled program whose tensors are all put in."""
        return self.native or bool(self.bindings.get("input")) or not self.bindings["weights"]

    @abstractmethod
    def activate(self) -> None:
        """Let what is global in a framework (float type, dropout masks) be this program's."""

    def trainable(self) -> list[str]:
        """Return the names of what the optimizer moves: every tensor but the running statistics."""
        return [name for name, place in self.bindings["weights"].items() if place["trainable"]]

    def raw_weights(self) -> list[tuple[str, np.ndarray, list[int] | None]]:
        """Return (name, value as it lies, axes that make it canonical) of parameters and running statistics."""
        names = self.bindings["weights"]
        return [(name, self.lies(name, self.read(self.parameter(name))), self.out_axes(name)) for name in names]

    def lies(self, name: str, value: np.ndarray) -> np.ndarray:
        """Return a tensor with the axes that the spec's has: a program may have more or fewer of length one.

        And with its blocks, and its features, in the spec's order.
        """
        place = self.bindings["weights"][name]
        if np.ndim(value) and place.get("blocks"):
            value = in_blocks(np.asarray(value), _blocked(place), np.argsort(place["blocks"]).tolist())
        row = place.get("lies")
        value = value if row is None or np.ndim(value) == 0 else value.reshape(row)
        if np.ndim(value) and place.get("counted"):
            value = counted_last(np.asarray(value), place["counted"], _first(place))
        return value

    def laid(self, name: str, value: np.ndarray) -> np.ndarray:
        """Return a tensor of the spec's, its axes permuted, with its blocks and features in the program's order."""
        place = self.bindings["weights"][name]
        if place.get("counted"):
            value = counted_first(value, place["counted"], _first(place))
        return in_blocks(value, _blocked(place), place["blocks"]) if place.get("blocks") else value

    def raw_slots(self) -> list[tuple[str, np.ndarray, list[int] | None]]:
        """Return (``slot/layer.parameter``, value as it lies, axes that make it canonical) of the optimizer's slots."""
        found = []
        for slot, (attribute, scale) in self.bindings["slots"].items():
            for name in filter(self.optimized, self.trainable()):
                value = self.lies(name, self.read_slot(attribute, name))
                axes = self.out_axes(name) if np.ndim(value) else None  # One number has none.
                found.append((slot_name(slot, name), value if scale == 1.0 else value * scale, axes))
        return [*found, *((name, np.array(value), None) for name, value in self.loss_scale().items())]

    def loss_scale(self) -> dict[str, float]:
        """Return by what the loss is scaled, ``loss_scale``, and the steps since that was moved, ``good_steps``."""
        return {}

    def set_loss_scale(self, loss_scale: float, good_steps: float) -> None:
        """Set what :meth:`loss_scale` returns."""
        raise NotImplementedError

    def weights(self) -> dict[str, np.ndarray]:
        """Return the canonical parameters and running statistics."""
        return {name: permuted(np.asarray(value), axes) for name, value, axes in self.raw_weights()}

    def slots(self) -> dict[str, np.ndarray]:
        """Return the canonical optimizer slots as ``slot/layer.parameter``."""
        return {name: permuted(np.asarray(value), axes) for name, value, axes in self.raw_slots()}

    def set_weights(self, values: Callable[[str], np.ndarray | None]) -> None:
        """Set every parameter to its canonical value.

        Args:
            values: canonical value by name; None leaves the tensor as it is.
        """
        self.activate()
        for name in self.bindings["weights"]:
            value = values(name)
            if value is not None:
                self.write(self.parameter(name), self._in(name, value))

    def set_slots(self, values: Callable[[str], np.ndarray | None], iterations: int) -> None:
        """Set the optimizer's slots and its count of updates made.

        Args:
            values: canonical value by ``slot/layer.parameter``; None leaves the slot as it is.
            iterations: updates made.
        """
        self.activate()
        for slot, (attribute, scale) in self.bindings["slots"].items():
            for name in filter(self.optimized, self.trainable()):
                value = values(slot_name(slot, name))
                if value is not None:
                    # Scaled by a learning rate of 0, a slot is 0 whatever is stored.
                    stored = value / scale if scale else np.zeros_like(value)
                    self.write_slot(attribute, name, self._in(name, stored) if np.ndim(stored) else stored)
        self.set_iterations(iterations)
        scale = {name: values(name) for name in self.loss_scale()}
        if scale:
            self.set_loss_scale(**{name: float(value) for name, value in scale.items() if value is not None})

    def drifts(self, before: dict[str, np.ndarray]) -> bool:
        """Return whether the step just taken moved numbers that the program keeps beside its tensors.

        Args:
            before: :meth:`leftovers` as they were before it.
        """
        del before
        return False

    def leftovers(self) -> dict[str, np.ndarray]:
        """Return what a step leaves behind beside weights and slots; the next one may go on from it."""
        return {}

    def set_leftovers(self, values: dict[str, np.ndarray]) -> None:
        """Put back what :meth:`leftovers` returned."""
        del values

    def _in(self, name: str, value: np.ndarray) -> np.ndarray:
        place = self.bindings["weights"][name]
        value = self.laid(name, permuted(value, place["axes"]))
        return value if place.get("lies") is None else value.reshape(tuple(self.parameter(name).shape))

    def out_axes(self, name: str) -> list[int] | None:
        """Return the permutation that makes a parameter canonical, None where it is."""
        return inverse(self.bindings["weights"][name]["axes"])

    @abstractmethod
    def parameter(self, name: str) -> Any:
        """Return the framework's variable for a canonical name."""

    @abstractmethod
    def read(self, variable: Any) -> np.ndarray:
        """Return a variable's value."""

    @abstractmethod
    def write(self, variable: Any, value: np.ndarray) -> None:
        """Set a variable's value."""

    def optimized(self, name: str) -> bool:
        """Return whether the program's optimizer keeps slots of a parameter; it may have left some out."""
        return True

    @abstractmethod
    def read_slot(self, attribute: str, name: str) -> np.ndarray:
        """Return a slot of a parameter, as it starts before the first step."""

    @abstractmethod
    def write_slot(self, attribute: str, name: str, value: np.ndarray) -> None:
        """Set a slot of a parameter."""

    @abstractmethod
    def set_iterations(self, iterations: int) -> None:
        """Set the optimizer's count of updates made."""
