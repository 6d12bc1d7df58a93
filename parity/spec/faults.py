"""From pydantic's errors to faults a person can mend."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parity.catalog import FAMILIES
from parity.data.section import DataSpec
from parity.errors import Fault, did_you_mean, listed, nearest
from parity.frameworks import frameworks
from parity.schedules import NUMBER
from parity.spec.known import entry_hint, field_hint
from parity.spec.sections import EXACT_VERSION, ExplainSpec, ModelSpec, NumericsSpec, SideSpec, Spec, TrainingSpec

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

Loc = tuple[str | int, ...]

PARTS: dict[str, type[BaseModel]] = {
    "data": DataSpec,
    "model": ModelSpec,
    "training": TrainingSpec,
    "numerics": NumericsSpec,
    "explain": ExplainSpec,
}

EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of usual size",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "greater_than": "a number greater than {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number less than {lt}",
    "less_than_equal": "a number of at most {le}",
    "string_type": "text",
    "string_too_short": "text of at least {min_length} characters",
    "string_too_long": "text of at most {max_length} characters",
    "tuple_type": "a list",
    "list_type": "a list",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "invalid_key": "a name",
}
"""What was expected, by pydantic's type of error."""

PATTERNS = {
    r"^[A-Za-z][A-Za-z0-9_]*$": "letters, digits and _, a letter first",
    r"^[A-Za-z0-9][A-Za-z0-9_.-]*$": "letters, digits and _.-, a letter or digit first",
    EXACT_VERSION: "an exact version, such as 3.13.2",
}
"""Patterns, in words."""


@dataclass(frozen=True)
class Lines:
    """Line of every path of a file."""

    file: str | None
    found: Mapping[Loc, int]


NOWHERE = Lines(None, {})
"""Lines of what came from no file."""


@dataclass(frozen=True)
class Where:
    """Makes faults with their place."""

    lines: Lines = NOWHERE

    def line(self, loc: Loc) -> int | None:
        """Return the line of a path, or of the nearest part of it that the file has."""
        for end in range(len(loc), 0, -1):
            if loc[:end] in self.lines.found:
                return self.lines.found[loc[:end]]
        return 1 if self.lines.file else None

    def fault(self, loc: Loc, got: str, expected: str = "", fix: str = "") -> Fault:
        """Return a fault at a path."""
        return Fault(
            path=dotted(loc) or "spec", got=got, expected=expected, fix=fix, line=self.line(loc), file=self.lines.file
        )


