"""The Keras emitter: real Keras layers in a ``Sequential`` model, or a functional one, on the TensorFlow backend."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from parity.activations import Activation
from parity.code import LossCode, Site, call, lines_at
from parity.compile.bodies import READ, Body, Kind, Node, Worded
from parity.compile.folding import Folding
from parity.compile.fragments import (
    activation_helpers,
    endings,
    fused_layers,
    helpers_source,
    kept_by,
    losses_context,
    losses_of,
    penalty_helpers,
)
from parity.compile.layout import ANY, LaidOut, Line, Walk, arguments_of
from parity.compile.program import Bindings, Output, Weight
from parity.compile.wording import known_of, returning, told_of
from parity.frameworks import frameworks
from parity.losses import Loss
from parity.ops.tied import lent_as
from parity.spec.graph import Graph, Layer
from parity.spec.resolve import Resolved
from parity.tensors import parameter as parameter_name


def applied(activation: Activation, channel_axis: int) -> str:
    """Return the expression of an activation by itself; channels stand last."""
    del channel_axis
    return activation.keras()


def emit(side: Resolved) -> tuple[dict[str, Any], Bindings]:
    """Return what the template needs, and where the tensors live."""
    config, graph = side.config, side.graph
    remembers, fused = frameworks()[side.framework].remembers_logits, fused_layers(side)
    # A layer that is called with more than the tensor cannot stand in a Sequential model.
    chain = graph.is_chain and all(len(layer.op.ports) == 1 for layer in graph.layers)
    # Where nothing remembers the logits that a loss looks for behind a softmax, the model puts them out.
    walk = Walk(graph, side.framework, () if remembers else fused, "" if chain else "inputs")
    laid = walk.laid_out()
    order = in_order_of_calls(laid.lines, _as_flattened(side, laid.returns))
    calls = graph.calls(order)
    outputs = {
        layer.name: Output(attribute=layer.owner, axes=laid.seen[layer.name], call=calls[layer.name])
        for layer in graph.layers
    }
    ends = dict(zip(laid.returns, side.views.values(), strict=True))
    behind = {target: found for target, one in ends.items() if (found := _behind(side, one, target, laid)) is not None}
    barred = [ends[target].last.name for target in behind]
    written = KerasModel(walk, laid, {target: one.last.name for target, one in ends.items()}, barred)
    lines, returns = written.lines, []
    for (target, one), given in zip(ends.items(), written.returns, strict=True):
        name, where = one.last.name, given
        if target in behind:
            name, made = behind[target]
            where = name if side.outputs else ANY
            lines.append({"target": where, "given": given, "layer": made, "comment": ""})
            if not graph.readers(one.last.name):
                outputs[one.last.name] = Output(attribute=name)
        if one.last in fused:  # It is seen by its logits, as in the other frameworks.
            axes = None if target in behind else laid.seen[one.last.name]
            outputs[one.last.name] = Output(attribute=name, point="logits", axes=axes)
        returns.append(where)
    codes = {
        name: _loss(loss, one.graph) if remembers else _plainly(loss, one.last in fused, side.framework)
        for name, (one, loss) in losses_of(side).items()
    }
    optimizer = config.optimizer.code(side.framework, kept_by(side, _places(side, laid.calls)))
    helpers = [*activation_helpers(graph.layers, side.framework), *penalty_helpers(graph.layers, side.framework)]
    helpers += [line.code.helpers for line in laid.calls]
    sources, imports = helpers_source([*helpers, optimizer.helpers])
    context = {
        "imports": imports,
        "helpers": [*sources, *written.functions],
        "chain": chain and not written.functions,
        "lines": lines,
        "taken": written.inputs,
        "returns": returns,
        "losses": losses_context(side, "keras", codes, "y_true, y_pred"),
        "optimizer": optimizer,
        "penalty": any(one.regularizer is not None for one in side.parameters().values())
        or any(layer.op.activity() is not None for layer in graph.layers),
        "weights": _inside(_places(side, laid.calls)),
    }
    bindings = Bindings(
        weights=_places(side, laid.calls),
        outputs=outputs,
        slots={name: (slot.attribute, slot.scale) for name, slot in optimizer.slots.items()},
        **laid.draws([layer for layer in order if layer in side.drawing()]),
        **endings(side, applied=not remembers),
    )
    return context, bindings


def _behind(side: Resolved, one: Resolved, target: str, laid: LaidOut) -> tuple[str, str] | None:
    """Return the layer that an output's last activation is put behind everything in, if it must be: name and source.

    Args:
        side: whose program it is.
        one: the side as it is seen from the output.
        target: what the output is called so far.
        laid: the program; the layer that gave the activation gives it no more.
    """
    last, ending = one.last, one.graph.ending
    fused, remembers = one.config.loss.fused(ending), frameworks()[side.framework].remembers_logits
    low = side.config.numerics.mixed_precision is not None
    back = any(line.layer is None and line.target == target for line in laid.lines)
    # Moved, a tensor no longer remembers the logits behind it: the activation comes after that. In mixed precision it
    # is what brings the outputs back to float32, as Keras's guide has it.
    if not low and not (back and fused and remembers):
        return None
    # What the loss applies, or what others read, too, stays in the layer.
    own, penalty = None if (fused and not remembers) or side.graph.readers(last.name) else ending, None
    if own is not None:
        site = Site(name=last.name, input_shape=last.input_shape, linear=True, framework=side.framework)
        code, penalty = last.op.unpenalised().keras(site), last.op.keras_penalty(side.framework)
        at = next(index for index, line in enumerate(laid.lines) if line.axes is None and line.layer is last)
        laid.lines[at] = replace(laid.lines[at], code=code, comment=code.comment)
    name = f"{last.name}_{own.kind if own else 'float32'}"
    function = own.keras(side.framework) if own else '"linear"'
    dtype = "keras.config.floatx()" if low else None
    made = call("keras.layers.Activation", function, activity_regularizer=penalty, dtype=dtype, name=repr(name))
    return name, made


def _places(side: Resolved, calls: Iterable[Line]) -> dict[str, Weight]:
    """Return where each parameter is kept: by layer and name, or by a path from the layer."""
    found = {name: Weight(attribute=name, trainable=one.trainable) for name, one in side.parameters().items()}
    for line in calls:
        if line.layer is None or not line.layer.owns:
            continue
        for name, path in line.code.weights.items():
            own = parameter_name(line.layer.name, name)
            lies = side.parameters()[own].shape if name in line.code.shapes else None
            found[own] = replace(found[own], attribute=f"{line.layer.name}.{path}", lies=lies)
    return found


def _inside(places: Mapping[str, Weight]) -> list[tuple[str, str, str, bool]]:
    """Return name, layer and path of every parameter, and whether it has another shape there.

    Nothing where all are attributes of their layers.
    """
    if all(name == place.attribute for name, place in places.items()):
        return []
    found = []
    for name, place in places.items():
        layer, _, path = place.attribute.partition(".")
        found.append((name, layer, path, place.lies is not None))
    return found


def _as_flattened(side: Resolved, returns: Sequence[str]) -> list[str]:
    """Return what the outputs are called, in the order in which Keras follows them back: that of their names."""
    return [target for _, target in sorted(zip(side.views, returns, strict=True))]


class KerasModel:
    """The model: its lines, and the functions that stand for blocks.

    Args:
        walk: that laid it out.
        laid: the model, layer by layer.
        ends: of each output, what it is called in the end, and the layer that gives it.
        barred: layers that are written out, whatever block they came from.
    """

    def __init__(self, walk: Walk, laid: LaidOut, ends: Mapping[str, str], barred: Sequence[str]) -> None:
        self.kept = walk.graph.kept_by_name
        self.moves: dict[int, str] = {}
        counted: Counter[str] = Counter()
        for line in laid.lines:
            if line.layer is None or line.axes is not None:
                name = f"{ends[line.target]}_permuted" if line.layer is None else f"{line.layer.name}_permute"
                counted[name] += 1
                self.moves[id(line)] = f"{name}_{counted[name] - 1}" if counted[name] > 1 else name
        # What a Sequential model calls x, a functional one begins with.
        inputs = READ[:1] if len(laid.inputs) == 1 else laid.inputs
        folding = Folding(laid, walk.graph, self.worded, walk.reserved(), barred, _values(walk.graph, laid.inputs))
        body = folding.folded(inputs) or folding.unfolded(laid)
        self.functions = [_function(kind, folding.body_of(kind.groups[0])) for kind in folding.kinds]
        self.inputs, self.returns = (tuple(body.names[value] for value in one) for one in (body.reads, body.returns))
        self.lines = [one for node in body.nodes for one in self._of_node(node, body)]

    def worded(self, node: Node, body: Body) -> Worded:
        """Return a line of a block's function; the names of its layers begin with that of the block."""
        assert body.group is not None
        *first, entry = self._of_node(node, body)
        made = {one["target"]: one["layer"] for one in first}
        statement = f"{entry['target']} = {entry['layer']}({entry['given']})"
        begins = re.compile(rf"""(["']){body.group.scope.prefix}(\w*)\1""")
        own = node.layer.op.natives["keras"].own if node.layer is not None and "keras" in node.layer.op.natives else {}
        return Worded(
            made={name: begins.sub(r'f"{name}_\2"', one) for name, one in made.items()},
            said=begins.sub(r'f"{name}_\2"', statement), comment=next((one["comment"] for one in [*first, entry]), ""),
            own=own, known=known_of(node, body),
        )  # fmt: skip

    def _of_node(self, node: Node, body: Body) -> list[dict[str, str]]:
        target, given, group = body.names[node.gives], body.given(node), node.group
        if group is None:
            assert node.line is not None
            return self._entries(node.line, target, given, body)
        assert group.kind is not None
        whole = [*given, *map(repr, group.values().values()), repr(group.scope.prefix.removesuffix("_"))]
        function = group.kind.function_name
        return [{"target": target, "given": ", ".join(whole), "layer": function, "comment": ""}]

    def _entries(self, line: Line, target: str, names: Sequence[str], body: Body) -> list[dict[str, str]]:
        """Return a line's layer as Keras makes it, what it is called with and what comes of it.

        A layer that is called again is made in a line of its own.
        """
        found: list[dict[str, str]] = []
        if id(line) in self.moves:
            made, comment = call("keras.layers.Permute", (line.axes or ())[1:], name=repr(self.moves[id(line)])), ""
            comment = line.comment
        else:
            assert line.layer is not None
            made, comment = line.code.layer, line.comment
            if line.layer.owner in self.kept:
                name = lent_as(body.local(line.layer.owner))
                if line.layer.owns:
                    found.append({"target": name, "given": "", "layer": made, "comment": comment})
                made, comment = name, ""
        given = names[0] if len(names) == 1 else f"[{', '.join(names)}]"
        if id(line) not in self.moves and line.code.called:
            assert line.layer is not None
            given = line.code.called.format(**dict(zip(arguments_of(line.layer), names, strict=True)))
        return [*found, {"target": target, "given": given, "layer": made, "comment": comment}]


