"""What lies between two versions of a package, from the result of a check that had both as sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from parity.result.fact import Fact
from parity.result.schema import Comparison, DifferenceFact, Place, Result, Verdict
from parity.spec.paths import at, split
from parity.spec.resolve import Resolved
from parity.tensors import is_of_parameter, layer_of, slot_of

UPGRADES_SCHEMA = 1
"""Raised when a field of these facts changes its meaning or goes; adding one leaves it."""


class MovedDefault(Fact):
    """A field that nobody says and that two versions have by themselves differently."""

    path: str
    before: Any
    after: Any
    means: str = Field(default="", description="what the field is, as its entry describes it")


class Between(Fact):
    """Two versions, one program: what a check of both found."""

    before: str
    after: str
    verdict: Verdict
    reason: str = Field(default="", description="the verdict in one sentence")
    steps: int = Field(default=0, description="number of steps checked")
    first: Place | None = Field(default=None, description="first place beyond noise")
    op: str = Field(default="", description="what made the difference there, in words")
    moved: list[MovedDefault] = Field(default=[], description="native defaults that moved and may act")
    seconds: float = 0.0
    error: str = Field(default="", description="why a version did not run, where one did not")

    @property
    def agree(self) -> bool | None:
        """Return whether both train the same; None where that is not known."""
        return {"identical": True, "rounding": True, "divergent": False}.get(self.verdict)


class VersionRow(Fact):
    """One version of a table: against the one before it, and against the first."""

    version: str
    packages: dict[str, str] = Field(default={}, description="exact versions of all that it ran on")
    notes: list[str] = Field(default=[], description="what the index says of the release")
    against_before: Between | None = None
    against_first: Between | None = None


class Across(Fact):
    """A spec across versions of one package."""

    schema_version: int = UPGRADES_SCHEMA
    spec: str
    framework: str
    package: str
    rows: list[VersionRow]


class OutcomeAt(Fact):
    """What a version's training ends at."""

    version: str
    value: float | None = Field(description="of the outcome; None where it did not run")
    error: str = ""


class Bisected(Fact):
    """The first release that differs from a good one."""

    schema_version: int = UPGRADES_SCHEMA
    spec: str
    framework: str
    package: str
    good: str
    bad: str
    outcome: str = Field(default="", description="what was held against the good release's; empty for the verdict")
    level: bool = Field(default=False, description="the outcome is whether a level is reached, 1 or 0")
    releases: list[str] = Field(description="that the index has, from good to bad")
    first: str | None = Field(description="the first release that differs; None where none does, or it is not known")
    last: str | None = Field(default=None, description="the last one before it that does not")
    skipped: list[str] = Field(default=[], description="releases between these two that could not be judged")
    change: Between | None = Field(default=None, description="what lies between these two")
    tried: list[Between] = Field(default=[], description="the good release against each that was looked at, in order")
    outcomes: list[OutcomeAt] = Field(default=[], description="what trainings ended at, where an outcome was asked for")
    notes: list[str] = Field(default=[], description="what the index says of the releases that were looked at")
    checks: int = Field(description="how many checks were made; those that were stored are not counted")
    seconds: float


def between(result: Result, before: Resolved, after: Resolved, seconds: float) -> Between:
    """Return what a result says of two of its sides.

    Args:
        result: of a check that compared them, in either order.
        before: the older version's side.
        after: the newer one's.
        seconds: that the check took.
    """
    pair = next(one for one in result.comparisons if {one.a, one.b} == {before.name, after.name})
    errors = {one.name: one.error for one in result.sides if one.error}
    said = [f"{name}: {errors[name]}" for name in (before.name, after.name) if name in errors]
    turned = pair.a == after.name
    first = _turned(pair.first) if turned else pair.first
    moved = [_moved(one, before, after) for one in result.differences if _of(one, before, after) and not one.inert]
    return Between(
        before=before.name, after=after.name, verdict=pair.verdict, reason=pair.reason, steps=pair.steps, first=first,
        op=maker(pair, after) if first else "", moved=moved, seconds=round(seconds, 1), error="; ".join(said),
    )  # fmt: skip


def _of(one: DifferenceFact, before: Resolved, after: Resolved) -> bool:
    return {one.a_side, one.b_side} == {before.name, after.name}


def _moved(one: DifferenceFact, before: Resolved, after: Resolved) -> MovedDefault:
    a, b = (one.a, one.b) if one.a_side == before.name else (one.b, one.a)
    return MovedDefault(path=one.path, before=a, after=b, means=described(after, one))


def _turned(place: Place | None) -> Place | None:
    if place is None or place.values is None:
        return place
    a, b = place.values
    return place.model_copy(update={"values": (b, a)})


def described(side: Resolved, one: DifferenceFact) -> str:
    """Return what the field at a difference is, as its entry describes it; empty where it is a whole part."""
    names = split(one.path)
    path = ".".join([names[0], *one.layers[:1], *names[2:]]) if names[0] == "layers" else one.path
    try:
        part = at(side.config, path.rpartition(".")[0])
        told: Mapping[str, Any] = type(part).model_fields
        return str(told[names[-1]].description or "")
    except (KeyError, AttributeError, TypeError, ValueError):
        return ""


def maker(pair: Comparison, side: Resolved) -> str:
    """Return what computes the tensor in which two sides part first, in words: ``dense hidden``, ``rmsprop``."""
    place = pair.first
    assert place is not None
    config, tensor = side.config, place.tensor
    if place.phase == "loss":
        penalties = sorted({layer.op.kind for layer in side.layers() if layer.op.activity() is not None})
        made = " and ".join([config.loss.kind, *(f"the activity penalty of {kind}" for kind in penalties)])
        return f"{made}{mask_told(side)}"
    if place.phase == "update" or slot_of(tensor):
        return config.optimizer.kind
    kinds = {layer.name: layer.op.kind for layer in side.layers()}
    name = layer_of(tensor)
    named = f"{kinds[name]} {name}{mask_told(side, name)}" if name in kinds else tensor
    if place.phase == "gradient":
        return f"gradient of {named}" if is_of_parameter(tensor) else f"gradient with respect to the output of {named}"
    return named


def mask_told(side: Resolved, name: str | None = None) -> str:
    """Return whose masks a layer goes by, as the end of its name: they decide what it gives, and no tensor shows them.

    Args:
        side: that has the layer.
        name: of the layer; that of the loss if None.
    """
    if name is None:
        graph = side.graph
        counted = len(graph.outputs) == 1 and graph.last.gives_mask is not None
        read = [graph.last.name] if counted else []
    else:
        layer = side.graph.by_name[name]
        read = [value.name for value, mask in zip(layer.reads, layer.told, strict=False) if mask is not None]
    return f", which goes by the mask of {' and '.join(dict.fromkeys(read))}" if read else ""
