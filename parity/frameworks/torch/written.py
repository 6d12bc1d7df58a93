"""The model of a PyTorch program: its modules, what starts them, where their tensors lie, and the classes of blocks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from parity.code import Helper, Parameter, TorchCode, TorchWeight, lines_at
from parity.compile.bodies import Body, Kind, Node, Worded
from parity.compile.folding import Folding
from parity.compile.fragments import activation_helpers, kept_outputs
from parity.compile.layout import LaidOut, Line, Walk, arguments_of, masks_of
from parity.compile.program import Output, Weight
from parity.compile.wording import closed, known_of, nested, returning, together, told_of
from parity.spec.graph import Layer
from parity.spec.resolve import Resolved
from parity.tensors import parameter as parameter_name

FUNCTIONS = {
    "nn.ELU": "F.elu", "nn.GELU": "F.gelu", "nn.Hardsigmoid": "F.hardsigmoid", "nn.Hardswish": "F.hardswish",
    "nn.LeakyReLU": "F.leaky_relu", "nn.Mish": "F.mish", "nn.ReLU": "F.relu", "nn.ReLU6": "F.relu6",
    "nn.SELU": "F.selu", "nn.SiLU": "F.silu", "nn.Sigmoid": "torch.sigmoid", "nn.Softmax": "F.softmax",
    "nn.Softsign": "F.softsign", "nn.Tanh": "torch.tanh",
}  # fmt: skip
"""Functions that compute what modules without parameters do, and take the same arguments."""


@dataclass(kw_only=True)
class TorchModel:
    """The model: its modules, what starts them, and the lines of ``forward``.

    Args:
        taken: what its inputs are called.
        returns: what its outputs are called in the end; none where the last line returns it.
        modules: attribute and constructor of each, in order.
        classes: name of the class of each module that is a layer's, by its path from the model.
        ties: parameters of modules that are those of others, by their paths from the model.
        fills: statement that starts a parameter, and the path of its module.
        frozen: attributes whose parameters do not move.
        forward: statements, with their comments.
        weights: where each parameter lies.
        outputs: where each layer's output is seen.
        helpers: what the code calls.
        blocks: the classes of blocks.
        laid: the model, layer by layer.
    """

    laid: LaidOut
    taken: tuple[str, ...] = ()
    returns: tuple[str, ...] = ()
    modules: list[tuple[str, str]] = field(default_factory=list)
    classes: dict[str, str] = field(default_factory=dict)
    ties: dict[str, str] = field(default_factory=dict)
    fills: list[tuple[str, str]] = field(default_factory=list)
    frozen: list[str] = field(default_factory=list)
    forward: list[dict[str, str]] = field(default_factory=list)
    weights: dict[str, Weight] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    helpers: list[tuple[Helper, ...]] = field(default_factory=list)
    blocks: list[Helper] = field(default_factory=list)

    def own(self, layer: Layer, code: TorchCode, path: str) -> None:
        """Take in what a layer is made of: its modules, and where its tensors lie.

        Args:
            layer: it.
            code: of it, where it stands.
            path: from the model to there, a dot at its end.
        """
        self.classes |= {f"{path}{attribute}": made.partition("(")[0] for attribute, made in code.modules.items()}
        self.helpers.append(code.helpers)
        self.ties |= code.ties
        if not layer.op.trainable:
            tops = (place.attribute.partition(".")[0] for place in code.weights.values())
            self.frozen += dict.fromkeys(f"{path}{top}" for top in tops)
        for name, parameter in layer.parameters.items():
            place = code.weights[name]
            place = replace(
                place, attribute=f"{path}{place.attribute}", beside=tuple(f"{path}{one}" for one in place.beside)
            )
            self.weights[parameter_name(layer.name, name)] = Weight(
                attribute=place.attribute, axes=place.axes, trainable=parameter.trainable, blocks=place.blocks,
                beside=place.beside,
            )  # fmt: skip
            if name in layer.op.started:  # Running statistics start alike everywhere.
                self.fills += [(one, self.module_of(place.attribute)) for one in _filled(place, parameter)]

    def module_of(self, attribute: str) -> str:
        """Return the path of the layer's module that a tensor lies in; empty where it lies in none."""
        parts = attribute.split(".")
        paths = (".".join(parts[:end]) for end in range(1, len(parts)))
        return next((path for path in paths if path in self.classes), "")


