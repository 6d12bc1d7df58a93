"""The benchmark networks trained in plain Keras, without parity: what its cost is measured against."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import layers

DECAY = 1e-6


def cifar() -> keras.Model:
    """Return the network from (N, 32, 32, 3) to (N, 10)."""
    blocks = []
    for filters in (32, 64, 128):
        blocks += [
            layers.Conv2D(filters, 3, padding="same", activation="relu"),
            layers.Conv2D(filters, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.2),
        ]
    limit = keras.constraints.MaxNorm(3.0)
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            *blocks,
            layers.Flatten(),
            layers.Dense(1024, activation="relu", kernel_constraint=limit),
            layers.Dropout(0.5),
            layers.Dense(512, activation="relu", kernel_constraint=limit),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )


def leaf(widths: tuple[int, int]) -> keras.Model:
    """Return the network from (N, 64, 3) to (N, 99)."""
    return keras.Sequential(
        [
            keras.Input((64, 3)),
            layers.Conv1D(512, 1, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.4),
            layers.Dense(widths[0], activation="relu"),
            layers.Dense(widths[1], activation="relu"),
            layers.Dense(99, activation="softmax"),
        ]
    )


def loop(network: str, widths: tuple[int, int]) -> Callable[[np.ndarray, np.ndarray], float]:
    """Return a function that trains on a batch and returns its loss."""
    model = cifar() if network == "cifar" else leaf(widths)
    rate = keras.optimizers.schedules.InverseTimeDecay(0.01, decay_steps=1, decay_rate=DECAY)
    optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=network != "cifar")
    loss_fn = keras.losses.CategoricalCrossentropy()
    optimizer.build(model.trainable_variables)

    @tf.function
    def train(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = loss_fn(y, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    return lambda x, y: float(train(tf.constant(x), tf.constant(y)))
