import keras
from keras import layers


def build_model():
    model = keras.Sequential()
    model.add(keras.Input((6,)))
    model.add(layers.Dense(8))
    model.add(layers.BatchNormalization())
    model.add(layers.ReLU())
    model.add(layers.Dense(5, activation="softmax"))
    return model


def build_loss():
    return keras.losses.CategoricalCrossentropy()


def build_optimizer(model):
    return keras.optimizers.SGD(0.05, momentum=0.9)
