"""Schedules of PyTorch programs whose epochs end within the steps that are looked at, and numbers of NumPy's."""

from __future__ import annotations

from typing import Any

import pytest

from parity.errors import ParityError

PROGRAM = """\
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
generator = np.random.default_rng(0)
x, y = torch.tensor(generator.normal(size=(40, 6)).astype("float32")), torch.tensor(generator.integers(0, 3, 40))
net = nn.Linear(6, 3)
nn.init.uniform_(net.weight, -np.sqrt(0.5), np.sqrt(0.5))
nn.init.constant_(net.bias, np.float32(0.25))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
falls = torch.optim.lr_scheduler.StepLR(opt, 2, gamma=0.5)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size={size}, shuffle=True)
for epoch in range(6):
    for number, (a, b) in enumerate(loader):
        opt.zero_grad()
        F.cross_entropy(net(a), b).backward()
        opt.step()
{within}    falls.step()
"""


@pytest.mark.parametrize(("size", "within", "per"), [
    (10, "", "epoch"), (16, "", "epoch"), (20, "", "epoch"), (20, "    ", "step"), (10, "    ", "step"),
    (40, "", "step"),  # An epoch is a step.
])  # fmt: skip
def test_a_schedule_by_epochs_is_read_however_short_they_are(size: int, within: str, per: str, read_text: Any) -> None:
    found = read_text(PROGRAM.format(size=size, within=within)).spec
    fields = found["optimizer"]["sgd"]["learning_rate"]["step"]
    assert (fields.get("per", "step"), fields["step_size"]) == (per, 2)


def test_a_schedule_behind_some_batches_is_no_schedule_by_epochs(read_text: Any) -> None:
    with pytest.raises(ParityError) as caught:
        read_text(PROGRAM.format(size=10, within="        if number % 2:\n        "))
    assert "train.py, line 19: a schedule stepped behind 2 batches, where an epoch has 4" in str(caught.value)


def test_numbers_of_numpy_s_start_parameters_as_others_do(read_text: Any) -> None:
    (layer,) = read_text(PROGRAM.format(size=10, within="")).spec["model"]["layers"]
    assert layer["dense"]["kernel_initializer"] == {
        "random_uniform": {"minval": pytest.approx(-(0.5**0.5)), "maxval": pytest.approx(0.5**0.5)}
    }
    assert layer["dense"]["bias_initializer"] == {"constant": {"value": 0.25}}


@pytest.mark.parametrize("ends", ["", "raise SystemExit(0)\n", "raise SystemExit(3)\n"])
@pytest.mark.parametrize(("epochs", "size"), [(1, 40), (2, 40), (1, 20)])
def test_a_program_of_fewer_steps_than_are_waited_for_is_read_by_those(
    epochs: int, size: int, ends: str, read_text: Any
) -> None:
    text = PROGRAM.format(size=size, within="").replace("range(6)", f"range({epochs})")
    found = read_text(text + ends).spec
    assert found["training"] == {"batch_size": size, "epochs": epochs, "shuffle": True, "seed": 0}
    assert found["loss"] == "sparse_categorical_crossentropy" or "sparse_categorical_crossentropy" in found["loss"]
    assert next(iter(found["optimizer"])) == "sgd"


def test_a_program_that_stays_in_evaluation_mode_is_told_so(read_text: Any) -> None:
    text = PROGRAM.format(size=10, within="").replace("    falls.step()", "    falls.step()\n    net.eval()")
    (note,) = [one for one in read_text(text).notes if "eval()" in one]
    assert note.startswith("train.py, line 19: eval() within the loop, and no train() in it")
    assert not [one for one in read_text(PROGRAM.format(size=10, within="")).notes if "eval()" in one]


def test_what_a_program_validates_on_is_not_cut_short_with_its_epoch(read_text: Any) -> None:
    """An epoch that is long is ended once its steps are known; a mean over rows that are not there would be 0 / 0."""
    text = PROGRAM.format(size=4, within="").replace(
        "    falls.step()",
        """\
    total = count = 0
    with torch.no_grad():
        for a, b in torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=10):
            total, count = total + F.cross_entropy(net(a), b).item(), count + 1
    print(total / count)
    falls.step()""",
    )
    fields = read_text(text).spec["optimizer"]["sgd"]["learning_rate"]["step"]
    assert (fields["per"], fields["step_size"]) == ("epoch", 2)
