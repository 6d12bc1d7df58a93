"""Watching a program must not change it: in every framework, to the last bit, over twenty steps of a small network.

And what a watched step shows must be what it does: the same when it is taken again, and steered where a guide says.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import Opened, difference, each_framework, missing, opened, side_of, starting_weights

from parity.run.digest import RECORD, apart, digest
from parity.run.exchange import Exchange
from parity.run.trace import TraceWriter, read_trace
from parity.spec.resolve import Resolved

STEPS, ROWS = 20, 22
MODEL = {
    "input": [8, 3],
    "layers": [
        {"conv1d": {"filters": 6, "kernel_size": 3, "activation": "relu", "name": "conv"}},
        "flatten",
        {"dropout": {"rate": 0.3}},
        {"dense": {"units": 4, "name": "out"}},
    ],
}
PARAMETERS = ("conv.kernel", "conv.bias", "out.kernel", "out.bias")
LAYERS = ("conv", "flatten", "dropout", "out")
TRAINING = {"batch_size": 5, "shuffle": True, "seed": 3}

each_precision = pytest.mark.parametrize("precision", ["float32", "float64"])


def net(framework: str) -> Resolved:
    return side_of(framework, MODEL, optimizer={"adam": {"learning_rate": 0.01}}, training=TRAINING)


def rows() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, 8, 3)), rng.uniform(size=(ROWS, 4))


def program(framework: str, precision: str) -> Any:
    side = net(framework)
    dtype = "float32" if precision == "float32" else "float64"
    weights = {name: value.astype(dtype) for name, value in starting_weights(side).items()}
    return opened(side, *rows(), weights, precision)


def ran(framework: str, precision: str, trace: Path | None) -> tuple[list[float], dict[str, np.ndarray]]:
    """Return the losses of twenty steps, and the weights and slots they end in."""
    losses: list[float] = []
    with program(framework, precision) as made:
        folder = str(made.folder / "train")
        if trace is None:
            made.session.ask("train", lambda event: losses.extend(event["losses"]),
                             steps=STEPS, measure=[7, STEPS], folder=folder)  # fmt: skip
        else:
            with TraceWriter(trace) as writer:

                def heard(event: dict[str, Any]) -> None:
                    losses.extend(event["losses"])
                    writer.add(event.get("trace", ()))

                made.session.ask("train", heard, steps=STEPS, measure=[7, STEPS], folder=folder, trace=True)
        weights, slots = made.state()
        predictions = Exchange(folder)
        ends = {f"predictions/{step}": np.array(predictions.get(f"predictions/{step}")) for step in (7, STEPS)}
    return losses, weights | slots | ends


def same(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> bool:
    return set(one) == set(two) and all(one[name].tobytes() == value.tobytes() for name, value in two.items())


@pytest.mark.takes_turns
@each_framework
@each_precision
def test_tracing_changes_nothing_and_a_run_repeats_itself(framework: str, precision: str, tmp_path: Path) -> None:
    files = [tmp_path / "one", tmp_path / "two"]
    plain, again, traced, twice = (ran(framework, precision, file) for file in (None, None, *files))
    assert len(plain[0]) == STEPS
    assert len(set(plain[0])) == STEPS
    assert plain[0] == again[0], "a run repeats itself"
    assert same(plain[1], again[1])
    assert plain[0] == traced[0], "and is the same where it is traced"
    assert same(plain[1], traced[1])
    traces = [read_trace(file) for file in files]
    assert same(traced[1], twice[1])
    assert same(*traces)

    (found, _) = traces
    states = [("weights", name) for name in PARAMETERS]
    states += [("state", f"{slot}/{name}") for slot in ("m", "v") for name in PARAMETERS]
    steps = [("forward", name) for name in LAYERS] + [("gradient", name) for name in PARAMETERS]
    lengths = dict.fromkeys(states, STEPS + 1) | dict.fromkeys(steps, STEPS)
    assert {(phase, name.removesuffix(".logits")): len(one) for (phase, name), one in found.items()} == lengths
    unit = 2.0**-24 if precision == "float32" else 2.0**-53
    for name in PARAMETERS:
        assert apart(found["weights", name][-1], digest(traced[1][name])) <= 64 * unit, "it ends in what was published"
        assert apart(found["weights", name][-1], found["weights", name][0]) > 1e-3


@pytest.mark.takes_turns
@each_framework
@each_precision
def test_the_losses_of_a_trace_are_those_of_watched_steps_one_by_one(framework: str, precision: str) -> None:
    """A lockstep sees with signals what a free run's trace sees without: the same step all the same."""
    losses, _ = ran(framework, precision, None)
    with program(framework, precision) as made:
        assert [made.step(number).loss for number in range(STEPS)] == losses


