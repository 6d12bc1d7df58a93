"""Rates that a program sets itself, ``group["lr"] = get_lr(step)``, as the scheduler that gives them.

The line that sets a rate is looked up in the program's file. Where what it assigns follows from one whole number that
counts the steps, that expression is asked for the rates of later steps, as a ``LambdaLR`` is.
"""

from __future__ import annotations

import ast
import functools
import math
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from parity.run.here import is_library, line_here

if TYPE_CHECKING:
    from parity.frameworks.torch.driver.seen import SeenLoop

DEEPEST = 6
"""Names that are followed to what they were assigned, at most."""


@dataclass(frozen=True, kw_only=True)
class SetRate:
    """A rate that a program set.

    Args:
        step: steps that had been taken.
        value: of the rate.
        place: where, as every line is told.
        file, line: the same, to be looked up.
        known: the names there, of functions and of what they are given.
        around: the names of the module.
    """

    step: int
    value: float
    place: str
    file: str
    line: int
    known: Mapping[str, Any]
    around: dict[str, Any]


class WatchedGroup(dict[str, Any]):
    """A group of parameters that notes who sets its rate.

    Args:
        group: as the optimizer made it.
        count: gives the steps that were taken.
    """

    def __init__(self, group: Mapping[str, Any], count: Callable[[], int]) -> None:
        super().__init__(group)
        self.first, self.count = group.get("lr"), count
        self.sets: list[SetRate] = []

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        frame = sys._getframe(1)
        if key != "lr" or is_library(frame.f_code.co_filename) or not isinstance(value, int | float):
            return
        self.sets.append(
            SetRate(
                step=self.count(), value=float(value), place=line_here(), file=frame.f_code.co_filename,
                line=frame.f_lineno, known=dict(frame.f_locals), around=frame.f_globals,
            )
        )  # fmt: skip

    def __reduce__(self) -> Any:
        return dict, (dict(self),)  # A copy is a group like any other.


def watch_optimizers(seen: SeenLoop, put: Callable[[Any, str, Any], None]) -> None:
    """Note the line that makes an optimizer, and who sets its rates."""
    begin = torch.optim.Optimizer.__init__

    def begun(optimizer: Any, *args: Any, **kwargs: Any) -> None:
        optimizer._parity_place = line_here()
        begin(optimizer, *args, **kwargs)
        count = lambda: seen.steps.get(id(optimizer), 0)  # noqa: E731
        optimizer.param_groups[:] = [WatchedGroup(one, count) for one in optimizer.param_groups]

    put(torch.optim.Optimizer, "__init__", functools.wraps(begin)(begun))


def sets_of(optimizer: Any) -> list[SetRate]:
    """Return the rates that a program set, of the first group that it did so of."""
    return next((one.sets for one in optimizer.param_groups if getattr(one, "sets", None)), [])


def as_scheduler(optimizer: Any, rates: Sequence[Sequence[float]]) -> Any:
    """Return a scheduler that gives the rates that a program sets ahead of each step; None where none is found.

    Args:
        optimizer: whose rates they are.
        rates: of each step that was seen, those of all groups.
    """
    groups = [one for one in optimizer.param_groups if isinstance(one, WatchedGroup)]
    begun = {one.first for one in groups}
    if len(groups) != len(optimizer.param_groups) or len(begun) != 1 or any(len(set(one)) != 1 for one in rates):
        return None
    (base,) = begun
    last = {one.step: one for one in sets_of(optimizer)}
    sets = [last[step] for step in range(len(rates)) if step in last]
    if not base or len(sets) < len(rates) or any(one.value != now[0] for one, now in zip(sets, rates, strict=True)):
        return None
    rate = _rate_by_step(sets)
    if rate is None:
        return None
    for one in groups:
        one.update(lr=base, initial_lr=base)
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step) / base)


