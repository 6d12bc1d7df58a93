"""How exactly a side computes: what it compiles to, what it does, where it shows, and that it is named as a cause."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers_commands import command
from helpers_forked import interpreter
from helpers_frameworks import EACH_FRAMEWORK, IMAGE, compiled, difference, missing, opened, side_of, starting_weights
from helpers_sample import WHOLE

from parity.commands.comparing import comparisons
from parity.compare.judge import Judge, Seen
from parity.compare.noise import Rounding
from parity.compile.settings import settings
from parity.court.judging import Judged
from parity.errors import SpecError, WorkerError
from parity.explain.contest import ImpossibleError, contest
from parity.prepare.sizes import LARGE, at_once
from parity.report.sentences.verdict import verdict_sentence
from parity.result.schema import Result
from parity.run.environment import may_have_gpus
from parity.run.exchange import Exchange
from parity.run.serving import is_machines, told
from parity.spec.differences import differences
from parity.spec.exactness import hidden_differences, kept_bits
from parity.spec.load import build_spec
from parity.spec.resolve import Resolved, resolve
from parity.spec.sections import NumericsSpec
from parity.trials.counterfactuals import Runs
from tests.compile.test_programs import recorded

TENSORFLOW = ("keras", "tensorflow")
SMALL = {"input": [6], "layers": [{"dense": {"units": 4, "activation": "relu"}}, {"dense": 2}]}
DROPPING = {"input": [6], "layers": [{"dense": {"units": 4, "activation": "relu"}}, {"dropout": 0.5}, {"dense": 2}]}
CONVOLVING = {"input": [6, 6, 2], "layers": [{"conv2d": {"filters": 3, "kernel_size": 3}}, "flatten", {"dense": 2}]}


def source(framework: str, model: dict[str, Any] = SMALL, **numerics: Any) -> str:
    return compiled(side_of(framework, model, numerics=numerics), formatted=True).source


# ---------------------------------------------------------------------------------------- what it compiles to

PRODUCTS = "tf.config.experimental.enable_tensor_float_32_execution({})"
DETERMINED = "        tf.config.experimental.enable_op_determinism()"
TEXTS: list[tuple[tuple[str, ...], dict[str, Any], list[str], list[str]]] = [
    (TENSORFLOW, {}, [PRODUCTS.format(False), DETERMINED, "@tf.function\n"], ["float16", "jit_compile", "scale"]),
    (TENSORFLOW, {"tf32": True}, [PRODUCTS.format(True)], []),
    (TENSORFLOW, {"deterministic": False}, [], [DETERMINED]),
    (TENSORFLOW, {"compile": True}, ["@tf.function(jit_compile=True)\n"], []),
    (("keras",), {"mixed_precision": "bfloat16"}, ['"mixed_bfloat16"', "keras.config.set_dtype_policy("], ["scale"]),
    (("keras",), {"mixed_precision": "float16", "loss_scale": 8.0},
     ['"mixed_float16"', "keras.optimizers.LossScaleOptimizer(", "initial_scale=8.0", ".scale_loss(loss)"], []),
    (("tensorflow",), {"mixed_precision": "bfloat16"},
     ["tf.bfloat16 if dtype == tf.float32 else dtype", "tf.cast(self.dense_kernel, x.dtype)"], ["scale"]),
    (("tensorflow",), {"mixed_precision": "float16", "loss_scale": 8.0},
     ["tf.float16 if dtype", "class LossScale(tf.Module)", ", 8.0)", "optimizer.scale_loss(loss)"], []),
    (("torch",), {},
     ["torch.use_deterministic_algorithms(True, warn_only=True)", '"CUBLAS_WORKSPACE_CONFIG", ":4096:8"',
      "torch.backends.cudnn.benchmark = False", 'torch.set_float32_matmul_precision("highest")',
      "torch.backends.cudnn.allow_tf32 = False"],
     ["float16", "autocast", "scaler", ".compile(", "channels_last"]),
    (("torch",), {"tf32": True},
     ['set_float32_matmul_precision("high")', "torch.backends.cudnn.allow_tf32 = True"], []),
    (("torch",), {"tf32": "convolutions"},
     ['set_float32_matmul_precision("highest")', "torch.backends.cudnn.allow_tf32 = True"], []),
    (("torch",), {"matmul_precision": "medium"},
     ['set_float32_matmul_precision("medium")', "torch.backends.cudnn.allow_tf32 = False"], []),
    (("torch",), {"deterministic": False}, ["torch.use_deterministic_algorithms(False)"], ["CUBLAS", "import os"]),
    (("torch",), {"mixed_precision": "bfloat16"}, ["with torch.autocast(x.device.type, torch.bfloat16):"], ["scaler"]),
    (("torch",), {"mixed_precision": "float16", "loss_scale": 8.0},
     ["torch.autocast(x.device.type, torch.float16)", "torch.amp.GradScaler(", "init_scale=8.0",
      "optimizer.scaler.scale(loss).backward()", "optimizer.scaler.step(optimizer)", "optimizer.scaler.update()"], []),
    (("torch",), {"channels_last": True}, ["self.to(memory_format=torch.channels_last)"], []),
    (("torch",), {"compile": True}, ["    model.compile()\n"], []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("framework", "numerics", "there", "not_there"),
    [
        pytest.param(framework, numerics, there, not_there, id=f"{framework}-{numerics}")
        for frameworks, numerics, there, not_there in TEXTS
        for framework in frameworks
    ],
)
def test_each_field_is_text_of_the_program(
    framework: str, numerics: dict[str, Any], there: list[str], not_there: list[str]
) -> None:
    written = source(framework, **numerics)
    for text in there:
        assert text in written
    for text in not_there:
        assert text not in written
    assert written.count("set_numerics()") == 2, "defined, and called before anything is computed"


def test_a_drivers_settings_are_the_programs_own() -> None:
    """Said once: what a driver runs before it imports a program is the body of its ``set_numerics``."""
    for framework in ("keras", "tensorflow", "torch"):
        side = side_of(framework, SMALL, numerics={"tf32": True})
        program = compiled(side)
        assert program.bindings.settings == settings(framework, side.config.numerics)
        for line in program.bindings.settings:
            assert line in program.source


def test_a_layer_of_batch_norm_stays_in_float32() -> None:
    layers = [{"dense": 3}, "batch_norm", {"dense": 2}]
    model = {"input": [6], "layers": layers}
    assert "self.batch_norm(x.to(exact)).to(x.dtype)" in source("torch", model, mixed_precision="bfloat16")
    assert "low, x = x.dtype, tf.cast(x, self.dtype)" in source("tensorflow", model, mixed_precision="bfloat16")


@pytest.mark.parametrize("framework", ["keras", "tensorflow", "torch"])
def test_a_program_alone_may_be_told_where_to_run(framework: str) -> None:
    assert 'parser.add_argument("--device", choices=devices, default="auto")' in source(framework)
    assert 'default="gpu:1")' in source(framework, device="gpu:1")


# -------------------------------------------------------------------------------- what has no word, what does nothing

SPEC: dict[str, Any] = {
    "name": "exact",
    "data": {"source": "rows.npz"},
    "model": DROPPING,
    "loss": {"categorical_crossentropy": {"from_logits": True}},
    "optimizer": "sgd",
}


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("tf32", "convolutions", "has one switch for all products; say true or false"),
        ("matmul_precision", "high", "has no such setting; leave it out, or say tf32"),
        ("channels_last", True, "tensors lie in memory as their layers' data_format says; leave it out"),
        ("compile", True, "compiles with XLA, which cannot take dropout masks from outside the step"),
    ],
)
def test_what_a_framework_has_no_word_for_is_a_fault_with_its_reason(field: str, value: Any, why: str) -> None:
    sides = {"b": {"framework": "tensorflow", "changes": {f"numerics.{field}": value}}}
    with pytest.raises(SpecError) as error:
        resolve(build_spec(SPEC | {"sides": sides}))
    (fault,) = error.value.faults
    assert fault.path == f"sides.b.changes.numerics.{field}"
    assert why in str(fault)
    with pytest.raises(SpecError, match=rf"numerics\.{field}: .*Keras"):
        resolve(build_spec(SPEC | {"numerics": {field: value}, "sides": {"k": {"framework": "keras"}}}))
    sides["b"]["framework"] = "torch"
    (side,) = resolve(build_spec(SPEC | {"sides": sides}))
    assert getattr(side.config.numerics, field) == value


def test_xla_takes_dropout_that_draws_its_own_masks() -> None:
    given = {"numerics": {"compile": True}, "training": {"random": "native"}}
    (side,) = resolve(build_spec(SPEC | given | {"sides": {"b": {"framework": "tensorflow"}}}))
    assert side.config.numerics.compile


@pytest.mark.parametrize("value", ["yes", "conv", 1, None])
def test_a_value_that_is_none_is_told_what_there_is(value: Any) -> None:
    with pytest.raises(SpecError) as error:
        build_spec(SPEC | {"numerics": {"tf32": value}})
    (fault,) = error.value.faults
    assert (fault.path, fault.expected) == ("numerics.tf32", "one of convolutions, false, true")


def pair(framework: str = "torch", **numerics: Any) -> list[Resolved]:
    changes = {f"numerics.{field}": value for field, value in numerics.items()}
    sides = {"a": {"framework": framework}, "b": {"framework": framework, "changes": changes}}
    return resolve(build_spec(SPEC | {"sides": sides}))


@pytest.mark.parametrize(
    ("numerics", "gpus", "why"),
    [
        ({"tf32": True}, False, "TensorFloat-32 is of GPUs, and both run on the CPU"),
        ({"tf32": True}, True, ""),
        ({"loss_scale": 8.0}, True, "only float16 scales the loss"),
        ({"device": "cpu"}, False, "there is no GPU here: both run on the CPU"),
        ({"device": "cpu"}, True, ""),
        ({"mixed_precision": "bfloat16"}, False, ""),
        ({"deterministic": False}, False, ""),
    ],
)
def test_a_difference_does_nothing_only_where_that_is_certain(numerics: dict[str, Any], gpus: bool, why: str) -> None:
    (found,) = differences(*pair(**numerics), gpus=gpus)
    assert found.path == f"numerics.{next(iter(numerics))}"
    assert found.reason == why
    hidden = hidden_differences(*(side.config for side in pair(**numerics)), gpus)
    assert bool(hidden) == (not why and next(iter(numerics)) in ("tf32", "mixed_precision"))


def test_the_bits_that_products_keep() -> None:
    given = [{}, {"tf32": True}, {"matmul_precision": "medium"}, {"mixed_precision": "bfloat16"},
             {"mixed_precision": "float16"}]  # fmt: skip
    assert [kept_bits(pair(**one)[1].config, True) for one in given] == [23, 10, 7, 7, 10]
    assert [kept_bits(pair(**one)[1].config, False) for one in given] == [23, 23, 7, 7, 10], "TF32 is of GPUs"
    (_, here) = pair(tf32=True, device="cpu")
    assert kept_bits(here.config, True) == 23


def test_a_machine_has_a_gpu_where_there_is_a_file_that_reaches_one(tmp_path: Path) -> None:
    if sys.platform == "linux" and not may_have_gpus():
        assert not may_have_gpus([str(tmp_path / "none")])
    (tmp_path / "nvidia0").touch()
    assert may_have_gpus([str(tmp_path / "nvidia0")])


def test_large_networks_share_a_gpu_one_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("parity.prepare.sizes.may_have_gpus", lambda: True)
    wide = {"input": [6], "layers": [{"dense": LARGE}, {"dense": 2}]}
    assert at_once([side_of("torch", SMALL)]) == 2
    assert at_once([side_of("torch", wide), side_of("torch", SMALL)]) == 1
    assert at_once([side_of("torch", wide, numerics={"device": "cpu"})]) == 2


# ---------------------------------------------------------------------------------- what is set in a process

STATES = {
    "torch": "[torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark, "
    "torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32]",
    "tensorflow": "[tf.config.experimental.tensor_float_32_execution_enabled()]",
}
IMPORTS = {"torch": "import os, torch", "tensorflow": "import tensorflow as tf"}
TRIED: list[tuple[dict[str, Any], dict[str, list[Any]]]] = [
    ({}, {"torch": [True, False, "highest", False], "tensorflow": [False]}),
    ({"tf32": True, "deterministic": False}, {"torch": [False, False, "high", True], "tensorflow": [True]}),
    ({}, {"torch": [True, False, "highest", False], "tensorflow": [False]}),
]


@pytest.mark.parametrize("framework", ["torch", "tensorflow"])
def test_settings_are_what_the_framework_then_says_and_the_next_program_is_left_nothing(framework: str) -> None:
    if missing(framework):
        pytest.skip(missing(framework))
    lines = [IMPORTS[framework], "import json"]
    for numerics, _ in TRIED:
        lines += [*settings(framework, NumericsSpec(**numerics)), f"print(json.dumps({STATES[framework]}))"]
    done = subprocess.run([interpreter(framework), "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [known[framework] for _, known in TRIED]


# --------------------------------------------------------------------------------------- mixed precision

ROWS = 12
rng = np.random.default_rng(0)
IMAGES, LABELS = rng.normal(size=(ROWS, *IMAGE["input"])), np.eye(4)[rng.integers(0, 4, ROWS)]  # type: ignore[misc]


@cache
def stepped(framework: str, precision: str, **numerics: Any) -> Any:
    """Return the first step of a model with everything in it; in TensorFlow operation by operation."""
    side = side_of(framework, IMAGE, numerics=numerics, optimizer="adam", training={"batch_size": 8})
    with opened(side, IMAGES, LABELS, starting_weights(side), precision) as one:
        return one.step(0, eager=not WHOLE)


@pytest.mark.parametrize("low", ["bfloat16", "float16"])
def test_frameworks_mean_the_same_by_mixed_precision(low: str) -> None:
    """Rounded to 8 or 11 bits, and that in the same places but for a few."""
    unit = {"bfloat16": 2.0**-8, "float16": 2.0**-11}[low]
    steps = {name: stepped(name, "float32", mixed_precision=low) for name in PRESENT}
    exact = stepped(PRESENT[0], "float32")
    for one in steps.values():
        for phase in ("forward", "gradient"):
            known = getattr(exact, phase)
            apart = {name: difference(value, known[name]) for name, value in getattr(one, phase).items()}
            assert max(apart.values()) > unit / 16, "rounded"
            assert max(apart[name] for name in one.forward if name in apart) < 20 * unit, apart
        assert difference(one.loss, exact.loss) < 4 * unit
    first, *others = steps.values()
    for other in others:
        assert difference(other.loss, first.loss) < unit
        assert difference(other.gradient["logits.kernel"], first.gradient["logits.kernel"]) < 8 * unit


PRESENT = [name for name in ("keras", "tensorflow", "torch") if not missing(name)]


@pytest.mark.takes_turns
@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
@pytest.mark.parametrize("low", ["bfloat16", "float16"])
def test_mixed_precision_leaves_float64_alone(framework: str, low: str) -> None:
    """So what a step means can be judged there. A scale is a power of two, and changes no bit."""
    plain, mixed = stepped(framework, "float64"), stepped(framework, "float64", mixed_precision=low)
    assert mixed.loss == plain.loss
    for phase in ("forward", "gradient", "update"):
        known = getattr(plain, phase)
        for name, value in getattr(mixed, phase).items():
            assert np.array_equal(value, known[name]), (phase, name)
    assert mixed.state.get("loss_scale", 0) == (32768.0 if low == "float16" else 0)


@pytest.mark.takes_turns
@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_a_scale_that_is_too_large_is_halved_and_nothing_is_moved(framework: str) -> None:
    given = {"mixed_precision": "float16", "loss_scale": 2.0**60}
    side = side_of(framework, SMALL, numerics=given, training={"batch_size": 4})
    x, y = np.random.default_rng(1).normal(size=(8, 6)), np.eye(2)[[0, 1, 0, 1, 1, 0, 0, 1]]
    with opened(side, x, y, starting_weights(side), "float32") as one:
        begin, _ = one.state()
        assert one.train(3)[0] > 0.0
        weights, _ = one.state()
        assert all(np.array_equal(weights[name], begin[name]) for name in begin)
        one.session.ask("publish", folder=str(one.folder / "after"))
        kept = Exchange(one.folder / "after")
        assert (kept.get("slots/loss_scale"), kept.get("slots/good_steps")) == (2.0**57, 0.0)
        one.adopt(begin, {"loss_scale": np.array(16.0), "good_steps": np.array(1999.0)}, 1999)
        step = one.step(1999)
        assert (float(step.state["loss_scale"]), float(step.state["good_steps"])) == (32.0, 0.0), "after 2000"
        assert np.isfinite(step.gradient["dense_1.kernel"]).all()
        assert np.linalg.norm(step.update["dense_1.kernel"]) > 0.0


@pytest.mark.takes_turns
@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_a_mixed_program_alone_prints_what_the_harness_saw(
    framework: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    alone = recorded(framework, tmp_path_factory, 5, numerics={"mixed_precision": "float16", "device": "cpu"})
    done = alone.run("--data", "data.npz", "--weights", "init.safetensors", "--steps", "5")
    assert done.returncode == 0, done.stderr
    assert [float(line) for line in done.stdout.split()] == list(alone.losses)


@pytest.mark.takes_turns
@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_a_gpu_that_a_program_alone_is_told_and_does_not_see_is_one_line(
    framework: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    alone = recorded(framework, tmp_path_factory, 0)
    done = alone.run("--data", "data.npz", "--device", "gpu:1")
    title = "PyTorch" if framework == "torch" else "TensorFlow"
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"--device gpu:1: {title} sees 0 GPUs here"
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(bool(missing("torch")), reason=missing("torch") or "installed")
def test_channels_last_is_how_the_weights_lie() -> None:
    import torch

    names: dict[str, Any] = {"__name__": "program"}
    exec(source("torch", CONVOLVING, channels_last=True), names)
    weight = names["Model"]().conv2d.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert not weight.is_contiguous()


# --------------------------------------------------------------------------------- found, and named as a cause

LOW = """
name: low
data: {source: rows.npz}
model:
  input: [8]
  layers:
    - dense: {units: 16, use_bias: false}
    - batch_norm: {momentum: 0.5}
    - activation: relu
    - dense: {units: 2, activation: softmax}