@pytest.mark.skipif(bool(missing("torch")), reason=missing("torch") or "installed")
def test_gradients_are_seen_once_whatever_was_made_before() -> None:
    """PyTorch hooks the step of a class when the first optimizer of just that class is made.

    A program's own Adam calls its parent's step: from the first plain Adam on, hooks run in both.
    """
    with program("torch", "float32") as made:
        before = Taken(made, state_after(made, 1), 1)
    adam = {"adam": {"learning_rate": 0.01, "epsilon_place": "after_correction"}}
    plain = side_of("torch", MODEL, optimizer=adam, training=TRAINING)
    with opened(plain, *rows(), starting_weights(plain)) as made:
        assert "torch.optim.Adam(" in made.program.source
    with program("torch", "float32") as made:
        after = Taken(made, state_after(made, 1), 1)
    assert before.names == after.names
    assert len(after.names) == len(set(after.names))


# ------------------------------------------------------------------------------------------ a step taken again


class Taken:
    """A watched step of an open program, from a state that was put in."""

    def __init__(self, made: Opened, state: Path, number: int, guide: Path | None = None, names: Any = ()) -> None:
        self.folder = made._new_folder("taken")
        how = {} if guide is None else {"guide": {"folder": str(guide), "names": [list(name) for name in names]}}
        made.session.ask("adopt", folder=str(state), iterations=number)
        told = made.session.ask("probe", number=number, out=str(self.folder), **how)
        self.loss, self.names = told["loss"], [(phase, name) for phase, name in told["names"]]
        self.digests = dict(zip(self.names, np.frombuffer(told["digests"], RECORD), strict=True))

    def tensor(self, phase: str, name: str) -> np.ndarray:
        return np.array(Exchange(self.folder).get(f"{phase}/{name}"))


def state_after(made: Opened, steps: int) -> Path:
    for number in range(steps):
        made.step(number)
    folder = made._new_folder("state")
    made.session.ask("publish", folder=str(folder))
    return folder


@pytest.mark.takes_turns
@each_framework
@each_precision
def test_a_watched_step_is_the_same_when_it_is_taken_again(framework: str, precision: str) -> None:
    with program(framework, precision) as made:
        state = state_after(made, 3)
        first = Taken(made, state, 3)
        other = Taken(made, state, 4)
        again = Taken(made, state, 3)
        quiet = made.session.ask("adopt", folder=str(state), iterations=3) or made.session.ask("probe", number=3)
    assert (first.loss, first.names) == (again.loss, again.names)
    assert [one.tobytes() for one in first.digests.values()] == [one.tobytes() for one in again.digests.values()]
    assert quiet["digests"] == b"".join(one.tobytes() for one in first.digests.values()), "tensors kept or not"
    assert other.loss != first.loss, "another batch and another mask"
    plain = {(phase, name.removesuffix(".logits")) for phase, name in first.names}
    assert {("forward", name) for name in LAYERS} | {("gradient", name) for name in PARAMETERS} <= plain
    assert {("update", name) for name in PARAMETERS} | {("metric", "predictions"), ("batch", "x")} <= plain
    assert {("gradient", "out"), ("gradient", "dropout")} <= plain, "and the gradients of the outputs"
    assert len(first.names) == len(set(first.names))


@each_framework
def test_the_digests_of_a_watched_step_are_those_of_its_canonical_tensors(framework: str) -> None:
    with program(framework, "float64") as made:
        taken = Taken(made, state_after(made, 1), 1)
        for (phase, name), record in taken.digests.items():
            value = taken.tensor(phase, name)
            assert apart(digest(value), record) <= 64 * 2.0**-53, (phase, name)
            assert record["norm"] == pytest.approx(np.linalg.norm(value.ravel()), rel=1e-12)
        assert taken.tensor("forward", "conv").shape == (5, 6, 6), "(N, L, C), whatever the framework has"
        assert taken.tensor("gradient", "conv.kernel").shape == (3, 3, 6)


