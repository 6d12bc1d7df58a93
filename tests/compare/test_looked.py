"""What is kept of a step, tensor by tensor: of the one in which two sides part, or of the first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parity.compare.judge import Judge, Seen
from parity.compare.noise import Rounding
from parity.compare.steps import compare_initial, compare_tensors
from parity.run.digest import digest


@dataclass
class Step:
    """An invented step of a side."""

    tensors: dict[tuple[str, str], np.ndarray]
    loss: float = 1.0
    digests: dict[tuple[str, str], Any] = field(init=False)

    def __post_init__(self) -> None:
        self.digests = {name: digest(value) for name, value in self.tensors.items()}

    def tensor(self, phase: str, name: str) -> np.ndarray:
        return self.tensors[phase, name]


def step(forward: float = 3.0, gradient: float = 1.0) -> Step:
    return Step({
        ("batch", "x"): np.array([3.0, 4.0]), ("forward", "dense"): np.array([forward, 4.0]),
        ("gradient", "dense.kernel"): np.array([gradient]), ("update", "dense.kernel"): np.array([0.5]),
    })  # fmt: skip


def looked(judge: Judge, number: int, other: Step) -> None:
    beyond = compare_tensors(judge, number, {"a": step(), "b": other}, Rounding(precision="float64"))
    judge.settle(beyond, None)


def test_of_sides_that_agree_it_is_the_first_step() -> None:
    judge = Judge(a="a", b="b")
    for number in (1, 2, 3):
        looked(judge, number, step())
    found = judge.looks.of(None)
    assert found is not None
    assert found[0] == 1
    assert [one.seen.name for one in found[1]] == [
        ("batch", "x"), ("forward", "dense"), ("loss", "loss"), ("gradient", "dense.kernel"),
        ("update", "dense.kernel"),
    ]  # fmt: skip
    assert [(one.a, one.b) for one in found[1]][:3] == [(5.0, 5.0), (5.0, 5.0), (1.0, 1.0)]


def test_of_sides_that_part_it_is_the_step_in_which_they_do() -> None:
    judge = Judge(a="a", b="b")
    looked(judge, 1, step())
    looked(judge, 2, step(forward=0.0))
    looked(judge, 3, step(gradient=7.0))
    assert judge.first is not None
    found = judge.looks.of(judge.first.step)
    assert found is not None
    number, tensors = found
    assert number == 2
    (dense,) = (one for one in tensors if one.seen.name == ("forward", "dense"))
    assert (dense.a, dense.b, dense.seen.element, dense.seen.values) == (5.0, 4.0, (0,), (3.0, 0.0))
    assert len(judge.looks.steps) == 2, "no more than two steps are kept, however many are looked at"


def test_initial_values_stand_before_the_first_step() -> None:
    judge = Judge(a="a", b="b")
    compare_initial(judge, 0, "dense.kernel", np.array([3.0, 4.0]), np.array([0.0, 4.0]))
    looked(judge, 1, step())
    assert judge.first is not None
    found = judge.looks.of(judge.first.step)
    assert found is not None
    assert [one.seen.phase for one in found[1]][:2] == ["batch", "weights"]
    (kernel,) = (one for one in found[1] if one.seen.phase == "weights")
    assert (kernel.a, kernel.b) == (5.0, 4.0)


def test_where_nothing_was_looked_at_there_is_nothing() -> None:
    assert Judge(a="a", b="b").looks.of(None) is None
    judge = Judge(a="a", b="b")
    judge.first = Seen(step=4, phase="loss", tensor="loss", difference=1.0, noise=0.0)
    assert judge.looks.of(4) is None
