"""Specs with a mistake, and specs with none, for the rules that advise before training."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 60

# ---------------------------------------------------------------------------------------------------- data


def inputs(*shape: int, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(ROWS, *shape)) * scale


def labels(classes: int = 5) -> np.ndarray:
    return np.random.default_rng(1).integers(0, classes, ROWS)


def between(low: float, high: float, *shape: int) -> np.ndarray:
    return np.random.default_rng(2).uniform(low, high, (ROWS, *shape))


def shares() -> np.ndarray:
    drawn = between(0.0, 1.0, 5)
    return drawn / drawn.sum(axis=1, keepdims=True)


def with_ends(targets: np.ndarray) -> np.ndarray:
    """Return targets, every tenth of which is exactly 0 or 1."""
    targets[::10] = np.arange(len(targets[::10]))[:, None] % 2
    return targets


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A spec and its data.

    Args:
        layers: of the model.
        loss: of the spec.
        x: inputs.
        y: targets.
        row: what the model reads, the shape of a row of x if not said.
        finds: the rules that are to speak, with the sides they are to speak of.
        more: other parts of the spec.
    """

    layers: list[Any]
    loss: Any
    x: np.ndarray = field(default_factory=lambda: inputs(8))
    y: np.ndarray = field(default_factory=labels)
    row: tuple[int, ...] = ()
    finds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)

    def plain(self, folder: Path) -> dict[str, Any]:
        """Return the spec as plain data, its rows in a file."""
        np.savez(folder / "rows.npz", X=self.x, y=self.y)
        more = copy.deepcopy(dict(self.more))
        data = {"source": str(folder / "rows.npz"), **more.pop("data", {})}
        model = {**(more.pop("model", None) or {"input": list(self.row or self.x.shape[1:])}), "layers": self.layers}
        return {
            "name": "asked", "data": data, "loss": self.loss, "optimizer": "sgd", "model": model,
            "sides": {"keras": {"framework": "keras"}}, **more,
        }  # fmt: skip


def dense(units: int, activation: str = "linear", **more: Any) -> dict[str, Any]:
    return {"dense": {"units": units, "activation": activation, **more}}


