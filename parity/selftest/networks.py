"""The small networks and data of the self-test."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from parity.data.dataset import Dataset
from parity.errors import SpecError
from parity.lazy import np
from parity.selftest.many_networks import MANY
from parity.selftest.network import Network as Network
from parity.selftest.optimizers import OPTIMIZERS as OPTIMIZERS
from parity.selftest.plain_networks import PLAIN
from parity.spec.load import build_spec
from parity.spec.resolve import Resolved, resolve
from parity.spec.sections import Spec

if TYPE_CHECKING:
    from numpy.random import Generator

ROWS, BATCH = 24, 8
"""Rows of the data, and of a batch: three steps an epoch."""

NETWORKS: dict[str, Network] = {**PLAIN, **MANY}
"""By name. Small, since many are run; every op, activation and loss that there is stands in one of them."""


def dataset(network: Network, seed: int = 0) -> Dataset:
    """Return invented rows for a network."""
    generator = np.random.default_rng([7, seed])
    x = rows(network, generator)
    y = generator.normal(size=(ROWS, network.outputs))
    if network.classes:
        y = np.eye(network.outputs)[generator.integers(0, network.outputs, ROWS)]
    elif network.targets == "signs":
        y = np.sign(y)
    elif network.targets == "counts":
        y = generator.poisson(2.0, y.shape).astype(np.float64)
    first, *others = network.ends or ("",)
    parts = {first: y} | {name: generator.normal(size=y.shape) for name in others}
    counts = generator.uniform(0.25, 3.0, ROWS) if network.weighs else None
    return Dataset.invented(x, parts, "invented rows of the self-test", counts)


def rows(network: Network, generator: Generator) -> np.ndarray:
    """Return invented inputs: normal numbers, or any of a network's tokens."""
    if network.tokens:
        return generator.integers(0, network.tokens, (ROWS, *network.input)).astype(np.float64)
    return generator.normal(size=(ROWS, *network.input))


@cache
def stands(frameworks: tuple[str, ...], network: str, optimizer: str) -> bool:
    """Return whether frameworks can train a network with an optimizer, all of them; names are those of the tables."""
    try:
        written(NETWORKS[network], OPTIMIZERS[optimizer], 0, {name: name for name in frameworks})
    except SpecError:  # PyTorch keeps the bias of a GRU in two tensors, whose norm is none.
        return False
    return True


def side(framework: str, network: Network, optimizer: Any, seed: int = 0, name: str | None = None) -> Resolved:
    """Return a resolved side that trains a network.

    Args:
        framework: that runs it.
        network: what is trained.
        optimizer: as a spec has it.
        seed: of everything random.
        name: of the side, its framework's if not said.
    """
    return resolve(written(network, optimizer, seed, {name or framework: framework}))[0]


def written(network: Network, optimizer: Any, seed: int, sides: Mapping[str, str]) -> Spec:
    """Return the spec of a network.

    Args:
        network: what is trained.
        optimizer: as a spec has it.
        seed: of everything random.
        sides: framework of each by its name.

    Raises:
        SpecError: when one of them cannot train it.
    """
    told: dict[str, Any] = {
        "name": "selftest",
        "data": {"source": "rows.npz", **network.counted},
        "model": network.model,
        "loss": network.loss,
        "optimizer": optimizer,
        "training": {"batch_size": BATCH, "seed": seed},
        "sides": {name: {"framework": framework} for name, framework in sides.items()},
    }
    return build_spec(told)
