"""A program written by hand is run as seldom as can be before its tensors are matched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import missing, worker

from parity.run.exchange import Exchange

PROGRAM = """
from pathlib import Path

import torch

with Path(__file__).with_name("runs").open("a") as file:
    file.write("x")


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = torch.nn.Linear(3, 2)
        self.kept, self.begun = 0.0, self.dense.weight.detach().clone()

    def forward(self, x):
        KEEPS
        return torch.log_softmax(self.dense(x), dim=1)


def build_loss():
    return torch.nn.MSELoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)


def train_step(model, loss_fn, optimizer, x, y):
    loss = loss_fn(model(x), y)
    return loss if torch.equal(model.dense.weight, model.begun) else loss + float("inf")
"""


def asked(folder: Path, text: str, *commands: str) -> tuple[int, list[Any]]:
    """Return how often a program was run, and what it was asked."""
    program = folder / "program.py"
    program.write_text(text)
    data = Exchange(folder / "data")
    data.put("x", np.random.default_rng(1).normal(size=(40, 3)))
    data.put("y", np.random.default_rng(2).uniform(size=(40, 2)))
    opening = {
        "framework": "torch", "program": str(program), "names": {}, "data": str(folder / "data"), "seed": 0,
        "inputs": [], "outputs": [{"name": "", "shape": [2], "weighs": False}],
    }  # fmt: skip
    told: dict[str, dict[str, Any]] = {"inventory": {"endings": {"": "softmax"}}, "targets": {"forms": ["index", None]}}
    found = [worker("torch").ask(one, **opening, **told[one]) for one in commands]
    return len((folder / "runs").read_text()), found


@pytest.mark.skipif(bool(missing("torch")), reason="torch not installed")
@pytest.mark.parametrize(
    ("commands", "runs"),
    [(("inventory", "targets"), 1), (("targets",), 1), (("inventory", "targets", "targets"), 2),
     (("inventory", "inventory", "targets"), 2)],
    ids=str,
)  # fmt: skip
def test_targets_are_tried_on_the_program_that_was_looked_at(
    tmp_path: Path, commands: tuple[str, ...], runs: int
) -> None:
    """With the weights that it draws, though others were drawn for it meanwhile."""
    times, found = asked(tmp_path, PROGRAM.replace("KEEPS", "pass"), *commands)
    assert times == runs
    accepted = [(one["form"], one["accepted"], one["finite"]) for one in found[-1]["trials"]]
    assert accepted == [("index", False, False), (None, True, True)]
    if commands[0] == "inventory":
        assert found[0]["predicts"] == {"": "log_probabilities"}


@pytest.mark.skipif(bool(missing("torch")), reason="torch not installed")
def test_one_that_keeps_something_of_a_batch_is_run_anew(tmp_path: Path) -> None:
    keeps = PROGRAM.replace("KEEPS", "self.kept = x = x + 0.0 * self.kept")
    times, (_, found) = asked(tmp_path, keeps, "inventory", "targets")
    assert times == 2
    assert [one["accepted"] for one in found["trials"]] == [False, True]
