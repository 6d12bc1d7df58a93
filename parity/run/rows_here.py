"""Whether a number that a program under way multiplies or divides by is how many rows its batch has.

``loss / len(xb)`` and ``loss / 32`` are one in a batch of 32 rows, and two in the last batch of an epoch. What is
computed does not show it; the source does. Only the standard library: this module also runs inside workers.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from types import FrameType
from typing import Any

from parity.run.here import Span, span_of, tree_of

DEPTH = 4
"""Names that are followed to what they were given: ``n = len(xb)``."""

NAMED = (ast.Expression, ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.Load)
"""What a tensor may be called by, to be asked for it."""


def by_rows_here(frame: FrameType, is_batch: Callable[[Any], bool]) -> bool:
    """Return whether an operation that a program is at takes the number of rows of its batch.

    Args:
        frame: of the program; where it does not say at which of its operations it is, the answer is no.
        is_batch: whether something is a tensor of as many rows.
    """
    span = span_of(frame)
    node = _nodes(tree_of(frame)).get(span) if span is not None else None
    if isinstance(node, ast.BinOp):
        operands = [node.left, node.right]
    elif isinstance(node, ast.AugAssign):
        operands = [node.value]
    elif isinstance(node, ast.Call):
        operands = list(node.args)
    else:
        return False
    return sum(_counts(one, frame, is_batch, DEPTH) for one in operands) == 1


@lru_cache(maxsize=8)
def _nodes(tree: ast.Module) -> dict[Span, ast.AST]:
    """Return the operations and calls of a file by where they stand, as its compiled code says it."""
    return {
        (one.lineno, one.end_lineno, one.col_offset, one.end_col_offset): one
        for one in ast.walk(tree) if isinstance(one, ast.BinOp | ast.AugAssign | ast.Call)
    }  # fmt: skip


def _counts(node: ast.expr, frame: FrameType, is_batch: Callable[[Any], bool], depth: int) -> bool:
    """Return whether an expression is the number of rows of a batch."""
    if isinstance(node, ast.Name):
        given = list(_given(node.id, frame)) if depth else []
        return bool(given) and all(one is not None and _counts(one, frame, is_batch, depth - 1) for one in given)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
        if node.func.id in ("float", "int"):
            return _counts(node.args[0], frame, is_batch, depth)
        return node.func.id == "len" and _is_batch(node.args[0], frame, is_batch)
    of: ast.expr | None = None
    if isinstance(node, ast.Call) and _called(node, "size") and [_number(one) for one in node.args] == [0]:
        of = node.func
    elif isinstance(node, ast.Subscript) and _number(node.slice) == 0:
        shape = node.value
        of = shape.func if isinstance(shape, ast.Call) and _called(shape, "size") and not shape.args else shape
        of = of if isinstance(of, ast.Attribute) and of.attr in ("shape", "size") else None
    return isinstance(of, ast.Attribute) and _is_batch(of.value, frame, is_batch)


def _called(node: ast.Call, method: str) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr == method


def _number(node: ast.expr) -> Any:
    return node.value if isinstance(node, ast.Constant) else None


def _is_batch(node: ast.expr, frame: FrameType, is_batch: Callable[[Any], bool]) -> bool:
    """Return whether what an expression names is a batch; what it would take a call to know is none."""
    if not all(isinstance(one, NAMED) for one in ast.walk(node)):
        return False
    with contextlib.suppress(Exception):  # Whatever the names are by now.
        value = eval(compile(ast.Expression(node), "<rows>", "eval"), frame.f_globals, frame.f_locals)
        return is_batch(value)
    return False


def _given(name: str, frame: FrameType) -> Iterator[ast.expr | None]:
    """Give what a function gives to one of its names, line by line; None for what is none of its own expressions."""
    for node in ast.walk(_function(frame)):
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            if isinstance(target, ast.Name) and target.id == name:
                yield node.value  # type: ignore[attr-defined]
            elif isinstance(target, ast.Tuple):
                inside = [one.id if isinstance(one, ast.Name) else "" for one in target.elts]
                if name in inside:
                    yield _part(node.value, inside.index(name))  # type: ignore[attr-defined]
        more = isinstance(node, ast.AugAssign | ast.AnnAssign | ast.For | ast.NamedExpr | ast.comprehension)
        if more and name in {one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)}:  # type: ignore[attr-defined]
            yield None


def _part(value: ast.expr, number: int) -> ast.expr | None:
    """Return an element of what is taken apart: the first one of a shape is the rows."""
    if isinstance(value, ast.Tuple):
        return value.elts[number] if number < len(value.elts) else None
    shape = value.func if isinstance(value, ast.Call) and _called(value, "size") and not value.args else value
    if number == 0 and isinstance(shape, ast.Attribute) and shape.attr in ("shape", "size"):
        return ast.Subscript(value=value, slice=ast.Constant(0), ctx=ast.Load())
    return None


def _function(frame: FrameType) -> ast.AST:
    """Return the function that is under way; the file where that is none."""
    code, tree = frame.f_code, tree_of(frame)
    for one in ast.walk(tree):
        if isinstance(one, ast.FunctionDef) and one.name == code.co_name:
            first = min([one.lineno, *(each.lineno for each in one.decorator_list)])
            if first == code.co_firstlineno:
                return one
    return tree
