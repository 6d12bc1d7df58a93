import keras
from keras import layers, ops


class Squeeze(layers.Layer):
    def call(self, x):
        return ops.squeeze(x, axis=-1)


def build_model():
    return keras.Sequential([keras.Input((5,)), layers.Dense(8, activation="tanh"), layers.Dense(1), Squeeze()])


def build_loss():
    return keras.losses.MeanSquaredError()


def build_optimizer(model):
    return keras.optimizers.SGD(0.05)
