"""Random networks: whole graphs that grow layer by layer, of everything that the catalogue has."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from parity.catalog import ACTIVATIONS, OPS
from parity.entries import Shape
from parity.ops import Op, ShapeError, check_constraints
from parity.ops.again import Again
from parity.ops.block import INPUT, Block
from parity.ops.dense import Dense
from parity.ops.embedding import Embedding
from parity.ops.masking import Masking
from parity.selftest.random_fields import entry
from parity.spec.values import Value
from parity.tensors import layer_of

MOST_LAYERS, MOST_NUMBERS, MOST_LOOSE = 12, 240, 3
"""Layers of a network, numbers in a tensor for one row, and values that nothing reads yet."""

TOKENS = 7
"""Numbers of tokens in the data are below this."""

TIED = 0.5
"""Share of the dense layers that read an embedding's table, of those that can."""

KINDS = [
    name for name, one in OPS.items() if one.reads_dtype == "float" and one is not Block
    for _ in range(1 + bool(one.activation_field) + one.uses_mask)
]  # fmt: skip
"""What a layer is drawn from: twice as often what ends in an activation, of which there are many, or knows masks.
Blocks are made of layers that are there."""


@dataclass(kw_only=True)
class Growing:
    """A network as it is drawn, layer by layer.

    Args:
        numbers: that decide.
    """

    numbers: random.Random
    inputs: dict[str, Value] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    layers: list[Op] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    first: dict[str, tuple[Shape, ...]] = field(default_factory=dict)
    rejected: int = 0

    def begin(self) -> None:
        """Draw the inputs: mostly one."""
        count = self.numbers.choice((1, 1, 1, 2, 2, 3))
        names = ["input"] if count == 1 else ["left", "right", "third"][:count]
        for name in names:
            axes = self.numbers.choice((1, 2, 2, 3, 3, 3, 4))
            shape = tuple(self.numbers.randint(1, 7 if axes < 4 else 3) for _ in range(axes))
            dtype = "integer" if axes < 3 and self.numbers.random() < 0.3 else "float"
            self.inputs[name] = self.values[name] = Value(name, shape, dtype)
            self.unread.append(name)

    def put(self, op: Op, reads: Sequence[str], most: int = MOST_NUMBERS) -> bool:
        """Add a layer if it can read what it is to; return whether it can."""
        shapes = [self.values[name].shape for name in reads]
        used = next((one for one in self.layers if one.name == op.layer), op) if isinstance(op, Again) else op
        try:
            shape = used.output_shape(used.given(shapes))
            check_constraints(used, used.given(shapes))
            if used is not op and _kept(used, shapes) != _kept(used, self.first[str(used.name)]):
                return False
            if not shape:  # A single number a row, which next to nothing reads.
                return False
        except ShapeError:
            self.rejected += 1
            return False
        if math.prod(shape) > most or len(shape) > 4:
            return False
        name = f"{op.kind}_{len(self.layers)}"
        inputs = reads[0] if len(reads) == 1 else tuple(reads)
        self.layers.append(op.model_copy(update={"name": name, "inputs": inputs}))
        self.values[name] = Value(name, shape)
        self.first[name] = tuple(shapes)
        self.unread = [*(one for one in self.unread if one not in reads), name]
        return True

    def floats(self) -> list[str]:
        """Return the values that most layers can read."""
        return [name for name, one in self.values.items() if one.dtype == "float"]

    def grow(self) -> None:
        """Add one layer: tokens are embedded first, then mostly what nothing reads yet is read."""
        tokens = next((name for name in self.unread if self.values[name].dtype == "integer"), None)
        if tokens is not None:
            kind = self.numbers.choice([name for name, one in OPS.items() if one.reads_dtype == "integer"])
            dims: dict[str, Any] = {"input_dim": TOKENS, "output_dim": self.numbers.randint(1, 4)}
            if "mask_zero" in OPS[kind].model_fields:
                dims["mask_zero"] = self.numbers.random() < 0.6
            while not self.put(entry(self.numbers, OPS[kind], **dims), (tokens,)):
                pass
            return
        while True:
            kind = self.numbers.choice(KINDS)
            for _ in range(4):
                op, reads = self.layer(OPS[kind])
                if op is not None and self.put(op, reads):
                    return

    def layer(self, kind: type[Op]) -> tuple[Op | None, tuple[str, ...]]:
        """Return a layer of a kind, and what it is to read; None where there is nothing for it."""
        floats = self.floats()
        loose = [name for name in self.unread if name in floats]
        full = len(loose) >= MOST_LOOSE
        one = self.numbers.choice(loose if full or self.numbers.random() < 0.7 else floats)
        if issubclass(kind, Again):
            again = [layer for layer in self.layers if layer.reads_dtype == "float" and len(layer.ports) == 1]
            again = [layer for layer in again if not isinstance(layer, Again)]
            if not again:
                return None, ()
            layer = self.numbers.choice(again)
            alike = [name for name in floats if self.values[name].shape == self.first[str(layer.name)][0]]
            return Again.model_validate({"layer": layer.name}), (self.numbers.choice((one, *alike)),)
        if issubclass(kind, Masking):
            # Of what is computed, whether it is the value to the last bit is rounding's affair.
            read = [name for name in self.inputs if name in floats and len(self.values[name].shape) > 1]
            if not read:
                return None, ()
            one = self.numbers.choice(read)
        said = _said(self.numbers, kind, self.values[one].shape)
        try:
            op = entry(self.numbers, kind, **said)
        except ValueError:
            return None, ()
        tables = [layer for layer in self.layers if isinstance(layer, Embedding)
                  and layer.output_dim == self.values[one].shape[-1]]  # fmt: skip
        if isinstance(op, Dense) and tables and self.numbers.random() < TIED:
            op = op.replace(kernel_of=self.numbers.choice(tables).name, units=TOKENS, trainable=True)
        if len(kind.ports) == 1:
            return op, (one,)
        # Mostly such as have its shape, or as many axes; the same twice is allowed.
        alike = [name for name in floats if self.values[name].shape == self.values[one].shape]
        near = [name for name in floats if len(self.values[name].shape) == len(self.values[one].shape)]
        count = len(kind.ports) or self.numbers.choice((2, 2, 3))
        pool = self.numbers.choice((alike, near))
        return op, (one, *self.numbers.choices(pool, k=count - 1))

    def end(self, ending: str | None) -> None:
        """Bring what nothing reads yet together, and put a head behind it, or none."""
        loose = list(self.unread)
        for name in loose if len(loose) > 1 else ():
            if len(self.values[name].shape) > 1:
                self.put(OPS["flatten"].model_validate({}), (name,), 10 * MOST_NUMBERS)
        if len(self.unread) > 1:
            self.put(OPS["concatenate"].model_validate({}), tuple(self.unread), 10 * MOST_NUMBERS)
        if ending is not None:
            (name,) = self.unread
            if len(self.values[name].shape) > 1 and self.numbers.random() < 0.7:
                self.put(OPS["flatten"].model_validate({}), (name,))
            head = entry(self.numbers, OPS["dense"], units=self.numbers.randint(1, 4),
                         activation=entry(self.numbers, ACTIVATIONS[ending]))  # fmt: skip
            if not self.put(head, (self.unread[0],)):
                self.put(OPS["dense"].model_validate({"units": 2, "activation": ending}), (self.unread[0],))

    def blocked(self) -> list[Op]:
        """Return the layers, sometimes some of them as a block, which may stand there twice."""
        spans = [
            (start, end) for start in range(len(self.layers)) for end in range(start + 1, len(self.layers))
            if self._closed(start, end)
        ]  # fmt: skip
        if not spans or self.numbers.random() < 0.5:
            return self.layers
        start, end = self.numbers.choice(spans)
        inside, behind = self.layers[start:end], self.layers[end:]
        (read,), gives = _reads(inside[0]), str(inside[-1].name)
        alike = self.values[read] == replace(self.values[gives], name=read)
        twice = alike and len(self.layers) + len(inside) <= MOST_LAYERS
        block = Block.model_validate({
            "name": f"block_{start}", "inputs": read, "repeat": 2 if twice else 1,
            "layers": [_renamed(one, {read: INPUT}) for one in inside],
        })  # fmt: skip
        return [*self.layers[:start], block, *(_renamed(one, {gives: str(block.name)}) for one in behind)]

    def _closed(self, start: int, end: int) -> bool:
        """Return whether nothing outside of a span of layers reads what they give, but for the last of them."""
        inside = {str(one.name) for one in self.layers[start:end]}
        hidden = inside - {str(self.layers[end - 1].name)}
        behind = self.layers[end:]
        again = {one.layer for one in behind if isinstance(one, Again)}
        again |= {layer_of(name) for one in self.layers for name in one.borrowed().values()}
        again |= {str(one.name) for one in self.layers if one.borrowed()}
        return len(_reads(self.layers[start])) == 1 and not again & inside and not any(
            hidden & set(_reads(one)) for one in behind
        )  # fmt: skip


