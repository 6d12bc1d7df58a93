"""PyTorch programs that tell a class for each step: however they hand the logits to the loss, the model gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from parity import api

TAGGER = """\
import torch
from torch import nn
import torch.nn.functional as F
torch.manual_seed(0)
x, y = torch.randint(1, 20, (32, 7)), torch.randint(0, 5, (32, 7))
y[:, 5:] = {ignored}
class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.out = nn.Embedding(20, 8), nn.Linear(8, 5)
    def forward(self, tokens):
        return self.out(torch.tanh(self.emb(tokens)))
model = Tagger()
optimizer = torch.optim.SGD(model.parameters(), 0.1)
for start in range(0, 32, 8):
    optimizer.zero_grad()
    out = model(x[start : start + 8])
    loss = {loss}
    loss.backward()
    optimizer.step()
"""

TARGETS = "y[start : start + 8]"


@pytest.mark.parametrize(("handed", "ignored"), [
    ("F.cross_entropy(out.transpose(1, 2), TARGETS)", -100),
    ("F.cross_entropy(out.permute(0, 2, 1), TARGETS, ignore_index=0)", 0),
    ("nn.CrossEntropyLoss(ignore_index=-1)(out.movedim(2, 1), TARGETS)", -1),
    ("F.cross_entropy(out.view(-1, 5), TARGETS.reshape(-1))", -100),
    ("F.nll_loss(F.log_softmax(out, -1).swapaxes(-1, -2), TARGETS)", -100),
])  # fmt: skip
def test_classes_that_are_moved_for_the_loss_stand_last_in_the_model(read_text: Any, handed: str, ignored: int) -> None:
    found = read_text(TAGGER.format(ignored=ignored, loss=handed.replace("TARGETS", TARGETS)))
    assert "permute" not in [next(iter(one)) for one in found.spec["model"]["layers"]]
    ((kind, fields),) = found.spec["loss"].items()
    assert (kind, fields["ignore_index"]) == ("sparse_categorical_crossentropy", ignored)
    assert found.arrays["y"].shape == (32, 7)


def test_the_reading_is_proved(tmp_path: Path) -> None:
    text = TAGGER.format(ignored=-100, loss=f"F.cross_entropy(out.transpose(1, 2), {TARGETS})")
    (tmp_path / "train.py").write_text(text)
    found = api.read(tmp_path / "train.py", out=tmp_path / "out")
    assert found.proof is not None
    assert found.proof.verdict in ("identical", "rounding"), found.proof.lines


def test_axes_that_are_exchanged_for_another_loss_are_a_layer(read_text: Any) -> None:
    text = TAGGER.format(
        ignored=0, loss=f"F.mse_loss(out.transpose(1, 2), F.one_hot({TARGETS}, 5).transpose(1, 2) * 1.0)"
    )
    assert "permute" in [next(iter(one)) for one in read_text(text).spec["model"]["layers"]]
