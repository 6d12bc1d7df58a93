"""The search for what makes a program agree, on invented programs: NumPy references of other configs, with habits."""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import side_of, starting_weights
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from parity.compare.noise import Rounding
from parity.court.causes import Caused, Causes
from parity.explain.against_reference import Agreed, Changes, Held, Name
from parity.explain.agreement import Agreement, ChangeSearch
from parity.explain.changes import Change, Suspects, field_change, pattern, varied
from parity.explain.fields import candidates, others
from parity.explain.habit_list import of_layers
from parity.explain.habits import Habits, Habitual, factors, symmetric_pads
from parity.explain.solved import short_forms
from parity.ops.batch_norm import BatchNorm
from parity.ops.conv2d import Conv2D
from parity.optimizers.adam import Adam
from parity.optimizers.sgd import SGD
from parity.report import html, markdown, terminal
from parity.result import agreeing
from parity.result.filling import cause_facts
from parity.result.schema import Result
from parity.run.exchange import Exchange
from parity.run.lockstep import Taken
from parity.spec.own_program import OwnProgram
from parity.spec.resolve import Resolved
from tests import report_samples as samples

IMAGE: dict[str, Any] = {
    "input": [8, 6, 2],
    "layers": [
        {"conv2d": {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "relu",
                    "name": "conv"}},
        {"batch_norm": {"name": "norm"}},
        {"flatten": {"name": "flat"}},
        {"dropout": {"rate": 0.25, "name": "drop"}},
        {"dense": {"units": 8, "activation": {"gelu": False}, "kernel_regularizer": {"l2": 0.01}, "name": "hidden"}},
        {"dense": {"units": 4, "kernel_constraint": {"max_norm": 0.5}, "kernel_regularizer": {"l2": 0.02},
                   "name": "out"}},
    ],
}  # fmt: skip
PLAIN: dict[str, Any] = {
    "input": [5],
    "layers": [{"dense": {"units": 6, "activation": "tanh", "name": "hidden"}}, {"dense": {"units": 3, "name": "out"}}],
}
SPARSE: dict[str, Any] = {
    "input": [5],
    "layers": [
        {"dense": {"units": 6, "activation": "tanh", "name": "hidden", "activity_regularizer": {"l1": 0.03}}},
        {"dense": {"units": 6, "activation": "tanh", "name": "second", "kernel_regularizer": {"l2": 0.01}}},
        {"dense": {"units": 3, "name": "out", "activity_regularizer": {"l2": 0.05}}},
    ],
}  # fmt: skip
LOGITS = {"categorical_crossentropy": {"from_logits": True}}
BATCH = 8


def side(model: Any = PLAIN, optimizer: Any = "adam", loss: Any = LOGITS) -> Resolved:
    return side_of("torch", model, loss=loss, optimizer=optimizer, training={"batch_size": BATCH})


def habit(name: str, value: Any, path: str = "program.habit") -> Change:
    return Change(path=path, value=value, habits=((name, value),))


def invented(
    one: Resolved, truth: Sequence[Change], number: int = 0, hidden: Callable[[Name], bool] | None = None
) -> Held:
    """Return a step of a program that is the reference of a config with changes.

    Args:
        one: the config that it is meant to have.
        truth: what is otherwise.
        number: of the step, counted from 0; later ones start from slots that are not zero.
        hidden: tensors that cannot be seen.
    """
    generator = np.random.default_rng(number)
    outputs = one.layers()[-1].output_shape[-1]
    x = generator.normal(size=(BATCH, *one.config.model.input))
    y = np.eye(outputs)[generator.integers(0, outputs, BATCH)] if outputs > 1 else generator.normal(size=(BATCH, 1))
    weights = {name: value + 0.1 * generator.normal(size=value.shape) if value.ndim == 1 else value
               for name, value in starting_weights(one).items()}  # fmt: skip
    weights |= {name: abs(value) for name, value in weights.items() if name.endswith("moving_variance")}
    slots = {f"{slot}/{name}": 0.1 * np.abs(generator.normal(size=parameter.shape))
             for slot in one.config.optimizer.slots() for name, parameter in one.parameters().items()
             if parameter.trainable and number}  # fmt: skip
    left = {name: generator.normal(size=one.parameters()[name].shape) for name in weights if number}
    made = varied(one, truth)
    assert made is not None
    program = Habitual(one, weights, slots, left).varied(*made)
    own = {name: np.array(value) for name, value in program.everything(x, y, number)}
    return Held(
        side=one, weights=weights, slots=slots, x=x, y=y, number=number, leftovers=left, noise=lambda name: 1e-11,
        own=lambda name: None if hidden and hidden(name) else own.get(name),
    )  # fmt: skip


