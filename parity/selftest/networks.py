"""The small networks, optimizers and data of the self-test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from parity.data.dataset import Dataset
from parity.lazy import np
from parity.spec.load import build_spec
from parity.spec.resolve import Resolved, resolve

ROWS, BATCH = 24, 8
"""Rows of the data, and of a batch: three steps an epoch."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """A small network with its loss.

    Args:
        input: shape of a row.
        layers: as a spec has them.
        loss: as a spec has it.
        outputs: classes of one-hot targets, or size of real ones.
    """

    input: tuple[int, ...]
    layers: tuple[Any, ...]
    loss: Any
    outputs: int

    @property
    def classes(self) -> bool:
        """Return whether the targets are classes."""
        return self.loss not in ("mse", "mae")


SOFTMAX: Any = {"dense": {"units": 5, "activation": "softmax", "name": "out"}}
CROSS: Any = {"categorical_crossentropy": {}}

NETWORKS: dict[str, Network] = {
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
    "regression": Network(
        input=(5,),
        layers=(
            {"dense": {"units": 8, "activation": {"gelu": {"approximate": True}}, "name": "hidden"}},
            {"dense": {"units": 8, "activation": "sigmoid", "name": "second"}},
            {"dense": {"units": 1, "name": "out"}},
        ),
        loss="mse",
        outputs=1,
    ),
    "regression_mae": Network(
        input=(5,),
        layers=(
            {"dense": {"units": 8, "activation": "tanh", "name": "hidden"}},
            {"dense": {"units": 2, "name": "out"}},
        ),
        loss="mae",
        outputs=2,
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
    ),
}
"""By name. Small, since many are run; every op, activation and loss that there is stands in one of them."""

OPTIMIZERS: dict[str, Any] = {
    "sgd": {"sgd": {"learning_rate": 0.05}},
    "momentum": {"sgd": {"learning_rate": 0.05, "momentum": 0.9}},
    "nesterov": {"sgd": {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True}},
    "decayed": {"sgd": {"learning_rate": 0.05, "momentum": 0.9, "decay": 0.1}},
    "adam": {"adam": {"learning_rate": 0.01}},
    "adam_after": {"adam": {"learning_rate": 0.01, "epsilon_place": "after_correction"}},
    "adamw": {"adamw": {"learning_rate": 0.01}},
    "adamw_after": {"adamw": {"learning_rate": 0.01, "epsilon_place": "after_correction"}},
    "nadam": {"nadam": {"learning_rate": 0.01}},
    "adadelta": {"adadelta": {"learning_rate": 1.0}},
    "rmsprop": {"rmsprop": {"learning_rate": 0.01}},
    "rmsprop_centered": {"rmsprop": {"learning_rate": 0.01, "momentum": 0.5, "centered": True}},
    "cosine": {"sgd": {"learning_rate": {"cosine": {"initial_learning_rate": 0.1, "decay_steps": 10}}}},
    "inverse_time": {
        "adam": {
            "learning_rate": {"inverse_time": {"initial_learning_rate": 0.01, "decay_steps": 2, "decay_rate": 0.5}}
        }
    },
}
"""By name."""


def dataset(network: Network, seed: int = 0) -> Dataset:
    """Return invented rows for a network."""
    generator = np.random.default_rng([7, seed])
    x = generator.normal(size=(ROWS, *network.input))
    if network.classes:
        y = np.eye(network.outputs)[generator.integers(0, network.outputs, ROWS)]
    else:
        y = generator.normal(size=(ROWS, network.outputs))
    return Dataset(x=x, y=y, raw_x=x, raw_y=y, description="invented rows of the self-test", stand_in=True)


def side(framework: str, network: Network, optimizer: Any, seed: int = 0, name: str | None = None) -> Resolved:
    """Return a resolved side that trains a network.

    Args:
        framework: that runs it.
        network: what is trained.
        optimizer: as a spec has it.
        seed: of everything random.
        name: of the side, its framework's if not said.
    """
    written: Mapping[str, Any] = {
        "name": "selftest",
        "data": {"source": "rows.npz"},
        "model": {"input": list(network.input), "layers": list(network.layers)},
        "loss": network.loss,
        "optimizer": optimizer,
        "training": {"batch_size": BATCH, "seed": seed},
        "sides": {name or framework: {"framework": framework}},
    }
    return resolve(build_spec(dict(written)))[0]
