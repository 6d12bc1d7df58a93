"""What programs do otherwise for some parameters: groups of PyTorch's, variables that Keras leaves out of the decay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers_reading import read_and_held

from parity import api
from parity.errors import ParityError
from parity.reading.pair import paired
from parity.run.session import Session
from parity.spec.differences import differences
from parity.spec.load import build_spec
from parity.spec.resolve import resolve

HEAD = """
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
x, y = torch.randn(48, 5, 6), torch.randint(0, 3, (48,))


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(6)), nn.Parameter(torch.zeros(6))

    def forward(self, x):
        return x.cumsum(1) * self.weight + self.bias


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 6, batch_first=True)
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.LayerNorm = nn.LayerNorm(6)
        self.scale = {scale}
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x, _ = self.lstm(x)
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return self.head(self.scale(self.LayerNorm(x)).mean(1))


net = Net()
{made}
for epoch in range(2):
    for start in range(0, 48, 8):
        opt.zero_grad()
        F.cross_entropy(net(x[start : start + 8]), y[start : start + 8]).backward()
        opt.step()
        {behind}
"""

BY_AXES = """
named = {n: p for n, p in net.named_parameters() if p.requires_grad}
decay = [p for n, p in named.items() if p.dim() >= 2]
bare = [p for n, p in named.items() if p.dim() < 2]
opt = torch.optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": bare, "weight_decay": 0.0}], lr=1e-2)
"""
BY_WORDS = """
no_decay = ["bias", "LayerNorm.weight"]
opt = torch.optim.AdamW([
    {"params": [p for n, p in net.named_parameters() if not any(nd in n for nd in no_decay)], "weight_decay": 0.1},
    {"params": [p for n, p in net.named_parameters() if any(nd in n for nd in no_decay)], "weight_decay": 0.0},
], lr=1e-2)
"""
BY_MODULES = """
decay, bare = [], []
for module in net.modules():
    for name, p in module.named_parameters(recurse=False):
        (bare if "bias" in name or isinstance(module, nn.LayerNorm) else decay).append(p)
opt = torch.optim.AdamW([{"params": bare}, {"params": decay, "weight_decay": 0.1}], lr=1e-2, weight_decay=0.0)
"""
BARE = {"*.*bias": 0.0, "LayerNorm.*": 0.0}


def program(made: str, behind: str = "pass", scale: str = "nn.Identity()") -> str:
    return HEAD.replace("{scale}", scale).replace("{made}", made).replace("{behind}", behind)


@pytest.mark.parametrize("made", [BY_AXES, BY_WORDS, BY_MODULES], ids=["by axes", "by words", "by modules"])
def test_the_recipes_of_transformers_leave_biases_and_norms_out(made: str, read_text: Any) -> None:
    """nanoGPT's, Hugging Face's and minGPT's: three ways to write one thing."""
    optimizer = read_text(program(made)).spec["optimizer"]["adamw"]
    assert (optimizer["weight_decay"], optimizer["weight_decay_of"]) == (0.1, BARE)


def test_what_is_read_of_groups_is_what_the_program_does(session: Session, tmp_path: Path) -> None:
    """Of a tensor that is several parameters, and of two that are one."""
    _, held = read_and_held(session, program(BY_AXES), tmp_path)
    assert held.lines[-1].startswith("read faithfully")


def test_parameters_of_an_opaque_layer_are_in_groups_by_the_names_that_it_has_for_them(read_text: Any) -> None:
    said = read_text(program(BY_AXES, scale="Scale()")).spec["optimizer"]["adamw"]["weight_decay_of"]
    assert said == {"*.*bias": 0.0, "LayerNorm.*": 0.0, "scale.weight": 0.0}


TWO_RATES = """
opt = torch.optim.SGD([
    {"params": [*net.lstm.parameters(), *net.attention.parameters()], "lr": 1e-3},
    {"params": [*net.LayerNorm.parameters(), *net.head.parameters()]},
], lr=1e-2, momentum=0.9)
"""


