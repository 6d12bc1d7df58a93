"""The facts of advice, apart: ``parity lint`` gives nothing else, and the rest of a result takes long to import."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from parity.result.fact import SCHEMA_VERSION, Fact


class AdviceFact(Fact):
    """What is probably a mistake in the configuration of some sides, seen before anything was trained."""

    rule: str = Field(description="name of the rule; docs/advice.md has them all")
    sides: list[str]
    path: str = Field(description="config path to look at")
    file: str | None = Field(default=None, description="where that was written")
    line: int | None = None
    what: str
    why: str
    fix: str
    changes: dict[str, Any] = Field(default={}, description="path to value; what makes the advice go away")


class Lint(Fact):
    """What ``parity lint`` gives: advice and nothing else."""

    schema_version: int = SCHEMA_VERSION
    spec: str
    file: str | None = None
    sides: list[str]
    advice: list[AdviceFact]
    notes: list[str] = Field(default=[], description="what was not looked at, and why")