def _reads(op: Op) -> tuple[str, ...]:
    """Return what a layer says it reads, which all that are drawn do."""
    return op.said_inputs or ()


def _renamed(op: Op, names: Mapping[str, str]) -> Op:
    """Return a layer that reads the same by other names."""
    reads = tuple(names.get(one, one) for one in _reads(op))
    return op.model_copy(update={"inputs": reads[0] if isinstance(op.inputs, str) else reads})


def _kept(op: Op, shapes: Sequence[Shape]) -> dict[str, Shape]:
    """Return the shapes of what a layer keeps."""
    return {name: one.shape for name, one in op.parameters(op.given(list(shapes))).items()}


def _said(numbers: random.Random, kind: type[Op], shape: Shape) -> dict[str, Any]:
    """Return fields that a layer's type alone would hardly draw to fit a shape."""
    if "dims" in kind.model_fields:
        return {"dims": tuple(numbers.sample(range(1, len(shape) + 1), len(shape)))}
    if "target_shape" in kind.model_fields:
        size = math.prod(shape)
        splits = [(size,), *((a, size // a) for a in range(1, size + 1) if size % a == 0)]
        split = numbers.choice(splits)
        return {"target_shape": numbers.choice((split, (*split[:-1], -1), shape[::-1]))}
    return {}
