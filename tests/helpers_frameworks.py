"""Running the program of a side in its framework, step by step, and the same in NumPy.

A worker is started once for each framework and test process (TensorFlow takes seconds to import) and opens one program
after another; the fixture ``bench`` judges pairs of programs in two more. :class:`Opened` is a program in its
worker; :class:`Reference` is the same model in float64 NumPy. Both give :class:`Step`.
"""

from __future__ import annotations

import atexit
import importlib.util
import itertools
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_forked import interpreter

from parity import reference
from parity.compile import Program, compile_side
from parity.frameworks import frameworks
from parity.rows import beside
from parity.run.exchange import Exchange
from parity.run.initial import initial_value
from parity.run.randomness import batches
from parity.run.session import Session, memory_folder
from parity.selftest.pair_bench import TestBench
from parity.selftest.random_specs import targets
from parity.spec.load import build_spec
from parity.spec.resolve import Resolved, resolve

Tensors = dict[str, np.ndarray]

FRAMEWORKS = tuple(name for name, known in frameworks().items() if not known.falls_back)
"""Those that every test goes through; one that falls back on another is tested on a sample."""


def missing(framework: str) -> str:
    """Return why a framework cannot run here, an empty string where it can."""
    absent = [package for package in frameworks()[framework].modules if importlib.util.find_spec(package) is None]
    return f"{' and '.join(absent)} not installed" if absent else ""


EACH_FRAMEWORK = [
    pytest.param(name, marks=pytest.mark.skipif(bool(missing(name)), reason=missing(name) or "installed"))
    for name in FRAMEWORKS
]
"""Every framework as a parameter; those that are not installed skip."""

each_framework = pytest.mark.parametrize("framework", EACH_FRAMEWORK)

everywhere = pytest.mark.parametrize("framework", [
    *EACH_FRAMEWORK,
    pytest.param("keras_torch", marks=pytest.mark.skipif(bool(missing("keras_torch")), reason="not installed")),
])  # fmt: skip
"""In each framework, and in the one that falls back on another."""


class ForkedBench(TestBench):
    """A bench whose workers are forks of a process that has imported their framework."""

    def session(self, framework: str, number: int) -> Session:
        """Return a framework's worker, as the base does."""
        if (framework, number) not in self._sessions:
            log = self.logs / f"{framework}-{number}.log"
            made = Session(framework, interpreter(framework), log, self.timeout)
            self._sessions[framework, number] = self.kept(made)
        return super().session(framework, number)


@cache
def shared_bench() -> TestBench:
    """Return the workers that every file of this process uses: to start one takes longer than most tests."""
    logs = Path(tempfile.mkdtemp(prefix="parity-tests-"))
    atexit.register(shutil.rmtree, logs, ignore_errors=True)
    made = ForkedBench(logs=logs)
    atexit.register(made.__exit__, None, None, None)
    return made.__enter__()


APART = 2
"""Number of the worker that only compiled programs come to: what one written by hand leaves behind is not known."""


def worker(framework: str) -> Session:
    """Return a worker that has a framework imported, started when first asked for."""
    return shared_bench().session(framework, APART)


# --------------------------------------------------------------------------------------------- a side


def side_of(framework: str, model: Mapping[str, Any], **sections: Any) -> Resolved:
    """Return a resolved side.

    Args:
        framework: that runs it.
        model: ``input`` and ``layers``, as a spec has them.
        sections: loss, optimizer, training; sigmoid cross-entropy on logits, which takes outputs of any shape, if
            not said.
    """
    given = {"loss": {"sigmoid_crossentropy": {"from_logits": True}}, "optimizer": {"sgd": {"learning_rate": 0.5}}}
    data = {"name": "case", "data": {"source": "rows.npz"}, "model": dict(model)} | given | sections
    return resolve(build_spec(data), (framework,))[0]


def starting_weights(side: Resolved) -> Tensors:
    """Return the initial weights that the harness would hand out."""
    return {name: initial_value(side.config.training.seed, name, one) for name, one in side.parameters().items()}


