"""What tests of reading share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from helpers_commands import lender

from parity.commands.live_weights import live_weights
from parity.commands.progress import silent
from parity.commands.read import PROGRAM, Proof, proof_of, with_program, write_rows
from parity.errors import ParityError
from parity.reading.asking import asked_in, program_of
from parity.reading.layers_of import layers_of
from parity.reading.whole import ReadProgram, read_told
from parity.run.initial import initial_weight
from parity.run.told import Told
from parity.run.weights_file import write_weights

if TYPE_CHECKING:
    from parity.run.session import Session
    from parity.spec.resolve import Resolved

LOADED = "load_weights(model, 'init.safetensors')"
"""A line that lets a compiled program start from the file beside it."""


def weights_apart(reading: ReadProgram, side: Resolved, text: str, folder: Path) -> list[str]:
    """Return the tensors that a program begins with otherwise than its spec says, or that are no tensors of both.

    Args:
        reading: of the program, as it draws its weights itself.
        side: that it was compiled from.
        text: of the program, which loads its weights.
        folder: of the program.
    """
    started = {name: initial_weight(side, name).astype("float32") for name in side.parameters()}
    write_weights(folder / "init.safetensors", started)
    program = folder / "loaded.py"
    program.write_text(text)
    rows = folder / "of_reading.npz"
    write_rows(rows, reading.arrays)
    spec = with_program(reading, rows, program_of(str(program)), folder, {PROGRAM: None})
    with lender():
        back = live_weights(spec, folder / "work", 300.0)[PROGRAM].values
    both = started.keys() & back.keys()
    return sorted(
        {*(started.keys() ^ back.keys()), *(one for one in both if not np.array_equal(started[one], back[one]))}
    )


def differing(a: Any, b: Any, path: str = "") -> list[str]:
    """Return the paths at which plain data differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [one for key in {**a, **b} for one in differing(a.get(key), b.get(key), f"{path}.{key}".lstrip("."))]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [one for n, (x, y) in enumerate(zip(a, b, strict=True)) for one in differing(x, y, f"{path}.{n}")]
    return [] if a == b else [path]


def kept_and_refused(told: Told) -> tuple[list[str], list[str]]:
    """Return what of a program is opaque, its layers first, and what is not even that, by how each line begins."""
    kept, refused = [one["opaque"]["what"] for one in layers_of(told).layers if "opaque" in one], list[str]()
    try:
        loss = read_told(told, {}, name="program", source="blobs").spec["loss"]
        kept += [loss["opaque"]["what"]] if "opaque" in loss else []
    except ParityError as error:
        lines = [one.partition(": ")[2] if one.startswith("train.py") else one for one in str(error).split("\n")]
        refused = [one.partition(" is not read")[0] for one in lines]
    return kept, refused


def read_and_held(session: Session, text: str, folder: Path) -> tuple[ReadProgram, Proof]:
    """Return what a program is read as, and what the lockstep with what it compiles to says of that.

    Args:
        session: that runs it.
        text: of the program.
        folder: for it.
    """
    file = folder / "train.py"
    file.write_text(text)
    program = program_of(str(file))
    told, arrays = asked_in(session, program)
    reading = read_told(told, arrays, name="train", source="train.npz")
    write_rows(folder / "train.npz", reading.arrays)
    with lender():
        return reading, proof_of(reading, folder / "train.npz", program, 300.0, silent)
