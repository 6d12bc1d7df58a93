import tensorflow as tf


class BatchNorm(tf.Module):
    def __init__(self, size, dtype, decay=0.99, epsilon=1e-3):
        super().__init__()
        self.gamma = tf.Variable(tf.ones([size], dtype))
        self.beta = tf.Variable(tf.zeros([size], dtype))
        self.pop_mean = tf.Variable(tf.zeros([size], dtype), trainable=False)
        self.pop_var = tf.Variable(tf.ones([size], dtype), trainable=False)
        self.decay, self.epsilon = decay, epsilon

    def __call__(self, x, is_training):
        if not is_training:
            return tf.nn.batch_normalization(x, self.pop_mean, self.pop_var, self.beta, self.gamma, self.epsilon)
        batch_mean, batch_var = tf.nn.moments(x, [0])
        self.pop_mean.assign(self.pop_mean * self.decay + batch_mean * (1 - self.decay))
        self.pop_var.assign(self.pop_var * self.decay + batch_var * (1 - self.decay))
        return tf.nn.batch_normalization(x, batch_mean, batch_var, self.beta, self.gamma, self.epsilon)


class Model(tf.Module):
    def __init__(self, dtype):
        super().__init__()
        self.w1 = tf.Variable(tf.random.normal([6, 8], dtype=dtype))
        self.b1 = tf.Variable(tf.zeros([8], dtype))
        self.bn = BatchNorm(8, dtype)
        self.w2 = tf.Variable(tf.random.normal([8, 5], dtype=dtype))
        self.b2 = tf.Variable(tf.zeros([5], dtype))

    def __call__(self, x, training=False):
        z = self.bn(x @ self.w1 + self.b1, training)
        return tf.nn.relu(z) @ self.w2 + self.b2


def build_loss():
    return lambda y, z: tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y, z))


class SGD:
    def apply_gradients(self, grads, variables):
        for g, v in zip(grads, variables):
            v.assign_sub(0.05 * g)


def build_optimizer(model):
    return SGD()
