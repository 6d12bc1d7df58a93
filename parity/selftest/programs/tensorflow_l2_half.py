import tensorflow as tf

BETA = 0.01


class Model(tf.Module):
    def __init__(self, dtype=tf.float32):
        self.weights = {
            "w1": tf.Variable(tf.random.normal((6, 8), dtype=dtype)),
            "w2": tf.Variable(tf.random.normal((8, 5), dtype=dtype)),
        }
        self.biases = {"b1": tf.Variable(tf.zeros(8, dtype)), "b2": tf.Variable(tf.zeros(5, dtype))}

    def __call__(self, x, training=False):
        h = tf.nn.relu(x @ self.weights["w1"] + self.biases["b1"])
        return h @ self.weights["w2"] + self.biases["b2"]


def loss(y, logits):
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y, logits))


class SGD:
    def apply_gradients(self, grads, variables):
        for g, v in zip(grads, variables):
            v.assign_sub(0.05 * g)


def build_optimizer(model):
    return SGD()


@tf.function
def train_step(model, loss_fn, optimizer, x, y):
    variables = [*model.weights.values(), *model.biases.values()]
    with tf.GradientTape() as tape:
        cost = loss_fn(y, model(x))
        regularizer = sum(tf.nn.l2_loss(w) for w in model.weights.values())
        cost = cost + BETA * regularizer
    optimizer.apply_gradients(tape.gradient(cost, variables), variables)
    return cost
