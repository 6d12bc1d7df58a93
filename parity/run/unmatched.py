"""What is asked of a program written by hand before its tensors are matched to a config.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from parity.rows import apart, beside
from parity.run.driver.base import Driver
from parity.run.driver.programs import ProgramError
from parity.run.exchange import Exchange
from parity.run.output_form import fitted, meaning, randomised

EVALUATED = 8
"""Rows by which it is told whether a program evaluates the same way twice."""

DRAWS, ROWS = 3, 32
"""Draws of all weights, and rows, by which it is told what a program's outputs are."""

TRIED = (7, 11, 13)
"""Rows of a batch on which forms of targets are tried: of these the first that is no other length there, lest one axis
be taken for another."""

ALIKE = 1e-5
"""Relative difference below which two losses in float32 are the same number."""

LONGEST = 160
"""Characters of what a program says that are handed on."""


def opened(
    driver: Callable[..., Driver],
    program: str,
    names: dict[str, str],
    row: Sequence[int],
    seed: int,
    inputs: Sequence[dict[str, Any]] = (),
    outputs: Sequence[dict[str, Any]] = (),
) -> Driver:
    """Return a program of which nothing is known but what it calls the parts of the contract.

    Args:
        driver: of its framework.
        program: its path.
        names: what it calls the parts.
        row: shape of a row, for models that are made when they first see one.
        seed: of what it draws by itself.
        inputs: of the spec, as ``Bindings.inputs`` has them.
        outputs: name and shape of a row of each output in the spec; of the only one ``weighs``, whether rows have
            weights, and ``masks_ignored``, as ``Bindings`` has it.
    """
    several = [{**one, "dtype": "float", "targets": None, "ending": None} for one in outputs if len(outputs) > 1]
    empty: dict[str, Any] = {
        "weights": {}, "outputs": {}, "slots": {}, "mask_axes": [], "ending": None, "names": names, "input": list(row),
        "output": outputs[0]["shape"] if len(outputs) == 1 else None, "inputs": list(inputs), "heads": several,
        "sample_weights": outputs[0]["shape"] if len(outputs) == 1 and outputs[0].get("weighs") else None,
        "masks_ignored": len(outputs) == 1 and bool(outputs[0].get("masks_ignored")),
    }  # fmt: skip
    return driver(program, empty, "float32", seed)


def located(driver: Driver, path: str) -> Any:
    """Return the framework's variable at a path, of a program whose bindings are not known."""
    driver.bindings = {**driver.bindings, "weights": {path: {"attribute": path, "axes": None, "trainable": True}}}
    return driver.parameter(path)


def looked_at(
    driver: Driver, x: np.ndarray, endings: dict[str, str], outputs: Sequence[dict[str, Any]]
) -> dict[str, Any]:  # fmt: skip
    """Return what a program makes of rows; nothing of what it fails at, which is told where it is run.

    Args:
        driver: of the program, with weights of its own.
        x: inputs, (N, ...).
        endings: of the outputs that may be logits or probabilities, ``softmax`` or ``sigmoid``.
        outputs: as :func:`opened` has them.

    Returns:
        ``evaluation``: see :func:`evaluation`;
        ``called``: the layers in the order in which they are called; ``predicts`` and ``trains``: what each output is,
        in evaluation and in training; ``in_order``: the model returns several outputs in a tuple, not by name.
    """
    found: dict[str, Any] = {}
    try:
        found["evaluation"] = evaluation(driver, x)
        found["called"] = driver.called(np.ascontiguousarray(x[:EVALUATED], dtype=driver.host_dtype()))
        found["in_order"] = driver.in_order
        if endings:
            found |= meanings(driver, x, endings, outputs)
    except Exception as error:  # Whatever a program may raise.
        print("looked at and failed:", type(error).__name__, str(error)[:500])
    return found


def evaluation(driver: Driver, x: np.ndarray) -> dict[str, Any]:
    """Return how far apart evaluations of the same rows are, and how often they called dropout.

    They are evaluated twice, and in two halves: the norm of each difference over the norm of the outputs.

    Args:
        driver: of the program, with weights of its own.
        x: inputs, (N, ...).
    """
    rows = np.ascontiguousarray(x[:EVALUATED], dtype=driver.host_dtype())
    driver.clock["call"] = 0
    first, second = (np.array(driver.predict(rows), dtype=np.float64) for _ in range(2))
    draws, scale = driver.clock["call"], float(np.linalg.norm(first)) or 1.0
    together = 0.0
    if len(rows) >= 4:  # Batch norm in training mode refuses a single row.
        parts = [np.array(driver.predict(half), dtype=np.float64) for half in np.array_split(rows, 2)]
        if all(part.shape[1:] == first.shape[1:] for part in parts):
            together = float(np.linalg.norm(np.concatenate(parts) - first)) / scale
    return {"difference": float(np.linalg.norm(second - first)) / scale, "draws": draws, "together": together}


