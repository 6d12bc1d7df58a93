"""``parity lint --run``: what goes wrong in a few steps is said with the change that was tried and mends it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from helpers_advice import BINARY, CCE, HIDDEN, SCE, Situation, between, dense, inputs

from parity import api
from parity.advice.short_run import ShortRun, classes_of, one_for_all, symptom
from parity.cli import main
from parity.spec.load import build_spec

SYMPTOMS = {"not_finite", "no_gradient", "constant_outputs", "loss_stands_still", "one_class"}


def found(situation: Situation, folder: Path) -> dict[str, Any]:
    lint = api.lint(build_spec(situation.plain(folder)), short_run=True)
    return {one.rule: one for one in lint.advice if one.rule in SYMPTOMS}


def test_a_loss_that_is_no_number_is_said_with_the_rate_that_mends_it(tmp_path: Path) -> None:
    told = found(
        Situation(
            layers=[HIDDEN, dense(1)], loss="mse", y=inputs(1), more={"optimizer": {"sgd": {"learning_rate": 1e3}}}
        ),
        tmp_path,
    )
    assert set(told) == {"not_finite"}
    assert set(told["not_finite"].changes) == {"optimizer.learning_rate"}
    assert told["not_finite"].changes["optimizer.learning_rate"] <= 1.0
    assert "no number any more" in told["not_finite"].what


def test_layers_without_a_gradient_are_named_with_what_the_rules_advise(tmp_path: Path) -> None:
    told = found(Situation(layers=[HIDDEN, dense(1, "softmax", name="out")], loss=SCE, y=BINARY[:, :1]), tmp_path)
    assert set(told) == {"no_gradient"}
    assert "hidden, out" in told["no_gradient"].what
    assert told["no_gradient"].changes["layers.out.activation"] == "sigmoid"


@pytest.mark.parametrize(("rate", "mends"), [(1e-7, None), (1e-6, None), (1e-5, 1e-2)])
def test_a_loss_that_stands_still_is_said_with_a_larger_rate(rate: float, mends: float | None, tmp_path: Path) -> None:
    """Of a rate that a thousand times as much does not mend either, nothing is said."""
    asked = Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss=CCE, more={"optimizer": {"sgd": {"learning_rate": rate}}}
    )
    told = found(asked, tmp_path)
    assert set(told) == ({"loss_stands_still"} if mends else set())
    assert [one.changes for one in told.values()] == ([{"optimizer.learning_rate": mends}] if mends else [])


def test_what_mends_moves_the_loss_by_what_can_be_read(tmp_path: Path) -> None:
    """Targets of 200,000, from outputs near 0: ten times the rate moves the loss by a few ten-thousandths."""
    told = found(
        Situation(layers=[HIDDEN, dense(1)], loss="mse", y=inputs(1) + 2e5, more={"optimizer": "adam"}), tmp_path
    )
    for one in told.values():
        before, after = (float(part.split(" ")[0]) for part in one.why.partition(" from ")[2].split(" to "))
        assert after < 0.99 * before


def test_saturated_units_are_mended_by_scaled_inputs(tmp_path: Path) -> None:
    told = found(
        Situation(
            layers=[dense(4, "sigmoid"), dense(1, "sigmoid")], loss=SCE, y=BINARY[:, :1], x=np.abs(inputs(2)) * 1e6,
        ),
        tmp_path,
    )  # fmt: skip
    assert all(one.changes == {"data.standardize": True} for one in told.values())
    assert told


@pytest.mark.parametrize(
    "situation",
    [
        Situation(layers=[HIDDEN, dense(5, "softmax")], loss=CCE),
        Situation(layers=[HIDDEN, "batch_norm", {"dropout": 0.5}, dense(1)], loss="mse", y=inputs(1)),
        Situation(layers=[HIDDEN, dense(1)], loss="mse", y=between(0.0, 1.0, 1), more={"optimizer": "adam"}),
        Situation(
            layers=[HIDDEN, dense(5, "softmax")], loss=CCE,
            more={"optimizer": {"sgd": {"learning_rate": {"cosine": {
                "initial_learning_rate": 0.1, "decay_steps": 100000, "warmup_steps": 50000}}}}},
        ),
    ],
    ids=["classes", "normalised, with dropout", "quantities", "a long warm-up"],
)  # fmt: skip
def test_nothing_is_said_of_a_run_that_goes(situation: Situation, tmp_path: Path) -> None:
    assert not found(situation, tmp_path)


def test_what_says_most_is_said() -> None:
    assert symptom(ShortRun(steps=50, losses=(1.0, 0.5)), schedule=False) is None
    dead = ShortRun(steps=50, losses=(1.0, 1.0), no_gradient=("a",), alike=True)
    assert (symptom(dead, schedule=True) or [""])[0] == "no_gradient"
    slow = ShortRun(steps=50, losses=(1.0, 1.0), classes=(3, 1), commonest=0.4)
    assert (symptom(slow, schedule=False) or [""])[0] == "loss_stands_still"
    assert symptom(slow, schedule=True) is None, "a rate that is still warming up"
    rising = ShortRun(steps=50, losses=(1.0, 1.1), classes=(3, 1), commonest=0.4)
    assert (symptom(rising, schedule=False) or [""])[0] == "one_class"
    common = ShortRun(steps=50, losses=(1.0, 1.1), classes=(3, 1), commonest=0.9)
    assert symptom(common, schedule=False) is None, "nine rows of ten are of it"


def test_predictions_are_one_up_to_rounding_and_classes_are_counted() -> None:
    assert one_for_all(np.full((5, 2), 0.3) * (1 + 1e-12 * np.arange(5))[:, None])
    assert not one_for_all(np.linspace(0.3, 0.3001, 5)[:, None])
    targets = np.eye(3)[[0, 1, 2, 0]]
    assert classes_of(np.eye(3)[[1, 1, 1, 1]], targets) == {"classes": (3, 1), "commonest": 0.5}
    assert classes_of(targets, np.asarray([[0.2, 0.3, 0.5]])) == {}
    assert classes_of(np.asarray([[0.9], [0.1]]), np.asarray([[1.0], [0.0]]))["classes"] == (2, 2)


def test_the_command_line_runs_it(tmp_path: Path) -> None:
    from parity.spec.plain import to_yaml

    situation = Situation(layers=[HIDDEN, dense(1, "softmax")], loss=SCE, y=BINARY[:, :1])
    file = tmp_path / "asked.yaml"
    file.write_text(to_yaml(build_spec(situation.plain(tmp_path))))
    without = CliRunner().invoke(main, ["lint", str(file), "--json"])
    done = CliRunner().invoke(main, ["lint", str(file), "--run", "--json"])
    assert (without.exit_code, done.exit_code) == (1, 1)
    rules = [[one["rule"] for one in json.loads(told.stdout)["advice"]] for told in (without, done)]
    assert rules == [["one_output"], ["one_output", "no_gradient"]]
