"""Programs written by hand: how their tensors are matched, and that a port is judged as a compiled program is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers_frameworks import FRAMEWORKS, compiled, missing, side_of
from helpers_ports import (
    ADAM,
    FUNCTIONAL,
    KERAS_ADAM,
    MODEL,
    MOMENTUM,
    PORTS,
    RAW,
    Port,
    judged,
    matched,
    port,
)

from parity.compare.judge import Judge
from parity.compile.match import Match, match
from parity.errors import SpecError, UsageError, WorkerError
from parity.run.driver.layouts import mask_layout
from parity.selftest.pair_bench import TestBench
from parity.spec.load import build_spec, parse_spec
from parity.spec.own_program import OwnProgram

# ---------------------------------------------------------------------------------- on invented inventories

DENSE = {"dense": {"units": 6, "activation": "relu", "name": "first"}}, {"dense": {"units": 6, "name": "last"}}
SQUARE = {"input": [6], "layers": list(DENSE)}
SGD = {"sgd": {"learning_rate": 0.1, "momentum": 0.9}}


def parameters(*told: tuple[str, Sequence[int]], trainable: bool = True) -> list[dict[str, Any]]:
    return [{"path": path, "shape": list(shape), "trainable": trainable} for path, shape in told]


def invented(
    found: list[dict[str, Any]],
    layers: Mapping[str, str] | None = None,
    *,
    framework: str = "torch",
    model: Mapping[str, Any] = SQUARE,
    names: Mapping[str, str] | None = None,
    optimizer: Any = SGD,
    kind: str = "SGD",
    attributes: Sequence[str] = (),
) -> Match:
    """Match an invented inventory to a config."""
    side = side_of(framework, model, optimizer=optimizer)
    own = OwnProgram(file="port.py", map=dict(names or {}))
    inventory = {
        "parameters": found,
        "layers": [{"path": path, "kind": one} for path, one in (layers or {"anything": "Linear"}).items()],
        "optimizer": kind,
        "learning_rate": 0.1,
        "attributes": list(attributes),
    }
    return match(side, own, compiled(side), inventory)


def paths(found: Match) -> dict[str, str]:
    return {name: place.attribute for name, place in found.bindings.weights.items()}


FOUR = parameters(("a.weight", (6, 6)), ("a.bias", (6,)), ("b.weight", (6, 6)), ("b.bias", (6,)))


def test_a_parameter_that_is_mapped_to_a_module_is_looked_for_in_it() -> None:
    model = {"input": [5, 5, 2], "layers": [{"separable_conv2d": {"filters": 3, "kernel_size": 3, "name": "sep"}}]}
    found = invented(
        parameters(("b.pw.weight", (3, 2, 1, 1)), ("b.pw.bias", (3,)), ("b.dw.weight", (2, 1, 3, 3))),
        {"b.dw": "Conv2d", "b.pw": "Conv2d"}, model=model, names={"sep": "b.pw", "sep.depthwise_kernel": "b.dw"},
    )  # fmt: skip
    assert paths(found) == {"sep.depthwise_kernel": "b.dw.weight", "sep.pointwise_kernel": "b.pw.weight",
                            "sep.bias": "b.pw.bias"}  # fmt: skip
    assert found.missing == []


PLACES: list[tuple[str, dict[str, Any], dict[str, tuple[str, str]]]] = [
    ("abc", {}, {"first": ("b", "input"), "second": ("b", "output")}),
    ("abc", {"padded": ("second",)}, {"first": ("a", "output"), "second": ("b", "output")}),  # Zeros come with it.
    ("abc", {"cut": ("second",)}, {"first": ("b", "input"), "second": ("c", "input")}),  # b gives more than it.
    ("abc", {"padded": ("third",), "cut": ("second",)}, {"first": ("b", "input")}),
    ("named", {}, {"first": ("second", "input"), "second": ("second", "output")}),
    ("named", {"cut": ("second",)}, {"first": ("second", "input"), "second": ("third", "input")}),
]  # fmt: skip


@pytest.mark.parametrize(("called", "said", "seen"), PLACES)
def test_what_is_padded_ahead_of_a_module_or_cut_behind_it_is_not_its_own(
    called: str, said: dict[str, Any], seen: dict[str, tuple[str, str]]
) -> None:
    conv = {"filters": 2, "kernel_size": 3, "padding": 1}
    names = ("first", "second", "third")
    layers = [{"conv2d": {**conv, "name": one, **({"activation": "relu"} if one == "first" else {})}} for one in names]
    side = side_of("torch", {"input": [6, 6, 2], "layers": layers}, optimizer=SGD)
    there = names if called == "named" else tuple(called)
    inventory = {
        "parameters": parameters(*((f"{one}.{name}", shape) for one in there
                                   for name, shape in (("weight", (2, 2, 3, 3)), ("bias", (2,))))),
        "layers": [{"path": one, "kind": "Conv2d", "plain": True} for one in there],
        "optimizer": "SGD", "learning_rate": 0.1, "attributes": [],
    }  # fmt: skip
    found = match(side, OwnProgram(file="port.py", **said), compiled(side), inventory).bindings.outputs
    assert {name: (one.attribute, one.point) for name, one in found.items() if name in ("first", "second")} == seen


def test_names_unlike_the_specs_are_matched_in_order() -> None:
    found = invented(FOUR)
    assert paths(found) == {"first.kernel": "a.weight", "first.bias": "a.bias", "last.kernel": "b.weight",
                            "last.bias": "b.bias"}  # fmt: skip
    assert not [text for text in found.unmatched if "(weights)" in text or "parameter" in text]


def test_a_name_goes_before_the_order() -> None:
    swapped = parameters(("last.weight", (6, 6)), ("last.bias", (6,)), ("x.weight", (6, 6)), ("x.bias", (6,)))
    assert paths(invented(swapped)) == {"first.kernel": "x.weight", "first.bias": "x.bias",
                                        "last.kernel": "last.weight", "last.bias": "last.bias"}  # fmt: skip


@pytest.mark.parametrize(
    ("framework", "kernel", "bias"),
    [
        ("torch", "last.weight", "last.bias"),
        ("torch", "last.kernel", "last.bias"),
        ("torch", "last_kernel", "last_bias"),
        ("tensorflow", "last_kernel", "last_bias"),
        ("keras", "last.kernel", "last.bias"),
    ],
)
def test_parameters_named_after_the_spec_are_known(framework: str, kernel: str, bias: str) -> None:
    there = parameters((kernel, (6, 6)), ("w", (6, 6)), (bias, (6,)), ("b", (6,)))
    found = invented(there, framework=framework)
    assert paths(found) == {"first.kernel": "w", "first.bias": "b", "last.kernel": kernel, "last.bias": bias}


def test_the_map_goes_before_the_name() -> None:
    there = parameters(("first.weight", (6, 6)), ("first.bias", (6,)), ("last.weight", (6, 6)), ("last.bias", (6,)))
    found = invented(there, names={"first.kernel": "last.weight", "last.kernel": "first.weight"})
    assert paths(found) == {"first.kernel": "last.weight", "first.bias": "first.bias", "last.kernel": "first.weight",
                            "last.bias": "last.bias"}  # fmt: skip


def test_a_mapped_layer_brings_its_parameters() -> None:
    layers = {"a": "Linear", "b": "Linear"}
    found = invented(FOUR, layers, names={"first": "b", "last": "a"})
    assert paths(found) == {"first.kernel": "b.weight", "first.bias": "b.bias", "last.kernel": "a.weight",
                            "last.bias": "a.bias"}  # fmt: skip


def test_a_layer_is_mapped_to_the_stem_of_variables_that_are_no_modules() -> None:
    """As raw TensorFlow's are: what a layer is called is only in their names, and nothing is called that alone."""
    there = parameters(("last_kernel", (6, 6)), ("last_bias", (6,)), ("end_kernel", (6, 6)), ("end_bias", (6,)))
    found = invented(there, framework="tensorflow", names={"first": "last", "last": "end"})
    assert paths(found) == {"first.kernel": "last_kernel", "first.bias": "last_bias", "last.kernel": "end_kernel",
                            "last.bias": "end_bias"}  # fmt: skip
    with pytest.raises(UsageError, match=r"map first: port\.py has no 'las'"):
        invented(there, framework="tensorflow", names={"first": "las"})