loss: categorical_crossentropy
optimizer: {adam: {learning_rate: 0.02}}
training: {batch_size: 32, epochs: 12}
metrics: [accuracy]
explain: {framework: torch}
sides:
  plain: {framework: torch}
  low: {framework: torch, changes: {numerics.mixed_precision: bfloat16, optimizer.beta_2: 0.99}}
"""


def offset_rows(folder: Path) -> None:
    """Write rows that lie at 100 and differ by 0.2: bfloat16 has the numbers 99.5, 100 and 100.5 there."""
    numbers = np.random.default_rng(0)
    y = numbers.integers(0, 2, 256)
    np.savez(folder / "rows.npz", X=100.0 + numbers.normal(size=(256, 8)) * 0.03 + 0.1 * (2 * y[:, None] - 1), y=y)


@pytest.mark.sampled(4)
@pytest.mark.skipif(bool(missing("torch")), reason=missing("torch") or "installed")
def test_mixed_precision_that_ruins_a_training_is_named_as_its_cause(tmp_path: Path) -> None:
    offset_rows(tmp_path)
    (tmp_path / "low.yaml").write_text(LOW)
    done = command("run", "low.yaml", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    explanation = result["explanation"]
    assert explanation["gap"] == "gap"
    (cause,) = [claim for claim in explanation["claims"] if claim["kind"] == "breaks"]
    assert cause["paths"] == ["numerics.mixed_precision"]
    assert cause["status"] == "holds"
    strikes = {one["path"]: one["strike"] for one in result["differences"]}
    assert (strikes["numerics.mixed_precision"]["step"], strikes["numerics.mixed_precision"]["tensor"]) == (1, "dense")


@pytest.mark.sampled(4)
@pytest.mark.skipif(bool(missing("torch")), reason=missing("torch") or "installed")
def test_a_step_that_is_the_same_in_float64_is_judged_in_float32_too(tmp_path: Path) -> None:
    offset_rows(tmp_path)
    (tmp_path / "low.yaml").write_text(LOW.replace(", optimizer.beta_2: 0.99", ""))
    done = command("check", "low.yaml", "--steps", "3", "--json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    result = json.loads(done.stdout)
    (comparison,) = result["comparisons"]
    assert (comparison["verdict"], comparison["precision"]) == ("divergent", "float32")
    assert comparison["hidden"] == ["numerics.mixed_precision"]
    first = comparison["first"]
    assert (first["step"], first["phase"], first["tensor"]) == (1, "forward", "dense")
    said = "in float64, where numerics.mixed_precision does not act, no tensor is beyond rounding"
    assert said in verdict_sentence(Result.model_validate(result))


@pytest.mark.sampled(4)
def test_sides_of_three_frameworks_in_mixed_precision_are_at_parity_in_float32(tmp_path: Path) -> None:
    if len(PRESENT) < 2:
        pytest.skip("one framework")
    offset_rows(tmp_path)
    sides = "".join(f"  {name}: {{framework: {name}}}\n" for name in PRESENT)
    spec = LOW[: LOW.index("explain:")] + "numerics: {mixed_precision: bfloat16}\nsides:\n" + sides
    (tmp_path / "low.yaml").write_text(spec)
    done = command("check", "low.yaml", "--precision", "float32", "--steps", "4", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {one["verdict"] for one in json.loads(done.stdout)["comparisons"]} == {"rounding"}


def test_a_side_that_fails_in_float32_was_judged_in_float64() -> None:
    """Also where the first one does, in whose place another one then stands."""
    changes = {"numerics.mixed_precision": "bfloat16"}
    given = {"a": {}, "b": {"changes": changes}, "c": {"changes": changes}}
    sides = resolve(build_spec(SPEC | {"sides": {name: {"framework": "torch"} | one for name, one in given.items()}}))
    asked: list[tuple[str, list[str]]] = []

    class Desk:
        def judged(self, some: list[Resolved], steps: int, precision: str, note: Any) -> Judged:
            names = [side.name for side in some]
            asked.append((precision, names))
            if precision == "float32" and "a" in names:
                raise WorkerError("a", "no memory left")
            judges = [Judge(a=names[0], b=name, precision=precision) for name in names[1:]]
            for judge in judges:
                judge.check(1)
                if precision == "float32":
                    judge.settle([Seen(step=1, phase="loss", tensor="loss", difference=1.0, noise=0.0)], None)
            return Judged(judges=judges, rounding=Rounding(precision=precision))

    errors: dict[str, WorkerError] = {}
    found = comparisons(Desk(), sides, errors, 4, "float64", lambda told, share: None)  # type: ignore[arg-type]
    assert asked == [("float64", ["a", "b", "c"]), ("float32", ["a", "b", "c"]), ("float32", ["b", "c"])]
    assert [(one.a, one.b, one.verdict) for one in found] == [("a", "b", "identical"), ("a", "c", "identical")]
    assert errors == {}


def test_no_run_is_made_of_a_config_that_its_framework_cannot_be_told() -> None:
    """XLA and recorded masks: each is there in one of the sides, and both only in a mixture of them."""
    changes = {"numerics.compile": True, "training.random": "native"}
    sides = {"a": {"framework": "tensorflow"}, "b": {"framework": "tensorflow", "changes": changes}}
    good, bad = resolve(build_spec(SPEC | {"sides": sides}))
    match = contest(good, bad, differences(good, bad))
    home, unit = good, SimpleNamespace(factor=lambda side: 1.0)
    desk = SimpleNamespace(runner=SimpleNamespace(work=None), home=home, unit=unit, contest=match, seeds=[0])
    desk._metrics = lambda: ()
    desk.side = lambda paths, seed: Runs.side(desk, paths, seed)  # type: ignore[arg-type]
    with pytest.raises(ImpossibleError, match=r"numerics\.compile: .* cannot take dropout masks from outside"):
        Runs.placed(desk, frozenset({"numerics.compile"}), 0)  # type: ignore[arg-type]


COMPILED = """
name: faster
data: {source: rows.npz, standardize: true}
model: {input: [8], layers: [{dense: {units: 64, activation: gelu}}, {dense: {units: 2, activation: softmax}}]}
loss: categorical_crossentropy
optimizer: adam
training: {batch_size: 32, epochs: 1}
metrics: [accuracy]
explain: {framework: tensorflow}
sides:
  plain: {framework: tensorflow}
  xla: {framework: tensorflow, changes: {numerics.compile: true}}
