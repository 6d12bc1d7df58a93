"""Goldens of real programs: clean ones pass in silence, planted changes are found, placed, and laid to their field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_commands import command, lender
from helpers_frameworks import each_framework, missing

from parity.commands.freeze import frozen, held, sides_at_work
from parity.commands.progress import silent
from parity.court.recording import hold
from parity.goldens.file import golden_of, read_golden, text_of
from parity.goldens.golden import Golden
from parity.prepare.options import Options
from parity.report.against import WEIGHTS, lines, short, side_lines
from parity.result.againstfact import Against, AgainstSide
from parity.run.weights_file import write_weights
from parity.spec.load import build_spec

needs_torch = pytest.mark.skipif(bool(missing("torch")), reason=missing("torch") or "installed")

SPEC: dict[str, Any] = {
    "name": "held",
    "model": {
        "input": [16],
        "layers": [
            {"dense": {"units": 40, "activation": "tanh", "name": "hidden"}},
            {"batch_norm": {"name": "bn"}},
            {"dropout": {"rate": 0.2, "name": "drop"}},
            {"dense": {"units": 10, "name": "out"}},
        ],
    },
    "loss": {"categorical_crossentropy": {"from_logits": True, "label_smoothing": 0.1}},
    "optimizer": {"adam": {"learning_rate": {"multi_step": {"initial_learning_rate": 0.01, "milestones": [4]}}}},
    "training": {"batch_size": 16, "epochs": 2},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("goldens")
    rng = np.random.default_rng(0)
    np.savez(made / "rows.npz", X=rng.normal(size=(64, 16)).astype("float32"), y=np.arange(64) % 10)
    return made


@dataclass
class Held:
    """Makes goldens of the spec, and holds it against them."""

    folder: Path

    def spec(self, framework: str, **sections: Any) -> Any:
        own = {"data": {"source": str(self.folder / "rows.npz")}, "sides": {framework: {"framework": framework}}}
        return build_spec({**SPEC, **own, **sections})

    def make(self, framework: str, **sections: Any) -> Golden:
        with sides_at_work(self.spec(framework, **sections), Options(), self.folder) as (work, sides):
            made = frozen(work, sides, None, silent)
        return golden_of(text_of(made), "a.golden.json")

    def against(self, golden: Golden, framework: str, changes: Any = None, **sections: Any) -> Against:
        options = Options(changes=changes or {})
        with sides_at_work(self.spec(framework, **sections), options, self.folder) as (work, sides):
            return held(work, sides, golden, "a.golden.json", silent)


@pytest.fixture(scope="module")
def bench_of(folder: Path) -> Iterator[Held]:
    with lender():
        yield Held(folder)


@pytest.fixture(scope="module")
def golden(bench_of: Held) -> Golden:
    return bench_of.make("torch")


@pytest.mark.takes_turns
@each_framework
def test_a_golden_holds_and_rounding_is_silent(bench_of: Held, framework: str) -> None:
    made = bench_of.make(framework)
    assert len(made.sides[framework].steps) == 8
    (side,) = bench_of.against(made, framework).sides
    assert side.verdict in ("identical", "rounding")
    assert (side.steps, side.config, side.versions) == (8, [], [])


TINY = 1e-9

PLANTED: list[tuple[dict[str, Any], int, str, str, str]] = [
    ({"layers.hidden.activation": "relu"}, 1, "forward", "hidden", "dense"),
    ({"layers.bn.epsilon": 0.001 * (1 + 1e-6)}, 1, "forward", "bn", "batch_norm"),
    ({"layers.drop.rate": 0.2 + TINY}, 1, "forward", "drop", "dropout"),
    ({"loss.label_smoothing": 0.1 + TINY}, 1, "loss", "loss", "categorical_crossentropy"),
    ({"optimizer.beta_1": 0.9 + TINY}, 1, "state", "", "adam"),
    ({"optimizer.epsilon": 1e-7 * (1 + 1e-4)}, 1, "update", "", "adam"),
    ({"layers.bn.momentum": 0.99 + TINY}, 1, "state", "bn.", "batch_norm"),
    ({"layers.hidden.kernel_initializer": {"he_normal": {}}}, 1, "weights", "hidden.kernel", "he_normal"),
    # Seen only later: the rate falls at another step, by another factor.
    ({"optimizer.learning_rate": {"multi_step": {"initial_learning_rate": 0.01, "milestones": [4],
                                                 "gamma": 0.1 + TINY}}}, 5, "update", "", "adam"),
    ({"optimizer.learning_rate": {"multi_step": {"initial_learning_rate": 0.01, "milestones": [6]}}}, 5, "update", "",
     "adam"),
]  # fmt: skip


@pytest.mark.sampled(3)
@needs_torch
@pytest.mark.parametrize(("changes", "step", "phase", "tensor", "op"), PLANTED, ids=lambda one: str(one)[:40])
def test_a_planted_change_is_found_placed_and_laid_to_its_field(
    bench_of: Held, golden: Golden, changes: dict[str, Any], step: int, phase: str, tensor: str, op: str
) -> None:
    (side,) = bench_of.against(golden, "torch", changes).sides
    assert side.verdict == "divergent"
    assert side.first is not None
    assert (side.first.step, side.first.phase) == (step, phase)
    assert side.first.tensor.startswith(tensor)
    assert side.op == op
    moved = [one.path for one in side.config if not one.inert]
    assert all(one.startswith(next(iter(changes))) for one in moved)
    assert side.taken_back in ("identical", "rounding")
    (field,) = moved
    assert any(line.startswith(f"  {field}: ") and "; the cause: taken back" in line for line in side_lines(side))


@needs_torch
def test_of_several_changes_those_that_matter_are_told_from_those_that_do_not(bench_of: Held, golden: Golden) -> None:
    late = {"multi_step": {"initial_learning_rate": 0.01, "milestones": [4, 1000]}}
    changes = {"optimizer.learning_rate": late, "layers.out.use_bias": True, "optimizer.beta_2": 0.99}
    (side,) = bench_of.against(golden, "torch", changes).sides
    told = {one.path: one.alone for one in side.config}
    assert told["optimizer.beta_2"] == "divergent"
    assert told["optimizer.learning_rate.milestones"] in ("identical", "rounding")
    text = "\n".join(side_lines(side))
    assert "optimizer.beta_2: 0.999 -> 0.99 (--set); a cause: alone it makes the side depart" in text
    assert "alone it changes nothing" in text


@needs_torch
def test_another_seed_is_another_batch_and_other_rows_are_said(bench_of: Held, golden: Golden, folder: Path) -> None:
    (side,) = bench_of.against(golden, "torch", {"training.seed": 1}).sides
    assert side.verdict == "divergent"
    assert side.first is not None
    assert side.first.phase == "weights"
    other = folder / "others.npz"
    np.savez(other, X=np.zeros((64, 16), "float32"), y=np.arange(64) % 10)
    (side,) = bench_of.against(golden, "torch", data={"source": str(other)}).sides
    assert side.first is not None
    assert (side.first.step, side.first.phase) == (1, "batch")
    assert side.data
    assert any("data: other rows" in line for line in side_lines(side))


@needs_torch
def test_the_same_rows_elsewhere_are_no_change(bench_of: Held, golden: Golden, folder: Path) -> None:
    (folder / "moved").mkdir()
    (folder / "moved/rows.npz").write_bytes((folder / "rows.npz").read_bytes())
    (side,) = bench_of.against(golden, "torch", data={"source": str(folder / "moved/rows.npz")}).sides
    assert (side.verdict, side.config, side.data) == ("identical", [], False)


@needs_torch
def test_another_optimizer_and_another_network_are_said(bench_of: Held, golden: Golden) -> None:
    (side,) = bench_of.against(golden, "torch", {"optimizer": {"sgd": {"learning_rate": 0.01}}}).sides
    assert side.verdict == "divergent"
    assert side.first is not None
    assert (side.first.step, side.first.phase, side.op) == (1, "update", "sgd")
    (side,) = bench_of.against(golden, "torch", {"layers.hidden.units": 41}).sides
    assert side.verdict == "divergent"
    assert "hidden.kernel (weights): (16, 40) in the golden, (16, 41) in torch" in side.reason
    assert side.taken_back == "identical"


@needs_torch
def test_versions_machine_and_what_an_op_now_does_are_said(bench_of: Held, golden: Golden) -> None:
    """A record of another version: the same config, another forward pass of one layer."""
    record = golden.sides["torch"]
    first = record.steps[0]
    spoiled = dict(first.digests)
    for name in [one for one in spoiled if one[0] in ("forward", "gradient") and one[1].startswith("out")]:
        spoiled[name] = spoiled[name].copy()
        spoiled[name]["projections"] *= 1 + 1e-9
    older = replace(
        record, versions={**record.versions, "torch": "1.0"}, machine={**record.machine, "processor": "old"},
        steps=[replace(first, digests=spoiled), *record.steps[1:]],
    )  # fmt: skip
    found = bench_of.against(replace(golden, sides={"torch": older}), "torch")
    text = "\n".join(lines(found))
    assert "first at step 1, forward, out" in text
    assert "no field of the config moved; what comes of dense did, with torch 1.0 -> " in text
    assert "the machine is another: processor old -> " in text

    (side,) = bench_of.against(replace(golden, sides={"torch": replace(older, steps=record.steps)}), "torch").sides
    assert side.verdict == "identical"
    (told,) = [one for one in side_lines(side.model_copy(update={"verdict": "rounding"})) if "only rounding" in one]
    assert told.startswith("  only rounding differs, and what decides it moved: torch 1.0 -> ")
    assert "processor old -> " in told


@needs_torch
def test_a_state_that_cannot_be_made_again_is_inconclusive(bench_of: Held, golden: Golden) -> None:
    record = golden.sides["torch"]
    third = record.steps[2]
    name = "weights/hidden.kernel"
    spoiled = {**third.state, name: replace(third.state[name], checksum=1)}
    steps = [*record.steps[:2], replace(third, state=spoiled), *record.steps[3:]]
    (side,) = bench_of.against(
        replace(golden, sides={"torch": replace(record, steps=steps)}), "torch"
    ).sides  # fmt: skip
    assert (side.verdict, side.steps) == ("inconclusive", 2)
    assert side.reason.endswith(f"step 3 could not be started from the recorded state ({name} came out otherwise)")


YAML = """
name: cli
data: {source: rows.npz}
model: {input: [16], layers: [{dense: {units: 10}}]}
loss: {categorical_crossentropy: {from_logits: true}}
optimizer: {sgd: {learning_rate: 0.1}}
training: {batch_size: 16}
sides: {torch: {framework: torch}}
"""


@needs_torch
def test_the_commands(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.npz").write_bytes((folder / "rows.npz").read_bytes())
    spec, golden = tmp_path / "cli.yaml", tmp_path / "cli.golden.json"
    spec.write_text(YAML)
    made = command("freeze", spec, "--steps", "3", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    assert made.stdout == f"{golden}: 3 steps of torch, {golden.stat().st_size} bytes\n"

    done = command("check", spec, "--against", golden, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "torch: identical, bit for bit, in every tensor of 3 steps" in done.stdout

    again = command("freeze", spec, cwd=tmp_path)
    assert again.returncode == 2
    assert "there is a golden already" in again.stderr
    assert again.stderr.count("\n") == 1

    spec.write_text(YAML.replace("0.1}", "0.2}"))
    parted = command("check", spec, "--against", golden, "--json", cwd=tmp_path)
    assert parted.returncode == 1, parted.stderr
    (side,) = Against.model_validate_json(parted.stdout).sides
    assert [(one.path, one.before, one.now) for one in side.config] == [("optimizer.learning_rate", "0.1", "0.2")]

    anew = command("freeze", spec, "--force", "--steps", "2", cwd=tmp_path)
    assert anew.returncode == 0
    assert "optimizer.learning_rate: 0.1 -> 0.2; the cause: taken back" in anew.stdout

    for arguments, said in [
        (["--precision", "float32"], "a golden is made and checked in float64"),
        (["--frameworks", "tensorflow"], "no record of side tensorflow, only of torch"),
    ]:
        failed = command("check", spec, "--against", golden, *arguments, cwd=tmp_path)
        assert failed.returncode == 2
        assert said in failed.stderr
        assert failed.stderr.count("\n") == 1
    for more in ([], ["--force"]):
        taken = command("freeze", spec, "-o", spec, *more, cwd=tmp_path)
        assert taken.returncode == 2
        assert "there is another file, and no golden" in taken.stderr
        assert spec.read_text() == YAML.replace("0.1}", "0.2}")
    spec.write_text(YAML.replace("name: cli", "name: other"))
    failed = command("check", spec, "--against", golden, cwd=tmp_path)
    assert failed.returncode == 2
    assert "a golden of spec cli, not of other" in failed.stderr


@needs_torch
def test_momentum_that_comes_in_is_a_slot_more_and_acts_from_the_second_step(bench_of: Held) -> None:
    made = bench_of.make("torch", optimizer={"sgd": {"learning_rate": 0.1}})
    (side,) = bench_of.against(
        made, "torch", {"optimizer.momentum": 0.5}, optimizer={"sgd": {"learning_rate": 0.1}}
    ).sides
    assert side.first is not None
    assert (side.verdict, side.first.step, side.first.phase, side.taken_back) == ("divergent", 2, "update", "identical")


@pytest.mark.takes_turns
@needs_torch
@each_framework
def test_a_golden_holds_where_everything_sums_in_another_order(bench_of: Held, golden: Golden, framework: str) -> None:
    """Held by other frameworks than made it: further apart than another processor or another BLAS."""
    with sides_at_work(bench_of.spec(framework), Options(), bench_of.folder) as (work, sides):
        came = hold(work, sides[0], golden.sides["torch"], silent)
    assert came.broken is None
    assert came.judge.verdict()[0] == ("identical" if framework == "torch" else "rounding")
    assert came.judge.steps == 8


PENALISED = {
    "model": {"input": [16], "layers": [
        {"dense": {"units": 8, "name": "hidden", "activity_regularizer": {"l2": {"factor": 0.01}}}},
        {"dense": {"units": 10, "name": "out"}},
    ]},
    "optimizer": {"adam": {"learning_rate": 0.01}},
}  # fmt: skip


@needs_torch
@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (
            "optimizer.epsilon_place",
            "after_correction",
            "optimizer.epsilon_place: before_correction -> after_correction",
        ),
        ("layers.hidden.activity_reduction", "sum", "layers.hidden.activity_reduction: mean -> sum"),
        ("layers.hidden.activation", "tanh", "layers.hidden.activation: linear -> tanh"),
    ],
)
def test_where_no_field_moved_it_is_said_which_step_does_what_the_config_says(
    bench_of: Held, path: str, value: str, told: str
) -> None:
    """A version that computes otherwise by the same config: the record of another one under this one's name."""
    plain = bench_of.spec("torch", **PENALISED)
    records = []
    for changes in ({}, {path: value}):
        with sides_at_work(plain, Options(changes=changes), bench_of.folder) as (work, sides):
            records.append(frozen(work, sides, 2, silent).sides["torch"])
    before = replace(records[1], config=records[0].config, origins=records[0].origins, versions={"torch": "1.0"})
    (side,) = bench_of.against(Golden(spec="held", sides={"torch": before}), "torch", **PENALISED).sides
    assert (side.verdict, side.config, side.golden_meant, side.now_meant) == ("divergent", [], False, True)
    text = "\n".join(side_lines(side))
    assert "the side does what the config says, by its NumPy reference; the golden did not" in text
    assert re.search(rf"the golden does as with \S*{re.escape(told)}", text)