def meanings(
    driver: Driver, x: np.ndarray, endings: dict[str, str], outputs: Sequence[dict[str, Any]]
) -> dict[str, dict[str, str]]:  # fmt: skip
    """Return what outputs are in evaluation and in training: logits, probabilities or their logarithms, by output.

    Whatever the weights are, probabilities add up to one: they are drawn anew a few times.

    Args:
        driver: of the program.
        x: inputs, (N, ...).
        endings: ``softmax`` or ``sigmoid``, of the outputs that are asked about.
        outputs: as :func:`opened` has them.
    """
    rows = np.ascontiguousarray(x[:ROWS], dtype=driver.host_dtype())
    paths = [one["path"] for one in driver.inventory()["parameters"] if one["trainable"]]
    bindings = driver.bindings
    own = {path: np.array(driver.read(located(driver, path))) for path in paths}
    told: dict[str, dict[str, list[np.ndarray]]] = {
        way: {name: [] for name in endings} for way in ("predicts", "trains")
    }
    for draw in range(DRAWS):
        randomised(
            paths, lambda path: driver.read(located(driver, path)),
            lambda path, value: driver.write(located(driver, path), value), draw,
        )  # fmt: skip
        for way, training in (("predicts", False), ("trains", True)):
            driver.clock.update(step=0, call=0)
            value = np.array(driver.raw(rows, training=training), dtype=np.float64)
            parts = apart(value, driver.heads)
            for one, part in zip(outputs, parts, strict=True):
                if one["name"] in endings:
                    told[way][one["name"]].append(fitted(part, tuple(one["shape"])))
    for path, value in own.items():  # Targets are tried with the weights that the program draws.
        driver.write(located(driver, path), value)
    driver.bindings = bindings
    return {way: {name: meaning(one, endings[name]) for name, one in of.items()} for way, of in told.items()}


def tried(driver: Driver, x: np.ndarray, y: np.ndarray, forms: list[str]) -> dict[str, Any]:
    """Return what a program's loss makes of one batch of targets in each of several forms.

    A program with a training step of its own takes a step with each, since that may hold the loss; else the loss
    function is called with the model's outputs.

    Args:
        driver: of the program, which is of no use afterwards.
        x: inputs, (N, ...).
        y: targets, with the shape of the outputs.
        forms: to try, see :func:`~parity.run.target_forms.in_form`.

    Returns:
        ``outputs``, the number of axes of a batch of outputs, and ``trials``, of each form whether it was ``accepted``
        with one number, ``finite``, ``stretched`` to all pairs, and what was ``said`` against it. None of them where
        the model itself does not take the batch.
    """
    lengths = {*x.shape[1:], *y.shape[1:]}
    rows = next((number for number in TRIED if number not in lengths), TRIED[0])
    chosen = np.arange(rows) % len(x)
    x, y = (np.ascontiguousarray(one[chosen], dtype=driver.host_dtype()) for one in (x, y))
    driver.clock.update(step=0, call=0)
    try:
        outputs = np.array(driver.raw(x, training=True))
    except Exception:  # What a program raises can be anything; where it is run, it is said.
        return {"outputs": 0, "trials": []}
    return {"outputs": outputs.ndim, "trials": [_tried(driver, x, y, outputs, form) for form in forms]}


def _tried(driver: Driver, x: np.ndarray, y: np.ndarray, outputs: np.ndarray, form: str) -> dict[str, Any]:
    """Return what came of one form."""
    driver.bindings["targets"] = form
    found: dict[str, Any] = {"form": form, "accepted": False, "finite": False, "stretched": False, "said": ""}
    try:
        told = driver.step(x, y, 0) if driver.own_step else driver.loss_of(outputs, y)
        value = np.asarray(told)
    except ProgramError:  # It is not about the targets.
        raise
    except Exception as error:
        text = " ".join(str(error).split()) or "nothing"
        return found | {"said": f"{type(error).__name__}: {text}"[:LONGEST]}
    if value.size != 1:
        return found | {"said": f"it gives shape {value.shape}, where one number is expected"}
    stretched = form in ("flat", "column") and _stretched(driver, outputs)
    return found | {"accepted": True, "finite": bool(np.isfinite(value).all()), "stretched": stretched}


