"""What ``numerics`` compiles to: the statements that a program begins with, and what its step becomes.

The statements are the body of the program's ``set_numerics()``. A driver runs the same ones before it imports a
program, one written by hand too, so that nothing of this stands in two places; and a worker opens one program after
another, so each says all that another one may have left otherwise.

Sources: PyTorch's notes on reproducibility and on CUDA semantics, torch/amp; TensorFlow's
``tf.config.experimental.enable_op_determinism`` and ``enable_tensor_float_32_execution``; Keras's guide to mixed
precision, keras/src/dtype_policies, keras/src/optimizers/loss_scale_optimizer.py.
"""

from __future__ import annotations

import re
from typing import Any

from parity.code import Helper
from parity.spec.schema import NumericsSpec


def settings(framework: str, asked: NumericsSpec) -> tuple[str, ...]:
    """Return the statements that set what is global in a framework.

    Args:
        framework: whose they are.
        asked: what is to be set.
    """
    return _torch(asked) if framework == "torch" else _tensorflow(asked)


REPEAT = (
    "# Without it cuBLAS does not repeat itself; it is read once.",
    'os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")',
)


def _torch(asked: NumericsSpec) -> tuple[str, ...]:
    products = asked.tf32 is True
    return (
        *(REPEAT if asked.deterministic else ()),
        f"torch.use_deterministic_algorithms({asked.deterministic}{', warn_only=True' if asked.deterministic else ''})",
        "torch.backends.cudnn.benchmark = False",
        f'torch.set_float32_matmul_precision("{asked.matmul_precision or ("high" if products else "highest")}")',
        f"torch.backends.cudnn.allow_tf32 = {asked.tf32 is not False}",
    )  # fmt: skip


ON_A_GPU = (
    'if tf.config.list_physical_devices("GPU"):  # a CPU repeats itself without it',
    "    tf.config.experimental.enable_op_determinism()",
)


def _tensorflow(asked: NumericsSpec) -> tuple[str, ...]:
    return (
        *(ON_A_GPU if asked.deterministic else ()),
        f"tf.config.experimental.enable_tensor_float_32_execution({asked.tf32})",
    )


def meant(asked: NumericsSpec) -> str:
    """Return in a line what the settings do, for the docstring of ``set_numerics``."""
    products = {False: "in full", True: "in TensorFloat-32", "convolutions": "in full, but for convolutions"}
    rounded = f"in {asked.matmul_precision} precision" if asked.matmul_precision else products[asked.tf32]
    return f"Let a GPU multiply float32 {rounded}{', and the same way every time' if asked.deterministic else ''}."


def in_low_precision(body: str, wide: bool) -> str:
    """Return the body of a raw TensorFlow layer whose input comes in a lower precision than its variables are kept in.

    Args:
        body: statements; variables are ``self.NAME``, the last one returns.
        wide: the layer computes as its variables are kept, and hands on what it is given.
    """
    if wide:
        *lines, last = body.split("\n")
        given = last.removeprefix("return ")
        return "\n".join(["low, x = x.dtype, tf.cast(x, self.dtype)", *lines, f"return tf.cast({given}, low)"])
    return re.sub(r"(?<!\.)\bself\.(\w+)(?!\w*\()", r"tf.cast(self.\1, x.dtype)", body)


def scaled(framework: str, build: str, asked: NumericsSpec) -> str:
    """Return the expression of an optimizer that takes the gradients of a scaled loss.

    Args:
        framework: whose it is.
        build: expression of the optimizer itself.
        asked: its loss scale.
    """
    if framework == "keras":
        return f"keras.optimizers.LossScaleOptimizer({build}, initial_scale={asked.loss_scale!r})"
    return f"LossScale({build}, {asked.loss_scale!r})"


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


def context(framework: str, asked: NumericsSpec, build: str) -> dict[str, Any]:
    """Return what the templates need beside the emitter's own.

    Args:
        framework: whose program it is.
        asked: the side's numerics.
        build: expression of the optimizer.
    """
    scaling = asked.mixed_precision == "float16"
    return {
        "numerics": asked,
        "meant": meant(asked),
        "low": asked.mixed_precision,
        "scaling": scaling,
        # PyTorch's scaler stands beside the optimizer, not around it.
        "build": scaled(framework, build, asked) if scaling and framework != "torch" else build,
    }