IMAGE = {
    "input": [9, 8, 2],
    "layers": [
        {"conv2d": {"filters": 4, "kernel_size": 3, "padding": "same", "use_bias": False,
                    "kernel_initializer": "he_normal", "kernel_regularizer": {"l2": 0.01},
                    "kernel_constraint": {"max_norm": {"max_value": 1.0, "axis": [0, 1, 2]}}}},
        "batch_norm",
        {"activation": "relu"},
        {"max_pooling2d": {"padding": "same"}},
        {"conv2d": {"filters": 5, "kernel_size": [3, 2], "strides": 2, "padding": "same",
                    "activation": {"leaky_relu": 0.3}, "kernel_regularizer": {"l2": 0.01}}},
        {"batch_norm": {"momentum": 0.75, "unbiased_variance": True, "scale": False}},
        "flatten",
        {"dropout": 0.25},
        {"dense": {"units": 6, "activation": "gelu", "kernel_regularizer": {"l2": 0.02}, "bias_regularizer": "l2",
                   "kernel_constraint": {"max_norm": 0.9}, "bias_constraint": {"max_norm": 0.1}}},
        {"batch_norm": {"epsilon": 1e-5, "center": False}},
        {"dense": {"units": 4, "name": "logits"}},
    ],
}  # fmt: skip
"""A small image model with everything in it that a layer can have."""

SMALL_IMAGE = {
    "input": [5, 4, 2],
    "layers": [
        {"conv2d": {"filters": 3, "kernel_size": [2, 3], "strides": 2, "padding": "same", "use_bias": False,
                    "kernel_regularizer": {"l2": 0.01},
                    "kernel_constraint": {"max_norm": {"max_value": 1.0, "axis": [0, 1, 2]}}}},
        {"batch_norm": {"unbiased_variance": True}},
        {"activation": "gelu"},
        "flatten",
        {"dropout": 0.25},
        {"dense": {"units": 4, "name": "logits", "bias_regularizer": "l2", "kernel_constraint": {"max_norm": 0.9},
                   "bias_constraint": {"max_norm": 0.1}}},
    ],
}  # fmt: skip
"""What :data:`IMAGE` has, once, for all optimizers: TensorFlow traces it in half the time."""


def batch_of(side: Resolved, rows: int, number: int) -> np.ndarray:
    """Return the row numbers of a step's batch."""
    plan = side.config.training
    every = batches(plan.seed, rows, plan.batch_size, plan.shuffle, plan.drop_remainder)
    return next(itertools.islice(every, number, None))


PROGRAMS: dict[str, Program] = {}


def compiled(side: Resolved, formatted: bool = False) -> Program:
    """Return the program of a side, made once; formatting it takes most of a small test's time."""
    key = f"{formatted} {side!r}"
    if key not in PROGRAMS:
        PROGRAMS[key] = compile_side(side, name="case", formatted=formatted)
    return PROGRAMS[key]


# --------------------------------------------------------------------------------------------- a step


@dataclass(kw_only=True)
class Step(reference.Step):
    """What one training step computed, with the batch it was given."""

    batch: Tensors = field(default_factory=dict)


def difference(a: np.ndarray | float, b: np.ndarray | float) -> float:
    """Return norm(a - b) / norm(b), or norm(a) where b is 0; infinite for another shape or for NaN."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape or not np.isfinite(a).all():
        return float("inf")
    return float(np.linalg.norm((a - b).ravel()) / (np.linalg.norm(b.ravel()) or 1.0))


CANCELLED = 1e-13
"""Beside the largest tensor of its kind, what is smaller is the rounding error of a sum of nothing.

