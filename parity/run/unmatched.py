"""What is asked of a program written by hand before its tensors are matched to a config.

Only the standard library and NumPy: this module also runs inside workers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity.run.drivers.base import Driver

EVALUATED = 8
"""Rows by which it is told whether a program evaluates the same way twice."""


TRIED = (7, 11, 13)
"""Rows of a batch on which forms of targets are tried: of these the first that is no other length there, lest one axis
be taken for another."""

ALIKE = 1e-5
"""Relative difference below which two losses in float32 are the same number."""

LONGEST = 160
"""Characters of what a program says that are handed on."""


def opened(driver: Callable[..., Driver], program: str, names: dict[str, str], precision: str) -> Driver:
    """Return a program of which nothing is known but what it calls the parts of the contract.

    Args:
        driver: of its framework.
        program: its path.
        names: what it calls the parts.
        precision: to build it in.
    """
    empty: dict[str, Any] = {"weights": {}, "outputs": {}, "slots": {}, "mask_axes": [], "ending": None, "names": names}
    return driver(program, empty, precision, 0)


def evaluation(driver: Driver, x: np.ndarray) -> dict[str, Any]:
    """Return how far apart two evaluations of the same rows are, and how often they called dropout.

    Args:
        driver: of the program, with weights of its own.
        x: inputs, (N, ...).
    """
    rows = np.ascontiguousarray(x[:EVALUATED], dtype=driver.host_dtype())
    first, second = (np.array(driver.predict(rows), dtype=np.float64) for _ in range(2))
    scale = float(np.linalg.norm(first)) or 1.0
    return {"difference": float(np.linalg.norm(second - first)) / scale, "draws": driver.clock["call"]}


def tried(driver: Driver, x: np.ndarray, y: np.ndarray, forms: list[str]) -> dict[str, Any]:
    """Return what a program's loss makes of one batch of targets in each of several forms.

    A program with a ``train_step`` of its own takes a step with each, since that may hold the loss; else the loss
    function is called with the model's outputs.

    Args:
        driver: of the program, which is of no use afterwards.
        x: inputs, (N, ...).
        y: targets, with the shape of the outputs.
        forms: to try, see :func:`~parity.run.targets.in_form`.

    Returns:
        ``outputs``, the number of axes of a batch of outputs, and ``trials``, of each form whether it was ``accepted``
        with one number, ``finite``, ``stretched`` to all pairs, and what was ``said`` against it. None of them where
        the model itself does not take the batch.
    """
    lengths = {*x.shape[1:], *y.shape[1:]}
    rows = next((number for number in TRIED if number not in lengths), TRIED[0])
    chosen = np.arange(rows) % len(x)
    x, y = (np.ascontiguousarray(one[chosen], dtype=driver.host_dtype()) for one in (x, y))
    try:
        outputs = np.array(driver.predict(x))
    except Exception:  # What a program raises can be anything; where it is run, it is said.
        return {"outputs": 0, "trials": []}
    return {"outputs": outputs.ndim, "trials": [_tried(driver, x, y, outputs, form) for form in forms]}


def _tried(driver: Driver, x: np.ndarray, y: np.ndarray, outputs: np.ndarray, form: str) -> dict[str, Any]:
    """Return what came of one form."""
    driver.bindings["targets"] = form
    found: dict[str, Any] = {"form": form, "accepted": False, "finite": False, "stretched": False, "said": ""}
    try:
        if hasattr(driver.module, "train_step"):
            value = np.asarray(driver.step(x, y, 0))
        else:
            value = np.asarray(driver.loss_of(outputs, y))
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
        one, other = (float(driver.loss_of(outputs, targets)) for targets in (y, np.flip(y).copy()))
    except Exception:  # The loss is not where the contract has it, but in the program's own step; or not of one output.
        return False
    return abs(one - other) <= ALIKE * abs(one)
