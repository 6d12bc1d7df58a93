"""What every driver does: load a program, set and read its state, take its steps, watch them.

Only the standard library and NumPy beside the framework: a worker's interpreter need not have anything else.
"""

from __future__ import annotations

import math
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, ClassVar

import numpy as np

from parity.rows import apart
from parity.run import randomness
from parity.run.axes import counted_first, inverse, permuted
from parity.run.driver.decaying import Decay, DecayGuide, DecayProbe
from parity.run.driver.layouts import mask_layout
from parity.run.driver.named_gpus import described, gpu_number
from parity.run.driver.objects import weights_for
from parity.run.driver.programs import CONTRACT, ProgramError, import_program
from parity.run.driver.several import Several
from parity.run.driver.state import State
from parity.run.probe import Guide, Probe


class Driver(Several, State):
    """A program in one framework.

    The contract of a program is small: ``build_model()`` or a class ``Model``, ``build_loss()`` and
    ``build_optimizer(model)``, under these names or under those that the bindings say. Where it has
    ``train_step(model, loss_fn, optimizer, x, y)``, returning the loss, its steps are that. Where rows have weights, a
    loss and a step with an argument ``sample_weights`` are given them.

    Args:
        file: the program.
        bindings: where the canonical tensors live in it, as ``Bindings.plain()`` gives it.
        precision: ``float32``, ``float64`` or ``bfloat16``.
        seed: of dropout masks.
        device: ``auto``, ``cpu``, ``gpu`` or ``gpu:N``.
        native: the framework draws what it draws, seeded: weights, masks and, of a compiled program, the order of rows.
        compiled: take steps as the framework's own compiler makes them, where the program is to be; a watched step is
            not.
    """

    targets_first = False  # Whether the framework's losses are functions of (targets, outputs).
    generators: ClassVar[Any]
    """The module of the framework's own random numbers, see :mod:`parity.run.driver.generators`."""
    runs_in_float32 = False  # A script runs as itself; what it did is run once more in the worker's float type.
    narrow = False  # What computes at this moment does so in float32, whatever the worker's type.
    active: ClassVar[Driver | None] = None
    """The driver whose program computes: dropout asks it for masks."""

    def __init__(
        self, file: str, bindings: dict[str, Any], precision: str, seed: int, device: str = "cpu",
        native: bool = False, compiled: bool = False,
    ) -> None:  # fmt: skip
        self.gpu = gpu_number(device, self.gpus()["names"] if device == "auto" else ())
        self.place = self.placed(self.gpu)
        self.file, self.bindings, self.precision, self.seed = file, bindings, precision, seed
        self.native, self.compiled = native, compiled
        self.clock, self.fresh = {"step": 0, "call": 0}, True  # No step was taken.
        self.undetermined: list[str] = []  # Operations that have no deterministic form here.
        starts = bindings.get("starts", {})
        self.numbers = {place[0]: starts[slot] for slot, place in bindings["slots"].items() if slot in starts}
        self.replace_dropout()
        self.activate()
        self.seed_generators()
        with self.making():
            self.module = import_program(file, bindings.get("files", {}))
            self.model = self.build_model()
            self.loss_fn = self.build_loss()
            self.optimizer = self.build_optimizer()
        self.train_step = self.stepping(getattr(self.module, "train_step", None) or self.usual_step())

    def seed_generators(self) -> None:
        """Seed what the framework draws from."""
        self.generators.seed(self.seed)

    def making(self) -> AbstractContextManager[Any]:
        """Return within which the program is imported and makes what it is made of."""
        return nullcontext()

    @property
    def own_step(self) -> bool:
        """Whether the step is the program's own, which may hold the loss, whatever stands in its ``build_loss``."""
        return hasattr(self.module, "train_step")

    def activate(self) -> None:
        """Let what is global in a framework (float type, dropout masks) be this program's."""
        if Driver.active is not self:
            Driver.active = self
            self.prepare()

    def _found(self, part: str, *names: str) -> Any:
        """Return the first of the names that the program has, or the one that stands in its place."""
        renamed = self.bindings.get("names", {}).get(part)
        for name in (renamed,) if renamed else names:
            if hasattr(self.module, name):
                return getattr(self.module, name)
        raise ProgramError(f"the program has no {' or '.join((renamed,) if renamed else names)}; {CONTRACT}")

    def _made(self, part: str, name: str, *arguments: Any) -> Any:
        """Return a part of the program: what its function returns, or the object itself where it is none."""
        found = self._found(part, name)
        code = getattr(found, "__code__", None)
        itself = code is not None and code.co_argcount - len(found.__defaults__ or ()) == 2
        if part == "loss" and (itself or isinstance(found, partial)):
            return found  # The loss function itself, of (outputs, targets).
        return self._built(found, *arguments)

    @staticmethod
    def _built(found: Any, *arguments: Any) -> Any:
        """Return what a function or a class makes; anything else is there already, callable or not."""
        if not callable(found) or not (hasattr(found, "__code__") or isinstance(found, type | partial)):
            return found
        try:
            return found(*arguments)
        except TypeError as error:
            if error.__traceback__ is not None and error.__traceback__.tb_next is None:  # Of the call, not in it.
                raise ProgramError(f"{error}; {CONTRACT}") from error
            raise

    def has(self, part: str, name: str) -> bool:
        """Return whether the program has a part of the contract, under the name that is said or the usual one."""
        return hasattr(self.module, self.bindings.get("names", {}).get(part) or name)

    def build_loss(self) -> Any:
        """Return the program's loss."""
        return self._made("loss", "build_loss")

    def build_optimizer(self) -> Any:
        """Return the program's optimizer."""
        return self._made("optimizer", "build_optimizer", self.model)

    def own_rows(self, rows: int) -> Iterator[np.ndarray] | None:
        """Return the row numbers of each batch as a compiled program deals them out, without end; else None.

        Args:
            rows: number of rows.
        """
        made = None if self.by_hand else getattr(self.module, "native_batches", None)
        if made is None:
            return None
        numbers, inputs = np.arange(rows), self.bindings.get("inputs") or ()
        y = {head["name"]: numbers for head in self.heads} or numbers
        more = () if self.bindings.get("sample_weights") is None else (numbers,)
        if len(inputs) < 2:
            return (np.asarray(x) for x, *_ in made(numbers, y, *more))
        return (np.asarray(x[0]) for x, *_ in made((numbers,) * len(inputs), y, *more))

    @property
    def deals_noise(self) -> bool:
        """Whether normal numbers come from the harness: the program is made, and its side has layers that draw such."""
        return not self.native and bool(self.bindings.get("noise")) and hasattr(self, "train_step")

    def draw(self, shape: tuple[int, ...], rate: float | None) -> np.ndarray:
        """Return what the next drawing call of this step draws, in the program's own layout.

        Args:
            shape: of it.
            rate: share that a mask drops; None for standard normal numbers.
        """
        call = self.clock["call"]
        self.clock["call"] += 1
        known, rows = self.bindings["mask_axes"], self.bindings.get("mask_shapes", ())
        masks = self.bindings.get("masks", ())
        keep = partial(randomness.dealt, self.seed, self.clock["step"], masks[call] if call < len(masks) else call)
        axes = known[call] if call < len(known) else None
        features = self.bindings.get("mask_counted", ())
        if call < len(features) and features[call]:
            return counted_first(keep(shape, rate), features[call], -1)
        if call < len(rows):  # Written by hand: where its channels stand, its own shape says.
            row = rows[call]
            if len(shape) != len(row) + 1 and math.prod(shape[1:]) == math.prod(row):
                return keep((shape[0], *row), rate).reshape(shape)
            axes = mask_layout(row, shape, axes)
        back = inverse(axes)
        return permuted(keep(shape if back is None else [shape[axis] for axis in back], rate), axes)

    def step(self, x: np.ndarray, y: np.ndarray, number: int) -> float:
        """Take the program's own training step and return its loss.

        Args:
            x: inputs, (N, ...).
            y: targets, (N, ...).
            number: of the step, counted from 0; decides the dropout masks.
        """
        self.activate()
        self.fresh = False
        self.clock.update(step=number, call=0)
        decay = self._decay()
        return self.train(x, y) + decay.penalty

    def watched_step(
        self, x: np.ndarray, y: np.ndarray, number: int, probe: Probe, *, signals: bool = True,
        guide: Guide | None = None,
    ) -> float:  # fmt: skip
        """Take a step, handing every layer's output and every gradient to a probe.

        Args:
            x: inputs, (N, ...).
            y: targets, (N, ...).
            number: of the step, counted from 0.
            probe: takes the tensors.
            signals: the gradients with respect to the layers' outputs, too.
            guide: what to go on with in the place of what is computed; None to go on as the program does.
        """
        self.activate()
        self.fresh = False
        self.clock.update(step=number, call=0)
        decay = self._decay()
        if decay.added:
            probe, guide = DecayProbe(decay, probe), guide and DecayGuide(decay, guide)
        return self.watched(x, y, probe, signals, guide) + decay.penalty

    def _decay(self) -> Decay:
        """Return what the optimizer is going to add to gradients that the spec has in its penalties."""
        return Decay(self.bindings.get("decays", {}), lambda name: self.lies(name, self.read(self.parameter(name))))

    def loss_of(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return what the program's loss function gives for outputs and targets: one number, if it is a loss."""
        y, weights = self.parted(y)
        given = (self.targets(y), self.tensor(outputs)) if self.targets_first else (
            self.tensor(outputs), self.targets(y)
        )  # fmt: skip
        taken = {} if weights is None else weights_for(self.loss_fn, self.tensor(weights))
        return self.read(self.loss_fn(*given, **taken))

    def host_dtype(self) -> Any:
        """Return the NumPy type in which batches and weights reach the program."""
        return np.dtype("float64" if self.precision == "float64" else "float32")

    @abstractmethod
    def raw(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Return what the model returns for rows, in evaluation or in training."""

    def called(self, x: np.ndarray) -> list[str] | None:
        """Return the paths of the layers in the order in which the model calls them; None where that is not known."""
        return None

    @abstractmethod
    def prepare(self) -> None:
        """Set the precision, before the program is imported and before it computes."""

    @abstractmethod
    def build_model(self) -> Any:
        """Return the program's model in the precision asked for."""

    @classmethod
    @abstractmethod
    def replace_dropout(cls) -> None:
        """Let the framework's dropout keep what :meth:`draw` of the active driver says, and its noise be that."""

    @abstractmethod
    def usual_step(self) -> Callable[..., Any]:
        """Return the training step of a program that has none of its own."""

    def stepping(self, step: Any) -> Any:
        """Return a training step as it is to be taken."""
        return step

    def given(self, x: np.ndarray) -> Any:
        """Return a batch's inputs as the program takes them: a tensor, or a tuple of several.

        Args:
            x: inputs as the harness keeps them, (N, ...).
        """
        parts = tuple(map(self.tensor, apart(x, self.bindings.get("inputs", ()))))
        return parts[0] if len(parts) == 1 else parts

    @abstractmethod
    def train(self, x: np.ndarray, y: np.ndarray) -> float:
        """Call the program's ``train_step``."""

    @abstractmethod
    def watched(self, x: np.ndarray, y: np.ndarray, probe: Probe, signals: bool, guide: Guide | None) -> float:
        """Take a step as :meth:`watched_step` says."""

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the model's outputs in evaluation mode, probabilities where the loss applies the activation."""
        return self.raw(x)

    @abstractmethod
    def inventory(self) -> dict[str, list[dict[str, Any]]]:
        """Return what there is to match a hand-written program by: ``parameters`` and ``layers``, in order."""

    @abstractmethod
    def iterations(self) -> int | None:
        """Return the optimizer's count of updates made, None where it keeps none."""

    @classmethod
    @abstractmethod
    def set_threads(cls, threads: int) -> None:
        """Limit the framework to a number of threads, before it computes anything."""

    def fuse_update(self) -> None:
        """Compile the optimizer's update into one pass over memory; nothing where the framework has no way to."""

    def close(self) -> None:
        """Let go of the program, so that its tensors are freed before the next one is opened in this process."""
        sys.modules.pop(self.module.__name__, None)
        vars(self.module).clear()
        del self.module, self.model, self.loss_fn, self.optimizer, self.train_step
        if Driver.active is self:
            Driver.active = None

    @staticmethod
    def gpus() -> dict[str, Any]:
        """Return the names of the GPUs that the framework sees, what it was ``built`` for, and what they can do.

        ``built`` is empty for the CPU; ``capabilities`` are NVIDIA's, None where they are not known.
        """
        return {"names": [], "built": "", "capabilities": []}

    @classmethod
    def placed(cls, gpu: int | None) -> Any:
        """Return the framework's word for the GPU of a number, or for the CPU."""
        return "cpu" if gpu is None else f"gpu:{gpu}"

    def device(self) -> str:
        """Return where the program runs: the CPU, or the number, name and libraries of a GPU."""
        if self.gpu is None:
            return "cpu"
        return described(self.gpu, self.gpus())


def active_driver() -> Driver:
    """Return the driver whose program computes."""
    if Driver.active is None:
        raise ProgramError("dropout was called while no program was open")
    return Driver.active


def dealing() -> Driver | None:
    """Return the driver that deals normal numbers to the program that computes; None where it draws its own."""
    return Driver.active if Driver.active is not None and Driver.active.deals_noise else None


def widening() -> bool:
    """Return whether the program that computes was written by hand, and runs in float64."""
    driver = Driver.active
    return driver is not None and driver.precision == "float64" and driver.by_hand and not driver.narrow