def test_an_attention_keeps_its_kernels_by_heads_in_keras() -> None:
    attention = {"multi_head_attention": {"num_heads": 2, "key_dim": 3, "name": "attention"}}
    kernels = {"query": (4, 2, 3), "key": (4, 2, 3), "value": (4, 2, 3), "output": (2, 3, 4)}
    biases = {"query": (2, 3), "key": (2, 3), "value": (2, 3), "output": (4,)}
    there = [one for part in kernels for one in parameters(
        (f"look.{part}_dense.kernel", kernels[part]), (f"look.{part}_dense.bias", biases[part]))]  # fmt: skip
    model = {"input": [5, 4], "layers": [attention]}
    found = invented(there, framework="keras", model=model)
    assert paths(found) == {f"attention.{part}_{kind}": f"look.{part}_dense.{kind}"
                            for part in kernels for kind in ("kernel", "bias")}  # fmt: skip
    assert not found.missing
    other = [one | {"path": one["path"].replace("_dense", "_made")} for one in there]
    assert "attention.query_kernel" in invented(other, framework="keras", model=model).missing


def test_what_the_map_says_of_a_parameter_goes_before_what_it_says_of_its_layer() -> None:
    found = invented(FOUR, {"a": "Linear", "b": "Linear"}, names={"first": "b", "last": "a", "first.bias": "a.bias"})
    assert paths(found)["first.bias"] == "a.bias"
    assert paths(found)["last.bias"] == "b.bias"


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_in_which_the_map_is_written_does_not_matter(order: int) -> None:
    names = dict([("first", "b"), ("first.bias", "a.bias")][::order])
    assert paths(invented(FOUR, {"a": "Linear", "b": "Linear"}, names=names))["first.bias"] == "a.bias"


def test_a_shape_that_does_not_fit_is_passed_over() -> None:
    model = {
        "input": [6],
        "layers": [{"dense": {"units": 4, "name": "first"}}, {"dense": {"units": 7, "name": "last"}}],
    }
    there = parameters(("b.weight", (7, 4)), ("b.bias", (7,)), ("a.weight", (4, 6)), ("a.bias", (4,)))
    assert paths(invented(there, model=model)) == {
        "first.kernel": "a.weight", "first.bias": "a.bias", "last.kernel": "b.weight", "last.bias": "b.bias",
    }  # fmt: skip


def test_a_square_kernel_is_taken_to_lie_as_the_framework_has_it() -> None:
    assert invented(FOUR).bindings.weights["first.kernel"].axes == (1, 0)
    for framework in ("keras", "tensorflow"):
        assert invented(FOUR, framework=framework).bindings.weights["first.kernel"].axes is None


def test_a_kernel_in_canonical_layout_is_taken_as_it_lies() -> None:
    model = {"input": [5], "layers": [{"dense": {"units": 6, "name": "only"}}]}
    for shape, axes in (((6, 5), (1, 0)), ((5, 6), None)):
        found = invented(parameters(("w", shape), ("b", (6,))), model=model)
        assert found.bindings.weights["only.kernel"].axes == axes
    convolution = {"input": [8, 3], "layers": [{"conv1d": {"filters": 4, "kernel_size": 2, "name": "only"}}]}
    for shape, axes in (((4, 3, 2), (2, 1, 0)), ((2, 3, 4), None)):
        found = invented(parameters(("w", shape), ("b", (4,))), model=convolution)
        assert found.bindings.weights["only.kernel"].axes == axes


