"""Attention that a PyTorch program writes out, and sequences with their steps ahead of the rows; the reading proved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers_reading import read_and_held

from parity.reading.unread import UnreadProgramError
from parity.reading.whole import ReadProgram
from parity.run.session import Session

PROGRAM = """
import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
x, y = torch.randn(24, 5, 8), torch.randint(0, 3, (24,))


class Attend(nn.Module):
    def __init__(self):
        super().__init__()
        {made}

    def forward(self, x):
        n, t, d = x.shape
        {called}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.attend = Attend()
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        h = self.first(x)
        h = h + self.attend(h)
        return self.head(h.mean(dim=1))


net = Net()
optimizer = torch.optim.{optimizer}(net.parameters(), lr=0.01)
for start in (0, 8, 16):
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x[start : start + 8]), y[start : start + 8])
    loss.backward()
    optimizer.step()
"""

APART = """self.k, self.q, self.v, self.o = (nn.Linear(8, 8) for _ in range(4))
        self.drop = nn.Dropout(0.1)"""
HEADS = """q = self.q(x).view(n, t, 2, 4).transpose(1, 2)
        k = self.k(x).view(n, t, 2, 4).transpose(1, 2)
        v = self.v(x).view(n, t, 2, 4).transpose(1, 2)
        shares = self.drop(torch.softmax({scores}, dim=-1))
        return self.o(torch.matmul(shares, v).transpose(1, 2).contiguous().view(n, t, d))"""
SCORES = "torch.matmul(q, k.transpose(-2, -1)) / math.sqrt(4)"
PACKED = "self.qkv, self.proj = nn.Linear(8, 24), nn.Linear(8, 8)"
FUNCTION = """q, k, v = self.qkv(x).split(8, dim=2)
        q, k, v = (one.view(n, t, 2, 4).transpose(1, 2) for one in (q, k, v))
        h = F.scaled_dot_product_attention(q, k, v, dropout_p=0.2 if self.training else 0.0, is_causal=True)
        return self.proj(h.transpose(1, 2).reshape(n, t, d))"""
THREES = """q, k, v = self.qkv(x).reshape(n, t, 3, 2, 4).permute(2, 0, 3, 1, 4)
        scores = (q @ k.transpose(-2, -1)) * 4**-0.5
        scores = scores.masked_fill(torch.tril(torch.ones(t, t)) == 0, float("-inf"))
        return self.proj((scores.softmax(dim=-1) @ v).transpose(1, 2).reshape(n, t, d))"""
SIDE_BY_SIDE = """q, k, v = self.qkv(x).reshape(n, t, 2, 12).permute(0, 2, 1, 3).chunk(3, dim=-1)
        shares = F.softmax(q @ k.mT / 2, dim=-1)
        return self.proj((shares @ v).permute(0, 2, 1, 3).reshape(n, t, d))"""
ONE_HEAD = """shares = torch.softmax(torch.bmm(self.q(x), self.k(x).transpose(1, 2)) / 8**0.5, dim=-1)
        return self.o(torch.einsum("nts,nsd->ntd", shares, self.v(x)))"""


def program(made: str = APART, called: str = HEADS.format(scores=SCORES), optimizer: str = "Adam") -> str:
    return PROGRAM.format(made=made, called=called, optimizer=optimizer)


def layers(reading: ReadProgram) -> dict[str, dict[str, Any]]:
    return {
        one["name"]: {"kind": kind, **one} for each in reading.spec["model"]["layers"] for kind, one in each.items()
    }


@pytest.mark.parametrize(("made", "called", "told"), [
    (APART, HEADS.format(scores=SCORES), (2, 4, 0.1, None)),
    (PACKED, FUNCTION, (2, 4, 0.2, True)),
    (PACKED, THREES, (2, 4, None, True)),
    (PACKED, SIDE_BY_SIDE, (2, 4, None, None)),
    (APART, ONE_HEAD, (1, 8, None, None)),
])  # fmt: skip
def test_attention_that_is_written_out_is_the_layer(
    session: Session, tmp_path: Path, made: str, called: str, told: tuple[Any, ...]
) -> None:
    reading, proof = read_and_held(session, program(made, called), tmp_path)
    found = layers(reading)
    one = found.pop("attend")
    assert one["kind"] == "multi_head_attention"
    assert (one["num_heads"], one["key_dim"], one.get("dropout"), one.get("causal")) == told
    assert [each["kind"] for each in found.values()] == ["dense", "add", "global_average_pooling1d", "dense"]
    assert proof.code == 0, proof.lines
    assert "read faithfully: " in proof.lines[-1]


@pytest.mark.parametrize(("made", "called", "needs"), [
    (APART, HEADS.format(scores="q @ k.transpose(-2, -1) * torch.tensor([0.3])"), "are multiplied by 0.3, by numbers"),
    (APART.replace("nn.Linear(8, 8) for _", "nn.Linear(8, 8, bias=_ > 0) for _"), HEADS.format(scores=SCORES),
     "which of query, key and value have a bias"),
    (APART, HEADS.format(scores=f"{SCORES} + self.o.bias.sum()"), "torch.add does with"),
    (APART, HEADS.format(scores=f"({SCORES}).tanh()"), "torch.matmul does"),
])  # fmt: skip
def test_what_is_nearly_attention_is_opaque_and_says_what_is_other(
    read_text: Callable[..., ReadProgram], made: str, called: str, needs: str
) -> None:
    found = layers(read_text(program(made, called)))
    assert not [one for one in found.values() if one["kind"] == "multi_head_attention"]
    assert needs in found["attend"]["needs"]


@pytest.mark.parametrize(("made", "called", "said"), [
    (APART, HEADS.format(scores="q @ k.transpose(-2, -1)"), {"scale": 1.0}),
    (APART, HEADS.format(scores="q @ k.transpose(-2, -1) / math.sqrt(d)"), {"scale": 1 / 8**0.5}),
    (PACKED, FUNCTION.replace("is_causal=True", "is_causal=True, scale=8**-0.5"), {"scale": 8**-0.5}),
    (APART.replace("nn.Linear(8, 8) for _", "nn.Linear(8, 8, bias=_ == 3) for _"), HEADS.format(scores=SCORES),
     {"use_bias": False, "output_bias": True}),
])  # fmt: skip
def test_other_scores_and_a_bias_of_the_output_alone_are_fields(
    session: Session, tmp_path: Path, made: str, called: str, said: dict[str, Any]
) -> None:
    reading, proof = read_and_held(session, program(made, called), tmp_path)
    found = layers(reading)["attend"]
    assert {name: found.get(name) for name in said} == said
    assert "scale" in said or "scale" not in found
    assert proof.code == 0, proof.lines


def test_one_matrix_of_three_is_moved_number_by_number_or_not_read(read_text: Callable[..., ReadProgram]) -> None:
    with pytest.raises(UnreadProgramError, match=r"which moves the weight of Linear\(8, 24\) as one matrix"):
        read_text(program(PACKED, THREES, "Adafactor"))


SEQUENCES = """
import torch
from torch import nn

