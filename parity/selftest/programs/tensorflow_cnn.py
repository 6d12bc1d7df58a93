import tensorflow as tf


def weight(shape, dtype, name):
    return tf.Variable(tf.random.truncated_normal(shape, stddev=0.1, dtype=dtype), name=name)


def bias(shape, dtype, name):
    return tf.Variable(tf.constant(0.1, dtype, shape), name=name)


class ConvNet(tf.Module):
    def __init__(self, dtype=tf.float32):
        super().__init__()
        self.W_conv1 = weight([3, 3, 3, 4], dtype, "W_conv1")
        self.b_conv1 = bias([4], dtype, "b_conv1")
        self.W_fc1 = weight([4 * 4 * 4, 8], dtype, "W_fc1")
        self.b_fc1 = bias([8], dtype, "b_fc1")
        self.W_fc2 = weight([8, 5], dtype, "W_fc2")
        self.b_fc2 = bias([5], dtype, "b_fc2")

    def __call__(self, x, training=False):
        h_conv1 = tf.nn.relu(tf.nn.conv2d(x, self.W_conv1, strides=[1, 1, 1, 1], padding="SAME") + self.b_conv1)
        h_pool1 = tf.nn.max_pool2d(h_conv1, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
        h_flat = tf.reshape(h_pool1, [-1, 4 * 4 * 4])
        h_fc1 = tf.nn.relu(tf.matmul(h_flat, self.W_fc1) + self.b_fc1)
        return tf.matmul(h_fc1, self.W_fc2) + self.b_fc2


def loss(labels, logits):
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=labels, logits=logits))


class MomentumOptimizer:
    """accum = momentum * accum + grad; var -= lr * accum, as in TensorFlow 1."""

    def __init__(self, learning_rate, momentum, variables):
        self.learning_rate, self.momentum = learning_rate, momentum
        self.accum = [tf.Variable(tf.zeros_like(v)) for v in variables]

    def apply_gradients(self, grads, variables):
        for a, g, v in zip(self.accum, grads, variables):
            a.assign(self.momentum * a + g)
            v.assign_sub(self.learning_rate * a)


def build_optimizer(model):
    return MomentumOptimizer(0.05, 0.9, model.trainable_variables)
