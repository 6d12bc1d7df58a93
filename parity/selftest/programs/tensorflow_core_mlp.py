import tensorflow as tf


class DenseLayer(tf.Module):
    def __init__(self, in_dim, out_dim, activation=tf.identity, dtype=tf.float32):
        super().__init__()
        limit = tf.sqrt(6.0 / (in_dim + out_dim))
        self.w = tf.Variable(tf.cast(tf.random.uniform((in_dim, out_dim), -limit, limit), dtype), name="w")
        self.b = tf.Variable(tf.zeros((out_dim,), dtype), name="b")
        self.activation = activation

    def __call__(self, x):
        return self.activation(tf.add(tf.matmul(x, self.w), self.b))


class MLP(tf.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = layers

    def __call__(self, x, training=False):
        for layer in self.layers:
            x = layer(x)
        return x


def build_model(dtype):
    return MLP([DenseLayer(6, 8, tf.nn.relu, dtype), DenseLayer(8, 5, dtype=dtype)])


def cross_entropy_loss(y, y_pred):
    sparse_ce = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=y_pred)
    return tf.reduce_mean(sparse_ce)


class Adam:
    def __init__(self, learning_rate=1e-3, beta_1=0.9, beta_2=0.999, ep=1e-7):
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.learning_rate = learning_rate
        self.ep = ep
        self.t = tf.Variable(1.0, dtype=tf.float64)
        self.v_dvar, self.s_dvar = [], []
        self.built = False

    def apply_gradients(self, grads, vars):
        if not self.built:
            for var in vars:
                self.v_dvar.append(tf.Variable(tf.zeros(var.shape, var.dtype)))
                self.s_dvar.append(tf.Variable(tf.zeros(var.shape, var.dtype)))
            self.built = True
        for i, (d_var, var) in enumerate(zip(grads, vars)):
            t = tf.cast(self.t, var.dtype)
            self.v_dvar[i].assign(self.beta_1 * self.v_dvar[i] + (1 - self.beta_1) * d_var)
            self.s_dvar[i].assign(self.beta_2 * self.s_dvar[i] + (1 - self.beta_2) * tf.square(d_var))
            v_dvar_bc = self.v_dvar[i] / (1 - self.beta_1**t)
            s_dvar_bc = self.s_dvar[i] / (1 - self.beta_2**t)
            var.assign_sub(self.learning_rate * (v_dvar_bc / (tf.sqrt(s_dvar_bc) + self.ep)))
        self.t.assign_add(1.0)


def build_optimizer(model):
    optimizer = Adam(learning_rate=0.01)
    for var in model.trainable_variables:
        optimizer.v_dvar.append(tf.Variable(tf.zeros(var.shape, var.dtype)))
        optimizer.s_dvar.append(tf.Variable(tf.zeros(var.shape, var.dtype)))
    optimizer.built = True
    return optimizer
