import keras
from keras import layers


def build_model():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Permute((3, 1, 2)),
            layers.Flatten(),
            layers.Dense(8, activation="relu"),
            layers.Dense(5),
        ]
    )
    return model


def build_loss():
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def build_optimizer(model):
    return keras.optimizers.SGD(0.05, momentum=0.9)
