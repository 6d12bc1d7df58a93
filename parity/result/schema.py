"""What a run found, as data: the schema of ``result.json``.

The terminal summary, ``report.md`` and ``report.html`` are drawn from :class:`Result` alone,
so whatever a report says can be read here by a program too.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from parity.result.explanation import ClaimFact, Explanation, InteractionFact, OwnFact, SaidFact
from parity.result.fact import SCHEMA_VERSION, Fact

__all__ = [
    "SCHEMA_VERSION",
    "AdviceFact",
    "ClaimFact",
    "Comparison",
    "DifferenceFact",
    "EffectFact",
    "EpochFact",
    "Explanation",
    "Fact",
    "FreeFact",
    "FreePlace",
    "InteractionFact",
    "LineFact",
    "Lint",
    "MetricFact",
    "MovedFact",
    "OwnFact",
    "Phase",
    "PhaseFact",
    "Place",
    "Precision",
    "Result",
    "SaidFact",
    "SideFact",
    "SpecFact",
    "StrikeFact",
    "Verdict",
    "WitnessFact",
]  # fmt: skip

from parity.result.advicefact import AdviceFact, Lint
from parity.result.causefact import CauseFact
from parity.result.drawfact import DrawFact
from parity.result.entryfact import EntryFact
from parity.result.stepfact import LayerFact, StepFact

Verdict = Literal["identical", "rounding", "divergent", "inconclusive"]
Phase = Literal["batch", "weights", "forward", "loss", "gradient", "update", "state", "metric"]
Precision = Literal["float32", "float64", "bfloat16"]


class SpecFact(Fact):
    """The spec that was run."""

    name: str
    question: str = ""
    file: str | None = None
    text: str = Field(description="the YAML as it was written, or as it would be")
    data: str = Field(description="the data in words: source, rows, shape; says so when it is a stand-in")


class EpochFact(Fact):
    """One side after an epoch: where its weights then stand, and how the epoch went."""

    epoch: int
    step: int = Field(description="steps taken when it was measured")
    metrics: dict[str, float] = Field(
        description="end-of-epoch values: of the weights after that step, in evaluation mode, over all rows trained "
        "on; with val_ before the name, over those kept for validation"
    )
    running_loss: float | None = Field(
        default=None,
        description="what Keras prints: mean training loss over the epoch's rows, each batch with the weights it met",
    )


class MetricFact(Fact):
    """A metric of one side: what is computed under its name."""

    name: str = Field(description="as the spec has it; values are found under it")
    computed: str = Field(description="the metric that it is")
    reason: str = Field(default="", description="why it is that one, where the name leaves it open")
    better: Literal["higher", "lower"] = "higher"
    target_values: int | None = Field(default=None, description="of a binary accuracy: target values trained on")
    exact_values: int | None = Field(default=None, description="how many of these are exactly 0 or 1")
    ceiling: float | None = Field(default=None, description="the share of them: no prediction gets above it")
    val_ceiling: float | None = Field(default=None, description="the same of the validation rows, where there are some")


class SideFact(Fact):
    """One side: where it ran and what its float32 free run recorded."""

    name: str
    framework: str
    version: str = Field(description="version of the framework that ran")
    interpreter: str
    packages: dict[str, str] = Field(default={}, description="exact versions of all that it ran on, and of Python")
    precision: Precision
    device: str
    parameters: int = Field(description="number of trainable scalars")
    losses: list[float] = Field(description="training loss of each step, before its update")
    epochs: list[EpochFact]
    metrics: dict[str, float] = Field(description="metrics at the end of the run")
    measures: list[MetricFact] = Field(default=[], description="what is computed under the names of the metrics")
    seconds: float
    cached: bool = Field(description="taken from the store, not run again")
    drawn: DrawFact | None = Field(default=None, description="the first of its random numbers, where it ran")
    loss_formula: str = Field(description="which loss formula runs, in words")
    targets: str = Field(default="", description="form of the targets that the program is given; empty for as stored")
    targets_origin: str = Field(default="", description="where the form came from")
    targets_as: str = Field(default="", description="the form in words")
    targets_by: Literal["", "loss", "file", "trial", "config"] = Field(default="", description="what decided the form")
    targets_stretched: bool = Field(default=False, description="its loss compares every output with every target")
    program: str = Field(description="source of the program: compiled, or written by hand")
    by_hand: bool = Field(default=False, description="the program is written by hand")
    program_file: str | None = None
    layers: list[LayerFact] = Field(default=[], description="its network")
    opaque: list[str] = Field(default=[], description="what no entry reads of it, which runs only in its own program")
    error: str | None = Field(default=None, description="why the side did not finish, if it did not")


class Place(Fact):
    """Where two sides differ: the tensor of one phase in one step."""

    step: int = Field(description="counted from 1")
    phase: Phase
    tensor: str
    shape: list[int] | None = None
    difference: float = Field(description="norm of a - b over norm of a")
    noise: float = Field(description="difference that rounding alone explains, measured")
    exact: bool = Field(default=True, description="measured on the tensors; else estimated from their digests")
    element: list[int] | None = Field(default=None, description="index of the element that differs most")
    values: tuple[float, float] | None = Field(default=None, description="the values of a and of b there")
    made: Literal["here", "inherited"] | None = Field(
        default=None, description="here: the op differs on the same inputs; inherited: only its inputs do"
    )


class PhaseFact(Fact):
    """The largest difference of a phase over all steps compared."""

    phase: Phase
    tensors: int
    largest: Place


class FreePlace(Fact):
    """Where two free runs part."""

    step: int
    phase: str
    tensor: str


class FreeFact(Fact):
    """Two free runs, each on its own from the same start, beside a twin of the first that differs by rounding only."""

    verdict: Verdict
    reason: str
    horizon: int | None = Field(description="step from which rounding alone makes a visible gap; None: not in the run")
    growth: float | None = Field(description="factor by which a rounding error grows each step")
    first: FreePlace | None = Field(description="where they part before the horizon, further than rounding can")
    gap: float = Field(description="largest relative gap of the losses before the horizon")
    largest: float = Field(description="largest relative gap of the losses of all")


class WitnessFact(Fact):
    """A side beside the NumPy reference of its own config, in the first step in which sides part."""

    side: str
    agrees: bool
    place: Place | None = Field(default=None, description="the first tensor in which it departs from the reference")


class Comparison(Fact):
    """Two sides, step by step from the same state."""

    a: str
    b: str
    verdict: Verdict
    reason: str = Field(description="the verdict in one sentence")
    precision: Precision
    steps: int = Field(description="number of steps checked")
    checked: list[int] = Field(default=[], description="the steps checked, counted from 1")
    first: Place | None = Field(default=None, description="first place beyond noise")
    largest: Place | None = Field(default=None, description="largest difference of all")
    places: list[Place] = Field(default=[], description="every place where a difference is made, in order")
    phases: list[PhaseFact] = Field(default=[])
    step: StepFact | None = Field(default=None, description="one step, tensor by tensor")
    unmatched: list[str] = Field(default=[], description="tensors that only one side has")
    unsteady: list[str] = Field(default=[], description="where a side does not repeat itself bit for bit")
    amplified: list[str] = Field(default=[], description="large differences that are rounding, made large by the step")
    witnesses: list[WitnessFact] = Field(default=[], description="each side beside the NumPy reference of its config")
    causes: list[CauseFact] = Field(default=[], description="what makes a program of one's own do what its config says")
    uncaused: list[str] = Field(default=[], description="why no cause is named of such a program, a sentence each")
    free: FreeFact | None = Field(default=None, description="the free runs, where there were any")
    odd: list[str] = Field(default=[], description="sides that differ at the first place where the others agree")
    uncompiled: bool = Field(
        default=False, description="a side compiles its step, and the steps checked were taken as they are written"
    )
    hidden: list[str] = Field(
        default=[],
        description="differences that act on float32 numbers only, of sides that part in float32 and agree in float64",
    )


class MovedFact(Fact):
    """How far having a difference moves the outcome: the mean of alone, and on top of all others."""

    by: float = Field(description="change of the outcome; of one of which less is better, of its natural logarithm")
    margin: float = Field(description="half of the interval; all differences' intervals hold together with 95 %")
    verdict: Literal["moves", "still", "open"] = Field(description="still: within 0.02 of 0; open: not decided")
    seeds: int = Field(default=3, description="with which it was tried, at least")


class EffectFact(Fact):
    """What one difference does to the outcome."""

    alone: float | None = Field(description="outcome of the good side with only this difference put in")
    taken_back: float | None = Field(description="outcome of the bad side with only this difference taken back")
    breaks: bool | None = Field(description="alone, it ruins the good side")
    repairs: bool | None = Field(description="taken back, it mends the bad side")
    moved: MovedFact | None = Field(default=None, description="how far it moves the outcome, by several seeds")


class StrikeFact(Fact):
    """Where a difference, put alone into the good side, strikes first, and how strongly."""

    step: int | None = Field(description="counted from 1; None: nothing differed in the steps looked at")
    phase: str = ""
    tensor: str = ""
    share: float = Field(description="share of the first step's update that it changes, norm(u' - u) / norm(u)")
    end_share: float | None = Field(
        default=None, description="the same of all that training moved; None where the run was not made to its end"
    )


class LineFact(Fact):
    """Where a difference stands in a side's program."""

    side: str
    file: str
    line: int = Field(description="counted from 1")
    text: str = Field(description="what stands there")
    instead: str = Field(description="what would stand there with the other side's value")
    compiled: str = Field(
        default="",
        description="of a program written by hand, what its compiled twin says; `instead` stands in the place of that",
    )