def found(held: Held, **given: Any) -> list[Agreement]:
    return ChangeSearch(held=held, **given).run()


def told(agreements: Sequence[Agreement]) -> list[dict[str, Any]]:
    return [{change.path: change.value for change in one.changes} for one in agreements]


def change(one: Resolved, path: str, value: Any) -> Change:
    return field_change(one, [path], value)


FIELDS: dict[str, tuple[Any, Any, str, Any, int]] = {
    "place of epsilon": (PLAIN, "adam", "optimizer.epsilon_place", "after_correction", 0),
    "a number of another framework": (PLAIN, "rmsprop", "optimizer.rho", 0.99, 1),
    "the complement": (PLAIN, {"sgd": {"momentum": 0.9}}, "optimizer.momentum", 0.1, 1),
    "a number that is solved for": (PLAIN, "adam", "optimizer.beta_1", 0.83, 1),
    "a rate": (PLAIN, "adadelta", "optimizer.learning_rate", 0.3, 1),
    "a rate that should fall": (PLAIN, {"sgd": {"learning_rate": {"cosine": {
        "initial_learning_rate": 0.1, "decay_steps": 9}}}}, "optimizer.learning_rate", 0.1, 5),
    "a form of gelu": (IMAGE, "sgd", "layers.hidden.activation.approximate", True, 0),
    "unbiased variance": (IMAGE, "sgd", "layers.norm.unbiased_variance", True, 0),
    "momentum of a running mean": (IMAGE, "sgd", "layers.norm.momentum", 0.95, 0),
    "epsilon of a batch norm": (IMAGE, "sgd", "layers.norm.epsilon", 3e-4, 0),
    "a decay of biases, too": (PLAIN, {"adamw": {"weight_decay": 0.1, "weight_decay_of": {"*.bias": 0.0}}},
                               "optimizer.weight_decay_of", {}, 1),
    "a decay of biases that should have none": (PLAIN, {"adamw": {"weight_decay": 0.1}}, "optimizer.weight_decay_of",
                                                {"*.bias": 0.0}, 1),
    "a coupled one": (PLAIN, {"sgd": {"weight_decay": 0.1}}, "optimizer.weight_decay_of", {"*.bias": 0.0}, 1),
    "one rate for all": (PLAIN, {"adam": {"learning_rate_factor_of": {"hidden": 0.1}}},
                         "optimizer.learning_rate_factor_of", {}, 1),
    "another rate of some": (PLAIN, {"sgd": {"learning_rate_factor_of": {"hidden": 0.1}}},
                             "optimizer.learning_rate_factor_of", {"hidden": 0.2}, 0),
    "a regularizer": (IMAGE, "sgd", "layers.hidden.kernel_regularizer", None, 0),
    "how much of it": (IMAGE, "sgd", "layers.hidden.kernel_regularizer.factor", 0.005, 0),
    "a penalty of an output": (SPARSE, "sgd", "layers.hidden.activity_regularizer", None, 0),
    "how much of that": (SPARSE, "sgd", "layers.out.activity_regularizer.factor", 0.02, 0),
    "what that is divided by": (SPARSE, "sgd", "layers.hidden.activity_reduction", "sum", 0),
    "a penalty of an output that should have none": (SPARSE, "sgd", "layers.second.activity_regularizer",
                                                     {"l2": 0.02}, 0),
    "a constraint": (IMAGE, {"sgd": {"learning_rate": 0.5}}, "layers.out.kernel_constraint", None, 0),
    "probabilities for logits": (PLAIN, "sgd", "layers.out.activation", "softmax", 0),
}  # fmt: skip
"""Network, optimizer, the field that is otherwise, its value, and the step."""


@pytest.mark.parametrize("name", FIELDS)
def test_the_field_that_is_otherwise_is_found(name: str) -> None:
    model, optimizer, path, value, number = FIELDS[name]
    one = side(model, optimizer)
    agreements = found(invented(one, [change(one, path, value)], number))
    assert len(agreements) == 1, told(agreements)
    ((seen, got),) = told(agreements)[0].items()
    assert seen == path
    assert got == value if isinstance(value, dict) else getattr(got, "kind", got) == value
    assert agreements[0].largest < 1e-11


