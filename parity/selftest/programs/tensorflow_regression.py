import tensorflow as tf


class Model(tf.Module):
    def __init__(self, dtype=tf.float32):
        self.w1 = tf.Variable(tf.random.normal((5, 8), dtype=dtype))
        self.b1 = tf.Variable(tf.zeros(8, dtype))
        self.w2 = tf.Variable(tf.random.normal((8, 1), dtype=dtype))
        self.b2 = tf.Variable(tf.zeros(1, dtype))

    def __call__(self, x, training=None):
        h = tf.tanh(x @ self.w1 + self.b1)
        return h @ self.w2 + self.b2


def build_loss():
    # This computes a single loss value for an entire batch
    def loss(target_y, predicted_y):
        return tf.reduce_mean(tf.square(target_y - predicted_y))

    return loss


class GradientDescent:
    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    def apply_gradients(self, grads, variables):
        for g, v in zip(grads, variables):
            v.assign_sub(self.learning_rate * g)


def build_optimizer(model):
    return GradientDescent(0.05)


def train_step(model, loss, optimizer, x, y):
    with tf.GradientTape() as t:
        # Trainable variables are automatically tracked by GradientTape
        current_loss = loss(y, model(x))
    variables = [model.w1, model.b1, model.w2, model.b2]
    optimizer.apply_gradients(t.gradient(current_loss, variables), variables)
    return current_loss
