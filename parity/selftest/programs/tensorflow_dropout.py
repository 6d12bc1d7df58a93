import tensorflow as tf


class Net(tf.Module):
    def __init__(self, dtype):
        super().__init__()
        self.w1 = tf.Variable(tf.random.normal([6, 8], dtype=dtype))
        self.b1 = tf.Variable(tf.zeros([8], dtype=dtype))
        self.w2 = tf.Variable(tf.random.normal([8, 5], dtype=dtype))
        self.b2 = tf.Variable(tf.zeros([5], dtype=dtype))

    def __call__(self, x, training=False):
        h = tf.nn.relu(x @ self.w1 + self.b1)
        if training:
            h = tf.nn.dropout(h, rate=0.25)
        return h @ self.w2 + self.b2


def build_model(dtype=tf.float32):
    return Net(dtype)


def build_loss():
    def loss(y, z):
        z = z - tf.reduce_max(z, axis=1, keepdims=True)
        log_p = z - tf.math.log(tf.reduce_sum(tf.exp(z), axis=1, keepdims=True))
        return -tf.reduce_mean(tf.reduce_sum(y * log_p, axis=1))

    return loss


class SGD:
    def __init__(self, variables, lr=0.05):
        self.variables, self.lr = variables, lr

    def apply_gradients(self, grads, variables):
        for g, v in zip(grads, variables):
            v.assign_sub(self.lr * g)


def build_optimizer(model):
    return SGD(model.trainable_variables)
