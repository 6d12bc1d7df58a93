"""A model as a graph: layers stay a list, and what a layer reads is one of its fields.

A layer that does not say reads the layer above it, so a chain is a graph as it is written. The list is in the order in
which things are computed; an edge only points back up it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from parity.code import Parameter
from parity.entries import Shape
from parity.ops import Op, ShapeError, check_constraints
from parity.ops.block import Block
from parity.ops.drawing import Draw, number_of
from parity.spec.blocks import written_out
from parity.spec.ends import GraphError, check_read, outputs_of
from parity.spec.lending import alike, check_borrowed, reads_of, used_by
from parity.spec.paths import auto_names
from parity.spec.values import Mask, Value, every, mask_given, masked
from parity.tensors import layer_of
from parity.tensors import parameter as parameter_name

if TYPE_CHECKING:
    from parity.activations import Activation
    from parity.spec.sections import ModelSpec, Scope


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One application of a layer in a resolved model.

    Args:
        name: of the application, which no other has.
        op: the layer, whose parameters it uses; two applications may share one.
        reads: what it is given, in order.
        gives: what it puts out.
        masks: of each tensor that it reads, which steps count; None where all do.
        gives_mask: which steps of what it puts out count; None where all do.
    """

    name: str
    op: Op
    reads: tuple[Value, ...]
    gives: Value
    masks: tuple[Mask | None, ...] = ()
    gives_mask: Mask | None = None

    @property
    def input_shape(self) -> Shape:
        """Return the shape of what it reads, of the first where it reads several."""
        return self.reads[0].shape

    @property
    def output_shape(self) -> Shape:
        """Return the shape of what it gives."""
        return self.gives.shape

    @property
    def owner(self) -> str:
        """Return the name that its parameters have: its own, or that of the layer that it is once more."""
        return str(self.op.name)

    @property
    def parameters(self) -> dict[str, Parameter]:
        """Return the tensors it keeps by name, running statistics among them; none where another one keeps them."""
        if not self.owns:
            return {}
        found = self.op.parameters(self.op.given([value.shape for value in self.reads]))
        if self.op.trainable:
            return found
        # Of what does not move, no framework takes a penalty, nor holds it to anything.
        return {name: replace(one, trainable=False, regularizer=None, constraint=None) for name, one in found.items()}

    @property
    def owns(self) -> bool:
        """Return whether it is the first application of its op."""
        return self.owner == self.name

    @property
    def drawn(self) -> tuple[Draw, ...]:
        """Return the masks that it draws for a row, in order."""
        return self.op.drawn(self.op.given([value.shape for value in self.reads]))

    @property
    def draw_numbers(self) -> tuple[int, ...]:
        """Return the numbers of these masks: its own, and of further ones others that its name decides, too."""
        return (self.mask, *(number_of(f"{self.name}.{number}") for number in range(1, len(self.drawn))))

    @property
    def told(self) -> tuple[Mask | None, ...]:
        """Return the masks that it goes by, of each tensor that it reads; none where it does not know them."""
        return self.masks if self.op.uses_mask and any(one is not None for one in self.masks) else ()

    @property
    def mask(self) -> int:
        """Return the number of the masks it draws, which its name decides: dropout 0, dropout_1 1, and so on.

        So a layer that both sides have drops the same in both, whatever stands before it; other kinds drop others.
        """
        return number_of(self.name)


