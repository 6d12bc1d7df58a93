"""What a loop does that is no layer, no loss and no step of its optimizer: said in a line, never read past.

Each of these was called "read faithfully" without it: a loop's own code is no part of what is run again of it.
"""

from __future__ import annotations

from typing import Any

import pytest

from parity.reading.unread import UnreadProgramError

ROWS = """
import numpy as np
rng = np.random.default_rng(0)
x = rng.normal(size=(96, 6)).astype("float32")
y = (x[:, 0] > x[:, 1]).astype("int64")
"""

TORCH = """
import torch
from torch import nn
net = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 2))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
criterion = nn.CrossEntropyLoss()
for epoch in range(2):
    for i in range(0, 96, 16):
        xb, yb = torch.from_numpy(x[i:i + 16]), torch.from_numpy(y[i:i + 16])
        optimizer.zero_grad()
        loss = criterion(net(xb), yb)
        loss.backward()
        pass
        optimizer.step()
"""

AHEAD, BEHIND, LOSS = "        pass\n", "        optimizer.step()\n", "criterion(net(xb), yb)"

GRADIENTS, WEIGHTS = "a change of gradients between backward and step", "a change of weights behind a step"

OF_TORCH = {
    "gradients halved": (AHEAD, "        net[0].weight.grad.data.mul_(0.5)\n", f"{GRADIENTS} (0.weight)"),
    "gradients by sign": (AHEAD, "        for p in net.parameters(): p.grad.sign_()\n",
                          f"{GRADIENTS} (0.weight, 0.bias, 2.weight and 1 more)"),
    "gradients gone": (AHEAD, "        optimizer.zero_grad()\n", GRADIENTS),
    "weights clamped": (BEHIND, f"{BEHIND}        net[0].weight.data.clamp_(-0.1, 0.1)\n", WEIGHTS),
    "momentum that grows": (AHEAD, "        optimizer.param_groups[0]['momentum'] = 0.01 * i\n",
                            "momentum that the program sets anew as it trains"),
    "a loss that is annealed": (LOSS, f"{LOSS} * (0.1 * (i + 16))",
                                "mul with another number in each step (1.6, then 3.2)"),
    "a smoothing that grows": (LOSS, "nn.CrossEntropyLoss(label_smoothing=0.001 * i)(net(xb), yb)",
                               "CrossEntropyLoss with another number in each step (0.0, then 0.016)"),
    "a loss by turns": (LOSS, f"{LOSS} if i % 32 else nn.functional.multi_margin_loss(net(xb), yb)",
                        "a loss that is multi_margin_loss in one step and CrossEntropyLoss in the next"),
    "a state that is handed on": (LOSS, "criterion(out := net(xb + (out.detach().mean() if i else 0.0)), yb)",
                                  "what a model gave in one step, handed to it in the next"),
    "rows that grow": (LOSS, "criterion(net(xb * (1 + i)), yb)", "rows that the loop makes otherwise from step to"),
}  # fmt: skip

KERAS = """
import keras, tensorflow as tf
net = keras.Sequential([keras.Input((6,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(2)])
optimizer, criterion = keras.optimizers.SGD(0.1), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
weights = net.trainable_variables
for epoch in range(2):
    for i in range(0, 96, 16):
        with tf.GradientTape() as tape:
            loss = criterion(y[i:i + 16], net(x[i:i + 16], training=True))
        grads = tape.gradient(loss, weights)
        pass
        optimizer.apply_gradients(zip(grads, weights))
"""

STEP = "        optimizer.apply_gradients(zip(grads, weights))\n"

OF_TAPES = {
    "gradients halved": (AHEAD, "        grads = [0.5 * g for g in grads]\n",
                         "gradients that are not applied as tape.gradient gives them"),
    "one of them": (AHEAD, "        grads = [0.5 * grads[0], *grads[1:]]\n",
                    "gradients that are not applied as tape.gradient gives them"),
    "weights clamped": (STEP, f"{STEP}        weights[0].assign(tf.clip_by_value(weights[0], -0.1, 0.1))\n",
                        "a change of weights beside the steps of the optimizer"),
    "weights from NumPy": (STEP, f"{STEP}        weights[0].assign(np.clip(np.array(weights[0]), -0.1, 0.1))\n",
                           "a change of weights beside the steps of the optimizer"),
    "a rate that falls": (AHEAD, "        optimizer.learning_rate.assign(optimizer.learning_rate * 0.9)\n",
                          "a rate that the program sets itself, by no count that is seen,"),
}  # fmt: skip