"""


@pytest.mark.sampled(4)
@pytest.mark.skipif(bool(missing("tensorflow")), reason=missing("tensorflow") or "installed")
def test_what_a_compiler_moves_is_seen_where_it_is_run_and_not_claimed_where_it_is_not(tmp_path: Path) -> None:
    offset_rows(tmp_path)
    (tmp_path / "faster.yaml").write_text(COMPILED)
    done = command("run", "faster.yaml", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    (comparison,) = result["comparisons"]
    assert comparison["uncompiled"]
    assert comparison["free"]["verdict"] == "rounding"
    assert comparison["free"]["largest"] > 0.0, "other bits"
    (found,) = result["differences"]
    strike = found["strike"]
    assert found["path"] == "numerics.compile"
    assert (strike["step"], strike["phase"]) == (1, "update")
    assert 0.0 < strike["share"] < 1e-4
    assert "taken uncompiled" in (tmp_path / "reports" / "faster" / "report.md").read_text()


@pytest.mark.sampled(4)
@pytest.mark.skipif(bool(missing("tensorflow")), reason=missing("tensorflow") or "installed")
def test_a_step_is_judged_uncompiled_with_recorded_masks_which_xla_could_not_take(tmp_path: Path) -> None:
    offset_rows(tmp_path)
    dropping = COMPILED.replace("activation: gelu}},", "activation: gelu}}, {dropout: 0.5},")
    native = dropping.replace("epochs: 1}", "epochs: 1, random: native}")
    assert native.count("dropout") == native.count("native") == 1
    (tmp_path / "faster.yaml").write_text(native)
    done = command("check", "faster.yaml", "--steps", "2", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (comparison,) = json.loads(done.stdout)["comparisons"]
    assert (comparison["verdict"], comparison["uncompiled"]) == ("identical", True)


@pytest.mark.sampled(4)
@pytest.mark.skipif(bool(missing("torch")), reason=missing("torch") or "installed")
def test_a_program_of_pytorch_compiled_alone_prints_what_the_harness_saw(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    model = {"input": [8, 3], "layers": ["flatten", {"dense": {"units": 4, "name": "logits"}}]}
    given = {"model": model, "loss": {"categorical_crossentropy": {"from_logits": True}}}
    plain = recorded("torch", tmp_path_factory, 3, **given)
    alone = recorded("torch", tmp_path_factory, 3, numerics={"compile": True}, **given)
    assert difference(np.array(alone.losses), np.array(plain.losses)) < 1e-6
    done = alone.run("--data", "data.npz", "--weights", "init.safetensors", "--steps", "3")
    assert done.returncode == 0, done.stderr
    assert [float(line) for line in done.stdout.split()] == list(alone.losses)


# ------------------------------------------------------------------------- operations that do not repeat themselves

OWN = """
import torch
from torch import nn

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(8, 2)
    def forward(self, x):
        pooled, places = nn.functional.max_pool1d(x[:, None], 2, return_indices=True)
        return self.dense(x + 0.0 * nn.functional.max_unpool1d(pooled, places, 2)[:, 0])

