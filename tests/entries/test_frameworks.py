"""Every entry in every framework: the smallest program that contains it, run in float64, against the NumPy reference.

Ops, activations, losses, optimizers and initializers are met by discovery, through their worked cases. Below that stand
the compositions in which the frameworks are known to part: padding, layouts, activations that Keras looks behind, whole
models with dropout and shuffling.
"""

from __future__ import annotations

import itertools
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import helpers_frameworks
import numpy as np
import pytest
from helpers_branches import EXACT, Branch, Branches
from helpers_frameworks import (
    EACH_FRAMEWORK,
    FRAMEWORKS,
    IMAGE,
    SMALL_IMAGE,
    Opened,
    Reference,
    Step,
    assert_close,
    assert_same_step,
    difference,
    each_framework,
    everywhere,
    opened,
    side_of,
    starting_weights,
)
from helpers_sample import TURN, WHOLE, dealt, taken
from scipy.stats import ks_2samp

from parity.catalog import (
    ACTIVATIONS,
    CONSTRAINTS,
    INITIALIZERS,
    LOSSES,
    OPS,
    OPTIMIZERS,
    REGULARIZERS,
    SCHEDULES,
)
from parity.code import Case
from parity.compile import compile_side
from parity.data.loading import one_hot
from parity.entries import Entry
from parity.errors import SpecError, WorkerError
from parity.run.driver.programs import import_program
from parity.run.initial import initial_value
from parity.run.randomness import keep_mask, normal
from parity.spec.graph import Layer
from parity.spec.resolve import Resolved

CaseT = TypeVar("CaseT")

CROSS_ENTROPIES = {kind: entry for kind, entry in LOSSES.items() if entry.behind}
"""Losses that read logits or probabilities, and recover the one from the other."""


def cases(family: Mapping[str, type[Entry]]) -> list[Any]:
    return [
        pytest.param(kind, case, id=f"{kind}: {case.shows}") for kind, entry in family.items() for case in entry.cases()
    ]


