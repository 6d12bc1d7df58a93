"""Which layer sees which mask: a property of the graph, by what the entries say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers_frameworks import side_of

from parity.catalog import OPS
from parity.errors import SpecError
from parity.spec.differences import differences
from parity.spec.graph import Graph
from parity.spec.resolve import changed

WORDS = {"words": {"shape": [4], "dtype": "integer"}}
TOKENS = {"embedding": {"input_dim": 5, "output_dim": 3, "mask_zero": True, "name": "tokens"}}
PLAIN = {"embedding": {"input_dim": 5, "output_dim": 3, "inputs": "words", "name": "plain"}}
ROWS = np.array([[1.0, 2.0, 0.0, 3.0], [0.0, 0.0, 4.0, 0.0]])


def graph(*layers: Any) -> Graph:
    return side_of("torch", {"inputs": WORDS, "layers": [TOKENS, *layers]}).graph


def seen(found: Graph, name: str) -> list[list[bool]] | None:
    """Return the mask of what a layer gives, for two rows of tokens."""
    mask = found.by_name[name].gives_mask
    return None if mask is None else mask.value({"words": ROWS}).tolist()


@pytest.mark.parametrize(
    ("layer", "passes"),
    [
        ("dropout", True), ("dense", True), ("activation", True), ("layer_norm", True), ("group_norm", True),
        ("instance_norm", True), ("unit_normalization", True), ("prelu", True), ("rescaling", True),
        ("spatial_dropout1d", True), ("gaussian_noise", True), ("gaussian_dropout", True),
        ("alpha_dropout", True), ("time_distributed", True), ("lstm", True), ("bidirectional", True),
        ("flatten", False), ("conv1d", False), ("rms_norm", False), ("max_pooling1d", False), ("reshape", False),
        ("permute", False), ("zero_padding1d", False), ("cropping1d", False), ("up_sampling1d", False),
        ("global_max_pooling1d", False), ("global_average_pooling1d", False), ("average_pooling1d", False),
        ("depthwise_conv1d", False),
    ],
)  # fmt: skip
def test_a_layer_hands_the_mask_on_or_stops_it_as_keras_has_it(layer: str, passes: bool) -> None:
    """The order in which Keras's classes say ``supports_masking``, and those of recurrent layers ``compute_mask``."""
    fields: dict[str, Any] = {
        "dropout": {"rate": 0.5}, "dense": {"units": 2}, "activation": {"function": "relu"},
        "group_norm": {"groups": 1}, "rescaling": {"scale": 2.0}, "gaussian_noise": {"stddev": 0.5},
        "gaussian_dropout": {"rate": 0.5}, "alpha_dropout": {"rate": 0.5}, "spatial_dropout1d": {"rate": 0.5},
        "lstm": {"units": 2, "return_sequences": True}, "time_distributed": {"layer": {"dense": {"units": 2}}},
        "bidirectional": {"layer": {"gru": {"units": 2, "return_sequences": True}}}, "permute": {"dims": [2, 1]},
        "conv1d": {"filters": 2, "kernel_size": 1}, "depthwise_conv1d": {"kernel_size": 1},
        "reshape": {"target_shape": [12]},
    }  # fmt: skip
    found = graph({layer: fields.get(layer, {}) | {"name": "it"}})
    assert seen(found, "it") == ((ROWS != 0).tolist() if passes else None)
    assert found.by_name["it"].gives_mask is (found.by_name["tokens"].gives_mask if passes else None)


def test_every_layer_with_a_mask_that_it_neither_uses_nor_hands_on_stops_it() -> None:
    """No other table says so: what an entry's class has is all there is."""
    told = {kind for kind, op in OPS.items() if op.passes_mask or op.uses_mask or "mask_of" in vars(op)}
    assert {"masking", "embedding", "concatenate", "add", "simple_rnn", "gru", "lstm", "bidirectional"} <= told
    assert not told & {"flatten", "conv1d", "conv2d", "reshape", "repeat_vector", "rms_norm", "global_max_pooling1d"}


