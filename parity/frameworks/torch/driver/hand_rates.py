"""Rates that a program sets itself, ``group["lr"] = get_lr(step)``, as the scheduler that gives them.

The line that sets a rate is looked up in the program's file. Where what it assigns follows from one whole number that
counts the steps, that expression is asked for the rates of later steps, as a ``LambdaLR`` is.
"""

from __future__ import annotations

import ast
import functools
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from parity.run.here import frames_here, is_library, line_here
from parity.run.loops_here import goes_through, loops_around, loops_here
from parity.run.rate_lines import called_name, calls_at, counts_on, followed, given_in, named_in, scope_of

if TYPE_CHECKING:
    from parity.frameworks.torch.driver.seen import SeenLoop

DEEPEST = 6
"""Names that are followed to what they were assigned, at most."""

GROUPS = "param_groups"
"""What an optimizer calls its groups: a loop over them counts nothing."""

RATES = ("lr", "initial_lr")
"""Of a group, its rate, and that by which schedulers go."""


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
        loops: how often those run that the line stands in, the one over the groups aside.
        caller: file and line from which the function was called that the line stands in; none outside of any.
    """

    step: int
    value: float
    place: str
    file: str
    line: int
    known: Mapping[str, Any]
    around: dict[str, Any]
    loops: Sequence[int | None] = ()
    caller: tuple[str, int] | None = None


class WatchedGroup(dict[str, Any]):
    """A group of parameters that notes who sets its rate, and what else of it.

    Args:
        group: as the optimizer made it.
        count: gives the steps that were taken.
    """

    def __init__(self, group: Mapping[str, Any], count: Callable[[], int]) -> None:
        super().__init__(group)
        self.first, self.count = group.get("lr"), count
        self.sets: list[SetRate] = []
        self.others: dict[str, str] = {}

    def __setitem__(self, key: str, value: Any) -> None:
        before = self.get(key)
        super().__setitem__(key, value)
        frame = sys._getframe(1)
        if key not in RATES and not is_library(frame.f_code.co_filename) and self.count() and before != value:
            self.others.setdefault(key, line_here())
        if key != "lr" or is_library(frame.f_code.co_filename) or not isinstance(value, int | float):
            return
        frames = list(frames_here())
        outer = frames[1] if len(frames) > 1 and frames[0] is frame else None
        self.sets.append(
            SetRate(
                step=self.count(), value=float(value), place=line_here(), file=frame.f_code.co_filename,
                line=frame.f_lineno, known=dict(frame.f_locals), around=frame.f_globals,
                loops=loops_here(frames, GROUPS),
                caller=None if outer is None else (outer.f_code.co_filename, outer.f_lineno),
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
    base = _begun(optimizer)
    if not base or any(len(set(one)) != 1 for one in rates):
        return None
    last = {one.step: one for one in sets_of(optimizer)}
    sets = [last[step] for step in range(len(rates)) if step in last]
    if len(sets) < len(rates) or any(one.value != now[0] for one, now in zip(sets, rates, strict=True)):
        return None
    return _scheduled(optimizer, base, _rate_by(sets, [one.step for one in sets]))


def as_epoch_scheduler(optimizer: Any, loops: Sequence[int | None]) -> Any:
    """Return a scheduler that gives the rates that a program sets ahead of each epoch; None where none is found.

    Args:
        optimizer: whose rates they are.
        loops: that its steps stand in, the one over epochs and the one over batches.
    """
    base = _begun(optimizer)
    if not base:
        return None
    told = [[(one.step, one.value) for one in group.sets] for group in optimizer.param_groups]
    sets = list({one.step: one for one in sets_of(optimizer)}.values())
    inside = len(loops) == 2 and loops[0] is not None and all(list(one.loops) == [loops[0]] for one in sets)
    if any(one != told[0] for one in told) or not inside or not sets or sets[0].step != 0:
        return None
    return _scheduled(optimizer, base, _rate_by(sets, range(len(sets)), by_epoch=True))


def _begun(optimizer: Any) -> float | None:
    """Return the rate that all groups of an optimizer were made with; None where they have several, or are others."""
    groups = [one for one in optimizer.param_groups if isinstance(one, WatchedGroup)]
    begun = {one.first for one in groups}
    return next(iter(begun)) if len(groups) == len(optimizer.param_groups) and len(begun) == 1 else None


def _scheduled(optimizer: Any, base: float, rate: Callable[[int], float] | None) -> Any:
    if rate is None:
        return None
    for one in optimizer.param_groups:
        one.update(lr=base, initial_lr=base)
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda count: rate(count) / base)


def _rate_by(sets: Sequence[SetRate], counts: Sequence[int], by_epoch: bool = False) -> Callable[[int], float] | None:
    """Return what gives the rate of a step or an epoch; None where it does not follow from one whole number.

    Args:
        sets: rates that were set.
        counts: of each, its step or its epoch, from 0.
        by_epoch: they were set in a loop that counts epochs, and in no other.
    """
    first = sets[0]
    if any((one.file, one.line) != (first.file, first.line) for one in sets):
        return None
    try:
        tree = ast.parse(Path(first.file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None
    value, scope = _assigned(tree, first.line), scope_of(tree, first.line)
    alone = len(sets) == 1  # Of one, nobody knows what will vary.
    varying = {name for name in first.known if alone or len({_plain(one.known.get(name)) for one in sets}) > 1}
    names, numbers = set[str](), set[str]()
    for _ in range(DEEPEST):
        names = named_in(value) if value is not None else set()
        numbers = {name for name in names & varying if all(type(one.known.get(name)) is int for one in sets)}
        # A number that is no count, or no count at all: what it was made of is looked at.
        made = {name for name in names - numbers if isinstance(first.known.get(name), float)}
        follow = min((set() if alone else made & varying) or (set() if numbers else made), default=None)
        if value is None or follow is None:
            break
        value = followed(value, follow, scope, first.line)
    if value is None or len(numbers) != 1:
        return None
    (counter,) = numbers
    if not (_each_epoch(tree, first, counter) if by_epoch else counts_on(tree, first.line, counter, names)):
        return None
    code = compile(ast.Expression(value), first.file, "eval")
    begin = first.known[counter] - counts[0]

    def rate(count: int) -> float:
        return float(eval(code, first.around, {**first.known, counter: begin + count}))

    try:
        holds = all(
            one.known[counter] == begin + count and math.isclose(rate(count), one.value, rel_tol=1e-12)
            for one, count in zip(sets, counts, strict=True)
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


def _each_epoch(tree: ast.Module, one: SetRate, counter: str) -> bool:
    """Return whether a rate is set in every turn of the loop that it stands in, by the number of that loop.

    Args:
        tree: of the file.
        one: that was set.
        counter: name of the number; in a function that the loop calls, what this is given must be the loop's.
    """
    if one.caller is None or scope_of(tree, one.line) is tree:
        loop = _turn(tree, one.line)
        return loop is not None and counter in named_in(loop.target)
    function, (file, line) = scope_of(tree, one.line), one.caller
    loop = _turn(tree, line) if file == one.file else None
    if loop is None or not isinstance(function, ast.FunctionDef) or not _plainly(function.body, one.line):
        return False
    given = next((given_in(function, call) for call in calls_at(loop, line) if called_name(call) == function.name), {})
    value = given.get(counter)
    return isinstance(value, ast.Name) and value.id in named_in(loop.target)


def _turn(tree: ast.AST, line: int) -> ast.For | None:
    """Return the innermost loop of which a line is part of every turn, the one over groups of an optimizer aside."""
    loops = [one for one in loops_around(tree, line) if isinstance(one, ast.For) and not goes_through(one, GROUPS)]
    found = loops[-1] if loops else None
    return found if found is not None and _plainly(found.body, line) else None


def _plainly(body: Sequence[ast.stmt], line: int) -> bool:
    """Return whether a line is reached whatever is the case: it stands in no branch."""
    for one in body:
        if one.lineno <= line <= (one.end_lineno or one.lineno):
            return _plainly(one.body, line) if isinstance(one, ast.For | ast.With) else not hasattr(one, "body")
    return False
