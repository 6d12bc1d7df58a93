"""From the tensors of a lockstep step to a judge's notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from parity.compare.judge import Judge
from parity.compare.measure import compare, relative_difference, relative_gap


class StepTensors(Protocol):
    """What is read of a lockstep step; ``parity.run.lockstep.LockstepStep`` is one."""

    @property
    def number(self) -> int:
        """Number of the step, counted from 1."""

    @property
    def losses(self) -> Mapping[str, float]:
        """Loss by side."""

    @property
    def names(self) -> Mapping[str, Mapping[str, list[str]]]:
        """Tensors by side and phase."""

    def tensor(self, side: str, phase: str, name: str) -> np.ndarray:
        """Return a tensor."""


def compare_weights(judge: Judge, a: Mapping[str, Sequence[int]], b: Mapping[str, Sequence[int]]) -> None:
    """Note the parameters that only one side has, or that have another shape.

    Args:
        judge: takes the notes.
        a: shape by parameter on the reference side.
        b: the same on the other side.
    """
    for name in [*a, *(name for name in b if name not in a)]:
        if name not in b or name not in a:
            judge.missing("weights", name, judge.a if name in a else judge.b)
        elif tuple(a[name]) != tuple(b[name]):
            judge.reshaped(name, tuple(a[name]), tuple(b[name]))


def compare_initial(judge: Judge, name: str, a: np.ndarray, b: np.ndarray) -> None:
    """Note how the initial values of a parameter differ; they are drawn, so nothing is left to rounding.

    Args:
        judge: takes the note.
        name: of the parameter.
        a: initial value on the reference side.
        b: on the other side.
    """
    judge.add(1, "weights", name, a.shape, relative_difference(a, b))


def compare_step(judge: Judge, step: StepTensors, twin: str) -> None:
    """Note every tensor of a step, in the order in which a step computes them.

    Args:
        judge: takes the notes; its sides are sides of the step.
        step: what the sides computed.
        twin: name under which the reference side's twin stands, in steps where it ran.
    """
    a, b, number = judge.a, judge.b, step.number
    twinned = twin in step.losses
    for phase in ("batch", "forward", "loss", "gradient", "update", "state"):
        if phase == "loss":
            twin_gap = relative_gap(step.losses[a], step.losses[twin]) if twinned else None
            gap = relative_gap(step.losses[a], step.losses[b])
            judge.add(number, "loss", "loss", (), gap, twin_gap, bool(np.isfinite(step.losses[a])))
            continue
        ours, theirs = step.names[a][phase], step.names[b][phase]
        if phase == "forward":
            # The last layer may be seen by its logits on one side and by its output on the other.
            logits = {name for name in {*ours} ^ {*theirs} if name.endswith(".logits")}
            behind = {name.removesuffix(".logits") for name in logits}
            ours, theirs = ([name for name in names if name not in logits | behind] for names in (ours, theirs))
        # Gradients are made from the last layer to the first: the first place is the one met first.
        for name in reversed(ours) if phase == "gradient" else ours:
            if name not in theirs:
                judge.missing(phase, name, a)
                continue
            left = step.tensor(a, phase, name)
            difference, finite = compare(left, step.tensor(b, phase, name))
            twin_difference = relative_difference(left, step.tensor(twin, phase, name)) if twinned else None
            judge.add(number, phase, name, left.shape, difference, twin_difference, finite)
        for name in theirs:
            if name not in ours:
                judge.missing(phase, name, b)
