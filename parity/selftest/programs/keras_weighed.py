import keras
from keras import layers

inputs = keras.Input(shape=(6,))
x = layers.Dense(8, activation="relu")(inputs)
outputs = layers.Dense(5)(x)
model = keras.Model(inputs, outputs)
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=0.01),
    loss=keras.losses.CategoricalCrossentropy(from_logits=True),
)

if __name__ == "__main__":
    from data import weights, x_train, y_train

    model.fit(x_train, y_train, sample_weight=weights, epochs=10, batch_size=8)
