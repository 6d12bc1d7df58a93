"""The command line's options for lockstep, traces and programs written by hand, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from helpers_commands import Done, command
from helpers_frameworks import FRAMEWORKS, missing
from helpers_ports import FUNCTIONAL

from parity.cli import main
from parity.compare.steps import chosen_steps
from tests.end_to_end.test_cli import SMALL, TRACEBACK, spec_file

pytestmark = pytest.mark.skipif(any(missing(name) for name in FRAMEWORKS), reason="needs every framework")

PAIR = """
sides:
  one: {framework: torch}
  two: {framework: tensorflow}
"""

PORTED = """\
name: ported
data: {source: leaf_like, standardize: true, reshape: [64, 3], rows: 99}
model:
  input: [64, 3]
  layers:
    - conv1d: {filters: 4, kernel_size: 3, padding: same, activation: relu, name: conv}
    - dropout: {rate: 0.25, name: drop}
    - flatten
    - dense: {units: 8, activation: relu, name: hidden}
    - dense: {units: 8, activation: relu, name: second}
    - dense: {units: 99, name: out}
loss: {categorical_crossentropy: {from_logits: true}}
optimizer: {sgd: {learning_rate: 0.05, momentum: 0.9}}
training: {batch_size: 16}
metrics: [accuracy]
sides:
  config: {framework: torch}
  port: {framework: torch, program: my_port.py}
