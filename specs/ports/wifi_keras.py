"""A regression in Keras: where a phone is, from the strengths of 64 access points."""

import keras
from keras import layers

from parity.api import rows

strengths, places = rows("wifi_like")
x, y = strengths.astype("float32"), places[:, 0, 0].astype("float32")  # The first coordinate of a place.

model = keras.Sequential([
    keras.Input((64,)),
    layers.Dense(64, activation="relu"),
    layers.Dense(32, activation="relu"),
    layers.Dense(1),
])  # fmt: skip
model.compile(optimizer=keras.optimizers.SGD(0.05, momentum=0.9), loss="mse", metrics=["mae"])
model.fit(x, y, batch_size=64, epochs=3)
