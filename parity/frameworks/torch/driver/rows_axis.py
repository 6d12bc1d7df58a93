"""Where the rows of a batch stand in what a model computes, and calls that have them behind the steps of a sequence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from parity.frameworks.torch.driver.recurrent import KINDS, WHOLE
from parity.run.single_numbers import SingleWords
from parity.run.told import ToldNode

SWAPS = frozenset({"torch.permute", "torch.transpose", "torch.swapaxes", "torch.swapdims", "torch.t", "torch.T"})
"""Calls that move axes."""

STEPWISE = frozenset({
    "nn.Linear", "nn.LayerNorm", "nn.RMSNorm", "nn.Dropout", "nn.Embedding", "nn.Identity", "nn.ReLU", "nn.GELU",
    "nn.Tanh", "nn.Sigmoid", "nn.SiLU", "nn.ELU", "nn.LeakyReLU", "nn.Mish", "nn.Softplus", "nn.MultiheadAttention",
    *KINDS, "F.dropout", "torch.dropout", "torch.relu", "F.relu", "F.gelu", "torch.gelu", "torch.tanh", "F.tanh",
    "torch.sigmoid", "F.sigmoid", "F.silu", "F.elu", "F.leaky_relu", "torch.add", "torch.sub", "torch.mul",
    "torch.div", "torch.contiguous", "torch.clone", "torch.float",
})  # fmt: skip
"""Calls that do the same to a sequence whichever of rows and steps stands first, a module of sequences if told so."""

BY_NUMBER = STEPWISE - {"nn.Linear", "nn.LayerNorm", "nn.RMSNorm", "nn.Embedding", "nn.MultiheadAttention", *KINDS}
"""Of these, calls that do the same to each number."""


def _by_number(node: ToldNode) -> bool:
    """Return whether a call does the same to each number, of no other tensor than what it reads."""
    beside = node.called.get("operands", ())
    return node.part in BY_NUMBER and not any(isinstance(one, Mapping) and "part" in one for one in beside)


SINGLE = SingleWords(
    taking=("torch.select", {"dim": 1, "index": 0}), raising=("torch.unsqueeze", {"dim": 1}),
    flattening=("torch.flatten", {"start_dim": 1, "end_dim": -1}),
    moving=frozenset({"torch.unsqueeze", "torch.squeeze", "torch.view", "torch.reshape", "torch.flatten", "torch.ravel",
                      "torch.select", "torch.__getitem__"}),
    elementwise=_by_number, tables=frozenset({"nn.Embedding"}),
)  # fmt: skip
"""What rows of single numbers go through."""

OVER_STEPS = frozenset({"torch.mean", "torch.sum", "torch.amax", "torch.amin", "torch.max", "torch.min"})
"""Calls that make one row of a sequence, along an axis that they are told."""


def rows_axis(one: Sequence[int], other: Sequence[int]) -> int:
    """Return the axis of the rows of a batch, by what a call gave of more and of fewer rows."""
    return next((axis for axis, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)


def alike(one: Sequence[int], other: Sequence[int], rows: Sequence[int]) -> bool:
    """Return whether what two calls gave has the same sizes, numbers of rows aside.

    Args:
        one: sizes.
        other: those of the other call.
        rows: how many each was given.
    """
    return len(one) == len(other) and all(
        a == b or a * rows[1] == b * rows[0] for a, b in zip(one, other, strict=True)
    )  # fmt: skip


class RowsFirst:
    """The calls of a model as if the rows stood first in all that they give, as far as that says the same.

    Args:
        nodes: the calls.
        outputs: names of those that give the outputs.
        sizes: of each value, all sizes of the tensor.
        axes: of each value, the axis of the rows.

    ``left`` has the calls of which that cannot be said, ``same`` of calls that only move rows what gives as much.
    """

    def __init__(
        self, nodes: Sequence[ToldNode], outputs: Sequence[str], sizes: Mapping[str, Sequence[int]],
        axes: Mapping[str, int],
    ) -> None:  # fmt: skip
        self._sizes, self._axes, self._recurrent = sizes, axes, {one.name for one in nodes if one.part in KINDS}
        self.same: dict[str, str] = {}
        self.left: list[ToldNode] = []
        self.nodes: list[ToldNode] = []
        for node in nodes:
            found = self._turned(node)
            if found is not None:
                self.nodes.append(replace(found, reads=[self.same.get(one, one) for one in found.reads]))
        self.outputs = [self.same.get(one, one) for one in outputs]

    def _behind(self, name: str) -> bool:
        """Return whether the rows of a value stand behind the steps; the last states of layers are no sequence."""
        base, _, part = name.partition("[")
        return self._axes.get(name, 0) == 1 and not (part and base in self._recurrent)

    def _turned(self, node: ToldNode) -> ToldNode | None:
        """Return a call with the rows first; None where it only moves them."""
        read = [self._behind(one) for one in node.reads]
        given = self._axes.get(node.name, 0)
        if not any(read) and given == 0:
            return node
        if node.part in SWAPS and read != [given == 1] and given in (0, 1) and self._swaps(node):
            self.same[node.name] = self.same.get(node.reads[0], node.reads[0])
            return None
        if all(read) and given == 1 and node.part in STEPWISE and self._told_so(node):
            shapes = [self._row(one) for one in node.reads]
            more = {"batch_first": True} if "batch_first" in node.arguments else {}
            return replace(node, shape=self._row(node.name), read_shapes=shapes, arguments={**node.arguments, **more})
        if read == [True] and given == 0 and (arguments := self._over_steps(node)) is not None:
            return replace(node, arguments=arguments, read_shapes=[self._row(node.reads[0])], called={})
        self.left.append(node)
        return node

    def _row(self, name: str) -> list[int]:
        """Return the sizes of a row."""
        sizes, axis = list(self._sizes[name]), self._axes.get(name, 0)
        return sizes[:axis] + sizes[axis + 1 :]

    def _swaps(self, node: ToldNode) -> bool:
        """Return whether a call does nothing but exchange rows and steps."""
        before, rank = self._sizes[node.reads[0]], len(self._sizes[node.name])
        if node.part in ("torch.t", "torch.T"):
            return rank == 2
        told = node.arguments
        if "dims" in told:
            return [int(one) % rank for one in told["dims"]] == [1, 0, *range(2, rank)]
        return len(before) == rank and {int(told[name]) % rank for name in ("dim0", "dim1")} == {0, 1}

    def _told_so(self, node: ToldNode) -> bool:
        """Return whether a call does the same to what has the rows first; a module of sequences, that they do not."""
        sizes = {len(self._sizes[one]) for one in (*node.reads, node.name)}
        return not node.arguments.get("batch_first") and (len(sizes) == 1 or node.part == "nn.Embedding")

    def _over_steps(self, node: ToldNode) -> dict[str, Any] | None:
        """Return the arguments of a call that makes one row of a sequence, with the rows first."""
        told = node.arguments
        if node.part in OVER_STEPS and told.get("dim") in (0, [0]) and not told.get("keepdim"):
            return {**told, "dim": 1}
        index = told.get("index")
        if node.part == "torch.__getitem__" and isinstance(index, int):
            return {**told, "index": [WHOLE, index]}
        if node.part == "torch.__getitem__" and isinstance(index, list) and index and isinstance(index[0], int):
            return {**told, "index": [WHOLE, *index[:1]]} if all(one in (WHOLE, "...") for one in index[1:]) else None
        return None
