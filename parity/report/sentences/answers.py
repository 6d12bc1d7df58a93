"""The answer to a question, shortest first: the findings that decide, and what a reader asks next."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import fmean

from parity.report import lookup
from parity.report.sentences import claims, findings, outcomes, verdict
from parity.report.sentences.finding import Finding, Kind, Patch, change, patch_of, where
from parity.result import formats
from parity.result.schema import ClaimFact, DifferenceFact, Explanation, LineFact, Result

ANSWERS: tuple[tuple[Kind, ...], ...] = (
    ("unsteady", "own"), ("cause", "breaks", "alike"), ("cause", "repairs"), ("missing",),
)  # fmt: skip
"""Kinds of finding of which one is told each, in this order."""

WHOLE: tuple[Kind, ...] = ("unsteady", "own", "alike")
"""The kinds whose sentence says all without items."""

TRY: tuple[Kind, ...] = ("cause", "repairs")
"""The findings whose patch is open, and given to a screen as options: what mends the side that fails."""


NAMED = 3
"""Differences that are named where no finding names one."""

LONGEST = 50
"""Letters of a value that is named there."""

LINE = re.compile(r":\d+")
"""Where a value comes from that stands in a file: the end of its line."""


def chosen(result: Result) -> list[Finding]:
    """Choose the findings that answer the question, in the order in which they are told."""
    found, told = (
        [one for one in findings.findings(result) if one.kind != "missing" or _matters(result)],
        list[Finding](),
    )
    for kinds in ANSWERS:
        fitting = (one for one in found if one.kind in kinds and one not in told)
        one = next((one for one in fitting if one.items or one.kind in WHOLE), None)
        if one is not None:
            told.append(one)
    return told


def answer(result: Result) -> Finding | None:
    """Choose the finding that is the answer; None where the verdict is."""
    return next((one for one in chosen(result) if one.kind not in ("own", "missing")), None)


def differing(result: Result) -> list[tuple[str, str]]:
    """Name what the sides differ in, where no finding names a difference: a path, and what it is in which side."""
    known = [one for one in result.differences if not one.inert]
    if not known or any(one.items for one in chosen(result) if one.kind not in ("own", "missing")):
        return []
    told = []
    named = NAMED if len(known) > NAMED + 1 else len(known)  # To say that one more is there takes its place.
    for item in known[:named]:
        ends = [
            f"{_cut(formats.value(value))} in {side}{f' ({origin})' if LINE.search(origin) else ''}"
            for value, side, origin in (
                (item.a, item.a_side, item.a_origin), (item.b, item.b_side, item.b_origin),
            )
        ]  # fmt: skip
        told.append((item.path, f": {', '.join(ends)}"))
    return [*told, *([("", f"and {len(known) - named} more, in the report")] if len(known) > named else [])]


def by_themselves(result: Result) -> str:
    """Say it where all that may matter is what the frameworks' own parts do; empty where a program says some of it."""
    known = [one for one in result.differences if not one.inert]
    if not known or not all(one.by_themselves for one in known):
        return ""
    what = "That is how" if len(known) == 1 else "All of these are how"
    return f"{what} the frameworks' own parts are, whatever arguments they are given."


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def caveats(result: Result) -> list[Finding]:
    """Choose the findings that are no answer, and that no answer may stand without."""
    return [one for one in chosen(result) if one.kind in ("own", "missing")]


def _matters(result: Result) -> bool:
    """Return whether something was left out that a finding rests on; shares and combinations stand beside it."""
    told = result.explanation
    if told is None or not told.complete or told.interrupted:
        return True
    beside = ("the causes' shares of the gap", "combinations of the causes")
    return not all(any(words in missing for words in beside) for missing in told.missing)


def ends(result: Result) -> str:
    """Say what both sides come to, where there is a gap; empty where there is none, or none is known."""
    told = result.explanation
    if told is None or told.gap != "gap":
        return ""
    both, votes = findings.ends(told), findings.votes(told)
    return f"{both[0].upper()}{both[1:]}{f'; {votes}' if votes else ''}."


