import keras
from keras import layers, ops


def build_model():
    return keras.Sequential([keras.Input((5,)), layers.Dense(8, activation="tanh"), layers.Dense(1)])


def mse(y_true, y_pred):
    return ops.sum(ops.square(y_true - y_pred))


def build_optimizer(model):
    return keras.optimizers.SGD(0.05)
