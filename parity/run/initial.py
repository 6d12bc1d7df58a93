"""Initial weights, drawn once outside the frameworks, or read from a file, and handed to every side as files."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import numpy as np

from parity.code import Parameter
from parity.run import randomness
from parity.run.weights_file import digest_of, tensor_of
from parity.spec.resolve import Resolved


class InitialWeights:
    """Initial weights on demand; sides and counterfactual runs that start alike share the files.

    Two initializers of the same parameter are given the same uniform numbers, so that what differs between two
    runs is the formula and not the draw.

    Args:
        folder: where the files are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def files(self, side: Resolved, precision: str, nudge: int | None = None) -> dict[str, str]:
        """Return the file of every canonical parameter, made where it is not there yet.

        Args:
            side: whose model it is.
            precision: dtype of the values, which are drawn in float64 and rounded once.
            nudge: number of a twin, whose values are moved by one unit in the last place; None for none.
        """
        # A unit of what its layers compute in: one of float32 would be rounded away.
        coarse = precision == "bfloat16" or side.config.numerics.mixed_precision is not None
        with self._lock:  # Two sides that start alike must not draw, and write, the same file twice.
            known = weights_key(side)
            return {
                name: str(self._file(side, known, name, precision, nudge if parameter.trainable else None, coarse))
                for name, parameter in side.parameters().items()
            }

    def _file(
        self, side: Resolved, known: str, name: str, precision: str, nudge: int | None, coarse: bool
    ) -> Path:  # fmt: skip
        # The fans too: some initializers scale by them.
        drawn = f"{side.config.training.seed} {name} {side.parameters()[name]!r}"
        what = f"{f'{known} {name}' if known else drawn} {precision} {nudge} {coarse}"
        file = self.folder / f"{name}-{hashlib.sha256(what.encode()).hexdigest()[:16]}.npy"
        if not file.exists():
            part = file.with_suffix(".part")
            value = initial_weight(side, name)
            # bfloat16 has no NumPy type: its values are rounded by the framework, and stay float32 here.
            value = value.astype("float32" if precision == "bfloat16" else precision)
            if nudge is not None:
                value = randomness.nudged(value, nudge, name, 0, coarse)
            with part.open("wb") as handle:
                np.save(handle, value)
            part.rename(file)
        return file


def weights_key(side: Resolved) -> str:
    """Return the SHA-256 of the file that a side starts from; empty where its initializers draw."""
    file = side.config.training.initial_weights
    return "" if file is None else digest_of(file)


def initial_weight(side: Resolved, name: str) -> np.ndarray:
    """Return what a parameter of a side starts from, in float64: as its file has it, or as it is drawn.

    Args:
        side: of the parameter.
        name: ``layer.parameter``.
    """
    file = side.config.training.initial_weights
    if file is not None:
        return tensor_of(file, name)
    return initial_value(side.config.training.seed, name, side.parameters()[name])


def initial_value(seed: int, name: str, parameter: Parameter) -> np.ndarray:
    """Return the float64 initial value of a parameter.

    Args:
        seed: of the run.
        name: ``layer.parameter``.
        parameter: its shape, fans and initializer.
    """
    drawn = parameter.initializer.random
    numbers = randomness.uniform(seed, name, parameter.shape) if drawn else np.empty(0)
    # In C order: safetensors writes the memory as it lies, and an orthogonal matrix comes transposed.
    return np.ascontiguousarray(parameter.initializer.sample(numbers, parameter))
