"""Programs of a few dense layers as they were read, and two of them as one spec."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity.reading.pair import paired
from parity.reading.whole import ReadProgram
from parity.run.told import Told, ToldNode


def reading(framework: str, layers: list[Any], rows: dict[str, Any], **more: Any) -> ReadProgram:
    """Return a program that was read, of dense layers on four numbers."""
    spec: dict[str, Any] = {
        "name": framework, "data": {"source": "rows.npz"}, "model": {"input": [4], "layers": layers}, "loss": "mse",
        "optimizer": "sgd", "training": {"batch_size": 4, "epochs": 2, "shuffle": True, "seed": 0},
    } | more  # fmt: skip
    nodes = [
        ToldNode(name=next(iter(one.values()))["name"], part="", reads=[], shape=[], read_shapes=[],
                 place=f"{framework}.py, line {number}")
        for number, one in enumerate(layers, 1)
    ]  # fmt: skip
    told = Told(framework=framework, nodes=nodes, places={"compile": f"{framework}.py, line 90"})
    return ReadProgram(
        framework=framework, spec=spec, arrays=rows, names={one.name: one.name for one in nodes}, told=told
    )  # fmt: skip


OTHERS = "b_rows.npz"

X, Y = np.random.default_rng(0).normal(size=(8, 4)), np.random.default_rng(1).normal(size=(8, 1))
DENSE = [{"dense": {"units": 3, "name": "dense", "activation": "relu"}}, {"dense": {"units": 1, "name": "dense_1"}}]


def pair_of(a: ReadProgram, b: ReadProgram) -> Any:
    """Return two programs as one spec, its sides a and b."""
    return paired(a, b, ("a", "b"), "rows.npz", OTHERS)


SOFT: dict[str, Any] = {"loss": "categorical_crossentropy"}
LOGITS: dict[str, Any] = {"loss": {"sparse_categorical_crossentropy": {"from_logits": True}}}


def classes(activation: str, **more: Any) -> ReadProgram:
    """Return a program of three classes whose last layer ends so, its labels as its loss takes them."""
    labels = np.arange(8) % 3
    kind = next(iter(more["loss"])) if isinstance(more["loss"], dict) else more["loss"]
    y = labels if kind.startswith("sparse") else np.eye(3, dtype="float32")[labels]
    last = {"units": 3, "name": "dense_1", **({"activation": activation} if activation else {})}
    return reading("torch", [DENSE[0], {"dense": last}], {"X": X, "y": y}, **more)