class DifferenceFact(Fact):
    """One path at which two resolved configs differ."""

    path: str
    a: Any
    b: Any
    a_side: str
    b_side: str
    a_origin: str = Field(description="where side a's value came from: spec, side NAME, keras default, ...")
    b_origin: str
    layers: list[str] = Field(default=[])
    inert: bool
    reason: str = Field(default="", description="why it is inert")
    unexamined: str = Field(default="", description="why no run could show what it does")
    effect: EffectFact | None = None
    strike: StrikeFact | None = None
    share: float | None = Field(default=None, description="share of the gap, of a confirmed cause (Shapley value)")
    lines: list[LineFact] = Field(default=[], description="where it stands in the two programs")
    entries: list[str] = Field(default=[], description="names of the entries that it is about, in `entries`")
    field: str = Field(default="", description="what the field is that differs")
    by_themselves: bool = Field(default=False, description="each framework's own part is so, whatever it is told")


class Result(Fact):
    """Everything a run found."""

    schema_version: int = SCHEMA_VERSION
    parity_version: str
    created: str = Field(description="UTC, ISO 8601")
    spec: SpecFact
    sides: list[SideFact]
    comparisons: list[Comparison]
    differences: list[DifferenceFact]
    entries: list[EntryFact] = Field(default=[], description="what the differences are about")
    explanation: Explanation | None = None
    advice: list[AdviceFact] = Field(default=[], description="what is probably a mistake, seen before training")
    notes: list[str] = Field(default=[])
    doubts: list[str] = Field(default=[], description="sentences that no verdict may be read without")
    command: str = Field(description="the command that repeats this run")
    under_way: list[str] = Field(default=[], description="what was still to come as this was written; empty: nothing")

    @model_validator(mode="before")
    @classmethod
    def _of_this_schema(cls, given: Any) -> Any:
        version = given.get("schema_version", SCHEMA_VERSION) if isinstance(given, dict) else SCHEMA_VERSION
        if version != SCHEMA_VERSION:
            raise ValueError(
                f"a result of schema {version}, written by parity {given.get('parity_version', 'of another time')}; "
                f"this one reads schema {SCHEMA_VERSION}: make it again with {given.get('command', 'its command')!r}"
            )
        return given