HABITS: dict[str, tuple[dict[str, Any], dict[str, Any], int]] = {
    "gradients kept": ({"keeps_gradients": True}, {"program.zero_grad": False}, 1),
    "no dropout": ({"undropped": True}, {"program.training": "dropout off in training"}, 0),
    "frozen batch norm": ({"settled": True}, {"program.training": "batch norm by running statistics"}, 0),
    "a batch norm that is not trainable": ({"settled": True, "unmoved": True},
                                           {"program.training": "batch norm frozen"}, 0),
    "evaluation mode": ({"undropped": True, "settled": True}, {"program.training": "evaluation mode in training"}, 0),
    "dropout in evaluation": ({"dropping": True}, {"program.training": "dropout on in evaluation"}, 0),
    "training mode in evaluation": ({"dropping": True, "batchwise": True},
                                    {"program.training": "training mode in evaluation"}, 0),
    "a factor": ({"loss_factor": 1 / 7}, {"program.loss_factor": 1 / 7}, 0),
    "a factor of the gradient": ({"gradient_factor": 3.0}, {"program.loss_factor": 3.0}, 0),
    "a sum": ({"reduction": "sum"}, {"loss.reduction": "sum"}, 0),
    "channels first": ({"flattened": {"flat": (2, 0, 1)}}, {"program.flatten_order": "channels_first"}, 0),
    "columns first": ({"flattened": {"flat": (1, 0, 2)}}, {"program.flatten_order": [1, 0, 2]}, 0),
    "a kernel turned round": ({"turned": frozenset({"conv"})}, {"layers.conv.kernel": "turned round"}, 0),
    "everything dropped": ({"emptied": "drop"}, {"layers.drop.rate": 1.0}, 0),
    "a gradient cut off": ({"detached": "flat"}, {"program.detached": "flat"}, 0),
    "padding as PyTorch's": ({"symmetric": frozenset({"conv"})}, {"layers.conv.padding": "symmetric"}, 0),
    "half the penalty": ({"penalty_factor": 0.5}, {"layers.{hidden,out}.kernel_regularizer": "0.5 times as much"}, 0),
    "a decay": ({"decay": 0.02, "coupled": True}, {"optimizer.weight_decay": 0.02}, 1),
    "a decay of kernels only": ({"decay": 0.02, "kernels_only": True}, {"optimizer.weight_decay": 0.02}, 1),
    "an averaged velocity": ({"averaged": True}, {"optimizer.momentum": "averaged"}, 1),
}  # fmt: skip
"""Habits, what they are called, and the step."""


@pytest.mark.parametrize("name", HABITS)
def test_the_habit_is_found(name: str) -> None:
    habits, expected, number = HABITS[name]
    one = side(IMAGE, {"sgd": {"learning_rate": 0.3, "momentum": 0.9}})
    truth = Change(path="program.habit", value=True, habits=tuple(habits.items()))
    agreements = found(invented(one, [truth], number))
    assert expected in told(agreements), told(agreements)
    as_well = {"optimizer.learning_rate": 0.03} if "averaged" in habits else expected  # The same, at one rate.
    assert all(way == as_well or set(way) == set(expected) for way in told(agreements)), told(agreements)
    assert as_well in told(agreements)


SILENT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "normal noise": ({"gaussian_noise": {"stddev": 0.25, "name": "it"}}, {"layers.it.stddev": 0.25}),
    "noise that multiplies": ({"gaussian_dropout": {"rate": 0.25, "name": "it"}}, {"layers.it.rate": 0.25}),
    "whole channels": ({"spatial_dropout1d": {"rate": 0.25, "name": "it"}}, {"layers.it.rate": 0.25}),
    "values of a state": ({"lstm": {"units": 3, "return_sequences": True, "recurrent_dropout": 0.25, "name": "it"}},
                          {"layers.it.recurrent_dropout": 0.25}),
    "both of a recurrent layer": (
        {"gru": {"units": 3, "return_sequences": True, "dropout": 0.5, "recurrent_dropout": 0.25, "name": "it"}},
        {"layers.it.dropout + layers.it.recurrent_dropout": [0.5, 0.25]}),
    "weights between places": ({"multi_head_attention": {"num_heads": 1, "key_dim": 2, "dropout": 0.25, "name": "it"}},
                               {"layers.it.dropout": 0.25}),
}  # fmt: skip
"""Layers that draw, and what a program that does not call one is told to have for 0, with what its config says."""


@pytest.mark.parametrize("name", SILENT)
def test_a_layer_that_draws_nothing_is_told_by_the_fields_that_say_how_much(name: str) -> None:
    layer, expected = SILENT[name]
    layers = [layer, "flatten", {"dense": {"units": 4}}, {"dropout": {"rate": 0.5, "name": "drop"}}, {"dense": 3}]
    one = side({"input": [4, 3], "layers": layers}, "sgd")
    every = list(of_layers(one, one.layers()))
    silent = [change for change in every if change.habits == (("uncalled", "it"),)]
    assert [({change.path: change.was}, change.value) for change in silent] == [(expected, 0.0)]
    emptied = [change.path for change in every if change.habits and change.habits[0][0] == "emptied"]
    assert emptied == [*(["layers.it.rate"] if name == "whole channels" else []), "layers.drop.rate"], "masks of x"
    assert told(found(invented(one, silent)))[0] == {next(iter(expected)): 0.0}


