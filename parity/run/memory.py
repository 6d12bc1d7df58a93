"""What a worker remembers between messages: state that nobody else has, and what it has not told yet.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from parity.run.axes import permuted
from parity.run.driver.base import Driver
from parity.run.probe import DigestProbe, Probe, see_all
from parity.tensors import slot

EVENT_SECONDS = 0.25
"""How often a training run reports its losses: a message a step would cost more than a small step."""


class OwnState:
    """What the reference side has no counterpart of, and a side therefore carries from step to step itself.

    Parameters of its own, slots of another optimizer, gradients that a program may forget to set to zero. A step may be
    taken again and again, so all is put back to what it was before it, and at the next step to what it was after it was
    first taken.
    """

    def __init__(self) -> None:
        self.at: int | None = None
        self.names: set[str] | None = None
        self.kept: dict[str, np.ndarray] = {}
        self.starts: dict[str, float] = {}
        """What its slots hold before its first step, where that is one number."""
        self.leftovers: dict[str, np.ndarray] = {}
        self._after: tuple[dict[str, np.ndarray], dict[str, np.ndarray]] | None = None

    def begin(self, driver: Driver, iterations: int, given: Callable[[str, tuple[int, ...]], bool]) -> None:
        """Note the state of its own as it is before a step, unless it is being taken again.

        Args:
            driver: whose state it is.
            iterations: updates made before the step.
            given: whether the reference side's state has a tensor, by ``weights/...`` or ``slots/...`` and shape.
        """
        if self.at == iterations:
            return
        after, self._after = self._after, None
        self.at = iterations
        if self.names is None:
            found = everything(driver)
            self.names = {name for name, value in found.items() if not given(name, value.shape)}
            slots = {name: value for name, value in found.items() if name.startswith("slots/")} if driver.fresh else {}
            self.starts = {name: float(value.flat[0]) for name, value in slots.items()
                           if value.size and value.min() == value.max()}  # fmt: skip
        self.kept, self.leftovers = after or self._read(driver)

    def begun(self, slot: str, published: np.ndarray) -> np.ndarray:
        """Return what a slot holds before the step that was begun: how it starts is each side's own, 0 or 0.1.

        Args:
            slot: as ``slots/slot/layer.parameter``.
            published: what the reference side's holds, or what was kept of the side's own.
        """
        first = self.starts.get(slot) if self.at == 0 else None
        return published if first is None else np.full_like(published, first)

    def end(self, driver: Driver) -> None:
        """Note it as it is after the step was first taken."""
        if self._after is None:
            self._after = self._read(driver)

    def left(self, driver: Driver) -> dict[str, np.ndarray]:
        """Return what was left before the step, of bound parameters, in canonical layout.

        Gradients by ``layer.parameter``, and what an optimizer keeps that is no known slot by
        ``ATTRIBUTE/layer.parameter``.
        """
        found = {}
        for name in driver.trainable():
            place, axes = driver.bindings["weights"][name], driver.out_axes(name)
            first, rest = place["attribute"], place.get("beside", ())
            for key, value in self.leftovers.items():
                path, mark, attribute = key.partition("/")
                if path != first:
                    continue
                others = [f"{other}{mark}{attribute}" for other in rest]
                if value.ndim and rest and all(other in self.leftovers for other in others):
                    value = np.stack([value, *(self.leftovers[other] for other in others)])
                found[slot(attribute, name) if attribute else name] = (
                    permuted(driver.lies(name, value), axes) if value.ndim else value
                )
        return found

    def _read(self, driver: Driver) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        own = {name: value for name, value in everything(driver).items() if name in self.names} if self.names else {}
        return copies(own), copies(driver.leftovers())


def copies(tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the tensors in memory of their own."""
    return {name: np.array(value) for name, value in tensors.items()}


def everything(driver: Driver) -> dict[str, np.ndarray]:
    """Return a program's canonical parameters and slots as ``weights/...`` and ``slots/...``."""
    weights = {f"weights/{name}": value for name, value in driver.weights().items()}
    return weights | {f"slots/{name}": value for name, value in driver.slots().items()}


class Report:
    """Gathers what a training run tells, and tells it a few times a second.

    Args:
        event: tells the parent.
    """

    def __init__(self, event: Callable[..., None]) -> None:
        self.event, self.last = event, time.monotonic()
        self.losses: list[float] = []
        self.steps: list[dict[str, Any]] = []
        self.names: list[list[str]] = []

    def loss(self, value: float) -> None:
        """Take the loss of a step; send when it is time."""
        self.losses.append(value)
        if time.monotonic() - self.last > EVENT_SECONDS:
            self.send()

    def trace(self, number: int, probe: DigestProbe) -> None:
        """Take the digests of a step, 0 for the state before the first."""
        names = [list(one) for one in probe.names]
        told = {"step": number, "digests": probe.packed()}
        if names != self.names:
            told["names"], self.names = names, names  # Said once: they are the same in every step.
        self.steps.append(told)

    def send(self, **values: Any) -> None:
        """Tell what has gathered."""
        traced = {"trace": self.steps} if self.steps else {}
        self.event(losses=self.losses, **traced, **values)
        self.losses, self.steps, self.last = [], [], time.monotonic()


def see_state(probe: Probe, driver: Driver) -> None:
    """Let a probe see the full state of a program: what it trains, what it keeps beside, its slots."""
    trainable = set(driver.trainable())
    seen = [("weights" if one[0] in trainable else "state", *one) for one in driver.raw_weights()]
    see_all(probe, [*seen, *(("state", *one) for one in driver.raw_slots())])
