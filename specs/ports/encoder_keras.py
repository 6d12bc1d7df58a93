"""A transformer block over tokens, in Keras; parity writes its ports: parity port specs/ports/encoder_keras.py"""

import keras
from keras import layers

from parity.api import rows

tokens, positive = rows("phrases")

inputs = keras.Input((12,), dtype="int32")
h = layers.Embedding(24, 32)(inputs)
attended = layers.MultiHeadAttention(num_heads=4, key_dim=8, dropout=0.1)(h, h)
h = layers.LayerNormalization(epsilon=1e-6)(h + layers.Dropout(0.1)(attended))
wide = layers.Dense(64, activation="relu")(h)
wide = layers.Dropout(0.1)(layers.Dense(32)(wide))
h = layers.LayerNormalization(epsilon=1e-6)(h + wide)
h = layers.GlobalAveragePooling1D()(h)
outputs = layers.Dense(2, activation="softmax")(h)
model = keras.Model(inputs, outputs)

rate = keras.optimizers.schedules.CosineDecay(0.1, decay_steps=126)
model.compile(
    optimizer=keras.optimizers.SGD(rate, momentum=0.9),
    loss=keras.losses.SparseCategoricalCrossentropy(),
    metrics=["accuracy"],
)
model.fit(tokens, positive, batch_size=32, epochs=2)
