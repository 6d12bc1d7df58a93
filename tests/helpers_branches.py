"""Many small models in one program: each a branch that reads inputs of its own, looked at by itself.

To open a program, to trace its step and to pass its state on takes most of the time of a small model's test, and grows
little with the model. What is asked of a branch is what would be asked of a program of its own: it reads nothing of
another, and the loss is a mean over the elements of all, so that no gradient knows of another branch either. Where the
program of all of them fails as a whole, each runs alone, so that what is named is what is broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from helpers_frameworks import (
    Reference,
    Step,
    Tensors,
    assert_close,
    difference,
    opened,
    reported,
    side_of,
    starting_weights,
)

from parity.rows import together
from parity.spec.resolve import Resolved

MOST = 32
"""Branches of one program: with more, whoever asks for one test waits long for all the others."""

EXACT = 1e-12
"""Relative difference in float64 within which two computations of the same formula agree."""

RATE = 0.125
"""Learning rate for each output: the loss of more branches is a mean over more elements."""


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A model and what it reads.

    Args:
        model: ``input`` or ``inputs``, and ``layers``, as a spec has them.
        x: rows of each input, in the order of the inputs; all of them are one batch.
        weights: initial values by canonical name; those that the harness would hand out for what is not said.
    """

    model: Mapping[str, Any]
    x: Sequence[np.ndarray]
    weights: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Told:
    """What became of a branch.

    Args:
        step: that the reference took, with the branch's own names.
        fault: what is wrong with it in the framework, None where nothing is.
    """

    step: Step
    fault: Exception | None = None


class Branches:
    """Models that run together, as many as have the same number of rows; the first that is asked for runs them.

    Args:
        branches: by a name that tells what each is.
        free: take a step as a free run does, too; to trace it takes as long as all the rest.
    """

    def __init__(self, branches: Mapping[str, Branch], free: bool = True) -> None:
        self.branches, self.free = dict(branches), free
        self._told: dict[tuple[str, str], Told] = {}

    def check(self, framework: str, name: str) -> Step:
        """Check a branch in a framework, and return the reference's step.

        Predictions, a watched step (TensorFlow: eager, as a guided one), and, if that is asked for, from the same state
        again a step as a free run takes it (TensorFlow: in a graph).
        """
        if (framework, name) not in self._told:
            found = told_of(framework, self._beside(name), self.free)
            self._told |= {(framework, one): told for one, told in found.items()}
        told = self._told[framework, name]
        if told.fault is not None:
            raise AssertionError(f"{name} in {framework}: {told.fault}") from told.fault
        return told.step

    def check_all(self, framework: str) -> None:
        """Check every branch in a framework; all that are broken are named."""
        faults = []
        for name in self.branches:
            try:
                self.check(framework, name)
            except AssertionError as error:
                faults.append(str(error))
        assert not faults, "\n".join(faults)

    def _beside(self, name: str) -> dict[str, Branch]:
        """Return the branches of the program that a branch is in."""
        rows = len(self.branches[name].x[0])
        alike = [one for one, branch in self.branches.items() if len(branch.x[0]) == rows]
        start = alike.index(name) // MOST * MOST
        return {one: self.branches[one] for one in alike[start : start + MOST]}


def told_of(framework: str, branches: Mapping[str, Branch], free: bool) -> dict[str, Told]:
    """Run branches together, or each alone where that fails as a whole; return what became of each."""
    try:
        joint = Joint(framework, list(branches.values()))
        found, loss = joint.run(free)
        told = dict(zip(branches, found, strict=True))
        if loss is None or any(one.fault for one in found):
            return told
        whole: Exception = AssertionError(loss)
    except Exception as error:  # Whatever a broken entry raises, here or in the worker.
        told, whole = {name: Told(step=Step(loss=0.0)) for name in branches}, error
    if len(branches) > 1:
        told = {name: told_of(framework, {name: one}, free)[name] for name, one in branches.items()}
        if any(one.fault for one in told.values()):
            return told
    return {name: Told(step=one.step, fault=whole) for name, one in told.items()}


