"""What programs have beyond their spec, matched between them; and what cannot be matched settles nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from parity.compare.judge import Judge, Seen
from parity.compare.noise import Rounding
from parity.compare.steps import compare_tensors
from parity.compile.extras import bound, canonical, paired
from parity.lazy import np
from parity.run.digest import digest


def extra(path: str, *shape: int, trainable: bool = True) -> dict[str, Any]:
    return {"path": path, "shape": list(shape), "trainable": trainable}


LSTM = [extra("emb.weight", 16, 10), extra("lstm.weight_ih_l0", 200, 10), extra("lstm.bias_ih_l0", 200)]


def test_the_same_program_is_matched_to_itself() -> None:
    found = paired(LSTM, LSTM)
    assert {name: place.attribute for name, place in found.items()} == {one["path"]: one["path"] for one in LSTM}
    assert all(place.axes is None for place in found.values())


def test_another_framework_is_matched_by_order_and_shape_whichever_way_it_lies() -> None:
    keras = [extra("embedding.embeddings", 16, 10), extra("lstm.kernel", 10, 200), extra("lstm.bias", 200)]
    found = paired(LSTM, keras)
    assert [(place.attribute, place.axes) for place in found.values()] == [
        ("embedding.embeddings", None), ("lstm.kernel", (1, 0)), ("lstm.bias", None),
    ]  # fmt: skip


def test_a_convolution_beyond_the_spec_lies_as_its_framework_has_it() -> None:
    (place,) = paired([extra("c.kernel", 3, 3, 2, 8)], [extra("conv.weight", 8, 2, 3, 3)]).values()
    assert place.axes == (3, 2, 0, 1)
    (place,) = paired([extra("conv.weight", 8, 2, 3, 3)], [extra("c.kernel", 3, 3, 2, 8)]).values()
    assert place.axes == (2, 3, 1, 0)


def test_a_name_goes_before_the_order() -> None:
    found = paired([extra("a.w", 4, 4), extra("b.w", 4, 4)], [extra("b.w", 4, 4), extra("a.w", 4, 4)])
    assert {name: place.attribute for name, place in found.items()} == {"a.w": "a.w", "b.w": "b.w"}


def test_what_is_trained_is_not_matched_to_a_buffer() -> None:
    assert paired([extra("a.w", 4)], [extra("b.w", 4, trainable=False)]) == {}


def test_what_is_matched_to_nothing_keeps_a_name_that_nothing_else_has() -> None:
    found = bound([extra("a.w", 5), extra("scale", 3)], [extra("a.w", 4)])
    assert {name: place.attribute for name, place in found.items()} == {"own_a.w": "a.w", "model.scale": "scale"}
    assert canonical("scale") == "model.scale"


# ------------------------------------------------------------------------------------------------- the judge


def port_judge(**given: Any) -> Judge:
    judge = Judge(a="keras", b="port")
    judge.by_hand = True
    for name, value in given.items():
        setattr(judge, name, value)
    judge.check(1)
    return judge


def agreeing(judge: Judge, step: int) -> None:
    judge.add(Seen(step=step, phase="loss", tensor="loss", shape=(), difference=0.0, noise=1e-15))


def test_what_only_one_program_has_and_moves_settles_nothing_until_it_has_had_a_step_to_matter_in() -> None:
    judge = port_judge(lone={"port": {"model.scale": "parameter scale (3,) of port.py"}})
    agreeing(judge, 1)
    assert judge.verdict()[0] == "identical"  # As long as nothing moves it, it is a constant.
    judge.moved("port", ["model.scale"])
    judge.moved("port", ["model.scale"])
    verdict, reason = judge.verdict()
    assert verdict == "inconclusive"
    assert reason.count("parameter scale (3,) of port.py moves as it trains, and keras has none like it") == 1
    agreeing(judge, 2)
    assert judge.verdict()[0] == "identical"  # It has moved, and nothing came of it: an average that nothing reads.


def test_where_something_differs_it_is_what_only_one_program_has_that_may_be_why() -> None:
    judge = port_judge(lone={"port": {"model.scale": "parameter scale (3,) of port.py"}})
    judge.moved("port", ["model.scale"])
    agreeing(judge, 1)
    judge.settle([Seen(step=2, phase="forward", tensor="out", shape=(3,), difference=1.0, noise=1e-15)], None)
    agreeing(judge, 2)
    assert judge.verdict()[0] == "inconclusive"


def test_a_parameter_that_a_program_lacks_is_never_called_divergent() -> None:
    judge = port_judge(unlike=["out.bias: port.py has no such parameter"])
    place = Seen(step=1, phase="forward", tensor="out", shape=(3,), difference=1.0, noise=1e-15)
    judge.settle([place], None)
    assert judge.verdict() == (
        "inconclusive",
        "they do not have the same parameters, so nothing can be told: out.bias: port.py has no such parameter",
    )


class Step:
    """A step of which the tensors are given."""

    def __init__(self, loss: float, tensors: dict[tuple[str, str], Sequence[float]]) -> None:
        self.loss = loss
        self.tensors = {name: np.array(value, np.float64) for name, value in tensors.items()}
        self.digests = {name: digest(value) for name, value in self.tensors.items()}

    def tensor(self, phase: str, name: str) -> Any:
        return self.tensors[phase, name]


PLAIN: dict[tuple[str, str], Sequence[float]] = {
    ("forward", "conv"): [1.0, 2.0], ("forward", "out"): [3.0, 4.0], ("gradient", "conv"): [5.0, 6.0],
    ("gradient", "out.kernel"): [7.0, 8.0], ("update", "out.kernel"): [0.1, 0.2], ("metric", "predictions"): [3.0, 4.0],
}  # fmt: skip


def known_rounding() -> Rounding:
    rounding = Rounding(precision="float64")
    step = Step(1.0, PLAIN)
    for side in ("keras", "port"):
        rounding.measure(side, 1, step, [step])
    return rounding


@pytest.mark.parametrize("changed", [{("forward", "conv"): [9.0, 9.0]}, {("gradient", "conv"): [0.0, 1.0]}])
def test_what_a_single_layer_computes_is_set_aside_where_nothing_comes_of_it(changed: Any) -> None:
    judge = port_judge()
    beyond = compare_tensors(
        judge, 1, {"keras": Step(1.0, PLAIN), "port": Step(1.0, PLAIN | changed)}, known_rounding()
    )
    assert beyond == []
    assert set(judge.aside) == set(changed)
    verdict, reason = judge.verdict()
    assert verdict == "identical"
    assert "is another tensor in one of the programs, from which nothing follows" in reason


@pytest.mark.parametrize(
    "follows",
    [{("metric", "predictions"): [3.0, 5.0]}, {("gradient", "out.kernel"): [7.0, 9.0]}],
    ids=["predictions", "a gradient"],
)
def test_it_is_believed_where_something_does(follows: Any) -> None:
    judge = port_judge()
    changed = PLAIN | {("forward", "conv"): [9.0, 9.0]} | follows
    beyond = compare_tensors(judge, 1, {"keras": Step(1.0, PLAIN), "port": Step(1.0, changed)}, known_rounding())
    assert ("forward", "conv") in {seen.name for seen in beyond}
    assert not judge.aside


def test_between_compiled_programs_every_layer_counts() -> None:
    judge = port_judge(by_hand=False)
    changed = PLAIN | {("forward", "conv"): [9.0, 9.0]}
    beyond = compare_tensors(judge, 1, {"keras": Step(1.0, PLAIN), "port": Step(1.0, changed)}, known_rounding())
    assert [seen.name for seen in beyond] == [("forward", "conv")]


def test_the_size_of_a_difference_made_here_is_that_on_the_same_inputs() -> None:
    judge = port_judge()
    natural = Seen(step=1, phase="update", tensor="w", shape=(2,), difference=0.72, noise=1e-13, values=(1.0, 9.0))
    guided = Seen(step=1, phase="update", tensor="w", shape=(2,), difference=9.3e-3, noise=1e-13, values=(1.0, 1.1))
    judge.settle([natural], {("update", "w"): guided}, complete=True)
    assert judge.first is not None
    assert (judge.first.made, judge.first.difference, judge.first.values) == ("here", 9.3e-3, (1.0, 1.1))


def test_what_does_not_train_is_matched_by_what_it_is_called_not_by_its_shape() -> None:
    mine = [extra(f"norm.{one}", 5, trainable=False) for one in ("mean", "variance")]
    theirs = [extra(one, 5, trainable=False) for one in ("std", "mean")]
    found = {name: place.attribute for name, place in paired(mine, theirs).items()}
    assert found == {"norm.mean": "mean"}, "a deviation is no variance"
