"""What a golden holds: of each side its config, versions and machine, and what it computed in each recorded step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parity.goldens.grid import Cells

Name = tuple[str, str]
"""Phase and tensor."""


@dataclass(frozen=True, kw_only=True)
class RecordedStep:
    """What a side computed in one step; it stands in the place of a step that is taken.

    Args:
        loss: of the step.
        digests: by phase and tensor, in the order in which the step computes them.
        errors: rounding error of each, as it was measured on that side in that step; that of the loss among them.
        state: how the state before the step is made again, by the names under which a worker publishes it.
    """

    loss: float
    digests: Mapping[Name, np.ndarray]
    errors: Mapping[Name, float]
    state: Mapping[str, Cells]


@dataclass(frozen=True, kw_only=True)
class RecordedSide:
    """A side as it was recorded.

    Args:
        framework: its name.
        versions: of the framework's packages, NumPy and Python.
        machine: what decides rounding beside them.
        config: resolved, as plain data, every field said.
        origins: where its values came from.
        native: the framework's own defaults of the entries in the config, by ``family.entry.field``, where they act.
        data: fingerprint of the rows.
        program: fingerprint of a program written by hand, empty for a compiled one.
        shapes: of the parameters.
        start: digests of the state before the first step, by its names.
        steps: in order, from the first on.
        note: why there are fewer steps than were asked for, empty where there are not.
    """

    framework: str
    versions: Mapping[str, str]
    machine: Mapping[str, str]
    config: Mapping[str, Any]
    origins: Mapping[str, str]
    native: Mapping[str, Any]
    data: str
    program: str
    shapes: Mapping[str, tuple[int, ...]]
    start: Mapping[str, np.ndarray]
    steps: Sequence[RecordedStep]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Golden:
    """What a later run of a spec is held against.

    Args:
        spec: name of the spec.
        sides: by name.
        test: id of the test that it belongs to, empty where it belongs to none.
        parity: version that wrote it.
    """

    spec: str
    sides: Mapping[str, RecordedSide]
    test: str = ""
    parity: str = field(default="")
