"""Recurrent modules in PyTorch: what is done to its own, and the one that is written out where it has none."""

from __future__ import annotations

from collections.abc import Sequence

from parity.code import Helper, documented, lines_at

ONE_BIAS = Helper(
    name="with_one_bias",
    freezes=True,
    source='''
def with_one_bias(module):
    """Return a recurrent module whose second bias stays 0: the sum of two moves twice as fast."""
    for name, parameter in module.named_parameters():
        if name.startswith("bias_hh"):
            parameter.requires_grad_(False).zero_()
    return module
''',
)

BY_GATE = {
    "tensorflow": Helper(name="by_gate", source='''
def by_gate(x, kept, kernel):
    """The product with a kernel, each gate's part of what its mask keeps."""
    parts = tf.split(kernel, len(kept), axis=1)
    return tf.concat([(x * mask) @ part for mask, part in zip(kept, parts)], axis=1)
'''),
    "torch": Helper(name="by_gate", source='''
def by_gate(x, kept, kernel):
    """The product with a kernel, each gate's part of what its mask keeps."""
    parts = kernel.chunk(len(kept), dim=1)
    return torch.cat([(x * mask) @ part for mask, part in zip(kept, parts)], dim=1)
'''),
}  # fmt: skip

ONES = {"x": "torch.ones_like(x[:, 0])", "h": "x.new_ones(len(x), self.units)"}
RATES = {"x": "dropout", "h": "recurrent_dropout"}

TORCH = '''
class {name}(nn.Module):
    """{doc}"""

    def __init__(self, inputs, units, {activations}{rates}):
        super().__init__()
        self.units = units{kept_rates}
        {kept}
        self.kernel = nn.Parameter(torch.empty(inputs, {size}))
        self.recurrent_kernel = nn.Parameter(torch.empty(units, {size})){bias}

    def forward(self, {taken}):{dropped}
        {zeros} = x.new_zeros(len(x), self.units)
        outputs = []
        for {each}:
            {lines}
            outputs.append(h)
        return torch.stack(outputs, 1)
'''


def left_alone(states: Sequence[str], lines: Sequence[str], where: str) -> list[str]:
    """Return the lines of a step that leaves the states as they are where it is masked, where ``seen`` says False.

    Args:
        states: what they are called.
        lines: of a step.
        where: what a framework calls the choice.
    """
    before = [f"{name}_before" for name in states]
    after = [f"{name} = {where}(seen, {name}, {name}_before)" for name in states]
    return [f"{', '.join(before)} = {', '.join(states)}", *lines, *after]


def written(
    name: str, *, doc: str, activations: Sequence[str], states: Sequence[str], gates: int, biases: int,
    masked: bool, drops: Sequence[str], lines: Sequence[str],
) -> Helper:  # fmt: skip
    """Return a module of a cell, whose parameters lie as the spec has them.

    Args:
        name: of its class.
        doc: its docstring.
        activations: what its activations are called.
        states: what it keeps from step to step.
        gates: how many stand side by side in its kernels.
        biases: how many it has.
        masked: it takes a mask, too, of which ``seen`` is a step's.
        drops: of the input ``x`` and the state ``h`` those of which each gate keeps a share of its own.
        lines: the cell.
    """
    kept = [f"{one}_kept = [F.dropout({ONES[one]}, self.{RATES[one]}, self.training) for _ in range({gates})]"
            for one in drops]  # fmt: skip
    size = f"{gates} * units" if gates > 1 else "units"
    rows = {0: "", 1: size, 2: f"2, {size}"}[biases]
    source = TORCH.format(
        name=name, doc=documented(doc), activations=", ".join(activations), size=size,
        kept=lines_at(8, [f"self.{field} = {field}" for field in activations]),
        bias=f"\n        self.bias = nn.Parameter(torch.empty({rows}))" if rows else "",
        rates=", dropout=0.0, recurrent_dropout=0.0" if drops else "",
        kept_rates="\n        self.dropout, self.recurrent_dropout = dropout, recurrent_dropout" if drops else "",
        dropped="".join(f"\n        {line}" for line in kept),
        taken="x, mask" if masked else "x",
        each="step, seen in zip(x.unbind(1), mask.unsqueeze(-1).unbind(1))" if masked else "step in x.unbind(1)",
        zeros=" = ".join(states), lines=lines_at(12, lines),
    )  # fmt: skip
    return Helper(name=name, source=source)
