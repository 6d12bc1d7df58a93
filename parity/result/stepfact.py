"""The facts of one step of training, tensor by tensor, and of the network that it went through."""

from __future__ import annotations

from pydantic import Field

from parity.result.fact import Fact


class LayerFact(Fact):
    """One layer of a side's network, in the order in which they are computed."""

    name: str
    kind: str
    reads: list[str] = Field(description="what it is given: layers, or inputs of the network")
    shape: list[int] = Field(description="of what it gives for a row")


class TensorFact(Fact):
    """One tensor of a step, on both sides."""

    phase: str
    tensor: str
    layer: str = Field(default="", description="layer that it belongs to; empty where it is none's")
    shape: list[int] | None = None
    a: float | None = Field(description="norm on side a; None where only b has it")
    b: float | None = Field(description="norm on side b; None where only a has it")
    difference: float = Field(description="norm of a - b over norm of a")
    noise: float = Field(description="difference that rounding alone explains, measured")
    element: list[int] | None = Field(default=None, description="of one beyond rounding: where the two differ most")
    values: tuple[float, float] | None = Field(default=None, description="the values of a and of b there")


class StepFact(Fact):
    """The step in which two sides part, or the first; both start it from the same state."""

    number: int = Field(description="counted from 1")
    tensors: list[TensorFact] = Field(description="in the order in which a step computes them")
    every: int = Field(
        description="tensors that there are; of very many, the first of each phase and those beyond rounding"
    )