torch.manual_seed(0)
x, y = torch.randn(24, 5, 8), torch.randint(0, 3, (24,))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.middle = nn.{made}
        self.head = nn.Linear({wide}, 3)

    def forward(self, x):
        h = {turned}
        {called}
        return self.head(h)


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
for start in (0, 8, 16):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(net(x[start : start + 8]), y[start : start + 8])
    loss.backward()
    optimizer.step()
"""


@pytest.mark.parametrize(("made", "wide", "turned", "called", "kinds"), [
    ("LSTM(8, 6)", 6, "self.first(x).permute(1, 0, 2)", "h = self.middle(h)[0][-1]", ["dense", "lstm", "dense"]),
    ("GRU(8, 6, 2, dropout=0.2)", 6, "self.first(x.transpose(0, 1))", "h = self.middle(h)[1][-1]",
     ["dense", "gru", "dropout", "gru", "dense"]),
    ("MultiheadAttention(8, 2, dropout=0.1)", 8, "self.first(x).permute(1, 0, 2)",
     "h = (h + self.middle(h, h, h)[0]).transpose(0, 1).mean(1)",
     ["dense", "multi_head_attention", "add", "global_average_pooling1d", "dense"]),
    ("MultiheadAttention(8, 2)", 8, "self.first(x).swapaxes(0, 1)", "h = torch.relu(self.middle(h, h, h)[0]).mean(0)",
     ["dense", "multi_head_attention", "activation", "global_average_pooling1d", "dense"]),
])  # fmt: skip
def test_steps_ahead_of_the_rows_are_read_as_if_they_stood_behind_them(
    session: Session, tmp_path: Path, made: str, wide: int, turned: str, called: str, kinds: list[str]
) -> None:
    text = SEQUENCES.format(made=made, wide=wide, turned=turned, called=called)
    reading, proof = read_and_held(session, text, tmp_path)
    assert [kind for one in reading.spec["model"]["layers"] for kind in one] == kinds
    assert proof.code == 0, proof.lines


def test_what_turns_rows_and_goes_on_otherwise_is_not_read(read_text: Callable[..., ReadProgram]) -> None:
    text = SEQUENCES.format(made="Conv1d(5, 5, 1)", wide=8, turned="x", called="h = h.transpose(0, 1).cumsum(0)[-1]")
    with pytest.raises(UnreadProgramError, match=r"rows on another axis than the first, is not read"):
        read_text(text)


def test_a_layer_that_goes_along_the_rows_is_told_so(read_text: Callable[..., ReadProgram]) -> None:
    text = SEQUENCES.format(made="LSTM(8, 6)", wide=6, turned="x", called="h = self.middle(h)[0][:, -1]")
    found = layers(read_text(text))
    assert "batch_first=False" in found["middle"]["needs"]