As is the gradient of a bias that a batch normalization follows.
"""


def assert_close(got: Mapping[str, np.ndarray], wanted: Mapping[str, np.ndarray], tolerance: float, what: str) -> None:
    """Check that two sets of tensors have the same names, shapes and, within a relative tolerance, values."""
    assert set(got) == set(wanted), f"{what}: other tensors"
    nothing = CANCELLED * max((float(np.linalg.norm(value)) for value in wanted.values()), default=0.0)
    far = {
        name: difference(got[name], value)
        for name, value in wanted.items()
        if got[name].shape != value.shape or not np.linalg.norm(got[name] - value) <= nothing
    }
    assert all(value <= tolerance for value in far.values()), f"{what}: {far}"


def reported(got: Step, wanted: Step) -> Tensors:
    """Return the gradients that a program is to report: of the outputs, it may none; of the parameters, all."""
    return {name: value for name, value in wanted.gradient.items() if name in got.gradient or name in wanted.update}


def assert_same_step(got: Step, wanted: Step, tolerance: float = 1e-12) -> None:
    """Check batch, forward outputs, loss, gradients, updates and slots, in the order in which a step computes them."""
    for phase in ("batch", "forward", "loss", "gradient", "update", "state"):
        if phase == "loss":
            assert difference(got.loss, wanted.loss) <= tolerance, f"loss {got.loss!r}, wanted {wanted.loss!r}"
        elif phase == "gradient":
            assert_close(got.gradient, reported(got, wanted), tolerance, phase)
        else:
            assert_close(getattr(got, phase), getattr(wanted, phase), tolerance, phase)


# -------------------------------------------------------------------------------------- in a framework


class Opened:
    """A program, opened in its framework's worker.

    Args:
        side: what is compiled.
        folder: for everything that passes between the processes; a new one.
        x: all rows.
        y: all targets.
        weights: initial values by canonical name; None leaves the program what its own initializers gave it, and
            then only :meth:`predict` and :meth:`train` mean anything.
        precision: ``float32`` or ``float64``.
        counts: sample weights of the rows, where the side's data have such.
    """

    def __init__(
        self, side: Resolved, folder: Path, x: Any, y: Any, weights: Tensors | None, precision: str = "float64",
        counts: Any = None,
    ) -> None:  # fmt: skip
        self.side, self.folder, self.session = side, folder, worker(side.framework)
        self.program = compiled(side)
        self.counter = itertools.count()
        self.adopted: tuple[Path, int] | None = None
        self.rows = {"x": np.asarray(x, dtype=np.float64), "y": np.asarray(y, dtype=np.float64)}
        self.rows |= {} if counts is None else {"sample_weights": np.asarray(counts, dtype=np.float64)}
        data = Exchange(folder / "data")
        for name, value in self.rows.items():
            data.put(name, value)
        files = {}
        for name, value in (weights or {}).items():
            np.save(folder / f"{name}.npy", value)
            files[name] = str(folder / f"{name}.npy")
        bindings = self.program.bindings if weights is not None else replace(self.program.bindings, weights={})
        training = side.config.training
        self.session.ask(
            "open",
            framework=side.framework,
            program=str(written(self.program, folder)),
            bindings=bindings.plain(),
            precision=precision,
            data=str(folder / "data"),
            weights=files,
            plan={
                "seed": training.seed,
                "batch_size": training.batch_size,
                "shuffle": training.shuffle,
                "drop_remainder": training.drop_remainder,
            },
        )

    def _new_folder(self, name: str) -> Path:
        return self.folder / f"{name}-{next(self.counter)}"

    def state(self) -> tuple[Tensors, Tensors]:
        """Return the weights and the optimizer's slots as they are."""
        folder = self._new_folder("state")
        self.session.ask("publish", folder=str(folder))
        kept = Exchange(folder)
        names = list(self.program.bindings.weights)
        weights = {name: np.array(kept.get(f"weights/{name}")) for name in names}
        trained = [name for name, place in self.program.bindings.weights.items() if place.trainable]
        slots = [f"{slot}/{name}" for slot in self.program.bindings.slots for name in trained]
        return weights, {name: np.array(kept.get(f"slots/{name}")) for name in slots}

    def adopt(self, weights: Tensors, slots: Tensors, iterations: int) -> None:
        """Put a full state in."""
        folder = self._new_folder("adopted")
        state = Exchange(folder)
        for kind, tensors in (("weights", weights), ("slots", slots)):
            for name, value in tensors.items():
                state.put(f"{kind}/{name}", value)
        self.session.ask("adopt", folder=str(folder), iterations=iterations)
        self.adopted = folder, iterations

    def step(self, number: int, eager: bool = False) -> Step:
        """Take one watched step, layers and gradients seen, from the state as it is.

        Args:
            number: of the step.
            eager: as a guided step is taken, by a guide that leaves everything as it is: TensorFlow's and Keras's then
                run operation by operation, which takes a tenth of the time of tracing a graph that runs once.
        """
        before, out = self._new_folder("before"), self._new_folder("out")
        if self.adopted is not None and self.adopted[1] == number:  # As it is, it has just been put in.
            before = self.adopted[0]
        else:
            self.session.ask("publish", folder=str(before))
            self.session.ask("adopt", folder=str(before), iterations=number)
        self.adopted = None
        seen, guide = Step(loss=0.0), None
        if eager:
            seen.batch |= {name: value[batch_of(self.side, len(value), number)] for name, value in self.rows.items()}
            for name, value in seen.batch.items():
                Exchange(before).put(f"batch/{name}", value)
            guide = {"folder": str(before), "names": []}
        told = self.session.ask("probe", number=number, out=str(out), guide=guide)
        results, seen.loss = Exchange(out), told["loss"]
        for phase, name in told["names"]:
            if phase == "metric":
                continue
            value = np.array(results.get(f"{phase}/{name}"))
            if name == "iterations":  # Of the optimizer; the reference counts no steps.
                assert value == number + 1
                continue
            getattr(seen, phase)[name] = value
        return seen

    def train(self, steps: int) -> list[float]:
        """Take steps as a free run takes them (TensorFlow's in a graph), from the first batch; return their losses."""
        losses: list[float] = []
        folder, self.adopted = str(self._new_folder("train")), None
        self.session.ask("train", lambda event: losses.extend(event["losses"]), steps=steps, measure=[], folder=folder)
        return losses

    def predict(self) -> np.ndarray:
        """Return the outputs for all rows in evaluation mode."""
        folder = self._new_folder("predictions")
        self.session.ask("predict", folder=str(folder), name="all")
        return np.array(Exchange(folder).get("all"))


