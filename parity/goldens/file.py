"""A golden as a file: text that a review can read, with the numbers of each step packed on one line.

The head is JSON, one value a line: spec, versions, machine, config, losses. What a step computed is a safetensors
block, deflated, in base64. A checksum over all of it tells a damaged or edited file from a golden.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from parity import __version__
from parity.atomic import whole
from parity.errors import UsageError
from parity.goldens.golden import Golden, Name, RecordedSide, RecordedStep
from parity.goldens.grid import Cells
from parity.run.digest import RECORD

FORMAT = 1
"""Raised when what is written changes its meaning."""

MARK = "parity_golden"
"""First key of the file; its value is the format."""

SUFFIX = ".golden.json"
"""How the name of a golden ends."""

ONE = "parity freeze SPEC writes one"
"""What to do where a file is no golden."""

ANEW = "parity freeze SPEC --force writes it anew"
"""What mends a golden that cannot be read, or is another one's."""

LOSS: Name = ("loss", "loss")

NUMBERS = RECORD["projections"].shape[0] + 1
"""Of a digest."""


def write_golden(golden: Golden, file: Path) -> int:
    """Write a golden, whole or not at all, and return its bytes.

    Args:
        golden: to write.
        file: to write it to.

    Raises:
        OSError: when it cannot be written.
    """
    text = text_of(golden).encode()
    with whole(file) as handle:
        handle.write(text)
    return len(text)


def text_of(golden: Golden) -> str:
    """Return a golden as text."""
    head: dict[str, Any] = {MARK: FORMAT, "parity": golden.parity or __version__, "spec": golden.spec}
    head |= {"test": golden.test} if golden.test else {}
    head |= {"sides": {name: _side(one) for name, one in golden.sides.items()}}
    head["checksum"] = _checksum(head)
    return json.dumps(head, indent=1) + "\n"


