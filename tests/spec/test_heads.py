"""Differences that cannot be apart are one: another kind of head, with its loss and its targets."""

from __future__ import annotations

from typing import Any

import pytest

from parity.explain.contest import contest, split
from parity.result.patches import changes_of
from parity.spec.differences import differences
from parity.spec.heads import joined
from parity.spec.load import build_spec
from parity.spec.resolve import Resolved, changed, resolve


def sides(changes: dict[str, Any], **more: Any) -> tuple[Resolved, Resolved]:
    spec: dict[str, Any] = {
        "name": "heads", "data": {"source": "rows.npz", "y": "labels"},
        "model": {"input": [4], "layers": [
            {"dense": {"units": 8, "activation": "relu", "name": "hidden"}},
            {"dense": {"units": 2, "activation": "softmax", "name": "out"}},
        ]},
        "loss": "categorical_crossentropy", "optimizer": {"sgd": {"learning_rate": 0.1}}, "metrics": ["accuracy"],
        "sides": {"a": {"framework": "torch"}, "b": {"framework": "torch", "changes": changes}},
    }  # fmt: skip
    a, b = resolve(build_spec({**spec, **more}))
    return a, b


HEAD = {"layers.out": {"units": 1, "activation": "sigmoid"}, "loss": "sigmoid_crossentropy", "data.y": "column"}


def test_another_kind_of_head_is_one_difference() -> None:
    a, b = sides({**HEAD, "optimizer.learning_rate": 0.2, "layers.hidden.activation": "tanh"})
    found = joined(a, b, differences(a, b))
    head = found[0]
    assert head.path == " + ".join(part.path for part in head.parts)
    assert set(head.paths) == {"data.y", "layers.out.units", "layers.out.activation", "loss"}
    assert [one.path for one in found[1:]] == ["layers.hidden.activation", "optimizer.learning_rate"]
    assert "sigmoid" in head.b
    assert "labels" in head.a


def test_it_is_given_and_taken_back_as_one_and_written_as_what_it_is() -> None:
    a, b = sides({**HEAD, "optimizer.learning_rate": 0.2})
    match = contest(a, b, joined(a, b, differences(a, b)))
    (head, rate) = (one.path for one in match.live)
    assert match.config_of(frozenset({head, rate})) == b.config
    changes = changes_of(match, frozenset({head}))
    assert set(changes) == {"data.y", "layers.out.units", "layers.out.activation", "loss"}
    assert changed(a, changes, "a patch").config == match.config_of(frozenset({head}))
    assert split(match.live, []) == list(match.live)


@pytest.mark.parametrize(
    "changes",
    [
        {"layers.out.activation": "linear", "loss.from_logits": True},
        {"layers.out.activation": "sigmoid", "loss": "sigmoid_crossentropy"},
        {"data.y": "scaled", "loss": "mse"},
        {"layers.hidden.units": 6, "loss": "mse"},
        {"layers.out.units": 3},
    ],
)
def test_what_can_be_apart_stays_apart(changes: dict[str, Any]) -> None:
    a, b = sides(changes)
    found = differences(a, b)
    assert joined(a, b, found) == found


def test_targets_as_numbers_and_the_loss_that_reads_them() -> None:
    a, b = sides({"data.one_hot": False, "loss": "mse", "optimizer.learning_rate": 0.2})
    assert joined(a, b, differences(a, b))[0].path == "data.one_hot + loss"
