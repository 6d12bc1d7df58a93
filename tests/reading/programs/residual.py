"""A small image classifier with a skip, as people write one."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
x = rng.normal(size=(120, 8, 8, 1)).astype("float32")
y = rng.integers(0, 10, 120)

inputs = keras.Input((8, 8, 1))
h = layers.Conv2D(8, 3, padding="same", activation="relu")(inputs)
skip = h
h = layers.BatchNormalization()(h)
h = layers.add([h, skip])
h = layers.Flatten()(h)
outputs = layers.Dense(10, activation="softmax")(h)
model = keras.Model(inputs, outputs)
model.compile(optimizer=keras.optimizers.Adam(3e-3), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, batch_size=16, epochs=3, validation_split=0.2)
raise AssertionError("it is stopped before it trains")
