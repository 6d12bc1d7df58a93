"""The facts of what a seed gave a side first."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from parity.result.fact import Fact


class DrawFact(Fact):
    """The first random numbers of a side: what its seed is worth beside another side's."""

    random: Literal["recorded", "native"] = Field(
        description="recorded: the harness draws, the same in every framework; native: the framework's own generators"
    )
    seed: int
    uniform: list[float] = Field(
        description="first numbers in [0, 1): of the framework's generator, or of those that weights are made of"
    )
    mask: list[bool] = Field(description="what a dropout of a half keeps of as many ones, first")
    rows: list[int] = Field(description="numbers of the rows in the first batch")
    dealt: Literal["recorded", "native"] = Field(
        default="recorded", description="whose order of the rows that is; a program written by hand has none of its own"
    )
