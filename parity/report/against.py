"""What is said of a spec held against a golden: lines of text, for a terminal, a log, the summary of a test run."""

from __future__ import annotations

from collections.abc import Sequence

from parity.result import formats
from parity.result.againstfact import Against, AgainstSide, MovedField, MovedPart

AGREE = ("identical", "rounding")

MOST = 6
"""Moved things of a kind that are named."""

WEIGHTS = (
    "training.initial_weights: other weights than when the golden was made (where they are drawn each time, seed what "
    "draws them)"
)


def lines(found: Against) -> list[str]:
    """Return what is said of all sides, the verdict of each first."""
    told = [f"{found.spec} against {found.file}"]
    for side in found.sides:
        told += ["", *side_lines(side)]
    return [*told, *(["", *found.notes] if found.notes else [])]


def side_lines(side: AgainstSide) -> list[str]:
    """Return what is said of a side, its details indented."""
    told = [f"{side.side}: {side.verdict}, {side.reason}"]
    told += [f"  {one}" for one in [*details(side), *side.notes]]
    return told


def details(side: AgainstSide) -> list[str]:
    """Return where a side departs and what moved, a sentence each."""
    told = [*([_made_by(side)] if side.op else []), *causes(side)]
    moved = _named("since the golden was made", side.versions)
    if side.verdict == "rounding":
        why = _named("only rounding differs, and what decides it moved", [*side.versions, *side.machine])
        return [*told, *(why or [])]
    told += moved + _named("the machine is another", side.machine)
    return told


def _made_by(side: AgainstSide) -> str:
    """Return which op computes the first place."""
    first = side.first
    assert first is not None
    return f"made by {side.op} ({side.op_path}): step {first.step}, {first.phase}, {first.tensor}"


def causes(side: AgainstSide) -> list[str]:
    """Return the fields that moved, as ``path: A -> B`` with what is known of each."""
    told = [f"{change(one, side)}{_standing(one, side)}" for one in side.config[:MOST]]
    if len(side.config) > MOST:
        told.append(f"and {len(side.config) - MOST} more fields of the config")
    if side.unread:
        told.append("the golden's config has fields that this version of parity does not know; it was not compared")
    if side.data:
        told.append("data: other rows than when the golden was made")
    if side.weights:
        told.append(WEIGHTS)
    if side.program:
        told.append("program: another text than when the golden was made")
    live = [one for one in side.config if not one.inert]
    known = live or side.data or side.weights or side.program or side.unread
    if side.verdict == "divergent" and not known:
        told += [_unsaid(side), *_meant(side)]
    if live and side.taken_back is not None and side.taken_back not in AGREE:
        told.append("with the golden's config it still departs: these fields are not all of it")
    return [*told, *(f"{_native(one, side)}" for one in side.native[:MOST])]


def change(one: MovedField, side: AgainstSide) -> str:
    """Return a moved field as ``path: A -> B``, with where B came from, and of a default the versions that moved."""
    told = f"{one.path}: {one.before} -> {one.now}"
    own = [origin for origin in (one.before_origin, one.now_origin) if is_native(origin)]
    packages = [part for part in side.versions if part.name not in ("numpy", "python")]
    if own:
        return f"{told} ({own[0]}{f', {_moves(packages)}' if packages else ''})"
    return told if one.now_origin in ("", "spec") else f"{told} ({one.now_origin})"


def is_native(origin: str) -> bool:
    """Return whether a value came from a framework's own default."""
    return origin.endswith(" default") and origin != "parity default"


def _standing(one: MovedField, side: AgainstSide) -> str:
    """Return what is known of a field that moved, as the end of a sentence."""
    if one.inert:
        return f"; inert: {one.reason}"
    if side.taken_back is None:
        return ""
    if side.taken_back not in AGREE:
        return ""
    live = [other for other in side.config if not other.inert]
    if len(live) == 1:
        return "; the cause: taken back, the side agrees with the golden"
    if one.alone is None:
        return "; not tried alone"
    return "; alone it changes nothing" if one.alone in AGREE else "; a cause: alone it makes the side depart"


def _meant(side: AgainstSide) -> list[str]:
    """Return which of both steps does what the config says, and what the other does, as far as it is known."""
    if side.golden_meant is None or side.now_meant is None:
        return []
    told = {
        (True, False): "the golden does what the config says, by its NumPy reference; the side no longer does",
        (False, True): "the side does what the config says, by its NumPy reference; the golden did not",
        (True, True): "both are near what the config says, by its NumPy reference",
        (False, False): "neither does what the config says, by its NumPy reference",
    }[side.golden_meant, side.now_meant]
    forms = [
        f"{'the golden' if one.golden else 'the side now'} does as with {one.path}: {one.said} -> {one.does}"
        for one in side.forms[:MOST]
    ]
    return [told, *forms]


def _unsaid(side: AgainstSide) -> str:
    """Return what is said where a side computes otherwise and no field of its config is another."""
    if side.versions:
        what = side.op or side.framework
        ends = "," if ", " in what else ""  # An op that goes by a mask has a clause of its own.
        return f"no field of the config moved; what comes of {what}{ends} did, with {_moves(side.versions)}"
    return "neither the config nor a version moved: the program, or parity's own templates, are others"


def _native(one: MovedPart, side: AgainstSide) -> str:
    """Return what is said of a default of the framework's own that moved."""
    acts = any(field.path.endswith(f".{one.name.rpartition('.')[2]}") for field in side.config)
    told = f"native default {one.name}: {one.before} -> {one.now}"
    return told if acts else f"{told}; the spec says its own"


def _named(head: str, parts: Sequence[MovedPart]) -> list[str]:
    return [f"{head}: {_moves(parts)}"] if parts else []


def _moves(parts: Sequence[MovedPart]) -> str:
    shown = [f"{one.name} {one.before or 'none'} -> {one.now or 'none'}" for one in parts[:MOST]]
    return ", ".join(shown) + (f" and {len(parts) - MOST} more" if len(parts) > MOST else "")


def short(side: AgainstSide) -> str:
    """Return a side in one line: what moved, where, by how much and why, as far as it is known."""
    where = ""
    if side.first is not None:
        first = side.first
        where = f" at step {first.step}, {first.phase}, {first.tensor} by {formats.measured(first)}"
    live = [change(one, side) for one in side.config if not one.inert]
    live += [WEIGHTS] if side.weights else []
    why = live[:2] or ([_moves(side.versions)] if side.versions else [])
    return "; ".join([f"{side.side}: {side.verdict}{where}", *why])
