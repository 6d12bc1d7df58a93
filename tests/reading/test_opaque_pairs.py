"""Programs with opaque parts, proved, compared and ported: what is said, and what is not claimed."""

from __future__ import annotations

from pathlib import Path

import pytest

from parity import api
from parity.commands.read import proof_of
from parity.errors import UsageError
from parity.reading.asking import program_of

PROGRAM = """
import torch
import torch.nn.functional as F
from torch import nn

generator = torch.Generator().manual_seed(0)
x, y = torch.randn(24, 4, generator=generator), torch.randn(24, 2, generator=generator)


class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.by = nn.Linear(3, 3, bias=False)

    def forward(self, x):
        return torch.einsum("ni,ij->nj", x, self.by.weight){noise}


def own_loss(output, target):
    return (F.smooth_l1_loss(output, target, reduction="none") ** 2).mean(){times}


net = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), Outer(), nn.Linear(3, 2))
optimizer = torch.optim.SGD(net.parameters(), lr={rate})
for epoch in range(2):
    for start in range(0, 24, 8):
        optimizer.zero_grad()
        loss = own_loss(net(x[start : start + 8]), y[start : start + 8])
        loss.backward()
        optimizer.step()
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.py").write_text(program())
    return tmp_path


def program(noise: str = "", times: str = "", rate: float = 0.1) -> str:
    """Return a program with a module and a loss of its own."""
    return PROGRAM.format(noise=noise, times=times, rate=rate)


@pytest.mark.sampled(3)
def test_what_was_read_beside_opaque_parts_is_proved_and_a_wrong_reading_departs(here: Path) -> None:
    found = api.read("one.py")
    assert found.proof is not None
    assert found.proof.lines[-1].startswith(
        "read faithfully but for what is opaque (layer 'outer_2' of one.py, line 15; the loss of one.py, line 20): "
    )
    assert found.proof.code == 0
    assert found.proof.difference is not None
    assert found.proof.difference < 1e-12
    found.reading.spec["optimizer"] = {"sgd": {"learning_rate": 0.2}}
    wrong = proof_of(found.reading, found.files[1], program_of("one.py"), 60.0, lambda *told: None)
    assert wrong.code == 1
    assert wrong.lines[-1].startswith("read, but it departs at step 1, update, ")
    assert wrong.lines[-1].endswith("what would make it agree: optimizer.learning_rate")


@pytest.mark.sampled(3)
def test_opaque_parts_take_part_as_they_are_and_no_cause_is_claimed(here: Path) -> None:
    (here / "two.py").write_text(program(times=" * 3", rate=0.2))
    found = api.compare("one.py", "two.py", steps=4, prove=False)
    (compared,) = found.result.comparisons
    assert compared.verdict == "divergent"
    assert compared.first is not None
    assert (compared.first.step, compared.first.phase) == (1, "loss")
    assert {place.phase for place in compared.places} >= {"loss", "update"}
    assert [one.path for one in found.result.differences if not one.inert] == ["optimizer.learning_rate"]
    assert found.result.explanation is None
    notes = " ".join(found.result.notes)
    assert "no cause was looked for: one and two have opaque parts" in notes
    assert "of the same outputs, the loss of two is 3 times that of one" in notes
    assert found.result.sides[0].opaque == [
        "layer 'outer_2', Outer (one.py, line 15)", "the loss, own_loss (one.py, line 20)",
    ]  # fmt: skip
    assert any("is opaque in both" in one for one in found.pair.notes)


@pytest.mark.sampled(3)
@pytest.mark.slow
def test_the_same_program_twice_is_at_parity(here: Path) -> None:
    (here / "two.py").write_text(program().replace("Outer", "Product"))
    found = api.compare("one.py", "two.py", steps=4, prove=False)
    assert found.result.comparisons[0].verdict in ("identical", "rounding")
    assert not found.result.differences


@pytest.mark.sampled(3)
@pytest.mark.slow
def test_numbers_that_nothing_deals_make_no_verdict(here: Path) -> None:
    for name in ("one.py", "two.py"):
        (here / name).write_text(program(noise=" + torch.randn(len(x), 3)"))
    found = api.compare("one.py", "two.py", steps=4, prove=False)
    (compared,) = found.result.comparisons
    assert compared.verdict == "inconclusive"
    assert "layer 'outer_2', Outer (one.py, line 15), in one" in compared.reason
    assert "draws random numbers that nothing deals to it" in compared.reason


def test_what_is_opaque_is_not_ported(here: Path) -> None:
    with pytest.raises(UsageError) as raised:
        api.port("one.py", "keras")
    said = str(raised.value)
    assert said.startswith(
        "one.py cannot be ported: opaque is layer 'outer_2' of one.py, line 15 and the loss of one.py, "
    )
    assert "\n" not in said
    assert not list(here.rglob("*_keras.py"))


PORTS = Path(__file__).resolve().parents[2] / "specs" / "ports"


@pytest.mark.sampled(4)
@pytest.mark.slow
@pytest.mark.parametrize("name", ["vae_keras", "vae_torch", "augmented_keras", "augmented_torch"])
def test_the_ports_with_opaque_parts_are_read_and_proved(name: str, tmp_path: Path) -> None:
    found = api.read(PORTS / f"{name}.py", out=tmp_path)
    assert found.proof is not None
    assert found.proof.code == 0, found.proof.lines
    expected = {"vae_keras": 2, "vae_torch": 2, "augmented_keras": 2, "augmented_torch": 0}[name]
    assert len(found.reading.opaque) == expected
    assert bool(found.reading.redrawn) is (name == "augmented_torch")


@pytest.mark.sampled(3)
@pytest.mark.slow
def test_a_port_of_an_autoencoder_that_sums_its_loss_is_told_so(tmp_path: Path) -> None:
    found = api.compare(
        PORTS / "vae_keras.py", PORTS / "vae_torch.py", steps=3, prove=False, out=tmp_path
    )  # fmt: skip
    (compared,) = found.result.comparisons
    assert compared.verdict == "divergent"
    assert "of the same outputs, the loss of vae_torch is 64 times that of vae_keras, in step 1" in found.result.notes
    assert not [place for place in compared.places if place.phase == "forward"]
    paths = {one.path for one in found.result.differences if not one.inert}
    assert paths == {
        "layers.*.kernel_initializer", "layers.*.bias_initializer", "optimizer.epsilon", "optimizer.epsilon_place",
    }  # fmt: skip
