"""Every entry on its own, in NumPy: it is found, described, right in its worked cases, and its gradient is one.

Entries are met by discovery: a new file in a family's folder is tested here without a line being added. What is written
out below a family's heading is what that family alone can promise (a bound, a moment, an invariance).
"""

from __future__ import annotations

import contextlib
import itertools
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import FRAMEWORKS
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from parity.catalog import (
    ACTIVATIONS,
    CONSTRAINTS,
    FAMILIES,
    INITIALIZERS,
    LOSSES,
    METRICS,
    OPS,
    OPTIMIZERS,
    REGULARIZERS,
    SCHEDULES,
)
from parity.code import Case, Parameter
from parity.differentiable import pulled
from parity.entries import Entry
from parity.frameworks import frameworks
from parity.initializers import Initializer
from parity.losses import Loss
from parity.losses.elementwise import Elementwise
from parity.ops import Op, ShapeError
from parity.ops.again import Again
from parity.ops.block import Block
from parity.ops.conv1d import Conv1D
from parity.ops.dense import Dense
from parity.optimizers import Optimizer
from parity.run.randomness import uniform
from parity.run.target_forms import in_form
from parity.schedules import Schedule
from parity.spec.sections import Config, ModelSpec

ENTRIES = [
    pytest.param(entry, id=f"{family}-{kind}") for family, found in FAMILIES.items() for kind, entry in found.items()
]
WORKED = {"op", "activation", "loss", "optimizer", "schedule", "regularizer", "constraint", "metric"}
"""Families whose entries must bring a case worked by hand; an initializer's formula is tested by its moments."""

SEED = 20


def cases(family: Mapping[str, type[Entry]]) -> list[Any]:
    """Return (entry class, case) for every worked case of a family."""
    return [
        pytest.param(entry, case, id=f"{kind}: {case.shows}")
        for kind, entry in family.items()
        for case in entry.cases()
    ]


def of(entry: type[Entry], fields: Mapping[str, Any]) -> Any:
    return entry.model_validate({entry.kind: dict(fields)})


def seeing(op: Op, case: Case) -> Op:
    """Return a case's layer, told of the masks of what it reads."""
    if case.steps is None:
        return op
    each = case.steps if len(op.ports) != 1 else [case.steps]
    return op.seeing([None if one is None else np.asarray(one) for one in each])


def arrays(values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.asarray(value, dtype=np.float64) for name, value in values.items()}


