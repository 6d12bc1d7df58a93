"""Advice before training: what each rule sees, that it is silent on what is right, and where it points."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from helpers_advice import CCE, CLEAN, HIDDEN, LOGITS, SLEEPY, WRONG, Situation, dense, inputs, labels
from helpers_commands import lender
from helpers_forked import forked_defaults
from helpers_frameworks import missing
from helpers_sample import taken

from parity.advice import rules
from parity.advice.exploding_initializer import EXPLODED, growth, largest
from parity.advice.magnitudes import DRAWN, drawn, measure, size
from parity.catalog import INITIALIZERS
from parity.cli import main
from parity.code import Parameter
from parity.commands.advising import lint
from parity.data.loading import load
from parity.errors import DataError, SpecError
from parity.initializers.truncated_normal import TruncatedNormal
from parity.prepare.options import Options
from parity.result.schema import Lint
from parity.run.initial import initial_value
from parity.run.weights_file import write_weights
from parity.selftest import networks
from parity.spec import channels
from parity.spec.load import build_spec, load_spec
from parity.spec.plain import to_yaml
from parity.spec.resolve import resolve

ROOT = Path(__file__).resolve().parents[2]
NEEDS_TORCH = pytest.mark.skipif(bool(missing("torch")), reason=str(missing("torch")))


@pytest.fixture(autouse=True)
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some specs take their framework's own defaults: it is asked in a fork."""
    forked_defaults(monkeypatch)


def told(spec: Mapping[str, Any], **options: Any) -> Lint:
    built = build_spec(dict(spec))
    return lint(built, Options(**options), text=to_yaml(built), file=None)


def rules_and_sides(found: Lint) -> set[tuple[str, str]]:
    return {(one.rule, side) for one in found.advice for side in one.sides}


def wanted(situation: Situation) -> set[tuple[str, str]]:
    return {(rule, side) for rule, sides in situation.finds.items() for side in sides}


# ----------------------------------------------------------------------------------------- wrong and clean


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", WRONG)
def test_a_mistake_is_named_with_its_sides_and_nothing_else_is(name: str, tmp_path: Path) -> None:
    found = told(WRONG[name].plain(tmp_path))
    assert rules_and_sides(found) == wanted(WRONG[name])
    for one in found.advice:
        assert all([one.what, one.why, one.fix])
        assert not one.what.endswith("."), "a report ends the sentence"


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", CLEAN)
def test_nothing_is_said_of_what_is_right(name: str, tmp_path: Path) -> None:
    found = told(CLEAN[name].plain(tmp_path))
    assert not found.advice, found.advice
    assert not found.notes


def test_every_rule_has_a_spec_it_speaks_of() -> None:
    assert min(len(WRONG), len(CLEAN)) >= 50
    spoken = {rule for situation in WRONG.values() for rule in situation.finds} | {
        "dropout_in_evaluation",
        "batch_in_evaluation",
    }
    assert {rule.kind for rule in rules()} == spoken


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", WRONG)
def test_what_is_advised_makes_the_advice_go_away(name: str, tmp_path: Path) -> None:
    spec = WRONG[name].plain(tmp_path)
    found = told(spec)
    for one in found.advice:
        assert one.changes, "all there is so far a spec can mend"
        for path, value in one.changes.items():
            if path == "model.input":
                spec["model"]["input"] = value
                continue
            for side in one.sides:
                spec["sides"][side].setdefault("changes", {})[path] = value
    assert not told(spec).advice


# ------------------------------------------------------------------------------------ what is said, and where


def test_the_leaf_spec_is_advised_on_one_side_within_seconds() -> None:
    file = ROOT / "specs" / "leaf.yaml"
    text = file.read_text(encoding="utf-8")
    begun = time.process_time()
    found = lint(load_spec(file), Options(), text=text, file="specs/leaf.yaml")
    assert time.process_time() - begun < 30.0, "69 million weights are sampled, not drawn"
    assert rules_and_sides(found) == {("softmax_before_logits", "tensorflow"), ("exploding_initializer", "tensorflow")}
    lines = text.splitlines()
    by_rule = {one.rule: one for one in found.advice}
    where = {rule: lines[(one.line or 0) - 1].strip().partition(": ")[0] for rule, one in by_rule.items()}
    assert where == {"softmax_before_logits": "loss", "exploding_initializer": "layers.*.kernel_initializer"}
    assert all(one.file == "specs/leaf.yaml" for one in found.advice)
    assert by_rule["exploding_initializer"].changes == {
        "layers.{dense,dense_1,logits}.kernel_initializer": "glorot_uniform"
    }
    assert "0.6893" in by_rule["softmax_before_logits"].why, "what a surely right batch costs"


