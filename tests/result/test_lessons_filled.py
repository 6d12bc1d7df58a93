"""The facts that a page teaches with: what a difference is about, what an entry is, a network, one step."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from helpers_explain import tiny

from parity.catalog import FAMILIES
from parity.compare.judge import Judge, Seen
from parity.compare.looked import Looked
from parity.frameworks import frameworks
from parity.native import means_in
from parity.prepare.options import Options, prepare
from parity.result import filling_lessons
from parity.result.filling_lessons import about, by_themselves, entry_facts, layer_facts, step_fact
from parity.spec.differences import differences
from parity.spec.resolve import Resolved

CHANGES = {
    "optimizer": {"adam": {"learning_rate": 0.01}}, "layers.hidden.kernel_initializer": "he_normal",
    "layers.logits.use_bias": False, "training.shuffle": False, "loss": "mse",
}  # fmt: skip


@pytest.fixture(scope="module")
def sides() -> tuple[Resolved, ...]:
    return tuple(prepare(tiny(CHANGES), Options()))


def test_a_difference_is_about_its_entries_and_its_field(sides: tuple[Resolved, ...]) -> None:
    found = {one.path: about(sides[0], sides[1], one) for one in differences(sides[0], sides[1], 192)}
    assert set(found["layers.hidden.kernel_initializer"][0]) == {"initializer.glorot_uniform", "initializer.he_normal"}
    optimizer = next(entries for path, (entries, _) in found.items() if path.partition(".")[0] == "optimizer")
    assert optimizer == ["optimizer.sgd", "optimizer.adam"]
    assert found["layers.logits.use_bias"] == (
        ["op.dense"],
        FAMILIES["op"]["dense"].model_fields["use_bias"].description,
    )
    assert found["training.shuffle"][0] == []
    assert "new order" in found["training.shuffle"][1]


def test_a_layer_that_one_side_lacks_is_about_itself() -> None:
    extra = {"layers.hidden.after": {"dropout": {"rate": 0.5, "name": "drop"}}}
    a, b = prepare(tiny(extra), Options())
    (one,) = differences(a, b, 192)
    assert about(a, b, one)[0] == ["op.dropout"]


def test_what_frameworks_own_parts_are_is_no_choice_of_a_side(sides: tuple[Resolved, ...]) -> None:
    """The place of RMSprop's epsilon is none; its size is one, and so is the place that is the other's."""
    rmsprop = {"rmsprop": {"epsilon": 1e-7, "epsilon_place": "inside_root"}}
    outside = {"rmsprop": {"epsilon": 1e-8, "epsilon_place": "outside_root"}}
    keras, torch = (
        replace(prepare(tiny({"optimizer": said}), Options())[1], framework=name)
        for said, name in ((rmsprop, "keras"), (outside, "torch"))
    )
    found = {one.path: by_themselves(keras, torch, one) for one in differences(keras, torch, 192)}
    assert found == {"optimizer.epsilon": False, "optimizer.epsilon_place": True}
    same = replace(torch, framework="keras")
    assert not any(by_themselves(keras, same, one) for one in differences(keras, same, 192))
    other = replace(keras, framework="torch"), replace(torch, framework="keras")
    assert not any(by_themselves(*other, one) for one in differences(*other, 192))


def test_an_entry_is_told_with_its_equation_and_what_each_framework_does() -> None:
    (adam,) = entry_facts(["optimizer.adam", "optimizer.adam"], ["keras", "torch", "torch"])
    assert adam.equation.startswith("m = b1 m + (1 - b1) g")
    assert "31.6 times larger" in adam.about
    keras, torch = adam.parts
    assert keras.means.startswith("keras.optimizers.Adam where epsilon_place is before_correction")
    assert torch.defaults == {"epsilon": "1e-08", "epsilon_place": "after_correction"}
    assert torch.link == "https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html"


def test_every_entry_is_told_in_every_framework() -> None:
    """Nothing is empty, and an address is one: a name of the framework's own, no brace left."""
    names = [f"{family}.{kind}" for family, entries in FAMILIES.items() for kind in entries]
    for fact in entry_facts(names, list(frameworks())):
        assert fact.equation
        for part in fact.parts:
            assert not part.link or re.fullmatch(r"https://[\w./#-]+", part.link), part
            entry = FAMILIES[fact.family][fact.kind]
            assert part.means == means_in(entry, part.framework)
            assert not (part.link and entry.hole(part.framework))


def test_a_network_is_told_with_what_each_layer_reads(sides: tuple[Resolved, ...]) -> None:
    hidden, logits = layer_facts(sides[0])
    assert (hidden.name, hidden.kind, hidden.reads, hidden.shape) == ("hidden", "dense", ["input"], [16])
    assert (logits.reads, logits.shape) == (["hidden"], [10])


def a_judge(count: int) -> Judge:
    judge = Judge(a="a", b="b")
    seen = Seen(step=1, phase="forward", tensor="dense", shape=(3,), difference=1 / 3, noise=1e-15, element=(2,),
                values=(1.0, 2.0))  # fmt: skip
    within = replace(seen, phase="gradient", tensor="m/dense.kernel", difference=1e-16, order=1)
    states = [replace(within, phase="state", order=number) for number in range(count)]
    judge.looks.steps[1] = [Looked(seen=one, a=2.0, b=1 / 3) for one in (seen, within, *states)]
    return judge


def test_a_step_is_told_with_sizes_and_with_the_element_of_what_is_beyond_rounding() -> None:
    step = step_fact(a_judge(0))
    assert step is not None
    forward, gradient = step.tensors
    assert (forward.layer, forward.a, forward.b, forward.element, forward.values) == (
        "dense",
        2.0,
        0.3333,
        [2],
        (1.0, 2.0),
    )
    assert (gradient.layer, gradient.element, gradient.values) == ("dense", None, None)
    assert step_fact(Judge(a="a", b="b")) is None


def test_of_very_many_tensors_the_first_of_each_phase_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling_lessons, "MOST_TENSORS", 30)
    step = step_fact(a_judge(100))
    assert step is not None
    assert step.every == 102
    assert [one.phase for one in step.tensors] == ["forward", "gradient", *["state"] * 10]


def test_of_very_many_tensors_those_beyond_rounding_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling_lessons, "MOST_TENSORS", 30)
    judge = a_judge(100)
    last = judge.looks.steps[1][-1]
    judge.looks.steps[1][-1] = replace(last, seen=replace(last.seen, difference=0.5))
    step = step_fact(judge)
    assert step is not None
    assert len(step.tensors) == 13
    assert step.tensors[-1].difference == 0.5
