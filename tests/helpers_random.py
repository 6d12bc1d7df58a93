"""Random specs in the frameworks: each against the NumPy reference, step by step, and in doubt before the judge.

A framework takes its steps from the reference's state, operation by operation, which is quick. What differs by more
than a fixed tolerance may still be rounding that an ill-conditioned step made large: the court, which measures that
and runs graphs as a lockstep does, decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from helpers_frameworks import (
    APART,
    Reference,
    Step,
    Tensors,
    assert_same_step,
    opened,
    shared_bench,
    starting_weights,
)

from parity.compare.judge import AGREE, MEANT, Seen
from parity.compare.noise import Rounding
from parity.data.dataset import Dataset
from parity.errors import ParityError
from parity.selftest.pair_bench import TestBench
from parity.selftest.random_specs import STEPS, RandomSpec
from parity.spec.resolve import Resolved
from parity.tensors import without_slot

CLOSE = 1e-11
"""Relative difference of any tensor of a step up to which nobody need be asked."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What came of a random spec.

    Args:
        spec: that was run.
        doubts: a line for each framework that is further from the reference than the fixed tolerance.
        faults: a line for each pair of frameworks, or framework and reference, that the court says part.
        undecided: a line for each of those of which it can tell nothing: not finite, or nothing but rounding.
    """

    spec: RandomSpec
    doubts: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()

    def told(self) -> str:
        """Return the seed, what is wrong, and the spec as YAML."""
        return "\n".join((f"seed {self.spec.seed}", *self.doubts, *self.faults, *self.undecided, self.spec.yaml()))


def tried(spec: RandomSpec, frameworks: Sequence[str], bench: TestBench, judged: bool = False) -> Tried:
    """Run a random spec in frameworks, and hold every one against the NumPy reference.

    Args:
        spec: what is run.
        frameworks: that are installed.
        bench: with the workers of the court.
        judged: ask the court in any case.
    """
    sides, data = spec.sides(frameworks), spec.dataset()
    doubts, course = list[str](), Course(sides[0], data)
    for side in sides:
        try:
            steps(side, data, course if side.config == sides[0].config else Course(side, data))
        except (AssertionError, ParityError) as error:
            doubts.append(f"{side.framework}: {' '.join(str(error).split())[:1000]}")
            if isinstance(error, ParityError):
                shared_bench().drop(side.framework, APART)  # Its process may be gone.
    if not doubts and not judged:
        return Tried(spec=spec)
    faults, undecided = decided(spec, frameworks, bench)
    return Tried(spec=spec, doubts=tuple(doubts), faults=tuple(faults), undecided=tuple(undecided))


class Course:
    """What the NumPy reference computes of a config, which all frameworks are held against.

    Args:
        side: whose config it is.
        data: to learn from.
    """

    def __init__(self, side: Resolved, data: Dataset) -> None:
        self.weights = starting_weights(side)
        reference = Reference(side, data.x, data.y, self.weights, data.weights)
        self.steps: list[tuple[Tensors, Tensors, Step]] = []
        with np.errstate(all="ignore"):
            for number in range(STEPS):
                state = dict(reference.weights), reference.named_slots()
                self.steps.append((*state, reference.take(number)))
            self.last = dict(reference.weights), reference.named_slots()
            self.predictions = reference.predictions()


def steps(side: Resolved, data: Dataset, course: Course) -> None:
    """Check the steps of a side, each from the reference's state, and the predictions."""
    with opened(side, data.x, data.y, course.weights, counts=data.weights) as program, np.errstate(all="ignore"):
        for number, (weights, slots, wanted) in enumerate(course.steps):
            program.adopt(weights, slots, iterations=number)
            assert_same_step(program.step(number, eager=True), wanted, CLOSE)
        program.adopt(*course.last, iterations=STEPS)
        predicts(program.predict(), course.predictions)


def predicts(got: np.ndarray, wanted: np.ndarray) -> None:
    """Check the predictions from the reference's state."""
    assert got.shape == wanted.shape, f"predictions of shape {got.shape}, wanted {wanted.shape}"
    away = float(np.linalg.norm(got - wanted))
    assert away <= CLOSE * max(1.0, float(np.linalg.norm(wanted))), f"predictions differ by {away:.1e}"


def decided(spec: RandomSpec, frameworks: Sequence[str], bench: TestBench) -> tuple[list[str], list[str]]:
    """Return what the court finds wrong, and of what it can tell nothing."""
    faults, undecided = list[str](), list[str]()
    try:
        with np.errstate(all="ignore"):
            judged = bench.judged(spec.sides(frameworks), spec.dataset(), STEPS, hold=True)
    except ParityError as error:
        for name in frameworks:
            bench.drop(name, 0)
        return [f"{type(error).__name__}: {error}"], []
    for judge in judged.judges:
        verdict, reason = judge.verdict()
        if verdict not in AGREE:
            kind = undecided if verdict == "inconclusive" else faults
            kind.append(f"{judge.a} and {judge.b}: {verdict}, {reason}")
    finite = not any(judge.nonfinite for judge in judged.judges)
    for witness in judged.witnesses:
        for place in witness.places:
            rounding = not finite or _is_rounding(judged.rounding, frameworks, place)
            (undecided if rounding else faults).append(
                f"{witness.side} and the NumPy reference: step {place.step}, {place.phase}, {place.tensor}: "
                f"they differ by {place.difference:.1e}, rounding explains {place.noise:.1e}"
            )
    return faults, undecided


def _is_rounding(rounding: Rounding, sides: Sequence[str], place: Seen) -> bool:
    """Return whether a tensor is nothing but rounding, or moved by a gradient that is, whose sign is chance.

    It is so where any side finds it so: where terms cancel, one framework may come by a 0 that is exact.
    """
    if place.difference <= 10.0 * place.noise:
        return True
    names = (
        {place.name, ("gradient", without_slot(place.tensor))} if place.phase in ("update", "state") else {place.name}
    )
    return any(rounding.noise(side, side, name) > MEANT for side in sides for name in names)
