"""What breaks, what repairs and what is harmless, as sentences that a person can act on.

Every finding names the config path and both its values, the outcome before and after, and on which
side it was tried. What was not decided is said as such: silence would read as "harmless".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from parity.report import evidence, formats, view
from parity.report.facts import DifferenceFact, Explanation, Result

Kind = Literal["method", "breaks", "repairs", "undecided", "neither", "harmless", "inert", "untested", "unexplained"]


@dataclass(frozen=True)
class Item:
    """A difference that a finding is about: the change of config, and what came of it."""

    change: str
    note: str = ""

    @property
    def text(self) -> str:
        """Both on one line, the note in brackets."""
        return f"{self.change} ({self.note})" if self.note else self.change


@dataclass(frozen=True)
class Finding:
    """One sentence: a lead, and the differences it is about."""

    kind: Kind
    lead: str
    items: tuple[Item, ...] = ()

    @property
    def text(self) -> str:
        """The whole sentence on one line."""
        return f"{self.lead}: {'; '.join(item.text for item in self.items)}." if self.items else self.lead


def findings(result: Result) -> list[Finding]:
    """List what the counterfactual runs found, what matters most first; empty when there were none."""
    if result.explanation is None:
        return []
    parts = (breaks, repairs, undecided, neither, harmless, inert, untested, unexplained, method)
    return [finding for part in parts for finding in part(result)]


def change(item: DifferenceFact, start: str) -> str:
    """Write a difference as a change, starting from the named side's value."""
    before, after = view.values_from(item, start)
    return f"{item.path}: {formats.value(before)} -> {formats.value(after)}"


def breaks(result: Result) -> list[Finding]:
    """Say which differences, put into the good side alone or together, ruin it."""
    explanation = _explanation(result)
    good, tested = explanation.good, _tested(result)
    single, larger = _by_size(explanation.breakers)
    found = []
    if single:
        lead = f"Alone on {good}, {'this ruins' if len(single) == 1 else 'each of these ruins'} it"
        found.append(Finding("breaks", lead, tuple(_alone(result, path) for path in single)))
    elif any(item.effect is not None and item.effect.alone is not None for item in tested):
        unsure = _undecided_count([item for item in tested if item.effect is not None and item.effect.breaks is None])
        verb = "was found to ruin" if unsure else "ruins"
        found.append(Finding("breaks", f"No single difference put in alone {verb} {good}{unsure}."))
    if larger:
        lead = f"Together on {good}, these ruin it though no smaller set does"
        found.append(Finding("breaks", lead, tuple(_set(result, paths, good) for paths in larger)))
    return found


def repairs(result: Result) -> list[Finding]:
    """Say which differences, taken back from the bad side alone or together, mend it."""
    explanation = _explanation(result)
    bad, tested = explanation.bad, _tested(result)
    single, larger = _by_size(explanation.repairs)
    found = []
    if single:
        lead = f"Taken back from {bad}, {'this mends' if len(single) == 1 else 'each of these mends'} it"
        found.append(Finding("repairs", lead, tuple(_taken_back(result, path) for path in single)))
    elif any(item.effect is not None and item.effect.taken_back is not None for item in tested):
        unsure = _undecided_count([item for item in tested if item.effect is not None and item.effect.repairs is None])
        verb = "was found to mend" if unsure else "mends"
        lead = f"No single difference taken back {verb} {bad}{unsure}."
        best = _best(result)
        found.append(Finding("repairs", f"{lead} The best of them" if best else lead, best))
    if larger:
        lead = f"Taken back together from {bad}, these mend it though no smaller set does"
        found.append(Finding("repairs", lead, tuple(_set(result, paths, bad) for paths in larger)))
    return found


def undecided(result: Result) -> list[Finding]:
    """Name the differences whose effect the runs did not settle."""
    items = _labelled(result, "undecided")
    return _listed("undecided", "Inconclusive, the runs do not settle what these do", _both_ways(result, items))


def neither(result: Result) -> list[Finding]:
    """Name the differences that move the outcome without ruining or mending it."""
    items = _labelled(result, "neither")
    return _listed("neither", "These neither ruin nor mend alone, yet move the outcome", _both_ways(result, items))


def harmless(result: Result) -> list[Finding]:
    """Name the differences that do not matter to the outcome, and how little they move it."""
    explanation = _explanation(result)
    items = _labelled(result, "harmless")
    worst = min((item.effect.alone for item in items if item.effect and item.effect.alone is not None), default=None)
    kept = "" if worst is None else f" ({explanation.outcome} stays at {formats.decimals(worst)} or above)"
    lead = f"Harmless, put alone into {explanation.good}{kept}"
    return _listed("harmless", lead, [Item(change(item, explanation.good)) for item in items])


