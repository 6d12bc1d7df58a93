"""Activations: one file each. ``AnyActivation`` is the type of a field that takes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from parity.entries import Entry, entry_type

if TYPE_CHECKING:
    import numpy as np

    from parity.code import Helper


class Activation(Entry):
    """Base of the activations: a function of one tensor, the same in evaluation and training."""

    logits: ClassVar[bool] = False
    """Keras on TensorFlow remembers what went in as ``_keras_logits``, and cross-entropies recover it."""
    elementwise: ClassVar[bool] = True
    """Each output comes of one input; else of all along the last axis."""
    non_negative: ClassVar[bool] = False
    """No output is below 0, and the gradient is 0 where one is 0."""
    keeps_positive: ClassVar[bool] = False
    """What is above 0 stays as it is, and nothing else comes above 0."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Return the output for an input of any shape."""
        raise TypeError(f"{type(self).__name__} has no meaning")

    def keras(self) -> str:
        """Return the source of the value for Keras's ``activation=``."""
        return f'"{self.kind}"'

    def tensorflow(self, x: str) -> str:
        """Return the source of the activation applied to the expression ``x``."""
        return f"tf.nn.{self.kind}({x})"

    def torch(self, channel_axis: int) -> str | None:
        """Return the source of the module, or None where nothing is to be done.

        Args:
            channel_axis: where the channels stand in the tensor at hand, -1 or 1.
        """
        raise TypeError(f"{type(self).__name__} has no PyTorch module")

    def helpers(self, framework: str) -> tuple[Helper, ...]:
        """Return functions that the framework's template calls.

        Args:
            framework: whose program it is.
        """
        return ()


if TYPE_CHECKING:
    AnyActivation = Activation
else:
    AnyActivation: Any = entry_type(Activation, "parity.activations")
