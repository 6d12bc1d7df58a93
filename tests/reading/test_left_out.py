"""Steps that one program leaves out of its loss by a mask, and the other by the number of their targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_pairs import pair_of, reading

from parity import api
from parity.reading.pair import with_programs
from parity.reading.whole import ReadProgram

TOKENS = np.array([[3, 4, 5, 0], [2, 0, 0, 0], [1, 2, 3, 4], [5, 1, 0, 0]] * 2)
TAGS = TOKENS % 3
SPARSE = "sparse_categorical_crossentropy"


def tagger(framework: str, y: Any, loss: Any, mask: bool = False, ending: str = "linear", **more: Any) -> ReadProgram:
    """Return a program that tells one of three classes for each of four tokens."""
    layers = [{"embedding": {"input_dim": 6, "output_dim": 2, "mask_zero": mask, "name": "embedding"}},
              {"dense": {"units": 3, "name": "dense", "activation": ending}}]  # fmt: skip
    model = {"inputs": {"tokens": {"shape": [4], "dtype": "integer"}}, "layers": layers}
    return reading(framework, layers, {"X": more.pop("x", TOKENS), "y": y}, loss=loss, model=model, **more)


def masked(y: Any = TAGS, **more: Any) -> ReadProgram:
    kind = more.pop("kind", SPARSE)
    return tagger("keras", y, more.pop("loss", kind), mask=True, ending="softmax", **more)


def ignoring(number: int = -100, y: Any = None, **more: Any) -> ReadProgram:
    left = np.where(TOKENS == 0, number, TAGS) if y is None else y
    return tagger("torch", left, {SPARSE: {"from_logits": True, "ignore_index": number}}, **more)


def one_hot() -> ReadProgram:
    return masked(np.eye(3, dtype="float32")[TAGS], kind="categorical_crossentropy")


@pytest.mark.parametrize("first", [masked, one_hot])
@pytest.mark.parametrize("turned", [False, True])
def test_what_both_leave_out_is_no_difference_of_loss_or_targets(first: Any, turned: bool) -> None:
    sides = [first(), ignoring()]
    found = pair_of(*(sides[::-1] if turned else sides))
    changes = found.spec["sides"]["b"]["changes"]
    assert set(changes) == {"layers"}
    assert [one["embedding"].get("mask_zero", False) for one in changes["layers"][:1]] == [turned]
    assert found.spec["loss"] == {SPARSE: {"from_logits": True, "ignore_index": -100}}
    np.testing.assert_array_equal(found.rows.arrays["y"], np.where(TOKENS == 0, -100, TAGS))
    assert not found.rows.others
    a, b = ("b", "a") if turned else ("a", "b")
    assert found.notes[0] == (
        f"{a} leaves steps out of its loss by a mask, {b} by targets of -100: the same steps, so the same loss."
    )
    told = with_programs(found, {"a": "a.py", "b": "b.py"}, {})["sides"]
    assert [told[one].get("masks_ignored") for one in (a, b)] == [True, None]


def test_a_class_that_is_ignored_is_given_as_it_is() -> None:
    tags = np.where(TOKENS == 0, 0, 1 + TAGS % 2)
    found = pair_of(masked(tags), ignoring(0, tags))
    assert set(found.spec["sides"]["b"]["changes"]) == {"layers"}
    told = with_programs(found, {"a": "a.py", "b": "b.py"}, {})["sides"]
    assert "masks_ignored" not in told["a"]


OTHER_STEPS = np.where(TOKENS < 2, -100, TAGS)
OTHER_TAGS = np.where(TOKENS == 0, -100, (TAGS + (TOKENS == 4)) % 3)
CLIPPED = {SPARSE: {"recover_logits": False}}


@pytest.mark.parametrize(("a", "b"), [
    (masked(), ignoring(y=OTHER_STEPS)),
    (masked(), ignoring(y=OTHER_TAGS)),
    (masked(), ignoring(x=np.where(TOKENS == 3, 1, TOKENS))),  # Other rows.
    (masked(), ignoring(0, TAGS)),  # A step that counts has that class, too.
    (masked(loss={SPARSE: {"class_weight": [1.0, 2.0, 1.0]}}), ignoring()),
    (tagger("keras", TAGS, SPARSE, ending="softmax"), ignoring()),  # It leaves out none.
])  # fmt: skip
def test_what_is_not_the_same_stays_a_difference(a: ReadProgram, b: ReadProgram) -> None:
    found = pair_of(a, b)
    assert found.spec["sides"]["b"]["changes"]["loss"][SPARSE]["ignore_index"] in (0, -100)
    assert not any("by a mask" in one for one in found.notes)


def test_probabilities_that_are_clipped_stay_another_loss() -> None:
    found = pair_of(masked(loss=CLIPPED), ignoring())
    assert found.spec["loss"] == {SPARSE: {"recover_logits": False, "ignore_index": -100}}
    assert found.spec["sides"]["b"]["changes"]["loss"] == {SPARSE: {"from_logits": True, "ignore_index": -100}}


ROWS = """
import numpy as np
tokens = np.random.default_rng(0).integers(1, 9, (24, 5))
tokens[np.arange(5)[None, :{turn}] >= np.random.default_rng(1).integers(2, 6, 24)[:, None]] = 0
tags = tokens % 3
"""

KERAS = """{rows}
import keras
from keras import layers
model = keras.Sequential([
    keras.Input((5,), dtype="int32"), layers.Embedding(9, 4, mask_zero=True),
    layers.SimpleRNN(4, return_sequences=True), layers.Dense(3, activation="softmax"),
])
model.compile(optimizer=keras.optimizers.SGD(0.5), loss="sparse_categorical_crossentropy")
model.fit(tokens, tags, batch_size=8, epochs=2, shuffle=False, verbose=0)
"""

TORCH = """{rows}
import torch
from torch import nn
class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.rnn, self.out = nn.Embedding(9, 4), nn.RNN(4, 4, batch_first=True), nn.Linear(4, 3)
        nn.init.uniform_(self.emb.weight, -0.05, 0.05)
        nn.init.xavier_uniform_(self.rnn.weight_ih_l0)
        nn.init.orthogonal_(self.rnn.weight_hh_l0)
        nn.init.xavier_uniform_(self.out.weight)
        for bias in (self.rnn.bias_ih_l0, self.rnn.bias_hh_l0, self.out.bias):
            nn.init.zeros_(bias)
        self.rnn.bias_hh_l0.requires_grad_(False)
    def forward(self, x):
        return self.out(self.rnn(self.emb(x))[0])
