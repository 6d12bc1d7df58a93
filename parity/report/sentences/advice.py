"""Advice in words: a heading and three sentences, the same in every report and in ``parity lint``."""

from __future__ import annotations

from parity.result.advicefact import AdviceFact

TITLE = "Advice before training"


def subject(one: AdviceFact) -> str:
    """Name the rule and the sides it is about."""
    return f"{one.rule.replace('_', ' ')} ({', '.join(one.sides)})"


def place(one: AdviceFact) -> str:
    """Say where to look: file, line and path, as far as they are known."""
    return ":".join(str(part) for part in (one.file, one.line) if part is not None) or one.path


def why(one: AdviceFact) -> str:
    """Say why it goes wrong, as a sentence."""
    return sentence(one.why)


def what(one: AdviceFact) -> str:
    """Say what stands there, as a sentence."""
    return sentence(one.what)


def sentence(text: str) -> str:
    """Begin with a capital where that is a word and no path, and end with a full stop."""
    first = text.split(maxsplit=1)[0]
    begun = text if {".", "_"} & set(first) else text[0].upper() + text[1:]
    return f"{begun.rstrip('.')}."
