"""A model that computes its own loss is read as the model up to it, and the loss."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers_reading import read_and_held

from parity.reading.unread import UnreadProgramError
from parity.reading.whole import ReadProgram
from parity.run.session import Session

HEAD = """
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
"""

LANGUAGE = (
    HEAD
    + """
data = torch.randint(0, 9, (200,))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(9, 6), nn.Linear(6, 9, bias=False)

    def forward(self, numbers, targets=None):
        logits = self.head(torch.tanh(self.table(numbers)))
        if targets is None:
            return logits[:, -1], None
{loss}
        return logits, loss


net = Net()
optimizer = torch.optim.AdamW(net.parameters(), lr=0.1)
for step in range(4):
    at = torch.randint(0, 190, (8,))
    x, y = torch.stack([data[i : i + 5] for i in at]), torch.stack([data[i + 1 : i + 6] for i in at])
    logits, loss = net(x, y)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
"""
)

AS_VIEW = "        loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1), ignore_index=-1)"
AS_SIZES = """        b, t, c = logits.shape
        logits = logits.view(b * t, c)
        loss = F.cross_entropy(logits, targets.view(b * t))"""


@pytest.mark.sampled(2)
def test_a_language_model_is_read_and_the_reading_proved(session: Session, tmp_path: Path) -> None:
    reading, proof = read_and_held(session, LANGUAGE.format(loss=AS_VIEW), tmp_path)
    assert [next(iter(one)) for one in reading.spec["model"]["layers"]] == ["embedding", "activation", "dense"]
    assert reading.spec["loss"] == {"sparse_categorical_crossentropy": {"from_logits": True}}
    assert reading.arrays["X"].shape == reading.arrays["y"].shape == (24, 5)  # Windows: the batches that were seen.
    assert len({row.tobytes() for row in reading.arrays["X"]}) > 12
    assert any("no target is -1" in one for one in reading.notes)
    assert proof.code == 0, proof.lines


@pytest.mark.sampled(2)
def test_sizes_may_be_written_out(session: Session, tmp_path: Path) -> None:
    reading, proof = read_and_held(session, LANGUAGE.format(loss=AS_SIZES), tmp_path)
    assert reading.arrays["y"].shape == (24, 5)
    assert proof.code == 0, proof.lines


KEPT = (
    HEAD
    + """
from collections import namedtuple

x, y = torch.randn(24, 4), torch.randint(0, 3, (24,))
Output = namedtuple("Output", "loss logits")


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 6), nn.ReLU())
        self.dropped, self.head, self.criterion = nn.Dropout(0.2), nn.Linear(6, 3), {criterion}

    def forward(self, x, labels=None):
        logits = self.head(self.dropped(self.body(x)))
        loss = None
        if labels is not None:
            loss = {loss}
        return Output(loss, logits)


net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for start in (0, 8, 16):
    optimizer.zero_grad()
    net(x[start : start + 8], labels=y[start : start + 8]).loss.backward()
    optimizer.step()
