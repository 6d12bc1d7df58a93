"""A subclassed model with a layer of its own, operations and a dropout, told on the command line how wide it is."""

import argparse

import keras
import numpy as np
from keras import layers, ops

parser = argparse.ArgumentParser()
parser.add_argument("--width", type=int, required=True)
width = parser.parse_args().width


class Gate(layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.inner = layers.Dense(units)
        self.norm = layers.LayerNormalization()

    def call(self, x):
        return self.norm(ops.tanh(self.inner(x)))


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.conv = layers.Conv2D(4, 3, padding="same")
        self.norm = layers.BatchNormalization(momentum=0.9)
        self.drop = layers.Dropout(0.3)
        self.gate = Gate(width)
        self.out = layers.Dense(5)

    def call(self, x, training=False):
        h = self.conv(x / 2.0)
        h = ops.relu(self.norm(h, training=training)) + h
        h = ops.reshape(h, (-1, 6 * 6 * 4))
        return ops.softmax(self.out(self.drop(self.gate(h), training=training)))


if __name__ == "__main__":
    rng = np.random.default_rng(1)
    x = rng.normal(size=(96, 6, 6, 1))
    y = keras.utils.to_categorical(rng.integers(0, 5, 96), 5)
    model = Net()
    schedule = keras.optimizers.schedules.CosineDecay(0.01, 200)
    model.compile(
        optimizer=keras.optimizers.Adam(schedule, weight_decay=1e-3, clipnorm=1.0),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=[keras.metrics.CategoricalAccuracy(), "AUC"],
    )
    model.fit(x, y, epochs=2, shuffle=False, callbacks=[keras.callbacks.EarlyStopping(patience=3)])
