"""The facts of a cause: what makes a program agree with its config."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from parity.result.fact import Fact


class CauseFact(Fact):
    """One change of its config that makes a program agree with the NumPy reference, alone or with others."""

    side: str = Field(description="the program's side")
    path: str = Field(description="config path; what no field describes is under `program`, as `program.zero_grad`")
    value: Any = Field(description="what the program does")
    was: Any = Field(default=None, description="what its config says")
    text: str = Field(default="", description="what the program does, in words, where the value does not say it")
    way: int = Field(
        default=0,
        description="changes of one number belong together; another number is another way, which does as well",
    )
    steps: list[int] = Field(description="in which they agree to rounding in every tensor that both have")
    largest: float = Field(description="the largest relative difference left in these steps")
    unsteady: list[str] = Field(
        default=[], description="phases of which nothing is said: the program does not compute them twice alike"
    )
    sentence: str = Field(description="what is said of the side; the same in all its changes")
