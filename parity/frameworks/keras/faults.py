"""Faults planted in Keras programs."""

from __future__ import annotations

from functools import partial

from parity.selftest.planting import PlantedFault

keras = partial(PlantedFault, framework="keras")
mlp = partial(keras, network="mlp", optimizer="adam")
cnn = partial(keras, network="cnn2d", optimizer="momentum")
held = partial(keras, network="held", optimizer="adam")
weighed = partial(keras, network="weighed", optimizer="sgd", phase="loss", tensor="loss")
heads = partial(keras, network="heads", optimizer="sgd")
signals = partial(keras, network="signals", optimizer="sgd")
images = partial(keras, network="images", optimizer="sgd")

LOSS = "keras.losses.CategoricalCrossentropy("
CALLED = "model(x, training=True)"
GRADIENTS = "gradients = tape.gradient(loss, model.trainable_variables)"
NORM = 'BatchNormalization(name="norm")'

FAULTS = [
    # forward
    mlp(name="keep probability taken for a rate", phase="forward", tensor="dropout",
        edits={"Dropout(0.25": "Dropout(0.75"}),
    mlp(name="model called as in evaluation", phase="forward", tensor="dropout",
        edits={CALLED: "model(x, training=False)"}),
    mlp(name="another activation", phase="forward", tensor="square", edits={'"tanh"': '"softsign"'}),
    cnn(name="batch norm with PyTorch's epsilon", phase="forward", tensor="norm",
        edits={NORM: 'BatchNormalization(epsilon=1e-05, name="norm")'}),
    cnn(name="batch norm frozen", phase="forward", tensor="norm",
        edits={NORM: 'BatchNormalization(trainable=False, name="norm")'}),
    cnn(name="average instead of maximum", phase="forward", tensor="pool",
        edits={"MaxPooling2D": "AveragePooling2D"}),
    cnn(name="flattened channels first", phase="forward", tensor="flatten",
        edits={'            keras.layers.Flatten(name="flatten"),\n':
               '            keras.layers.Permute((3, 1, 2)),\n            keras.layers.Flatten(name="flatten"),\n'}),
    cnn(name="padded around, then valid", phase="forward", tensor="conv",
        edits={'keras.layers.Conv2D(6, 3, strides=2, padding="same"':
               'keras.layers.ZeroPadding2D(((1, 1), (1, 0))),\n            keras.layers.Conv2D(6, 3, strides=2'}),
    cnn(name="gelu by tanh instead of exact", phase="forward", tensor="second",
        edits={"activation=gelu": "activation=lambda x: keras.activations.gelu(x, approximate=True)"}),
    signals(name="layer norm with PyTorch's epsilon", phase="forward", tensor="norm",
            edits={"LayerNormalization(": "LayerNormalization(epsilon=1e-05, "}),
    images(name="group norm over other groups", phase="forward", tensor="norm", edits={"groups=2": "groups=4"}),
    images(name="average of whole windows only", phase="forward", tensor="mean",
           edits={'keras.layers.AveragePooling2D(2, strides=1, padding="same", name="mean")(x)':
                  'keras.layers.AveragePooling2D(2, strides=1, name="mean")(\n        '
                  'keras.layers.ZeroPadding2D(((0, 1), (0, 1)))(x)\n    )'}),
    keras(name="enlarged without a line between neighbours", network="decoder", optimizer="sgd", phase="forward",
          tensor="larger", edits={'BilinearUpSampling2D((1, 2), name="larger")':
                                  'keras.layers.UpSampling2D((1, 2), name="larger")'}),
    # loss
    mlp(name="loss summed instead of averaged", phase="loss", tensor="loss",
        edits={LOSS: LOSS + 'reduction="sum"'}),
    mlp(name="probabilities taken for logits", phase="loss", tensor="loss",
        edits={f"return {LOSS})": f"return lambda y, p: {LOSS}from_logits=True)(y, tf.identity(p))"}),
    mlp(name="labels smoothed", phase="loss", tensor="loss", edits={LOSS: LOSS + "label_smoothing=1e-6"}),
    held(name="penalties forgotten", phase="loss", tensor="loss", edits={" + sum(model.losses)": ""}),
    keras(name="(N,) against (N, 1)", network="regression", optimizer="momentum", phase="loss", tensor="loss",
          edits={f"loss_fn(y, {CALLED})": f"tf.reduce_mean((y - tf.squeeze({CALLED}, -1)) ** 2)"}),
    signals(name="label smoothing left out", phase="loss", tensor="loss", edits={"label_smoothing=0.1": ""}),
    keras(name="penalty of the absolute values for that of the squares", network="bounded", optimizer="sgd",
          phase="loss", tensor="loss", edits={"L1L2(l1=0.01, l2=0.02)": "L1L2(l1=0.02, l2=0.01)"}),
    keras(name="penalty of an output forgotten", network="bounded", optimizer="sgd", phase="loss", tensor="loss",
          edits={"keras.regularizers.L2(0.05)": "None"}),
    heads(name="weight of one of two losses left out", phase="loss", tensor="loss",
          edits={"0.25 * loss_of_value(": "loss_of_value("}),
    heads(name="the wrong one of two outputs", phase="loss", tensor="loss",
          edits={'{"label": label, "value": x}': '{"label": x, "value": label}'}),
    weighed(name="sample weights forgotten", edits={f"{CALLED}, sample_weights)": f"{CALLED})"}),
    weighed(name="sample weights divided by their sum",
            edits={f"{LOSS})": f'{LOSS}reduction="mean_with_sample_weight")'}),
    # gradient
    mlp(name="a frozen layer", phase="gradient", tensor="square.kernel",
        edits={'keras.layers.Dense(8, activation="tanh"': 'keras.layers.Dense(8, trainable=False, activation="tanh"'}),
    mlp(name="gradients scaled", phase="gradient", tensor="out.kernel",
        edits={GRADIENTS: GRADIENTS + "\n    gradients = [g / 8 for g in gradients]"}),
    # update
    mlp(name="Adam epsilon 1e-8 for 1e-7", phase="update", tensor="hidden.kernel",
        edits={"epsilon=1e-07": "epsilon=1e-08"}),
    mlp(name="epsilon before the bias correction, not after", optimizer="adam_after", phase="update",
        tensor="hidden.kernel", edits={"optimizer = Adam(": "optimizer = keras.optimizers.Adam("}),
    mlp(name="gradients clipped by the optimizer", phase="update", tensor="hidden.kernel",
        edits={"epsilon=1e-07": "epsilon=1e-07, global_clipnorm=0.01"}),
    mlp(name="weight decay switched on", phase="update", tensor="hidden.kernel",
        edits={"epsilon=1e-07": "epsilon=1e-07, weight_decay=1e-04"}),
    mlp(name="Nesterov switched on", optimizer="momentum", phase="update", tensor="hidden.kernel",
        edits={"momentum=0.9": "momentum=0.9, nesterov=True"}),
    mlp(name="no decay of kernels, either", optimizer="bare", phase="update", tensor="hidden.kernel",
        edits={'var_names=["bias"]': 'var_names=["bias", "kernel"]'}),
    mlp(name="a word that no variable is called by", optimizer="bare", step=2, phase="update", tensor="hidden.bias",
        edits={'var_names=["bias"]': 'var_names=["b_"]'}),
    mlp(name="decay in steps of ten", optimizer="decayed", step=2, phase="update", tensor="hidden.kernel",
        edits={"decay_steps=1,": "decay_steps=10,"}),
    mlp(name="decay in stairs", optimizer="inverse_time", step=2, phase="update", tensor="hidden.kernel",
        edits={"decay_rate=0.5": "decay_rate=0.5, staircase=True"}),
    held(name="max-norm over the other axis", phase="update", tensor="square.kernel",
         edits={"MaxNorm(0.9)": "MaxNorm(0.9, axis=1)"}),
    mlp(name="each gradient clipped by its own norm", optimizer="clipped_global", phase="update",
        tensor="hidden.kernel", edits={"global_clipnorm=0.1": "clipnorm=0.1"}),
    mlp(name="accumulator started at 0", optimizer="adagrad", phase="update", tensor="hidden.kernel",
        edits={"initial_accumulator_value=0.1": "initial_accumulator_value=0.0"}),
    mlp(name="boundaries taken for PyTorch's milestones", optimizer="piecewise", step=2, phase="update",
        tensor="hidden.kernel", edits={"PiecewiseConstantDecay([1, 2]": "PiecewiseConstantDecay([0, 1]"}),
    # state
    cnn(name="batch norm momentum 0.9 for 0.99", phase="state", tensor="norm.moving_mean",
        edits={NORM: 'BatchNormalization(momentum=0.9, name="norm")'}),
    # metric
    mlp(name="dropout active in evaluation", phase="metric", tensor="predictions",
        edits={'keras.layers.Dropout(0.25, name="dropout")':
               'keras.layers.Lambda(lambda x: keras.src.backend.random.dropout(x, 0.25), name="dropout")'}),
]  # fmt: skip
"""In the order of the phases."""
