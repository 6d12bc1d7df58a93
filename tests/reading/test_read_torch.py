"""PyTorch scripts as people write them: read, the reading proved, and what cannot be read said in a line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from helpers_commands import lender

from parity.cli import main
from parity.run.watched import contract

PROGRAMS = Path(__file__).parent / "programs"

RESIDUAL = """\
# Read from {program} by parity read.
name: torch_residual
data: {{source: torch_residual.npz}}
model:
  input: [1, 8, 8]
  layers:
  - conv2d:
      name: conv
      data_format: channels_first
      padding: same
      kernel_size: [3, 3]
      kernel_initializer:
        kaiming_normal: {{nonlinearity: relu}}
      bias_initializer: fan_in_uniform
      filters: 4
  - activation: {{name: relu, function: relu}}
  - batch_norm: {{name: bn, axis: 1, momentum: 0.9, epsilon: 1e-05, unbiased_variance: true}}
  - add:
      name: add
      inputs: [bn, relu]
  - flatten: {{name: flatten}}
  - dense: {{name: fc, units: 10, kernel_initializer: fan_in_uniform, bias_initializer: fan_in_uniform}}
  - activation: {{name: softmax, function: softmax}}
loss:
  sparse_categorical_crossentropy: {{from_logits: true}}
optimizer:
  adam: {{epsilon: 1e-08, epsilon_place: after_correction, weight_decay: 0.0001}}
training: {{batch_size: 16, epochs: 3, shuffle: true, seed: 0}}
"""


def test_an_unmodified_script_is_read_and_the_reading_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    script = PROGRAMS / "torch_residual.py"
    with lender(fresh=True):
        done = CliRunner().invoke(main, ["read", str(script), "-o", "torch_residual.yaml"], standalone_mode=False)
    last = done.output.splitlines()[-1]
    assert last == "read faithfully: bit for bit the same" or float(last.rpartition(" ")[2]) < 1e-11
    text = Path("torch_residual.yaml").read_text()
    assert " ".join(text.split()) == " ".join(RESIDUAL.format(program=script).split())
    with np.load("torch_residual.npz") as rows:
        assert (rows["X"].shape, rows["y"].dtype) == ((80, 1, 8, 8), np.int64)


HEAD = """\
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
generator = np.random.default_rng(0)
x, y = torch.tensor(generator.normal(size=(48, 6)).astype("float32")), torch.tensor(generator.integers(0, 3, 48))
value = torch.tensor(generator.normal(size=(48,)).astype("float32"))
steps, tokens = x.reshape(48, 3, 2), torch.tensor(generator.integers(0, 9, (48, 5)))
"""

LOOP = """
for start in range(0, 48, 12):
    opt.zero_grad()
    loss = {loss}
    loss.backward()
    opt.step()
"""


def kinds(spec: dict[str, Any]) -> list[str]:
    return [next(iter(one)) for one in spec["model"]["layers"]]


def test_gradients_of_several_batches_a_clip_and_a_schedule_by_epochs_are_read(read_text: Any) -> None:
    found = read_text(
        HEAD
        + """
net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 3), nn.LogSoftmax(1))
opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3)
falls = torch.optim.lr_scheduler.MultiStepLR(opt, [2, 4], gamma=0.5)
rows = torch.utils.data.TensorDataset(x, y)
loader = torch.utils.data.DataLoader(rows, batch_size=8, shuffle=True, drop_last=True)
for epoch in range(5):
    for number, (a, b) in enumerate(loader):
        (nn.NLLLoss()(net(a), b) / 2).backward()
        if number % 2 == 1:
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            opt.zero_grad()
    falls.step()
