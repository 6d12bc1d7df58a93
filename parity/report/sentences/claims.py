"""Claims as sentences: the cause, what breaks, what repairs, what makes up for what, and what holds with some seeds.

A claim says what is changed on which side, what comes of it, how that was proved and with how many seeds it is so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from parity.report import lookup
from parity.report.sentences import outcomes
from parity.report.sentences.finding import Finding, Item, changed, changes, explanation, find, patch_of
from parity.result import formats
from parity.result.schema import ClaimFact, DifferenceFact, EffectFact, Explanation, Result

LITTLE = 0.1
"""Share of the gap below which a single repair that does not suffice is not worth naming."""


def claims(result: Result) -> list[ClaimFact]:
    """List the claims; a result that holds only sets of paths has them from these and from the effects."""
    told = explanation(result)
    if told.claims:
        return told.claims
    return [
        *(_bare(result, "breaks", paths) for paths in told.breakers if paths),
        *(_bare(result, "repairs", paths) for paths in told.repairs if paths),
    ]


def causes(result: Result) -> list[Finding]:
    """Say which set decides the outcome, proved both ways: given to the good side, and taken back from the bad one."""
    told = explanation(result)
    found = []
    for breaker, repair in _both_ways(result):
        one = len(repair.paths) == 1
        it = "it" if one else "they together"
        ruins = f"alone {it} {outcomes.ruins(told, one)} {told.good}{_brackets(_came_of(told, breaker))}"
        mends = f"taken back {it} {outcomes.mends(told, one)} {told.bad}{_brackets(_came_of(told, repair))}"
        fewer = "" if one else "; no smaller set does either"
        lead = f"The cause{'' if one else 's'}, proved both ways: {ruins}, {mends}{fewer}"
        items = changes(result, repair.paths, told.bad)
        found.append(Finding("cause", lead, items, patch_of(result, repair)))
    return found


def breaks(result: Result) -> list[Finding]:
    """Say which differences, put into the good side alone or together, ruin it."""
    told = explanation(result)
    good, ruin = told.good, outcomes.ruins(told, False)
    single, larger = _by_size(_sound(result, "breaks"))
    found = []
    if single:
        lead = f"Alone on {good}, {'this' if len(single) == 1 else 'each of these'} {outcomes.ruins(told)} it"
        found.append(Finding("breaks", lead, _items(result, single)))
    elif not _both_ways(result):
        found += _none_alone(result)
    lead = f"Together on {good}, these {ruin} it though no smaller set does"
    return [*found, *(_set(result, claim, lead) for claim in larger)]


def repairs(result: Result) -> list[Finding]:
    """Say which differences, taken back from the bad side alone or together, mend it."""
    told = explanation(result)
    bad, mend = told.bad, outcomes.mends(told, False)
    single, larger = _by_size(_sound(result, "repairs"))
    found = []
    if single:
        lead = f"Taken back from {bad}, {'this' if len(single) == 1 else 'each of these'} {outcomes.mends(told)} it"
        found.append(Finding("repairs", lead, _items(result, single)))
    elif not _both_ways(result):
        found += _none_back(result)
    lead = f"Taken back together from {bad}, these {mend} it though no smaller set does"
    return [*found, *(_set(result, claim, lead) for claim in larger)]


def compensates(result: Result) -> list[Finding]:
    """Say what makes up for what: a set that ruins the good side, and does not with others beside it."""
    told = explanation(result)
    found = []
    for claim in _sound(result, "compensates"):
        these, others = formats.names(claim.paths), formats.names(claim.by)
        one = len(claim.paths) == 1
        alone = _alone(result, claim.paths)
        moved = "" if alone is None else f" ({outcomes.moved(told, claim.before, alone)})"
        ruins = f"{these} {'alone' if one else 'together'} {outcomes.ruins(told, one)} {told.good}{moved}"
        reaches = f"{outcomes.shown(told, claim.after, claim.values)}{_brackets(seeds(told, claim))}"
        make = f"{others} {'makes' if len(claim.by) == 1 else 'make'} up for {'it' if one else 'them'}"
        lead = f"{ruins}; with {others} as well it comes to {reaches}, so {make}"
        items = changes(result, [*claim.paths, *claim.by], claim.side)
        found.append(Finding("compensates", lead, items, patch_of(result, claim)))
    return found


def undecided(result: Result) -> list[Finding]:
    """Say what is so with some seeds only: neither a cause nor harmless."""
    told = explanation(result)
    found = []
    for claim in claims(result):
        if claim.status != "inconclusive" and not contradicts(told, claim):
            continue
        one, moved = len(claim.paths) == 1, _came_of(told, claim, counted=False)
        ruin, mend = outcomes.ruins(told, False), outcomes.mends(told, False)
        what = {
            "breaks": f"{'alone' if one else 'together'} on {told.good} this {ruin}s it",
            "repairs": f"taken back {'' if one else 'together '}from {told.bad} this {mend}s it",
            "compensates": f"{formats.names(claim.by)} {'makes' if len(claim.by) == 1 else 'make'} up for what "
            f"{formats.names(claim.paths)} {ruin}{'s' if one else ' together'}",
        }[claim.kind]
        lead = f"Inconclusive, {_say(claim)} that {what}{_brackets(moved)}{_by_seed(told, claim)}"
        items = changes(result, [*claim.paths, *claim.by], claim.side)
        found.append(Finding("undecided", lead, items))
    return found


def contradicts(told: Explanation, claim: ClaimFact) -> bool:
    """Say whether a claim's own numbers speak against it: what is said to ruin is no worse, what mends no better.

    A claim whose outcome is not recorded is taken at its word.
    """
    if not claim.seeds and math.isnan(claim.after):
        return False
    if claim.seeds and not 0 < claim.held <= claim.seeds:
        return True
    if claim.kind == "compensates":
        return False
    worse = outcomes.better(told, claim.before, claim.after)
    same = outcomes.shown(told, claim.before) == outcomes.shown(told, claim.after)
    return same or worse is not (claim.kind == "breaks")


def _say(claim: ClaimFact) -> str:
    """Say how many of its seeds speak for a claim."""
    if not claim.held:
        return f"no seed of {claim.seeds} says" if claim.seeds else "no seed says"
    return f"{claim.held} of {formats.count(claim.seeds, 'seed')} say{'s' if claim.held == 1 else ''}"


def _by_seed(told: Explanation, claim: ClaimFact) -> str:
    """Write the outcomes by seed as they are, of a claim of which the seeds do not agree."""
    if len(claim.values) < 2 or len(claim.before_values) != len(claim.values):
        return ""
    pairs = outcomes.ascending(told, list(zip(claim.before_values, claim.values, strict=True)))
    return "; by seed " + ", ".join(f"{outcomes.shown(told, a)} -> {outcomes.shown(told, b)}" for a, b in pairs)


def seeds(told: Explanation, claim: ClaimFact) -> str:
    """Say with how many seeds a claim is so, and whether these are enough; empty where that is not recorded."""
    if not claim.seeds:
        return ""
    text = f"{claim.held} of {formats.count(claim.seeds, 'seed')}"
    if claim.status == "holds":
        return text
    if claim.status == "inconclusive":
        return f"{text} only"
    return f"{text}, too few to be sure"


def _came_of(told: Explanation, claim: ClaimFact, counted: bool = True) -> str:
    """Write what a claim's change does to the outcome, and with how many seeds; of what is known."""
    unknown = not claim.seeds and math.isnan(claim.after)
    parts = [] if unknown else [outcomes.moved(told, claim.before, claim.after, claim.values)]
    parts += [seeds(told, claim)] if counted else []
    return ", ".join(part for part in parts if part)


