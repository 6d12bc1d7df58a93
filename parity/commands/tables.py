"""What ``parity diff``, ``parity defaults`` and ``parity catalog`` print."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal, get_args, get_origin

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from parity.catalog import FAMILIES
from parity.entries import Entry, shown
from parity.errors import UsageError, listed
from parity.frameworks import frameworks
from parity.native import means_in
from parity.result.formats import names
from parity.run.environment import may_have_gpus
from parity.spec.consistency import reads
from parity.spec.differences import Difference, differences
from parity.spec.known import entry_hint
from parity.spec.resolve import Own, Resolved, default_of
from parity.spec.sections import NumericsSpec, TrainingSpec

SIDE_BY_SIDE = 40
"""Characters of a path from which on its values stand below it."""


def _pairs(sides: Sequence[Resolved]) -> list[tuple[Resolved, Resolved, list[Difference]]]:
    first, *others = sides
    return [(first, other, differences(first, other, gpus=may_have_gpus())) for other in others]


def differences_json(sides: Sequence[Resolved]) -> str:
    """Return the differences as JSON: a list of pairs of sides."""
    told = [
        {
            "a": a.name,
            "b": b.name,
            "differences": [asdict(one) | {"inert": one.inert} for one in found],
            "loss_formulas": {side.name: formula(side) for side in (a, b)},
            "metrics": {side.name: {one.name: one.metric.label() for one in side.metrics()} for side in (a, b)},
        }
        for a, b, found in _pairs(sides)
    ]
    return json.dumps(told, indent=2)


def formula(side: Resolved) -> str:
    """Return which loss formula a side runs, in words."""
    return side.formula


def metric_lines(side: Resolved) -> list[str]:
    """Return, of every metric whose name leaves it open, which one is computed, and why."""
    return [
        f"Metric of {side.name}: {one.name} -> {one.metric.label()}, since {one.reason}."
        for one in side.metrics()
        if one.reason
    ]


def _table(*titles: str) -> Table:
    table = Table(box=None, pad_edge=False, show_header=True, header_style="bold", padding=(0, 2, 0, 0))
    for index, title in enumerate(titles):
        table.add_column(title, overflow="fold", no_wrap=index == 0)
    return table


def _row(table: Table, *cells: str) -> None:
    # Formulas and lists have square brackets, which rich would take for markup.
    table.add_row(*(Text(cell) for cell in cells))


def print_differences(sides: Sequence[Resolved], console: Console | None = None) -> None:
    """Print the differences of the first side and each other one."""
    console = console or Console(highlight=False)
    if len(sides) == 1:
        console.print(f"One side, {sides[0].name}: nothing to compare.")
    for a, b, found in _pairs(sides):
        live = sum(not one.inert for one in found)
        count = f"{len(found)} difference{'' if len(found) == 1 else 's'}"
        console.print(f"{a.name} -> {b.name}: {count}, {live} of them live", style="bold")
        _print_pairs([(one.path, _values(one)) for one in found], console)
        for side in (a, b):
            console.print(f"Loss of {side.name}: {formula(side)}.", markup=False, style="dim")
        for line in dict.fromkeys(line for side in (a, b) for line in metric_lines(side)):
            console.print(line, markup=False, style="dim")
        console.print()


def _values(one: Difference) -> str:
    return f"{one.a} -> {one.b}" + (f"\n(inert: {one.reason})" if one.inert else "")


def _print_pairs(rows: Sequence[tuple[str, str]], console: Console) -> None:
    """Print paths and their values side by side, or one below the other where a path leaves no room."""
    if max((len(path) for path, _ in rows), default=0) > SIDE_BY_SIDE:
        for path, values in rows:
            console.print(Text(path), overflow="fold")
            console.print(Padding(Text(values), (0, 0, 0, 4)))
    elif rows:
        table = _table("", "")
        table.show_header = False
        for row in rows:
            _row(table, *row)
        console.print(table)


def asked() -> dict[str, Own]:
    """Ask the installed frameworks for their own defaults."""
    from parity.run.own_defaults import own_defaults

    return {framework: own_defaults(framework) for framework in frameworks()}


def default_rows(own: Mapping[str, Own] | None = None) -> list[dict[str, Any]]:
    """Return every field that some framework starts at another value than parity does.

    Args:
        own: what frameworks say themselves; what they do not say is taken as it is known.
    """
    told = own or {}
    rows: list[dict[str, Any]] = []
    owners: list[tuple[str, str, Any]] = [
        ("training", "training", TrainingSpec),
        ("numerics", "numerics", NumericsSpec),
    ]
    owners += [(family, name, entry) for family, entries in FAMILIES.items() for name, entry in entries.items()]
    for family, name, owner in owners:
        said = {name: own.get(owner.__module__, {}) for name, own in told.items()} if issubclass(owner, Entry) else {}
        fields = {field for changed in owner.native.values() for field in changed}
        fields |= {field for one in said.values() for field, value in one.items() if value != default_of(owner, field)}
        for field in [field for field in owner.model_fields if field in fields]:
            parity = owner.model_fields[field].get_default(call_default_factory=True)
            read = reads(owner, field).validate_python
            values = {
                name: read(said.get(name, {}).get(field, owner.natively(name).get(field, parity)))
                for name in frameworks()
            }
            rows.append(
                {
                    "family": family,
                    "entry": name,
                    "field": field,
                    "parity": shown(parity),
                    **{framework: shown(value) for framework, value in values.items()},
                }
            )
    return rows


def defaults_json(ask: bool = False) -> str:
    """Return the defaults that differ, as JSON.

    Args:
        ask: the installed frameworks.
    """
    return json.dumps(default_rows(asked() if ask else None), indent=2)


def print_defaults(ask: bool = False, console: Console | None = None) -> None:
    """Print the defaults that differ.

    Args:
        ask: the installed frameworks.
        console: that is printed to.
    """
    console = console or Console(highlight=False)
    console.print("Where a framework's own default is not parity's. A side with `defaults: native` takes them.\n")
    if ask:
        there = [one for one in frameworks().values() if one.installed()]
        versions = ", ".join(f"{one.title} {importlib.metadata.version(one.packages[0])}" for one in there)
        console.print(f"Asked: {versions}. What cannot be asked for is as it is known.\n")
    told: dict[str, dict[str, str]] = {}
    for row in default_rows(asked() if ask else None):
        others: dict[str, list[str]] = {}
        for one in frameworks().values():
            if row[one.name] != row[one.falls_back or "parity"]:
                others.setdefault(row[one.name], []).append(one.title)
        said = "; ".join(f"{names(titles)} {value}" for value, titles in others.items())
        told.setdefault(row["entry"], {})[row["field"]] = f"{row['parity']}; {said}"
    for entries, fields in _alike(told):
        console.print(Text(", ".join(entries), style="bold"))
        table = _table("", "")
        table.show_header = False
        for field, values in fields.items():
            _row(table, f"  {field}", values)
        console.print(table)
    for one in frameworks().values():
        if one.falls_back:
            console.print(f"\nElse {one.title} starts as {frameworks()[one.falls_back].title} does.")


def _alike(told: Mapping[str, dict[str, str]]) -> list[tuple[list[str], dict[str, str]]]:
    """Return entries with what is said of them, those together of which the same is said."""
    found: list[tuple[list[str], dict[str, str]]] = []
    for name, fields in told.items():
        same = next((names for names, others in found if others == fields), None)
        if same is None:
            found.append(([name], fields))
        else:
            same.append(name)
    return found


def _summary(entry: type[Entry]) -> str:
    return (entry.__doc__ or "").strip().splitlines()[0]


def catalog_json() -> str:
    """Return the catalog as JSON: all that is known of every entry, by family and name."""
    told = {
        family: {name: _entry_told(entry) for name, entry in entries.items()} for family, entries in FAMILIES.items()
    }
    return json.dumps(told, indent=2)


def _entry_told(entry: type[Entry]) -> dict[str, Any]:
    there = {name: entry.hole(name) for name in frameworks()}
    return {
        "summary": _summary(entry),
        "text": _unindented(entry.__doc__ or ""),
        "fields": {field: _field(entry, field) for field in entry.model_fields},
        "frameworks": [name for name, hole in there.items() if hole is None],
        "parts": {name: means_in(entry, name) for name, hole in there.items() if hole is None},
        "holes": {name: {"word": hole.word, "why": hole.why} for name, hole in there.items() if hole is not None},
        "cases": len(entry.cases()),
        "shows": [case.shows for case in entry.cases()],
        "read_in": dict(entry.source),
        "since": [one.told() for one in entry.moved()],
    }


def _field(entry: type[Entry], name: str) -> dict[str, Any]:
    field = entry.model_fields[name]
    default = "required" if field.is_required() else shown(field.get_default(call_default_factory=True))
    return {"default": default, "description": field.description or "", "values": _texts(field.annotation)}


def _texts(annotation: Any) -> list[str]:
    """Return the texts that a field may be, where it names them."""
    if get_origin(annotation) is Literal:
        return [one for one in get_args(annotation) if isinstance(one, str)]
    return [text for one in get_args(annotation) for text in _texts(one)]


def print_catalog(console: Console | None = None) -> None:
    """Print every entry with its first line."""
    console = console or Console(highlight=False)
    every = ", ".join(f"{one.name} ({one.title})" for one in frameworks().values())
    console.print(f"Frameworks: {every}.")
    console.print("One in full: parity catalog NAME\n")
    for family, entries in FAMILIES.items():
        console.print(family, style="bold")
        table = _table("", "", "")
        table.show_header = False
        for name, entry in entries.items():
            _row(table, f"  {name}", _summary(entry), _runs_in(entry))
        console.print(table)
        console.print()


def _runs_in(entry: type[Entry]) -> str:
    """Return in which frameworks an entry runs, in a cell."""
    there = [name for name in frameworks() if entry.hole(name) is None]
    return "in all" if len(there) == len(frameworks()) else f"in {', '.join(there)}" if there else "in none yet"


def _there(entry: type[Entry], framework: str) -> str:
    """Return what an entry is in a framework, behind a colon."""
    return f": {words}" if (words := means_in(entry, framework)) else ""


def print_entry(name: str, console: Console | None = None) -> None:
    """Print one entry in full: meaning, fields, worked cases, the framework files it was read from.

    Raises:
        UsageError: when there is none of that name.
    """
    console = console or Console(highlight=False)
    every = {one: entry for entries in FAMILIES.values() for one, entry in entries.items()}
    if name not in every:
        raise UsageError(f"catalog {name!r}: no such entry; {listed(every, 40)}; {entry_hint(name, list(every))}")
    for number, family in enumerate(family for family, entries in FAMILIES.items() if name in entries):
        console.print("\n" if number else "", end="")
        _print_one(name, family, console)


def _print_one(name: str, family: str, console: Console) -> None:
    entry = FAMILIES[family][name]
    console.print(f"{name} ({family})\n", style="bold")
    console.print(_unindented(entry.__doc__ or ""), markup=False)
    table = _table("field", "default", "")
    for field in entry.model_fields:
        about = _field(entry, field)
        _row(table, field, about["default"], about["description"])
    console.print()
    console.print(table)
    _print_list(console, "Runs in", (f"{one.title}{_there(entry, name)}" for name, one in frameworks().items()))
    _print_list(console, "Since which version", (moved.told() for moved in entry.moved()))
    _print_list(console, "Worked cases", (f"{case.shows}" for case in entry.cases()))
    _print_list(console, "Read in", (f"{frameworks()[one].title}: {file}" for one, file in entry.source.items()))


def _print_list(console: Console, title: str, lines: Iterable[str]) -> None:
    lines = list(lines)
    if lines:
        console.print(f"\n{title}", style="bold")
        for line in lines:
            console.print(f"  - {line}", markup=False)


def _unindented(text: str) -> str:
    import inspect

    return inspect.cleandoc(text)
