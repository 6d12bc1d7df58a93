"""The model of a raw TensorFlow program: variables, methods of layers, and the classes of layers and of blocks."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from parity.code import Helper, TensorFlowCode, lines_at
from parity.compile.bodies import Body, Kind, Node, Worded
from parity.compile.folding import Folding
from parity.compile.fragments import kept_outputs
from parity.compile.layout import LaidOut, Walk, arguments_of, masks_of
from parity.compile.program import Output, Weight
from parity.compile.wording import closed, known_of, nested, returning, together, told_of
from parity.frameworks.tensorflow.kinds import LayerKind, class_of_layers, kinds_of, renamed, variables_of
from parity.frameworks.tensorflow.numerics import in_low_precision
from parity.spec.graph import Layer
from parity.spec.names import is_reserved
from parity.spec.resolve import Resolved
from parity.tensors import parameter as parameter_name


@dataclass(kw_only=True)
class TensorFlowModel:
    """The model.

    Args:
        laid: it, layer by layer.
        taken: what its inputs are called.
        returns: what its outputs are called in the end; none where the last line returns it.
        made: attributes and what makes them.
        lines: statements of its call, with their comments.
        methods: of layers: name, what each takes, its docstring and its body.
        weights: where each parameter lies.
        outputs: where each layer's output is seen.
        helpers: what its lines call.
        classes: of layers and of blocks.
    """

    laid: LaidOut
    taken: tuple[str, ...]
    returns: tuple[str, ...]
    made: list[tuple[str, str]] = field(default_factory=list)
    lines: list[dict[str, str]] = field(default_factory=list)
    methods: list[dict[str, str]] = field(default_factory=list)
    weights: dict[str, Weight] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    helpers: list[tuple[Helper, ...]] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)


def written(side: Resolved, fused: Sequence[Layer]) -> TensorFlowModel:
    """Return a side's model.

    Args:
        side: whose model.
        fused: the layers whose activation the loss applies.
    """
    graph, low = side.graph, side.config.numerics.mixed_precision is not None
    walk = Walk(graph, "tensorflow", fused)
    laid = walk.laid_out()
    taken = walk.reserved()
    words = TensorFlowWords(side, fused)
    if graph.scopes and not low and side.program is None:
        words.kinds = kinds_of(laid, graph, taken)
    # In mixed precision methods use types that the model alone knows. A program written by hand is matched to the names
    # of layers. What a loss penalises, the model keeps.
    barred = graph.by_name if low or side.program is not None else words.kept
    folding = Folding(laid, graph, words.worded, taken, barred)
    body = folding.folded(laid.inputs if len(laid.inputs) > 1 else ())
    if body is None:
        words.kinds, body = {}, folding.unfolded(laid)
    found = TensorFlowModel(
        laid=laid, taken=tuple(body.names[value] for value in body.reads),
        returns=tuple(body.names[value] for value in body.returns),
    )  # fmt: skip
    methods: dict[str, dict[str, str]] = {}
    for node in body.nodes:
        worded = words.worded(node, body)
        found.made += worded.made.items()
        found.lines.append({"statement": worded.said, "comment": worded.comment})
        methods |= {name: words.method(node, name, one) for name, one in worded.bodies.items()}
    found.methods = list(methods.values())
    words.take(found, folding, body, "")
    found.weights = {name: found.weights[name] for name in side.parameters()}
    found.classes = [class_of_layers(kind) for kind in dict.fromkeys(words.kinds.values())]
    found.classes += [_class_of_block(kind, folding.body_of(kind.groups[0]), words) for kind in folding.kinds]
    if folding.kinds:
        plain = not (low or side.outputs or any(laid.counted))
        found.lines, found.returns = closed(found.lines, found.returns, plain)
        found.made = together(found.made, [kind.class_name for kind in folding.kinds])
    return found


class TensorFlowWords:
    """Words the lines of a model, and says where their values are seen.

    Args:
        side: whose model.
        fused: the layers whose activation the loss applies.
    """

    def __init__(self, side: Resolved, fused: Sequence[Layer]) -> None:
        self.side, self.fused, self.low = side, fused, side.config.numerics.mixed_precision
        self.kept = kept_outputs(side.graph)
        self.kinds: dict[str, LayerKind] = {}
        self.calls = side.graph.calls()
        self.decided: dict[Body, dict[str, tuple[str, int | None]]] = {}

    def worded(self, node: Node, body: Body) -> Worded:
        """Return a line of a body."""
        target, given = body.names[node.gives], body.given(node)
        if node.group is not None:
            kind = node.group.kind
            assert kind is not None
            attribute, values = body.attribute(node.group), [*map(repr, node.group.values().values()), "dtype"]
            given += ["training"] if trains(kind) else []
            return Worded(
                said=f"{target} = self.{attribute}({', '.join(given)})",
                made={attribute: f"{kind.class_name}({', '.join(values)})"}, known=known_of(node, body),
            )  # fmt: skip
        assert node.line is not None
        layer, line = node.layer, node.line
        if line.source:
            return Worded(said=f"{target} = {body.mask_of(node)}", comment=line.comment)
        if layer is None:
            return Worded(said=f"{target} = tf.transpose({given[0]}, {line.axes})", comment=line.comment)
        code = self.code(node, body)
        given += ["training"] if code.training else []
        known, name = known_of(node, body), self.methods(body)[layer.name][0]
        target = f"{target} = self.{self.kept[layer.name]}" if layer.name in self.kept else target
        said, made, bodies = f"{target} = self.{name}({', '.join(given)})", {}, {}
        if layer.owner in self.kinds:
            made = {name: self.kinds[layer.owner].made(layer.owner)} if layer.owns else {}
        elif layer.owns:
            made = {f"{name}_{one}": source for one, source in variables_of(layer, name).items()}
            bodies = {name: self._body(layer, code)}
        like = (code.training, masks_of(layer), layer.op.trainable, tuple(layer.parameters), layer.owner in self.kinds)
        return Worded(said=said, made=made, bodies=bodies, like=like, known=known)

    def _body(self, layer: Layer, code: TensorFlowCode) -> str:
        body = "\n".join(code.body)
        whole = layer.op.reads_dtype == "integer"
        return in_low_precision(body, layer.op.wide, arguments_of(layer), whole) if self.low else body

    def code(self, node: Node, body: Body) -> TensorFlowCode:
        """Return a layer's code, as it stands in a body."""
        line, layer = node.line, node.layer
        assert line is not None
        assert layer is not None
        if body.group is None:
            found: TensorFlowCode = line.code
            return found
        return renamed(line, body.local(layer.owner))

    def methods(self, body: Body) -> dict[str, tuple[str, int | None]]:
        """Return what the method of each layer of a body is called, and which call of it in a step is the layer's.

        In a block, layers without parameters that are alike share one.
        """
        if body not in self.decided:
            self.decided[body] = self._methods(body)
        return self.decided[body]

    def _methods(self, body: Body) -> dict[str, tuple[str, int | None]]:
        nodes = [(node, node.layer) for node in body.nodes if node.layer is not None]
        found = {layer.name: (body.local(layer.owner), self.calls[layer.name]) for _, layer in nodes}
        if body.group is None:
            return found
        sets: dict[Any, list[Layer]] = {}
        for node, layer in nodes:
            if not layer.parameters and layer.owner not in self.side.graph.shared:
                code = self.code(node, body)
                same = (tuple(code.body), code.training, arguments_of(layer), masks_of(layer))
                sets.setdefault(same, []).append(layer)
        taken = {*(name for name, _ in found.values()), *(body.attribute(one.group) for one in body.nodes if one.group)}
        for layers in sets.values():
            if len(layers) > 1:
                alike = [body.local(one.name) for one in layers]
                name = _name_of(layers[0], alike, taken - {*alike})
                taken.add(name)
                found |= {one.name: (name, number) for number, one in enumerate(layers)}
        return found

    def method(self, node: Node, name: str, body: str, told: str = "") -> dict[str, str]:
        """Return a layer's method.

        Args:
            node: the layer.
            name: of the method.
            body: its statements.
            told: its docstring, where that is not the layer's own.
        """
        layer, line = node.layer, node.line
        assert layer is not None
        assert line is not None
        taken = [*arguments_of(layer), *masks_of(layer), *(["training"] if line.code.training else [])]
        return {"name": name, "taken": ", ".join(taken), "doc": told or line.code.doc, "body": body}

    def take(self, found: TensorFlowModel, folding: Folding, body: Body, path: str) -> None:
        """Take in what a body is made of.

        Args:
            found: takes it in.
            folding: knows the bodies of groups.
            body: of the model, or of a group.
            path: from the model to it, a dot at its end.
        """
        for node in body.nodes:
            if node.group is not None:
                self.take(found, folding, folding.body_of(node.group), f"{path}{body.attribute(node.group)}.")
            layer, line = node.layer, node.line
            if layer is None or line is None:
                continue
            name, call = self.methods(body)[layer.name]
            point = "logits" if layer in self.fused else "output"
            found.outputs[layer.name] = Output(
                attribute=f"{path}{name}", axes=found.laid.seen[layer.name], point=point, call=call
            )
            found.helpers.append(line.code.helpers)
            joint = "." if layer.owner in self.kinds else "_"
            for one, parameter in layer.parameters.items():
                found.weights[parameter_name(layer.name, one)] = Weight(
                    attribute=f"{path}{name}{joint}{one}", trainable=parameter.trainable
                )
                found.helpers.append(parameter.initializer.tensorflow_helpers())


