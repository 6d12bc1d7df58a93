"""Recurrent layers in every framework: their fields against the reference, whole models in lockstep, and their states.

Their worked cases are met with those of the other ops; here stands what only they have: gates in another order, biases
that lie in two tensors, outputs that are a part of what a module gives.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers_branches import Branch, Branches
from helpers_frameworks import (
    EACH_FRAMEWORK,
    Reference,
    assert_close,
    assert_same_step,
    difference,
    each_framework,
    missing,
    opened,
    shared_bench,
    side_of,
    starting_weights,
)
from helpers_ports import MOMENTUM, judged, matched, port
from helpers_sample import WHOLE, dealt, taken

from parity.catalog import OPS
from parity.compile import compile_side
from parity.errors import SpecError
from parity.ops.lstm import ForgetGateOnes
from parity.ops.recurrent import Recurrent
from parity.run.driver.state import State
from parity.run.initial import initial_value
from tests.entries.test_frameworks import agree

KINDS = [kind for kind, entry in OPS.items() if issubclass(entry, Recurrent)]

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "simple_rnn": [
        {}, {"dropout": 0.5, "two_biases": True}, {"two_biases": True}, {"activation": "relu"},
        {"activation": {"leaky_relu": 0.3}}, {"recurrent_dropout": 0.4}, {"dropout": 0.5, "recurrent_dropout": 0.25},
    ],
    "lstm": [
        {}, {"dropout": 0.5}, {"two_biases": True}, {"dropout": 0.25, "two_biases": True}, {"activation": "relu"},
        {"recurrent_activation": {"leaky_relu": 0.3}}, {"two_biases": True, "activation": "gelu"},
        {"recurrent_dropout": 0.4}, {"dropout": 0.25, "recurrent_dropout": 0.5},
    ],
    "gru": [
        {}, {"dropout": 0.5}, {"reset_after": False}, {"activation": "relu"},
        {"reset_after": False, "activation": "softmax"}, {"bias_constraint": {"max_norm": 0.5}},
        {"recurrent_dropout": 0.4}, {"dropout": 0.25, "recurrent_dropout": 0.5, "reset_after": False},
    ],
}  # fmt: skip
"""What decides whether a framework's own part is taken: each with and without a bias, either way, for all states."""


