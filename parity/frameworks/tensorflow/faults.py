"""Faults planted in raw TensorFlow programs."""

from __future__ import annotations

from functools import partial

from parity.selftest.planting import PlantedFault

tensorflow = partial(PlantedFault, framework="tensorflow")
mlp = partial(tensorflow, network="mlp", optimizer="adam")
cnn = partial(tensorflow, network="cnn2d", optimizer="momentum")
held = partial(tensorflow, network="held", optimizer="momentum")
signals = partial(tensorflow, network="signals", optimizer="sgd")
images = partial(tensorflow, network="images", optimizer="sgd")
weighed = partial(tensorflow, network="weighed", optimizer="sgd", phase="loss", tensor="loss")
decoder = partial(tensorflow, network="decoder", optimizer="sgd")

SQUARE = "tf.matmul(x, self.square_kernel) + self.square_bias"
MEAN = "self.norm_moving_mean.assign(0.99 * self.norm_moving_mean + 0.01 * mean)"
VARIANCE = "self.norm_moving_variance.assign(0.99 * self.norm_moving_variance + 0.01 * variance)"
POOLED = 'tf.nn.max_pool2d(x, 2, 2, "VALID")'
GRADIENTS = "gradients = tape.gradient(loss, model.trainable_variables)"
COUNTED = "self.iterations.assign_add(1)"
NORMALISED = "x, mean, variance, self.norm_beta, self.norm_gamma, 0.001"

UNCONNECTED = {GRADIENTS: GRADIENTS.replace("variables)", 'variables, unconnected_gradients="zero")')}