def _name_of(layer: Layer, alike: Sequence[str], taken: Collection[str]) -> str:
    """Return what the method of layers that are alike is called: by the word that they share, or by what they do.

    Args:
        layer: one of them.
        alike: their names in the block.
        taken: what others are called there.
    """
    stems = {re.sub(r"_\d+$", "", one) for one in alike}
    ending = layer.op.ending()
    kind = ending.kind if ending is not None and layer.op.activation_field == "function" else layer.op.kind
    likely = [*(stems if len(stems) == 1 else ()), kind]
    return next((one for one in likely if one not in taken and not is_reserved(one)), alike[0])


def trains(kind: Kind) -> bool:
    """Return whether anything in a block is another in training."""
    return any(re.search(r"\btraining\b", one.said) for one in kind.worded[0])


def _class_of_block(kind: Kind, body: Body, words: TensorFlowWords) -> str:
    """Return the class of a block."""
    made, said = [f"self.{name} = {name}" for name in kind.said()], list[str]()
    methods: dict[str, dict[str, str]] = {}
    for number, (node, line) in enumerate(zip(body.nodes, kind.lines(said="self."), strict=True)):
        made += [f"self.{attribute} = {one}" for attribute, one in line.made.items()]
        said += [*([f"# {line.comment}"] if line.comment else []), line.said]
        for name, one in line.bodies.items():
            same = all(words[number].bodies[name] == kind.worded[0][number].bodies[name] for words in kind.worded)
            told = "" if same else f"As the layer {name} of each."
            methods[name] = words.method(node, name, one, told)
    arguments = "".join(f", {name}" for name in (*kind.arguments.values, "dtype"))
    given = ", ".join([*(body.names[value] for value in body.reads), *(["training"] if trains(kind) else [])])
    source = [
        f"class {kind.class_name}(tf.Module):", f'    """{told_of(kind)}"""', "",
        f"    def __init__(self{arguments}):", "        super().__init__()", f"        {lines_at(8, made)}", "",
        f"    def __call__(self, {given}):",
        f"        {lines_at(8, returning(nested(said), body.names[body.returns[0]]))}",
    ]  # fmt: skip
    for method in methods.values():
        source += [
            "", f"    def {method['name']}(self, {method['taken']}):", f'        """{method["doc"]}"""',
            f"        {lines_at(8, method['body'].splitlines())}",
        ]  # fmt: skip
    return "\n".join(source)
