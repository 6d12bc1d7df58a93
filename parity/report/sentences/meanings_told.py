"""What a difference is about: its field, its entries, its lines."""

from __future__ import annotations

from parity.report import lookup
from parity.report.sentences import guessing
from parity.result import formats
from parity.result.entryfact import EntryFact, PartFact
from parity.result.schema import DifferenceFact, LineFact, Result

TITLE = "What each difference is"

INTRO = "What the two values mean, what each framework does, and where it stands in the programs."


def field(item: DifferenceFact) -> str:
    """Say what the field is that differs; empty where nothing is known of it."""
    return f"{item.path.rpartition('.')[2]}: {item.field}." if item.field else ""


def values(item: DifferenceFact) -> str:
    """Say both values, and where each came from."""
    a = f"{item.a_side} has {formats.value(item.a)} ({item.a_origin})"
    return f"{a}, {item.b_side} has {formats.value(item.b)} ({item.b_origin})."


def effect(result: Result, item: DifferenceFact) -> str:
    """Say what it does to the outcome, put alone into the good side; empty where no cause was looked for."""
    told = result.explanation
    if item.inert:
        return f"It does nothing: {item.reason}."
    if told is None or not lookup.is_explained(result, item):
        return ""
    return f"Put alone into {told.good}: {guessing.does(result, told, item)}."


def line(fact: LineFact) -> str:
    """Say what stands in a line, and what would stand there with the other side's value."""
    if not fact.text:
        return f"nothing; with the other value: {fact.instead}"
    return f"{fact.text}; with the other value: {fact.instead or 'nothing'}"


def entry(fact: EntryFact) -> str:
    """Name an entry."""
    return f"{fact.kind} ({fact.family})"


def table(fact: EntryFact) -> str:
    """Caption what an entry is in each framework."""
    return f"What {fact.kind} is in each framework"


def means(part: PartFact) -> str:
    """Say what an entry is in a framework, with which defaults of its own, and since which version."""
    own = ", ".join(f"{name} {value}" for name, value in part.defaults.items())
    own = f"; its own defaults: {own}" if own else ""
    return "; ".join([f"{part.means or 'written out in the program'}{own}", *part.since])


def again(fact: EntryFact) -> str:
    """Say where an entry is told."""
    return f"{fact.kind} is told with "
