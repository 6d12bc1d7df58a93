import keras
import tensorflow as tf
from keras import layers, regularizers


def build_model():
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(8, activation="relu", kernel_regularizer=regularizers.L2(0.01)),
            layers.Dense(5, kernel_regularizer=regularizers.L2(0.01)),
        ]
    )


def build_loss():
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def build_optimizer(model):
    return keras.optimizers.Adam(0.01)


@tf.function
def train_step(model, loss_fn, optimizer, x, y):
    with tf.GradientTape() as tape:
        loss = loss_fn(y, model(x, training=True))
        # Add any extra losses created during the forward pass.
        loss += sum(model.losses)
    grads = tape.gradient(loss, model.trainable_weights)
    optimizer.apply_gradients(zip(grads, model.trainable_weights))
    return loss
