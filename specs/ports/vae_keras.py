"""A variational autoencoder of digits in Keras: draws in a layer of its own, and a divergence that the model adds."""

import keras
from keras import layers, ops
from sklearn.datasets import load_digits

x = (load_digits().data / 16.0).astype("float32")


class Sampling(layers.Layer):
    """Draws a point of the latent space, such that gradients reach its mean and its spread."""

    def call(self, inputs):
        mean, log_var = inputs
        noise = keras.random.normal(shape=ops.shape(mean))
        return mean + ops.exp(0.5 * log_var) * noise


class VAE(keras.Model):
    def __init__(self, latent=4):
        super().__init__()
        self.hidden = layers.Dense(32, activation="relu")
        self.mean = layers.Dense(latent)
        self.log_var = layers.Dense(latent)
        self.sampling = Sampling()
        self.decoder = layers.Dense(32, activation="relu")
        self.pixels = layers.Dense(64, activation="sigmoid")

    def call(self, inputs):
        h = self.hidden(inputs)
        mean, log_var = self.mean(h), self.log_var(h)
        divergence = -0.5 * ops.sum(1 + log_var - ops.square(mean) - ops.exp(log_var), axis=-1)
        self.add_loss(ops.mean(divergence))
        return self.pixels(self.decoder(self.sampling([mean, log_var])))


def reconstruction(y_true, y_pred):
    return 64 * keras.losses.binary_crossentropy(y_true, y_pred)


model = VAE()
model.compile(optimizer=keras.optimizers.Adam(1e-3), loss=reconstruction)
model.fit(x, x, batch_size=64, epochs=3)
