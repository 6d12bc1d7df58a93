"""Reading a spec: YAML 1.2 with line numbers, or plain data, into a :class:`Spec`; all faults at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from parity.errors import Fault, SpecError, nearest
from parity.spec.check import check_changes, check_model
from parity.spec.faults import NOWHERE, Lines, Loc, Where, faults_of
from parity.spec.resolve import resolve_side
from parity.spec.schema import Spec

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError


def load_spec(file: str | Path) -> Spec:
    """Read a spec from a YAML file.

    Args:
        file: path of the file.

    Raises:
        SpecError: with every fault of the file, each with its line.
    """
    path = Path(file)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SpecError([_unreadable(path, error)]) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        got = f"byte {error.object[error.start]:#04x} is not UTF-8"
        raise SpecError(
            [Fault(path="YAML", got=got, expected="text in UTF-8", fix="save it as UTF-8", line=line, file=str(file))]
        ) from None
    return parse_spec(text, file=str(file))


def _unreadable(path: Path, error: OSError) -> Fault:
    folder = path.parent if path.parent.is_dir() else Path()
    inside = path if path.is_dir() else folder
    files = sorted(found.name for found in inside.glob("*.y*ml"))
    if path.is_dir():
        fix = f"name a file in it: {', '.join(files[:6])}" if files else ""
        return Fault(path=str(path), got="it is a folder", expected="a spec, a YAML file", fix=fix)
    near = nearest(path.name, files)
    fix = f"did you mean {str(folder / near)!r}?" if near else ""
    got = "no such file" if not path.exists() else f"cannot be read: {error.strerror}"
    return Fault(path=str(path), got=got, expected="a spec, a YAML file", fix=fix)


def parse_spec(text: str, file: str | None = None) -> Spec:
    """Read a spec from YAML text.

    Args:
        text: the YAML.
        file: name to say in faults.

    Raises:
        SpecError: with every fault of the text.
    """
    data, lines = parse_yaml(text, file)
    return build_spec(data, lines)


def build_spec(data: Any, lines: Lines = NOWHERE) -> Spec:
    """Check plain data and return the spec it means.

    Args:
        data: a mapping as a YAML file would give it; parts of it may be objects already.
        lines: where each path stands in a file, when it came from one.

    Raises:
        SpecError: with every fault.
    """
    where = Where(lines)
    if not isinstance(data, Mapping):
        got = "there is nothing in it" if data is None else f"got {'a list' if isinstance(data, list) else 'a value'}"
        raise SpecError([where.fault((), got, "a mapping with name, data, model, loss, optimizer")])
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        raise SpecError([*faults_of(error, where), *check_changes(data, where)]) from None
    faults = check_model(spec.model, where, data=spec.data)
    if faults:
        raise SpecError([*faults, *check_changes(data, where)])
    spec, faults = _with_programs(spec, where, Path(lines.file).parent if lines.file else Path())
    for name, side in spec.sides.items():
        try:
            resolve_side(spec, name, side, where)
        except SpecError as error:
            faults += error.faults
    if faults:
        raise SpecError(faults)
    return spec


def _with_programs(spec: Spec, where: Where, folder: Path) -> tuple[Spec, list[Fault]]:
    """Return the spec with the paths of hand-written programs made absolute: they are read from the spec's folder."""
    faults: list[Fault] = []
    sides = dict(spec.sides)
    for name, side in sides.items():
        if side.program is None:
            idle = [part for part in ("model", "loss", "optimizer", "map") if getattr(side, part)]
            faults += [
                where.fault(("sides", name, part), "there is no program", "a `program:` whose names it tells")
                for part in idle
            ]
            continue
        found = [path for path in (folder / side.program, Path(side.program)) if path.is_file()]
        if not found:
            near = nearest(Path(side.program).name, sorted(one.name for one in folder.glob("*.py")))
            fix = f"did you mean {near!r}?" if near else "paths are read from the folder of the spec"
            faults.append(where.fault(("sides", name, "program"), f"no file {side.program!r}", "a Python file", fix))
            continue
        sides[name] = side.model_copy(update={"program": str(found[0].resolve())})
    return spec.model_copy(update={"sides": sides}), faults


def parse_yaml(text: str, file: str | None) -> tuple[Any, Lines]:
    """Return plain data and the line of every path in it.

    Raises:
        SpecError: when the text is no YAML.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    found: dict[Loc, int] = {}
    yaml = YAML(typ="safe", pure=True)
    try:
        tree = yaml.compose(text)
        if tree is None:
            return None, Lines(file, found)
        data = yaml.constructor.construct_document(tree)
        _note_lines(tree, data, (), found)
    except MarkedYAMLError as error:
        raise SpecError([_yaml_fault(error, file)]) from None
    except YAMLError as error:  # A character that no YAML may have.
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        got = _one_line(error).partition(' in "')[0]
        raise SpecError([Fault(path="YAML", got=got, expected="YAML 1.2", line=line, file=file)]) from None
    except RecursionError:
        raise SpecError([Fault(path="YAML", got="it is nested without end", expected="a spec", file=file)]) from None
    return data, Lines(file, found)


def _note_lines(node: Any, data: Any, path: Loc, lines: dict[Loc, int]) -> None:
    """Note the line of every key and item below a node."""
    if isinstance(data, dict):
        # In the order of the tree; merged keys (<<) come first there, so that a key's own line wins.
        named = {str(key): key for key in data}
        for key_node, value_node in node.value:
            key = named.get(str(key_node.value))
            if key is not None:
                lines[(*path, key)] = key_node.start_mark.line + 1
                _note_lines(value_node, data[key], (*path, key), lines)
    elif isinstance(data, list):
        for index, (item, value) in enumerate(zip(node.value, data, strict=False)):
            lines[(*path, index)] = item.start_mark.line + 1
            _note_lines(item, value, (*path, index), lines)


def _yaml_fault(error: MarkedYAMLError, file: str | None) -> Fault:
    mark = error.problem_mark or error.context_mark
    problem = _one_line(error.problem or error.context or "cannot be read")
    expected, fix = "YAML 1.2", ""
    if problem.startswith("but "):
        problem = f"{_one_line(error.context)}, {problem}"
    if twice := re.match(r'found duplicate key "(.*?)" with', problem):
        problem, expected, fix = f"a second key {twice[1]!r}", "each key once", "take one of them out"
    elif "'\\t'" in problem:
        problem, fix = "a tab where the line is indented", "indent with spaces"
    elif tag := re.search(r"constructor for the tag '(.*?)'", problem):
        problem, fix = f"a tag, {tag[1]}", "write plain values"
    line = mark.line + 1 if mark else None
    return Fault(path="YAML", got=problem, expected=expected, fix=fix, line=line, file=file)


def _one_line(text: object) -> str:
    return " ".join(str(text).split())