def test_a_dropout_of_all_that_is_off_lets_the_gradient_through() -> None:
    """It hands on what it reads, both ways: its own gradient of 0 is that of a layer that is on."""
    model = {"input": [5], "layers": [{"dense": 4}, {"dropout": 1.0}, {"dense": 3}]}
    one = side(model, "sgd")
    held = invented(one, [habit("undropped", True)])
    assert np.any(held.own(("gradient", "dense.kernel")))
    assert {"program.training": "dropout off in training"} in told(found(held))


def test_what_a_flatten_takes_in_may_be_seen_in_its_order() -> None:
    """A layer that moves the axes stands between two of the config's: the first is seen as the second takes it in."""
    one = side(IMAGE, "sgd")
    held = invented(one, [habit("flattened", {"flat": (2, 0, 1)})])
    own = held.own

    def turned(name: Name) -> np.ndarray | None:
        value = own(name)
        return np.moveaxis(value, -1, 1) if value is not None and name[1] == "norm" else value

    held.own = turned
    (way,) = told(found(held))
    assert way == {"program.flatten_order": "channels_first"}


def test_targets_that_a_loss_stretches_are_told_as_their_form() -> None:
    model = {"input": [5], "layers": [{"dense": {"units": 6, "activation": "tanh"}}, {"dense": 1}]}
    one = side(model, "sgd", "mse")
    sets = (("data.targets", "flat"), ("loss.broadcast", "stretch"))
    truth = Change(path="program.targets", value="flat", sets=sets)
    (way,) = told(found(invented(one, [truth])))
    assert way == {"data.targets": "flat"}


def test_penalties_that_go_over_all_parameters_are_told_by_those_that_should_have_none() -> None:
    one = side(IMAGE, "sgd")
    paths = {"layers.hidden.bias_regularizer": {"l2": 0.01}, "layers.out.bias_regularizer": {"l2": 0.02}}
    truth = Change(path="program.penalty", value=True, sets=tuple(paths.items()))
    (way,) = told(found(invented(one, [truth])))
    assert list(way) == ["layers.{hidden,out}.bias_regularizer"]
    (way,) = told(found(invented(one, [change(one, "layers.out.bias_regularizer", {"l2": 0.02})])))
    assert list(way) == ["layers.out.bias_regularizer"]


def test_penalties_of_outputs_are_told_together_where_they_go_together() -> None:
    """Beside a kernel's: what is forgotten, or multiplied, is all of them."""
    one = side(SPARSE, "sgd")
    forgotten = ["layers.hidden.activity_regularizer", "layers.out.activity_regularizer"]
    (way,) = told(found(invented(one, [change(one, path, None) for path in forgotten])))
    assert list(way.values()) == [None]
    assert list(way) == ["layers.{hidden,out}.activity_regularizer"]
    (way,) = told(found(invented(one, [habit("penalty_factor", 0.5)])))
    assert list(way.values()) == ["0.5 times as much"]


def test_a_program_that_agrees_is_not_searched() -> None:
    held = invented(side(), [])
    assert not held.departs
    assert found(held) == []
    assert held.trials == 2  # Asked once, searched once, and nothing tried.


def test_the_smallest_set_is_found_whatever_phase_its_changes_act_in() -> None:
    one = side(IMAGE, {"sgd": {"learning_rate": 0.1, "momentum": 0.9}})
    truth = [change(one, "optimizer.nesterov", True), change(one, "layers.hidden.kernel_regularizer", None),
             change(one, "layers.norm.epsilon", 1e-5)]  # fmt: skip
    (way,) = told(found(invented(one, truth)))
    assert way == {"optimizer.nesterov": True, "layers.hidden.kernel_regularizer": None, "layers.norm.epsilon": 1e-5}


def test_two_changes_of_one_tensor_are_found_though_neither_mends_it() -> None:
    """The commonest of all: Adam as PyTorch has it, where Keras's is meant."""
    one = side()
    truth = [change(one, "optimizer.epsilon_place", "after_correction"), change(one, "optimizer.epsilon", 1e-8)]
    (way,) = told(found(invented(one, truth)))
    assert way == {"optimizer.epsilon_place": "after_correction", "optimizer.epsilon": 1e-8}