"""
)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(("criterion", "loss"), [
    ("nn.CrossEntropyLoss()", "self.criterion(logits.view(-1, 3), labels.view(-1))"),
    ("nn.CrossEntropyLoss(label_smoothing=0.1)", "0.5 * self.criterion(logits, labels)"),
])  # fmt: skip
def test_a_criterion_may_be_the_models_own_and_its_output_a_tuple_with_names(
    session: Session, tmp_path: Path, criterion: str, loss: str
) -> None:
    reading, proof = read_and_held(session, KEPT.format(criterion=criterion, loss=loss), tmp_path)
    kinds = [next(iter(one)) if isinstance(one, dict) else one for one in reading.spec["model"]["layers"]]
    assert kinds == ["dense", "activation", "dropout", "dense"]
    assert reading.arrays["X"].shape == (24, 4)
    assert reading.arrays["y"].shape == (24,)
    assert proof.code == 0, proof.lines


@pytest.mark.sampled(2)
def test_two_losses_of_two_heads_are_two_outputs(session: Session, tmp_path: Path) -> None:
    text = KEPT.format(
        criterion="nn.Linear(6, 1)", loss="F.cross_entropy(logits, labels) + 0.3 * F.mse_loss(aim, aims)"
    )
    text = text.replace("labels=None):", "labels=None, aims=None):").replace(
        "(24,))", "(24,))\nz = torch.randn(24, 1)", 1
    )
    text = text.replace("        loss = None\n", "        loss, aim = None, self.criterion(self.body(x))\n")
    text = text.replace("labels=y[start : start + 8]", "labels=y[start : start + 8], aims=z[start : start + 8]")
    reading, proof = read_and_held(session, text, tmp_path)
    assert list(reading.spec["model"]["outputs"]) == ["output_1", "output_2"]
    assert reading.spec["loss"]["output_2"] == {"mse": {"weight": 0.3}}
    assert proof.code == 0, proof.lines


def test_targets_that_a_loss_leaves_out_are_read(
    session: Session, tmp_path: Path, read_text: Callable[..., ReadProgram]
) -> None:
    shifted = (
        "        shifted = F.pad(targets, (0, 1), value=-100)[..., 1:].contiguous()\n"
        "        loss = F.cross_entropy(logits.view(-1, 9), shifted.view(-1))"
    )
    said = {"from_logits": True, "ignore_index": -100}
    reading, proof = read_and_held(session, LANGUAGE.format(loss=shifted), tmp_path)
    assert reading.spec["loss"] == {"sparse_categorical_crossentropy": said}
    assert (reading.arrays["y"][:, -1] == -100).all()
    assert proof.code == 0, proof.lines
    moved = shifted.replace("shifted.view(-1)", "shifted.view(-1).to(logits.device)")
    assert read_text(LANGUAGE.format(loss=moved)).spec["loss"] == reading.spec["loss"]
    other = shifted.replace("value=-100", "value=-1").replace("shifted.view(-1))", "shifted.view(-1), ignore_index=-1)")
    assert read_text(LANGUAGE.format(loss=other)).spec["loss"] == {
        "sparse_categorical_crossentropy": said | {"ignore_index": -1}
    }


@pytest.mark.parametrize("loss", [
    "F.cross_entropy(logits, labels) + 0.01 * self.head.weight.square().sum()",  # More than losses of outputs.
    "F.cross_entropy(logits + labels[:, None], labels)",  # The targets are an input, too.
    "(logits[:, 0] - labels).square().mean()",  # Written out.
])  # fmt: skip
def test_what_is_more_than_a_loss_of_outputs_and_targets_is_refused_as_before(
    read_text: Callable[..., ReadProgram], loss: str
) -> None:
    with pytest.raises(UnreadProgramError, match="a loss that Net computes itself"):
        read_text(KEPT.format(criterion="nn.Identity()", loss=loss))


def test_a_tied_table_of_a_model_with_its_own_loss_is_read(read_text: Callable[..., ReadProgram]) -> None:
    tied = LANGUAGE.replace(
        "nn.Linear(6, 9, bias=False)\n", "nn.Linear(6, 9, bias=False)\n        self.head.weight = self.table.weight\n"
    )
    last = read_text(tied.format(loss=AS_VIEW)).spec["model"]["layers"][-1]["dense"]
    assert last == {"name": "head", "units": 9, "use_bias": False, "kernel_of": "table"}


def test_rows_may_be_of_some_of_the_classes_only(session: Session, tmp_path: Path) -> None:
    text = LANGUAGE.format(loss=AS_VIEW).replace("torch.randint(0, 9, (200,))", "torch.randint(0, 7, (200,))")
    reading, proof = read_and_held(session, text, tmp_path)
    assert reading.arrays["y"].max() == 6
    assert proof.code == 0, proof.lines


def test_a_model_may_be_handed_what_its_loss_alone_reads(session: Session, tmp_path: Path) -> None:
    """The weights of classes are of no row, and another tensor in each call."""
    weighted = "F.cross_entropy(logits, labels, weight=weight) if weight.sum() > 3.0 else None"
    text = KEPT.format(criterion="nn.Identity()", loss=weighted)
    text = text.replace("labels=None):", "labels=None, weight=None):")
    text = text.replace(
        "labels=y[start : start + 8]", "labels=y[start : start + 8], weight=torch.tensor([1.0, 2.0, 0.5])"
    )
    reading, proof = read_and_held(session, text, tmp_path)
    assert reading.spec["loss"]["sparse_categorical_crossentropy"]["class_weight"] == [1.0, 2.0, 0.5]
    assert list(reading.arrays) == ["X", "y"]
    assert proof.code == 0, proof.lines
