"""Explaining from invented outcomes: what every set of differences comes to with every seed, at no cost at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from helpers_explain import tiny

from parity.explain.contest import Paths, contest
from parity.explain.outcome import Outcome
from parity.explain.strikes import Strike
from parity.prepare.options import Options, prepare
from parity.result.filling_explanation import difference_facts, explanation_fact
from parity.result.schema import Result
from parity.run.trajectory import Measured, Trajectory
from parity.spec.differences import Difference, differences
from parity.spec.resolve import Resolved
from parity.trials import inquiry as explain_module
from parity.trials import singles
from parity.trials.budget import Budget, Length
from parity.trials.inquired import Explained
from parity.trials.inquiry import Inquiry
from parity.trials.speed import Choice
from parity.trials.trials import Trials
from tests import report_samples as samples

RATE, NESTEROV, BIAS = "optimizer.learning_rate", "optimizer.nesterov", "layers.hidden.bias_initializer"
THREE = {RATE: 2e-5, NESTEROV: True, BIAS: {"constant": 0.01}, "metrics": ["accuracy", "mse"]}

Come = Callable[[Paths, int, int], float]
"""Returns what a set of differences, given to the first side, comes to with a seed after so many steps."""


@dataclass
class FlatUnit:
    """Stands in for the unit: that of both sides, with a constant prediction's outcome and a number of rows."""

    first: Any
    known: float | None = 0.1
    rows: int = 10_000
    factors: Mapping[str, float] = field(default_factory=dict)

    def factor(self, side: Any) -> float:
        """Return 1."""
        return 1.0

    def constant(self) -> float | None:
        """Return what was given."""
        return self.known


class Invented(Trials):
    """Trials whose runs come of a function."""

    come: Come
    seconds_each = 0.1
    start_side = ""
    lengths: dict[tuple[Paths, int], int]

    def start(self, *given: Any, **more: Any) -> None:
        """Begin nothing."""

    def ahead(self, *given: Any, **more: Any) -> None:
        """Begin nothing."""

    def guess(self, *given: Any) -> None:
        """Guess nothing."""

    def run(self, paths: Paths, seed: int, whole: bool = True) -> Trajectory:
        """Invent a run."""
        if (paths, seed) not in self.runs:
            self.budget.take()
            steps = self.lengths.setdefault((paths, self.length.epochs), 0) or self.length.of(self.side(paths))
            self.lengths[paths, self.length.epochs] = steps
            every = {path for one in self.contest.live for path in (one.path,)}
            mine = paths if self.contest.good.name == self.start_side else frozenset(every) - paths
            value = self.come(mine, seed, steps)  # type: ignore[misc]
            self.runs[paths, seed] = trajectory({self.outcome.metric: value}, steps, self.seconds_each)
        return self.runs[paths, seed]


def trajectory(metrics: Mapping[str, float], steps: int, seconds: float) -> Trajectory:
    """Return a run that ends at some metrics."""
    end = Measured(step=steps, epoch=1, metrics=dict(metrics))
    return Trajectory(
        key="k", side="a", framework="torch", version="2", interpreter="python", precision="float32", device="cpu",
        parameters=1, losses=(1.0,) * min(steps, 4), measured=(end,), seconds=seconds, curve=(end,),
    )  # fmt: skip


def invented(
    come: Come,
    changes: Mapping[str, Any] = THREE,
    *,
    metric: str = "accuracy",
    better: Literal["higher", "lower"] = "higher",
    constant: float | None = 0.1,
    every: bool = True,
    order: Sequence[str] = (),
    ends: tuple[float, float] | None = None,
    explain: Mapping[str, Any] | None = None,
    seconds: float = 0.1,
    budget: Budget | None = None,
    known: tuple[tuple[Resolved, ...], list[Difference]] | None = None,
    subsets: bool = False,
    seen: Callable[[Result, Sequence[str]], None] = lambda result, left: None,
    **more: Any,
) -> tuple[Explained, Result]:
    """Explain a pair whose outcomes are invented; return what came of it and the result that tells it.

    Args:
        come: what sets come to.
        changes: of the second side.
        metric: of the outcome.
        better: which values of it are.
        constant: what a constant prediction gets.
        every: try each difference alone and taken back.
        order: differences, the most suspicious first.
        ends: what the sides' own runs end at.
        explain: how long a run is; whole trainings by default.
        seconds: that a run takes.
        budget: what may be spent.
        known: sides and their differences in place of the tiny spec's.
        subsets: run every combination of the causes.
        seen: given the result of what is known so far, and what is still to come, while it goes on.
        more: of the spec.
    """
    sides, found = known or pair(json.dumps([changes, more]))
    match, outcome = contest(sides[0], sides[1], found), Outcome(metric=metric, better=better)
    rows = sides[0].config.data.rows or 192
    length = Length(sides=(sides[0], sides[1]), epoch_steps=lambda side: -(-rows // side.config.training.batch_size),
                    **(explain or {}))  # fmt: skip
    work: Any = SimpleNamespace(dataset=None)
    runner: Any = None
    inquiry = Inquiry(
        work=work, runner=runner, contest=match, choice=Choice(home=sides[0], seconds={}), outcome=outcome,
        length=length, ends=ends, budget=budget or Budget(), note=lambda text, share: None, every=every, checked=False,
        subsets=subsets, grown=lambda told, left: seen(result_of(told), left),
    )  # fmt: skip

    def result_of(told: Explained) -> Result:
        facts = explanation_fact(told, {})
        if facts is None:
            return samples.leaf().model_copy(update={"explanation": None})
        return samples.explained(facts, difference_facts(sides[0].name, sides[1].name, found, told))

    unit: Any = FlatUnit(first=sides[0], known=constant)
    trials = Invented(**_fields(inquiry.trials, unit))
    trials.come, trials.start_side, trials.seconds_each, trials.lengths = come, sides[0].name, seconds, {}
    inquiry.trials, inquiry.told.unit = trials, unit
    ranks = {path: float(len(order) - number) for number, path in enumerate(order)}
    strikes = {one.path: Strike(step=1, phase="update", suspicion=ranks.get(one.path, 0.1)) for one in match.live}

    with pytest.MonkeyPatch.context() as patch:
        known = [one.path for one in match.live]
        patch.setattr(explain_module, "probes", lambda given: {path: strikes[path] for path in known})
        patch.setattr(singles, "end_share", lambda given, path: None)
        told = inquiry.run()
    return told, result_of(told)


@cache
def pair(text: str) -> tuple[tuple[Resolved, ...], list[Difference]]:
    """Return the sides of a tiny spec, and their differences; read once."""
    changes, more = json.loads(text)
    sides = tuple(prepare(tiny(changes, **more), Options()))
    return sides, differences(sides[0], sides[1], 192)


def _fields(trials: Trials, unit: Any) -> dict[str, Any]:
    names = ("runner", "contest", "home", "outcome", "length", "seeds", "budget", "note")
    return {**{name: getattr(trials, name) for name in names}, "unit": unit}