NORMED = {"input": [6], "layers": [{"batch_norm": {"name": "norm"}}]}


def test_running_statistics_are_never_matched_to_what_is_trained() -> None:
    there = parameters(("a", (6,)), ("b", (6,)), ("c", (6,)), ("d", (6,)))
    found = invented(there, model=NORMED)
    assert paths(found) == {"norm.gamma": "a", "norm.beta": "b"}
    assert "norm.moving_mean (weights): port.py has no such parameter" in found.unmatched
    assert "norm.moving_variance (weights): port.py has no such parameter" in found.unmatched
    assert [one["path"] for one in found.extras] == ["c", "d"]
    kept = parameters(("a", (6,)), ("b", (6,))) + parameters(("c", (6,)), ("d", (6,)), trainable=False)
    assert paths(invented(kept, model=NORMED))["norm.moving_variance"] == "d"


def test_what_is_trained_is_not_matched_to_a_buffer_while_there_is_something_trained() -> None:
    kept = parameters(("c", (6,)), ("d", (6,)), trainable=False) + parameters(("a", (6,)), ("b", (6,)))
    assert paths(invented(kept, model=NORMED)) == {"norm.gamma": "a", "norm.beta": "b", "norm.moving_mean": "c",
                                                   "norm.moving_variance": "d"}  # fmt: skip


def test_a_frozen_parameter_is_still_a_parameter() -> None:
    there = parameters(("w", (6, 6)), trainable=False) + parameters(("b", (6,)))
    found = invented(there, model={"input": [6], "layers": [DENSE[1]]})
    assert paths(found) == {"last.kernel": "w", "last.bias": "b"}
    assert found.bindings.weights["last.kernel"].trainable


