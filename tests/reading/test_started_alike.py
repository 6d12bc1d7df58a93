"""How a row of padding starts, of two programs: a difference where both have such a row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers_pairs import pair_of, reading

from parity.reading.whole import ReadProgram

TOKENS = np.arange(32).reshape(8, 4) % 5


def embedded(**fields: Any) -> ReadProgram:
    """Return a program that looks up tokens in a table."""
    layers = [{"embedding": {"input_dim": 5, "output_dim": 2, "name": "table", **fields}},
              {"flatten": {"name": "flat"}}, {"dense": {"units": 1, "name": "out"}}]  # fmt: skip
    found = reading("torch", layers, {"X": TOKENS, "y": np.ones((8, 1))})
    found.spec["model"] = {"inputs": {"tokens": {"shape": [4], "dtype": "integer"}}, "layers": layers}
    return found


DRAWN: dict[str, Any] = {"padding_idx": 0, "padding_starts_at_0": False}


@pytest.mark.parametrize(("first", "second", "fields"), [
    ({}, DRAWN, {"padding_idx"}), (DRAWN, {}, {"padding_idx"}), ({}, {"padding_idx": 0}, {"padding_idx"}),
    (DRAWN, {"padding_idx": 0}, {"padding_starts_at_0"}), ({"padding_idx": 0}, DRAWN, {"padding_starts_at_0"}),
    (DRAWN, DRAWN, set()), ({"padding_starts_at_0": False}, {}, set()),
])  # fmt: skip
def test_how_a_row_of_padding_starts_is_a_difference_of_two_that_have_one(
    first: dict[str, Any], second: dict[str, Any], fields: set[str]
) -> None:
    found = pair_of(embedded(**first), embedded(**second))
    one, other = (dict(side.model.layers[0]) for side in found.sides)
    assert {name for name in one if one[name] != other[name]} == fields