# ------------------------------------------------------------------------------------------------- guided


@pytest.fixture
def steered(framework: str) -> Iterator[tuple[Opened, Path, Taken]]:
    with program(framework, "float64") as made:
        state = state_after(made, 2)
        yield made, state, Taken(made, state, 2)


def last(taken: Taken) -> str:
    """Return the name under which the last layer is seen."""
    return next(name for phase, name in taken.names if phase == "forward" and name.startswith("out"))


@each_framework
def test_guided_by_itself_a_step_is_what_it_was(steered: tuple[Opened, Path, Taken], framework: str) -> None:
    made, state, plain = steered
    guided = Taken(made, state, 2, guide=plain.folder, names=plain.names)
    wanted = {name for name in plain.names if name[0] not in ("batch", "metric")}
    assert set(guided.names) == wanted
    assert difference(guided.loss, plain.loss) <= 1e-12
    for phase, name in wanted:
        assert difference(guided.tensor(phase, name), plain.tensor(phase, name)) <= 1e-11, (phase, name)
    after = Taken(made, state, 2)
    assert [one.tobytes() for one in after.digests.values()] == [one.tobytes() for one in plain.digests.values()], (
        "and the program is itself again"
    )


@each_framework
def test_every_op_goes_on_with_what_the_guide_says(steered: tuple[Opened, Path, Taken], framework: str) -> None:
    """Each is made something else of, and only what is computed from it follows."""
    made, state, plain = steered
    rng, out, kernel = np.random.default_rng(1), last(plain), np.array(Exchange(state).get("weights/out.kernel"))
    bias = np.array(Exchange(state).get("weights/out.bias"))
    guide = Exchange(made._new_folder("guide"))
    for phase, name in plain.names:
        guide.put(f"{phase}/{name}", plain.tensor(phase, name))
    said = {
        ("forward", "dropout"): rng.normal(size=(5, 36)),
        ("gradient", out): rng.normal(size=(5, 4)),
        ("gradient", "conv"): rng.normal(size=(5, 6, 6)),
        ("gradient", "out.bias"): rng.normal(size=4),
    }
    for (phase, name), value in said.items():
        guide.put(f"{phase}/{name}", value)
    guided = Taken(made, state, 2, guide=guide.folder, names=plain.names)

    own = guided.tensor
    dropped, slope = said["forward", "dropout"], said["gradient", out]
    assert difference(own("forward", "dropout"), plain.tensor("forward", "dropout")) <= 1e-12, "what it made itself"
    assert difference(own("forward", out), dropped @ kernel + bias) <= 1e-12
    assert difference(guided.loss, plain.loss) <= 1e-12, "of the outputs that the guide says"
    assert difference(own("gradient", out), plain.tensor("gradient", out)) <= 1e-11
    assert difference(own("gradient", "out.kernel"), dropped.T @ slope) <= 1e-12
    assert difference(own("gradient", "out.bias"), slope.sum(axis=0)) <= 1e-12
    assert difference(own("gradient", "dropout"), slope @ kernel.T) <= 1e-12
    flat = said["gradient", "conv"] * (plain.tensor("forward", "conv") > 0)
    assert difference(own("gradient", "conv.bias"), flat.sum(axis=(0, 1))) <= 1e-12
    moved = own("state", "m/out.bias") - 0.9 * np.array(Exchange(state).get("slots/m/out.bias"))
    assert difference(moved, 0.1 * said["gradient", "out.bias"]) <= 1e-9, "and so does the optimizer"


@each_framework
def test_a_guide_of_other_shapes_is_not_followed(steered: tuple[Opened, Path, Taken], framework: str) -> None:
    made, state, plain = steered
    guide = Exchange(made._new_folder("guide"))
    for phase, name in plain.names:
        guide.put(f"{phase}/{name}", np.ones((2, 2)) if phase != "batch" else plain.tensor(phase, name))
    guided = Taken(made, state, 2, guide=guide.folder, names=plain.names)
    assert difference(guided.loss, plain.loss) <= 1e-12
    for name in PARAMETERS:
        assert difference(guided.tensor("update", name), plain.tensor("update", name)) <= 1e-9
