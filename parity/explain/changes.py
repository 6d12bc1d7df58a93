"""Changes of a config that may be what a program does: what they set, and what they are called."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from parity.explain.habits import Habits
from parity.spec.graph import Layer
from parity.spec.paths import at, set_path
from parity.spec.resolve import Resolved


@dataclass(frozen=True, kw_only=True)
class Change:
    """One thing that a program may do otherwise than its config says.

    Args:
        path: as a user would write it; several layers are one pattern.
        value: that it would have; for a habit a word for it.
        was: what the config says.
        sets: concrete path to value, what to change in the config.
        habits: fields of :class:`~parity.explain.habits.Habits` to value.
        text: the habit in words; empty for a field.
        cost: how many changes it counts as.
    """

    path: str
    value: Any
    was: Any = None
    sets: tuple[tuple[str, Any], ...] = ()
    habits: tuple[tuple[str, Any], ...] = ()
    text: str = ""
    cost: float = 1

    @property
    def owner(self) -> str:
        """Return what it belongs to: a layer, or a section."""
        return ".".join(self.path.split(".")[: 2 if self.path.startswith("layers.") else 1])

    def meets(self, other: Change) -> bool:
        """Return whether both say something of the same thing."""
        mine, theirs = ({name for name, _ in (*one.sets, *one.habits)} for one in (self, other))
        return self.path == other.path or bool(mine & theirs)


@dataclass(frozen=True, kw_only=True)
class Knob:
    """A number that a program may have otherwise, to be solved for.

    Args:
        start: where to begin.
        step: how far the second try is from it.
        change: the change for a number.
        any: any number may stand in a program, not only one of few digits: a factor that was computed.
    """

    start: float
    step: float
    change: Callable[[float], Change]
    any: bool = False


@dataclass(frozen=True, kw_only=True)
class Suspects:
    """What may be the cause of a place.

    Args:
        phase: of the place.
        layers: that stand between the last one that agrees and the place.
        number: of the step, counted from 0.
        leftovers: the program has gradients left from the step before.
    """

    phase: str
    layers: Sequence[Layer]
    number: int
    leftovers: bool = False


def varied(side: Resolved, changes: Iterable[Change]) -> tuple[Resolved, Habits] | None:
    """Return a side with changes made, and the habits among them; None where that is no network, or another one.

    Args:
        side: whose config it is.
        changes: to make; no two of them of the same thing.
    """
    config, habits = side.config, dict[str, Any]()
    try:
        for change in changes:
            for path, value in change.sets:
                config, _ = set_path(config, path, value)
            habits |= dict(change.habits)
        found = side.having(config)
        alike = [one.output_shape for one in found.layers()] == [one.output_shape for one in side.layers()]
    except (ValueError, TypeError, AttributeError):
        return None  # The values do not fit each other, or the layer: it cannot be what the program does.
    ours, theirs = ({name: p.shape for name, p in one.parameters().items()} for one in (side, found))
    return (found, Habits(**habits)) if alike and ours == theirs else None


def field_change(side: Resolved, paths: Sequence[str], value: Any, cost: int = 1) -> Change:
    """Return the change of a field, in as many layers as there are paths."""
    sets = tuple((path, value) for path in paths)
    return Change(path=pattern(side, paths), value=value, was=at(side.config, paths[0]), sets=sets, cost=cost)


def pattern(side: Resolved, paths: Sequence[str]) -> str:
    """Return concrete paths that differ in their layer only as one path."""
    if len(paths) == 1:
        return paths[0]
    _, _, keys = paths[0].split(".", 2)
    names = [path.split(".")[1] for path in paths]
    having = [layer.name for layer in side.layers() if keys.split(".")[0] in type(layer.op).model_fields]
    return f"layers.{'*' if names == having else '{' + ','.join(names) + '}'}.{keys}"