@dataclass(frozen=True)
class Graph:
    """Inputs, layers in the order in which they are computed, and outputs; the blocks that layers came from."""

    inputs: tuple[Value, ...]
    layers: tuple[Layer, ...]
    outputs: tuple[Value, ...]
    scopes: Mapping[str, tuple[Scope, ...]] = field(default_factory=dict, compare=False)

    @cached_property
    def by_name(self) -> Mapping[str, Layer]:
        """Return the layers by name."""
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def parameters(self) -> Mapping[str, Parameter]:
        """Return all tensors of the model as ``layer.parameter``, in the order of the layers."""
        return {
            parameter_name(layer.name, name): parameter
            for layer in self.layers
            for name, parameter in layer.parameters.items()
        }

    @cached_property
    def is_chain(self) -> bool:
        """Return whether every layer reads the one above it and no other."""
        above = [*self.inputs, *(layer.gives for layer in self.layers)]
        reads_above = all(layer.reads == (above[index],) for index, layer in enumerate(self.layers))
        return len(self.inputs) == 1 and self.outputs == (above[-1],) and reads_above and not self.kept_by_name

    @cached_property
    def shared(self) -> frozenset[str]:
        """Return the names of the layers that are applied more than once."""
        return frozenset(layer.owner for layer in self.layers if not layer.owns)

    @cached_property
    def kept_by_name(self) -> frozenset[str]:
        """Return the names of the layers that others apply again, or whose parameters others compute with."""
        lent = (layer_of(one) for layer in self.layers for one in layer.op.borrowed().values())
        return self.shared | frozenset(lent)

    def calls(self, order: Sequence[Layer] = ()) -> Mapping[str, int | None]:
        """Return, for every layer, which call of its op it is; None where there is one alone.

        Args:
            order: in which layers are called; that of the list if not said.
        """
        made: Counter[str] = Counter()
        found: dict[str, int | None] = {}
        for layer in order or self.layers:
            found[layer.name] = made[layer.owner] if layer.owner in self.shared else None
            made[layer.owner] += 1
        return found

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Return the number of each value, inputs first, then what the layers give."""
        values = [*self.inputs, *(layer.gives for layer in self.layers)]
        return {value.name: index for index, value in enumerate(values)}

    @cached_property
    def feeds(self) -> list[tuple[int, ...]]:
        """Return the numbers of the values that each layer reads."""
        return [tuple(self.places[value.name] for value in layer.reads) for layer in self.layers]

    @cached_property
    def told_masks(self) -> frozenset[Mask]:
        """Return the masks that layers and the loss go by, and those that they are made of."""
        counted = (self.by_name[value.name].gives_mask for value in self.outputs if value.name in self.by_name)
        return every(*counted, *(mask for layer in self.layers for mask in layer.told))

    @property
    def counted(self) -> Mask | None:
        """Return which steps of the model's only output the loss counts; None for all."""
        return self.last.gives_mask

    @property
    def packed(self) -> tuple[dict[str, Any], ...]:
        """Return where each input stands among the numbers of a row (:mod:`parity.rows`).

        Nothing for one of floats, which is all of them.
        """
        places = [{"name": one.name, "shape": one.shape, "dtype": one.dtype} for one in self.inputs]
        return () if len(places) == 1 and places[0]["dtype"] == "float" else tuple(places)

    @property
    def last(self) -> Layer:
        """Return the layer that gives the model's output; of several, the first one's."""
        return self.by_name[self.outputs[0].name]

    @property
    def ending(self) -> Activation | None:
        """Return the activation that the output has just been through, if any."""
        return self.last.op.ending()

    @cached_property
    def _readers(self) -> Mapping[str, list[Layer]]:
        found: dict[str, list[Layer]] = {}
        for layer in self.layers:
            for name in dict.fromkeys(value.name for value in layer.reads):
                found.setdefault(name, []).append(layer)
        return found

    def readers(self, name: str) -> list[Layer]:
        """Return the layers that read a value, in order.

        Args:
            name: of an input or of a layer.
        """
        return self._readers.get(name, [])

    def ahead(self, layer: Layer) -> list[Layer]:
        """Return the layers that what a layer reads comes of, in order."""
        return self.unseen(layer, ())

    def unseen(self, layer: Layer, seen: Collection[str]) -> list[Layer]:
        """Return the layers ahead of one that stand between it and those that are seen, in order.

        Args:
            layer: where to begin, not one of them.
            seen: names of layers beyond which nothing is asked.
        """
        wanted = {value.name for value in layer.reads} - set(seen)
        found: list[Layer] = []
        for one in reversed(self.layers[: self.layers.index(layer)]):
            if one.name in wanted:
                found.append(one)
                wanted |= {value.name for value in one.reads} - set(seen)
        return found[::-1]

    def back(self, layer: Layer) -> Iterator[Layer]:
        """Yield a layer, the one that it reads, and so on up, as long as each reads one tensor alone."""
        found: Layer | None = layer
        while found is not None:
            yield found
            found = self.by_name.get(found.reads[0].name) if len(found.reads) == 1 else None

    def chain_from(self, layer: Layer) -> list[Layer]:
        """Return the layers behind one that follow as long as each is read by one other alone, which reads no more."""
        found: list[Layer] = []
        while len(readers := self.readers(layer.name)) == 1 and len(readers[0].reads) == 1:
            layer = readers[0]
            found.append(layer)
        return found


