"""What decides the outcome, as sentences that a person can act on, in the order in which they matter.

Every finding names the config path and both its values, the outcome before and after, and on which side it was tried,
with how many seeds. What was not decided, or not tried, is said as such: silence would read as "harmless".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from parity.report import lookup
from parity.report.sentences import claims, draws, effects, evidence, outcomes
from parity.report.sentences.finding import Finding, Item, Kind, change, explanation, find
from parity.result import formats
from parity.result.schema import DifferenceFact, Explanation, InteractionFact, Result

TITLE = "What breaks, what repairs"

LEAST_SHARE = 0.005
"""Share of the gap that rounds to nothing."""

SLIGHT = 0.05
"""Share of the gap below which an interaction of two causes is not worth a line."""


def findings(result: Result) -> list[Finding]:
    """List what the counterfactual runs found, what matters most first; empty when there were none."""
    if result.explanation is None:
        return []
    parts = (
        missing, own, sides, effects.moved, claims.causes, claims.breaks, claims.repairs, claims.compensates, said,
        shares, interactions, claims.undecided, undecided, neither, harmless, together, inert, untested, unexplained,
        method,
    )  # fmt: skip
    return [finding for part in parts for finding in part(result)]


def missing(result: Result) -> list[Finding]:
    """Say what was left out, and why."""
    told = explanation(result)
    if result.under_way or (not told.missing and told.complete and not told.interrupted):
        return []
    lead = "Interrupted: what follows was found by then, and the same command goes on from there" if told.interrupted \
        else "Not everything was tried"  # fmt: skip
    if not told.complete:
        lead += "; there may be more findings than these"
    items = tuple(Item(text.rstrip("."), code=False) for text in told.missing)
    return [Finding("missing", f"{lead}. Left out" if items else f"{lead}.", items)]


def own(result: Result) -> list[Finding]:
    """Warn where a side's config comes to something else on the side's own framework than on that of the trials."""
    told = explanation(result)
    return [
        Finding(
            "own",
            f"{one.side}'s config comes to {told.outcome} {outcomes.shown(told, one.own)} on its own framework"
            f"{_framework(result, one.side)}, and to {outcomes.shown(told, one.trial)} on {told.framework}, on which "
            "all of this was tried: it may not hold there.",
        )
        for one in told.own
        if not one.agrees
    ]


def sides(result: Result) -> list[Finding]:
    """Say what the two sides come to, and what all seeds together say of the gap between them."""
    told = explanation(result)
    both = f"{ends(told)} ({_how_many(told)}both on {told.framework})"
    lines = [line[0].upper() + line[1:] for line in (votes(told), told.unit.rstrip("."), outcomes.constant(told),
                                                     _later(told)) if line]  # fmt: skip
    rest = "".join(f" {line}." for line in lines)
    if told.gap == "none":
        return [Finding("alike", f"No gap, both sides come to the same: {both}.{rest}")]
    if told.gap == "unsteady":
        seen = "unsteady, chance decides as much as the configs do, and no difference is named as the cause"
        return [Finding("unsteady", f"Inconclusive, {seen}: {both}.{rest}")]
    if told.gap == "open":
        return [
            Finding("unsteady", f"Not decided, too few seeds were run to say whether there is a gap: {both}.{rest}")
        ]
    return [Finding("sides", f"The gap to be explained: {both}.{rest}")]


def ends(told: Explanation) -> str:
    """Say what the outcome of either config is."""
    good = outcomes.shown(told, told.good_value, told.good_values)
    bad = outcomes.shown(told, told.bad_value, told.bad_values)
    is_ = " is" if outcomes.kind(told) == "end" else ":"
    return f"{outcomes.measured(told)}{is_} {good} with {told.good}'s config and {bad} with {told.bad}'s"


def votes(told: Explanation) -> str:
    """Say with how many seeds the better side is better; and the values as they are, where they do not all agree."""
    seeds = len(told.good_values)
    if told.held is None or not seeds or told.gap == "none":
        return ""
    text = f"with {told.held} of {formats.count(seeds, 'seed')} {told.good} is the better one"
    if told.held == seeds:
        return text
    alike = seeds - told.held - told.against
    text += f", with {told.against} {told.bad} is" + (f", and with {alike} they are about the same" if alike else "")
    good, bad = (outcomes.each(told, values) for values in (told.good_values, told.bad_values))
    return f"{text} (by seed: {good} and {bad})"


def _later(told: Explanation) -> str:
    """Say what the sides' own runs end at, where these are longer, and what follows of that."""
    if told.full_steps is None or told.good_end is None or told.bad_end is None:
        return ""
    one, other = (outcomes.number(told, value) if math.isfinite(value) else formats.not_finite(value)
                  for value in (told.good_end, told.bad_end))  # fmt: skip
    name = outcomes.metric(told.outcome)
    steps = formats.count(told.full_steps, "step")
    ends = f"the sides' own runs, of {steps} and one seed, end at {name} {one} and {other}"
    if told.gap == "gap":
        return f"{ends}; what follows is about the first {told.steps:,}"
    return f"{ends}; whether there is a gap by then, --explain-steps {told.full_steps} finds out"


