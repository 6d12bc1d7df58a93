"""The suite of clean pairs: the same config in two frameworks, in which nothing may be found."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from parity.compare.judge import AGREE, Judge, Verdict
from parity.errors import WorkerError
from parity.selftest.networks import NETWORKS, OPTIMIZERS, dataset, side, stands
from parity.selftest.pair_bench import TestBench

STEPS = 3
"""Steps of a clean pair: the state is fresh in the first only."""

PRECISIONS = ("float64", "float32")
"""Of the lockstep. In bfloat16 Keras's Adam does not move (0.999 rounds to 1): a difference, and no noise."""


@dataclass(frozen=True, kw_only=True)
class Clean:
    """One lockstep of the same config in several frameworks: a pair for each but the first.

    Args:
        frameworks: the first is the reference.
        network: name of the network.
        optimizer: name of the optimizer.
        seed: of weights, data, batches and masks.
        precision: of the lockstep.
    """

    frameworks: tuple[str, ...]
    network: str
    optimizer: str
    seed: int
    precision: str

    @property
    def pairs(self) -> int:
        """Return the number of pairs judged."""
        return len(self.frameworks) - 1


@dataclass(frozen=True, kw_only=True)
class Silence:
    """What came of a clean pair.

    Args:
        clean: the lockstep it was part of.
        a: framework of the reference side.
        b: framework of the other side.
        verdict: ``identical`` or ``rounding``, or it is a false alarm.
        says: its reason.
        shares: by phase, the largest share that a tensor's difference took of what rounding explains.
    """

    clean: Clean
    a: str
    b: str
    verdict: Verdict
    says: str
    shares: dict[str, float] = field(default_factory=dict)

    @property
    def silent(self) -> bool:
        """Return whether there was no alarm."""
        return self.verdict in AGREE


def chosen(frameworks: Sequence[str], count: int, seed: int = 0) -> list[Clean]:
    """Return so many locksteps that every network, optimizer, precision and order of frameworks comes up evenly.

    Args:
        frameworks: that are installed.
        count: of pairs, at least.
        seed: of the choice.
    """
    numbers = random.Random(seed)
    every = zip(_evenly(NETWORKS, numbers), _evenly(OPTIMIZERS, numbers), strict=False)
    combinations = (one for one in every if stands(tuple(frameworks), *one))
    orders = [tuple(frameworks[i:]) + tuple(frameworks[:i]) for i in range(len(frameworks))]
    found: list[Clean] = []
    for number, (network, optimizer) in enumerate(combinations):
        if sum(one.pairs for one in found) >= count:
            return found
        order = orders[number % len(orders)]
        order = order if len(order) > 1 else order * 2
        precision = PRECISIONS[number // len(orders) % len(PRECISIONS)]
        found.append(Clean(frameworks=order, network=network, optimizer=optimizer, seed=number, precision=precision))
    return found


def _evenly(names: Iterable[str], numbers: random.Random) -> Iterator[str]:
    """Yield names without end, each as often as the others, in an order that is drawn anew every time round."""
    while True:
        block = list(names)
        numbers.shuffle(block)
        yield from block


def listen(bench: TestBench, clean: Clean) -> list[Silence]:
    """Run a clean lockstep, and return what came of each pair.

    Args:
        bench: with the workers.
        clean: what to run.
    """
    network = NETWORKS[clean.network]
    names = [f"{name}{'' if number == 0 else '_again'}" for name, number in _numbered(clean.frameworks)]
    sides = [
        side(framework, network, OPTIMIZERS[clean.optimizer], clean.seed, name)
        for framework, name in zip(clean.frameworks, names, strict=True)
    ]
    try:
        judged = bench.judged(sides, dataset(network, clean.seed), STEPS, clean.precision)
    except WorkerError as error:
        return [
            Silence(clean=clean, a=names[0], b=other, verdict="inconclusive", says=str(error)) for other in names[1:]
        ]
    return [_silence(clean, judge) for judge in judged.judges]


def _numbered(frameworks: Sequence[str]) -> list[tuple[str, int]]:
    return [(name, list(frameworks[:index]).count(name)) for index, name in enumerate(frameworks)]


def _silence(clean: Clean, judge: Judge) -> Silence:
    verdict, reason = judge.verdict()
    return Silence(clean=clean, a=judge.a, b=judge.b, verdict=verdict, says=reason, shares=dict(judge.closest))
