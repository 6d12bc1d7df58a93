"""Which framework makes the counterfactual runs: the one that is fastest here, measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from parity.entries import TITLES
from parity.errors import ParityError
from parity.pipeline.prepare import installed_frameworks
from parity.pipeline.runner import Runner
from parity.pipeline.trials import large
from parity.pipeline.work import Note
from parity.run.bench import Job
from parity.spec.resolve import Resolved

TIMED = 12
"""Steps by which a framework is timed: the first, which compiles, and eleven more."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The framework chosen, and why.

    Args:
        home: a side of that framework: its name and interpreter are the programs'.
        seconds: estimated for a run, by framework; empty where the spec chose, or there was nothing to choose.
    """

    home: Resolved
    seconds: dict[str, float]

    @property
    def why(self) -> str:
        """Return the reason in words."""
        if not self.seconds:
            return ""
        told = ", ".join(f"{TITLES[name]} {value:.1f} s" for name, value in sorted(self.seconds.items(), key=_second))
        return f"the fastest here, timed over {TIMED} steps: a run takes {told}"


def _second(one: tuple[str, float]) -> float:
    return one[1]


def choose(
    runner: Runner,
    sides: Sequence[Resolved],
    pair: tuple[Resolved, Resolved],
    wanted: str | None,
    steps: int,
    note: Note,
) -> Choice:
    """Return the framework for counterfactual runs.

    Both configs are timed on every framework there is, one thread each as the trials will have; the slower of the two
    counts. The timings are kept with the runs, so that another command on the same machine chooses alike.

    Args:
        runner: makes the runs.
        sides: that ran; their interpreters are used.
        pair: the two sides whose configs are timed.
        wanted: framework that the spec names, None for the fastest.
        steps: of each run.
        note: told what is under way.
    """
    homes = {side.framework: side for side in reversed(sides)}
    for name in installed_frameworks():
        homes.setdefault(name, replace(pair[0], name=name, framework=name, python=None))
    if wanted is not None:
        return Choice(home=homes.get(wanted, replace(pair[0], name=wanted, framework=wanted, python=None)), seconds={})
    if len(homes) == 1:
        return Choice(home=pair[0], seconds={})
    note(f"explaining: which of {', '.join(TITLES[name] for name in homes)} is fastest here", 0.02)
    futures = {
        (name, side.name): runner.start(_timed(runner, side, home)) for name, home in homes.items() for side in pair
    }
    seconds: dict[str, float] = {}
    for (name, _), future in futures.items():
        try:
            run = future.result()
        except ParityError:
            seconds[name] = float("inf")
            continue
        per_step = (run.seconds - run.begin) / max(1, len(run.losses) - 1)
        seconds[name] = max(seconds.get(name, 0.0), run.begin + per_step * steps)
    best = min(seconds, key=lambda name: seconds[name])
    runner.close_others(homes[best])
    return Choice(home=homes[best], seconds={name: one for name, one in seconds.items() if one < float("inf")})


def _timed(runner: Runner, side: Resolved, home: Resolved) -> Job:
    side = replace(side, name=home.name, framework=home.framework, python=home.python, program=None)
    return Job(
        side=side, program=runner.work.trial_program(side), steps=TIMED, threads=1, fused=large(side), metrics=False
    )  # fmt: skip