def named(model: ModelSpec) -> ModelSpec:
    """Return a model with a name for every layer, blocks written out."""
    if all(op.name and not isinstance(op, Block) for op in model.layers):
        return model
    every = written_out(model.layers, model.first)
    names = [str(one.op.name) for one in every]
    ends = {one.place[0]: str(one.op.name) for one in every}  # A block gives what its last layer gives.
    own = auto_names([(op.kind, op.name) for op in model.layers])
    called = {name: ends[index] for index, name in enumerate(own) if index in ends}
    return model.with_layers(
        [one.op for one in every],
        dict(zip(names, (one.place for one in every), strict=True)),
        {name: one.scopes for name, one in zip(names, every, strict=True) if one.scopes},
        {output: called.get(layer, layer) for output, layer in model.outputs.items()},
    )


def graph_of(model: ModelSpec) -> Graph:
    """Return the graph of a model: every shape is worked out here and nowhere else.

    Args:
        model: whose layers take the next free name of their kind where they have none.

    Raises:
        GraphError: when a layer reads what is not there, or what it cannot read, or when nothing reads it.
    """
    model = named(model)
    inputs = tuple(Value(name, one.shape, one.dtype) for name, one in model.named_inputs().items())
    known = {value.name: value for value in inputs}
    ops = {str(op.name): op for op in model.layers}
    above: Value | None = inputs[0] if len(inputs) == 1 else None
    layers: list[Layer] = []
    masks: dict[str, Mask | None] = {}
    for at, op in enumerate(model.layers):
        reads = reads_of(op, at, above, known, ops)
        used = used_by(op, at, ops, layers)
        wrong = next((value for value in reads if used.reads_dtype not in ("any", value.dtype)), None)
        if wrong is not None:
            told = f"{used.kind} reads {used.reads_dtype} numbers, {wrong.name} holds {wrong.dtype} ones"
            hint = "set its dtype, or read it with an embedding" if wrong in inputs else "read something else"
            raise GraphError(f"{told}: {hint}", at, "inputs")
        first = next((one for one in layers if one.name == used.name), None)
        try:
            given = used.given([value.shape for value in reads])
            shape = used.output_shape(given)
            check_constraints(used, given)
            check_borrowed(used, given, layers, model.scopes)
            if used is not op and first is not None and not alike(used, reads, first.reads):
                raise ShapeError(f"{used.name} keeps weights of other shapes for what it is given here")
            read = tuple(masks.get(value.name) for value in reads)
            mask = mask_given(used, str(op.name), reads, read, shape)
            if used is not op and first is not None and used.uses_mask and masked(read) != masked(first.masks):
                raise ShapeError(f"{used.name} is given masked steps in one place and others here: mask both, or none")
        except ShapeError as error:
            raise GraphError(str(error), at) from error
        above = known[str(op.name)] = Value(str(op.name), shape)
        masks[above.name] = mask
        layers.append(Layer(name=above.name, op=used, reads=reads, gives=above, masks=read, gives_mask=mask))
    outputs = outputs_of(model.outputs, layers)
    if len(ops) == len(layers):  # Else two have one name, which is a fault of its own.
        check_read(layers, outputs)
    return Graph(inputs, tuple(layers), outputs, model.scopes)
