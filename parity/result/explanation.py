"""What was found out about causes, as data: the part of ``result.json`` that counterfactual runs fill."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from parity.result.fact import Fact


class ClaimFact(Fact):
    """A finding, and how sure it is."""

    kind: Literal["breaks", "repairs", "compensates"]
    paths: list[str] = Field(description="the set: given to the good side, or taken back from the bad one")
    by: list[str] = Field(default=[], description="of a compensation: what makes up for it")
    status: Literal["holds", "inconclusive", "unconfirmed"]
    held: int = Field(description="number of seeds with which it is so")
    seeds: int = Field(description="number of seeds it was tried with")
    before: float = Field(description="outcome without the change, mean over the seeds")
    after: float = Field(description="outcome with it, mean over the seeds")
    spread: float = Field(description="standard deviation of the outcome with it, over the seeds")
    values: list[float] = Field(description="outcome with it, by seed")
    before_values: list[float] = Field(default=[], description="outcome without it, by seed")
    side: str = Field(description="the side that is changed")
    patch: str = Field(description="what to write under the side's changes, YAML")
    options: list[str] = Field(description="the same as options of the command line")


class SaidFact(Fact):
    """What somebody said is the cause, and what comes of it."""

    text: str
    source: str = ""
    paths: list[str]
    sufficient: bool | None = Field(description="alone it ruins the good side, with every seed")
    necessary: bool | None = Field(description="taken back it mends the bad side, with every seed")
    alone: float | None = Field(description="outcome of the good side with it, mean over the seeds")
    taken_back: float | None = Field(description="outcome of the bad side without it, mean over the seeds")
    seeds: int
    sentence: str


class InteractionFact(Fact):
    """What two causes do together, beyond what each does alone."""

    paths: tuple[str, str]
    share: float = Field(description="of the gap; positive where they act together, negative where they overlap")


class OwnFact(Fact):
    """A side's config on its own framework, beside the framework of the trials."""

    side: str
    own: float
    trial: float
    agrees: bool


class CombinationFact(Fact):
    """The good side with some of the differences, as it was run; the curve is that of the first seed."""

    paths: list[str] = Field(description="the differences that the good side is given; all: the bad side")
    seeds: list[int] = Field(description="with which it was run")
    values: list[float] = Field(description="outcome, by seed")
    every: int = Field(description="steps that each number of the curve is the mean of")
    losses: list[float] = Field(description="training loss, the mean of so many steps each")
    steps: int = Field(description="that the first seed's run took")
    stopped: str = Field(default="", description="why the first seed's run ended early")
    side: str = Field(description="the side that the patch changes: the one that is nearer")
    patch: str = Field(default="", description="what to write under its changes, YAML; empty: the side as it is")
    options: list[str] = Field(default=[], description="the same as options of the command line")


class Explanation(Fact):
    """Which differences decide the outcome, by counterfactual runs on one framework."""

    framework: str
    outcome: str = Field(description="what is compared: a metric, a level of it, or the steps to a level")
    better: Literal["higher", "lower"] = "higher"
    gap: Literal["gap", "none", "unsteady", "open"] = Field(
        default="gap",
        description="by all seeds together; none: the sides reach the same; unsteady: chance decides as much as the "
        "configs; open: too few seeds were run",
    )
    good: str = Field(description="the side whose outcome is better; with more seeds, where it is unsteady")
    bad: str
    good_value: float = Field(description="mean over the seeds; the geometric one of a metric without a bound")
    bad_value: float
    good_values: list[float] = Field(default=[], description="by seed")
    bad_values: list[float] = Field(default=[])
    seeds: list[int] = Field(default=[])
    held: int | None = Field(default=None, description="seeds with which the good side is better, clearly")
    against: int = Field(default=0, description="seeds with which the bad side is")
    effect_seeds: list[int] = Field(default=[], description="seeds of the effects, and of good_at and bad_at")
    good_at: float | None = Field(default=None, description="the good side's outcome with the seeds of the effects")
    bad_at: float | None = None
    constant: float | None = Field(default=None, description="what the best constant prediction gets")
    learned: bool | None = Field(default=None, description="the good side is clearly better than that")
    least_gap: float = Field(
        description="difference that counts as one: of the outcome, or, of a metric without a bound, its share"
    )
    level: float = Field(description="with which the intervals of the effects hold together")
    unit: str = Field(default="", description="in whose unit the outcome is, where the sides' own ones differ")
    good_steps: int | None = Field(default=None, description="of the good side's runs, where the sides' differ")
    bad_steps: int | None = None
    full_steps: int | None = Field(default=None, description="of the sides' own runs, where these are longer")
    good_end: float | None = Field(default=None, description="what the good side's own run ends at")
    bad_end: float | None = None
    rows: int = Field(default=0, description="that the outcome is measured on, where effects were measured; else 0")
    steps: int
    breakers: list[list[str]] = Field(description="sets of paths; alone on the good side, they open the gap")
    repairs: list[list[str]] = Field(description="sets of paths; taken back from the bad side, they close the gap")
    claims: list[ClaimFact] = Field(default=[], description="the findings one by one, the inconclusive ones, too")
    said: list[SaidFact] = Field(default=[])
    harmless: list[str] = Field(default=[])
    harmless_together: float | None = Field(default=None, description="outcome with all but the causes put in")
    interactions: list[InteractionFact] = Field(default=[])
    unexplained: float | None = Field(default=None, description="share of the gap that is left without the causes")
    own: list[OwnFact] = Field(default=[])
    combinations: list[CombinationFact] = Field(default=[], description="what was run, the fewest differences first")
    complete: bool = Field(default=True, description="the search came to its end")
    interrupted: bool = False
    missing: list[str] = Field(default=[], description="what was left out, and why")
    searched: int = Field(default=0, description="configs that the search tried, the two sides included")
    runs: int = Field(description="training runs that it all rests on, all seeds")
    cached_runs: int = 0
    stopped: int = Field(default=0, description="runs ended when their fate was decided")
    why: str = Field(default="", description="why this framework")
    seconds: float
    notes: list[str] = Field(default=[])
