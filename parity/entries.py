"""Entries: what a spec can name. One entry is one file; discovery finds it.

An entry is a frozen pydantic model whose fields are what a user may set. It carries everything that is
known about it: its meaning as float64 NumPy (the third witness beside the frameworks), what each framework's
own defaults are, and how it is written in each framework.

========== =============================== ==========================================
family     folder                          what one entry is
========== =============================== ==========================================
op         ``parity/ops/``                 a layer
activation ``parity/activations/``         an elementwise function or softmax
initializer``parity/initializers/``        how a parameter starts
loss       ``parity/losses/``              what is minimised
optimizer  ``parity/optimizers/``          how a gradient becomes an update
metric     ``parity/metrics/``             what is reported about predictions
========== =============================== ==========================================
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar, Union

from pydantic import BaseModel, ConfigDict, Discriminator, Tag, model_validator

from parity.errors import did_you_mean, listed

if TYPE_CHECKING:
    from parity.written import Case

FRAMEWORKS = ("keras", "tensorflow", "torch")
"""Frameworks a side may name, in the order reports show them."""

TITLES = {"keras": "Keras", "tensorflow": "raw TensorFlow", "torch": "PyTorch"}
"""How each framework is called in text for people."""

Shape = tuple[int, ...]
"""Shape of a tensor without its batch axis."""

EntryT = TypeVar("EntryT", bound="Entry")


class Entry(BaseModel):
    """Base of everything a spec can name.

    A spec may write an entry as its bare name (``flatten``), as a name with fields
    (``{dense: {units: 10}}``) or, where :attr:`short` is set, as a name with one value (``{dropout: 0.4}``).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: ClassVar[str] = ""
    """The name a spec uses."""
    short: ClassVar[str | None] = None
    """The field that a bare value sets."""
    native: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Per framework, the fields whose default in that framework is not the one declared here."""
    source: ClassVar[Mapping[str, str]] = {}
    """Per framework, the file that was read to write this entry."""

    @model_validator(mode="before")
    @classmethod
    def _unwrap(cls, data: Any) -> Any:
        if data == cls.kind:
            return {}
        if isinstance(data, Mapping) and len(data) == 1 and cls.kind in data:
            data = data[cls.kind]
            if data is None:
                return {}
            if not isinstance(data, Mapping) and cls.short is not None:
                return {cls.short: data}
        return data

    @classmethod
    def cases(cls) -> list[Case]:
        """Return the hand-worked cases: documentation and test at once."""
        return []

    def label(self) -> str:
        """Return the entry as one would say it: ``truncated_normal(stddev=1.0)``.

        Only fields that are not at their documented default are named.
        """
        parts = []
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if field.is_required() or value != field.get_default(call_default_factory=True):
                parts.append(f"{name}={shown(value)}")
        return f"{self.kind}({', '.join(parts)})" if parts else self.kind

    def replace(self, **fields: Any) -> Self:
        """Return a validated copy with some fields changed."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_validate(values | fields)


def shown(value: Any) -> str:
    """Return a field's value as text: entries by their label, tuples in brackets."""
    if isinstance(value, Entry):
        return value.label()
    if isinstance(value, tuple | list):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


@cache
def discover(base: type[EntryT], package: str) -> dict[str, type[EntryT]]:
    """Return the entries of a package by name, importing every file in it.

    Args:
        base: the family's base class.
        package: dotted name of the folder that holds one file an entry.
    """
    found: dict[str, type[EntryT]] = {}
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        module = importlib.import_module(f"{package}.{info.name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__:
                if value.kind:
                    found[value.kind] = value
    return dict(sorted(found.items()))


def entry_type(base: type[EntryT], package: str) -> Any:
    """Return the annotation of a field that takes any entry of a family, however it is written.

    Args:
        base: the family's base class.
        package: the folder that holds the entries.
    """
    classes = discover(base, package)

    def kind_of(value: Any) -> str:
        if isinstance(value, Entry):
            return value.kind
        if isinstance(value, Mapping) and len(value) == 1:
            return str(next(iter(value)))
        return str(value) if isinstance(value, str) else f"({type(value).__name__})"

    tagged = tuple(Annotated[entry, Tag(name)] for name, entry in classes.items())
    return Annotated[Union[tagged], Discriminator(kind_of)]  # noqa: UP007 - built at run time


def unknown_entry(name: str, choices: Mapping[str, Any]) -> tuple[str, str]:
    """Return what was expected and how to fix it, for a name no entry has."""
    return listed(choices), did_you_mean(name, list(choices))
