"""From a finding to what a person changes: the patch of a side, and the lines of its program."""

from __future__ import annotations

import ast
import difflib
import linecache
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from parity.entries import Entry
from parity.errors import ParityError, SpecError
from parity.explain.contest import Contest, Paths
from parity.frameworks import title_of
from parity.ops import Op
from parity.result.schema import LineFact
from parity.spec.differences import Difference, differences, mixed
from parity.spec.paths import at, matching
from parity.spec.paths import split as split_path
from parity.spec.plain import flow
from parity.spec.resolve import Resolved, changed
from parity.spec.sections import Config

LONGEST = 160
"""Characters of a program that are shown; more are cut."""


def plain(value: Any, framework: str = "") -> Any:
    """Return a value as a user would write it: an entry by its name and the fields that are not its defaults.

    Args:
        value: of a config.
        framework: whose own defaults hold for what is not said; empty for parity's.
    """
    if isinstance(value, Entry):
        said = _said(value, framework)
        said.pop("name", None)
        return {value.kind: said} if said else value.kind
    if isinstance(value, tuple | list):
        return [plain(one, framework) for one in value]
    return value


def _said(value: Entry, framework: str) -> dict[str, Any]:
    """Return the fields that have to be said."""
    own = value.natively(framework)
    return {
        name: plain(getattr(value, name), framework)
        for name, field in type(value).model_fields.items()
        if name in own or field.is_required() or getattr(value, name) != field.get_default(call_default_factory=True)
    }


def changes_of(contest: Contest, paths: Paths) -> dict[str, Any]:
    """Return the changes that give the good side some of the differences, and nothing else.

    Args:
        contest: the two sides; turned, the changes take differences back from the bad one.
        paths: differences to give.

    Raises:
        ImpossibleError: when no config can have them.
    """
    side, config = contest.good, contest.config_of(paths)
    framework = side.framework if f"{title_of(side.framework)} default" in side.origins.values() else ""
    given = [part for one in contest.live if one.path in paths for part in one.parts or (one,)]
    fields = {
        pattern: plain(at(config, concrete[0]), framework)
        for one in given
        for pattern, concrete in _fields(one, side.config)
    }
    found = fields | _layers_placed(side.config, config, {path for one in given for path in one.paths}, framework)
    if _made(side, found) != config:  # Layers that change places, or one by one could not be where they come to.
        told = {path: value for path, value in found.items() if not path.startswith("layers.")}
        found = {"layers": [_layer(op, framework) for op in config.model.layers], **told}
    return found


def _made(side: Resolved, changes: dict[str, Any]) -> Config | None:
    try:
        return changed(side, changes, "a patch").config
    except SpecError:
        return None


def _whole(path: str) -> bool:
    """Return whether a concrete path is that of a whole layer."""
    return path.startswith("layers.") and path.count(".") == 1


def _fields(one: Difference, config: Config) -> list[tuple[str, tuple[str, ...]]]:
    """Return the fields that a difference changes: each path as it is written, and those it stands for."""
    concrete = tuple(path for path in one.paths if not _whole(path))
    if len(concrete) < len(one.paths) or len(concrete) == 1:
        return [(path, (path,)) for path in concrete]
    section, pattern, *keys = split_path(one.path)
    wanted = [path.split(".")[1] for path in concrete]
    having = [str(op.name) for op in config.model.layers if keys[0] in type(op).model_fields]
    if matching(pattern, having) != wanted:  # The side has layers that the other has not.
        pattern = f"{{{','.join(wanted)}}}"
    return [(".".join([section, pattern, *keys]), concrete)]


def _layers_placed(before: Config, after: Config, taken: set[str], framework: str) -> dict[str, Any]:
    """Return the changes that take layers out and then put layers in, in the order in which they stand."""
    old, new = ([str(op.name) for op in config.model.layers] for config in (before, after))
    moving = {path.split(".")[1] for path in taken if _whole(path)}
    found: dict[str, Any] = {f"layers.{name}": None for name in old if name in moving}
    stays = next((name for name in new if name not in moving), "")
    for index, (name, op) in enumerate(zip(new, after.model.layers, strict=True)):
        if name not in moving:
            continue
        if not stays or index < new.index(stays):
            found.setdefault(f"layers.{stays}.before", []).append(_layer(op, framework))
        else:
            found[f"layers.{new[index - 1]}.after"] = _layer(op, framework)
    return found


def _layer(op: Op, framework: str) -> dict[str, Any]:
    return {op.kind: {**_said(op, framework), "name": op.name}}


def as_yaml(changes: dict[str, Any]) -> str:
    """Return changes as they stand under a side's ``changes``."""
    return "\n".join(f"{path}: {flow(value)}" for path, value in changes.items())


def as_options(side: str, changes: dict[str, Any]) -> list[str]:
    """Return changes as options of the command line."""
    return [f"--set {shlex.quote(f'{side}:{path}={flow(value)}')}" for path, value in changes.items()]


