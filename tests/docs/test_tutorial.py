"""The tutorial, followed: its files are those of the page, its commands say what the page says that they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers_commands import command

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")


def outputs() -> list[str]:
    """Return what the page shows as printed, each without its line breaks."""
    blocks = re.findall(r"(?:^ {4}.*\n?)+", re.sub(r"```.*?```", "", PAGE, flags=re.S), re.M)
    parts = [part for block in blocks for part in block.split("    ...\n")]
    return [flat(part) for part in parts if re.match(r" {4}(weights carried|Parity|Divergent)", part)]


def flat(text: str) -> str:
    """Return text on one line, every number as the same: its digits are those of the machine that wrote the page."""
    return re.sub(r"\d[\d.]*(?:e[+-]?\d+)?", "0", " ".join(text.split()))


REPORT = "reports/train_keras-train_torch/report.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the page's files."""
    for name, text in re.findall(r'```python title="(train_\w+\.py)"\n(.*?)```', PAGE, re.S):
        (tmp_path / name).write_text(text)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["train_keras.py", "train_torch.py"]
    return tmp_path


@pytest.mark.sampled(4, among="questions")
@pytest.mark.slow
def test_the_port_is_proved(folder: Path) -> None:
    done = command("port", "train_keras.py", "--to", "torch", "--weights", "-o", "port_torch.py", cwd=folder)
    assert done.returncode == 0, done.stderr
    carried, parity, _ = outputs()
    assert carried in flat(done.stdout)
    assert parity in flat(done.stdout)
    source = (folder / "port_torch.py").read_text()
    for said in ("nn.init.xavier_uniform_", "nn.MSELoss", "as in Keras", "import torch", "python port_torch.py --data"):
        assert said in source
    assert "import parity" not in source
    (sides,) = re.findall(r"```yaml\n(sides:\n.*?)```", PAGE, re.S)
    spec = folder / "reports" / "train_keras" / "train_keras.yaml"
    spec.write_text(spec.read_text() + sides)
    checked = re.findall(r"^ {4}parity (check .*)$", PAGE, re.M)[0].split()
    assert command(*checked, cwd=folder).returncode == 0
    (folder / "port_torch.py").write_text(source.replace("lr=0.01", "lr=0.02"))
    assert command(*checked, cwd=folder).returncode == 1


@pytest.mark.sampled(4, among="questions")
@pytest.mark.slow
def test_the_cause_is_named_and_the_mended_port_has_it_no_more(folder: Path) -> None:
    done = command("compare", "train_keras.py", "train_torch.py", "--no-proof", cwd=folder)
    assert done.returncode == 1, done.stderr
    assert outputs()[2] in flat(done.stdout)
    told = (folder / REPORT).read_text()
    for row in re.findall(r"^\| (`[a-z_.*]+`) \| .*\| (breaks and repairs|harmless) \|$", PAGE, re.M):
        assert re.search(rf"^\| {re.escape(row[0])} .*{row[1]}", told, re.M), row
    port = folder / "train_torch.py"
    (mended,) = re.findall(r"^```python\n( +loss = .*)\n```$", PAGE, re.M)
    port.write_text(re.sub(r"^ +loss = .*$", mended, port.read_text(), flags=re.M))
    again = command("compare", "train_keras.py", "train_torch.py", "--no-proof", "--no-explain", cwd=folder)
    assert again.returncode == 1, "it starts from other weights, still"
    told = (folder / REPORT).read_text()
    assert "layers.*.kernel_initializer" in told
    assert "loss.broadcast" not in told