def test_a_mistake_ahead_of_what_can_be_seen_is_found_where_it_shows() -> None:
    """Two layers that cannot be watched, each with a mistake: both show in the next one."""
    one = side(IMAGE, "sgd")
    truth = [habit("flattened", {"flat": (2, 0, 1)}), habit("symmetric", frozenset({"conv"}), "program.other")]
    hidden = {("forward", name) for name in ("conv", "norm", "flat")}
    (way,) = told(found(invented(one, truth, hidden=hidden.__contains__)))
    assert way == {"program.flatten_order": "channels_first", "layers.conv.padding": "symmetric"}


def test_what_does_as_well_in_one_step_is_told_apart_by_another() -> None:
    """In the first step from zero, nesterov and a velocity take the same share of the one gradient there is."""
    one = side(PLAIN, {"sgd": {"learning_rate": 0.1, "momentum": 0.5}})
    truth = [habit("averaged", True)]
    first = found(invented(one, truth))
    assert {"optimizer.momentum": "averaged"} in told(first)
    assert {"optimizer.learning_rate": 0.05} in told(first), "the same, as long as neither changes"
    later = invented(one, truth, number=1)
    assert [way for way in first if (seen := later.outcome(way.changes)) and seen.place is None]


def test_of_sets_that_are_called_the_same_the_one_that_holds_later_stays() -> None:
    """A decay of kernels only and one of all parameters are one as long as biases are 0."""
    whole, kernels = habit("decay", 0.5), Change(path="program.habit", value=0.5, habits=(("kernels_only", True),))
    outcomes = {whole: Agreed(place=("update", "out.bias"), order=3, largest=0.0, numbers=9),
                kernels: Agreed(place=None, order=9, largest=1e-14, numbers=20)}  # fmt: skip
    held: Any = SimpleNamespace(outcome=lambda changes, afresh=False: outcomes[changes[0]])
    other = Agreement(changes=(kernels,), largest=1e-15)
    stays, told_of = Agreement(changes=(whole,), largest=1e-15, alike=(other,)).against(held, afresh=False)
    assert (stays and stays.changes, stays and stays.largest) == ((kernels,), 1e-14)
    assert told_of is outcomes[whole]
    assert Agreement(changes=(whole,), largest=1e-15).against(held, afresh=True)[0] is None


def test_nothing_is_found_for_what_no_field_says() -> None:
    one = side()
    held = invented(one, [])
    own = held.own
    held.own = lambda name: own(name) * 1.01 ** np.arange(6) if name == ("update", "hidden.bias") else own(name)
    search = ChangeSearch(held=held)
    assert search.run() == []
    assert not search.stopped
    assert held.trials > 20


def test_a_search_ends_when_its_time_is_over_and_says_so() -> None:
    one = side()
    held = invented(one, [change(one, "optimizer.beta_1", 0.83)], number=1)
    search = ChangeSearch(held=held, seconds=0.0)
    assert search.run() == []
    assert search.stopped


def test_few_numbers_agree_with_anything() -> None:
    """One weight, one bias: a rate that is solved for says nothing."""
    model = {"input": [1], "layers": [{"dense": {"units": 1, "use_bias": False, "name": "out"}}]}
    one = side(model, "sgd", "mse")
    seen = {("update", "out.kernel")}
    held = invented(one, [change(one, "optimizer.learning_rate", 0.03)], hidden=lambda name: name not in seen)
    assert found(held) == []


def test_a_search_goes_on_from_what_is_known() -> None:
    one = side()
    first = change(one, "optimizer.epsilon_place", "after_correction")
    held = invented(one, [first, habit("keeps_gradients", True)], number=1)
    (way,) = told(found(held, begin=(first,)))
    assert way == {"optimizer.epsilon_place": "after_correction", "program.zero_grad": False}


# ------------------------------------------------------------------------------------------------ the parts


def test_the_other_values_of_a_field_are_its_entrys() -> None:
    assert others(Adam(), "epsilon_place") == ["after_correction"]
    assert others(Adam(epsilon=1e-3), "epsilon") == [1e-7, 1e-8, 0.999, 0.0]
    assert others(SGD(), "nesterov") == [True]
    assert others(BatchNorm(), "momentum") == [0.9, 0.01, 0.0]
    assert others(Conv2D(filters=1, kernel_size=1), "padding") == ["same"]
    assert others(Conv2D(filters=1, kernel_size=1), "filters") == []
    kinds = {entry.kind for entry in others(Conv2D(filters=1, kernel_size=1), "activation")}
    assert {"relu", "gelu", "softmax"} <= kinds
    assert "linear" not in kinds


