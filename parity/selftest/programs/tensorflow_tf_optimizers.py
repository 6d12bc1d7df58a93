import tensorflow as tf


class Model(tf.Module):
    def __init__(self, dtype=tf.float32):
        super().__init__()
        init = tf.random.normal
        self.params = {
            "h1": tf.Variable(init([6, 8], dtype=dtype)),
            "b1": tf.Variable(tf.zeros([8], dtype)),
            "out": tf.Variable(init([8, 5], dtype=dtype)),
            "b_out": tf.Variable(tf.zeros([5], dtype)),
        }

    def __call__(self, x, training=False):
        layer_1 = tf.nn.relu(tf.add(tf.matmul(x, self.params["h1"]), self.params["b1"]))
        return tf.matmul(layer_1, self.params["out"]) + self.params["b_out"]


def build_loss():
    return lambda y, logits: tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y, logits=logits))


def build_optimizer(model):
    return tf.optimizers.SGD(learning_rate=0.05)


# Optimization process.
@tf.function
def train_step(model, loss_fn, optimizer, x, y):
    with tf.GradientTape() as g:
        loss = loss_fn(y, model(x))
    trainable_variables = list(model.params.values())
    gradients = g.gradient(loss, trainable_variables)
    optimizer.apply_gradients(zip(gradients, trainable_variables))
    return loss
