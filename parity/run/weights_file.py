"""Files of initial weights (safetensors): what is in them, whether a model can start from it, and how they are written.

Such a file begins with the length of a table in JSON, eight bytes, then has the table (of each tensor its type, its
shape and where it lies), then the numbers. The table is read with the standard library, so that a spec is checked
before anything heavy is imported.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parity.atomic import whole
from parity.errors import DataError, did_you_mean
from parity.lazy import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from parity.spec.resolve import Resolved

SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
"""Types that weights may have, as the format calls them, and their bytes."""

LARGEST_TABLE = 100_000_000
"""Bytes; the format allows no more."""

MOST_FAULTS = 20
"""Lines that are told of one file; of another model's nearly every tensor is one."""

MADE_BY = "parity read --weights live and parity compile --save-weights write one"


@dataclass(frozen=True, kw_only=True)
class StoredTensor:
    """One tensor of a file: its type, its shape, and where its bytes begin and end in the file."""

    kind: str
    shape: tuple[int, ...]
    begin: int
    end: int


def stored(file: str | Path) -> Mapping[str, StoredTensor]:
    """Return the tensors of a file, by name.

    Args:
        file: its path.

    Raises:
        DataError: when there is no such file, or it is none of this kind.
    """
    try:
        state = Path(file).stat()
        return _stored(str(file), (state.st_mtime_ns, state.st_ino), state.st_size)
    except OSError as error:
        there = "this is a folder" if Path(file).is_dir() else error.strerror or "it cannot be read"
        raise DataError(f"{file}: {there}; expected a .safetensors file; {MADE_BY}") from None


@cache
def _stored(file: str, changed: tuple[int, int], size: int) -> Mapping[str, StoredTensor]:
    del changed  # A file that was written anew is read anew.
    wrong = DataError(f"{file}: this is no .safetensors file, or a part of one; {MADE_BY}")
    with open(file, "rb") as handle:
        length = int.from_bytes(handle.read(8), "little")
        if size < 8 or not 2 <= length <= min(LARGEST_TABLE, size - 8):
            raise wrong
        text = handle.read(length)
    found = {}
    try:
        for name, one in json.loads(text).items():
            if name != "__metadata__":
                begin, end = (8 + length + int(place) for place in one["data_offsets"])
                shape = tuple(int(axis) for axis in one["shape"])
                found[name] = StoredTensor(kind=str(one["dtype"]), shape=shape, begin=begin, end=end)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise wrong from None
    for one in found.values():
        bytes_each = SIZES.get(one.kind)
        fits = bytes_each is None or one.end - one.begin == bytes_each * math.prod(one.shape)
        if not (fits and 8 + length <= one.begin <= one.end <= size and all(axis >= 0 for axis in one.shape)):
            raise wrong
    return found


def tensor_of(file: str | Path, name: str) -> NDArray[np.float64]:
    """Return one tensor of a file in float64.

    Raises:
        DataError: when the file has changed since it was checked, and has no such tensor any more.
    """
    one = stored(file).get(name)
    if one is None or one.kind not in SIZES:
        raise DataError(f"{file}: {name} is not in it any more; leave the file alone while it is used")
    with open(file, "rb") as handle:
        handle.seek(one.begin)
        data = handle.read(one.end - one.begin)
    if one.kind == "BF16":  # The upper half of a float32.
        values = (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
    else:
        values = np.frombuffer(data, f"<f{SIZES[one.kind]}")
    return np.ascontiguousarray(values.reshape(one.shape), dtype=np.float64)


def digest_of(file: str | Path) -> str:
    """Return the SHA-256 of a file; the same one is read once."""
    state = Path(file).stat()
    return _digest(str(file), (state.st_mtime_ns, state.st_ino), state.st_size)


@cache
def _digest(file: str, changed: tuple[int, int], size: int) -> str:
    del changed, size
    with open(file, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_weights(file: Path, values: Mapping[str, Any], kind: str = "float32") -> None:
    """Write tensors to a file, whole at every moment.

    Args:
        file: to write.
        values: canonical tensor to its value, kernels as [..., in, out].
        kind: type of the numbers.
    """
    from safetensors.numpy import save

    # In C order: safetensors writes the memory as it lies.
    content = save({name: np.ascontiguousarray(value, dtype=kind) for name, value in values.items()})
    with whole(file) as handle:
        handle.write(content)


def check_weights(sides: Iterable[Resolved]) -> None:
    """Check that sides can start from the files that they name.

    Args:
        sides: resolved.

    Raises:
        DataError: with everything that is wrong with each file, a line each.
    """
    found: dict[str, list[str]] = {}
    for side in sides:
        for fault in _faults_of(side):
            found.setdefault(fault, []).append(side.name)
    if found:
        lines = [f"side{'s' if len(names) > 1 else ''} {', '.join(names)}: {one}" for one, names in found.items()]
        more = len(lines) - MOST_FAULTS
        raise DataError("\n".join([*lines[:MOST_FAULTS], *([f"and {more} faults more"] if more > 0 else [])]))


def check_fitting(side: Resolved) -> None:
    """Check that a mixture of sides can start from the file that it has: it has the layers of one, or of another one.

    Raises:
        DataError: with what is wrong first, and how much else.
    """
    faults = _faults_of(side)
    if faults:
        more = f" (and {len(faults) - 1} more like it)" if len(faults) > 1 else ""
        raise DataError(f"{faults[0]}{more}")


def _faults_of(side: Resolved) -> list[str]:
    """Return what is wrong with the file that a side starts from, each with what was expected."""
    file = side.config.training.initial_weights
    if file is None:
        return []
    try:
        there = stored(file)
    except DataError as error:
        return [f"training.initial_weights: {error}"]
    wanted = {name: tuple(one.shape) for name, one in side.parameters().items()}
    faults = []
    for name, shape in wanted.items():
        one = there.get(name)
        if one is None:
            near = did_you_mean(name, [other for other in there if other not in wanted])
            faults.append(f"{name} is not in it; expected shape {shape}{f'; {near}' if near else ''}")
        elif one.kind not in SIZES:
            faults.append(f"{name} is of type {one.kind}; expected {_listed(SIZES)}")
        elif one.shape != shape:
            faults.append(f"{name} has shape {one.shape}; expected {shape}, the layout is [..., in, out]")
    faults += [
        f"{name} is in it, shape {one.shape}, and the model has no such tensor; expected the tensors of the model alone"
        for name, one in there.items() if name not in wanted
    ]  # fmt: skip
    return [f"training.initial_weights: {file}: {one}" for one in faults]


def _listed(names: Sequence[str] | Mapping[str, int]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}"