def slope(value: Callable[[], float], at: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Return the gradient of ``value()`` with respect to the array ``at``, moved in place, by central differences."""
    found = np.empty_like(at)
    for index in np.ndindex(at.shape):
        kept = at[index]
        at[index] = kept + step
        above = value()
        at[index] = kept - step
        found[index] = (above - value()) / (2 * step)
        at[index] = kept
    return found


def assert_gradients(op: Op, x: Any, p: dict[str, np.ndarray], mask: np.ndarray | None = None) -> None:
    """Check an op's ``vjp``, for a random gradient of its output, against central differences."""
    dy = np.random.default_rng(SEED).normal(size=op.forward(x, p, mask).shape)
    dx, dp = op.vjp(x, p, dy, mask)
    shape = op.given([one.shape[1:] for one in op.each(x)])
    trainable = {name for name, parameter in op.parameters(shape).items() if parameter.trainable}
    assert set(dp) == trainable, "a gradient for every parameter"
    reads = [("x", at, gradient) for at, gradient in zip(op.each(x), op.each(dx), strict=True)]
    reads = [] if op.reads_dtype == "integer" else reads  # Numbers of tokens have no slope.
    for name, at, gradient in [*reads, *((name, p[name], dp[name]) for name in dp)]:
        wanted = slope(lambda: float((op.trained(x, p, mask)[0] * dy).sum()), at)
        assert gradient.shape == at.shape, name
        np.testing.assert_allclose(gradient, wanted, rtol=1e-6, atol=1e-8, err_msg=name)


def random_parameters(op: Op, shape: tuple[int, ...], rng: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        name: rng.normal(size=parameter.shape) if parameter.trainable else rng.uniform(0.5, 2.0, size=parameter.shape)
        for name, parameter in op.parameters(shape).items()
    }


# ------------------------------------------------------------------------------------------ every entry


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_is_named_after_its_file(entry: type[Entry]) -> None:
    assert entry.__module__.rpartition(".")[2] == entry.kind


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_says_what_it_is(entry: type[Entry]) -> None:
    assert entry.__doc__, "the class has no docstring"
    assert entry.__doc__ not in {base.__doc__ for base in entry.__mro__[1:]}, "the docstring is the base's"
    assert entry.__doc__.strip().splitlines()[0].rstrip(), "the docstring starts with an empty line"
    for name, field in entry.model_fields.items():
        assert field.description, f"{name} has no description"


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_brings_cases_worked_by_hand(entry: type[Entry]) -> None:
    family = next(name for name, found in FAMILIES.items() if entry in found.values())
    shown = [case.shows for case in entry.cases()]
    # A graph has the layers in the place of the two; what runs at home has no meaning that could be worked.
    assert shown or family not in WORKED or entry in (Again, Block) or entry.at_home
    assert len(set(shown)) == len(shown), "two cases show the same"


@pytest.mark.parametrize("entry", ENTRIES)
def test_native_defaults_name_fields_and_are_not_the_documented_default(entry: type[Entry]) -> None:
    for framework, fields in entry.native.items():
        assert framework in frameworks()
        for name, value in fields.items():
            assert name in entry.model_fields, f"{framework} default of a field there is not"
            field = entry.model_fields[name]
            assert not field.is_required(), f"{name} has no documented default to differ from"
            needed = {key: 1 for key, other in entry.model_fields.items() if other.is_required()}
            given_there = getattr(of(entry, needed | {name: value}), name)
            assert given_there != field.get_default(call_default_factory=True), "it is the documented default"


@pytest.mark.parametrize("entry", ENTRIES)
def test_sources_name_frameworks_and_files(entry: type[Entry]) -> None:
    for framework, file in entry.source.items():
        assert framework in FRAMEWORKS
        assert file.startswith(f"{framework}/")
        assert file.endswith(".py")


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_way_of_writing_an_entry_gives_the_same_entry(entry: type[Entry]) -> None:
    needed = {name: "1" for name, field in entry.model_fields.items() if field.is_required()}
    needed |= {"layers": ["flatten"]} if entry is Block else {"shape": [1]} if "shape" in needed else {}
    for case in entry.cases() or [Case(shows="defaults", fields=needed, x=(), expected=())]:
        written = of(entry, case.fields)
        assert written == entry(**case.fields)
        assert type(written).model_validate(written) == written
        if entry.short and set(case.fields) == {entry.short} and not isinstance(case.fields[entry.short], Mapping):
            assert entry.model_validate({entry.kind: case.fields[entry.short]}) == written
        if not case.fields:
            assert entry.model_validate(entry.kind) == written


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_label_names_the_kind_and_exactly_the_fields_that_are_not_at_their_default(entry: type[Entry]) -> None:
    for case in entry.cases():
        written = of(entry, case.fields)
        said = {
            name
            for name, field in entry.model_fields.items()
            if field.is_required() or getattr(written, name) != field.get_default(call_default_factory=True)
        }
        label = written.label()
        assert label.partition("(")[0] == entry.kind
        for name in entry.model_fields:
            assert bool(re.search(rf"\b{name}=", label)) == (name in said), label
        assert label.endswith(")") == bool(said)


def test_the_activation_layer_is_written_with_the_fields_of_its_function() -> None:
    layer = TypeAdapter(ModelSpec)
    for written in ({"leaky_relu": 0.3}, {"leaky_relu": {"negative_slope": 0.3}}, {"function": {"leaky_relu": 0.3}}):
        (op,) = layer.validate_python({"input": [4], "layers": [{"activation": written}]}).layers
        assert op.function == ACTIVATIONS["leaky_relu"](negative_slope=0.3)


def test_labels_are_what_one_would_say() -> None:
    assert OPS["flatten"]().label() == "flatten"
    assert OPS["dropout"](rate=0.4).label() == "dropout(rate=0.4)"
    assert INITIALIZERS["truncated_normal"](mean=0.0, stddev=1.0).label() == "truncated_normal(stddev=1.0)"
    dense = OPS["dense"](units=10, activation="relu", use_bias=False, kernel_initializer={"truncated_normal": 1.0})
    assert dense.label() == (
        "dense(activation=relu, units=10, use_bias=false, kernel_initializer=truncated_normal(stddev=1.0))"
    )


@pytest.mark.parametrize("kind", OPS)
def test_a_spec_takes_every_op_by_its_name(kind: str) -> None:
    model = TypeAdapter(ModelSpec)
    for case in OPS[kind].cases():
        layers = model.validate_python({"input": [4], "layers": [{kind: dict(case.fields)}]}).layers
        assert layers == (of(OPS[kind], case.fields),)


@pytest.mark.parametrize(("section", "family"), [("loss", LOSSES), ("optimizer", OPTIMIZERS)])
def test_a_spec_takes_every_loss_and_optimizer_by_its_name(section: str, family: Mapping[str, type[Entry]]) -> None:
    base = {"data": {"source": "x.npz"}, "model": {"input": [1], "layers": ["flatten"]}, "loss": next(iter(LOSSES)),
            "optimizer": next(iter(OPTIMIZERS))}  # fmt: skip
    for kind, entry in family.items():
        if not any(one.is_required() for one in entry.model_fields.values()):
            assert getattr(Config.model_validate(base | {section: kind}), section) == entry()


# -------------------------------------------------------------------------------------------------- ops


@pytest.mark.parametrize(("entry", "case"), cases(OPS))
def test_the_reference_of_an_op_gives_its_worked_case(entry: type[Op], case: Case) -> None:
    op, p = seeing(of(entry, case.fields), case), arrays(case.parameters)
    reads = [np.asarray(one, dtype=np.float64) for one in (case.x if len(op.ports) != 1 else [case.x])]
    x, shape = op.given(reads), op.given([one.shape[1:] for one in reads])
    mask = None if case.mask is None else np.asarray(case.mask)
    output = op.forward(x, p, mask)
    if case.statistics is not None:
        output, moved = op.trained(x, p, mask)
        assert set(moved) == set(case.statistics)
        for name, value in case.statistics.items():
            np.testing.assert_allclose(moved[name], value, rtol=1e-14, err_msg=name)
    np.testing.assert_allclose(output, case.expected, rtol=1e-14, atol=1e-14)
    assert output.shape[1:] == op.output_shape(shape)
    assert {name: one.shape for name, one in op.parameters(shape).items()} == {
        name: value.shape for name, value in p.items()
    }


@pytest.mark.parametrize(("entry", "case"), cases(OPS))
def test_the_gradient_of_an_op_is_that_of_its_forward(entry: type[Op], case: Case) -> None:
    op, rng = seeing(of(entry, case.fields), case), np.random.default_rng(SEED)
    shapes = [np.shape(one) for one in (case.x if len(op.ports) != 1 else [case.x])]
    mask = None if case.mask is None else np.asarray(case.mask)
    # Not the case's own input: relu has a corner at 0, and a saturated softmax no slope to be seen.
    whole = op.reads_dtype == "integer"
    x = op.given([np.asarray(case.x, float)] if whole else [rng.normal(size=shape) for shape in shapes])
    assert_gradients(op, x, random_parameters(op, op.given([shape[1:] for shape in shapes]), rng), mask)


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[Conv1D, np.ndarray]:
    strides = draw(st.integers(1, 3))
    op = Conv1D(
        filters=draw(st.integers(1, 3)),
        kernel_size=draw(st.integers(1, 5)),
        strides=strides,
        padding=draw(st.sampled_from(["valid", "same"])),
        dilation_rate=draw(st.integers(1, 3)) if strides == 1 else 1,
        use_bias=draw(st.booleans()),
        activation=draw(st.sampled_from(sorted(ACTIVATIONS))),
    )
    shortest = op.windows[0] if op.padding == "valid" else 1
    shape = draw(st.integers(1, 2)), draw(st.integers(shortest, shortest + 6)), draw(st.integers(1, 3))
    return op, np.random.default_rng(draw(st.integers(0, 99))).normal(size=shape)


def convolved_by_loops(op: Conv1D, x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Return the convolution, one product after another: a second witness that shares no line with the first."""
    rows, length, channels = x.shape
    window = (op.kernel_size - 1) * op.dilation_rate + 1
    if op.padding == "same":
        steps = math.ceil(length / op.strides)
        before = max((steps - 1) * op.strides + window - length, 0) // 2
    else:
        steps, before = (length - window) // op.strides + 1, 0
    y = np.zeros((rows, steps, op.filters))
    for n, t, o, k, i in itertools.product(
        range(rows), range(steps), range(op.filters), range(op.kernel_size), range(channels)
    ):
        cell = t * op.strides + k * op.dilation_rate - before
        if 0 <= cell < length:
            y[n, t, o] += x[n, cell, i] * kernel[k, i, o]
    return y


@given(convolutions())
def test_conv1d_is_the_sum_its_docstring_writes(drawn: tuple[Conv1D, np.ndarray]) -> None:
    op, x = drawn
    p = random_parameters(op, x.shape[1:], np.random.default_rng(SEED))
    z = convolved_by_loops(op, x, p["kernel"]) + p.get("bias", 0.0)
    output = op.forward(x, p)
    assert output.shape[1:] == op.output_shape(x.shape[1:])
    np.testing.assert_allclose(output, op.activation.forward(z), rtol=1e-12, atol=1e-13)


@given(convolutions())
def test_conv1d_has_the_gradient_of_its_forward(drawn: tuple[Conv1D, np.ndarray]) -> None:
    op, x = drawn
    assert_gradients(op, x, random_parameters(op, x.shape[1:], np.random.default_rng(SEED)))


@given(convolutions())
def test_conv1d_calls_padding_inert_exactly_where_it_does_nothing(drawn: tuple[Conv1D, np.ndarray]) -> None:
    op, x = drawn
    other = op.replace(padding="valid" if op.padding == "same" else "same")
    p = random_parameters(op, x.shape[1:], np.random.default_rng(SEED))
    try:
        other.output_shape(x.shape[1:])
        nothing = np.array_equal(other.forward(x, p), op.forward(x, p))
    except ShapeError:
        nothing = False  # valid padding has no window to offer at all
    if op.activation.elementwise or op.filters > 1:  # softmax over one filter is 1 whatever goes in
        assert bool(op.inert("padding", other.padding, x.shape[1:])) == nothing
    assert op.inert("filters", 2, x.shape[1:]) == ""


@given(convolutions(), st.integers(1, 4))
def test_conv1d_calls_strides_inert_only_where_they_do_nothing(drawn: tuple[Conv1D, np.ndarray], stride: int) -> None:
    op, x = drawn
    if op.dilation_rate == 1 and op.inert("strides", stride, x.shape[1:]):
        p = random_parameters(op, x.shape[1:], np.random.default_rng(SEED))
        assert np.array_equal(op.replace(strides=stride).forward(x, p), op.forward(x, p))


@pytest.mark.parametrize(
    ("fields", "shape", "says"),
    [
        ({"kernel_size": 3}, (12,), r"reads \(length, channels\), it is given \(12,\)"),
        ({"kernel_size": 3}, (2, 3, 4), r"reads \(length, channels\)"),
        ({"kernel_size": 5}, (3, 64), "window of 5 reads at least that length.*is 64 the length and 3 the channels"),
        ({"kernel_size": 3, "dilation_rate": 3}, (6, 1), "window of 7"),
    ],
)
def test_conv1d_says_what_it_cannot_read(fields: dict[str, Any], shape: tuple[int, ...], says: str) -> None:
    with pytest.raises(ShapeError, match=says):
        Conv1D(filters=1, **fields).output_shape(shape)


@pytest.mark.parametrize("kind", [kind for kind, op in FAMILIES["op"].items() if op.cases()])
def test_what_reads_single_numbers_gives_a_shape_or_says_why_not(kind: str) -> None:
    """A place that is taken of a vector leaves a row of one number, without an axis."""
    op = FAMILIES["op"][kind]
    for case in op.cases():
        made = op(**case.fields)
        shapes = [()] * (len(case.x) if isinstance(case.x, list | tuple) and len(op.ports) != 1 else 1)
        with contextlib.suppress(ShapeError):
            assert isinstance(made.output_shape(op.given(shapes)), tuple)


@pytest.mark.parametrize(
    ("kind", "fields", "shape", "says"),
    [
        ("conv2d", {"filters": 1, "kernel_size": 3}, (8, 3), r"reads \(rows, columns, channels\), it is given"),
        ("conv2d", {"filters": 1, "kernel_size": [1, 3]}, (2, 2, 5), r"window of \(1, 3\) reads at least that many"),
        ("max_pooling2d", {}, (8,), r"max_pooling2d reads \(rows, columns, channels\)"),
        ("max_pooling1d", {"pool_size": 4}, (3, 9), "window of 4 reads at least that length"),
        ("max_pooling1d", {"pool_size": 2, "padding": [2, 0]}, (5, 1),
         r"window of 2 and \(2, 0\) cells around 5 has a window with nothing of its input"),
        ("max_pooling2d", {"pool_size": 2, "strides": 1, "padding": [[0, 0], [1, 3]]}, (5, 5, 1),
         r"\(1, 3\) cells around 5"),
        ("group_norm", {"groups": -1}, (1, 6), r"groups of more than one number, and \(1, 6\) are as many"),
        ("multi_head_attention", {"num_heads": 2, "key_dim": 3, "kernel_constraint": "max_norm"}, ((4, 5),),
         "kernel_constraint of multi_head_attention: a norm along axes is another one where heads are an axis"),
        ("batch_norm", {}, (1, 2, 3, 4, 5), "reads up to three axes and channels"),
    ],
)  # fmt: skip
def test_an_op_says_what_it_cannot_read(kind: str, fields: dict[str, Any], shape: tuple[int, ...], says: str) -> None:
    with pytest.raises(ShapeError, match=says):
        OPS[kind](**fields).output_shape(shape)


def test_a_pooling_may_stride_over_cells_of_padding() -> None:
    op = OPS["max_pooling1d"](pool_size=2, padding=[1, 3], strides=4)
    assert op.output_shape((5, 1)) == (2, 1)


@pytest.mark.parametrize("wrong", ["x", 0, True, [1, 2, 3], [1, 0], [1, True], 1.5, None])
def test_a_size_of_two_axes_is_one_number_or_two(wrong: Any) -> None:
    conv = OPS["conv2d"]
    assert conv(filters=1, kernel_size=3) == conv(filters=1, kernel_size=[3, 3])
    with pytest.raises(ValueError, match="a whole number from 1 or a list of two"):
        conv(filters=1, kernel_size=wrong)


@st.composite
def windows(draw: st.DrawFn) -> tuple[Op, np.ndarray]:
    size, strides = ([draw(st.integers(1, 3)) for _ in "uv"] for _ in range(2))
    padding = draw(st.sampled_from(["valid", "same"]))
    rows, columns = (draw(st.integers(least if padding == "valid" else 1, least + 3)) for least in size)
    shape = draw(st.integers(1, 2)), rows, columns, draw(st.integers(1, 2))
    kind, fields = draw(st.sampled_from([("conv2d", {"filters": 2, "kernel_size": size}),
                                         ("max_pooling2d", {"pool_size": size})]))  # fmt: skip
    op = OPS[kind](strides=strides, padding=padding, **fields)
    return op, np.random.default_rng(draw(st.integers(0, 99))).normal(size=shape)


def slid(op: Any, x: np.ndarray, p: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return what a window gives that is put down anew at every place: a second witness."""
    size = op.kernel_size if op.kind == "conv2d" else op.pool_size
    steps, edges = [], []
    for length, cells, stride in zip(x.shape[1:3], size, op.strides, strict=True):
        count = math.ceil(length / stride) if op.padding == "same" else (length - cells) // stride + 1
        over = max((count - 1) * stride + cells - length, 0)
        steps.append(count)
        edges.append((over // 2, over - over // 2))
    padded = np.pad(x, [(0, 0), *edges, (0, 0)], constant_values=0.0 if op.kind == "conv2d" else -np.inf)
    found = []
    for u, v in itertools.product(*map(range, steps)):
        top, left = u * op.strides[0], v * op.strides[1]
        seen = padded[:, top : top + size[0], left : left + size[1]]
        if op.kind == "conv2d":
            found.append(np.einsum("nuvi,uvio->no", seen, p["kernel"]) + p["bias"])
        else:
            found.append(seen.max(axis=(1, 2)))
    return np.stack(found, axis=1).reshape(len(x), *steps, -1)


@given(windows())
def test_a_window_over_rows_and_columns_is_what_its_docstring_writes(drawn: tuple[Op, np.ndarray]) -> None:
    op, x = drawn
    p = random_parameters(op, x.shape[1:], np.random.default_rng(SEED))
    output = op.forward(x, p)
    assert output.shape[1:] == op.output_shape(x.shape[1:])
    np.testing.assert_allclose(output, slid(op, x, p), rtol=1e-12, atol=1e-13)
    assert_gradients(op, x, p)
    other = op.replace(padding="valid" if op.padding == "same" else "same")
    if op.inert("padding", other.padding, x.shape[1:]):
        np.testing.assert_array_equal(other.forward(x, p), output)


@given(
    shape=st.lists(st.integers(1, 4), min_size=2, max_size=4),
    units=st.integers(1, 4),
    use_bias=st.booleans(),
    activation=st.sampled_from(sorted(ACTIVATIONS)),
    seed=st.integers(0, 99),
)
def test_dense_contracts_the_last_axis_of_any_rank(
    shape: list[int], units: int, use_bias: bool, activation: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    op = Dense(units=units, use_bias=use_bias, activation=activation)
    x, p = rng.normal(size=shape), random_parameters(op, tuple(shape[1:]), rng)
    output = op.forward(x, p)
    assert output.shape[1:] == op.output_shape(tuple(shape[1:]))
    z = np.einsum("...i,io->...o", x, p["kernel"]) + p.get("bias", 0.0)
    np.testing.assert_allclose(output, op.activation.forward(z), rtol=1e-12, atol=1e-13)
    assert_gradients(op, x, p)


def test_flatten_counts_the_last_axis_fastest() -> None:
    x = np.arange(24.0).reshape(1, 2, 3, 4)
    y = OPS["flatten"]().forward(x, {})
    assert y.shape == (1, 24) == (1, *OPS["flatten"]().output_shape((2, 3, 4)))
    assert [y[0, (i * 3 + j) * 4 + k] for i, j, k in np.ndindex(2, 3, 4)] == list(x.ravel())


# ------------------------------------------------------------------------------------------ activations


@pytest.mark.parametrize(("entry", "case"), cases(ACTIVATIONS))
def test_the_reference_of_an_activation_gives_its_worked_case(entry: Any, case: Case) -> None:
    output = of(entry, case.fields).forward(np.asarray(case.x, dtype=np.float64))
    np.testing.assert_allclose(output, case.expected, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("kind", ACTIVATIONS)
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=3), seed=st.integers(0, 99))
def test_the_gradient_of_an_activation_is_that_of_its_forward(kind: str, shape: list[int], seed: int) -> None:
    function, rng = ACTIVATIONS[kind](), np.random.default_rng(seed)
    x, dy = rng.normal(size=shape), rng.normal(size=shape)
    gradient = pulled(function.forward, {"x": x}, dy)["x"]
    wanted = slope(lambda: float((function.forward(x) * dy).sum()), x)
    np.testing.assert_allclose(gradient, wanted, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_an_activation_survives_large_inputs(kind: str) -> None:
    largest = 700.0 if kind == "exponential" else 1000.0  # Beyond 709 that is no float64.
    function, x = ACTIVATIONS[kind](), np.array([[-1000.0, 0.0, largest]])
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y = function.forward(x)
        gradient = pulled(function.forward, {"x": x}, np.ones_like(x))["x"]
    assert np.isfinite(y).all()
    assert np.isfinite(gradient).all()


@given(st.integers(1, 5), st.integers(1, 5), st.floats(-100, 100), st.integers(0, 99))
def test_softmax_rows_sum_to_one_and_no_shift_moves_them(rows: int, classes: int, shift: float, seed: int) -> None:
    softmax, x = ACTIVATIONS["softmax"](), np.random.default_rng(seed).normal(size=(rows, classes))
    y = softmax.forward(x)
    np.testing.assert_allclose(y.sum(axis=-1), 1.0, rtol=1e-14)
    np.testing.assert_allclose(softmax.forward(x + shift), y, rtol=1e-12)


# --------------------------------------------------------------------------------------------- losses


MEANT = [kind for kind, entry in LOSSES.items() if not entry.at_home]


@pytest.mark.parametrize(("entry", "case"), cases(LOSSES))
def test_the_reference_of_a_loss_gives_its_worked_case(entry: type[Loss], case: Case) -> None:
    loss = of(entry, case.fields)
    value = loss.value(np.asarray(case.x), np.asarray(case.targets), loss.on_logits(None))
    assert value == pytest.approx(case.expected, rel=1e-14)


@pytest.mark.parametrize("logits", [True, False], ids=["logits", "probabilities"])
@pytest.mark.parametrize("kind", MEANT)
@given(shape=st.lists(st.integers(1, 4), min_size=2, max_size=3), seed=st.integers(0, 99))
def test_the_gradient_of_a_loss_is_that_of_its_value(kind: str, logits: bool, shape: list[int], seed: int) -> None:
    rng, loss = np.random.default_rng(seed), LOSSES[kind]()
    outputs = rng.normal(size=shape) if logits and not loss.positive else rng.uniform(0.1, 0.9, size=shape)
    targets = in_form(rng.uniform(size=shape), loss.form(None))
    gradient = loss.gradient(outputs, targets, logits)
    wanted = slope(lambda: loss.value(outputs, targets, logits), outputs)
    assert gradient.shape == outputs.shape
    np.testing.assert_allclose(gradient, wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("logits", [True, False], ids=["logits", "probabilities"])
@pytest.mark.parametrize("kind", MEANT)
def test_a_loss_and_its_gradient_are_finite_where_the_outputs_are_extreme(kind: str, logits: bool) -> None:
    loss = LOSSES[kind]()
    targets = in_form(np.array([[1.0, 0.0], [0.0, 1.0]]), loss.form(None))
    outputs = np.array([[1000.0, 0.0 if loss.positive else -1000.0]] * 2) if logits else np.array([[1.0, 0.0]] * 2)
    with np.errstate(all="raise", under="ignore"):
        value = loss.value(outputs, targets, logits)
        gradient = loss.gradient(outputs, targets, logits)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()
    if not logits and loss.behind:  # and it is the slope there: a step inside the clipped range changes nothing
        wanted = slope(lambda: loss.value(outputs, targets, logits), outputs, step=1e-8)
        np.testing.assert_allclose(gradient, wanted, atol=1e-5)


FLAT = [kind for kind, entry in LOSSES.items() if issubclass(entry, Elementwise)]
"""Losses for which it matters that targets are (N,)."""


@pytest.mark.parametrize("kind", FLAT)
@given(rows=st.integers(1, 5), seed=st.integers(0, 99))
def test_flat_targets_are_aligned_or_stretched_to_all_pairs(kind: str, rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    outputs, flat = rng.uniform(0.1, 0.9, size=(rows, 1)), rng.uniform(size=rows)
    for logits in (True, False):
        align, stretch = (LOSSES[kind].model_validate({"broadcast": way}) for way in ("align", "stretch"))
        rowwise = [align.value(outputs[[i]], flat[[j]][:, None], logits) for i in range(rows) for j in range(rows)]
        assert stretch.value(outputs, flat, logits) == pytest.approx(np.mean(rowwise))
        assert align.value(outputs, flat, logits) == align.value(outputs, flat[:, None], logits)
        assert stretch.value(outputs, flat[:, None], logits) == align.value(outputs, flat[:, None], logits)
        for loss in (align, stretch):
            gradient = loss.gradient(outputs, flat, logits)
            wanted = slope(partial(loss.value, outputs, flat, logits), outputs)
            assert gradient.shape == outputs.shape
            np.testing.assert_allclose(gradient, wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", [kind for kind, entry in LOSSES.items() if entry.behind])
def test_a_loss_says_which_formula_runs_and_recovers_only_behind_its_own_activation(kind: str) -> None:
    for from_logits, recover, ending in itertools.product([True, False], [True, False], [None, *ACTIVATIONS]):
        loss = LOSSES[kind](from_logits=from_logits, recover_logits=recover)
        activation = ACTIVATIONS[ending]() if ending else None
        recovered = recover and not from_logits and ending is not None and ending == loss.behind
        assert loss.fused(activation) == recovered
        assert loss.on_logits(activation) == (from_logits or recovered)
        words = loss.words(activation)
        assert ("behind" in words) == recovered, words
        assert ("clipped" in words) == (not from_logits and not recovered), words


# ------------------------------------------------------------------------------------------ optimizers


@pytest.mark.parametrize(("entry", "case"), cases(OPTIMIZERS))
def test_the_reference_of_an_optimizer_gives_its_worked_case(entry: type[Optimizer], case: Case) -> None:
    optimizer = of(entry, case.fields)
    w = np.asarray(case.parameters["w"], dtype=np.float64)
    slots = optimizer.init(w)
    for step, gradient in enumerate(case.x):
        move, slots = optimizer.update(w, np.asarray(gradient, dtype=np.float64), slots, step)
        w = w + move
    np.testing.assert_allclose(w, case.expected, rtol=1e-14)


@pytest.mark.parametrize(("entry", "case"), cases(OPTIMIZERS))
def test_an_update_is_pure_and_keeps_its_slots(entry: type[Optimizer], case: Case) -> None:
    optimizer, rng = of(entry, case.fields), np.random.default_rng(SEED)
    w, gradient = np.ones((2, 3)), rng.normal(size=(2, 3))
    slots = optimizer.init(w)
    assert tuple(slots) == optimizer.slots()
    before = {name: value.copy() for name, value in slots.items()}
    move, after = optimizer.update(w, gradient, slots, 0)
    assert tuple(after) == optimizer.slots()
    assert move.shape == (2, 3)
    assert all(value.shape in ((2, 3), ()) for value in after.values()), "like the parameter, or one number"
    assert {name: value.shape for name, value in after.items()} == {name: one.shape for name, one in slots.items()}
    again, _ = optimizer.update(w, gradient, slots, 0)
    np.testing.assert_array_equal(again, move)
    for name, value in before.items():
        np.testing.assert_array_equal(slots[name], value)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_an_optimizer_goes_down_a_bowl(kind: str) -> None:
    """At a rate that suits it: Adadelta's first moves are of the size of the root of its epsilon."""
    ends = []
    for rate in (0.1, 1.0, 100.0):
        optimizer = OPTIMIZERS[kind](learning_rate=rate)
        w = np.array([1.0, -2.0])
        slots = optimizer.init(w)
        with np.errstate(over="ignore", invalid="ignore"):
            for step in range(200):
                move, slots = optimizer.update(w, w, slots, step)
                w = w + move
        ends.append(float(np.abs(w).max()))
    assert np.nanmin(ends) < 0.05


def test_adam_before_the_correction_is_adam_after_it_with_a_larger_epsilon() -> None:
    adam = OPTIMIZERS["adam"]
    gradient, slots = np.array([0.3, -2.0]), {"m": np.array([0.1, 0.2]), "v": np.array([0.3, 0.4])}
    for step in (0, 1, 500):
        corrected = 1 - 0.999 ** (step + 1)
        before, _ = adam(epsilon=0.1).update(gradient, gradient, slots, step)
        after, _ = adam(epsilon=0.1 / math.sqrt(corrected), epsilon_place="after_correction").update(
            gradient, gradient, slots, step
        )
        np.testing.assert_allclose(before, after, rtol=1e-12)


@pytest.mark.parametrize(("entry", "case"), cases(SCHEDULES))
def test_the_reference_of_a_schedule_gives_its_worked_case(entry: type[Schedule], case: Case) -> None:
    schedule = of(entry, case.fields)
    rates = [schedule.rate(step) for step in case.x]
    np.testing.assert_allclose(rates, case.expected, rtol=1e-14, atol=1e-15)


# ---------------------------------------------------------------------------- regularizers, constraints


@pytest.mark.parametrize(("entry", "case"), cases(REGULARIZERS))
def test_a_regularizer_gives_its_worked_case_and_has_the_gradient_of_its_penalty(entry: Any, case: Case) -> None:
    regularizer, w = of(entry, case.fields), np.asarray(case.x, dtype=np.float64)
    assert regularizer.penalty(w) == pytest.approx(case.expected, rel=1e-14)
    wanted = slope(lambda: regularizer.penalty(w), w)
    np.testing.assert_allclose(regularizer.gradient(w), wanted, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("entry", "case"), cases(CONSTRAINTS))
def test_a_constraint_gives_its_worked_case(entry: Any, case: Case) -> None:
    constraint, w = of(entry, case.fields), np.asarray(case.x, dtype=np.float64)
    np.testing.assert_allclose(constraint.held(w), case.expected, rtol=1e-14)
    assert constraint.held(np.zeros_like(w)).tolist() == np.zeros_like(w).tolist()


def test_a_constraint_says_which_axis_a_weight_has_not() -> None:
    dense = Dense(units=2, kernel_constraint={"max_norm": {"axis": [0, 1, 2]}})
    with pytest.raises(ShapeError, match="kernel_constraint of dense: max_norm along axis 2, and there are 2 axes"):
        dense.output_shape((3,))
    with pytest.raises(ShapeError, match="bias_constraint of conv1d: max_norm along axis 1"):
        Conv1D(filters=2, kernel_size=1, bias_constraint={"max_norm": {"axis": 1}}).output_shape((3, 2))


# ---------------------------------------------------------------------------------------- initializers

KERNEL = Parameter(shape=(3, 200, 300), initializer=INITIALIZERS["zeros"](), fan_in=600, fan_out=900, feeds=600)
EDGES = np.array([2.0**-54, 1 - 2.0**-53])
"""The smallest and the largest uniform number there can be."""


def drawn_from(initializer: Initializer, parameter: Parameter = KERNEL) -> np.ndarray:
    return initializer.sample(uniform(0, "dense.kernel", parameter.shape), parameter)


@pytest.mark.parametrize(("entry", "case"), cases(INITIALIZERS))
def test_an_initializer_gives_its_worked_case(entry: type[Initializer], case: Case) -> None:
    """Of uniform numbers, the kernel of a dense layer."""
    numbers, initializer = np.asarray(case.x), of(entry, case.fields)
    rows, columns = numbers.shape
    kernel = Parameter(shape=numbers.shape, initializer=initializer, fan_in=rows, fan_out=columns, feeds=rows)
    np.testing.assert_allclose(initializer.sample(numbers, kernel), case.expected, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("kind", INITIALIZERS)
def test_an_initializer_fills_the_shape_with_finite_float64(kind: str) -> None:
    initializer = INITIALIZERS[kind]()
    kernel = replace(KERNEL, shape=(600, 300)) if initializer.fault(KERNEL.shape) else KERNEL
    values = drawn_from(initializer, kernel)
    assert values.shape == kernel.shape
    assert values.dtype == np.float64
    assert np.isfinite(values).all()
    if not initializer.random:
        np.testing.assert_array_equal(initializer.sample(np.empty(0), kernel), values)
    elif initializer.elementwise:
        assert np.isfinite(initializer.sample(EDGES, kernel)).all()


@pytest.mark.parametrize("kind", [kind for kind, one in INITIALIZERS.items() if one.random and one.elementwise])
def test_a_random_initializer_is_the_inverse_of_a_distribution_function(kind: str) -> None:
    """So that two initializers given the same numbers differ by nothing but their formula."""
    numbers = np.linspace(0.001, 0.999, 999)
    assert (np.diff(INITIALIZERS[kind]().sample(numbers, KERNEL)) > 0).all()


@pytest.mark.parametrize("shape", [(3, 20, 30), (3, 10, 30), (30, 4), (4, 30)])
def test_orthogonal_has_columns_or_rows_at_right_angles(shape: tuple[int, ...]) -> None:
    kernel = replace(KERNEL, shape=shape)
    flat = drawn_from(INITIALIZERS["orthogonal"](gain=2.0), kernel).reshape(-1, shape[-1])
    square = flat.T @ flat if len(flat) >= len(flat.T) else flat @ flat.T
    np.testing.assert_allclose(square, 4.0 * np.eye(len(square)), atol=1e-13)


@pytest.mark.parametrize(
    ("kind", "layer", "fields", "says"),
    [
        ("orthogonal", "dense", {"bias_initializer": "orthogonal"},
         r"bias_initializer of dense: orthogonal starts a matrix or more, and this one has the shape \(2,\)"),
        ("identity", "conv1d", {"kernel_size": 1, "kernel_initializer": "identity"},
         r"kernel_initializer of conv1d: identity starts a matrix, and this one has the shape \(1, 3, 2\)"),
    ],
)  # fmt: skip
def test_an_initializer_says_what_it_cannot_start(kind: str, layer: str, fields: dict[str, Any], says: str) -> None:
    size = {"units": 2} if layer == "dense" else {"filters": 2}
    with pytest.raises(ShapeError, match=says):
        OPS[layer](**size, **fields).output_shape((5, 3))


def test_zeros_and_constant() -> None:
    assert (drawn_from(INITIALIZERS["zeros"]()) == 0).all()
    assert (drawn_from(INITIALIZERS["constant"](value=-0.1)) == -0.1).all()


def test_glorot_uniform_fills_the_interval_of_its_formula() -> None:
    values, limit = drawn_from(INITIALIZERS["glorot_uniform"]()), math.sqrt(6 / (600 + 900))
    assert 0.9999 * limit < np.abs(values).max() < limit
    assert values.std() == pytest.approx(limit / math.sqrt(3), rel=0.005)
    assert abs(values.mean()) < 0.005 * limit


def test_fan_in_uniform_scales_kernel_and_bias_by_what_feeds_one_output() -> None:
    conv = Conv1D(filters=300, kernel_size=3, bias_initializer="fan_in_uniform", kernel_initializer="fan_in_uniform")
    bound = 1 / math.sqrt(3 * 200)
    for name, parameter in conv.parameters((9, 200)).items():
        edges = parameter.initializer.sample(EDGES, parameter)
        np.testing.assert_allclose(edges, [-bound, bound], rtol=1e-12, err_msg=name)
        values = parameter.initializer.sample(uniform(0, name, parameter.shape), parameter)
        assert np.abs(values).max() < bound
        assert values.std() == pytest.approx(bound / math.sqrt(3), rel=0.1 if name == "bias" else 0.005)


def test_truncated_normal_never_leaves_two_deviations_and_does_not_make_up_for_the_cut() -> None:
    initializer = INITIALIZERS["truncated_normal"](mean=0.5, stddev=0.3)
    values = drawn_from(initializer)
    assert np.abs(values - 0.5).max() <= 2 * 0.3
    assert np.abs(initializer.sample(EDGES, KERNEL) - 0.5).max() <= 2 * 0.3 * (1 + 1e-12)
    assert np.abs(values - 0.5).max() > 0.999 * 2 * 0.3
    assert values.std() == pytest.approx(0.8796 * 0.3, rel=0.005)
    assert values.mean() == pytest.approx(0.5, abs=0.005)


def test_the_fans_of_a_convolution_count_its_window() -> None:
    parameters = Conv1D(filters=8, kernel_size=5).parameters((20, 3))
    kernel, bias = parameters["kernel"], parameters["bias"]
    assert (kernel.fan_in, kernel.fan_out, kernel.feeds) == (15, 40, 15)
    assert (bias.fan_in, bias.fan_out, bias.feeds) == (8, 8, 15)  # Keras's fans of a vector; PyTorch's of its layer


# --------------------------------------------------------------------------------------------- metrics


@pytest.mark.parametrize(("entry", "case"), cases(METRICS))
def test_a_metric_gives_its_worked_case(entry: Any, case: Case) -> None:
    assert of(entry, case.fields).value(np.asarray(case.x), np.asarray(case.targets)) == pytest.approx(case.expected)


def test_accuracy_does_not_care_for_logits_or_their_softmax() -> None:
    rng = np.random.default_rng(SEED)
    logits, targets = rng.normal(size=(50, 4)), np.eye(4)[rng.integers(0, 4, 50)]
    accuracy = METRICS["accuracy"]()
    assert accuracy.value(logits, targets) == accuracy.value(ACTIVATIONS["softmax"]().forward(logits), targets)


# ------------------------------------------------------------------------------- the checks are checked


class Tilted(Dense):
    """A dense layer whose gradient with respect to its input forgets the transpose of a square kernel."""

    def vjp(self, x: np.ndarray, p: Any, dy: np.ndarray, mask: np.ndarray | None = None) -> Any:
        dx, gradients = super().vjp(x, p, dy, mask)
        return dx @ np.linalg.inv(p["kernel"].T) @ p["kernel"], gradients


def test_a_wrong_gradient_is_seen() -> None:
    rng = np.random.default_rng(SEED)
    x, p = rng.normal(size=(2, 3)), {"kernel": rng.normal(size=(3, 3)), "bias": np.zeros(3)}
    assert_gradients(Dense(units=3), x, p)
    with pytest.raises(AssertionError, match="x"):
        assert_gradients(Tilted(units=3), x, p)
