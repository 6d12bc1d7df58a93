"""Programs compared and ported as they are: the verbs, from scripts to what is told of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from parity import api
from parity.cli import main
from parity.errors import UsageError

PROGRAMS = Path(__file__).parent / "programs"

PORT = """
import numpy as np
import torch
from torch import nn

generator = np.random.default_rng(0)
x = torch.tensor(generator.normal(size=(40, 3)).astype("float32"))
y = torch.tensor(generator.normal(size=(40,)).astype("float32"))
net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
nn.init.xavier_uniform_(net[0].weight)
nn.init.xavier_uniform_(net[2].weight)
nn.init.zeros_(net[0].bias)
nn.init.zeros_(net[2].bias)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for _ in range(4):
    for start in range(0, 40, 8):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(net(x[start : start + 8]){squeezed}, y[start : start + 8])
        loss.backward()
        optimizer.step()
"""

ORIGINAL = """
import keras
import numpy as np

generator = np.random.default_rng(0)
x = generator.normal(size=(40, 3)).astype("float32")
y = generator.normal(size=(40,)).astype("float32")
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="tanh"), keras.layers.Dense(1)])
model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
if __name__ == "__main__":
    model.fit(x, y, batch_size=8, epochs=4, shuffle=False)
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keras_way.py").write_text(ORIGINAL)
    return tmp_path


@pytest.mark.sampled(4, among="questions")
def test_a_port_that_stretches_its_targets_is_told_so_at_its_line(here: Path) -> None:
    """The port forgets to take the axis of length 1 off: it learns the mean of all targets."""
    (here / "torch_way.py").write_text(PORT.format(squeezed=""))
    done = CliRunner().invoke(
        main, ["compare", "keras_way.py", "torch_way.py", "--no-proof", "--json", "--no-explain", "--steps", "5"],
        standalone_mode=False,
    )  # fmt: skip
    assert done.return_value is None
    result = json.loads(done.stdout)
    assert [one["path"] for one in result["differences"] if not one["inert"]] == ["loss.broadcast"]
    (found,) = (one for one in result["differences"] if one["path"] == "loss.broadcast")
    assert (found["a_origin"], found["b_origin"]) == ("keras_way.py:9", "torch_way.py:18")
    lines = {one["side"]: one for one in found["lines"]}
    assert lines["torch_way"]["text"].startswith("loss = nn.functional.mse_loss(net(x[start")
    assert "" != lines["torch_way"]["compiled"] != lines["torch_way"]["instead"]
    (compared,) = result["comparisons"]
    assert compared["verdict"] == "divergent"
    assert (compared["first"]["step"], compared["first"]["phase"]) == (1, "loss")
    assert all(side["by_hand"] for side in result["sides"])
    assert result["sides"][1]["program"] == (here / "torch_way.py").read_text()
    folder = here / "reports" / "keras_way-torch_way"
    spec = YAML(typ="safe").load((folder / "keras_way-torch_way.yaml").read_text())
    assert spec["sides"]["torch_way"]["changes"] == {"loss": {"mse": {"broadcast": "stretch"}}}
    assert (folder / "report.html").exists()


@pytest.mark.sampled(4, among="questions")
def test_programs_that_do_the_same_are_at_parity_and_each_is_proved(here: Path) -> None:
    (here / "torch_way.py").write_text(PORT.format(squeezed="[:, 0]"))
    found = api.compare("keras_way.py", "torch_way.py", explain=False, steps=5)
    assert found.result.comparisons[0].verdict == "rounding"
    assert [one.path for one in found.result.differences if not one.inert] == []
    assert {one.verdict for one in found.proofs.values()} <= {"identical", "rounding"}


@pytest.mark.sampled(4, among="questions")
def test_a_port_runs_by_itself_from_the_weights_that_it_was_given(here: Path) -> None:
    done = CliRunner().invoke(main, ["port", "keras_way.py", "--to", "torch", "--weights"], standalone_mode=False)
    lines = done.output.splitlines()
    assert lines[:4] == [f"reports/keras_way/keras_way{end}" for end in
                         ("_torch.py", ".yaml", ".npz", ".safetensors")]  # fmt: skip
    carried = next(line for line in lines if line.startswith("weights carried over"))
    assert float(carried.split()[-3]) < 1e-5
    assert any("Parity" in line for line in lines)
    folder = here / "reports" / "keras_way"
    told = ["--data", folder / "keras_way.npz", "--weights", folder / "keras_way.safetensors", "--steps", "2"]
    port = subprocess.run(
        [sys.executable, folder / "keras_way_torch.py", *map(str, told)], capture_output=True, text=True, check=True
    )
    losses = [float(line) for line in port.stdout.split()]
    assert len(losses) == 2
    assert np.isfinite(losses).all()


def test_what_cannot_be_read_of_either_program_is_told_at_once(here: Path) -> None:
    (here / "one.py").write_text(ORIGINAL.replace("SGD(0.1)", "SGD(0.1, weight_decay=0.1)"))
    (here / "two.py").write_text(ORIGINAL.replace("epochs=4", "epochs=4, steps_per_epoch=2"))
    with pytest.raises(Exception, match="not read") as raised:
        api.compare("one.py", "two.py")
    lines = str(raised.value).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("one.py, line 9")
    assert lines[1].startswith("two.py, line 11")


def test_what_is_no_framework_is_refused_before_anything_is_run(here: Path) -> None:
    with pytest.raises(UsageError, match="--to"):
        api.port("keras_way.py", "pytorch")
    assert not (here / "reports").exists()
