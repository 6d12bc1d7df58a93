"""The suite of planted faults: each must be found in its step, phase and tensor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from parity.compare.judge import Judge
from parity.errors import WorkerError
from parity.frameworks import frameworks, part_of
from parity.selftest.networks import NETWORKS, OPTIMIZERS, Network, dataset, side
from parity.selftest.pair_bench import TestBench
from parity.selftest.planting import PlantedFault

FAULTS: list[PlantedFault] = [
    fault for name, one in frameworks().items() if not one.falls_back for fault in part_of(name, "faults").FAULTS
]
"""All of them."""

__all__ = ["FAULTS", "Found", "find"]

SEED = 3
"""Of the networks that faults are planted in."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came of a planted fault.

    Args:
        fault: that was planted.
        detected: the pair was called divergent.
        step: of the first place where a difference is made, None where none was found.
        phase: of that place.
        tensor: of that place.
        says: the verdict's reason, or what went wrong.
    """

    fault: PlantedFault
    detected: bool
    step: int | None = None
    phase: str | None = None
    tensor: str | None = None
    says: str = ""

    @property
    def placed(self) -> bool:
        """Return whether step and phase are right."""
        return (self.step, self.phase) == (self.fault.step, self.fault.phase)

    @property
    def exact(self) -> bool:
        """Return whether the tensor is right, too."""
        return self.placed and self.tensor == self.fault.tensor


def find(bench: TestBench, fault: PlantedFault, against: str) -> Found:
    """Plant a fault in one side's program and judge it beside a clean side.

    Args:
        bench: with the workers.
        fault: to plant.
        against: framework of the clean side.

    Raises:
        StaleFaultError: when the fault no longer fits the program.
    """
    network = _changed(NETWORKS[fault.network], fault)
    optimizer = OPTIMIZERS[fault.optimizer]
    clean = side(against, network, optimizer, SEED, "clean")
    faulty = side(fault.framework, network, optimizer, SEED, "faulty")
    program = bench.program(faulty, formatted=True)  # As the fault quotes it.
    program = replace(program, source=fault.planted(program.source))
    try:
        judged = bench.judged([clean, faulty], dataset(network, SEED), fault.step, programs={"faulty": program})
    except WorkerError as error:
        return Found(fault=fault, detected=False, says=str(error))
    return _found(fault, judged.judges[0])


def _found(fault: PlantedFault, judge: Judge) -> Found:
    verdict, reason = judge.verdict()
    place = judge.places[0] if judge.places else None
    return Found(
        fault=fault,
        detected=verdict == "divergent",
        step=place.step if place else None,
        phase=place.phase if place else None,
        tensor=place.tensor if place else None,
        says=f"{verdict}: {reason}",
    )


def _changed(network: Network, fault: PlantedFault) -> Network:
    """Return the network with the fields that the fault needs otherwise."""
    if not fault.replaces:
        return network
    layers: list[Any] = []
    for layer in network.layers:
        ((kind, fields),) = layer.items()
        layers.append({kind: {**fields, **fault.replaces.get(fields.get("name"), {})}})
    return replace(network, layers=tuple(layers))
