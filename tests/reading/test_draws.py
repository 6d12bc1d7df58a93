"""Programs built with eight seeds: what their tensors start by, and what even that does not tell."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity.errors import ParityError
from parity.reading.asking import asked_in, program_of
from parity.reading.draws import SEEDS, starts_measured
from parity.reading.measured import measured, within
from parity.reading.pair_side import PairSide
from parity.reading.whole import read_told
from parity.run.redrawing import reseeded
from parity.run.session import Session
from parity.spec.load import build_spec

RAW = """
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(0)
x, y = rng.normal(size=(48, 6)).astype("float32"), rng.integers(0, 3, 48)
{seed}
W1 = tf.Variable({kernel})
b1 = tf.Variable({bias})
W2 = tf.Variable(np.random.uniform(-0.1, 0.1, (20, 3)).astype("float32"))
b2 = tf.Variable(np.zeros(3, "float32"))
for start in range(0, 48, 8):
    with tf.GradientTape() as tape:
        logits = tf.matmul(tf.nn.relu(tf.matmul(x[start : start + 8], W1) + b1), W2) + b2
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y[start : start + 8], logits))
    for v, g in zip([W1, b1, W2, b2], tape.gradient(loss, [W1, b1, W2, b2])):
        v.assign_sub(0.5 * g)
"""

HE = '(np.random.randn(6, 20) * np.sqrt(2 / 6)).astype("float32")'
ZEROS = 'np.zeros(20, "float32")'


def raw(kernel: str = HE, bias: str = ZEROS, seed: str = "np.random.seed(1)") -> str:
    return RAW.format(kernel=kernel, bias=bias, seed=seed)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("seed", ["np.random.seed(1)", "pass"])
def test_what_one_draw_leaves_open_eight_tell(read_text: Any, seed: str) -> None:
    """120 numbers of one draw do not tell a normal distribution from a cut one, whoever sets the seed."""
    found = read_text(raw(seed=seed))
    first, second = (one["dense"] for one in found.spec["model"]["layers"])
    assert first["kernel_initializer"] in ("kaiming_normal", {"random_normal": {"stddev": 0.6}})
    assert "bias_initializer" not in first, "what is all zeros was not drawn"
    assert second["kernel_initializer"] == {"random_uniform": {"minval": -0.1, "maxval": 0.1}}
    notes = [one for one in found.notes if "measured" in one]
    assert notes[0].startswith(
        "dense_1.kernel_initializer is measured: by 960 numbers of 8 seeds, normal of deviation 0."
    )
    assert notes[0].endswith("; cut normal numbers are more than 1e+12 times less likely.")
    assert notes[1].startswith("dense_2.kernel_initializer is measured: by 480 numbers of 8 seeds, uniform from -0.09")


def test_a_bias_of_few_numbers_is_not_told(read_text: Any) -> None:
    with pytest.raises(ParityError) as raised:
        read_text(raw().replace('np.zeros(3, "float32")', 'np.random.normal(0, 0.1, 3).astype("float32")'))
    assert str(raised.value) == (
        "train.py, line 11: dense_2.bias_initializer: 24 numbers of 8 seeds are too few to tell how it is drawn; it is "
        "not read; it needs an initializer that starts it so, or the weights as they are: --weights live"
    )


def test_weights_that_a_program_loads_are_no_initializer(read_text: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.random.default_rng(5).normal(size=(6, 20)).astype("float32"))
    with pytest.raises(ParityError) as raised:
        read_text(raw('np.load("w.npy")'))
    assert "dense_1.kernel_initializer: it starts at the same 120 numbers whatever the seed" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_what_is_not_told_is_left_to_the_file_of_weights(session: Session, tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.random.default_rng(5).normal(size=(6, 20)).astype("float32"))
    (tmp_path / "train.py").write_text(raw('np.load("w.npy")'))
    told, arrays = asked_in(session, program_of(str(tmp_path / "train.py")))
    found = read_told(told, arrays, name="train", source="train.npz", given_weights=True)
    assert "kernel_initializer" not in found.spec["model"]["layers"][0]["dense"]
    said = "it starts at the same 120 numbers whatever the seed; the file of weights has it."
    assert f"How dense_1.kernel_initializer starts is not told: {said}" in found.notes


def test_a_program_that_fails_with_another_seed_is_measured_by_one_draw(read_text: Any) -> None:
    text = raw(seed="assert np.random.default_rng(0).random() == 0.6369616873214543  # Of the seed 0 alone.")
    with pytest.raises(ParityError, match="60 numbers of one draw are too few to tell how it is drawn"):
        read_text(text)


TORCH = """
import torch
from torch import nn

x, y = torch.randn(48, 6), torch.randint(0, 3, (48,))
net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
{change}
opt = torch.optim.SGD(net.parameters(), 0.1)
for start in range(0, 48, 8):
    opt.zero_grad()
    nn.functional.cross_entropy(net(x[start : start + 8]), y[start : start + 8]).backward()
    opt.step()
"""


def test_a_small_bias_is_told_by_the_rule_of_its_layer(read_text: Any) -> None:
    """A copy of PyTorch's own numbers, which nobody saw made: 24 of the last bias."""
    change = "net = type(net)(*(one for one in net))\nfor one in net.parameters(): one.data = one.data.clone() * 1.0"
    found = read_text("import torch; torch.manual_seed(0)\n" + TORCH.format(change=change))
    layers = [one["dense"] for one in found.spec["model"]["layers"] if "dense" in one]
    assert all(one["kernel_initializer"] == one["bias_initializer"] == "fan_in_uniform" for one in layers)
    (note,) = [one for one in found.notes if one.startswith("linear_2.bias")]
    assert note == (
        "linear_2.bias is measured: 24 numbers of 8 seeds are too few to tell how it is drawn, but they are such as "
        "fan_in_uniform draws, by which the layer starts."
    )


