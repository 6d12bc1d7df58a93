"""What lies between two versions, from invented results: turned the right way, named by what computes it."""

from __future__ import annotations

from typing import Any

import pytest
from report_samples import a_comparison, a_difference, a_place, a_result, a_side

from parity.spec.load import build_spec
from parity.spec.resolve import Resolved, resolve
from parity.upgrades.between import between, maker


def sides() -> tuple[Resolved, Resolved]:
    """Return the same small network under the names of two versions."""
    spec = build_spec({
        "name": "mlp", "data": {"source": "digits"}, "optimizer": "rmsprop", "loss": "categorical_crossentropy",
        "model": {"input": [64], "layers": [
            {"dense": {"units": 8, "name": "hidden", "activity_regularizer": {"l2": 0.1}}},
            {"batch_norm": {"name": "norm"}},
            {"dense": {"units": 10, "activation": "softmax", "name": "out"}}]},
        "sides": {"2.10.0": {"framework": "keras"}, "2.11.0": {"framework": "keras"}},
    })  # fmt: skip
    before, after = resolve(spec)
    return before, after


def result(a: str, b: str, place: Any, **fields: Any) -> Any:
    pair = a_comparison(a, b, "divergent", first=place)
    told = a_difference("optimizer.epsilon_place", "left", "right").model_copy(update={"a_side": a, "b_side": b})
    return a_result([a_side(a, [1.0], []), a_side(b, [1.0], [])], [pair], differences=[told, *fields.get("more", ())])


@pytest.mark.parametrize("turned", [False, True])
def test_before_and_after_are_told_in_their_order_whichever_side_was_the_reference(turned: bool) -> None:
    before, after = sides()
    place = a_place(phase="update", tensor="hidden.kernel", values=(1.0, 2.0))
    names = ("2.11.0", "2.10.0") if turned else ("2.10.0", "2.11.0")
    found = between(result(*names, place), before, after, 12.34)
    assert (found.before, found.after, found.verdict, found.agree, found.seconds) == (
        "2.10.0", "2.11.0", "divergent", False, 12.3)  # fmt: skip
    assert found.first is not None
    assert found.first.values == ((2.0, 1.0) if turned else (1.0, 2.0))
    (moved,) = found.moved
    assert (moved.path, moved.before, moved.after) == (
        "optimizer.epsilon_place", *(("right", "left") if turned else ("left", "right")))  # fmt: skip
    assert moved.means == "whether epsilon is added to v under the root, or to the root"
    assert found.op == "rmsprop"


def test_differences_that_do_nothing_or_are_of_another_pair_are_left_out() -> None:
    before, after = sides()
    idle = a_difference("training.seed", 0, 1).model_copy(
        update={"a_side": "2.10.0", "b_side": "2.11.0", "inert": True, "reason": "nothing draws"}
    )
    other = a_difference("training.seed", 0, 1).model_copy(update={"a_side": "2.9.0", "b_side": "2.11.0"})
    found = between(result("2.10.0", "2.11.0", a_place(), more=(idle, other)), before, after, 1.0)
    assert [one.path for one in found.moved] == ["optimizer.epsilon_place"]


@pytest.mark.parametrize(
    ("phase", "tensor", "op"),
    [
        ("forward", "norm", "batch_norm norm"),
        ("loss", "loss", "categorical_crossentropy and the activity penalty of dense"),
        ("gradient", "hidden", "gradient with respect to the output of dense hidden"),
        ("gradient", "hidden.kernel", "gradient of dense hidden"),
        ("update", "out.bias", "rmsprop"),
        ("state", "norm.moving_mean", "batch_norm norm"),
        ("state", "velocity/out.bias", "rmsprop"),
        ("metric", "predictions", "predictions"),
    ],
)
def test_what_computes_a_tensor_is_named(phase: Any, tensor: str, op: str) -> None:
    _, after = sides()
    pair = a_comparison("2.10.0", "2.11.0", "divergent", first=a_place(phase=phase, tensor=tensor))
    assert maker(pair, after) == op


MASKED: dict[str, Any] = {"name": "masked", "data": {"source": "phrases"}, "optimizer": "sgd", "loss": "mse",
          "model": {"inputs": {"words": {"shape": [12], "dtype": "integer"}}, "layers": [
              {"embedding": {"input_dim": 24, "output_dim": 4, "mask_zero": True, "name": "words"}},
              {"simple_rnn": {"units": 2, "name": "rnn", "return_sequences": True}}, "flatten",
              {"dense": {"units": 1, "name": "out"}}]}}  # fmt: skip


@pytest.mark.parametrize(
    ("phase", "tensor", "op"),
    [
        ("forward", "rnn", "simple_rnn rnn, which goes by the mask of words"),
        ("gradient", "rnn.bias", "gradient of simple_rnn rnn, which goes by the mask of words"),
        ("forward", "out", "dense out"),
        ("loss", "loss", "mse"),
    ],
)
def test_whose_mask_an_op_goes_by_is_told_which_no_tensor_shows(phase: Any, tensor: str, op: str) -> None:
    side = resolve(build_spec({**MASKED, "sides": {"a": {"framework": "keras"}}}))[0]
    pair = a_comparison("a", "b", "divergent", first=a_place(phase=phase, tensor=tensor))
    assert maker(pair, side) == op


def test_a_loss_that_counts_some_steps_is_told_so() -> None:
    model = {**MASKED["model"], "layers": [*MASKED["model"]["layers"][:2], {"dense": {"units": 1, "name": "out"}}]}
    side = resolve(build_spec({**MASKED, "model": model, "sides": {"a": {"framework": "keras"}}}))[0]
    pair = a_comparison("a", "b", "divergent", first=a_place(phase="loss", tensor="loss"))
    assert maker(pair, side) == "mse, which goes by the mask of out"


def test_a_side_that_did_not_run_is_told() -> None:
    before, after = sides()
    given = result("2.10.0", "2.11.0", a_place())
    given = given.model_copy(
        update={"sides": [given.sides[0].model_copy(update={"error": "no wheel"}), given.sides[1]]}
    )
    assert between(given, before, after, 1.0).error == "2.10.0: no wheel"
