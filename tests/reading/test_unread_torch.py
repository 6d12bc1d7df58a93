"""PyTorch scripts that cannot be read: one line for each thing that stands in the way, never a traceback."""

from __future__ import annotations

from typing import Any

import pytest

from parity.errors import ParityError, UsageError

HEAD = """\
import torch
import torch.nn.functional as F
from torch import nn
x, y = torch.randn(16, 4), torch.randn(16, 2)
net = nn.Linear(4, 2)
opt = torch.optim.SGD(net.parameters(), 0.1)
"""

TRAINED = "opt = torch.optim.SGD(net.parameters(), 0.1)\n"
"""For another model than that of the head."""

STEP = "for _ in range(4):\n    opt.zero_grad()\n    {loss}.backward()\n    opt.step()\n"
PLAIN = "F.mse_loss(net(x), y)"

NET = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = nn.Linear(4, 2)\n"

UNREAD = {
    "no module": (
        "w, b = torch.randn(4, 2, requires_grad=True), torch.zeros(2, requires_grad=True)\n"
        "for _ in range(4):\n    ((x @ w + b - y) ** 2).mean().backward()\n    with torch.no_grad():\n"
        "        for p in (w, b):\n            p -= 0.1 * p.grad\n            p.grad = None\n",
        "train.py, line 9: tensors with requires_grad that no module keeps, moved by the program itself,"),
    "no zero_grad": (
        "for _ in range(4):\n    F.mse_loss(net(x), y).backward()\n    opt.step()\n",
        "train.py, line 8: gradients that are not set to zero, to which those of the next step are added,"),
    "two optimizers": (
        "more = torch.optim.Adam(net.parameters())\n" + STEP.format(loss=PLAIN) + "    more.step()\n",
        "train.py, line 11: a loop of 2 optimizers (torch.optim.SGD and torch.optim.Adam)"),
    "closure": (
        "opt = torch.optim.LBFGS(net.parameters())\ndef closure():\n    opt.zero_grad()\n"
        f"    loss = {PLAIN}\n    loss.backward()\n    return loss\nfor _ in range(4):\n    opt.step(closure)\n",
        "train.py, line 14: torch.optim.LBFGS.step with a closure"),
    "penalty": (
        STEP.format(loss=f"({PLAIN} + 0.1 * net.weight.pow(2).sum())"), "train.py, line 9: sum in the loss"),
    "numbers": (
        NET + "    def forward(self, x):\n        return self.a(x) if x.mean() > 0 else self.a(-x)\nnet = Net()\n"
        "opt = torch.optim.SGD(net.parameters(), 0.1)\n" + STEP.format(loss=PLAIN),
        "train.py, line 12: __bool__ of a tensor, by whose numbers the model goes on,"),
    "modes": (
        NET + "    def forward(self, x):\n        return self.a(x).tanh() if self.training else self.a(x)\n"
        f"net = Net()\n{TRAINED}" + STEP.format(loss=PLAIN),
        "train.py, line 12: forward of Net, which computes something else in evaluation,"),
    "autocast": (
        "for _ in range(4):\n    with torch.autocast('cpu', dtype=torch.float16):\n"
        "        loss = F.mse_loss(net(x), y)\n"
        "    opt.zero_grad()\n    loss.backward()\n    opt.step()\n",
        "train.py, line 11: autocast to float16 of all modules"),
    "groups": (
        "opt = torch.optim.SGD([{'params': [net.weight], 'momentum': 0.1}, {'params': [net.bias]}], 0.1)\n"
        + STEP.format(loss=PLAIN),
        "train.py, line 7: groups of parameters, momentum=0.1 for weight and momentum=0 for bias,"),
    "rates": (
        STEP.format(loss=PLAIN) + "    opt.param_groups[0]['lr'] *= 0.5\n",
        "train.py, line 11: rates that the program sets itself (0.1, 0.05, 0.025, ...)"),
    "sampler": (
        "rows = torch.utils.data.TensorDataset(x, y)\n"
        "heavy = torch.utils.data.WeightedRandomSampler(torch.ones(16), 16)\n"
        "for a, b in torch.utils.data.DataLoader(rows, 4, sampler=heavy):\n    opt.zero_grad()\n"
        "    F.mse_loss(net(a), b).backward()\n    opt.step()\n",
        "train.py, line 11: a loader with WeightedRandomSampler"),
    "a part is still": ("net.bias.requires_grad_(False)\n" + STEP.format(loss=PLAIN),
                        "layer 'model', of which bias does not train,"),
    "lambda": (
        "falls = torch.optim.lr_scheduler.LambdaLR(opt, lambda n: (n + 1) ** -0.5)\n" + STEP.format(loss=PLAIN)
        + "    falls.step()\n",
        "optimizer torch.optim.SGD is not read; it needs a schedule that gives the rates of this function ("),
}  # fmt: skip
"""By what stands in the way: what follows the head of a program, and what the only line says."""


