"""The one walk that lays out a program: what is called, on what, under which name, and where axes are moved.

Emitters only word what it yields. A value that the next line alone reads is called ``x``, any other as its layer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from parity.code import Axes, Layout, Site, axes_of
from parity.compile.fragments import activation_helpers, penalty_helpers
from parity.entries import Shape
from parity.formula import formula_of
from parity.frameworks import frameworks
from parity.spec.graph import Graph, Layer
from parity.spec.values import Mask, Value

ANY = "x"
"""What a value is called that only the next line reads."""

LOCAL = frozenset(("F", "exact", "inputs", "math", "nn", "np", "self", "tf", "training", "x"))
"""Names that a line of a program has another use for."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a program: a layer that is called, or a tensor whose axes are moved.

    Args:
        target: what the result is called.
        given: what it is made of.
        layer: that is called, or that needs the tensor moved; None where the outputs are brought back.
        code: of the layer, in the framework; None where a tensor is moved.
        axes: of the batch, its own axis 0 included, where a tensor is moved.
        masks: what the masks are called that the layer goes by.
        source: of a mask, where that is what is made.
        comment: said beside it.
        ending: where a tensor is moved, what its name has behind that of what is moved.
        site: where the layer stands.
    """

    target: str
    given: tuple[str, ...]
    layer: Layer | None
    code: Any = None
    axes: Axes | None = None
    masks: tuple[str, ...] = ()
    source: str = ""
    comment: str = ""
    ending: str = ""
    site: Site | None = None


@dataclass(kw_only=True)
class LaidOut:
    """A program, line by line.

    Args:
        lines: in order.
        inputs: what the inputs are called.
        returns: what the outputs are called in the end.
        seen: layer to the permutation from how its output lies to what the spec says; None where both are the same.
        counted: of each output, what the mask is called of the steps that its loss counts; empty for all.
        drawn: of each layer that draws, in their order, the permutation from what the spec says to how its input lies.
    """

    inputs: tuple[str, ...]
    lines: list[Line] = field(default_factory=list)
    returns: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    seen: dict[str, Axes | None] = field(default_factory=dict)
    drawn: dict[str, Axes | None] = field(default_factory=dict)

    @property
    def calls(self) -> list[Line]:
        """Return the lines that call a layer."""
        return [line for line in self.lines if line.axes is None and not line.source]

    def draws(self, layers: Sequence[Layer]) -> dict[str, Any]:
        """Return what the bindings say of recorded masks: how each lies in the program, and which one it is.

        Args:
            layers: that draw, in the order in which they are called.
        """
        return {
            "mask_axes": tuple(self.drawn[layer.name] for layer in layers for _ in layer.drawn),
            "masks": tuple(number for layer in layers for number in layer.draw_numbers),
        }


class Walk:
    """Follows the values of a model from layer to layer.

    Args:
        graph: of the model.
        framework: whose program it is.
        linear: the layers that leave their activation to the loss.
        inputs: what the model's input is called where more than the first line reads it, or always.
        taken: names that its lines have another use for, beside :data:`LOCAL`.
    """

    def __init__(
        self, graph: Graph, framework: str, linear: Sequence[Layer] = (), inputs: str = "",
        taken: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        self.graph, self.framework, self.linear, self.inputs, self.taken = graph, framework, linear, inputs, taken
        self.local = {*LOCAL, *frameworks()[framework].modules, *taken}
        self.lies: dict[str, Layout] = {value.name: "as_said" for value in graph.inputs}
        self.moved: dict[tuple[str, Layout], str] = {}
        self.carried = frameworks()[framework].carries_masks
        self.masks: dict[Mask, str] = {}
        alone = inputs if len(graph.inputs) == 1 else ""
        self.called = {value.name: alone or self._input(value) for value in graph.inputs}
        self.out = LaidOut(inputs=tuple(self.called.values()))

    def _input(self, value: Value) -> str:
        if len(self.graph.inputs) > 1:
            return self._free(value.name)
        return ANY if self.graph.readers(value.name) == [self.graph.layers[0]] else "inputs"

    def _free(self, name: str) -> str:
        return f"{name}_" if name in self.local else name

    def laid_out(self) -> LaidOut:
        """Return the program."""
        for number, layer in enumerate(self.graph.layers):
            self._call(number, layer)
        self.out.lines += [line for value in self.graph.outputs for line in self._reach(value, "as_said", None)]
        self.out.returns = tuple(self._name(value, "as_said") for value in self.graph.outputs)
        if not self.carried:
            masks = (self.graph.by_name[value.name].gives_mask for value in self.graph.outputs)
            self.out.counted = tuple("" if mask is None else self.masks[mask] for mask in masks)
        if met := self._helpers() & set(self.called.values()):
            # Python takes a name that a function gives a value to for a local one, above that line, too.
            return Walk(self.graph, self.framework, self.linear, self.inputs, self.taken | met).laid_out()
        return self.out

    def reserved(self) -> frozenset[str]:
        """Return what lines have another use for, when the program is laid out."""
        return frozenset((*self.local, *self._helpers()))

    def _helpers(self) -> frozenset[str]:
        """Return what is called by its name in the lines, of what stands at the top of the program."""
        layers = self.graph.layers
        groups = [*activation_helpers(layers, self.framework), *penalty_helpers(layers, self.framework)]
        groups += [one.code.helpers for one in self.out.calls]
        return frozenset(helper.name for group in groups for helper in group)

    def _call(self, number: int, layer: Layer) -> None:
        first = layer.reads[0]
        site = Site(
            name=layer.owner, input_shape=layer.input_shape, layout=self.lies[first.name], linear=layer in self.linear,
            input_shapes=tuple(value.shape for value in layer.reads), arguments=arguments_of(layer),
            masked=tuple(mask is not None for mask in layer.masks), framework=self.framework,
        )  # fmt: skip
        code = layer.op.template(self.framework)(site)
        # What goes along an axis, or puts tensors together, must be given all of them alike.
        wanted: Layout = code.reads if code.reads != "any" or len(layer.reads) == 1 else self.lies[first.name]
        self.out.lines += [line for value in layer.reads for line in self._reach(value, wanted, layer)]
        came = self.lies[first.name] if wanted == "any" else wanted
        if layer.op.draws and layer.drawn:
            self.out.drawn[layer.name] = _drawn(came, layer.drawn[0].shape)
        given = tuple(self._name(value, wanted) for value in layer.reads)
        self._make_mask(layer)
        readers, behind = self.graph.readers(layer.name), list(self.graph.layers[number + 1 : number + 2])
        at_once = readers == behind and layer.gives not in self.graph.outputs
        last = layer.gives in self.graph.outputs and not readers and not behind
        self.called[layer.name] = ANY if at_once or last else self._free(layer.name)
        row = len(layer.output_shape) == 1  # A row of features lies one way only.
        self.lies[layer.name] = "as_said" if row else came if code.writes == "any" else code.writes
        drawn = _drawn(self.lies[layer.name], layer.output_shape)
        self.out.seen[layer.name] = None if drawn is None else tuple(drawn.index(axis) for axis in range(len(drawn)))
        comment = getattr(code, "comment", "")
        self.out.lines.append(
            Line(
                target=self.called[layer.name], given=given, layer=layer, code=code, comment=comment, site=site,
                masks=() if self.carried else tuple(self.masks[mask] for mask in layer.told if mask is not None),
            )
        )  # fmt: skip

    def _make_mask(self, layer: Layer) -> None:
        """Make the mask of what a layer gives, of what it reads, where another one will go by it."""
        mask = layer.gives_mask
        if self.carried or mask is None or mask in self.masks or mask not in self.graph.told_masks:
            return
        alone = len(self.graph.told_masks) == 1
        name = "mask" if alone and "mask" not in self.graph.by_name else f"{mask.name}_mask"
        while name in self.local or name in self.graph.by_name or name in self.called.values():
            name += "_"
        names = {one: self.masks[made] if isinstance(made, Mask) else self.called[made.name] for one, made in mask.of}
        (line,) = formula_of(mask.formula).lines(frameworks()[self.framework].words, names)
        self.masks[mask] = name
        self.out.lines.append(
            Line(target=name, given=tuple(names.values()), layer=None, source=line.removeprefix("return "))
        )

    def _name(self, value: Value, wanted: Layout) -> str:
        return self.moved.get((value.name, wanted), self.called[value.name])

    def _reach(self, value: Value, wanted: Layout, layer: Layer | None) -> Iterator[Line]:
        """Yield the move that a layer needs which reads a value as ``wanted``; nothing where it lies so already."""
        now = self.lies[value.name]
        if wanted in ("any", now) or len(value.shape) == 1 or (value.name, wanted) in self.moved:
            return
        before, after = axes_of(now, len(value.shape)), axes_of(wanted, len(value.shape))
        alone = self.called[value.name] == ANY
        ending = {"to_first": "first", "to_last": "last"}.get(wanted, "back")
        self.moved[value.name, wanted] = ANY if alone else f"{self.called[value.name]}_{ending}"
        yield Line(
            target=self.moved[value.name, wanted], given=(self.called[value.name],), layer=layer,
            axes=tuple(before.index(axis) for axis in after), comment=self._why(before, after, value.shape),
            ending=ending,
        )  # fmt: skip

    def _why(self, before: Axes, after: Axes, shape: Shape) -> str:
        sizes = ("N", *map(str, shape))
        old, new = (f"({', '.join(sizes[axis] for axis in axes)})" for axes in (before, after))
        why = frameworks()[self.framework].why_moved
        back = after == tuple(range(len(after)))
        return f"{old} back to {new}, the order of the spec" if back else f"{old} to {new}: {why}"


def arguments_of(layer: Layer) -> tuple[str, ...]:
    """Return what a layer's code calls what it reads."""
    return layer.op.arguments(len(layer.reads))


def masks_of(layer: Layer) -> tuple[str, ...]:
    """Return what a layer's code calls the masks that it goes by, where no tensor carries its own."""
    names = arguments_of(layer) if layer.told else ()
    return tuple(layer.op.mask_argument(name) for name, mask in zip(names, layer.told, strict=True) if mask is not None)


def _drawn(lies: Layout, shape: Sequence[int]) -> Axes | None:
    """Return the permutation from what the spec says to how a tensor lies; None where both are the same."""
    return None if lies == "as_said" or len(shape) == 1 else axes_of(lies, len(shape))