def test_layers_that_say_the_same_are_one_change() -> None:
    model = {**PLAIN, "layers": [{"dense": {"units": 6, "activation": "tanh", "name": name}} for name in "abc"]}
    one = side(model)
    paths = ["layers.a.activation", "layers.b.activation"]
    assert pattern(one, paths) == "layers.{a,b}.activation"
    assert pattern(one, [*paths, "layers.c.activation"]) == "layers.*.activation"
    suspects = Suspects(phase="forward", layers=one.layers()[:1], number=0)
    assert {"layers.a.activation", "layers.*.activation"} <= {each.path for each in candidates(one, suspects)}


def test_a_change_that_makes_another_network_is_none() -> None:
    one = side(IMAGE)
    assert varied(one, [change(one, "layers.conv.padding", "valid")]) is None
    assert varied(one, [change(one, "layers.norm.scale", False)]) is None
    assert varied(one, [change(one, "layers.conv.strides", 0)]) is None
    made = varied(one, [change(one, "layers.conv.activation", "tanh"), habit("settled", True)])
    assert made is not None
    assert made[1] == Habits(settled=True)


@pytest.mark.parametrize(
    ("length", "window", "step", "expected"),
    [(8, 3, 2, [1]), (16, 5, 2, [2]), (9, 3, 3, [1]), (9, 3, 2, None), (8, 3, 1, None), (8, 4, 1, None)],
)
def test_padding_alike_before_and_after_where_it_differs(
    length: int, window: int, step: int, expected: list[int] | None
) -> None:
    conv = {"conv1d": {"filters": 2, "kernel_size": window, "strides": step, "padding": "same"}}
    assert (
        symmetric_pads(side({"input": [length, 2], "layers": [conv, "flatten", {"dense": 3}]}).layers()[0]) == expected
    )


def test_a_sum_and_its_like_are_factors_of_the_mean() -> None:
    assert factors(side(), 8) == {"sum": 8.0, "mean_over_classes": 1 / 3}
    assert factors(side(loss="mse"), 8) == {"sum": 24.0, "sum_over_rows": 8.0, "sum_over_outputs": 3.0}
    one_output = {"input": [5], "layers": [{"dense": 1}]}
    assert factors(side(one_output, loss="mse"), 8) == {"sum": 8.0}, "over the rows only: there is one output"


@given(st.integers(1, 999), st.integers(-9, 9))
def test_a_number_of_few_digits_is_known_by_what_is_near_it(digits: int, power: int) -> None:
    value = float(f"{digits}e{power}")
    assert next(short_forms(value * (1 + 1e-12))) == (True, value)


def test_a_batch_norm_that_is_settled_has_the_gradients_of_its_evaluation() -> None:
    generator = np.random.default_rng(0)
    x, dy = generator.normal(size=(2, 7, 3))
    p = {name: generator.uniform(0.5, 2.0, 3) for name in ("gamma", "beta", "moving_mean", "moving_variance")}
    op = BatchNorm()
    dx, gradients = op.vjp_evaluated(x, p, dy)
    for name, got in {"x": dx, **gradients}.items():
        push = generator.normal(size=got.shape)
        ends = []
        for sign in (1e-6, -1e-6):
            moved = p if name == "x" else {**p, name: p[name] + sign * push}
            ends.append((op.forward(x + sign * push if name == "x" else x, moved) * dy).sum())
        assert (ends[0] - ends[1]) / 2e-6 == pytest.approx((got * push).sum(), rel=1e-6)


# ---------------------------------------------------------------------------------------------- step by step


class Step:
    """A step of a program as a lockstep has it, its tensors kept."""

    def __init__(self, held: Held) -> None:
        names = [name for name, _ in held.base.varied(held.side, Habits()).everything(held.x, held.y, held.number)]
        self.digests = {name: name for name in names if name[0] != "loss"}
        own = {name: held.own(name) for name in names}
        self.tensors = {**own, ("batch", "x"): held.x, ("batch", "y"): held.y}
        self.loss = float(own["loss", "loss"])  # type: ignore[arg-type]

    def tensor(self, phase: str, name: str) -> Any:
        return self.tensors[phase, name]

    own, beside = Taken.own, Taken.beside


