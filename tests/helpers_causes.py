"""Programs with one mistake each, as people make them, and what makes each agree with its config."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from helpers_ports import ADAM, FUNCTIONAL, MOMENTUM, PORTS, RAW, SEQUENTIAL, Port, port

SGD = {"sgd": {"learning_rate": 0.05}}
ADAMW = {"adamw": {"learning_rate": 0.01, "weight_decay": 0.02, "epsilon": 1e-8, "epsilon_place": "after_correction"}}

NORM: dict[str, Any] = {
    "input": [6],
    "layers": [
        {"dense": {"units": 12, "name": "hidden"}},
        {"batch_norm": {"name": "norm", "unbiased_variance": True}},
        {"activation": {"function": {"gelu": {"approximate": False}}, "name": "act"}},
        {"dropout": {"rate": 0.5, "name": "drop"}},
        {"dense": {"units": 5, "name": "out"}},
    ],
}
NORM_TORCH = """\
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(6, 12)
        self.norm = nn.BatchNorm1d(12, eps=1e-3, momentum=0.01)
        self.act = nn.GELU()
        self.drop = nn.Dropout(0.5)
        self.out = nn.Linear(12, 5)

    def forward(self, x):
        return self.out(self.drop(self.act(self.norm(self.hidden(x)))))


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.05)


def train_step(model, loss_fn, optimizer, x, y):
    model.train()
    optimizer.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.detach()
"""

KERAS_NORM: dict[str, Any] = {
    **NORM,
    "layers": [
        NORM["layers"][0],
        {"batch_norm": {"name": "norm"}},
        {"activation": {"function": "relu", "name": "act"}},
        *NORM["layers"][3:],
    ],
}
NORM_KERAS = """\
import keras
import tensorflow as tf
from keras import layers


def build_model():
    return keras.Sequential([
        keras.Input((6,)),
        layers.Dense(12, name="hidden"),
        layers.BatchNormalization(name="norm"),
        layers.ReLU(name="act"),
        layers.Dropout(0.5, name="drop"),
        layers.Dense(5, name="out"),
    ])


def build_loss():
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def build_optimizer(model):
    return keras.optimizers.SGD(0.05)


@tf.function
def train_step(model, loss_fn, optimizer, x, y):
    with tf.GradientTape() as tape:
        loss = loss_fn(y, model(x, training=True))
    optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    return loss
"""

PADDED: dict[str, Any] = {
    "input": [8, 8, 3],
    "layers": [
        {"conv2d": {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same", "name": "conv"}},
        {"flatten": {"name": "flat"}},
        {"dense": {"units": 5, "name": "out"}},
    ],
}
PADDED_TORCH = """\
import torch
from torch import nn
from torch.nn import functional as F


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=2)
        self.out = nn.Linear(64, 5)

    def forward(self, x):
        x = F.pad(x.permute(0, 3, 1, 2), (0, 1, 0, 1))
        x = self.conv(x).permute(0, 2, 3, 1)
        return self.out(x.reshape(len(x), -1))


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.05)
"""

PLAIN: dict[str, Any] = {
    "input": [6],
    "layers": [
        {"dense": {"units": 8, "activation": "relu", "name": "hidden"}},
        {"dense": {"units": 5, "name": "out"}},
    ],
}
HELD: dict[str, Any] = {
    "input": [6],
    "layers": [
        {"dense": {"units": 8, "activation": "relu", "name": "hidden", "kernel_regularizer": {"l2": 0.01}}},
        {"dense": {"units": 5, "name": "out", "kernel_regularizer": {"l2": 0.02}}},
    ],
}
HELD_TORCH = """\
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(6, 8)
        self.out = nn.Linear(8, 5)

    def forward(self, x):
        return self.out(torch.relu(self.hidden(x)))


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.05)


def train_step(model, loss_fn, optimizer, x, y):
    optimizer.zero_grad()
    loss = loss_fn(model(x), y) + penalty(model)
    loss.backward()
    optimizer.step()
    return loss.detach()


