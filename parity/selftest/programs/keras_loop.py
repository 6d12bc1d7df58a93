# Writing a training loop from scratch.
import keras
import tensorflow as tf


def get_model():
    inputs = keras.Input(shape=(6,), name="rows")
    x = keras.layers.Dense(8, activation="relu", name="dense_1")(inputs)
    x = keras.layers.Dropout(0.25)(x)
    outputs = keras.layers.Dense(5, name="predictions")(x)
    return keras.Model(inputs=inputs, outputs=outputs)


loss_fn = keras.losses.CategoricalCrossentropy(from_logits=True)


def get_optimizer(model):
    return keras.optimizers.SGD(learning_rate=0.05, momentum=0.9)


@tf.function
def train_step(model, loss_fn, optimizer, x, y):
    with tf.GradientTape() as tape:
        logits = model(x, training=True)
        loss_value = loss_fn(y, logits)
    grads = tape.gradient(loss_value, model.trainable_weights)
    optimizer.apply_gradients(zip(grads, model.trainable_weights))
    return loss_value
