"""An update rule in raw TensorFlow, which has no optimizers outside Keras: a ``tf.Module`` as people write it."""

from __future__ import annotations

from collections.abc import Sequence

from parity.code import Helper, OptimizerCode, Slot, call, documented, lines_at
from parity.formula import Statement, expression, plain_first
from parity.frameworks.tensorflow import WORDS
from parity.native import Native
from parity.optimizers import Optimizer

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

ITERATIONS, MADE = "self.iterations", "tf.cast({made}, variables[0].dtype)"
"""Batches already trained on; these, or updates already made, in the dtype of the model."""

ASSIGNED = {"=": "assign", "+=": "assign_add", "-=": "assign_sub"}


def written(optimizer: Optimizer, own: Native | None) -> OptimizerCode:
    """Return an optimizer: its rule, written out.

    Args:
        optimizer: what it is.
        own: TensorFlow's own part; there is none.
    """
    del own
    name, fields, changes = type(optimizer).__name__, optimizer.hyperparameters(), optimizer.changes()
    # A hyperparameter may be called as what is kept of it is.
    places = {slot: f"{slot}s" if slot in fields else slot for slot in optimizer.moments()}
    each = {optimizer.letters[slot]: place for slot, place in places.items() if slot not in optimizer.shared}
    shared = {optimizer.letters[slot]: place for slot, place in places.items() if slot in optimizer.shared}
    before, body = plain_first(optimizer.meaning(), {"w", "g", *each})
    batches, updates = (MADE.format(made=one) for one in (ITERATIONS, optimizer.updates_of(ITERATIONS)))
    head = [f"lr = self.learning_rate({batches})" if changes else "lr = self.learning_rate"]
    head += [f"t = {updates} + 1.0"] if "t" in optimizer.meaning().names else []
    head = _clips(optimizer) + head
    words = {field: f"self.{field}" for field in fields}
    source = RULE.format(
        name=name,
        doc=documented(f"{optimizer.rule()}."),
        fields=", ".join(["learning_rate", *fields]),
        kept=lines_at(8, [f"self.{field} = {field}" for field in ("learning_rate", *fields)]),
        slots="".join(f"\n        self.{place} = {_start(optimizer, slot)}" for slot, place in places.items()),
        before=lines_at(8, head + _numbers(before, words, shared)),
        targets=", ".join(["w", *each, "g"]),
        sources=", ".join(["variables", *(f"self.{place}" for place in each.values()), "gradients"]),
        body=lines_at(12, [_line(one, words, {"w", *each}) for one in body]),
    )
    build = call(
        name,
        "model.trainable_variables",
        learning_rate="learning_rate" if changes else repr(optimizer.learning_rate),
        **{field: repr(getattr(optimizer, field)) for field in fields},
    )
    return OptimizerCode(
        build=build,
        slots={slot: Slot(attribute=place) for slot, place in places.items()},
        doc=optimizer.doc(),
        helpers=(*optimizer.rate_helpers("tensorflow"), Helper(name=name, source=source)),
    )


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
