"""Functions that a PyTorch program gives parameters of its own are the layers of these; the reading proved."""

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
from torch import nn
from torch.nn import functional as F

torch.manual_seed(0)
x, y = torch.randn(24, 3, 8), torch.randint(0, 3, (24,))


class Part(nn.Module):
    def __init__(self):
        super().__init__()
        {made}

    def forward(self, x):
        {computed}


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.part, self.head = nn.Linear(8, 8), Part(), nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.part(self.first(x)).mean(1))


net = Net()
groups = [{{"params": [p for p in net.parameters() if p.dim() > 1], "weight_decay": 0.1}},
          {{"params": [p for p in net.parameters() if p.dim() <= 1], "weight_decay": 0.0}}]
optimizer = torch.optim.AdamW(groups, lr=0.01)
for start in (0, 8, 16):
    optimizer.zero_grad()
    loss = F.cross_entropy(net(x[start : start + 8]), y[start : start + 8])
    loss.backward()
    optimizer.step()
"""

SCALE, BOTH = (
    "self.weight = nn.Parameter(torch.ones(8))",
    """self.weight = nn.Parameter(torch.ones(8))
        self.bias = nn.Parameter(torch.zeros(8))""",
)
SQUARE = """self.W, self.b = nn.Parameter(torch.empty(8, 8)), nn.Parameter(torch.zeros(8))
        nn.init.normal_(self.W, std=0.2)"""
MATRIX = {"units": 8, "kernel_initializer": {"random_normal": {"stddev": 0.2}}}

WHOLE: list[Any] = [
    pytest.param(SCALE, "return F.layer_norm(x, self.weight.shape, self.weight, None, 1e-5)",
                 ("layer_norm", {"epsilon": 1e-05, "center": False}), id="layer norm without a bias"),
    pytest.param(BOTH, "return F.layer_norm(x, (8,), self.weight, self.bias, 1e-6)",
                 ("layer_norm", {"epsilon": 1e-06}), id="layer norm"),
    pytest.param(SCALE, "return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight",
                 ("rms_norm", {}), id="rms norm"),
    pytest.param(SCALE, """h = x.float()
        h = h * torch.rsqrt((h * h).mean(-1, keepdim=True) + 1e-5)
        return self.weight * h.to(x.dtype)""", ("rms_norm", {"epsilon": 1e-05}), id="rms norm of Llama"),
    pytest.param(SCALE, "return self.weight * x / torch.sqrt(torch.mean(x**2, -1, True) + 1e-8)",
                 ("rms_norm", {"epsilon": 1e-08}), id="rms norm by a root"),
    pytest.param(BOTH, """centred = x - x.mean(-1, keepdim=True)
        return centred / torch.sqrt(centred.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight + self.bias""",
                 ("layer_norm", {"epsilon": 1e-05}), id="layer norm written out"),
    pytest.param(SQUARE, "return x @ self.W + self.b", ("dense", MATRIX), id="a square product and a bias"),
    pytest.param(SQUARE, "return torch.addmm(self.b, x.view(-1, x.size(-1)), self.W).view(x.size())",
                 ("dense", MATRIX), id="Conv1D of GPT-2"),
    pytest.param(SQUARE, "return F.linear(x, self.W, self.b)", ("dense", MATRIX), id="F.linear"),
    pytest.param(SQUARE, "return torch.matmul(x, self.W.t()) + self.b", ("dense", MATRIX),
                 id="a product of the transpose"),
    pytest.param(
        "pass",
        "return 0.5 * x * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * torch.pow(x, 3.0))))",
        ("activation", {"function": {"gelu": {"approximate": True}}}), id="gelu of GPT-2",
    ),
    pytest.param("pass", "return x * 0.5 * (1.0 + torch.erf(x / math.sqrt(2.0)))", ("activation", {"function": "gelu"}),
                 id="gelu"),
    pytest.param("""self.kernel = nn.Parameter(torch.empty(8, 3, 1))
        nn.init.uniform_(self.kernel, -0.3, 0.3)""", "return F.conv1d(x, self.kernel)",
                 ("conv1d", {"data_format": "channels_first", "filters": 8, "kernel_size": 1, "use_bias": False,
                             "kernel_initializer": {"random_uniform": {"minval": -0.3, "maxval": 0.3}}}), id="conv1d"),
]  # fmt: skip


@pytest.mark.sampled(5, among="questions")
@pytest.mark.parametrize(("made", "computed", "layer"), WHOLE)
def test_a_function_of_own_parameters_is_its_layer_and_the_reading_proved(
    session: Session, tmp_path: Path, made: str, computed: str, layer: tuple[str, dict[str, Any]]
) -> None:
    reading, proof = read_and_held(session, PROGRAM.format(made=made, computed=computed), tmp_path)
    assert reading.spec["model"]["layers"][1] == {layer[0]: {"name": "part", **layer[1]}}
    assert proof.code == 0, proof.lines


def test_parameters_keep_their_groups_and_places(read_text: Callable[..., ReadProgram]) -> None:
    reading = read_text(PROGRAM.format(made=SQUARE, computed="return torch.relu(x) @ self.W + self.b"))
    assert reading.spec["optimizer"]["adamw"]["weight_decay_of"] == {"*.bias": 0.0}
    assert reading.hidden() == {"part_W.kernel": "part.W", "part_W.bias": "part.b"}
    node = next(one for one in reading.told.nodes if one.part == "nn.Linear" and one.name == "part.W")
    assert node.place == "train.py, line 18"


@pytest.mark.sampled(2, among="questions")
@pytest.mark.parametrize(("made", "computed", "kinds"), [
    (SQUARE, "return torch.relu(x) @ self.W + self.b", ["activation", "dense"]),
    ("self.table = nn.Parameter(torch.randn(3, 8))", "return x + F.embedding(torch.arange(3), self.table)",
     ["opaque"]),
    (SCALE, "return x / (x.norm(dim=-1, keepdim=True) + 1e-6) * self.weight", ["opaque"]),
    (SCALE, "return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * (1.0 + self.weight)", ["opaque"]),
])  # fmt: skip
def test_a_module_of_several_layers_is_these_and_what_none_is_stays_opaque(
    session: Session, tmp_path: Path, made: str, computed: str, kinds: list[str]
) -> None:
    reading, proof = read_and_held(session, PROGRAM.format(made=made, computed=computed), tmp_path)
    assert [next(iter(one)) for one in reading.spec["model"]["layers"][1:-2]] == kinds
    assert proof.code == 0, proof.lines


def test_an_opaque_module_may_be_given_by_name_and_give_more_than_a_tensor(session: Session, tmp_path: Path) -> None:
    made = "self.held = nn.Linear(8, 8)"
    text = PROGRAM.format(made=made, computed="return self.held(x).cumsum(1), None")
    text = text.replace("self.part(self.first(x)).mean", "self.part(x=self.first(x))[0].mean")
    reading, proof = read_and_held(session, text, tmp_path)
    assert reading.spec["model"]["layers"][1]["opaque"]["what"] == "Part"
    assert proof.code == 0, proof.lines
    assert "but for what is opaque" in proof.lines[-1]


def test_a_start_that_no_field_says_is_not_lost(read_text: Callable[..., ReadProgram]) -> None:
    made = "self.weight = nn.Parameter(torch.empty(8))\n        nn.init.normal_(self.weight, 1.0, 0.3)"
    computed = "return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight"
    part = read_text(PROGRAM.format(made=made, computed=computed)).spec["model"]["layers"][1]["opaque"]
    assert "its scale starts as random_normal(mean=1.0, stddev=0.3)" in part["needs"]


def test_a_module_that_is_not_read_and_called_twice_is_a_line(read_text: Callable[..., ReadProgram]) -> None:
    text = PROGRAM.format(made=SCALE, computed="return x.cumsum(1) * self.weight")
    with pytest.raises(UnreadProgramError, match=r"'part' \(Part\) is not read; it needs a layer that does"):
        read_text(text.replace("self.part(self.first(x))", "self.part(self.part(self.first(x)))"))


def test_attention_between_projections_that_are_functions_is_the_layer(session: Session, tmp_path: Path) -> None:
    made = """self.c_attn, self.c_proj = Conv1D(24, 8), Conv1D(8, 8)"""
    computed = """q, k, v = (one.view(-1, 3, 2, 4).transpose(1, 2) for one in self.c_attn(x).split(8, dim=2))
        h = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(h.transpose(1, 2).reshape(-1, 3, 8))"""
    own = """
class Conv1D(nn.Module):
    def __init__(self, nf, nx):
        super().__init__()
        self.nf, self.weight, self.bias = nf, nn.Parameter(torch.empty(nx, nf)), nn.Parameter(torch.zeros(nf))
        nn.init.normal_(self.weight, std=0.3)

    def forward(self, x):
        return torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight).view(*x.size()[:-1], self.nf)


class Part("""
    text = PROGRAM.format(made=made, computed=computed).replace("\nclass Part(", own)
    reading, proof = read_and_held(session, text, tmp_path)
    told = reading.spec["model"]["layers"][1]["multi_head_attention"]
    assert (told["num_heads"], told["causal"]) == (2, True)
    assert proof.code == 0, proof.lines
