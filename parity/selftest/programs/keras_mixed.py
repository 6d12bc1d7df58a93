"""In float16, as Keras's guide to mixed precision has it: a policy for all layers, the last one apart, a scaled loss."""

import keras

keras.mixed_precision.set_global_policy("mixed_float16")


def build_model():
    inputs = keras.Input(shape=(6,), name="rows")
    x = keras.layers.Dense(8, activation="relu", name="hidden")(inputs)
    x = keras.layers.Dense(5, name="out", dtype="float32")(x)
    return keras.Model(inputs, x)


def build_loss():
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def build_optimizer(model):
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.05, momentum=0.9))
