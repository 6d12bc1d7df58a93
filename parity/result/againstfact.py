"""What holding a spec against a golden found, as data; what is said of it is drawn from this alone."""

from __future__ import annotations

from pydantic import Field

from parity.result.fact import Fact
from parity.result.schema import SCHEMA_VERSION, Place, Verdict


class MovedPart(Fact):
    """A version, a part of the machine or a native default that is not what it was."""

    name: str
    before: str
    now: str


class MovedField(Fact):
    """A field of the config that is not what it was."""

    path: str
    before: str
    now: str
    before_origin: str = Field(description="where the value came from when the golden was made")
    now_origin: str
    inert: bool
    reason: str = Field(default="", description="why it is inert")
    alone: Verdict | None = Field(
        default=None, description="of the side as it was recorded with this one field moved; None: not tried"
    )


class FormFact(Fact):
    """What a step does that departs from its config: a change of it with which it agrees."""

    golden: bool = Field(description="of the recorded step; else of the one taken now")
    path: str
    said: str = Field(description="what the config says")
    does: str = Field(description="what the step does")


class AgainstSide(Fact):
    """One side beside its record."""

    side: str
    framework: str
    verdict: Verdict
    reason: str = Field(description="the verdict in one sentence")
    recorded: int = Field(description="steps that the golden has")
    steps: int = Field(description="steps that were compared")
    first: Place | None = Field(default=None, description="first place beyond noise")
    largest: Place | None = Field(default=None, description="largest difference of all")
    op: str = Field(default="", description="what computes the first place: the layer's op, the loss, the optimizer")
    op_path: str = Field(default="", description="where that stands in the config")
    config: list[MovedField] = Field(default=[])
    unread: bool = Field(default=False, description="the config of the golden cannot be read by this version")
    taken_back: Verdict | None = Field(
        default=None, description="of the side with the config of the golden, where that is another; None: not tried"
    )
    golden_meant: bool | None = Field(
        default=None, description="the recorded step does what its config says, by the reference; None: not asked"
    )
    now_meant: bool | None = Field(default=None, description="the step taken now does")
    forms: list[FormFact] = Field(default=[])
    native: list[MovedPart] = Field(default=[], description="the framework's own defaults, of entries in the config")
    versions: list[MovedPart] = Field(default=[])
    machine: list[MovedPart] = Field(default=[])
    data: bool = Field(default=False, description="the rows are other ones")
    weights: bool = Field(default=False, description="the file of weights that it starts from has other ones")
    program: bool = Field(default=False, description="the program, written by hand, is another text")
    notes: list[str] = Field(default=[])


class Against(Fact):
    """A spec held against a golden."""

    schema_version: int = SCHEMA_VERSION
    parity_version: str
    spec: str
    file: str
    sides: list[AgainstSide]
    notes: list[str] = Field(default=[])
