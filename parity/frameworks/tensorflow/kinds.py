"""Classes that stand for layers of a raw TensorFlow program which have parameters, and are alike but for numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from parity.code import TensorFlowCode, lines_at
from parity.compile.alike import Arguments, Common, called, common
from parity.compile.bodies import Body, Node
from parity.compile.layout import LaidOut, Line, arguments_of, masks_of
from parity.compile.wording import free_words, known_of
from parity.spec.graph import Graph, Layer

ITSELF = "layer"
"""What a layer is called in its own class, where names are then left out."""


@dataclass(eq=False)
class LayerKind:
    """A class that several layers are made of.

    Args:
        name: of it.
        layers: names of the layers.
        shared: source of its variables and of its call, and the numbers that layers differ in.
        arguments: these numbers.
        code: of one of the layers, in its own class.
        variables: names of its variables.
        line: that calls it.
    """

    name: str
    layers: list[str]
    shared: Common
    arguments: Arguments
    code: TensorFlowCode
    variables: Sequence[str]
    line: Line

    def made(self, layer: str) -> str:
        """Return what makes a layer."""
        values = [repr(vector[self.layers.index(layer)]) for vector in self.arguments.values.values()]
        return f"{self.name}({', '.join([*values, 'dtype'])})"


def variables_of(layer: Layer, name: str) -> dict[str, str]:
    """Return the source of a layer's variables.

    Args:
        layer: whose.
        name: what it is called; empty where variables need no name.
    """
    found = {}
    for one, parameter in layer.parameters.items():
        more = ["trainable=False"] if not parameter.trainable else []
        more += [f'name="{name}/{one}"'] if name else []
        found[one] = f"tf.Variable({', '.join([parameter.initializer.tensorflow(parameter), *more])})"
    return found


def renamed(line: Line, name: str) -> TensorFlowCode:
    """Return a layer's code under another name."""
    assert line.layer is not None
    assert line.site is not None
    found: TensorFlowCode = line.layer.op.template("tensorflow")(replace(line.site, name=name))
    return found


def kinds_of(laid: LaidOut, graph: Graph, taken: frozenset[str]) -> dict[str, LayerKind]:
    """Return the classes that stand for several layers with parameters, by the layers' names.

    One layer of a block that stands there several times is written once as it is.

    Args:
        laid: the model, layer by layer.
        graph: of it.
        taken: names that mean something else.
    """
    found: list[tuple[list[Line], list[list[str]], Any]] = []
    for line in laid.calls:
        layer = line.layer
        if layer is None or not layer.parameters:
            continue
        code = renamed(line, ITSELF)
        body = re.sub(rf"self\.{ITSELF}_(\w+)", r"self.\1", "\n".join(code.body))
        sources = [*variables_of(layer, "").values(), body]
        like = (layer.op.kind, tuple(layer.parameters), code.training, masks_of(layer), code.helpers)
        for lines, every, likeness in found:
            if like == likeness and _arguments([lines[0], line], [every[0], sources], taken) is not None:
                lines.append(line)
                every.append(sources)
                break
        else:
            found.append(([line], [sources], like))
    kinds: dict[str, LayerKind] = {}
    for lines, every, _ in found:
        if len({_home(line, graph) for line in lines}) < 2:
            continue
        both, first = _arguments(lines, every, taken), lines[0].layer
        if both is None or first is None:  # Each two are alike, and all together differ in too much.
            continue
        called_so = free_words(type(first.op).__name__, {*taken, *(one.name for one in kinds.values())})
        names = [str(line.layer.name) for line in lines if line.layer is not None]
        code, name = renamed(lines[0], ITSELF), called_so.replace(" ", "")
        kind = LayerKind(name, names, *both, code, list(first.parameters), lines[0])
        kinds |= dict.fromkeys(names, kind)
    return kinds


def _home(line: Line, graph: Graph) -> tuple[str, ...]:
    """Return where a layer is written: the blocks that it stands in, and its name there."""
    assert line.layer is not None
    scopes, name = graph.scopes.get(line.layer.name, ()), line.layer.name
    return (*(scope.block for scope in scopes), name.removeprefix(scopes[-1].prefix) if scopes else name)


def _arguments(
    lines: Sequence[Line], every: Sequence[Sequence[str]], taken: frozenset[str]
) -> tuple[Common, Arguments] | None:  # fmt: skip
    """Return what layers have in common, and the numbers that they differ in; None where it is too little."""
    shared = common(every, [{}] * len(every[0]))
    if shared is None:
        return None
    known = []
    for line in lines:
        node = Node(reads=(), gives=0, line=line)
        known.append(known_of(node, Body([node], (), ())))
    layer = lines[0].layer
    assert layer is not None
    names = {*taken, "x", "self", "dtype", "training", *layer.parameters}
    found = called(shared.holes, [known] * len(every[0]), [layer.op.kind] * len(every[0]), names)
    return None if found is None else (shared, found)


def class_of_layers(kind: LayerKind) -> str:
    """Return the class of a layer."""
    making, saying = kind.arguments.written(), kind.arguments.written("self.")
    *values, body = [
        kind.shared.filled(saying if number == len(kind.variables) else making, number)
        for number in range(len(kind.variables) + 1)
    ]
    kept = [f"self.{name} = {name}" for name in kind.arguments.values if re.search(rf"\bself\.{name}\b", body)]
    made = [*kept, *(f"self.{name} = {value}" for name, value in zip(kind.variables, values, strict=True))]
    assert kind.line.layer is not None
    told = kind.code.doc if not re.search(r"\d", kind.code.doc) else f"One of the {kind.line.layer.op.kind} layers."
    given = [*arguments_of(kind.line.layer), *masks_of(kind.line.layer)]
    taken = ", ".join([*given, *(["training"] if kind.code.training else [])])
    arguments = "".join(f", {name}" for name in (*kind.arguments.values, "dtype"))
    return "\n".join(
        [
            f"class {kind.name}(tf.Module):", f'    """{told}"""', "",
            f"    def __init__(self{arguments}):", "        super().__init__()", f"        {lines_at(8, made)}", "",
            f"    def __call__(self, {taken}):", f"        {lines_at(8, body.splitlines())}",
        ]
    )  # fmt: skip
