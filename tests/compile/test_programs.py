"""Exported programs: they run alone, print the losses the harness recorded to the last bit, and read well.

A program is run as a user would run it, from a folder with nothing in it, by an interpreter that is kept from importing
``parity`` whether it is installed or not: once by a fresh one, which imports the framework as the program says, of one
framework by turns and of all in ``make long``, else by a fork of one that has imported it (``helpers_forked``).
"""

from __future__ import annotations

import ast
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import black
import numpy as np
import pytest
from black.mode import TargetVersion
from helpers_alone import run_alone
from helpers_frameworks import EACH_FRAMEWORK, FRAMEWORKS, IMAGE, SMALL_IMAGE, side_of, starting_weights, worker
from helpers_sample import WHOLE, dealt, taken

from parity.catalog import (
    ACTIVATIONS,
    CONSTRAINTS,
    INITIALIZERS,
    LOSSES,
    OPS,
    OPTIMIZERS,
    REGULARIZERS,
    SCHEDULES,
)
from parity.code import Helper
from parity.compile import Program, compile_side
from parity.compile.emit import tidy
from parity.compile.fragments import helpers_source
from parity.data.loading import class_count, load
from parity.frameworks import title_of
from parity.run.freerun import free_run
from parity.run.jobs import Bench, Job
from parity.run.session import memory_folder
from parity.run.store import Store
from parity.spec.load import build_spec
from parity.spec.resolve import Resolved, resolve

LINE_LENGTH = 100

ROWS, CLASSES, EPOCHS = 22, 4, 2
STEPS = 2 * 6  # 22 rows in batches of 4: the sixth is partial