@pytest.mark.parametrize(("made", "behind", "rate"), [
    ("", "pass", None),
    ("scheduler = torch.optim.lr_scheduler.StepLR(opt, 1, 0.5)", "scheduler.step()",
     {"step": {"initial_learning_rate": 0.01, "step_size": 1, "gamma": 0.5}}),
], ids=["steady", "a scheduler"])  # fmt: skip
def test_a_rate_of_a_group_is_a_share_of_the_largest(
    made: str, behind: str, rate: Any, session: Session, tmp_path: Path
) -> None:
    """The momentum of PyTorch holds no rate: with several rates that is another thing than one that does."""
    reading, held = read_and_held(session, program(TWO_RATES + made, behind), tmp_path)
    optimizer = reading.spec["optimizer"]["sgd"]
    assert optimizer["learning_rate_factor_of"] == {"lstm.*": 0.1, "attention.*": 0.1}
    assert (optimizer.get("learning_rate"), optimizer["rate_place"]) == (rate, "outside_velocity")
    assert held.lines[-1].startswith("read faithfully")


def test_a_scheduler_that_ends_all_groups_at_one_rate_is_no_share(read_text: Any) -> None:
    made = TWO_RATES + "scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 4, eta_min=1e-3)"
    with pytest.raises(ParityError, match="rates a scheduler does not move in proportion is not read") as raised:
        read_text(program(made, "scheduler.step()"))
    assert str(raised.value).endswith("it needs a schedule of one rate, that of each group a share of it")


def test_groups_that_differ_in_something_else_are_a_line(read_text: Any) -> None:
    groups = "[{'params': net.head.parameters(), 'betas': (0.8, 0.9)}, {'params': net.lstm.parameters()}]"
    with pytest.raises(ParityError, match=r"groups of parameters, betas=\(0.8, 0.9\) for head.weight, head.bias and"):
        read_text(program(f"opt = torch.optim.Adam({groups})"))


def test_parts_of_one_parameter_in_two_groups_are_a_line(read_text: Any) -> None:
    """The two biases of an LSTM are one parameter of a spec."""
    groups = "[{'params': [p for n, p in net.named_parameters() if 'bias_hh' in n], 'weight_decay': 0.5}, "
    groups += "{'params': [p for n, p in net.named_parameters() if 'bias_hh' not in n]}]"
    with pytest.raises(ParityError, match=r"layer 'lstm'.*of which bias is in several groups of the optimizer"):
        read_text(program(f"opt = torch.optim.SGD({groups}, lr=0.1)"))


def test_parameters_that_no_optimizer_is_given_are_frozen(session: Session, tmp_path: Path) -> None:
    made = "opt = torch.optim.AdamW([*net.LayerNorm.parameters(), *net.head.parameters()], lr=1e-2)"
    reading, held = read_and_held(session, program(made), tmp_path)
    layers = {fields["name"]: fields for one in reading.spec["model"]["layers"] for fields in one.values()}
    still = [name for name, fields in layers.items() if fields.get("trainable") is False]
    assert still == ["lstm", "attention"]
    assert "weight_decay_of" not in reading.spec["optimizer"]["adamw"]
    assert held.lines[-1].startswith("read faithfully")


def test_a_part_of_a_layer_that_no_optimizer_is_given_is_a_line(read_text: Any) -> None:
    made = "opt = torch.optim.SGD([p for n, p in net.named_parameters() if n != 'head.bias'], lr=0.1)"
    with pytest.raises(ParityError, match="layer 'head', of which bias does not train, is not read"):
        read_text(program(made))


# --------------------------------------------------------------------------------------------------- pairs

CALLED_OTHERWISE = {"lstm": "reader", "attention": "looks", "LayerNorm": "norm", "head": "last"}
EVERYTHING = "opt = torch.optim.AdamW(net.parameters(), lr=1e-2, weight_decay=0.1)"
THE_HEAD = """
rest = [p for n, p in net.named_parameters() if "head" not in n]
opt = torch.optim.AdamW([{"params": net.head.parameters(), "weight_decay": 0.0}, {"params": rest}], 1e-2,
                        weight_decay=0.1)
"""


