"""A result written for other tools is read back by those tools' own readers, where they are installed."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

from parity.cli import main
from parity.report.write import write_all
from parity.result.explanation import CombinationFact
from parity.tracking import mlflow, tensorboard, wandb
from parity.tracking.told_runs import ToldResult, told
from tests import report_samples as samples

needs = {
    tool: pytest.mark.skipif(None in map(importlib.util.find_spec, needed), reason=f"the extra {tool} is not installed")
    for tool, needed in (("tensorboard", tensorboard.NEEDS), ("mlflow", mlflow.NEEDS), ("wandb", wandb.NEEDS))
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report."""
    folder = tmp_path_factory.mktemp("report")
    write_all(samples.leaf(), folder)
    return folder


def export(report: Path, tool: str, out: Path) -> Any:
    return CliRunner().invoke(main, ["export", str(report), "--to", tool, "--out", str(out)])


@pytest.fixture
def leaf() -> ToldResult:
    return told(samples.leaf())


def test_sides_and_counterfactual_configs_are_runs(leaf: ToldResult) -> None:
    sides = [run.name for run in leaf.runs if run.kind == "side"]
    assert sides == [side.name for side in samples.leaf().sides]
    first = next(run for run in leaf.runs if run.kind == "side")
    losses = samples.leaf().sides[0].losses
    assert first.curves["loss"] == [(step, loss) for step, loss in enumerate(losses, start=1)]


def test_a_config_that_was_tried_has_its_outcome_by_seed() -> None:
    result = samples.claimed()
    cause = result.explanation
    assert cause is not None
    runs = told(result).runs
    tried = {run.name: run for run in runs if run.kind == "counterfactual"}
    broken = next(one for one in cause.claims if one.kind == "breaks")
    mended = next(one for one in cause.claims if one.kind == "repairs")
    for claim, base in ((broken, f"{cause.good} with"), (mended, f"{cause.bad} without")):
        (points,) = tried[f"{base} {', '.join(sorted(claim.paths))}"].seeds.values()
        assert [value for _, value in points] == claim.values
        assert [seed for seed, _ in points] == cause.seeds
    assert len({run.name for run in runs}) == len(runs)


def test_a_config_whose_curve_was_kept_is_called_by_the_side_that_it_is_nearer_to() -> None:
    def combination(paths: list[str], side: str) -> CombinationFact:
        return CombinationFact(
            paths=paths, seeds=[0, 1], values=[0.5, 0.6], every=2, losses=[4.0, 3.0], steps=4, side=side
        )

    result = samples.claimed()
    cause = result.explanation
    assert cause is not None
    several = [
        combination([], cause.good), combination(["a"], cause.good), combination(["a", "b"], cause.bad),
        combination(["a", "b", "c"], cause.bad),
    ]  # fmt: skip
    runs = told(result.model_copy(update={"explanation": cause.model_copy(update={"combinations": several})})).runs
    found = {run.name: run for run in runs if run.kind == "counterfactual"}
    assert found[f"{cause.good} with a"].curves["loss"] == [(2, 4.0), (4, 3.0)]
    assert [*found[f"{cause.bad} without c"].seeds.values()] == [[(0, 0.5), (1, 0.6)]]
    assert len({run.name for run in runs}) == len(runs), "a side as it is, is the side"


def test_claims_are_told(leaf: ToldResult) -> None:
    assert leaf.tags["verdict"] == "divergent"
    assert leaf.tags["place"].startswith("step ")
    assert leaf.differences["layers.dropout.rate"] == "0.4 -> 0.6"
    assert leaf.tags["answer"] in leaf.text.replace("\\", "").replace("`", "")


