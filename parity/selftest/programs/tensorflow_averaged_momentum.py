import tensorflow as tf


class Model(tf.Module):
    def __init__(self, dtype=tf.float32):
        self.w1 = tf.Variable(tf.random.normal((6, 8), dtype=dtype))
        self.b1 = tf.Variable(tf.zeros(8, dtype))
        self.w2 = tf.Variable(tf.random.normal((8, 5), dtype=dtype))
        self.b2 = tf.Variable(tf.zeros(5, dtype))

    def __call__(self, x, training=False):
        return tf.nn.relu(x @ self.w1 + self.b1) @ self.w2 + self.b2


def build_loss():
    return lambda y, z: tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=z))


class Momentum:
    """As in the course: v = beta v + (1 - beta) dW; W = W - alpha v."""

    def __init__(self, variables, learning_rate=0.05, beta=0.9):
        self.learning_rate, self.beta = learning_rate, beta
        self.v = [tf.Variable(tf.zeros(w.shape, w.dtype)) for w in variables]

    def apply_gradients(self, grads, variables):
        for v, dW, W in zip(self.v, grads, variables):
            v.assign(self.beta * v + (1 - self.beta) * dW)
            W.assign_sub(self.learning_rate * v)


def build_optimizer(model):
    return Momentum(model.trainable_variables)