LINES = """\
name: lines
data: {{source: {folder}/rows.npz}}
model:
  input: [8]
  layers:
    - dense: {{units: 16, activation: relu}}
    - dense:
        units: 5
        activation: {activation}
        name: out
loss:
  categorical_crossentropy:
    from_logits: {logits}
optimizer: sgd
metrics: [accuracy]
sides:
  keras: {{framework: keras}}
  port:
    framework: torch
    changes:
      {change}
"""


@pytest.mark.parametrize(
    ("activation", "logits", "change", "options", "expected"),
    [
        ("linear", "false", "training.seed: 1", {}, {13: ["keras", "port"]}),
        ("linear", "true", "loss.from_logits: false", {}, {21: ["port"]}),
        ("softmax", "true", "loss: {categorical_crossentropy: {from_logits: true}}", {}, {13: ["keras"], 21: ["port"]}),
        ("linear", "false", "loss: {sigmoid_crossentropy: {from_logits: true}}", {}, {13: ["keras"]}),
        ("linear", "true", "loss: categorical_crossentropy", {}, {21: ["port"]}),
        ("linear", "true", "loss: {sigmoid_crossentropy: {recover_logits: true}}", {}, {21: ["port"]}),
        ("softmax", "false", "training.seed: 1", {"changes": {"loss.from_logits": True}}, {None: ["keras", "port"]}),
    ],
)
def test_advice_points_at_the_line_that_says_so(
    activation: str, logits: str, change: str, options: Any, expected: Any, tmp_path: Path
) -> None:
    np.savez(tmp_path / "rows.npz", X=inputs(8), y=labels())
    file = tmp_path / "lines.yaml"
    file.write_text(LINES.format(folder=tmp_path, activation=activation, logits=logits, change=change))
    found = lint(load_spec(file), Options(**options), text=file.read_text(), file=str(file))
    assert {one.line: one.sides for one in found.advice} == expected


