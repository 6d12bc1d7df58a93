"""Lockstep: at every step all sides start from the reference side's full state and take one step.

No error is carried from step to step, so two programs that mean the same differ by rounding at step 1000 no
more than at step 1, and a difference of meaning stands out in the phase and tensor where it acts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from parity.run.exchange import Exchange
from parity.run.session import Session

TWIN = "(twin)"
"""Name of the reference side's perturbed twin."""


@dataclass(frozen=True, kw_only=True)
class LockstepStep:
    """What the sides computed in one step.

    Args:
        number: counted from 1.
        losses: by side; the twin's under ``TWIN``, when it ran.
        names: by side and phase, the tensors it computed, in order.
        folders: by side, the exchange that holds them; overwritten by the next step.
    """

    number: int
    losses: Mapping[str, float]
    names: Mapping[str, Mapping[str, list[str]]]
    folders: Mapping[str, Path]

    def tensor(self, side: str, phase: str, name: str) -> np.ndarray:
        """Return a tensor, valid until the next step."""
        return Exchange(self.folders[side]).get(f"{phase}/{name}")


def lockstep(
    sessions: Mapping[str, Session],
    openings: Mapping[str, Mapping[str, Any]],
    root: Path,
    seed: int,
    steps: int,
    twin_every: int = 16,
) -> Iterator[LockstepStep]:
    """Yield the steps of all sides in lockstep; the first side is the reference.

    Args:
        sessions: a worker for each side.
        openings: for each side, the arguments of its worker's ``open``.
        root: folder for the exchanges, best in memory.
        seed: of the twin's perturbation.
        steps: to take.
        twin_every: at step 1 and every so many steps the reference also takes the step from weights moved by one
            unit in the last place: what that changes is what rounding can change. 0 for never.

    Raises:
        WorkerError: when a worker fails, dies or hangs.
    """
    reference = next(iter(sessions))
    state = str(root / "state")
    folders = {name: root / f"side{index}" for index, name in enumerate(sessions)} | {TWIN: root / "twin"}
    for name, session in sessions.items():
        session.start("open", **openings[name])
    for session in sessions.values():
        session.finish()
    sessions[reference].ask("publish", folder=state)
    for number in range(steps):
        told = {}
        if twin_every and number % twin_every == 0:
            main = sessions[reference]
            main.ask("adopt", folder=state, iterations=number, nudge=seed)
            told[TWIN] = main.ask("lockstep", number=number, state=state, out=str(folders[TWIN]))
            main.ask("adopt", folder=state, iterations=number)
        others = {name: session for name, session in sessions.items() if name != reference}
        for session in others.values():
            session.start("adopt", folder=state, iterations=number)
        for session in others.values():
            session.finish()
        for name, session in sessions.items():
            session.start("lockstep", number=number, state=state, out=str(folders[name]))
        for name, session in sessions.items():
            told[name] = session.finish()
        yield LockstepStep(
            number=number + 1,
            losses={name: one["loss"] for name, one in told.items()},
            names={name: one["seen"] for name, one in told.items()},
            folders=folders,
        )
        sessions[reference].ask("publish", folder=state)
