"""What an optimizer does around its rule, in raw TensorFlow: a class around the one that has the rule."""

from __future__ import annotations

from dataclasses import replace

from parity.code import Helper, OptimizerCode, Slot, documented, lines_at
from parity.optimizers import Optimizer

CLASS = '''
class {name}({base}):
    """{doc}"""

    def __init__(self, variables, *args, **kwargs):
        super().__init__(variables, *args, **kwargs)
        {kept}

    def apply_gradients(self, gradients, variables):
        """{says}"""
        {lines}
'''

UPDATE = '''
    def update(self, variables):
        """Move each variable by the {what} of the gradients, and begin anew."""
        super().apply_gradients([{share} for total in self.accumulated], variables)
        for total in self.accumulated:
            total.assign(tf.zeros_like(total))
'''

OVERWRITE = '''
    def overwrite(self, variables):
        """Set each variable to its average."""
        for average, w in zip(self.average, variables):
            w.assign(average)
'''


def wrapped(code: OptimizerCode, optimizer: Optimizer) -> OptimizerCode:
    """Return the code of an optimizer in a class around it.

    Args:
        code: of its rule.
        optimizer: what it is.
    """
    base, _, arguments = code.build.partition("(")
    name, steps = optimizer.around_title(base), optimizer.gradient_accumulation_steps
    source = CLASS.format(
        name=name, base=base, doc=documented(f"{base}{optimizer.around_words().replace(';', ',', 1)}."),
        kept=lines_at(8, [f"self.{slot} = [tf.Variable(tf.zeros_like(w), trainable=False) for w in variables]"
                          for slot in optimizer.kept_around()]),
        says="Take the gradients of a batch in.",
        lines=lines_at(8, ["batches = tf.identity(self.iterations)  # before this one", *_gathering(optimizer),
                           *(_averaging(optimizer) if optimizer.use_ema else [])]),
    )  # fmt: skip
    if optimizer.gathers:
        mean = optimizer.accumulation == "mean"
        source += UPDATE.format(what=optimizer.accumulation, share=f"total / {float(steps)!r}" if mean else "total")
    source += OVERWRITE if optimizer.ema_overwrite_frequency is not None else ""
    kept = {slot: Slot(attribute=slot) for slot in optimizer.kept_around()}
    return replace(
        code, build=f"{name}({arguments}", slots={**code.slots, **kept},
        helpers=(*code.helpers, Helper(name=name, source=source)),
    )  # fmt: skip


def _gathering(optimizer: Optimizer) -> list[str]:
    """Return the statements that add gradients up and, of every n-th batch, take the step."""
    if not optimizer.gathers:
        return ["super().apply_gradients(gradients, variables)"]
    due = f"(batches + 1) % {optimizer.gradient_accumulation_steps} == 0"
    return ["for total, g in zip(self.accumulated, gradients):", "    total.assign_add(g)",
            f"tf.cond({due}, lambda: self.update(variables), lambda: None)",
            "self.iterations.assign(batches + 1)"]  # fmt: skip


def _averaging(optimizer: Optimizer) -> list[str]:
    """Return the statements that move the averages."""
    every, updates = optimizer.ema_overwrite_frequency, optimizer.updates_of("batches")
    lines = [
        f"momentum = {optimizer.ema_momentum!r} * tf.cast({updates} > 0, variables[0].dtype)",
        "for average, w in zip(self.average, variables):",
        "    average.assign(momentum * average + (1.0 - momentum) * w)",
    ]
    if every is None:
        return lines
    if every == 1:
        return [*lines, "self.overwrite(variables)"]
    return [*lines, f"tf.cond(({updates} + 1) % {every} == 0, lambda: self.overwrite(variables), lambda: None)"]
