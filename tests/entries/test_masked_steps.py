"""Masks of sequences: every layer that goes by them in every framework, the losses of steps that count, and ports."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_commands import lender
from helpers_frameworks import (
    Reference,
    agrees,
    everywhere,
    missing,
    side_of,
    starting_weights,
)

from parity import api
from parity.compile import compile_side
from parity.result.schema import Comparison
from parity.spec.resolve import Resolved

TOKENS = np.array([[1, 2, 0, 3, 0], [0, 0, 4, 1, 1], [0, 0, 0, 0, 0], [2, 2, 2, 2, 2], [3, 0, 1, 0, 0]])
"""Masked in the middle, at the beginning, throughout, nowhere, at the end."""
FRONT = {"embedding": {"input_dim": 5, "output_dim": 3, "mask_zero": True, "name": "tokens",
                       "embeddings_initializer": "random_normal"}}  # fmt: skip


def side(framework: str, layers: list[Any], **sections: Any) -> Resolved:
    model = {"inputs": {"words": {"shape": [5], "dtype": "integer"}}, "layers": [FRONT, *layers]}
    return side_of(framework, model, training={"batch_size": len(TOKENS)}, **sections)


def counted(side: Resolved, x: np.ndarray = TOKENS) -> None:
    """Check a program against the reference, on rows that have every kind of mask if not said."""
    agrees(side, x)


def test_the_rows_have_every_kind_of_mask() -> None:
    counted = (TOKENS != 0).sum(axis=1)
    assert counted.min() == 0
    assert counted.max() == TOKENS.shape[1]


@pytest.mark.takes_turns
@everywhere
def test_stacked_recurrent_layers_go_by_the_mask(framework: str) -> None:
    """Both ways, of every state and of the last, with dropout of the inputs and two biases; behind them a head."""
    whole = {"return_sequences": True, "bias_initializer": "fan_in_uniform"}
    counted(side(framework, [
        {"lstm": {"units": 4, **whole}},
        {"dropout": 0.3},
        {"simple_rnn": {"units": 3, "go_backwards": True, "two_biases": True, "dropout": 0.4, **whole}},
        {"layer_norm": {}},
        {"bidirectional": {"layer": {"gru": {"units": 2, **whole}}, "merge_mode": "concat"}},
        {"gru": {"units": 3, "reset_after": False, **whole}},
        {"bidirectional": {"layer": {"lstm": {"units": 2}}, "merge_mode": "mul"}},
        {"dense": 2},
    ]))  # fmt: skip


@pytest.mark.takes_turns
@everywhere
def test_a_state_that_is_dropped_has_recorded_masks_and_goes_by_the_mask_of_the_steps(framework: str) -> None:
    """Each gate draws its own, of the input as well, as Keras's cells do; a simple cell one of each."""
    whole = {"return_sequences": True, "recurrent_dropout": 0.3}
    counted(side(framework, [
        {"lstm": {"units": 4, "dropout": 0.4, **whole}},
        {"dropout": 0.2},
        {"gru": {"units": 3, "reset_after": False, "go_backwards": True, **whole}},
        {"simple_rnn": {"units": 3, "dropout": 0.5, **whole}},
        {"gru": {"units": 3, "dropout": 0.2, "recurrent_dropout": 0.4}},
        {"dense": 2},
    ]))  # fmt: skip


@pytest.mark.takes_turns
@everywhere
def test_a_dropout_of_all_hands_the_mask_on(framework: str) -> None:
    """The first steps of a row would be read by a recurrent layer as 0, and change its state by the biases."""
    counted(side(framework, [
        {"dropout": 1.0}, {"lstm": {"units": 3, "bias_initializer": "fan_in_uniform"}}, {"dense": 2},
    ]))  # fmt: skip