def random(*shape: int, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def identity(size: int) -> dict[str, np.ndarray]:
    """Return the parameters with which a dense layer called ``before`` hands its input on."""
    return {"before.kernel": np.eye(size), "before.bias": np.zeros(size)}


def agree(
    framework: str,
    model: Mapping[str, Any],
    x: np.ndarray,
    y: np.ndarray | None = None,
    weights: dict[str, np.ndarray] | None = None,
    tolerance: float = EXACT,
    free: bool = True,
    **sections: Any,
) -> Step:
    """Check a program against the reference, in all the ways it is run, and return the reference's first step.

    A watched step (TensorFlow: eager, as a guided one), then, if that is asked for, from the same state again, a step
    as a free run takes it (TensorFlow: in a graph, which takes as long as all the rest), and the predictions. A watched
    step in a graph is that of whole models, below.
    """
    sections = {"training": {"batch_size": len(x), "shuffle": False}} | sections
    side = side_of(framework, model, **sections)
    weights = starting_weights(side) if weights is None else weights
    if y is None:
        y = np.random.default_rng(8).uniform(size=(len(x), *side.layers()[-1].output_shape))
    reference = Reference(side, x, y, weights)
    with opened(side, x, y, weights) as program:
        predictions = reference.predictions()
        assert difference(program.predict(), predictions) <= tolerance, "predictions"
        kept = program.state()
        wanted = reference.take(0)
        assert_same_step(program.step(0, eager=True), wanted, tolerance)
        if not free:
            return wanted
        program.adopt(*kept, iterations=0)
        (loss,) = program.train(1)
        assert difference(loss, wanted.loss) <= tolerance, f"loss of a free run {loss!r}, wanted {wanted.loss!r}"
        after, slots = program.state()
        assert_close(after, reference.weights, tolerance, "weights after a free run")
        assert_close(slots, reference.named_slots(), tolerance, "slots after a free run")
    return wanted


# -------------------------------------------------------------------------------------------------- ops


def seed_that_draws(mask: np.ndarray, layer: Layer) -> int:
    """Return a seed with which a layer draws the mask that is given: a hand-worked one goes the way that all go."""
    told = layer.mask, mask.shape, layer.drawn[0].rate
    return next(seed for seed in itertools.count() if np.array_equal(keep_mask(seed, 0, *told), mask))


MASKED = -99.0
"""What a masked step of a case holds: a masking layer ahead of the rest makes it one."""


def branch_of(kind: str, case: Case) -> Branch:
    """Return a worked case behind dense layers that change nothing but whose gradients are those of its inputs."""
    entry = OPS[kind]
    parts = [np.asarray(one, dtype=np.float64) for one in (case.x if len(entry.ports) != 1 else [case.x])]
    inputs = {
        f"in_{number}": {"shape": part.shape[1:], "dtype": entry.reads_dtype} for number, part in enumerate(parts)
    }
    names, layers, weights = list(inputs), list[Any](), {f"op.{name}": p for name, p in case.parameters.items()}
    if entry.reads_dtype != "integer":  # Before numbers of tokens nothing can stand.
        names = [f"before_{number}" for number in range(len(parts))]
        for name, one, part in zip(names, inputs, parts, strict=True):
            layers.append({"dense": {"units": part.shape[-1], "name": name, "inputs": one}})
            weights |= {f"{name}.kernel": np.eye(part.shape[-1]), f"{name}.bias": np.zeros(part.shape[-1])}
    layers.append({kind: {**case.fields, "name": "op", "inputs": names}})
    return Branch(model={"inputs": inputs, "layers": layers}, x=parts, weights=weights)


OP_CASES = {f"{kind}, {case.shows}": (kind, case) for kind, entry in OPS.items() for case in entry.cases()}


def told_apart(kind: str, case: Case) -> str:
    """Return what a framework's graph could make another thing of: the op with its activation."""
    return f"{kind} {case.fields.get('activation', case.fields.get('function'))}"


def together(case: Case) -> bool:
    """Return whether a case can be a branch among others: none whose steps or masks are its own."""
    return case.mask is None and case.steps is None


def of_op(name: str) -> str:
    """Return what a worked case is counted with: of each op with each activation, one is taken at least."""
    return told_apart(*OP_CASES[name])


MINE = {framework: taken(OP_CASES, 4, framework, of=of_op) for framework in FRAMEWORKS}
"""The worked cases that each framework meets."""

UNMASKED = {name: branch_of(*one) for name, one in OP_CASES.items() if together(one[1])}
GRAPHS = ("keras", "tensorflow")


def free_in(framework: str) -> set[str]:
    """Return the cases of which a free run takes a step, too: the first of its kind with each activation.

    In a graph, where there are any, a fourth of them in Keras and another one in TensorFlow: to trace it takes longest.
    """
    mine = [name for name in MINE[framework] if name in UNMASKED]
    first = dict.fromkeys(map(of_op, UNMASKED))
    if framework in GRAPHS and not WHOLE:
        first = dict.fromkeys(list(first)[(TURN + GRAPHS.index(framework)) % 4 :: 4])
    return set({of_op(name): name for name in reversed(mine) if of_op(name) in first}.values())


FREE_ALONE = {(kind, case.mask is None): case for kind, case in reversed(OP_CASES.values()) if not together(case)}
"""Of those that are programs of their own, the first of its kind with a mask that is drawn, and with steps."""

FREE_IN = {framework: free_in(framework) for framework in FRAMEWORKS}
JOINED = {
    (framework, free): Branches(
        {name: UNMASKED[name] for name in MINE[framework] if name in UNMASKED and (name in FREE_IN[framework]) == free},
        free,
    )
    for framework, free in itertools.product(FRAMEWORKS, (False, True))
}


@pytest.mark.parametrize(
    ("framework", "name"),
    [pytest.param(*one.values, name, marks=one.marks, id=f"{name}-{one.values[0]}")
     for one in EACH_FRAMEWORK for name in MINE[str(one.values[0])]],
)  # fmt: skip
def test_an_op_is_its_reference(framework: str, name: str) -> None:
    """One of four cases, and one of each kind at least: many are branches of one program, some take free steps, too.

    Where masks are given, each is a program of its own; in ``make long`` all are, and all take such a step.
    """
    kind, case = OP_CASES[name]
    if WHOLE or not together(case):
        as_worked(kind, case, own_program(framework, kind, case))
    else:
        as_worked(kind, case, JOINED[framework, name in FREE_IN[framework]].check(framework, name))


def as_worked(kind: str, case: Case, step: Step) -> None:
    """Check that the op put out in a step what was worked out by hand, where that is what a step in training gives."""
    keeps = any("op." in one for one in step.state if "/" not in one)
    dealt = case.mask is not None and not OPS[kind].noise  # No seed gives normal numbers that somebody made up.
    if case.statistics is not None if keeps else not OPS[kind].draws or dealt:
        np.testing.assert_allclose(step.forward["op"], case.expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_op_has_a_worked_case_in_every_framework_with_each_activation(framework: str) -> None:
    assert {of_op(name) for name in MINE[framework]} == {told_apart(*one) for one in OP_CASES.values()}


def test_no_two_worked_cases_of_an_op_are_called_the_same() -> None:
    """Of two, one would not be run."""
    assert len(OP_CASES) == sum(len(entry.cases()) for entry in OPS.values())


def own_program(framework: str, kind: str, case: Case) -> Step:
    """Check a worked case in a chain, behind a dense layer that changes nothing."""
    if len(OPS[kind].ports) != 1:
        return merges(framework, kind, case)
    x = np.asarray(case.x, dtype=np.float64)
    masking = []
    if case.steps is not None:
        x, masking = np.where(np.asarray(case.steps)[..., None], x, MASKED), [{"masking": MASKED}]
    model = {
        "input": list(x.shape[1:]),
        "layers": [
            *masking, {"dense": {"units": x.shape[-1], "name": "before"}}, {kind: {**case.fields, "name": "op"}},
        ],
    }  # fmt: skip
    if OPS[kind].reads_dtype == "integer":  # Numbers of tokens: nothing can stand before it.
        tokens = {"shape": list(x.shape[1:]), "dtype": "integer"}
        model = {"inputs": {"tokens": tokens}, "layers": [{kind: {**case.fields, "name": "op"}}]}
    first = {} if "inputs" in model else identity(x.shape[-1])
    weights = first | {f"op.{name}": np.asarray(p) for name, p in case.parameters.items()}
    dealt = case.mask is not None and not OPS[kind].noise  # No seed gives normal numbers that somebody made up.
    training = {"batch_size": len(x), "shuffle": False} | (drawn_seed(framework, model, case) if dealt else {})
    return agree(framework, model, x, weights=weights, training=training, free=free_alone(kind, case))


def free_alone(kind: str, case: Case) -> bool:
    """Return whether a program of one case takes a step as a free run does."""
    return WHOLE or FREE_ALONE.get((kind, case.mask is None)) is case


def merges(framework: str, kind: str, case: Case) -> Step:
    """Check a layer that reads several: each a part of one input, cut out along the last axis by a dense layer.

    What is one row where the others are longer comes out of a pool, of which it is the largest.
    """
    parts = [np.asarray(one, dtype=np.float64) for one in case.x]
    if case.steps is not None:
        parts = [one if steps is None else np.where(np.asarray(steps)[..., None], one, MASKED)
                 for one, steps in zip(parts, case.steps, strict=True)]  # fmt: skip
    length, names = max(part.shape[1] for part in parts), list[str]()
    long = [np.pad(one, [(0, 0), (0, length - one.shape[1]), (0, 0)]) if one.ndim == 3 else one for one in parts]
    x, widths = np.concatenate(long, axis=-1), [part.shape[-1] for part in parts]
    layers: list[Any] = []
    for number, part in enumerate(parts):
        names.append(f"part_{number}")
        layers.append({"dense": {"units": widths[number], "name": names[-1], "inputs": "input", "use_bias": False}})
        if part.ndim == 3 and part.shape[1] < length:
            names[-1] = f"short_{number}"
            layers.append({"max_pooling1d": {"pool_size": length, "name": names[-1]}})
        if case.steps is not None and case.steps[number] is not None:
            names[-1] = f"masked_{number}"
            layers.append({"masking": {"mask_value": MASKED, "name": names[-1]}})
    every = np.split(np.eye(sum(widths)), np.cumsum(widths)[:-1], axis=1)
    weights = {f"part_{number}.kernel": kernel for number, kernel in enumerate(every)}
    weights |= {f"op.{name}": np.asarray(p) for name, p in case.parameters.items()}
    model = {"input": list(x.shape[1:]), "layers": [*layers, {kind: {**case.fields, "inputs": names, "name": "op"}}]}
    training = {"batch_size": len(x), "shuffle": False} | drawn_seed(framework, model, case)
    return agree(framework, model, x, weights=weights, training=training, free=free_alone(kind, case))


def activated(kind: str) -> dict[str, Branch]:
    """Return models with an activation in every layer that takes one, behind another kind of layer."""
    dense, conv = {"dense": {"units": 3}}, {"conv1d": {"filters": 3, "kernel_size": 2}}
    alone, told = {"activation": {"function": kind}}, {"activation": kind}
    pairs = {
        f"{kind} behind dense": (dense, alone), f"{kind} behind conv1d": (conv, alone),
        f"{kind} in dense": (conv, {"dense": {"units": 4} | told}),
        f"{kind} in conv1d": (dense, {"conv1d": {"filters": 4, "kernel_size": 2} | told}),
    }  # fmt: skip
    return {
        name: Branch(model={"input": [6, 3], "layers": [*pair, "flatten", {"dense": {"units": 2}}]},
                     x=[3 * random(5, 6, 3)])
        for name, pair in pairs.items()
    }  # fmt: skip


def drawn_seed(framework: str, model: Mapping[str, Any], case: Case) -> dict[str, int]:
    """Return the seed with which the only layer that draws draws the mask of a case."""
    if case.mask is None:
        return {}
    (drawing,) = side_of(framework, model).drawing()
    return {"seed": seed_that_draws(np.asarray(case.mask), drawing)}


def sweep(framework: str, models: Mapping[str, tuple[Mapping[str, Any], np.ndarray]]) -> None:
    """Check one step of models and their rows, by name, against the reference, without a free run."""
    Branches({name: Branch(model=model, x=[x]) for name, (model, x) in models.items()}, free=False).check_all(framework)


EVERYWHERE = {name: one for kind in ACTIVATIONS for name, one in activated(kind).items()}
ACTIVATED = {
    framework: Branches({name: EVERYWHERE[name] for name in dealt(EVERYWHERE, framework)}, free=WHOLE)
    for framework in FRAMEWORKS
}
"""Steps of free runs with each are taken by the worked cases of the layer."""


@pytest.mark.parametrize(
    ("framework", "name"),
    [pytest.param(*one.values, name, marks=one.marks, id=f"{name}-{one.values[0]}")
     for one in EACH_FRAMEWORK for name in ACTIVATED[str(one.values[0])].branches],
)  # fmt: skip
def test_an_activation_is_its_reference_in_every_layer_that_takes_one(framework: str, name: str) -> None:
    """On three axes, so that a softmax over the wrong one is seen; PyTorch's convolutions have channels first.

    Every activation in every framework, in one or two of its four places; in all of them in ``make long``.
    """
    ACTIVATED[framework].check(framework, name)


@each_framework
def test_conv1d_pads_strides_and_dilates_as_its_reference(framework: str) -> None:
    every = itertools.product(("same", "valid"), (1, 2, 3), (1, 2, 3), (1, 2), (7, 8))
    cases = [case for case in every if case[3] == 1 or (case[2] == 1 and case[1] > 1)]
    models = {}
    for padding, kernel, strides, dilation, length in dealt(cases, framework):
        conv = {"filters": 2, "kernel_size": kernel, "strides": strides, "dilation_rate": dilation,
                "padding": padding, "activation": "tanh"}  # fmt: skip
        model = {"input": [length, 3], "layers": [{"dense": {"units": 3}}, {"conv1d": conv}]}
        models[f"{conv} of {length}"] = model, random(2, length, 3)
    sweep(framework, models)


@each_framework
def test_channels_normalized_one_by_one_have_gradients_that_lie_channels_last(framework: str) -> None:
    """Of a batch of one PyTorch's instance norm has wrong ones, and its group norm crashes: docs/findings.md."""
    kinds, shapes = ("instance_norm", {"group_norm": {"groups": -1}}), ((7, 1, 2), (4, 5, 3), (2, 1, 2, 1))
    models = {}
    for kind, row, rows in itertools.product(kinds, shapes, (1, 2)):
        model = {"input": list(row), "layers": [kind, "flatten", {"dense": {"units": 2}}]}
        models[f"{kind} of {rows} rows {row}"] = model, random(rows, *row)
    sweep(framework, models)


@each_framework
def test_a_layer_that_hands_its_input_on_has_a_gradient_of_its_own(framework: str) -> None:
    """Where what it is given has another reader, too."""
    layers = [
        {"dense": {"units": 3, "name": "first"}}, {"dropout": {"rate": 0.0, "name": "nothing"}},
        {"multiply": {"inputs": ["first", "nothing"]}}, {"dense": {"units": 2}},
    ]  # fmt: skip
    sweep(framework, {"rate 0": ({"input": [4], "layers": layers}, random(5, 4))})


@each_framework
def test_conv2d_pads_strides_and_dilates_as_its_reference(framework: str) -> None:
    """Rows and columns unlike throughout, so that one taken for the other is seen."""
    windows = [
        (1, [2, 3], 1, (6, 7)), (2, 1, 1, (5, 4)), (3, 2, 1, (6, 7)), ([3, 2], [2, 3], 1, (7, 8)),
        ([1, 4], 2, 1, (5, 6)), (2, 3, 1, (7, 8)), (3, 1, [2, 1], (6, 7)), ([2, 3], 1, [3, 2], (7, 6)),
    ]  # fmt: skip
    models = {}
    for (size, strides, dilation, shape), padding in dealt(itertools.product(windows, ("same", "valid")), framework):
        conv = {"filters": 2, "kernel_size": size, "strides": strides, "dilation_rate": dilation, "padding": padding,
                "activation": "tanh"}  # fmt: skip
        model = {"input": [*shape, 3], "layers": [{"dense": 3}, {"conv2d": conv}]}
        models[f"{conv} of {shape}"] = model, random(2, *shape, 3)
    sweep(framework, models)


@each_framework
def test_max_pooling_pads_and_takes_the_first_maximum_as_its_reference(framework: str) -> None:
    """Of whole numbers from -1 to 1, most of which stand more than once in a window."""
    models: dict[str, Branch] = {}
    for padding in ("same", "valid"):
        for size, strides, length in dealt(itertools.product((1, 2, 3), (None, 1, 2, 3), (7, 8)), framework):
            models |= tied("max_pooling1d", {"pool_size": size, "strides": strides, "padding": padding}, (length,))
        for size2, strides2, shape in [
            (2, None, (5, 6)), ([3, 2], [2, 3], (7, 8)), (3, 2, (6, 7)), ([1, 3], 1, (4, 5)),
        ]:  # fmt: skip
            models |= tied("max_pooling2d", {"pool_size": size2, "strides": strides2, "padding": padding}, shape)
    Branches(models, free=False).check_all(framework)


@everywhere
def test_poolings_padded_in_numbers_are_their_reference(framework: str) -> None:
    """More than half a window, more on one side, none; what is around is counted, left out, or never the largest."""
    pools: list[tuple[int, dict[str, Any]]] = [
        (1, {"pool_size": 3, "padding": 2}), (1, {"pool_size": 3, "padding": [0, 2], "strides": 2}),
        (1, {"pool_size": 2, "padding": 1, "strides": 1}), (1, {"pool_size": 2, "padding": 0}),
        (2, {"pool_size": [3, 2], "padding": [2, 1], "strides": 2}), (2, {"pool_size": 3, "padding": 1}),
        (2, {"pool_size": 3, "padding": [[0, 1], [2, 0]], "strides": [1, 2]}),
        (3, {"pool_size": [2, 3, 1], "padding": [[1, 0], [2, 2], [0, 0]], "strides": 1}),
    ]  # fmt: skip
    models = {}
    every = itertools.product(pools, (True, False, None), (False, True))
    for (rank, told), counted, first in dealt(every, framework):
        kind = f"{'max' if counted is None else 'average'}_pooling{rank}d"
        fields = told | ({} if counted is None else {"count_include_pad": counted})
        fields |= {"data_format": "channels_first"} if first else {}
        if rank == 3 and (counted is False or first):
            continue  # The one is refused, the other has cases of its own.
        shape = [2, *(5, 6, 4)[:rank]] if first else [*(5, 6, 4)[:rank], 2]
        layers = [{"dense": {"units": shape[-1], "name": "before"}}, {kind: fields}, "flatten", {"dense": 2}]
        models[f"{kind} {fields}"] = {"input": shape, "layers": layers}, random(2, *shape)
    sweep(framework, models)


def test_three_axes_padded_in_numbers_are_counted() -> None:
    pool = {"average_pooling3d": {"padding": 1}}
    with pytest.raises(SpecError, match="not there yet along three axes: say count_include_pad: true"):
        side_of("torch", {"input": [4, 4, 4, 2], "layers": [pool, "flatten", {"dense": 2}]})


def tied(kind: str, pool: Mapping[str, Any], shape: tuple[int, ...]) -> dict[str, Branch]:
    """Return a pool, by its name, that reads values of which many are the same."""
    model = {"input": [*shape, 2], "layers": [{"dense": {"units": 2, "name": "before"}}, {kind: pool}]}
    x = np.random.default_rng(4).integers(-1, 2, size=(2, *shape, 2)).astype(np.float64)
    return {f"{kind} {pool} of {shape}": Branch(model=model, x=[x], weights=identity(2))}


@each_framework
def test_a_convolution_longer_than_its_input_pads_on_both_sides(framework: str) -> None:
    for strides in (1, 2):
        conv = {"filters": 2, "kernel_size": 6, "strides": strides, "padding": "same"}
        agree(framework, {"input": [3, 2], "layers": [{"conv1d": conv}]}, random(4, 3, 2))


@each_framework
def test_dense_reads_any_rank(framework: str) -> None:
    models = {}
    for shape, use_bias in itertools.product([(3,), (4, 3), (2, 4, 3)], (True, False)):
        dense = {"units": 3, "use_bias": use_bias, "activation": "tanh"}
        model = {"input": list(shape), "layers": [{"dense": dense}, {"dense": dense}]}
        models[f"{shape}, bias {use_bias}"] = Branch(model=model, x=[random(5, *shape)])
    Branches(models).check_all(framework)


@each_framework
@pytest.mark.parametrize("activation", ["linear", "softmax"])
def test_a_model_may_end_in_a_convolution(framework: str, activation: str) -> None:
    conv = {"filters": 4, "kernel_size": 3, "padding": "same", "activation": activation}
    every = itertools.product(CROSS_ENTROPIES, (True, False) if activation != "linear" else (True,))  # probabilities
    for kind, from_logits in dealt(every, framework):
        y = np.eye(4)[np.random.default_rng(3).integers(0, 4, size=(5, 6))]
        model = {"input": [6, 3], "layers": [{"conv1d": conv}]}
        agree(framework, model, random(5, 6, 3), y, loss={kind: {"from_logits": from_logits}})


# ---------------------------------------------------------------------------------------- channels first

FIRST = {"data_format": "channels_first"}

IMAGE_FIRST = {
    "input": [2, 9, 8],
    "layers": [
        {"dropout": 0.25},
        {"conv2d": FIRST | {"filters": 4, "kernel_size": 3, "padding": "same", "activation": "relu",
                            "kernel_constraint": {"max_norm": {"max_value": 1.0, "axis": [0, 1, 2]}}}},
        {"batch_norm": {"axis": 1}},
        {"max_pooling2d": FIRST | {"padding": "same"}},
        {"dropout": 0.4},
        {"conv2d": FIRST | {"filters": 5, "kernel_size": [3, 2], "strides": 2, "padding": "same"}},
        {"activation": "softmax"},
        {"batch_norm": {"axis": 1, "unbiased_variance": True, "center": False}},
        "batch_norm",
        {"conv2d": FIRST | {"filters": 3, "kernel_size": 2}},
        {"conv2d": {"filters": 3, "kernel_size": [2, 1]}},
        "flatten",
        {"dense": 4},
    ],
}  # fmt: skip
"""An image model whose channels are first, with layers between that go along the spec's last axis."""


@each_framework
def test_an_image_with_its_channels_first_is_its_reference(framework: str) -> None:
    agree(framework, IMAGE_FIRST, random(5, 2, 9, 8))


@each_framework
@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
def test_flatten_behind_a_convolution_has_the_order_the_spec_says(framework: str, layout: str) -> None:
    layers = [{"conv2d": FIRST | {"filters": 3, "kernel_size": 2}}, {"dropout": 0.5},
              {"flatten": {"data_format": layout}}, {"dense": 2}]  # fmt: skip
    agree(framework, {"input": [2, 5, 4], "layers": layers}, random(4, 2, 5, 4))


@each_framework
@pytest.mark.parametrize("activation", ["linear", "sigmoid", "relu"])
def test_a_model_may_end_in_a_convolution_whose_channels_are_first(framework: str, activation: str) -> None:
    """In Keras the tensor is moved behind it, and then remembers no logits."""
    conv = FIRST | {"filters": 2, "kernel_size": 2, "padding": "same", "activation": activation}
    y = np.random.default_rng(3).integers(0, 2, size=(5, 2, 6)).astype(float)
    loss = {"sigmoid_crossentropy": {"from_logits": activation == "linear"}} if activation != "relu" else "mse"
    agree(framework, {"input": [3, 6], "layers": [{"conv1d": conv}]}, 30 * random(5, 3, 6), y, loss=loss)


def test_a_program_moves_the_channels_once_and_says_why() -> None:
    layers = [{"conv2d": FIRST | {"filters": 3, "kernel_size": 2}}, {"dropout": 0.5},
              {"max_pooling2d": FIRST}, {"batch_norm": {"axis": 1}}, "flatten", {"dense": 2}]  # fmt: skip
    sources = {
        name: compile_side(side_of(name, {"input": [2, 7, 5], "layers": layers}), name="x").source
        for name in FRAMEWORKS
    }
    there, back = "(N, 2, 7, 5) to (N, 7, 5, 2)", "(N, 3, 2, 3) back to (N, 3, 3, 2)"
    for name, move in (("keras", "keras.layers.Permute("), ("tensorflow", "tf.transpose(x, ")):
        assert sources[name].count(move) == sources[name].count("# (N, ") == 2
        assert f"# {there}: TensorFlow on a CPU wants channels last\n" in sources[name]
        assert f"# {back}, the order of the spec\n" in sources[name]
    assert "x.permute" not in sources["torch"]


@each_framework
def test_masks_between_convolutions_are_drawn_as_the_spec_has_the_channels(framework: str) -> None:
    layers = [{"conv2d": FIRST | {"filters": 3, "kernel_size": 2}}, {"dropout": 0.5}, "flatten", {"dense": 2}]
    step = agree(framework, {"input": [2, 5, 4], "layers": layers}, random(4, 2, 5, 4))
    np.testing.assert_array_equal(
        step.forward["dropout"] != 0, keep_mask(0, 0, 0, (4, 3, 4, 3), 0.5) & (step.forward["conv2d"] != 0)
    )


# ----------------------------------------------------------------------------------------------- dropout


CONVOLUTIONS_AROUND_DROPOUT = {
    "input": [8, 3],
    "layers": [
        {"conv1d": {"filters": 4, "kernel_size": 3}},
        {"dropout": 0.5},
        {"conv1d": {"filters": 3, "kernel_size": 2, "activation": "relu"}},
        {"dropout": 0.25},
        "flatten",
        {"dropout": 0.4},
        {"dense": {"units": 2}},
    ],
}


@each_framework
def test_dropout_between_convolutions_keeps_what_the_canonical_mask_keeps(framework: str) -> None:
    """PyTorch's tensor is channels first there: the mask is drawn channels last and moved with it."""
    step = agree(framework, CONVOLUTIONS_AROUND_DROPOUT, random(5, 8, 3))
    kept = keep_mask(0, 0, 0, (5, 6, 4), 0.5)
    np.testing.assert_array_equal(step.forward["dropout"] != 0, kept & (step.forward["conv1d"] != 0))


@pytest.mark.takes_turns
@each_framework
@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_dropout_of_rate_0_changes_nothing_in_the_others(framework: str, position: int) -> None:
    layers = [dict(layer) if isinstance(layer, dict) else layer for layer in CONVOLUTIONS_AROUND_DROPOUT["layers"]]
    index = [i for i, layer in enumerate(layers) if "dropout" in layer][position]
    layers[index] = {"dropout": 0.0}
    agree(framework, {"input": [8, 3], "layers": layers}, random(5, 8, 3))


@each_framework
def test_noise_of_every_kind_is_dealt_alike_and_a_dropout_of_all_has_a_gradient_of_0(framework: str) -> None:
    """Behind a convolution, where PyTorch's tensor is channels first; what comes after a rate of 1 stays in step."""
    layers = [
        {"conv1d": {"filters": 4, "kernel_size": 3, "name": "conv"}}, {"gaussian_noise": 0.5}, {"alpha_dropout": 0.4},
        {"gaussian_noise": {"stddev": 0.0, "name": "none"}}, {"gaussian_dropout": {"rate": 0.0, "name": "no"}},
        {"alpha_dropout": {"rate": 0.0, "name": "nil"}},
        {"gaussian_dropout": 0.2}, {"conv1d": {"filters": 3, "kernel_size": 2, "name": "two"}}, "flatten",
        {"dropout": {"rate": 1.0, "inputs": "conv", "name": "all"}}, "flatten",
        {"dropout": {"rate": 0.5, "name": "low"}}, {"concatenate": {"inputs": ["low", "flatten"]}}, {"dense": 2},
    ]  # fmt: skip
    model = {"input": [8, 3], "layers": layers}
    step = agree(framework, model, random(5, 8, 3))
    numbers = normal(0, 0, side_of(framework, model).graph.by_name["gaussian_noise"].mask, (5, 6, 4))
    np.testing.assert_allclose(step.forward["gaussian_noise"] - step.forward["conv"], 0.5 * numbers, atol=1e-14)
    assert not step.forward["all"].any()
    assert not step.forward["low"].any()


# ------------------------------------------------------------------------------------------------ losses


@pytest.mark.sampled(5, of="kind")
@each_framework
@pytest.mark.parametrize(("kind", "case"), cases(LOSSES))
def test_a_loss_is_its_reference(framework: str, kind: str, case: Case) -> None:
    """The first case of each takes a step as a free run does, too; in ``make long`` all of them do."""
    x, size = np.asarray(case.x, dtype=np.float64), len(case.x[0])
    model = {"input": [size], "layers": [{"dense": {"units": size, "name": "before"}}]}
    y, data = np.asarray(case.targets), {"source": "rows.npz"}
    if y.ndim == 1:  # The harness keeps targets in the shape of the outputs, and hands them on in the form they have.
        counted = LOSSES[kind].forms == ("index",)
        y = one_hot(y, size, case.fields.get("ignore_index")) if counted else y[:, None]
        data = data if counted else data | {"targets": "flat"}
    free = WHOLE or case.shows == LOSSES[kind].cases()[0].shows
    step = agree(framework, model, x, y, identity(size), free=free, loss={kind: dict(case.fields)}, data=data)
    assert step.loss == pytest.approx(case.expected, rel=1e-13)


@each_framework
@pytest.mark.parametrize("broadcast", ["align", "stretch"])
def test_flat_targets_meet_a_sigmoid_whose_logits_are_recovered_as_the_spec_says(
    framework: str, broadcast: str
) -> None:
    """Stretched, an output is another tensor, which in Keras no longer remembers the logits behind it."""
    model = {"input": [1], "layers": [{"dense": {"units": 1, "name": "before", "activation": "sigmoid"}}]}
    x, y = np.array([[60.0], [-60.0], [0.5], [40.0]]), np.array([[0.0], [0.0], [1.0], [1.0]])
    data = {"source": "rows.npz", "targets": "flat"}
    for fields in ({}, {"recover_logits": False}):
        loss = {"sigmoid_crossentropy": {"broadcast": broadcast, **fields}}
        agree(framework, model, x, y, identity(1), loss=loss, data=data)


LOGITS = np.array(
    [[60.0, -60.0, 0.0], [-60.0, 60.0, 0.0], [1.0, 2.0, 0.5], [-0.5, 0.3, -2.0], [3.0, -1.0, 0.0], [0.0, 0.0, 60.0]]
)
"""The first rows are saturated: there a clipped formula costs 16.118 and has no gradient, one on logits 60 or 120."""

ONE_HOT = np.eye(3)[[1, 1, 0, 2, 2, 2]]


@pytest.mark.sampled(4)
@pytest.mark.takes_turns(but="keras", every=2)
@each_framework
@pytest.mark.parametrize("from_logits", [True, False], ids=["from logits", "from probabilities"])
@pytest.mark.parametrize("recover", [True, False], ids=["recover", "as they are"])
@pytest.mark.parametrize(
    ("kind", "ending", "apart"),
    [
        pytest.param(kind, ending, apart, id=f"{kind} {ending} {'as a layer' if apart else 'in the layer'}")
        for kind, entry in CROSS_ENTROPIES.items()
        for ending in [name for name, activation in ACTIVATIONS.items() if activation.logits]
        for apart in ([False, True] if ending == entry.behind else [False])
    ],
)
def test_the_formula_behind_a_softmax_or_sigmoid_is_the_one_the_spec_says(
    framework: str, kind: str, ending: str, apart: bool, recover: bool, from_logits: bool
) -> None:
    dense = {"units": 3, "name": "before"}
    layers = [{"dense": dense}, {"activation": ending}] if apart else [{"dense": dense | {"activation": ending}}]
    loss = {kind: {"from_logits": from_logits, "recover_logits": recover}}
    agree(framework, {"input": [3], "layers": layers}, LOGITS, ONE_HOT, identity(3), loss=loss)


def test_the_saturated_rows_tell_the_formulas_apart() -> None:
    """Or the test above would pass with the wrong one."""
    for kind, ending in (("categorical_crossentropy", "softmax"), ("sigmoid_crossentropy", "sigmoid")):
        model = {"input": [3], "layers": [{"dense": {"units": 3, "name": "before", "activation": ending}}]}
        losses, gradients = [], []
        for fields in ({}, {"recover_logits": False}, {"from_logits": True}):
            side = side_of("keras", model, loss={kind: fields}, training={"batch_size": 6, "shuffle": False})
            step = Reference(side, LOGITS, ONE_HOT, identity(3)).take(0)
            losses.append(step.loss)
            gradients.append(step.gradient["before.kernel"])
        for a, b in itertools.combinations(range(3), 2):
            assert difference(losses[a], losses[b]) > 0.1
            assert difference(gradients[a], gradients[b]) > 0.1


@pytest.mark.sampled(4)
@pytest.mark.takes_turns(but="keras", every=2)
@each_framework
@pytest.mark.parametrize("between", [{"activation": "linear"}, {"dropout": 0.0}, "flatten", {"dropout": 0.5}], ids=str)
def test_a_layer_behind_the_softmax_hides_it(framework: str, between: Any) -> None:
    """Even one that hands its input on untouched, and in Keras with it the logits that the tensor remembers."""
    dense = {"units": 3, "name": "before", "activation": "softmax"}
    behind = [kind for kind, entry in LOSSES.items() if entry.behind == "softmax"]
    # A row of which nothing is kept would be 0 / 0 in every framework.
    seed = next(seed for seed in itertools.count() if keep_mask(seed, 0, 0, LOGITS.shape, 0.5).any(axis=1).all())
    training = {"batch_size": len(LOGITS), "shuffle": False, "seed": seed}
    for kind, from_logits in itertools.product(behind, (True, False)):
        model = {"input": [3], "layers": [{"dense": dense}, between]}
        loss = {kind: {"from_logits": from_logits}}
        agree(framework, model, LOGITS, ONE_HOT, identity(3), loss=loss, training=training)


# -------------------------------------------------------------------------------------------- optimizers


def lesson(case: Case, side: Resolved) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray], Reference]:
    """Return rows and targets from which a linear model meets exactly the case's gradients, one a step.

    With x the identity, the gradient of the sigmoid cross-entropy with respect to the kernel w, (k, 1), is
    (sigmoid(w) - y) / k: the targets y that make it g are sigmoid(w) - k g.
    """
    w = np.asarray(case.parameters["w"], dtype=np.float64)
    k, weights = len(w), {"dense.kernel": w[:, None]}
    targets = []
    slots = side.config.optimizer.init(w)
    for number, g in enumerate(np.asarray(case.x, dtype=np.float64)):
        targets.append(ACTIVATIONS["sigmoid"]().forward(w) - k * g)
        move, slots = side.config.optimizer.update(w, g, slots, number)
        w = w + move
    x, y = np.tile(np.eye(k), (len(case.x), 1)), np.concatenate(targets)[:, None]
    return x, y, weights, Reference(side, x, y, weights)