@needs_torch
def test_a_program_written_by_hand_has_a_golden_too(bench_of: Held, folder: Path) -> None:
    from parity.api import compile_program

    plain = {"model": {"input": [16], "layers": [{"dense": {"units": 10, "name": "out"}}]},
             "optimizer": {"sgd": {"learning_rate": 0.1}}}  # fmt: skip
    file = folder / "own.py"
    text = compile_program(bench_of.spec("torch", **plain))
    file.write_text(text)
    own = {"sides": {"mine": {"framework": "torch", "program": str(file)}}}
    with sides_at_work(bench_of.spec("torch", **plain, **own), Options(), folder) as (work, sides):
        golden = frozen(work, sides, 3, silent)

    def against() -> AgainstSide:
        return bench_of.against(golden, "torch", **plain, **own).sides[0]

    assert (against().verdict, against().program) == ("identical", False)
    # The same sums in another order: another text, and rounding.
    file.write_text(text.replace("self.out(x)", "self.out(x.flip(1).flip(1)) * 3 / 3"))
    same = against()
    assert (same.verdict, same.program, same.steps) == ("rounding", True, 3)
    file.write_text(text.replace("lr=0.1", "lr=0.1000001"))
    parted = against()
    assert parted.first is not None
    assert (parted.verdict, parted.first.phase, parted.program) == ("divergent", "update", True)
    assert any("program: another text" in line for line in side_lines(parted))


