"""Pairs of sides for the benchmark of causes: a small network that learns, and what is changed in it.

A pair is drawn from a seed: an architecture, a framework for each side, a kind, and changes. The kind only says which
changes are drawn; what they come to, alone and together, is found out by running them (``causes_truth.py``).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

ROWS, STEPS = 256, 48

KINDS = {"one": 30, "two": 24, "three": 10, "together": 26, "made up for": 18, "many": 6, "clean": 14}
"""Kinds of pairs, and how many of each are drawn for every 128."""

EIGHT, OF_EIGHT = " of eight", ("one of eight", "two of eight", "together of eight")
"""Kinds of pairs with eight live differences exactly: how runs are counted where anybody says how many they take."""

Changes = dict[str, Any]


@dataclass(frozen=True)
class Network:
    """An architecture with the optimizer that it learns well with."""

    name: str
    reshape: tuple[int, ...]
    layers: tuple[Any, ...]
    optimizer: str
    has: frozenset[str] = field(default_factory=frozenset)

    @property
    def hidden(self) -> str:
        """Return the name of the first layer with a kernel."""
        return next(
            layer[kind]["name"] for layer in self.layers for kind in layer if kind in ("dense", "conv1d", "conv2d")
        )


def _dense(units: int, activation: str = "relu", name: str = "hidden") -> dict[str, Any]:
    return {"dense": {"units": units, "activation": activation, "name": name}}


def _named(kind: str, **fields: Any) -> dict[str, Any]:
    return {kind: fields}


CONV1 = _named("conv1d", filters=12, kernel_size=3, padding="same", activation="relu", name="hidden")
CONV2 = _named("conv2d", filters=8, kernel_size=3, padding="same", activation="relu", name="hidden")
PLAIN2 = _named("conv2d", filters=8, kernel_size=3, padding="same", name="hidden")
POOL, FLAT = _named("max_pooling2d", pool_size=2, name="pool"), _named("flatten", name="flatten")
NORM, DROP = _named("batch_norm", momentum=0.9, name="norm"), _named("dropout", rate=0.2, name="dropout")
RELU, OUT = _named("activation", function="relu", name="relu"), _dense(10, "softmax", "logits")

NETWORKS = [
    Network("mlp", (64,), (_dense(32), OUT), "sgd"),
    Network("mlp with dropout", (64,), (_dense(48), DROP, OUT), "adam", frozenset({"dropout"})),
    Network("mlp with batch norm", (64,), (_dense(32, "linear"), NORM, RELU, OUT), "sgd", frozenset({"norm"})),
    Network("1-D CNN", (8, 8), (CONV1, FLAT, OUT), "sgd"),
    Network("1-D CNN with dropout", (8, 8), (CONV1, FLAT, DROP, OUT), "adam", frozenset({"dropout"})),
    Network("2-D CNN", (8, 8, 1), (CONV2, POOL, FLAT, OUT), "sgd"),
    Network("2-D CNN with both", (8, 8, 1), (PLAIN2, NORM, RELU, POOL, FLAT, DROP, OUT), "adam",
            frozenset({"norm", "dropout"})),
]  # fmt: skip

OPTIMIZERS: dict[str, Any] = {
    "sgd": {"sgd": {"learning_rate": 0.1, "momentum": 0.9}},
    "adam": {"adam": {"learning_rate": 0.01}},
}


@dataclass(frozen=True)
class Change:
    """Something to change: its paths, and where it can be."""

    name: str
    changes: Callable[[Network], Changes]
    fits: Callable[[Network], bool] = lambda network: True


def _sgd(network: Network) -> bool:
    return network.optimizer == "sgd"


def _adam(network: Network) -> bool:
    return network.optimizer == "adam"


def _with(part: str) -> Callable[[Network], bool]:
    return lambda network: part in network.has


def _set(path: str, value: Any) -> Callable[[Network], Changes]:
    return lambda network: {path.replace("HIDDEN", network.hidden): value}


def _several(**values: Any) -> Callable[[Network], Changes]:
    return lambda network: {path.replace("__", "."): value for path, value in values.items()}


ALONE = [
    Change("rate far too low", _set("optimizer.learning_rate", 2e-5)),
    Change("rate far too high, SGD", _set("optimizer.learning_rate", 40.0), _sgd),
    Change("rate far too high, Adam", _set("optimizer.learning_rate", 6.0), _adam),
    Change("hidden kernel zero", _set("layers.HIDDEN.kernel_initializer", "zeros"), lambda one: "norm" not in one.has),
    Change("output kernel huge", _set("layers.logits.kernel_initializer", {"truncated_normal": {"stddev": 60.0}})),
    Change("dropout nearly all", _set("layers.dropout.rate", 0.99), _with("dropout")),
    Change("statistics that hardly move", _set("layers.norm.momentum", 0.9999), _with("norm")),
    Change("weights held to nothing", _set("layers.logits.kernel_constraint", {"max_norm": {"max_value": 0.02}})),
    Change("penalty far too strong", _set("layers.logits.kernel_regularizer", {"l2": {"factor": 8.0}}), _sgd),
    Change("output rectified", _set("layers.logits.activation", "relu")),
    Change("inputs nearly zero", _set("data.scale", 1e-6), lambda one: "norm" not in one.has),
]

TOGETHER = [
    Change("small rate, no momentum", _several(optimizer__learning_rate=0.006, optimizer__momentum=0.0), _sgd),
    Change("large rate, long momentum", _several(optimizer__learning_rate=0.45, optimizer__momentum=0.985), _sgd),
    Change("large inputs, large rate", _several(data__scale=0.6, optimizer__learning_rate=0.4), _sgd),
    Change("large inputs, large rate, Adam", _several(data__scale=1.2, optimizer__learning_rate=0.12), _adam),
    Change("small rate, small inputs", _several(data__scale=0.006, optimizer__learning_rate=0.012), _sgd),
    Change("small rate, loss over ten", _several(optimizer__learning_rate=0.012, loss="sigmoid_crossentropy"), _sgd),
    Change("dropout, small rate", _several(layers__dropout__rate=0.8, optimizer__learning_rate=7e-4), _with("dropout")),
    Change("slow statistics, small rate", _several(layers__norm__momentum=0.985, optimizer__learning_rate=0.0012),
           lambda one: "norm" in one.has and one.optimizer == "adam"),
]  # fmt: skip

MADE_UP_FOR = [
    Change("logits and their loss", lambda _: {"layers.logits.activation": "linear", "loss.from_logits": True}),
    Change("Adam and its rate", _set("optimizer", {"adam": {"learning_rate": 0.003}}), _sgd),
    Change("SGD and its rate", _set("optimizer", {"sgd": {"learning_rate": 0.2, "momentum": 0.9}}), _adam),
    Change("rate for momentum", _several(optimizer__learning_rate=1.0, optimizer__momentum=0.0), _sgd),
    Change("small inputs, large kernels", lambda one: {
        "data.scale": 6e-5, f"layers.{one.hidden}.kernel_initializer": {"truncated_normal": {"stddev": 200.0}}},
        lambda one: "norm" not in one.has),
]  # fmt: skip

HARMLESS = [
    Change("Nesterov", _set("optimizer.nesterov", True), _sgd),
    Change("epsilon", _set("optimizer.epsilon", 1e-5), _adam),
    Change("second moment", _set("optimizer.beta_2", 0.99), _adam),
    Change("file order", _set("training.shuffle", False)),
    Change("He", _set("layers.HIDDEN.kernel_initializer", "he_normal")),
    Change("small biases", _set("layers.HIDDEN.bias_initializer", {"truncated_normal": {"stddev": 0.05}})),
    Change("output biases", _set("layers.logits.bias_initializer", {"truncated_normal": {"stddev": 0.05}})),
    Change("no output bias", _set("layers.logits.use_bias", False)),
    Change("dropout a little more", _set("layers.dropout.rate", 0.25), _with("dropout")),
    Change("statistics a little slower", _set("layers.norm.momentum", 0.88), _with("norm")),
    Change("weak penalty", _set("layers.HIDDEN.kernel_regularizer", {"l2": {"factor": 1e-6}})),
    Change("wide bound", _set("layers.HIDDEN.kernel_constraint", {"max_norm": {"max_value": 20.0}})),
    Change("batches of 20", _set("training.batch_size", 20)),
    Change("only full batches", _set("training.drop_remainder", True)),
    Change("decay", _set("optimizer.decay", 1e-6), _sgd),
    Change("standard output kernel", _set("layers.logits.kernel_initializer", "he_normal")),
]

INERT = [Change("metrics", lambda _: {"metrics": ["accuracy", "mse"]})]
"""Differences that drop out without a run; every large pair has one."""


def draw(seed: int, kind: str) -> dict[str, Any]:
    """Return the spec of a pair.

    Args:
        seed: of the draw.
        kind: one of ``KINDS`` or ``OF_EIGHT``.
    """
    rng = random.Random(f"{seed} {kind}")
    while True:
        network = rng.choice(NETWORKS)
        changes = _drawn(rng, network, kind)
        if changes is not None:
            break
    frameworks = [rng.choice(["torch", "torch", "keras", "tensorflow"]) for _ in range(2)]
    return {
        "name": f"pair_{seed}",
        "data": {"source": "digits", "rows": ROWS, "scale": 0.0625, "reshape": list(network.reshape)},
        "model": {"input": list(network.reshape), "layers": list(network.layers)},
        "loss": "categorical_crossentropy",
        "optimizer": OPTIMIZERS[network.optimizer],
        "training": {"batch_size": 16, "epochs": 3, "seed": seed},
        "metrics": ["accuracy"],
        "sides": {"a": {"framework": frameworks[0]}, "b": {"framework": frameworks[1], "changes": changes}},
        "explain": {"steps": STEPS, "framework": frameworks[0]},
    }


def _drawn(rng: random.Random, network: Network, kind: str) -> Changes | None:
    """Return the changes of a pair, None where the network has no place for them."""
    eight, kind = kind.endswith(EIGHT), kind.removesuffix(EIGHT)
    wanted = {"one": 1, "two": 2, "three": 3, "many": rng.choice([1, 1, 2])}.get(kind, 0)
    count = {"many": 12}.get(
        kind, rng.choice([4, 5, 6, 8]) if kind in ("one", "two", "together") else rng.choice([4, 5, 6])
    )
    count = 8 if eight else count
    changes: Changes = {}
    parts = [(ALONE, wanted)]
    parts += [(TOGETHER, 1)] if kind == "together" else [(MADE_UP_FOR, 1)] if kind == "made up for" else []
    parts += [(INERT, 1)] if kind == "many" else []
    for pool, number in parts:
        if not _add(rng, network, pool, changes, number):
            return None
    _add(rng, network, HARMLESS, changes, count - len(changes))
    return changes if len(changes) >= (8 if eight else min(count, 4)) else None


def _add(rng: random.Random, network: Network, pool: list[Change], changes: Changes, number: int) -> bool:
    """Add changes whose paths are still free; return whether there were enough of them."""
    fitting = [one for one in pool if one.fits(network)]
    rng.shuffle(fitting)
    for one in fitting:
        new = one.changes(network)
        if number and not any(_clash(path, known) for path in new for known in changes):
            changes |= new
            number -= 1
    return number == 0


def _clash(path: str, known: str) -> bool:
    return path == known or path.startswith(f"{known}.") or known.startswith(f"{path}.")
