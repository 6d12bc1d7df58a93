"""A text classifier with an LSTM, in Keras: rows are padded with 0, and the padding is masked."""

import keras
from keras import layers

from parity.api import rows

tokens, positive = rows("phrases")

model = keras.Sequential([
    keras.Input((12,), dtype="int32"),
    layers.Embedding(24, 16, mask_zero=True, embeddings_initializer=keras.initializers.RandomNormal(stddev=1.0)),
    layers.LSTM(32),
    layers.Dense(1, activation="sigmoid"),
])  # fmt: skip
model.compile(optimizer=keras.optimizers.SGD(0.3, momentum=0.9), loss="binary_crossentropy", metrics=["accuracy"])
model.fit(tokens, positive.astype("float32")[:, None], batch_size=32, epochs=3)