def _rate_by_step(sets: Sequence[SetRate]) -> Callable[[int], float] | None:
    """Return what gives the rate of a step, counted from 0; None where it does not follow from one whole number."""
    first = sets[0]
    if any((one.file, one.line) != (first.file, first.line) for one in sets):
        return None
    try:
        tree = ast.parse(Path(first.file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None
    value, scope = _assigned(tree, first.line), _scope(tree, first.line)
    varying = {name for name in first.known if len({_plain(one.known.get(name)) for one in sets}) > 1}
    names, numbers = set[str](), set[str]()
    for _ in range(DEEPEST):
        names = _named(value) if value is not None else set()
        numbers = {name for name in names & varying if all(type(one.known.get(name)) is int for one in sets)}
        # A number that is no count, or no count at all: what it was made of is looked at.
        made = {name for name in names - numbers if isinstance(first.known.get(name), float)}
        follow = min(made & varying or (set() if numbers else made), default=None)
        if value is None or follow is None:
            break
        value = _followed(value, follow, scope, first.line)
    if value is None or len(numbers) != 1:
        return None
    (counter,) = numbers
    if not _counts_on(tree, first.line, counter, names):
        return None
    code = compile(ast.Expression(value), first.file, "eval")
    begin = first.known[counter] - first.step

    def rate(step: int) -> float:
        return float(eval(code, first.around, {**first.known, counter: begin + step}))

    try:
        holds = all(
            one.known[counter] == begin + one.step and math.isclose(rate(one.step), one.value, rel_tol=1e-12)
            for one in sets
        )
    except Exception:  # Whatever a program does.
        return None
    return rate if holds else None


def _plain(value: Any) -> Any:
    """Return a number by itself, anything else as one thing."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _assigned(tree: ast.Module, line: int) -> ast.expr | None:
    """Return what is assigned to the rate of a group in a line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and node.lineno <= line <= (node.end_lineno or node.lineno):
            for target in node.targets:
                key = target.slice if isinstance(target, ast.Subscript) else None
                if isinstance(key, ast.Constant) and key.value == "lr":
                    return node.value
    return None


def _counts_on(tree: ast.Module, line: int, counter: str, names: Collection[str]) -> bool:
    """Return whether a number that grows by one with each step does so throughout, and is not begun again.

    One that a loop in a loop counts is, unless the outer ones' numbers are in the rate, too; one that is added to is
    where a loop sets it.

    Args:
        tree: of the file.
        line: that sets the rate.
        counter: name of the number.
        names: all that the rate is made of.
    """
    around = [one for one in ast.walk(tree)
              if isinstance(one, ast.For | ast.While) and one.lineno <= line <= (one.end_lineno or 0)]  # fmt: skip
    loops = sorted(around, key=lambda one: one.lineno)
    counted = [_named(one.target) if isinstance(one, ast.For) else set[str]() for one in loops]
    at = next((number for number, one in enumerate(counted) if counter in one), None)
    if at is not None:
        return all(one & set(names) for one in counted[:at])
    sets = [one for one in ast.walk(tree) if isinstance(one, ast.Assign) and counter in _named(one)]
    begun = [one for one in sets if counter not in _named(one.value)]
    added = any(isinstance(one, ast.AugAssign) and counter in _named(one.target) for one in ast.walk(tree))
    inside = any(one.lineno <= start.lineno <= (one.end_lineno or 0) for one in loops for start in begun)
    return (added or len(begun) < len(sets)) and not inside


def _named(node: ast.AST) -> set[str]:
    """Return the names in an expression; of an assignment, those that it assigns to."""
    nodes = node.targets if isinstance(node, ast.Assign) else [node]
    return {one.id for each in nodes for one in ast.walk(each) if isinstance(one, ast.Name)}


def _scope(tree: ast.Module, line: int) -> ast.AST:
    """Return the innermost function that a line stands in, or the module."""
    functions = [
        node for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]  # fmt: skip
    return max(functions, key=lambda one: one.lineno, default=tree)


def _followed(value: ast.expr, name: str, scope: ast.AST, line: int) -> ast.expr | None:
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
