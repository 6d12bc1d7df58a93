"""Numbers that one side keeps in float32: what they do is rounding, and what others do is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_commands import lender

from parity import api
from parity.compare.noise import CONSTANTS, Rounding
from parity.spec.kept import KEPT
from parity.spec.load import build_spec

MEAN = [0.1 + 0.003 * number for number in range(256)]

SPEC: dict[str, Any] = {
    "name": "constants", "data": {"source": "blobs", "rows": 32},
    "model": {"input": [16, 16, 1], "layers": [
        "flatten",
        {"normalization": {"mean": MEAN, "variance": [0.07] * 256, "name": "n"}},
        {"dense": {"units": 4, "activation": "tanh", "name": "d"}}, {"dense": {"units": 256, "name": "out"}},
        {"reshape": {"target_shape": [16, 16, 1], "name": "r"}},
    ]},
    "loss": "mse", "optimizer": {"sgd": {"learning_rate": 0.1}},
    "training": {"batch_size": 8}, "metrics": ["mse"],
}  # fmt: skip


@pytest.mark.parametrize(("mean", "verdict"), [
    (np.asarray(MEAN, np.float32).astype(float).tolist(), "rounding"), ([0.100001, *MEAN[1:]], "divergent"),
])  # fmt: skip
def test_two_sides_of_which_one_has_numbers_in_float32(mean: list[float], verdict: str, tmp_path: Path) -> None:
    spec = build_spec({**SPEC, "sides": {
        "a": {"framework": "torch"}, "b": {"framework": "torch", "changes": {"layers.n.mean": mean}},
    }})  # fmt: skip
    with lender():
        result = api.run(spec, folder=tmp_path, explain=False, steps=3)
    (found,) = result.comparisons
    assert found.verdict == verdict
    assert [one.reason == KEPT for one in result.differences] == [verdict == "rounding"]
    if found.first is None:
        assert found.largest is not None
        assert 1e-9 < found.largest.difference < 1e-6


def test_it_widens_what_explains_the_difference_of_two_sides_and_not_of_one_from_its_reference() -> None:
    rounding, name = Rounding(precision="float64"), ("forward", "n")
    plain = rounding.noise("a", "b", name)
    rounding.constant("b", name, 1e-8)
    rounding.constant("b", name, 5e-9)
    assert rounding.noise("a", "b", name) == pytest.approx(plain + CONSTANTS * 1e-8)
    assert rounding.noise("b", "b", name) == plain
    assert rounding.noise("a", "b", ("forward", "other")) == plain
