"""YAML 1.2 to plain data with the line of every path; whatever is no spec is refused in one sentence.

A spec is small, plain data: mappings, lists, text, numbers, true and false. What YAML can say beyond that is a mistake
or an attack: tags, aliases that multiply, numbers of a million digits, characters that no file can hold.
"""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING, Any

from parity.errors import Fault, SpecError, controlled
from parity.spec.faults import Lines, Loc, given

if TYPE_CHECKING:
    from ruamel.yaml.error import MarkedYAMLError

LARGEST = 250_000
"""Letters of a spec, far above what anybody writes."""

MOST = 100_000
"""Values in it, when every alias is written out."""

DEEPEST = 100
"""Lists and mappings within each other."""

WHOLE = 2**64
"""Whole numbers of at least this size fit nowhere."""


def parse_yaml(text: str, file: str | None) -> tuple[Any, Lines]:
    """Return plain data and the line of every path in it.

    Args:
        text: the YAML.
        file: name to say in faults.

    Raises:
        SpecError: when the text is no YAML, or more than plain data.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text) > LARGEST:
        raise _error(f"it has {len(text)} letters", file, expected=f"a spec, of at most {LARGEST}")
    yaml = YAML(typ="safe", pure=True)
    try:
        tree = yaml.compose(text)
        if tree is None:
            return None, Lines(file, {})
        _measure(tree, file)
        data = _constructed(yaml.constructor, tree, file)
    except MarkedYAMLError as error:
        raise SpecError([_yaml_fault(error, file)]) from None
    except YAMLError as error:  # A character that no YAML may have.
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        raise _error(_one_line(error).partition(' in "')[0], file, line) from None
    except RecursionError:
        raise _error("it is nested without end", file, expected="a spec") from None
    found: dict[Loc, int] = {}
    return _plain(tree, data, (), Lines(file, found), found), Lines(file, found)


def _error(got: str, file: str | None, line: int | None = None, expected: str = "YAML 1.2", fix: str = "") -> SpecError:
    return SpecError([Fault(path="YAML", got=got, expected=expected, fix=fix, line=line, file=file)])


def _measure(tree: Any, file: str | None) -> None:
    """Refuse a tree that grows without bound when its aliases are written out.

    Raises:
        SpecError: when it does.
    """
    sizes: dict[int, int] = {}
    open_: set[int] = set()

    def size(node: Any, depth: int) -> int:
        if id(node) in sizes:
            return sizes[id(node)]
        line = node.start_mark.line + 1
        if id(node) in open_ or depth > DEEPEST:
            how = "an alias stands within what it stands for" if id(node) in open_ else f"more than {DEEPEST} deep"
            raise _error(f"it is nested without end: {how}", file, line, "a spec")
        total = 1
        if isinstance(node.value, list):
            open_.add(id(node))
            for item in node.value:
                for part in item if isinstance(item, tuple) else (item,):
                    total += size(part, depth + 1)
            open_.discard(id(node))
        if total > MOST:
            raise _error(f"with its aliases written out it has more than {MOST} values", file, line, "a spec")
        sizes[id(node)] = total
        return total

    size(tree, 0)


def _constructed(constructor: Any, tree: Any, file: str | None) -> Any:
    """Return the data of a tree.

    Raises:
        SpecError: when a value is not what its tag says.
        MarkedYAMLError: when a tag is unknown, or a key stands there twice.
    """
    from ruamel.yaml.error import YAMLError

    try:
        return constructor.construct_document(tree)
    except (YAMLError, RecursionError):
        raise
    except Exception:  # Whatever a constructor makes of `!!int x`, `!!float abc`, a number of 5000 digits.
        for node in _scalars(tree, set()):
            constructor.recursive_objects.clear()  # It would take the node that failed for one that is under way.
            try:
                constructor.construct_object(node, deep=True)
            except Exception:
                kind = str(node.tag).rpartition(":")[2]
                got = f"{given(node.value)} cannot be read as {kind}"
                raise _error(got, file, node.start_mark.line + 1, "plain values", "put text in quotes") from None
        raise _error("a tag that its value does not fit", file, expected="plain values") from None


def _scalars(node: Any, seen: set[int]) -> Any:
    if id(node) in seen:
        return
    seen.add(id(node))
    if not isinstance(node.value, list):
        yield node
        return
    for item in node.value:
        for part in item if isinstance(item, tuple) else (item,):
            yield from _scalars(part, seen)


def _plain(node: Any, data: Any, path: Loc, where: Lines, lines: dict[Loc, int]) -> Any:
    """Return data whose text is whole, noting the line of every key and item; refuse what is no plain data.

    Raises:
        SpecError: for a value, or a key, that no spec may have.
    """
    line = node.start_mark.line + 1
    if isinstance(data, str):
        return _text(data, where.file, line)
    if data is None or isinstance(data, bool | float | datetime.date):
        return data
    if isinstance(data, int):
        if abs(data) >= WHOLE:
            raise _error(f"got {given(data)}", where.file, line, "whole numbers below 2**64")
        return data
    if type(data) is dict and isinstance(node.value, list):
        # In the order of the tree; merged keys (<<) come first there, so that a key's own line wins.
        named = {str(key): key for key in data}
        made = {}
        for key in data:
            if not isinstance(key, str | int | float | bool | datetime.date | None):
                raise _error(f"a key that is {given(key)}", where.file, line, "names as keys")
            made[_text(key, where.file, line) if isinstance(key, str) else key] = data[key]
        for key_node, value_node in node.value:
            key = named.get(str(key_node.value))
            if key is not None:
                whole = _text(key, where.file, line) if isinstance(key, str) else key
                lines[(*path, whole)] = key_node.start_mark.line + 1
                made[whole] = _plain(value_node, data[key], (*path, whole), where, lines)
        return made
    if type(data) is list:
        made_list = []
        for index, (item, value) in enumerate(zip(node.value, data, strict=False)):
            lines[(*path, index)] = item.start_mark.line + 1
            made_list.append(_plain(item, value, (*path, index), where, lines))
        return made_list
    raise _error(f"a tag, {str(node.tag).rpartition(':')[2]}", where.file, line, "YAML 1.2", "write plain values")


def _text(text: str, file: str | None, line: int) -> str:
    r"""Return text with ``\ud83d\ude00``, as JSON writes what is above 16 bits, as one letter.

    Raises:
        SpecError: when it holds half of such a pair, or what a terminal would obey.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    found = controlled(text)
    if found is not None:
        what = "half of a surrogate pair" if "\ud800" <= found <= "\udfff" else "a control character"
        raise _error(f"{what}, {ascii(found)[1:-1]}, in {text[:40]!a}", file, line, "text", "take it out")
    return text


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