def test_what_finds_no_counterpart_is_said_in_words() -> None:
    there = parameters(("a.weight", (6, 6)), ("a.bias", (6,)), ("b.weight", (7, 6)))
    found = invented(there)
    assert "last.kernel (weights): port.py has no such parameter" in found.unmatched
    assert "last.bias (weights): port.py has no such parameter" in found.unmatched
    assert [one["path"] for one in found.extras] == ["b.weight"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"frist": "a"}, r"map 'frist': the spec has no such layer or parameter; did you mean 'first'\?"),
        ({"first.kernal": "a.weight"}, r"did you mean 'first.kernel'\?"),
        ({"first.kernel": "a.wieght"}, r"map first.kernel: port.py has no 'a.wieght'.*did you mean 'a.weight'\?"),
        ({"first": "bb"}, r"port.py has no 'bb'; one of a, a.bias, a.weight, b, b.bias, b.weight$"),
    ],
)
def test_a_map_to_what_is_not_there_says_what_is(names: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        invented(FOUR, {"a": "Linear", "b": "Linear"}, names=names)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (
            {"first.kernel": "a.bias"},
            r"map first.kernel: a.bias of port.py has shape \(6,\); it cannot be first.kernel",
        ),
        ({"first.bias": "a.bias", "last.bias": "a.bias"}, r"map last.bias: a.bias of port.py .* is mapped already"),
        (
            {"first.bias": "c"},
            r"map first.bias: c of port.py is no parameter; it cannot be first.bias of shape \(6,\)",
        ),
    ],
)
def test_a_map_to_what_does_not_fit_is_refused(names: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        invented(FOUR, {"a": "Linear", "b": "Linear", "c": "ReLU"}, names=names)


def test_a_map_of_a_running_statistic_to_what_is_trained_is_refused() -> None:
    there = parameters(("a", (6,)), ("b", (6,)), ("c", (6,)))
    with pytest.raises(UsageError, match=r"map norm.moving_mean: c .* norm.moving_mean, a running statistic, of"):
        invented(there, model=NORMED, names={"norm.moving_mean": "c"})


@pytest.mark.parametrize(
    ("optimizer", "kind", "slots"),
    [
        ({"sgd": {"learning_rate": 0.1, "momentum": 0.9}}, "SGD", {"velocity": ("momentum_buffer", -0.1)}),
        ({"adam": {}}, "Adam", {"m": ("exp_avg", 1.0), "v": ("exp_avg_sq", 1.0)}),
        ({"adamw": {}}, "AdamW", {"m": ("exp_avg", 1.0), "v": ("exp_avg_sq", 1.0)}),
        ({"rmsprop": {}}, "RMSprop", {"velocity": ("square_avg", 1.0)}),
        ({"nadam": {}}, "NAdam", {"m": ("exp_avg", 1.0), "v": ("exp_avg_sq", 1.0), "u_product": ("mu_product", 1.0)}),
    ],
)
def test_slots_of_pytorchs_optimizers_are_known(optimizer: Any, kind: str, slots: dict[str, Any]) -> None:
    found = invented(FOUR, optimizer=optimizer, kind=kind)
    assert dict(found.bindings.slots) == slots
    assert not [text for text in found.unmatched if "slot" in text]


def test_slots_of_an_optimizer_of_ones_own_are_not() -> None:
    found = invented(FOUR, kind="Optimizer")
    assert found.bindings.slots == {}
    assert "optimizer slot velocity: not found in port.py, which keeps its own" in found.unmatched


def test_slots_elsewhere_are_known_by_the_attribute_that_holds_them() -> None:
    side = side_of("tensorflow", SQUARE, optimizer=SGD)
    attribute = compiled(side).bindings.slots["velocity"][0]
    assert invented(FOUR, framework="tensorflow", attributes=[attribute]).bindings.slots
    assert not invented(FOUR, framework="tensorflow", attributes=["others"]).bindings.slots


def test_outputs_are_seen_where_the_next_module_takes_them_in() -> None:
    layers = {"a": "Linear", "b": "Linear"}
    outputs = invented(FOUR, layers).bindings.outputs
    assert {name: (one.attribute, one.point) for name, one in outputs.items()} == {
        "first": ("b", "input"), "last": ("", "output"),
    }  # fmt: skip
    in_keras = invented(FOUR, {"a": "Dense", "b": "Dense"}, framework="keras").bindings.outputs
    assert in_keras["last"].attribute == ""


CUBE = {"input": [8, 8, 3], "layers": [
    {"conv2d": {"filters": 8, "kernel_size": 3, "padding": "same", "activation": "relu", "name": "conv"}},
    {"batch_norm": {"name": "norm"}}, {"activation": {"function": "relu", "name": "act"}},
    {"conv2d": {"filters": 8, "kernel_size": 3, "padding": "same", "name": "more"}},
    {"global_average_pooling2d": {"name": "pool"}}, {"dense": {"units": 2, "name": "out"}},
]}  # fmt: skip
"""As many places along each axis as channels: no shape says which is which."""


def test_where_shapes_do_not_tell_a_layer_that_reads_any_layout_has_the_compiled_programs() -> None:
    found = invented(
        parameters(("c.weight", (8, 3, 3, 3)), ("c.bias", (8,)), ("n.weight", (8,)), ("n.bias", (8,)))
        + parameters(("n.running_mean", (8,)), ("n.running_var", (8,)), trainable=False)
        + parameters(("m.weight", (8, 8, 3, 3)), ("m.bias", (8,)), ("o.weight", (2, 8)), ("o.bias", (2,))),
        {"c": "Conv2d", "n": "BatchNorm2d", "r": "ReLU", "m": "Conv2d", "o": "Linear"}, model=CUBE,
    ).bindings.outputs  # fmt: skip
    seen = {name: (one.attribute, one.point) for name, one in found.items()}
    assert {seen["conv"], seen["norm"]} <= {("n", "input"), ("r", "input"), ("n", "output")}
    axes = {name: found[name].axes for name in ("conv", "norm", "act")}
    assert axes == dict.fromkeys(axes, (0, 2, 3, 1))


def test_a_layer_of_the_specs_own_name_is_seen_itself() -> None:
    outputs = invented(FOUR, {"a": "Linear", "last": "Linear"}).bindings.outputs
    assert (outputs["last"].attribute, outputs["last"].point) == ("last", "output")
    # But where the spec has an activation in the layer, a module of that name gives what goes into it.
    assert "first" not in invented(FOUR, {"first": "Linear", "x": "Linear"}).bindings.outputs


def test_a_last_layer_that_gives_probabilities_where_the_spec_has_logits_is_no_layer_of_that_name() -> None:
    loss = {"categorical_crossentropy": {"from_logits": True}}
    side = side_of("keras", SQUARE, optimizer=SGD, loss=loss)
    told = {"parameters": FOUR, "layers": [{"path": one, "kind": "Dense"} for one in ("first", "last")],
            "optimizer": "SGD", "learning_rate": 0.1, "attributes": []}  # fmt: skip
    for trains, wanted in (("logits", "last"), ("probabilities", "last.probabilities")):
        found = match(side, OwnProgram(file="port.py"), compiled(side), {**told, "trains": {"": trains}})
        assert list(found.bindings.outputs)[-1] == wanted


def test_what_cannot_be_seen_is_said() -> None:
    found = invented(FOUR, {"call": "method"}, framework="tensorflow")
    assert {name: one.attribute for name, one in found.bindings.outputs.items()} == {"last": ""}
    assert [text for text in found.unmatched if "output" in text] == [
        "output of layer first: cannot be seen in port.py"
    ]


@pytest.mark.parametrize(
    ("row", "shape", "known", "axes"),
    [
        ((8, 4), (2, 8, 4), None, None),
        ((8, 4), (2, 8, 4), (0, 2, 1), None),
        ((8, 4), (2, 4, 8), None, (0, 2, 1)),
        ((4, 4), (2, 4, 4), (0, 2, 1), (0, 2, 1)),
        ((4, 4), (2, 4, 4), None, None),
        ((5, 6, 3), (2, 3, 5, 6), None, (0, 3, 1, 2)),
        ((6, 2, 2), (8, 2, 2, 6), None, (0, 2, 3, 1)),
        ((4, 4, 4), (8, 4, 4, 4), (0, 2, 3, 1), (0, 2, 3, 1)),
        ((32,), (2, 32), None, None),
        ((8, 4), (2, 7), (0, 2, 1), None),
    ],
)
def test_a_masks_layout_is_told_from_its_shape(row: Any, shape: Any, known: Any, axes: Any) -> None:
    assert mask_layout(row, shape, known) == axes


# -------------------------------------------------------------------------------------------- in a spec

SPEC = """\
name: ports
data: {source: leaf_like}
model: {input: [192], layers: [{dense: {units: 99}}]}
loss: {categorical_crossentropy: {from_logits: true}}
optimizer: sgd
sides:
  one: {framework: torch}
  two:
    framework: torch
    WRONG
"""


def spec_faults(folder: Path, wrong: str) -> list[str]:
    (folder / "my_port.py").write_text("")
    with pytest.raises(SpecError) as caught:
        parse_spec(SPEC.replace("WRONG", wrong), file=str(folder / "spec.yaml"))
    return str(caught.value).replace(f"{folder}/", "").splitlines()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("program: my_prot.py", ["no file 'my_prot.py'", "a Python file", "did you mean 'my_port.py'?"]),
        ("program: nothing", ["no file 'nothing'", "paths are read from the folder of the spec"]),
        ("program: [my_port.py]", ["sides.two.program", "text"]),
        ("model: Net", ["sides.two.model", "there is no program", "a `program:` whose names it tells"]),
        ("loss: criterion", ["sides.two.loss", "there is no program"]),
        ("optimizer: make", ["sides.two.optimizer", "there is no program"]),
        ("map: {dense: fc}", ["sides.two.map", "there is no program"]),
        ("map: [dense]", ["sides.two.map", "a mapping"]),
        ("porgram: my_port.py", ["unknown field 'porgram'", "did you mean 'program'?"]),
    ],
)
def test_a_fault_in_what_is_said_of_a_program_is_one_line(tmp_path: Path, wrong: str, said: list[str]) -> None:
    (line,) = spec_faults(tmp_path, wrong)
    assert line.startswith("spec.yaml:10: ")
    for part in said:
        assert part in line


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    assert len(spec_faults(tmp_path, "model: Net\n    loss: criterion")) == 2


