"""Sums over classes that a PyTorch program divides itself: by the weights of its targets, their number, its rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers_reading import read_and_held

from parity.errors import ParityError

TEXT = """\
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
generator = np.random.default_rng(0)
x = torch.tensor(generator.normal(size=(48, 5)).astype("float32"))
y = torch.tensor(generator.integers(0, 3, 48))
y[{left_out}] = -100
w = torch.tensor([0.7, 1.0, 2.1])
v = torch.tensor([0.7, 1.0, 2.5])
net = nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
for start in range(0, 48, {batch}):
    a, b = x[start : start + {batch}], y[start : start + {batch}]
    opt.zero_grad()
    ({loss}).backward()
    opt.step()
"""

WEIGHED = "F.cross_entropy(net(a), b, weight=w, reduction='sum')"
PLAIN = "F.cross_entropy(net(a), b, reduction='sum')"


def text(loss: str, left_out: str = "[]", batch: int = 8) -> str:
    return TEXT.format(loss=loss, left_out=left_out, batch=batch)


@pytest.mark.parametrize("divisor", ["w[b].sum()", "w.gather(0, b).sum()", "w.index_select(0, b.view(-1)).sum()"])
def test_a_sum_over_the_weights_of_its_targets_is_the_mean_by_weights(divisor: str, read_text: Any) -> None:
    ((kind, fields),) = read_text(text(f"{WEIGHED} / {divisor}")).spec["loss"].items()
    assert kind == "sparse_categorical_crossentropy"
    assert fields == {"from_logits": True, "class_weight": [0.7, 1.0, 2.1], "divisor": "weights"}


def test_a_sum_over_other_weights_is_no_mean(read_text: Any) -> None:
    assert "opaque" in read_text(text(f"{WEIGHED} / v[b].sum()")).spec["loss"]


@pytest.mark.parametrize("divisor", ["(b != -100).sum()", "(b >= 0).float().sum()"])
def test_a_sum_over_the_targets_that_count_is_the_mean(divisor: str, read_text: Any) -> None:
    ((_, fields),) = read_text(text(f"{PLAIN} / {divisor}", "slice(0, 48, 3)")).spec["loss"].items()
    assert fields == {"from_logits": True, "ignore_index": -100}


def test_a_sum_over_all_rows_stays_a_sum_where_some_targets_are_left_out(read_text: Any) -> None:
    ((_, fields),) = read_text(text(f"{PLAIN} / len(a)", "slice(0, 48, 3)")).spec["loss"].items()
    assert fields == {"from_logits": True, "ignore_index": -100, "reduction": "sum", "weight": 0.125}


def test_a_last_batch_of_fewer_rows_is_divided_by_another_number(read_text: Any) -> None:
    with pytest.raises(ParityError, match=r"line 16: a loss that is divided by the rows of its batch, .*as many rows"):
        read_text(text(f"{PLAIN} / len(a)", "slice(0, 48, 3)", 20))


@pytest.mark.parametrize("case", [
    text(f"{WEIGHED} / w[b].sum()"), text(f"{WEIGHED} / len(a)"), text(f"{PLAIN} / len(a)", "slice(0, 48, 3)"),
], ids=["by weights", "by rows", "left out"])  # fmt: skip
def test_what_divides_itself_is_read_faithfully(case: str, session: Any, tmp_path: Path) -> None:
    """Weights that ``torch.tensor`` makes are the program's decimals, as the proof has them: it departed by 6e-9."""
    _, held = read_and_held(session, case, tmp_path)
    assert held.lines[-1].startswith("read faithfully"), held.lines
