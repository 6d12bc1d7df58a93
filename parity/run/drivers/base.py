"""What every driver does: load a program, set and read its state, take its steps, watch them.

Only the standard library and NumPy beside the framework: a worker's interpreter need not have anything else.
"""

from __future__ import annotations

import importlib.util
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from parity.run import randomness

Watch = Callable[[str, str, np.ndarray], None]
"""Called with (phase, tensor, canonical value) for everything a watched step computes."""


class ProgramError(Exception):
    """A program does not keep the contract; the message says which name is missing."""


class Driver(ABC):
    """A program in one framework.

    The contract of a program is small: ``build_model()`` or a class ``Model``, ``build_loss()``,
    ``build_optimizer(model)``, and ``train_step(model, loss_fn, optimizer, x, y)`` returning the loss.

    Args:
        file: the program.
        bindings: where the canonical tensors live in it, as ``Bindings.plain()`` gives it.
        precision: ``float32`` or ``float64``.
        seed: of dropout masks.
    """

    module_name = ""
    """Name of the framework's package, whose version is reported."""

    def __init__(self, file: str, bindings: dict[str, Any], precision: str, seed: int) -> None:
        self.bindings, self.precision, self.seed = bindings, precision, seed
        self.clock = {"step": 0, "call": 0}
        self.prepare()
        self.module = import_program(file)
        self.model = self.build_model()
        self.loss_fn = self._named("build_loss")()
        self.optimizer = self._named("build_optimizer")(self.model)
        self.replace_dropout()

    def _named(self, name: str) -> Any:
        found = getattr(self.module, name, None)
        if found is None:
            raise ProgramError(f"the program has no {name}(); it needs build_model() or Model, build_loss(), "
                               "build_optimizer(model) and train_step(model, loss_fn, optimizer, x, y)")  # fmt: skip
        return found

    def draw(self, shape: tuple[int, ...], rate: float) -> np.ndarray:
        """Return the mask of the next dropout call of this step, in the program's own layout."""
        call = self.clock["call"]
        self.clock["call"] += 1
        known = self.bindings["mask_axes"]
        axes = known[call] if call < len(known) else None
        if axes is None:
            return randomness.keep_mask(self.seed, self.clock["step"], call, shape, rate)
        canonical = [shape[axis] for axis in np.argsort(axes)]
        return randomness.keep_mask(self.seed, self.clock["step"], call, canonical, rate).transpose(axes)

    def step(self, x: np.ndarray, y: np.ndarray, number: int) -> float:
        """Take the program's own training step and return its loss.

        Args:
            x: inputs, (N, ...).
            y: targets, (N, ...).
            number: of the step, counted from 0; decides the dropout masks.
        """
        self.clock.update(step=number, call=0)
        return self.train(x, y)

    def trainable(self) -> list[str]:
        """Return the names of what the optimizer moves: every tensor but the running statistics."""
        return [name for name, place in self.bindings["weights"].items() if place["trainable"]]

    def weights(self) -> dict[str, np.ndarray]:
        """Return the canonical parameters and running statistics."""
        return {name: self._out(name, self.read(self.parameter(name))) for name in self.bindings["weights"]}

    def set_weights(self, values: Callable[[str], np.ndarray]) -> None:
        """Set every parameter to its canonical value.

        Args:
            values: canonical value by name.
        """
        for name in self.bindings["weights"]:
            self.write(self.parameter(name), self._in(name, values(name)))

    def slots(self) -> dict[str, np.ndarray]:
        """Return the canonical optimizer slots as ``slot/layer.parameter``."""
        found = {}
        for slot, (attribute, scale) in self.bindings["slots"].items():
            for name in self.trainable():
                found[f"{slot}/{name}"] = self._out(name, self.read_slot(attribute, name)) * scale
        return found

    def set_slots(self, values: Callable[[str], np.ndarray | None], iterations: int) -> None:
        """Set the optimizer's slots and its count of updates made.

        Args:
            values: canonical value by ``slot/layer.parameter``; None leaves the slot as it is.
            iterations: updates made.
        """
        for slot, (attribute, scale) in self.bindings["slots"].items():
            for name in self.trainable():
                value = values(f"{slot}/{name}")
                if value is not None:
                    # Scaled by a learning rate of 0, a slot is 0 whatever is stored.
                    stored = value / scale if scale else np.zeros_like(value)
                    self.write_slot(attribute, name, self._in(name, stored))
        self.set_iterations(iterations)

    def _in(self, name: str, value: np.ndarray) -> np.ndarray:
        axes = self.bindings["weights"][name]["axes"]
        return value if axes is None else value.transpose(axes)

    def _out(self, name: str, value: np.ndarray) -> np.ndarray:
        axes = self.bindings["weights"][name]["axes"]
        return value if axes is None else value.transpose(np.argsort(axes))

    @abstractmethod
    def prepare(self) -> None:
        """Set the precision, before the program is imported."""

    @abstractmethod
    def build_model(self) -> Any:
        """Return the program's model in the precision asked for."""

    @abstractmethod
    def replace_dropout(self) -> None:
        """Let the framework's dropout keep what :meth:`draw` says."""

    @abstractmethod
    def train(self, x: np.ndarray, y: np.ndarray) -> float:
        """Call the program's ``train_step``."""

    @abstractmethod
    def watched_step(self, x: np.ndarray, y: np.ndarray, number: int, watch: Watch) -> float:
        """Take a step, handing every layer's output and every gradient to ``watch``."""

    @abstractmethod
    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the model's outputs in evaluation mode, probabilities where the loss applies the activation."""

    @abstractmethod
    def parameter(self, name: str) -> Any:
        """Return the framework's variable for a canonical name."""

    @abstractmethod
    def read(self, variable: Any) -> np.ndarray:
        """Return a variable's value."""

    @abstractmethod
    def write(self, variable: Any, value: np.ndarray) -> None:
        """Set a variable's value."""

    @abstractmethod
    def read_slot(self, attribute: str, name: str) -> np.ndarray:
        """Return a slot of a parameter; zeros before the first step."""

    @abstractmethod
    def write_slot(self, attribute: str, name: str, value: np.ndarray) -> None:
        """Set a slot of a parameter."""

    @abstractmethod
    def set_iterations(self, iterations: int) -> None:
        """Set the optimizer's count of updates made."""

    @classmethod
    @abstractmethod
    def set_threads(cls, threads: int) -> None:
        """Limit the framework to a number of threads, before it computes anything."""

    def close(self) -> None:
        """Let go of the program, so that its tensors are freed before the next one is opened in this process."""
        sys.modules.pop(self.module.__name__, None)
        vars(self.module).clear()
        del self.module, self.model, self.loss_fn, self.optimizer

    def device(self) -> str:
        """Return where the program runs."""
        return "cpu"


def import_program(file: str) -> ModuleType:
    """Import a program by its path.

    Raises:
        ProgramError: when it cannot be imported.
    """
    name = f"parity_program_{Path(file).stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ProgramError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    # Not the loader: it keeps bytecode, which it takes for that of any program of the same size written to the
    # same place in the same second (0.01 for 0.02); and a folder of programs should hold programs only.
    exec(compile(Path(file).read_bytes(), file, "exec"), module.__dict__)
    return module
