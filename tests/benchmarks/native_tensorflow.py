"""The benchmark networks trained in plain TensorFlow, without parity: what its cost is measured against."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf

DECAY = 1e-6


def dense(taken: int, units: int) -> tuple[tf.Variable, tf.Variable]:
    """Return a kernel (taken, units), glorot uniform, and its bias."""
    limit = (6.0 / (taken + units)) ** 0.5
    return tf.Variable(tf.random.uniform((taken, units), -limit, limit)), tf.Variable(tf.zeros(units))


def convolution(*shape: int) -> tuple[tf.Variable, tf.Variable]:
    """Return a kernel (..., in, out), glorot uniform, and its bias."""
    window = int(np.prod(shape[:-2]))
    limit = (6.0 / (window * (shape[-2] + shape[-1]))) ** 0.5
    return tf.Variable(tf.random.uniform(shape, -limit, limit)), tf.Variable(tf.zeros(shape[-1]))


class Cifar(tf.Module):
    """(N, 32, 32, 3) to logits (N, 10)."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = [
            (convolution(3, 3, taken, filters), convolution(3, 3, filters, filters))
            for taken, filters in ((3, 32), (32, 64), (64, 128))
        ]
        self.hidden = [dense(2048, 1024), dense(1024, 512)]
        self.last = dense(512, 10)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        for block in self.blocks:
            for kernel, bias in block:
                x = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME") + bias)
            x = tf.nn.dropout(tf.nn.max_pool2d(x, 2, 2, "VALID"), 0.2)
        x = tf.reshape(x, (-1, 2048))
        for kernel, bias in self.hidden:
            x = tf.nn.dropout(tf.nn.relu(x @ kernel + bias), 0.5)
        kernel, bias = self.last
        return x @ kernel + bias

    def constrain(self) -> None:
        """Scale the units of the hidden dense layers down to norms of at most 3."""
        for kernel, _ in self.hidden:
            norms = tf.norm(kernel, axis=0, keepdims=True)
            kernel.assign(kernel * (tf.minimum(norms, 3.0) / (norms + 1e-7)))


class Leaf(tf.Module):
    """(N, 64, 3) to logits (N, 99)."""

    def __init__(self, widths: tuple[int, int]) -> None:
        super().__init__()
        self.conv = convolution(1, 3, 512)
        self.dense1 = dense(512 * 64, widths[0])
        self.dense2 = dense(widths[0], widths[1])
        self.last = dense(widths[1], 99)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        kernel, bias = self.conv
        x = tf.nn.relu(tf.nn.conv1d(x, kernel, 1, "SAME") + bias)
        x = tf.nn.dropout(tf.reshape(x, (-1, 512 * 64)), 0.4)
        for kernel, bias in (self.dense1, self.dense2):
            x = tf.nn.relu(x @ kernel + bias)
        kernel, bias = self.last
        return x @ kernel + bias


def loop(network: str, widths: tuple[int, int]) -> Callable[[np.ndarray, np.ndarray], float]:
    """Return a function that trains on a batch and returns its loss."""
    model, nesterov = Cifar() if network == "cifar" else Leaf(widths), network != "cifar"
    variables = model.trainable_variables
    velocities = [tf.Variable(tf.zeros_like(one), trainable=False) for one in variables]
    done = tf.Variable(0.0)

    @tf.function
    def train(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y, model(x)))
        rate = 0.01 / (1.0 + DECAY * done)
        for w, v, g in zip(variables, velocities, tape.gradient(loss, variables), strict=True):
            v.assign(0.9 * v - rate * g)
            w.assign_add(0.9 * v - rate * g if nesterov else v)
        done.assign_add(1.0)
        if isinstance(model, Cifar):
            model.constrain()
        return loss

    return lambda x, y: float(train(tf.constant(x), tf.constant(y)))
