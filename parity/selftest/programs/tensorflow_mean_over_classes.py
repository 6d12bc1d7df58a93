import tensorflow as tf


class Model(tf.Module):
    def __init__(self, dtype=tf.float32):
        self.W1 = tf.Variable(tf.random.normal((6, 8), dtype=dtype))
        self.b1 = tf.Variable(tf.zeros(8, dtype))
        self.W2 = tf.Variable(tf.random.normal((8, 5), dtype=dtype))
        self.b2 = tf.Variable(tf.zeros(5, dtype))

    def __call__(self, x, training=False):
        h = tf.nn.relu(tf.matmul(x, self.W1) + self.b1)
        return tf.matmul(h, self.W2) + self.b2


def build_loss():
    def loss(y, logits):
        return -tf.reduce_mean(y * tf.nn.log_softmax(logits))

    return loss


class GradientDescentOptimizer:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def apply_gradients(self, gradients, variables):
        for gradient, variable in zip(gradients, variables):
            variable.assign_sub(self.learning_rate * gradient)


def build_optimizer(model):
    return GradientDescentOptimizer(0.05)