def written(side: Resolved, fused: Sequence[Layer]) -> TorchModel:
    """Return a side's model.

    Args:
        side: whose model.
        fused: the layers whose activation the loss applies.
    """
    walk = Walk(side.graph, "torch", fused)
    laid = walk.laid_out()
    low = side.config.numerics.mixed_precision is not None
    words = TorchWords(side, low, fused)
    taken = walk.reserved()
    # In mixed precision lines use a type that the model alone knows. A program written by hand is matched to the names
    # of layers. What a loss penalises, the model keeps.
    barred = side.graph.by_name if low or side.program is not None else words.kept
    folding = Folding(laid, side.graph, words.worded, taken, barred)
    body = folding.folded(laid.inputs if len(laid.inputs) > 1 else ())
    words.plain = body is None
    body = folding.unfolded(laid) if body is None else body
    found = TorchModel(laid=laid, taken=tuple(body.names[value] for value in body.reads))
    found.helpers += activation_helpers(side.graph.layers, "torch")
    found.returns = tuple(body.names[value] for value in body.returns)
    for node in body.nodes:
        worded = words.worded(node, body)
        found.modules += worded.made.items()
        found.forward.append({"statement": worded.said, "comment": worded.comment})
    words.take(found, folding, body, "")
    found.blocks = [_class_of(kind, folding.body_of(kind.groups[0])) for kind in folding.kinds]
    if folding.kinds:
        plain = not (low or side.outputs or any(laid.counted))
        found.forward, found.returns = closed(found.forward, found.returns, plain)
        found.modules = together(found.modules, [kind.class_name for kind in folding.kinds])
    found.weights = {name: found.weights[name] for name in side.parameters()}
    return found


class TorchWords:
    """Words the lines of a model, and says where their values are seen.

    Args:
        side: whose model.
        low: it computes in mixed precision.
        fused: the layers whose activation the loss applies.
    """

    def __init__(self, side: Resolved, low: bool, fused: Sequence[Layer]) -> None:
        self.side, self.low, self.fused = side, low, fused
        self.joined, self.kept = Joined(), kept_outputs(side.graph)
        self.calls = side.graph.calls()
        self.plain = False
        """Nothing is written once: activations are modules."""

    def worded(self, node: Node, body: Body) -> Worded:
        """Return a line of a body."""
        target, given = body.names[node.gives], body.given(node)
        if node.group is not None:
            assert node.group.kind is not None
            attribute, name = body.attribute(node.group), node.group.kind.class_name
            made = f"{name}({', '.join(map(repr, node.group.values().values()))})"
            return Worded(
                said=f"{target} = self.{attribute}({', '.join(given)})", made={attribute: made},
                known=known_of(node, body),
            )  # fmt: skip
        assert node.line is not None
        if node.line.source:
            return Worded(said=f"{target} = {body.mask_of(node)}", comment=node.line.comment)
        if node.layer is None:
            axes = ", ".join(map(str, node.line.axes or ()))
            return Worded(said=f"{target} = {given[0]}.permute({axes})", comment=node.line.comment)
        code, place = self.code(node, body)
        own = node.layer.op.natives["torch"].own if "torch" in node.layer.op.natives else {}
        target = f"{target} = self.{self.kept[node.layer.name]}" if node.layer.name in self.kept else target
        return Worded(
            said=f"{target} = {_given(node.line, given, code, self.low and node.layer.op.wide)}",
            made=code.modules if node.layer.owns else {}, comment=node.line.comment, own=own,
            like=(code.weights, code.output, code.part, place, node.layer.op.trainable, masks_of(node.layer)),
            known=known_of(node, body),
        )  # fmt: skip

    def code(self, node: Node, body: Body) -> tuple[TorchCode, str | None]:
        """Return a layer's code, and the module that takes in what it gives, where that is where it is seen.

        That is "" where the body returns it, and None where it is seen at its own module.
        """
        line, layer = node.line, node.layer
        assert line is not None
        assert layer is not None
        code: TorchCode = line.code
        if body.group is not None:
            assert line.site is not None
            code = layer.op.template("torch")(replace(line.site, name=body.local(layer.owner)))
        place = None
        if not self.plain and not self.low and code.output and not self._needed(node, body):
            plainly = functional(code)
            place = None if plainly is None else self._in_sight(node, body)
            if plainly is not None and place is not None:
                return plainly, place
        if not code.output:
            place = None if self.low else self._in_sight(node, body)
            code = self.joined.code(line, body.local(layer.name)) if place is None else code
        return code, place

    def _needed(self, node: Node, body: Body) -> bool:
        """Return whether a layer's module shows what another line gives, which no module of its own does."""
        layer = node.layer
        assert layer is not None
        if layer.owner in self.side.graph.shared or layer.name in self.kept:
            return True
        above = [one for one in body.nodes if one.gives in node.reads]
        return any(one.line is not None and (one.layer is None or not one.line.code.output) for one in above)

    def _in_sight(self, node: Node, body: Body) -> str | None:
        """Return the module that takes in the value of an expression, where that is seen; "" if the body returns it.

        None where there is no such place: another reader, or one that computes something else of it first.
        """
        readers = body.readers(node.gives)
        if node.gives in body.returns:
            # A mask that it carries would not outlive a look at the model.
            counted = body.group is None and self.side.graph.counted is not None
            return "" if body.nodes[-1] is node and not readers and len(body.returns) == 1 and not counted else None
        if len(readers) != 1:
            return None
        (reader,) = readers
        if reader.group is not None:
            return body.attribute(reader.group) if reader.reads[:1] == (node.gives,) else None
        if reader.layer is None or reader.layer.owner in self.side.graph.shared:
            return None
        code = self.code(reader, body)[0]
        first = re.search(r"self\.(\w+)\(x\)", code.forward)
        return first[1] if first and code.forward.count("x)") == 1 else None

    def take(self, found: TorchModel, folding: Folding, body: Body, path: str) -> None:
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
            if node.layer is None:
                continue
            code, place = self.code(node, body)
            where = code.output if place is None else place
            found.outputs[node.layer.name] = Output(
                attribute=f"{path}{where}".removesuffix("."), axes=found.laid.seen[node.layer.name],
                part=code.part if place is None else (), call=self.calls[node.layer.name],
                point="input" if place else "logits" if node.layer in self.fused else "output",
            )  # fmt: skip
            if node.layer.owns:
                found.own(node.layer, code, path)
            elif not node.line.code.output:  # type: ignore[union-attr]
                found.helpers.append(code.helpers)