def penalty(model):
    return 0.01 * model.hidden.weight.square().sum() + 0.02 * model.out.weight.square().sum()
"""

functional = port("torch", FUNCTIONAL, MOMENTUM)
sequential = port("torch", SEQUENTIAL, ADAM)
normed = port("torch", NORM_TORCH, SGD, model=NORM)
dropped_twice = port(
    "torch",
    NORM_TORCH.replace("        self.norm", "        self.early = nn.Dropout(0.25)\n        self.norm").replace(
        "self.norm(self.hidden(x))", "self.norm(self.early(self.hidden(x)))"
    ),
    SGD,
    model={**NORM, "layers": [NORM["layers"][0], {"dropout": {"rate": 0.25, "name": "early"}}, *NORM["layers"][1:]]},
)
normed_keras = port("keras", NORM_KERAS, SGD, model=KERAS_NORM)
padded = port("torch", PADDED_TORCH, SGD, model=PADDED)
held = port("torch", HELD_TORCH, SGD, model=HELD)
plain = port("torch", HELD_TORCH.replace(" + penalty(model)", ""), SGD, model=PLAIN)
raw = port("tensorflow", RAW, MOMENTUM, names={"model": "Net"})
keras_adam = PORTS["keras functional"]

# A plain number of Keras's becomes float32 on its way to TensorFlow: the measuring must not add that to a program.
decayed = {"adamw": {"learning_rate": 0.01}}
keras_adamw = replace(
    keras_adam.edited("keras.optimizers.Adam(0.01, epsilon=1e-7)", "keras.optimizers.AdamW(0.01)"), optimizer=decayed
)
raw_adamw = replace(
    raw.edited("return Momentum(model.trainable_variables)", "return tf.keras.optimizers.AdamW(0.01)"),
    optimizer=decayed,
)

RIGHT = [functional, sequential, normed, dropped_twice, normed_keras, padded, held, plain, raw, keras_adamw, raw_adamw]
"""Each right as it is."""

SGD_MADE = "torch.optim.SGD(model.parameters(), lr=0.05)"


@dataclass(frozen=True)
class Faulty:
    """A program with a mistake.

    Args:
        port: the program.
        causes: paths and values of what makes it agree.
        steps: to check.
        ways: how many there are to make it agree.
    """

    port: Port
    causes: dict[str, Any]
    steps: int = 2
    ways: int = 1


def faulty(one: Port, old: str, new: str, causes: dict[str, Any], **given: Any) -> Faulty:
    return Faulty(one.edited(old, new), causes, **given)


def adamw(old: str, new: str) -> Port:
    return replace(plain, optimizer=ADAMW).edited(old, new)


BIASES = """torch.optim.AdamW([
        {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.02},
        {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ], lr=0.01)"""

FAULTY: dict[str, Faulty] = {
    "place of epsilon": Faulty(replace(sequential, optimizer={"adam": {"learning_rate": 0.01}}),
                               {"optimizer.epsilon_place": "after_correction"}),
    "place of epsilon, and epsilon": Faulty(
        replace(sequential, optimizer={"adam": {"learning_rate": 0.01}}).edited(", eps=1e-7", ""),
        {"optimizer.epsilon_place": "after_correction", "optimizer.epsilon": 1e-8}),
    "epsilon, in Keras": faulty(keras_adam, ", epsilon=1e-7", ", epsilon=1e-5", {"optimizer.epsilon": 1e-5}),
    "another beta": faulty(sequential, "eps=1e-7", "eps=1e-7, betas=(0.9, 0.99)", {"optimizer.beta_2": 0.99}),
    "momentum": faulty(functional, "momentum=0.9", "momentum=0.8", {"optimizer.momentum": 0.8}),
    "momentum the config has none of": faulty(plain, "lr=0.05", "lr=0.05, momentum=0.9", {"optimizer.momentum": 0.9}),
    "nesterov": faulty(functional, "momentum=0.9", "momentum=0.9, nesterov=True", {"optimizer.nesterov": True}),
    "a dampened velocity": faulty(functional, "momentum=0.9", "momentum=0.9, dampening=0.9",
                                  {"optimizer.momentum": "averaged", "optimizer.learning_rate": 0.005}, ways=2),
    "momentum of a raw program": faulty(raw, "0.9 * v - 0.05 * g", "0.9 * v - 0.1 * g",
                                        {"optimizer.learning_rate": 0.1}),
    "a rate that is a tenth, as an averaged momentum makes it": faulty(
        functional, "lr=0.05", "lr=0.005", {"optimizer.learning_rate": 0.005, "optimizer.momentum": "averaged"},
        ways=2),
    "decay in an optimizer that has none": faulty(functional, "momentum=0.9", "momentum=0.9, weight_decay=5e-4",
                                                  {"optimizer.weight_decay": 5e-4}),
    "decay coupled": Faulty(adamw(SGD_MADE, "torch.optim.Adam(model.parameters(), lr=0.01, weight_decay=0.02)"),
                            {"optimizer.weight_decay": "coupled"}),
    "decay coupled, where there is none": faulty(sequential, "eps=1e-7", "eps=1e-7, weight_decay=0.01",
                                                 {"optimizer.weight_decay": 0.01}),
    "no decay": Faulty(adamw(SGD_MADE, "torch.optim.Adam(model.parameters(), lr=0.01)"),
                       {"optimizer.weight_decay": 0.0}),
    "no decay of biases": Faulty(adamw(SGD_MADE, BIASES), {"optimizer.weight_decay": "kernels only"}),
    "another optimizer": Faulty(plain.edited(SGD_MADE, "torch.optim.RMSprop(model.parameters(), lr=0.05)"),
                                {"optimizer": ...}),
    "an optimizer as PyTorch has it, the rate as the config says": Faulty(
        replace(plain, optimizer={"rmsprop": {"learning_rate": 0.05}}).edited(
            SGD_MADE, "torch.optim.RMSprop(model.parameters(), lr=0.05)"),
        {"optimizer.rho": 0.99, "optimizer.epsilon": 1e-8, "optimizer.epsilon_place": "outside_root"}),
    "padding": faulty(padded, "(0, 1, 0, 1)", "(1, 1, 1, 1)", {"layers.conv.padding": "symmetric"}),
    "flatten order": faulty(padded, "x = self.conv(x).permute(0, 2, 3, 1)", "x = self.conv(x)",
                            {"program.flatten_order": "channels_first"}),
    "padding and flatten order": Faulty(
        padded.edited("(0, 1, 0, 1)", "(1, 1, 1, 1)").edited("self.conv(x).permute(0, 2, 3, 1)", "self.conv(x)"),
        {"layers.conv.padding": "symmetric", "program.flatten_order": "channels_first"}),
    "biased variance": Faulty(replace(normed, model={**NORM, "layers": [
        NORM["layers"][0], {"batch_norm": {"name": "norm"}}, *NORM["layers"][2:]]}),
        {"layers.norm.unbiased_variance": True}),
    "a batch norm as PyTorch has it": faulty(normed, ", eps=1e-3, momentum=0.01", "",
                                             {"layers.norm.epsilon": 1e-5, "layers.norm.momentum": 0.9}),
    "a batch norm that is frozen": faulty(normed, "model.train()", "model.train(); model.norm.eval()",
                                          {"program.training": "batch norm by running statistics"}),
    "a batch norm that trains in evaluation": faulty(normed, "return self.out(", "self.norm.train(); return self.out(",
                                                     {"program.training": "batch norm by the batch in evaluation"}),
    "evaluation mode in training": faulty(normed, "model.train()", "model.eval()",
                                          {"program.training": "evaluation mode in training"}),
    "training= left out, in Keras": faulty(normed_keras, "model(x, training=True)", "model(x)",
                                           {"program.training": "evaluation mode in training"}),
    "training= left out, in raw TensorFlow": Faulty(raw.edited("def build_loss", """@tf.function
def train_step(model, loss_fn, optimizer, x, y):
    with tf.GradientTape() as tape:
        loss = loss_fn(y, model(x))
    optimizer.apply_gradients(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
    return loss


def build_loss"""), {"program.training": "dropout off in training"}),
    "dropout in evaluation": faulty(functional, "0.25, self.training", "0.25",
                                    {"program.training": "dropout on in evaluation"}),
    "rate of dropout": faulty(functional, "0.25, self.training", "0.75, self.training", {"layers.drop.rate": 0.75}),
    "one of two dropouts left out": faulty(dropped_twice, "self.early(self.hidden(x))", "self.hidden(x)",
                                           {"layers.early.rate": 0.0}),
    "form of gelu": faulty(normed, "nn.GELU()", 'nn.GELU(approximate="tanh")',
                           {"layers.act.function.approximate": True}),
    "an activation left out": faulty(functional, "F.relu(self.fc2(x))", "self.fc2(x)",
                                     {"layers.second.activation": "linear"}),
    "softmax twice": faulty(functional, "return self.fc3(x)", "return F.softmax(self.fc3(x), dim=-1)",
                            {"layers.out.activation": "softmax"}),
    "a sum in place of a mean": faulty(functional, "nn.CrossEntropyLoss()", 'nn.CrossEntropyLoss(reduction="sum")',
                                       {"loss.reduction": "sum"}),
    "a sum, in raw TensorFlow": faulty(raw, "tf.reduce_mean(", "tf.reduce_sum(", {"loss.reduction": "sum"}),
    "a factor of the loss": faulty(plain, "loss_fn(model(x), y)", "0.3 * loss_fn(model(x), y)",
                                   {"program.loss_factor": 0.3}),
    "a factor of the gradient": faulty(plain, "loss.backward()", "(loss / 4).backward()",
                                       {"program.loss_factor": 0.25}),
    "a penalty left out": faulty(held, " + 0.02 * model.out.weight.square().sum()", "",
                                 {"layers.out.kernel_regularizer": None}),
    "penalties left out": faulty(held, " + penalty(model)", "", {"layers.*.kernel_regularizer": None}),
    "penalties that are halved": Faulty(held.edited("0.01 *", "0.005 *").edited("0.02 *", "0.01 *"),
                                        {"layers.*.kernel_regularizer": "0.5 times as much"}),
    "decay in place of a penalty": Faulty(
        held.edited(" + penalty(model)", "").edited("lr=0.05)", "lr=0.05, weight_decay=0.02)"),
        {"layers.*.kernel_regularizer": None, "optimizer.weight_decay": 0.02}),
    "a penalty too many": faulty(replace(held, model=PLAIN), " + 0.02 * model.out.weight.square().sum()", "",
                                 {"layers.hidden.kernel_regularizer": "l2 0.01"}),
    "gradients not set to zero": faulty(plain, "    optimizer.zero_grad()\n", "", {"program.zero_grad": False},
                                        steps=3),
    "one in the first step, another from the second on": Faulty(
        replace(plain, optimizer={"adam": {"learning_rate": 0.05}}).edited("    optimizer.zero_grad()\n", "")
        .edited(SGD_MADE, "torch.optim.Adam(model.parameters(), lr=0.05, eps=1e-7)"),
        {"optimizer.epsilon_place": "after_correction", "program.zero_grad": False}),
    "three at once": Faulty(
        functional.edited("x.transpose(1, 2).flatten(1)", "x.flatten(1)").edited("lr=0.05", "lr=0.01")
        .edited("nn.CrossEntropyLoss()", 'nn.CrossEntropyLoss(reduction="sum")'),
        {"program.flatten_order": "channels_first", "loss.reduction": "sum", "optimizer.learning_rate": 0.01}),
    "what no field describes": faulty(functional, "F.relu(self.fc1(x))", "F.relu(self.fc1(x)) + 0.01 * x[:, :8] ** 2",
                                      {}),
}  # fmt: skip
