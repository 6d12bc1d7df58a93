"""Judging with the real frameworks: who is the odd one out, where a config difference acts, what rounding does alone.

Small networks of the self-test, in workers that stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers_commands import lender
from helpers_frameworks import FRAMEWORKS, missing
from helpers_sample import WHOLE

from parity import api
from parity.compare.judge import Judge
from parity.court.expected import reference_step
from parity.court.judging import Judged
from parity.result.filling import comparison_facts
from parity.run.exchange import Exchange
from parity.run.lockstep import Taken
from parity.selftest.networks import NETWORKS, OPTIMIZERS, Network, dataset, side
from parity.selftest.pair_bench import TestBench
from parity.spec.load import build_spec
from parity.spec.resolve import Resolved


def needs(*frameworks: str) -> Any:
    absent = [why for framework in frameworks if (why := missing(framework))]
    return pytest.mark.skipif(bool(absent), reason="; ".join(absent))


def side_in(framework: str, network: Network, optimizer: Any = "adam", name: str | None = None) -> Resolved:
    """Return a side named after its framework."""
    return side(framework, network, OPTIMIZERS.get(str(optimizer), optimizer), 3, name)


def planted(bench: TestBench, one: Resolved, *edits: tuple[str, str]) -> dict[str, Any]:
    """Return a side's program with mistakes in it, as :meth:`TestBench.judged` takes it."""
    program = bench.program(one, formatted=True)  # As the mistakes quote it.
    source = program.source
    for old, new in edits:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    return {one.name: replace(program, source=source)}


def place(judge: Judge) -> tuple[int, str, str]:
    assert judge.first is not None, judge.verdict()
    return judge.first.step, judge.first.phase, judge.first.tensor


def witnesses(judged: Judged) -> dict[str, tuple[str, str] | None]:
    """Return where each side departs from its NumPy reference."""
    return {one.side: one.place.name if one.place else None for one in judged.witnesses}


MLP = NETWORKS["mlp"]
HALVED = {
    "keras": ("gradients = tape.gradient(loss, model.trainable_variables)",
              "gradients = [g / 2 for g in tape.gradient(loss, model.trainable_variables)]"),
    "tensorflow": ("gradients = tape.gradient(loss, model.trainable_variables)",
                   "gradients = [g / 2 for g in tape.gradient(loss, model.trainable_variables)]"),
    "torch": ("    loss.backward()\n", "    (loss / 2).backward()\n"),
}  # fmt: skip
"""The same mistake in each framework: gradients half as large."""

# ------------------------------------------------------------------------------------- who is the odd one out


@pytest.mark.sampled(4)
@pytest.mark.parametrize("faulty", FRAMEWORKS)
@needs(*FRAMEWORKS)
def test_of_three_sides_the_odd_one_is_named(bench: TestBench, faulty: str) -> None:
    """Whichever of them it is, the reference side too."""
    sides = [side_in(framework, MLP) for framework in FRAMEWORKS]
    one = next(one for one in sides if one.name == faulty)
    judged = bench.judged(sides, dataset(MLP, 3), 1, programs=planted(bench, one, HALVED[faulty]))
    assert judged.odd == [faulty]
    found = witnesses(judged)
    assert set(found) == set(FRAMEWORKS)
    assert found[faulty] is not None
    assert found[faulty][0] == "gradient"
    assert [name for name, departs in found.items() if departs is None] == [x for x in FRAMEWORKS if x != faulty]
    reference, *others = FRAMEWORKS
    for judge, other in zip(judged.judges, others, strict=True):
        parted = faulty in (reference, other)
        assert (judge.verdict()[0] == "divergent") is parted
        assert (judge.first is not None) is parted
        assert not parted or place(judge)[:2] == (1, "gradient")


@needs(*FRAMEWORKS)
def test_the_facts_name_the_odd_one_where_it_is_one_of_the_pair(bench: TestBench) -> None:
    sides = [side_in(framework, MLP) for framework in FRAMEWORKS]
    judged = bench.judged(sides, dataset(MLP, 3), 1, programs=planted(bench, sides[2], HALVED["torch"]))
    clean, parted = comparison_facts(judged)
    assert (clean.a, clean.b, clean.odd, clean.witnesses) == ("keras", "tensorflow", [], [])
    assert clean.verdict != "divergent"
    assert parted.odd == ["torch"]
    assert [(one.side, one.agrees) for one in parted.witnesses] == [("keras", True), ("torch", False)]
    assert parted.witnesses[1].place is not None
    assert parted.witnesses[1].place.phase == "gradient"
    assert parted.first is not None
    assert parted.first.made == "here"
    assert parted.checked == [1]


