"""A loss that the optimizer scales by a fixed factor, and layers that name their policy."""

import keras


def build_model():
    low = keras.DTypePolicy("mixed_bfloat16")
    return keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(8, activation="relu", name="hidden", dtype=low),
            keras.layers.Dense(5, name="out", dtype="float32"),
        ]
    )


def build_loss():
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def build_optimizer(model):
    return keras.optimizers.SGD(0.05, momentum=0.9, loss_scale_factor=128.0)
