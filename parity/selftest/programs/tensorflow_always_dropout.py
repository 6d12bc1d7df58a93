import tensorflow as tf


class Net(tf.Module):
    def __init__(self, dtype):
        super().__init__()
        self.w1 = tf.Variable(tf.random.normal([6, 8], dtype=dtype))
        self.b1 = tf.Variable(tf.zeros([8], dtype=dtype))
        self.w2 = tf.Variable(tf.random.normal([8, 5], dtype=dtype))
        self.b2 = tf.Variable(tf.zeros([5], dtype=dtype))

    def __call__(self, x, training=False):
        h = tf.nn.relu(tf.matmul(x, self.w1) + self.b1)
        h = tf.nn.dropout(h, rate=0.25)
        return tf.matmul(h, self.w2) + self.b2


def build_model(dtype=tf.float32):
    return Net(dtype)


def build_loss():
    return lambda y, z: tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y, z))


class SGD:
    def apply_gradients(self, grads, variables):
        for g, v in zip(grads, variables):
            v.assign_sub(0.05 * g)


def build_optimizer(model):
    return SGD()
