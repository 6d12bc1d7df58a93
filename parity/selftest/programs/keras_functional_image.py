import keras
from keras import layers


def make_model(input_shape=(8, 8, 3), num_classes=5):
    inputs = keras.Input(shape=input_shape)
    x = layers.Conv2D(4, 3, padding="same")(inputs)
    x = layers.Activation("relu")(x)
    x = layers.MaxPooling2D(pool_size=2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(8, activation="relu")(x)
    outputs = layers.Dense(num_classes)(x)
    return keras.Model(inputs, outputs)


def get_loss():
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def get_optimizer(model):
    return keras.optimizers.SGD(learning_rate=0.05, momentum=0.9)
