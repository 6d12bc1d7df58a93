"""nn.MultiheadAttention and what is made of it, read as attention layers; the reading proved, the rest refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers_reading import kept_and_refused, read_and_held

from parity.frameworks.torch.driver.attention import layers_in
from parity.reading.asking import asked_in, program_of
from parity.reading.layers_of import layers_of
from parity.reading.whole import ReadProgram
from parity.run.session import Session
from parity.run.told import ToldNode

PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
x, y = torch.randn(24, 4, 6), torch.randint(0, 3, (24,))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        {made}
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        {called}
        return self.head(h.mean(1))


net = Net()
{started}
optimizer = torch.optim.{optimizer}(net.parameters(), lr=0.01)
for start in (0, 8, 16):
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(net(x[start : start + 8]), y[start : start + 8])
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 0.5)
    optimizer.step()
"""

ATTENTION = "self.attend = nn.MultiheadAttention(6, 2, batch_first=True)"


def program(made: str = ATTENTION, called: str = "h, _ = self.attend(x, x, x)", started: str = "",
            optimizer: str = "Adam") -> str:  # fmt: skip
    return PROGRAM.format(made=made, called=called, started=started, optimizer=optimizer)


def attentions(reading: ReadProgram) -> list[dict[str, Any]]:
    return [one["multi_head_attention"] for one in reading.spec["model"]["layers"] if "multi_head_attention" in one]


def uniform(limit: float) -> Any:
    return {"random_uniform": {"minval": pytest.approx(-limit), "maxval": pytest.approx(limit)}}


def test_the_layers_of_a_transformer_are_what_they_are_made_of(session: Session, tmp_path: Path) -> None:
    text = program(
        "self.block = nn.TransformerEncoderLayer(6, 2, 8, dropout=0.1, batch_first=True, norm_first=True)\n"
        "        self.attend = nn.MultiheadAttention(6, 2, bias=False, batch_first=True)",
        "h = self.block(x)\n        hidden = torch.triu(torch.ones(4, 4, dtype=torch.bool), 1)\n"
        "        h, shares = self.attend(query=h, key=x, value=x, attn_mask=hidden)",
    )
    reading, proof = read_and_held(session, text, tmp_path)
    own, cross = attentions(reading)
    assert (own["num_heads"], own["key_dim"], own["dropout"], own.get("causal")) == (2, 3, 0.1, None)
    # xavier_uniform of the (18, 6) matrix that all three are, and what nn.Linear starts at.
    assert own["kernel_initializer"] == uniform((6 / 24) ** 0.5)
    assert own["output_initializer"] == "fan_in_uniform"
    assert "bias_initializer" not in own
    assert cross["causal"] is True
    assert cross["inputs"][1] == "input"
    assert len(cross["inputs"]) == 2
    assert cross["use_bias"] is False
    assert proof.code == 0, proof.lines


def test_layers_that_are_copies_are_read_as_what_they_were_copied_from(read_text: Callable[..., ReadProgram]) -> None:
    made = "self.blocks = nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, batch_first=True), 2)"
    reading = read_text(program(made, "h = self.blocks(x)"))
    assert len(attentions(reading)) == 2
    assert all(one["output_initializer"] == "fan_in_uniform" for one in attentions(reading))
    assert not any("measured" in one for one in reading.notes)
    assert sum("start at the same numbers in the program" in one for one in reading.notes) == 1


def test_kernels_that_a_program_starts_itself_start_by_the_fans_of_its_matrices(
    read_text: Callable[..., ReadProgram],
) -> None:
    starts = "for one in net.parameters():\n    if one.dim() > 1:\n        nn.init.xavier_uniform_(one)"
    (found,) = attentions(read_text(program(started=starts)))
    assert found["kernel_initializer"] == uniform((6 / 24) ** 0.5)
    assert found["output_initializer"] == uniform((6 / 12) ** 0.5)
    starts = (
        "nn.init.normal_(net.attend.in_proj_weight, std=0.02)\nnn.init.normal_(net.attend.out_proj.weight, std=0.02)"
    )
    (found,) = attentions(read_text(program(started=starts)))
    assert found["kernel_initializer"] == {"random_normal": {"stddev": 0.02}}
    assert "output_initializer" not in found


