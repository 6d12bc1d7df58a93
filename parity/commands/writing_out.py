"""``parity compile``: a program, and what it needs to run on its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from parity.compile import compile_side
from parity.frameworks import frameworks
from parity.prepare.forms import dataset_of
from parity.prepare.options import Options, check_fit, must_be, prepare
from parity.run.epochs import counted
from parity.run.weights_file import write_weights
from parity.spec.resolve import Resolved
from parity.spec.sections import Spec
from parity.spec.targets import settled


def program_source(
    spec: Spec,
    name: str | None,
    framework: str | None,
    data: str | None,
    save_data: Path | None,
    save_weights: Path | None,
    precision: str,
    file: Path | None = None,
) -> str:
    """Return the source of a side's program, and write the files it reads.

    Args:
        spec: the spec.
        name: of the side, the first if None.
        framework: to compile for, the side's own if None.
        data: another source, or the file to read it from.
        save_data: file for the rows, as ``X`` and ``y``, before any preprocessing.
        save_weights: file for the initial weights, canonical layout.
        precision: of the weights.
        file: that the source will stand in; the program says how to call it.

    Raises:
        UsageError: for a side or framework that is not there.
        DataError: when the data are missing or do not fit.
    """
    sides = prepare(spec, Options(data=data))
    names = [side.name for side in sides]
    if name is not None:
        must_be("--side", name, "side", names)
    side = sides[names.index(name)] if name is not None else sides[0]
    if framework is not None:
        must_be("--framework", framework, "framework", frameworks())
        # A side that is called as its framework is, is called as the new one.
        name = framework if side.name == side.framework else side.name
        side = replace(side, framework=framework, name=name)
    dataset = dataset_of(side, data)
    check_fit(side, dataset)
    side = counted(settled(side, dataset.target, dataset.classes is not None), len(dataset.x))
    if save_data is not None:
        import numpy as np

        arrays: Any = dataset.raw
        np.savez_compressed(save_data, **arrays)
    if save_weights is not None:
        _save_weights(side, save_weights, precision)
    return compile_side(
        side, name=spec.name, question=spec.question, **dataset.stored, file_name=None if file is None else file.name
    ).source


def _save_weights(side: Resolved, file: Path, precision: str) -> None:
    from parity.run.initial import initial_weight

    write_weights(file, {name: initial_weight(side, name) for name in side.parameters()}, precision)