def written(program: Program, folder: Path) -> Path:
    """Return the file a program has been written to."""
    file = folder / program.file_name
    file.write_text(program.source)
    return file


@contextmanager
def opened(
    side: Resolved, x: Any, y: Any, weights: Tensors | None, precision: str = "float64", counts: Any = None
) -> Iterator[Opened]:
    """Open a program in a folder of its own, which is removed at the end."""
    folder = memory_folder()
    try:
        yield Opened(side, folder, x, y, weights, precision, counts)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


# -------------------------------------------------------------------------------------------- in NumPy


class Reference(reference.Reference):
    """The reference with all rows, of which each step takes its batch.

    Args:
        side: what it is.
        x: all rows.
        y: all targets.
        weights: initial values by canonical name.
        counts: sample weights of the rows, where the side's data have such.
    """

    def __init__(self, side: Resolved, x: Any, y: Any, weights: Tensors, counts: Any = None) -> None:
        super().__init__(side, weights)
        self.x, self.y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        self.counts = None if counts is None else np.asarray(counts, dtype=np.float64)

    def batch(self, number: int) -> np.ndarray:
        """Return the row numbers of a step's batch."""
        return batch_of(self.side, len(self.x), number)

    def take(self, number: int) -> Step:
        """Take one step on its batch, and return it with the batch."""
        rows = self.batch(number)
        batch = {"x": self.x[rows], "y": self.y[rows]}
        batch |= {} if self.counts is None else {"sample_weights": self.counts[rows]}
        y = beside(batch["y"], batch.get("sample_weights"))
        return Step(batch=batch, **vars(self.step(batch["x"], y, number)))

    def predictions(self) -> np.ndarray:
        """Return the outputs for all rows in evaluation mode."""
        return self.predict(self.x)


def agrees(side: Resolved, x: np.ndarray, y: np.ndarray | None = None, counts: np.ndarray | None = None) -> Step:
    """Check a program against the reference: its predictions, a step that is watched, and one of a free run.

    Args:
        side: whose program.
        x: its rows, one batch.
        y: their targets; some that the loss can take if not said.
        counts: what the rows count.

    Returns:
        The reference's step.
    """
    weights, y = starting_weights(side), targets(side, len(x), np.random.default_rng(5)) if y is None else y
    with opened(side, x, y, weights, counts=counts) as program:
        known = Reference(side, x, y, weights, counts)
        assert difference(program.predict(), known.predictions()) <= 1e-12
        kept, wanted = program.state(), known.take(0)
        assert_same_step(program.step(0, eager=True), wanted)
        program.adopt(*kept, iterations=0)
        (loss,) = program.train(1)
        assert difference(loss, wanted.loss) <= 1e-12
        assert_close(program.state()[0], known.weights, 1e-12, "weights after a free run")
    return wanted
