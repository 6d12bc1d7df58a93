"""Padded sentences, an embedding with a mask, a recurrent layer both ways."""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(2)
x = rng.integers(1, 30, (80, 7))
x[:, 5:] = 0
y = rng.integers(0, 2, 80)

model = keras.Sequential(
    [
        layers.Embedding(30, 6, mask_zero=True),
        layers.Bidirectional(layers.LSTM(5, return_sequences=True)),
        layers.GRU(4, kernel_regularizer="l2"),
        layers.Dense(1, activation="sigmoid", kernel_initializer=keras.initializers.RandomNormal(stddev=0.1)),
    ]
)
model.compile("rmsprop", "binary_crossentropy", metrics=["accuracy"])
model.fit(x, y, 16, validation_data=(x[:13], y[:13]))
