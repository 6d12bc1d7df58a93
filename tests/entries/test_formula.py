"""Formulas and native parts: one text that NumPy runs and frameworks write out, one table that is read both ways."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal, get_args, get_origin

import numpy as np
import pytest
from helpers_frameworks import Reference, assert_same_step, each_framework, opened, side_of, starting_weights
from pydantic import Field, ValidationError

from parity.activations import Activation
from parity.catalog import FAMILIES
from parity.code import Case
from parity.entries import Entry
from parity.formula import Formula, expression, formula_of, plain_first, value_of
from parity.frameworks import Words, frameworks
from parity.losses import Loss
from parity.native import Native, Turned
from parity.optimizers import Optimizer
from parity.schedules import AnyRate
from parity.spec.resolve import Resolved

ENTRIES = [pytest.param(entry, id=kind) for found in FAMILIES.values() for kind, entry in found.items()]

# --------------------------------------------------------------------------------------------- formulas


def test_a_formula_is_what_numpy_makes_of_it() -> None:
    formula = Formula("norms = sqrt(sum(square(w), axis=axis, keepdims=True))\nw * minimum(norms, limit) / norms")
    w = np.array([[3.0, 0.3], [4.0, 0.4]])
    np.testing.assert_allclose(formula.value(w=w, axis=0, limit=2.0), [[1.2, 0.3], [1.6, 0.4]])
    assert formula.names == {"norms", "w", "axis", "limit"}


def test_what_is_added_is_kept_to_its_last_digit() -> None:
    """The difference of 1 and 1 + 1e-20 would be 0."""
    _, move = Formula("w -= lr * w\nw += g").moved("w", {"w": 1.0, "lr": 0.0, "g": 1e-20})
    assert move == 1e-20
    _, move = Formula("w -= lr * w\nw -= w").moved("w", {"w": 1.0, "lr": 0.25})
    assert move == -1.0, "the second line reads what the first has moved"


@pytest.mark.parametrize("text", ["for i in x: pass", "x.y = 1", "a = b = 1 + 1; c *= 2", "x[0] = 1"])
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="made of assignments to names and one expression"):
        Formula(text)


@pytest.mark.parametrize(
    ("framework", "source"),
    [
        ("keras", "keras.ops.clip(x + 1.0, 0.0, math.sqrt(2.0)) / keras.ops.sum(keras.ops.exp(x), axis=-1)"),
        ("keras_torch", "keras.ops.clip(x + 1.0, 0.0, math.sqrt(2.0)) / keras.ops.sum(keras.ops.exp(x), axis=-1)"),
        ("tensorflow", "tf.clip_by_value(x + 1.0, 0.0, math.sqrt(2.0)) / tf.reduce_sum(tf.exp(x), axis=-1)"),
        ("torch", "(x + 1.0).clamp(0.0, math.sqrt(2.0)) / torch.exp(x).sum(dim=-1)"),
    ],
)
def test_a_framework_has_its_own_words(framework: str, source: str) -> None:
    value = value_of("clip(x + 1.0, 0.0, sqrt(2.0)) / sum(exp(x), axis=-1)")
    assert expression(value, frameworks()[framework].words) == source


def test_words_may_be_a_function_a_method_or_an_expression() -> None:
    words = Words(prefix="m.", functions={"f": "n.f", "g": ".g", "h": "1 - _1 ** _0"}, keywords={"axis": "dim"})
    written = {text: expression(value_of(text), words, {"a": "self.a"}) for text in
               ("f(a)", "g(a + b, c, axis=1)", "h(a, b + c)", "i(pi * a)")}  # fmt: skip
    assert written == {
        "f(a)": "n.f(self.a)", "g(a + b, c, axis=1)": "(self.a + b).g(c, dim=1)",
        "h(a, b + c)": "1 - (b + c) ** self.a", "i(pi * a)": "m.i(math.pi * self.a)",
    }  # fmt: skip


def test_what_needs_no_tensor_stands_ahead_of_the_loop() -> None:
    first, rest = plain_first(Formula("c = 1 - b**t\nm = b * m + g\na = lr / c\nd = a * m\nw -= d"), {"w", "g", "m"})
    assert [one.target for one in first] == ["c", "a"]
    assert [one.target for one in rest] == ["m", "d", "w"]


# ----------------------------------------------------------------------------- entries with no native part


class Counting(Optimizer):
    """A rule that no framework has: a slot that starts at a field, and a number that all parameters share."""

    kind: ClassVar[str] = "counting"
    letters: ClassVar = {"size": "s", "share": "n"}
    starts: ClassVar = {"size": "begin", "share": 2.0}
    shared: ClassVar = frozenset({"share"})

    learning_rate: AnyRate = Field(default=0.1, description="step size")
    begin: float = Field(default=0.5, description="where the size starts")
    share: float = Field(default=0.75, description="as a slot is called, too")

    def formula(self) -> str:
        return """
            grown = n + t
            n = grown / 2.0
            s = share * s + begin * abs(g)
            w -= lr * n * g / sqrt(s)
        """

    def rule(self) -> str:
        return "w -= lr n g / sqrt(s)"


class Bent(Activation):
    """An activation that no framework has."""

    kind: ClassVar[str] = "bent_twice"

    by: float = Field(default=0.3, description="how much")

    def formula(self) -> str:
        return "low = where(x > 1.0, 1.0, x)\nby * tanh(low) + square(x) * exp(-square(by * x))"


class Quartic(Loss):
    """A loss that no framework has."""

    kind: ClassVar[str] = "quartic"
    rule: ClassVar[str] = "(outputs - targets)^4, sum of a row"

    def formula(self, logits: bool) -> str:
        return "squares = square(outputs - targets)\n-sum(-square(squares), axis=-1)"


def planted(framework: str, **sections: Any) -> Resolved:
    """Return a side with entries that discovery does not find."""
    side = side_of(framework, {"input": [3], "layers": [{"dense": {"units": 4, "name": "a"}}, {"dense": 2}]},
                   training={"batch_size": 4, "shuffle": False})  # fmt: skip
    return replace(side, config=side.config.model_copy(update=sections))


@each_framework
@pytest.mark.parametrize("schedule", [False, True], ids=["constant", "changing"])
def test_a_rule_that_no_framework_has_is_written_out(framework: str, schedule: bool) -> None:
    rate: Any = {"inverse_time": {"initial_learning_rate": 0.2, "decay_steps": 1, "decay_rate": 0.5}}
    trains(planted(framework, optimizer=Counting(learning_rate=rate if schedule else 0.1)))


@each_framework
def test_an_activation_that_no_framework_has_is_written_out(framework: str) -> None:
    side = planted(framework)
    (a, b), model = side.config.model.layers, side.config.model
    bent = a.model_copy(update={"activation": Bent(by=0.4)})
    trains(planted(framework, model=model.model_copy(update={"layers": (bent, b)})))


@each_framework
def test_a_loss_that_no_framework_has_is_written_out(framework: str) -> None:
    trains(planted(framework, loss=Quartic()))


def trains(side: Resolved) -> None:
    """Check three steps of a side against the reference."""
    rng = np.random.default_rng(5)
    x, y, weights = rng.normal(size=(4, 3)), rng.normal(size=(4, 2)), starting_weights(side)
    reference = Reference(side, x, y, weights)
    with opened(side, x, y, weights) as program:
        for number in range(3):
            assert_same_step(program.step(number, eager=True), reference.take(number), 1e-11)
    with opened(side, x, y, weights) as program:
        program.train(3)
        for name, value in program.state()[0].items():
            np.testing.assert_allclose(value, reference.weights[name], rtol=1e-10, err_msg=name)


# ------------------------------------------------------------------------------------------ native parts


def test_a_part_is_written_and_read_by_one_table() -> None:
    keep = Turned("rate", lambda rate: 1 - rate, lambda keep: 1 - keep)
    part = Native("lib.Part", {"n": "units", "betas": ("a", "b"), "keep": keep, "bias": "use_bias"}, leading=("n",),
                  own={"bias": True}, when={"kind": "x"})  # fmt: skip

    class Layer:
        units, a, b, rate, use_bias, kind = 3, 0.5, 0.25, 0.25, True, "x"

    assert part.source(Layer()) == "lib.Part(3, betas=(0.5, 0.25), keep=0.75)"
    assert part.fits(Layer())  # type: ignore[arg-type]
    told = {"n": 3, "betas": (0.5, 0.25), "keep": 0.75}
    assert part.read(told) == {"units": 3, "a": 0.5, "b": 0.25, "rate": 0.25, "use_bias": True, "kind": "x"}
    assert part.read(told | {"bias": False})["use_bias"] is False


def test_a_part_that_is_not_written_says_why() -> None:
    class Layer:
        kind = "x"

    part = Native("lib.Part", when={"kind": "x"}, why={"kind": "is of kind x"}, never="rounds")
    assert part.reason(Layer()) == "rounds"
    Layer.kind = "y"
    assert part.reason(Layer()) == "is of kind x"
    assert replace(part, why={}).reason(Layer()) == "", "what it rounds is another thing"


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_a_part_is_told_is_read_back(entry: type[Entry]) -> None:
    for part, case in itertools.product(entry.natives.values(), entry.cases()):
        made = entry(**case.fields)
        if part.departures(made):
            continue
        if not part.fields <= set(entry.model_fields):
            continue  # An initializer's, told numbers that are worked out for a parameter.
        told = {argument: part.value(made, argument) for argument, said in part.arguments.items() if said}
        read = {name: value for name, value in part.read(told).items() if name in entry.model_fields}
        assert made.replace(**read) == made
        assert set(read) >= part.fields & set(entry.model_fields)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_part_is_told_of_fields_there_are(entry: type[Entry]) -> None:
    for framework, part in entry.natives.items():
        assert framework in frameworks()
        assert set(part.when) | set(part.why) <= set(entry.model_fields)
        assert set(part.leading) | set(part.own) | set(part.anew) <= set(part.arguments)
        assert set(part.why) <= set(part.when)


# ------------------------------------------------------- what no framework has natively has a worked case


def choices(entry: type[Entry]) -> Iterator[dict[str, Any]]:
    """Yield the fields of every branch: all values of switches, and numbers at 0 and beside it."""
    found: dict[str, list[Any]] = {}
    for name, field in entry.model_fields.items():
        if field.annotation is bool:
            found[name] = [False, True]
        elif get_origin(field.annotation) is Literal:
            found[name] = list(get_args(field.annotation))
        elif field.is_required():
            found[name] = [1]
        elif field.default == 0.0 and isinstance(field.default, float):
            found[name] = [0.0, 0.5]
    for values in itertools.product(*found.values()):
        with contextlib.suppress(ValidationError):  # What an entry refuses is no branch of it.
            fields = dict(zip(found, values, strict=True))
            entry(**fields)
            yield fields


def meanings(made: Any) -> list[str]:
    """Return the formulas that an entry may stand for."""
    return [made.formula(True), made.formula(False)] if isinstance(made, Loss) else [made.formula()]


def unworked(entry: type[Entry]) -> list[str]:
    """Return the formulas of an entry that no framework has a part for and that no case is worked of."""
    if not hasattr(entry, "formula"):
        return []
    worked = {text for case in entry.cases() for text in meanings(entry(**case.fields))}
    found: Mapping[str, None] = {
        text: None
        for fields in choices(entry)
        for made in [entry(**fields)]
        if not any(part.fits(made) for part in entry.natives.values())
        for text in meanings(made)
        if text not in worked
    }
    return list(found)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_branch_that_no_framework_has_natively_has_a_worked_case(entry: type[Entry]) -> None:
    assert not unworked(entry)


def test_a_branch_without_a_case_is_seen() -> None:
    class Switched(Bent):
        kind: ClassVar[str] = "switched"
        natives: ClassVar = {"torch": Native("nn.Tanh", when={"more": False})}
        more: bool = False

        def formula(self) -> str:
            return "2.0 * tanh(x)" if self.more else "tanh(x)"

    assert unworked(Switched) == ["2.0 * tanh(x)"]
    assert unworked(Bent) == [Bent().formula()]

    class Worked(Switched):
        @classmethod
        def cases(cls) -> list[Case]:
            return [Case(shows="twice", fields={"more": True}, x=[[0.0]], expected=[[0.0]])]

    assert not unworked(Worked)


def test_formulas_are_read_once() -> None:
    assert formula_of("x + 1") is formula_of("x + 1")
