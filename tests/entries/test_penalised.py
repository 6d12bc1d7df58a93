"""Penalties of layers' outputs in every framework: of each layer that has them, once a call, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers_frameworks import (
    Reference,
    agrees,
    compiled,
    everywhere,
    side_of,
    starting_weights,
)

from parity.catalog import OPS, REGULARIZERS
from parity.errors import SpecError
from parity.explain.changes import Suspects
from parity.explain.fields import candidates
from parity.ops.penalised import Penalised
from parity.spec.resolve import Resolved

TOLD = {"activity_regularizer": {"l1_l2": {"l1": 0.03, "l2": 0.05}}}
SHAPES: dict[str, tuple[int, ...]] = {
    "dense": (3,), **dict.fromkeys(("gru", "lstm", "simple_rnn"), (4, 3)),
    **{f"{kind}{rank}d{end}": (*(6, 5, 4)[:rank], 2) for rank in (1, 2, 3)
       for kind, end in (("conv", ""), ("conv", "_transpose"), ("depthwise_conv", ""), ("separable_conv", ""))
       if f"{kind}{rank}d{end}" in OPS},
}  # fmt: skip
SIZES = {"units": 4, "filters": 3, "kernel_size": 2}


def random(*shape: int, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def model(framework: str, shape: tuple[int, ...], layers: list[Any], **sections: Any) -> Resolved:
    return side_of(framework, {"input": list(shape), "layers": layers}, training={"batch_size": 3}, **sections)


def fields_of(kind: str) -> dict[str, Any]:
    return {name: size for name, size in SIZES.items() if name in OPS[kind].model_fields}


def test_every_layer_that_has_the_fields_is_tried_below() -> None:
    assert {kind for kind, entry in OPS.items() if issubclass(entry, Penalised)} == {*SHAPES, "embedding"}


@pytest.mark.takes_turns
@everywhere
@pytest.mark.parametrize("kind", SHAPES)
def test_the_output_of_a_layer_is_penalised(framework: str, kind: str) -> None:
    """Behind a dense layer, so that the gradient goes on, by mean and by sum; in convolutions where a relu cuts."""
    shape = SHAPES[kind]
    activation = {"activation": "relu"} if kind.partition("_")[0][:4] in ("conv", "dept", "sepa") else {}
    plain = fields_of(kind) | activation
    side, added = beside(framework, kind, plain | TOLD), 0.0
    step = agrees(side, random(3, *shape))
    for reduction, rows in (("mean", 3), ("sum", 1)):
        y = step.forward[reduction]
        added += (0.03 * np.abs(y).sum() + 0.05 * (y**2).sum()) / rows
    bare = Reference(beside(framework, kind, plain), step.batch["x"], step.batch["y"], starting_weights(side))
    assert step.loss - bare.take(0).loss == pytest.approx(added, rel=1e-9)


def beside(framework: str, kind: str, fields: dict[str, Any]) -> Resolved:
    """Return a model with a layer twice: its penalty, if any, is a mean over the rows in one, a sum in the other."""
    layers: list[Any] = [{"dense": {"units": 2, "name": "before"}}]
    for reduction in ("mean", "sum"):
        told = fields | ({"activity_reduction": reduction} if TOLD.keys() <= fields.keys() else {})
        layers += [{kind: told | {"name": reduction, "inputs": "before"}}, {"flatten": {"name": f"flat_{reduction}"}}]
    ends = {"inputs": ["flat_mean", "flat_sum"], "name": "both"}
    return model(framework, SHAPES[kind], [*layers, {"concatenate": ends}, {"dense": 2}])


@pytest.mark.takes_turns
@everywhere
def test_rows_of_an_embedding_are_penalised_masked_ones_among_them(framework: str) -> None:
    words = {"inputs": {"words": {"shape": [4], "dtype": "integer"}}, "layers": [
        {"embedding": {"input_dim": 5, "output_dim": 3, "mask_zero": True} | TOLD},
        {"lstm": {"units": 3, "return_sequences": True} | TOLD},
        {"gru": {"units": 3} | TOLD | {"activity_reduction": "sum"}}, {"dense": 2},
    ]}  # fmt: skip
    agrees(side_of(framework, words, training={"batch_size": 3}), np.array([[1, 0, 2, 2], [0, 0, 0, 4], [3, 1, 1, 0]]))


@pytest.mark.takes_turns
@everywhere
def test_each_call_of_a_layer_adds_and_each_kind_of_regularizer_is_written(framework: str) -> None:
    """A kernel's penalty beside it, a layer that is frozen, and a batch norm behind."""
    layers: list[Any] = [
        {"dense": {"units": 3, "name": "tower", "kernel_regularizer": "l2", "activity_regularizer": {"l2": 0.1}}},
        {"again": {"layer": "tower", "name": "second"}},
        {"again": {"layer": "tower", "name": "third"}},
        *({"dense": {"units": 3, "activity_regularizer": kind}} for kind in REGULARIZERS),
        {"dense": {"units": 4, "trainable": False, "activation": "tanh"} | TOLD},
        "batch_norm",
        {"dense": {"units": 2}},
    ]
    step = agrees(model(framework, (3,), layers), random(3, 3))
    assert len([name for name in step.forward if name in ("tower", "second", "third")]) == 3


