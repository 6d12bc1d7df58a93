import tensorflow as tf


class Net(tf.Module):
    def __init__(self, dtype):
        super().__init__()
        self.W_fc1 = tf.Variable(tf.random.normal([6, 8], dtype=dtype))
        self.b_fc1 = tf.Variable(tf.zeros([8], dtype=dtype))
        self.W_fc2 = tf.Variable(tf.random.normal([8, 5], dtype=dtype))
        self.b_fc2 = tf.Variable(tf.zeros([5], dtype=dtype))
        self.keep_prob = 0.75

    def fc1(self, x):
        return tf.nn.relu(tf.matmul(x, self.W_fc1) + self.b_fc1)

    def dropout(self, x, training):
        return tf.nn.dropout(x, self.keep_prob) if training else x

    def fc2(self, x):
        return tf.matmul(x, self.W_fc2) + self.b_fc2

    def __call__(self, x, training=False):
        return self.fc2(self.dropout(self.fc1(x), training))


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