"""
PORT = FUNCTIONAL.replace("nn.Linear(32, 8)", "nn.Linear(256, 8)").replace("nn.Linear(8, 5)", "nn.Linear(8, 99)")


def told(done: Done) -> Any:
    assert TRACEBACK not in done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("given", ["0", "-1", "some", "1.5", "", "log2"])
def test_steps_to_check_that_mean_nothing_are_refused(given: str) -> None:
    done = CliRunner().invoke(main, ["check", "spec.yaml", "--check-steps", given])
    assert done.exit_code == 2
    assert f"expected log, all or a number of steps, not {given!r}" in done.stderr


@pytest.mark.parametrize(("given", "steps"), [("all", 5), ("2", 5), ("log", 7)])
def test_the_steps_that_are_checked_are_the_ones_asked_for(tmp_path: Path, given: str, steps: int) -> None:
    spec_file(tmp_path, SMALL + PAIR)
    done = command("check", "spec.yaml", "--check-steps", given, "--steps", steps, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (comparison,) = told(done)["comparisons"]
    expected = {"all": [1, 2, 3, 4, 5], "2": [1, 3, 5], "log": [1, 2, 3, 4, 6, 7]}[given]
    assert comparison["checked"] == expected == chosen_steps(steps, given)
    assert comparison["steps"] == len(expected)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(("precision", "second"), [("float32", "tensorflow"), ("bfloat16", "torch")])
def test_a_check_in_low_precision(tmp_path: Path, precision: str, second: str) -> None:
    """TensorFlow lacks some kernels for bfloat16 on a CPU."""
    adam, sgd = "{adam: {learning_rate: 0.01}}", "{sgd: {learning_rate: 0.01}}"
    spec_file(tmp_path, SMALL.replace(adam, sgd) + PAIR.replace("tensorflow", second))
    done = command("check", "spec.yaml", "--precision", precision, "--steps", "3", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    for comparison in told(done)["comparisons"]:
        assert comparison["precision"] == precision
        assert comparison["verdict"] in ("rounding", "identical")
        assert comparison["checked"] == [1, 2, 3]


def test_a_precision_that_is_none_is_refused() -> None:
    done = CliRunner().invoke(main, ["check", "spec.yaml", "--precision", "float16"])
    assert done.exit_code == 2
    assert "'float32', 'float64', 'bfloat16'" in done.stderr


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A finished run of a pair, and its result."""
    folder = tmp_path_factory.mktemp("pair")
    spec_file(folder, SMALL + PAIR)
    done = command("run", "spec.yaml", "--steps", "24", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, told(done)


def traces(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (folder / "reports" / "small").rglob("*.parquet")}


@pytest.mark.slow
def test_a_run_says_what_its_curves_are_worth(ran: tuple[Path, Any]) -> None:
    folder, result = ran
    (comparison,) = result["comparisons"]
    assert comparison["checked"] == chosen_steps(16)
    free = comparison["free"]
    assert {"verdict", "reason", "horizon", "growth", "first", "gap", "largest"} <= set(free)
    assert free["verdict"] == "rounding", free["reason"]
    assert free["first"] is None
    assert free["largest"] < 1e-3
    assert json.loads((folder / "reports" / "small" / "result.json").read_text())["comparisons"] == [comparison]


@pytest.mark.slow
def test_a_run_traces_both_sides_and_the_twin(ran: tuple[Path, Any]) -> None:
    assert len(traces(ran[0])) == 3


@pytest.mark.slow
def test_an_ended_run_and_its_trace_are_reused(ran: tuple[Path, Any]) -> None:
    folder, result = ran
    before = traces(folder)
    again = told(command("run", "spec.yaml", "--steps", "24", "--json", cwd=folder))
    assert all(side["cached"] for side in again["sides"])
    assert traces(folder) == before
    assert again["comparisons"] == result["comparisons"]


@pytest.mark.sampled(3)
@pytest.mark.slow
def test_a_run_without_a_trace_keeps_losses_only(tmp_path: Path) -> None:
    spec_file(tmp_path, SMALL + PAIR)
    result = told(command("run", "spec.yaml", "--steps", "4", "--no-trace", "--json", cwd=tmp_path))
    assert traces(tmp_path) == {}
    assert all(len(side["losses"]) == 4 for side in result["sides"])
    assert result["comparisons"][0]["free"]["verdict"] == "rounding"


# ------------------------------------------------------------------------------- programs written by hand


def ported(folder: Path, source: str = PORT, spec: str = PORTED) -> Path:
    (folder / "my_port.py").write_text(source)
    return spec_file(folder, spec)


@pytest.mark.sampled(3)
@pytest.mark.slow
def test_a_port_is_checked_and_run_beside_its_config(tmp_path: Path) -> None:
    ported(tmp_path)
    checked = command("check", "spec.yaml", "--steps", "4", "--json", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    (comparison,) = told(checked)["comparisons"]
    assert comparison["verdict"] in ("identical", "rounding")
    assert [text.partition(": ")[0] for text in comparison["unmatched"]] == ["output of layer drop"]
    done = command("run", "spec.yaml", "--steps", "4", "--json", cwd=tmp_path)
    result = told(done)
    assert result["sides"][1]["program"] == PORT
    assert result["sides"][0]["losses"] == pytest.approx(result["sides"][1]["losses"], rel=1e-4)
    assert result["differences"] == []
    assert (tmp_path / "my_port.py").read_text() == PORT
    assert not list(tmp_path.rglob("__pycache__"))


@pytest.mark.sampled(3)
def test_a_port_with_a_mistake_is_divergent(tmp_path: Path) -> None:
    ported(tmp_path, PORT.replace("x = x.transpose(1, 2).flatten(1)", "x = x.flatten(1)"))
    done = command("check", "spec.yaml", "--steps", "2", "--json", cwd=tmp_path)
    assert done.returncode == 1
    (comparison,) = told(done)["comparisons"]
    first = comparison["first"]
    assert (first["step"], first["phase"], first["tensor"]) == (1, "forward", "flatten")
    assert comparison["odd"] == ["port"]


@pytest.mark.sampled(3)
def test_a_port_whose_optimizer_is_its_own_takes_the_first_steps_one_by_one(tmp_path: Path) -> None:
    own = PORT.replace("    return torch.optim.SGD(", "    return Heavy(") + (
        "\n\nclass Heavy(torch.optim.Optimizer):\n"
        "    def __init__(self, params, lr, momentum):\n"
        "        super().__init__(params, {'lr': lr, 'momentum': momentum})\n\n"
        "    @torch.no_grad()\n"
        "    def step(self, closure=None):\n"
        "        for p in self.param_groups[0]['params']:\n"
        "            kept = self.state[p].setdefault('ball', torch.zeros_like(p))\n"
        "            kept.mul_(0.9).add_(p.grad)\n"
        "            p.sub_(kept, alpha=0.05)\n"
    )
    ported(tmp_path, own)
    done = command("check", "spec.yaml", "--steps", "12", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (comparison,) = told(done)["comparisons"]
    assert comparison["verdict"] == "rounding"
    assert comparison["largest"]["difference"] < 1e-10
    assert comparison["checked"] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [text for text in comparison["unmatched"] if text.startswith("optimizer slot velocity: not found")]


@pytest.mark.usefixtures("forked_torch")
def test_a_port_that_raises_is_named_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In workers of its own, which are called as the sides are."""
    ported(tmp_path, PORT.replace("x = F.relu(self.fc2(x))", 'raise ValueError("my own mistake")'))
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["check", "spec.yaml", "--steps", "2"])
    assert done.exit_code == 3
    assert done.stderr.startswith("side port: ValueError: my own mistake")
    assert "parity/cli.py" not in done.stderr
    assert "my_port.py" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("program: my_prot.py", "spec.yaml:18: sides.port.program: no file 'my_prot.py'"),
        ("program: my_port.py, map: {hiden: fc1}", "map 'hiden': the spec has no such layer or parameter"),
        ("program: my_port.py, map: {hidden: fc9}", "has no 'fc9'"),
        ("program: my_port.py, map: {hidden.kernel: fc2.weight}", "it cannot be hidden.kernel"),
        ("model: Net", "sides.port.model: there is no program"),
    ],
)
def test_what_is_wrong_with_a_programs_description_is_one_line(tmp_path: Path, line: str, said: str) -> None:
    ported(tmp_path, spec=PORTED.replace("program: my_port.py", line))
    done = command("check", "spec.yaml", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""