def taught(framework: str, kind: str, case: Case) -> Resolved:
    k = len(case.parameters["w"])
    model = {"input": [k], "layers": [{"dense": {"units": 1, "use_bias": False}}]}
    training = {"batch_size": k, "shuffle": False}
    return side_of(framework, model, optimizer={kind: dict(case.fields)}, training=training)


@pytest.mark.sampled(5, of="kind")
@each_framework
@pytest.mark.parametrize(("kind", "case"), cases(OPTIMIZERS))
def test_an_optimizer_is_its_reference(framework: str, kind: str, case: Case) -> None:
    """Watched, as a free run takes its steps, and with every step taken from an adopted state.

    The first case of each is watched in a graph, too (TensorFlow), and its free run is that of a program that has taken
    no step before; in ``make long`` those of all are. Of the others, one runs free in a graph of Keras, the next in
    one of TensorFlow: to trace it takes longest.
    """
    side = taught(framework, kind, case)
    x, y, weights, reference = lesson(case, side)
    steps, whole = len(case.x), WHOLE or case.shows == OPTIMIZERS[kind].cases()[0].shows
    expected = np.asarray(case.expected)[:, None]
    with opened(side, x, y, weights) as program:
        states = [program.state()]
        for number in range(steps):
            step = program.step(number, eager=not whole)
            np.testing.assert_allclose(step.gradient["dense.kernel"].ravel(), case.x[number], rtol=1e-11)
            assert_same_step(step, reference.take(number), 1e-11)
            states.append(program.state())
        np.testing.assert_allclose(states[-1][0]["dense.kernel"], expected, rtol=1e-11)
        if not whole:
            again(
                program,
                states,
                expected,
                reference,
                free=framework not in GRAPHS or framework == GRAPHS[turn(kind, case)],
            )
    if whole:
        with opened(side, x, y, weights) as program:
            trained(program, steps, expected, reference)
            again(program, states, expected, reference)