def build_loss():
    return nn.CrossEntropyLoss()

def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.01)
"""

BY_HAND = """
name: own
data: {source: rows.npz}
model: {input: [8], layers: [{dense: 2}]}
loss: {categorical_crossentropy: {from_logits: true}}
optimizer: {sgd: {learning_rate: 0.01}}
metrics: [accuracy]
sides:
  torch: {framework: torch}
  own: {framework: torch, program: own.py}
"""


@pytest.mark.sampled(4)
@pytest.mark.skipif(bool(missing("torch")), reason=missing("torch") or "installed")
def test_an_operation_without_a_deterministic_form_is_named_and_the_side_is_judged(tmp_path: Path) -> None:
    offset_rows(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "own.yaml").write_text(BY_HAND)
    done = command("check", "own.yaml", "--steps", "2", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert {one["verdict"] for one in result["comparisons"]} <= {"rounding", "identical"}
    (note,) = [note for note in result["notes"] if "deterministic" in note]
    assert note.startswith("own: max_unpool")
    assert note.endswith("the side is held beside its own repetition")
    (tmp_path / "own.yaml").write_text(BY_HAND.replace("metrics:", "numerics: {deterministic: false}\nmetrics:"))
    done = command("check", "own.yaml", "--steps", "2", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["notes"] == []


XLA = """
import json, sys
import numpy as np
import tensorflow as tf
from parity.frameworks.tensorflow.driver.driver import TensorFlowDriver
bindings = json.loads(sys.argv[2])
bindings["settings"] = ["tf.config.experimental.enable_op_determinism()"]
driver = TensorFlowDriver(sys.argv[1], bindings, "float32", 0, compiled=True)
x, y = np.ones((4, 6, 6, 2)), np.eye(2)[[0, 1, 0, 1]]
before = driver.weights()["dense.kernel"].copy()
losses = [driver.step(x, y, number) for number in range(2)]
assert losses[1] != losses[0], losses
print(driver.undetermined)
"""


@pytest.mark.sampled(4)
@pytest.mark.skipif(bool(missing("tensorflow")), reason=missing("tensorflow") or "installed")
def test_tensorflow_goes_on_without_determinism_where_an_operation_has_none(tmp_path: Path) -> None:
    """XLA says of the gradient of a pooling, on a CPU too, that it has no deterministic form."""
    layers = [{"conv2d": {"filters": 3, "kernel_size": 3}}, {"max_pooling2d": 2}, "flatten", {"dense": 2}]
    program = compiled(side_of("tensorflow", {"input": [6, 6, 2], "layers": layers}, numerics={"compile": True}))
    file = tmp_path / "program.py"
    file.write_text(program.source)
    command = [interpreter("tensorflow"), "-c", XLA, str(file), json.dumps(program.bindings.plain())]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['MaxPoolGrad']"


# ------------------------------------------------------------------------------------------------- no memory left


class OutOfMemoryError(RuntimeError):
    """As PyTorch calls it."""


class ResourceExhaustedError(Exception):
    """As TensorFlow calls it."""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB. GPU 1 has a total capacity of 79.10 GiB"),
         "out of memory on GPU 1, asking for 20.00 GiB; "),
        (ResourceExhaustedError("OOM when allocating tensor with shape[100,200] and type float on /job:localhost/"
                                "replica:0/task:0/device:GPU:0 by allocator GPU_0_bfc [Op:Mul]"),
         "out of memory on GPU 0, asking for shape[100,200]; "),
        (MemoryError("Unable to allocate 7.28 TiB for an array"), "out of memory, asking for 7.28 TiB; "),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 40000 bytes. Error code 12"),
         "out of memory, asking for 40000 bytes; "),
    ],
)  # fmt: skip
def test_no_memory_left_is_one_clear_line(error: BaseException, said: str) -> None:
    assert told(error) == f"{said}lower training.batch_size, or see what else runs there"
    assert is_machines(error)
