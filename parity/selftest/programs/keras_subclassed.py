import keras
import numpy as np


class MyModel(keras.Model):
    def __init__(self):
        super().__init__()
        self.d1 = keras.layers.Dense(8, activation="relu")
        self.drop = keras.layers.Dropout(0.25)
        self.d2 = keras.layers.Dense(5)

    def call(self, x, training=False):
        x = self.d1(x)
        x = self.drop(x, training=training)
        return self.d2(x)


def build_model():
    model = MyModel()
    model(np.zeros((1, 6)))  # makes the weights
    return model


def build_loss():
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def build_optimizer(model):
    return keras.optimizers.Adam(learning_rate=0.01)
