"""The third witness beside opaque parts: with what these gave it computes all else, and a fault is seen where it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import side_of, starting_weights

from parity.recorded import RecordedReference, given_to_reference, reached_by_draws, tapped, undealt
from parity.reference import Reference, Step
from parity.spec.resolve import Resolved

X = np.random.default_rng(1).normal(size=(6, 3))
Y = np.random.default_rng(2).normal(size=(6, 2))

KNOWN = {"activation": {"function": "tanh", "name": "own"}}
OPAQUE = {"opaque": {"name": "own", "what": "Own", "shape": [4]}}
MSE: Any = "mse"
OWN_LOSS = {"opaque": {"what": "own_loss", "reads": ["first"]}}


def side(middle: dict[str, Any], loss: Any = MSE, activation: str = "relu", **sections: Any) -> Resolved:
    """Return a model of two dense layers with another between, as a program of somebody's own."""
    layers = [{"dense": {"units": 4, "activation": activation, "name": "first"}}, middle, {"dense": {"units": 2}}]
    told = {"loss": loss, "optimizer": "adam", "sides": {"own": {"framework": "torch", "program": __file__}}}
    return side_of("torch", {"input": [3], "layers": layers}, **(told | sections))


def own_of(step: Step) -> Callable[[tuple[str, str]], np.ndarray | None]:
    """Return what a program shows that computes a step."""

    def own(name: tuple[str, str]) -> np.ndarray | None:
        return np.array(step.loss) if name[0] == "loss" else getattr(step, name[0]).get(name[1])

    return own


def witnessed(meant: Resolved, program: Resolved) -> tuple[Step, Step]:
    """Return a step of a program, and that of the witness of what it is meant to be."""
    weights = starting_weights(program)
    step = Reference(program, weights).step(X, Y, 0)
    witness = RecordedReference(meant, weights)
    witness.own = own_of(step)
    return step, witness.step(X, Y, 0)


def apart(a: Step, b: Step) -> set[tuple[str, str]]:
    """Return the tensors of two steps that differ."""
    return {
        (phase, name)
        for phase in ("forward", "gradient", "update", "state")
        for name, value in getattr(a, phase).items()
        if not np.allclose(value, getattr(b, phase)[name], rtol=1e-12, atol=1e-14)
    }


@pytest.mark.parametrize("loss", [MSE, OWN_LOSS], ids=["read", "opaque"])
def test_a_step_with_opaque_parts_is_the_step_of_a_program_in_which_they_are_known(loss: Any) -> None:
    step, found = witnessed(side(OPAQUE, loss), side(KNOWN))
    assert apart(step, found) == set()
    assert found.loss == pytest.approx(step.loss, rel=1e-12)
    assert set(found.update) == {"first.kernel", "first.bias", "dense.kernel", "dense.bias"}


def test_gradients_come_out_of_what_is_opaque_as_the_program_has_them() -> None:
    assert tapped(side(OPAQUE)) == {"first"}
    assert tapped(side(OPAQUE, OWN_LOSS)) == {"first", "dense"}
    assert given_to_reference(side(OPAQUE, OWN_LOSS)) == [
        ("forward", "own"), ("loss", "loss"), ("gradient", "dense"), ("gradient", "first"),
    ]  # fmt: skip
    assert given_to_reference(side(KNOWN)) == []


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"optimizer": {"adam": {"epsilon": 1e-3}}}, "update"),
        ({"loss": "mae"}, "gradient"),
    ],
    ids=["optimizer", "loss"],
)
def test_a_fault_in_what_was_read_departs_where_it_acts(changes: dict[str, Any], first: str) -> None:
    step, found = witnessed(side(OPAQUE), side(KNOWN, **changes))
    phases = {phase for phase, _ in apart(step, found)}
    assert first in phases
    assert "forward" not in phases
    assert ("gradient" in phases) is (first == "gradient")


def test_a_fault_ahead_of_an_opaque_layer_is_not_taken_for_one_behind_it() -> None:
    """The layer behind goes on with what the program's own layer gave, which followed from the fault."""
    wrong = side(KNOWN, activation="sigmoid")
    step, found = witnessed(side(OPAQUE), wrong)
    forward = {name for phase, name in apart(step, found) if phase == "forward"}
    assert forward == {"first"}


def test_what_an_opaque_layer_keeps_counts_where_all_gradients_are_clipped_together() -> None:
    clipped = {"optimizer": {"sgd": {"learning_rate": 0.1, "global_clipnorm": 0.01}}}
    known = side({"dense": {"units": 4, "name": "own"}}, **clipped)
    weights = starting_weights(known)
    step = Reference(known, weights).step(X, Y, 0)
    witness = RecordedReference(side(OPAQUE, **clipped), weights)
    witness.own = own_of(step)
    for beside, agrees in ((("own.kernel", "own.bias"), True), ((), False)):
        witness.beside = beside
        found = witness.step(X, Y, 0)
        assert np.allclose(found.update["dense.kernel"], step.update["dense.kernel"], rtol=1e-12) is agrees
        witness = RecordedReference(side(OPAQUE, **clipped), weights)
        witness.own = own_of(step)


def test_numbers_that_nothing_deals_reach_what_stands_behind_them() -> None:
    drawing = side({"opaque": {**OPAQUE["opaque"], "random": "own", "place": "net.py, line 3"}})
    assert undealt(drawing) == "layer 'own', Own (net.py, line 3),"
    assert reached_by_draws(drawing) == {"own", "dense"}
    dealt = side({"opaque": {**OPAQUE["opaque"], "random": [{"shape": [4]}]}})
    assert undealt(dealt) == ""
    assert reached_by_draws(dealt) == set()
    assert [one.rate for one in dealt.graph.by_name["own"].drawn] == [None]
