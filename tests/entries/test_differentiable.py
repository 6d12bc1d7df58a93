"""NumPy that can be differentiated: slopes against central differences, and at corners those of the frameworks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy
import pytest

from parity import differentiable as np
from parity.differentiable import pulled

X = numpy.random.default_rng(3).normal(size=(4, 3))

FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "clip": lambda x: np.clip(x, -0.4, 0.6),
    "largest": np.largest,
    "tanh": np.tanh,
    "log_softmax": np.log_softmax,
    "cut": lambda x: np.cut(x, (slice(1, 4, 2), slice(None))) ** 2,
    "cut twice": lambda x: np.cut(x, (slice(0, 2),)) * np.cut(x, (slice(1, 3),)),
    "erfc": np.erfc,
    "expit": np.expit,
    "expm1": np.expm1,
    "softplus": np.softplus,
    "where": lambda x: np.where(x <= 0, 0.0, x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_slope_is_that_of_the_function(name: str) -> None:
    function = FUNCTIONS[name]
    dy = numpy.random.default_rng(4).normal(size=function(X).shape)
    found = pulled(lambda x: function(x), {"x": X}, dy)["x"]
    for index in numpy.ndindex(X.shape):
        push = numpy.zeros_like(X)
        push[index] = 1e-6
        wanted = ((function(X + push) - function(X - push)) * dy).sum() / 2e-6
        assert found[index] == pytest.approx(wanted, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize(
    ("function", "at", "slope"),
    [
        (lambda x: np.where(x <= 0, 0.0, x), [-1.0, 0.0, 1.0], [0.0, 0.0, 1.0]),
        (lambda x: np.where(x > 0, x, 0.2 * x), [-1.0, 0.0, 1.0], [0.2, 0.2, 1.0]),
        (lambda x: np.abs(x), [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]),
        (lambda x: np.clip(x, -1.0, 1.0), [-2.0, -1.0, 0.0, 1.0, 2.0], [0.0, 1.0, 1.0, 1.0, 0.0]),
        (lambda x: np.largest(x), [1.0, 3.0, 3.0, 2.0], [0.0, 1.0, 0.0, 0.0]),
        (lambda x: np.tanh(x), [-1000.0, 0.0, 1000.0], [0.0, 1.0, 0.0]),
        (lambda x: x - np.constant(x), [2.0], [1.0]),
    ],
    ids=["relu", "leaky relu", "abs", "clip", "equal maxima", "tanh far out", "a constant"],
)
def test_at_a_corner_the_slope_is_that_of_the_frameworks(
    function: Callable[[Any], Any], at: list[float], slope: list[float]
) -> None:
    x = numpy.array(at)
    with numpy.errstate(all="raise"):
        dy = numpy.ones_like(function(x))
        assert pulled(function, {"x": x}, dy)["x"].tolist() == slope


def test_what_is_no_number_stays_so() -> None:
    """A run that diverges is not mended by its witness."""
    x = numpy.array([numpy.nan, 1.0])
    assert numpy.isnan(np.where(x <= 0, 0.0, x)[0])
    assert numpy.isnan(np.largest(x))


def test_an_argument_that_nothing_depends_on_has_a_slope_of_zero() -> None:
    found = pulled(lambda x, unused: x * 2.0, {"x": X, "unused": X[0]}, numpy.ones_like(X))
    assert found["unused"].tolist() == [0.0, 0.0, 0.0]
    assert (found["x"] == 2.0).all()
