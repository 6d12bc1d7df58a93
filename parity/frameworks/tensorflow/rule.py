"""An update rule in raw TensorFlow, which has no optimizers outside Keras: a ``tf.Module`` as people write it."""

from __future__ import annotations

from collections.abc import Sequence

from parity.code import Helper, OptimizerCode, Slot, call, documented, lines_at
from parity.formula import Statement, expression, plain_first
from parity.frameworks.tensorflow import WORDS
from parity.native import Native
from parity.optimizers import Optimizer
from parity.optimizers.per_parameter import DECAY, Kept, by_pattern

RULE = '''
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

FACTOR = "factor"
"""What a variable's rate is multiplied by."""

ITERATIONS, MADE = "self.iterations", "tf.cast({made}, variables[0].dtype)"
"""Batches already trained on; these, or updates already made, in the dtype of the model."""

ASSIGNED = {"=": "assign", "+=": "assign_add", "-=": "assign_sub"}


NUMBERS = Helper(
    name="numbers_of",
    source='''
def numbers_of(model, said, other):
    """Return a number for each trainable variable: the one said of a pattern that its name fits, or the other one."""
    names = {w.ref(): name for name, w in named_variables(model)}
    return [
        next((one for pattern, one in said.items() if fnmatch.fnmatchcase(names[w.ref()], pattern)), other)
        for w in model.trainable_variables
    ]
''',
    imports=("import fnmatch",),
)


def written(optimizer: Optimizer, own: Native | None, kept: Kept) -> OptimizerCode:
    """Return an optimizer: its rule, written out.

    Args:
        optimizer: what it is.
        own: TensorFlow's own part; there is none.
        kept: where the program keeps parameters, of an optimizer that treats some otherwise than others.
    """
    del own
    name, fields, changes = type(optimizer).__name__, optimizer.hyperparameters(), optimizer.changes()
    apart = numbers_apart(optimizer, kept)
    # A hyperparameter may be called as what is kept of it is.
    places = {slot: f"{slot}s" if slot in fields else slot for slot in optimizer.moments()}
    each = {optimizer.letters[slot]: place for slot, place in places.items() if slot not in optimizer.shared}
    shared = {optimizer.letters[slot]: place for slot, place in places.items() if slot in optimizer.shared}
    # Each variable's own: a factor of the rate, and the decay, which is a field that is called as it is here.
    own_numbers = {FACTOR: "factors", **{field: field for field in fields}}
    own_numbers = {name: place for name, place in own_numbers.items() if name in apart}
    moving = {"w", "g", *each, *own_numbers, *(["lr"] if FACTOR in apart else [])}
    before, body = plain_first(optimizer.meaning(), moving)
    batches, updates = (MADE.format(made=one) for one in (ITERATIONS, optimizer.updates_of(ITERATIONS)))
    head = [f"lr = self.learning_rate({batches})" if changes else "lr = self.learning_rate"]
    head += [f"t = {updates} + 1.0"] if "t" in optimizer.meaning().names else []
    head = _clips(optimizer) + head
    words = {field: f"self.{field}" for field in fields if field not in own_numbers}
    inner = words | ({"lr": f"{FACTOR} * lr"} if FACTOR in apart else {})
    fields = (*fields, *(["factors"] if FACTOR in apart else []))
    source = RULE.format(
        name=name,
        doc=documented(f"{optimizer.rule()}."),
        fields=", ".join(["learning_rate", *fields]),
        kept=lines_at(8, [f"self.{field} = {field}" for field in ("learning_rate", *fields)]),
        slots="".join(f"\n        self.{place} = {_start(optimizer, slot)}" for slot, place in places.items()),
        before=lines_at(8, head + _numbers(before, words, shared)),
        targets=", ".join(["w", *own_numbers, *each, "g"]),
        sources=", ".join(
            ["variables", *(f"self.{place}" for place in (*own_numbers.values(), *each.values())), "gradients"]
        ),
        body=lines_at(12, [_line(one, inner, {"w", *each}) for one in body]),
    )
    told = {own_numbers[name]: call("numbers_of", "model", repr(said), repr(other))
            for name, (said, other) in apart.items()}  # fmt: skip
    build = call(
        name,
        "model.trainable_variables",
        learning_rate="learning_rate" if changes else repr(optimizer.learning_rate),
        **{field: told.get(field) or repr(getattr(optimizer, field)) for field in fields},
    )
    return OptimizerCode(
        build=build,
        slots={slot: Slot(attribute=place) for slot, place in places.items()},
        doc=optimizer.doc(),
        helpers=(
            *optimizer.rate_helpers("tensorflow"),
            *([NUMBERS] if apart else []),
            Helper(name=name, source=source),
        ),
    )


def numbers_apart(optimizer: Optimizer, kept: Kept) -> dict[str, tuple[dict[str, float], float]]:
    """Return what variables have of their own, by pattern on their names, and what all others have.

    Args:
        optimizer: that treats some otherwise than others.
        kept: where the program keeps them; empty where all are treated alike.
    """
    found = {}
    names = {name: one.replace(".", "_") for name, (one, *_) in kept.items()}
    if kept and optimizer.learning_rate_factor_of:
        found[FACTOR] = by_pattern(names, optimizer.factor, 1.0)
    if kept and optimizer.decays and DECAY in optimizer.hyperparameters():
        found[DECAY] = by_pattern(names, optimizer.decay_of, getattr(optimizer, DECAY))
    return found


def _clips(optimizer: Optimizer) -> list[str]:
    """Return the statement that clips the gradients, none where they are not."""
    how, epsilon = optimizer.clip(), optimizer.clip_epsilon
    if how is None:
        return []
    name, limit = how
    if name == "clipvalue":
        return [f"gradients = [tf.clip_by_value(g, -{limit!r}, {limit!r}) for g in gradients]"]
    if name == "clipnorm":
        clipped = f"g * tf.minimum({limit!r} / (tf.norm(g) + {epsilon!r}), 1.0)"
        return [f"gradients = [{clipped if epsilon else f'tf.clip_by_norm(g, {limit!r})'} for g in gradients]"]
    if not epsilon:
        return [f"gradients, _ = tf.clip_by_global_norm(gradients, {limit!r})"]
    return [f"scale = tf.minimum({limit!r} / (tf.linalg.global_norm(gradients) + {epsilon!r}), 1.0)",
            "gradients = [g * scale for g in gradients]"]  # fmt: skip


def _start(optimizer: Optimizer, slot: str) -> str:
    start = optimizer.start(slot)
    if slot in optimizer.shared:
        return f"tf.Variable({start!r}, dtype=variables[0].dtype, trainable=False)"
    values = f"tf.fill(w.shape, tf.constant({start!r}, w.dtype))" if start else "tf.zeros_like(w)"
    return f"[tf.Variable({values}, trainable=False) for w in variables]"


def _numbers(statements: Sequence[Statement], words: dict[str, str], shared: dict[str, str]) -> list[str]:
    """Return the statements ahead of the loop; what all variables share is moved there, and then goes by its letter."""
    lines, words = [], words | {letter: f"self.{place}" for letter, place in shared.items()}
    for one in statements:
        value = expression(one.value, WORDS, words)
        if one.target in shared:
            value = f"{words.pop(one.target)}.{ASSIGNED[one.sign]}({value})"
        lines.append(f"{one.target} = {value}")
    return lines


def _line(one: Statement, words: dict[str, str], variables: set[str]) -> str:
    value = expression(one.value, WORDS, words)
    return f"{one.target}.{ASSIGNED[one.sign]}({value})" if one.target in variables else f"{one.target} = {value}"
