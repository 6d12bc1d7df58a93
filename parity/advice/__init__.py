"""Advice before training: what is probably a mistake in one side's configuration, seen without training it.

One rule is one file, as entries are; discovery finds it. A rule looks at a :class:`Situation` and yields
:class:`Advice`: what stands there, why that goes wrong, and the config paths and values that mend it. A rule speaks
only where it is as good as certain: a warning that is wrong once is not read a second time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from parity.discovery import discover
from parity.rows import numbers_of
from parity.spec.plain import dump, flow
from parity.spec.resolve import Resolved

if TYPE_CHECKING:
    import numpy as np

    from parity.advice.first_updates import FirstUpdates
    from parity.advice.magnitudes import Scales
    from parity.data.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """How a program written by hand behaves in evaluation mode.

    Args:
        difference: of its outputs for the same rows in two calls, norm of the difference over norm.
        draws: calls of dropout that it made.
        together: the same of rows predicted together and in two halves.
    """

    difference: float
    draws: int
    together: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What a rule can see of one side before it is trained.

    Args:
        side: resolved.
        data: its rows, None where they are not at hand.
        evaluation: of a program written by hand; None for a compiled one, or where it could not be run.
        scales: how large the outputs of its layers are at step 0; None where that was not measured.
        updates: the first batch, to try updates with; None where that would take too long.
    """

    side: Resolved
    data: Dataset | None = None
    evaluation: Evaluation | None = None
    scales: Scales | None = None
    updates: FirstUpdates | None = None

    @property
    def targets(self) -> np.ndarray | None:
        """Return the targets that the loss counts, rows of those; None where they are not at hand."""
        if self.data is None:
            return None
        y, ignored = self.data.y, None if self.side.outputs else self.side.config.loss.ignored
        return y if ignored is None else y[numbers_of(y) != ignored]


@dataclass(frozen=True, kw_only=True)
class Advice:
    """One thing that is probably a mistake.

    Args:
        rule: that says so.
        path: config path to look at.
        what: stands there, a sentence.
        why: that goes wrong, a sentence or two.
        fix: what to do, in words, with path and value where the spec can say it.
        changes: path to value; makes the advice go away. Empty where no spec can say it.
    """

    rule: str
    path: str
    what: str
    why: str
    fix: str
    changes: Mapping[str, Any] = field(default_factory=dict)


class Rule:
    """Base of the rules. A rule has no state."""

    kind: ClassVar[str] = ""
    """Name of the rule."""

    def look(self, at: Situation) -> Iterator[Advice]:
        """Yield what is probably a mistake; nothing where that cannot be told."""
        raise TypeError(f"{type(self).__name__} does not look")


SECTION = re.compile(r"(?<![\w.])(loss|metrics)(?=\.[a-z]|: | has | is )")
"""Where a sentence names a section that each output has one of."""


@cache
def rules() -> tuple[Rule, ...]:
    """Return every rule, one of each file of this package that has one."""
    return tuple(rule() for rule in discover(Rule, "parity.advice").values())


def advise(at: Situation) -> list[Advice]:
    """Return the advice of all rules, in the order of their names; of several outputs, on one after the other."""
    found: dict[tuple[str, str, str], Advice] = {}
    for output, one in _of_each(at):
        for rule in rules():
            for told in rule.look(one):
                told = _named(told, at, output) if output else told
                found.setdefault((told.rule, told.path, told.what), told)
    return list(found.values())


def _of_each(at: Situation) -> list[tuple[str, Situation]]:
    """Return what rules look at: of several outputs, the side and the data as they are seen from each."""
    if not at.side.outputs:
        return [("", at)]
    data = at.data.each if at.data is not None else [None] * len(at.side.views)
    # What updates come to is of the whole, and told once.
    first = next(iter(at.side.views))
    return [
        (name, replace(at, side=side, data=rows, updates=at.updates if name == first else None))
        for (name, side), rows in zip(at.side.views.items(), data, strict=True)
    ]


def _named(told: Advice, at: Situation, output: str) -> Advice:
    """Return advice that a rule gives of one output of several, its paths those of the whole."""
    what, fix = (SECTION.sub(rf"\1.{output}", text) for text in (told.what, told.fix))
    changes = {at.side.named(path, output): value for path, value in told.changes.items()}
    own = f"metrics.{output}"
    if own in changes:  # A whole list, which no path reaches by itself.
        kept = {name: dump(one.config.metrics) for name, one in at.side.views.items()}
        changes["metrics"] = kept | {output: changes.pop(own)}
    return replace(told, path=at.side.named(told.path, output), what=what, fix=fix, changes=changes)


def setting(path: str, value: Any) -> str:
    """Return a path and its value as a spec would have it: ``loss.from_logits: false``."""
    return f"{path}: {flow(value)}"