def test_a_program_is_read_from_the_folder_of_the_spec(tmp_path: Path) -> None:
    (tmp_path / "my_port.py").write_text("")
    spec = parse_spec(SPEC.replace("WRONG", "program: my_port.py"), file=str(tmp_path / "spec.yaml"))
    assert spec.sides["two"].program == str((tmp_path / "my_port.py").resolve())
    built = build_spec(spec.model_dump(include={"name"}) | {
        "data": {"source": "leaf_like"}, "model": {"input": [192], "layers": [{"dense": {"units": 99}}]},
        "loss": "mse", "optimizer": "sgd",
        "sides": {"one": {"framework": "torch", "program": str(tmp_path / "my_port.py")}},
    })  # fmt: skip
    assert built.sides["one"].program == str((tmp_path / "my_port.py").resolve())


# ------------------------------------------------------------------------------------------ in frameworks


def needs(*frameworks: str) -> Any:
    absent = [why for framework in ("torch", *frameworks) if (why := missing(framework))]
    return pytest.mark.skipif(bool(absent), reason="; ".join(absent))


EACH_PORT = [pytest.param(one, id=name, marks=needs(one.framework)) for name, one in PORTS.items()]


def place(judge: Judge) -> tuple[int, str, str]:
    assert judge.first is not None, judge.verdict()
    return judge.first.step, judge.first.phase, judge.first.tensor


def at_parity(judge: Judge) -> bool:
    """Return whether nothing is beyond rounding, and rounding is what it is called: small."""
    largest = judge.overall()
    return judge.verdict()[0] in ("identical", "rounding") and largest is not None and largest.difference < 1e-11


@pytest.mark.sampled(4)
@pytest.mark.parametrize("one", EACH_PORT)
def test_a_right_port_is_at_parity(bench: TestBench, one: Port, tmp_path: Path) -> None:
    judge = judged(bench, one, tmp_path, steps=4)
    assert at_parity(judge), judge.verdict()
    assert not judge.unsteady
    assert judge.tensors["update"] == {f"{layer}.{part}" for layer in ("conv", "hidden", "second", "out")
                                       for part in ("kernel", "bias")}  # fmt: skip


@pytest.mark.sampled(2)
@pytest.mark.parametrize("one", EACH_PORT)
def test_every_parameter_of_a_port_is_found(bench: TestBench, one: Port, tmp_path: Path) -> None:
    side, found, _ = matched(bench, one, tmp_path)
    assert set(found.bindings.weights) == set(side.parameters())
    assert not [text for text in found.unmatched if text.startswith("parameter") or "(weights)" in text]


F, S, K, R = (PORTS[name] for name in ("torch functional", "torch sequential", "keras functional", "raw tensorflow"))
TURNED = "x = x.transpose(1, 2).flatten(1)"

MISTAKES = {
    # PyTorch in functional style: what is between two modules is seen where the second takes it in.
    "functional: flatten order": (F.edited(TURNED, "x = x.flatten(1)"), (1, "forward", "flat")),
    "functional: forgotten relu": (F.edited("x = F.relu(self.fc1(x))", "x = self.fc1(x)"), (1, "forward", "hidden")),
    "functional: dropout rate": (F.edited("0.25, self.training", "0.75, self.training"), (1, "forward", "flat")),
    "functional: dropout in evaluation": (F.edited(", self.training", ", True"), (1, "metric", "predictions")),
    "functional: padding": (F.edited("padding=1)", "padding=1, padding_mode='circular')"), (1, "forward", "conv")),
    # Its outputs are the spec's, as probabilities; the loss takes them for logits.
    "functional: softmax": (F.edited("return self.fc3(x)", "return self.fc3(x).softmax(-1)"), (1, "loss", "loss")),
    "functional: softmax in the loss": (
        F.edited("return nn.CrossEntropyLoss()", "return lambda p, y: F.cross_entropy(p.softmax(-1), y)"),
        (1, "loss", "loss"),
    ),
    "functional: momentum": (F.edited("momentum=0.9", "momentum=0.8"), (2, "update", "conv.kernel")),
    "functional: a layer not trained": (
        F.edited("torch.optim.SGD(model.parameters()", "torch.optim.SGD(list(model.parameters())[:-1]"),
        (1, "update", "out.bias"),
    ),
    # Modules all the way: every layer is seen by itself.
    "sequential: flatten order": (S.edited("nn.Dropout(0.25),\n        Turned(),", "nn.Dropout(0.25),"),
                                  (1, "forward", "flat")),
    "sequential: forgotten relu": (S.edited("nn.Linear(32, 8),\n        nn.ReLU(),", "nn.Linear(32, 8),"),
                                   (1, "forward", "hidden")),
    "sequential: dropout rate": (S.edited("Dropout(0.25)", "Dropout(0.75)"), (1, "forward", "drop")),
    "sequential: padding": (S.edited("padding=1)", "padding=1, padding_mode='replicate')"), (1, "forward", "conv")),
    "sequential: epsilon": (S.edited("eps=1e-7", "eps=1e-8"), (1, "update", "conv.kernel")),
    # Keras.
    "keras: flatten order": (K.edited("x = layers.Flatten()(x)", "x = layers.Flatten()(layers.Permute((2, 1))(x))"),
                             (1, "forward", "flat")),
    "keras: forgotten relu": (K.edited("    x = layers.ReLU()(x)\n", ""), (1, "forward", "second")),
    "keras: dropout rate": (K.edited("Dropout(0.25)", "Dropout(0.75)"), (1, "forward", "drop")),
    "keras: padding": (K.edited('padding="same"', 'padding="causal"'), (1, "forward", "conv")),
    "keras: epsilon": (K.edited("epsilon=1e-7", "epsilon=1e-8"), (1, "update", "conv.kernel")),
    # Raw TensorFlow in one method: its layers cannot be seen, what the model returns is the first that can.
    "raw: flatten order": (R.edited("tf.reshape(x, ", "tf.reshape(tf.transpose(x, (0, 2, 1)), "),
                           (1, "forward", "out")),
    "raw: forgotten relu": (R.edited("x = tf.nn.relu(x @ self.w_up + self.b_up)", "x = x @ self.w_up + self.b_up"),
                            (1, "forward", "out")),
    "raw: dropout rate": (R.edited("rate=0.25", "rate=0.75"), (1, "forward", "out")),
    "raw: summed": (R.edited("tf.reduce_mean(", "tf.reduce_sum("), (1, "loss", "loss")),
    "raw: momentum": (R.edited("0.9 * v", "0.8 * v"), (2, "update", "conv.kernel")),
}  # fmt: skip
"""A port with one mistake, and the first place where it can be seen."""


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("one", "expected"),
    [pytest.param(*value, id=name, marks=needs(value[0].framework)) for name, value in MISTAKES.items()],
)
def test_a_mistake_in_a_port_is_found_where_it_is_made(
    bench: TestBench, one: Port, expected: tuple[int, str, str], tmp_path: Path
) -> None:
    judge = judged(bench, one, tmp_path, steps=expected[0])
    assert judge.verdict()[0] == "divergent", judge.verdict()
    assert place(judge) == expected
    assert judge.places[0] == judge.first
    assert judge.first is not None
    assert judge.first.made == "here"