HIDDEN = dense(16, "relu", name="hidden")
CCE, SCE = "categorical_crossentropy", "sigmoid_crossentropy"
LOGITS: Any = {"from_logits": True}
SPREAD: Any = {"truncated_normal": {"stddev": 1.0}}
BOTH = {"sides": {"keras": {"framework": "keras"}, "torch": {"framework": "torch"}}}
EACH = {"sides": {name: {"framework": name} for name in ("keras", "tensorflow", "torch")}}
NATIVE = {"sides": {name: {"framework": name, "defaults": "native"} for name in ("keras", "tensorflow", "torch")}}
WIDE = [dense(400, "relu", name="a"), dense(300, "relu", name="b"), dense(5, "softmax", name="out")]
BINARY = (between(0.0, 1.0, 5) > 0.5).astype(float)
CONV = {"conv2d": {"filters": 4, "kernel_size": 3, "activation": "relu"}}
FIRST = {"conv2d": {"filters": 4, "kernel_size": 3, "activation": "relu", "data_format": "channels_first"}}
HELD = {"data": {"validation_split": 0.2}}
SLEEPY = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(8, 16)
        self.out = nn.Linear(16, 5)

    def forward(self, x):
        x = torch.relu(self.hidden(x))
        x = nn.functional.dropout(x, 0.5{training})
        return self.out(x)


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.01)
"""

WRONG: dict[str, Situation] = {
    "a softmax before a cross-entropy from logits": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss={CCE: LOGITS}, finds={"softmax_before_logits": ("keras",)}
    ),
    "a softmax before a cross-entropy of class numbers": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss={"sparse_categorical_crossentropy": LOGITS},
        finds={"softmax_before_logits": ("keras",)},
    ),
    "a softmax in a layer of its own": Situation(
        layers=[HIDDEN, dense(5), {"activation": "softmax"}], loss={CCE: LOGITS},
        finds={"softmax_before_logits": ("keras",)},
    ),
    "a sigmoid before its cross-entropy from logits": Situation(
        layers=[HIDDEN, dense(5, "sigmoid")], loss={SCE: LOGITS}, y=BINARY, finds={"softmax_before_logits": ("keras",)}
    ),
    "a softmax before the other cross-entropy, on both sides": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss={SCE: LOGITS}, more=BOTH,
        finds={"softmax_before_logits": ("keras", "torch")},
    ),
    "a softmax that a flatten hands on": Situation(
        layers=[{"conv1d": {"filters": 5, "kernel_size": 8, "activation": "softmax"}}, "flatten"], loss={CCE: LOGITS},
        x=inputs(8, 2), finds={"softmax_before_logits": ("keras",)},
    ),
    "a softmax put in by one side": Situation(
        layers=[HIDDEN, dense(5, name="out")], loss={CCE: LOGITS}, finds={"softmax_before_logits": ("port",)},
        more={"sides": {"keras": {"framework": "keras"},
                        "port": {"framework": "torch", "changes": {"layers.out.activation": "softmax"}}}},
    ),
    "a softmax left to frameworks whose cross-entropy reads logits by default": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss=CCE, more=NATIVE,
        finds={"softmax_before_logits": ("tensorflow", "torch")},
    ),
    "nothing before a cross-entropy from probabilities": Situation(
        layers=[HIDDEN, dense(5)], loss=CCE, finds={"logits_before_probabilities": ("keras",)}
    ),
    "a relu before it": Situation(
        layers=[HIDDEN, dense(5, "relu")], loss=CCE, finds={"logits_before_probabilities": ("keras",)}
    ),
    "a tanh before a sigmoid cross-entropy": Situation(
        layers=[HIDDEN, dense(5, "tanh")], loss=SCE, y=BINARY, finds={"logits_before_probabilities": ("keras",)}
    ),
    "batch norm last": Situation(
        layers=[dense(5), "batch_norm"], loss=CCE, finds={"logits_before_probabilities": ("keras",)}
    ),
    "a sigmoid where targets are standardized": Situation(
        layers=[HIDDEN, dense(2, "sigmoid")], loss="mse", y=inputs(2), finds={"targets_out_of_reach": ("keras",)}
    ),
    "a sigmoid where targets go to 50": Situation(
        layers=[HIDDEN, dense(1, "sigmoid")], loss="mse", y=between(0.0, 50.0, 1),
        finds={"targets_out_of_reach": ("keras",)},
    ),
    "a tanh where targets go to 10": Situation(
        layers=[HIDDEN, dense(1), {"activation": "tanh"}], loss="mse", y=between(0.0, 10.0, 1),
        finds={"targets_out_of_reach": ("keras",)},
    ),
    "accuracy of quantities": Situation(
        layers=[HIDDEN, dense(1)], loss="mse", y=inputs(1), more={"metrics": ["accuracy"]},
        finds={"accuracy_on_regression": ("keras",)},
    ),
    "accuracy of quantities from 0 to 1, ends among them": Situation(
        layers=[HIDDEN, dense(3, "sigmoid")], loss="mse", y=with_ends(between(0.0, 1.0, 3)),
        more={"metrics": ["accuracy"]}, finds={"accuracy_on_regression": ("keras",)},
    ),
    "targets without the axis of the outputs": Situation(
        layers=[HIDDEN, dense(1)], loss="mse", y=inputs(), more=EACH,
        finds={"broadcast_target": ("tensorflow", "torch")},
    ),
    "flat targets that a spec asks to stretch": Situation(
        layers=[HIDDEN, dense(1)], loss={"mae": {"broadcast": "stretch"}}, y=inputs(),
        finds={"broadcast_target": ("keras",)},
    ),
    "pictures with their colours first": Situation(
        layers=[CONV, "flatten", dense(5, "softmax")], loss=CCE, x=inputs(3, 16, 16),
        finds={"misplaced_channels": ("keras",)},
    ),
    "the leaf's rows without the transpose": Situation(
        layers=[{"conv1d": {"filters": 8, "kernel_size": 1}}, "flatten", dense(5, "softmax")], loss=CCE,
        x=inputs(192), row=(3, 64), more={"data": {"reshape": [3, 64]}}, finds={"misplaced_channels": ("keras",)},
    ),
    "pictures with their colours last before layers that read them first": Situation(
        layers=[FIRST, "flatten", dense(5, "softmax")], loss=CCE, x=inputs(16, 16, 3),
        finds={"misplaced_channels": ("keras",)},
    ),
    "weights of standard deviation 1 on one side": Situation(
        layers=WIDE, loss=CCE, x=inputs(200), finds={"exploding_initializer": ("port",)},
        more={"sides": {"keras": {"framework": "keras"}, "port": {
            "framework": "tensorflow", "changes": {"layers.*.kernel_initializer": SPREAD}}}},
    ),
    "weights of 1": Situation(
        layers=[dense(100, "relu", kernel_initializer="ones"), dense(50, "relu", kernel_initializer="ones"),
                dense(5, "softmax")],
        loss=CCE, x=inputs(100), finds=dict.fromkeys(["exploding_initializer", "alike_units"], ("keras",)),
    ),
    "a bias that outweighs everything": Situation(
        layers=[dense(16, "relu", bias_initializer={"constant": 1000.0}), dense(5, "softmax")], loss=CCE,
        finds={"exploding_initializer": ("keras",)},
    ),
    "the last fifth of rows sorted by class": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss=CCE, y=np.sort(labels()), more=HELD,
        finds={"sorted_validation": ("keras",)},
    ),
    "the last fifth of rows whose two halves are two classes": Situation(
        layers=[HIDDEN, dense(2, "softmax")], loss=CCE, y=np.arange(ROWS) // (ROWS // 2), more=HELD,
        finds={"sorted_validation": ("keras",)},
    ),
    "the last fifth of rows sorted by a quantity": Situation(
        layers=[HIDDEN, dense(1)], loss="mse", y=np.sort(inputs(1), axis=0)[::-1], more=HELD,
        finds={"sorted_validation": ("keras",)},
    ),
    "rows sorted by class that nothing shuffles": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss=CCE, y=np.sort(labels()),
        more={"training": {"shuffle": False, "batch_size": 4}}, finds={"sorted_rows": ("keras",)},
    ),
    "blocks of classes in any order that nothing shuffles on one side": Situation(
        layers=[HIDDEN, dense(3, "softmax")], loss=CCE, y=np.repeat([2, 0, 1], ROWS // 3),
        finds={"sorted_rows": ("b",)},
        more={"sides": {"a": {"framework": "keras"}, "b": {
            "framework": "torch", "changes": {"training.shuffle": False, "training.batch_size": 5}}}},
    ),
    "a softmax over one output": Situation(
        layers=[HIDDEN, dense(1, "softmax")], loss=SCE, y=BINARY[:, :1], finds={"one_output": ("keras",)}
    ),
    "a categorical cross-entropy of one output": Situation(
        layers=[HIDDEN, dense(1)], loss={CCE: LOGITS}, y=BINARY[:, :1] * 0.5 + 0.5, finds={"one_output": ("keras",)}
    ),
    "a sigmoid cross-entropy of targets up to 50": Situation(
        layers=[HIDDEN, dense(1)], loss={SCE: LOGITS}, y=between(0.0, 50.0, 1),
        finds={"targets_no_probabilities": ("keras",)},
    ),
    "a categorical cross-entropy of targets below 0": Situation(
        layers=[HIDDEN, dense(5)], loss={CCE: LOGITS}, y=inputs(5), finds={"targets_no_probabilities": ("keras",)}
    ),
    "a categorical cross-entropy of rows that are all 0": Situation(
        layers=[HIDDEN, dense(5)], loss={CCE: LOGITS}, y=shares() * (np.arange(ROWS) % 4 > 0)[:, None],
        finds={"targets_no_probabilities": ("keras",)},
    ),
    "times in seconds, which float32 cannot tell apart": Situation(
        layers=[HIDDEN, dense(1)], loss="mse", y=inputs(1),
        x=np.stack([np.arange(ROWS) + 1_700_000_000.0, np.arange(ROWS)], axis=1),
        finds=dict.fromkeys(["rounded_inputs", "unscaled_inputs"], ("keras",)),
    ),
    "one row a batch, which batch norm takes the mean of, left to PyTorch's default": Situation(
        layers=[HIDDEN, "batch_norm", dense(5)], loss={CCE: LOGITS}, more=NATIVE, finds={"batch_of_one": ("torch",)}
    ),
    "a sigmoid of classes that exclude each other": Situation(
        layers=[HIDDEN, dense(5, "sigmoid")], loss=CCE, finds={"sigmoid_of_classes": ("keras",)}
    ),
    "a sigmoid of the numbers of classes": Situation(
        layers=[HIDDEN, dense(5, "sigmoid")], loss="sparse_" + CCE, finds={"sigmoid_of_classes": ("keras",)}
    ),
    "a softmax of several labels": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss=CCE, y=np.maximum(BINARY, np.eye(5)[labels()]),
        finds={"softmax_of_quantities": ("keras",)},
    ),
    "a softmax of three quantities": Situation(
        layers=[HIDDEN, dense(3, "softmax")], loss="mse", y=between(0.0, 1.0, 3),
        finds={"softmax_of_quantities": ("keras",)},
    ),
    "an absolute error of yes and no": Situation(
        layers=[HIDDEN, dense(1, "sigmoid")], loss="mae", y=BINARY[:, :1], finds={"median_of_classes": ("keras",)}
    ),
    "raw pixels": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss=CCE, x=np.abs(inputs(64, scale=200.0)),
        finds={"unscaled_inputs": ("keras",)},
    ),
    "heights in millimetres that all are near to one another": Situation(
        layers=[HIDDEN, dense(1)], loss={SCE: LOGITS}, y=BINARY[:, :1], x=np.abs(inputs(3, scale=15.0)) + 1700.0,
        more={"optimizer": "adam"}, finds={"unscaled_inputs": ("keras",)},
    ),
    "dollars behind a sigmoid": Situation(
        layers=[dense(4, "sigmoid"), dense(1, "sigmoid")], loss=SCE, y=BINARY[:, :1], x=np.abs(inputs(2, scale=2e4)),
        finds={"unscaled_inputs": ("keras",)},
    ),
    "a learning rate of 3": Situation(
        layers=[dense(30, "relu"), dense(1)], loss="mse", y=inputs(1),
        more={"optimizer": {"sgd": {"learning_rate": 3.0}}}, finds={"rate_too_large": ("keras",)},
    ),
    "a rate that bears targets of 1 and not those of a thousand, on one side": Situation(
        layers=[dense(30, "relu"), dense(1)], loss="mse", y=inputs(1, scale=1e3),
        finds={"rate_too_large": ("b",)},
        more={"sides": {"a": {"framework": "keras", "changes": {"optimizer.learning_rate": 1e-6}},
                        "b": {"framework": "torch", "changes": {"optimizer.learning_rate": 1.0}}}},
    ),
    "a rate of a billionth": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss=CCE,
        more={"optimizer": {"sgd": {"learning_rate": 1e-9}}, "training": {"epochs": 20}},
        finds={"rate_too_small": ("keras",)},
    ),
    "a rate of a billionth behind a softmax over one output": Situation(
        layers=[HIDDEN, dense(1, "softmax")], loss="mse", y=BINARY[:, :1],
        more={"optimizer": {"sgd": {"learning_rate": 1e-9}}, "training": {"epochs": 20}},
        finds=dict.fromkeys(["rate_too_small", "one_output"], ("keras",)),
    ),
    "ten updates on all rows": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss=CCE, more={"training": {"epochs": 10, "batch_size": 64}},
        finds={"too_few_updates": ("keras",)},
    ),
    "kernels that all start at 0": Situation(
        layers=[dense(16, "tanh", kernel_initializer="zeros"), dense(5, "softmax", kernel_initializer="zeros")],
        loss=CCE, finds={"alike_units": ("keras",)},
    ),
    "a relu behind a bias of -20": Situation(
        layers=[dense(16, "relu", bias_initializer={"constant": -20.0}), dense(5, "softmax")], loss=CCE,
        finds={"dead_layer": ("keras",)},
    ),
    "two dense layers with nothing between them": Situation(
        layers=[dense(16), dense(12), {"dropout": 0.2}, dense(5, "softmax")], loss=CCE,
        finds={"linear_stack": ("keras",)},
    ),
    "dropout of the answers": Situation(
        layers=[HIDDEN, dense(1), {"dropout": 0.2}], loss="mse", y=inputs(1), finds={"dropout_on_output": ("keras",)}
    ),
    "one row a batch that is normalised": Situation(
        layers=[HIDDEN, "batch_norm", dense(5, "softmax")], loss=CCE, more={"training": {"batch_size": 1}},
        finds={"batch_of_one": ("keras",)},
    ),
    "three mistakes at once": Situation(
        layers=[CONV, "flatten", dense(5, "softmax")], loss={CCE: LOGITS},
        x=inputs(3, 64, 64), y=np.sort(labels()), more=HELD,
        finds=dict.fromkeys(["misplaced_channels", "softmax_before_logits", "sorted_validation"], ("keras",)),
    ),
}  # fmt: skip
"""Specs with a mistake or more, and what is to be said of them."""

CLEAN: dict[str, Situation] = {
    "a softmax whose cross-entropy looks behind it": Situation(layers=[HIDDEN, dense(5, "softmax")], loss=CCE),
    "logits in three frameworks, with their own defaults": Situation(
        layers=[HIDDEN, "batch_norm", dense(5)], loss={CCE: LOGITS}, more={**NATIVE, "training": {"batch_size": 16}}
    ),
    "logits": Situation(layers=[HIDDEN, dense(5)], loss={CCE: LOGITS}),
    "flat targets that are given as a column": Situation(
        layers=[HIDDEN, dense(1)], loss="mse", y=inputs(), more={**EACH, "data": {"targets": "column"}}
    ),
    "flat answers, which no framework's cross-entropy stretches": Situation(
        layers=[HIDDEN, dense(1)], loss={SCE: LOGITS}, y=BINARY[:, 0], more=EACH
    ),
    "numbers of classes": Situation(layers=[HIDDEN, dense(5)], loss={"sparse_" + CCE: LOGITS}, more=EACH),
    "logits of several labels": Situation(layers=[HIDDEN, dense(5)], loss={SCE: LOGITS}, y=BINARY),
    "a sigmoid and its cross-entropy": Situation(
        layers=[HIDDEN, dense(5, "sigmoid")], loss=SCE, y=BINARY, more={"metrics": ["accuracy"]}
    ),
    "a softmax read as probabilities": Situation(layers=[HIDDEN, dense(5, "softmax")], loss=SCE),
    "a softmax that a flatten hands on as probabilities": Situation(
        layers=[{"conv1d": {"filters": 5, "kernel_size": 8, "activation": "softmax"}}, "flatten"], loss=CCE,
        x=inputs(8, 2),
    ),
    "a sigmoid where targets are scaled to [0, 1]": Situation(
        layers=[HIDDEN, dense(3, "sigmoid")], loss="mse", y=with_ends(between(0.0, 1.0, 3))
    ),
    "a sigmoid where scaling left a rounding error": Situation(
        layers=[HIDDEN, dense(1, "sigmoid")], loss="mse", y=between(0.0, 1.0 + 1e-12, 1)
    ),
    "a tanh where targets are in [-1, 1]": Situation(
        layers=[HIDDEN, dense(1, "tanh")], loss="mse", y=between(-1.0, 1.0, 1)
    ),
    "a relu where targets are positive": Situation(
        layers=[HIDDEN, dense(1, "relu")], loss="mse", y=between(0.0, 900.0, 1)
    ),
    "a linear output of anything": Situation(layers=[HIDDEN, dense(1)], loss="mse", y=inputs(1, scale=1e4)),
    "classes learned with a squared error": Situation(
        layers=[HIDDEN, dense(5)], loss="mse", more={"metrics": ["accuracy"]}
    ),
    "soft labels with an accuracy": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss=CCE, y=shares(), more={"metrics": ["accuracy"]}
    ),
    "soft labels learned with a squared error": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss="mse", y=shares(), more={"metrics": ["accuracy"]}
    ),
    "pictures with their colours last": Situation(
        layers=[CONV, "flatten", dense(5, "softmax")], loss=CCE, x=inputs(16, 16, 3)
    ),
    "pictures with their colours first before layers that read them first": Situation(
        layers=[FIRST, "flatten", dense(5, "softmax")], loss=CCE, x=inputs(3, 16, 16)
    ),
    "sixty-four places of three": Situation(
        layers=[{"conv1d": {"filters": 8, "kernel_size": 1}}, "flatten", dense(5, "softmax")], loss=CCE,
        x=inputs(192), row=(64, 3), more={"data": {"reshape": [3, 64], "transpose": [1, 0]}},
    ),
    "ten steps of many features": Situation(
        layers=[{"conv1d": {"filters": 8, "kernel_size": 3}}, "flatten", dense(5, "softmax")], loss=CCE,
        x=inputs(10, 64),
    ),
    "four sensors in time, one channel": Situation(
        layers=[{"conv2d": {"filters": 4, "kernel_size": [4, 9]}}, "flatten", dense(5, "softmax")], loss=CCE,
        x=inputs(4, 40, 1),
    ),
    "a sequence as a picture of one row": Situation(
        layers=[{"conv2d": {"filters": 4, "kernel_size": [1, 5]}}, "flatten", dense(5, "softmax")], loss=CCE,
        x=inputs(1, 32, 16),
    ),
    "colours first that nothing moves along": Situation(
        layers=["flatten", HIDDEN, dense(5, "softmax")], loss=CCE, x=inputs(3, 16, 16)
    ),
    "ten layers of he_normal": Situation(
        layers=[*(dense(64, "relu", kernel_initializer="he_normal") for _ in range(10)), dense(5, "softmax")], loss=CCE
    ),
    "raw pixels that a layer rescales": Situation(
        layers=[{"rescaling": {"scale": 0.005}}, "flatten", HIDDEN, dense(5, "softmax")], loss=CCE,
        x=np.abs(inputs(8, 8, 1, scale=200.0)),
    ),
    "large weights that are normalised right away": Situation(
        layers=[dense(300, kernel_initializer=SPREAD), "batch_norm", {"activation": "relu"},
                dense(200, kernel_initializer=SPREAD), {"dropout": 0.3}, "batch_norm", {"activation": "relu"},
                dense(5, "softmax")],
        loss=CCE, x=inputs(200),
    ),
    "weights of 0.05": Situation(
        layers=[dense(300, "relu", kernel_initializer="truncated_normal"), dense(5, "softmax")], loss=CCE, x=inputs(200)
    ),
    "large weights of a small network": Situation(
        layers=[dense(8, "tanh", kernel_initializer=SPREAD), dense(5, "softmax", kernel_initializer=SPREAD)], loss=CCE
    ),
    "the last fifth of rows in a random order": Situation(layers=[HIDDEN, dense(5, "softmax")], loss=CCE, more=HELD),
    "the last fifth of many small classes": Situation(
        layers=[HIDDEN, dense(30, "softmax")], loss=CCE, more=HELD,
        y=np.random.default_rng(5).permutation(np.arange(ROWS) // 2),
    ),
    "the last fifth of a walk": Situation(
        layers=[HIDDEN, dense(1)], loss="mse", more=HELD, y=np.cumsum(inputs(1), axis=0)
    ),
    "rows sorted by class in batches that hold several": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss=CCE, y=np.sort(labels()),
        more={"training": {"shuffle": False, "batch_size": 30}},
    ),
    "rows in a random order that nothing shuffles": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss=CCE, more={"training": {"shuffle": False, "batch_size": 4}}
    ),
    "quantities in order that nothing shuffles": Situation(
        layers=[HIDDEN, dense(1)], loss="mse", y=np.sort(inputs(1), axis=0),
        more={"training": {"shuffle": False, "batch_size": 4}},
    ),
    "one output that says yes or no": Situation(
        layers=[HIDDEN, dense(1)], loss={SCE: LOGITS}, y=BINARY[:, :1]
    ),
    "several labels, of which a row may have none": Situation(
        layers=[HIDDEN, dense(5)], loss={SCE: LOGITS}, y=BINARY * (np.arange(ROWS) % 4 > 0)[:, None]
    ),
    "large whole numbers that float32 has": Situation(
        layers=["batch_norm", HIDDEN, dense(1)], loss="mse", y=inputs(1), x=np.arange(ROWS)[:, None] * 2.0**20
    ),
    "times in seconds, standardized": Situation(
        layers=[HIDDEN, dense(1)], loss="mse", y=inputs(1), x=(np.arange(ROWS) + 1.7e9)[:, None],
        more={"data": {"standardize": True}},
    ),
    "accuracy of quantities beside a metric that says how near they are": Situation(
        layers=[HIDDEN, dense(1)], loss="mse", y=inputs(1), more={"metrics": ["accuracy", "mae"]}
    ),
    "a sigmoid of exclusive classes, each a question of its own": Situation(
        layers=[HIDDEN, dense(5, "sigmoid")], loss=SCE
    ),
    "shares learned with a squared error": Situation(layers=[HIDDEN, dense(5, "softmax")], loss="mse", y=shares()),
    "an absolute error of quantities": Situation(layers=[HIDDEN, dense(1)], loss="mae", y=between(0.0, 1.0, 1)),
    "inputs of hundreds that a small rate bears": Situation(
        layers=[HIDDEN, dense(1)], loss="mse", y=inputs(1), x=inputs(8, scale=100.0),
        more={"optimizer": {"sgd": {"learning_rate": 1e-7}}},
    ),
    "inputs of hundreds that are normalised": Situation(
        layers=["batch_norm", HIDDEN, dense(5, "softmax")], loss=CCE, x=inputs(8, scale=300.0)
    ),
    "numbers of tokens": Situation(
        layers=[{"embedding": {"input_dim": 500, "output_dim": 8}}, "global_average_pooling1d", dense(5, "softmax")],
        loss=CCE, x=np.random.default_rng(3).integers(0, 500, (ROWS, 6)),
        more={"model": {"inputs": {"tokens": {"shape": [6], "dtype": "integer"}}}},
    ),
    "years of ten centuries": Situation(
        layers=[HIDDEN, dense(1)], loss={SCE: LOGITS}, y=BINARY[:, :1], x=between(1000.0, 2020.0, 2) / 100.0,
    ),
    "a first update that overshoots a little": Situation(
        layers=[dense(30, "relu"), dense(1)], loss="mse", y=inputs(1),
        more={"optimizer": {"sgd": {"learning_rate": 0.3}}},
    ),
    "a small rate over many updates": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss=CCE,
        more={"optimizer": {"sgd": {"learning_rate": 1e-4}}, "training": {"epochs": 500}},
    ),
    "a warm-up from a rate of 0": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss=CCE,
        more={"optimizer": {"sgd": {"learning_rate": {"cosine": {
            "initial_learning_rate": 0.1, "decay_steps": 100, "warmup_steps": 10}}}}, "training": {"epochs": 50}},
    ),
    "a few updates of a spec that compares a step": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss=CCE, more={"training": {"epochs": 1, "batch_size": 64}}
    ),
    "all rows in a batch over many epochs": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss=CCE, more={"training": {"epochs": 500, "batch_size": 64}}
    ),
    "a last layer that starts at 0": Situation(
        layers=[HIDDEN, dense(5, "softmax", kernel_initializer="zeros")], loss=CCE
    ),
    "relus of which half are 0": Situation(
        layers=[dense(2, "relu", bias_initializer={"constant": -0.5}), dense(5, "softmax")], loss=CCE
    ),
    "a narrow layer that holds the rank down": Situation(
        layers=[dense(2, name="narrow"), dense(16, "relu"), dense(5, "softmax")], loss=CCE
    ),
    "a batch norm between two dense layers": Situation(
        layers=[dense(16), "batch_norm", dense(16, "relu"), dense(5, "softmax")], loss=CCE
    ),
    "dropout ahead of the answers": Situation(layers=[HIDDEN, {"dropout": 0.5}, dense(1)], loss="mse", y=inputs(1)),
    "one row a batch of pictures that are normalised": Situation(
        layers=[CONV, "batch_norm", "flatten", dense(5, "softmax")], loss=CCE, x=inputs(8, 8, 2),
        more={"training": {"batch_size": 1}},
    ),
    "rows sorted by class and no validation": Situation(
        layers=[HIDDEN, dense(5, "softmax")], loss=CCE, y=np.sort(labels())
    ),
}  # fmt: skip
"""Specs of which nothing is to be said, most of them near to one of the wrong ones."""
