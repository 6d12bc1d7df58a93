import keras
from keras import layers


def build_model():
    inputs = keras.Input((6,))
    x = layers.Dense(8)(inputs)
    norm = layers.BatchNormalization()
    norm.trainable = False
    x = layers.Activation("relu")(norm(x))
    return keras.Model(inputs, layers.Dense(5)(x))


def build_loss():
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def build_optimizer(model):
    return keras.optimizers.SGD(0.05)