class Joint:
    """The program of several branches, beside its reference.

    Args:
        framework: that runs it.
        branches: with the same number of rows.
    """

    def __init__(self, framework: str, branches: Sequence[Branch]) -> None:
        self.branches, self.widths = branches, list[int]()
        self.rows = len(branches[0].x[0])
        inputs: dict[str, Any] = {}
        layers: list[Any] = []
        given: Tensors = {}
        for number, branch in enumerate(branches):
            side = side_of(framework, branch.model)
            inputs |= {prefix(number) + one.name: {"shape": one.shape, "dtype": one.dtype} for one in side.graph.inputs}
            layers += branched(side, prefix(number))
            layers.append({"flatten": {"name": f"flat_{number}", "inputs": layers[-1].name}})
            self.widths.append(int(np.prod(side.last.output_shape)))
            given |= {prefix(number) + name: np.asarray(value) for name, value in (branch.weights or {}).items()}
        if len(branches) > 1:
            ends = [f"flat_{number}" for number in range(len(branches))]
            layers.append({"concatenate": {"name": "all", "inputs": ends}})
        rate = RATE * sum(self.widths)
        self.side = side_of(framework, {"inputs": inputs, "layers": layers}, optimizer={"sgd": {"learning_rate": rate}},
                            training={"batch_size": self.rows, "shuffle": False})  # fmt: skip
        self.x = together([part for branch in branches for part in branch.x])
        self.weights = starting_weights(self.side) | given

    def run(self, free: bool) -> tuple[list[Told], str | None]:
        """Return what became of each branch, and what is wrong with the losses."""
        y = np.concatenate([np.random.default_rng(8).uniform(size=(self.rows, one)) for one in self.widths], axis=1)
        reference = Reference(self.side, self.x, y, self.weights)
        got, wanted = dict[str, Tensors](), dict[str, Tensors]()
        with opened(self.side, self.x, y, self.weights) as program:
            wanted["predictions"] = self.parts(reference.predictions())
            got["predictions"] = self.parts(program.predict())
            kept = program.state()
            own, step = reference.take(0), program.step(0, eager=True)
            wanted |= {phase: getattr(own, phase) for phase in PHASES} | {"gradient": reported(step, own)}
            got |= {phase: getattr(step, phase) for phase in PHASES}
            losses = [step.loss]
            if free:
                program.adopt(*kept, iterations=0)
                losses += program.train(1)
                wanted |= zip(AFTER, (reference.weights, reference.named_slots()), strict=True)
                got |= zip(AFTER, program.state(), strict=True)
        far = [loss for loss in losses if not difference(loss, own.loss) <= EXACT]
        told = [told_apart(number, own, got, wanted) for number in range(len(self.branches))]
        return told, f"loss {far[0]!r}, wanted {own.loss!r}" if far else None

    def parts(self, outputs: np.ndarray) -> Tensors:
        """Return outputs by branch."""
        split = np.split(outputs, np.cumsum(self.widths)[:-1], axis=1)
        return {f"{prefix(number)}output": part for number, part in enumerate(split)}


PHASES = ("forward", "gradient", "update", "state")
"""What is compared of a watched step."""

AFTER = ("weights after a free run", "slots after a free run")
"""What is compared of the state behind a free run."""


def prefix(number: int) -> str:
    """Return what the names of a branch begin with."""
    return f"b{number}_"


def branched(side: Resolved, begin: str) -> Iterator[Any]:
    """Yield the layers of a model with names that begin so, each saying what it reads."""
    for layer in side.layers():
        yield layer.op.replace(name=begin + layer.name, inputs=tuple(begin + value.name for value in layer.reads))


def of_branch(tensors: Tensors, number: int) -> Tensors:
    """Return the tensors of a branch, by its own names; a slot's stand behind what it is a slot of."""
    begin, found = prefix(number), {}
    for name, value in tensors.items():
        slot, slash, owner = name.rpartition("/")
        if owner.startswith(begin):
            found[slot + slash + owner.removeprefix(begin)] = value
    return found


def told_apart(number: int, own: Step, got: Mapping[str, Tensors], wanted: Mapping[str, Tensors]) -> Told:
    """Compare what belongs to a branch, in the order in which a step computes it."""
    step = Step(loss=own.loss, **{phase: of_branch(getattr(own, phase), number) for phase in PHASES})
    try:
        for phase in wanted:
            assert_close(of_branch(got[phase], number), of_branch(wanted[phase], number), EXACT, phase)
    except AssertionError as error:
        return Told(step=step, fault=error)
    return Told(step=step)
