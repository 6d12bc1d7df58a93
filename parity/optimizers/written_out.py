"""Update rules as a person would write them out, where a framework has none or another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from parity.code import Helper

TENSORFLOW = '''
class {name}(tf.Module):
    """{doc}"""

    def __init__(self, variables, {fields}):
        super().__init__()
        {kept}
        self.iterations = tf.Variable(0, dtype=tf.int64, trainable=False){slots}

    def apply_gradients(self, gradients, variables):
        """Move each variable by its gradient."""
        {before}
        for {targets} in zip({sources}):
            {body}
        self.iterations.assign_add(1)
'''

TORCH = '''
class {name}(torch.optim.Optimizer):
    """{doc}"""

    iterations = 0

    def __init__(self, params, {fields}):
        super().__init__(params, dict({kept}))

    @torch.no_grad()
    def step(self, closure=None):
        """Move each parameter by its gradient."""
        for group in self.param_groups:
            {before}
            for p in group["params"]:
                state = self.state[p]
                if not state:
                    {slots}
                {body}
        self.iterations += 1
'''

TORCH_CHANGING = '''
class {name}(torch.optim.{base}):
    """{doc}"""

    iterations = 0

    def step(self, closure=None):
        """Set what changes from step to step, and take PyTorch's step."""
        for group in self.param_groups:
            {lines}
        self.iterations += 1
        return super().step(closure)
'''

T = "tf.cast(self.iterations, variables[0].dtype)"
"""Updates already made, in the dtype of the model."""


def lines_at(indent: int, lines: Sequence[str]) -> str:
    """Return lines for a place in a template that is indented already."""
    return ("\n" + " " * indent).join(lines)


def tensorflow_rate(changes: bool) -> str:
    """Return the statement that sets ``lr``."""
    return f"lr = self.learning_rate({T})" if changes else "lr = self.learning_rate"


def tensorflow_rule(
    name: str,
    doc: str,
    fields: Sequence[str],
    slots: Mapping[str, str],
    before: Sequence[str],
    body: Sequence[str],
    numbers: Mapping[str, str] | None = None,
) -> Helper:
    """Return a class with an update rule in raw TensorFlow.

    Args:
        name: of the class.
        doc: the rule in a line.
        fields: hyperparameters, ``learning_rate`` first.
        slots: attribute of each slot to what the body calls it.
        before: statements before the loop over the variables.
        body: statements that move the variable ``w`` by its gradient ``g``.
        numbers: attribute of each number that is kept for all variables together, and how it starts.
    """
    zeros = "[tf.Variable(tf.zeros_like(w), trainable=False) for w in variables]"
    source = TENSORFLOW.format(
        name=name,
        doc=doc,
        fields=", ".join(fields),
        kept=lines_at(8, [f"self.{field} = {field}" for field in fields]),
        slots="".join(
            [f"\n        self.{slot} = {zeros}" for slot in slots]
            + [
                f"\n        self.{name} = tf.Variable({start}, dtype=variables[0].dtype, trainable=False)"
                for name, start in (numbers or {}).items()
            ]
        ),
        before=lines_at(8, before),
        targets=", ".join(["w", *slots.values(), "g"]),
        sources=", ".join(["variables", *(f"self.{slot}" for slot in slots), "gradients"]),
        body=lines_at(12, body),
    )
    return Helper(name=name, source=source)


def torch_rule(
    name: str, doc: str, fields: Sequence[str], slots: Sequence[str], before: Sequence[str], body: Sequence[str]
) -> Helper:
    """Return a class with an update rule in PyTorch.

    Args:
        name: of the class.
        doc: the rule in a line.
        fields: hyperparameters, ``lr`` first.
        slots: keys of the state.
        before: statements before the loop over a group's parameters.
        body: statements that move the parameter ``p`` by its gradient ``p.grad``.
    """
    source = TORCH.format(
        name=name,
        doc=doc,
        fields=", ".join(fields),
        kept=", ".join(f"{field}={field}" for field in fields),
        before=lines_at(12, before),
        slots=lines_at(20, [f'state["{slot}"] = torch.zeros_like(p)' for slot in slots]),
        body=lines_at(16, body),
    )
    return Helper(name=name, source=source)


def torch_changing(name: str, base: str, doc: str, lines: Sequence[str]) -> Helper:
    """Return a class of ``torch.optim`` with some of its hyperparameters set anew in every step.

    Args:
        name: of the class.
        base: class of ``torch.optim``.
        doc: what is different.
        lines: statements in ``group`` and ``self.iterations``, the updates already made.
    """
    source = TORCH_CHANGING.format(name=name, base=base, doc=doc, lines=lines_at(12, lines))
    return Helper(name=name, source=source, imports=("import math",) if "math." in source else ())


RATE = 'group["lr"] = learning_rate(self.iterations)'
"""Sets the rate of a step that changes."""
