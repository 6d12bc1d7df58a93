"""Whether a number is how many rows a batch has, by the expression that a program is at."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from parity.run.rows_here import by_rows_here


class Batch:
    """Rows, as a tensor has them."""

    shape = (8, 3)

    def __len__(self) -> int:
        return 8

    def size(self, axis: int | None = None) -> Any:
        return self.shape if axis is None else self.shape[axis]


class Loss:
    """What asks, where it is divided or multiplied, whether that is by rows."""

    def __init__(self) -> None:
        self.said: list[bool] = []

    def ask(self, other: Any) -> Loss:
        frame = sys._getframe(1)
        self.said.append(by_rows_here(frame, lambda one: isinstance(one, Batch)))
        return self

    __truediv__ = __mul__ = __rmul__ = __itruediv__ = div = ask


PROGRAM = """
def train(loss, x, batch_size=8):
    {before}
    {line}
    return loss.said

class Trainer:
    def step(self, loss, x):
        self.x = x
        return (loss / len(self.x)).said
"""


def program(folder: Path, line: str = "pass", before: str = "pass") -> dict[str, Any]:
    """Return the names of a program, of which no two are one file."""
    file = folder / f"program_{len(list(folder.iterdir()))}.py"
    file.write_text(PROGRAM.format(before=before, line=line))
    scope: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), scope)
    return scope


def said(folder: Path, line: str, before: str = "pass") -> list[bool]:
    return list(program(folder, line, before)["train"](Loss(), Batch()))


@pytest.mark.parametrize(("line", "before"), [
    ("loss / len(x)", "pass"), ("len(x) * loss", "pass"), ("loss / x.size(0)", "pass"),
    ("loss / x.shape[0]", "pass"), ("loss / float(len(x))", "pass"), ("loss / x.size()[0]", "pass"),
    ("loss.div(len(x))", "pass"), ("loss /= len(x)", "pass"), ("loss / n", "n = len(x)"),
    ("loss / n", "n, width = x.shape"), ("loss / n", "n, width = x.size()"), ("loss / n", "m = x.size(0); n = m"),
])  # fmt: skip
def test_the_rows_of_a_batch_are_told_by_the_expression(tmp_path: Path, line: str, before: str) -> None:
    assert said(tmp_path, line, before) == [True]


@pytest.mark.parametrize(("line", "before"), [
    ("loss / 8", "pass"), ("loss / batch_size", "pass"), ("loss / len([1] * 8)", "pass"), ("loss / x.size(1)", "pass"),
    ("loss / x.shape[1]", "pass"), ("loss / n", "n = 8"), ("loss / n", "width, n = 3, 8"),
    ("loss / n", "x.n, n = x.shape"),
    ("loss / n", "n = len(x); n += 1"), ("loss / unknown", "unknown = globals().get('n', 8)"),
    ("loss / (len(x) + 1)", "pass"),
])  # fmt: skip
def test_any_other_number_is_no_number_of_rows(tmp_path: Path, line: str, before: str) -> None:
    assert said(tmp_path, line, before) == [False]


def test_each_operation_of_a_line_is_told_by_itself(tmp_path: Path) -> None:
    assert said(tmp_path, "loss * len(x) / 8") == [True, False]
    assert said(tmp_path, "loss / (8 if x is None else len(x))") == [False]


def test_a_batch_may_be_kept_by_an_object(tmp_path: Path) -> None:
    assert program(tmp_path)["Trainer"]().step(Loss(), Batch()) == [True]


def test_what_cannot_be_parsed_says_nothing(tmp_path: Path) -> None:
    code = compile("loss / len(x)", str(tmp_path / "gone.py"), "exec")
    (tmp_path / "gone.py").write_text("def (:")
    loss = Loss()
    exec(code, {"loss": loss, "x": Batch()})
    assert loss.said == [False]
