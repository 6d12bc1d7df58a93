"""Lockstep: at a step all sides start from the reference side's full state and take it, each with its own program.

No error is carried from step to step, so two programs that mean the same differ by rounding at step 1000 no
more than at step 1, and a difference of meaning stands out in the phase and tensor where it acts.

What a step computes is kept as digests. A step that looks suspicious is taken again from the same state with the
tensors themselves, which gives the same digests bit for bit (checked), and once more with each op given the reference
side's inputs, so that what is made in an op is told from what reaches it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from parity.errors import WorkerError
from parity.rows import together
from parity.run.digest import RECORD
from parity.run.exchange import Exchange
from parity.run.session import Session
from parity.spec.resolve import Resolved
from parity.tensors import slot as slot_name

SHADOW = {"float64": "float32", "float32": "float64", "bfloat16": "float64"}
"""Precision of the program's second copy, whose step beside the first one's measures rounding."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What one side computed in a step.

    Args:
        loss: of the step.
        digests: by (phase, tensor), in the order in which the step computes them; an update's is exact.
        folder: of the exchange that holds the tensors, where they were kept.
        moved: what the side has beyond its spec, of that what the step moved.
        drifts: the step moved numbers that the program keeps by itself, a rate or a count.
    """

    loss: float
    digests: Mapping[tuple[str, str], np.ndarray]
    folder: Path | None = None
    moved: tuple[str, ...] = ()
    drifts: bool = False

    def tensor(self, phase: str, name: str) -> np.ndarray:
        """Return a kept tensor, valid until the step is taken again."""
        if self.folder is None:
            raise ValueError("the tensors of this step were not kept")
        return Exchange(self.folder).get(f"{phase}/{name}")

    def own(self, name: tuple[str, str]) -> np.ndarray | None:
        """Return a kept tensor, or the loss, by phase and name; None for what the step did not show."""
        if name[0] == "loss":
            return np.array(self.loss)
        return self.tensor(*name) if name in self.digests else None

    def beside(self, parameters: Collection[str]) -> list[str]:
        """Return what gradients there are of parameters beside those of a config."""
        moved = [name for phase, name in self.digests if phase == "update"]
        return [name for name in moved if name not in parameters and ("gradient", name) in self.digests]

    def same(self, other: Taken) -> bool:
        """Return whether another taking of the step gave the same, bit for bit."""
        return (
            np.array_equal(self.loss, other.loss, equal_nan=True)
            and list(self.digests) == list(other.digests)
            and all(one.tobytes() == other.digests[name].tobytes() for name, one in self.digests.items())
        )


def batch_of(side: Resolved, taken: Taken) -> tuple[np.ndarray, np.ndarray]:
    """Return the inputs of a step of a side, and its targets, the weights of the rows beside them; they were kept."""
    names = ["x", "y", *(["sample_weights"] if side.weighs else [])]
    x, *goals = (np.array(taken.tensor("batch", name), np.float64) for name in names)
    return x, together(goals)


@dataclass(kw_only=True)
class Lockstep:
    """The sides of a comparison, open in their workers.

    Args:
        sessions: a worker for each side; the first side is the reference.
        openings: for each side, the arguments of its worker's ``open``.
        root: folder for the exchanges, best in memory.
        spill: folder on disk for the tensors of steps that are looked at, where they are too large for that; None
            for ``root``.
        seed: of the perturbations that measure rounding.
        precision: of the lockstep.
        between: makes of the state that the reference side publishes the one that all sides start the step from; called
            with the step's number, the names of the state's tensors, the exchange that has them, and the one that takes
            them. None where it is taken as it is.
    """

    sessions: Mapping[str, Session]
    openings: Mapping[str, Mapping[str, Any]]
    root: Path
    seed: int
    precision: str = "float64"
    spill: Path | None = None
    between: Callable[[int, list[str], Exchange, Exchange], None] | None = None
    reached: int = field(default=0, init=False)
    devices: dict[str, str] = field(default_factory=dict, init=False)

    @property
    def reference(self) -> str:
        """Return the side whose state the others take over."""
        return next(iter(self.sessions))

    def form(self, side: str) -> dict[str, str | None]:
        """Return what a side's predictions of each output are turned into.

        None where they are compared as its config makes them.
        """
        bindings = self.openings[side].get("bindings", {})
        answers = {one["name"]: one.get("answer") for one in bindings.get("heads", ())} or {"": bindings.get("answer")}
        return {name: answer["lockstep"] or None if answer else None for name, answer in answers.items()}

    @property
    def state(self) -> str:
        """Return the folder of the published state."""
        return str(self.root / "state")

    def folder(self, side: str, kind: str = "own") -> Path:
        """Return the folder of the exchange that takes a side's tensors."""
        return (self.spill or self.root) / f"{kind}{list(self.sessions).index(side)}"

    def open(self) -> None:
        """Load every side's program, in two precisions."""
        # From the same state, on the same batch, with the same masks: whatever the sides draw in their own runs.
        asked = {}
        for name in self.sessions:
            plan = {**self.openings[name]["plan"], "random": "recorded"}
            shadow = SHADOW[self.precision]
            asked[name] = {**self.openings[name], "plan": plan, "shadow": shadow, "compiled": False}
        self.devices = {name: told["device"] for name, told in self._all("open", asked).items()}

    def undetermined(self) -> dict[str, list[str]]:
        """Return, by side, the operations that have no deterministic form where it runs, though that was asked for."""
        return self._all("undetermined", {name: {} for name in self.sessions})

    def _all(self, command: str, payloads: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Ask sides at once, and wait for all, though one fails: what others answer is no answer to what comes next."""
        for name, payload in payloads.items():
            self.sessions[name].start(command, **payload)
        found: dict[str, Any] = {}
        failed: WorkerError | None = None
        for name in payloads:
            try:
                found[name] = self.sessions[name].finish()
            except WorkerError as error:
                failed = failed or error
        if failed is not None:
            raise failed
        return found

    def _adopt(self, sides: Sequence[str], number: int, **how: Any) -> None:
        self._all(
            "adopt",
            {name: {"folder": self.state, "iterations": number, **how} for name in sides},
        )

    def _probe(self, number: int, payloads: Mapping[str, Mapping[str, Any]]) -> dict[str, Taken]:
        told = self._all("probe", {name: {"number": number, **payload} for name, payload in payloads.items()})
        return {name: _taken(one, payloads[name].get("out")) for name, one in told.items()}

    def take(self, number: int) -> dict[str, Taken]:
        """Return what every side computes in a step, as digests.

        Args:
            number: of the step, counted from 0, not before the last one taken; the reference side goes there by itself.

        Raises:
            WorkerError: when a worker fails, dies or hangs.
        """
        if number > self.reached:
            self.sessions[self.reference].ask("advance", start=self.reached, stop=number)
        published = self.state if self.between is None else str(self.root / "published")
        names = self.sessions[self.reference].ask("publish", folder=published)
        if self.between is not None:
            self.between(number, names, Exchange(published), Exchange(self.state))
        self._adopt(list(self.sessions), number)
        found = self._probe(number, {name: {} for name in self.sessions})
        self.reached = number + 1
        return found

    def replay(self, number: int) -> dict[str, Taken]:
        """Take the last step again from the same state, keeping the tensors."""
        self._adopt(list(self.sessions), number)
        return self._probe(number, {name: {"out": str(self.folder(name))} for name in self.sessions})

    def leftovers(self, side: str) -> dict[str, np.ndarray]:
        """Return what a side's program had left before the step taken last.

        Gradients by ``layer.parameter``, slots that are not known by ``ATTRIBUTE/layer.parameter``.
        """
        folder = str(self.folder(side, "left"))
        names, kept = self.sessions[side].ask("leftovers", folder=folder), Exchange(folder)
        return {name: np.array(kept.get(f"leftovers/{name}"), np.float64) for name in names}

    def guided(
        self, number: int, sides: Sequence[str], reference: Taken, without: Collection[tuple[str, str]] = ()
    ) -> dict[str, Taken]:
        """Take the last step again, each op on what the reference side's op was given, keeping the tensors.

        Args:
            number: of the step.
            sides: that take it.
            reference: the reference side's replay.
            without: tensors that a side goes on with as it computes them.
        """
        names = [list(name) for name in reference.digests if name not in without]
        guide = {"folder": str(reference.folder), "names": names}
        self._adopt(sides, number)
        return self._probe(number, {name: {"out": str(self.folder(name, "guided")), "guide": guide} for name in sides})

    def shadows(self, number: int, sides: Sequence[str], repeats: int) -> dict[str, list[Taken]]:
        """Return the last step taken in the other precision, from the state as it is and from nudged ones.

        Args:
            number: of the step.
            sides: that take it.
            repeats: times it is taken; the second time and later the weights are moved by one unit in the last place
                of the lower of the two precisions.

        Returns:
            for each side: where the lockstep is in float64, its float32 steps; else the float64 step, then the nudged
            steps in the lockstep's own precision.
        """
        found: dict[str, list[Taken]] = {name: [] for name in sides}
        low_is_shadow = self.precision == "float64"
        for repeat in range(repeats):
            shadow = low_is_shadow or repeat == 0
            nudge = None if repeat == 0 else self.seed + repeat
            self._adopt(sides, number, shadow=shadow, nudge=nudge)
            for name, one in self._probe(number, {name: {"shadow": shadow} for name in sides}).items():
                found[name].append(one)
        if not low_is_shadow and repeats > 1:
            self._restore(number, sides)
        return found

    def nudged(self, number: int, sides: Sequence[str], repeats: int) -> dict[str, list[Taken]]:
        """Return the last step in its own precision, from weights moved by one unit in the last place.

        What an ill-conditioned step makes of rounding shows there in its full size: the sign of a gradient that is
        nothing but rounding is another one in any precision.

        Args:
            number: of the step.
            sides: that take it.
            repeats: times it is taken, from other weights each time.
        """
        found: dict[str, list[Taken]] = {name: [] for name in sides}
        for repeat in range(1, repeats + 1):
            self._adopt(sides, number, nudge=self.seed + repeat)
            for name, one in self._probe(number, {name: {} for name in sides}).items():
                found[name].append(one)
        self._restore(number, sides)
        return found

    def _restore(self, number: int, sides: Sequence[str]) -> None:
        """Bring the sides' own programs to where they are after the step."""
        self._adopt(sides, number)
        self._probe(number, {name: {} for name in sides})


def _taken(told: Mapping[str, Any], out: str | None) -> Taken:
    records = np.frombuffer(told["digests"], RECORD)
    names = [(phase, name) for phase, name in told["names"]]
    return Taken(
        loss=told["loss"], digests=dict(zip(names, records, strict=True)), folder=Path(out) if out else None,
        moved=tuple(told.get("moved", ())), drifts=bool(told.get("drifts")),
    )  # fmt: skip


def looked_at_bytes(sides: Sequence[Resolved]) -> int:
    """Return the bytes of the tensors that are kept of a step that is looked at: of all sides, and of guided ones.

    Of each parameter there are its gradient, its update and its slots, in float64; outputs are small beside them.
    """
    kept = [side.parameter_count * (2 + len(side.config.optimizer.slots())) * 8 for side in sides]
    return sum(kept) + sum(kept[1:])


def slots_before(side: Resolved, state: Exchange, number: int) -> dict[str, np.ndarray]:
    """Return the slots that a step starts from, as ``slot/layer.parameter``; those of the first are each side's own.

    Args:
        side: whose optimizer keeps them.
        state: exchange with what the reference side published.
        number: of the step, counted from 0.
    """
    every = [slot_name(slot, name) for slot in side.config.optimizer.slots()
             for name, one in side.parameters().items() if one.trainable]  # fmt: skip
    return {name: state.get(f"slots/{name}") for name in every if number and state.has(f"slots/{name}")}