"""
    ).spec
    assert kinds(found) == ["dense", "batch_norm", "activation", "dropout", "dense", "activation"]
    assert found["loss"] == {"sparse_categorical_crossentropy": {"from_logits": True}}
    assert found["optimizer"] == {"sgd": {
        "global_clipnorm": 1.0, "clip_epsilon": 1e-6, "gradient_accumulation_steps": 2, "momentum": 0.9,
        "nesterov": True, "rate_place": "outside_velocity", "weight_decay": 0.001,
        "learning_rate": {"multi_step": {"per": "epoch", "initial_learning_rate": 0.1, "milestones": [2, 4],
                                         "gamma": 0.5}},
    }}  # fmt: skip
    assert found["training"] == {
        "batch_size": 8, "epochs": 5, "shuffle": True, "seed": 0, "drop_remainder": True,
    }  # fmt: skip


SCHEDULES = {
    "StepLR(opt, 3)": {"step": {"initial_learning_rate": 0.1, "step_size": 3}},
    "ExponentialLR(opt, 0.9)": {"exponential": {"initial_learning_rate": 0.1, "decay_steps": 1, "decay_rate": 0.9}},
    "CosineAnnealingLR(opt, 50, eta_min=0.01)": {"cosine": {"initial_learning_rate": 0.1, "decay_steps": 50,
                                                            "alpha": 0.1}},
    "CosineAnnealingWarmRestarts(opt, 5, T_mult=2)": {"cosine_restarts": {"initial_learning_rate": 0.1,
                                                                          "first_decay_steps": 5}},
    "OneCycleLR(opt, 0.5, total_steps=40, cycle_momentum=False)": {"one_cycle": {"max_rate": 0.5, "total_steps": 40}},
    "PolynomialLR(opt, 30, power=2.0)": {"polynomial": {"initial_learning_rate": 0.1, "decay_steps": 30,
                                                        "end_learning_rate": 0.0, "power": 2.0}},
    "LinearLR(opt, 0.5, total_iters=4)": {"linear": {"learning_rate": 0.1, "start_factor": 0.5, "total_steps": 4}},
    "ConstantLR(opt, 0.5, total_iters=4)": {"piecewise": {"boundaries": [3], "values": [0.05, 0.1]}},
    "SequentialLR(opt, [rates.LinearLR(opt, 0.1, total_iters=5), rates.StepLR(opt, 3)], [5])": {
        "step": {"warmup_steps": 5, "warmup_from": 0.01, "initial_learning_rate": 0.1, "step_size": 3}},
}  # fmt: skip


@pytest.mark.parametrize("scheduler", SCHEDULES)
def test_a_schedule_has_the_rates_of_the_scheduler(scheduler: str, read_text: Any) -> None:
    found = read_text(
        HEAD + "from torch.optim import lr_scheduler as rates\nnet = nn.Linear(6, 3)\n"
        "opt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        + f"falls = rates.{scheduler}\n"
        + LOOP.format(loss="F.cross_entropy(net(x[start : start + 12]), y[start : start + 12])")
        + "    falls.step()\n"
    ).spec
    ((kind, fields),) = found["optimizer"]["sgd"]["learning_rate"].items()
    ((wanted, said),) = SCHEDULES[scheduler].items()
    assert kind == wanted
    assert fields == pytest.approx(said) if not any(isinstance(one, list) for one in said.values()) else fields == said


MODELS = {
    "last state": (
        "self.rnn = nn.LSTM(2, 4, batch_first=True)", "self.rnn(steps)[0][:, -1]", "steps", ["lstm", "dense"]),
    "final state": (
        "self.rnn = nn.GRU(2, 4, batch_first=True)", "self.rnn(steps)[1][-1]", "steps", ["gru", "dense"]),
    "stacked": (
        "self.rnn = nn.LSTM(2, 4, num_layers=2, dropout=0.2, batch_first=True)", "self.rnn(steps)[1][0][-1]", "steps",
        ["lstm", "dropout", "lstm", "dense"]),
    "both ways": (
        "self.rnn = nn.GRU(2, 2, bidirectional=True, batch_first=True)",
        "torch.cat([(h := self.rnn(steps)[1])[-2], h[-1]], dim=1)", "steps", ["bidirectional", "dense"]),
    "every state": (
        "self.rnn = nn.GRU(2, 2, batch_first=True)", "self.rnn(steps)[0].reshape(-1, 6)[:, :]", "steps",
        ["gru", "flatten", "dense"]),
    "tokens": (
        "self.table = nn.Embedding(9, 4)", "self.table(steps).mean(1)", "tokens",
        ["embedding", "global_average_pooling1d", "dense"]),
    "functions": (
        "self.a = nn.Linear(6, 4)",
        "F.dropout(1 - F.leaky_relu(self.a(steps / 2.0), 0.1) * 3, 0.4, self.training)", "x",
        ["rescaling", "dense", "activation", "rescaling", "rescaling", "dropout", "dense"]),
    "axes": (
        "self.a = nn.Conv1d(2, 4, 2, stride=1, padding=1)",
        "F.max_pool1d(F.pad(self.a(steps.transpose(1, 2)), (1, 0)), 2).amax(2)", "steps",
        ["permute", "conv1d", "zero_padding1d", "max_pooling1d", "global_max_pooling1d", "dense"]),
}  # fmt: skip


@pytest.mark.parametrize("model", MODELS)
def test_layers_and_functions_are_layers(model: str, read_text: Any) -> None:
    made, called, rows, wanted = MODELS[model]
    text = (
        f"{HEAD}class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        {made}\n"
        f"        self.head = nn.LazyLinear(3)\n    def forward(self, steps):\n        return self.head({called})\n"
        f"net = Net()\nnet({rows}[:2])\nopt = torch.optim.Adam(net.parameters())\n"
        + LOOP.format(loss=f"F.cross_entropy(net({rows}[start : start + 12]), y[start : start + 12])")
    )
    found = read_text(text)
    assert kinds(found.spec) == wanted
    assert len(found.arrays["X"]) == 48


def test_losses_of_several_outputs_are_a_sum(read_text: Any) -> None:
    found = read_text(
        HEAD
        + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.kind, self.size = nn.Linear(6, 4), nn.Linear(4, 3), nn.Linear(4, 1)
    def forward(self, x):
        h = torch.tanh(self.body(x))
        return {"kind": self.kind(h), "size": self.size(h)}
net = Net()
opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
order = torch.randperm(48)
"""
        + LOOP.format(
            loss="F.cross_entropy((out := net(x[order[start : start + 12]]))['kind'], y[order[start : start + 12]], "
            "label_smoothing=0.1) + 0.25 * ((out['size'].squeeze(1) - value[order[start : start + 12]]) ** 2).mean()"
        )
    )
    assert found.spec["loss"] == {
        "kind": {"sparse_categorical_crossentropy": {"from_logits": True, "label_smoothing": 0.1}},
        "size": {"mse": {"weight": 0.25, "broadcast": "align"}},
    }
    assert found.spec["training"]["shuffle"] is True
    assert found.arrays["size"].shape == (48,)


