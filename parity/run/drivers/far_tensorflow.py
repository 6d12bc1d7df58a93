"""TensorFlow's tensors on a GPU, for a probe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import tensorflow as tf

from parity.run.drivers.tensors import host
from parity.run.far import Far


class FarEager(Far):
    """A tensor of TensorFlow's, which always lie as their shapes say."""

    def host(self) -> np.ndarray:
        """Return a copy for NumPy."""
        return host(self.tensor)

    def beside(self, value: np.ndarray) -> tf.Tensor:
        """Return a tensor of the host where this one lies."""
        with tf.device(self.tensor.device):
            return tf.constant(value, self.tensor.dtype)

    def reshape(self, *shape: Any) -> Self:
        """Return it with other axes."""
        return type(self)(tf.reshape(self.tensor, shape[0] if len(shape) == 1 else shape))

    def transpose(self, axes: Sequence[int]) -> np.ndarray:
        """Return it with its axes permuted: of a copy, since TensorFlow would make one."""
        return self.host().transpose(axes)

    def sums(
        self, rows: tuple[int, int], order: Sequence[int], left: np.ndarray, right: np.ndarray,
        starts: Sequence[int], step: int,
    ) -> np.ndarray:  # fmt: skip
        """Return the sums, computed where the tensor lies."""
        with tf.device(self.tensor.device):
            lying, near, far = tf.reshape(self.tensor, rows), tf.constant(left), tf.constant(right)
            parts = []
            for start in starts:
                block = tf.cast(lying[start : start + step], tf.float64)
                projected = tf.reduce_sum(tf.matmul(block, far) * near[start : start + step], 0)
                parts.append(tf.concat([projected, [tf.reduce_sum(block * block)]], 0))
            return np.array(tf.add_n(parts).numpy())


def lying(tensor: Any) -> Any:
    """Return a tensor or variable for a probe: for NumPy, or, on a GPU, a :class:`~parity.run.far.Far` one."""
    value = tf.convert_to_tensor(tensor)
    return FarEager(value) if "GPU" in value.device else host(value)
