"""Source that is alike but for numbers: what several pieces of it have in common, and what the numbers are called."""

from __future__ import annotations

import ast
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations_with_replacement
from math import prod
from typing import Any

Number = int | float
Vector = tuple[Number, ...]
"""A number in each of several pieces of source."""

Quantities = Mapping[str, Any]
"""What is known of a layer by name: its fields, and the channels that it reads."""

SIZES = frozenset(("channels", "filters", "key_dim", "output_dim", "units"))
"""Quantities of which one may be a multiple of another: ``4 * filters``."""

CHANNELS = "channels"
"""What the size of a layer's input along its channels is called."""

MOST = 6
"""Arguments of a class; with more of them, layers written out say it better."""


@dataclass(frozen=True)
class Differing:
    """A number that is not the same in all pieces.

    Args:
        text: number of the source that it stands in.
        start: where it begins there.
        end: where it ends.
        values: in each piece.
        within: it is part of a larger expression, so that a product in its place needs parentheses.
        word: the argument that it is given as, where that is named.
    """

    text: int
    start: int
    end: int
    values: Vector
    within: bool
    word: str = ""


@dataclass(frozen=True)
class Common:
    """Sources that several pieces share, and where they differ.

    Args:
        texts: of one piece, which has all that any of them says.
        holes: the numbers in it that are others in other pieces.
    """

    texts: tuple[str, ...]
    holes: tuple[Differing, ...]

    def filled(self, words: Sequence[str], number: int) -> str:
        """Return one of the sources with other words in the place of its numbers.

        Args:
            words: one for each hole.
            number: of the source.
        """
        found = self.texts[number]
        for hole, word in sorted(zip(self.holes, words, strict=True), key=lambda one: -one[0].start):
            if hole.text == number:
                word = f"({word})" if hole.within and " " in word else word
                found = found[: hole.start] + word + found[hole.end :]
        return found


def common(pieces: Sequence[Sequence[str]], own: Sequence[Mapping[str, Any]]) -> Common | None:
    """Return what pieces have in common; None where they differ in more than numbers.

    Args:
        pieces: of each, its sources, in the same order.
        own: of each source, the arguments that may be left out of a call in it, and what they then are.
    """
    if len({len(piece) for piece in pieces}) > 1:
        return None
    texts, holes = [], []
    for number, sources in enumerate(zip(*pieces, strict=True)):
        trees = [_tree(source) for source in sources]
        most = max(range(len(trees)), key=lambda at: _told(sources[at]))
        found = _Comparison(number, sources[most], own[number], most)
        if not found.alike([trees[most], *trees[:most], *trees[most + 1 :]], None):
            return None
        texts.append(sources[most])
        holes += found.holes
    return Common(tuple(texts), tuple(holes))


@lru_cache(maxsize=4096)
def _tree(source: str) -> ast.Module:
    return ast.parse(source)


@lru_cache(maxsize=4096)
def _told(source: str) -> int:
    return sum(isinstance(node, ast.keyword) for node in ast.walk(_tree(source)))


class _Comparison:
    """Compares trees node by node, the first with the others.

    Args:
        text: number of their source.
        source: of the first.
        own: arguments that may be left out, and what they then are.
        place: number of the first among the pieces.
    """

    def __init__(self, text: int, source: str, own: Mapping[str, Any], place: int) -> None:
        self.text, self.own, self.place = text, own, place
        self.holes: list[Differing] = []
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line.encode()))
        self.ascii = source.isascii()
        self.word = ""

    def alike(self, nodes: Sequence[Any], above: Any) -> bool:
        """Return whether nodes differ in numbers alone, and take these in."""
        first = nodes[0]
        if any(type(one) is not type(first) for one in nodes):
            return False
        if isinstance(first, ast.Constant):
            return self._constants(nodes, above)
        if isinstance(first, ast.Call):
            return self._calls(nodes)
        if isinstance(first, ast.AST):
            return all(self.alike([getattr(one, name, None) for one in nodes], first) for name in first._fields)
        if isinstance(first, list):
            same = all(len(one) == len(first) for one in nodes)
            return same and all(self.alike(each, above) for each in zip(*nodes, strict=True))
        return all(one == first for one in nodes)

    def _constants(self, nodes: Sequence[ast.Constant], above: Any) -> bool:
        first = nodes[0]
        if all(type(one.value) is type(first.value) and one.value == first.value for one in nodes):
            return True
        if not self.ascii or not _numbers([one.value for one in nodes]):
            return False
        values = [one.value for one in nodes[1:]]
        values.insert(self.place, first.value)
        start, end = (
            self.starts[line - 1] + column
            for line, column in ((first.lineno, first.col_offset), (first.end_lineno or 0, first.end_col_offset or 0))
        )
        within = isinstance(above, ast.BinOp | ast.UnaryOp | ast.Attribute | ast.Subscript | ast.Compare)
        self.holes.append(Differing(self.text, start, end, tuple(values), within, self.word))  # type: ignore[arg-type]
        return True

    def _calls(self, nodes: Sequence[ast.Call]) -> bool:
        first = nodes[0]
        if not (self.alike([one.func for one in nodes], first) and self.alike([one.args for one in nodes], first)):
            return False
        told = [{word.arg: word.value for word in one.keywords} for one in nodes]
        for words in told[1:]:
            if set(words) - set(told[0]):
                return False
        for name in told[0]:
            if any(name not in words and name not in self.own for words in told):
                return False
            each = [words[name] if name in words else _value(self.own[str(name)]) for words in told]
            self.word = str(name)
            alike = self.alike(each, first)
            self.word = ""
            if not alike:
                return False
        return True


