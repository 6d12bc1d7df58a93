"""What is known of a framework's own defaults and cannot be asked for yet, held against the installed framework.

What can be asked for is held in tests/run/test_own_defaults.py.
"""

from __future__ import annotations

import json
import subprocess
from functools import cache
from typing import Any

import pytest
from helpers_forked import interpreter
from helpers_frameworks import FRAMEWORKS

from parity.catalog import FAMILIES
from parity.commands.tables import default_rows
from parity.entries import shown

PROBE = """
import inspect, json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
def default(function, name):
    value = inspect.signature(function).parameters[name].default
    return value if isinstance(value, (int, float, str, bool, type(None))) else str(value)
def made(layer):
    layer.build((None, 3, 2))
    return layer
print(json.dumps({wanted}))
"""

KERAS = """
{
    "poisson.epsilon": keras.config.epsilon(),
    "lstm.two_biases": len(made(keras.layers.LSTM(1)).weights) > 3,
    "simple_rnn.two_biases": len(made(keras.layers.SimpleRNN(1)).weights) > 3,
    "training.shuffle": default(keras.Model.fit, "shuffle"),
    "numerics.tf32": tensorflow.config.experimental.tensor_float_32_execution_enabled(),
    "numerics.deterministic": config.is_op_determinism_enabled(),
    "numerics.mixed_precision": {"float32": None}.get(keras.config.dtype_policy().name, "another"),
    "numerics.loss_scale": default(keras.optimizers.LossScaleOptimizer, "initial_scale"),
    "numerics.compile": default(tensorflow.function, "jit_compile") or False,
}
"""
TENSORFLOW = """
{
    "adam.learning_rate": default(tf.compat.v1.train.AdamOptimizer, "learning_rate"),
    "adam.epsilon": default(tf.compat.v1.train.AdamOptimizer, "epsilon"),
    "adam.beta_1": default(tf.compat.v1.train.AdamOptimizer, "beta1"),
    "rmsprop.epsilon": default(tf.compat.v1.train.RMSPropOptimizer, "epsilon"),
    "rmsprop.rho": default(tf.compat.v1.train.RMSPropOptimizer, "decay"),
    "rmsprop.momentum": default(tf.compat.v1.train.RMSPropOptimizer, "momentum"),
    "random_uniform.maxval": {None: 1.0}[default(tf.random.uniform, "maxval")],
    "numerics.tf32": tf.config.experimental.tensor_float_32_execution_enabled(),
    "numerics.deterministic": config.is_op_determinism_enabled(),
    "numerics.compile": default(tf.function, "jit_compile") or False,
}
"""
TORCH = """
{
    "step.gamma": default(torch.optim.lr_scheduler.StepLR, "gamma"),
    "multi_step.gamma": default(torch.optim.lr_scheduler.MultiStepLR, "gamma"),
    "cosine_restarts.t_mul": float(default(torch.optim.lr_scheduler.CosineAnnealingWarmRestarts, "T_mult")),
    "one_cycle.pct_start": default(torch.optim.lr_scheduler.OneCycleLR, "pct_start"),
    "one_cycle.div_factor": default(torch.optim.lr_scheduler.OneCycleLR, "div_factor"),
    "one_cycle.final_div_factor": default(torch.optim.lr_scheduler.OneCycleLR, "final_div_factor"),
    "batch_norm.center": default(torch.nn.BatchNorm2d, "affine"),
    "batch_norm.scale": default(torch.nn.BatchNorm2d, "affine"),
    "up_sampling2d.align_corners": bool(default(torch.nn.Upsample, "align_corners")),
    "layer_norm.center": default(torch.nn.LayerNorm, "bias"),
    "layer_norm.scale": default(torch.nn.LayerNorm, "elementwise_affine"),
    "group_norm.scale": default(torch.nn.GroupNorm, "affine"),
    "instance_norm.center": default(torch.nn.InstanceNorm2d, "affine"),
    "instance_norm.scale": default(torch.nn.InstanceNorm2d, "affine"),
    **{
        f"{kind}.two_biases": hasattr(module, "bias_hh_l0")
        for kind, module in (("simple_rnn", torch.nn.RNN(2, 64)), ("lstm", torch.nn.LSTM(2, 64)))
    },
    "lstm.unit_forget_bias": bool((torch.nn.LSTM(2, 64).bias_ih_l0[64:128] == 1).all()),
    "simple_rnn.activation": torch.nn.RNN(2, 64).nonlinearity,
    "training.batch_size": default(torch.utils.data.DataLoader, "batch_size"),
    "training.shuffle": bool(default(torch.utils.data.DataLoader, "shuffle")),
    "training.drop_remainder": default(torch.utils.data.DataLoader, "drop_last"),
    "numerics.tf32": {
        (False, False): False, (True, True): True, (False, True): "convolutions"
    }[torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32],
    "numerics.matmul_precision": {"highest": None}.get(torch.get_float32_matmul_precision(), "another"),
    "numerics.deterministic": torch.are_deterministic_algorithms_enabled() or torch.backends.cudnn.deterministic,
    "numerics.mixed_precision": "another" if torch.is_autocast_enabled("cuda") else None,
    "numerics.loss_scale": default(torch.amp.GradScaler, "init_scale"),
    "numerics.channels_last": not torch.nn.Conv2d(3, 4, 2).weight.is_contiguous(),
    "numerics.compile": hasattr(torch.nn.Linear(2, 2)._compiled_call_impl, "__call__"),
}
"""
DETERMINISM = "from tensorflow.python.framework import config\n"
WANTED = {
    "keras": ("import keras, tensorflow\n" + DETERMINISM, KERAS),
    "tensorflow": ("import tensorflow as tf\n" + DETERMINISM, TENSORFLOW),
    "torch": ("import torch\n", TORCH),
}


@cache
def installed(framework: str) -> dict[str, Any]:
    """Return the defaults in the signatures of the installed framework, by entry and field."""
    imported, wanted = WANTED[framework]
    code = imported + PROBE.replace("{wanted}", wanted)
    done = subprocess.run([interpreter(framework), "-c", code], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def declared(framework: str, entry: str, field: str) -> Any:
    from parity.spec.sections import NumericsSpec, TrainingSpec

    owners = {"training": TrainingSpec, "numerics": NumericsSpec} | {
        name: one for family in FAMILIES.values() for name, one in family.items()
    }
    owner: Any = owners[entry]
    default = owner.model_fields[field].get_default(call_default_factory=True)
    return owner.native.get(framework, {}).get(field, default)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_declared_defaults_are_the_installed_frameworks(framework: str) -> None:
    found = installed(framework)
    said = {key: declared(framework, *key.split(".")) for key in found}
    wrong = {
        key: (said[key], value)
        for key, value in found.items()
        if value not in (said[key], shown(said[key]), str(said[key]))
    }
    assert wrong == {}


def test_every_default_that_a_framework_has_otherwise_is_in_the_table() -> None:
    rows = {(row["entry"], row["field"]) for row in default_rows()}
    for framework in FRAMEWORKS:
        for key in installed(framework):
            entry, field = key.split(".")
            if shown(declared(framework, entry, field)) != shown(declared("keras", entry, field)):
                assert (entry, field) in rows