def turn(kind: str, case: Case) -> int:
    """Return whose turn it is to run a case of an optimizer in a graph."""
    return [one.shows for one in OPTIMIZERS[kind].cases()].index(case.shows) % len(GRAPHS)


def trained(program: Opened, steps: int, expected: np.ndarray, reference: Reference) -> None:
    """Check a free run."""
    program.train(steps)
    after, slots = program.state()
    np.testing.assert_allclose(after["dense.kernel"], expected, rtol=1e-11, err_msg="free run")
    assert_close(slots, reference.named_slots(), 1e-11, "slots after a free run")


def again(
    program: Opened, states: Sequence[Any], expected: np.ndarray, reference: Reference, free: bool = True
) -> None:
    """Check every step from an adopted state, and, if that is asked for, a free run from the first of them."""
    steps = len(states) - 1
    for number in reversed(range(steps)):  # from the last, so that no state is right by having been there before
        program.adopt(*states[number], iterations=number)
        program.step(number, eager=True)
        assert_close(program.state()[0], states[number + 1][0], 1e-14, f"step {number} from an adopted state")
    if free:
        program.adopt(*states[0], iterations=0)
        trained(program, steps, expected, reference)


@pytest.mark.takes_turns(every=2)
@each_framework
@pytest.mark.parametrize("kind", [kind for kind, entry in OPTIMIZERS.items() if not entry.divides_by_rate])
def test_a_learning_rate_of_0_moves_nothing_and_breaks_nothing(framework: str, kind: str) -> None:
    every = [{**case.fields, "learning_rate": 0.0} for case in OPTIMIZERS[kind].cases()]
    for fields in [one for number, one in enumerate(every) if one not in every[:number]]:
        still = Case(shows="", fields=fields, x=[[0.5, -1.0]] * 3, parameters={"w": [0.25, 1.0]}, expected=[0.25, 1.0])
        side = taught(framework, kind, still)
        x, y, weights, _ = lesson(still, side)
        with opened(side, x, y, weights) as program:
            for number in range(3):
                program.adopt(*program.state(), iterations=number)
                program.step(number, eager=True)
                np.testing.assert_array_equal(program.state()[0]["dense.kernel"], weights["dense.kernel"])