def dotted(loc: Loc) -> str:
    """Return a path as a user would write it: ``model.layers[2].dense.units``."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def faults_of(error: ValidationError, where: Where, prefix: Loc = (), inside: int = 0) -> list[Fault]:
    """Return a fault for each of pydantic's errors.

    Args:
        error: what pydantic found.
        where: knows the lines.
        prefix: path of what was validated.
        inside: parts of pydantic's own paths that the prefix ends with already.
    """
    details = error.errors(include_url=False)
    places = [(*prefix, *(part for part in detail["loc"][inside:] if part != NUMBER)) for detail in details]
    unknown = {loc for loc, detail in zip(places, details, strict=True) if detail["type"] == "extra_forbidden"}
    found = []
    for loc, detail in zip(places, details, strict=True):
        if detail["type"] == "missing" and _misspelt(loc, unknown):
            continue  # The unknown field next to it says so.
        if detail["type"] == "too_short" and any(other[: len(loc)] == loc and other != loc for other in places):
            continue  # It has items with a fault of their own: pydantic counts those that have none.
        found.append(_fault(detail, where, loc))
    return found


def _misspelt(missing: Loc, unknown: set[Loc]) -> bool:
    """Return whether a missing field stands there under a name like it."""
    beside = [str(loc[-1]) for loc in unknown if loc[:-1] == missing[:-1]]
    return nearest(str(missing[-1]), beside) is not None


def _fault(detail: ErrorDetails, where: Where, loc: Loc) -> Fault:
    context: dict[str, Any] = {
        key: f"{value:g}" if isinstance(value, float) else value for key, value in detail.get("ctx", {}).items()
    }
    got = f"got {given(detail['input'])}"
    if loc and loc[-1] == "[key]":
        loc = loc[:-1]
    match detail["type"]:
        case "union_tag_invalid":
            choices = [choice.strip().strip("'") for choice in context["expected_tags"].split(",")]
            name = str(context["tag"])
            if name.startswith("("):
                return where.fault(loc, got, f"{listed(choices)}, by name or as {{name: {{field: value}}}}")
            said = {"loss": "loss", "metrics": "metric"}.get(str(loc[0])) if len(loc) > 1 else None
            family = said or _family(loc)  # Of several outputs, what stands last is the name of one.
            fix = _layer_of(name) if family == "layer" else ""
            fix = fix or entry_hint(name, choices, {"layer": "op"}.get(family, family))
            word = f"{family} " if family else ""
            return where.fault(loc, f"unknown {word}{given(name)}", listed(choices), fix)
        case "extra_forbidden":
            owner = _owner(loc[:-1])
            fields = list(owner.model_fields) if owner else []
            name = str(loc[-1])
            expected = listed(fields, most=20) if fields else "no fields"
            return where.fault(loc, f"unknown field {given(name)}", expected, _field_fix(name, fields, owner, loc))
        case "missing":
            owner = _owner(loc[:-1])
            about = owner.model_fields[str(loc[-1])].description if owner and loc[-1] in owner.model_fields else ""
            return where.fault(loc, "it is missing", f"a value: {about}" if about else "a value", f"add {loc[-1]!r}")
        case "literal_error":
            choices = list(frameworks()) if loc[-1] == "framework" else _quoted(str(context["expected"]))
            family = "framework" if loc[-1] == "framework" else ""
            hint = entry_hint(str(detail["input"]), choices, family) if family else ""
            return where.fault(loc, got, listed(choices), hint or did_you_mean(str(detail["input"]), choices))
        case "string_pattern_mismatch":
            pattern = context["pattern"]
            return where.fault(loc, got, PATTERNS.get(pattern, f"text that matches {pattern}"))
        case "value_error":
            return where.fault(loc, str(context["error"]))
        case kind if kind in EXPECTED:
            return where.fault(loc, got, EXPECTED[kind].format(**context) + _fields_of(kind, loc), _fix(kind, detail))
        case _:
            return where.fault(loc, got, detail["msg"].removeprefix("Input should be "))


def _layer_of(name: str) -> str:
    """Say how an activation is written as a layer."""
    return f"write {{activation: {name}}}" if name in FAMILIES["activation"] else ""


def _field_fix(name: str, fields: list[str], owner: type[BaseModel] | None, loc: Loc) -> str:
    """Say where a field that is none belongs, or what it is a misspelling of."""
    elsewhere = [
        f"{section}.{name}"
        for section, part in PARTS.items()
        if len(loc) == 2 and loc[0] in PARTS and part is not owner and name in part.model_fields
    ]
    return field_hint(name, fields, str(loc[-2]) if len(loc) > 1 else "a spec", elsewhere)


def _fields_of(kind: str, loc: Loc) -> str:
    owner = _owner(loc) if kind.startswith("model") else None
    return f" of {listed(owner.model_fields, most=20).removeprefix('one of ')}" if owner and owner.model_fields else ""


def _fix(kind: str, detail: ErrorDetails) -> str:
    value = detail["input"]
    if kind in ("tuple_type", "list_type") and isinstance(value, str | int | float):
        return f"write [{value}]"
    if kind in ("string_type", "invalid_key") and isinstance(value, bool | int | float | datetime.date):
        return "put it in quotes"
    if kind in ("bool_parsing", "bool_type") and str(value).lower() in ("yes", "no", "on", "off"):
        return f"write {'true' if str(value).lower() in ('yes', 'on') else 'false'}: in YAML 1.2 {value} is text"
    return ""


def given(value: Any) -> str:
    """Return what was given, short enough for a line: ``'ten'``, ``-3``, ``a list of 2``."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime.date):
        return f"the date {value}"
    if isinstance(value, dict | list | tuple):
        return f"a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)}"
    if isinstance(value, int) and abs(value) > 10**60:
        return f"a number of about {int(value.bit_length() * 0.30103) + 1} digits"
    text = repr(value[:80] if isinstance(value, str | bytes) else value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _quoted(text: str) -> list[str]:
    return text.split("'")[1::2]


def _family(loc: Loc) -> str:
    last = next((str(part) for part in reversed(loc) if isinstance(part, str)), "").rpartition(".")[2]
    words = {"layers": "layer", "after": "layer", "before": "layer", "activation": "activation",
             "function": "activation", "loss": "loss", "optimizer": "optimizer", "learning_rate": "schedule",
             "metrics": "metric"}  # fmt: skip
    endings = ("initializer", "regularizer", "constraint")
    return words.get(last) or next((one for one in endings if last.endswith(one)), "")


def _owner(loc: Loc) -> type[BaseModel] | None:
    """Return the class of the object at a path."""
    if not loc:
        return Spec
    last = str(loc[-1])
    if len(loc) == 2 and loc[0] == "sides":
        return SideSpec
    if last in PARTS and (len(loc) == 1 or loc[-2] == "changes"):
        return PARTS[last]
    for entries in FAMILIES.values():
        if last in entries:
            return entries[last]
    return None
