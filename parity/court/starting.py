"""What sides have in common before the first step: the parameters that both have, and how they start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from parity.compare.judge import Judge, Seen
from parity.compare.looked import Looked
from parity.compare.steps import compare_initial, compare_weights
from parity.compile.predictions import in_one_form
from parity.recorded import reached_by_draws, undealt

if TYPE_CHECKING:
    from parity.compile import Program
    from parity.spec.resolve import Resolved


def speak_alike(
    openings: Mapping[str, dict[str, Any]], sides: Sequence[Resolved], programs: Mapping[str, Program]
) -> None:
    """Let the sides show their outputs in one form: where one returns probabilities, all are seen as probabilities.

    Args:
        openings: arguments with which workers open the programs, by side; changed.
        sides: in order.
        programs: by side.
    """
    for name, bindings in in_one_form(sides, {name: one.bindings for name, one in programs.items()}).items():
        openings[name]["bindings"] |= bindings.plain()


def compare_start(judges: list[Judge], openings: Mapping[str, Mapping[str, Any]], sides: Sequence[Resolved]) -> None:
    """Compare the parameters the sides have, and how they start."""
    places = {name: one["bindings"]["weights"] for name, one in openings.items()}
    by_hand = {side.name for side in sides if side.program is not None}
    shapes = {
        side.name: {name: p.shape for name, p in side.parameters().items() if name in places[side.name]}
        for side in sides
    }
    sizes: dict[str, float] = {}  # Most pairs start from the same files.
    for judge in judges:
        if not by_hand & {judge.a, judge.b}:  # What such a program lacks, or has beyond its spec, is told apart.
            compare_weights(judge, shapes[judge.a], shapes[judge.b])
        ours, theirs = (openings[name]["weights"] for name in (judge.a, judge.b))
        for order, name in enumerate(shapes[judge.a]):
            if shapes[judge.a][name] != shapes[judge.b].get(name):
                continue
            if ours[name] == theirs[name]:
                seen = Seen(step=1, phase="weights", tensor=name, shape=shapes[judge.a][name], difference=0.0,
                            noise=0.0, order=order)  # fmt: skip
                if ours[name] not in sizes:
                    sizes[ours[name]] = float(np.linalg.norm(np.load(ours[name], mmap_mode="r")))
                judge.looks.start.append(Looked(seen=judge.add(seen), a=sizes[ours[name]], b=sizes[ours[name]]))
            else:
                compare_initial(judge, order, name, *(np.load(one[name], mmap_mode="r") for one in (ours, theirs)))


def note_draws(judge: Judge, sides: Mapping[str, Resolved]) -> None:
    """Tell a judge what draws random numbers that nothing deals to it, and which layers these do not come into."""
    pair = [sides[name] for name in (judge.a, judge.b)]
    judge.undealt = {side.name: text for side in pair if (text := undealt(side))}
    reached = set[str]().union(*map(reached_by_draws, pair))
    judge.ahead = frozenset(layer.name for side in pair for layer in side.graph.layers) - reached


def note_ignored(judge: Judge, sides: Mapping[str, Resolved]) -> None:
    """Tell a judge of two sides which targets the losses of both leave out."""
    pair = [sides[name] for name in (judge.a, judge.b)]
    known = {None if side.outputs else side.config.loss.ignored for side in pair}
    judge.ignored = known.pop() if len(known) == 1 else None


def compare_extras(judge: Judge, programs: Mapping[str, Program]) -> None:
    """Tell a judge what a program written by hand has that the other side has not, or lacks."""
    ours, theirs = programs[judge.a], programs[judge.b]
    judge.by_hand = ours.path is not None or theirs.path is not None
    for name, mine, other in ((judge.a, ours, theirs), (judge.b, theirs, ours)):
        file = Path(mine.file_name).name
        lone = {one: shape for one, shape in mine.extras.items() if one not in other.extras}
        judge.lone[name] = {
            one: f"parameter {mine.bindings.weights[one].attribute} {shape} of {file}" for one, shape in lone.items()
        }
        judge.unmatched += [
            f"{text}: {judge.b if name == judge.a else judge.a} has none like it" for text in judge.lone[name].values()
        ]
        lacks = [one for one in mine.missing if one not in other.missing]
        judge.unlike += [f"{one}: {file} has no such parameter" for one in lacks]