@needs_torch
def test_what_a_golden_does_not_see_is_said(bench_of: Held, golden: Golden) -> None:
    (side,) = bench_of.against(golden, "torch", {"numerics.mixed_precision": "bfloat16"}).sides
    assert side.verdict == "identical"
    assert side.notes == [
        "numerics.mixed_precision: steps are held as they are written, in float64: what it does is not seen"
    ]


@needs_torch
def test_the_python_interface(bench_of: Held, folder: Path) -> None:
    from parity import api

    spec, file = bench_of.spec("torch"), folder / "api.golden.json"
    made = api.freeze(spec, file, steps=2, folder=folder)
    assert read_golden(file).sides["torch"].steps[1].loss == made.sides["torch"].steps[1].loss
    assert [one.verdict for one in api.against(spec, file, folder=folder).sides] == ["identical"]
    parted = api.against(spec, file, folder=folder, changes={"optimizer.beta_1": 0.8})
    assert [one.verdict for one in parted.sides] == ["divergent"]


@pytest.mark.takes_turns
@needs_torch
@each_framework
def test_moves_that_rounding_alone_decides_are_no_alarm(bench_of: Held, framework: str) -> None:
    """Lion moves by signs: of a bias ahead of a batch norm, whose gradient is 0 but for rounding, any is as good."""
    layers = [{"dense": {"units": 40, "name": "hidden"}}, {"batch_norm": {"name": "bn"}}, {"dense": {"units": 10}}]
    sections: dict[str, Any] = {"model": {"input": [16], "layers": layers}, "optimizer": {"lion": {}}}
    made = bench_of.make("torch", **sections).sides["torch"]
    with sides_at_work(bench_of.spec(framework, **sections), Options(), bench_of.folder) as (work, sides):
        came = hold(work, sides[0], made, silent)
    assert came.broken is None
    assert came.judge.verdict()[0] == ("identical" if framework == "torch" else "rounding")
    assert came.judge.steps == 8


