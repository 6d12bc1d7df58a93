"""Rates that a program works out in Python from a count of steps or epochs: told by the line that has them.

Where a number that a step is given follows from one whole number that counts, what it is made of is asked for those of
later steps. Only the standard library: this module also runs inside workers.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType, FunctionType, ModuleType
from typing import Any

from parity.run.here import tree_of
from parity.run.loops_here import loops_around
from parity.run.rate_lines import called_name, calls_at, counts_on, followed, given_in, named_in, scope_of

DEEPEST = 8
"""Names that are followed to what they were assigned, at most."""

NEAR = 1e-6
"""Relative difference within which float32 leaves a number."""

PLAIN = (ModuleType, FunctionType, type, type(len), int, float)
"""What a name may be in an expression that is asked for what it is."""


@dataclass(frozen=True)
class At:
    """Where a program stood in one of its functions.

    Args:
        tree: of the file.
        line: in it.
        known: the names there, and what they were.
        around: the names of the module.
    """

    tree: ast.Module
    line: int
    known: Mapping[str, Any]
    around: dict[str, Any]


def stood(frames: Sequence[FrameType]) -> list[At]:
    """Return where a program stands, the innermost function first.

    Args:
        frames: of it.
    """
    return [At(tree_of(one), one.f_lineno, dict(one.f_locals), one.f_globals) for one in frames]


@dataclass(frozen=True)
class AskedRate:
    """A rate that follows from a count.

    Args:
        rate: of a step or an epoch, from 0.
        by_epoch: it counts epochs.
    """

    rate: Callable[[int], float]
    by_epoch: bool

    def rates(self, count: int) -> list[float]:
        """Return the first rates, to where the program has none."""
        found: list[float] = []
        for number in range(count):
            try:
                found.append(float(self.rate(number)))
            except Exception:  # Whatever a program does.
                break
        return found


def asked_rate(places: Sequence[Sequence[At]], values: Sequence[float]) -> AskedRate | None:
    """Return how a number follows from a count; None where it follows from none, or from several.

    Args:
        places: where the program stood in each step that has the number, the innermost function first.
        values: of the number in these steps.
    """
    depth = min(map(len, places), default=0)
    value, level = next(_candidates([one[0] for one in places], values), None) if depth else None, 0
    for _ in range(DEEPEST):
        here = [one[level] for one in places]
        if value is None or any(one.line != here[0].line for one in here):
            return None
        names = named_in(value)
        counters = {name for name in names if _counts(here, name)}
        if counters:
            return _counted(value, here, counters, names, values) if len(counters) == 1 else None
        scope = scope_of(here[0].tree, here[0].line)
        if isinstance(value, ast.Name) and level + 1 < depth and _is_argument(scope, value.id):
            value, level = _handed(scope, value.id, places[0][level + 1]), level + 1
            continue
        floats = sorted(name for name in names if isinstance(here[0].known.get(name), float))
        again = (followed(value, name, scope, here[0].line) for name in floats)
        value = next((one for one in again if one is not None), None)
    return None


def _candidates(here: Sequence[At], values: Sequence[float]) -> Iterator[ast.expr]:
    """Yield the expressions of a line that are a number in each step, the widest first."""
    statements = [one for one in ast.walk(here[0].tree) if isinstance(one, ast.stmt) and not hasattr(one, "body")
                  and one.lineno <= here[0].line <= (one.end_lineno or one.lineno)]  # fmt: skip
    for statement in statements:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name | ast.Call | ast.BinOp | ast.IfExp) and _is(node, here, values):
                yield node


def _is(node: ast.expr, here: Sequence[At], values: Sequence[float]) -> bool:
    names = named_in(node)
    if not names or any(not isinstance(_known(one, name), PLAIN) for one in here for name in names):
        return False
    try:
        found = [_evaluated(node, one, {}) for one in here]
    except Exception:  # Whatever the names are.
        return False
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in found)
    return numbers and all(math.isclose(one, now, rel_tol=NEAR) for one, now in zip(found, values, strict=True))


def _known(at: At, name: str) -> Any:
    builtins = at.around.get("__builtins__", {})
    inner = vars(builtins) if isinstance(builtins, ModuleType) else builtins
    return at.known.get(name, at.around.get(name, inner.get(name)))


def _evaluated(node: ast.expr, at: At, instead: Mapping[str, int]) -> Any:
    return eval(compile(ast.Expression(node), "<rate>", "eval"), at.around, {**at.known, **instead})


def _counts(here: Sequence[At], name: str) -> bool:
    """Return whether a name is a whole number that a loop counts, or that is added to."""
    if not all(type(one.known.get(name)) is int for one in here):
        return False
    tree, line = here[0].tree, here[0].line
    looped = any(isinstance(one, ast.For) and name in named_in(one.target) for one in loops_around(tree, line))
    return looped or any(isinstance(one, ast.AugAssign) and name in named_in(one.target) for one in ast.walk(tree))


def _is_argument(scope: ast.AST, name: str) -> bool:
    return isinstance(scope, ast.FunctionDef) and any(one.arg == name for one in scope.args.args)


def _handed(scope: ast.AST, name: str, caller: At) -> ast.expr | None:
    """Return what a function is given for an argument where it is called."""
    if not isinstance(scope, ast.FunctionDef):
        return None
    calls = [one for one in calls_at(caller.tree, caller.line) if called_name(one) == scope.name]
    return given_in(scope, calls[0]).get(name) if len(calls) == 1 else None


def _counted(
    value: ast.expr, here: Sequence[At], counters: set[str], names: set[str], values: Sequence[float]
) -> AskedRate | None:  # fmt: skip
    """Return a rate that is made of one number that counts."""
    (counter,) = counters
    counts = [one.known[counter] for one in here]
    by_step = len(here) > 1 and counts == [counts[0] + number for number in range(len(here))]
    tree, line = here[0].tree, here[0].line
    if by_step and not counts_on(tree, line, counter, names):
        return None
    if not by_step and (len(set(counts)) > 1 or not _by_loop(tree, line, counter)):
        return None
    last = here[-1]

    def rate(number: int) -> float:
        return float(_evaluated(value, last, {counter: counts[0] + number}))

    try:
        made = [rate(number if by_step else 0) for number in range(len(here))]
    except Exception:  # Whatever a program does.
        return None
    holds = all(math.isclose(one, now, rel_tol=NEAR) for one, now in zip(made, values, strict=True))
    return AskedRate(rate, not by_step) if holds else None


def _by_loop(tree: ast.Module, line: int, counter: str) -> bool:
    """Return whether a number is that of the outermost loop that a line stands in, as epochs are counted."""
    loops = loops_around(tree, line)
    return bool(loops) and isinstance(loops[0], ast.For) and counter in named_in(loops[0].target)