def _value(value: Any) -> ast.expr:
    found = ast.parse(repr(value), mode="eval").body
    assert isinstance(found, ast.expr)
    return found


def _numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(one, int | float) and not isinstance(one, bool) for one in values)


# ------------------------------------------------------------------------------------------ what numbers are called


@dataclass(frozen=True)
class Arguments:
    """The numbers that pieces differ in, as arguments.

    Args:
        values: of each argument, in each piece.
        words: of each hole, what stands in its place: ``4 * {filters}``.
    """

    values: Mapping[str, Vector]
    words: tuple[str, ...]

    def written(self, before: str = "") -> list[str]:
        """Return what stands in the place of the holes, with something before each argument: ``self.``."""
        return [word.format(**{name: f"{before}{name}" for name in self.values}) for word in self.words]


def called(
    holes: Sequence[Differing], known: Sequence[Sequence[Quantities]], homes: Sequence[str], taken: Collection[str]
) -> Arguments | None:  # fmt: skip
    """Return arguments for the numbers that pieces differ in, called as the fields that they are; None for too many.

    Args:
        holes: the numbers.
        known: of each source, what is known of its layer in each piece.
        homes: of each source, what its layer is called.
        taken: names that mean something else.
    """
    likely: dict[Vector, list[tuple[str, str]]] = {}
    words_of = {hole.values: hole.word for hole in reversed(holes)}
    for hole in holes:
        names = [(name, homes[hole.text]) for name in _names(hole.values, known[hole.text])]
        likely.setdefault(hole.values, []).extend(names)
    # A field's name says more than where the number comes from.
    best = {
        vector: min(names, key=lambda one: one[0] == CHANNELS, default=("", "")) for vector, names in likely.items()
    }
    derived = {vector: made for vector in best if (made := _made_of(vector, best))}
    values: dict[str, Vector] = {}
    words: dict[Vector, str] = {}
    # Sizes first, as layers have them: channels, then filters, then how far a window moves.
    order = (CHANNELS, *sorted(SIZES - {CHANNELS}))
    place = {name: number for number, name in enumerate(order)}
    for vector, (name, home) in sorted(best.items(), key=lambda one: place.get(one[1][0], len(place))):
        if vector not in derived:
            plain = words_of[vector] or ("size" if all(isinstance(one, int) for one in vector) else "factor")
            chosen = _free(name or plain, home, {*taken, *values})
            values[chosen], words[vector] = vector, f"{{{chosen}}}"
    if len(values) > MOST:
        return None
    for vector, (factor, parts) in derived.items():
        words[vector] = " * ".join([*([str(factor)] if factor != 1 else []), *(words[part] for part in parts)])
    return Arguments(values, tuple(words[hole.values] for hole in holes))


def _names(vector: Vector, known: Sequence[Quantities]) -> list[str]:
    """Return the quantities that a number is in every piece; of a size with several axes, that of each."""
    pairs = list(zip(known, vector, strict=True))
    return [name for name in known[0] if all(_is(one.get(name), value) for one, value in pairs)]


def _is(known: Any, value: Number) -> bool:
    if isinstance(known, tuple) and known:
        return all(_is(one, value) for one in known)
    return isinstance(known, int | float) and not isinstance(known, bool) and known == value


def _made_of(vector: Vector, best: Mapping[Vector, tuple[str, str]]) -> tuple[int, tuple[Vector, ...]] | None:
    """Return the numbers that one is a product of: of one like it and a constant, or, if nothing else, of any."""
    name, whole = best[vector][0], [one for one in best if all(isinstance(n, int) and n > 0 for n in one)]
    if vector not in whole:
        return None
    tried: list[tuple[Vector, ...]] = []
    if name:
        tried += [(one,) for one in whole if best[one][0] == name and name in SIZES and one != vector]
    else:
        others = [one for one in whole if best[one][0]][:MOST]
        tried += [several for many in (1, 2, 3) for several in combinations_with_replacement(others, many)]
    for several in tried:
        products = [prod(each) for each in zip(*several, strict=True)]
        factor = int(vector[0] // products[0])
        told = factor > 1 or (factor == 1 and len(several) > 1)
        fits = told and all(n == factor * product for n, product in zip(vector, products, strict=True))
        if fits and not any(_made_of(one, best) for one in several):
            return factor, several
    return None


def _free(name: str, home: str, taken: Collection[str]) -> str:
    """Return a name that is not taken: the quantity's, with the layer's in front of it, or with a number behind."""
    for one in (name, f"{home}_{name}", *(f"{name}_{number}" for number in range(2, 2 + MOST + len(taken)))):
        if one not in taken:
            return one
    raise AssertionError(name)