@pytest.mark.sampled(3, of="kind")
@each_framework
@pytest.mark.parametrize(("kind", "case"), cases(SCHEDULES))
def test_a_schedule_is_its_reference(framework: str, kind: str, case: Case) -> None:
    """Step after step and past its end: the moves of plain SGD are -rate where the gradient is 1."""
    schedule = SCHEDULES[kind](**case.fields)
    steps = max(case.x) + 1
    moves = Case(shows="", fields={"learning_rate": schedule}, x=[[1.0]] * steps, parameters={"w": [0.0]}, expected=())
    side = taught(framework, "sgd", moves)
    x, y, weights, reference = lesson(moves, side)
    with opened(side, x, y, weights) as program:
        for number in range(steps):
            step = program.step(number, eager=True)
            assert_same_step(step, reference.take(number), EXACT)
            np.testing.assert_allclose(step.update["dense.kernel"], -schedule.rate(number), rtol=1e-12, atol=1e-14)


# --------------------------------------------------------------------------- regularizers, constraints


HELD = {
    "dense": ([3], {"units": 4}),
    "conv1d": ([5, 3], {"filters": 4, "kernel_size": 2}),
    "conv2d": ([4, 5, 3], {"filters": 4, "kernel_size": [2, 3]}),
}
"""Layers with parameters that can be regularized and constrained, no two sizes of a kernel alike."""


