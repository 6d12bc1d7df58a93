"""Rows that NumPy changes on their way into a batch: found in their array, to the last bit or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.run.held_rows import among

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (40, 5, 6, 3)).astype("uint8")
TABLE = RNG.normal(3.0, 2.0, (40, 7))
LABELS = RNG.integers(0, 4, 40)
PRICES = RNG.uniform(1.0, 9.0, 40)
ORDER = RNG.permutation(40)

CHANGES: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "pixels": (IMAGES, lambda rows: rows / 255.0),
    "pixels in float32": (IMAGES, lambda rows: rows.astype("float32") / 255),
    "pixels times": (IMAGES, lambda rows: rows * (1.0 / 255)),
    "channels first": (IMAGES, lambda rows: rows.transpose(0, 3, 1, 2)),
    "pixels with channels first": (IMAGES, lambda rows: np.transpose(rows / 255.0, (0, 3, 1, 2))),
    "from -1 to 1": (IMAGES, lambda rows: rows.astype("float32") / 127.5 - 1.0),
    "from -1 to 1, from the middle": (IMAGES, lambda rows: (rows.astype("float32") - 127.5) / 127.5),
    "normalized as ImageNet's": (IMAGES, lambda rows: ((rows / 255.0) - 0.1307) / 0.3081),
    "flattened": (IMAGES, lambda rows: (rows / 255.0).reshape(len(rows), -1)),
    "standardized": (TABLE, lambda rows: (rows - TABLE.mean()) / TABLE.std()),
    "between 0 and 1": (TABLE, lambda rows: (rows - TABLE.min()) / (TABLE.max() - TABLE.min())),
    "by the largest": (TABLE, lambda rows: rows / TABLE.max()),
    "times a number": (TABLE, lambda rows: rows * 0.1),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("numbers", [np.arange(8, 16), ORDER[:8]], ids=["in order", "shuffled"])
def test_rows_that_were_changed_are_those_of_the_whole_array(name: str, numbers: Any) -> None:
    array, change = CHANGES[name]
    steps = [[change(array[one]).astype("float32"), LABELS[one]] for one in (numbers, ORDER[8:16])]
    found = among(steps, [PRICES, array, LABELS])
    assert found is not None
    (rows, labels), places = found
    np.testing.assert_array_equal(rows, change(array).astype("float32"))
    np.testing.assert_array_equal(labels, LABELS)
    np.testing.assert_array_equal(places[0], numbers)


def test_targets_may_be_scaled_as_well() -> None:
    steps = [[TABLE[one].astype("float32"), (PRICES[one] / 10).astype("float32")] for one in (ORDER[:8], ORDER[8:16])]
    found = among(steps, [TABLE, PRICES])
    assert found is not None
    np.testing.assert_array_equal(found[0][1], (PRICES / 10).astype("float32"))


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: np.log1p(rows.astype("float32")),
        lambda rows: rows + RNG.normal(0.0, 0.1, rows.shape),
        lambda rows: (rows - rows.mean(0)) / (rows.std(0) + 1e-7),
        lambda rows: rows[..., ::-1],
        lambda rows: rows * np.pi / 1.2345678912e3,
    ],
    ids=["a logarithm", "noise", "by the batch", "mirrored", "by no short number"],
)
def test_what_is_no_scale_of_the_array_is_not_found(change: Callable[[Any], Any]) -> None:
    steps = [[change(IMAGES[one]).astype("float32"), LABELS[one]] for one in (ORDER[:8], ORDER[8:16])]
    assert among(steps, [IMAGES, LABELS]) is None


def test_rows_of_few_numbers_are_no_scale_of_any_others() -> None:
    """Two numbers are a scale of any two, and three of many."""
    steps = [[(TABLE[one, :3] * 0.5).astype("float32"), LABELS[one]] for one in (ORDER[:8], ORDER[8:16])]
    assert among(steps, [TABLE[:, :3].copy(), LABELS]) is None


def test_every_batch_is_scaled_alike() -> None:
    """The first batch by another number than the second: rows of no array."""
    steps = [[(TABLE[ORDER[:8]] * 0.5).astype("float32"), LABELS[ORDER[:8]]]]
    steps.append([(TABLE[ORDER[8:16]] * 0.25).astype("float32"), LABELS[ORDER[8:16]]])
    assert among(steps, [TABLE, LABELS]) is None


@given(
    scale=st.floats(0.01, 300.0).map(lambda one: float(f"{one:.4g}")),
    shift=st.just(0.0)
    | st.tuples(st.sampled_from([-1.0, 1.0]), st.floats(0.01, 9.0)).map(lambda one: float(f"{one[0] * one[1]:.3g}")),
    divided=st.booleans(),
    kind=st.sampled_from(["float32", "float64"]),
)
def test_what_is_found_is_what_was_done(scale: float, shift: float, divided: bool, kind: str) -> None:
    """Any short scale and shift is found, or nothing is; what is found gives each batch bit for bit."""
    table = TABLE.astype(kind)

    def change(rows: Any) -> Any:
        return rows / scale + shift if divided else rows * scale + shift

    steps = [[change(table[one]).astype("float32"), LABELS[one]] for one in (ORDER[:8], ORDER[8:16])]
    found = among(steps, [table, LABELS])
    if found is not None:
        for (batch, _), numbers in zip(steps, found[1], strict=True):
            np.testing.assert_array_equal(found[0][0][numbers].astype("float32"), batch)
    else:
        factor = 1.0 / scale if divided else scale
        assert (
            abs(shift) > 4 * factor or 0.0 < abs(shift) < 1e-4 * factor
        )  # Little is left of the rows, or of the shift.
