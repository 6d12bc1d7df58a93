"""Traces: the digests of every tensor of every step of a free run, in a columnar file (Parquet).

Written in row groups while the run goes on, so that memory does not grow with the number of steps; a row takes 136
bytes of digest, and next to nothing for step and name. A file has its own checksum in its footer, and is verified
before it is believed.
"""

from __future__ import annotations

import hashlib
import mmap
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from parity.atomic import whole
from parity.run.digest import PROJECTIONS, RECORD

GROUP = 4096
"""Rows gathered before they are written: about half a megabyte."""

CHECKSUM = "parity.sha256"
"""Key of the footer under which the SHA-256 of the whole file stands, taken with zeros in its own place."""

EMPTY = "0" * 64

BLOCK = 1 << 20
"""Bytes hashed at once."""


class DamagedError(ValueError):
    """A trace is not what was written."""


class TraceWriter:
    """Writes a trace; the file appears under its name once it is whole.

    Args:
        file: to write.
    """

    def __init__(self, file: Path) -> None:
        import pyarrow as pa

        self._stack = ExitStack()
        self._sink = self._stack.enter_context(whole(file))
        self._schema = pa.schema(
            {
                "step": pa.int32(),
                "phase": pa.dictionary(pa.int8(), pa.string()),
                "tensor": pa.dictionary(pa.int16(), pa.string()),
                "norm": pa.float64(),
                "projections": pa.list_(pa.float64(), PROJECTIONS),
            }
        )
        import pyarrow.parquet as pq

        # Random signs leave nothing to compress; step and names are repeated, and shrink to bits.
        self._writer = pq.ParquetWriter(self._sink, self._schema, compression="none",
                                        use_dictionary=["step", "phase", "tensor"])  # fmt: skip
        self._names: list[tuple[str, str]] = []
        self._steps: list[int] = []
        self._rows: list[tuple[list[tuple[str, str]], np.ndarray]] = []
        self._waiting = 0

    def add(self, told: Sequence[Mapping[str, Any]]) -> None:
        """Take what a worker tells: for each step its number, its digests and, where they changed, their names."""
        for one in told:
            if "names" in one:
                self._names = [(phase, tensor) for phase, tensor in one["names"]]
            records = np.frombuffer(one["digests"], RECORD)
            self._rows.append((self._names, records))
            self._steps.append(one["step"])
            self._waiting += len(records)
            if self._waiting >= GROUP:
                self._write()

    def _write(self) -> None:
        import pyarrow as pa

        if not self._rows:
            return
        records = np.concatenate([records for _, records in self._rows])
        steps = np.repeat(np.array(self._steps, np.int32), [len(records) for _, records in self._rows])
        names = [name for names, _ in self._rows for name in names]
        projections = pa.FixedSizeListArray.from_arrays(
            pa.array(np.ascontiguousarray(records["projections"]).reshape(-1)), PROJECTIONS
        )
        columns = [
            pa.array(steps),
            pa.array([phase for phase, _ in names]).dictionary_encode().cast(self._schema.field("phase").type),
            pa.array([tensor for _, tensor in names]).dictionary_encode().cast(self._schema.field("tensor").type),
            pa.array(np.ascontiguousarray(records["norm"])),
            projections,
        ]
        self._writer.write_table(pa.Table.from_arrays(columns, schema=self._schema))
        self._rows, self._steps, self._waiting = [], [], 0

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file, or leave none where the run failed."""
        try:
            if error is None:
                self._write()
                self._writer.add_key_value_metadata({CHECKSUM: EMPTY})
            self._writer.close()
            if error is None:
                self._sink.flush()
                with mmap.mmap(self._sink.fileno(), 0) as content:
                    place, checksum = _checksum(content)
                    content[place : place + len(checksum)] = checksum
        except BaseException as failed:
            self._stack.__exit__(type(failed), failed, failed.__traceback__)
            raise
        self._stack.__exit__(kind, error, trace)


def _checksum(content: mmap.mmap) -> tuple[int, bytes]:
    """Return where a file's checksum stands, and what it ought to be.

    Raises:
        DamagedError: when it has none.
    """
    key = CHECKSUM.encode() + b"\x18@"  # As Parquet writes it: between key and value stand its type and its length.
    place = content.rfind(key) + len(key)
    if place < len(key) or place + len(EMPTY) > len(content):
        raise DamagedError("it has no checksum")
    hashed = hashlib.sha256()
    with memoryview(content) as view:
        for begin, end in ((0, place), (place + len(EMPTY), len(content))):
            for start in range(begin, end, BLOCK):
                hashed.update(view[start : min(start + BLOCK, end)])
            hashed.update(b"|")
    return place, hashed.hexdigest().encode()


def verify_trace(file: Path) -> None:
    """Check that a trace is what was written.

    Args:
        file: that a :class:`TraceWriter` wrote.

    Raises:
        OSError: when there is none.
        DamagedError: when it is not.
    """
    with file.open("rb") as handle:
        try:
            content = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:  # Of nothing there is no map.
            raise DamagedError(f"{file}: it is empty") from None
        with content:
            place, checksum = _checksum(content)
            if content[place : place + len(checksum)] != checksum:
                raise DamagedError(f"{file}: its checksum does not hold")


def read_trace(file: Path) -> dict[tuple[str, str], np.ndarray]:
    """Return the digests of each (phase, tensor) of a trace, one record a step.

    Phase ``weights`` begins with the state before the first step, which has number 0; the update of step t is the
    difference of the weights' digests after t and t - 1.

    Args:
        file: that a :class:`TraceWriter` wrote.

    Raises:
        OSError: when there is none.
        DamagedError: when it is not what was written.
    """
    import pyarrow.parquet as pq

    verify_trace(file)
    table = pq.read_table(file)
    records = np.zeros(table.num_rows, RECORD)
    records["norm"] = table["norm"].to_numpy()
    flat = table["projections"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    records["projections"] = flat.reshape(-1, PROJECTIONS)
    rows: dict[tuple[str, str], list[int]] = {}
    for row, name in enumerate(zip(table["phase"].to_pylist(), table["tensor"].to_pylist(), strict=True)):
        rows.setdefault(name, []).append(row)
    return {name: records[chosen] for name, chosen in rows.items()}