def said(result: Result) -> list[Finding]:
    """Say how far what somebody named as the cause is right."""
    return [
        Finding(
            "said",
            f"It was said{f' ({one.source})' if one.source else ''}: \N{LEFT DOUBLE QUOTATION MARK}{one.text}"
            f"\N{RIGHT DOUBLE QUOTATION MARK} {one.sentence}",
        )
        for one in explanation(result).said
    ]


def shares(result: Result) -> list[Finding]:
    """Say how much of the gap each cause accounts for."""
    found = {item.path: item.share for item in lookup.explained(result) if item.share is not None}
    seed = f", with seed {told.seeds[0]}" if (told := explanation(result)).seeds else ""
    lead = f"Share of the gap (Shapley value: averaged over all orders in which these can be put in{seed})"
    written = lookup.shares(result)
    items = [Item(path, written[path]) for path in sorted(written, key=lambda path: -found[path])]
    return _listed("shares", lead, items) if len(items) > 1 else []


def interactions(result: Result) -> list[Finding]:
    """Say which causes act together, and which do what another one has done already."""
    strong = sorted(explanation(result).interactions, key=lambda one: -abs(one.share))
    strong = [one for one in strong if SLIGHT <= abs(one.share) <= 1]
    act = "Act together (share of the gap that takes both)"
    overlap = "Overlap (share of the gap that either takes away by itself)"
    return [
        *_listed("interactions", act, [_pair(one) for one in strong if one.share > 0]),
        *_listed("interactions", overlap, [_pair(one) for one in strong if one.share < 0]),
    ]


def undecided(result: Result) -> list[Finding]:
    """Name the differences whose effect the runs did not settle, those of a claim left out."""
    alone = [one.paths for one in explanation(result).claims if one.status == "inconclusive" and len(one.paths) == 1]
    items = [item for item in _labelled(result, "undecided") if [item.path] not in alone]
    return _listed("undecided", "Inconclusive, the runs do not settle what these do", _both_ways(result, items))


def neither(result: Result) -> list[Finding]:
    """Name the differences that move the outcome without ruining or mending it."""
    items = _labelled(result, "neither")
    return _listed("neither", "These neither ruin nor mend alone, yet move the outcome", _both_ways(result, items))


def harmless(result: Result) -> list[Finding]:
    """Name the differences that do not matter to the outcome alone, and how little they move it."""
    told = explanation(result)
    tried = {item.path: item.effect.alone for item in _labelled(result, "harmless") if item.effect is not None}
    alone = {path: value for path, value in tried.items() if value is not None}
    kept = outcomes.kept(told, list(alone.values())) if alone else ""
    seeds = f" with {_some(told.effect_seeds)}" if told.effect_seeds else ""
    lead = f"Harmless, put alone into {told.good}{seeds}{f' ({kept})' if kept else ''}"
    return _listed("harmless", lead, [_change(result, path) for path in alone])


def together(result: Result) -> list[Finding]:
    """Say what all but the causes do together, and name those that are known harmless by that only."""
    told = explanation(result)
    if told.harmless_together is None:
        return []
    only = [item.path for item in _labelled(result, "harmless") if item.effect is None or item.effect.alone is None]
    comes = f"All but the causes put into {told.good} together: {told.outcome} " \
        f"{outcomes.shown(told, told.harmless_together)}"  # fmt: skip
    lead = f"{comes}. Harmless together, none of them was tried alone" if only else f"{comes}."
    return [Finding("together", lead, tuple(_change(result, path) for path in only))]


def inert(result: Result) -> list[Finding]:
    """Name the differences that provably do nothing."""
    start = explanation(result).good
    items = [Item(change(item, start), item.reason.rstrip(".")) for item in _labelled(result, "inert")]
    return _listed("inert", "Inert, provably without effect", items)


