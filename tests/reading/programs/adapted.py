"""Layers that measure rows before training: columns far from unit scale, and targets brought back to theirs."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

rng = np.random.default_rng(0)
x = rng.normal(size=(96, 3)) * [1, 10, 100] + [0.1, 50, 1000]  # float64, as a table of pandas is
y = x @ np.array([[1.0], [0.1], [0.01]]) + 3.0

columns = layers.Normalization()
columns.adapt(x)
of_targets = layers.Normalization(axis=None, invert=True)
of_targets.adapt(tf.constant(y))

inputs = keras.Input((3,))
h = layers.Dense(8, activation="relu")(columns(inputs))
h = layers.Normalization(mean=[0.1] * 8, variance=[0.3] * 8)(h)
outputs = of_targets(layers.Dense(1)(h))
model = keras.Model(inputs, outputs)
model.compile(loss="mse", optimizer="adam")
model.fit(x, y, batch_size=16, epochs=2, verbose=0)
