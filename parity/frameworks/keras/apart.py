"""What some variables have of their own, in Keras: no decay, as its optimizers know it, or a class that has more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from parity.catalog import OPS
from parity.code import Helper, OptimizerCode, call, documented, lines_at
from parity.native import Native
from parity.optimizers import Optimizer
from parity.optimizers.per_parameter import DECAY, Kept, by_number
from parity.tensors import layer_of

CLASS = '''
class {name}({base}):
    """{doc}"""

    def __init__(self, *args, {fields}, **kwargs):
        super().__init__(*args, **kwargs)
        {kept}
'''

STEP = '''
    def update_step(self, gradient, variable, learning_rate):
        """Take the step of a variable at its own rate."""
        factor = self.factors[self._get_variable_index(variable)]
        super().update_step(gradient, variable, factor * learning_rate)
'''

DECAYING = '''
    def _apply_weight_decay(self, variables):
        """Take off each variable the share that it loses."""
        for index, variable in enumerate(variables):
            lr = keras.ops.cast(self.learning_rate, variable.dtype)
            variable.assign(variable - {share} * lr * variable)
'''

NUMBERS = Helper(
    name="numbers_of",
    source='''
def numbers_of(model, said, other):
    """Return a number for each trainable variable: the one said of a list that holds it, or the other one."""
    return [
        next((one for one, held in said.items() if any(w is variable for variable in held)), other)
        for w in model.trainable_variables
    ]
''',
)


def apart(made: OptimizerCode, optimizer: Optimizer, own: Native | None, kept: Kept) -> OptimizerCode:
    """Return the code of an optimizer with what some variables have of their own.

    Args:
        made: code that treats all alike, but for a decay that is part of its rule.
        optimizer: what it is.
        own: Keras's own part; None where it has none.
        kept: where the program keeps parameters.
    """
    decoupled = own is not None and DECAY in own.fields
    decays = {name: optimizer.decay_of(name) for name in kept}
    if decoupled and not optimizer.learning_rate_factor_of and set(decays.values()) <= {0.0, getattr(optimizer, DECAY)}:
        bare = [name for name, decay in decays.items() if not decay]
        return replace(made, then=(_excluding(bare, kept),) if bare else ())
    tables = {}
    if optimizer.learning_rate_factor_of:
        tables["factors"] = _numbers(optimizer.factor, kept, 1.0)
    if optimizer.decays:
        tables["decays"] = _numbers(optimizer.decay_of, kept, getattr(optimizer, DECAY))
    base, _, arguments = made.build.partition("(")
    title = base.rpartition(".")[2]
    name, fields = f"Apart{title}", list(tables)
    whats = {"factors": "rates", "decays": "decays"}
    source = CLASS.format(
        name=name, base=base, fields=", ".join(fields), kept=lines_at(8, [f"self.{one} = {one}" for one in fields]),
        doc=documented(f"{title} with {' and '.join(whats[one] for one in fields)} of their own for some variables."),
    )  # fmt: skip
    source += STEP if "factors" in tables else ""
    if decoupled:
        share = "self.decays[index]" if "decays" in tables else "self.weight_decay"
        source += DECAYING.format(share=f"self.factors[index] * {share}" if "factors" in tables else share)
    told = ", ".join(f"{one}={table}" for one, table in tables.items())
    helpers = (*made.helpers, NUMBERS, Helper(name=name, source=source))
    return replace(made, build=f"{name}({told}, {arguments}", helpers=helpers)


def _numbers(number: Callable[[str], float], kept: Kept, base: float) -> str:
    """Return the source of a number for each variable."""
    found, other = by_number(kept, number, base)
    said = ", ".join(f"{one!r}: {_variables(names, kept)}" for one, names in found.items())
    return call("numbers_of", "model", f"{{{said}}}", repr(other))


def _variables(names: list[str], kept: Kept) -> str:
    """Return the source of a list of variables: of a layer that has no others, all of its own."""
    found = []
    for layer in dict.fromkeys(map(layer_of, names)):
        every = [name for name in kept if layer_of(name) == layer]
        mine = [name for name in names if layer_of(name) == layer]
        if len(every) == len(mine) and len(mine) > 1:
            found.append(f"*{_layer(kept[mine[0]][0])[0]}.trainable_variables")
        else:
            found += [".".join(_layer(one)) for name in mine for one in kept[name]]
    return f"[{', '.join(found)}]"


def _layer(attribute: str) -> tuple[str, str]:
    """Return the source of the layer that holds a variable, and the path from it."""
    layer, _, path = attribute.partition(".")
    return f'model.get_layer("{layer}")', path


def _excluding(bare: list[str], kept: Kept) -> str:
    """Return the call that leaves variables out of the decay: by name, where no other is called so.

    Keras looks for the words in a variable's path on TensorFlow, and in its own name on PyTorch.
    """
    words = sorted({kept[name][0].rpartition(".")[2] for name in bare})
    others = [one for name, attributes in kept.items() if name not in bare for one in attributes]
    if not any(word in one for word in words for one in others):
        return f"exclude_from_weight_decay(var_names={words!r})"
    return f"exclude_from_weight_decay(var_list={_variables(bare, kept)})"


def parameters_in(kind: str, tensor: str) -> tuple[str, ...]:
    """Return the parameter of a layer that a variable of Keras's is.

    >>> parameters_in("lstm", "lstm_cell.kernel"), parameters_in("multi_head_attention", "attention_output.bias")
    (('kernel',), ('output_bias',))

    Args:
        kind: of the layer.
        tensor: path of the variable from the layer.
    """
    *parts, own = tensor.split(".")
    if kind == "opaque":
        return (tensor,)
    if kind == "multi_head_attention":
        return (f"{parts[-1].removeprefix('attention_')}_{own}",) if parts else ()
    if kind == "bidirectional":
        way = next((way for way in ("forward", "backward") if parts and parts[0].startswith(way)), "")
        return (f"{way}_{own}",) if way else ()
    return (own,) if own in OPS[kind].started else ()