@needs["tensorboard"]
def test_tensorboard_reads_what_was_written(
    report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    # As TensorBoard itself tells that there is no TensorFlow: its reader would load it, where it is.
    monkeypatch.setitem(sys.modules, "tensorboard.compat.notf", ModuleType("notf"))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    done = export(report, "tensorboard", tmp_path)
    assert done.exit_code == 0, done.output
    export(report, "tensorboard", tmp_path)  # the same once more is not there twice
    side = samples.leaf().sides[0]
    events = EventAccumulator(str(tmp_path / side.name), size_guidance={"tensors": 0}).Reload()
    read = [(one.step, float(make_ndarray(one.tensor_proto))) for one in events.Tensors("loss")]
    assert [step for step, _ in read] == list(range(1, len(side.losses) + 1))
    assert [value for _, value in read] == pytest.approx(side.losses)
    answer = EventAccumulator(str(tmp_path / "answer")).Reload()
    assert make_ndarray(answer.Tensors("verdict")[0].tensor_proto).item() == b"divergent"


@needs["tensorboard"]
def test_no_framework_is_loaded_to_write_for_tensorboard(report: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from click.testing import CliRunner; from parity.cli import main\n"
        f"given = ['export', {str(report)!r}, '--to', 'tensorboard', '--out', {str(tmp_path)!r}]\n"
        "done = CliRunner().invoke(main, given)\n"
        "print(done.exit_code, 'tensorflow' in sys.modules, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "False", "False"]


@needs["mlflow"]
def test_mlflow_reads_what_was_written(report: Path, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    done = export(report, "mlflow", tmp_path)
    assert done.exit_code == 0, done.output
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(samples.leaf().spec.name)
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    whole = runs[samples.leaf().spec.name]
    assert whole.data.tags["verdict"] == "divergent"
    assert whole.data.params["layers.dropout.rate"] == "0.4 -> 0.6"
    kept = {one.path for one in client.list_artifacts(whole.info.run_id)}
    assert {"report.html", "result.json", "answer.md"} <= kept
    side = samples.leaf().sides[0]
    losses = client.get_metric_history(runs[side.name].info.run_id, "loss")
    assert [one.value for one in sorted(losses, key=lambda one: one.step)] == side.losses
    assert runs[side.name].data.tags["mlflow.parentRunId"] == whole.info.run_id
    assert runs[side.name].info.status == "FINISHED"


def wandb_records(folder: Path) -> list[Any]:
    """Read the log of an offline run: blocks of 32 KiB, records with a header of 7 bytes, after 7 of the file's own."""
    from wandb.proto.wandb_internal_pb2 import Record

    (file,) = folder.glob("*.wandb")
    data, at, found, part = file.read_bytes(), 7, [], b""
    while at + 7 <= len(data):
        left = 32768 - at % 32768
        if left < 7:
            at += left
            continue
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        part += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            found.append(Record.FromString(part))
            part = b""
    return found


@needs["wandb"]
def test_wandb_keeps_runs_offline(report: Path, tmp_path: Path) -> None:
    done = export(report, "wandb", tmp_path)
    assert done.exit_code == 0, done.output
    runs = {}
    for folder in (tmp_path / "wandb").glob("offline-run-*"):
        records = wandb_records(folder)
        run = next(one.run for one in records if one.WhichOneof("record_type") == "run")
        runs[run.display_name] = records
    assert set(runs) == {samples.leaf().spec.name, *(run.name[:120] for run in told(samples.leaf()).runs)}
    side = samples.leaf().sides[0]
    items = [one.history.item for one in runs[side.name] if one.WhichOneof("record_type") == "history"]
    losses = [float(item.value_json) for one in items for item in one if "loss" in (item.key, *item.nested_key)]
    assert losses == side.losses
    told_of_all = runs[samples.leaf().spec.name]
    assert any(one.WhichOneof("record_type") == "artifact" or
               (one.WhichOneof("record_type") == "request" and one.request.HasField("log_artifact"))
               for one in told_of_all)  # fmt: skip


@pytest.mark.parametrize("tool", ["tensorboard", "mlflow", "wandb"])
def test_what_is_not_installed_is_one_line_that_says_how(
    tool: str, report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    done = export(report, tool, tmp_path)
    assert done.exit_code != 0
    assert f"pip install 'parity-harness[{tool}]'" in done.output


def test_refusals(report: Path, tmp_path: Path) -> None:
    assert "expected a result.json" in export(tmp_path / "nowhere", "tensorboard", tmp_path).output
    (tmp_path / "result.json").write_text("{}")
    said = export(tmp_path, "tensorboard", tmp_path).output
    assert "not a result of parity" in said
    assert "tensorboard, " in export(report, "tensorbord", tmp_path).output
