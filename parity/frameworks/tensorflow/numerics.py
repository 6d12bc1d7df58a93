"""What ``numerics`` compiles to in raw TensorFlow.

The statements are the body of a program's ``set_numerics()``; a driver runs the same ones before it imports a program.

Source: ``tf.config.experimental.enable_op_determinism`` and ``enable_tensor_float_32_execution``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from parity.code import Helper
from parity.spec.sections import NumericsSpec

ON_A_GPU = (
    'if tf.config.list_physical_devices("GPU"):  # a CPU repeats itself without it',
    "    tf.config.experimental.enable_op_determinism()",
)


def settings(asked: NumericsSpec) -> tuple[str, ...]:
    """Return the statements that set what is global in TensorFlow."""
    return (
        *(ON_A_GPU if asked.deterministic else ()),
        f"tf.config.experimental.enable_tensor_float_32_execution({asked.tf32})",
    )


def in_low_precision(body: str, wide: bool, arguments: Sequence[str] = ("x",), whole: bool = False) -> str:
    """Return the body of a raw TensorFlow layer whose input comes in a lower precision than its variables are kept in.

    Args:
        body: statements; variables are ``self.NAME``, the last one returns.
        wide: the layer computes as its variables are kept, and hands on what it is given.
        arguments: what it reads.
        whole: these are whole numbers, which have no precision.
    """
    if wide:
        *lines, last = body.split("\n")
        given = last.removeprefix("return ")
        cast = ", ".join(f"tf.cast({one}, self.dtype)" for one in arguments)
        first = f"low, {', '.join(arguments)} = {arguments[0]}.dtype, {cast}"
        return "\n".join([first, *lines, f"return tf.cast({given}, low)"])
    lower = "self.low" if whole else f"{arguments[0]}.dtype"
    return re.sub(r"(?<!\.)\bself\.(\w+)(?!\w*\()", rf"tf.cast(self.\1, {lower})", body)


LOSS_SCALE = Helper(
    name="LossScale",
    source='''
class LossScale(tf.Module):
    """Scale the loss, so that float16 gradients do not vanish; half as much where one overflows, and no update."""

    def __init__(self, optimizer, scale):
        super().__init__()
        self.inner_optimizer = optimizer
        self.dynamic_scale = tf.Variable(scale, dtype=tf.float32, trainable=False)
        self.step_counter = tf.Variable(0, dtype=tf.int32, trainable=False)

    @property
    def iterations(self):
        """Return the updates made."""
        return self.inner_optimizer.iterations

    def scale_loss(self, loss):
        """Return the loss times the scale."""
        return loss * tf.cast(self.dynamic_scale, loss.dtype)

    def apply_gradients(self, gradients, variables):
        """Divide by the scale and update, and double it after 2000 updates; or halve it."""

        def update():
            unscaled = [g / tf.cast(self.dynamic_scale, g.dtype) for g in gradients]
            self.inner_optimizer.apply_gradients(unscaled, variables)
            due = self.step_counter + 1 == 2000
            self.dynamic_scale.assign(tf.where(due, 2.0, 1.0) * self.dynamic_scale)
            self.step_counter.assign(tf.where(due, 0, self.step_counter + 1))

        def halve():
            self.dynamic_scale.assign(0.5 * self.dynamic_scale)
            self.step_counter.assign(0)

        finite = tf.reduce_all([tf.reduce_all(tf.math.is_finite(g)) for g in gradients])
        tf.cond(finite, update, halve)
''',
)
"""Raw TensorFlow's part of a scaled loss, as Keras's LossScaleOptimizer has it."""


def scaled(build: str, asked: NumericsSpec) -> str:
    """Return the expression of an optimizer that takes the gradients of a scaled loss."""
    return f"LossScale({build}, {asked.loss_scale!r})"
