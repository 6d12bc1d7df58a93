"""Pages that are made of the catalogue: one of each entry, one of each field that frameworks differ in.

All of it is what ``parity catalog --json`` and ``parity defaults --json`` say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from marked import cell, code, marked, table

from parity.commands.tables import catalog_json, defaults_json
from parity.frameworks import frameworks

TITLES = {
    "op": "Layers",
    "activation": "Activations",
    "initializer": "Initializers",
    "loss": "Losses",
    "optimizer": "Optimizers",
    "schedule": "Schedules of the learning rate",
    "regularizer": "Regularizers",
    "constraint": "Constraints",
    "metric": "Metrics",
}

NAMED = re.compile(r"\b(Keras|TensorFlow|PyTorch)|``(keras|nn|tf|torch|F)\.")
"""What a paragraph has that says something of a framework."""

TOLD_OF = 2
"""So many entries must say something of a field that has no other default anywhere, for it to have a page."""

Pages = dict[str, str]
Catalogue = Mapping[str, Mapping[str, Any]]


def pages() -> tuple[Pages, list[Any]]:
    """Return the pages, by their path in the site, and how they stand in the navigation."""
    catalogue: Catalogue = json.loads(catalog_json())
    rows: list[dict[str, str]] = json.loads(defaults_json())
    fields = [*_fields(catalogue, rows)]
    found: Pages = {"reference/differ/index.md": _differ(fields, rows)}
    found |= {f"reference/differ/{one}.md": _field(one, catalogue, rows) for one in fields}
    of_fields: list[Any] = [{one: f"reference/differ/{one}.md"} for one in fields]
    nav: list[Any] = [{"Where frameworks differ": ["reference/differ/index.md", *of_fields]}]
    for family, entries in catalogue.items():
        title = TITLES[family]
        found[f"reference/{family}/index.md"] = _family(title, entries)
        found |= {f"reference/{family}/{name}.md": _entry(name, family, one, rows, fields)
                  for name, one in entries.items()}  # fmt: skip
        nav.append({title: [f"reference/{family}/{name}.md" for name in ("index", *entries)]})
    found["reference/index.md"] = _index(catalogue)
    return found, nav


def _index(catalogue: Catalogue) -> str:
    rows = [
        [f"[{TITLES[family]}]({family}/index.md)", str(len(entries)),
         ", ".join(f"[{name}]({family}/{name}.md)" for name in [*entries][:6]) + (", ..." if len(entries) > 6 else "")]
        for family, entries in catalogue.items()
    ]  # fmt: skip
    return f"""# What a spec can name

Made from `parity catalog --json` of this version. Each entry has a page: its equation, its fields and their defaults,
what it is in each framework, and the cases that were worked by hand. `parity catalog NAME` prints the same.

{table(["family", "entries", ""], rows)}