NEARLY = 0.9
"""Share of the gap that is nearly all of it."""


@dataclass(frozen=True)
class Reply:
    """What is answered to a question.

    Args:
        question: as a reader asks it.
        lead: the answer.
        items: a line each.
        patch: the change that it speaks of.
        lines: places in programs.
    """

    question: str
    lead: str
    items: Sequence[str] = ()
    patch: Patch | None = None
    lines: Sequence[LineFact] = ()


def replies(result: Result) -> list[Reply]:
    """Answer what a reader asks next, as far as it is known."""
    parts = (first_change, enough, others, rounding, which_line)
    return [reply for part in parts if (reply := part(result)) is not None]


def first_change(result: Result) -> Reply | None:
    """Say what to change first."""
    told = result.explanation
    if told is None or told.gap != "gap":
        return None
    question, repair = "What must I change first?", _repair(result)
    if repair is None:
        found = next((one for one in findings.findings(result) if one.kind == "repairs"), None)
        return None if found is None else Reply(question, found.lead, [item.text for item in found.items])
    what = "This" if len(repair.paths) == 1 else "These together, for no smaller set does it"
    lead = f"{what}, in {told.bad} ({outcomes.moved(told, repair.before, repair.after, repair.values)}"
    changes = [change(item, told.bad) for item in _items(result, repair.paths)]
    patch = patch_of(result, repair)
    return Reply(question, f"{lead}; {claims.seeds(told, repair)}):", changes, patch)


def enough(result: Result) -> Reply | None:
    """Say how far the first change goes."""
    told, repair = result.explanation, _repair(result)
    if told is None or repair is None:
        return None
    won = outcomes.gain(told.bad_value, told.good_value, repair.after)
    it = "it" if len(repair.paths) == 1 else "them"
    value = outcomes.shown(told, repair.after, repair.values)
    reached = f"With {it} alone {told.bad} comes to {told.outcome} {value}"
    goal = f"{told.good} to {outcomes.shown(told, told.good_value, told.good_values)}"
    lead = f"{reached}, {goal}: that is {formats.share(won)} of the gap ({claims.seeds(told, repair)})."
    return Reply("Is it enough?", lead, _fewest(result, told, repair))


def _fewest(result: Result, told: Explanation, repair: ClaimFact) -> list[str]:
    """Say which fewest changes that were run close nearly all of the gap; nothing where the repair does, or none."""
    live = [item.path for item in lookup.explained(result) if not item.inert and not item.unexamined]
    near = []
    for one in told.combinations:
        back = [path for path in live if path not in one.paths]
        good, bad = (_with_seeds(told, values, one.seeds) for values in (told.good_values, told.bad_values))
        if good is None or bad is None or not one.values or len(back) in (0, len(live)):
            continue
        value = fmean(one.values)
        if outcomes.gain(bad, good, value) >= NEARLY:
            near.append((len(back), -len(one.seeds), back, value, one))
    if not near:
        return []
    _, _, back, value, one = min(near, key=lambda each: each[:2])
    if set(repair.paths) >= set(back):
        return []
    seeds = f"seed {one.seeds[0]}" if len(one.seeds) == 1 else formats.count(len(one.seeds), "seed")
    return [f"The fewest changes that were run and close {NEARLY:.0%} of it or more: {formats.names(back)} "
            f"({told.outcome} {outcomes.shown(told, value, one.values)}, {seeds})"]  # fmt: skip


def _with_seeds(told: Explanation, values: Sequence[float], seeds: Sequence[int]) -> float | None:
    """Return the mean outcome of a side with some seeds; None where it was not run with all of them."""
    known = dict(zip(told.seeds, values, strict=False))
    some = [known[seed] for seed in seeds if seed in known]
    return fmean(some) if some and len(some) == len(seeds) else None


