"""What every fact of a result is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

SCHEMA_VERSION = 2
"""Raised when a field of a result changes its meaning or goes; adding one leaves it."""


class Fact(BaseModel):
    """Base of everything in a result: immutable, no unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="strings")
