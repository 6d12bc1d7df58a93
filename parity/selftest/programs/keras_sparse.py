import keras

model = keras.Sequential(
    [
        keras.layers.Input((6,)),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dense(5),
    ]
)

loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def build_optimizer(model):
    return keras.optimizers.SGD(0.05)