def functional(code: TorchCode) -> TorchCode | None:
    """Return a layer's code with a function in the place of the module that is its last; None where there is none."""
    name, _, rest = code.modules.get(code.output, "").partition("(")
    if name not in FUNCTIONS or not code.forward.startswith(f"self.{code.output}("):
        return None
    inside = code.forward.removeprefix(f"self.{code.output}(").removesuffix(")")
    more = f", {rest}" if rest != ")" else rest
    modules = {name: made for name, made in code.modules.items() if name != code.output}
    return replace(code, modules=modules, forward=f"{FUNCTIONS[name]}({inside}{more}", output="")


def _class_of(kind: Kind, body: Body) -> Helper:
    """Return the class of a block."""
    made, said = [f"self.{name} = {name}" for name in kind.said()], []
    for line in kind.lines(said="self."):
        made += [f"self.{attribute} = {one}" for attribute, one in line.made.items()]
        said += [*([f"# {line.comment}"] if line.comment else []), line.said]
    arguments = "".join(f", {name}" for name in kind.arguments.values)
    given = ", ".join(body.names[value] for value in body.reads)
    name, returned = kind.class_name, body.names[body.returns[0]]
    source = [
        f"class {name}(nn.Module):", f'    """{told_of(kind)}"""', "",
        f"    def __init__(self{arguments}):", "        super().__init__()",
        f"        {lines_at(8, made)}", "", f"    def forward(self, {given}):",
        f"        {lines_at(8, returning(nested(said), returned))}",
    ]  # fmt: skip
    return Helper(name=name, source="\n".join(source))


def _filled(place: TorchWeight, parameter: Parameter) -> list[str]:
    """Return the statements that start a parameter; of one that is kept in several tensors, those of each row."""
    if not place.beside:
        return parameter.initializer.torch(f"self.{place.attribute}", parameter).splitlines()
    row = replace(parameter, shape=parameter.shape[1:])
    return [
        line
        for number, attribute in enumerate((place.attribute, *place.beside))
        for line in parameter.initializer.of_row(number).torch(f"self.{attribute}", row).splitlines()
    ]


def _given(line: Line, given: Sequence[str], code: TorchCode, wide: bool) -> str:
    """Return a layer's expression in what it is called with; where it is wide, in the precision of the weights."""
    assert line.layer is not None
    arguments, masks = arguments_of(line.layer), masks_of(line.layer)
    names = dict(zip(arguments, given, strict=False))
    if wide:
        names = {name: f"{one}.to(exact)" for name, one in names.items()}
    names |= dict(zip(masks, given[len(arguments) :], strict=True))
    found = re.sub(rf"(?<![.\w])({'|'.join(names)})\b(?!=)", lambda name: names[name[1]], code.forward)
    return f"{found}.to({given[0]}.dtype)" if wide else found


class Joined:
    """The modules of expressions that nothing else shows: ``Add``, and what it computes."""

    def __init__(self) -> None:
        self.made: dict[str, tuple[str, Helper]] = {}

    def code(self, line: Line, attribute: str) -> TorchCode:
        """Return a layer's code with its expression in a module of its own.

        Args:
            line: that calls the layer.
            attribute: what the module is called.
        """
        layer = line.layer
        assert layer is not None
        arguments, kind = arguments_of(layer), "".join(word.capitalize() for word in layer.op.kind.split("_"))
        expression = f"{kind}: {', '.join(arguments)}: {line.code.forward}"
        if expression not in self.made:
            same = sum(helper.name.rstrip("0123456789") == kind for _, helper in self.made.values())
            name = f"{kind}{same + 1}" if same else kind
            source = (
                f"class {name}(nn.Module):\n    def forward(self, {', '.join(arguments)}):\n"
                f"        return {line.code.forward}"
            )
            self.made[expression] = (name, Helper(name=name, source=source))
        name, helper = self.made[expression]
        return replace(
            line.code, modules={attribute: f"{name}()"}, output=attribute, helpers=(*line.code.helpers, helper),
            forward=f"self.{attribute}({', '.join(arguments)})",
        )  # fmt: skip