def stepping(step: str, port: Port = F) -> Port:
    """Return a port with a training step of its own."""
    return replace(port, source=f"{port.source}\n\ndef train_step(model, loss_fn, optimizer, x, y):\n{step}")


USUAL = "    model.train()\n    optimizer.zero_grad()\n    loss = loss_fn(model(x), y)\n    loss.backward()\n"
FIRST = "self.c1 = nn.Conv1d(3, 4, 3, padding=1)\n"
LAYERS = "        self.fc1 = nn.Linear(32, 8)\n        self.fc2 = nn.Linear(8, 8)\n        self.fc3 = nn.Linear(8, 5)\n"
CROSS = "return nn.CrossEntropyLoss()"

AS_WRITTEN = {
    "a closure": stepping(
        "    model.train()\n\n    def closure():\n        optimizer.zero_grad()\n        loss = loss_fn(model(x), y)\n"
        "        loss.backward()\n        return loss\n\n    return optimizer.step(closure)\n"
    ),
    "a scheduler": stepping(
        f"{USUAL}    optimizer.step()\n    optimizer.schedule.step()\n    return loss\n",
        F.edited(
            "    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)",
            "    made = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)\n"
            "    made.schedule = torch.optim.lr_scheduler.StepLR(made, 1000)\n    return made",
        ),
    ),
    "more than the loss": stepping(f"{USUAL}    optimizer.step()\n    return loss, 0.5\n"),
    "a dict": stepping(f"{USUAL}    optimizer.step()\n    return {{'loss': loss}}\n"),
    "a look after the step": stepping(
        f"{USUAL}    optimizer.step()\n    with torch.no_grad():\n        model(x)\n    return loss\n"
    ),
    "outputs and loss": stepping(
        "    model.train()\n    optimizer.zero_grad()\n    _, loss = model(x, y)\n    loss.backward()\n"
        "    optimizer.step()\n    return loss\n",
        F.edited("def forward(self, x):", "def forward(self, x, y=None):").edited(
            "return self.fc3(x)",
            "x = self.fc3(x)\n        return x, None if y is None else F.cross_entropy(x, y)",
        ),
    ),
    "declared from the end": F.edited(LAYERS, "\n".join(reversed(LAYERS.rstrip().split("\n"))) + "\n"),
    "a kernel of (in, out)": F.edited(
        "self.fc2 = nn.Linear(8, 8)",
        "self.w = nn.Parameter(torch.zeros(8, 8))\n        self.b = nn.Parameter(torch.zeros(1, 8))",
    ).edited("self.fc2(x)", "x @ self.w + self.b"),
    "lazy layers": F.edited("nn.Linear(32, 8)", "nn.LazyLinear(8)"),
    "one relu for all": F.edited(FIRST, f"{FIRST}        self.relu = nn.ReLU()\n").edited(
        "x = F.relu(self.fc1(x))\n        x = F.relu(self.fc2(x))",
        "x = self.relu(self.fc1(x))\n        x = self.relu(self.fc2(x))",
    ),
    "float32 by name": F.edited(CROSS, "return lambda p, y: F.cross_entropy(p.float(), y)"),
    "log of a softmax": F.edited("return self.fc3(x)", "return F.log_softmax(self.fc3(x), -1)").edited(
        CROSS, "return lambda p, y: F.nll_loss(p, y)"
    ),
    "a buffer that counts": F.edited(FIRST, f"{FIRST}        self.register_buffer('seen', torch.zeros(1))\n").edited(
        "x = x.transpose(1, 2).flatten(1)", "x = x.transpose(1, 2).flatten(1)\n        self.seen += len(x)"
    ),
    "softmax behind a loss that looks behind it": K.edited(
        'layers.Dense(5, name="fc3")(x)', 'layers.Softmax()(layers.Dense(5, name="fc3")(x))'
    ),
    "an input of float32": K.edited("keras.Input((8, 3))", 'keras.Input((8, 3), dtype="float32")'),
    "compiled": replace(
        K, names={"model": "model"}, source=K.source[: K.source.index("def build_loss")] + "model = build_model()\n"
        "loss = keras.losses.CategoricalCrossentropy(from_logits=True)\n"
        "model.compile(keras.optimizers.Adam(0.01, epsilon=1e-7), loss)\n",
    ),
    "variables of float32": R.edited("def __init__(self, dtype=tf.float32):", "def __init__(self):").edited(
        "super().__init__()\n", "super().__init__()\n        dtype = tf.float32\n"
    ),
    "pairs": R.edited("def apply_gradients(self, gradients, variables):", "def apply_gradients(self, pairs):").edited(
        "for g, v, w in zip(gradients, self.velocities, variables):", "for (g, w), v in zip(pairs, self.velocities):"
    ),
    "kernels of (out, in)": R.edited("tf.zeros((8, 8), dtype)", "tf.zeros((8, 8), dtype), name='w'").edited(
        "x @ self.w_down", "tf.matmul(x, self.w_down, transpose_b=True)"
    ).edited("tf.zeros((32, 8), dtype)", "tf.zeros((8, 32), dtype)").edited(
        "x @ self.w_up", "tf.matmul(x, self.w_up, transpose_b=True)"
    ),
}  # fmt: skip
"""Right ports in ways in which people write them."""


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    "one", [pytest.param(value, id=name, marks=needs(value.framework)) for name, value in AS_WRITTEN.items()]
)
def test_right_ports_are_at_parity_however_they_are_written(bench: TestBench, one: Port, tmp_path: Path) -> None:
    judge = judged(bench, one, tmp_path, steps=2)
    assert at_parity(judge), judge.verdict()
    assert not judge.unsteady


