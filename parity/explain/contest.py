"""Counterfactual configs: the good side that is given some of the differences.

A set of differences is a set of their paths. Given none, the good side is as it is; given all, it is the bad side. What
a set decides is asked by running its config and reading the outcome by the same code for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from parity.errors import ParityError, UsageError, did_you_mean, listed
from parity.spec.differences import Difference, mixed
from parity.spec.graph import graph_of
from parity.spec.resolve import Resolved
from parity.spec.sections import Config

Paths = frozenset[str]


class ImpossibleError(ParityError):
    """A set of differences that no config can have."""


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Two sides whose outcomes may differ, and what may be the reason.

    Args:
        good: side with the better outcome.
        bad: the other one.
        live: differences that may do something.
        inert: differences that provably do nothing; no run has them.
        unseen: differences that no run of this length can show, and why; all runs have the good side's value.
    """

    good: Resolved
    bad: Resolved
    live: tuple[Difference, ...]
    inert: tuple[Difference, ...]
    unseen: tuple[tuple[Difference, str], ...] = ()

    @property
    def everything(self) -> Paths:
        """Return all differences: the bad side."""
        return frozenset(difference.path for difference in self.live)

    @property
    def ends(self) -> tuple[Paths, Paths]:
        """Return the sets of the two sides themselves: none of the differences, and all."""
        return frozenset(), self.everything

    def without(self, paths: Paths) -> Paths:
        """Return all differences but some: the bad side that takes those back."""
        return self.everything - paths

    def turned(self) -> Contest:
        """Return the contest with the sides changed over."""
        return replace(self, good=self.bad, bad=self.good)

    def hidden(self, why: Callable[[str], str]) -> Contest:
        """Return the contest without the differences that no run can show.

        Args:
            why: returns the reason of a path, empty where runs can show it.
        """
        unseen = tuple((one, reason) for one in self.live if (reason := why(one.path)))
        left = tuple(one for one in self.live if one not in [hid for hid, _ in unseen])
        return replace(self, live=left, unseen=unseen)

    def difference(self, path: str) -> Difference:
        """Return a live difference by its path."""
        return next(one for one in self.live if one.path == path)

    def config_of(self, paths: Paths) -> Config:
        """Return the good side's config with a set of differences. An inert one stands as the good side has it.

        Raises:
            ImpossibleError: when some of the differences cannot stand without the others.
        """
        taken = {path for one in self.live if one.path in paths for path in one.paths}
        try:
            config = mixed(self.good.config, self.bad.config, taken)
            graph_of(config.model)
        except ValueError as error:  # pydantic's and ShapeError are of this kind
            raise ImpossibleError(" ".join(str(error).split())) from None
        return config

    def label(self, paths: Paths) -> str:
        """Return what a set is, in words, for a progress bar."""
        missing = self.everything - paths
        if not paths:
            return f"{self.good.name} as it is"
        if not missing:
            return f"{self.bad.name} as it is"
        if len(paths) <= len(missing):
            return f"{self.good.name} with {_some(paths)}"
        return f"{self.bad.name} without {_some(missing)}"


def _some(paths: Paths) -> str:
    ordered = sorted(paths)
    return " and ".join(ordered) if len(ordered) <= 2 else f"{ordered[0]} and {len(ordered) - 1} more"


def contest(good: Resolved, bad: Resolved, found: Sequence[Difference]) -> Contest:
    """Return the contest of two sides over their differences.

    Args:
        good: side with the better outcome.
        bad: the other one.
        found: their differences, in either direction: only paths and reasons are read.
    """
    live = tuple(difference for difference in found if not difference.inert)
    inert = tuple(difference for difference in found if difference.inert)
    return Contest(good=good, bad=bad, live=live, inert=inert)


def split(found: Sequence[Difference], wanted: Sequence[str]) -> list[Difference]:
    """Return the differences, each group that is asked for split into its layers.

    Args:
        found: differences of two sides.
        wanted: paths of the groups.

    Raises:
        UsageError: when a path names no difference, or one of a single layer.
    """
    groups = [one.path for one in found if len(one.paths) > 1 and not one.parts]
    for path in wanted:
        if path not in groups:
            fix = did_you_mean(path, groups) or "parity diff lists the differences"
            raise UsageError(f"--split {path!r}: no such group of layers; {listed(groups)}; {fix}")
    parts: list[Difference] = []
    for one in found:
        if one.path not in wanted:
            parts.append(one)
            continue
        layers = one.layers if len(one.layers) == len(one.paths) else ("",) * len(one.paths)
        values = one.values or ((one.a, one.b),) * len(one.paths)
        parts += [
            replace(one, path=path, paths=(path,), layers=(layer,) if layer else (), a=a, b=b, values=())
            for path, layer, (a, b) in zip(one.paths, layers, values, strict=True)
        ]
    return parts