TENSORFLOW = """
import keras, tensorflow as tf
start = keras.initializers.GlorotUniform(seed=1)
weights = [tf.Variable(start((6, 8))), tf.Variable(tf.zeros(8)), tf.Variable(start((8, 2))), tf.Variable(tf.zeros(2))]
optimizer = keras.optimizers.SGD(0.1)
for epoch in range(2):
    for i in range(0, 96, 16):
        with tf.GradientTape() as tape:
            hidden = tf.nn.relu(x[i:i + 16] @ weights[0] + weights[1])
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels=y[i:i + 16], logits=hidden @ weights[2] + weights[3]))
        grads = tape.gradient(loss, weights)
        pass
        optimizer.apply_gradients(zip(grads, weights))
"""


def cases() -> list[Any]:
    found = [pytest.param(TORCH, *case, id=f"torch: {name}") for name, case in OF_TORCH.items()]
    for which, program in (("keras", KERAS), ("tensorflow", TENSORFLOW)):
        found += [pytest.param(program, *case, id=f"{which}: {name}") for name, case in OF_TAPES.items()]
    return found


@pytest.mark.parametrize(("program", "old", "new", "said"), cases())
def test_what_a_loop_does_beside_its_steps_is_said(
    program: str, old: str, new: str, said: str, read_text: Any
) -> None:  # fmt: skip
    assert old in program
    with pytest.raises(UnreadProgramError) as refused:
        read_text(ROWS + program.replace(old, new))
    assert said in str(refused.value)


@pytest.mark.parametrize("program", [TORCH, KERAS, TENSORFLOW], ids=["torch", "keras", "tensorflow"])
def test_without_it_the_loop_is_read(program: str, read_text: Any) -> None:
    found = read_text(ROWS + program)
    assert found.spec["training"]["epochs"] == 2
    assert not found.opaque


def test_a_loop_may_measure_what_it_will(read_text: Any) -> None:
    """Norms of gradients and a mean of weights are looked at, and put down again."""
    told = AHEAD.replace("pass", "norm = sum(float(p.grad.norm()) for p in net.parameters())")
    kept = f"{BEHIND}        mean = [0.9 * p.detach() for p in net.parameters()]\n"
    assert not read_text(ROWS + TORCH.replace(AHEAD, told).replace(BEHIND, kept)).opaque


def test_a_last_batch_of_fewer_rows_is_the_same_step(read_text: Any) -> None:
    fewer = TORCH.replace("range(0, 96, 16)", "range(0, 40, 16)").replace("x[i:i + 16]", "x[:40][i:i + 16]")
    fewer = fewer.replace("y[i:i + 16]", "y[:40][i:i + 16]").replace("net(xb)", "net(xb.reshape(len(xb), -1))")
    assert read_text(ROWS + fewer).spec["training"]["batch_size"] == 16


FIT = """
import keras
net = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2)])
net.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
"""

FITS = {
    "once": ("net.fit(x, y)", ""),
    "in a loop": ("for epoch in range(3):\n    net.fit(x, y)", "Its fit stands in a loop: of the calls of it"),
    "again": ("net.fit(x, y)\nnet.layers[0].trainable = False\nnet.fit(x, y, epochs=2)",
              "It fits again behind that (line 12)"),
    "another model": ("net.fit(x, y)\nother = keras.Sequential([keras.layers.Dense(2)])\nother.fit(x, y)", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", FITS)
def test_calls_of_fit_behind_the_first_are_said(case: str, read_text: Any) -> None:
    code, said = FITS[case]
    notes = [one for one in read_text(ROWS + FIT + code + "\n").notes if "fit" in one]
    assert len(notes) == bool(said)
    assert not said or notes[0].startswith(said)
