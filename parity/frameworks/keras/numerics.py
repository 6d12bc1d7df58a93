"""What ``numerics`` compiles to in Keras, on the TensorFlow backend.

The statements are the body of a program's ``set_numerics()``; a driver runs the same ones before it imports a program.

Source: Keras's guide to mixed precision, keras/src/dtype_policies, keras/src/optimizers/loss_scale_optimizer.py.
"""

from __future__ import annotations

from parity.frameworks.tensorflow.numerics import settings as settings
from parity.spec.sections import NumericsSpec


def scaled(build: str, asked: NumericsSpec) -> str:
    """Return the expression of an optimizer that takes the gradients of a scaled loss."""
    return f"keras.optimizers.LossScaleOptimizer({build}, initial_scale={asked.loss_scale!r})"
