"""The facts of what a difference is about: an entry of the catalogue, as it is known there."""

from __future__ import annotations

from pydantic import Field

from parity.result.fact import Fact


class PartFact(Fact):
    """What an entry is in one framework."""

    framework: str
    title: str
    means: str = Field(description="its own part and where that is taken, that it is written out, or why it is none")
    defaults: dict[str, str] = Field(default={}, description="fields whose own default is another than parity's")
    since: list[str] = Field(default=[], description="what moved with a release of it, and the spec that shows it")
    link: str = Field(default="", description="address of the part's documentation")


class EntryFact(Fact):
    """An entry that some difference is about."""

    name: str = Field(description="family and kind, as in `optimizer.adam`")
    family: str
    kind: str
    equation: str = Field(description="the first line of what is known of it: its equation, where it has one")
    about: str = Field(default="", description="the rest: how frameworks and their versions differ")
    parts: list[PartFact] = Field(description="what it is in each framework of the sides")
