"""TensorFlow's tensors on a GPU, for a probe."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from parity.frameworks.tensorflow.driver.tensors import host
from parity.run.on_device import KEPT, Axes, Far, small_signs

if TYPE_CHECKING:
    from typing import Self  # Python has it from 3.11 on; a worker's may be older.


@lru_cache(maxsize=KEPT)
def placed_signs(axes: Axes, place: str) -> tf.Tensor:
    """Return the signs of axes on a device."""
    with tf.device(place):
        return tf.identity(small_signs(axes))


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
        self, rows: tuple[int, int], order: Sequence[int], left: Axes, right: Axes, starts: Sequence[int], step: int
    ) -> np.ndarray:
        """Return the sums, computed where the tensor lies."""
        with tf.device(self.tensor.device):
            lying, near = tf.reshape(self.tensor, rows), placed_signs(left, self.tensor.device)
            far, parts = tf.cast(placed_signs(right, self.tensor.device), tf.float64), []
            for start in starts:
                block = tf.cast(lying[start : start + step], tf.float64)
                projected = tf.reduce_sum(tf.matmul(block, far) * tf.cast(near[start : start + step], tf.float64), 0)
                parts.append(tf.concat([projected, [tf.reduce_sum(block * block)]], 0))
            return np.array(tf.add_n(parts).numpy())


def lying(tensor: Any) -> Any:
    """Return a tensor or variable for a probe: for NumPy, or, on a GPU, a :class:`~parity.run.on_device.Far` one."""
    value = tf.convert_to_tensor(tensor)
    return FarEager(value) if "GPU" in value.device else host(value)
