"""A framework's part as the entry that it is: the tables by which parity writes parts, from right to left."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import ValidationError

from parity.catalog import FAMILIES
from parity.entries import Entry, scalars
from parity.frameworks import has_part, part_of
from parity.native import Native
from parity.reading.odd import Reader
from parity.reading.unread import NoEntryError
from parity.run.told import Word

One = TypeVar("One", bound=Entry)


def reader_of(framework: str) -> Reader:
    """Return what a framework's folder says of reading, or that it says nothing."""
    found: Reader = part_of(framework, "reader").READER if has_part(framework, "reader") else Reader()
    return found


@cache
def _by_part(framework: str) -> Mapping[str, list[tuple[str, type[Entry], Native]]]:
    """Return the entries of each part, the one that most of its fields tell first."""
    found: dict[str, list[tuple[str, type[Entry], Native]]] = {}
    for family, members in FAMILIES.items():
        for entry in members.values():
            part = entry.part(framework)
            if part is not None and part.fields <= set(entry.model_fields):
                found.setdefault(part.name, []).append((family, entry, part))
    for every in found.values():
        every.sort(key=lambda one: -len(one[2].fields))
    return found


def entry_of(part: Mapping[str, Any], framework: str, family: str = "") -> dict[str, Any]:
    """Return the entry that a part is, ``{kind: fields}``.

    Args:
        part: a word (:mod:`parity.run.told`).
        framework: that it is of.
        family: that the entry must be of; any if empty.

    Raises:
        NoEntryError: when none is it; says what would be needed.
    """
    if "entry" in part:
        return _as_said(part["entry"])
    framework = part.get("framework", framework)
    reader = reader_of(framework)
    itself = reader.entry(part["part"]) or reader.said(part)
    if itself is not None:
        return dict(itself)
    part = reader.word(part)
    name = part["part"]
    known = [one for one in _by_part(framework).get(name, []) if family in ("", one[0])]
    if not known:
        kind = {"op": "a layer", "": "an entry"}.get(family, f"{'an' if family[:1] in 'aeiou' else 'a'} {family}")
        raise NoEntryError(f"{kind} that is {name}")
    reasons = []
    for _, entry, table in known:
        try:
            return {entry.kind: fields_of(part, framework, entry, table)}
        except NoEntryError as error:
            reasons.append(str(error))
    raise NoEntryError(reasons[0])


def _as_said(entry: Any) -> dict[str, Any]:
    """Return an entry as ``{kind: fields}``, whether or not it is said with fields."""
    return {entry: {}} if isinstance(entry, str) else dict(entry)


def fields_of(part: Mapping[str, Any], framework: str, entry: type[Entry], table: Native) -> dict[str, Any]:
    """Return an entry's fields as a part has them.

    Raises:
        NoEntryError: when the part is told what no field says.
    """
    arguments, own = part.get("arguments", {}), part.get("own", {})
    ignored = reader_of(framework).ignored
    beside = {name: one for name, one in arguments.items() if name not in table.arguments and name not in ignored}
    said = {}
    for name, one in beside.items():
        if name in reader_of(framework).beside and name in entry.model_fields:
            said[name] = one
        elif not _as_by_itself(one, own.get(name)):
            raise NoEntryError(f"a field of {entry.kind} that says {name}={shown_word(one)}")
    given = {name: value_of(arguments[name], framework) for name in table.arguments if name in arguments}
    given |= {name: value_of(own[name], framework) for name in table.arguments if name in own and name not in given}
    try:
        found = table.read({name: _tupled(one) for name, one in given.items()})
    except (TypeError, ValueError, KeyError) as error:
        raise NoEntryError(f"a {entry.kind} that is told so ({error})") from None
    found = {name: _single(entry, name, one) for name, one in found.items() if name in entry.model_fields} | said
    checked(entry, found)
    return found


def checked(entry: type[One], fields: Mapping[str, Any]) -> One:
    """Return an entry with fields.

    Raises:
        NoEntryError: when it cannot have them.
    """
    try:
        return entry.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(one) for one in first["loc"] if isinstance(one, str) and one not in (entry.kind,))
        told = f"{where}={shown_word(first['input'])} " if where else ""
        raise NoEntryError(f"a {entry.kind} that can have {told}({first['msg']})") from None


def _as_by_itself(value: Word, own: Word) -> bool:
    """Return whether an argument is as a part has it by itself: a size may be said once, or for each axis."""
    return value == own or (isinstance(value, list) and bool(value) and all(one == own for one in value))


def _single(entry: type[Entry], name: str, value: Any) -> Any:
    """Return a size along one axis, which a part may have as a list, as the number that a field takes."""
    single = isinstance(value, list | tuple) and len(value) == 1
    return value[0] if single and int in scalars(entry.model_fields[name].annotation) else value


def value_of(word: Word, framework: str) -> Any:
    """Return a word as the value of a field: parts in it as entries.

    Raises:
        NoEntryError: when a part in it is none.
    """
    if isinstance(word, Mapping) and ("part" in word or "entry" in word):
        return entry_of(word, framework)
    if isinstance(word, list | tuple):
        return [value_of(one, framework) for one in word]
    return word


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list) else value


def shown_word(word: Word) -> str:
    """Return a word as a person would say it.

    >>> shown_word({"part": "keras.activations.relu", "arguments": {}})
    'keras.activations.relu'
    """
    if isinstance(word, Mapping) and "part" in word:
        told = ", ".join(f"{name}={shown_word(one)}" for name, one in word.get("arguments", {}).items())
        return f"{word['part']}({told})" if told else str(word["part"])
    if isinstance(word, list | tuple):
        return f"[{', '.join(map(shown_word, word))}]"
    return repr(word) if isinstance(word, str) else str(word)
