"""What an optimizer does around its rule, in PyTorch: a class around the one that has the rule."""

from __future__ import annotations

from dataclasses import replace

from parity.code import Helper, OptimizerCode, Slot, documented, lines_at
from parity.optimizers import Optimizer

CLASS = '''
class {name}({base}):
    """{doc}"""

    iterations = 0

    def __init__(self, params, *args, **kwargs):
        super().__init__(params, *args, **kwargs)
        parameters = [p for group in self.param_groups for p in group["params"]]
        {kept}

    @torch.no_grad()
    def step(self, closure=None):
        """Take the gradients of a batch in."""
        {lines}
'''


def wrapped(code: OptimizerCode, optimizer: Optimizer) -> OptimizerCode:
    """Return the code of an optimizer in a class around it.

    Args:
        code: of its rule.
        optimizer: what it is.
    """
    base, _, arguments = code.build.partition("(")
    title = base.rpartition(".")[2]
    name = optimizer.around_title(title)
    lines = ["batches = self.iterations  # before this one", *_gathering(optimizer), "self.iterations = batches + 1"]
    source = CLASS.format(
        name=name, base=base, doc=documented(f"{title}{optimizer.around_words().replace(';', ',', 1)}."),
        kept=lines_at(8, [f"self.{slot} = {{p: torch.zeros_like(p) for p in parameters}}"
                          for slot in optimizer.kept_around()]),
        lines=lines_at(8, [*lines, *(_averaging(optimizer) if optimizer.use_ema else [])]),
    )  # fmt: skip
    kept = {slot: Slot(attribute=f".{slot}") for slot in optimizer.kept_around()}
    return replace(
        code, build=f"{name}({arguments}", slots={**code.slots, **kept},
        helpers=(*code.helpers, Helper(name=name, source=source)),
    )  # fmt: skip


def _gathering(optimizer: Optimizer) -> list[str]:
    """Return the statements that add gradients up and, of every n-th batch, take the step."""
    if not optimizer.gathers:
        return ["super().step()"]
    steps = optimizer.gradient_accumulation_steps
    taken = f"total / {float(steps)!r}" if optimizer.accumulation == "mean" else "total"
    return ["for p, total in self.accumulated.items():", "    total.add_(p.grad)",
            f"if (batches + 1) % {steps} == 0:",
            "    for p, total in self.accumulated.items():", f"        p.grad.copy_({taken})", "        total.zero_()",
            "    super().step()"]  # fmt: skip


def _averaging(optimizer: Optimizer) -> list[str]:
    """Return the statements that move the averages."""
    every, updates = optimizer.ema_overwrite_frequency, optimizer.updates_of("batches")
    lines = [
        f"momentum = {optimizer.ema_momentum!r} if {updates} else 0.0",
        "for p, average in self.average.items():",
        "    average.mul_(momentum).add_((1.0 - momentum) * p)",
    ]
    if every is None:
        return lines
    at = f"if ({updates} + 1) % {every} == 0:"
    return [*lines, *([f"    {at}", "        p.copy_(average)"] if every > 1 else ["    p.copy_(average)"])]
