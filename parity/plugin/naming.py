"""Where a test's golden is: beside the test, named from its id."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

FOLDER = "goldens"
"""Beside the tests, with a folder for each file of them."""

ENDING = ".golden.json"


def golden_path(file: Path, nodeid: str, number: int = 1) -> Path:
    """Return the file of a test's golden.

    Args:
        file: that the test stands in.
        nodeid: of the test.
        number: of the check in the test, counted from 1.
    """
    return file.parent / FOLDER / file.stem / f"{named(nodeid)}{f'.{number}' if number > 1 else ''}{ENDING}"


def named(nodeid: str) -> str:
    """Return a test's name as one of a file; what no file can be called is told by a hash.

    >>> named("tests/test_models.py::TestDense::test_fit[relu-8]")
    'TestDense.test_fit-relu-8'
    >>> named("test_models.py::test_fit[a b]")
    'test_fit-a-b-25f43ce3'
    """
    name, bracket, parameters = nodeid.partition("::")[2].partition("[")
    parts, inside = name.replace("::", "."), parameters.removesuffix("]")
    found = re.sub(r"[^\w.-]+", "-", f"{parts}{f'-{inside}' if bracket else ''}").strip("-")[:120]
    plain = found == f"{parts}{f'-{inside}' if bracket else ''}"
    return found if plain else f"{found}-{hashlib.sha256(nodeid.partition('::')[2].encode()).hexdigest()[:8]}"


def short_id(nodeid: str) -> str:
    """Return a test's id from its file on, wherever tests are run from.

    >>> short_id("tests/test_models.py::test_fit")
    'test_models.py::test_fit'
    """
    file, mark, rest = nodeid.partition("::")
    return f"{Path(file).name}{mark}{rest}"
