"""Specs with several outputs: what may be said, what is refused and where, what changes and differences mean."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from parity.errors import SpecError
from parity.spec.differences import differences, mixed
from parity.spec.heads import joined
from parity.spec.load import parse_spec
from parity.spec.paths import at
from parity.spec.plain import to_yaml
from parity.spec.resolve import Resolved, resolve

BASE = (Path(__file__).resolve().parents[2] / "specs" / "two_outputs.yaml").read_text()
SIAMESE = (Path(__file__).resolve().parents[2] / "specs" / "siamese.yaml").read_text()
OUTPUTS = "outputs: {wave: shape, pitch: speed}"
LOSSES = BASE[BASE.index("loss:") : BASE.index("optimizer:")]
METRICS = "metrics: {wave: [accuracy], pitch: [mae]}"


def line(text: str, part: str) -> int:
    return next(number for number, one in enumerate(text.splitlines(), 1) if part in one)


FAULTS: dict[str, tuple[str, str, str, str, str]] = {
    "a layer that is not there": (
        OUTPUTS, "outputs: {wave: shapes, pitch: speed}", "outputs:", "model.outputs.wave", "did you mean 'shape'?"
    ),
    "one output": (OUTPUTS, "outputs: {wave: shape}", "outputs:", "model.outputs", "two outputs or more"),
    "one layer twice": (
        OUTPUTS, "outputs: {wave: shape, pitch: shape}", "outputs:", "model.outputs", "a layer of its own for each"
    ),
    "a name that has a meaning": (
        OUTPUTS, "outputs: {wave: shape, copy: speed}", "outputs:", "model.outputs.copy", "such as copy_output"
    ),
    "a name of validation": (
        OUTPUTS, "outputs: {wave: shape, val: speed}", "outputs:", "model.outputs.val", "is of the validation rows"
    ),
    "a name that begins with it": (
        OUTPUTS, "outputs: {wave: shape, val_wave: speed}", "outputs:", "model.outputs.val_wave", "not val_wave"
    ),
    "a layer behind no output": (
        OUTPUTS, "outputs: {wave: shape, pitch: rate}", "name: speed", "model.layers[9].dense",
        "nothing that leads to an output reads speed",
    ),
    "an output without a loss": (
        "  wave: categorical_crossentropy\n", "", "loss:", "loss", "output wave has no loss"
    ),
    "a loss without an output": (
        "  wave: categorical_crossentropy\n", "  wave: categorical_crossentropy\n  wav: mse\n", "wav: mse", "loss.wav",
        "did you mean 'wave'?",
    ),
    "a loss that is none": (
        "  wave: categorical_crossentropy\n", "  wave: categorical_crosentropy\n", "crosentropy", "loss.wave",
        "unknown loss 'categorical_crosentropy'",
    ),
    "one loss": (LOSSES, "loss: mse\n", "loss: mse", "loss", "write loss: {wave: ..., pitch: ...}"),
    "one list of metrics": (METRICS, "metrics: [accuracy]", "metrics:", "metrics", "write metrics: {wave: [accuracy]}"),
    "metrics of no output": (
        METRICS, "metrics: {wav: [accuracy]}", "metrics:", "metrics.wav", "did you mean 'wave'?"
    ),
    "a metric that is none": (METRICS, "metrics: {wave: [acuracy]}", "metrics:", "metrics.wave[0]", "unknown metric"),
    "targets of one array": (
        "validation_split: 0.2}", "validation_split: 0.2, y: wave}", "data:", "data.y", "1 array of targets"
    ),
    "a form for all": (
        "validation_split: 0.2}", "validation_split: 0.2, targets: index}", "data:", "data.targets", "several outputs"
    ),
    "labels of no array": (
        "validation_split: 0.2}", "validation_split: 0.2, one_hot: [wav]}", "data:", "data.one_hot",
        "did you mean 'wave'?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_not_right_is_said_with_its_line(name: str) -> None:
    old, new, there, path, told = FAULTS[name]
    text = BASE.replace(old, new)
    assert text != BASE
    with pytest.raises(SpecError) as caught:
        parse_spec(text, "two.yaml")
    fault = next(one for one in caught.value.faults if one.path == path)
    assert told in str(fault)
    assert fault.line == line(text, there)


@pytest.mark.parametrize("named", ["", ", x: [left, right]"])
@pytest.mark.parametrize("step", ["scale: 0.5", "standardize: true", "reshape: [12]", "transpose: [0]"])
def test_several_inputs_come_as_they_are_stored(step: str, named: str) -> None:
    text = SIAMESE.replace("{source: twins,", f"{{source: twins{named}, {step},")
    with pytest.raises(SpecError) as caught:
        parse_spec(text, "siamese.yaml")
    (fault,) = caught.value.faults
    assert fault.path == f"data.{step.partition(':')[0]}"
    assert fault.line == line(text, "data:")
    assert "of several inputs; expected them stored as the model reads them" in str(fault)


def test_a_side_may_not_prepare_several_inputs_either() -> None:
    text = f"{SIAMESE}sides:\n  a: {{framework: keras}}\n  b: {{framework: torch, changes: {{data.scale: 0.5}}}}\n"
    with pytest.raises(SpecError, match=re.escape("sides.b.changes.data.scale: scale of several inputs")):
        parse_spec(text)


@pytest.mark.parametrize("text", [BASE, SIAMESE], ids=["outputs", "inputs"])
def test_what_is_written_out_whole_says_the_same(text: str) -> None:
    spec = parse_spec(text)
    (whole,), (wanted,) = (resolve(one, ["keras"]) for one in (parse_spec(to_yaml(spec)), spec))
    assert whole.config == wanted.config


def test_losses_by_name_are_refused_where_the_model_names_no_outputs() -> None:
    text = BASE.replace(f"  {OUTPUTS}\n", "").replace("inputs: trunk", "inputs: shape")
    with pytest.raises(SpecError) as caught:
        parse_spec(text)
    told = str(caught.value)
    assert "a loss for each of wave, pitch, and the model has one output" in told
    assert "name the outputs under model.outputs" in told
    assert "write a list: the model has one output" in told


def sides(changes: dict[str, Any]) -> tuple[Resolved, Resolved]:
    import json

    text = f"{BASE}sides:\n  a: {{framework: keras}}\n  b: {{framework: torch, changes: {json.dumps(changes)}}}\n"
    one, other = resolve(parse_spec(text))
    return one, other


def test_losses_are_reached_by_the_names_of_the_outputs() -> None:
    a, b = sides({
        "loss.pitch.weight": 1.0, "loss.wave": {"categorical_crossentropy": {"label_smoothing": 0.1}},
        "loss.pitch.delta": 1.0,
    })  # fmt: skip
    found = {one.path: (one.a, one.b) for one in differences(a, b)}
    assert found == {
        "loss.wave.label_smoothing": ("0.0", "0.1"), "loss.pitch.weight": ("0.5", "1.0"),
        "loss.pitch.delta": ("0.5", "1.0"),
    }  # fmt: skip
    assert at(mixed(a.config, b.config, {"loss.pitch.weight"}), "loss.pitch.weight") == 1.0
    assert b.origin("loss.pitch.weight") == "side b"
    assert b.views["pitch"].origin("loss.weight") == "side b"
    assert a.origin("loss.pitch.weight") == "spec"


def test_a_loss_of_another_kind_is_one_difference_of_its_output() -> None:
    a, b = sides({"loss.pitch": "mse"})
    assert [one.path for one in differences(a, b)] == ["loss.pitch", "loss.pitch.weight"]
    whole = sides({"loss": {"wave": "categorical_crossentropy", "pitch": "mse"}})
    assert [one.path for one in differences(*whole)] == ["loss.pitch", "loss.pitch.weight"]


def test_what_a_loss_does_not_read_is_inert_by_the_activation_of_its_own_output() -> None:
    """Behind a softmax from_logits says nothing in Keras; of the other output there is no softmax."""
    a, b = sides({"loss.wave": {"categorical_crossentropy": {"recover_logits": False, "from_logits": True}},
                  "loss.pitch.broadcast": "stretch"})  # fmt: skip
    reasons = {one.path: one.reason for one in differences(a, b)}
    assert reasons["loss.pitch.broadcast"]
    assert set(reasons) == {"loss.wave.from_logits", "loss.wave.recover_logits", "loss.pitch.broadcast"}


def test_an_output_goes_along_with_layers_that_come_and_go() -> None:
    _, b = sides({"layers.speed.after": {"activation": "tanh"}})
    assert dict(b.config.model.outputs) == {"wave": "shape", "pitch": "activation"}
    a, b = sides({"layers.speed": None, "layers.rate.units": 1, "layers.relu": None})
    assert dict(b.config.model.outputs) == {"wave": "shape", "pitch": "rate"}
    assert b.graph.outputs[1].shape == (1,)
    taken = {path for one in differences(a, b) for path in one.paths}
    assert mixed(a.config, b.config, taken).model.outputs == b.config.model.outputs
    assert mixed(a.config, b.config, set()).model.outputs == a.config.model.outputs
    assert mixed(b.config, a.config, taken).model.outputs == a.config.model.outputs


def test_a_block_may_give_an_output() -> None:
    lines = [one for one in BASE.splitlines() if "name: rate" not in one]
    head = "- block: {name: speed, inputs: trunk, repeat: 2, layers: [{dense: {units: 1, name: own}}]}"
    text = "\n".join(lines).replace("- dense: {units: 1, name: speed}", head)
    (side,) = resolve(parse_spec(text), ("keras",))
    assert [value.name for value in side.graph.outputs] == ["shape", "speed_2_own"]


def test_a_head_of_another_width_is_one_difference_with_its_own_loss_and_no_other() -> None:
    a, b = sides({"layers.speed.units": 2, "loss.pitch": "mse", "loss.wave.label_smoothing": 0.1})
    paths = [one.path for one in joined(a, b, differences(a, b))]
    assert paths == ["layers.speed.units + loss.pitch + loss.pitch.weight", "loss.wave.label_smoothing"]


def test_metrics_are_called_after_their_outputs_as_in_keras() -> None:
    (side,) = resolve(parse_spec(BASE), ("keras",))
    assert [one.name for one in side.measured] == ["wave_accuracy", "pitch_mae"]
    assert [one.metric.label() for one in side.metrics()] == ["categorical_accuracy of wave", "mae of pitch"]
    assert side.formula.startswith("wave: softmax cross-entropy")
    assert "; pitch: " in side.formula
