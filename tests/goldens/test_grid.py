"""Rounding states to a grid: what rounding moves is made again bit for bit, what a program changes is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.goldens.grid import CELL, cells_of, made_again


def numbers(seed: int, size: int = 20_000) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(size)


@given(seed=st.integers(0, 10_000), exponent=st.integers(-14, -6), square=st.booleans())
def test_what_rounding_moves_becomes_the_same(seed: int, exponent: int, square: bool) -> None:
    value = numbers(seed, 3000)
    value = value**2 if square else value
    value[::5] = 0.0
    error = 10.0**exponent
    cells, found = cells_of(value, error)
    moved = value + np.random.default_rng(seed + 1).uniform(-error, error, value.size) * (value != 0.0)
    again, same = made_again(cells, np.maximum(moved, 0.0) if square else moved)
    assert same
    assert again.tobytes() == found.tobytes()


def test_few_numbers_are_written_down_and_little_is_lost() -> None:
    value = numbers(0, 1_000_000)
    cells, found = cells_of(value, 1e-11)
    assert len(cells.places) < 4 * value.size / CELL
    assert np.abs(found - value).max() <= cells.width
    assert cells.width <= 2 * CELL * 1e-11


def test_a_slot_that_only_decays_does_not_end_on_borders() -> None:
    """0.9 times a multiple of the width: with borders in the middle one number in ten would have to be written down."""
    width = cells_of(numbers(1), 1e-11)[0].width
    for decay in (0.9, 0.99, 0.999):
        cells, _ = cells_of(decay * width * np.arange(-5000, 5000), 1e-11)
        assert len(cells.places) < 20


def test_numbers_without_a_negative_one_become_none_that_is_zero() -> None:
    squares = numbers(2) ** 2
    squares[:50] = 0.0
    cells, found = cells_of(squares, 1e-9)
    assert cells.upward
    assert (found > 0.0).all()
    assert (found >= squares).all()


@pytest.mark.parametrize("by", [1e-5, -1e-5])
def test_a_change_of_one_number_is_noticed(by: float) -> None:
    value = numbers(3)
    cells, _ = cells_of(value, 1e-12)
    value[7] += by
    assert not made_again(cells, value)[1]


def test_whole_numbers_are_taken_as_they_are() -> None:
    cells, found = cells_of(np.array([0.0, -0.0, 3.0, -2.0]), 1e-3)
    assert cells.width == 0.0
    assert found.tolist() == [0.0, 0.0, 3.0, -2.0]
    assert made_again(cells, np.array([-0.0, 0.0, 3.0, -2.0]))[1]
    assert not made_again(cells, np.array([0.0, 0.0, 3.0, -2.0 + 1e-15]))[1]


def test_a_small_tensor_that_is_nothing_but_rounding_is_kept() -> None:
    value = numbers(4, 16)
    cells, found = cells_of(value, 1.0)
    assert cells.values is not None
    again, same = made_again(cells, -value)
    assert same
    assert again.tobytes() == found.tobytes()
    assert not made_again(cells, numbers(4, 15))[1]


def test_nan_and_infinity_stay_where_they_are() -> None:
    value = numbers(5, 100)
    value[3], value[4] = np.nan, np.inf
    cells, found = cells_of(value, 1e-12)
    assert np.isnan(found[3])
    assert found[4] == np.inf
    assert made_again(cells, value)[1]
    value[3] = 0.0
    assert not made_again(cells, value)[1]


def test_another_shape_is_another_state() -> None:
    value = numbers(6, 100)
    cells, _ = cells_of(value, 1e-12)
    assert not made_again(cells, value.reshape(10, 10))[1]
    assert not made_again(cells, value[:50])[1]
