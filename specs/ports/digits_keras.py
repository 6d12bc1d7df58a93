"""An image classifier with a residual block, in Keras."""

import keras
from keras import layers
from sklearn.datasets import load_digits

digits = load_digits()
x = digits.images[..., None].astype("float32") / 16.0
y = digits.target

inputs = keras.Input((8, 8, 1))
h = layers.Conv2D(16, 3, padding="same", activation="relu")(inputs)
skip = h
h = layers.Conv2D(16, 3, padding="same", use_bias=False)(h)
h = layers.BatchNormalization()(h)
h = layers.Activation("relu")(h)
h = layers.Conv2D(16, 3, padding="same", use_bias=False)(h)
h = layers.BatchNormalization()(h)
h = layers.add([h, skip])
h = layers.Activation("relu")(h)
h = layers.GlobalAveragePooling2D()(h)
h = layers.Dropout(0.3)(h)
outputs = layers.Dense(10, activation="softmax")(h)
model = keras.Model(inputs, outputs)

model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=3e-3),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(x, y, batch_size=32, epochs=4)