@pytest.mark.takes_turns
@each_framework
@pytest.mark.parametrize("layer", HELD)
@pytest.mark.parametrize("kind", REGULARIZERS)
def test_a_regularizer_is_its_reference_on_kernels_and_biases(framework: str, kind: str, layer: str) -> None:
    shape, fields = HELD[layer]
    for case in REGULARIZERS[kind].cases():
        added = {"kernel_regularizer": {kind: dict(case.fields)}, "bias_regularizer": {kind: {}},
                 "bias_initializer": "fan_in_uniform"}  # fmt: skip
        model = {"input": shape, "layers": [{layer: fields | added}, "flatten", {"dense": {"units": 2} | added}]}
        step = agree(framework, model, random(5, *shape))
        bare = side_of(framework, {"input": shape, "layers": [{layer: fields}, "flatten", {"dense": 2}]})
        plain = Reference(bare, step.batch["x"], step.batch["y"], starting_weights(bare)).take(0)
        assert difference(step.loss, plain.loss) > 1e-3


@each_framework
def test_a_constraint_is_its_reference_along_every_axis(framework: str) -> None:
    """PyTorch's kernels have their axes elsewhere."""
    models = {}
    for (layer, (shape, fields)), kind in dealt(itertools.product(HELD.items(), CONSTRAINTS), framework):
        rank = len(shape) + 1 if layer != "dense" else 2
        for axis in [*([one] for one in range(rank)), list(range(rank - 1))]:
            told = {"max_value": 0.3, "axis": axis}
            held = {kind: {name: value for name, value in told.items() if name in CONSTRAINTS[kind].model_fields}}
            constrained = {"kernel_constraint": held, "bias_constraint": kind, "bias_initializer": "ones"}
            model = {"input": shape, "layers": [{layer: fields | constrained}, {"dense": {"units": 2}}]}
            models[f"{held} in {layer}"] = model, random(5, *shape)
    sweep(framework, models)