tags[tokens == 0] = -100
x, y = torch.tensor(tokens), torch.tensor(tags)
net = Tagger()
optimizer = torch.optim.SGD([one for one in net.parameters() if one.requires_grad], lr=0.5)
for _ in range(2):
    for start in range(0, 24, 8):
        optimizer.zero_grad()
        loss = nn.CrossEntropyLoss()(net(x[start : start + 8]).view(-1, 3), y[start : start + 8].view(-1))
        loss.backward()
        optimizer.step()
"""


@pytest.mark.sampled(4, among="questions")
@pytest.mark.parametrize(("turn", "verdict"), [("", "rounding"), (":-1", "divergent")], ids=["behind", "ahead"])
def test_what_a_layer_gives_where_nothing_counts_is_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turn: str, verdict: str
) -> None:  # fmt: skip
    """Keras repeats the last state there, PyTorch goes on: ahead of what counts that comes into it."""
    monkeypatch.chdir(tmp_path)
    for name, text in (("keras_way", KERAS), ("torch_way", TORCH)):
        Path(f"{name}.py").write_text(text.replace("{rows}", ROWS).replace("{turn}", turn))
    found = api.compare("keras_way.py", "torch_way.py", explain=False, steps=4)
    assert {one.verdict for one in found.proofs.values()} <= {"identical", "rounding"}
    assert [one.path for one in found.result.differences] == ["layers.embedding.mask_zero"]
    (compared,) = found.result.comparisons
    assert compared.verdict == verdict