@needs_torch
def test_weights_of_a_file_are_the_same_wherever_it_is_and_other_ones_are_said(bench_of: Held, folder: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=(16, 10))
    for name, kernel in (("here", numbers), ("there", numbers), ("other", numbers + 1e-6)):
        (folder / name).mkdir()
        write_weights(folder / name / "w.safetensors", {"out.kernel": kernel, "out.bias": np.zeros(10)})

    def sections(name: str) -> dict[str, Any]:
        file = {"initial_weights": str(folder / name / "w.safetensors")} if name else {}
        return {
            "model": {"input": [16], "layers": [{"dense": {"units": 10, "name": "out"}}]},
            "optimizer": {"sgd": {"learning_rate": 0.1}}, "training": {"batch_size": 16, **file},
        }  # fmt: skip

    golden = bench_of.make("torch", **sections("here"))
    assert str(folder) not in text_of(golden)
    (folder / "here/w.safetensors").unlink()

    (side,) = bench_of.against(golden, "torch", **sections("there")).sides
    assert (side.verdict, side.config, side.weights) == ("identical", [], False)
    (side,) = bench_of.against(golden, "torch", {"optimizer.momentum": 0.5}, **sections("there")).sides
    assert (side.verdict, side.taken_back, side.weights) == ("divergent", "identical", False)

    (side,) = bench_of.against(golden, "torch", **sections("other")).sides
    assert side.first is not None
    assert (side.verdict, side.first.phase, side.first.tensor) == ("divergent", "weights", "out.kernel")
    assert (side.weights, side.config) == (True, [])
    (_, told) = side_lines(side)  # No op and no version is named as what made it.
    assert told == f"  {WEIGHTS}"
    assert short(side).endswith(f"; {WEIGHTS}")

    (side,) = bench_of.against(golden, "torch", **sections("")).sides
    assert (side.verdict, side.weights, side.taken_back) == ("divergent", False, None)
    assert [(one.path, one.before, one.now) for one in side.config] == [
        ("training.initial_weights", "w.safetensors", "none")
    ]