def read_golden(file: Path) -> Golden:
    """Return the golden of a file.

    Raises:
        UsageError: when it cannot be read, or is none that this version reads.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"{file}: not a golden (it is no text); {ONE}") from None
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror or error}; {ONE}") from None
    return golden_of(text, str(file))


def golden_of(text: str, file: str) -> Golden:
    """Return the golden that a text is.

    Args:
        text: of the file.
        file: its name, for what is said of it.

    Raises:
        UsageError: when it is no golden, is damaged, or is one of another format.
    """
    try:
        head = json.loads(text)
    except (ValueError, RecursionError):
        cut = MARK in text[:100]
        why = f"a golden cut short or damaged; {ANEW}" if cut else f"not a golden (no JSON); {ONE}"
        raise UsageError(f"{file}: {why}") from None
    if not isinstance(head, dict) or MARK not in head:
        raise UsageError(f"{file}: not a golden (no {MARK!r} in it); {ONE}")
    if head[MARK] != FORMAT:
        wrote = head.get("parity", "another version")
        later = isinstance(head[MARK], int) and head[MARK] > FORMAT
        raise UsageError(
            f"{file}: a golden of format {head[MARK]}, by parity {wrote}; this one reads {FORMAT}; "
            f"{f'install parity {wrote}, or ' if later else ''}{ANEW}"
        )
    if head.get("checksum") != _checksum(head):
        raise UsageError(f"{file}: a golden damaged or edited by hand (its checksum is another); {ANEW}")
    try:
        sides = {name: _recorded(one) for name, one in head["sides"].items()}
        return Golden(spec=head["spec"], sides=sides, test=head.get("test", ""), parity=head["parity"])
    except (KeyError, TypeError, ValueError, AttributeError, zlib.error, binascii.Error) as error:
        raise UsageError(f"{file}: a golden damaged ({type(error).__name__}: {error}); {ANEW}") from None


def may_be_golden(file: Path) -> bool:
    """Return whether a file is a golden, or may have been one: what is neither is not written over."""
    if file.name.endswith(SUFFIX):
        return True
    try:
        with file.open("rb") as handle:
            return MARK.encode() in handle.read(100)
    except OSError:
        return False


def belongs_to(file: Path) -> str:
    """Return the id of the test that a golden belongs to; empty where the file says none."""
    try:
        head = json.loads(file.read_text(encoding="utf-8"))
        return str(head.get("test", "")) if isinstance(head, dict) and MARK in head else ""
    except (OSError, ValueError):
        return ""


def _checksum(head: Mapping[str, Any]) -> str:
    told = {name: value for name, value in head.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(told, separators=(",", ":")).encode()).hexdigest()


def _side(side: RecordedSide) -> dict[str, Any]:
    """Return a side as plain data."""
    names = list(dict.fromkeys(name for step in side.steps for name in step.digests))
    state = list(dict.fromkeys([*side.start, *(name for step in side.steps for name in step.state)]))
    return {
        "framework": side.framework,
        "versions": dict(side.versions),
        "machine": dict(side.machine),
        **({"note": side.note} if side.note else {}),
        "losses": [repr(step.loss) for step in side.steps],
        "config": side.config,
        "origins": dict(side.origins),
        "native": dict(side.native),
        "data": side.data,
        "program": side.program,
        "shapes": {name: list(shape) for name, shape in side.shapes.items()},
        "tensors": [" ".join(name) for name in names],
        "state": state,
        "start": _packed({"digests": _rows(list(side.start.values())), "which": _which(state, side.start)}),
        "steps": [_packed(_step(one, names, state)) for one in side.steps],
    }


def _recorded(told: Mapping[str, Any]) -> RecordedSide:
    names: list[Name] = [tuple(one.split(" ", 1)) for one in told["tensors"]]
    state, start = told["state"], _unpacked(told["start"])
    losses = [float(one) for one in told["losses"]]
    return RecordedSide(
        framework=told["framework"], versions=told["versions"], machine=told["machine"], config=told["config"],
        origins=told["origins"], native=told["native"], data=told["data"], program=told["program"],
        note=told.get("note", ""),
        shapes={name: tuple(shape) for name, shape in told["shapes"].items()},
        start=dict(zip([state[one] for one in start["which"]], _digests(start["digests"]), strict=True)),
        steps=[
            _taken(_unpacked(one), loss, names, state) for one, loss in zip(told["steps"], losses, strict=True)
        ],
    )  # fmt: skip


def _step(step: RecordedStep, names: list[Name], state: list[str]) -> dict[str, np.ndarray]:
    """Return a step as arrays; cells one after another, those of a tensor told apart by their counts."""
    cells = list(step.state.values())
    values = {f"values/{state.index(name)}": one.values for name, one in step.state.items() if one.values is not None}
    steps = [np.diff(one.places.astype(np.int64), prepend=0) for one in cells]
    return {
        "digests": _rows(list(step.digests.values())),
        "which": _which(names, step.digests),
        "errors": np.array([step.errors.get(name, np.nan) for name in [*step.digests, LOSS]], np.float32),
        "cells": _which(state, step.state),
        "widths": np.array([one.width for one in cells], np.float64),
        "upward": np.array([one.upward for one in cells], np.uint8),
        "checksums": np.array([one.checksum for one in cells], np.uint32),
        "counts": np.array([len(one.places) for one in cells], np.uint32),
        "places": np.concatenate([*steps, np.zeros(0, np.int64)]).astype(np.uint32),
        "above": np.packbits(np.concatenate([*(one.above for one in cells), np.zeros(0, bool)])),
        **values,
    }


def _taken(arrays: Mapping[str, np.ndarray], loss: float, names: list[Name], state: list[str]) -> RecordedStep:
    told = [names[one] for one in arrays["which"]]
    errors = dict(zip([*told, LOSS], map(float, arrays["errors"]), strict=True))
    counts, above = arrays["counts"], np.unpackbits(arrays["above"])[: len(arrays["places"])].astype(bool)
    ends = np.cumsum(counts)[:-1]
    found = {}
    for number, (one, places, sides) in enumerate(
        zip(arrays["cells"], np.split(arrays["places"], ends), np.split(above, ends), strict=True)
    ):
        found[state[one]] = Cells(
            width=float(arrays["widths"][number]), upward=bool(arrays["upward"][number]),
            places=np.cumsum(places, dtype=np.int64).astype(np.uint32), above=sides,
            values=arrays.get(f"values/{one}"), checksum=int(arrays["checksums"][number]),
        )  # fmt: skip
    return RecordedStep(
        loss=loss, digests=dict(zip(told, _digests(arrays["digests"]), strict=True)),
        errors={name: error for name, error in errors.items() if not np.isnan(error)}, state=found,
    )  # fmt: skip


def _which(every: list[Any], some: Mapping[Any, Any]) -> np.ndarray:
    places = {name: index for index, name in enumerate(every)}
    return np.array([places[name] for name in some], np.uint32)


def _rows(digests: list[np.ndarray]) -> np.ndarray:
    """Return digests as rows of numbers."""
    packed = np.array(digests, RECORD).reshape(-1)
    return np.column_stack([packed["norm"], packed["projections"]]).reshape(-1, NUMBERS)


def _digests(rows: np.ndarray) -> np.ndarray:
    found = np.zeros(len(rows), RECORD)
    found["norm"], found["projections"] = rows[:, 0], rows[:, 1:]
    return found


def _packed(arrays: dict[str, np.ndarray]) -> str:
    from safetensors.numpy import save

    block = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    return base64.b64encode(zlib.compress(block, 9)).decode()


def _unpacked(text: str) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(zlib.decompress(base64.b64decode(text, validate=True)))
    except SafetensorError as error:
        raise ValueError(str(error)) from None
