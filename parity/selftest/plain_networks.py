"""Small networks of dense layers and convolutions, in which most faults are planted."""

from __future__ import annotations

from parity.selftest.network import CROSS, SOFTMAX, Network

PLAIN: dict[str, Network] = {
    "mlp": Network(
        input=(6,),
        layers=(
            {"dense": {"units": 8, "activation": "relu", "name": "hidden"}},
            {"dropout": {"rate": 0.25, "name": "dropout"}},
            {"dense": {"units": 8, "activation": "tanh", "name": "square"}},
            SOFTMAX,
        ),
        loss=CROSS,
        outputs=5,
    ),
    "mlp_norm": Network(
        input=(6,),
        layers=(
            {"dense": {"units": 12, "name": "hidden"}},
            {"batch_norm": {"name": "norm"}},
            {"activation": {"function": "gelu", "name": "gelu"}},
            {"dropout": {"rate": 0.5, "name": "dropout"}},
            {"dense": {"units": 5, "name": "out"}},
        ),
        loss={"categorical_crossentropy": {"from_logits": True}},
        outputs=5,
    ),
    "mlp_index": Network(
        input=(6,),
        layers=(
            {"dense": {"units": 8, "activation": "relu", "name": "hidden"}},
            {"dense": {"units": 5, "name": "out"}},
        ),
        loss={"sparse_categorical_crossentropy": {"from_logits": True}},
        outputs=5,
    ),
    "weighed": Network(
        input=(6,),
        layers=({"dense": {"units": 7, "activation": "tanh", "name": "hidden"}}, SOFTMAX),
        loss=CROSS,
        outputs=5,
        weighs=True,
    ),
    "regression": Network(
        input=(5,),
        layers=(
            {"dense": {"units": 8, "activation": {"gelu": {"approximate": True}}, "name": "hidden"}},
            {"dense": {"units": 8, "activation": "sigmoid", "name": "second"}},
            {"dense": {"units": 1, "name": "out"}},
        ),
        loss="mse",
        outputs=1,
        targets="real",
    ),
    "regression_mae": Network(
        input=(5,),
        layers=(
            {"dense": {"units": 8, "activation": "tanh", "name": "hidden"}},
            {"dense": {"units": 2, "name": "out"}},
        ),
        loss="mae",
        outputs=2,
        targets="real",
    ),
    "multilabel": Network(
        input=(6,),
        layers=(
            {"dense": {"units": 9, "activation": {"leaky_relu": {"negative_slope": 0.1}}, "name": "hidden"}},
            {"dense": {"units": 5, "activation": "sigmoid", "name": "out"}},
        ),
        loss={"sigmoid_crossentropy": {}},
        outputs=5,
    ),
    "held": Network(
        input=(6,),
        layers=(
            {"dense": {"units": 8, "activation": "relu", "kernel_regularizer": {"l2": 0.01}, "name": "hidden"}},
            {
                "dense": {
                    "units": 7,
                    "kernel_constraint": {"max_norm": {"max_value": 0.9}},
                    "name": "square",
                    "bias_regularizer": {"l2": 0.1},
                    "kernel_regularizer": {"l2": 0.02},
                }
            },
            SOFTMAX,
        ),
        loss=CROSS,
        outputs=5,
    ),
    "cnn1d": Network(
        input=(9, 3),
        layers=(
            {
                "conv1d": {
                    "filters": 4,
                    "kernel_size": 3,
                    "strides": 2,
                    "padding": "same",
                    "name": "conv",
                    "activation": {"leaky_relu": {"negative_slope": 0.2}},
                }
            },
            {"max_pooling1d": {"pool_size": 2, "padding": "same", "name": "pool"}},
            {"flatten": {"name": "flatten"}},
            SOFTMAX,
        ),
        loss=CROSS,
        outputs=5,
    ),
    "cnn1d_deep": Network(
        input=(16, 2),
        layers=(
            {
                "conv1d": {
                    "filters": 6,
                    "kernel_size": 2,
                    "activation": "relu",
                    "kernel_initializer": "he_normal",
                    "name": "conv",
                }
            },
            {"conv1d": {"filters": 6, "kernel_size": 3, "dilation_rate": 2, "padding": "same", "name": "wide"}},
            {"batch_norm": {"momentum": 0.9, "epsilon": 1e-5, "unbiased_variance": True, "name": "norm"}},
            {"activation": {"function": "relu", "name": "relu"}},
            {"max_pooling1d": {"pool_size": 3, "strides": 2, "name": "pool"}},
            {"flatten": {"name": "flatten"}},
            {"dropout": {"rate": 0.3, "name": "dropout"}},
            SOFTMAX,
        ),
        loss=CROSS,
        outputs=5,
    ),
    "cnn2d": Network(
        input=(9, 8, 3),
        layers=(
            {
                "conv2d": {
                    "filters": 6,
                    "kernel_size": 3,
                    "strides": 2,
                    "padding": "same",
                    "activation": "relu",
                    "name": "conv",
                }
            },
            {"batch_norm": {"name": "norm"}},
            {"max_pooling2d": {"pool_size": 2, "name": "pool"}},
            {"conv2d": {"filters": 4, "kernel_size": 2, "padding": "same", "activation": "gelu", "name": "second"}},
            {"flatten": {"name": "flatten"}},
            SOFTMAX,
        ),
        loss=CROSS,
        outputs=5,
    ),
    "cnn2d_norm": Network(
        input=(8, 8, 3),
        layers=(
            {"conv2d": {"filters": 8, "kernel_size": 3, "name": "conv", "use_bias": False}},
            {"batch_norm": {"momentum": 0.9, "scale": False, "name": "norm"}},
            {"activation": {"function": "relu", "name": "relu"}},
            {"max_pooling2d": {"pool_size": 3, "strides": 2, "padding": "same", "name": "pool"}},
            {"dropout": {"rate": 0.2, "name": "dropout"}},
            {"conv2d": {"filters": 8, "kernel_size": [1, 3], "activation": "tanh", "name": "second"}},
            {"flatten": {"name": "flatten"}},
            {"dense": {"units": 10, "activation": "relu", "name": "hidden"}},
            SOFTMAX,
        ),
        loss=CROSS,
        outputs=5,
    ),
    "cnn2d_first": Network(
        input=(3, 9, 8),
        layers=(
            {
                "conv2d": {
                    "filters": 6,
                    "kernel_size": 3,
                    "strides": 2,
                    "padding": "same",
                    "data_format": "channels_first",
                    "activation": "relu",
                    "name": "conv",
                }
            },
            {"batch_norm": {"axis": 1, "name": "norm"}},
            {"max_pooling2d": {"pool_size": 2, "data_format": "channels_first", "name": "pool"}},
            {"dropout": {"rate": 0.2, "name": "dropout"}},
            {"flatten": {"name": "flatten"}},
            SOFTMAX,
        ),
        loss=CROSS,
        outputs=5,
    ),
    "residual": Network(
        input=(6, 5, 3),
        layers=(
            {"conv2d": {"filters": 4, "kernel_size": 3, "padding": "same", "use_bias": False, "name": "conv"}},
            {"batch_norm": {"name": "norm"}},
            {"activation": {"function": "relu", "name": "relu"}},
            {"conv2d": {"filters": 4, "kernel_size": 3, "padding": "same", "name": "second"}},
            {"dropout": {"rate": 0.25, "name": "drop"}},
            {"add": {"inputs": ["drop", "relu"], "name": "add"}},
            {"activation": {"function": "relu", "name": "relu_2"}},
            {"conv2d": {"filters": 3, "kernel_size": 1, "name": "left"}},
            {"conv2d": {"filters": 3, "kernel_size": 1, "inputs": "relu_2", "name": "right"}},
            {"concatenate": {"inputs": ["left", "right"], "name": "both"}},
            {"flatten": {"name": "flatten"}},
            SOFTMAX,
        ),
        loss=CROSS,
        outputs=5,
    ),
    "towers": Network(
        input=(6,),
        layers=(
            {"dense": {"units": 5, "activation": "tanh", "name": "left"}},
            {"dense": {"units": 5, "activation": "sigmoid", "inputs": "input", "name": "right"}},
            {"dense": {"units": 4, "activation": "tanh", "inputs": "left", "name": "tower"}},
            {"again": {"layer": "tower", "inputs": "right", "name": "other"}},
            {"subtract": {"inputs": ["tower", "other"], "name": "apart"}},
            {"multiply": {"inputs": ["tower", "other"], "name": "alike"}},
            {"average": {"inputs": ["apart", "alike"], "name": "mean"}},
            {"maximum": {"inputs": ["mean", "tower"], "name": "most"}},
            {"minimum": {"inputs": ["most", "alike"], "name": "least"}},
            {"concatenate": {"inputs": ["mean", "least"], "name": "both"}},
            {"dense": {"units": 2, "name": "out"}},
        ),
        loss="mse",
        outputs=2,
        targets="real",
    ),
}
"""By name."""