def _brackets(text: str) -> str:
    return f" ({text})" if text else ""


def _bare(result: Result, kind: str, paths: list[str]) -> ClaimFact:
    """Make a claim of a set of paths; its outcome is known where the set is a single difference that was tried."""
    told, breaks = explanation(result), kind == "breaks"
    item = find(result, paths[0]) if len(paths) == 1 else None
    effect = item.effect if item is not None else None
    after = None if effect is None else effect.alone if breaks else effect.taken_back
    return ClaimFact(
        kind="breaks" if breaks else "repairs", paths=paths, status="holds", held=0, seeds=0,
        before=told.good_value if breaks else told.bad_value, after=math.nan if after is None else after,
        spread=0.0, values=[], side=told.good if breaks else told.bad, patch="", options=[],
    )  # fmt: skip


def _both_ways(result: Result) -> list[tuple[ClaimFact, ClaimFact]]:
    """List the sets that both break and repair, with every seed: as the breaker, and as the repair."""
    told = explanation(result)
    held = [claim for claim in claims(result) if claim.status == "holds" and not contradicts(told, claim)]
    return [
        (breaker, repair)
        for breaker in held
        for repair in held
        if breaker.kind == "breaks" and repair.kind == "repairs" and set(breaker.paths) == set(repair.paths)
    ]


