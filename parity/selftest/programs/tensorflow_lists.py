import tensorflow as tf

SIZES = [6, 8, 8, 5]
ACTIVATIONS = [tf.nn.relu, tf.nn.tanh, lambda z: z]


class Model(tf.Module):
    def __init__(self, dtype=tf.float32):
        self.W = [tf.Variable(tf.random.normal([n, m], stddev=0.1, dtype=dtype)) for n, m in zip(SIZES, SIZES[1:])]
        self.b = [tf.Variable(tf.zeros([m], dtype)) for m in SIZES[1:]]

    def __call__(self, x, training=False):
        for W, b, activation in zip(self.W, self.b, ACTIVATIONS):
            x = activation(tf.matmul(x, W) + b)
        return x


def build_loss():
    def loss(y, logits):
        return tf.math.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y, logits))

    return loss


class Optimizer:
    def __init__(self, rate):
        self.rate = rate

    def apply_gradients(self, gradients, variables):
        for gradient, variable in zip(gradients, variables):
            variable.assign(variable - self.rate * gradient)


def build_optimizer(model):
    return Optimizer(0.05)
