"""Two readings as one spec: models in one form, layers that stand for each other, rows that are the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers_pairs import DENSE, LOGITS, OTHERS, SOFT, X, Y, classes, pair_of, reading

from parity.errors import UsageError
from parity.reading.called_alike import called_alike, stand_for
from parity.reading.pair_side import PairSide
from parity.reading.whole import ReadProgram
from parity.spec.sections import ModelSpec

WRITTEN = [{"dense": {"units": 3, "name": "fc1"}}, {"activation": {"function": "relu", "name": "relu"}},
           {"dropout": {"rate": 0.5, "name": "drop"}}, {"dense": {"units": 1, "name": "fc2"}}]  # fmt: skip


def test_layers_are_called_as_those_that_they_stand_for() -> None:
    found = pair_of(
        reading("keras", DENSE, {"X": X, "y": Y}), reading("torch", WRITTEN, {"X": X, "y": Y}, optimizer="adam")
    )
    changes = found.spec["sides"]["b"]["changes"]
    assert [next(iter(one.values()))["name"] for one in changes["layers"]] == ["dense", "drop", "dense_1"]
    assert changes["optimizer"] == "adam"
    assert "data.source" not in changes
    second = found.sides[1]
    assert second.names == {"dense": "fc1", "drop": "drop", "dense_1": "fc2"}
    assert second.said_at("")["layers.dense_1"] == "torch.py:4"
    assert second.said_at("")["optimizer"] == "torch.py:90"


def test_programs_that_are_the_same_have_no_changes() -> None:
    found = pair_of(reading("keras", DENSE, {"X": X, "y": Y}), reading("torch", DENSE, {"X": X, "y": Y}))
    assert found.spec["sides"] == {"a": {"framework": "keras"}, "b": {"framework": "torch"}}
    assert found.rows.notes == []


@pytest.mark.parametrize(
    ("x", "y", "changes"),
    [
        (X.astype("float32"), Y, {}),
        (X, Y[:, 0], {"data.targets": "flat"}),
        (X / 255.0, Y, {"data.scale": 1 / 255}),
        (X[::-1], Y[::-1], {"data.source": OTHERS}),
        (X + 1.0, Y, {"data.source": OTHERS}),
        (X[:6], Y[:6], {"data.source": OTHERS}),
    ],
)
def test_what_is_done_to_the_same_rows_is_a_change(x: np.ndarray, y: np.ndarray, changes: dict[str, Any]) -> None:
    found = pair_of(reading("keras", DENSE, {"X": X, "y": Y}), reading("torch", DENSE, {"X": x, "y": y}))
    assert found.spec["sides"]["b"].get("changes", {}) == changes
    assert bool(found.rows.others) == ("data.source" in changes)
    assert found.spec["data"].get("targets") == ("column" if "data.targets" in changes else None)


def test_rows_that_are_others_are_told() -> None:
    found = pair_of(reading("keras", DENSE, {"X": X, "y": Y}), reading("torch", DENSE, {"X": X[::-1], "y": Y[::-1]}))
    assert found.rows.notes == [
        "They learn from other rows: X is 8x4 float64 in a and 8x4 float64 in b, the same rows in another order."
    ]


def test_a_column_in_another_order_than_flat_numbers_is_told_to_be_that() -> None:
    found = pair_of(reading("keras", DENSE, {"X": X, "y": Y[:, 0]}), reading("torch", DENSE, {"X": X, "y": Y[::-1]}))
    (note,) = [one for one in found.notes if "other rows" in one]
    assert note.endswith("in b, the same rows in another order.")


def test_rows_that_count_otherwise_in_one_program_alone_are_a_difference() -> None:
    weights = np.linspace(1.0, 2.0, 8)
    weighed = reading("keras", DENSE, {"X": X, "y": Y, "sample_weights": weights},
                      data={"source": "rows.npz", "sample_weights": "sample_weights"})  # fmt: skip
    plain = reading("torch", DENSE, {"X": X, "y": Y})
    for first, second, base, change in (
        (weighed, plain, "sample_weights", None), (plain, weighed, None, "sample_weights"),
    ):  # fmt: skip
        found = pair_of(first, second)
        assert found.spec["data"].get("sample_weights") == base
        assert found.spec["sides"]["b"]["changes"] == {"data.sample_weights": change}
        np.testing.assert_array_equal(found.rows.arrays["sample_weights"], weights)


@pytest.mark.parametrize(("loss", "rows"), [
    ({"categorical_crossentropy": {"from_logits": True, "class_weight": [3.0, 1.0]}}, Y),  # May come to the same.
    ({"opaque": {"what": "own", "reads": ["dense_1"], "needs": "a loss", "place": "b.py, line 3"}}, Y),
    ("mse", Y + 1.0),  # The weights are of other rows.
])  # fmt: skip
def test_rows_that_count_otherwise_in_one_program_are_told_where_that_may_be_more(loss: Any, rows: np.ndarray) -> None:
    weighed = reading("keras", DENSE, {"X": X, "y": Y, "sample_weights": np.ones(8)})
    plain = reading("torch", DENSE, {"X": X, "y": rows}, loss=loss)
    classes = "class_weight" in str(loss)
    said = "and {} its classes" if classes else ", by sample_weight or class_weight, and {} does not"
    for first, second, one, other in (weighed, plain, "a", "b"), (plain, weighed, "b", "a"):
        with pytest.raises(UsageError, match=f"{one} weighs its rows ?{said.format(other)}"):
            pair_of(first, second)


def test_labels_and_rows_with_a_single_one_are_the_same() -> None:
    labels = np.arange(8) % 3
    dense = [*DENSE[:1], {"dense": {"units": 3, "name": "dense_1"}}]
    hot = {"loss": {"categorical_crossentropy": {"from_logits": True}}}
    numbers = {"loss": {"sparse_categorical_crossentropy": {"from_logits": True}}}
    found = pair_of(
        reading("keras", dense, {"X": X, "y": np.eye(3, dtype="float32")[labels]}, **hot),
        reading("torch", dense, {"X": X, "y": labels}, **numbers),
    )
    np.testing.assert_array_equal(found.rows.arrays["y"], labels)
    assert found.spec["sides"]["b"] == {"framework": "torch"}
    assert found.notes == [
        "a is given rows with a single 1, b the numbers of classes: the same loss.",
        "Neither names a metric: accuracy says which does better.",
    ]


@pytest.mark.parametrize("shows", ["a", "b"])
@pytest.mark.parametrize("form", ["same", "labels", "flat", "scale"])
def test_rows_to_validate_on_that_only_one_program_shows_are_no_other_rows(shows: str, form: str) -> None:
    labels = np.arange(8) % 3
    hot = {"loss": {"categorical_crossentropy": {"from_logits": True}}}
    numbers = {"loss": {"sparse_categorical_crossentropy": {"from_logits": True}}}
    layers, sparse, one_hot = DENSE, {}, {}
    y, other = Y, {"same": Y, "flat": Y[:, 0], "scale": Y, "labels": labels}[form]
    if form == "labels":
        layers, y = [*DENSE[:1], {"dense": {"units": 3, "name": "dense_1"}}], np.eye(3, dtype="float32")[labels]
        sparse, one_hot = numbers, hot
    x = X / 4.0 if form == "scale" else X
    rows = [{"X": X, "y": y}, {"X": x, "y": other}]
    at = "ab".index(shows)
    rows[1 - at] = {name: one[:6] for name, one in rows[1 - at].items()}
    a, b = reading("keras", layers, rows[0], **one_hot), reading("torch", layers, rows[1], **sparse)
    (a, b)[at].spec["data"] = {**(a, b)[at].spec["data"], "validation_split": 0.25}
    found = pair_of(a, b)
    assert found.spec["data"]["validation_split"] == 0.25
    assert not found.rows.others
    assert found.rows.notes == []
    assert len(found.rows.arrays["X"]) == len(found.rows.arrays["y"]) == 8
    changed = found.spec["sides"]["b"].get("changes", {})
    assert set(changed) == {"same": set(), "labels": set(), "flat": {"data.targets"}, "scale": {"data.scale"}}[form]


def test_rows_that_train_in_one_program_and_validate_in_the_other_are_a_difference() -> None:
    a, b = reading("keras", DENSE, {"X": X, "y": Y}), reading("torch", DENSE, {"X": X, "y": Y})
    a.spec["data"] = {**a.spec["data"], "validation_split": 0.25}
    found = pair_of(a, b)
    assert found.spec["sides"]["b"]["changes"] == {"data.validation_split": 0.0}
    assert found.rows.notes == []


def test_what_is_judged_by_where_no_metric_is_named_fits_the_loss() -> None:
    assert pair_of(classes("softmax", **SOFT), classes("", **LOGITS)).spec["metrics"] == ["accuracy"]
    for loss, fitting in (("mae", "mae"), ("huber", "mse")):
        a, b = (reading("keras", DENSE, {"X": X, "y": Y}, loss=loss) for _ in range(2))
        assert pair_of(a, b).spec["metrics"] == [fitting]
    for loss in ("hinge", "cosine_similarity", "mape"):
        a, b = (reading("keras", DENSE, {"X": X, "y": Y}, loss=loss) for _ in range(2))
        found = pair_of(a, b)
        assert "metrics" not in found.spec
        assert not any("metric" in one for one in found.notes)
    names = reading("keras", DENSE, {"X": X, "y": Y}, metrics=["mae"])
    found = pair_of(reading("keras", DENSE, {"X": X, "y": Y}), names)
    assert found.spec["metrics"] == ["mae"]
    assert not any("metric" in one for one in found.notes)


def two_inputs(names: tuple[str, str], widths: tuple[int, int], arrays: dict[str, np.ndarray]) -> ReadProgram:
    """Return a program of two inputs."""
    first, second = names
    found = reading("torch", DENSE[1:], arrays)
    found.spec["model"] = {
        "inputs": {first: [widths[0]], second: [widths[1]]},
        "layers": [{"concatenate": {"inputs": [first, second], "name": "join"}}, DENSE[1]],
    }
    return found


def test_inputs_that_have_no_names_stand_for_those_in_their_place() -> None:
    wide, deep = X[:, :1], X[:, 1:]
    a = two_inputs(("wide", "deep"), (1, 3), {"wide": wide, "deep": deep, "y": Y})
    found = pair_of(a, two_inputs(("input_1", "input_2"), (1, 3), {"input_1": wide, "input_2": deep, "y": Y}))
    assert found.spec["sides"]["b"] == {"framework": "torch"}
    assert set(found.rows.arrays) == {"wide", "deep", "y"}
    assert found.rows.notes == []


def test_inputs_of_the_same_rows_stand_for_each_other_in_their_order() -> None:
    twins, others = {"a": (2,), "b": (2,)}, {"input_1": (2,), "input_2": (2,)}
    assert stand_for(twins, others, lambda one, other: True) == {"input_1": "a", "input_2": "b"}


@pytest.mark.parametrize("names", [("first", "second"), ("input_1", "input_2")])
def test_inputs_in_another_order_stand_for_each_other_by_their_rows(names: tuple[str, str]) -> None:
    one, two = X[:, :2], X[:, 2:]
    a = two_inputs(names, (2, 2), {names[0]: one, names[1]: two, "y": Y})
    found = pair_of(a, two_inputs(("input_1", "input_2"), (2, 2), {"input_1": two, "input_2": one, "y": Y}))
    changes = found.spec["sides"]["b"]["changes"]["layers"]
    assert changes[0]["concatenate"]["inputs"] == [names[1], names[0]]
    assert found.sides[1].reading.takes == (1, 0)
    assert found.sides[0].reading.takes == ()
    assert found.rows.notes == []
    assert list(found.spec["model"]["inputs"]) == list(names)


def test_inputs_of_shapes_or_types_that_no_other_has_stand_for_each_other() -> None:
    mine = {"ids": (3, "integer"), "numbers": (3, "float"), "more": (4, "float")}
    theirs = {"input_1": (4, "float"), "input_2": (3, "float"), "input_3": (3, "integer")}
    wanted = {"input_1": "more", "input_2": "numbers", "input_3": "ids"}
    assert stand_for(mine, theirs, lambda one, other: False) == wanted


def test_inputs_of_which_one_stands_elsewhere_and_one_nowhere_are_not_clear() -> None:
    twins, others = {"a": (2,), "b": (2,)}, {"input_1": (2,), "input_2": (2,)}
    assert stand_for(twins, others, lambda one, other: (one, other) == ("b", "input_1")) == {}


def test_a_program_that_takes_its_inputs_by_name_leaves_the_order_to_the_other() -> None:
    one, two = X[:, :2], X[:, 2:]
    a = two_inputs(("input_1", "input_2"), (2, 2), {"input_1": one, "input_2": two, "y": Y})
    b = two_inputs(("left", "right"), (2, 2), {"left": two, "right": one, "y": Y})
    b.framework = "keras"
    found = pair_of(a, b)
    assert found.sides[0].reading.takes == (1, 0)
    assert list(found.spec["model"]["inputs"]) == ["input_2", "input_1"]
    assert found.rows.notes == []


def test_who_brings_no_data_learns_from_the_others() -> None:
    made_up = reading("torch", DENSE, {"X": X + 1.0, "y": Y})
    made_up.made_up = True
    found = pair_of(made_up, reading("keras", DENSE, {"X": X, "y": Y}))
    np.testing.assert_array_equal(found.rows.arrays["X"], X)
    assert found.rows.notes == ["a brings no data: it learns from those of b."]


def test_what_was_not_seen_is_no_difference() -> None:
    a, b = reading("keras", DENSE, {"X": X, "y": Y}), reading("torch", DENSE, {"X": X, "y": Y})
    b.spec["training"] = {**b.spec["training"], "epochs": 1}
    a.told.training.epochs = 2
    found = pair_of(a, b)
    assert found.spec["sides"]["b"] == {"framework": "torch"}
    assert found.notes[0] == "b: how many epochs it trains cannot be seen; it is given those of a."
    b.told.training.epochs = 1
    assert pair_of(a, b).spec["sides"]["b"]["changes"] == {"training.epochs": 1}


def test_programs_that_do_not_read_the_same_are_refused() -> None:
    other = reading("torch", DENSE, {"X": X[:, :3], "y": Y})
    other.spec["model"] = {"input": [3], "layers": DENSE}
    with pytest.raises(UsageError, match=r"do not read the same: .*\[4\].*\[3\]"):
        pair_of(reading("keras", DENSE, {"X": X, "y": Y}), other)


POOL, CUT = ({"max_pooling1d": {"pool_size": size, "name": "pool"}} for size in (4, 3))
ALL = {"global_max_pooling1d": {"name": "pool"}}


@pytest.mark.parametrize(("first", "second", "same"), [(ALL, POOL, True), (POOL, ALL, True), (ALL, CUT, False)])
def test_a_pooling_as_long_as_what_it_reads_is_one_over_all(first: Any, second: Any, same: bool) -> None:
    found = pair_of(*(pooled(name, one) for name, one in (("keras", first), ("torch", second))))
    assert ("changes" not in found.spec["sides"]["b"]) == same


def test_poolings_of_windows_in_both_programs_stay_windows() -> None:
    found = pair_of(pooled("keras", POOL), pooled("torch", CUT))
    assert found.spec["model"]["layers"][1] == POOL
    assert CUT in found.spec["sides"]["b"]["changes"]["layers"]


def pooled(framework: str, pool: Any) -> ReadProgram:
    """Return a program that pools what it makes of four numbers, as steps."""
    steps = {"reshape": {"target_shape": [4, 1], "name": "steps"}}
    behind = [] if "global_max_pooling1d" in pool else [{"flatten": {"name": "flat"}}]
    return reading(framework, [steps, pool, *behind, DENSE[1]], {"X": X, "y": Y})


def test_a_side_says_its_lines_by_files_that_are_there(tmp_path: Any) -> None:
    (tmp_path / "keras.py").write_text("")
    side = PairSide(name="a", reading=reading("keras", DENSE, {}), model=ModelSpec.model_validate(
        {"input": [4], "layers": DENSE}), names={"dense": "dense"})  # fmt: skip
    assert side.said_at(str(tmp_path))["layers.dense"] == f"{tmp_path}/keras.py:1"
    assert side.said_at("elsewhere")["layers.dense"] == "keras.py:1"


def heads(framework: str, order: list[str], names: dict[str, str]) -> ReadProgram:
    """Return a program of two outputs, whose layers stand in the order of these."""
    units = {"kind": 3, "price": 1}
    layers = [{"dense": {"units": 4, "name": "trunk"}},
              *({"dense": {"units": units[one], "name": names[one], "inputs": "trunk"}} for one in order)]  # fmt: skip
    model = {"input": [4], "layers": layers, "outputs": {one: names[one] for one in order}}
    rows = {"X": X, **{one: np.ones((8, units[one])) for one in order}}
    return reading(framework, layers, rows, model=model, loss=dict.fromkeys(order, "mse"))


@pytest.mark.parametrize(("frameworks", "order"), [
    (("keras", "torch"), ["price", "kind"]), (("torch", "keras"), ["kind", "price"]),
    (("keras", "keras"), ["kind", "price"]),
])  # fmt: skip
def test_outputs_of_one_name_are_one_in_whatever_order_they_are_given(
    frameworks: tuple[str, str], order: list[str]
) -> None:
    first = heads(frameworks[0], ["kind", "price"], {"kind": "kind", "price": "price"})
    second = heads(frameworks[1], ["price", "kind"], {"kind": "fc2", "price": "fc1"})
    found = pair_of(first, second)
    assert list(found.spec["model"]["outputs"]) == order, "of PyTorch's, which gives them in their order, its own"
    assert list(found.spec["loss"]) == order
    assert found.sides[1].names == {"trunk": "trunk", "price": "fc1", "kind": "fc2"}
    assert "loss" not in found.spec["sides"]["b"].get("changes", {})


def test_outputs_that_both_give_in_another_order_are_refused() -> None:
    programs = [heads("torch", order, {"kind": "kind", "price": "price"})
                for order in (["kind", "price"], ["price", "kind"])]  # fmt: skip
    with pytest.raises(UsageError, match="give their outputs in another order: kind, price and price, kind"):
        pair_of(*programs)


def test_an_input_that_is_called_as_a_layer_of_the_other_program_is_refused() -> None:
    layers = ["flatten", {"concatenate": {"name": "cat", "inputs": ["input_1", "input_2"]}}]
    first: Any = SimpleNamespace(spec={"model": {"inputs": {"cat": [1], "num": [6]}, "layers": []}}, arrays={})
    other = {"inputs": {"input_1": [1], "input_2": [6]}, "layers": layers}
    second: Any = SimpleNamespace(spec={"model": other}, arrays={})
    with pytest.raises(UsageError, match="called 'cat', as a layer of the second is; give that input another name"):
        called_alike(first, second)
