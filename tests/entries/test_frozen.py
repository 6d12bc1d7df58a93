"""Layers whose parameters stay: one network with every kind of them, each beside the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from helpers_frameworks import (
    Reference,
    assert_close,
    assert_same_step,
    each_framework,
    opened,
    side_of,
    starting_weights,
)

from parity.catalog import OPS
from parity.code import Case
from parity.ops import Op

ROWS = 3


KEPT: dict[str, tuple[type[Op], Case]] = {
    name: (kind, case) for name, kind in OPS.items() for case in kind.cases()[:1] if case.parameters
}  # fmt: skip
"""Every kind that has parameters, with its first worked case."""


def network() -> dict[str, Any]:
    """Return a model in which every kind reads inputs of its own, and a dense layer all that they give."""
    inputs, layers = {}, list[dict[str, Any]]()
    for name, (kind, case) in KEPT.items():
        own = {
            f"{name}_reads_{number}": {"shape": list(np.shape(one)[1:]), "dtype": kind.reads_dtype}
            for number, one in enumerate(case.x if len(kind.ports) != 1 else [case.x])
        }
        inputs |= own
        layers.append({name: {**case.fields, "name": f"a_{name}", "inputs": list(own), "trainable": False}})
        layers.append({"flatten": {"name": f"flat_{name}", "inputs": f"a_{name}"}})
    together = {"concatenate": {"name": "all", "inputs": [f"flat_{name}" for name in KEPT]}}
    return {"inputs": inputs, "layers": [*layers, together, {"dense": 2}]}


@each_framework
def test_every_kind_of_layer_stays_as_it_starts_when_it_is_not_trainable(framework: str) -> None:
    side, numbers = side_of(framework, network(), training={"batch_size": ROWS}), np.random.default_rng(3)
    parts = [
        numbers.integers(0, 2, (ROWS, *one.shape))
        if one.dtype == "integer"
        else numbers.normal(size=(ROWS, *one.shape))
        for one in side.graph.inputs
    ]
    x = np.concatenate([one.reshape(ROWS, -1) for one in parts], axis=1)
    y, weights = numbers.normal(size=(ROWS, *side.last.output_shape)), starting_weights(side)
    reference = Reference(side, x, y, weights)
    step = reference.take(0)
    assert set(step.update) == {"dense.kernel", "dense.bias"}
    with opened(side, x, y, weights) as program:
        assert_same_step(program.step(0, eager=True), step, 1e-11)
        after, _ = program.state()
    stays = {name: value for name, value in weights.items() if name not in (*step.update, *step.state)}
    assert_close({name: after[name] for name in stays}, stays, 0.0, "weights")


def test_most_kinds_that_have_parameters_are_here() -> None:
    assert len(KEPT) >= 20, sorted(KEPT)


BARE = [
    ({"batch_norm": {}}, (3,)), ({"layer_norm": {}}, (3,)), ({"group_norm": {"groups": 1}}, (2, 4)),
    ({"instance_norm": {}}, (4, 2)), ({"instance_norm": {}}, (2, 3, 2)), ({"instance_norm": {"axis": 1}}, (2, 2, 2, 3)),
]  # fmt: skip


@each_framework
def test_a_normalization_that_has_neither_gamma_nor_beta_trains_none(framework: str) -> None:
    """What a program keeps beside what the spec has moves in the first step, and is seen in the loss of the third."""
    inputs, layers = {}, list[dict[str, Any]]()
    for number, (layer, shape) in enumerate(BARE):
        ((kind, fields),) = layer.items()
        inputs[f"in_{number}"] = {"shape": list(shape), "dtype": "float"}
        own = {"center": False, "scale": False, "name": f"norm_{number}", "inputs": f"in_{number}"}
        layers += [{kind: fields | own}, {"flatten": {"name": f"flat_{number}", "inputs": f"norm_{number}"}}]
    together = {"concatenate": {"name": "all", "inputs": [f"flat_{number}" for number in range(len(BARE))]}}
    model = {"inputs": inputs, "layers": [*layers, together, {"dense": 2}]}
    side, numbers = side_of(framework, model, training={"batch_size": ROWS, "epochs": 3}), np.random.default_rng(5)
    x = numbers.normal(size=(ROWS, sum(int(np.prod(shape)) for _, shape in BARE)))
    y, weights = numbers.normal(size=(ROWS, 2)), starting_weights(side)
    reference = Reference(side, x, y, weights)
    with opened(side, x, y, weights) as program:
        np.testing.assert_allclose(program.train(3), [reference.take(step).loss for step in range(3)], rtol=1e-11)
