"""What PyTorch programs say of types and of groups of parameters: read where a spec can say it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers_reading import read_and_held

from parity.errors import ParityError
from parity.run.session import Session
from parity.run.watched import contract

HEAD = """
import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
x, y = torch.randn(48, 6), torch.randint(0, 3, (48,))
net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
"""

LOW = (
    HEAD
    + """
opt = torch.optim.SGD(net.parameters(), 0.1)
for start in range(0, 48, 8):
    opt.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = net(x[start : start + 8])
        {inside}
    {outside}
    loss.backward()
    opt.step()
"""
)

LOSS = "loss = F.cross_entropy(out{}, y[start : start + 8])"


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("inside", "outside"), [(LOSS.format(""), "pass"), ("pass", LOSS.format(".float()"))], ids=["inside", "outside"]
)
def test_an_autocast_is_mixed_precision(inside: str, outside: str, session: Session, tmp_path: Path) -> None:
    reading, held = read_and_held(session, LOW.format(inside=inside, outside=outside), tmp_path)
    assert reading.spec["numerics"] == {"mixed_precision": "bfloat16"}
    assert [next(iter(one)) for one in reading.spec["model"]["layers"]] == ["dense", "activation", "dense"]
    assert held.lines[-1].startswith("read faithfully")


def test_a_loss_of_low_numbers_is_no_mixed_precision(read_text: Any) -> None:
    with pytest.raises(ParityError) as raised:
        read_text(LOW.format(inside="pass", outside=LOSS.format("")))
    needs = "it needs a loss within the autocast, or of outputs.float()"
    assert str(raised.value) == f"train.py, line 17: a loss of numbers in bfloat16 is not read; {needs}"


def test_the_program_as_a_side_computes_as_it_does_itself(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    (tmp_path / "train.py").write_text(LOW.format(inside=LOSS.format(""), outside="pass"))
    model = contract({"script": str(tmp_path / "train.py")})["build_model"]()
    x = torch.randn(5, 6, generator=torch.Generator().manual_seed(1))
    found = model(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        low = torch.nn.Sequential(*model)(x)
    assert (low.dtype, found.dtype) == (torch.bfloat16, torch.float32)
    assert torch.equal(found, low.float())
    assert not torch.equal(found, torch.nn.Sequential(*model)(x)), "in float32 it gives others"


GROUPS = (
    HEAD
    + """
{before}
opt = torch.optim.AdamW([{first}, {{"params": net[2].parameters()}}], 0.01)
for start in range(0, 48, 8):
    opt.zero_grad()
    F.cross_entropy(net(x[start : start + 8]), y[start : start + 8]).backward()
    opt.step()
"""
)


@pytest.mark.parametrize(
    ("before", "first"),
    [("pass", '{"params": net[0].parameters(), "lr": 0.0}'),
     ("net[0].requires_grad_(False)", '{"params": net[0].parameters(), "weight_decay": 0.5}')],
    ids=["rate 0", "frozen"],
)  # fmt: skip
def test_a_group_that_does_not_move_is_frozen_and_no_other_group(
    before: str, first: str, session: Session, tmp_path: Path
) -> None:
    reading, held = read_and_held(session, GROUPS.format(before=before, first=first), tmp_path)
    hidden, _, out = (next(iter(one.values())) for one in reading.spec["model"]["layers"])
    assert hidden["trainable"] is False
    assert "trainable" not in out
    assert reading.spec["optimizer"]["adamw"]["weight_decay"] == 0.01
    assert held.lines[-1].startswith("read faithfully")
