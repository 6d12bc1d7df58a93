"""What is not what it was when a golden was made: versions, the machine, native defaults, fields of the config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from parity.data.section import SUFFIXES
from parity.errors import ParityError
from parity.goldens.golden import RecordedSide
from parity.spec.plain import dump
from parity.spec.resolve import Resolved
from parity.spec.sections import Config


@dataclass(frozen=True, kw_only=True)
class MovedValue:
    """One thing that is not what it was.

    Args:
        name: of the package, of the machine's part, or the path.
        before: when the golden was made; empty for nothing.
        now: here and now.
    """

    name: str
    before: str
    now: str

    def __str__(self) -> str:
        return f"{self.name}: {self.before or 'nothing'} -> {self.now or 'nothing'}"


def moved(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[MovedValue]:
    """Return what differs between two tables.

    Args:
        before: as it was recorded.
        now: as it is.
    """
    return [
        MovedValue(name=name, before=_text(before.get(name)), now=_text(now.get(name)))
        for name in dict.fromkeys([*before, *now])
        if before.get(name) != now.get(name)
    ]


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def to_record(side: Resolved) -> dict[str, Any]:
    """Return the config of a side as a golden keeps it: files by their names, wherever they are."""
    config = side.config
    data = config.data.model_copy(update={"source": Path(config.data.source).name})
    file = config.training.initial_weights
    training = config.training.model_copy(update={"initial_weights": file and Path(file).name})
    return dump(config.model_copy(update={"data": data, "training": training}))


def as_recorded(recorded: RecordedSide, side: Resolved) -> Resolved | None:
    """Return a side with the config that it was recorded with; None where this version cannot read that config.

    A file of rows is the one that the side reads now, and so is one of weights where it has one: where it was is not
    what it is.

    Args:
        recorded: what the golden has of the side.
        side: as it is now.
    """
    try:
        config = Config.model_validate(recorded.config)
        data, now = config.data, side.config.data
        if any(one.lower().endswith(SUFFIXES) for one in (data.source, now.source)):
            config = config.model_copy(update={"data": data.model_copy(update={"source": now.source})})
        if None not in (config.training.initial_weights, side.config.training.initial_weights):
            config = config.model_copy(update={"training": config.training.model_copy(
                update={"initial_weights": side.config.training.initial_weights})})  # fmt: skip
        made = replace(side, config=config, origins=recorded.origins)
        _ = made.graph
    except (ValidationError, ParityError, ValueError):
        return None
    return made
