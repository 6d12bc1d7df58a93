"""What a model's outputs mean, and how what is seen of a program is laid against the spec."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from parity.run.driver.layouts import View
from parity.run.output_form import LOG_PROBABILITIES, LOGITS, PROBABILITIES, answered, fitted, meaning, turned
from parity.run.probe import Guide

GENERATOR = np.random.default_rng(3)
DRAWN = [GENERATOR.normal(size=(6, 4)) * size for size in (0.3, 1.0, 8.0)]


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("outputs", "ending", "told"),
    [
        (DRAWN, "softmax", LOGITS),
        ([softmax(z) for z in DRAWN], "softmax", PROBABILITIES),
        ([np.log(softmax(z)) for z in DRAWN], "softmax", LOG_PROBABILITIES),
        ([1 / (1 + np.exp(-z)) for z in DRAWN], "sigmoid", PROBABILITIES),
        (DRAWN, "sigmoid", LOGITS),
        # A sigmoid of its own for each class does not add up to one.
        ([1 / (1 + np.exp(-z)) for z in DRAWN], "softmax", LOGITS),
        # What only one draw of the weights would say is chance.
        ([softmax(DRAWN[0]), DRAWN[1], DRAWN[2]], "softmax", LOGITS),
        ([np.full((6, 1), 0.3), np.full((6, 1), -2.0), np.full((6, 1), 0.1)], "sigmoid", LOGITS),
        # Every row of one class is certain of it.
        ([np.ones((6, 1))] * 3, "softmax", PROBABILITIES),
        # A draw that came to nothing says nothing.
        ([np.full((6, 4), np.nan), softmax(DRAWN[0])], "softmax", PROBABILITIES),
        ([np.full((6, 4), np.nan)], "softmax", LOGITS),
    ],
    ids=["logits", "softmax", "log softmax", "sigmoid", "no sigmoid", "sigmoids", "by chance", "small by chance",
         "one class", "one draw lost", "all draws lost"],
)  # fmt: skip
def test_the_numbers_say_what_they_are(outputs: list[np.ndarray], ending: str, told: str) -> None:
    assert meaning(outputs, ending) == told


def test_float32_probabilities_add_up_near_enough() -> None:
    rows = softmax(GENERATOR.normal(size=(64, 1000)) * 5).astype(np.float32)
    assert meaning([rows], "softmax") == PROBABILITIES
    assert meaning([np.log(rows)], "softmax") == LOG_PROBABILITIES


FINITE = hnp.arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(2, 5)), elements=st.floats(-30, 30))


@given(FINITE)
def test_all_forms_are_the_same_probabilities(z: np.ndarray) -> None:
    p = turned(z, LOGITS, PROBABILITIES, "softmax")
    np.testing.assert_allclose(p, softmax(z), rtol=1e-12)
    logs = turned(z, LOGITS, LOG_PROBABILITIES, "softmax")
    np.testing.assert_allclose(turned(logs, LOG_PROBABILITIES, PROBABILITIES, "softmax"), p, rtol=1e-9)
    np.testing.assert_allclose(
        turned(turned(p, PROBABILITIES, LOGITS, "softmax"), LOGITS, PROBABILITIES, "softmax"), p, rtol=1e-9
    )


@given(FINITE)
def test_a_sigmoid_goes_back_to_the_very_logits(z: np.ndarray) -> None:
    p = turned(z, LOGITS, PROBABILITIES, "sigmoid")
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-z)), rtol=1e-12)
    np.testing.assert_allclose(turned(p, PROBABILITIES, LOGITS, "sigmoid"), z, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("shape", "row", "fits"),
    [
        ((5, 4), (4,), (5, 4)),
        ((5,), (1,), (5, 1)),
        ((5, 1), (1,), (5, 1)),
        ((5, 3, 8, 8), (8, 8, 3), (5, 8, 8, 3)),
        ((5, 8, 8), (8, 8, 1), (5, 8, 8, 1)),
        ((5, 1, 4), (4,), (5, 4)),
        # Not the same numbers in another shape: left, and told apart by it.
        ((5, 6), (2, 3), (5, 6)),
        ((), (1,), ()),
    ],
)
def test_axes_of_one_and_the_place_of_the_channels_are_no_difference(
    shape: tuple[int, ...], row: tuple[int, ...], fits: tuple[int, ...]
) -> None:
    assert fitted(np.zeros(shape), row).shape == fits


def test_predictions_are_turned_once_and_only_where_they_are_said_to_be_another_form() -> None:
    p = softmax(DRAWN[1])
    answer: dict[str, Any] = {
        "says": PROBABILITIES, "metrics": PROBABILITIES, "lockstep": PROBABILITIES, "ending": "softmax", "shape": [4],
    }  # fmt: skip
    assert answered(p, answer, "metrics") is p
    np.testing.assert_allclose(answered(DRAWN[1], answer | {"says": LOGITS}, "lockstep"), p)
    np.testing.assert_allclose(answered(np.log(p), answer | {"says": LOG_PROBABILITIES}, "metrics"), p)
    assert answered(DRAWN[1], None, "metrics") is DRAWN[1]
    flat = answered(
        np.arange(3.0), {"says": "", "metrics": "", "lockstep": "", "ending": None, "shape": [1]}, "metrics"
    )
    assert flat.shape == (3, 1)


class Given(Guide):
    """The reference side's tensors, as they are given."""

    def __init__(self, **tensors: np.ndarray) -> None:
        self.tensors = tensors

    def instead(self, phase: str, name: str, shape: Any, axes: Any) -> np.ndarray | None:
        value = self.tensors.get(f"{phase}_{name.replace('.', '_')}")
        if value is None:
            return None
        value = value if axes is None else value.transpose(np.argsort(axes))
        return value if value.shape == tuple(shape) else None


