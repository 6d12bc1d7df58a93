"""Blocks of a spec in its program: layers that stand there several times, alike but for numbers, are written once.

A program is laid out layer by layer first (:mod:`parity.compile.layout`). What came from one time of a block and gives
one value is a group; groups that read alike but for numbers become a class, or a function, with these numbers as its
arguments. A group that is like no other is written out, so that a change to one repeat changes that repeat alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from parity.compile.alike import Arguments, Common, called, common
from parity.compile.bodies import READ, Body, Kind, Node, Repeat, Worded
from parity.compile.layout import ANY, LaidOut
from parity.compile.wording import free_words, named_for
from parity.spec.graph import Graph
from parity.spec.sections import Scope

FEWEST_LINES = 8
"""Lines that groups of one class must come to when they are written out; fewer are read faster as they are."""

Wording = Callable[[Node, Body], Worded]
"""Words a line of a body, or the group in its place."""


class Folding:
    """Finds what is written once.

    Args:
        laid: the program, layer by layer.
        graph: of the model.
        word: words a line.
        taken: names that lines have another use for.
        barred: layers that are written out, whatever block they came from.
        apart: names that nothing which is written once may have, beside those that are taken.
    """

    def __init__(
        self, laid: LaidOut, graph: Graph, word: Wording, taken: Collection[str], barred: Collection[str] = (),
        apart: Collection[str] = (),
    ) -> None:  # fmt: skip
        self.graph, self.word, self.taken, self.barred, self.apart = graph, word, taken, barred, apart
        self.kinds: list[Kind] = []
        latest = {name: number for number, name in enumerate(laid.inputs)}
        self.inputs, self.flat = tuple(latest.values()), []
        for number, line in enumerate(laid.lines, len(laid.inputs)):
            read = (*line.given, *line.masks)
            self.flat.append(Node(reads=tuple(latest[name] for name in read), gives=number, line=line))
            latest[line.target] = number
        self.returns = tuple(latest[name] for name in laid.returns)

    def folded(self, inputs: Sequence[str]) -> Body | None:
        """Return the model's body, groups in the place of lines; None where nothing is written once.

        Args:
            inputs: what the model's inputs are called; nothing for the names that bodies have.
        """
        nodes = self._gathered(self.flat, 0)
        levels = list(_levels(nodes))
        for groups in reversed(levels):
            self._sort(groups)
            nodes = _written_out(nodes, groups)
        if not self.kinds:
            return None
        body = Body(nodes, self.inputs, self.returns)
        body.called(inputs, self.taken)
        return body

    def unfolded(self, laid: LaidOut) -> Body:
        """Return the model's body as it is laid out, nothing written once."""
        names = dict(enumerate((*laid.inputs, *(line.target for line in laid.lines))))
        return Body(self.flat, self.inputs, self.returns, names=names)

    def body_of(self, group: Repeat) -> Body:
        """Return the body of a group."""
        body = Body(group.body, group.reads, (group.gives,), group)
        body.called((), self.taken)
        return body

    def _gathered(self, nodes: Sequence[Node], depth: int) -> list[Node]:
        """Return lines with groups in the place of those that came from one time of a block.

        Args:
            nodes: the lines.
            depth: of the blocks, 0 for those that stand in no other.
        """
        scopes = [self._scope(node, depth) for node in nodes]
        found: list[Node] = []
        at = 0
        while at < len(nodes):
            scope = scopes[at]
            if scope is None:
                found.append(nodes[at])
                at += 1
                continue
            end = len(nodes) - scopes[::-1].index(scope)
            run = list(nodes[at:end])
            if any(one not in (scope, None) for one in scopes[at:end]):
                run, end = run[:1], at + 1
                found += run
            else:
                found += self._grouped(run, scope, depth)
            at = end
        return found

    def _scope(self, node: Node, depth: int) -> Scope | None:
        layer = node.line.layer if node.line is not None else None
        scopes = self.graph.scopes.get(layer.name, ()) if layer is not None else ()
        return scopes[depth] if depth < len(scopes) else None

    def _grouped(self, run: list[Node], scope: Scope, depth: int) -> list[Node]:
        """Return a group in the place of lines, behind the moves of what comes from outside; or the lines."""
        made = {node.gives for node in run}
        moves = [node for node in run if node.layer is None and not made & set(node.reads)]
        run = [node for node in run if node not in moves]
        inside = {id(node) for node in run}
        made = {node.gives for node in run}
        read = {value for node in self.flat if id(node) not in inside for value in node.reads} | {*self.returns}
        owners = {node.layer.owner for node in run if node.layer is not None}
        apart = {node.layer.owner for node in self.flat if node.layer is not None and id(node) not in inside}
        names = {node.layer.name for node in run if node.layer is not None}
        body = self._gathered(run, depth + 1)
        called = scope.prefix.removesuffix("_") in self.graph.by_name  # A layer has the name that it would have.
        if len(made & read) != 1 or owners & apart or names & set(self.barred) or called:
            return [*moves, *body]
        reads = tuple(dict.fromkeys(value for node in run for value in node.reads if value not in made))
        (gives,) = made & read
        group = Repeat(scope=scope, body=body, reads=reads, gives=gives)
        return [*moves, Node(reads=reads, gives=gives, group=group)]

    def _sort(self, groups: Sequence[Repeat]) -> None:
        """Find the groups that are alike."""
        found: list[tuple[list[Repeat], list[list[Worded]], tuple[Common, Arguments] | None]] = []
        for group in groups:
            body = self.body_of(group)
            worded = [self.word(node, body) for node in group.body]
            for at, (members, words, _) in enumerate(found):
                both = self._alike([*words, worded])
                if both is not None:
                    found[at] = ([*members, group], [*words, worded], both)
                    break
            else:
                found.append(([group], [worded], None))
        for members, words, both in found:
            if both is not None and len(members) * len(words[0]) >= FEWEST_LINES:
                self._keep(members, words, *both)

    def _alike(self, words: Sequence[Sequence[Worded]]) -> tuple[Common, Arguments] | None:
        """Return what groups have in common, and the arguments that they differ in; None where it is too little."""
        first = words[0]
        if any([one.likeness for one in other] != [one.likeness for one in first] for other in words[1:]):
            return None
        own = [line.own for line in first for _ in line.sources]
        shared = common([[source for line in group for source in line.sources] for group in words], own)
        if shared is None:
            return None
        known = [[group[at].known for group in words] for at, line in enumerate(first) for _ in line.sources]
        homes = [str(line.known.get("name", "")) for line in first for _ in line.sources]
        made = {name for line in first for name in (*line.made, *line.bodies)}
        taken = {*self.taken, *READ, *made, ANY, "name", "dtype", "self", "training", *homes}
        arguments = called(shared.holes, known, homes, taken)
        return None if arguments is None else (shared, arguments)

    def _keep(
        self, members: list[Repeat], words: list[list[Worded]], shared: Common, arguments: Arguments
    ) -> None:  # fmt: skip
        others = {*self.taken, *self.apart, *(kind.name for kind in self.kinds)}
        name = free_words(named_for([group.scope.block for group in members]), others)
        kind = Kind(name=name, groups=members, shared=shared, arguments=arguments, worded=words)
        self.kinds.append(kind)
        for number, group in enumerate(members):
            group.kind, group.number = kind, number


def _levels(nodes: Iterable[Node]) -> Iterator[list[Repeat]]:
    """Yield the groups that stand in no other, those that stand in these, and so on."""
    while groups := [node.group for node in nodes if node.group is not None]:
        yield groups
        nodes = [node for group in groups for node in group.body]


def _written_out(nodes: Iterable[Node], judged: Sequence[Repeat]) -> list[Node]:
    """Return lines with, in the place of a group that turned out to be like no other, its lines."""
    found: list[Node] = []
    for node in nodes:
        if node.group is not None:
            node.group.body = _written_out(node.group.body, judged)
        if node.group is not None and node.group.kind is None and node.group in judged:
            found += node.group.body
        else:
            found.append(node)
    return found