# ------------------------------------------------------------------------------------------ initializers


def initial_values(program: Opened, inputs: int, units: int) -> tuple[np.ndarray, np.ndarray]:
    """Return kernel and bias of a program's one linear layer, read off its outputs for 0 and the unit vectors."""
    outputs = program.predict()
    assert outputs.shape == (inputs + 1, units)
    return outputs[1:] - outputs[0], outputs[0]


@each_framework
@pytest.mark.parametrize("kind", INITIALIZERS)
def test_a_framework_draws_what_the_reference_draws(framework: str, kind: str) -> None:
    """A program left to its own initializers: same distribution, for kernels and for biases; constants to the bit."""
    inputs, units = 20, 4000
    for fields in [dict(case.fields) for case in INITIALIZERS[kind].cases()] or [{}]:
        start: Any = {kind: fields}
        bias = "zeros" if INITIALIZERS[kind]().fault((units,)) else start
        dense = {"units": units, "kernel_initializer": start, "bias_initializer": bias}
        side = side_of(framework, {"input": [inputs], "layers": [{"dense": dense}]})
        x = np.concatenate([np.zeros((1, inputs)), np.eye(inputs)])
        with opened(side, x, np.zeros((inputs + 1, units)), weights=None) as program:
            drawn = initial_values(program, inputs, units)
        for (name, parameter), values in zip(side.parameters().items(), drawn, strict=True):
            wanted = initial_value(0, name, parameter)
            assert values.shape == wanted.shape
            if not parameter.initializer.random:
                np.testing.assert_allclose(values, wanted, rtol=1e-15, err_msg=name)
                continue
            if parameter.initializer.elementwise:
                low, high = parameter.initializer.sample(np.array([2.0**-54, 1 - 2.0**-53]), parameter)
                slack = 1e-6 * (high - low)
                assert low - slack <= values.min(), name
                assert values.max() <= high + slack, name
            else:
                np.testing.assert_allclose(values @ values.T, wanted @ wanted.T, atol=1e-12)
            assert ks_2samp(values.ravel(), wanted.ravel()).pvalue > 1e-6, name


@pytest.mark.takes_turns
@each_framework
@pytest.mark.parametrize("kind", INITIALIZERS)
def test_an_initializer_fills_a_convolution(framework: str, kind: str) -> None:
    """Kernel size 1 on a row of length 1 is a dense layer: read off like one. The fans are those of the window."""
    if INITIALIZERS[kind]().fault((3, 2, 3000)):
        return  # It says so.
    bias = "zeros" if INITIALIZERS[kind]().fault((3000,)) else kind
    conv = {"filters": 3000, "kernel_size": 3, "kernel_initializer": kind, "bias_initializer": bias}
    side = side_of(framework, {"input": [3, 2], "layers": [{"conv1d": conv}]})
    x = np.concatenate([np.zeros((1, 3, 2)), np.eye(6).reshape(6, 3, 2)])
    with opened(side, x, np.zeros((7, 1, 3000)), weights=None) as program:
        outputs = program.predict()[:, 0]
    values = {"conv1d.kernel": (outputs[1:] - outputs[0]).reshape(3, 2, 3000), "conv1d.bias": outputs[0]}
    for name, parameter in side.parameters().items():
        wanted = initial_value(0, name, parameter)
        if parameter.initializer.random:
            assert ks_2samp(values[name].ravel(), wanted.ravel()).pvalue > 1e-6, name
        else:
            np.testing.assert_array_equal(values[name], wanted)


# ------------------------------------------------------------------------------------------ whole models

LEAF = {
    "input": [9, 3],
    "layers": [
        {"conv1d": {"filters": 6, "kernel_size": 4, "strides": 2, "padding": "same", "activation": "relu"}},
        {"dropout": 0.3},
        {"conv1d": {"filters": 5, "kernel_size": 2, "padding": "same", "use_bias": False}},
        {"activation": "tanh"},
        "flatten",
        {"dropout": 0.5},
        {"dense": {"units": 7, "activation": "relu"}},
        {"dense": {"units": 4, "activation": "softmax", "name": "logits"}},
    ],
}

COSINE = {"cosine": {"initial_learning_rate": 0.05, "decay_steps": 3, "alpha": 0.1}}
FALLING = {"inverse_time": {"initial_learning_rate": 0.01, "decay_steps": 2, "decay_rate": 0.5}}

IMAGE_RECIPES = {
    "sgd on a cosine": {"sgd": {"learning_rate": COSINE, "momentum": 0.9, "nesterov": True}},
    "adam": {"adam": {"learning_rate": FALLING, "epsilon": 1e-4}},
    "PyTorch's adamw": {"adamw": {"learning_rate": COSINE, "epsilon": 1e-4, "epsilon_place": "after_correction"}},
    "Keras's adamw": {"adamw": {"weight_decay": 0.3, "epsilon": 1e-4}},
    "rmsprop": {"rmsprop": {"learning_rate": FALLING, "momentum": 0.5, "centered": True, "epsilon": 1e-4}},
    "PyTorch's rmsprop": {"rmsprop": {"momentum": 0.5, "epsilon": 1e-2, "epsilon_place": "outside_root"}},
}