def random(*shape: int, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def sweep(framework: str, models: Mapping[str, tuple[list[Any], np.ndarray]]) -> None:
    """Check one step of models and their rows, by name, against the reference, and what they predict."""
    branches = {
        name: Branch(model={"input": list(x.shape[1:]), "layers": layers}, x=[x])
        for name, (layers, x) in models.items()
    }
    Branches(branches, free=False).check_all(framework)


@each_framework
@pytest.mark.parametrize("kind", KINDS)
def test_a_recurrent_layer_is_its_reference_with_all_its_fields(framework: str, kind: str) -> None:
    """Behind a dense layer, whose gradient is that of the input, and before one that reads states or the last alone."""
    every = itertools.product(VARIANTS[kind], (True, False), (True, False), (True, False))
    models = {}
    for fields, bias, whole, backwards in taken(every, 9, framework):
        told = {"units": 3, "use_bias": bias, "return_sequences": whole, "go_backwards": backwards,
                "bias_initializer": "fan_in_uniform"}  # fmt: skip
        models[str(told | fields)] = [{"dense": 2}, {kind: told | fields}, {"dense": 2}], random(3, 4, 2)
    sweep(framework, models)


@pytest.mark.parametrize("framework", ["tensorflow", "torch"])
@pytest.mark.parametrize(("fields", "calls"), [({}, True), ({"reset_after": False}, False),
                                               ({"reset_after": False, "dropout": 0.5}, True)])  # fmt: skip
def test_a_product_by_gates_is_written_where_it_is_called(framework: str, fields: dict[str, Any], calls: bool) -> None:
    layers = [{"gru": {"units": 3, "recurrent_dropout": 0.5, **fields}}]
    source = compile_side(side_of(framework, {"input": [4, 2], "layers": layers}), name="gates").source
    assert ("def by_gate(" in source) == (source.count("by_gate(") > 1) == calls


BOTH = [
    ({"lstm": {}}, "concat"), ({"lstm": {"two_biases": True}}, "ave"), ({"gru": {}}, "mul"),
    ({"gru": {"use_bias": False}}, "concat"), ({"gru": {"reset_after": False}}, "sum"),
    ({"simple_rnn": {"two_biases": True}}, "concat"), ({"simple_rnn": {"activation": {"leaky_relu": 0.3}}}, "sum"),
    ({"lstm": {"recurrent_activation": "gelu"}}, "concat"), ({"lstm": {"two_biases": True, "use_bias": False}}, "mul"),
]  # fmt: skip


@each_framework
def test_a_layer_both_ways_is_its_reference(framework: str) -> None:
    """Under regularizers, and with biases that are not 0."""
    models = {}
    for (layer, merge), whole in dealt(itertools.product(BOTH, (True, False)), framework):
        ((kind, fields),) = layer.items()
        told = {"units": 3, "return_sequences": whole, "bias_initializer": "fan_in_uniform",
                "kernel_regularizer": {"l2": 0.01}, "bias_regularizer": "l2"}  # fmt: skip
        both = {"bidirectional": {"layer": {kind: told | fields}, "merge_mode": merge}}
        models[str(both)] = [{"dense": 2}, both, {"dense": 2}], random(3, 4, 2)
    sweep(framework, models)


@pytest.mark.takes_turns
@pytest.mark.parametrize("framework", [*EACH_FRAMEWORK, pytest.param("keras_torch", marks=pytest.mark.skipif(
    bool(missing("keras_torch")), reason="not installed"))])  # fmt: skip
def test_each_direction_drops_what_it_draws_itself(framework: str) -> None:
    """With PyTorch's own modules and with those that are written out; of steps that are masked, too."""
    layers = [
        {"lstm": {"dropout": 0.5}}, {"gru": {"dropout": 0.5, "recurrent_dropout": 0.25}},
        {"simple_rnn": {"recurrent_dropout": 0.5}}, {"gru": {"dropout": 0.25, "reset_after": False}},
        {"lstm": {"recurrent_dropout": 0.25}}, {"simple_rnn": {"dropout": 0.5, "two_biases": True}},
    ]  # fmt: skip
    models = {}
    every = itertools.product(enumerate(zip(layers, itertools.cycle(("concat", "sum")))), (True, False))
    for (number, (layer, merge)), whole in every:
        ((kind, fields),) = layer.items()
        told = {"units": 3, "return_sequences": whole, "bias_initializer": "fan_in_uniform"}
        both = {"bidirectional": {"layer": {kind: told | fields}, "merge_mode": merge}}
        name = f"{kind} {number} {merge} {whole}"
        models[name] = [{"dense": 2}, {"dropout": 0.2}, both, {"dense": 2}], random(3, 4, 2)
        x = random(3, 4, 2)
        x[0, 1], x[1, 2:] = -9.0, -9.0
        models[f"{name} masked"] = [{"masking": -9.0}, both, {"dense": 2}], x
    sweep(framework, models)


def test_the_masks_of_two_directions_are_two() -> None:
    """With one for both, the same features would be dropped either way."""
    x = np.ones((1, 1, 64))
    rnn = {"simple_rnn": {"units": 64, "activation": "linear", "use_bias": False, "dropout": 0.5}}
    side = side_of("torch", {"input": [1, 64], "layers": [{"bidirectional": {"layer": rnn, "name": "ways"}}]})
    weights = {name: np.eye(64) if name.endswith("ward_kernel") else np.zeros((64, 64))
               for name in starting_weights(side)}  # fmt: skip
    step = Reference(side, x, np.zeros((1, 128)), weights).take(0).forward["ways"][0]
    assert set(step) == {0.0, 2.0}
    assert (step[:64] != step[64:]).any()


CHAIN = {
    "input": [5, 3],
    "layers": [
        {"gru": {"units": 4, "return_sequences": True, "kernel_regularizer": {"l2": 0.01}, "bias_regularizer": "l2",
                 "recurrent_constraint": {"max_norm": {"max_value": 0.7, "axis": 0}}}},
        {"lstm": {"units": 3, "return_sequences": True, "go_backwards": True, "two_biases": True}},
        {"bidirectional": {"layer": {"gru": {"units": 2, "return_sequences": True}}}},
        {"lstm": {"units": 4, "bias_constraint": {"max_norm": 1.5}}},
        {"dense": {"units": 2, "name": "logits"}},
    ],
}  # fmt: skip


@pytest.mark.takes_turns(every=2)
@each_framework
@pytest.mark.parametrize("optimizer", [{"adam": {"learning_rate": 0.05}}, {"sgd": {"momentum": 0.9}}], ids=str)
def test_a_chain_is_trained_in_lockstep_and_free(framework: str, optimizer: dict[str, Any]) -> None:
    """With every step taken from an adopted state: gates and biases are put in and read out where PyTorch has them.

    In graphs (TensorFlow) with the first optimizer only, in ``make long`` with both: such a chain is long in tracing.
    """
    graphs = WHOLE or "adam" in optimizer
    side = side_of(framework, CHAIN, optimizer=optimizer, training={"batch_size": 4, "shuffle": True, "seed": 5})
    x, y, weights = random(10, 5, 3), random(10, 2, seed=3) > 0, starting_weights(side)
    reference, losses = Reference(side, x, y, weights), []
    with opened(side, x, y, weights) as program:
        for number in range(3):
            program.adopt(dict(reference.weights), reference.named_slots(), iterations=number)
            step = reference.take(number)
            losses.append(step.loss)
            assert_same_step(program.step(number, eager=number == 2 or not graphs), step, 1e-11)
    if not graphs:
        return
    with opened(side, x, y, weights) as program:
        np.testing.assert_allclose(program.train(3), losses, rtol=1e-11)
        after, slots = program.state()
        assert_close(after, reference.weights, 1e-10, "weights")
        assert_close(slots, reference.named_slots(), 1e-10, "slots")
        assert difference(program.predict(), reference.predictions()) < 1e-11


@pytest.mark.takes_turns
@each_framework
def test_a_chain_in_float32_is_its_reference_but_for_rounding(framework: str) -> None:
    model = {"input": [5, 3], "layers": [{"lstm": 4}, {"dense": 2}]}
    side = side_of(framework, model, training={"batch_size": 4})
    x, y, weights = random(4, 5, 3), random(4, 2, seed=3) > 0, starting_weights(side)
    with opened(side, x, y, weights, precision="float32") as program:
        assert_same_step(program.step(0), Reference(side, x, y, weights).take(0), 1e-5)


@pytest.mark.takes_turns
@each_framework
def test_a_model_may_end_in_a_recurrent_layer(framework: str) -> None:
    for whole in (True, False):  # Each alone: among others, it would end in a concatenation.
        agree(framework, {"input": [3, 2], "layers": [{"lstm": {"units": 2, "return_sequences": whole}}]},
              random(4, 3, 2), free=False)  # fmt: skip


@pytest.mark.takes_turns
@each_framework
@pytest.mark.parametrize("kind", KINDS)
def test_a_recurrent_layer_starts_as_its_reference(framework: str, kind: str) -> None:
    """Left to its own initializers, constants that tell the gates apart: of forget gates, ones."""
    start = {"kernel_initializer": {"constant": 0.25}, "recurrent_initializer": {"constant": -0.5},
             "bias_initializer": {"constant": 0.75}}  # fmt: skip
    for fields in VARIANTS[kind][:3]:
        side = side_of(framework, {"input": [4, 2], "layers": [{kind: {"units": 3} | start | fields}]})
        x, y = random(5, 4, 2), random(5, 3)
        weights = {name: initial_value(0, name, one) for name, one in side.parameters().items()}
        with opened(side, x, y, weights=None) as program:
            assert difference(program.predict(), Reference(side, x, y, weights).predictions()) < 1e-12


def test_the_forget_gate_starts_at_one() -> None:
    lstm = OPS["lstm"](units=2, bias_initializer={"constant": 0.5})
    (start,) = [one for name, one in lstm.parameters((4, 3)).items() if name == "bias"]
    assert isinstance(start.initializer, ForgetGateOnes)
    np.testing.assert_array_equal(initial_value(0, "lstm.bias", start), [0.5, 0.5, 1, 1, 0.5, 0.5, 0.5, 0.5])
    double = lstm.replace(two_biases=True).parameters((4, 3))["bias"]
    np.testing.assert_array_equal(initial_value(0, "lstm.bias", double)[:, 2:4], [[1, 1], [0.5, 0.5]])


@pytest.mark.takes_turns
@each_framework
def test_a_layer_at_every_step_is_its_reference(framework: str) -> None:
    models = {}
    for layer in (
        {"dense": {"units": 3, "activation": "softmax", "kernel_regularizer": {"l2": 0.01}}},
        {"conv1d": {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same", "activation": "softmax"}},
        {"conv2d": {"filters": 2, "kernel_size": [2, 1], "activation": {"leaky_relu": 0.3},
                    "kernel_constraint": {"max_norm": 0.5}}},
    ):  # fmt: skip
        shape = (4, 4, 5, 2) if "conv2d" in layer else (4, 5, 2)
        layers = [{"dense": 2}, {"time_distributed": {"layer": layer}}, "flatten", {"dense": 2}]
        models[str(layer)] = layers, random(3, *shape)
    sweep(framework, models)


# -------------------------------------------------------------------------------------------- by hand

RECURRENT = {
    "input": [8, 3],
    "layers": [
        {"gru": {"units": 4, "return_sequences": True, "name": "first"}},
        {"bidirectional": {"layer": {"lstm": {"units": 3, "return_sequences": True, "two_biases": True}},
                           "name": "both"}},
        {"lstm": {"units": 4, "two_biases": True, "name": "second"}},
        {"dense": {"units": 5, "name": "out"}},
    ],
}  # fmt: skip

TORCH = """\
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(3, 4, batch_first=True)
        self.ways = nn.LSTM(4, 3, batch_first=True, bidirectional=True)
        self.top = nn.LSTM(6, 4, batch_first=True)
        self.head = nn.Linear(4, 5)

    def forward(self, x):
        x, _ = self.rnn(x)
        x, _ = self.ways(x)
        _, (h, _) = self.top(x)
        return self.head(h[-1])


def build_loss():
    return nn.CrossEntropyLoss()


def build_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
"""

KERAS = """\
import keras
from keras import layers


def build_model():
    inputs = keras.Input((8, 3))
    x = layers.GRU(4, return_sequences=True)(inputs)
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(x)
    x = layers.LSTM(4)(x)
    return keras.Model(inputs, layers.Dense(5)(x))


def build_loss():
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def build_optimizer(model):
    return keras.optimizers.SGD(0.05, momentum=0.9)
"""

ONE_BIAS = {"input": [8, 3], "layers": [
    RECURRENT["layers"][0],
    {"bidirectional": {"layer": {"lstm": {"units": 3, "return_sequences": True}}, "name": "both"}},
    {"lstm": {"units": 4, "name": "second"}},
    RECURRENT["layers"][3],
]}  # fmt: skip

WRITTEN = {
    "torch": port("torch", TORCH, MOMENTUM, model=RECURRENT),
    "keras": port("keras", KERAS, MOMENTUM, model=ONE_BIAS),
}


@pytest.mark.takes_turns
@pytest.mark.parametrize("framework", [one for one in EACH_FRAMEWORK if one.values[0] in WRITTEN])
def test_a_port_with_recurrent_layers_is_at_parity(framework: str, tmp_path: Path) -> None:
    """Its gates and biases are found where the framework has them, and so are the outputs of its modules."""
    one = WRITTEN[framework]
    side, found, _ = matched(shared_bench(), one, tmp_path)
    assert set(found.bindings.weights) == set(side.parameters())
    assert not found.unmatched
    assert not found.extras
    judge = judged(shared_bench(), one, tmp_path, steps=2)
    largest = judge.overall()
    assert largest is not None
    assert largest.difference < 1e-11, judge.verdict()
    assert {"first", "both", "second", "out"} <= judge.tensors["forward"]


@pytest.mark.skipif(bool(missing("torch")), reason="torch not installed")
def test_a_state_taken_from_the_wrong_end_is_found(tmp_path: Path) -> None:
    one = WRITTEN["torch"].edited("self.head(h[-1])", "self.head(self.top(x)[0][:, 0])")
    judge = judged(shared_bench(), one, tmp_path, steps=1)
    assert judge.verdict()[0] == "divergent"


# -------------------------------------------------------------------------------- what drivers do with them


def test_blocks_come_back_in_the_order_of_the_spec_whichever_axis_they_lie_along() -> None:
    kernel = np.arange(12.0).reshape(2, 6)
    for axes in (None, [1, 0]):
        held = SimpleNamespace(bindings={"weights": {"gru.kernel": {"axes": axes, "blocks": [1, 2, 0]}}})
        moved = kernel.transpose(axes) if axes else kernel
        laid = State.laid(held, "gru.kernel", moved)  # type: ignore[arg-type]
        columns = laid.T if axes else laid
        np.testing.assert_array_equal(columns, kernel[:, [2, 3, 4, 5, 0, 1]])
        np.testing.assert_array_equal(State.lies(held, "gru.kernel", laid), moved)  # type: ignore[arg-type]


@pytest.mark.skipif(bool(missing("torch")), reason="torch not installed")
def test_a_part_of_what_a_module_gives_is_seen_and_put_back() -> None:
    import torch

    from parity.frameworks.torch.driver.hooks import last

    rnn, x = torch.nn.LSTM(2, 3, batch_first=True), torch.ones(4, 5, 2)
    plain, _ = rnn(x)
    seen: list[Any] = []
    rnn.register_forward_hook(last(lambda value, _: seen.append(value) or 2 * value, (0, -1)))
    output, states = rnn(x)
    torch.testing.assert_close(seen[0], plain[:, -1])
    torch.testing.assert_close(output[:, -1], 2 * plain[:, -1])
    torch.testing.assert_close(output[:, :-1], plain[:, :-1])
    assert isinstance(states, tuple)
    alone = torch.nn.Linear(2, 3)  # In its place, somebody else's module may give the last state by itself.
    alone.register_forward_hook(last(lambda value, _: seen.append(value), (0, -1)))
    torch.testing.assert_close(alone(x[:, -1]), seen[1])


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ({"lstm": {"units": 2}}, r"lstm reads \(length, features\), it is given \(3,\)"),
        ({"bidirectional": {"layer": {"lstm": {"units": 2, "go_backwards": True}}}}, "leave go_backwards out"),
        ({"bidirectional": {"layer": {"gru": {"units": 2, "name": "inner"}}}}, "inputs or trainable of its own"),
        ({"bidirectional": {"layer": {"gru": {"units": 2, "activity_regularizer": "l2"}}}}, "is not there yet"),
        ({"bidirectional": {"layer": {"dense": {"units": 2}}}}, "layer"),
        ({"time_distributed": {"layer": {"conv1d": {"filters": 2, "kernel_size": 1,
                                                    "data_format": "channels_first"}}}}, "channels first"),
        ({"time_distributed": {"layer": {"dense": {"units": 2}}}}, "what its layer reads at each step"),
    ],
)  # fmt: skip
def test_what_a_layer_cannot_be_is_said(layer: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        side_of("torch", {"input": [3], "layers": [layer, {"dense": 2}]})