FAULTS = [
    # forward
    mlp(name="transposed kernel of a square layer", phase="forward", tensor="square",
        edits={"tf.matmul(x, self.square_kernel)": "tf.matmul(x, self.square_kernel, transpose_b=True)"}),
    mlp(name="keep probability taken for a rate", phase="forward", tensor="dropout", edits={"rate=0.25": "rate=0.75"}),
    mlp(name="dropout not scaled up", phase="forward", tensor="dropout",
        edits={"tf.nn.dropout(x, rate=0.25)": "tf.nn.dropout(x, rate=0.25) * 0.75"}),
    mlp(name="training flag not passed on", phase="forward", tensor="dropout",
        edits={"self.dropout(x, training)": "self.dropout(x, False)"}),
    mlp(name="two layers exchanged", phase="forward", tensor="dropout",
        edits={"        x = self.dropout(x, training)\n        x = self.square(x)\n":
               "        x = self.dropout(self.square(x), training)\n"}),
    mlp(name="activation before the bias", phase="gradient", tensor="square.bias",
        edits={f"tf.nn.tanh({SQUARE})": "tf.nn.tanh(tf.matmul(x, self.square_kernel)) + self.square_bias"}),
    cnn(name="same padding on the other side", phase="forward", tensor="conv",
        edits={'tf.nn.conv2d(x, self.conv_kernel, strides=2, padding="SAME")':
               'tf.nn.conv2d(tf.pad(x, [[0, 0], [1, 1], [1, 0], [0, 0]]), self.conv_kernel, strides=2, '
               'padding="VALID")'}),
    cnn(name="flattened channels first", phase="forward", tensor="flatten",
        edits={"tf.reshape(x, (-1, 16))": "tf.reshape(tf.transpose(x, (0, 3, 1, 2)), (-1, 16))"}),
    cnn(name="average instead of maximum", phase="forward", tensor="pool",
        edits={POOLED: POOLED.replace("max_pool2d", "avg_pool2d")}),
    cnn(name="batch norm with PyTorch's epsilon", phase="forward", tensor="norm",
        edits={"self.norm_gamma, 0.001": "self.norm_gamma, 1e-05"}),
    cnn(name="batch norm with running statistics in training", phase="forward", tensor="norm",
        edits={NORMALISED: "x, self.norm_moving_mean, self.norm_moving_variance, self.norm_beta, self.norm_gamma, "
               "0.001"}),
    cnn(name="normalised by an unbiased variance", phase="forward", tensor="norm",
        edits={NORMALISED: "x, mean, variance * (160 / 159), self.norm_beta, self.norm_gamma, 0.001"}),
    cnn(name="gelu by tanh instead of exact", phase="forward", tensor="second",
        edits={"return gelu(": "return tf.nn.gelu(approximate=True, features="}),
    cnn(name="kernel rotated by half a turn", phase="forward", tensor="second",
        edits={"x, self.second_kernel,": "x, tf.reverse(self.second_kernel, [0, 1]),"}),
    signals(name="layer norm over the whole row", phase="forward", tensor="norm", edits={"axes=[2]": "axes=[1, 2]"}),
    images(name="groups of every second channel", phase="forward", tensor="norm",
           edits={"y = tf.reshape(x, (-1, 20, 2, 2))\n        mean, variance = tf.nn.moments(y, axes=[1, 3]":
                  "y = tf.reshape(x, (-1, 20, 2, 2))\n        mean, variance = tf.nn.moments(y, axes=[1, 2]"}),
    images(name="cells of the padding counted in a mean", phase="forward", tensor="mean",
           edits={'tf.nn.avg_pool2d(x, 2, 1, "SAME")':
                  'tf.nn.avg_pool2d(tf.pad(x, [[0, 0], [0, 1], [0, 1], [0, 0]]), 2, 1, "VALID")'}),
    decoder(name="transposed convolution cut off on the other side", phase="forward", tensor="moved",
            edits={"shape = [tf.shape(x)[0], 16, 4]": "shape = [tf.shape(x)[0], 17, 4]",
                   'tf.nn.conv1d_transpose(x, self.moved_kernel, shape, 2, "SAME")':
                   'tf.nn.conv1d_transpose(x, self.moved_kernel, shape, 2, "VALID")[:, 1:]'}),
    tensorflow(name="root mean square without its root", network="tokens", optimizer="sgd", phase="forward",
               tensor="norm", edits={"x / tf.sqrt(square + 1e-06)": "x / (square + 1e-06)"}),
    tensorflow(name="a mean over masked steps, too", network="padded", optimizer="sgd", phase="forward", tensor="mean",
               edits={"x = self.mean(x, left_out_mask)": "x = self.mean(x, tf.ones_like(left_out_mask))"}),
    # loss
    mlp(name="loss summed instead of averaged", phase="loss", tensor="loss",
        edits={"tf.reduce_mean(": "tf.reduce_sum("}),
    mlp(name="sigmoid for softmax cross-entropy", phase="loss", tensor="loss",
        edits={"softmax_cross_entropy_with_logits": "sigmoid_cross_entropy_with_logits"}),
    mlp(name="softmax before a loss from logits", phase="loss", tensor="loss",
        edits={"logits=outputs": "logits=tf.nn.softmax(outputs)"}),
    tensorflow(name="(N,) against (N, 1)", network="regression", optimizer="sgd", phase="loss", tensor="loss",
               edits={"loss = loss_fn(y, model(x, training=True))":
                      "loss = loss_fn(y, tf.squeeze(model(x, training=True), -1))"}),
    held(name="L2 halved, as weight decay is written", phase="loss", tensor="loss", edits={"0.01 * tf": "0.005 * tf"}),
    held(name="L2 forgotten on a bias, while it is zero", step=2, phase="loss", tensor="loss",
         edits={"        + 0.1 * tf.reduce_sum(tf.square(model.square_bias))\n": ""}),
    signals(name="label smoothing left out", phase="loss", tensor="loss", edits={" * (1.0 - 0.1) + 0.1": " + 0.0"}),
    tensorflow(name="logarithm without the one more", network="growth", optimizer="sgd", phase="loss", tensor="loss",
               edits={"tf.math.log(tf.maximum(outputs, 1e-07) + 1.0)": "tf.math.log(tf.maximum(outputs, 1e-07))"}),
    weighed(name="sample weights forgotten", edits={"sample_weights * rows(labels, outputs)": "rows(labels, outputs)"}),
    weighed(name="sample weights divided by their sum",
            edits={"tf.reduce_mean(sample_weights * rows(labels, outputs))":
                   "tf.reduce_sum(sample_weights * rows(labels, outputs)) / tf.reduce_sum(sample_weights)"}),
    tensorflow(name="penalty of an output divided by all of its numbers", network="bounded", optimizer="sgd",
               phase="loss", tensor="loss",
               edits={"tf.shape(model.second_output)[0]": "tf.size(model.second_output)"}),
    tensorflow(name="losses of two outputs swapped", network="heads", optimizer="sgd", phase="loss", tensor="loss",
               edits={"loss_of_label = build_loss_of_label()": "loss_of_label = build_loss_of_value()",
                      "loss_of_value = build_loss_of_value()": "loss_of_value = build_loss_of_label()"}),
    # gradient
    tensorflow(name="the table of tied weights held in the output", network="tied", optimizer="sgd", phase="gradient",
               tensor="table.embeddings", edits={"tf.matmul(x, self.table_embeddings, transpose_b=True)":
                                                 "x @ tf.transpose(tf.stop_gradient(self.table_embeddings))"}),
    mlp(name="gradient stopped", phase="gradient", tensor="hidden.kernel",
        edits={"x = self.dropout(x, training)": "x = tf.stop_gradient(self.dropout(x, training))", **UNCONNECTED}),
    mlp(name="gradients clipped one by one", phase="gradient", tensor="out.kernel",
        edits={GRADIENTS: GRADIENTS + "\n    gradients = [tf.clip_by_norm(g, 0.01) for g in gradients]"}),
    mlp(name="bias added twice, while it is zero", phase="gradient", tensor="square.bias",
        edits={SQUARE: SQUARE + " + self.square_bias"}),
    mlp(name="a frozen layer", phase="gradient", tensor="square.kernel",
        edits={"tf.nn.tanh(tf.matmul(x, self.square_kernel)":
               "tf.nn.tanh(tf.matmul(x, tf.stop_gradient(self.square_kernel))", **UNCONNECTED}),
    mlp(name="last variable, by name, not updated", phase="gradient", tensor="square.kernel",
        edits={"optimizer.apply_gradients(gradients, model.trainable_variables)":
               "optimizer.apply_gradients(gradients[:-1], model.trainable_variables)"}),
    signals(name="one slope for all places", phase="gradient", tensor="bend.alpha",
            edits={"self.bend_alpha * x)": "tf.reduce_mean(self.bend_alpha, axis=0) * x)"}),
    # update
    mlp(name="Adam epsilon 1e-8 for 1e-7", phase="update", tensor="hidden.kernel",
        edits={"epsilon=1e-07": "epsilon=1e-08"}),
    mlp(name="epsilon after the bias correction, not before", phase="update", tensor="hidden.kernel",
        edits={"alpha * m / (tf.sqrt(v) + self.epsilon)":
               "lr * (m / correction_1) / (tf.sqrt(v / correction_2) + self.epsilon)"}),
    mlp(name="bias correction forgotten", phase="update", tensor="hidden.kernel",
        edits={"alpha = lr * tf.sqrt(correction_2) / correction_1": "alpha = lr"}),
    mlp(name="steps not counted", phase="state", tensor="iterations", edits={COUNTED: "pass"}),
    mlp(name="steps counted from 2", phase="update", tensor="hidden.kernel",
        edits={"variables[0].dtype) + 1.0": "variables[0].dtype) + 2.0"}),
    mlp(name="constant rounded to float32", phase="update", tensor="hidden.kernel",
        edits={"correction_2 = 1.0 - self.beta_2**t": "correction_2 = 1.0 - tf.cast(tf.constant(self.beta_2), "
               "t.dtype)**t"}),
    mlp(name="momentum with the sign of the old convention", optimizer="momentum", step=2, phase="update",
        tensor="hidden.kernel", edits={"self.momentum * v - lr * g": "-self.momentum * v - lr * g"}),
    mlp(name="Nesterov forgotten", optimizer="nesterov", phase="update", tensor="hidden.kernel",
        edits={"w.assign_add(self.momentum * v - lr * g)": "w.assign_add(v)"}),
    mlp(name="epsilon outside the root", optimizer="rmsprop", phase="update", tensor="hidden.kernel",
        edits={"tf.sqrt(v + self.epsilon)": "(tf.sqrt(v) + self.epsilon)"}),
    mlp(name="decay of the rate a step late", optimizer="decayed", step=2, phase="update", tensor="hidden.kernel",
        edits={"tf.cast(self.iterations,": "tf.cast(tf.maximum(self.iterations - 1, 0),"}),
    held(name="max-norm forgotten", phase="update", tensor="square.kernel", edits={"    constrain(model)\n": ""}),
    held(name="max-norm over the other axis", phase="update", tensor="square.kernel",
         edits={"0.9, axis=0": "0.9, axis=1"}),
    mlp(name="AMSGrad left out", optimizer="amsgrad", step=2, phase="update", tensor="hidden.kernel",
        edits={"(tf.sqrt(top) +": "(tf.sqrt(v) +"}),
    mlp(name="each gradient clipped by its own norm", optimizer="clipped_global", phase="update",
        tensor="hidden.kernel", edits={"gradients, _ = tf.clip_by_global_norm(gradients, 0.1)":
                                       "gradients = [tf.clip_by_norm(g, 0.1) for g in gradients]"}),
    mlp(name="rate of a linear schedule counted from 1", optimizer="linear", phase="update", tensor="hidden.kernel",
        edits={"tf.cast(self.iterations, variables[0].dtype)": "tf.cast(self.iterations + 1, variables[0].dtype)"}),
    mlp(name="length of the weights left out", optimizer="lamb", phase="update", tensor="hidden.kernel",
        edits={"lr * ratio * d": "lr * d"}),
    mlp(name="betas swapped", optimizer="lion", phase="state", tensor="m/hidden.kernel",
        edits={"beta_1=0.9, beta_2=0.99)": "beta_1=0.99, beta_2=0.9)"}),
    # state
    mlp(name="second moment of the gradient's size", phase="update", tensor="hidden.kernel",
        edits={"(g * g - v)": "(tf.abs(g) - v)"}),
    cnn(name="batch norm momentum 0.9 for 0.99", phase="state", tensor="norm.moving_mean",
        edits={MEAN: MEAN.replace("0.99", "0.9").replace("0.01", "0.1"),
               VARIANCE: VARIANCE.replace("0.99", "0.9").replace("0.01", "0.1")}),
    cnn(name="running mean never moved", phase="state", tensor="norm.moving_mean", edits={MEAN: "pass"}),
    cnn(name="unbiased running variance", phase="state", tensor="norm.moving_variance",
        edits={"0.01 * variance": "0.01 * variance * 160 / 159"}),
    # metric
    mlp(name="dropout active in evaluation", phase="metric", tensor="predictions",
        edits={" if training else x": ""}),
    cnn(name="batch statistics in evaluation", phase="metric", tensor="predictions",
        edits={"mean, variance = self.norm_moving_mean, self.norm_moving_variance":
               "mean, variance = tf.nn.moments(x, axes=[0, 1, 2])"}),
]  # fmt: skip
"""In the order of the phases."""
