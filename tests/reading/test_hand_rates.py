"""Rates that a program sets itself: those of the schedule that gives them, or a line, never one rate for all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from parity import api
from parity.reading.unread import UnreadProgramError
from parity.reading.whole import ReadProgram

SCRIPT = """\
import math, random, torch
from torch import nn
torch.manual_seed(0)
peak, least, warm, until, falls = 6e-3, 6e-4, 10, 200, True
x, y = torch.randn(64, 4), torch.randn(64, 1)
net = nn.Linear(4, 1)
def get_lr(it):
    if it < warm:
        return peak * (it + 1) / (warm + 1)
    if it > until:
        return least
    return least + 0.5 * (1.0 + math.cos(math.pi * (it - warm) / (until - warm))) * (peak - least)
def adjust(optimizer, epoch):
    lr = 0.1 * (0.1 ** (epoch // 30))
    for group in optimizer.param_groups:
        group["lr"] = lr
opt = torch.optim.AdamW([{{"params": [net.weight]}}, {{"params": [net.bias], "weight_decay": 0.0}}], lr={rate})
done = 0
for epoch in range(90):
    {epoch}
    for n, i in enumerate(range(0, 64, 16)):
        {step}
        loss = nn.functional.mse_loss(net(x[i:i+16]), y[i:i+16])
        opt.zero_grad()
        loss.backward()
        opt.step()
        done += 1
"""

SET = "for group in opt.param_groups: group['lr'] = {}"

COSINE = {"cosine": {
    "warmup_steps": 10, "warmup_from": 6e-3 / 11, "initial_learning_rate": 6e-3, "decay_steps": 190, "alpha": 0.1,
}}  # fmt: skip

GIVEN = {
    "a function of the count": (SET.format("get_lr(done)"), COSINE),
    "by way of a name": (f"lr = get_lr(done) if falls else peak\n        {SET.format('lr')}", COSINE),
    "of the epoch and the batch in it": (
        SET.format("peak * 0.5 ** ((4 * epoch + n) // 30)"),
        {"step": {"initial_learning_rate": 6e-3, "step_size": 30, "gamma": 0.5}},
    ),
    "a formula of the count": (
        SET.format("peak * 0.5 ** (done // 30)"),
        {"step": {"initial_learning_rate": 6e-3, "step_size": 30, "gamma": 0.5}},
    ),
}


def script(step: str = "pass", epoch: str = "pass", rate: str = "peak") -> str:
    return SCRIPT.format(step=step, epoch=epoch, rate=rate)


@pytest.mark.parametrize("case", GIVEN)
def test_what_a_count_gives_is_a_schedule(read_text: Callable[..., ReadProgram], case: str) -> None:
    step, wanted = GIVEN[case]
    found = read_text(script(step))
    (optimizer,) = found.spec["optimizer"].values()
    assert optimizer["learning_rate"] == wanted
    assert found.told.places["schedule"].startswith("train.py, line ")


def test_the_reading_is_proved(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(script(GIVEN["by way of a name"][0]))
    found = api.read(tmp_path / "train.py", out=tmp_path / "out")
    assert found.proof is not None
    assert found.proof.verdict in ("identical", "rounding"), found.proof.lines


@pytest.mark.parametrize(("step", "said"), [
    (SET.format("random.random()"), "rates that the program sets itself"),
    (SET.format("peak * (1.0 if loss_before < 1.0 else 0.5)").replace("loss_before", "float(x[0, 0])"),
     "a rate that the program sets itself (0.006 so far)"),
    (SET.format("peak / (1 + done + i)"), "rates that the program sets itself"),
    (SET.format("peak / (1 + n)"), "rates that the program sets itself"),  # It begins again in each epoch.
])  # fmt: skip
def test_what_no_count_gives_is_a_line(read_text: Callable[..., Any], step: str, said: str) -> None:
    with pytest.raises(UnreadProgramError) as error:
        read_text(script(step))
    assert f"train.py, line 22: {said}" in str(error.value)


def test_a_count_that_each_epoch_begins_again_is_no_count_of_steps(read_text: Callable[..., Any]) -> None:
    begun = script(f"{SET.format('get_lr(done)')}", epoch="done = 0")
    with pytest.raises(UnreadProgramError, match="rates that the program sets itself"):
        read_text(begun)


@pytest.mark.parametrize(("epoch", "wanted"), [
    ("adjust(opt, epoch)", {"step": {"per": "epoch", "initial_learning_rate": 0.1, "step_size": 30}}),
    (SET.format("0.1 if epoch < 40 else 0.01"),
     {"piecewise": {"per": "epoch", "boundaries": [39], "values": [0.1, 0.01]}}),
    (f"lr = peak * 0.9 ** epoch\n    {SET.format('lr')}",
     {"exponential": {"per": "epoch", "initial_learning_rate": 6e-3, "decay_steps": 1, "decay_rate": 0.9}}),
])  # fmt: skip
def test_what_an_epoch_gives_is_a_schedule_by_epochs(
    read_text: Callable[..., ReadProgram], epoch: str, wanted: dict[str, Any]
) -> None:
    found = read_text(script(epoch=epoch, rate="0.5"))
    (optimizer,) = found.spec["optimizer"].values()
    ((kind, fields),) = optimizer["learning_rate"].items()
    ((wanted_kind, wanted_fields),) = wanted.items()
    assert (kind, {name: fields[name] for name in wanted_fields}) == (wanted_kind, wanted_fields)
    assert found.spec["training"]["epochs"] == 90
    assert not any("sets the rate ahead of the first step" in one for one in found.told.notes)


def test_a_reading_of_rates_by_epochs_is_proved(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(script(epoch=SET.format("0.1 * 0.1 ** epoch"), rate="0.5"))
    found = api.read(tmp_path / "train.py", out=tmp_path / "out")
    assert found.proof is not None  # Of five steps, the last is the second epoch's.
    assert found.proof.verdict in ("identical", "rounding"), found.proof.lines


@pytest.mark.parametrize("epoch", [
    "adjust(opt, 0)",  # Of no number that grows.
    "if epoch < 40: adjust(opt, epoch)",  # Not in each epoch.
    SET.format("0.1 * (1.0 if loss_before is None else 0.5)").replace("loss_before", "opt.state.get(1)"),
])  # fmt: skip
def test_a_rate_that_was_set_once_is_said_to_be(read_text: Callable[..., ReadProgram], epoch: str) -> None:
    found = read_text(script(epoch=epoch, rate="0.5"))
    (optimizer,) = found.spec["optimizer"].values()
    assert optimizer["learning_rate"] == 0.1
    assert any("sets the rate ahead of the first step" in one for one in found.told.notes)


def test_a_rate_that_some_batches_set_is_not_one_of_epochs(read_text: Callable[..., ReadProgram]) -> None:
    found = read_text(script(step=f"if n == 0:\n            {SET.format('0.1 * 0.5 ** n')}", rate="0.5"))
    (optimizer,) = found.spec["optimizer"].values()
    assert optimizer["learning_rate"] == 0.1


def test_a_schedulers_own_rates_are_its_own(read_text: Callable[..., ReadProgram]) -> None:
    made = "\nrates = torch.optim.lr_scheduler.StepLR(opt, 2)\n"
    found = read_text(script(step="done and rates.step()").replace("\ndone = 0\n", f"{made}done = 0\n"))
    (optimizer,) = found.spec["optimizer"].values()
    assert list(optimizer["learning_rate"]) == ["step"]
