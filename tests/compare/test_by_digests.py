"""A step beside a recorded one: the same noise rule, from digests alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from parity.compare.by_digests import compare_recorded
from parity.compare.judge import Judge, Seen
from parity.compare.noise import Name, Rounding
from parity.run.digest import digest

RNG = np.random.default_rng(0)
TENSORS: dict[Name, np.ndarray] = {
    ("batch", "x"): RNG.standard_normal((8, 4)),
    ("forward", "dense"): RNG.standard_normal((8, 300)),
    ("forward", "out"): RNG.standard_normal((8, 3)),
    ("gradient", "out"): RNG.standard_normal((8, 3)),
    ("gradient", "out.kernel"): RNG.standard_normal((300, 3)),
    ("gradient", "dense.kernel"): RNG.standard_normal((4, 300)),
    ("update", "dense.kernel"): 1e-3 * RNG.standard_normal((4, 300)),
    ("update", "out.kernel"): 1e-3 * RNG.standard_normal((300, 3)),
    ("state", "m/dense.kernel"): RNG.standard_normal((4, 300)),
}
ERROR = 1e-15
"""Rounding error of every tensor, on both sides: the noise is 16 sqrt(2) times it and 8 units of roundoff."""


@dataclass
class Step:
    """A step as digests."""

    loss: float = 0.5
    digests: dict[Name, np.ndarray] = field(default_factory=dict)


def step(loss: float = 0.5, without: Sequence[Name] = (), **moved: float) -> Step:
    """Return a step with tensors moved: ``phase__tensor=relative distance``."""
    found = Step(loss=loss)
    for (phase, tensor), value in TENSORS.items():
        by = moved.get(f"{phase}__{tensor.replace('.', '_').replace('/', '_')}", 0.0)
        noise = np.random.default_rng(1).standard_normal(value.shape)
        apart = by * np.linalg.norm(value) / np.linalg.norm(noise) * noise
        if (phase, tensor) not in without:
            found.digests[phase, tensor] = digest(value + apart)
    return found


def judged(taken: Step, remeasured: float = ERROR) -> tuple[Judge, list[Seen], list[Any]]:
    rounding = Rounding(precision="float64")
    names = [*TENSORS, ("loss", "loss")]
    rounding.errors = {side: dict.fromkeys(names, ERROR) for side in ("golden", "side")}
    judge, asked = Judge(a="golden", b="side"), []

    def remeasure(beyond: Sequence[Seen]) -> None:
        asked.append([seen.name for seen in beyond])
        rounding.errors["side"] = dict.fromkeys(names, remeasured)

    beyond = compare_recorded(judge, 2, step(), taken, rounding, remeasure)
    return judge, beyond, asked


def test_a_step_that_is_the_same_is_identical() -> None:
    judge, beyond, asked = judged(step())
    assert (beyond, asked) == ([], [])
    assert judge.verdict()[0] == "identical"


@pytest.mark.parametrize("by", [1e-16, 1e-15, 1e-14])
def test_what_rounding_explains_is_rounding(by: float) -> None:
    judge, beyond, _ = judged(step(forward__dense=by, update__dense_kernel=by, batch__x=1e-16))
    assert beyond == []
    assert judge.verdict()[0] in ("identical", "rounding")


@pytest.mark.parametrize("by", [1e-12, 1e-9, 0.1])
@pytest.mark.parametrize("place", ["batch__x", "forward__out", "gradient__dense_kernel", "state__m_dense_kernel"])
def test_more_is_divergent_at_its_place(place: str, by: float) -> None:
    judge, beyond, asked = judged(step(**{place: by}))
    phase, tensor = place.split("__")
    assert judge.verdict()[0] == "divergent"
    assert judge.first is not None
    assert (judge.first.step, judge.first.phase) == (2, phase)
    assert judge.first.tensor.replace(".", "_").replace("/", "_") == tensor
    assert by / 3 < judge.first.difference < 3 * by
    assert asked == [[judge.first.name]]
    assert [seen.name for seen in beyond] == [judge.first.name]


def test_the_first_place_is_the_first_that_a_step_computes() -> None:
    judge, _, _ = judged(step(0.6, update__dense_kernel=1.0, gradient__dense_kernel=1.0, gradient__out_kernel=1.0))
    assert judge.first is not None
    assert judge.first.name == ("loss", "loss")
    judge, _, _ = judged(step(update__dense_kernel=1.0, gradient__dense_kernel=1.0, gradient__out_kernel=1.0))
    assert judge.first is not None
    assert judge.first.name == ("gradient", "out.kernel")


def test_rounding_that_is_larger_in_this_step_is_measured_before_it_is_judged() -> None:
    judge, beyond, asked = judged(step(forward__dense=1e-12), remeasured=1e-12)
    assert beyond == []
    assert asked == [[("forward", "dense")]]
    assert judge.verdict()[0] == "rounding"


def test_a_gradient_that_is_gone_is_one_of_zeros_and_a_slot_is_said() -> None:
    judge, beyond, _ = judged(step(without=[("gradient", "dense.kernel"), ("state", "m/dense.kernel")]))
    assert [(seen.name, seen.difference) for seen in beyond] == [(("gradient", "dense.kernel"), 1.0)]
    assert "optimizer slot m: only golden has it" in judge.unmatched