def others(result: Result) -> Reply | None:
    """Say what the other differences do to the side that fails, each with its numbers."""
    told = result.explanation
    if told is None or told.gap != "gap":
        return None
    causes = {path for claim in claims.claims(result) if claim.status != "inconclusive" for path in claim.paths}
    rest = [
        item for item in lookup.explained(result)
        if item.path not in causes and item.effect is not None and item.effect.taken_back is not None
    ]  # fmt: skip
    if not rest:
        return None
    good, bad = outcomes.sides_at(told)
    lines = []
    for item in rest:
        assert item.effect is not None
        alone = item.effect.alone
        put = f"; put alone into {told.good}: {outcomes.moved(told, good, alone)}" if alone is not None else ""
        back = outcomes.moved(told, bad, item.effect.taken_back or 0.0)
        lines.append(f"{change(item, told.bad)}: taken back from {told.bad}: {back}{put}")
    tried = f" ({outcomes.tried_with(told)})" if told.effect_seeds else ""
    mends = [item.effect.repairs for item in rest if item.effect is not None]
    lead = f"What {told.bad} comes to when one of these is taken back{tried}:"
    if not any(mends):
        none = "It" if len(rest) == 1 else "None of these"
        does = "was not found to mend" if None in mends else "does not mend" if len(rest) == 1 else "mends"
        lead = f"{none} {does} {told.bad} when it alone is taken back{tried}{_still_there(told, causes)}:"
    return Reply(f"Why did {_saviour(rest, told)} not save it?", lead, lines)


def _still_there(told: Explanation, causes: Collection[str]) -> str:
    """Say why: what ruins is still there in each of these runs."""
    if not causes:
        return ""
    stays = "stays" if len(causes) == 1 else "stay"
    return f"; what does matter, {formats.names(sorted(causes))}, {stays} in {told.bad} in each of these runs"


def _saviour(rest: Sequence[DifferenceFact], told: Explanation) -> str:
    """Name what somebody hopes for: the failing side's optimizer where that is another one; else the others."""
    item = next((one for one in rest if one.path in ("optimizer", "optimizer.kind")), None)
    if item is None:
        return "the other difference" if len(rest) == 1 else "the other differences"
    value = formats.value(lookup.values_from(item, told.bad)[0]).partition("(")[0]
    return value[:1].upper() + value[1:]


def rounding(result: Result) -> Reply | None:
    """Say whether the two differ by more than rounding; where nothing else is known, that is the answer itself."""
    overall = lookup.overall(result)
    if overall is None or result.explanation is None:
        return None
    word = {"divergent": "No", "rounding": "Yes", "identical": "There is none", "inconclusive": "Not decided"}[overall]
    return Reply("Is the difference just rounding?", f"{word}: {verdict.verdict_sentence(result)}")


def which_line(result: Result) -> Reply | None:
    """Say in which lines of the programs the causes stand; of all differences where no cause is known."""
    told, repair = result.explanation, _repair(result)
    paths = set(repair.paths) if repair is not None else None
    if paths is None and told is not None:
        paths = {path for claim in claims.claims(result) if claim.status != "inconclusive" for path in claim.paths}
    items = [item for item in result.differences if not item.inert and (not paths or item.path in paths)]
    known = [line for item in items for line in item.lines]
    if told is not None:  # The side that is to be mended comes first.
        known.sort(key=lambda line: line.side != told.bad)
    lines = [f"{line.side}, {where(line)}: {line.text or '(nothing)'}" for line in known]
    if not lines:
        return None
    causes = "The cause stands" if len(paths or ()) == 1 else "The causes stand"
    what = causes if paths else "The differences stand"
    return Reply("Which line?", f"{what} here:", list(dict.fromkeys(lines)))


def _repair(result: Result) -> ClaimFact | None:
    """Return the smallest repair that holds, else the smallest that no seed speaks against."""
    told = result.explanation
    if told is None or told.gap != "gap":
        return None
    sound = [
        one for one in told.claims
        if one.kind == "repairs" and one.status != "inconclusive" and not claims.contradicts(told, one)
    ]  # fmt: skip
    return min(sound, key=lambda one: (one.status != "holds", len(one.paths)), default=None)


def _items(result: Result, paths: Sequence[str]) -> list[DifferenceFact]:
    return [item for path in paths for item in lookup.explained(result) if item.path == path]
