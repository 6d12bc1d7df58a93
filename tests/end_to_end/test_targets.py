"""The form of targets: what a spec says of it, what a program's loss takes, what is made of (N,) beside (N, 1)."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers_commands import lender
from helpers_frameworks import FRAMEWORKS, missing, worker

from parity import api
from parity.compile import compile_side
from parity.data.loading import load
from parity.data.section import DataSpec
from parity.errors import DataError, SpecError, WorkerError
from parity.prepare.forms import dataset_of, given_to
from parity.prepare.options import check_fit
from parity.report.sentences import targets as report
from parity.run.exchange import Exchange
from parity.run.target_forms import in_form
from parity.run.unmatched import tried
from parity.spec.differences import differences
from parity.spec.load import build_spec, parse_spec
from parity.spec.resolve import Resolved, resolve
from parity.spec.targets import BY_FILE, BY_LOSS, BY_TRIAL, Given, Trial, candidates, chosen, refused, settled

ROWS, FEATURES = 24, 4
CCE, SPARSE, SCE = "categorical_crossentropy", "sparse_categorical_crossentropy", "sigmoid_crossentropy"
RNG = np.random.default_rng(5)
X = RNG.normal(size=(ROWS, FEATURES))
FLAT = RNG.normal(size=ROWS)
LABELS = np.arange(ROWS) % 3
SOFT = RNG.uniform(size=(ROWS, 3))

# ---------------------------------------------------------------------------------------------------- sides


def spec_of(loss: Any, outputs: int, data: Mapping[str, Any], **sides: Any) -> dict[str, Any]:
    """Return a spec as plain data: one dense layer, named out."""
    return {
        "name": "forms", "data": dict(data), "loss": loss, "optimizer": {"sgd": {"learning_rate": 0.1}},
        "model": {"input": [FEATURES], "layers": [{"dense": {"units": outputs, "name": "out"}}]},
        "training": {"batch_size": 8}, "sides": sides or {one: {"framework": one} for one in FRAMEWORKS},
    }  # fmt: skip


def stored(folder: Path, y: np.ndarray, **data: Any) -> dict[str, Any]:
    np.savez(folder / "rows.npz", X=X, y=y)
    return {"source": str(folder / "rows.npz"), **data}


def known(spec: Mapping[str, Any]) -> dict[str, Resolved]:
    """Return the sides as a command settles them, none of them written by hand."""
    found = {}
    for side in resolve(build_spec(spec)):
        data = dataset_of(side, None)
        check_fit(side, data)
        found[side.name] = settled(side, data.target, data.classes is not None)
    return found


def said(sides: Mapping[str, Resolved], *paths: str) -> dict[str, list[tuple[Any, str]]]:
    """Return the values at paths, with their origins."""
    values = {
        "data.targets": lambda one: one.config.data.targets,
        "loss.broadcast": lambda one: one.config.loss.broadcast,
    }
    return {name: [(values[path](one), one.origin(path)) for path in paths] for name, one in sides.items()}


# --------------------------------------------------------------------------------------- what a spec comes to


def test_flat_targets_are_given_as_they_are_and_each_framework_decides_what_its_loss_makes_of_them(
    tmp_path: Path,
) -> None:
    sides = known(spec_of("mse", 1, stored(tmp_path, FLAT)))
    ways = {"keras": "align", "tensorflow": "stretch", "torch": "stretch"}
    titles = {"keras": "Keras", "tensorflow": "raw TensorFlow", "torch": "PyTorch"}
    assert said(sides, "data.targets", "loss.broadcast") == {
        name: [("flat", BY_FILE), (ways[name], f"{titles[name]} default")] for name in FRAMEWORKS
    }
    (one,) = differences(sides["keras"], sides["torch"])
    assert (one.path, one.a, one.b, one.inert) == ("loss.broadcast", "align", "stretch", False)
    assert not differences(sides["tensorflow"], sides["torch"])


@pytest.mark.parametrize(("y", "more"), [(FLAT[:, None], {}), (FLAT, {"targets": "column"})], ids=["stored", "said"])
def test_a_column_leaves_nothing_to_stretch(tmp_path: Path, y: np.ndarray, more: dict[str, Any]) -> None:
    sides = known(spec_of("mse", 1, stored(tmp_path, y, **more)))
    assert {one.config.data.targets for one in sides.values()} == {"column"}
    assert not differences(sides["keras"], sides["torch"])


def test_a_column_of_a_table_is_a_column(tmp_path: Path) -> None:
    """A table says nothing of the shape that its numbers were meant to have: no mistake is read into it."""
    rows = "\n".join(f"{a},{b},{c},{d},{y}" for (a, b, c, d), y in zip(X, FLAT, strict=True))
    (tmp_path / "rows.csv").write_text(f"a,b,c,d,y\n{rows}\n")
    sides = known(spec_of("mse", 1, {"source": str(tmp_path / "rows.csv")}))
    assert said(sides, "data.targets", "loss.broadcast") == {
        name: [("column", BY_FILE), ("align", "parity default")] for name in FRAMEWORKS
    }
    source = compile_side(sides["torch"], name="table", flat=True, formatted=False).source
    assert "y.astype(np.float64).reshape(len(y), 1)" in source


def test_labels_of_two_classes_and_one_output_are_told_how_they_fit(tmp_path: Path) -> None:
    spec = spec_of(SCE, 1, stored(tmp_path, LABELS % 2))
    with pytest.raises(DataError, match=r"data\.one_hot: false makes 0 and 1 the targets of one output"):
        known(spec)
    spec["data"]["one_hot"] = False
    assert {one.config.data.targets for one in known(spec).values()} == {"flat"}


def test_what_is_said_is_not_decided_by_the_framework(tmp_path: Path) -> None:
    spec = spec_of({"mae": {"broadcast": "align"}}, 1, stored(tmp_path, FLAT), torch={"framework": "torch"})
    assert said(known(spec), "loss.broadcast") == {"torch": [("align", "spec")]}
    spec["sides"]["torch"]["changes"] = {"loss.broadcast": "stretch", "data.targets": "flat"}
    assert said(known(spec), "data.targets", "loss.broadcast") == {
        "torch": [("flat", "side torch"), ("stretch", "side torch")]
    }


def test_native_defaults_say_nothing_of_flat_targets_until_it_is_known_that_they_are(tmp_path: Path) -> None:
    native = {one: {"framework": one, "defaults": "native"} for one in FRAMEWORKS}
    keras, _, torch = resolve(build_spec(spec_of("mse", 1, stored(tmp_path, FLAT[:, None]), **native)))
    assert "loss.broadcast" not in {one.path for one in differences(keras, torch)}


def test_a_cross_entropy_that_frameworks_refuse_for_flat_targets_aligns_them_everywhere(tmp_path: Path) -> None:
    sides = known(spec_of({SCE: {"from_logits": True}}, 1, stored(tmp_path, (FLAT > 0) * 1.0)))
    assert said(sides, "loss.broadcast") == {one: [("align", "parity default")] for one in FRAMEWORKS}
    for name, side in sides.items():
        source = compile_side(side, name="flat", flat=True, formatted=False).source
        assert ("row by row" in source) == (name != "keras"), "Keras aligns by itself"


@pytest.mark.parametrize(
    ("loss", "stored_as", "more", "form", "origin"),
    [
        (CCE, LABELS, {}, "one_hot", BY_LOSS),
        (SPARSE, LABELS, {}, "index", BY_LOSS),
        (SPARSE, LABELS, {"one_hot": False}, "index", BY_LOSS),
        (SPARSE, np.eye(3)[LABELS], {}, "index", BY_LOSS),
        (CCE, SOFT, {}, "one_hot", BY_LOSS),
        ("mse", LABELS, {}, "one_hot", BY_FILE),
        ("mse", SOFT, {}, None, "parity default"),
        (SCE, SOFT, {"targets": "one_hot"}, "one_hot", "spec"),
    ],
)
def test_a_form_comes_from_the_spec_else_from_the_loss_else_from_the_data(
    tmp_path: Path, loss: str, stored_as: np.ndarray, more: dict[str, Any], form: str | None, origin: str
) -> None:
    sides = known(spec_of(loss, 3, stored(tmp_path, stored_as, **more)))
    assert said(sides, "data.targets") == {one: [(form, origin)] for one in FRAMEWORKS}


def test_the_same_classes_in_two_forms_are_one_thing_from_logits(tmp_path: Path) -> None:
    changed = {"framework": "torch", "changes": {"loss": {SPARSE: {"from_logits": True}}}}
    sides = known(
        spec_of({CCE: {"from_logits": True}}, 3, stored(tmp_path, LABELS), a={"framework": "keras"}, b=changed)
    )
    (one,) = differences(sides["a"], sides["b"])
    assert (one.path, one.inert) == ("loss", True), "the forms are the losses' own, nobody made a difference there"


def test_losses_of_other_kinds_are_told_apart_without_a_word_on_flat_targets(tmp_path: Path) -> None:
    data = stored(tmp_path, np.eye(3)[LABELS])
    sides = known(spec_of("mse", 3, data, a={"framework": "keras"}, b={"framework": "keras", "changes": {"loss": CCE}}))
    (one,) = [one for one in differences(sides["a"], sides["b"]) if one.path == "loss"]
    assert one.a == "mse"


# ------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("loss", "form", "says"),
    [
        (CCE, "index", "s.yaml:3: data.targets: data.targets is index, and the loss is categorical_crossentropy; "
         "expected one_hot; leave it out, or set loss: sparse_categorical_crossentropy"),
        (SPARSE, "one_hot", "s.yaml:3: data.targets: data.targets is one_hot, and the loss is "
         "sparse_categorical_crossentropy; expected index; leave it out, or set loss: categorical_crossentropy"),
        ("mse", "index", "s.yaml:3: data.targets: data.targets is index, and the loss is mse; expected one of column, "
         "flat, one_hot; leave it out: the loss says which it takes"),
    ],
)  # fmt: skip
def test_a_form_that_the_loss_does_not_take_is_a_fault_with_its_line(loss: str, form: str, says: str) -> None:
    text = textwrap.dedent(f"""\
        name: forms
        data:
          {{source: rows.npz, targets: {form}}}
        model: {{input: [4], layers: [{{dense: {{units: 3}}}}]}}
        loss: {loss}
        optimizer: sgd
        sides: {{a: {{framework: keras}}}}
        """)
    with pytest.raises(SpecError) as caught:
        parse_spec(text, "s.yaml")
    assert [str(fault) for fault in caught.value.faults] == [says]


def test_a_change_that_makes_it_so_has_the_fault() -> None:
    side = {"framework": "keras", "changes": {"training.batch_size": 4, "loss": SPARSE}}
    spec = spec_of(CCE, 3, {"source": "rows.npz", "targets": "one_hot"}, a=side)
    with pytest.raises(SpecError, match=r"sides\.a\.changes\.loss: data\.targets is one_hot"):
        build_spec(spec)


@pytest.mark.parametrize(
    ("loss", "outputs", "y", "more", "says"),
    [
        (SPARSE, 3, SOFT, {}, "takes class numbers, but the targets of .* neither integer labels nor one-hot rows"),
        (SPARSE, 1, FLAT, {}, "takes class numbers"),
        ("mse", 3, SOFT, {"targets": "flat"}, "data.targets is flat, which is one number a row"),
        ("mse", 3, FLAT, {}, r"has shape \(\), the last layer 'out' gives \(3,\)"),
        (CCE, 3, LABELS, {"one_hot": False}, "change the last layer, or data.one_hot"),
    ],
)
def test_targets_that_cannot_be_given_so_are_refused(
    tmp_path: Path, loss: str, outputs: int, y: np.ndarray, more: dict[str, Any], says: str
) -> None:
    with pytest.raises(DataError, match=says):
        known(spec_of(loss, outputs, stored(tmp_path, y, **more)))


# ------------------------------------------------------------------------------- what a program's loss takes


def written(program: str = "own.py", framework: str = "torch", **more: Any) -> dict[str, Any]:
    return {"framework": framework, "program": program, **more}


def own_side(folder: Path, trained_with: Any, outputs: int, data: Mapping[str, Any], **more: Any) -> Resolved:
    (folder / "own.py").write_text(more.pop("source", ""))
    side = written(str(folder / "own.py"), **more)
    return resolve(build_spec(spec_of(trained_with, outputs, data, own=side)))[0]


@pytest.mark.parametrize(
    ("loss", "y", "more", "forms"),
    [
        (CCE, LABELS, {}, ["index", "one_hot"]),
        (CCE, LABELS, {"one_hot": False}, ["index"]),
        (CCE, np.eye(3)[LABELS], {}, ["one_hot", "index"]),
        (CCE, SOFT, {}, []),
        ("mse", FLAT, {}, ["flat", "column"]),
        ("mse", FLAT[:, None], {}, ["column", "flat"]),
        ("mse", FLAT, {"targets": "flat"}, ["flat"]),
        ("mse", FLAT, {"targets": "column"}, []),
        (CCE, LABELS, {"targets": "one_hot"}, []),
    ],
)
def test_the_forms_that_are_tried_and_in_which_order(
    tmp_path: Path, loss: str, y: np.ndarray, more: dict[str, Any], forms: list[str]
) -> None:
    from parity.data.refusing import one_hot_rows

    side = own_side(tmp_path, loss, 1 if loss == "mse" else 3, stored(tmp_path, y, **more))
    data = dataset_of(side, None)
    assert candidates(side, data.target, data.classes is not None, one_hot_rows(data.y)) == forms


def trial(form: str, **more: Any) -> Trial:
    return Trial(form=form, **{"accepted": True, "finite": True, **more})


@pytest.mark.parametrize(
    ("y", "outputs", "trials", "form", "broadcast"),
    [
        # (N,) in the file is what everybody hands over, whatever is made of it.
        (FLAT, 2, [trial("flat", stretched=True), trial("column")], "flat", "stretch"),
        (FLAT, 2, [trial("flat"), trial("column")], "flat", "align"),
        (FLAT, 2, [trial("flat", accepted=False), trial("column")], "column", ""),
        # (N, 1) in the file: the form of the outputs, unless the loss stretches that one and not the other.
        (FLAT[:, None], 2, [trial("column"), trial("flat")], "column", ""),
        (FLAT[:, None], 1, [trial("column"), trial("flat")], "flat", "align"),
        (FLAT[:, None], 2, [trial("column", stretched=True), trial("flat")], "flat", "align"),
        (FLAT[:, None], 2, [trial("column", stretched=True), trial("flat", accepted=False)], "column", ""),
        (FLAT, 2, [trial("flat", finite=False), trial("column")], "column", ""),
        (FLAT, 2, [trial("flat", finite=False), trial("column", accepted=False)], "flat", "align"),
    ],
)
def test_the_form_that_is_chosen(
    tmp_path: Path, y: np.ndarray, outputs: int, trials: list[Trial], form: str, broadcast: str
) -> None:
    side = own_side(tmp_path, "mse", 1, stored(tmp_path, y))
    assert chosen(side, y.shape[1:], outputs, trials) == Given(form=form, origin=BY_TRIAL, broadcast=broadcast)


def test_a_loss_that_takes_none_is_told_with_what_it_said_to_each() -> None:
    none = [Trial(form="index", accepted=False, said="a"), Trial(form="one_hot", accepted=False, said="b")]
    assert refused(none) == (
        "its loss takes the targets in no form that was tried (as numbers of classes: a; as one-hot rows: b); "
        "data.targets says the form it takes"
    )


def numpy_driver(loss: Callable[..., Any], outputs: Callable[..., Any], step: Callable[..., Any] | None = None) -> Any:
    """Return what stands for a driver: a model and a loss of outputs and targets, in NumPy."""
    made: Any = SimpleNamespace(bindings={}, module=SimpleNamespace(), host_dtype=lambda: np.float64, clock={})
    made.raw, made.own_step = lambda x, training: outputs(x), step is not None
    made.loss_of = lambda given, y: np.asarray(loss(given, in_form(y, made.bindings["targets"])))
    if step is not None:
        made.module.train_step = step
        made.step = lambda x, y, number: step(x, in_form(y, made.bindings["targets"]))
    return made


def squares(outputs: np.ndarray, y: np.ndarray) -> Any:
    return ((outputs - y) ** 2).mean()


def told_of(driver: Any, y: np.ndarray, forms: list[str]) -> list[tuple[Any, ...]]:
    return [
        (one["form"], one["accepted"], one["finite"], one["stretched"]) for one in tried(driver, X, y, forms)["trials"]
    ]


def test_stretching_is_seen_by_the_loss_not_minding_which_row_a_target_belongs_to() -> None:
    wide, narrow = (lambda x: x[:, :1]), (lambda x: x[:, 0])
    y = FLAT[:, None]
    assert told_of(numpy_driver(squares, wide), y, ["flat", "column"]) == [
        ("flat", True, True, True), ("column", True, True, False)
    ]  # fmt: skip
    assert told_of(numpy_driver(squares, narrow), y, ["flat", "column"]) == [
        ("flat", True, True, False), ("column", True, True, True)
    ]  # fmt: skip
    zeros = numpy_driver(squares, lambda x: np.zeros((len(x), 1)))
    assert told_of(zeros, y, ["column"]) == [("column", True, True, False)], "an untrained model may give one value"
    # Targets that are all alike, as well.
    assert told_of(numpy_driver(squares, wide), np.ones((ROWS, 1)), ["column"]) == [("column", True, True, False)]


def test_the_batch_is_as_long_as_nothing_else_so_that_no_axis_is_taken_for_another() -> None:
    for classes in (7, 11, 5):
        y = np.eye(classes)[np.arange(ROWS) % classes]
        driver = numpy_driver(squares, lambda x, classes=classes: np.zeros((len(x), classes)))
        assert told_of(driver, y, ["index", "one_hot"]) == [
            ("index", False, False, False), ("one_hot", True, True, False)
        ]  # fmt: skip


def test_one_number_is_a_loss_and_nothing_else_is() -> None:
    (one,) = tried(numpy_driver(lambda o, y: (o - y)[:, 0] ** 2, lambda x: x[:, :1]), X, FLAT[:, None], ["column"])[
        "trials"
    ]
    assert (one["accepted"], one["said"]) == (False, "it gives shape (7,), where one number is expected")
    endless = numpy_driver(lambda o, y: np.inf, lambda x: x[:, :1])
    assert told_of(endless, FLAT[:, None], ["column"]) == [("column", True, False, False)]


def test_a_step_of_the_programs_own_decides_where_it_has_one() -> None:
    def step(x: np.ndarray, y: np.ndarray) -> float:
        if y.ndim != 1:
            raise ValueError("numbers of classes, please\nand nothing else " + "!" * 500)
        return 1.0

    driver = numpy_driver(lambda o, y: 0.0, lambda x: x[:, :3], step)
    trials = tried(driver, X, np.eye(3)[LABELS], ["one_hot", "index"])["trials"]
    assert [one["accepted"] for one in trials] == [False, True]
    assert trials[0]["said"].startswith("ValueError: numbers of classes, please and nothing else")
    assert len(trials[0]["said"]) <= 160


def test_a_model_that_does_not_take_the_batch_is_not_judged_by_it() -> None:
    def fixed(x: np.ndarray) -> np.ndarray:
        return x.reshape(32, FEATURES)

    assert tried(numpy_driver(squares, fixed), X, FLAT[:, None], ["flat"]) == {"outputs": 0, "trials": []}


# --------------------------------------------------------------------------------------- programs as they are

TORCH = """
import torch
from torch import nn
import torch.nn.functional as F

