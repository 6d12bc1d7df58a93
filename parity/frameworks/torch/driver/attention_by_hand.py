"""Attention that a program writes out of projections: where it stands, and whether it is the layer of a spec.

What stands between the projections and the output is found by what feeds a softmax (or PyTorch's function). That it is
attention, with how many heads, which of the projections is the query, and whether places see those behind them, is not
taken from names: each way in which it may be so is computed, and held against what the program itself computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from parity.frameworks.torch.driver.attention_apart import Written
from parity.frameworks.torch.driver.attention_fit import NEAR, Fit, fit_of, ways
from parity.frameworks.torch.driver.own_parameters import home_of, is_made
from parity.run.told import ToldNode, call_of

PART = "F.scaled_dot_product_attention"
"""What an attention that is written out is called: PyTorch's function is the middle of it."""

WHOLE = frozenset({"torch.scaled_dot_product_attention", PART})

SOFTMAX = frozenset({"torch.softmax", "F.softmax", "nn.Softmax"})

DROPOUT = frozenset({"torch.dropout", "F.dropout", "nn.Dropout"})

TIMES = frozenset({"torch.mul", "torch.rmul", "torch.__rmul__", "torch.div", "torch.truediv", "torch.true_divide"})

BETWEEN = SOFTMAX | DROPOUT | WHOLE | {f"torch.{name}" for name in (
    "view", "reshape", "transpose", "swapaxes", "swapdims", "permute", "contiguous", "flatten", "unflatten", "split",
    "chunk", "tensor_split", "unbind", "__getitem__", "squeeze", "unsqueeze", "movedim", "T", "mT", "clone",
    "matmul", "__matmul__", "bmm", "einsum", "baddbmm", "mul", "div", "truediv", "true_divide", "rmul", "__rmul__",
    "masked_fill", "where", "add", "sub", "float", "type_as", "to", "cat", "concat", "stack",
)}  # fmt: skip
"""Calls that an attention is written with between its projections and its output."""


@dataclass
class _Middle:
    """What stands between projections and an output.

    Args:
        core: the softmax, or PyTorch's function.
        inside: names of the calls between them.
        sources: the projections.
        end: the output.
    """

    core: ToldNode
    inside: set[str] = field(default_factory=set)
    sources: list[ToldNode] = field(default_factory=list)
    end: ToldNode | None = None


