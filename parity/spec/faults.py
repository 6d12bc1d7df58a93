"""From pydantic's errors to faults a person can mend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from parity.catalog import FAMILIES
from parity.data.schema import DataSpec
from parity.entries import FRAMEWORKS
from parity.errors import Fault, did_you_mean, listed
from parity.spec.schema import ExplainSpec, ModelSpec, SideSpec, Spec, TrainingSpec

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

Loc = tuple[str | int, ...]

PARTS: dict[str, type[BaseModel]] = {
    "data": DataSpec,
    "model": ModelSpec,
    "training": TrainingSpec,
    "explain": ExplainSpec,
}


@dataclass(frozen=True)
class Lines:
    """Line of every path of a file."""

    file: str | None
    found: dict[Loc, int]


@dataclass(frozen=True)
class Where:
    """Makes faults with their place."""

    lines: Lines

    def line(self, loc: Loc) -> int | None:
        """Return the line of a path, or of the nearest part of it that the file has."""
        for end in range(len(loc), 0, -1):
            if loc[:end] in self.lines.found:
                return self.lines.found[loc[:end]]
        return 1 if self.lines.file else None

    def fault(self, loc: Loc, got: str, expected: str, fix: str = "") -> Fault:
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


def faults_of(error: ValidationError, where: Where, prefix: Loc = ()) -> list[Fault]:
    """Return a fault for each of pydantic's errors.

    Args:
        error: what pydantic found.
        where: knows the lines.
        prefix: path of what was validated.
    """
    return [_fault(detail, where, (*prefix, *detail["loc"])) for detail in error.errors(include_url=False)]


def _fault(detail: ErrorDetails, where: Where, loc: Loc) -> Fault:
    context: dict[str, Any] = detail.get("ctx", {})
    got = given(detail["input"])
    match detail["type"]:
        case "union_tag_invalid":
            choices = [choice.strip().strip("'") for choice in context["expected_tags"].split(",")]
            name = str(context["tag"])
            if name.startswith("("):
                return where.fault(loc, got, f"{listed(choices)}, by name or as {{name: {{field: value}}}}")
            return where.fault(loc, f"unknown {_family(loc)}{name!r}", listed(choices), did_you_mean(name, choices))
        case "extra_forbidden":
            owner = _owner(loc[:-1])
            fields = [name for name in owner.model_fields if name != "kind"] if owner else []
            name = str(loc[-1])
            return where.fault(loc, f"unknown field {name!r}", listed(fields, most=20), did_you_mean(name, fields))
        case "missing":
            owner = _owner(loc[:-1])
            about = owner.model_fields[str(loc[-1])].description if owner and loc[-1] in owner.model_fields else ""
            return where.fault(loc, "nothing", f"a value, {about}" if about else "a value", f"add {loc[-1]!r}")
        case "literal_error":
            choices = list(FRAMEWORKS) if loc[-1] == "framework" else _quoted(str(context["expected"]))
            return where.fault(loc, got, listed(choices), did_you_mean(str(detail["input"]), choices))
        case "value_error":
            return where.fault(loc, got, str(context["error"]))
        case _:
            expected = detail["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
            return where.fault(loc, got, expected[0].lower() + expected[1:])


def given(value: Any) -> str:
    """Return what was given, short enough for a line: ``'ten'``, ``-3``, ``a list of 2``."""
    if isinstance(value, dict | list | tuple):
        return f"a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)}"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _quoted(text: str) -> list[str]:
    return text.split("'")[1::2]


def _family(loc: Loc) -> str:
    last = next((str(part) for part in reversed(loc) if isinstance(part, str)), "")
    words = {"layers": "layer", "activation": "activation", "function": "activation", "loss": "loss",
             "optimizer": "optimizer", "metrics": "metric"}  # fmt: skip
    word = words.get(last) or ("initializer" if last.endswith("initializer") else "")
    return f"{word} " if word else ""


def _owner(loc: Loc) -> type[BaseModel] | None:
    """Return the class of the object at a path."""
    if not loc:
        return Spec
    last = str(loc[-1])
    if len(loc) == 2 and loc[0] == "sides":
        return SideSpec
    if len(loc) == 1 and last in PARTS:
        return PARTS[last]
    for entries in FAMILIES.values():
        if last in entries:
            return entries[last]
    return None