def _values(graph: Graph, inputs: Sequence[str]) -> set[str]:
    """Return what values may be called, in the model and in the functions of blocks: there, a function is no longer.

    They are called as layers and blocks are, without the names of blocks that they stand in.
    """
    found = {*inputs}
    for layer in graph.layers:
        prefixes = [scope.prefix for scope in graph.scopes.get(layer.name, ())]
        names = [layer.name, *(one.removesuffix("_") for one in prefixes)]
        found |= {name.removeprefix(prefix) for name in names for prefix in ("", *prefixes)}
    return found


def _function(kind: Kind, body: Body) -> str:
    """Return the function that a block's layers stand in."""
    given = ", ".join([*(body.names[value] for value in body.reads), *kind.arguments.values, "name"])
    lines = [f'"""{told_of(kind)}"""']
    for line in kind.lines():
        lines += [f"# {line.comment}"] if line.comment else []
        lines += [*(f"{name} = {one}" for name, one in line.made.items()), line.said]
    source = lines_at(4, returning(lines, body.names[body.returns[0]]))
    return f"def {kind.function_name}({given}):\n    {source}"


def in_order_of_calls(lines: Sequence[Line], returns: Sequence[str]) -> list[Layer]:
    """Return the layers in the order in which a functional model calls them, which is not that of its lines.

    Those farthest from the output come first, a layer that is called twice as far as its farthest call; of those as
    far, the one first met on the way back from the output (``keras/src/ops/function.py``, ``map_graph``).

    Args:
        lines: of the program.
        returns: what the outputs are called in the end, in the order in which they are followed back.
    """
    made: dict[str, int] = {}
    reads: list[list[int]] = []
    for number, line in enumerate(lines):
        reads.append([made[name] for name in line.given if name in made])
        made[line.target] = number
    ordered: list[int] = []

    def visit(number: int) -> None:
        if number not in ordered:
            for one in reads[number]:
                visit(one)
            ordered.append(number)

    for target in returns:
        visit(made[target])
    depths: dict[int, int] = {}
    farthest: dict[str, int] = {}
    for number in reversed(ordered):
        layer = lines[number].layer if lines[number].axes is None else None
        owner = f"move {number}" if layer is None else layer.owner
        depth = max(depths.setdefault(number, 0), farthest.get(owner, 0))
        depths[number] = farthest[owner] = depth
        for one in reads[number]:
            depths[one] = max(depth + 1, depths.get(one, 0))
    called = sorted(depths, key=lambda number: -depths[number])  # Of equal ones, as they were met.
    return [layer for number in called if lines[number].axes is None and (layer := lines[number].layer) is not None]


def _plainly(loss: Loss, fused: bool, framework: str) -> LossCode:
    """Return the loss where nothing is behind the outputs: told that they are logits where it is to work on them."""
    return (loss.replace(from_logits=True) if fused else loss.as_they_are()).keras(None, framework)


def _loss(loss: Loss, graph: Graph) -> LossCode:
    """Return the loss, kept from looking behind a softmax or sigmoid that untouched layers stand behind.

    The tensor that such a layer hands on still carries the logits, which the last layer's own ending cannot say.
    """
    layer = graph.last
    while layer.op.passes_on() and layer.reads[0].name in graph.by_name:
        layer = graph.by_name[layer.reads[0].name]
    hidden = layer is not graph.last
    return (loss.as_they_are() if hidden else loss).keras(layer.op.ending())
