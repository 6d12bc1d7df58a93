import tensorflow as tf


class Model(tf.Module):
    def __init__(self, dtype=tf.float32):
        super().__init__()
        self.kernel = tf.Variable(tf.zeros([3, 2, 1, 4], dtype), name="conv.kernel")
        self.bias = tf.Variable(tf.zeros([4], dtype), name="conv.bias")
        self.weight = tf.Variable(tf.zeros([64, 10], dtype), name="output.kernel")
        self.shift = tf.Variable(tf.zeros([10], dtype), name="output.bias")

    def conv(self, x):
        kernel = tf.reverse(self.kernel, [0, 1])  # Theano turns the kernel round.
        return tf.nn.relu(tf.nn.conv2d(x, kernel, 2, "SAME") + self.bias)

    def __call__(self, x, training=False):
        x = tf.reshape(self.conv(x), [-1, 64])
        return x @ self.weight + self.shift


def build_loss():
    def loss(targets, outputs):
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, outputs))

    return loss


class Descent(tf.Module):
    def apply_gradients(self, pairs):
        for gradient, weight in pairs:
            weight.assign_sub(0.1 * gradient)


def build_optimizer(model):
    return Descent()
