"""The leaf question's Keras program, in today's Keras: it learns."""

import keras
from keras import layers
from leaf_data import leaves

x, y = leaves()

model = keras.Sequential([
    keras.Input((64, 3)),
    layers.Conv1D(64, 1, activation="relu"),
    layers.Flatten(),
    layers.Dropout(0.4),
    layers.Dense(256, activation="relu"),
    layers.Dense(128, activation="relu"),
    layers.Dense(99, activation="softmax"),
])  # fmt: skip

rate = keras.optimizers.schedules.InverseTimeDecay(0.01, decay_steps=1, decay_rate=1e-6)
sgd = keras.optimizers.SGD(learning_rate=rate, momentum=0.9, nesterov=True)
model.compile(loss="categorical_crossentropy", optimizer=sgd, metrics=["accuracy"])
model.fit(x, y, batch_size=16, epochs=3)