class WrittenAttentions:
    """Finds attentions in the calls of a model.

    Args:
        nodes: the calls, in training.
        outputs: names of those that give the outputs.
        modules: by name of a call, what was called; takes the attentions.
        values: by name of a call, what it gave, in evaluation.
        titles: of modules that were gone into, by the name of a call of one.
        free: returns a name that no call has.

    ``found`` has them, ``ends`` of each output's name the attention's.
    """

    def __init__(
        self, nodes: list[ToldNode], outputs: list[str], modules: dict[str, Any], values: Mapping[str, torch.Tensor],
        titles: Mapping[str, str], free: Any,
    ) -> None:  # fmt: skip
        self.nodes, self._outputs, self._modules, self._values = nodes, outputs, modules, values
        self._titles, self._free = titles, free
        self.found: dict[str, Written] = {}
        self.ends: dict[str, str] = {}
        for core in [one for one in nodes if one.part in SOFTMAX | WHOLE]:
            middle = self._middle(core)
            if middle is not None:
                self._take(middle)

    def _middle(self, core: ToldNode) -> _Middle | None:
        """Return what stands around a softmax; None where that is no attention with projections."""
        known = {one.name: one for one in self.nodes}
        found, waiting, ends = _Middle(core), [core], dict[str, ToldNode]()
        while waiting:
            node = waiting.pop()
            if node.name in found.inside:
                continue
            if node.part not in BETWEEN or node.name in self._outputs or (
                node is not core and node.part in SOFTMAX | WHOLE
            ):  # fmt: skip
                return None
            found.inside.add(node.name)
            for read in node.reads:
                source = known.get(call_of(read))
                if source is None:
                    return None
                if source.part == "nn.Linear":
                    found.sources += [] if source in found.sources else [source]
                else:
                    waiting.append(source)
            for reader in (one for one in self.nodes if node.name in map(call_of, one.reads)):
                if reader.part == "nn.Linear":
                    ends[reader.name] = reader
                else:
                    waiting.append(reader)
        if len(ends) != 1 or not 1 <= len(found.sources) <= 3:
            return None
        (found.end,) = ends.values()
        every = [*found.sources, found.end]
        read_inside = all(
            reader.name in found.inside
            for one in found.sources for reader in self.nodes if one.name in map(call_of, reader.reads)
        )  # fmt: skip
        once = all(sum(other.layer == one.layer for other in self.nodes) == 1 for one in every)
        named = not {one.name for one in every[:-1]} & set(self._outputs)
        plain = all(len(one.reads) == 1 and len(one.read_shapes[0]) == 2 for one in every)
        return found if read_inside and once and named and plain else None

    def _take(self, middle: _Middle) -> None:
        """Put one call in the place of an attention, where it is certain that it is one."""
        assert middle.end is not None
        inside = [one for one in self.nodes if one.name in middle.inside]
        dropped = [one for one in inside if one.part in DROPOUT and one.arguments.get("training") is not False]
        softmax = middle.core.part in SOFTMAX
        if len(dropped) > 1 or any(not softmax or one.reads != [middle.core.name] for one in dropped):
            return
        if any(_reads_parameter(one.called) for one in inside):
            return
        fit = self._told(middle)
        if fit is None or any(one.rows is not None and not self._replaceable(one.linear) for one in fit.pieces):
            return
        query, key, value = (one.weight.shape for one in fit.pieces)
        why = self._why(middle, fit, query)
        if why:
            for one in inside:
                one.why = why
            return
        rate = dropped[0].arguments.get("p", 0.5) if dropped else middle.core.arguments.get("dropout_p")
        scale = self._scale(middle, fit)  # Behind the exchange its calls are gone.
        one = self._exchange(middle, fit)
        one.arguments = {
            "embed_dim": query[1], "num_heads": fit.heads, "bias": fit.pieces[0].bias is not None,
            "dropout": float(rate or 0.0), "batch_first": True, "kdim": key[1], "vdim": value[1],
            "key_dim": query[0] // fit.heads, "value_dim": value[0] // fit.heads,
            "wide": [one.linear.out_features for one in fit.pieces],
        }  # fmt: skip
        if fit.factor != 1.0:
            one.arguments["scale"] = scale
        assert middle.end is not None
        output = self._linear(middle.end).bias is not None
        if output != one.arguments["bias"]:
            one.arguments["output_bias"] = output
        packed = next((one.linear for one in fit.pieces if one.rows is not None), None)
        if packed is not None:
            one.arguments["packed"] = f"the weight of Linear({packed.in_features}, {packed.out_features})"

    def _why(self, middle: _Middle, fit: Fit, query: torch.Size) -> str:
        """Return what no field says of an attention; empty where fields say all."""
        assert middle.end is not None
        if fit.factor != 1.0 and self._scale(middle, fit) is None:
            told = f"multiplied by {fit.factor * (query[0] // fit.heads) ** -0.5:.6g}"
            return f"a field of multi_head_attention that says that scores are {told}, by numbers that are not written"
        if len({one.bias is None for one in fit.pieces}) > 1:
            return "a field of multi_head_attention that says which of query, key and value have a bias"
        wide = self._linear(middle.end).out_features != query[1]
        return "a field of multi_head_attention that says how wide its output is" if wide else ""

    def _scale(self, middle: _Middle, fit: Fit) -> float | None:
        """Return what scores are multiplied by, as the program says it in numbers; None where they are not it."""
        found = float(middle.core.arguments.get("scale") or 1.0)
        for one in (node for node in self.nodes if node.name in middle.inside and len(node.reads) == 1):
            numbers = [each for each in one.called.get("operands", ()) if isinstance(each, float | int)]
            if one.part in TIMES and len(numbers) == 1 and not isinstance(numbers[0], bool):
                found = found * numbers[0] if "mul" in one.part else found / numbers[0]
        size = fit.pieces[0].weight.shape[0] // fit.heads
        return found if found > 0.0 and abs(found / (fit.factor * size**-0.5) - 1.0) <= NEAR else None

    def _replaceable(self, linear: nn.Linear) -> bool:
        """Return whether a module of the program does what a linear layer does, in whose place others can be put."""
        return home_of(linear) is not linear or not is_made(linear)

    def _linear(self, node: ToldNode) -> nn.Linear:
        found: nn.Linear = self._modules[node.name]
        return found

    def _exchange(self, middle: _Middle, fit: Fit) -> ToldNode:
        """Put one call in the place of those of an attention, and return it."""
        assert middle.end is not None
        home = {id(self._linear(one)): one for one in middle.sources}
        gone = {*middle.inside, *(one.name for one in middle.sources)}
        every = [one for one in self.nodes if one.name in gone or one is middle.end]
        outer = [one for one in every[0].within if all(one in other.within for other in every)]
        own = [one for one in outer if all(one not in other.within or other in every for other in self.nodes)]
        title = self._titles.get((own or outer or [""])[0 if own else -1], "")
        name = self._free(title if own else f"{title}.attention".strip("."))
        read = [home[id(one.linear)] for one in fit.pieces]
        node = ToldNode(
            name=name, part=PART, reads=[one.reads[0] for one in read], shape=middle.end.shape,
            read_shapes=[one.read_shapes[0] for one in read], layer=name, place=middle.core.place,
            called={"roles": [0, 1, 2], **({"causal": True} if fit.causal else {})},
            within=[one for one in outer if one not in own],
        )  # fmt: skip
        self.found[name] = self._modules[name] = Written(fit.pieces, self._linear(middle.end))
        at, end = self.nodes.index(middle.end), middle.end.name
        self.ends[end] = name
        for one in self.nodes:
            one.reads = [name if read == end else read for read in one.reads]
        self.nodes[at] = node
        self.nodes[:] = [one for one in self.nodes if one.name not in gone]
        self._outputs[:] = [name if one == end else one for one in self._outputs]
        return node

    def _told(self, middle: _Middle) -> Fit | None:
        """Return what an attention is; None if that is not certain."""
        assert middle.end is not None
        core = self._values.get(middle.core.name)
        mixed = self._values.get(middle.end.reads[0])
        given = {id(self._linear(one)): self._values.get(one.reads[0]) for one in middle.sources}
        if core is None or mixed is None or core.dim() < 3 or any(one is None for one in given.values()):
            return None
        rows = len(mixed)
        heads = core.shape[:-2].numel() // rows
        if mixed.dim() != 3 or core.shape[:-2].numel() != heads * rows:
            return None
        scores = self._values.get(middle.core.reads[0]) if middle.core.part in SOFTMAX else None
        every = ways([self._linear(one) for one in middle.sources], heads)
        found = (fit_of(pieces, given, heads, scores, mixed, middle.core.arguments.get("scale")) for pieces in every)
        return next((one for one in found if one is not None), None)


def _reads_parameter(operand: Any) -> bool:
    """Return whether a call is given a parameter, which moves: that it changes nothing now says nothing."""
    if isinstance(operand, Mapping):
        return operand.get("part") == "a parameter" or any(map(_reads_parameter, operand.values()))
    return isinstance(operand, list | tuple) and any(map(_reads_parameter, operand))
