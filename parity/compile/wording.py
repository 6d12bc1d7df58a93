"""What is said of blocks in a program: names, docstrings, statements in one another."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby, takewhile
from typing import Any

from parity.compile.alike import CHANNELS
from parity.compile.bodies import Body, Kind, Node
from parity.compile.layout import ANY

DEEPEST, WIDEST = 3, 80
"""Calls that stand in one another in a statement, and how long it then is."""

LONE = re.compile(r"(?<![.\w])x\b(?!=)")
"""The value ``x`` in a statement."""


def known_of(node: Node, body: Body) -> dict[str, Any]:
    """Return the numbers that are known of a line by name: its layer's fields, a group's arguments; and its name."""
    if node.group is not None:
        return {"name": body.attribute(node.group), **node.group.values()}
    layer = node.layer
    if layer is None:
        return {"name": "moved"}
    found = {name: getattr(layer.op, name) for name in type(layer.op).model_fields}
    first = layer.op.channels_at() == "channels_first"
    return {**found, CHANNELS: layer.input_shape[0 if first else -1], "name": body.local(layer.name)}


def nested(statements: Sequence[str]) -> list[str]:
    """Return statements, an ``x`` that the next one alone reads in the place where that reads it, where it is short.

    >>> nested(["x = self.conv(x)", "x = self.norm(x)", "x = F.relu(x)", "x = self.pool(x)"])
    ['x = F.relu(self.norm(self.conv(x)))', 'x = self.pool(x)']
    """
    found: list[str] = []
    depth = 0
    for one in statements:
        target, _, value = one.partition(" = ")
        before, _, computed = found[-1].partition(" = ") if found else ("", "", "")
        fits = len(target) + len(value) + len(computed) <= WIDEST and "\n" not in one + computed
        if before == ANY and fits and depth < DEEPEST and len(LONE.findall(value)) == 1 and _is_call(computed):
            found[-1] = f"{target} = {LONE.sub(computed.replace(chr(92), 2 * chr(92)), value)}"
            depth += 1
        else:
            found.append(one)
            depth = 1
    return found


def _is_call(source: str) -> bool:
    return re.fullmatch(r"[\w.]+\(.*\)", source) is not None


def together(made: Iterable[tuple[str, str]], classes: Collection[str]) -> list[tuple[str, str]]:
    """Return attributes and what makes them, those of one block that are made alike in one line.

    Args:
        made: them, in order.
        classes: of blocks.

    >>> together([("a_1", "Block(8)"), ("a_2", "Block(8)"), ("out", "Dense(2)")], ["Block"])
    [('a_1, self.a_2', '(Block(8) for _ in range(2))'), ('out', 'Dense(2)')]
    """
    found: list[tuple[str, str]] = []
    for source, several in groupby(made, key=lambda one: one[1]):
        names = [name for name, _ in several]
        whole = ", self.".join(names)
        if len(names) > 1 and source.partition("(")[0] in classes and len(whole) + len(source) < WIDEST:
            found.append((whole, f"({source} for _ in range({len(names)}))"))
        else:
            found += [(name, source) for name in names]
    return found


def above(lines: Iterable[Mapping[str, str]]) -> list[str]:
    """Return statements with their comments above them."""
    found: list[str] = []
    for line in lines:
        found += [f"# {line['comment']}", line["statement"]] if line["comment"] else [line["statement"]]
    return found


def returning(statements: Sequence[str], value: str) -> list[str]:
    """Return statements that end in returning a value: what is computed last, without a name of its own."""
    *others, last = statements
    target, _, computed = last.partition(" = ")
    return [*others, f"return {computed}"] if target == value else [*statements, f"return {value}"]


def closed(
    lines: Iterable[Mapping[str, str]], returns: tuple[str, ...], plain: bool
) -> tuple[list[dict[str, str]], tuple[str, ...]]:
    """Return the lines of a model of blocks, nested, and what is still to be returned behind them.

    Args:
        lines: of the model.
        returns: what its outputs are called.
        plain: they are returned as they are; one alone then by the last line.
    """
    said = nested(above(lines))
    if plain and len(returns) == 1:
        said, returns = returning(said, returns[0]), ()
    return [{"statement": one, "comment": ""} for one in said], returns


def told_of(kind: Kind) -> str:
    """Return what a class says of itself: which blocks it stands for."""
    blocks = list(dict.fromkeys(group.scope.block for group in kind.groups))
    said = ", ".join(blocks[:-1]) + f" and {blocks[-1]}" if len(blocks) > 1 else blocks[0]
    return f"One time of the block{'s' * (len(blocks) > 1)} {said}."


def named_for(blocks: Sequence[str]) -> str:
    """Return what a class is called that stands for blocks of some names: by the words that all of them have.

    No name begins with a number: those in front come last.

    >>> named_for(["residual", "residual"]), named_for(["a_first", "b_first"]), named_for(["a", "b"])
    ('residual block', 'first block', 'block')
    >>> named_for(["block_1", "block_1"]), named_for(["block_2_wide"]), named_for(["res_2"])
    ('block 1', 'wide block 2', 'res 2 block')
    """
    shared = [word for word in blocks[0].split("_") if all(word in one.split("_") for one in blocks)]
    words = [word for word in shared if word and word != "block"]
    numbers = list(takewhile(lambda word: word[0].isdigit(), words))
    return " ".join([*words[len(numbers) :], "block", *numbers])


def free_words(name: str, taken: Collection[str]) -> str:
    """Return a name, with a number behind it where it is taken: where classes or functions would be called alike.

    >>> free_words("Res block", ["res block", "res_block_2"])
    'Res block 3'
    """
    others = {_bare(one) for one in taken}
    return next(one for one in (name, *(f"{name} {n}" for n in range(2, 3 + len(taken)))) if _bare(one) not in others)


def _bare(name: str) -> str:
    return re.sub("[ _]", "", name).lower()