OUTPUT = {"attribute": "", "axes": None, "point": "output", "shape": [4], "then": None, "meaning": None, "ending": None}


def test_a_view_of_probabilities_shows_them_and_hands_back_what_the_program_has() -> None:
    p = softmax(DRAWN[1])
    view = View("out.probabilities", {**OUTPUT, "meaning": LOG_PROBABILITIES, "ending": "softmax"})
    shown, axes = view.seen(np.log(p))
    assert (view.name, axes, view.gradients) == ("out.probabilities", None, False)
    np.testing.assert_allclose(shown, p)
    other = softmax(DRAWN[0])
    back = view.instead(Given(forward_out_probabilities=other), "forward", np.log(p))
    assert back is not None
    np.testing.assert_allclose(back, np.log(other))
    # A probability of 0 has no logarithm to go on with: the program goes on with its own.
    certain = np.eye(4)[[0, 1, 2, 3, 0, 1]]
    assert view.instead(Given(forward_out_probabilities=certain), "forward", np.log(p)) is None
    assert view.instead(Given(gradient_out_probabilities=p), "gradient", np.log(p)) is None


def test_a_flat_output_is_shown_as_a_column_and_handed_back_flat() -> None:
    view = View("out", {**OUTPUT, "shape": [1]})
    shown, axes = view.seen(np.arange(3.0))
    assert (shown.shape, axes) == ((3, 1), None)
    back = view.instead(Given(forward_out=np.full((3, 1), 7.0)), "forward", np.arange(3.0))
    assert back is not None
    assert back.tolist() == [7.0, 7.0, 7.0]
    assert view.plainly(np.arange(3.0))[0].shape == (3, 1)


def test_channels_first_are_shown_last_and_handed_back_first() -> None:
    view = View("conv", {**OUTPUT, "shape": [2, 5, 3]})
    value = GENERATOR.normal(size=(4, 3, 2, 5))
    shown, axes = view.seen(value)
    assert axes is not None
    assert shown.transpose(axes).shape == (4, 2, 5, 3)
    given = GENERATOR.normal(size=(4, 2, 5, 3))
    back = view.instead(Given(forward_conv=given), "forward", value)
    assert back is not None
    np.testing.assert_array_equal(back, given.transpose(0, 3, 1, 2))


def test_what_stands_before_an_activation_is_shown_behind_it_and_steered_only_where_twice_is_once() -> None:
    z = np.array([[-1.0, 2.0, -3.0, 4.0]])
    relu = View("hidden", OUTPUT, lambda value: np.maximum(value, 0.0))
    assert relu.seen(z)[0].tolist() == [[0.0, 2.0, 0.0, 4.0]]
    given = np.array([[0.5, 0.0, 1.0, 2.0]])
    back = relu.instead(Given(forward_hidden=given), "forward", z)
    assert back is not None
    assert back.tolist() == given.tolist()
    assert not relu.gradients  # That of what stands before the activation is another one.
    tanh = View("hidden", OUTPUT, np.tanh)
    assert tanh.instead(Given(forward_hidden=given), "forward", z) is None