@pytest.mark.takes_turns
@everywhere
def test_branches_bring_masks_together(framework: str) -> None:
    """Of masks made at different places: in a sum, side by side along the steps, and by a layer used twice."""
    counted(side(framework, [
        {"dense": {"units": 3, "name": "near"}},
        {"activation": {"function": "relu", "inputs": "tokens", "name": "cut"}},
        {"masking": {"mask_value": 0.0, "name": "masked"}},
        {"add": {"inputs": ["near", "masked"], "name": "sum"}},
        {"concatenate": {"inputs": ["sum", "masked"], "axis": 1, "name": "long"}},
        {"time_distributed": {"layer": {"dense": {"units": 3}}}},
        {"lstm": {"units": 3, "name": "told"}},
        {"again": {"layer": "told", "inputs": "sum", "name": "retold"}},
        {"concatenate": {"inputs": ["told", "retold"]}},
        {"dense": 2},
    ]))  # fmt: skip


ATTENTION = {"num_heads": 2, "key_dim": 2}


@pytest.mark.takes_turns
@everywhere
def test_attention_goes_by_the_masks_of_what_it_reads(framework: str) -> None:
    """In a residual block, where Keras's own layer would take the mask off the sum; behind it the last state tells."""
    counted(side(framework, [
        {"multi_head_attention": {**ATTENTION, "name": "attention"}},
        {"add": {"inputs": ["tokens", "attention"]}},
        "layer_norm",
        {"multi_head_attention": {**ATTENTION, "causal": True, "value_dim": 3, "use_bias": False}},
        {"multi_head_attention": {**ATTENTION, "dropout": 0.4}},
        {"lstm": 3},
    ]))  # fmt: skip


@pytest.mark.takes_turns
@everywhere
def test_attention_over_other_places_has_their_masks_and_drops_recorded_weights(framework: str) -> None:
    plain = {"embedding": {"input_dim": 5, "output_dim": 3, "inputs": "words", "name": "plain"}}
    counted(side(framework, [
        {"multi_head_attention": {**ATTENTION, "dropout": 0.3, "trainable": False, "name": "own"}},
        plain,
        {"multi_head_attention": {**ATTENTION, "inputs": ["plain", "own"], "name": "over"}},
        {"multi_head_attention": {**ATTENTION, "inputs": ["own", "over", "tokens"], "dropout": 0.4, "name": "apart"}},
        {"multi_head_attention": {**ATTENTION, "inputs": ["over", "plain"], "dropout": 0.2, "causal": True,
                                  "name": "unmasked"}},
        {"concatenate": {"inputs": ["apart", "unmasked"]}},
        {"lstm": 2},
    ]))  # fmt: skip


@pytest.mark.parametrize("rates", [(0.0, 0.4), (0.4, 0.0)])
@pytest.mark.skipif(bool(missing("keras_torch")), reason="not installed")
def test_attentions_of_a_program_with_dropout_and_without_are_each_its_own(rates: tuple[float, float]) -> None:
    """What a place that sees none gets is put right where nothing is dropped: a class of its own, in either order."""
    counted(side("keras_torch", [
        {"multi_head_attention": {**ATTENTION, "dropout": rates[0], "name": "one"}},
        {"multi_head_attention": {**ATTENTION, "dropout": rates[1], "inputs": "tokens", "name": "other"}},
        {"concatenate": {"inputs": ["one", "other"]}},
        {"lstm": {"units": 2, "return_sequences": True}}, "flatten",
    ]))  # fmt: skip


@pytest.mark.takes_turns
@everywhere
def test_a_mean_is_over_the_steps_that_count(framework: str) -> None:
    some = TOKENS[(TOKENS != 0).any(axis=1)]  # Of a row with none it is no number.
    counted(side(framework, [{"lstm": {"units": 3, "return_sequences": True}}, "global_average_pooling1d"]), some)


