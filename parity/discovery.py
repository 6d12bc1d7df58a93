"""Entries are found by their files: the names that these say, and each file imported when its entry is first met.

A spec names few of all entries. To import every file, and to build what validates every entry, is most of the time that
``parity lint`` would take.
"""

from __future__ import annotations

import functools
import importlib
import operator
import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Annotated, Any, ClassVar, Generic, Protocol, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from parity.entries import Entry


class Kinded(Protocol):
    """Has a name that discovery finds it by."""

    kind: ClassVar[str]


EntryT = TypeVar("EntryT", bound="Entry")
KindedT = TypeVar("KindedT", bound=Kinded)

NAMED = re.compile(r'^    kind: ClassVar\[str\] = "([^"]+)"$', re.MULTILINE)
"""How a file says the name of an entry."""

STANDS_FOR = "x-entry"
"""In a JSON Schema that is being made: where the schema of an entry, ``MODULE:CLASS``, is to be."""


class Family(Mapping[str, type[KindedT]], Generic[KindedT]):
    """The classes of a package by name, sorted; a file is imported when a class of its is first asked for.

    Args:
        base: the family's base class, whose ``kind`` is the name.
        package: dotted name of the folder that holds one file an entry.
    """

    def __init__(self, base: type[KindedT], package: str) -> None:
        """Find nothing yet."""
        self.base, self.package = base, package
        self._classes: dict[str, type[KindedT]] = {}

    @cached_property
    def modules(self) -> dict[str, str]:
        """The module of each name, as the files say it."""
        folder = Path(str(importlib.import_module(self.package).__file__)).parent
        found = {
            name: f"{self.package}.{file.stem}"
            for file in folder.glob("*.py")
            if file.stem != "__init__"
            for name in NAMED.findall(file.read_text(encoding="utf-8"))
        }
        return dict(sorted(found.items()))

    def __getitem__(self, name: str) -> type[KindedT]:
        """Return a class by its name."""
        if name not in self._classes:
            module = importlib.import_module(self.modules[name])
            for value in vars(module).values():
                own = isinstance(value, type) and issubclass(value, self.base) and value.__module__ == module.__name__
                if own and value.kind:
                    self._classes[value.kind] = value
        return self._classes[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self.modules)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.modules)

    def __contains__(self, name: object) -> bool:
        """Return whether there is such a name, importing nothing."""
        return name in self.modules


@cache
def discover(base: type[KindedT], package: str) -> Family[KindedT]:
    """Return the classes of a package by name.

    Args:
        base: the family's base class, whose ``kind`` is the name.
        package: dotted name of the folder that holds one file an entry.
    """
    return Family(base, package)


def _kind_of(value: Any) -> str:
    if isinstance(value, Entry):
        return value.kind
    if isinstance(value, Mapping) and len(value) == 1:
        return str(next(iter(value)))
    return str(value) if isinstance(value, str) else f"({type(value).__name__})"


class OneOf:
    """What a field says, beside its type, that takes one of some entries however it is written.

    Args:
        classes: the entries by name.
        number: name of the choice, if a number is one; then the type is of both.
    """

    def __init__(self, classes: Mapping[str, type[Entry]], number: str = "") -> None:
        """Keep them."""
        self.classes, self.number = classes, number

    def _kind_of(self, value: Any) -> str:
        if self.number and isinstance(value, int | float | str):  # A text there is a number that is badly written.
            return f"({type(value).__name__})" if isinstance(value, str) else self.number
        return _kind_of(value)

    def _read(self, name: str, value: Any) -> Any:
        return self.classes[name].model_validate(value)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let the class be found, and what validates it be built, when one of its kind is read."""
        choices: dict[Any, CoreSchema] = {
            name: core_schema.no_info_plain_validator_function(partial(self._read, name)) for name in self.classes
        }
        if self.number:
            choices[self.number] = core_schema.float_schema(ge=0.0, allow_inf_nan=False)
        return core_schema.tagged_union_schema(choices, discriminator=self._kind_of)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Name the entries: :func:`with_entries` puts their schemas there."""
        number = [{"type": "number", "minimum": 0}] if self.number else []
        return {"anyOf": [*number, *({STANDS_FOR: _address(one)} for one in self.classes.values())]}


def _address(entry: type[Entry]) -> str:
    return f"{entry.__module__}:{entry.__name__}"


def with_entries(schema: JsonSchemaValue) -> JsonSchemaValue:
    """Return a JSON Schema with those of all entries that it names.

    Args:
        schema: of something that has a field for entries.
    """
    known: dict[str, Any] = schema.pop("$defs", {})
    open_ends: list[Any] = [schema, *known.values()]
    while open_ends:
        for place in list(_placed(open_ends.pop())):
            address = place.pop(STANDS_FOR)
            module, _, name = address.partition(":")
            place["$ref"] = f"#/$defs/{name}"
            if name not in known:
                own = getattr(importlib.import_module(module), name).model_json_schema()
                inner = own.pop("$defs", {})
                added = {**{other: one for other, one in inner.items() if other not in known}, name: own}
                known |= added
                open_ends += added.values()
    return {**schema, "$defs": known}


def _placed(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield where schemas of entries are to be."""
    if isinstance(schema, dict):
        if STANDS_FOR in schema:
            yield schema
        for one in list(schema.values()):
            yield from _placed(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from _placed(one)


def entry_type(base: type[EntryT], package: str, number: str = "") -> Any:
    """Return the annotation of a field that takes any entry of a family, however it is written.

    Args:
        base: the family's base class.
        package: the folder that holds the entries.
        number: what faults call a number, if one may stand in the place of an entry.
    """
    return Annotated[float | base if number else base, OneOf(discover(base, package), number)]


def one_of(classes: Mapping[str, type[EntryT]]) -> Any:
    """Return the annotation of a field that takes one of a few entries, however it is written.

    Args:
        classes: the entries by name.
    """
    return Annotated[functools.reduce(operator.or_, classes.values()), OneOf(classes)]