@pytest.mark.parametrize("rows", ["net.attend.in_proj_weight.data.chunk(3)",
                                  "(net.attend.in_proj_weight[at:at + 6] for at in (0, 6, 12))"])  # fmt: skip
def test_query_key_and_value_that_start_apart_start_by_their_own_fans(
    rows: str, read_text: Callable[..., ReadProgram]
) -> None:
    starts = f"with torch.no_grad():\n    for part in {rows}:\n        nn.init.xavier_uniform_(part)"
    (found,) = attentions(read_text(program(started=starts)))
    assert found["kernel_initializer"] == uniform((6 / 12) ** 0.5)
    assert found["output_initializer"] == "fan_in_uniform"


@pytest.mark.parametrize(("made", "called", "needs"), [
    ("self.attend = nn.MultiheadAttention(6, 2)", "h, _ = self.attend(x, x, x)", "batch_first=False"),
    ("self.attend = nn.MultiheadAttention(6, 2, add_zero_attn=True, batch_first=True)", "h, _ = self.attend(x, x, x)",
     "add_zero_attn"),
    ("self.attend = nn.MultiheadAttention(6, 2, vdim=2, batch_first=True)", "h, _ = self.attend(x, x, x[:, :, :2])",
     "start the kernels of query, key and value in different ways"),
    (ATTENTION, "h, _ = self.attend(x, x, x, attn_mask=torch.eye(4))", "attn_mask"),
    (ATTENTION, "h, _ = self.attend(x, x, x, key_padding_mask=torch.zeros(len(x), 4))", "key_padding_mask"),
])  # fmt: skip
def test_an_attention_that_no_field_says_is_opaque(
    session: Session, tmp_path: Path, made: str, called: str, needs: str
) -> None:
    (tmp_path / "train.py").write_text(program(made, called))
    told, _ = asked_in(session, program_of(str(tmp_path / "train.py")))
    assert "nn.MultiheadAttention" in str(kept_and_refused(told)[0])
    assert needs in str(layers_of(told).layers)


def test_an_optimizer_that_goes_by_whole_matrices_does_not_move_three_as_one(session: Session, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(program(optimizer="Adafactor"))
    told, _ = asked_in(session, program_of(str(tmp_path / "train.py")))
    assert any("in_proj_weight as one matrix" in one.what for one in told.refused)


PADDED = """\
import torch
from torch import nn
x, y = torch.randint(0, 9, (24, 5)), torch.randn(24, 1)
x[:, 0] = 3
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.out = nn.Embedding(9, 8), nn.Linear(8, 1)
        self.att = nn.MultiheadAttention(8, 2, batch_first=True)
    def forward(self, x):
        h = self.table(x)
        return self.out(self.att(h, h, h, key_padding_mask=x == 0)[0][:, 0])
net = Net()
opt = torch.optim.SGD(net.parameters(), 0.1)
for start in range(0, 24, 8):
    opt.zero_grad()
    nn.functional.mse_loss(net(x[start : start + 8]), y[start : start + 8]).backward()
    opt.step()
"""


def test_an_attention_with_a_mask_of_keys_is_kept_whole(read_text: Callable[[str], ReadProgram]) -> None:
    found = read_text(PADDED).spec["model"]["layers"]
    opaque = {one["opaque"]["name"]: one["opaque"] for one in found if "opaque" in one}
    assert "hides keys alone, and no queries (key_padding_mask)" in opaque["att"]["needs"]
    assert "in_proj_weight" in {one["name"] for one in opaque["att"]["tensors"]}


@pytest.mark.parametrize(("called", "apart"), [({}, True), ({"causal": True}, True), ({"key_padding_mask": 1}, False)])
def test_only_an_attention_that_is_a_layer_is_taken_apart(called: dict[str, Any], apart: bool) -> None:
    """Taken apart, it left its mask of keys out, and its parameters were called otherwise than they were told."""
    module = object()
    node = ToldNode(name="att", part="nn.MultiheadAttention", reads=["x"], shape=[5, 8], read_shapes=[[5, 8]],
                    arguments={"batch_first": True}, called={"roles": [0, 0, 0], **called})  # fmt: skip
    again = replace(node, name="again", called={"roles": [0, 0, 0]})
    assert layers_in([node, again], {"att": module, "again": module}) == ({id(module)} if apart else set())
