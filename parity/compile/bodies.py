"""Lines of a program that stand together, and the classes that stand for groups of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from parity.compile.alike import Arguments, Common
from parity.compile.layout import ANY, Line
from parity.spec.graph import Layer
from parity.spec.names import is_reserved
from parity.spec.sections import Scope

READ = ("inputs", "second", "third", "fourth")
"""What a block calls what it reads, where the first line alone does not read it."""


@dataclass(eq=False, kw_only=True)
class Node:
    """A line of a body, or a group in its place.

    Args:
        reads: numbers of the values that it is given.
        gives: number of the value that it gives.
        line: it is; None for a group.
        group: it is; None for a line.
    """

    reads: tuple[int, ...]
    gives: int
    line: Line | None = None
    group: Repeat | None = None

    @property
    def layer(self) -> Layer | None:
        """Return the layer that it calls; None where it moves axes or is a group."""
        return self.line.layer if self.line is not None and self.line.axes is None else None


@dataclass(eq=False, kw_only=True)
class Repeat:
    """What came from one time of a block.

    Args:
        scope: which time of which block.
        body: its lines.
        reads: numbers of the values from outside that they read, in that order.
        gives: number of the value that others read.
        kind: the class that it is one of; None while that is not known, and for one that is written out.
        number: among the groups of that class.
    """

    scope: Scope
    body: list[Node]
    reads: tuple[int, ...]
    gives: int
    kind: Kind | None = None
    number: int = 0

    def values(self) -> dict[str, Any]:
        """Return the arguments that make it one of its class."""
        assert self.kind is not None
        return {name: vector[self.number] for name, vector in self.kind.arguments.values.items()}


@dataclass(frozen=True, kw_only=True)
class Worded:
    """A line of a program in its framework's words.

    Args:
        made: what is made for it, by attribute.
        bodies: statements of the methods that it has, by name.
        said: the statement that calls it.
        like: what must be the same in all groups of a class.
        comment: said beside it.
        own: arguments that its calls leave out, and what they then are.
        known: numbers that are known of it, by name.
    """

    said: str
    made: Mapping[str, str] = field(default_factory=dict)
    bodies: Mapping[str, str] = field(default_factory=dict)
    like: Any = None
    comment: str = ""
    own: Mapping[str, Any] = field(default_factory=dict)
    known: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sources(self) -> list[str]:
        """Return all of its source."""
        return [*self.made.values(), *self.bodies.values(), self.said]

    @property
    def likeness(self) -> tuple[Any, ...]:
        """Return all that must be the same in groups of a class, but for their source."""
        return (self.like, *self.made, *self.bodies)


@dataclass(eq=False, kw_only=True)
class Kind:
    """A class, or function, that several groups are made of.

    Args:
        name: of it, in words: ``residual block``.
        groups: that it stands for.
        shared: their source, and the numbers that they differ in.
        arguments: these numbers.
        worded: the lines of each group.
    """

    name: str
    groups: list[Repeat]
    shared: Common
    arguments: Arguments
    worded: list[list[Worded]]

    def lines(self, made: str = "", said: str = "") -> Iterator[Worded]:
        """Yield the lines with arguments in the place of numbers.

        Args:
            made: stands before each argument in what is made.
            said: stands before each in statements.
        """
        number = 0
        making, saying = self.arguments.written(made), self.arguments.written(said)
        for at, one in enumerate(self.worded[0]):
            filled = []
            for words in [*(making for _ in one.made), *(saying for _ in one.bodies), saying]:
                filled.append(self.shared.filled(words, number))
                number += 1
            yield replace(
                one, made=dict(zip(one.made, filled, strict=False)), said=filled[-1], comment=self._comment(at),
                bodies=dict(zip(one.bodies, filled[len(one.made) :], strict=False)),
            )  # fmt: skip

    @property
    def class_name(self) -> str:
        """Return its name as that of a class."""
        return "".join(word.capitalize() for word in self.name.split())

    @property
    def function_name(self) -> str:
        """Return its name as that of a function."""
        return self.name.replace(" ", "_")

    def said(self) -> list[str]:
        """Return the arguments that statements use, and not only what is made."""
        found = "".join(one.said + "".join(one.bodies.values()) for one in self.lines(said="\0"))
        return [name for name in self.arguments.values if re.search(rf"\0{name}\b", found)]

    def _comment(self, at: int) -> str:
        """Return a comment; of one that tells sizes, which are not the same everywhere, what it says behind them."""
        comment = self.worded[0][at].comment
        same = all(words[at].comment == comment for words in self.worded)
        return comment if same else comment.rpartition(": ")[2]


@dataclass(eq=False)
class Body:
    """Lines that stand together: of the model, or of a group.

    Args:
        nodes: the lines.
        reads: numbers of the values that it is given.
        returns: numbers of those that it returns.
        group: that it is of; None for the model.
        names: what values are called in it.
    """

    nodes: list[Node]
    reads: tuple[int, ...]
    returns: tuple[int, ...]
    group: Repeat | None = None
    names: dict[int, str] = field(default_factory=dict)

    def readers(self, value: int) -> list[Node]:
        """Return the lines that read a value."""
        return [node for node in self.nodes if value in node.reads]

    def local(self, name: str) -> str:
        """Return what a layer is called here: its name without that of the block it stands in, if it can be that."""
        return self._apart(self._short(name), is_reserved)

    def _short(self, name: str) -> str:
        return name.removeprefix(self.group.scope.prefix) if self.group is not None else name

    def _apart(self, name: str, barred: Callable[[str], bool]) -> str:
        """Return a name; of one that means something else, one that neither does nor is another's here."""
        if not barred(name):
            return name
        layers = [node.layer.name for node in self.nodes if node.layer is not None]
        groups = [node.group.scope.prefix.removesuffix("_") for node in self.nodes if node.group is not None]
        others = {self._short(one) for one in (*layers, *groups)}
        while barred(name) or name in others:
            name += "_"
        return name

    def attribute(self, group: Repeat) -> str:
        """Return what a group is called here."""
        return self.local(group.scope.prefix.removesuffix("_"))

    def given(self, node: Node) -> list[str]:
        """Return what a line is given, by name."""
        return [self.names[value] for value in node.reads]

    def mask_of(self, node: Node) -> str:
        """Return the source of the mask that a line makes."""
        assert node.line is not None
        names = dict(zip(node.line.given, self.given(node), strict=True))
        return re.sub(rf"(?<![.\w])({'|'.join(names)})\b", lambda name: names[name[1]], node.line.source)

    def called(self, inputs: Sequence[str], taken: Collection[str]) -> None:
        """Give the values their names: ``x`` for one that the next line alone reads.

        Args:
            inputs: what it calls what it is given; nothing for names of its own.
            taken: names that mean something else.
        """
        self.names = dict(zip(self.reads, inputs or self._inputs(), strict=True))
        for at, node in enumerate(self.nodes):
            readers, behind = self.readers(node.gives), self.nodes[at + 1 : at + 2]
            plain = not (readers or behind) if node.gives in self.returns else readers == behind
            mask = node.line is not None and node.line.source
            self.names[node.gives] = ANY if plain and not mask else self._name(node, taken)

    def _inputs(self) -> list[str]:
        if len(self.reads) == 1:
            return [ANY if self.readers(self.reads[0]) == self.nodes[:1] else READ[0]]
        return [READ[at] if at < len(READ) else f"input_{at + 1}" for at in range(len(self.reads))]

    def _name(self, node: Node, taken: Collection[str]) -> str:
        if node.group is not None:
            name = self.attribute(node.group)
        elif node.layer is not None:
            name = self.local(node.layer.name)
        else:
            assert node.line is not None
            made = node.line.target if node.line.source else f"{self.names[node.reads[0]]}_{node.line.ending}"
            name = self.local(made)
        return self._apart(name, {*taken, *(self.names[value] for value in self.reads)}.__contains__)