def untested(result: Result) -> list[Finding]:
    """Name the differences that no run was made for, or that no run could show."""
    start = explanation(result).good
    items = [Item(change(item, start), item.unexamined) for item in _labelled(result, "not examined")]
    return _listed("untested", "Not examined", items)


def unexplained(result: Result) -> list[Finding]:
    """Say how much of the gap no finding accounts for."""
    told = explanation(result)
    share = told.unexplained
    if share is None or told.gap != "gap":
        return []
    if share < LEAST_SHARE:
        return [Finding("unexplained", "These findings account for the whole gap.")]
    return [Finding("unexplained", f"{formats.share(share)} of the gap stays unexplained.")]


def method(result: Result) -> list[Finding]:
    """Say how all of it was found: framework, runs, seeds, cost, and whether the sides' own frameworks agree."""
    told = explanation(result)
    why = f" ({told.why})" if told.why else ""
    each = f" in every run of a seed ({_seeds(told)})" if told.seeds else ""
    own = draws.known(result)
    numbers = "random numbers as each config draws them, seeded alike," if own else "the same random numbers"
    most = " at most" if told.good_steps is not None else ""
    runs = [f"{formats.count(told.runs, 'run')} of {formats.count(told.steps, 'step')}{most}"]
    runs += [f"{told.stopped:,} of them ended early, when their fate was decided"] if told.stopped else []
    runs += [f"{told.cached_runs:,} from the store"] if told.cached_runs else []
    searched = f" The search itself tried {formats.count(told.searched, 'config')}." if told.searched else ""
    lead = (
        f"Found on {told.framework}{why} with {numbers}{each}: {', '.join(runs)}, "
        f"{formats.seconds(told.seconds)}.{searched}"
    )
    agreeing = [
        f"{one.side}'s config comes to the same on its own framework{_framework(result, one.side)}: {told.outcome} "
        f"{outcomes.shown(told, one.own)}, and {outcomes.shown(told, one.trial)} on {told.framework}."
        for one in told.own
        if one.agrees
    ]
    return [Finding("method", " ".join([lead, *agreeing]))]


def notes(result: Result) -> list[str]:
    """List what has to be known about the counterfactual runs besides what they found."""
    beyond = evidence.explained_beyond(result)
    return [*([beyond] if beyond is not None else []), *(result.explanation.notes if result.explanation else [])]


def _framework(result: Result, side: str) -> str:
    named = [one.framework for one in result.sides if one.name == side and one.framework != side]
    return f" ({named[0]})" if named else ""


def _how_many(told: Explanation) -> str:
    return f"{formats.count(len(told.good_values), 'seed')}, " if told.good_values else ""


def _seeds(told: Explanation) -> str:
    return _some(told.seeds)


def _some(seeds: Sequence[int]) -> str:
    ordered = sorted(seeds)
    if len(ordered) > 3 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"seeds {ordered[0]} to {ordered[-1]}"
    return f"seed{'s' if len(ordered) > 1 else ''} {formats.names(str(seed) for seed in ordered)}"


def _pair(one: InteractionFact) -> Item:
    return Item(" + ".join(one.paths), formats.share(abs(one.share)))


def _labelled(result: Result, label: lookup.Label) -> list[DifferenceFact]:
    return [item for item in lookup.explained(result) if lookup.effect_label(item, result.explanation) == label]


def _change(result: Result, path: str) -> Item:
    item = find(result, path)
    return Item(path if item is None else change(item, explanation(result).good))


def _both_ways(result: Result, items: list[DifferenceFact]) -> list[Item]:
    told = explanation(result)
    written = []
    seed = f", {outcomes.tried_with(told)}" if told.effect_seeds else ""
    for item in items:
        effect = item.effect
        alone, back = (effect.alone, effect.taken_back) if effect is not None else (None, None)
        tried = [f"{outcomes.shown(told, alone)} alone"] if alone is not None else []
        tried += [f"{outcomes.shown(told, back)} taken back"] if back is not None else []
        colon = "" if outcomes.kind(told) == "end" else ":"
        written.append(Item(change(item, told.good), f"{told.outcome}{colon} {', '.join(tried)}{seed}"))
    return written


def _listed(kind: Kind, lead: str, items: list[Item]) -> list[Finding]:
    return [Finding(kind, lead, tuple(items))] if items else []