def _sound(result: Result, kind: str) -> list[ClaimFact]:
    """List the claims of a kind that no seed speaks against, those told as the cause left out."""
    told = [set(breaker.paths) for breaker, _ in _both_ways(result)] if kind != "compensates" else []
    return [
        claim
        for claim in claims(result)
        if claim.kind == kind
        and claim.status != "inconclusive"
        and not contradicts(explanation(result), claim)
        and set(claim.paths) not in told
    ]


def _by_size(found: Sequence[ClaimFact]) -> tuple[list[ClaimFact], list[ClaimFact]]:
    return [one for one in found if len(one.paths) == 1], [one for one in found if len(one.paths) > 1]


def _items(result: Result, single: Sequence[ClaimFact]) -> tuple[Item, ...]:
    told = explanation(result)
    return tuple(
        changed(result, claim.paths[0], claim.side, _came_of(told, claim), patch_of(result, claim)) for claim in single
    )


def _set(result: Result, claim: ClaimFact, lead: str) -> Finding:
    came = _brackets(_came_of(explanation(result), claim))
    return Finding(claim.kind, f"{lead}{came}", changes(result, claim.paths, claim.side), patch_of(result, claim))


def _alone(result: Result, paths: Sequence[str]) -> float | None:
    """Give the outcome of the good side with a set put in, where that is known."""
    known = [one for one in claims(result) if one.kind == "breaks" and one.paths == list(paths)]
    if known:
        return known[0].after
    item = find(result, paths[0]) if len(paths) == 1 else None
    return item.effect.alone if item is not None and item.effect is not None else None


def _tested(result: Result) -> list[DifferenceFact]:
    return [item for item in lookup.explained(result) if not item.inert and item.effect is not None]


def _none_alone(result: Result) -> list[Finding]:
    """Say that none of those that were tried alone ruins the good side, how many that were, and what is undecided."""
    told = explanation(result)
    tried = [item.effect for item in _tested(result) if item.effect is not None and item.effect.alone is not None]
    if not tried or told.gap == "open":
        return []
    none = _none_of(result, tried, "put in alone", [effect.breaks for effect in tried], outcomes.ruins)
    return [Finding("breaks", f"{none} {told.good}{_undecided(effect.breaks for effect in tried)}.")]


def _none_back(result: Result) -> list[Finding]:
    """Say that none of those that were taken back alone mends the bad side, and what comes nearest to it."""
    told = explanation(result)
    tried = [item.effect for item in _tested(result) if item.effect is not None and item.effect.taken_back is not None]
    if told.gap != "gap" or not tried:
        return []
    none = _none_of(result, tried, "taken back", [effect.repairs for effect in tried], outcomes.mends)
    lead, best = f"{none} {told.bad}{_undecided(effect.repairs for effect in tried)}.", _best(result)
    return [Finding("repairs", f"{lead} The best of them", best)] if best else [Finding("repairs", lead)]


def _none_of(
    result: Result, tried: Sequence[EffectFact], how: str, found: Sequence[bool | None], verb: Callable[..., str]
) -> str:
    """Say that nothing was found: of all differences only where all of them were tried."""
    told = explanation(result)
    live = sum(not item.inert for item in lookup.explained(result))
    does = verb(told) if None not in found else f"was found to {verb(told, False)}"
    if len(tried) >= live:
        return f"No single difference {how} {does}"
    if len(tried) == 1:
        does_not = "does not" if None not in found else "was not found to"
        return f"Of {live} differences one was {how}, and it {does_not} {verb(told, False)}"
    return f"Of the {len(tried)} of {live} differences that were tried, none {how} {does}"


def _undecided(found: Iterable[bool | None]) -> str:
    open_ones = sum(one is None for one in found)
    return f" ({open_ones} undecided)" if open_ones else ""


def _best(result: Result) -> tuple[Item, ...]:
    """Name the single repair that gains most: where to look first, when none suffices."""
    told = explanation(result)
    goal, before = outcomes.sides_at(told)
    gains = [
        (outcomes.gain(before, goal, item.effect.taken_back), item.path, item.effect.taken_back)
        for item in _tested(result)
        if item.effect is not None and item.effect.taken_back is not None
    ]
    won, path, value = max(gains, default=(0.0, "", 0.0))
    if won <= LITTLE:
        return ()
    seed = f", seed {told.effect_seeds[0]}" if len(told.effect_seeds) == 1 else ""
    return (changed(result, path, told.bad, f"{outcomes.moved(told, before, value)}{seed}"),)
