"""The leaf question's TensorFlow program, in today's TensorFlow: its loss stays where it is."""

import tensorflow as tf
from leaf_data import leaves

BATCH, EPOCHS, KEEP = 16, 3, 0.4

x, y = leaves()


def weights(*shape, name):
    return tf.Variable(tf.random.truncated_normal(shape), name=name)


W_conv, b_conv = weights(1, 3, 64, name="W_conv"), weights(64, name="b_conv")
W_fc1, b_fc1 = weights(64 * 64, 256, name="W_fc1"), weights(256, name="b_fc1")
W_fc2, b_fc2 = weights(256, 128, name="W_fc2"), weights(128, name="b_fc2")
W_out = weights(128, 99, name="W_out")
variables = [W_conv, b_conv, W_fc1, b_fc1, W_fc2, b_fc2, W_out]


def network(x, keep_prob):
    h = tf.nn.relu(tf.nn.conv1d(x, W_conv, stride=1, padding="SAME") + b_conv)
    h = tf.reshape(h, [-1, 64 * 64])
    h = tf.nn.dropout(h, rate=1 - keep_prob)
    h = tf.nn.relu(tf.matmul(h, W_fc1) + b_fc1)
    h = tf.nn.relu(tf.matmul(h, W_fc2) + b_fc2)
    return tf.nn.softmax(tf.matmul(h, W_out))


optimizer = tf.keras.optimizers.Adam(learning_rate=0.001, epsilon=1e-8)


def train_step(x, y):
    with tf.GradientTape() as tape:
        y_conv = network(x, KEEP)
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=y_conv))
    optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
    return loss


for epoch in range(EPOCHS):
    for step in range(len(x) // BATCH):
        loss = train_step(x[step * BATCH : (step + 1) * BATCH], y[step * BATCH : (step + 1) * BATCH])
    print(f"epoch {epoch + 1}: loss {loss:.6f}")
