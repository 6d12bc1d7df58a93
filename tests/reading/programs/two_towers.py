"""Two inputs that share a tower, a model in a model, two outputs with a weight, a frozen layer."""

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(3)
left, right = rng.normal(size=(2, 64, 6)).astype("float32")
kind, size = rng.integers(0, 3, 64), rng.normal(size=(64, 1))

tower = keras.Sequential([keras.Input((6,)), layers.Dense(5, activation="tanh"), layers.Dense(4)], name="tower")
a, b = keras.Input((6,), name="left"), keras.Input((6,), name="right")
h = layers.Concatenate(name="both")([tower(a), tower(b)])
h = h * ops.sigmoid(layers.Dense(8, trainable=False, name="gate")(h))
one = layers.Dense(3, name="kind")(h)
two = layers.Dense(1, name="size", kernel_constraint="non_neg")(layers.LeakyReLU(0.2)(h))
model = keras.Model([a, b], [one, two])
model.compile(
    optimizer=keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True, use_ema=True),
    loss={"kind": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "size": "mse"},
    loss_weights={"kind": 1.0, "size": 0.25},
    metrics={"kind": "accuracy", "size": ["mae"]},
)
model.fit({"left": left, "right": right}, {"kind": kind, "size": size}, batch_size=8, epochs=4)
