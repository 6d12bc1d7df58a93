"""bidirectional: a recurrent layer forwards, and another one of its kind backwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from parity.code import Case, Helper, KerasCode, Parameter, Site, TensorFlowCode, TorchCode, TorchWeight, call
from parity.discovery import one_of
from parity.entries import Shape, read_in
from parity.lazy import differentiable as np
from parity.native import Native
from parity.ops.drawing import Draw
from parity.ops.gru import GRU
from parity.ops.holding import Holding
from parity.ops.lstm import LSTM
from parity.ops.recurrent import Recurrent
from parity.ops.simple_rnn import SimpleRNN

if TYPE_CHECKING:
    from parity.code import Arrays

    AnyRecurrent = Recurrent
else:
    AnyRecurrent = one_of({entry.kind: entry for entry in (SimpleRNN, LSTM, GRU)})

MERGES = {
    "concat": "concatenate((forward, backward), axis=-1)", "sum": "forward + backward",
    "mul": "forward * backward", "ave": "(forward + backward) / 2.0",
}  # fmt: skip

BOTH_WAYS = Helper(
    name="BothWays",
    source='''
class BothWays(nn.Module):
    """A module forwards and another backwards, as PyTorch's own with bidirectional=True."""

    def __init__(self, ahead, back):
        super().__init__()
        self.ahead, self.back = ahead, back

    def forward(self, x):
        return torch.cat((self.ahead(x), self.back(x.flip(1)).flip(1)), dim=-1)
''',
)

MASKED_WAYS = '''
class {name}(nn.Module):
    """{doc}"""

    def __init__(self, ahead, back):
        super().__init__()
        self.ahead, self.back = ahead, back

    def forward(self, x, mask):
        states = torch.cat((self.ahead(x, mask), self.back(x.flip(1), mask.flip(1)).flip(1)), dim=-1)
        return {value}
'''

DROPPING = '''
class {name}(nn.Module):
    """A module forwards and another backwards, each of which drops features of its own at every step{zero}."""

    def __init__(self, ahead, back, rate):
        super().__init__()
        self.ahead, self.back, self.dropout = ahead, back, nn.Dropout(rate)

    def forward(self, {taken}):
        forward, backward = (self.dropout(torch.ones_like(x[:, :1])) for _ in range(2))
        states = torch.cat(({ahead}, {back}.flip(1)), dim=-1)
        return {value}
'''

MASKED = {
    False: Helper(name="MaskedBothWays", source=MASKED_WAYS.format(
        name="MaskedBothWays", doc="A module forwards and another backwards, each with the mask.", value="states")),
    True: Helper(name="MaskedStatesBothWays", source=MASKED_WAYS.format(
        name="MaskedStatesBothWays", value="torch.where(mask.unsqueeze(-1), states, 0.0)",
        doc="A module forwards and another backwards, 0 at masked steps, as in Keras's Bidirectional.")),
}  # fmt: skip
"""The same with a mask, by whether every state is given."""


def dropping(masked: bool, whole: bool, first: bool) -> Helper:
    """Return what holds a module of each direction, where each drops features of its own.

    Args:
        masked: it is given a mask.
        whole: it gives every state, which are 0 at masked steps.
        first: each of its modules returns more, and the states first.
    """
    name = f"{'Masked' if masked else ''}Dropping{'Modules' if first else ''}{'States' if whole else ''}BothWays"
    ahead, back = ("mask", "mask.flip(1)") if masked else ("", "")
    ahead, back = (
        f"self.{way}({x}{', ' if masked else ''}{seen}){'[0]' if first else ''}"
        for way, x, seen in (("ahead", "x * forward", ahead), ("back", "(x * backward).flip(1)", back))
    )
    value = "torch.where(mask.unsqueeze(-1), states, 0.0)" if whole else "states"
    return Helper(name=name, source=DROPPING.format(
        name=name, taken="x, mask" if masked else "x", ahead=ahead, back=back, value=value,
        zero=", 0 at masked steps" if whole else ""))  # fmt: skip


def _halves(masks: Any) -> tuple[Any, Any]:
    """Return the masks of each direction, as a layer by itself is given its own: a list, or the only one."""
    half = len(masks) // 2
    return (masks[0], masks[1]) if half == 1 else (masks[:half], masks[half:])


TORCH = '''
class {name}(nn.Module):
    """{doc}"""

    def forward(self, states):
        forward, backward = states.chunk(2, dim=-1)
        return {value}