def test_the_last_state_alone_has_no_mask() -> None:
    assert seen(graph({"lstm": {"units": 2, "name": "it"}}), "it") is None
    assert seen(graph({"bidirectional": {"layer": {"lstm": 2}, "name": "it"}}), "it") is None


def test_masks_that_meet_are_put_together_as_keras_does() -> None:
    late = {"masking": {"mask_value": 0.0, "inputs": "plain", "name": "late"}}  # Masks nothing: no row of E is 0.
    both = {"add": {"inputs": ["tokens", "again"], "name": "both"}}
    found = graph({"dropout": {"rate": 0.5, "name": "again"}}, both)
    assert found.by_name["both"].gives_mask is found.by_name["tokens"].gives_mask, "a mask with itself is itself"
    found = graph(PLAIN, {"add": {"inputs": ["tokens", "plain"], "name": "both"}})
    assert seen(found, "both") is None, "a tensor without a mask takes it from all"
    for merge in ("add", "multiply", "maximum", "average", "concatenate"):
        found = graph(PLAIN, late, {merge: {"inputs": ["tokens", "late"], "name": "both"}})
        mask = found.by_name["both"].gives_mask
        assert mask is not None
        known = {"words": ROWS, "plain": np.zeros((2, 4, 3))}
        assert mask.value(known).tolist() == (ROWS != 0).tolist(), "a step counts that counts in one of them"
        assert mask.value(known | {"plain": np.ones((2, 4, 3))}).all()
    found = graph(PLAIN, {"concatenate": {"inputs": ["plain", "tokens"], "axis": 1, "name": "both"}})
    mask = found.by_name["both"].gives_mask
    assert mask is not None
    assert mask.value({"words": ROWS, "plain": np.zeros((2, 4, 3))}).tolist() == [
        [True] * 4 + row for row in (ROWS != 0).tolist()
    ]


def test_only_masks_that_something_goes_by_are_made() -> None:
    assert not graph("flatten", {"dense": 2}).told_masks
    assert len(graph({"dense": 2}).told_masks) == 1, "the loss goes by it"
    assert len(graph({"lstm": 2}, {"dense": 2}).told_masks) == 1


@pytest.mark.parametrize(
    ("layers", "told"),
    [
        ([{"batch_norm": {}}, "flatten"], "batch_norm of masked steps"),
        ([{"global_average_pooling1d": {"data_format": "channels_first"}}], "takes the channels last"),
        ([{"lstm": {"units": 3, "return_sequences": True, "name": "one"}}, PLAIN,
          {"again": {"layer": "one", "inputs": "plain"}}, {"concatenate": {"inputs": ["one", "again"]}}],
         "masked steps in one place and others here"),
    ],
)  # fmt: skip
def test_what_cannot_be_told_of_a_mask_is_said_with_its_place(layers: list[Any], told: str) -> None:
    with pytest.raises(SpecError, match=told):
        graph(*layers)


@pytest.mark.parametrize(
    ("layers", "inert"),
    [
        (["flatten", {"dense": 2}], True), ([{"conv1d": {"filters": 2, "kernel_size": 2}}, {"lstm": 2}], True),
        ([{"lstm": 2}], False), ([{"dense": 2}], False), (["global_average_pooling1d"], False),
    ],
)  # fmt: skip
def test_a_mask_that_ends_before_anything_goes_by_it_is_an_inert_difference(layers: list[Any], inert: bool) -> None:
    model = {"inputs": WORDS, "layers": [TOKENS, *layers]}
    masked = side_of("torch", model)
    (found,) = differences(masked, changed(masked, {"layers.tokens.mask_zero": False}, "test"))
    assert found.path == "layers.tokens.mask_zero"
    assert bool(found.inert) == inert