@pytest.mark.parametrize("case", UNREAD)
def test_what_no_spec_says_of_a_loop_is_a_line(case: str, read_text: Any) -> None:
    text, line = UNREAD[case]
    with pytest.raises(ParityError) as raised:
        read_text(HEAD + text)
    said = str(raised.value)
    assert "\n" not in said
    assert line in said


def test_a_script_that_never_steps_or_fails_is_a_line(read_text: Any) -> None:
    # Other frameworks are named, too, where a program before this one has imported them in this worker.
    said = r"train.py ended before it trained anything: it never came to .*Optimizer.step; the last .* printed: done"
    with pytest.raises(UsageError, match=said):
        read_text(HEAD + "print('done')\n")
    with pytest.raises(UsageError, match=r"failed before it trained: RuntimeError: mat1 .*\(train.py, line 7\)"):
        read_text(HEAD + "net(torch.zeros(1, 3))\n")


@pytest.mark.parametrize(("shape", "kind"), [((5,), "dropout"), ((5, 6), "spatial_dropout1d")])
def test_dropout2d_of_fewer_axes_drops_what_a_channel_has(shape: tuple[int, ...], kind: str, read_text: Any) -> None:
    read = read_text(
        f"import torch\nfrom torch import nn\nx, y = torch.randn(16, *{shape}), torch.randn(16, 2)\n"
        "net = nn.Sequential(nn.Dropout2d(0.25), nn.Flatten(), nn.LazyLinear(2))\nnet(x)\n"
        "opt = torch.optim.SGD(net.parameters(), 0.1)\n" + STEP.format(loss="nn.functional.mse_loss(net(x), y)")
    )
    first = next(iter(read.spec["model"]["layers"][0].items()))
    assert first[0] == kind
    assert first[1].get("rate") == 0.25


def test_a_loader_with_workers_of_its_own_is_read(read_text: Any) -> None:
    read = read_text(
        HEAD + "rows = torch.utils.data.TensorDataset(x, y)\n"
        "for a, b in torch.utils.data.DataLoader(rows, 4, num_workers=2):\n    opt.zero_grad()\n"
        "    F.mse_loss(net(a), b).backward()\n    opt.step()\n"
    )
    assert read.spec["training"]["batch_size"] == 4
    assert read.arrays["X"].shape == (16, 4)


BY_HAND = (
    HEAD + "for _ in range(9):\n    net.zero_grad()\n    F.smooth_l1_loss(net(x), y).backward()\n"
    "    with torch.no_grad():\n        for p in net.parameters():\n            {move}\n"
)


@pytest.mark.parametrize(
    "move", ["p.data.add_(-0.05 * p.grad)", "p -= 0.05 * p.grad", "p.data.add_(p.grad, alpha=-0.05)"]
)
def test_parameters_moved_by_hand_are_read_as_sgd(move: str, read_text: Any) -> None:
    read = read_text(BY_HAND.format(move=move))
    assert read.spec["optimizer"] == {"sgd": {"learning_rate": 0.05}}
    assert read.spec["model"]["layers"][0]["dense"]["kernel_initializer"] == "fan_in_uniform"
    assert "in 3 steps every number moved by -0.05 times its gradient" in " ".join(read.notes)
    assert read.arrays["X"].shape == (16, 4)


@pytest.mark.parametrize("move", ["p -= 0.05 * p.grad + 0.01 * p", "p -= 0.05 * p.grad.sign()", "p *= 0.9"])
def test_another_move_by_hand_is_a_line(move: str, read_text: Any) -> None:
    with pytest.raises(ParityError) as raised:
        read_text(BY_HAND.format(move=move))
    assert str(raised.value).startswith(
        "train.py, line 9: parameters that the program moves itself, otherwise than by a rate times their gradients,"
    )
