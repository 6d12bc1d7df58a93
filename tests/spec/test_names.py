"""Layer names: none that the model of some framework has already."""

from __future__ import annotations

import importlib.util
import subprocess

import pytest
from helpers_forked import interpreter

from parity.errors import SpecError
from parity.spec.load import parse_spec
from parity.spec.names import RESERVED

SPEC = """
name: named
data: {source: leaf_like}
model: {input: [192], layers: [{dense: {units: 4, name: %s, activation: relu}}, {dense: {units: 99, name: %s}}]}
loss: categorical_crossentropy
optimizer: sgd
"""


@pytest.mark.parametrize(
    ("code", "module"),
    [("import torch; m = torch.nn.Module()", "torch"), ("import tensorflow as tf; m = tf.Module()", "tensorflow")],
)
def test_what_the_installed_frameworks_models_have_is_reserved(code: str, module: str) -> None:
    assert importlib.util.find_spec(module) is not None, "the frameworks are installed where the tests run"
    told = "print(*[name for name in dir(m) if not name.startswith('_')])"
    done = subprocess.run([interpreter(module), "-c", f"{code}; {told}"], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) <= RESERVED


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("train", "b", "every model has a 'train' of its own"),
        ("predict", "b", "every model has a 'predict' of its own"),
        ("a", "a_relu", "'a_relu' is what a part of layer 'a' is called"),
        ("a", "a_kernel", "'a_kernel' is what a part of layer 'a' is called"),
        ("a", "a", "a second layer is called 'a'"),
        ("lambda", "b", "'lambda' is a word of Python's own"),
    ],
)
def test_a_name_that_would_be_taken_twice_is_a_fault(first: str, second: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(SPEC % (first, second))
    assert len(caught.value.faults) == 1
    assert said in str(caught.value)


def test_other_names_are_free() -> None:
    assert [op.name for op in parse_spec(SPEC % ("trainer", "a_b")).model.layers] == ["trainer", "a_b"]