def otherwise(text: str) -> str:
    for name, other in CALLED_OTHERWISE.items():
        text = text.replace(f"self.{name}", f"self.{other}").replace(f"net.{name}", f"net.{other}")
        text = text.replace(f'"{name}"', f'"{other}"')
    return text


def live(read_text: Any, *texts: str) -> tuple[list[Any], dict[str, Any]]:
    """Return what differs between programs, and the spec of both."""
    a, b = (read_text(text, name=f"{name}.py") for name, text in zip(("one", "two"), texts, strict=True))
    spec = paired(a, b, ("one", "two"), "blobs", "others.npz").spec
    spec["data"] = {"source": "blobs"}
    sides = resolve(build_spec(spec))
    return [one for one in differences(*sides) if not one.inert], spec


def test_a_port_that_writes_the_same_groups_otherwise_does_not_differ(read_text: Any) -> None:
    """Its layers have other names, and its groups are made in another way."""
    found, spec = live(read_text, program(BY_AXES), otherwise(program(BY_MODULES)))
    assert found == []
    assert "changes" not in spec["sides"]["two"]
    assert live(read_text, program(THE_HEAD), otherwise(program(THE_HEAD)))[0] == [], "by the names of the first"


def test_a_port_that_decays_everything_is_told_so_by_the_parameters(read_text: Any) -> None:
    (found,), spec = live(read_text, program(THE_HEAD), otherwise(program(EVERYTHING)))
    assert found.path == "optimizer.weight_decay_of"
    assert (found.a, found.b) == ("0.0 of head.kernel, head.bias", "0.1 of head.kernel, head.bias")
    assert spec["sides"]["two"]["changes"]["optimizer"]["adamw"].get("weight_decay_of") is None


# --------------------------------------------------------------------------------------------------- Keras

KERAS = """
import keras
import numpy as np

x, y = np.random.default_rng(0).normal(size=(32, 5, 6)).astype("float32"), np.arange(32) % 3
inputs = keras.Input((5, 6))
h = {before}
h = keras.layers.MultiHeadAttention(2, 3, name="looks")(h, h)
h = keras.layers.LayerNormalization(name="norm")(h)
h = keras.layers.GlobalAveragePooling1D()(h)
model = keras.Model(inputs, keras.layers.Dense(3, name="out")(h))
optimizer = keras.optimizers.AdamW(1e-2, weight_decay=0.1)
{excludes}
"""
BOTH_WAYS = "keras.layers.Bidirectional(keras.layers.SimpleRNN(3, return_sequences=True))(inputs)"
FIT = """
model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x, y, batch_size=8, verbose=0)
"""
LOOP = """
import tensorflow as tf
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
for xb, yb in tf.data.Dataset.from_tensor_slices((x, y)).batch(8):
    with tf.GradientTape() as tape:
        loss = loss_fn(yb, model(xb, training=True))
    optimizer.apply_gradients(zip(tape.gradient(loss, model.trainable_variables), model.trainable_variables))
"""


@pytest.mark.parametrize(("excludes", "before", "trains", "said"), [
    ('optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])', BOTH_WAYS, FIT,
     {"*.*bias": 0.0, "norm.*": 0.0}),
    ('optimizer.exclude_from_weight_decay(var_names=["norm", "out"])', "inputs", FIT,
     {"out.*": 0.0, "norm.*": 0.0, "looks.output_*": 0.0}),
    ("optimizer.exclude_from_weight_decay(var_list=[v for v in model.trainable_variables if v.name == 'bias'])",
     "inputs", LOOP, {"*.*bias": 0.0}),
], ids=["names", "words of a path", "a list, in a loop"])  # fmt: skip
def test_variables_that_keras_leaves_out_have_no_decay(
    excludes: str, before: str, trains: str, said: dict[str, float], session: Session, tmp_path: Path
) -> None:
    """On TensorFlow it looks for words in what lies behind a variable, whose name is its path: ``attention_output``.

    Layers that run both ways are in one of the programs: to trace them takes most of its time.
    """
    reading, held = read_and_held(session, KERAS.format(excludes=excludes, before=before) + trains, tmp_path)
    optimizer = reading.spec["optimizer"]["adamw"]
    assert (optimizer["weight_decay"], optimizer["weight_decay_of"]) == (0.1, said)
    assert held.lines[-1].startswith("read faithfully"), held.lines