@pytest.mark.parametrize("faulty", ["clean", "port"])
@needs("torch")
def test_of_two_sides_the_reference_in_numpy_tells(bench: TestBench, faulty: str) -> None:
    """No majority among two: the one that departs from its own config is the odd one."""
    sides = [side_in("torch", MLP, name="clean"), side_in("torch", MLP, name="port")]
    one = next(one for one in sides if one.name == faulty)
    judged = bench.judged(sides, dataset(MLP, 3), 1, programs=planted(bench, one, HALVED["torch"]))
    assert judged.odd == [faulty]
    assert [name for name, departs in witnesses(judged).items() if departs is None] == [
        "port" if faulty == "clean" else "clean"
    ]


@needs("torch", "tensorflow")
def test_sides_with_configs_of_their_own_both_do_what_theirs_says(bench: TestBench) -> None:
    sides = [side_in("torch", MLP), side_in("tensorflow", MLP, {"adam": {"learning_rate": 0.02}})]
    judged = bench.judged(sides, dataset(MLP, 3), 1)
    assert judged.judges[0].verdict()[0] == "divergent"
    assert witnesses(judged) == {"torch": None, "tensorflow": None}
    assert judged.odd == []


@needs(*FRAMEWORKS)
def test_where_none_part_nobody_is_asked(bench: TestBench) -> None:
    sides = [side_in(framework, MLP) for framework in FRAMEWORKS]
    judged = bench.judged(sides, dataset(MLP, 3), 2)
    assert all(judge.verdict()[0] in ("identical", "rounding") for judge in judged.judges)
    assert judged.witnesses == []
    assert judged.odd == []
    assert [judge.checked for judge in judged.judges] == [[1, 2], [1, 2]]


@needs("torch")
def test_the_reference_takes_the_very_step(bench: TestBench, tmp_path: Path) -> None:
    """On the batch it is given, from the state it is given: in phases and tensors as a side has them."""
    import numpy as np

    one = side_in("torch", MLP)
    state, taken = Exchange(tmp_path / "state"), Exchange(tmp_path / "taken")
    generator = np.random.default_rng(0)
    for name, parameter in one.parameters().items():
        state.put(f"weights/{name}", generator.normal(size=parameter.shape))
        for slot in one.config.optimizer.slots():
            state.put(f"slots/{slot}/{name}", np.zeros(parameter.shape))
    data = dataset(MLP, 3)
    taken.put("batch/x", data.x[:8])
    taken.put("batch/y", data.y[:8])

    found = reference_step(one, state, Taken(loss=0.0, digests={}, folder=tmp_path / "taken"), 0)
    trained = set(one.parameters())
    assert {name for phase, name in found if phase == "update"} == trained
    assert trained <= {name for phase, name in found if phase == "gradient"}
    assert {f"{slot}/{name}" for slot in "mv" for name in trained} <= {
        name for phase, name in found if phase == "state"
    }
    assert found["metric", "predictions"].shape == (8, 5)
    assert found["loss", "loss"].shape == ()


# -------------------------------------------------------------------------------- where a difference is made


def with_fields(network: Network, name: str, **fields: Any) -> Network:
    """Return a network with fields of one layer otherwise."""
    layers = [{kind: {**given, **(fields if given.get("name") == name else {})}}
              for layer in network.layers for kind, given in layer.items()]  # fmt: skip
    return replace(network, layers=tuple(layers))


CNN, NORM = NETWORKS["cnn2d"], NETWORKS["mlp_norm"]