def inert(result: Result) -> list[Finding]:
    """Name the differences that provably do nothing."""
    start = _explanation(result).good
    items = [Item(change(item, start), item.reason.rstrip(".")) for item in _labelled(result, "inert")]
    return _listed("inert", "Inert, provably without effect", items)


def untested(result: Result) -> list[Finding]:
    """Name the differences no run was made for."""
    start = _explanation(result).good
    return _listed("untested", "Not tested", [Item(change(item, start)) for item in _labelled(result, "not tested")])


def unexplained(result: Result) -> list[Finding]:
    """Say how much of the gap no finding accounts for."""
    share = _explanation(result).unexplained
    if share is None:
        return []
    if share <= 0:
        return [Finding("unexplained", "These findings account for the whole gap.")]
    return [Finding("unexplained", f"{share:.0%} of the gap stays unexplained.")]


def method(result: Result) -> list[Finding]:
    """Say how the effects were found: framework, steps, outcome of both sides, cost."""
    told = _explanation(result)
    cached = f", {told.cached_runs:,} of them from the store" if told.cached_runs else ""
    return [
        Finding(
            "method",
            f"Tested on {told.framework} with the same random numbers: after {formats.count(told.steps, 'step')} "
            f"{told.good}'s config reaches {told.outcome} {formats.decimals(told.good_value)} and {told.bad}'s "
            f"{formats.decimals(told.bad_value)} ({formats.count(told.runs, 'run')}{cached}, "
            f"{formats.seconds(told.seconds)}).",
        )
    ]


def notes(result: Result) -> list[str]:
    """List what has to be known about the counterfactual runs besides what they found."""
    beyond = evidence.explained_beyond(result)
    return [*([beyond] if beyond is not None else []), *(result.explanation.notes if result.explanation else [])]


def _explanation(result: Result) -> Explanation:
    if result.explanation is None:
        raise ValueError("this result has no explanation to word")
    return result.explanation


def _tested(result: Result) -> list[DifferenceFact]:
    return [item for item in view.explained(result) if not item.inert and item.effect is not None]


def _labelled(result: Result, label: view.Label) -> list[DifferenceFact]:
    return [item for item in view.explained(result) if view.effect_label(item, result.explanation) == label]


def _by_size(sets: Iterable[list[str]]) -> tuple[list[str], list[list[str]]]:
    listed = [paths for paths in sets if paths]
    return [paths[0] for paths in listed if len(paths) == 1], [paths for paths in listed if len(paths) > 1]


def _find(result: Result, path: str) -> DifferenceFact | None:
    return next((item for item in view.explained(result) if item.path == path), None)


def _alone(result: Result, path: str) -> Item:
    """Write a change put into the good side, with what it did to the outcome."""
    told, item = _explanation(result), _find(result, path)
    if item is None:
        return Item(path)
    alone = item.effect.alone if item.effect is not None else None
    return Item(change(item, told.good), "" if alone is None else _moved(told.outcome, told.good_value, alone))


def _taken_back(result: Result, path: str) -> Item:
    """Write a change taken back from the bad side, with what it did to the outcome."""
    told, item = _explanation(result), _find(result, path)
    if item is None:
        return Item(path)
    back = item.effect.taken_back if item.effect is not None else None
    return Item(change(item, told.bad), "" if back is None else _moved(told.outcome, told.bad_value, back))


def _set(result: Result, paths: list[str], start: str) -> Item:
    found = [(path, _find(result, path)) for path in paths]
    return Item(" + ".join(path if item is None else change(item, start) for path, item in found))


def _moved(outcome: str, before: float, after: float) -> str:
    return f"{outcome} {formats.decimals(before)} -> {formats.decimals(after)}"


def _best(result: Result) -> tuple[Item, ...]:
    """Name the single repair that gains most: where to look first, when none suffices."""
    told = _explanation(result)
    gains = [
        (item.effect.taken_back, item.path)
        for item in _tested(result)
        if item.effect is not None and item.effect.taken_back is not None and item.effect.taken_back > told.bad_value
    ]
    return (_taken_back(result, max(gains)[1]),) if gains else ()


def _undecided_count(items: list[DifferenceFact]) -> str:
    return f" ({len(items)} undecided)" if items else ""


def _both_ways(result: Result, items: list[DifferenceFact]) -> list[Item]:
    told = _explanation(result)
    written = []
    for item in items:
        effect = item.effect
        alone, back = (effect.alone, effect.taken_back) if effect is not None else (None, None)
        tried = [f"{formats.decimals(alone)} alone"] if alone is not None else []
        tried += [f"{formats.decimals(back)} taken back"] if back is not None else []
        written.append(Item(change(item, told.good), f"{told.outcome} {', '.join(tried)}"))
    return written


def _listed(kind: Kind, lead: str, items: list[Item]) -> list[Finding]:
    return [Finding(kind, lead, tuple(items))] if items else []
