"""Reading a spec: YAML 1.2 with line numbers, or plain data, into a :class:`Spec`; all faults at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from parity.errors import Fault, SpecError, did_you_mean
from parity.spec.check import check_changes, check_model
from parity.spec.faults import Lines, Where, faults_of
from parity.spec.schema import Spec


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
    except UnicodeDecodeError:
        raise SpecError([Fault(path=str(path), got="bytes that are not UTF-8", expected="a YAML file")]) from None
    return parse_spec(text, file=str(file))


def _unreadable(path: Path, error: OSError) -> Fault:
    folder = path.parent if path.parent.is_dir() else Path()
    near = did_you_mean(path.name, [found.name for found in folder.glob("*.y*ml")])
    got = "a folder" if path.is_dir() else "no such file" if not path.exists() else str(error.strerror)
    return Fault(path=str(path), got=got, expected="a spec, a YAML file", fix=near)


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


def build_spec(data: Any, lines: Lines | None = None) -> Spec:
    """Check plain data and return the spec it means.

    Args:
        data: a mapping as a YAML file would give it.
        lines: where each path stands in a file, when it came from one.

    Raises:
        SpecError: with every fault.
    """
    where = Where(lines or Lines(None, {}))
    if not isinstance(data, Mapping):
        got = "an empty file" if data is None else f"a {type(data).__name__}"
        raise SpecError([where.fault((), got, "a mapping with name, data, model, loss, optimizer")])
    faults: list[Fault] = []
    spec: Spec | None = None
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        faults += faults_of(error, where)
    faults += check_changes(data, where)
    if spec is not None:
        faults += check_model(spec.model, where)
    if faults or spec is None:
        raise SpecError(faults)
    return spec


def parse_yaml(text: str, file: str | None) -> tuple[Any, Lines]:
    """Return plain data and the line of every path in it.

    Raises:
        SpecError: when the text is no YAML.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        tree = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        problem = " ".join(str(error.problem or error.context or "cannot be read").split())
        raise SpecError([Fault(path="YAML", got=problem, expected="valid YAML 1.2", line=line, file=file)]) from None
    except YAMLError as error:
        raise SpecError([Fault(path="YAML", got=str(error), expected="valid YAML 1.2", file=file)]) from None
    found: dict[tuple[str | int, ...], int] = {}
    return _plain(tree, (), found), Lines(file, found)


def _plain(node: Any, path: tuple[str | int, ...], lines: dict[tuple[str | int, ...], int]) -> Any:
    """Return a node as plain Python, noting the line of everything in it."""
    if isinstance(node, Mapping):
        result: dict[Any, Any] = {}
        for key, value in node.items():
            lines[(*path, key)] = node.lc.key(key)[0] + 1  # type: ignore[attr-defined]
            result[key] = _plain(value, (*path, key), lines)
        return result
    if isinstance(node, list):
        for index in range(len(node)):
            lines[(*path, index)] = node.lc.item(index)[0] + 1  # type: ignore[attr-defined]
        return [_plain(value, (*path, index), lines) for index, value in enumerate(node)]
    # The round-trip loader gives subclasses of float, int and str that remember how they were written.
    for plain in (bool, float, int, str):
        if isinstance(node, plain):
            return plain(node)
    return node
