"""What a line of a program's file says of a rate: what it is made of, and which number counts steps.

Only the standard library: this module also runs inside workers.
"""

from __future__ import annotations

import ast
from collections.abc import Collection

from parity.run.loops_here import loops_around


def counts_on(tree: ast.Module, line: int, counter: str, names: Collection[str]) -> bool:
    """Return whether a number that grows by one with each step does so throughout, and is not begun again.

    One that a loop in a loop counts is, unless the outer ones' numbers are in the rate, too; one that is added to is
    where a loop sets it.

    Args:
        tree: of the file.
        line: that sets the rate.
        counter: name of the number.
        names: all that the rate is made of.
    """
    loops = loops_around(tree, line)
    counted = [named_in(one.target) if isinstance(one, ast.For) else set[str]() for one in loops]
    at = next((number for number, one in enumerate(counted) if counter in one), None)
    if at is not None:
        return all(one & set(names) for one in counted[:at])
    sets = [one for one in ast.walk(tree) if isinstance(one, ast.Assign) and counter in named_in(one)]
    begun = [one for one in sets if counter not in named_in(one.value)]
    added = any(isinstance(one, ast.AugAssign) and counter in named_in(one.target) for one in ast.walk(tree))
    inside = any(one.lineno <= start.lineno <= (one.end_lineno or 0) for one in loops for start in begun)
    return (added or len(begun) < len(sets)) and not inside


def calls_at(node: ast.AST, line: int) -> list[ast.Call]:
    """Return the calls that stand in a line."""
    calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
    return [one for one in calls if one.lineno <= line <= (one.end_lineno or one.lineno)]


def called_name(call: ast.Call) -> str:
    """Return the name of what is called."""
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def given_in(function: ast.FunctionDef, call: ast.Call) -> dict[str | None, ast.expr]:
    """Return what a function is given in a call, by the names that it has for it."""
    names = [one.arg for one in function.args.args]
    first = int(isinstance(call.func, ast.Attribute) and names[:1] == ["self"])
    by_name: dict[str | None, ast.expr] = {one.arg: one.value for one in call.keywords}
    return {**dict(zip(names[first:], call.args, strict=False)), **by_name}


def named_in(node: ast.AST) -> set[str]:
    """Return the names in an expression; of an assignment, those that it assigns to."""
    nodes = node.targets if isinstance(node, ast.Assign) else [node]
    return {one.id for each in nodes for one in ast.walk(each) if isinstance(one, ast.Name)}


def scope_of(tree: ast.Module, line: int) -> ast.AST:
    """Return the innermost function that a line stands in, or the module."""
    functions = [
        node for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]  # fmt: skip
    return max(functions, key=lambda one: one.lineno, default=tree)


def followed(value: ast.expr, name: str, scope: ast.AST, line: int) -> ast.expr | None:
    """Return an expression with what a name was last assigned in its place."""
    found = [node for node in ast.walk(scope) if isinstance(node, ast.Assign) and node.lineno < line
             and [one.id for one in node.targets if isinstance(one, ast.Name)] == [name]]  # fmt: skip
    if not found:
        return None
    put = max(found, key=lambda one: one.lineno).value

    class Put(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return put if node.id == name else node

    return ast.fix_missing_locations(Put().visit(ast.parse(ast.unparse(value), mode="eval").body))
