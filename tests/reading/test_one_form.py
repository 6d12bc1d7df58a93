"""Losses that two programs write in two ways: one, where both mean the same by it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from helpers_pairs import DENSE, LOGITS, SOFT, X, Y, classes, pair_of, reading

from parity.reading.whole import ReadProgram
from parity.spec.plain import brief


@pytest.mark.parametrize(
    ("first", "second"), [(("softmax", SOFT), ("", LOGITS)), (("", LOGITS), ("softmax", SOFT))], ids=["model", "loss"]
)
def test_a_softmax_in_the_model_and_one_in_the_loss_are_one(first: Any, second: Any) -> None:
    a, b = (classes(activation, **loss) for activation, loss in (first, second))
    found = pair_of(a, b)
    assert found.spec["sides"]["b"] == {"framework": "torch"}
    where = ["model", "loss"] if first[0] else ["loss", "model"]
    assert found.notes[0] == f"a applies a softmax in its {where[0]}, b in its {where[1]}: the same loss."


@pytest.mark.parametrize(("activation", "loss"), [
    ("softmax", LOGITS), ("", {"loss": "categorical_crossentropy"}), ("sigmoid", SOFT),
    ("", {"loss": {"sparse_categorical_crossentropy": {"from_logits": True, "class_weight": [1.0, 2.0, 1.0]}}}),
])  # fmt: skip
def test_what_is_another_loss_stays_a_difference(activation: str, loss: dict[str, Any]) -> None:
    assert pair_of(classes("softmax", **SOFT), classes(activation, **loss)).spec["sides"]["b"].get("changes", {})


def test_classes_that_count_more_keep_the_loss_as_it_is_written() -> None:
    weighed = {"loss": {"sparse_categorical_crossentropy": {"from_logits": True, "class_weight": [1.0, 2.0, 1.0]}}}
    found = pair_of(classes("softmax", loss="categorical_crossentropy"), classes("", **weighed))
    assert "sparse_categorical_crossentropy" in found.spec["sides"]["b"]["changes"]["loss"]


def test_a_loss_that_does_not_look_behind_a_softmax_is_another_than_one_of_logits() -> None:
    clipped = {"loss": {"categorical_crossentropy": {"recover_logits": False}}}
    found = pair_of(classes("softmax", **clipped), classes("", **LOGITS))
    assert set(found.spec["sides"]["b"]["changes"]) == {"layers", "loss"}


def heads(activation: str, loss: Any, behind: Any = None, other: Any = "mse", **fields: Any) -> ReadProgram:
    """Return a program of two outputs, a number and a class."""
    kind = {"units": 3, "name": "kind", "inputs": "dense", "activation": activation, **fields}
    again = [{"again": {"layer": "kind", "name": "again", "inputs": "wide"}}] if behind == "again" else []
    wide = [{"dense": {"units": 3, "name": "wide", "inputs": "dense"}}] if again else []
    layers = [
        DENSE[0],
        {"dense": kind},
        *wide,
        *again,
        {"dense": {"units": 1, "name": "price", "inputs": behind or "dense"}},
    ]
    found = reading("torch", layers, {"X": X, "price": Y, "kind": np.arange(8) % 3})
    found.spec["model"]["outputs"] = {"price": "price", "kind": "kind"}
    return replace(found, spec={**found.spec, "loss": {"price": other, "kind": {CLASS: loss}}})


CLASS = "sparse_categorical_crossentropy"
IN_LOSS: dict[str, Any] = {"from_logits": True, "weight": 0.5}
SEEN = {"opaque": {"what": "own", "reads": ["kind"], "needs": "a loss", "place": "b.py, line 3"}}
IN_MODEL: dict[str, Any] = {"weight": 0.5}


@pytest.mark.parametrize("first", [True, False], ids=["model", "loss"])
def test_of_several_outputs_a_softmax_in_the_model_and_one_in_the_loss_are_one(first: bool) -> None:
    sides = [heads("softmax", IN_MODEL), heads("linear", IN_LOSS)]
    found = pair_of(*(sides if first else sides[::-1]))
    assert found.spec["sides"]["b"] == {"framework": "torch"}
    where = ["model", "loss"] if first else ["loss", "model"]
    assert found.notes == [
        f"a applies a softmax in its {where[0]}, b in its {where[1]}: the same loss of kind.",
        "Neither names a metric: mse of price and accuracy of kind say which does better.",
    ]
    assert found.spec["metrics"] == {"price": ["mse"], "kind": ["accuracy"]}
    assert found.spec["loss"] == {"price": "mse", "kind": {CLASS: IN_MODEL if first else IN_LOSS}}


@pytest.mark.parametrize("more", [
    {"behind": "kind"},  # The other output is made of it.
    {"behind": "again"},  # Of it as it is called again.
    {"activity_regularizer": "l2"},  # What it gives has a penalty.
    {"other": SEEN},
])  # fmt: skip
def test_a_softmax_that_more_than_its_loss_sees_stays_where_it_is(more: dict[str, Any]) -> None:
    model, loss = heads("softmax", IN_MODEL, **more), heads("linear", IN_LOSS, **more)
    for sides, told, ending in (((model, loss), IN_LOSS, None), ((loss, model), IN_MODEL, "softmax")):
        changes = pair_of(*sides).spec["sides"]["b"]["changes"]
        assert changes["layers"][1]["dense"].get("activation") == ending
        assert changes["loss"]["kind"] == {CLASS: told}


def test_of_several_outputs_only_what_is_one_loss_is_one() -> None:
    found = pair_of(heads("softmax", IN_MODEL), heads("linear", {**IN_LOSS, "weight": 0.25}))
    assert found.spec["sides"]["b"]["changes"] == {"loss": {"price": "mse", "kind": {CLASS: {"weight": 0.25}}}}
    found = pair_of(heads("softmax", {"recover_logits": False}), heads("linear", {"from_logits": True}))
    assert set(found.spec["sides"]["b"]["changes"]) == {"layers", "loss"}


HOT = {"loss": {"categorical_crossentropy": {"from_logits": True}}}


@pytest.mark.parametrize("logs_first", [True, False])
def test_log_probabilities_are_the_logits_of_a_loss_that_takes_these(logs_first: bool) -> None:
    for other, loss in (("", LOGITS), ("", HOT), ("softmax", SOFT)):
        sides = [classes("log_softmax", **LOGITS), classes(other, **loss)]
        found = pair_of(*(sides if logs_first else sides[::-1]))
        assert found.spec["sides"]["b"] == {"framework": "torch"}
        assert "log_softmax" not in str(found.spec["model"])
        told = ["a", "b"] if logs_first else ["b", "a"]
        assert found.notes[0] == (
            f"{told[0]} ends in a log_softmax, the logits of the same probabilities, and {told[1]} does not: the same "
            "loss."
        )


def test_of_several_outputs_log_probabilities_are_logits() -> None:
    found = pair_of(heads("softmax", IN_MODEL), heads("log_softmax", IN_LOSS))
    assert found.spec["sides"]["b"] == {"framework": "torch"}
    assert [one.rpartition(": ")[2] for one in found.notes[:2]] == ["the same loss of kind."] * 2


def test_programs_that_both_end_in_log_probabilities_are_said_to() -> None:
    found = pair_of(classes("log_softmax", **LOGITS), classes("log_softmax", **LOGITS))
    assert brief(found.sides[0].model.layers[-1])["dense"]["activation"] == "log_softmax"
    assert "changes" not in found.spec["sides"]["b"]


@pytest.mark.parametrize("logs_first", [True, False])
@pytest.mark.parametrize(("model", "other"), [
    (classes("log_softmax", loss="mse"), classes("", loss="mse")),  # Its loss is of the numbers themselves.
    (classes("log_softmax", loss="sparse_categorical_crossentropy"), classes("", **LOGITS)),  # Of probabilities.
    (classes("log_softmax", **LOGITS), classes("", loss="mse")),
    (heads("log_softmax", IN_LOSS, behind="kind"), heads("linear", IN_LOSS, behind="kind")),
    (heads("log_softmax", IN_LOSS, other=SEEN), heads("linear", IN_LOSS)),
    (heads("log_softmax", IN_LOSS, activity_regularizer="l2"),
     heads("linear", IN_LOSS, activity_regularizer="l2")),
    (classes("log_softmax", loss={"sigmoid_crossentropy": {"from_logits": True}}),
     classes("", loss={"sigmoid_crossentropy": {"from_logits": True}})),
])  # fmt: skip
def test_a_log_softmax_that_is_seen_by_more_stays(logs_first: bool, model: ReadProgram, other: ReadProgram) -> None:
    found = pair_of(*([model, other] if logs_first else [other, model]))
    assert "log_softmax" in str([brief(op) for side in found.sides for op in side.model.layers])
    assert "layers" in found.spec["sides"]["b"]["changes"]