class Lock:
    """A lockstep of one program, whose step and state are given."""

    precision = "float64"

    def __init__(self, folder: Path, slots: Sequence[str]) -> None:
        self.state = str(folder)
        self.openings = {"own": {"bindings": {"slots": dict.fromkeys(slots)}}}
        self.left: dict[str, Any] = {}

    def form(self, side: str) -> dict[str, str | None]:
        return {"": None}

    def leftovers(self, side: str) -> dict[str, Any]:
        return self.left

    def at(self, held: Held) -> dict[str, Step]:
        state = Exchange(self.state)
        for kind, tensors in (("weights", held.weights), ("slots", held.slots)):
            for name, value in tensors.items():
                state.put(f"{kind}/{name}", value)
        self.left = dict(held.leftovers)
        return {"own": Step(held)}


@dataclass
class Docket:
    """Steps of a program, brought before :class:`Causes` one after another."""

    one: Resolved
    lock: Lock
    causes: Causes

    def hear(self, number: int, *truth: Change, last: bool = False) -> Caused:
        replay: Any = self.lock.at(invented(self.one, truth, number - 1))
        if self.causes.wanted(number, last):
            self.causes.confirm(number, replay, last)
        self.causes.look(number, replay, ["own"])
        return self.causes.found["own"]


@pytest.fixture
def docket(tmp_path: Path) -> Callable[..., Docket]:
    def made(optimizer: Any, slots: Sequence[str]) -> Docket:
        one = dataclasses.replace(side(PLAIN, optimizer), name="own", program=OwnProgram(file="own.py"))
        lock: Any = Lock(tmp_path, slots)
        rounding = Rounding(precision="float64")
        rounding.errors["own"] = {("loss", "loss"): 1e-14}
        return Docket(one, lock, Causes(lock=lock, sides={"own": one}, rounding=rounding))

    return made


MOMENTUM = {"sgd": {"learning_rate": 0.1, "momentum": 0.9}}


def test_what_is_found_is_held_against_later_steps(docket: Callable[..., Docket]) -> None:
    case = docket(MOMENTUM, ["velocity"])
    truth = change(case.one, "optimizer.nesterov", True)
    assert case.hear(1, truth).steps == [1]
    for number in range(2, 6):
        case.hear(number, truth)
    found = case.hear(9, truth, last=True)
    assert found.steps == [1, 2, 3, 9], "two more, and the last one"
    assert told(found.agreements) == [{"optimizer.nesterov": True}]
    assert found.departs is None


def test_what_does_not_agree_later_is_not_named(docket: Callable[..., Docket]) -> None:
    case = docket(MOMENTUM, ["velocity"])
    case.hear(1, change(case.one, "optimizer.learning_rate", 0.05))
    found = case.hear(2, change(case.one, "optimizer.learning_rate", 0.07))
    assert found.agreements == []
    assert found.departs == (2, ("update", "hidden.kernel"))
    assert case.hear(3, last=True) is found, "nothing is asked any more"
    assert "no cause is named" in cause_facts([found])[1]["own"]


def test_what_a_later_step_shows_besides_is_found_with_it(docket: Callable[..., Docket]) -> None:
    case = docket("adam", ["m", "v"])
    place, kept = change(case.one, "optimizer.epsilon_place", "after_correction"), habit("keeps_gradients", True)
    assert told(case.hear(1, place, kept).agreements) == [{"optimizer.epsilon_place": "after_correction"}]
    found = case.hear(2, place, kept)
    assert told(found.agreements) == [{"optimizer.epsilon_place": "after_correction", "program.zero_grad": False}]
    assert found.steps == [1, 2]


def test_slots_that_are_not_known_leave_later_steps_out(docket: Callable[..., Docket]) -> None:
    case = docket(MOMENTUM, [])
    truth = change(case.one, "optimizer.learning_rate", 0.05)
    case.hear(1, truth)
    assert case.hear(2, change(case.one, "optimizer.learning_rate", 0.025), last=True).steps == [1]
    assert told(case.causes.found["own"].agreements) == [{"optimizer.learning_rate": 0.05}]


def test_where_the_noise_is_not_known_nothing_is_said(docket: Callable[..., Docket]) -> None:
    case = docket(MOMENTUM, ["velocity"])
    case.causes.rounding.errors.clear()
    replay: Any = case.lock.at(invented(case.one, [change(case.one, "optimizer.nesterov", True)]))
    case.causes.look(1, replay, ["own"])
    assert case.causes.found == {}


def test_a_compiled_program_is_not_searched(docket: Callable[..., Docket]) -> None:
    case = docket(MOMENTUM, ["velocity"])
    case.causes.sides = {"own": dataclasses.replace(case.one, program=None)}
    replay: Any = case.lock.at(invented(case.one, [change(case.one, "optimizer.nesterov", True)]))
    case.causes.look(1, replay, ["own"])
    assert case.causes.found == {}


# --------------------------------------------------------------------------------------------- what is said