RECIPES = {
    "the leaf question's Keras side": {
        "loss": "categorical_crossentropy",
        "optimizer": {"sgd": {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "decay": 0.05}},
    },
    "the leaf question's TensorFlow side": {
        "loss": {"sigmoid_crossentropy": {"from_logits": True}},
        "optimizer": {"adam": {"learning_rate": 0.01, "epsilon": 1e-8}},
    },
    "PyTorch's own": {
        "loss": {"categorical_crossentropy": {"recover_logits": False}},
        "optimizer": {"adam": {"learning_rate": 0.01, "epsilon_place": "after_correction"}},
    },
    "plain decay": {"loss": "categorical_crossentropy", "optimizer": {"sgd": {"learning_rate": 0.1, "decay": 0.5}}},
}


def leaf(framework: str, recipe: str) -> tuple[Resolved, np.ndarray, np.ndarray]:
    """Return a small model with everything in it, 10 rows in shuffled batches of 4, the last of each epoch of 2."""
    training = {"batch_size": 4, "shuffle": True, "seed": 5}
    side = side_of(framework, LEAF, training=training, **RECIPES[recipe])
    return side, random(10, 9, 3), np.eye(4)[np.random.default_rng(2).integers(0, 4, 10)]


def image(framework: str, recipe: str) -> tuple[Resolved, np.ndarray, np.ndarray]:
    """Return an image model with everything in it, the whole one for the first recipe, in batches as :func:`leaf`."""
    loss = "mse" if "adamw" in recipe else {"categorical_crossentropy": {"from_logits": True}}
    training = {"batch_size": 4, "shuffle": True, "seed": 5}
    model = IMAGE if recipe == next(iter(IMAGE_RECIPES)) or WHOLE else SMALL_IMAGE
    side = side_of(framework, model, training=training, optimizer=IMAGE_RECIPES[recipe], loss=loss)
    return side, random(10, *side.config.model.input), np.eye(4)[np.random.default_rng(2).integers(0, 4, 10)]


@pytest.mark.takes_turns(every=2)
@each_framework
@pytest.mark.parametrize("recipe", [*RECIPES, *IMAGE_RECIPES])
def test_training_is_the_reference_loop_in_lockstep_and_free(framework: str, recipe: str) -> None:
    side, x, y = leaf(framework, recipe) if recipe in RECIPES else image(framework, recipe)
    weights = starting_weights(side)
    reference = Reference(side, x, y, weights)
    losses, sizes = [], []
    with opened(side, x, y, weights) as program:
        for number in range(4):
            weights_before, slots_before = dict(reference.weights), reference.named_slots()
            program.adopt(weights_before, slots_before, iterations=number)
            step = reference.take(number)
            losses.append(step.loss)
            sizes.append(len(reference.batch(number)))
            assert_same_step(program.step(number), step, 1e-11)
    assert sizes == [4, 4, 2, 4], "a partial batch, and a second epoch"
    with opened(side, x, y, weights) as program:  # one that has taken no step of its own
        program.adopt(weights_before, slots_before, iterations=3)
        assert_same_step(program.step(3, eager=True), step, 1e-11)
    with opened(side, x, y, weights) as program:
        np.testing.assert_allclose(program.train(4), losses, rtol=1e-10)
        after, slots = program.state()
        assert_close(after, reference.weights, 1e-10, "weights")
        assert_close(slots, reference.named_slots(), 1e-10, "slots")
        assert difference(program.predict(), reference.predictions()) < 1e-10


@each_framework
def test_a_planted_fault_is_seen(framework: str) -> None:
    """Another momentum, in the fourth digit: 1e-4 of the second update."""
    side, x, y = leaf(framework, "the leaf question's Keras side")
    weights = starting_weights(side)
    other = side_of(
        framework, LEAF, loss="categorical_crossentropy", training=side.config.training,
        optimizer=side.config.optimizer.replace(momentum=0.9001),
    )  # fmt: skip
    reference = Reference(other, x, y, weights)
    with opened(side, x, y, weights) as program:
        program.step(0), reference.take(0)
        got, wanted = program.step(1), reference.take(1)
        with pytest.raises(AssertionError, match=r"update|state|forward"):
            assert_same_step(got, wanted)


@each_framework
def test_a_program_is_in_its_precision_throughout_whatever_ran_before_it(framework: str) -> None:
    """Keras makes its layers' policy from its float type once, and then no more."""
    side, x, y = leaf(framework, "the leaf question's Keras side")
    weights = starting_weights(side)
    for precision, tolerance in (("float64", EXACT), ("float32", 1e-5), ("float64", EXACT)):
        with opened(side, x, y, weights, precision) as program:
            step = program.step(0)
            tensors = [step.batch, step.forward, step.gradient, step.update, step.state, program.state()[0]]
            assert {value.dtype.name for group in tensors for value in group.values()} == {precision}
            wanted = Reference(side, x, y, weights).take(0)
            assert_same_step(step, wanted, tolerance)
            assert (difference(step.loss, wanted.loss) > 1e-10) == (precision == "float32")


@pytest.mark.parametrize("framework", [one for one in EACH_FRAMEWORK if one.values[0] in ("keras", "tensorflow")])
def test_a_worker_keeps_no_graph_of_the_programs_it_has_run(framework: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow would, of every step that was watched in a graph: each program would then be slower to open.

    A program cannot be asked from here, but may say when it is opened how many graphs there are.
    """
    side, x, y = leaf(framework, "the leaf question's Keras side")
    weights, plain = starting_weights(side), helpers_frameworks.compiled(side)
    count = 'sum(type(one).__name__ == "FuncGraph" for one in gc.get_objects())'
    telling = replace(plain, source=f"import gc\nraise RuntimeError(f'{{{count}}} graphs')\n")

    def graphs() -> int:
        with monkeypatch.context() as patch:
            patch.setattr(helpers_frameworks, "compiled", lambda side: telling)
            with pytest.raises(WorkerError, match=r"\d+ graphs") as error:
                opened(side, x, y, weights).__enter__()
        return int(re.findall(r"(\d+) graphs", str(error.value))[0])

    with opened(side, x, y, weights):
        pass  # What the first program of a worker leaves behind is left out of count.
    before = graphs()
    for _ in range(4):
        with opened(side, x, y, weights) as program:
            program.step(0)
    assert graphs() <= before + 1


def test_a_program_written_over_another_is_the_one_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in the same second and of the same size, which is all that Python's kept bytecode goes by."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    file = tmp_path / "program.py"
    for rate in (0.1, 0.2):
        file.write_text(f"learning_rate = {rate}\n")
        os.utime(file, (1e9, 1e9))
        module = import_program(str(file), {})
        assert module.learning_rate == rate
    assert list(tmp_path.iterdir()) == [file], "nothing is left behind"


# ---------------------------------------------------------------------------------- what programs look like


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_nothing_is_written_for_a_linear_activation(framework: str) -> None:
    layers = [{"dense": {"units": 2, "activation": "linear"}}, {"conv1d": {"filters": 2, "kernel_size": 1}}]
    source = compile_side(side_of(framework, {"input": [3, 2], "layers": layers}), name="case").source
    assert "linear" not in source.replace("nn.Linear", "").lower()
    assert "activation" not in source