@pytest.mark.parametrize(("loss", "accumulation", "weight"), [
    ("(F.mse_loss(a(h), p) + 0.5 * F.l1_loss(b(h), p)) / 4", "mean", 0.5),
    ("sum([F.mse_loss(a(h), p), 0.25 * F.l1_loss(b(h), p)]) - 0", "sum", 0.25),
])  # fmt: skip
def test_losses_shared_out_over_several_batches_keep_their_weights(
    loss: str, accumulation: str, weight: float, read_text: Any
) -> None:
    found = read_text(
        f"""{HEAD}
body, a, b = nn.Linear(6, 4), nn.Linear(4, 1), nn.Linear(4, 1)
every = [*body.parameters(), *a.parameters(), *b.parameters()]
opt = torch.optim.SGD(every, 0.1)
for start in range(0, 48, 4):
    h, p = torch.tanh(body(x[start : start + 4])), value[start : start + 4, None]
    ({loss}).backward()
    if start % 16 == 12:
        nn.utils.clip_grad_value_(every, 0.05)
        opt.step()
        opt.zero_grad()
"""
    ).spec
    said = found["optimizer"]["sgd"]
    assert (said["gradient_accumulation_steps"], said.get("accumulation", "mean")) == (4, accumulation)
    assert said["clipvalue"] == 0.05
    assert list(found["loss"].values()) == ["mse", {"mae": {"weight": weight}}]