def test_words_that_no_variable_is_called_by_leave_nothing_out(read_text: Any) -> None:
    """Hugging Face's LayerNorm is layer_normalization here: it decays, and nobody says so."""
    excludes = 'optimizer.exclude_from_weight_decay(var_names=["LayerNorm"])'
    found = read_text(KERAS.format(excludes=excludes, before="inputs") + FIT)
    assert "weight_decay_of" not in found.spec["optimizer"]["adamw"]


# -------------------------------------------------------------------------------------------- raw TensorFlow

RAW = """
import numpy as np
import tensorflow as tf

rng = np.random.default_rng(0)
x, y = rng.normal(size=(48, 6)).astype("float32"), rng.integers(0, 3, 48)
W1, b1 = tf.Variable(tf.random.normal([6, 9], stddev=0.3), name="hidden_w"), tf.Variable(tf.zeros([9]), name="hidden_b")
W2, b2 = tf.Variable(tf.random.normal([9, 3], stddev=0.3), name="out_w"), tf.Variable(tf.zeros([3]), name="out_b")
V = [W1, b1, W2, b2]
M = [tf.Variable(tf.zeros_like(v)) for v in V]
for start in range(0, 48, 8):
    with tf.GradientTape() as tape:
        logits = tf.matmul(tf.nn.relu(tf.matmul(x[start : start + 8], W1) + b1), W2) + b2
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y[start : start + 8], logits))
    grads = tape.gradient(loss, V)
    for v, m, g, rate in zip(V, M, grads, {rates}):
        {decays}
        m.assign(0.9 * m + g)
        v.assign_sub(rate * m)
"""
SOME_DECAY = 'g = g + 0.05 * v if "_b" not in v.name else g'


@pytest.mark.parametrize(("rates", "decays", "said"), [
    ("[0.1] * 4", SOME_DECAY, {"weight_decay": 0.05, "weight_decay_of": {"*.bias": 0.0}}),
    ("[0.01, 0.01, 0.1, 0.1]", "pass", {"learning_rate_factor_of": {"hidden.*": 0.1}}),
], ids=["decays", "rates"])  # fmt: skip
def test_assignments_by_hand_are_read_group_by_group(
    rates: str, decays: str, said: dict[str, Any], session: Session, tmp_path: Path
) -> None:
    reading, held = read_and_held(session, RAW.format(rates=rates, decays=decays), tmp_path)
    assert reading.spec["optimizer"]["sgd"] == {"learning_rate": 0.1, "momentum": 0.9, **said}
    assert held.lines[-1].startswith("read faithfully")


def test_variables_that_are_moved_by_different_rules_are_a_line(read_text: Any) -> None:
    by_sign = "g = tf.sign(g) if v is b2 else g"
    with pytest.raises(ParityError, match=r"an update that is written out .none of .* rules that were tried"):
        read_text(RAW.format(rates="[0.1] * 4", decays=by_sign))


def test_live_objects_have_their_groups_too() -> None:
    """And what their optimizer is not given stands still."""
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Linear(5, 4), torch.nn.Linear(4, 3))
    for one in net.parameters():
        torch.nn.init.zeros_(one)
    groups = [{"params": net[1].weight}, {"params": [net[1].bias, *net[2].parameters()], "weight_decay": 0.0}]
    rows, classes = torch.randn(8, 4).numpy(), torch.randint(0, 3, (8,)).numpy()
    optimizer = torch.optim.AdamW(groups, lr=0.01, weight_decay=0.2)
    found = api.read(net, x=rows, y=classes, loss=torch.nn.CrossEntropyLoss(), optimizer=optimizer)
    assert found.spec.optimizer.decays == {"*.bias": 0.0, "linear_2.kernel": 0.0}, "the first does not move"
    assert found.spec.optimizer.decay_of("linear_1.kernel") == 0.2
    assert [op.name for op in found.spec.model.layers if not op.trainable] == ["linear_0"]