def caused(*ways: Changes, **given: Any) -> Caused:
    agreements = [Agreement(changes=way, largest=3e-16) for way in ways]
    return Caused(**{"side": "own", "agreements": agreements, "steps": [1], "trials": 12} | given)


EPSILON = Change(path="optimizer.epsilon_place", value="after_correction", was="before_correction")
ZERO = Change(path="program.zero_grad", value=False, was=True, text="gradients are not set to zero")


def test_one_change_is_a_sentence_with_path_values_and_what_is_left() -> None:
    facts, none = cause_facts([caused((EPSILON,))])
    assert none == {}
    assert [(fact.side, fact.path, fact.value, fact.was, fact.way) for fact in facts] == [
        ("own", "optimizer.epsilon_place", "after_correction", "before_correction", 0)
    ]
    assert facts[0].sentence == (
        "own: `optimizer.epsilon_place: after_correction` (its config says before_correction) makes it agree with the "
        "NumPy reference of its config to rounding, in step 1 (largest difference left 3.0e-16)."
    )


def test_what_a_program_does_not_compute_twice_alike_is_not_said_to_agree() -> None:
    """A counter of its own, say, by which it moves its weights in every second step only."""
    one = side(PLAIN, {"sgd": {"learning_rate": 0.1}})
    held = invented(one, [Change(path="program.loss_factor", value=0.5, habits=(("gradient_factor", 0.5),))])
    held.noise = lambda name: math.inf if name[0] == "update" else 1e-11
    (agreement,) = found(held)
    assert agreement.unsteady == {"update"}
    facts, _ = cause_facts([Caused(side="own", agreements=[agreement], steps=[1], trials=3)])
    assert facts[0].unsteady == ["update"]
    assert "; nothing is said of update, which it does not compute twice alike)." in facts[0].sentence


def test_several_changes_are_said_together_and_several_ways_as_such() -> None:
    facts, _ = cause_facts([caused((EPSILON, ZERO), steps=[2, 3])])
    assert "`program.zero_grad: false` (gradients are not set to zero) together make it agree" in facts[0].sentence
    assert "in steps 2 and 3" in facts[0].sentence
    facts, _ = cause_facts([caused((EPSILON,), (ZERO,))])
    assert [fact.way for fact in facts] == [0, 1]
    assert "own: either `optimizer.epsilon_place: " in facts[0].sentence
    assert "or `program.zero_grad: false`" in facts[0].sentence
    assert "do not tell" in facts[0].sentence
    assert len({fact.sentence for fact in facts}) == 1


def test_none_is_an_answer() -> None:
    facts, none = cause_facts([caused()])
    assert facts == []
    assert none == {"own": "own: no field of its config that was tried makes it agree with its NumPy reference "
                           "(12 configs tried, step 1)."}  # fmt: skip
    _, none = cause_facts([caused(stopped=True, trials=1)])
    assert "the search stopped after 1 config" in none["own"]
    _, none = cause_facts([caused((EPSILON,), departs=(3, ("update", "a.b")))])
    assert none["own"].endswith("does not in step 3 (update, a.b), so no cause is named.")


def test_an_entry_is_told_by_its_label_and_a_number_by_its_digits() -> None:
    one = dataclasses.replace(EPSILON, path="optimizer", value=SGD(momentum=0.5), was=Adam())
    (fact,), _ = cause_facts([caused((one,))])
    assert (fact.value, fact.was) == ("sgd(momentum=0.5)", "adam")
    assert agreeing.value(0.30000000000000004) == "0.3"
    assert agreeing.value(1e-8) == "1e-8"
    assert agreeing.pieces("a `b` c") == [(False, "a "), (True, "b"), (False, " c")]


def test_every_report_says_it_under_the_verdict_of_the_comparison() -> None:
    facts, _ = cause_facts([caused((EPSILON, ZERO))])
    none = agreeing.nothing("keras", 1, 40, stopped=False)
    result = samples.odd()
    first, *rest = result.comparisons
    result = result.model_copy(
        update={"comparisons": [first.model_copy(update={"causes": facts, "uncaused": [none]}), *rest]}
    )
    stream = io.StringIO()
    terminal.print_result(result, Console(file=stream, width=4000))
    paper, page = markdown.to_markdown(result), html.to_html(result)
    for text in (facts[0].sentence, none):
        assert text in stream.getvalue()
        assert text in paper.replace("\\", "")
    assert "<code>optimizer.epsilon_place: after_correction</code> (its config says" in page
    assert "no field of its config that was tried" in page
    again = Result.model_validate_json(result.model_dump_json())
    assert again.comparisons[0].causes == facts