DIFFERENCES: Mapping[str, tuple[Network, Any, Network, Any, tuple[int, str, str]]] = {
    "epsilon": (MLP, {"adam": {"epsilon": 1e-7}}, MLP, {"adam": {"epsilon": 1e-8}}, (1, "update", "hidden.kernel")),
    "place of epsilon": (MLP, "adam", MLP, "adam_after", (1, "update", "hidden.kernel")),
    "learning rate": (MLP, "sgd", MLP, {"sgd": {"learning_rate": 0.051}}, (1, "update", "hidden.kernel")),
    "momentum": (MLP, "momentum", MLP, {"sgd": {"learning_rate": 0.05, "momentum": 0.8}},
                 (2, "update", "hidden.kernel")),
    "momentum of the running mean": (NORM, "sgd", with_fields(NORM, "norm", momentum=0.9), "sgd",
                                     (1, "state", "norm.moving_mean")),
    "unbiased running variance": (NORM, "sgd", with_fields(NORM, "norm", unbiased_variance=True), "sgd",
                                  (1, "state", "norm.moving_variance")),
    "epsilon of the batch norm": (NORM, "sgd", with_fields(NORM, "norm", epsilon=1e-5), "sgd", (1, "forward", "norm")),
    "dropout": (NORM, "sgd", with_fields(NORM, "dropout", rate=0.4), "sgd", (1, "forward", "dropout")),
    "activation": (MLP, "sgd", with_fields(MLP, "square", activation="sigmoid"), "sgd", (1, "forward", "square")),
    "penalty": (MLP, "sgd", with_fields(MLP, "hidden", kernel_regularizer={"l2": 0.01}), "sgd", (1, "loss", "loss")),
    "decay": (MLP, "momentum", MLP, {"sgd": {"learning_rate": 0.05, "momentum": 0.9, "decay": 0.001}},
              (2, "update", "hidden.kernel")),
}  # fmt: skip
"""Two configs, and where their difference first acts."""


@pytest.mark.sampled(3)
@pytest.mark.parametrize("name", DIFFERENCES)
@needs("torch", "tensorflow")
def test_a_config_difference_is_found_where_it_acts(bench: TestBench, name: str) -> None:
    """Of TensorFlow, whose graphs take their time, every fourth; in ``make long`` all."""
    ours, our_optimizer, theirs, their_optimizer, expected = DIFFERENCES[name]
    first = "tensorflow" if WHOLE or list(DIFFERENCES).index(name) % 4 == 0 else "torch"
    sides = [side_in(first, ours, our_optimizer, "ours"), side_in("torch", theirs, their_optimizer, "theirs")]
    judged = bench.judged(sides, dataset(ours, 3), expected[0])
    (judge,) = judged.judges
    assert judge.verdict()[0] == "divergent"
    assert place(judge) == expected
    assert judge.first is not None
    assert judge.first.made == "here"
    assert judge.first.difference > 100 * judge.first.noise
    assert judged.odd == [], "each does what its own config says"


@pytest.mark.takes_turns
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_same_difference_is_found_in_every_framework(bench: TestBench, framework: str) -> None:
    if missing(framework):
        pytest.skip(missing(framework))
    sides = [side_in(framework, CNN, "momentum", "one"),
             side_in(framework, with_fields(CNN, "norm", momentum=0.9), "momentum", "two")]  # fmt: skip
    (judge,) = bench.judged(sides, dataset(CNN, 3), 1).judges
    assert place(judge) == (1, "state", "norm.moving_mean")
    assert {seen.tensor for seen in judge.places} == {"norm.moving_mean", "norm.moving_variance"}


@needs("torch", "tensorflow")
def test_two_faults_are_two_places(bench: TestBench) -> None:
    """The second is not hidden by the first, nor called its consequence; what follows from them is no place."""
    sides = [side_in("tensorflow", MLP), side_in("torch", MLP)]
    programs = planted(bench, sides[1], ("nn.Dropout(0.25)", "nn.Dropout(0.5)"), ('"eps"] = 1e-07', '"eps"] = 1e-06'))
    (judge,) = bench.judged(sides, dataset(MLP, 3), 2, programs=programs).judges
    assert place(judge) == (1, "forward", "dropout")
    made = {(seen.phase, seen.tensor) for seen in judge.places if seen.step == 1}
    assert ("forward", "dropout") in made
    assert ("update", "hidden.kernel") in made
    assert not {tensor for phase, tensor in made if phase == "forward"} - {"dropout"}
    assert ("loss", "loss") not in made
    assert all(seen.made == "here" for seen in judge.places)


