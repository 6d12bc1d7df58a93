"""What a watcher tells of a live program: plain data, which travel from a worker to its parent.

A *word* is how a value is told: a number, a text, a list of words, or ``{"part": name, "arguments": words, "own":
words}`` for a part of a framework, which :class:`~parity.native.Native` knows by that name; with ``framework`` where it
is another one's than the program's. ``{"entry": ...}`` is an entry as a spec says it. ``own`` has what the part
does by itself: an argument that no table knows changes nothing where it has that value. ``seen`` is what a watcher saw
of a part's use, by which its reader tells which entry it is. Only the standard library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

Word = Any

FACTOR_OF_GROUP, DECAY_OF_GROUP = "factor", "decay"
"""What an optimizer may have otherwise in a group of parameters: its rate is multiplied, its weight decay another."""

BY_WEIGHTS = "by_weights"
"""How the losses of rows are put together where their weighed sum is divided by the sum of the weights."""

OWN = "own"
"""Said of what draws numbers that no harness deals."""

MOST_NUMBERS = 256
"""Numbers of one layer that a config is to hold; one with more stays opaque."""


@dataclass(kw_only=True)
class ToldInput:
    """One input of a model: its name, the shape of a row, and whether it holds whole numbers."""

    name: str
    shape: list[int]
    whole: bool = False


@dataclass(kw_only=True)
class ToldNode:
    """One call of a layer or of a function.

    Args:
        name: of what it gives, which no other node has.
        part: the framework's name of the layer or function; of a layer of the program's own, the program's.
        arguments: what the layer was made with, in words; of a function, what it was called with beside tensors.
        own: what these are by themselves.
        reads: names of the nodes and inputs that it is given, in order.
        shape: of a row of what it gives.
        read_shapes: the same of each that it is given.
        read_masks: of each that it is given, whether it carries a mask of steps; empty where that is not told.
        layer: name of the first call of the same layer; its own for all that are called once.
        function: it is one, with no object that keeps a name or a tensor.
        trainable: whether its parameters move.
        called: what the call was given beside tensors and at something else than its default, in words.
        place: line of the program, where that is known.
        path: of the layer in the model, as a program written by hand would be asked for it; its name if None, empty
            where it has none there.
        within: names of the :class:`ToldCall` that it is part of, the outermost first.
        random: what it draws in a training step, beside what its part says: the ``shape`` for a row and the ``rate`` of
            each draw that a harness can deal, or ``own``.
        tensors: shapes of the parameters of a layer of the program's own, by their names in it.
        why: what stands in the way of going into it; empty where that is not asked.
        kept: of parameters that lie in other modules than its own, by the spec's names or those of the part, their
            paths in the model.
        groups: of its parameters that move, by their names in it, the number of their group in :attr:`Told.groups`.
        tied: of its parameters that are a table of another layer, the first call of that layer.
    """

    name: str
    part: str
    reads: list[str]
    shape: list[int]
    read_shapes: list[list[int]]
    read_masks: list[bool] = field(default_factory=list)
    arguments: dict[str, Word] = field(default_factory=dict)
    own: dict[str, Word] = field(default_factory=dict)
    layer: str = ""
    function: bool = False
    trainable: bool = True
    called: dict[str, Word] = field(default_factory=dict)
    place: str = ""
    path: str | None = None
    within: list[str] = field(default_factory=list)
    random: Word = field(default_factory=list)
    tensors: dict[str, list[int]] = field(default_factory=dict)
    why: str = ""
    kept: dict[str, str] = field(default_factory=dict)
    groups: dict[str, int] = field(default_factory=dict)
    tied: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class ToldCall:
    """One call of a layer of the program's own, which was gone into.

    Args:
        name: which no other call has.
        part: its class.
        label: what the layer is called.
        gives: names of the values that it gave.
        place: line of the program.
        path: as of :class:`ToldNode`.
        tensors: as of :class:`ToldNode`, those of layers in it included.
        random: as of :class:`ToldNode`, all that it draws.
        groups: as of :class:`ToldNode`, of all in :attr:`tensors` that move.
    """

    name: str
    part: str
    label: str
    gives: list[str]
    place: str = ""
    path: str | None = None
    tensors: dict[str, list[int]] = field(default_factory=dict)
    random: Word = field(default_factory=list)
    groups: dict[str, int] = field(default_factory=dict)


@dataclass(kw_only=True)
class ToldLoss:
    """The loss of one output.

    Args:
        output: its name.
        part: a word, None where there is none.
        weight: what it counts.
        beside: what is part of the loss beside that, in words, by which no entry is it; empty for nothing.
        reads: values that this reads beside the output.
        place: its line, where that is another than that of all losses.
        needs: what would be needed to read it.
    """

    output: str
    part: Word
    weight: float = 1.0
    beside: str = ""
    reads: list[str] = field(default_factory=list)
    place: str = ""
    needs: str = ""


@dataclass(kw_only=True)
class ToldTraining:
    """How a program trains: None is what it does not say, and so leaves to its framework.

    Args:
        more: what else it says of training, by the framework's names: each in the way of reading it, unless the
            framework's reader knows it.
        callbacks: as words.
        validation: whether it brings rows of its own to validate on.
        class_weight: what rows count by their class, pairs of its number and the weight; a class that is none counts 1.
    """

    batch_size: int | None = None
    epochs: int | None = None
    shuffle: bool = False
    drop_remainder: bool = False
    validation_split: float = 0.0
    validation: bool = False
    class_weight: list[list[float]] = field(default_factory=list)
    callbacks: list[Word] = field(default_factory=list)
    more: dict[str, Word] = field(default_factory=dict)


@dataclass(kw_only=True)
class ToldRefusal:
    """What the watcher could not tell: what it is, where it stands, what would be needed."""

    what: str
    place: str = ""
    needs: str = ""


@dataclass(kw_only=True)
class Told:
    """A live program.

    Args:
        framework: that it is written in.
        inputs, nodes, outputs: the graph; of each output its name, and the node that gives it.
        output_masks: of each output, whether it carries a mask of steps; empty where that is not told.
        losses: of each output.
        optimizer: a word; None where there is none.
        groups: of each group of parameters what the optimizer does otherwise for it, :data:`FACTOR_OF_GROUP` and
            :data:`DECAY_OF_GROUP`; empty where it treats all alike.
        metrics: of each output, words.
        arrays: names of the arrays that were written, ``x`` or ``x:NAME``, ``y`` or ``y:NAME``, with ``val:``
            before them those of the rows to validate on; ``w`` are the weights of rows.
        places: lines of the program: of ``compile`` and ``train``, where they are known.
        refused: what could not be told.
        title: what a person calls the model.
        precision: the word of the type that layers compute in, where that is not float32.
        calls: of layers of the program's own, which were gone into.
        redrawn: why its rows are other ones each time they are read, in words; empty where they are not. Then the
            arrays are one reading of them.
        seen_loops: of a program whose arrays are only the batches that were seen of it, how often the loops run that
            it stands in, outermost first; None of any other.
        unseen: what its loop does otherwise later than in its first steps, or may, in sentences.
        notes: what a reader of the spec should know, in sentences.
    """

    framework: str
    title: str = ""
    inputs: list[ToldInput] = field(default_factory=list)
    nodes: list[ToldNode] = field(default_factory=list)
    outputs: list[tuple[str, str]] = field(default_factory=list)
    output_masks: list[bool] = field(default_factory=list)
    losses: list[ToldLoss] = field(default_factory=list)
    optimizer: Word = None
    groups: list[dict[str, float]] = field(default_factory=list)
    metrics: dict[str, list[Word]] = field(default_factory=dict)
    training: ToldTraining = field(default_factory=ToldTraining)
    arrays: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    refused: list[ToldRefusal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    precision: str = ""
    calls: list[ToldCall] = field(default_factory=list)
    redrawn: str = ""
    seen_loops: list[int | None] | None = None
    unseen: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Told:
        """Return what :meth:`plain` made plain."""
        given = dict(plain)
        kinds = {"inputs": ToldInput, "nodes": ToldNode, "losses": ToldLoss, "refused": ToldRefusal,
                 "calls": ToldCall}  # fmt: skip
        for name, kind in kinds.items():
            given[name] = [kind(**one) for one in given[name]]
        given["outputs"] = [(str(name), str(node)) for name, node in given["outputs"]]
        return cls(**{**given, "training": ToldTraining(**given["training"])})


def call_of(value: str) -> str:
    """Return the name of the call that gives a value, of which it may be another output than the first.

    >>> call_of("lstm[1]"), call_of("lstm")
    ('lstm', 'lstm')
    """
    return value.partition("[")[0]
