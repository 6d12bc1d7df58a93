"""What a program's loop does by its count of epochs or steps, and so may do otherwise than in its first steps.

Looked for in the source of the loops that a program under way stands in: conditions on what they count that change what
is trained, and losses that go by the epoch. Only the standard library: this module also runs inside workers.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import zip_longest
from types import FrameType

from parity.run.here import tree_of
from parity.run.loops_here import loops_in
from parity.run.rate_lines import called_name, calls_at, given_in, scope_of

TRAINS = frozenset({"backward", "gradient", "apply_gradients", "apply", "minimize"})
"""Methods that gradients are taken, or applied, with."""

MOVES = TRAINS | {"step", "zero_grad"}
"""Methods of what a step is made of; that one of every few batches takes a step changes nothing of it."""

CHANGES = frozenset({
    "requires_grad_", "assign", "assign_add", "assign_sub", "set_weights", "load_state_dict", "load_weights",
    "add_param_group", "copy_", "mul_", "add_", "clamp_", "zero_", "fill_", "set_value",
})  # fmt: skip
"""Methods that change what is trained, or how."""

SETTINGS = frozenset({
    "lr", "learning_rate", "momentum", "weight_decay", "betas", "eps", "trainable", "requires_grad", "training", "data",
    "grad", "p", "rate",
})  # fmt: skip
"""Attributes and keys that do."""

DRAWN = re.compile(r"seed|rng|random|generator|shuffle|perm", re.IGNORECASE)
"""Of a call that is given a count to draw by, or to deal out rows."""


def goes_by_count(frames: Iterable[FrameType], known: Collection[str] = ()) -> list[str]:
    """Return the lines at which a loop does something by its count that its first steps do not show.

    Args:
        frames: of the program, the innermost first.
        known: lines of which it was read what they do at every count, ``train.py, line 12``: rates, say.

    Returns:
        of each ``NAME (train.py, line 12)``, in order.
    """
    found: dict[str, None] = {}
    given: set[str] = set()
    stack = [one for one in reversed(list(frames)) if getattr(one, "f_code", None)]
    for frame, below in zip_longest(stack, stack[1:]):
        tree, inside = loops_in(frame)
        function = scope_of(tree, frame.f_lineno) if given else None
        body = inside[0] if inside else function if isinstance(function, ast.FunctionDef) else None
        epochs = given | (_targets(inside[0]) if len(inside) > 1 or (inside and below is not None) else set())
        if body is not None:
            file = os.path.basename(frame.f_code.co_filename)
            lines = {
                int(line) for one in known for name, _, line in [one.partition(", line ")] if name == file and line
            }
            for name, line in _of_body(body, epochs, lines):
                found[f"{name} ({file}, line {line})"] = None
        given = set() if below is None else _handed_on(tree, frame, below, epochs)
    return list(found)


def unseen_by_count(frames: Iterable[FrameType], known: Collection[str] = ()) -> list[str]:
    """Return what :func:`goes_by_count` does as a sentence; none where nothing goes by a count."""
    lines = goes_by_count(frames, known)
    return [f"What it does by {' and '.join(lines)} is not seen: its first steps do not show it."] if lines else []


def _handed_on(tree: ast.Module, frame: FrameType, below: FrameType, counts: Collection[str]) -> set[str]:
    """Return what a function calls the counts that it is given by the one that called it."""
    function = scope_of(tree_of(below), below.f_lineno)
    calls = [one for one in calls_at(tree, frame.f_lineno) if called_name(one) == below.f_code.co_name]
    if not calls or not isinstance(function, ast.FunctionDef):
        return set()
    given = given_in(function, calls[0]).items()
    return {name for name, value in given if name and isinstance(value, ast.Name) and value.id in counts}


def _of_body(body: ast.stmt, epochs: Collection[str], known: Collection[int]) -> Iterator[tuple[str, int]]:
    """Yield what goes by a count in a loop or a function, and the line."""
    statements = [one for one in ast.walk(body) if isinstance(one, ast.stmt) and one is not body]
    loops = [one for one in ast.walk(body) if isinstance(one, ast.For)]
    counts = set(epochs) | {name for one in loops for name in _targets(one)}
    counts |= {ast.unparse(one.target) for one in statements if isinstance(one, ast.AugAssign) and _by_one(one)}
    read = {name for one in statements if one.lineno in known for name in _loaded(one)}
    every = _trained(statements, read)
    trained = every - read  # A rate that is reckoned from a count is read; not one that a condition sets.
    for one in statements:
        if isinstance(one, ast.If):
            name = _among(one.test, counts)
            kept = {each for each in every if _used_behind(each, one, statements)} if name else set()
            if name and any(_changes(inner, kept, known) for inner in _within(one)):
                yield name, one.lineno
        elif not isinstance(one, ast.For | ast.While | ast.With | ast.Try) and _changes(one, trained, known):
            name = _reckoned(one, epochs, counts)
            if name:
                yield name, one.lineno


def _used_behind(name: str, block: ast.If, statements: Sequence[ast.stmt]) -> bool:
    """Return whether a name is used behind a block, there or the next time round, ahead of being set anew.

    What an evaluation calls ``outputs`` and ``loss`` is not.
    """
    inside = set(map(id, ast.walk(block)))
    simple = [one for one in statements if not hasattr(one, "body") and id(one) not in inside]
    simple += [one for one in statements if isinstance(one, ast.For) and id(one) not in inside]
    order = sorted(simple, key=lambda one: (one.lineno <= block.lineno, one.lineno))
    for one in order:
        shown = one.iter if isinstance(one, ast.For) else one
        if any(
            isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
            for node in ast.walk(shown)
        ):
            return True
        target = one.target if isinstance(one, ast.For | ast.AugAssign) else None
        if isinstance(one, ast.AugAssign) and isinstance(target, ast.Name) and target.id == name:
            return True
        if any(
            isinstance(node, ast.Name) and node.id == name for node in ast.walk(target if target is not None else one)
        ):
            return False
    return False


def _by_one(one: ast.AugAssign) -> bool:
    return isinstance(one.op, ast.Add) and isinstance(one.value, ast.Constant) and one.value.value == 1


def _targets(loop: ast.For | ast.While) -> set[str]:
    if not isinstance(loop, ast.For):
        return set()
    target = loop.target  # Of ``for step, (x, y) in enumerate(...)`` the first counts.
    over = ast.unparse(loop.iter)
    if isinstance(target, ast.Tuple):
        first = target.elts[0]
        return {first.id} if "enumerate" in over and isinstance(first, ast.Name) else set()
    return {target.id} if isinstance(target, ast.Name) and "range" in over else set()


def _trained(statements: Sequence[ast.stmt], read: Collection[str]) -> set[str]:
    """Return the names from which what is trained comes: those at gradients, and all that are assigned to these.

    Args:
        statements: of a loop.
        read: names in lines of which it was read what they do, theirs as well.
    """
    plain = [one for one in statements if isinstance(one, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Expr)]
    found = {*read, *(name for one in plain if _calls(one, MOVES) for name in _loaded(one))}
    grown = True
    while grown:
        grown = False
        for one in plain:
            assigned = _assigned(one)
            more = _loaded(one) - found if assigned & found and not assigned <= set(read) else set()
            grown = grown or bool(more)
            found |= more
    return found


def _within(one: ast.If) -> Iterator[ast.stmt]:
    for part in (*one.body, *one.orelse):
        yield from (inner for inner in ast.walk(part) if isinstance(inner, ast.stmt))


def _changes(one: ast.stmt, trained: Collection[str], known: Collection[int]) -> bool:
    """Return whether a statement changes what is trained."""
    if one.lineno in known:
        return False
    if isinstance(one, ast.Assign | ast.AugAssign | ast.AnnAssign):
        for target in one.targets if isinstance(one, ast.Assign) else [one.target]:
            key = getattr(target, "slice", None)
            if isinstance(target, ast.Attribute) and target.attr in SETTINGS:
                return True
            if isinstance(target, ast.Subscript) and isinstance(key, ast.Constant) and key.value in SETTINGS:
                return True
        return bool(_assigned(one) & set(trained))
    return isinstance(one, ast.Expr) and _calls(one, CHANGES | TRAINS)


def _reckoned(one: ast.stmt, epochs: Collection[str], counts: Collection[str]) -> str:
    """Return the count that a statement reckons with: an epoch in a sum or product, any in a condition."""
    for node in ast.walk(one):
        if isinstance(node, ast.IfExp) and (name := _among(node.test, counts)):
            return name
        if isinstance(node, ast.BinOp) and (name := _among(node, epochs)):
            drawn = any(
                isinstance(call, ast.Call) and DRAWN.search(ast.unparse(call.func)) and _among(call, epochs)
                for call in ast.walk(one)
            )
            places = any(isinstance(part, ast.Subscript) and _among(part.slice, epochs) for part in ast.walk(one))
            return "" if drawn or places else name
    return ""


def _among(node: ast.AST, names: Collection[str]) -> str:
    """Return the name of some that stands in an expression; empty where none does."""
    for one in ast.walk(node):
        if isinstance(one, ast.Name | ast.Attribute) and (name := ast.unparse(one)) in names:
            return name
    return ""


def _calls(one: ast.stmt, methods: Collection[str]) -> bool:
    return any(isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in methods
               for call in ast.walk(one))  # fmt: skip


def _loaded(one: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(one) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)} | (
        {one.target.id} if isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Name) else set()
    )


def _assigned(one: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(one) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