@pytest.mark.takes_turns
@everywhere
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_what_is_penalised_behind_a_loss_on_logits_are_the_probabilities(framework: str, reduction: str) -> None:
    told = {"activation": "softmax", "name": "out", "activity_reduction": reduction} | TOLD
    loss = {"loss": "categorical_crossentropy"}
    agrees(model(framework, (3,), [{"dense": {"units": 4} | told}], **loss), random(3, 3))
    flat = [{"conv2d": {"filters": 3, "kernel_size": 1} | told}]
    agrees(model(framework, (2, 4, 2), flat, **loss), random(3, 2, 4, 2))
    first = [{"conv2d": {"filters": 3, "kernel_size": 1, "data_format": "channels_first", "activation": "sigmoid"}
              | TOLD}]  # fmt: skip
    agrees(model(framework, (2, 3, 4), first, loss="sigmoid_crossentropy"), random(3, 2, 3, 4))


@pytest.mark.takes_turns
@everywhere
def test_outputs_of_several_and_of_blocks_are_penalised(framework: str) -> None:
    """A block whose layers are penalised is written out; a layer may be called as the model would keep an output."""
    block = {"block": {"name": "part", "repeat": 3, "layers": [
        {"dense": {"units": 4, "activation": "relu", "name": "up"} | TOLD}, {"dense": {"units": 4, "name": "down"}},
        {"batch_norm": {"name": "norm"}}, {"activation": "relu"},
    ]}}  # fmt: skip
    plain = {"block": {"name": "rest", "repeat": 3, "layers": [
        {"dense": {"units": 4, "name": "up"}}, {"batch_norm": {"name": "norm"}},
        {"activation": {"function": "relu", "name": "relu"}},
    ]}}  # fmt: skip
    layers = [
        block, plain, {"dense": {"units": 3, "activation": "relu", "name": "undivided"} | TOLD},
        {"dense": {"units": 3, "activation": "softmax", "name": "label"} | TOLD},
        {"dense": {"units": 3, "name": "label_output", "inputs": "undivided"} | TOLD | {"activity_reduction": "sum"}},
    ]  # fmt: skip
    several = {"input": [3], "layers": layers, "outputs": {"label": "label", "value": "label_output"}}
    side = side_of(framework, several, loss={"label": "categorical_crossentropy", "value": "mse"},
                   training={"batch_size": 3})  # fmt: skip
    agrees(side, random(3, 3), np.concatenate([np.eye(3), random(3, 3)], axis=1))
    assert "class RestBlock" in compiled(side).source or framework.startswith("keras")


def test_the_divisor_of_a_penalty_is_tried_whatever_its_layer_is_called() -> None:
    side = model("torch", (3,), [{"dense": {"units": 3, "name": "my_regularizer_in"} | TOLD}, {"dense": 2}])
    found = [one for one in candidates(side, Suspects(phase="loss", layers=side.layers(), number=0))
             if one.path.endswith("activity_reduction")]  # fmt: skip
    assert ("layers.my_regularizer_in.activity_reduction", "sum") in [(one.path, one.value) for one in found]


@pytest.mark.takes_turns
@everywhere
def test_an_output_is_kept_where_no_block_is(framework: str) -> None:
    names = ["part_output", "second", "third"]
    inside = [{"dense": {"units": 3, "name": "turn"}}, {"layer_norm": {"name": "even"}}]
    blocks = [{"block": {"name": one, "layers": inside}} for one in names]
    layers = [{"dense": {"units": 3, "name": "part"} | TOLD}, *blocks]
    agrees(model(framework, (3,), layers), random(3, 3))


def test_keras_is_told_by_its_own_argument_where_that_means_it() -> None:
    told = {"units": 2, "activity_regularizer": {"l2": 0.5}}
    plain = compiled(model("keras", (3,), [{"dense": told}])).source
    assert "activity_regularizer=keras.regularizers.L2(0.5)" in plain
    assert "undivided" not in plain
    summed = compiled(model("keras", (3,), [{"dense": told | {"activity_reduction": "sum"}}])).source
    assert "activity_regularizer=undivided(keras.regularizers.L2(0.5))" in summed


def test_mixed_precision_is_refused_beside_it() -> None:
    layers = [{"dense": {"units": 2} | TOLD}]
    for framework in ("keras", "torch"):
        with pytest.raises(SpecError, match="activity_regularizer in mixed precision is not there yet"):
            model(framework, (3,), layers, numerics={"mixed_precision": "bfloat16"})


@pytest.mark.parametrize(("kind", "inside"), [("bidirectional", "gru"), ("time_distributed", "dense")])
def test_a_layer_inside_another_is_refused_a_penalty(kind: str, inside: str) -> None:
    with pytest.raises(SpecError, match="activity_regularizer, which is not there yet in a layer around it"):
        model("keras", (4, 3), [{kind: {"layer": {inside: {"units": 2} | TOLD}}}, {"dense": 2}])
