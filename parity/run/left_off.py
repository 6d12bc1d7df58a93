"""A program's outermost loop that turns training off in its body, and never on again.

Only the standard library: this module also runs inside workers.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Sequence
from types import FrameType

from parity.run.loops_here import loops_in


def left_off(frames: Iterable[FrameType], off: str, on: str) -> str:
    """Return the line of a method that turns training off in a loop in which nothing turns it on again.

    The loop is the outermost that a program under way stands in. What it calls of the same file belongs to it; where it
    calls what stands in another file of the program's, that may turn it on, and nothing is said.

    Args:
        frames: of the program, the innermost first.
        off: the method that does, ``eval``.
        on: the method that turns it on again, ``train``.

    Returns:
        ``train.py, line 12``; empty where there is no such.
    """
    for frame in reversed(list(frames)):
        if not getattr(frame, "f_code", None):
            continue
        file = frame.f_code.co_filename
        tree, inside = loops_in(frame)
        if inside:
            calls = list(_calls(inside[0].body, tree))
            methods = {one.func.attr: one for one in calls if isinstance(one.func, ast.Attribute)}
            if off not in methods or on in methods or _elsewhere(calls, tree, os.path.dirname(file)):
                return ""
            return f"{os.path.basename(file)}, line {methods[off].lineno}"
    return ""


def _calls(body: Sequence[ast.AST], tree: ast.Module) -> Iterator[ast.Call]:
    """Yield the calls in a body, and those in the functions of the file that it calls."""
    functions = {one.name: one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
    waiting, met = list(body), set[str]()
    while waiting:
        for node in ast.walk(waiting.pop()):
            if not isinstance(node, ast.Call):
                continue
            yield node
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in functions and name not in met:
                met.add(name)
                waiting += functions[name].body


def _elsewhere(calls: Sequence[ast.Call], tree: ast.Module, folder: str) -> bool:
    """Return whether a function is called that stands in another file of the program's."""
    own = {one.partition(".")[0] for one in os.listdir(folder or ".")}
    names = {
        (alias.asname or alias.name).partition(".")[0]
        for one in ast.walk(tree) if isinstance(one, ast.Import | ast.ImportFrom)
        for alias in one.names
        if (one.module or "" if isinstance(one, ast.ImportFrom) else alias.name).partition(".")[0] in own
        or (isinstance(one, ast.ImportFrom) and one.level)
    }  # fmt: skip
    roots = {node.id for call in calls for node in ast.walk(call.func) if isinstance(node, ast.Name)}
    return bool(names & roots)
