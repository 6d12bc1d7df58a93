"""One worker that runs the programs of all tests of reading: a fork, as frameworks take seconds to import."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers_commands import lender
from helpers_forked import interpreter

from parity.reading.asking import asked_in, program_of
from parity.reading.whole import ReadProgram, read_told
from parity.run.session import Session

Read = Callable[..., ReadProgram]


@pytest.fixture(scope="session")
def session() -> Iterator[Session]:
    with Session("reading", interpreter("keras"), timeout=300.0) as found:
        yield found


@pytest.fixture(autouse=True)
def lent() -> Iterator[None]:
    """Workers that stay, for whatever reads, proves or compares programs in this process."""
    with lender():
        yield


@pytest.fixture
def read_text(session: Session, tmp_path: Path) -> Read:
    """Return what reads a program of a text."""

    def read(text: str, *arguments: str, name: str = "train.py", **said: object) -> ReadProgram:
        file = tmp_path / name
        file.write_text(text)
        told, arrays = asked_in(session, program_of(str(file), arguments))
        return read_told(told, arrays, name="train", source="train.npz", said=said)

    return read