def lines_of(
    a: Resolved,
    b: Resolved,
    found: Sequence[Difference],
    source: Callable[[Resolved, Config], str],
    files: dict[str, str],
) -> dict[str, list[LineFact]]:
    """Return where each difference stands in the programs of two sides, by its path.

    A program is compiled with the side's value and with the other side's, and the first lines that differ are where it
    stands. A program written by hand has the line that is known to say it; what would stand there is worded as its
    compiled twin has it. Where no line is known it is left out.

    Args:
        a: first side.
        b: second side.
        found: the differences.
        source: compiles a config for a side.
        files: of the programs, by side.
    """
    told: dict[str, list[LineFact]] = {one.path: [] for one in found}
    for side, other in ((a, b), (b, a)):
        own = side.program
        if own is not None and not own.said_at:
            continue
        compiled = replace(side, program=None)
        mine = source(compiled, side.config)
        seen = {one.path: one.paths for one in differences(side, other)}  # Seen from here: layers come where they went.
        for one in found:
            taken = set(seen.get(one.path, one.paths))
            try:
                theirs = source(compiled, mixed(side.config, other.config, taken))
            except (ParityError, ValueError):
                continue  # With this difference alone there is no program.
            lines = first_lines(side.name, files.get(side.name, ""), mine, theirs)
            told[one.path] += lines if own is None else _own_lines(side, one, lines)
    return told


def _own_lines(side: Resolved, one: Difference, lines: Sequence[LineFact]) -> list[LineFact]:
    """Return where a difference stands in a program written by hand, given where it does in its compiled twin."""
    assert side.program is not None
    place = side.origin(one.paths[0])
    file, _, number = place.partition(" (")[0].rpartition(":")  # Behind it stands how it is known.
    if not lines or place not in side.program.said_at.values() or not number.isdecimal():
        return []
    linecache.checkcache(file)  # It may have been edited since another comparison in this process.
    text = linecache.getline(file, int(number)).strip()
    told = {"file": file, "line": int(number), "text": text, "compiled": lines[0].text}
    return [lines[0].model_copy(update=told)]


def first_lines(side: str, file: str, mine: str, theirs: str) -> list[LineFact]:
    """Return the first place in which two programs differ, comments, docstrings and imports aside.

    A place where both have something is taken before one where something is only put in or left out, and either before
    what begins a function: there an argument may have come or gone. Shown are the smallest call or statement around it,
    on one line each.
    """
    return list(_first_lines(side, file, mine, theirs))


@lru_cache(maxsize=256)  # A page that grows asks for the same ones again and again.
def _first_lines(side: str, file: str, mine: str, theirs: str) -> Sequence[LineFact]:
    ours, others = _code(mine), _code(theirs)
    found: list[LineFact] = []
    beginning: list[LineFact] = []
    matcher = difflib.SequenceMatcher(a=ours, b=others, autojunk=False)
    for tag, begin, end, other_begin, other_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        here = next((number for number in range(begin, end) if ours[number]), None)
        there = next((number for number in range(other_begin, other_end) if others[number]), None)
        if here is None and there is None:
            continue
        line = min(begin, len(ours) - 1) if here is None else here
        fact = LineFact(
            side=side, file=file, line=line + 1,
            text="" if here is None else _around(mine, here + 1),
            instead="" if there is None else _around(theirs, there + 1),
        )  # fmt: skip
        begins = here is not None and ours[here].startswith("def ")
        if here is not None and there is not None and not begins:
            return [fact]
        (beginning if begins else found).append(fact)
    return [*found, *beginning][:1]


@lru_cache(maxsize=4)
def _nodes(source: str) -> tuple[ast.AST, ...]:
    """Return what a program consists of; each is held against several others, and looked at twice for each."""
    return tuple(ast.walk(ast.parse(source)))


@lru_cache(maxsize=4)
def _code(source: str) -> list[str]:
    """Return a program line by line, nothing where a comment, a docstring or an import stands."""
    lines = ["" if line.lstrip().startswith("#") else line.strip() for line in source.splitlines()]
    for node in _nodes(source):
        words = (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
        if isinstance(node, ast.stmt) and (words or isinstance(node, ast.Import | ast.ImportFrom)):
            end = int(node.end_lineno or node.lineno)
            lines[node.lineno - 1 : end] = [""] * (end - node.lineno + 1)
    return lines


def _around(source: str, line: int) -> str:
    """Return the smallest call or simple statement around a line, on one line; the line itself where there is none."""
    found: list[ast.expr | ast.stmt] = [
        node
        for node in _nodes(source)
        if isinstance(node, ast.Call | ast.Assign | ast.Return | ast.Expr | ast.AugAssign | ast.Assert)
        and node.lineno <= line <= int(node.end_lineno or node.lineno)
    ]
    if not found:
        return _cut(source.splitlines()[line - 1])
    return _cut(ast.unparse(min(found, key=lambda node: int(node.end_lineno or 0) - node.lineno)))


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 4] + " ..."