def test_advice_on_a_layer_that_a_side_put_in_points_at_that_change(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", X=inputs(8), y=np.abs(inputs(5)) + 2.0)
    text = LINES.format(
        folder=tmp_path, activation="linear", logits="true",
        change="loss: mse\n      layers.out.after: {activation: {function: tanh, name: bounded}}",
    ).replace("metrics: [accuracy]", "metrics: []")  # fmt: skip
    file = tmp_path / "lines.yaml"
    file.write_text(text)
    found = lint(load_spec(file), Options(sides=("port",)), text=text, file=str(file))
    assert [(one.path, one.line) for one in found.advice] == [("layers.bounded.function", 22)]


def test_advice_on_the_metrics_of_one_output_leaves_those_of_another_as_they_are(tmp_path: Path) -> None:
    levels = np.random.default_rng(0).normal(size=len(inputs(8)))
    np.savez(tmp_path / "rows.npz", X=inputs(8), kinds=(levels > 0).astype(int), levels=levels)
    text = LINES.format(folder=tmp_path, activation="linear", logits="true", change="training.seed: 1")
    for old, new in (
        ("  input: [8]\n", "  input: [8]\n  outputs: {kinds: out, levels: level}\n"),
        ("units: 5", "units: 1"),
        ("rows.npz}", "rows.npz, one_hot: false}"),
        (
            "loss:\n  categorical_crossentropy:\n    from_logits: true\n",
            "loss: {kinds: sigmoid_crossentropy, levels: mse}\n",
        ),
        ("name: out\n", "name: out\n    - dense: {units: 1, inputs: dense, name: level}\n"),
        ("[accuracy]", "{kinds: [{binary_accuracy: {threshold: 0.3}}], levels: [accuracy]}"),
    ):
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "two.yaml"
    file.write_text(text)
    probabilities, one = lint(load_spec(file), Options(), text=text, file=str(file)).advice
    assert (probabilities.rule, probabilities.path) == ("logits_before_probabilities", "loss.kinds.from_logits")
    assert "layer out ends in no activation" in probabilities.what
    assert (one.rule, one.path) == ("accuracy_on_regression", "metrics.levels")
    assert one.what.startswith("metrics.levels has accuracy, ")
    metrics = {"kinds": [{"binary_accuracy": {"threshold": 0.3}}], "levels": one.changes["metrics"]["levels"]}
    assert one.changes == {"metrics": metrics}
    assert not lint(
        load_spec(file), Options(changes={**probabilities.changes, **one.changes}), text=text, file=str(file)
    ).advice


def test_what_only_the_command_line_changed_has_no_line(tmp_path: Path) -> None:
    spec = CLEAN["logits"].plain(tmp_path)
    found = told(spec, changes={"loss": "categorical_crossentropy"})
    assert [(one.rule, one.file, one.line) for one in found.advice] == [("logits_before_probabilities", None, None)]


def test_an_accuracy_that_stands_still_says_at_which_share(tmp_path: Path) -> None:
    situation = WRONG["accuracy of quantities from 0 to 1, ends among them"]
    (one,) = told(situation.plain(tmp_path)).advice
    assert f"{np.isin(situation.y, (0.0, 1.0)).mean():.1%} are exactly 0 or 1" in one.why


def test_data_that_are_missing_leave_what_needs_none(tmp_path: Path) -> None:
    spec = WRONG["a softmax before a cross-entropy from logits"].plain(tmp_path)
    spec["data"]["source"] = str(tmp_path / "elsewhere.npz")
    with pytest.raises(DataError, match=r"elsewhere.npz: there is no such file"):
        told(spec)
    refused: list[DataError] = []
    built = build_spec(spec)
    found = lint(built, Options(), text=to_yaml(built), file=None, refused=refused)
    assert rules_and_sides(found) == {("softmax_before_logits", "keras")}
    assert found.notes == ["what only the data show was not looked at: they cannot be used"]
    assert "elsewhere.npz" in str(refused[0])


# ------------------------------------------------------------------------------------------------- scales


def test_the_threshold_is_far_from_everything_that_is_right_and_everything_that_is_wrong(tmp_path: Path) -> None:
    """On a third of the networks, and on the two that make most of right and of wrong starts; all in ``make long``."""
    most = {name: networks.NETWORKS[name] for name in ("residual", "rowwise")}
    # By themselves of standard deviation 1, or all from 0 to 1, in TensorFlow.
    usual = set(INITIALIZERS) - {"ones", "truncated_normal", "random_normal", "random_uniform"}
    measured: dict[str, float] = {}
    for network in {**most, **dict(taken(networks.NETWORKS.items(), 3))}.values():
        for kind in INITIALIZERS:
            native = {"framework": "tensorflow", "defaults": "native", "changes": {"layers.*.kernel_initializer": kind}}
            spec = {"name": "scale", "data": {"source": "rows.npz"}, "optimizer": "sgd", "loss": network.loss,
                    "model": network.model, "sides": {"native": native}}  # fmt: skip
            try:
                side = resolve(build_spec(spec))[0]
            except SpecError:
                continue  # constant needs a value
            scales = measure(side, networks.dataset(network))
            worst = largest(scales) if scales else None
            assert scales is not None
            assert worst is not None
            measured[kind] = max(measured.get(kind, 0.0), growth(scales, worst))
    largest_usual = max(measured[kind] for kind in usual & set(measured))
    assert largest_usual > 1.0
    assert largest_usual < EXPLODED / 10
    assert measured["truncated_normal"] < EXPLODED, "standard deviation 1 does little harm with few inputs"
    assert measured["ones"] > EXPLODED * 2
    assert measured["random_uniform"] > EXPLODED * 2, "numbers that are all above 0 add up as ones do"
    spec = WRONG["weights of standard deviation 1 on one side"].plain(tmp_path)
    side = resolve(build_spec(spec))[1]
    scales = measure(side, load(side.config.data))
    assert scales is not None
    assert all(growth(scales, one) > EXPLODED * 5 for one in [largest(scales)] if one is not None)


def test_a_large_tensor_that_is_sampled_has_the_size_of_one_that_is_drawn() -> None:
    start = TruncatedNormal(stddev=0.3)
    large = Parameter(shape=(2000, 700), initializer=start, fan_in=2000, fan_out=700, feeds=2000)
    assert DRAWN < 2000 * 700
    kept, whole = drawn(3, "a.kernel", large), initial_value(3, "a.kernel", large)
    assert kept.shape == whole.shape
    assert size(kept) == pytest.approx(size(whole), rel=0.01)
    x = np.maximum(inputs(2000), 0.0)
    assert size(x @ kept) == pytest.approx(size(x @ whole), rel=0.05)
    small = Parameter(shape=(20, 7), initializer=start, fan_in=20, fan_out=7, feeds=20)
    assert np.array_equal(drawn(3, "a.kernel", small), initial_value(3, "a.kernel", small))


# ------------------------------------------------------------------------------------- shapes and channels


def test_one_target_against_several_outputs_is_refused_by_whatever_looks_at_the_data(tmp_path: Path) -> None:
    spec = Situation(layers=[HIDDEN, dense(4)], loss="mse", y=inputs(1)).plain(tmp_path)
    with pytest.raises(DataError, match=r"gives \(4,\).* one value would be compared with several"):
        told(spec)


@pytest.mark.parametrize(
    ("given", "data", "says"),
    [
        ([3, 8, 8], {}, "set model.input: [8, 8, 3] and data.transpose: [1, 2, 0]"),
        ([1, 8, 9], {"transpose": [2, 0, 1]}, "set model.input: [8, 9, 1] and data.transpose: [0, 1, 2]"),
    ],
)
def test_a_shape_that_becomes_impossible_says_which_axis_looks_like_channels(given: Any, data: Any, says: str) -> None:
    layers = [{"conv2d": {"filters": 2, "kernel_size": 3}}, {"conv2d": {"filters": 2, "kernel_size": 3}}]
    assert_axis_is_named(given, data, layers, 0, says)


def test_it_says_so_of_layers_that_read_channels_first(tmp_path: Path) -> None:
    layers = [{"conv2d": {"filters": 2, "kernel_size": 3, "data_format": "channels_first"}}] * 2
    says = "layers read channels_first: set model.input: [3, 8, 8] and data.transpose: [2, 0, 1]"
    assert_axis_is_named([8, 8, 3], {}, layers, 2, says)


def assert_axis_is_named(given: list[int], data: Any, layers: list[Any], axis: int, says: str) -> None:
    spec = {"name": "cube", "data": {"source": "rows.npz", **data}, "model": {"input": given, "layers": layers},
            "loss": "mse", "optimizer": "sgd"}  # fmt: skip
    with pytest.raises(SpecError) as caught:
        build_spec(spec)
    (fault,) = caught.value.faults
    assert f"axis {axis} of model.input {given} looks like the {given[axis]} channels" in fault.fix
    assert says in fault.fix


@pytest.mark.parametrize(
    ("given", "read"), [([6, 6, 3], "channels_last"), ([16, 16, 3], "channels_last"), ([3, 16, 16], "channels_first")]
)
def test_a_shape_that_becomes_impossible_for_another_reason_says_nothing_of_channels(given: Any, read: str) -> None:
    layers = [{"conv2d": {"filters": 2, "kernel_size": 19, "data_format": read}}]
    spec = {"name": "short", "data": {"source": "rows.npz"}, "model": {"input": given, "layers": layers},
            "loss": "mse", "optimizer": "sgd"}  # fmt: skip
    with pytest.raises(SpecError) as caught:
        build_spec(spec)
    assert "channels" not in caught.value.faults[0].fix


def test_rows_in_another_order_than_the_model_reads_say_which(tmp_path: Path) -> None:
    spec = CLEAN["pictures with their colours last"].plain(tmp_path)
    np.savez(tmp_path / "rows.npz", X=inputs(3, 16, 16), y=labels())
    with pytest.raises(DataError, match=r"looks like the 3 channels; set data.transpose: \[1, 2, 0\]"):
        told(spec)
    spec["data"]["transpose"] = [1, 2, 0]
    assert not told(spec).advice


@pytest.mark.parametrize(
    ("given", "wanted_", "order"),
    [
        ((3, 8, 8), (8, 8, 3), [1, 2, 0]), ((8, 8, 3), (3, 8, 8), [2, 0, 1]), ((4, 5), (5, 4), [1, 0]),
        ((4, 5), (4, 6), None),
    ],
)  # fmt: skip
def test_an_order_of_axes_is_found(given: Any, wanted_: Any, order: Any) -> None:
    assert channels.reordering(given, wanted_) == order


# ------------------------------------------------------------------------------- programs written by hand


@pytest.mark.parametrize(
    ("training", "finds"), [("", {("dropout_in_evaluation", "port")}), (", self.training", set())], ids=["on", "off"]
)
@NEEDS_TORCH
def test_dropout_that_is_on_in_evaluation_is_found(training: str, finds: Any, tmp_path: Path) -> None:
    program = tmp_path / "port.py"
    program.write_text(SLEEPY.replace("{training}", training))
    layers = [HIDDEN, {"dropout": 0.5}, dense(5, name="out")]
    spec = Situation(layers=layers, loss={CCE: LOGITS}).plain(tmp_path)
    spec["sides"] = {"keras": {"framework": "keras"}, "port": {"framework": "torch", "program": str(program)}}
    with lender():
        found = told(spec)
    assert rules_and_sides(found) == finds
    assert not found.notes


@pytest.mark.parametrize(
    ("undone", "finds"), [("self.norm.train()", {("batch_in_evaluation", "port")}), ("pass", set())], ids=["on", "off"]
)
@NEEDS_TORCH
def test_batch_norm_left_in_training_mode_in_evaluation_is_found(undone: str, finds: Any, tmp_path: Path) -> None:
    program = tmp_path / "port.py"
    source = SLEEPY.replace("x = nn.functional.dropout(x, 0.5{training})", f"{undone}\n        x = self.norm(x)")
    program.write_text(source.replace("self.out = ", "self.norm = nn.BatchNorm1d(16)\n        self.out = "))
    layers = [HIDDEN, {"batch_norm": {"name": "norm"}}, dense(5, name="out")]
    spec = Situation(layers=layers, loss={CCE: LOGITS}).plain(tmp_path)
    spec["sides"] = {"port": {"framework": "torch", "program": str(program)}}
    with lender():
        found = told(spec)
    assert rules_and_sides(found) == finds
    assert not found.notes


@NEEDS_TORCH
def test_a_program_that_cannot_be_run_is_said_and_nothing_is_made_up(tmp_path: Path) -> None:
    program = tmp_path / "port.py"
    program.write_text("raise RuntimeError('no such device')\n")
    spec = Situation(layers=[HIDDEN, dense(5)], loss={CCE: LOGITS}).plain(tmp_path)
    spec["sides"] = {"port": {"framework": "torch", "program": str(program)}}
    with lender():
        found = told(spec)
    assert not found.advice
    assert "no such device" in found.notes[0]


# --------------------------------------------------------------------------------------------- command line


def test_the_verb_says_what_where_and_how_and_exits_1(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["lint", str(ROOT / "specs" / "leaf_small.yaml")])
    assert done.exit_code == 1
    assert "leaf_small.yaml:" in done.output
    assert "Fix: set layers.logits.activation: linear" in done.output
    assert "2 pieces of advice" in done.output


def test_the_verb_is_silent_on_one_side_and_exits_0() -> None:
    done = CliRunner().invoke(main, ["lint", str(ROOT / "specs" / "leaf_small.yaml"), "--side", "keras", "--json"])
    assert done.exit_code == 0
    found = Lint.model_validate(json.loads(done.output))
    assert (found.sides, found.advice, found.notes) == (["keras"], [], [])


def test_a_fault_in_the_spec_exits_2(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text("name: [")
    assert CliRunner().invoke(main, ["lint", str(file)]).exit_code == 2


def test_a_change_is_looked_at_as_if_it_were_in_the_spec() -> None:
    arguments = ["lint", str(ROOT / "specs" / "leaf_small.yaml"), "--side", "keras", "--set", "loss.from_logits=true"]
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == 1
    assert [one["rule"] for one in json.loads(done.output)["advice"]] == ["softmax_before_logits"]


# ------------------------------------------------------------------------------------ weights from a file


def test_updates_are_tried_from_the_weights_that_a_file_has_and_the_file_is_blamed(tmp_path: Path) -> None:
    spec = Situation(layers=[dense(16, "tanh", name="hidden"), dense(5, "softmax", name="out")], loss=CCE).plain(
        tmp_path
    )
    assert not told(spec).advice
    side = resolve(build_spec(spec))[0]
    file = tmp_path / "start.safetensors"
    write_weights(file, {name: np.zeros(one.shape) for name, one in side.parameters().items()})
    found = told({**spec, "training": {"initial_weights": str(file)}})
    (one,) = found.advice
    assert (one.rule, one.path, one.changes) == (
        "alike_units", "training.initial_weights", {"training.initial_weights": None},
    )  # fmt: skip
    assert one.what.startswith(f"training.initial_weights is {file}: all units of hidden start with the same weights")