def spec_data(source: str, **sections: Any) -> dict[str, Any]:
    """Return a small model with everything in it that could make a program print other numbers than the harness."""
    return {
        "name": "alone",
        "question": 'Does a "program" print\nwhat the harness saw, C:\\new \\d """ and all?"',
        "data": {"source": source, "standardize": True, "reshape": [3, 8], "transpose": [1, 0]},
        "model": {
            "input": [8, 3],
            "layers": [
                {"conv1d": {"filters": 16, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu"}},
                {"dropout": 0.3},
                {"conv1d": {"filters": 8, "kernel_size": 2, "padding": "same"}},
                {"activation": "tanh"},
                "flatten",
                {"dropout": 0.5},
                {"dense": {"units": 32, "activation": "relu", "kernel_initializer": {"truncated_normal": 0.1}}},
                {"dense": {"units": CLASSES, "activation": "softmax", "name": "logits"}},
            ],
        },
        "loss": "categorical_crossentropy",
        "optimizer": {"sgd": {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True, "decay": 1e-3}},
        "training": {"batch_size": 4, "epochs": EPOCHS, "shuffle": True, "seed": 3},
        "sides": {framework: {"framework": framework} for framework in FRAMEWORKS},
    } | sections


@dataclass(frozen=True, kw_only=True)
class Alone:
    """A folder with a program, its data and its initial weights, and what the harness recorded for it."""

    folder: Path
    program: str
    framework: str
    losses: tuple[float, ...]

    def run(self, *arguments: str, fresh: bool = False) -> subprocess.CompletedProcess[str]:
        """Run the program from its folder, ``parity`` out of reach."""
        return run_alone(self.framework, [self.program, *arguments], self.folder, fresh)


@pytest.fixture(scope="module", params=[*EACH_FRAMEWORK, "keras_torch"])
def alone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Alone:
    """A program recorded by the harness in float32, then left to itself."""
    return recorded(request.param, tmp_path_factory, STEPS)


def recorded(framework: str, folders: pytest.TempPathFactory, steps: int, **sections: Any) -> Alone:
    """Let the harness record a run if it has steps, and put the program in a folder with no more than it needs."""
    folder, elsewhere, scratch = folders.mktemp("alone"), folders.mktemp("harness"), memory_folder()
    rng = np.random.default_rng(0)
    np.savez(folder / "data.npz", X=rng.normal(3.0, 2.0, size=(ROWS, 24)), y=np.arange(ROWS) % CLASSES)
    if "data" in sections:
        sections["data"] = sections["data"] | {"source": str(folder / "data.npz")}
    sides = {"sides": {framework: {"framework": framework}}}
    spec = build_spec(spec_data(str(folder / "data.npz"), **sides | sections))
    (side,) = resolve(spec)
    dataset = load(spec.data)
    program = compile_side(side, name=spec.name, question=spec.question, classes=class_count(dataset.raw_y))
    (folder / program.file_name).write_text(program.source)
    save_weights(side, folder / "init.safetensors")
    if not steps:
        return Alone(folder=folder, program=program.file_name, framework=framework, losses=())
    try:
        bench = Bench(dataset=dataset, store=Store(elsewhere / "runs"), scratch=scratch,
                      programs=elsewhere / "programs", logs=elsewhere)  # fmt: skip
        run = free_run(worker(framework), bench, Job(side=side, program=program, steps=steps))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Alone(folder=folder, program=program.file_name, framework=framework, losses=run.losses)


def save_weights(side: Resolved, file: Path) -> None:
    from safetensors.numpy import save_file

    save_file({name: value.astype(np.float32) for name, value in starting_weights(side).items()}, file)


def test_a_program_run_alone_prints_the_recorded_losses_to_the_last_bit(alone: Alone) -> None:
    by_turns = dealt(FRAMEWORKS, FRAMEWORKS[0])  # Of Keras on PyTorch tests/frameworks does so.
    done = alone.run("--data", "data.npz", "--weights", "init.safetensors", fresh=alone.framework in by_turns)
    assert done.returncode == 0, done.stderr
    assert [float(line) for line in done.stdout.split()] == list(alone.losses)
    assert len(alone.losses) == STEPS
    assert len(set(alone.losses)) == STEPS, "losses that move"


def test_a_program_left_to_its_framework_trains_on_other_numbers(alone: Alone) -> None:
    """No weights and no recorded order or masks: the framework's own, for so many steps, in the other precision."""
    done = alone.run("--data", "data.npz", "--native-random", "--steps", "7", "--precision", "float64")
    assert done.returncode == 0, done.stderr
    losses = [float(line) for line in done.stdout.split()]
    assert len(losses) == 7, "past the end of the first epoch"
    assert np.isfinite(losses).all()
    assert all(loss != float(np.float32(loss)) for loss in losses), "float64"
    assert set(losses).isdisjoint(alone.losses)


def test_a_program_says_how_it_is_called(alone: Alone) -> None:
    """In every framework, though all share these lines."""
    done = alone.run("--help")
    assert done.returncode == 0, done.stderr
    for option in ("--data", "--weights", "--steps", "--precision", "--native-random"):
        assert option in done.stdout
    assert "the framework's own order and dropout" in " ".join(done.stdout.split())


@pytest.mark.parametrize("framework", [one for one in EACH_FRAMEWORK if one.values == ("torch",)])
def test_a_program_leaves_out_the_partial_batch_and_keeps_file_order(
    framework: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The other branches of the lines that all programs share, class numbers, and an optimizer that is written out."""
    training = {"batch_size": 4, "epochs": EPOCHS, "shuffle": False, "drop_remainder": True}
    steps = EPOCHS * (ROWS // 4)
    one = recorded(framework, tmp_path_factory, steps, training=training, optimizer="adam",
                   loss="sparse_categorical_crossentropy")  # fmt: skip
    done = one.run("--data", "data.npz", "--weights", "init.safetensors")
    assert done.returncode == 0, done.stderr
    assert [float(line) for line in done.stdout.split()] == list(one.losses)
    assert len(one.losses) == steps


@pytest.mark.takes_turns
@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_a_program_keeps_statistics_penalties_constraints_and_its_schedule(
    framework: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Running statistics are among the initial weights; everything else is in the program, its gathering, too."""
    sections = {
        "data": {"source": "data.npz", "standardize": True, "reshape": [4, 3, 2]},
        "model": (IMAGE if WHOLE else SMALL_IMAGE) | {"input": [4, 3, 2]},
        "loss": {"categorical_crossentropy": {"from_logits": True}},
        "optimizer": {
            "adamw": {
                "learning_rate": {"cosine": {"initial_learning_rate": 0.01, "decay_steps": 8}},
                "gradient_accumulation_steps": 2,
                "use_ema": True,
                "ema_overwrite_frequency": 2,
            }
        },
    }
    one = recorded(framework, tmp_path_factory, STEPS, **sections)
    done = one.run("--data", "data.npz", "--weights", "init.safetensors")
    assert done.returncode == 0, done.stderr
    assert [float(line) for line in done.stdout.split()] == list(one.losses)


FIRST = {"data_format": "channels_first"}


@pytest.mark.takes_turns
@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_a_program_moves_channels_and_takes_the_masks_of_its_layers(
    framework: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Channels first, and dropout layers of which the side has left out the first, and noise of every kind."""
    layers = [
        {"conv1d": FIRST | {"filters": 6, "kernel_size": 3, "padding": "same", "activation": "relu"}},
        {"dropout": 0.2}, {"dropout": 0.3}, {"gaussian_noise": 0.25}, {"max_pooling1d": FIRST},
        {"alpha_dropout": 0.3}, {"batch_norm": {"axis": 1}}, "flatten", {"gaussian_dropout": 0.1},
        {"dropout": {"rate": 0.5, "name": "late"}}, {"dense": {"units": CLASSES, "activation": "softmax"}},
    ]  # fmt: skip
    sides = {framework: {"framework": framework, "changes": {"layers.dropout": None}}}
    data = {"standardize": True, "reshape": [3, 8]}
    model = {"input": [3, 8], "layers": layers}
    alone = recorded(framework, tmp_path_factory, 6, data=data, model=model, sides=sides)
    source = (alone.folder / alone.program).read_text()
    assert "MASKS = (1, " in source
    assert ("MASK_AXES" in source) is (framework != "torch")
    done = alone.run("--data", "data.npz", "--weights", "init.safetensors", "--steps", "6")
    assert done.returncode == 0, done.stderr
    assert [float(line) for line in done.stdout.split()] == list(alone.losses)


@pytest.mark.takes_turns
@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_a_program_with_recurrent_layers_puts_its_weights_in_place(
    framework: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Gates that PyTorch has in another order, biases that it has in two tensors, and Keras's cells in its layers."""
    layers = [{"gru": {"units": 4, "return_sequences": True, "dropout": 0.5}}, {"dropout": 0.2},
              {"lstm": {"units": 3, "two_biases": True, "dropout": 0.25}},
              {"dense": {"units": CLASSES, "activation": "softmax"}}]  # fmt: skip
    model = {"input": [8, 3], "layers": layers}
    data = {"standardize": True, "reshape": [3, 8], "transpose": [1, 0], "validation_split": 0.2}
    alone = recorded(framework, tmp_path_factory, 6, model=model, data=data)
    done = alone.run("--data", "data.npz", "--weights", "init.safetensors", "--steps", "6")
    assert done.returncode == 0, done.stderr
    assert [float(line) for line in done.stdout.split()] == list(alone.losses)


def test_the_isolation_is_real(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import parity\n")
    for fresh in (True, False):
        done = run_alone("torch", ["program.py"], tmp_path, fresh)
        assert done.returncode == 1
        assert "ModuleNotFoundError: import of parity halted" in done.stderr


def test_a_fork_has_nothing_of_what_ran_before_it(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import sys, torch\nprint(sys.argv, torch.is_grad_enabled())\n"
                                         "torch.set_grad_enabled(False)\nsys.exit(len(sys.argv))\n")  # fmt: skip
    for number in (1, 2):
        done = run_alone("torch", ["program.py", *["more"] * number], tmp_path)
        assert (done.returncode, done.stderr) == (1 + number, "")
        assert done.stdout == f"{['program.py', *['more'] * number]} True\n"


# ---------------------------------------------------------------------------------------------- as text


def test_two_functions_of_a_program_that_are_not_the_same_are_not_called_the_same() -> None:
    one, two, again = (Helper(name="f", source=f"\ndef f(x):\n    return {made}\n") for made in ("x", "x + 1", "x"))
    assert helpers_source([(one,), (again,)]) == (["def f(x):\n    return x"], [])
    with pytest.raises(ValueError, match="two helpers of a program are called f"):
        helpers_source([(one,), (two,)])


def models() -> dict[str, dict[str, Any]]:
    """Return sections of specs whose programs use every entry in every way that its templates tell apart."""
    found: dict[str, dict[str, Any]] = {}
    linear = {"input": [3], "layers": [{"dense": {"units": 3}}]}
    for kind, entry in OPS.items():
        for index, case in enumerate(entry.cases()):
            reads = [np.asarray(one) for one in (case.x if len(entry.ports) != 1 else [case.x])]
            names = [f"part_{number}" for number in range(len(reads))]
            inputs = {
                name: {"shape": list(one.shape[1:]), "dtype": entry.reads_dtype}
                for name, one in zip(names, reads, strict=True)
            }
            layers = [{kind: {**case.fields, "name": "op", "inputs": names}}, {"dense": {"units": 2}}]
            found[f"op-{kind}-{index}"] = {"model": {"inputs": inputs, "layers": layers}}
    for kind, entry in OPTIMIZERS.items():
        for index, case in enumerate(entry.cases()):
            found[f"optimizer-{kind}-{index}"] = {"model": linear, "optimizer": {kind: dict(case.fields)}}
    for kind in INITIALIZERS:
        bias = "zeros" if INITIALIZERS[kind]().fault((3,)) else kind
        dense = {"units": 3, "kernel_initializer": kind, "bias_initializer": bias}
        found[f"initializer-{kind}"] = {"model": {"input": [3], "layers": [{"dense": dense}]}}
    for kind, schedule in SCHEDULES.items():
        for index, case in enumerate(schedule.cases()):
            rate = {"learning_rate": {kind: dict(case.fields)}}
            found[f"schedule-{kind}-{index}"] = {"model": linear, "optimizer": {"adam": rate}}
    for kind in ACTIVATIONS:
        conv = {"filters": 2, "kernel_size": 2, "activation": kind}
        found[f"activation-{kind}"] = {"model": {"input": [3, 2], "layers": [{"conv1d": conv}, {"activation": kind}]}}
    for kind, constraint in itertools.product(REGULARIZERS, CONSTRAINTS):
        held = {"kernel_regularizer": kind, "bias_regularizer": kind, "kernel_constraint": constraint}
        layers = [{"conv2d": {"filters": 2, "kernel_size": 2, **held}}, {"dense": {"units": 2, **held}}]
        found[f"held-{kind}-{constraint}"] = {"model": {"input": [4, 4, 3], "layers": layers}}
        found[f"one held-{kind}-{constraint}"] = {"model": {"input": [4, 4, 3], "layers": layers[:1]}}
    found["image-0"] = {"model": IMAGE, "optimizer": {"sgd": {"momentum": 0.9, "learning_rate": {"cosine": {
        "initial_learning_rate": 0.1, "decay_steps": 100, "alpha": 0.01}}}}}  # fmt: skip
    for kind, loss in LOSSES.items():
        if loss.at_home:
            continue  # No program is compiled of it.
        for ending in ("linear", *(name for name, entry in ACTIVATIONS.items() if entry.logits)):
            told = loss.behind and ending != "linear"
            for given in ({}, {"recover_logits": False}, {"from_logits": True})[: 3 if told else 1]:
                name = "-".join(["loss", kind, ending, *given])
                model = {"input": [3], "layers": [{"dense": {"units": 3, "activation": ending}}]}
                found[name] = {"model": model, "loss": {kind: dict(given)}}
    for kind, broadcast in itertools.product(("mse", "mae", "sigmoid_crossentropy"), ("align", "stretch")):
        found[f"loss-{kind}-flat-{broadcast}"] = {
            "model": {"input": [3], "layers": [{"dense": {"units": 1, "activation": "sigmoid"}}]},
            "loss": {kind: {"broadcast": broadcast}}, "data": {"source": "rows.npz", "targets": "flat"},
        }  # fmt: skip
    found["loss-on-three-axes"] = {"model": {"input": [4, 3], "layers": [{"conv1d": {"filters": 2, "kernel_size": 2}}]},
                                   "loss": {"categorical_crossentropy": {"from_logits": True}}}  # fmt: skip
    found["same padding with a stride"] = {
        "model": {
            "input": [8, 3],
            "layers": [{"conv1d": {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"}}],
        }
    }
    return found


def in_every_framework(formatted: bool, only: Collection[str] | None = None) -> dict[str, Program]:
    """Return the programs of models in frameworks, each model in one of them; compiling needs no framework.

    Args:
        formatted: by black.
        only: names of those that are asked for, all if None.
    """
    found = {
        name: compile_side(side_of(framework, **sections), name="case", formatted=formatted)
        for framework in FRAMEWORKS
        for model, sections in dealt(models().items(), framework)
        if (name := f"{framework} {model}") and (only is None or name in only)
    }
    for side in resolve(build_spec(spec_data("rows.npz"))):
        question = spec_data("")["question"]
        made = compile_side(side, name="alone", question=question, classes=CLASSES, formatted=formatted)
        found[f"{side.framework} whole"] = made
    return found


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Program]:
    """All of them, formatted by ruff, at once: black, which formats as it does, takes a minute for them."""
    found, folder = in_every_framework(formatted=False), tmp_path_factory.mktemp("programs")
    files = {name: folder / f"{index}.py" for index, name in enumerate(found)}
    for name, file in files.items():
        file.write_text(found[name].source)
    ruff = shutil.which("ruff", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if ruff is None:
        return in_every_framework(formatted=True)
    command = [ruff, "format", "--isolated", "--no-cache", "--quiet", "--line-length", str(LINE_LENGTH), str(folder)]
    subprocess.run(command, check=True)
    return {name: replace(found[name], source=file.read_text()) for name, file in files.items()}


def imported(source: str) -> set[str]:
    """Return the packages a program imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module).partition(".")[0])
    return found


ALLOWED = {
    "keras": {"keras", "tensorflow"},
    "tensorflow": {"tensorflow"},
    "torch": {"torch"},
}
COMMON = {"os", "argparse", "itertools", "math", "numpy", "random", "safetensors"}


def test_programs_show_no_trace_of_what_wrote_them_and_use_their_own_framework(programs: dict[str, Program]) -> None:
    for name, program in programs.items():
        assert "parity" not in program.source.lower(), name
        assert imported(program.source) <= ALLOWED[program.framework] | COMMON, name
    assert not [name for name, one in programs.items() if one.framework == "tensorflow" and "keras." in one.source]


def test_programs_are_as_black_would_have_them(programs: dict[str, Program]) -> None:
    """A third of the first of all entries, in ``make long`` all of these: black takes its time."""
    first = [name for name in programs if name.endswith(("-0", "stride"))]
    for name, program in in_every_framework(True, taken(first, 3)).items():
        assert program.source == programs[name].source, name
    mode = black.Mode({TargetVersion.PY310}, line_length=LINE_LENGTH)
    for framework in FRAMEWORKS:
        source = programs[f"{framework} whole"].source
        assert black.format_str(source, mode=mode) == source
    for name, program in programs.items():
        assert not program.source.startswith("\n"), name
        assert "\n\n\n\n" not in program.source, name
        long = [line for line in program.source.splitlines() if len(line) > LINE_LENGTH]
        assert not long, f"{name}: {long}"


@pytest.mark.parametrize(
    "source", ["def f():\n    return  1\n\n\ndef g():\n    return 'g'\n", '"""A\n\n\nB."""\nx  = 1\n']
)
def test_a_source_is_formatted_piece_by_piece_as_black_does_it_at_once(source: str) -> None:
    """An empty line or two in a text are no end of a piece."""
    made = tidy(source)
    assert made == black.format_str(source, mode=black.Mode({TargetVersion.PY310}, line_length=LINE_LENGTH))
    assert made != source


def test_programs_compile_without_a_warning(programs: dict[str, Program]) -> None:
    for name, program in programs.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compile(program.source, name, "exec")


def test_programs_have_nothing_unused_and_nothing_undefined(programs: dict[str, Program], tmp_path: Path) -> None:
    ruff = shutil.which("ruff", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if ruff is None:
        pytest.skip("ruff is neither beside the interpreter nor on the PATH")
    for name, program in programs.items():
        (tmp_path / f"{re.sub('[^a-z0-9]', '_', name)}.py").write_text(program.source)
    planted = tmp_path / "planted.py"
    planted.write_text("import os\n")
    assert ruff_faults(ruff, tmp_path) == ["planted.py: `os` imported but unused"]


def ruff_faults(ruff: str, folder: Path) -> list[str]:
    command = [ruff, "check", "--isolated", "--no-cache", "--select", "F", "--output-format", "json", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [f"{Path(fault['filename']).name}: {fault['message']}" for fault in json.loads(done.stdout)]


def test_a_program_names_its_layers_and_asks_its_question(programs: dict[str, Program]) -> None:
    for framework in FRAMEWORKS:
        source = programs[f"{framework} whole"].source
        for layer in ("conv1d", "dropout", "conv1d_1", "activation", "flatten", "dropout_1", "dense", "logits"):
            assert re.search(rf"\b{layer}\b", source), layer
        doc = ast.get_docstring(ast.parse(source)) or ""
        assert 'what the harness saw, C:\\new \\d """ and all?"' in doc
        assert doc.splitlines()[0] == f"alone: {framework}, in {title_of(framework)}."


@pytest.mark.parametrize("framework", EACH_FRAMEWORK[1:])
def test_a_program_puts_weights_in_place_of_layers_that_cannot_be_called_as_they_are_in_their_block(
    framework: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In Keras layers keep their names, whatever they are kept as."""
    dense = [{"dense": {"units": 4, "name": name}} for name in ("train", "train_", "type")]
    norms = [{"layer_norm": {"name": name}} for name in ("in", "children")]
    layers = [{"block": {"name": "times", "repeat": 2, "layers": [*dense, *norms]}},
              {"dense": {"units": CLASSES, "activation": "softmax"}}]  # fmt: skip
    alone = recorded(framework, tmp_path_factory, 3, model={"input": [24], "layers": layers}, data={})
    assert re.search(r"^(class \w*Block|def \w*block)\(", (alone.folder / alone.program).read_text(), re.M)
    done = alone.run("--data", "data.npz", "--weights", "init.safetensors", "--steps", "3")
    assert done.returncode == 0, done.stderr
    assert [float(line) for line in done.stdout.split()] == list(alone.losses)