class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(4, {outputs})

    def forward(self, x):
        return {forward}

{loss}

def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.1)
"""
KERAS = """
import keras, tensorflow as tf

def build_model():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense({outputs}, name="out")])

{loss}

def build_optimizer(model):
    return keras.optimizers.SGD(0.1)
"""
RAW = """
import tensorflow as tf

class Model(tf.Module):
    def __init__(self, dtype=tf.float32):
        super().__init__()
        self.w = tf.Variable(tf.zeros((4, {outputs}), dtype))

    def __call__(self, x, training=False):
        return x @ self.w

{loss}

def build_optimizer(model):
    return Plain()

class Plain:
    def apply_gradients(self, gradients, variables):
        pass
"""
PROGRAMS = {"torch": TORCH, "keras": KERAS, "tensorflow": RAW}

TAKEN: list[tuple[str, Any, np.ndarray, str, str, str, str]] = [
    # framework, loss of the spec, targets, what makes the program's loss, its forward, its form, what it makes of flat
    ("torch", CCE, LABELS, "criterion = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 8.0, 17.0]))", "", "index", ""),
    ("torch", CCE, LABELS, "criterion = nn.NLLLoss()", "F.log_softmax(self.out(x), 1)", "index", ""),
    ("torch", CCE, LABELS, "criterion = lambda out, y: F.cross_entropy(out, y.argmax(1))", "", "one_hot", ""),
    ("torch", CCE, LABELS, "criterion = lambda out, y: -(y * F.log_softmax(out, 1)).sum(1).mean()", "", "one_hot", ""),
    ("torch", CCE, LABELS, "criterion = nn.BCEWithLogitsLoss()", "", "one_hot", ""),
    ("torch", "mse", FLAT, "criterion = nn.MSELoss()", "", "flat", "stretch"),
    ("torch", "mse", FLAT, "criterion = lambda out, y: F.mse_loss(out[:, 0], y)", "", "flat", "align"),
    ("torch", "mse", FLAT, "criterion = nn.MSELoss()", "self.out(x).flatten()", "flat", "align"),
    ("torch", "mse", FLAT[:, None], "criterion = nn.L1Loss()", "", "column", ""),
    ("torch", "mse", FLAT[:, None], "criterion = lambda out, y: F.mse_loss(out, y[:, 0])", "", "column", ""),
    ("torch", "mse", FLAT[:, None], "criterion = nn.MSELoss()", "self.out(x).squeeze(-1)", "flat", "align"),
    ("torch", SCE, (FLAT > 0) * 1.0, "criterion = nn.BCEWithLogitsLoss()", "", "column", ""),
    ("keras", CCE, LABELS, "criterion = keras.losses.SparseCategoricalCrossentropy(from_logits=True)", "", "index", ""),
    ("keras", CCE, LABELS, "criterion = keras.losses.CategoricalCrossentropy(from_logits=True)", "", "one_hot", ""),
    ("keras", "mse", FLAT, "criterion = keras.losses.MeanSquaredError()", "", "flat", "align"),
    ("tensorflow", CCE, LABELS, "criterion = lambda y, z: tf.reduce_mean("
     "tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=z))", "", "index", ""),
    ("tensorflow", CCE, LABELS, "criterion = lambda y, z: tf.reduce_mean("
     "tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=z))", "", "one_hot", ""),
    ("tensorflow", "mse", FLAT, "criterion = lambda y, out: tf.reduce_mean((out - y) ** 2)", "", "flat", "stretch"),
    ("tensorflow", "mse", FLAT, "criterion = lambda y, out: tf.reduce_mean((out[:, 0] - y) ** 2)", "", "flat", "align"),
]  # fmt: skip


def asked(framework: str, side: Resolved, folder: Path) -> Given:
    """Return what a program is given, as a command finds it out."""
    if missing(framework):
        pytest.skip(str(missing(framework)))
    data = dataset_of(side, None)
    exchange = Exchange(folder / "data")
    exchange.put("x", data.x)
    exchange.put("y", data.y)
    assert side.program is not None
    bench: Any = SimpleNamespace(dataset=data, scratch=folder)
    opening = {
        "framework": framework, "program": side.program.file, "names": dict(side.program.names),
        "data": str(folder / "data"), "seed": 0,
    }  # fmt: skip
    return given_to(worker(framework), side, bench, opening)


@pytest.mark.parametrize(("framework", "loss", "y", "criterion", "forward", "form", "broadcast"), TAKEN)
def test_a_program_is_given_the_form_that_its_loss_takes(
    tmp_path: Path, framework: str, loss: str, y: np.ndarray, criterion: str,
    forward: str, form: str, broadcast: str,
) -> None:  # fmt: skip
    outputs = 3 if loss == CCE else 1
    source = PROGRAMS[framework].format(outputs=outputs, loss=criterion, forward=forward or "self.out(x)")
    data = stored(tmp_path, y)
    side = own_side(tmp_path, loss, outputs, data, source=source, loss="criterion", framework=framework)
    found = asked(framework, side, tmp_path)
    assert found == Given(form=form, origin=BY_TRIAL, broadcast=broadcast)
    given = settled(side, load(DataSpec(**data)).target, loss == CCE, found)
    assert (given.config.data.targets, given.origin("data.targets")) == (form, BY_TRIAL)
    if broadcast:
        assert (given.config.loss.broadcast, given.origin("loss.broadcast")) == (broadcast, BY_TRIAL)  # type: ignore[attr-defined]


def test_a_program_whose_loss_takes_no_form_is_told_in_one_line(tmp_path: Path) -> None:
    source = TORCH.format(outputs=3, loss="criterion = lambda out, y: out.mean(dim=5)", forward="self.out(x)")
    side = own_side(tmp_path, CCE, 3, stored(tmp_path, LABELS), source=source, loss="criterion")
    with pytest.raises(WorkerError, match=r"in no form that was tried \(as numbers of classes: IndexError: .*one-hot"):
        asked("torch", side, tmp_path)


# ----------------------------------------------------------------------------------------------- side by side


@pytest.mark.sampled(4, among="questions")
@pytest.mark.skipif(bool(missing("torch")), reason=str(missing("torch")))
def test_flat_targets_beside_a_column_of_outputs_are_a_difference_at_the_loss(tmp_path: Path) -> None:
    source = TORCH.format(outputs=1, loss="criterion = nn.MSELoss()", forward="self.out(x)")
    (tmp_path / "own.py").write_text(source)
    sides = {
        "rowwise": {"framework": "torch", "changes": {"loss.broadcast": "align"}},
        "own": written(str(tmp_path / "own.py"), loss="criterion"),
    }
    spec = build_spec(spec_of("mse", 1, stored(tmp_path, FLAT), **sides))
    with lender():
        found = api.check(spec, folder=tmp_path / "out", steps=2)
    (one,) = found.comparisons
    assert (one.verdict, one.first and one.first.phase) == ("divergent", "loss")
    assert all(witness.agrees for witness in one.witnesses), "each does what its config says"
    assert [(one.path, one.a, one.b) for one in found.differences] == [("loss.broadcast", "align", "stretch")]
    assert [(one.rule, one.sides) for one in found.advice] == [("broadcast_target", ["own"])]
    assert report.notes(found) == [
        "rowwise: targets flat, (N,), as the data file has them.",
        "own: targets flat, (N,), tried on the program's loss; its loss stretches them and its outputs to (N, N).",
    ]