SAID = {
    "sum": ("F.binary_cross_entropy(net(a).sigmoid(), (v > 0).float().expand(-1, 3), reduction='sum')", "", "loss",
            {"sigmoid_crossentropy": {"reduction": "sum"}}),
    "classes": ("F.cross_entropy(net(a), b, weight=torch.tensor([1.0, 2.0, 3.0]))", "", "loss",
                {"sparse_categorical_crossentropy": {"from_logits": True, "class_weight": [1.0, 2.0, 3.0],
                                                     "divisor": "weights"}}),
    "rows": ("F.cross_entropy(net(a), b, weight=torch.tensor([1.0, 2.0, 3.0]), reduction='none').mean()", "", "loss",
             {"sparse_categorical_crossentropy": {"from_logits": True, "class_weight": [1.0, 2.0, 3.0]}}),
    "ahead": ("F.cross_entropy(net(a), b)", "falls.step()", "optimizer",
              {"sgd": {"learning_rate": {"exponential": {"initial_learning_rate": 0.1, "decay_steps": 1,
                                                         "decay_rate": 0.9, "counted": "before_update"}}}}),
}  # fmt: skip


@pytest.mark.parametrize("case", SAID)
def test_what_a_loss_and_a_schedule_are_told_is_read(case: str, read_text: Any) -> None:
    loss, ahead, part, said = SAID[case]
    found = read_text(
        f"""{HEAD}
net = nn.Linear(6, 3)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
falls = torch.optim.lr_scheduler.ExponentialLR(opt, 0.9) if {bool(ahead)} else None
for start in range(0, 48, 12):
    a, b, v = x[start : start + 12], y[start : start + 12], value[start : start + 12, None]
    opt.zero_grad()
    {loss}.backward()
    {ahead}
    opt.step()
"""
    ).spec
    assert found[part] == said


def test_batch_norm_keeps_its_momentum_and_whether_its_statistics_move(read_text: Any) -> None:
    found = read_text(
        HEAD
        + "net = nn.Sequential(nn.BatchNorm1d(6, momentum=0.3), nn.Linear(6, 3), nn.BatchNorm1d(3)).train()\n"
        + "net[2].eval()\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        + LOOP.format(loss="F.cross_entropy(net(x[start : start + 12]), y[start : start + 12])")
    ).spec
    moving, still = (one["batch_norm"] for one in found["model"]["layers"] if "batch_norm" in one)
    assert (moving["momentum"], still["momentum"]) == (0.7, 0.9)
    assert ("freeze_statistics" in moving, still["freeze_statistics"]) == (False, True)


def test_what_pads_and_cuts_says_so_by_axis(read_text: Any) -> None:
    found = read_text(
        HEAD
        + """
net = nn.Sequential(
    nn.Unflatten(1, (1, 2, 3)), nn.ZeroPad2d((1, 2, 0, 3)), nn.AvgPool2d(2, stride=1, padding=1),
    nn.ConvTranspose2d(1, 2, 4, stride=2, padding=1), nn.Flatten(), nn.LazyLinear(3),
)
net(x[:2])
opt = torch.optim.SGD(net.parameters(), lr=0.1)
"""
        + LOOP.format(loss="F.cross_entropy(net(x[start : start + 12]), y[start : start + 12])")
    ).spec
    padded, pooled, wider = (next(iter(one.values())) for one in found["model"]["layers"][1:4])
    assert padded["padding"] == [[0, 3], [1, 2]]
    assert pooled["padding"] == [[1, 1], [1, 1]]
    assert wider["padding"] == "same"


@pytest.mark.parametrize(
    "filled",
    [
        "nn.init.ones_(rnn.bias_ih_l0[4:8])",
        "rnn.bias_ih_l0[4:8].fill_(1.0)",
        "rnn.bias_ih_l0[4:8] = 1.0",
        "rnn.bias_ih_l0.data.copy_(torch.tensor([0.0, 1.0, 0.0, 0.0]).repeat_interleave(4))",
    ],
)
def test_a_forget_gate_that_starts_at_1_is_read(read_text: Any, filled: str) -> None:
    found = read_text(
        f"""{HEAD}
rnn, head = nn.LSTM(2, 4, batch_first=True), nn.Linear(4, 3)
with torch.no_grad():
    nn.init.zeros_(rnn.bias_ih_l0)
    {filled}
opt = torch.optim.SGD([*rnn.parameters(), *head.parameters()], lr=0.1)
"""
        + LOOP.format(loss="F.cross_entropy(head(rnn(steps[start : start + 12])[1][0][-1]), y[start : start + 12])")
    ).spec
    assert kinds(found) == ["lstm", "dense"]
    said = found["model"]["layers"][0]["lstm"]
    assert (said.get("unit_forget_bias", True), said.get("bias_initializer", "zeros")) == (True, "zeros")