HEADS: dict[str, tuple[dict[str, Any], str]] = {
    "classes": ({"sparse_categorical_crossentropy": {}}, "softmax"),
    "classes that count": ({"sparse_categorical_crossentropy": {"class_weight": [1.0, 2.0, 3.0]}}, "softmax"),
    "over their weights": ({"categorical_crossentropy": {"class_weight": [1.0, 2.0, 3.0], "divisor": "weights",
                                                         "weight": 0.5}}, "softmax"),
    "not looked behind": ({"categorical_crossentropy": {"recover_logits": False}}, "softmax"),
    "written out": ({"sparse_categorical_crossentropy": {"label_smoothing": 0.1}}, "softmax"),
    "elements": ({"sigmoid_crossentropy": {}}, "sigmoid"),
    "summed": ({"mse": {"reduction": "sum"}}, "linear"),
    "summed rows": ({"mae": {"reduction": "sum_over_rows"}}, "linear"),
}  # fmt: skip


@pytest.mark.takes_turns
@everywhere
@pytest.mark.parametrize("name", HEADS)
def test_a_loss_is_of_the_steps_that_count(framework: str, name: str) -> None:
    loss, ending = HEADS[name]
    counted(side(framework, [{"dense": {"units": 3, "activation": ending}}], loss=loss))


def test_what_is_masked_neither_adds_to_the_loss_nor_waters_it_down() -> None:
    """By hand: 13 of the 25 tokens count, and the mean is over them."""
    one = side("torch", [{"dense": {"units": 1}}], loss="mse")
    weights = starting_weights(one)
    y = np.random.default_rng(3).normal(size=(5, 5, 1))
    reference = Reference(one, TOKENS, y, weights)
    step, seen = reference.take(0), TOKENS != 0
    outputs = weights["tokens.embeddings"][TOKENS] @ weights["dense.kernel"]
    np.testing.assert_allclose(step.loss, ((outputs - y)[seen] ** 2).mean(), rtol=1e-13)


def test_a_program_says_no_mask_that_nothing_goes_by() -> None:
    plain = compile_side(side("torch", ["flatten", {"dense": 2}]), name="case").source
    assert "mask" not in plain.partition("class Model")[2].partition("def build_loss")[0]


# -------------------------------------------------------------------------------------------- by hand

SPEC = """\
name: sentences
data: {source: phrases, rows: 64}
model:
  inputs: {words: {shape: [12], dtype: integer}}
  layers:
    - embedding: {input_dim: 24, output_dim: 4, mask_zero: %s, name: words_of}
    - lstm: {units: 5, two_biases: true, name: read}
    - dense: {units: 2, name: out}
loss: {sparse_categorical_crossentropy: {from_logits: true}}
optimizer: {sgd: {learning_rate: 0.1}}
training: {batch_size: 16}
sides:
  compiled: {framework: torch}
  port: {framework: torch, program: port.py}
"""
PORT = """\
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(24, 4)
        self.rnn = nn.LSTM(4, 5, batch_first=True)
        self.head = nn.Linear(5, 2)

    def forward(self, tokens):
        x = self.embedding(tokens)
        PACKED
        _, (h, _) = self.rnn(x)
        return self.head(h[-1])


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)
"""
PACKED = """lengths = (tokens != 0).sum(1)
        x = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)"""


def held(tmp_path: Path, masked: bool, packed: bool) -> Comparison:
    """Return a port beside the compiled program of its config, on rows that are padded at the end."""
    (tmp_path / "port.py").write_text(PORT.replace("PACKED", PACKED if packed else "pass"))
    spec = tmp_path / "spec.yaml"
    spec.write_text(SPEC % str(masked).lower())
    with lender():
        (found,) = api.check(api.load_spec(spec), folder=tmp_path / "out", steps=2).comparisons
    return found


@pytest.mark.skipif(bool(missing("torch")), reason="torch not installed")
def test_a_port_that_packs_its_sequences_is_at_parity_and_one_that_ignores_the_mask_is_told_so(tmp_path: Path) -> None:
    assert held(tmp_path, masked=True, packed=True).verdict in ("identical", "rounding")
    for masked in (True, False):  # A mask that the config has, and the program not; and the other way round.
        found = held(tmp_path, masked=masked, packed=not masked)
        assert found.verdict == "divergent"
        told = [(cause.path, cause.value) for cause in found.causes]
        assert told == [("layers.words_of.mask_zero", not masked)], (found.causes, found.uncaused)
