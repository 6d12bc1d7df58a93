"""What the entries say of a framework's own defaults, held against the installed framework's signatures."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from typing import Any

import pytest
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
    "adam.learning_rate": default(keras.optimizers.Adam, "learning_rate"),
    "adam.beta_1": default(keras.optimizers.Adam, "beta_1"),
    "adam.beta_2": default(keras.optimizers.Adam, "beta_2"),
    "adam.epsilon": default(keras.optimizers.Adam, "epsilon"),
    "adamw.weight_decay": default(keras.optimizers.AdamW, "weight_decay"),
    "adamw.learning_rate": default(keras.optimizers.AdamW, "learning_rate"),
    "adamw.epsilon": default(keras.optimizers.AdamW, "epsilon"),
    **{
        f"rmsprop.{name}": default(keras.optimizers.RMSprop, name)
        for name in ("learning_rate", "rho", "momentum", "epsilon", "centered")
    },
    **{
        f"nadam.{name}": default(keras.optimizers.Nadam, name)
        for name in ("learning_rate", "beta_1", "beta_2", "epsilon")
    },
    **{
        f"adagrad.{name}": default(keras.optimizers.Adagrad, name)
        for name in ("learning_rate", "initial_accumulator_value", "epsilon")
    },
    **{
        f"adamax.{name}": default(keras.optimizers.Adamax, name)
        for name in ("learning_rate", "beta_1", "beta_2", "epsilon")
    },
    **{f"lion.{name}": default(keras.optimizers.Lion, name) for name in ("learning_rate", "beta_1", "beta_2")},
    **{
        f"lamb.{name}": default(keras.optimizers.Lamb, name)
        for name in ("learning_rate", "beta_1", "beta_2", "epsilon")
    },
    **{
        f"ftrl.{name}": default(keras.optimizers.Ftrl, name)
        for name in ("learning_rate", "initial_accumulator_value", "l1_regularization_strength",
                     "l2_regularization_strength", "l2_shrinkage_regularization_strength", "beta")
    },
    "ftrl.power": -default(keras.optimizers.Ftrl, "learning_rate_power"),
    "adam.amsgrad": default(keras.optimizers.Adam, "amsgrad"),
    **{
        f"polynomial.{name}": default(keras.optimizers.schedules.PolynomialDecay, name)
        for name in ("end_learning_rate", "power", "cycle")
    },
    **{
        f"cosine_restarts.{name}": default(keras.optimizers.schedules.CosineDecayRestarts, name)
        for name in ("t_mul", "m_mul", "alpha")
    },
    "exponential.staircase": default(keras.optimizers.schedules.ExponentialDecay, "staircase"),
    "cosine.alpha": default(keras.optimizers.schedules.CosineDecay, "alpha"),
    "inverse_time.staircase": default(keras.optimizers.schedules.InverseTimeDecay, "staircase"),
    "l2.factor": default(keras.regularizers.L2, "l2"),
    "l1.factor": default(keras.regularizers.L1, "l1"),
    "l1_l2.l1": default(keras.regularizers.L1L2, "l1"),
    "l1_l2.l2": default(keras.regularizers.L1L2, "l2"),
    "unit_norm.axis": str((default(keras.constraints.UnitNorm, "axis"),)),
    "min_max_norm.axis": str((default(keras.constraints.MinMaxNorm, "axis"),)),
    **{
        f"min_max_norm.{name}": default(keras.constraints.MinMaxNorm, name)
        for name in ("min_value", "max_value", "rate")
    },
    "max_norm.max_value": default(keras.constraints.MaxNorm, "max_value"),
    "max_norm.axis": str((default(keras.constraints.MaxNorm, "axis"),)),
    "dense.kernel_regularizer": default(keras.layers.Dense, "kernel_regularizer"),
    "conv2d.kernel_constraint": default(keras.layers.Conv2D, "kernel_constraint"),
    "sgd.learning_rate": default(keras.optimizers.SGD, "learning_rate"),
    "sgd.momentum": default(keras.optimizers.SGD, "momentum"),
    "sgd.nesterov": default(keras.optimizers.SGD, "nesterov"),
    "categorical_crossentropy.from_logits": default(keras.losses.CategoricalCrossentropy, "from_logits"),
    "categorical_crossentropy.label_smoothing": default(keras.losses.CategoricalCrossentropy, "label_smoothing"),
    "huber.reduction": {"sum_over_batch_size": "mean"}.get(default(keras.losses.MeanSquaredError, "reduction")),
    "huber.delta": default(keras.losses.Huber, "delta"),
    "cosine_similarity.axis": default(keras.losses.CosineSimilarity, "axis"),
    **{
        f"categorical_focal_crossentropy.{name}": default(keras.losses.CategoricalFocalCrossentropy, name)
        for name in ("alpha", "gamma", "from_logits", "label_smoothing")
    },
    **{
        f"binary_focal_crossentropy.{name}": default(keras.losses.BinaryFocalCrossentropy, name)
        for name in ("alpha", "gamma", "apply_class_balancing", "from_logits", "label_smoothing")
    },
    "poisson.epsilon": keras.config.epsilon(),
    "sigmoid_crossentropy.from_logits": default(keras.losses.BinaryCrossentropy, "from_logits"),
    "truncated_normal.mean": default(keras.initializers.TruncatedNormal, "mean"),
    "truncated_normal.stddev": default(keras.initializers.TruncatedNormal, "stddev"),
    "random_normal.mean": default(keras.initializers.RandomNormal, "mean"),
    "random_normal.stddev": default(keras.initializers.RandomNormal, "stddev"),
    "random_uniform.minval": default(keras.initializers.RandomUniform, "minval"),
    "random_uniform.maxval": default(keras.initializers.RandomUniform, "maxval"),
    **{
        f"variance_scaling.{name}": default(keras.initializers.VarianceScaling, name)
        for name in ("scale", "mode", "distribution")
    },
    "orthogonal.gain": default(keras.initializers.Orthogonal, "gain"),
    "identity.gain": default(keras.initializers.Identity, "gain"),
    "dense.use_bias": default(keras.layers.Dense, "use_bias"),
    "dense.kernel_initializer": default(keras.layers.Dense, "kernel_initializer"),
    "dense.bias_initializer": default(keras.layers.Dense, "bias_initializer"),
    "conv1d.strides": default(keras.layers.Conv1D, "strides"),
    "conv1d.padding": default(keras.layers.Conv1D, "padding"),
    "conv1d.kernel_initializer": default(keras.layers.Conv1D, "kernel_initializer"),
    "conv1d.bias_initializer": default(keras.layers.Conv1D, "bias_initializer"),
    "conv2d.strides": default(keras.layers.Conv2D, "strides"),
    "conv2d.padding": default(keras.layers.Conv2D, "padding"),
    "conv2d.kernel_initializer": default(keras.layers.Conv2D, "kernel_initializer"),
    "max_pooling1d.pool_size": default(keras.layers.MaxPooling1D, "pool_size"),
    "max_pooling2d.pool_size": default(keras.layers.MaxPooling2D, "pool_size"),
    "max_pooling2d.strides": default(keras.layers.MaxPooling2D, "strides"),
    "batch_norm.momentum": default(keras.layers.BatchNormalization, "momentum"),
    "batch_norm.epsilon": default(keras.layers.BatchNormalization, "epsilon"),
    "batch_norm.center": default(keras.layers.BatchNormalization, "center"),
    "batch_norm.scale": default(keras.layers.BatchNormalization, "scale"),
    "batch_norm.beta_initializer": default(keras.layers.BatchNormalization, "beta_initializer"),
    "batch_norm.gamma_initializer": default(keras.layers.BatchNormalization, "gamma_initializer"),
    "average_pooling2d.strides": default(keras.layers.AveragePooling2D, "strides"),
    "average_pooling2d.padding": default(keras.layers.AveragePooling2D, "padding"),
    "global_average_pooling2d.keepdims": default(keras.layers.GlobalAveragePooling2D, "keepdims"),
    "up_sampling2d.interpolation": default(keras.layers.UpSampling2D, "interpolation"),
    "rescaling.offset": default(keras.layers.Rescaling, "offset"),
    **{
        f"layer_norm.{name}": default(keras.layers.LayerNormalization, name)
        for name in ("axis", "epsilon", "center", "scale")
    },
    **{
        f"group_norm.{name}": default(keras.layers.GroupNormalization, name)
        for name in ("groups", "axis", "epsilon", "center", "scale")
    },
    "rms_norm.epsilon": default(keras.layers.RMSNormalization, "epsilon"),
    "unit_normalization.axis": default(keras.layers.UnitNormalization, "axis"),
    "conv2d.groups": default(keras.layers.Conv2D, "groups"),
    "conv2d_transpose.padding": default(keras.layers.Conv2DTranspose, "padding"),
    "depthwise_conv2d.depth_multiplier": default(keras.layers.DepthwiseConv2D, "depth_multiplier"),
    "depthwise_conv2d.depthwise_initializer": default(keras.layers.DepthwiseConv2D, "depthwise_initializer"),
    "separable_conv2d.pointwise_initializer": default(keras.layers.SeparableConv2D, "pointwise_initializer"),
    "prelu.alpha_initializer": default(keras.layers.PReLU, "alpha_initializer").lower(),
    "prelu.shared_axes": default(keras.layers.PReLU, "shared_axes"),
    **{
        f"{kind}.{name}": default(layer, name)
        for kind, layer in (
            ("simple_rnn", keras.layers.SimpleRNN), ("lstm", keras.layers.LSTM), ("gru", keras.layers.GRU)
        )
        for name in ("activation", "recurrent_activation", "use_bias", "kernel_initializer", "bias_initializer",
                     "unit_forget_bias", "return_sequences", "go_backwards", "reset_after")
        if name in inspect.signature(layer).parameters
    },
    "lstm.two_biases": len(made(keras.layers.LSTM(1)).weights) > 3,
    "simple_rnn.two_biases": len(made(keras.layers.SimpleRNN(1)).weights) > 3,
    "bidirectional.merge_mode": default(keras.layers.Bidirectional, "merge_mode"),
    "gelu.approximate": default(keras.activations.gelu, "approximate"),
    "leaky_relu.negative_slope": default(keras.activations.leaky_relu, "negative_slope"),
    "elu.alpha": default(keras.activations.elu, "alpha"),
    "celu.alpha": default(keras.activations.celu, "alpha"),
    "soft_shrink.threshold": default(keras.activations.soft_shrink, "threshold"),
    "hard_shrink.threshold": default(keras.activations.hard_shrink, "threshold"),
    "squareplus.b": default(keras.activations.squareplus, "b"),
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
    "rmsprop.epsilon": default(tf.compat.v1.train.RMSPropOptimizer, "epsilon"),
    "rmsprop.rho": default(tf.compat.v1.train.RMSPropOptimizer, "decay"),
    "rmsprop.momentum": default(tf.compat.v1.train.RMSPropOptimizer, "momentum"),
    "adam.beta_1": default(tf.compat.v1.train.AdamOptimizer, "beta1"),
    "truncated_normal.stddev": default(tf.random.truncated_normal, "stddev"),
    "truncated_normal.mean": default(tf.random.truncated_normal, "mean"),
    "random_normal.mean": default(tf.random.normal, "mean"),
    "random_normal.stddev": default(tf.random.normal, "stddev"),
    "random_uniform.minval": default(tf.random.uniform, "minval"),
    "random_uniform.maxval": {None: 1.0}[default(tf.random.uniform, "maxval")],
    "gelu.approximate": default(tf.nn.gelu, "approximate"),
    "leaky_relu.negative_slope": default(tf.nn.leaky_relu, "alpha"),
    "numerics.tf32": tf.config.experimental.tensor_float_32_execution_enabled(),
    "numerics.deterministic": config.is_op_determinism_enabled(),
    "numerics.compile": default(tf.function, "jit_compile") or False,
}
"""
TORCH = """
{
    "adam.learning_rate": default(torch.optim.Adam, "lr"),
    "adam.epsilon": default(torch.optim.Adam, "eps"),
    "adamw.weight_decay": default(torch.optim.AdamW, "weight_decay"),
    "adamw.learning_rate": default(torch.optim.AdamW, "lr"),
    "adamw.epsilon": default(torch.optim.AdamW, "eps"),
    "nadam.learning_rate": default(torch.optim.NAdam, "lr"),
    "nadam.epsilon": default(torch.optim.NAdam, "eps"),
    "nadam.momentum_decay": default(torch.optim.NAdam, "momentum_decay"),
    "rmsprop.learning_rate": default(torch.optim.RMSprop, "lr"),
    "rmsprop.rho": default(torch.optim.RMSprop, "alpha"),
    "rmsprop.momentum": default(torch.optim.RMSprop, "momentum"),
    "rmsprop.epsilon": default(torch.optim.RMSprop, "eps"),
    "rmsprop.centered": default(torch.optim.RMSprop, "centered"),
    "sgd.learning_rate": default(torch.optim.SGD, "lr"),
    "sgd.momentum": default(torch.optim.SGD, "momentum"),
    "sgd.nesterov": default(torch.optim.SGD, "nesterov"),
    "adagrad.learning_rate": default(torch.optim.Adagrad, "lr"),
    "adagrad.epsilon": default(torch.optim.Adagrad, "eps"),
    "adagrad.initial_accumulator_value": default(torch.optim.Adagrad, "initial_accumulator_value"),
    "adamax.learning_rate": default(torch.optim.Adamax, "lr"),
    "adamax.epsilon": default(torch.optim.Adamax, "eps"),
    "radam.learning_rate": default(torch.optim.RAdam, "lr"),
    "radam.epsilon": default(torch.optim.RAdam, "eps"),
    "adam.amsgrad": default(torch.optim.Adam, "amsgrad"),
    "step.gamma": default(torch.optim.lr_scheduler.StepLR, "gamma"),
    "multi_step.gamma": default(torch.optim.lr_scheduler.MultiStepLR, "gamma"),
    "cosine_restarts.t_mul": float(default(torch.optim.lr_scheduler.CosineAnnealingWarmRestarts, "T_mult")),
    "one_cycle.pct_start": default(torch.optim.lr_scheduler.OneCycleLR, "pct_start"),
    "one_cycle.div_factor": default(torch.optim.lr_scheduler.OneCycleLR, "div_factor"),
    "one_cycle.final_div_factor": default(torch.optim.lr_scheduler.OneCycleLR, "final_div_factor"),
    "huber.delta": default(torch.nn.HuberLoss, "delta"),
    "smooth_l1.beta": default(torch.nn.SmoothL1Loss, "beta"),
    "poisson.log_input": default(torch.nn.PoissonNLLLoss, "log_input"),
    "poisson.epsilon": default(torch.nn.PoissonNLLLoss, "eps"),
    "huber.reduction": default(torch.nn.MSELoss, "reduction"),
    "kl_divergence.reduction": {"mean": "mean_over_classes"}.get(default(torch.nn.KLDivLoss, "reduction")),
    "categorical_crossentropy.label_smoothing": default(torch.nn.CrossEntropyLoss, "label_smoothing"),
    "sparse_categorical_crossentropy.class_weight": default(torch.nn.CrossEntropyLoss, "weight"),
    "truncated_normal.stddev": default(torch.nn.init.trunc_normal_, "std"),
    "truncated_normal.mean": default(torch.nn.init.trunc_normal_, "mean"),
    "random_normal.mean": default(torch.nn.init.normal_, "mean"),
    "random_normal.stddev": default(torch.nn.init.normal_, "std"),
    "random_uniform.minval": default(torch.nn.init.uniform_, "a"),
    "random_uniform.maxval": default(torch.nn.init.uniform_, "b"),
    **{
        f"{kind}.{name}": default(getattr(torch.nn.init, kind + "_"), name)
        for kind in ("kaiming_uniform", "kaiming_normal")
        for name in ("a", "mode", "nonlinearity")
    },
    "xavier_normal.gain": default(torch.nn.init.xavier_normal_, "gain"),
    "orthogonal.gain": default(torch.nn.init.orthogonal_, "gain"),
    "dense.use_bias": default(torch.nn.Linear, "bias"),
    "conv1d.strides": default(torch.nn.Conv1d, "stride"),
    "max_pooling2d.strides": default(torch.nn.MaxPool2d, "stride"),
    "batch_norm.momentum": 1 - default(torch.nn.BatchNorm2d, "momentum"),
    "batch_norm.epsilon": default(torch.nn.BatchNorm2d, "eps"),
    "batch_norm.center": default(torch.nn.BatchNorm2d, "affine"),
    "batch_norm.scale": default(torch.nn.BatchNorm2d, "affine"),
    "average_pooling1d.count_include_pad": default(torch.nn.AvgPool1d, "count_include_pad"),
    "average_pooling2d.count_include_pad": default(torch.nn.AvgPool2d, "count_include_pad"),
    "up_sampling2d.interpolation": default(torch.nn.Upsample, "mode"),
    "up_sampling2d.align_corners": bool(default(torch.nn.Upsample, "align_corners")),
    "layer_norm.epsilon": default(torch.nn.LayerNorm, "eps"),
    "layer_norm.center": default(torch.nn.LayerNorm, "bias"),
    "layer_norm.scale": default(torch.nn.LayerNorm, "elementwise_affine"),
    "group_norm.epsilon": default(torch.nn.GroupNorm, "eps"),
    "group_norm.scale": default(torch.nn.GroupNorm, "affine"),
    "instance_norm.epsilon": default(torch.nn.InstanceNorm2d, "eps"),
    "instance_norm.center": default(torch.nn.InstanceNorm2d, "affine"),
    "instance_norm.scale": default(torch.nn.InstanceNorm2d, "affine"),
    "rms_norm.epsilon": default(torch.nn.RMSNorm, "eps"),
    "conv2d.groups": default(torch.nn.Conv2d, "groups"),
    "prelu.alpha_initializer": str({"constant": default(torch.nn.PReLU, "init")}),
    **{
        f"{kind}.{name}": value
        for kind, module in (("simple_rnn", torch.nn.RNN(2, 64)), ("lstm", torch.nn.LSTM(2, 64)))
        for name, value in (
            ("use_bias", module.bias), ("two_biases", hasattr(module, "bias_hh_l0")),
        )
    },
    "lstm.unit_forget_bias": bool((torch.nn.LSTM(2, 64).bias_ih_l0[64:128] == 1).all()),
    "simple_rnn.activation": torch.nn.RNN(2, 64).nonlinearity,
    **{
        f"{kind}.{name}_initializer": "fan_in_uniform" if 0.12 < float(value.abs().max()) <= 64**-0.5 else "another"
        for kind, module in (
            ("simple_rnn", torch.nn.RNN(2, 64)), ("lstm", torch.nn.LSTM(2, 64)), ("gru", torch.nn.GRU(2, 64))
        )
        for name, value in (
            ("kernel", module.weight_ih_l0), ("recurrent", module.weight_hh_l0), ("bias", module.bias_ih_l0)
        )
    },
    "gelu.approximate": default(torch.nn.GELU, "approximate") != "none",
    "leaky_relu.negative_slope": default(torch.nn.LeakyReLU, "negative_slope"),
    "elu.alpha": default(torch.nn.ELU, "alpha"),
    "celu.alpha": default(torch.nn.CELU, "alpha"),
    "softplus.beta": default(torch.nn.Softplus, "beta"),
    "softplus.linear_above": default(torch.nn.Softplus, "threshold"),
    "soft_shrink.threshold": default(torch.nn.Softshrink, "lambd"),
    "hard_shrink.threshold": default(torch.nn.Hardshrink, "lambd"),
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
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
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