@pytest.mark.parametrize(
    ("filled", "note"),
    [
        ("for one in (rnn.bias_ih_l0, rnn.bias_hh_l0): one.zero_(); one[4:8] = 1.0", "Parts of both biases of"),
        ("rnn.bias_ih_l0.zero_()", r"start by nn.init.zeros_\(\) and nn.init.uniform_\(a=-0.5, b=0.5\): a spec starts"),
        ("rnn.bias_ih_l0.zero_(); rnn.bias_hh_l0.zero_(); rnn.bias_ih_l0[4:8] = 1.0", ""),
    ],
)
def test_a_second_bias_that_starts_otherwise_is_said(read_text: Any, filled: str, note: str) -> None:
    notes = read_text(
        f"""{HEAD}
rnn, head = nn.LSTM(2, 4, batch_first=True), nn.Linear(4, 3)
with torch.no_grad():
    {filled}
opt = torch.optim.SGD([*rnn.parameters(), *head.parameters()], lr=0.1)
"""
        + LOOP.format(loss="F.cross_entropy(head(rnn(steps[start : start + 12])[1][0][-1]), y[start : start + 12])")
    ).notes
    found = [one for one in notes if "biases of" in one]
    assert len(found) == bool(note)
    assert all(re.search(note, one) for one in found)


def test_a_recurrent_module_that_stands_alone_is_taken_apart_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    (tmp_path / "train.py").write_text(
        f"""{HEAD}
gru, head = nn.GRU(2, 4, num_layers=2, dropout=0.25, batch_first=True), nn.Linear(4, 3)
opt = torch.optim.SGD([*gru.parameters(), *head.parameters()], lr=0.1)
"""
        + LOOP.format(loss="F.cross_entropy(head(gru(steps[start : start + 12])[1][-1]), y[start : start + 12])")
    )
    model, dealt = contract({"script": str(tmp_path / "train.py")})["build_model"](), []
    monkeypatch.setattr(torch.nn.functional, "dropout", lambda x, *more: dealt.append(tuple(x.shape)) or x)
    assert model(torch.zeros(5, 3, 2)).shape == (5, 3)
    assert dealt == [(5, 3, 4)]


def test_targets_that_stretch_are_read_as_they_are(read_text: Any) -> None:
    loss = "F.mse_loss(net(x[start : start + 12]), value[start : start + 12])"
    text = HEAD + "net = nn.Linear(6, 1)\nopt = torch.optim.SGD(net.parameters(), 0.1)\n" + LOOP.format(loss=loss)
    assert read_text(text).spec["loss"] == {"mse": {"broadcast": "stretch"}}


def test_how_tensors_start_is_what_filled_them_or_measured_with_eight_seeds(read_text: Any) -> None:
    found = read_text(
        HEAD
        + """
net = nn.Sequential(nn.Linear(6, 20), nn.Tanh(), nn.Linear(20, 20), nn.Tanh(), nn.Linear(20, 1))
net[0].weight.data.normal_(0, 0.02)
nn.init.trunc_normal_(net[2].weight, std=0.5, a=-1.0, b=1.0)
nn.init.constant_(net[2].bias, 0.5)
with torch.no_grad():
    net[0].bias.copy_(torch.rand(20) * 2 - 1)
opt = torch.optim.SGD(net.parameters(), 0.1)
"""
        + LOOP.format(loss="F.l1_loss(net(x[start : start + 12]).squeeze(-1), value[start : start + 12])")
    )
    first, second, third = (one["dense"] for one in found.spec["model"]["layers"] if "dense" in one)
    assert first["kernel_initializer"] == {"random_normal": {"stddev": 0.02}}
    assert first["bias_initializer"] == {"random_uniform": {"minval": -1.0, "maxval": 1.0}}
    assert second["kernel_initializer"] == {"truncated_normal": {"stddev": 0.5}}
    assert second["bias_initializer"] == {"constant": {"value": 0.5}}
    assert third["kernel_initializer"] == third["bias_initializer"] == "fan_in_uniform"
    (note,) = [one for one in found.notes if "measured" in one]
    assert note.startswith("linear_0.bias is measured: by 160 numbers of 8 seeds, uniform from -0.9")
    assert note.endswith(" times less likely.")
