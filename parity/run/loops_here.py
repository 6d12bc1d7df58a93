"""The loops that a program under way stands in, and what they say of how long it trains.

Only the standard library: this module also runs inside workers.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterable, Sequence
from types import FrameType
from typing import Any

from parity.run.here import span_of, tree_of

COUNTED = ("range", "trange")
"""Functions that say how often a loop over them runs."""

AROUND = ("tqdm", "enumerate", "track")
"""Functions of such a one that a loop may go through in its place."""

PLAIN = (ast.Expression, ast.Name, ast.Constant, ast.BinOp, ast.operator, ast.Attribute, ast.Load, ast.Subscript,
         ast.UnaryOp, ast.unaryop, ast.Call)  # fmt: skip
"""What an argument of such a function may be made of, to be asked what it is."""


def loops_here(frames: Iterable[FrameType], beside: str = "") -> list[int | None]:
    """Return how often the loops run that a program stands in, outermost first; None of one over anything but a range.

    Args:
        frames: of the program, the innermost first.
        beside: name of an attribute; loops over it are left out.
    """
    found: list[int | None] = []
    for frame in reversed(list(frames)):
        found += _loops(frame, beside) if getattr(frame, "f_code", None) else []  # None of a program that has ended.
    return found


def epochs_of(loops: Sequence[int | None], rows: int, size: int) -> int | None:
    """Return for how many epochs a program trains, as its loops say; None where they do not.

    One loop counts batches, the outer of two counts epochs; what the outermost of three counts nobody knows.

    Args:
        loops: as :func:`loops_here` tells them.
        rows: that there are.
        size: of a batch.
    """
    if len(loops) == 2:
        return loops[0]
    if len(loops) == 1 and loops[0] is not None and rows:
        return max(1, -(-loops[0] * size // rows))
    return None


def loops_around(tree: ast.AST, line: int) -> list[ast.For | ast.While]:
    """Return the loops in whose body a line of a file stands, outermost first.

    Args:
        tree: of the file.
        line: in it.
    """
    loops = [one for one in ast.walk(tree) if isinstance(one, ast.For | ast.While)]
    around = [one for one in loops if one.body[0].lineno <= line <= (one.end_lineno or 0)]
    return sorted(around, key=lambda one: one.lineno)


def goes_through(loop: ast.For | ast.While, name: str) -> bool:
    """Return whether a loop is one over an attribute of a name."""
    over = ast.walk(loop.iter) if isinstance(loop, ast.For) else ()
    return any(isinstance(one, ast.Attribute) and one.attr == name for one in over)


def loops_in(frame: FrameType) -> tuple[ast.Module, list[ast.For | ast.While]]:
    """Return the file of a function that is under way, and the loops in it that it stands in, outermost first."""
    tree = tree_of(frame)
    around = loops_around(tree, frame.f_lineno)
    return tree, [one for one in around if frame.f_code.co_firstlineno <= one.lineno]


def _loops(frame: FrameType, beside: str) -> list[int | None]:
    tree, inside = loops_in(frame)
    found = [_count(one, frame) for one in inside if not (beside and goes_through(one, beside))]
    # ``[step(batch) for batch in batches]`` is a loop, too; up to Python 3.11, and of a generator, a frame of its own.
    own = frame.f_code.co_name in ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
    return found + [None] * (1 if own else _comprehensions(tree, frame))


def _comprehensions(tree: ast.AST, frame: FrameType) -> int:
    """Return in how many comprehensions of a function a program stands, as far as they have no frame of their own."""
    span = span_of(frame)
    if span is None or None in span:
        return 0
    first, last, begins, ends = span
    found = [one for one in ast.walk(tree) if isinstance(one, ast.ListComp | ast.SetComp | ast.DictComp)]
    return sum(_stands_in(one, (first, begins), (last, ends)) for one in found)


def _stands_in(comprehension: Any, begins: tuple[Any, Any], ends: tuple[Any, Any]) -> bool:
    """Return whether what stands from one place to another is worked out anew for each that a comprehension takes."""
    each = [getattr(comprehension, name, None) for name in ("elt", "key", "value")]
    return any(
        (one.lineno, one.col_offset) <= begins and ends <= (one.end_lineno, one.end_col_offset)
        for one in each if one is not None
    )  # fmt: skip


def _count(loop: Any, frame: FrameType) -> int | None:
    """Return how often a loop over a range runs; None of another loop."""
    over = getattr(loop, "iter", None)
    while isinstance(over, ast.Call) and _called(over) in AROUND and over.args:
        over = over.args[0]
    if not (isinstance(over, ast.Call) and _called(over) in COUNTED):
        return None
    with contextlib.suppress(Exception):  # Whatever the names are by now.
        numbers = []
        for argument in over.args:
            called = {one.func for one in ast.walk(argument) if isinstance(one, ast.Call)}
            sized = all(isinstance(one, ast.Name) and one.id in ("len", "int") for one in called)
            if not sized or not all(isinstance(one, PLAIN) for one in ast.walk(argument)):
                return None
            expression = compile(ast.Expression(argument), "<loop>", "eval")
            numbers.append(int(eval(expression, frame.f_globals, frame.f_locals)))
        return len(range(*numbers))
    return None


def _called(call: ast.Call) -> str:
    """Return the name of what is called, ``tqdm`` of ``tqdm.tqdm(...)``, too."""
    name = call.func
    return name.id if isinstance(name, ast.Name) else name.attr if isinstance(name, ast.Attribute) else ""
