"""A framework's own part as a table: it writes the call, matches a program written by hand, and reads a live part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from parity.code import Slot, TorchWeight, call
from parity.entries import Entry, shown


def _as_it_is(value: Any) -> Any:
    return value


def one_for_all(size: Any) -> Any:
    """Return a size as one number where it is the same along every axis."""
    several = size if isinstance(size, tuple) else (size,)
    return several[0] if len(set(several)) == 1 else several


@dataclass(frozen=True)
class Turned:
    """A field that a framework's part is told in another way.

    Args:
        field: its name.
        to: makes the argument of the field's value.
        back: makes the field's value of the argument.
        source: how the argument is written, ``{}`` standing for it.
    """

    field: str
    to: Callable[[Any], Any] = _as_it_is
    back: Callable[[Any], Any] = _as_it_is
    source: str = "{}"


Argument = str | tuple[str, ...] | Turned
"""The field that an argument is, the fields, or how it is told it; empty where no field says it alone."""


def same(*names: str) -> dict[str, Argument]:
    """Return arguments that are called as the fields are."""
    return {name: name for name in names}


@dataclass(frozen=True)
class Native:
    """A framework's own part that means what an entry means.

    Args:
        name: of what makes it, with its module: ``torch.optim.Adam``.
        arguments: each argument and the field that it is; the fields, where it takes several as a tuple.
        leading: of the arguments, those that stand first and without their names.
        own: arguments at which the part is left to itself, and their values there; what is not here is always said.
        when: fields that must have these values, or one of a frozen set, or the part means something else.
        why: for a field of ``when``, what an entry with another value is beside the part, in words that follow its
            name: "with epsilon under the root, as in Keras".
        never: why the part is not written, though one that is read means the entry.
        anew: arguments with which the part means the entry all the same, where they are set anew in every step:
            formulas in the fields and ``t``, the number of the step, 1 for the first.
        mended: fields of ``when`` whose other values these make up for; all of them if empty.
        slots: of an optimizer, each canonical slot and where the part keeps it; with a number, the slot is that many
            times the step size times what is kept.
        weights: of a layer, each canonical parameter, the attribute that the part keeps it in, and the permutation
            of its axes there, None where they lie alike.
        comment: a line, where something in the call is not the obvious choice.
    """

    name: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    leading: tuple[str, ...] = ()
    own: Mapping[str, Any] = field(default_factory=dict)
    when: Mapping[str, Any] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)
    never: str = ""
    anew: Mapping[str, str] = field(default_factory=dict)
    mended: tuple[str, ...] = ()
    slots: Mapping[str, str | tuple[str, float]] = field(default_factory=dict)
    weights: Mapping[str, tuple[str, tuple[int, ...] | None]] = field(default_factory=dict)
    comment: str = ""

    @property
    def title(self) -> str:
        """The name without its module."""
        return self.name.rpartition(".")[2]

    @property
    def fields(self) -> frozenset[str]:
        """The fields that the part is told."""
        found: set[str] = set()
        for said in self.arguments.values():
            found |= set(said) if isinstance(said, tuple) else {said.field if isinstance(said, Turned) else said}
        return frozenset(found - {""})

    def fits(self, entry: Any) -> bool:
        """Return whether the part means what the entry means, and is to be written."""
        return not self.never and not self.departures(entry)

    def as_told(self, told: Mapping[str, Any]) -> Native:
        """Return the part as an installed version has it: it may mean another value of a field that it is not told.

        >>> Native("lib.Adam", when={"place": "before"}).as_told({"place": "after"}).when
        {'place': 'after'}

        Args:
            told: fields of the entry, as the installed framework answered.
        """
        other = {
            name: told[name]
            for name, known in self.when.items()
            if name in told and name not in self.fields and not isinstance(known, frozenset) and told[name] != known
        }
        if not other:
            return self
        why = {name: f"with another {name.replace('_', ' ')} than this version's" for name in other}
        return replace(self, when={**self.when, **other}, why={**self.why, **why})

    def means(self) -> str:
        """Return in words where the part is taken, and what stands in its place elsewhere.

        >>> Native("lib.Adam", when={"place": "before"}, anew={"eps": "eps / t"}).means()
        'lib.Adam where place is before, else lib.Adam with eps set anew in every step'
        """
        if self.never:
            return f"written out: {self.name} {self.never}"
        if not self.when:
            return self.name
        said = {name: value if isinstance(value, frozenset) else [value] for name, value in self.when.items()}
        where = " and ".join(f"{name} is {' or '.join(sorted(map(shown, value)))}" for name, value in said.items())
        other = f"{self.name} with {' and '.join(self.anew)} set anew in every step" if self.anew else "written out"
        other += ", or written out" if self.mended else ""
        return f"{self.name} where {where}, else {other}"

    def departures(self, entry: Any) -> list[str]:
        """Return the fields in which the entry is another one than the part."""
        return [
            name
            for name, value in self.when.items()
            if (getattr(entry, name) not in value if isinstance(value, frozenset) else getattr(entry, name) != value)
        ]

    def mends(self, entry: Any) -> bool:
        """Return whether the part means what the entry means once its arguments are set anew in every step."""
        return bool(self.anew) and not (self.mended and set(self.departures(entry)) - set(self.mended))

    def reason(self, entry: Any) -> str:
        """Return why the part is not written for an entry, in words that follow its name; empty where none is said."""
        other = [self.why[name] for name in self.departures(entry) if name in self.why]
        return other[0] if other else "" if self.departures(entry) else self.never

    def source(self, entry: Any, *first: str, name_: str = "", **more: str | None) -> str:
        """Return the call that makes the part.

        Args:
            entry: whose fields it has.
            first: arguments that stand ahead of all others, as source.
            name_: of what is called in its place, such as a subclass.
            more: the source of arguments that the table does not have, or does not say as they are written; None
                leaves one out.
        """
        said = {argument: self._said(entry, argument) for argument in self.arguments if argument not in more}
        order = {argument: more.get(argument, said.get(argument)) for argument in (*self.arguments, *more)}
        ahead = [order.pop(argument) for argument in self.leading]
        return call(name_ or self.name, *first, *ahead, **order)

    def _said(self, entry: Any, argument: str) -> str | None:
        """Return the source of an argument; None where the part is left to itself."""
        value, source = self.value(entry, argument), "{}"
        if argument in self.own and value == self.own[argument]:
            return None
        turned = self.arguments[argument]
        if isinstance(turned, Turned):
            source = turned.source
        return source.format(repr(value))

    def value(self, entry: Any, argument: str) -> Any:
        """Return what an argument is for an entry."""
        said = self.arguments[argument]
        if isinstance(said, tuple):
            return tuple(getattr(entry, name) for name in said)
        return said.to(getattr(entry, said.field)) if isinstance(said, Turned) else getattr(entry, said)

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return an entry's fields, of a live part's arguments or configuration.

        Args:
            given: values by argument; those that are not there are as the part has them by itself.
        """
        found: dict[str, Any] = {}
        if not self.never:
            found |= {name: value for name, value in self.when.items() if not isinstance(value, frozenset)}
        for argument, said in self.arguments.items():
            if not said or (argument not in given and argument not in self.own):
                continue
            value = given.get(argument, self.own.get(argument))
            if isinstance(said, tuple):
                found |= dict(zip(said, value, strict=True))
            elif isinstance(said, Turned):
                found[said.field] = said.back(value)
            else:
                found[said] = value
        return found

    def kept(self, slots: tuple[str, ...], rate: float) -> dict[str, Slot]:
        """Return where the part keeps the slots of an optimizer.

        Args:
            slots: their canonical names.
            rate: the step size, which some are kept without.
        """
        found = {name: self.slots[name] for name in slots if name in self.slots}
        return {
            name: Slot(attribute=place) if isinstance(place, str) else Slot(attribute=place[0], scale=place[1] * rate)
            for name, place in found.items()
        }

    def kept_at(self, name: str, parameters: Iterable[str]) -> dict[str, TorchWeight]:
        """Return where a layer's parameters are kept.

        Args:
            name: attribute of the layer.
            parameters: their canonical names.
        """
        found = {one: self.weights[one] for one in parameters}
        return {
            one: TorchWeight(attribute=f"{name}.{attribute}", axes=axes) for one, (attribute, axes) in found.items()
        }

    def without_rate(self, slots: tuple[str, ...]) -> tuple[str, ...]:
        """Return the slots that the part keeps without the step size: once that changes, they are other ones."""
        return tuple(name for name in slots if not isinstance(self.slots.get(name, ""), str))


def means_in(entry: type[Entry], framework: str) -> str:
    """Return what an entry is in a framework: why it is not there, its own part, or that it is written out."""
    hole, part = entry.hole(framework), entry.part(framework)
    if hole is not None:
        return f"{hole.word}{f', {hole.why}' if hole.why else ''}"
    return part.means() if part else "written out" if hasattr(entry, "formula") else ""
