"""The cell of a recurrent layer as text: NumPy runs it, and the programs that write it out have it in their words.

It is a few assignments in ``x`` (the input at a step), the states (``h``, ``c``), the layer's parameters, and three
functions: ``act`` and ``gate``, its activations, and ``split``, which cuts the last axis into as many parts as there
are gates.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from functools import cache
from types import CodeType
from typing import Any

Calls = Mapping[str, Callable[[str], str]]
"""By function, what makes its source of that of its argument."""


@cache
def _code(text: str) -> CodeType:
    return compile("\n".join(line.strip() for line in text.strip().splitlines()), "<cell>", "exec")


def stepped(text: str, scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the names stand for behind one step, in NumPy."""
    found = dict(scope)
    exec(_code(text), {"__builtins__": {}}, found)
    return found


def worded(text: str, names: Mapping[str, str], calls: Calls) -> list[str]:
    """Return a cell as source, a line for each assignment.

    Args:
        text: the cell.
        names: what its names are written as.
        calls: what its functions are written as.
    """
    lines = "\n".join(line.strip() for line in text.strip().splitlines())
    return [ast.unparse(_Writer(names, calls).visit(node)) for node in ast.parse(lines).body]


class _Writer(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str], calls: Calls) -> None:
        self.names, self.calls = names, calls

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.parse(self.names.get(node.id, node.id), mode="eval").body

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if ast.unparse(node.func) not in self.calls:  # A function of the program's own.
            return self.generic_visit(node)
        said = self.calls[ast.unparse(node.func)](ast.unparse(self.visit(node.args[0])))
        return ast.parse(said, mode="eval").body
