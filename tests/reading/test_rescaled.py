"""A scale and an offset in several layers and in one."""

from __future__ import annotations

from typing import Any

import pytest

from parity.reading.rescaled import rescalings_joined
from parity.spec.plain import brief
from parity.spec.sections import ModelSpec

STEPS: list[Any] = [
    {"rescaling": {"name": "less", "scale": 1.0, "offset": -127.5}},
    {"rescaling": {"name": "over", "scale": 1 / 127.5}},
    {"dense": {"units": 2, "name": "dense"}},
]


def model(*layers: Any) -> ModelSpec:
    return ModelSpec.model_validate({"input": [4], "layers": list(layers)})


def test_a_rescaling_of_a_rescaling_is_one_with_the_numbers_that_people_write() -> None:
    found = rescalings_joined(model({"rescaling": {"name": "first", "scale": 2.0}}, *STEPS))
    joined, dense = found.layers
    assert brief(joined) == {"rescaling": {"name": "over", "scale": 2.0 * (1 / 127.5), "offset": -1.0}}
    assert (dense.kind, dense.said_inputs) == ("dense", None)


@pytest.mark.parametrize("reader", [{"add": {"inputs": ["over", "less"]}}, {"add": {"inputs": ["less", "over"]}}])
def test_what_is_read_elsewhere_too_stays(reader: Any) -> None:
    given = model(*STEPS[:2], reader, STEPS[2])
    assert rescalings_joined(given) == given


def test_what_a_loss_reads_stays() -> None:
    given = model(*STEPS)
    assert rescalings_joined(given, kept=["less"]) == given
