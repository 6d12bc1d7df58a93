"""What the reports look up in a result: sides by name, differences by pair, the effect of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

from parity.report.sentences import outcomes
from parity.result import formats
from parity.result.schema import DifferenceFact, Explanation, Place, Result, SideFact, Verdict

Label = Literal[
    "breaks and repairs", "breaks", "repairs", "with others", "makes up", "undecided", "neither", "not examined",
    "harmless", "inert",
]  # fmt: skip
"""What is known of a difference's effect on the outcome, what matters most first.

``with others``: it ruins or mends only in a set; ``makes up``: for what another one ruins.
"""


def metric_name(result: Result) -> str | None:
    """Name the metric that the outcome is about: the explanation's, else the first one that every side recorded."""
    if result.explanation is not None:
        return outcomes.metric(result.explanation.outcome)
    ran = [side for side in result.sides if side.metrics or side.epochs]
    recorded = [dict.fromkeys((*side.metrics, *(name for one in side.epochs for name in one.metrics))) for side in ran]
    names = dict.fromkeys(name for one in recorded for name in one)
    return next((name for name in names if all(name in one for one in recorded)), next(iter(names), None))


def failed_sides(result: Result) -> list[SideFact]:
    """List the sides that did not finish."""
    return [side for side in result.sides if side.error is not None]


def overall(result: Result) -> Verdict | None:
    """Give the verdict over all sides; None when there was nothing to compare.

    One divergent pair decides; else a pair or a side without an answer does.
    """
    verdicts = {comparison.verdict for comparison in result.comparisons}
    if "divergent" in verdicts:
        return "divergent"
    if failed_sides(result) or "inconclusive" in verdicts:
        return "inconclusive"
    if "rounding" in verdicts:
        return "rounding"
    return "identical" if verdicts else None


def horizon(result: Result) -> int | None:
    """Give the step, counted from 1, from which rounding alone parts free runs visibly; None when in none of them."""
    known = [pair.free.horizon for pair in result.comparisons if pair.free is not None]
    return min((step for step in known if step is not None), default=None)


def telling(places: Sequence[Place], most: int) -> tuple[list[Place], list[Place]]:
    """Choose the places that stand for all, in order, and list the rest: the first of every phase comes before others.

    Twenty initial values that differ would otherwise leave no room for the loss that does, too.
    """
    firsts: dict[str, int] = {}
    for number, where in enumerate(places):
        firsts.setdefault(where.phase, number)
    order = [*firsts.values(), *(number for number in range(len(places)) if number not in firsts.values())]
    chosen = set(order[:most])
    return (
        [where for number, where in enumerate(places) if number in chosen],
        [where for number, where in enumerate(places) if number not in chosen],
    )


def pairs(result: Result) -> list[tuple[str, str]]:
    """List the pairs of sides compared or told apart, each once, in order."""
    seen = dict.fromkeys((comparison.a, comparison.b) for comparison in result.comparisons)
    for item in result.differences:
        if (item.b_side, item.a_side) not in seen:
            seen[item.a_side, item.b_side] = None
    return list(seen)


def differences_between(result: Result, a: str, b: str) -> list[DifferenceFact]:
    """List the differences of two sides, in either order, those that matter most first."""
    found = [item for item in result.differences if {item.a_side, item.b_side} == {a, b}]
    order: tuple[Label, ...] = get_args(Label)
    return sorted(found, key=lambda item: order.index(effect_label(item, result.explanation)))


def explained(result: Result) -> list[DifferenceFact]:
    """List the differences the explanation speaks of: those between its good and its bad side."""
    explanation = result.explanation
    return differences_between(result, explanation.good, explanation.bad) if explanation is not None else []


def shares(result: Result) -> dict[str, str]:
    """Give each cause's share of the gap in percent, which add up to 100; nothing where they do not."""
    found = {item.path: item.share for item in explained(result) if item.share is not None}
    return dict(zip(found, formats.parts(list(found.values())), strict=False))


def is_explained(result: Result, item: DifferenceFact) -> bool:
    """Say whether the explanation speaks of this difference's pair of sides."""
    explanation = result.explanation
    return explanation is not None and {item.a_side, item.b_side} == {explanation.good, explanation.bad}


def why(item: DifferenceFact) -> str:
    """Give the reason of what needs one: that a difference does nothing, or could not be examined; else nothing."""
    return item.reason if item.inert else item.unexamined


def effect_label(item: DifferenceFact, explanation: Explanation | None) -> Label:
    """Say what is known of a difference's effect."""
    if item.inert:
        return "inert"
    if explanation is None or {item.a_side, item.b_side} != {explanation.good, explanation.bad}:
        return "not examined"
    effect = item.effect
    if effect is not None and effect.breaks:
        return "breaks and repairs" if effect.repairs else "breaks"
    if effect is not None and effect.repairs:
        return "repairs"
    together = _together(item.path, explanation)
    if together is not None:
        return together
    if item.path in explanation.harmless:
        return "harmless"
    if effect is None or (effect.alone is None and effect.taken_back is None):
        return "not examined"
    # Where the sides reach the same outcome there is nothing to mend, so nothing is taken back.
    mends = effect.repairs if explanation.gap == "gap" else False
    return "undecided" if effect.breaks is None or mends is None else "neither"


def _together(path: str, told: Explanation) -> Label | None:
    """Say whether a difference acts in a set only, or makes up for another; None where neither is known."""
    sound = [claim for claim in told.claims if claim.status != "inconclusive"]
    sets = [*told.breakers, *told.repairs, *(claim.paths for claim in sound)]
    if any(path in paths and len(paths) > 1 for paths in sets):
        return "with others"
    return "makes up" if any(path in claim.by for claim in sound) else None


def values_from(item: DifferenceFact, side: str) -> tuple[object, object]:
    """Give the two values of a difference, the given side's first."""
    return (item.b, item.a) if item.b_side == side else (item.a, item.b)


def origins_from(item: DifferenceFact, side: str) -> tuple[str, str]:
    """Say where the two values of a difference came from, the given side's first."""
    return (item.b_origin, item.a_origin) if item.b_side == side else (item.a_origin, item.b_origin)


def anchor(result: Result, item: DifferenceFact) -> str:
    """Name the place of a page where a difference is explained."""
    return f"difference-{result.differences.index(item) + 1}"


def meant(result: Result) -> bool:
    """Say whether anything is known of what the differences are about."""
    return any(item.entries or item.field for item in result.differences)


def lines_told(result: Result, side: SideFact) -> dict[int, list[tuple[str, str]]]:
    """Give, by number of a line of a side's program, where the differences that stand there are explained.

    Of a program written by hand the lines are those of the person's own script, which is not what is shown.
    """
    found: dict[int, list[tuple[str, str]]] = {}
    last = side.program.count("\n") + 1
    for item in result.differences if meant(result) and not side.by_hand else ():
        for line in item.lines:
            if line.side == side.name and line.line <= last:
                found.setdefault(line.line, []).append((anchor(result, item), item.path))
    return found


def runs_on(side: SideFact, result: Result) -> str:
    """Return what a side runs on: its framework, and of other packages those that another side of it has otherwise."""
    alike = [one.packages for one in result.sides if one.framework == side.framework and one.packages]
    own = next(iter(side.packages), "")
    apart = [name for name, version in side.packages.items() if name != own and any(
        one.get(name, version) != version for one in alike)]  # fmt: skip
    return ", ".join([f"{side.framework} {side.version}", *(f"{name} {side.packages[name]}" for name in apart)])