BEFORE_TURNING = "        x = F.dropout(x, 0.25, self.training)\n        x = x.transpose(1, 2).flatten(1)\n"


@pytest.mark.parametrize(
    "lines",
    [
        ("x = x.transpose(1, 2)", "x = F.dropout(x, 0.25, self.training)", "x = x.flatten(1)"),
        ("x = x.transpose(1, 2).flatten(1)", "x = F.dropout(x, 0.25, self.training)"),
    ],
    ids=["channels last", "flattened"],
)
@needs()
def test_a_port_gets_the_same_mask_wherever_its_channels_stand(
    bench: TestBench, lines: tuple[str, ...], tmp_path: Path
) -> None:
    one = F.edited(BEFORE_TURNING, "".join(f"        {line}\n" for line in lines))
    assert at_parity(judged(bench, one, tmp_path))


LOSSES = {
    "a function": ("def criterion(outputs, targets):\n    return F.cross_entropy(outputs, targets)\n", "criterion"),
    "a lambda": ("criterion = lambda outputs, targets: F.cross_entropy(outputs, targets)\n", "criterion"),
    "a class": ("from torch.nn import CrossEntropyLoss\n", "CrossEntropyLoss"),
    "an instance": ("criterion = nn.CrossEntropyLoss()\n", "criterion"),
    "what makes one": ("def make(reduction='mean'):\n    return nn.CrossEntropyLoss(reduction=reduction)\n", "make"),
    "a function of the framework": ("criterion = F.cross_entropy\n", "criterion"),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", LOSSES)
@needs()
def test_a_loss_may_be_given_in_any_way(bench: TestBench, name: str, tmp_path: Path) -> None:
    source, called = LOSSES[name]
    one = F.edited("def build_loss():\n    return nn.CrossEntropyLoss()\n", source)
    assert at_parity(judged(bench, replace(one, names={"loss": called}), tmp_path, steps=1))


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("def build_optimizer(model)", "def sgd(net)", {"optimizer": "sgd"}),
        ("class Model(", "class Net(", {"model": "Net"}),
        ("def build_loss", "def make():\n    return Model()\n\n\ndef build_loss", {"model": "make"}),
        ("def build_loss", "net = Model()\n\n\ndef build_loss", {"model": "net"}),
    ],
    ids=["optimizer", "class", "function", "instance"],
)
@needs()
def test_the_contract_may_have_other_names(
    bench: TestBench, old: str, new: str, names: dict[str, str], tmp_path: Path
) -> None:
    source = F.source.replace(old, new)
    if old.startswith("def build_optimizer"):
        source = source.replace("model.parameters()", "net.parameters()")
    assert at_parity(judged(bench, replace(F, source=source, names=names), tmp_path, steps=1))


OWN_OPTIMIZER = """\
class Heavy(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum):
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                kept = self.state[p].setdefault("ball", torch.zeros_like(p))
                kept.mul_(group["momentum"]).add_(p.grad)
                p.sub_(kept, alpha=group["lr"])


def build_optimizer(model):
    return Heavy(model.parameters(), lr=0.05, momentum=0.9)
"""


def with_own_optimizer(source: str = OWN_OPTIMIZER) -> Port:
    return F.edited(FUNCTIONAL[FUNCTIONAL.index("def build_optimizer") :], source)


@needs()
def test_an_optimizer_written_by_hand_keeps_its_own_slots(bench: TestBench, tmp_path: Path) -> None:
    judge = judged(bench, with_own_optimizer(), tmp_path, steps=5)
    assert at_parity(judge), judge.verdict()
    assert not judge.unsteady
    assert "optimizer slot velocity: only compiled has it" in judge.unmatched


@needs()
def test_a_mistake_in_an_optimizer_written_by_hand_is_found(bench: TestBench, tmp_path: Path) -> None:
    wrong = with_own_optimizer(OWN_OPTIMIZER.replace("add_(p.grad)", "add_(p.grad, alpha=0.1)"))
    assert place(judged(bench, wrong, tmp_path, steps=1)) == (1, "update", "conv.kernel")
    late = with_own_optimizer(OWN_OPTIMIZER.replace("momentum=0.9", "momentum=0.8"))
    assert place(judged(bench, late, tmp_path, steps=3)) == (2, "update", "conv.kernel")