def test_a_small_bias_that_the_rule_does_not_draw_is_not_told(read_text: Any) -> None:
    change = "for one in net.parameters(): one.data = one.data.clone() * 1.0\nnet[2].bias.data = torch.randn(3)"
    with pytest.raises(ParityError, match=r"linear_2\.bias: 24 numbers of 8 seeds are too few to tell how it is drawn"):
        read_text("import torch; torch.manual_seed(0)\n" + TORCH.format(change=change))


def test_one_number_is_a_constant_only_with_eight_seeds() -> None:
    one = [np.array([0.37])]
    assert measured(one, fan_in=1, fan_out=1).entry is None
    assert measured(one, fan_in=1, fan_out=1).sentence == "one number of one draw cannot tell how it is drawn"
    assert measured([np.array([0.0])], fan_in=1, fan_out=1).entry == "zeros"
    assert measured([np.array([0.37])] * SEEDS, fan_in=1, fan_out=1).entry is None, "it may be loaded"
    window = [np.random.default_rng(seed).normal(size=(1, 4)) for seed in range(SEEDS)]
    assert measured(window, fan_in=1, fan_out=4).entry is None
    assert (
        measured(window[:1], fan_in=1, fan_out=4).sentence
        == "4 numbers of one draw are too few to tell how it is drawn"
    )


def test_a_scale_between_a_rule_and_a_decimal_is_told_with_both() -> None:
    draws = [np.random.default_rng(seed).normal(0.0, 0.5774, (6, 20)) for seed in range(SEEDS)]
    draws = [one * 0.59 / np.std(draws) for one in draws]
    found = measured(draws, fan_in=6, fan_out=20)
    assert found.entry == "kaiming_normal"
    assert "as kaiming_normal (0.5774), or 0.6, which is nearly as likely; " in found.sentence


def test_numbers_are_held_against_a_rule_from_both_sides() -> None:
    limit, fans = 0.25, {"fan_in": 3, "fan_out": 3, "feeds": 16}
    generator = np.random.default_rng(0)
    inside = [generator.uniform(-limit, limit, 3) for _ in range(SEEDS)]
    assert within(inside, "fan_in_uniform", **fans)
    assert not within([one * 1.1 / np.abs(inside).max() * limit for one in inside], "fan_in_uniform", **fans), (
        "beyond it"
    )
    assert not within([one * 0.3 for one in inside], "fan_in_uniform", **fans), "far within it"
    assert not within([np.abs(one) for one in inside], "fan_in_uniform", **fans), "on one side"
    assert not within([np.full(3, 0.1)] * SEEDS, "fan_in_uniform", **fans), "always the same"
    assert not within(inside, "he_normal", **fans)


def test_a_rule_of_another_kind_tells_nothing_of_a_bias() -> None:
    generator = np.random.default_rng(0)
    arrays = {f"k{n}": generator.uniform(-1, 1, (30, 20)) * (6 / 50) ** 0.5 for n in range(SEEDS)}
    arrays |= {f"b{n}": generator.uniform(-0.1, 0.1, 3) for n in range(SEEDS)}
    said = {"k": {"shape": [30, 20]}, "b": {"shape": [3], "feeds": 30, "number": 1}}
    words = {name: {**one, "arrays": [f"{name}{n}" for n in range(SEEDS)]} for name, one in said.items()}
    found = starts_measured(words, arrays)
    assert found["k"].entry == "glorot_uniform"
    assert found["b"].entry is None


def test_seeds_that_a_program_sets_are_other_ones_within_and_the_same_behind() -> None:
    def numbers() -> list[float]:
        random.seed(3)
        np.random.seed(3)
        return [random.random(), float(np.random.rand()), float(np.random.default_rng(3).random()),
                float(np.random.RandomState(3).rand()), float(np.random.default_rng([1, 2]).random())]  # fmt: skip

    before = numbers()
    with reseeded(1):
        one = numbers()
        assert one == numbers()
    with reseeded(2):
        two = numbers()
    assert not {*before} & {*one} | {*one} & {*two} | {*before} & {*two}
    assert numbers() == before


def test_where_two_programs_are_compared_an_origin_says_by_what_it_was_measured(read_text: Any, tmp_path: Path) -> None:
    (tmp_path / "train.py").touch()
    text = TORCH.format(change="for one in net.parameters(): one.data = one.data.clone() * 1.0")
    one, other = read_text(raw()), read_text(f"import torch; torch.manual_seed(0)\n{text}")
    told = {
        "dense_1": (one, f"{tmp_path / 'train.py'}:14 (measured by 960 numbers of 8 seeds)"),
        "linear_0": (other, "measured by 768 numbers of 8 seeds"),
    }
    for layer, (reading, expected) in told.items():
        spec = build_spec({**reading.spec, "data": {**reading.spec["data"], "source": "blobs"}})
        side = PairSide(name="a", reading=reading, model=spec.model)
        side.names = {str(op.name): str(op.name) for op in side.model.layers}
        assert side.said_at(str(tmp_path))[f"layers.{layer}.kernel_initializer"].endswith(expected)