def _stretched(driver: Driver, outputs: np.ndarray) -> bool:
    """Return whether the loss compares every output with every target: dealt to other rows, they cost the same.

    Outputs and targets are made up, all different: those of an untrained model may be all the same. They lie between 0
    and 1, which every loss takes.
    """
    rows = len(outputs)
    y = np.linspace(0.05, 0.95, rows, dtype=outputs.dtype)[:, None]
    try:
        outputs = np.linspace(0.1, 0.8, rows, dtype=outputs.dtype).reshape(outputs.shape) ** 2
        counts = None if driver.bindings.get("sample_weights") is None else np.ones(rows, outputs.dtype)
        one, other = (float(driver.loss_of(outputs, beside(of, counts))) for of in (y, np.flip(y).copy()))
    except Exception:  # The loss is not where the contract has it, but in the program's own step; or not of one output.
        return False
    return abs(one - other) <= ALIKE * abs(one)


class Unmatched(ABC):
    """The commands of a worker that are about a program of which nothing is known yet."""

    _looked_at: tuple[tuple[Any, ...], Driver] | None = None
    """The program that was looked at last, by what it was asked for with, until another one is opened: targets are
    tried on it, as it takes long to run a script until it trains."""

    @abstractmethod
    def exchange(self, folder: str) -> Exchange:
        """Return the exchange of a folder."""

    @abstractmethod
    def _driver(self, framework: str, threads: int | None = None) -> type[Driver]:
        """Return the driver of a framework."""

    def _opened(self, framework: str, *arguments: Any) -> Driver:
        """Return a program as :func:`opened` does, with what was looked at before closed."""
        self._let_go()
        return opened(self._driver(framework), *arguments)

    def _let_go(self) -> None:
        """Close the program that was looked at, if it is still open."""
        if self._looked_at is not None:
            (_, driver), self._looked_at = self._looked_at, None
            driver.close()

    def inventory(
        self,
        framework: str,
        program: str,
        names: dict[str, str],
        data: str,
        seed: int,
        endings: dict[str, str],
        inputs: Sequence[dict[str, Any]] = (),
        outputs: Sequence[dict[str, Any]] = (),
    ) -> dict[str, Any]:
        """Return the parameters and layers of a program whose bindings are not known yet, and what it makes of rows.

        Args:
            framework: which driver.
            program: path of the program, which starts from weights of its own.
            names: what the program calls the parts of the contract.
            data: folder of the exchange with ``x``.
            seed: of what it draws by itself.
            endings: of the outputs that may be logits or probabilities, ``softmax`` or ``sigmoid``.
            inputs: of the spec, as ``Bindings.inputs`` has them.
            outputs: as :func:`opened` has them.
        """
        x = self.exchange(data).get("x")
        arguments = (framework, program, names, x.shape[1:], seed, inputs, outputs)
        driver = self._opened(*arguments)
        found = driver.inventory() | looked_at(driver, x, endings, outputs)
        self._looked_at = arguments, driver
        return found

    def starts(
        self, framework: str, program: str, names: dict[str, str], data: str, seed: int, paths: dict[str, str],
        inputs: Sequence[dict[str, Any]] = (), outputs: Sequence[dict[str, Any]] = (),
    ) -> None:  # fmt: skip
        """Write what parameters of a program start from.

        Args:
            framework: which driver.
            program: path of the program.
            names: what the program calls the parts of the contract.
            data: folder of the exchange with ``x``.
            seed: of what it draws by itself.
            paths: of each parameter in the program, the file that takes its value.
            inputs: of the spec, as ``Bindings.inputs`` has them.
            outputs: as :func:`opened` has them.
        """
        row = self.exchange(data).get("x").shape[1:]
        driver = self._opened(framework, program, names, row, seed, inputs, outputs)
        for path, file in paths.items():
            np.save(file, np.array(driver.read(located(driver, path))))
        driver.close()

    def targets(
        self, framework: str, program: str, names: dict[str, str], data: str, seed: int, forms: list[str],
        inputs: Sequence[dict[str, Any]] = (), outputs: Sequence[dict[str, Any]] = (),
    ) -> dict[str, Any]:  # fmt: skip
        """Return what a program's loss makes of targets in each of several forms; else as :meth:`inventory`."""
        arrays = self.exchange(data)
        row = arrays.get("x").shape[1:]
        arguments = (framework, program, names, row, seed, inputs, outputs)
        weighs = len(outputs) == 1 and outputs[0].get("weighs")
        y = beside(arrays.get("y"), arrays.get("sample_weights") if weighs else None)
        if self._looked_at is not None and self._looked_at[0] == arguments:
            found = tried(self._looked_at[1], arrays.get("x"), y, forms)
            self._let_go()
            if any(one["accepted"] and one["finite"] for one in found["trials"]):
                return found
            # What it keeps from one batch to the next may be why: it is run anew.
        driver = self._opened(*arguments)
        found = tried(driver, arrays.get("x"), y, forms)
        driver.close()
        return found