NESTED = RAW.replace(
    "        self.w_up = tf.Variable(tf.zeros((32, 8), dtype))\n        self.b_up = tf.Variable(tf.zeros(8, dtype))\n",
    "        self.up = Affine(32, 8, dtype)\n",
).replace("x @ self.w_up + self.b_up", "self.up(x)").replace(
    "class Net(", """\
class Affine(tf.Module):
    def __init__(self, inputs, units, dtype):
        super().__init__()
        self.variables_ = [tf.Variable(tf.zeros((inputs, units), dtype)), tf.Variable(tf.zeros(units, dtype))]

    def __call__(self, x):
        return x @ self.variables_[0] + self.variables_[1]


class Net(""")  # fmt: skip


@needs("tensorflow")
def test_variables_of_modules_within_modules_are_found(bench: TestBench, tmp_path: Path) -> None:
    one = replace(R, source=NESTED)
    _, found, _ = matched(bench, one, tmp_path)
    assert paths(found)["hidden.kernel"] == "up.variables_.0"
    assert at_parity(judged(bench, one, tmp_path))


BRANCHING = (
    RAW.replace(
        "        x = tf.reshape(", "        if tf.reduce_sum(x) < 0.0:\n            x = -x\n        x = tf.reshape("
    )
    .replace(
        "        return tf.reduce_m",
        "        if tf.reduce_sum(y) < 0.0:\n            y = -y\n        return tf.reduce_m",
    )
    .replace(
        "            v.assign(",
        "            if tf.reduce_sum(g * g) < 0.0:\n                g = -g\n            v.assign(",
    )
)


@needs("tensorflow")
def test_branches_on_tensors_are_taken_in_a_graph(bench: TestBench, tmp_path: Path) -> None:
    """In the model, the loss and the optimizer: AutoGraph reaches them through what watches the step."""
    assert BRANCHING.count("if tf.") == 3
    assert at_parity(judged(bench, replace(R, source=BRANCHING), tmp_path))


@needs()
def test_a_step_that_does_not_set_the_mode_keeps_the_one_that_the_program_is_in(
    bench: TestBench, tmp_path: Path
) -> None:
    """Predictions in evaluation mode, made before every checked step, must not turn its dropout off."""
    step = """

def train_step(model, loss_fn, optimizer, x, y):
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.detach()
"""
    assert at_parity(judged(bench, replace(F, source=F.source + step), tmp_path, steps=3))


@needs()
def test_a_program_may_import_what_stands_beside_it(bench: TestBench, tmp_path: Path) -> None:
    body = FUNCTIONAL.partition("def build_loss")
    one = replace(
        F, source=f"from my_parts import Model, nn, torch\n\n\n{body[1]}{body[2]}", beside={"my_parts.py": body[0]}
    )
    assert at_parity(judged(bench, one, tmp_path))


NORM_MODEL = MODEL | {"layers": [
    *MODEL["layers"][:4],
    {"batch_norm": {"momentum": 0.9, "epsilon": 1e-5, "unbiased_variance": True, "name": "norm"}},
    *MODEL["layers"][4:],
]}  # fmt: skip
NORMED_PORT = replace(
    F.edited("self.fc2 = nn.Linear(8, 8)", "self.bn = nn.BatchNorm1d(8)\n        self.fc2 = nn.Linear(8, 8)").edited(
        "x = F.relu(self.fc1(x))", "x = self.bn(F.relu(self.fc1(x)))"
    ),
    model=NORM_MODEL,
)


@needs()
def test_running_statistics_of_a_port_are_matched_and_judged(bench: TestBench, tmp_path: Path) -> None:
    judge = judged(bench, NORMED_PORT, tmp_path)
    assert at_parity(judge), judge.verdict()
    assert {"norm.moving_mean", "norm.moving_variance"} <= judge.tensors["state"]
    wrong = NORMED_PORT.edited("nn.BatchNorm1d(8)", "nn.BatchNorm1d(8, momentum=0.01)")
    assert place(judged(bench, wrong, tmp_path, steps=1)) == (1, "state", "norm.moving_mean")


def test_a_mistake_needs_the_port_it_is_made_in() -> None:
    assert set(PORTS) == {"torch functional", "torch sequential", "keras functional", "raw tensorflow"}
    assert {one.framework for one in PORTS.values()} == set(FRAMEWORKS)
    assert [one.optimizer for one in PORTS.values()] == [MOMENTUM, ADAM, KERAS_ADAM, MOMENTUM]


# ------------------------------------------------------------------------------------- what cannot be run

BROKEN = {
    "raises": (F.edited("x = F.relu(self.fc2(x))", 'raise ValueError("my own mistake")'), "my own mistake"),
    "no loss": (F.edited("def build_loss()", "def loss()"), "the program has no build_loss"),
    "no model": (F.edited("class Model(", "class Net("), "the program has no build_model or Model"),
    "plain optimizer": (
        with_own_optimizer("class Plain:\n    pass\n\n\ndef build_optimizer(model):\n    return Plain()\n"),
        "the optimizer is a Plain; it must be a torch.optim.Optimizer",
    ),
    "no python": (replace(F, source="def build_model(:\n"), "SyntaxError"),
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", BROKEN)
@needs()
def test_a_program_that_cannot_be_run_says_why(bench: TestBench, name: str, tmp_path: Path) -> None:
    one, said = BROKEN[name]
    with pytest.raises(WorkerError, match=said):
        judged(bench, one, tmp_path)


@needs()
def test_the_bench_still_works_after_programs_that_do_not(bench: TestBench, tmp_path: Path) -> None:
    assert at_parity(judged(bench, port("torch", FUNCTIONAL, MOMENTUM), tmp_path))