'''


KERAS = '''
@keras.saving.register_keras_serializable()
def {name}(x):
    """An activation by a name: Bidirectional makes its two layers of what it saves of one."""
    return {value}
'''


def _saved(name: str, source: str) -> str:
    """Return a function that Keras can save, of the source of an activation: a function's name, or a lambda of x."""
    value = source.removeprefix("lambda x: ") if source.startswith("lambda") else f"{source}(x)"
    return KERAS.format(name=name, value=value)


class Bidirectional(Holding):
    """y = merge(layer(x), layer'(x from its end)), where layer' has the same fields and weights of its own.

    Where the layer gives its last state alone, that of the backward one is its state at the first step, which has seen
    them all. In PyTorch's ``nn.LSTM(bidirectional=True)`` it is ``h_n[-1]``, or ``output[:, 0]`` of its half;
    ``output[:, -1]``, as it is often written, takes from it the state that has seen one step. Where the layer gives all
    of its states, those of the backward one are turned round, so that both stand at their steps; Keras leaves them as
    they come in a layer that goes backwards by itself. PyTorch has concatenation only. A masked step leaves the states
    of both directions as they are; where all states are given, they are 0 there, unlike those of the layer by itself.
    With dropout each direction draws masks of its own, those forwards first.
    """

    kind: ClassVar[str] = "bidirectional"
    uses_mask: ClassVar[bool] = True
    rate_fields: ClassVar = tuple(f"layer.{name}" for name in Recurrent.rate_fields)
    started: ClassVar = tuple(f"{way}_{name}" for way in ("forward", "backward") for name in Recurrent.started)
    beside: ClassVar = ("merged",)
    source: ClassVar = read_in(keras="layers/rnn/bidirectional", torch="nn/modules/rnn")
    natives: ClassVar = {"keras": Native("keras.layers.Bidirectional", {"layer": "", "merge_mode": "merge_mode"},
                                         leading=("layer",), own={"merge_mode": "concat"})}  # fmt: skip

    layer: AnyRecurrent = Field(description="the recurrent layer, of each direction one")
    merge_mode: Literal["concat", "sum", "mul", "ave"] = Field(default="concat", description="what is made of both")

    @model_validator(mode="after")
    def _plain_inside(self) -> Self:
        if self.layer.go_backwards:
            raise ValueError("the layer inside goes backwards, and so does the other one: leave go_backwards out")
        return self.holding(self.layer)

    @property
    def draws(self) -> bool:  # type: ignore[override]
        """Whether the layers inside drop any."""
        return self.layer.draws

    def rates(self) -> dict[str, float]:
        return {f"layer.{name}": rate for name, rate in self.layer.rates().items()}

    def drawn(self, shape: Shape) -> tuple[Draw, ...]:
        """Return the masks of the layer forwards, then those of the one backwards."""
        return 2 * self.layer.drawn(shape)

    def output_shape(self, shape: Shape) -> Shape:
        *steps, units = self.layer.output_shape(shape)
        return (*steps, 2 * units if self.merge_mode == "concat" else units)

    def mask_of(self, masked: Sequence[bool], shapes: Sequence[Shape]) -> str:
        return self.layer.mask_of(masked, shapes)

    def in_parts(self, framework: str, masked: bool) -> tuple[str, ...]:
        inside = self.layer.in_parts(framework, masked)
        return tuple(f"{way}_{name}" for way in ("forward", "backward") for name in inside)

    def parameters(self, shape: Shape) -> dict[str, Parameter]:
        """Return those of the layer inside, of each direction, as ``forward_kernel`` and ``backward_kernel``."""
        inside = self.layer.parameters(shape)
        return {f"{way}_{name}": one for way in ("forward", "backward") for name, one in inside.items()}

    def forward(self, x: np.ndarray, p: Arrays, mask: np.ndarray | None = None) -> np.ndarray:
        ways = {way: {name.removeprefix(f"{way}_"): one for name, one in p.items()} for way in ("forward", "backward")}
        seen = self.steps_seen
        ahead, back = (self.layer.seeing([one]) for one in (seen, None if seen is None else seen[:, ::-1]))
        kept, behind = (None, None) if mask is None else _halves(mask)
        forward = ahead.forward(x, ways["forward"], kept)
        backward = back.forward(x[:, ::-1], ways["backward"], behind)
        if self.layer.return_sequences:
            backward = backward[:, ::-1]
            if seen is not None:
                forward, backward = (np.where(seen[:, :, None], one, 0.0) for one in (forward, backward))
        if self.merge_mode == "concat":
            return np.concatenate([forward, backward], axis=-1)
        if self.merge_mode == "mul":
            return forward * backward
        return (forward + backward) / (2.0 if self.merge_mode == "ave" else 1.0)

    def keras(self, site: Site) -> KerasCode:
        own = {
            field: said
            for field, said in self.layer.keras_told().items()
            if said is not None and not said.startswith('"')
        }
        named = {field: f"{field}_of_{site.name}" for field in own}
        # Told of the layer around it alone, Keras lets what lies inside move (docs/findings.md).
        inside = self.layer.replace(trainable=self.trainable).keras_own(site.input_shape, **named)
        places = {name: f"{name.replace('_', '_layer.cell.', 1)}" for name in self.parameters(site.input_shape)}
        layer = self.natives["keras"].source(self, layer=inside, name=repr(site.name))
        functions = [Helper(name=named[field], source=_saved(named[field], said)) for field, said in own.items()]
        return KerasCode(layer=layer, helpers=(*self.layer.keras_helpers(), *functions), weights=places)

    def tensorflow(self, site: Site) -> TensorFlowCode:
        names = list(self.layer.parameters(site.input_shape))
        masked, whole = any(site.masked), self.layer.return_sequences
        *loop, last = self.layer.tensorflow_loop("steps", {}, "masks" if masked else "")
        dropped = self.layer.tensorflow_dropped(by_step=True) if self.draws else ()
        given = {way: ", ".join(f"self.{site.name}_{way}_{name}" for name in names) for way in ("forward", "backward")}
        back = "tf.reverse(backward, [1])" if whole else "backward"
        value = MERGES[self.merge_mode].replace("concatenate", "tf.concat").replace("backward", back)
        taken, ahead, behind = ("steps, masks",) * 2 + ("steps[::-1], masks[::-1]",) if masked else (
            *("steps",) * 2, "steps[::-1]",
        )  # fmt: skip
        zeroed = f"tf.where(mask[:, :, None], {value}, tf.zeros([], x.dtype))  # 0 where a step is masked"
        return TensorFlowCode(
            body=(
                f"def states({taken}, {', '.join(names)}):",
                *(f"    {line}" for line in (*dropped, *loop, f"return {last}")),
                "",
                "steps = tf.unstack(x, axis=1)",
                *(["masks = tf.unstack(mask[:, :, None], axis=1)"] if masked else []),
                f"forward = states({ahead}, {given['forward']})",
                f"backward = states({behind}, {given['backward']})",
                f"return {zeroed if masked and whole else value}",
            ),
            doc=f"{self.layer.says()[:-1]}, forwards and backwards.",
            training=self.draws,
            helpers=(*self.layer.activation_helpers("tensorflow"), *self.layer.products("tensorflow")),
        )

    def torch(self, site: Site) -> TorchCode:
        masked = any(site.masked)
        name, own = site.name, self._torch_fits(masked)
        more = {"bidirectional": "True"} if own else {}
        module, helpers = self.layer.torch_module(site.input_shape[-1], masked, **more)
        if not own:
            both, rates = self._both(masked)
            module, helpers = call(both.name, module, module, *rates), (*helpers, both)
        modules, output, part = {name: module}, name, (0,) if own else ()
        forward = f"self.{name}(x, mask)" if masked else f"self.{name}(x)"
        forward = f"{forward}[0]" if own else forward
        if self.merge_mode != "concat" or not self.layer.return_sequences:
            merging, output, part = self._merging(), f"{name}_merged", ()
            modules, helpers = modules | {output: f"{merging.name}()"}, (*helpers, merging)
            forward = f"self.{output}({forward})"
        return TorchCode(
            modules=modules, forward=forward, output=output, part=part, helpers=helpers,
            weights=self._torch_weights(name, site.input_shape, masked),
        )  # fmt: skip

    def _torch_fits(self, masked: bool) -> bool:
        """Return whether PyTorch's own module means it, which reads one input in both directions."""
        return self.layer.torch_fits(masked) and not self.draws

    def _both(self, masked: bool) -> tuple[Helper, tuple[float, ...]]:
        """Return what holds a module of each direction, and what else it is told."""
        whole = masked and self.layer.return_sequences
        if not self.draws or self.layer.recurrent_dropout:  # Modules that are written out drop what they are to.
            return MASKED[whole] if masked else BOTH_WAYS, ()
        return dropping(masked, whole, first=self.layer.torch_fits(masked)), (self.layer.dropout,)

    def _merging(self) -> Helper:
        """Return what PyTorch does not do by itself."""
        whole, mode = self.layer.return_sequences, self.merge_mode
        value = MERGES[mode].replace("concatenate", "torch.cat").replace("axis", "dim")
        if not whole:
            value = value.replace("forward", "forward[:, -1]").replace("backward", "backward[:, 0]")
        name = f"{'Every' if whole else 'Last'}State{mode.capitalize()}"
        doc = (
            "The states of both directions"
            if whole
            else "The last state of each direction, backwards at the first step"
        )
        return Helper(name=name, source=TORCH.format(name=name, doc=f"{doc}: {mode}.", value=value))

    def _torch_weights(self, name: str, shape: Shape, masked: bool) -> dict[str, TorchWeight]:
        if not self._torch_fits(masked):
            ways = {"forward": f"{name}.ahead", "backward": f"{name}.back"}
            inside = {way: self.layer.torch_weights(place, shape, masked) for way, place in ways.items()}
            return {f"{way}_{one}": place for way, found in inside.items() for one, place in found.items()}
        found = self.layer.torch_weights(name, shape)
        back = {
            one: replace(place, attribute=f"{place.attribute}_reverse",
                         beside=tuple(f"{other}_reverse" for other in place.beside))
            for one, place in found.items()
        }  # fmt: skip
        return {f"forward_{one}": place for one, place in found.items()} | {
            f"backward_{one}": place for one, place in back.items()
        }

    @classmethod
    def cases(cls) -> list[Case]:
        rnn = {"units": 1, "activation": "linear", "use_bias": False}
        both = {f"{way}_{name}": [[value]] for way, by in (("forward", 10.0), ("backward", 100.0))
                for name, value in (("kernel", 1.0), ("recurrent_kernel", by))}  # fmt: skip
        steps = [[[1.0], [2.0], [3.0]]]
        return [
            Case(shows="the backward one's last state is that at the first step: 3, 302, then 30201",
                 fields={"layer": {"simple_rnn": rnn}}, x=steps, parameters=both, expected=[[123.0, 30201.0]]),
            Case(shows="both directions' states stand at their steps",
                 fields={"layer": {"simple_rnn": rnn | {"return_sequences": True}}}, x=steps, parameters=both,
                 expected=[[[1.0, 30201.0], [12.0, 302.0], [123.0, 3.0]]]),
            Case(shows="a masked step is left out both ways, and 0 in what is given of every step",
                 fields={"layer": {"simple_rnn": rnn | {"return_sequences": True}}}, x=steps, parameters=both,
                 steps=[[True, False, True]], expected=[[[1.0, 301.0], [0.0, 0.0], [13.0, 3.0]]]),
            Case(shows="a masked step is left out both ways, and at the end the state is the last that there was",
                 fields={"layer": {"simple_rnn": rnn}}, x=steps, parameters=both, steps=[[True, True, False]],
                 expected=[[12.0, 201.0]]),
            Case(shows="an average of both, where the sum is written out in PyTorch, too",
                 fields={"layer": {"simple_rnn": rnn | {"activation": "relu"}}, "merge_mode": "ave"}, x=steps,
                 parameters=both, expected=[[15162.0]]),
            Case(shows="a product of them", x=steps, parameters=both, expected=[[[30201.0], [3624.0], [369.0]]],
                 fields={"layer": {"simple_rnn": rnn | {"return_sequences": True}}, "merge_mode": "mul"}),
            Case(shows="a sum, of states of both at their steps", x=steps, parameters=both,
                 fields={"layer": {"simple_rnn": rnn | {"return_sequences": True}}, "merge_mode": "sum"},
                 expected=[[[30202.0], [314.0], [126.0]]]),
        ]  # fmt: skip