[Where frameworks differ](differ/index.md) goes the other way: from a field, such as [epsilon](differ/epsilon.md),
[padding](differ/padding.md) or [weight decay](differ/weight_decay.md), to what each framework makes of it.
[The command line](../commands.md) has every command.
"""


def _family(title: str, entries: Mapping[str, Any]) -> str:
    rows = [[f"[{name}]({name}.md)", cell(one["summary"]), _runs_in(one)] for name, one in entries.items()]
    return f"# {title}\n\n{table(['name', 'what it computes', 'runs in'], rows)}\n"


def _runs_in(entry: Mapping[str, Any]) -> str:
    there = entry["frameworks"]
    return "all" if len(there) == len(frameworks()) else ", ".join(there) or "none yet"


def _entry(name: str, family: str, entry: Mapping[str, Any], rows: list[dict[str, str]], fields: list[str]) -> str:
    equation, _, rest = entry["text"].partition("\n")
    there = [
        [framework.title, cell(entry["parts"].get(key) or _hole(entry, key) or "")]
        for key, framework in frameworks().items()
    ]
    told = [
        [f"[`{field}`](../differ/{field}.md)" if field in fields else code(field), code(one["default"]),
         cell(one["description"])]
        for field, one in entry["fields"].items()
    ]  # fmt: skip
    own = [row for row in rows if row["family"] == family and row["entry"] == name]
    parts = [
        f"# {name}\n\n*{TITLES[family]}*\n\n```text\n{equation}\n```",
        marked(rest.strip()),
        f"## Fields\n\n{table(['field', 'default', ''], told)}" if told else "",
        f"## Where frameworks start elsewhere\n\n{_defaults(own, 'field')}" if own else "",
        f"## In each framework\n\n{table(['framework', 'what it is there'], there)}",
        _list("Since which version", entry["since"]),
        _list("Worked by hand", entry["shows"]),
        _list("Read in", [f"{frameworks()[one].title}: `{file}`" for one, file in entry["read_in"].items()]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _hole(entry: Mapping[str, Any], framework: str) -> str | None:
    hole = entry["holes"].get(framework)
    return None if hole is None else ": ".join(one for one in (hole["word"], hole["why"]) if one)


def _list(title: str, lines: list[str]) -> str:
    items = "\n".join(f"- {line if '`' in line else marked(line)}" for line in dict.fromkeys(lines))
    return f"## {title}\n\n{items}" if lines else ""


def _defaults(rows: list[dict[str, str]], by: str) -> str:
    """Return a table of defaults: a row for each entry or field, a column for each framework that says another."""
    shown = [one for key, one in frameworks().items()
             if any(row[key] != row[one.falls_back or "parity"] for row in rows)]  # fmt: skip
    own = [one for one in frameworks().values() if not one.falls_back or one in shown]
    body = [
        [
            _linked(row) if by == "entry" else code(row["field"]),
            code(row["parity"]),
            *(code(row[one.name]) for one in own),
        ]
        for row in rows
    ]
    return table([by, "parity", *(one.title for one in own)], body)


def _linked(row: Mapping[str, str]) -> str:
    there = row["family"] in TITLES
    return f"[{row['entry']}](../{row['family']}/{row['entry']}.md)" if there else code(row["entry"])


def _fields(catalogue: Catalogue, rows: list[dict[str, str]]) -> Iterator[str]:
    """Yield the fields that frameworks differ in: by a default, or by what entries say of them."""
    defaults = {row["field"] for row in rows}
    every = {field for entries in catalogue.values() for one in entries.values() for field in one["fields"]}
    for field in sorted(every | defaults):
        if field in defaults or len([*_telling(field, catalogue)]) >= TOLD_OF:
            yield field


def _telling(field: str, catalogue: Catalogue) -> Iterator[tuple[str, str, list[str]]]:
    """Yield the entries that say what frameworks make of a field, with the paragraphs that do."""
    for family, entries in catalogue.items():
        for name, one in entries.items():
            if field not in one["fields"]:
                continue
            values = [rf"``{re.escape(value)}``" for value in one["fields"][field]["values"]]
            words = re.compile("|".join([rf"\b{field}\b", *values]))
            paragraphs = one["text"].partition("\n")[2].split("\n\n")
            found = [text.strip() for text in paragraphs if words.search(text) and NAMED.search(text)]
            if found:
                yield family, name, found


def _differ(fields: list[str], rows: list[dict[str, str]]) -> str:
    body = []
    for field in fields:
        here = [row for row in rows if row["field"] == field]
        body.append([f"[`{field}`]({field}.md)", ", ".join(dict.fromkeys(code(row["entry"]) for row in here))])
    return f"""# Where frameworks differ

A field a page: with which value each framework starts it, and what it makes of it. It is made from the catalogue, which
was read in the frameworks' own source, and held against the installed versions by tests. A side with `defaults: native`
takes its framework's own values ([own defaults](../../defaults.md)); without that, every framework is given parity's.

{table(["field", "frameworks start elsewhere in"], body)}
"""


def _field(field: str, catalogue: Catalogue, rows: list[dict[str, str]]) -> str:
    every = [one["fields"] for entries in catalogue.values() for one in entries.values()]
    having = [fields[field] for fields in every if field in fields]
    values = [*dict.fromkeys(value for one in having for value in one["values"])]
    meanings = [*dict.fromkeys(one["description"] for one in having if one["description"])]
    own = [row for row in rows if row["field"] == field]
    words = field.replace("_", " ")
    parts = [
        f"# {words}: where frameworks differ\n\n`{field}`" + (f": {', '.join(map(code, values))}" if values else ""),
        f"## Own defaults\n\n{_defaults(own, 'entry')}" if own else "",
    ]
    for family, name, paragraphs in _telling(field, catalogue):
        told = "\n\n".join(map(marked, paragraphs))
        parts.append(f"## {words} in {name}\n\n{told}\n\n[All of {name}](../{family}/{name}.md)")
    parts.append(_list("What the field is", meanings))
    return "\n\n".join(part for part in parts if part) + "\n"