@needs("torch")
def test_two_faults_that_cancel_are_both_found(bench: TestBench) -> None:
    sides = [side_in("torch", MLP, "sgd", "clean"), side_in("torch", MLP, "sgd", "port")]
    programs = planted(bench, sides[1], HALVED["torch"], ("lr=0.05)", "lr=0.1)"))
    (judge,) = bench.judged(sides, dataset(MLP, 3), 1, programs=programs).judges
    assert judge.verdict()[0] == "divergent"
    assert place(judge)[:2] == (1, "gradient")
    assert "update" in {seen.phase for seen in judge.places}


# ---------------------------------------------------------------------------------------- in low precision


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("precision", "optimizer"), [("float32", "adam"), ("float32", "sgd"), ("bfloat16", "momentum")]
)
@needs(*FRAMEWORKS)
def test_a_clean_network_in_low_precision_is_at_parity(bench: TestBench, precision: str, optimizer: str) -> None:
    sides = [side_in(framework, MLP, optimizer) for framework in FRAMEWORKS]
    judged = bench.judged(sides, dataset(MLP, 3), 4, precision=precision)
    for judge in judged.judges:
        assert judge.verdict()[0] in ("rounding", "identical"), judge.verdict()
        assert judge.precision == precision
        assert judge.steps == 4


@needs("torch", "tensorflow")
def test_a_fault_shows_in_low_precision_too(bench: TestBench) -> None:
    sides = [side_in("tensorflow", MLP), side_in("torch", MLP)]
    programs = planted(bench, sides[1], ("nn.Dropout(0.25)", "nn.Dropout(0.5)"))
    (judge,) = bench.judged(sides, dataset(MLP, 3), 1, precision="float32", programs=programs).judges
    assert place(judge) == (1, "forward", "dropout")


# ------------------------------------------------------------------------------------------- on their own

SMALL_CNN = {
    "name": "alone",
    "data": {"source": "leaf_like", "standardize": True, "reshape": [8, 8, 3]},
    "model": {
        "input": [8, 8, 3],
        "layers": [
            {"conv2d": {"filters": 16, "kernel_size": 3, "activation": "relu"}},
            {"max_pooling2d": {"pool_size": 2}},
            {"conv2d": {"filters": 16, "kernel_size": 2, "activation": "relu"}},
            "flatten",
            {"dense": {"units": 32, "activation": "relu"}},
            {"dense": {"units": 99, "name": "logits"}},
        ],
    },
    "loss": {"categorical_crossentropy": {"from_logits": True}},
    "optimizer": {"sgd": {"learning_rate": 0.1, "momentum": 0.9}},
    "training": {"batch_size": 16},
    "metrics": ["accuracy"],
}


@pytest.mark.sampled(4, among="questions")
@pytest.mark.slow
@needs("torch", "tensorflow")
def test_rounding_alone_parts_two_curves_and_is_called_rounding(tmp_path: Path) -> None:
    """The same config in two frameworks: after 500 steps the losses say nothing about the programs."""
    spec = build_spec(SMALL_CNN | {"sides": {name: {"framework": name} for name in ("tensorflow", "torch")}})
    with lender():
        result = api.run(spec, folder=tmp_path, steps=500, explain=False)
    (comparison,) = result.comparisons
    assert comparison.verdict == "rounding", comparison.reason
    free = comparison.free
    assert free is not None
    assert free.verdict == "rounding", free.reason
    assert free.first is None
    assert free.horizon is not None
    assert 20 < free.horizon < 500
    assert free.largest > 0.1, "a tolerance of 10 % on the losses would have called them two programs"
    assert free.gap is not None
    assert free.gap < 0.1, "up to the horizon they agree"
    assert free.growth is not None
    assert free.growth > 1.0
    assert str(free.horizon) in free.reason


@pytest.mark.sampled(4, among="questions")
@pytest.mark.slow
@needs("torch", "tensorflow")
def test_a_fault_parts_two_curves_before_rounding_could(tmp_path: Path) -> None:
    sides = {"tensorflow": {"framework": "tensorflow"},
             "torch": {"framework": "torch", "changes": {"optimizer.momentum": 0.89}}}  # fmt: skip
    with lender():
        result = api.run(build_spec(SMALL_CNN | {"sides": sides}), folder=tmp_path, steps=60, explain=False)
    (comparison,) = result.comparisons
    assert comparison.verdict == "divergent"
    free = comparison.free
    assert free is not None
    assert free.verdict == "divergent", free.reason
    assert free.first is not None
    assert free.first.step <= 3
