import keras
import tensorflow as tf


class CustomModel(keras.Model):
    def train_step(self, data):
        x, y = data

        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)

        trainable_vars = self.trainable_variables
        gradients = tape.gradient(loss, trainable_vars)
        self.optimizer.apply(gradients, trainable_vars)
        return {"loss": loss}


inputs = keras.Input(shape=(6,))
x = keras.layers.Dense(8, activation="relu")(inputs)
outputs = keras.layers.Dense(5)(x)
model = CustomModel(inputs, outputs)
model.compile(
    optimizer=keras.optimizers.SGD(learning_rate=0.05, momentum=0.9),
    loss=keras.losses.CategoricalCrossentropy(from_logits=True),
)
