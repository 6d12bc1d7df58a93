"""Differences that provably do nothing: of every reason there is, both configs are run, and nothing moves.

They are run by the NumPy reference, for some steps, from the same numbers; and compiled for every framework.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_forked import interpreter
from helpers_frameworks import FRAMEWORKS, missing

from parity.compile.emit import compile_side
from parity.reference import Reference
from parity.run.initial import initial_value, initial_weight
from parity.run.randomness import batches
from parity.run.session import Session
from parity.run.weights_file import write_weights
from parity.spec import inert as reasons
from parity.spec.differences import Difference, differences, mixed
from parity.spec.load import build_spec
from parity.spec.resolve import Resolved, resolve

ROWS, STEPS = 12, 5
CONV = {"conv1d": {"filters": 3, "kernel_size": 2, "activation": "tanh", "name": "conv"}}
END: list[Any] = ["flatten", {"dense": {"units": 4, "activation": "tanh", "name": "hidden"}},
                  {"dense": {"units": 2, "activation": "softmax", "name": "out"}}]  # fmt: skip
ONE = {"model": {"input": [6, 2], "layers": [CONV, "flatten", {"dense": {"units": 1, "name": "out"}}]}, "metrics": []}
COLUMN = {"source": "rows.npz", "targets": "column"}
FLAT = {"source": "rows.npz", "targets": "flat"}
WIDE = {"conv2d": {"filters": 3, "kernel_size": 2, "activation": "tanh", "name": "conv"}}


def with_fields(layer: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    ((kind, known),) = layer.items()
    return {kind: {**known, **fields}}


def sides(changes: Mapping[str, Any], layers: list[Any] | None = None, **more: Any) -> tuple[Resolved, Resolved]:
    shape = more.pop("shape", [6, 2])
    read = {"inputs": {"tokens": shape}} if isinstance(shape, Mapping) else {"input": shape}
    layers = [*(layers if layers is not None else [CONV]), *more.pop("end", END)]
    spec: dict[str, Any] = {
        "name": "inert", "data": {"source": "rows.npz"}, "model": read | {"layers": layers},
        "loss": "categorical_crossentropy", "optimizer": {"sgd": {"learning_rate": 0.1}},
        "training": {"batch_size": 4}, "metrics": ["accuracy"],
        "sides": {"a": {"framework": "torch"}, "b": {"framework": "keras", "changes": dict(changes)}},
    }  # fmt: skip
    a, b = resolve(build_spec({**spec, **more}))
    return a, b


def targets(side: Resolved, rng: np.random.Generator) -> np.ndarray:
    """Return one-hot rows of two classes, or one number a row for a side that has one output."""
    labels = rng.integers(0, 2, ROWS)
    return np.eye(2)[labels] if side.layers()[-1].output_shape == (2,) else labels[:, None] + 0.0


def inputs(side: Resolved, rng: np.random.Generator) -> np.ndarray:
    """Return rows that a side's one input reads, of tokens or of real numbers."""
    (read,) = side.graph.inputs
    shape = (ROWS, *read.shape)
    return rng.integers(0, 5, shape) + 0.0 if read.dtype == "integer" else rng.normal(size=shape)


def trained(side: Resolved) -> list[np.ndarray]:
    """Return the losses of some steps, and the weights and predictions they end with."""
    rng = np.random.default_rng(2)
    x, y = inputs(side, rng), targets(side, rng)
    training = side.config.training
    weights = {name: initial_weight(side, name) for name in side.parameters()}
    reference = Reference(side, weights)
    rows = batches(training.seed, ROWS, training.batch_size, training.shuffle, training.drop_remainder)
    losses = [reference.step(x[one], y[one], number).loss for number, one in enumerate(islice(rows, STEPS))]
    return [np.array(losses), *(reference.weights[name] for name in sorted(weights)), reference.predict(x)]


L2 = {"l2": {"factor": 0.0}}
NORM = {"batch_norm": {"name": "norm"}}
RNN = {"lstm": {"units": 3, "return_sequences": True, "name": "rnn"}}
CUT = {"activation": {"function": "relu", "name": "cut"}}

WORDS = {"embedding": {"input_dim": 5, "output_dim": 2, "name": "words"}}
TOKENS = {"shape": {"shape": [6], "dtype": "integer"}}

GIVEN = {"training": {"batch_size": 4, "initial_weights": "start.safetensors"}}

INERT: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    # changes of the second side, the rest of the spec, the path and the reason
    ("layers.conv.padding", {"layers.conv.padding": "same"}, {"layers": [with_fields(CONV, kernel_size=1)]},
     "with kernel_size 1 and strides 1, 'same' pads nothing"),
    ("layers.conv.padding", {"layers.conv.padding": "same"},
     {"layers": [with_fields(WIDE, kernel_size=1, strides=2)], "shape": [6, 6, 2]},
     "with kernel_size 1 and strides 2, 'same' pads nothing"),
    ("layers.conv.dilation_rate", {"layers.conv.dilation_rate": 3}, {"layers": [with_fields(CONV, kernel_size=1)]},
     "there is nothing to spread in a window of 1"),
    ("layers.conv.strides", {"layers.conv.strides": 3}, {"layers": [with_fields(CONV, kernel_size=5, strides=2)]},
     "there is no second window to step to"),
    ("layers.pool.strides", {"layers.pool.strides": 4},
     {"layers": [{"max_pooling1d": {"pool_size": 5, "strides": 3, "name": "pool"}}]},
     "there is no second window to step to"),
    ("layers.pool.padding", {"layers.pool.padding": "same"},
     {"layers": [{"max_pooling1d": {"pool_size": 2, "name": "pool"}}]}, "windows of 2 fill 6 either way"),
    ("layers.pool.strides", {"layers.pool.strides": 2},
     {"layers": [{"max_pooling1d": {"pool_size": 2, "name": "pool"}}]},
     "strides that are not said are those of pool_size"),
    ("layers.flatten.data_format", {"layers.flatten.data_format": "channels_first"},
     {"layers": [], "shape": [1, 6]}, "no two axes are longer than 1"),
    ("layers.norm.axis", {"layers.norm.axis": 1}, {"layers": [NORM], "shape": [6]}, "there is one axis only"),
    ("layers.norm.axis", {"layers.norm.axis": 1},
     {"layers": [{"normalization": {"mean": 0.5, "variance": 2.0, "name": "norm"}}]}, "one number is for all axes"),
    ("layers.norm.beta_initializer", {"layers.norm.beta_initializer": "ones"},
     {"layers": [{"batch_norm": {"center": False, "name": "norm"}}]}, "there is no beta"),
    ("layers.norm.gamma_initializer", {"layers.norm.gamma_initializer": "zeros"},
     {"layers": [{"batch_norm": {"scale": False, "name": "norm"}}]}, "there is no gamma"),
    ("layers.words.mask_zero", {"layers.words.mask_zero": True}, TOKENS | {"layers": [WORDS]},
     "it ends before a layer that goes by masks, or the loss"),
    ("layers.words.mask_zero", {"layers.words.mask_zero": True},
     TOKENS | {"layers": [WORDS, with_fields(RNN, return_sequences=False)], "end": END[1:]}, ""),
    ("layers.norm.freeze_statistics", {"layers.norm.freeze_statistics": False}, {"layers": [NORM]},
     "the running statistics move"),
    ("layers.norm.freeze_statistics", {"layers.norm.freeze_statistics": True}, {"layers": [NORM]}, ""),
    ("layers.norm.freeze_statistics", {"layers.norm.freeze_statistics": True},
     {"layers": [with_fields(NORM, trainable=False)]}, "the running statistics stay"),
    ("layers.norm.momentum", {"layers.norm.momentum": 0.5}, {"layers": [with_fields(NORM, trainable=False)]},
     "the running statistics stay as they start"),
    ("layers.mean.count_include_pad", {"layers.mean.count_include_pad": True},
     {"layers": [{"average_pooling1d": {"pool_size": 2, "name": "mean"}}]}, "nothing stands around the input"),
    ("layers.bend.shared_axes", {"layers.bend.shared_axes": [1]},
     {"layers": [{"prelu": {"name": "bend"}}], "shape": [1, 6]}, "the axes are 1 long"),
    ("layers.up.align_corners", {"layers.up.align_corners": True},
     {"layers": [{"up_sampling2d": {"size": 2, "name": "up"}}], "shape": [2, 3, 2]}, "nearest aligns nothing"),
    ("layers.conv.padding", {"layers.conv.padding": 1}, {"layers": [with_fields(CONV, kernel_size=3, padding="same")]},
     "the same zeros either way"),
    ("layers.pool.padding", {"layers.pool.padding": 1},
     {"layers": [{"max_pooling1d": {"pool_size": 3, "strides": 1, "padding": "same", "name": "pool"}}]},
     "the same cells either way"),
    ("layers.up.padding", {"layers.up.padding": "valid"}, {"layers": [
        {"conv1d_transpose": {"filters": 3, "kernel_size": 2, "strides": 2, "padding": "same", "name": "up"}}]},
     "the same cells are cut off either way"),
    ("layers.conv.bias_initializer", {"layers.conv.bias_initializer": "ones"},
     {"layers": [with_fields(CONV, use_bias=False)]}, "neither side has the bias"),
    ("layers.rnn.go_backwards", {"layers.rnn.go_backwards": True}, {"layers": [RNN], "shape": [1, 6]},
     "there is one step only"),
    ("layers.rnn.go_backwards", {"layers.rnn.go_backwards": True}, {"layers": [RNN], "shape": [2, 6]}, ""),
    ("layers.rnn.two_biases", {"layers.rnn.two_biases": True}, {"layers": [with_fields(RNN, use_bias=False)]},
     "there is no bias"),
    ("layers.rnn.unit_forget_bias", {"layers.rnn.unit_forget_bias": False},
     {"layers": [with_fields(RNN, use_bias=False)]}, "there is no bias"),
    ("layers.rnn.recurrent_regularizer", {"layers.rnn.recurrent_regularizer": L2}, {"layers": [RNN]},
     "a penalty times 0 is none"),
    ("layers.conv.bias_regularizer", {"layers.conv.bias_regularizer": "l2"},
     {"layers": [with_fields(CONV, use_bias=False)]}, "neither side has the bias"),
    ("layers.conv.bias_constraint", {"layers.conv.bias_constraint": {"max_norm": 0.1}},
     {"layers": [with_fields(CONV, use_bias=False)]}, "neither side has the bias"),
    ("layers.conv.bias_initializer", {"layers.conv.bias_initializer": {"constant": 0}}, {}, "both start at 0"),
    ("layers.hidden.bias_initializer", {"layers.hidden.bias_initializer": {"constant": 1}},
     {"layers": [CONV], "training": {"batch_size": 4}}, ""),
    ("layers.conv.kernel_regularizer", {"layers.conv.kernel_regularizer": L2}, {}, "a penalty times 0 is none"),
    ("layers.conv.kernel_regularizer", {"layers.conv.kernel_regularizer": "l2"}, {}, ""),
    ("layers.conv.activity_regularizer", {"layers.conv.activity_regularizer": L2}, {}, "a penalty times 0 is none"),
    ("layers.conv.activity_regularizer", {"layers.conv.activity_regularizer": "l2"}, {}, ""),
    ("layers.conv.activity_reduction", {"layers.conv.activity_reduction": "sum"},
     {"layers": [with_fields(CONV, activity_regularizer=L2)]}, "no output is penalised"),
    ("layers.conv.activity_reduction", {"layers.conv.activity_reduction": "sum"},
     {"layers": [with_fields(CONV, activity_regularizer="l2")]}, ""),
    ("layers.drop", {"layers.conv.after": {"dropout": {"rate": 0.0, "name": "drop"}}}, {},
     "it hands on what it is given"),
    ("layers.drop", {"layers.conv.after": {"dropout": {"rate": 0.0, "name": "drop"}}},
     {"layers": [CONV, {"dropout": {"rate": 0.4, "name": "late"}}]}, "it hands on what it is given"),
    ("layers.same", {"layers.conv.after": {"activation": {"function": "linear", "name": "same"}}}, {},
     "it hands on what it is given"),
    *[("layers.again", {f"layers.{last}.after": {"activation": {"function": function, "name": "again"}}},
       {"layers": [with_fields(CONV, activation=activation), *between]},
       reason and f"it stands behind {reason}, which gives nothing below 0")
      for function, activation, between, last, reason in [
          ("relu", "relu", [], "conv", "relu"), ("relu", "sigmoid", [], "conv", "sigmoid"),
          ("relu", "softmax", [], "conv", "softmax"), ("leaky_relu", "relu", [], "conv", "relu"),
          ("relu", "relu", [{"dropout": {"rate": 0.4, "name": "late"}}], "late", "relu"),
          ("relu", "relu", [{"max_pooling1d": {"pool_size": 2, "name": "pool"}}], "pool", "relu"),
          ("relu", "tanh", [], "conv", ""), ("relu", "leaky_relu", [], "conv", ""), ("sigmoid", "relu", [], "conv", ""),
          ("relu", "relu", [NORM], "norm", ""),
      ]],
    *[("layers.conv.activation", {"layers.conv.activation": other},
       {"layers": [with_fields(CONV, activation="relu"), *between, CUT]}, reason)
      for other, between, reason in [
          ("linear", [], "relu behind it cuts off what it lets through"),
          ("leaky_relu", [{"dropout": {"rate": 0.4, "name": "late"}}], "relu behind it cuts off what it lets through"),
          ("linear", [NORM], ""), ("gelu", [], ""),
      ]],
    ("optimizer.nesterov", {"optimizer.nesterov": True}, {},
     "without momentum there is no velocity to look ahead by"),
    ("optimizer.nesterov", {"optimizer.nesterov": True}, {"optimizer": {"sgd": {"momentum": 0.5}}}, ""),
    ("optimizer.rate_place", {"optimizer.rate_place": "outside_velocity"}, {},
     "without momentum there is no velocity"),
    ("optimizer.dampening", {"optimizer.dampening": 0.5}, {}, "without momentum there is no velocity"),
    ("optimizer.dampening", {"optimizer.dampening": 0.5}, {"optimizer": {"sgd": {"momentum": 0.5}}}, ""),
    ("optimizer.accumulation", {"optimizer.accumulation": "sum"}, {}, "every batch makes an update"),
    ("optimizer.accumulation", {"optimizer.accumulation": "sum"},
     {"optimizer": {"sgd": {"gradient_accumulation_steps": 2}}}, ""),
    ("optimizer.ema_momentum", {"optimizer.ema_momentum": 0.5}, {}, "no average is kept"),
    ("layers.places.sequence_length", {"layers.places.sequence_length": 4},
     {"layers": [{"position_embedding": {"name": "places"}}], "shape": [4, 3]},
     "the table has as many rows either way"),
    ("layers.words.padding_starts_at_0", {"layers.words.padding_starts_at_0": False},
     TOKENS | {"layers": [WORDS, "flatten", {"dense": {"units": 2, "name": "out"}}]}, "no row stands for padding"),
    ("layers.back.kernel_initializer", {"layers.back.kernel_initializer": "he_normal"},
     TOKENS | {"layers": [WORDS, {"dense": {"units": 5, "kernel_of": "words", "name": "back"}}]},
     "the kernel is the table of words"),
    ("layers.look.output_initializer", {"layers.look.output_initializer": "glorot_uniform"},
     {"layers": [{"multi_head_attention": {"num_heads": 1, "key_dim": 2, "name": "look"}}], "shape": [4, 3]},
     "the output's kernel starts as the others either way"),
    ("layers.look.output_bias", {"layers.look.output_bias": True},
     {"layers": [{"multi_head_attention": {"num_heads": 1, "key_dim": 2, "name": "look"}}], "shape": [4, 3]},
     "the output has a bias either way"),
    ("layers.look.output_bias", {"layers.look.output_bias": False},
     {"layers": [{"multi_head_attention": {"num_heads": 1, "key_dim": 2, "use_bias": False, "name": "look"}}],
      "shape": [4, 3]},
     "the output has none either way"),
    ("layers.look.scale", {"layers.look.scale": 0.5},
     {"layers": [{"multi_head_attention": {"num_heads": 1, "key_dim": 4, "name": "look"}}], "shape": [4, 3]},
     "scores are multiplied by the same either way"),
    ("layers.look.scale", {"layers.look.scale": 1.0},
     {"layers": [{"multi_head_attention": {"num_heads": 1, "key_dim": 4, "name": "look"}}], "shape": [4, 3]}, ""),
    ("layers.waves.order", {"layers.waves.order": "halves"},
     {"layers": [{"sinusoidal_positions": {"name": "waves"}}], "shape": [4, 2]},
     "there is one sine, and one cosine at most"),
    ("layers.waves.max_wavelength", {"layers.waves.max_wavelength": 100.0},
     {"layers": [{"sinusoidal_positions": {"name": "waves"}}], "shape": [1, 6]}, "there is one place"),
    ("optimizer.clip_epsilon", {"optimizer.clip_epsilon": 0.5}, {}, "no norm is clipped"),
    ("optimizer.clip_epsilon", {"optimizer.clip_epsilon": 0.5}, {"optimizer": {"sgd": {"clipvalue": 0.01}}},
     "no norm is clipped"),
    ("optimizer.clip_epsilon", {"optimizer.clip_epsilon": 0.5}, {"optimizer": {"sgd": {"clipnorm": 0.01}}}, ""),
    ("loss.recover_logits", {"loss.recover_logits": False}, {}, ""),
    ("loss.recover_logits", {"loss.recover_logits": False},
     {"loss": {"categorical_crossentropy": {"from_logits": True}}}, "the outputs are logits"),
    ("loss.recover_logits", {"loss.recover_logits": False}, {"loss": "sigmoid_crossentropy"},
     "there is no sigmoid to look behind"),
    ("loss.recover_logits", {"loss.recover_logits": False},
     {"loss": "categorical_focal_crossentropy"},
     "probabilities are made of the logits again: rounding moves, nothing else"),
    ("loss.divisor", {"loss.divisor": "weights"}, {}, "all classes count alike"),
    ("loss.divisor", {"loss.divisor": "weights"},
     {"loss": {"categorical_crossentropy": {"class_weight": [1.0, 2.0], "reduction": "sum"}}},
     "a sum is divided by nothing"),
    ("loss.divisor", {"loss.divisor": "weights"},
     {"loss": {"categorical_crossentropy": {"class_weight": [1.0, 2.0]}}}, ""),
    ("loss.divisor", {"loss.divisor": "weights"},
     {"loss": {"categorical_crossentropy": {"class_weight": [1.0, 2.0], "reduction": "mean_with_sample_weight"}}},
     "the reduction says so"),
    ("loss.reduction", {"loss.reduction": "mean_with_sample_weight"}, {},
     "all rows count alike: rounding moves, nothing else"),
    ("loss.reduction", {"loss.reduction": "mean_with_sample_weight"},
     {"loss": {"categorical_crossentropy": {"class_weight": [1.0, 2.0]}}}, ""),
    ("loss.alpha", {"loss.alpha": 0.5}, {"loss": "binary_focal_crossentropy"}, "classes are not balanced"),
    ("loss.epsilon", {"loss.epsilon": 0.5}, {"loss": {"poisson": {"log_input": True}}}, "of logarithms none is taken"),
    ("loss", {"loss": {"sparse_categorical_crossentropy": {"from_logits": True}}},
     {"loss": {"categorical_crossentropy": {"from_logits": True}}},
     "the same number from logits: rounding moves, nothing else"),
    ("loss", {"loss": "sparse_categorical_crossentropy"}, {"loss": {"categorical_crossentropy": {"from_logits": True}}},
     ""),
    ("data.targets", {"data.targets": "index", "loss": {"sparse_categorical_crossentropy": {"from_logits": True}}},
     {"loss": {"categorical_crossentropy": {"from_logits": True}}, "data": {**COLUMN, "targets": "one_hot"}},
     "the same targets, in the form that each program takes"),
    ("data.targets", {"data.targets": "flat"}, {**ONE, "data": COLUMN, "loss": "mse"},
     "the same targets, in the form that each program takes"),
    ("data.targets", {"data.targets": "flat"}, {**ONE, "data": COLUMN, "loss": {"mae": {"broadcast": "stretch"}}}, ""),
    ("loss.broadcast", {"loss.broadcast": "stretch"}, {**ONE, "data": COLUMN, "loss": "mse"},
     "targets of the outputs' shape: nothing to stretch"),
    ("loss.broadcast", {"loss.broadcast": "stretch"}, {**ONE, "data": FLAT, "loss": "mse"}, ""),
    ("loss.broadcast", {"loss.broadcast": "stretch"},
     {**ONE, "data": FLAT, "loss": {"sigmoid_crossentropy": {"from_logits": True}}}, ""),
    ("metrics", {"metrics": ["accuracy", "mse"]}, {}, "metrics are reported, nothing is trained by them"),
    ("training.drop_remainder", {"training.drop_remainder": True}, {}, "12 rows fill every batch"),
    ("training.drop_remainder", {"training.drop_remainder": True}, {"training": {"batch_size": 5}}, ""),
    ("training.batch_size", {"training.batch_size": 20}, {"training": {"batch_size": 12}},
     "every batch holds all 12 rows"),
    ("training.batch_size", {"training.batch_size": 20}, {"training": {"batch_size": 11}}, ""),
    ("training.shuffle", {"training.shuffle": False}, {"training": {"batch_size": 12}},
     "every batch holds all 12 rows: their order moves rounding only"),
    ("training.shuffle", {"training.shuffle": False},
     {"training": {"batch_size": 12}, "layers": [CONV, {"dropout": {"rate": 0.4, "name": "late"}}]}, ""),
    ("training.shuffle", {"training.shuffle": False}, {"training": {"batch_size": 11}}, ""),
    ("training.initial_weights", {"training.initial_weights": "copy.safetensors"}, GIVEN,
     "the two files are alike to the last byte"),
    ("training.initial_weights", {"training.initial_weights": "other.safetensors"}, GIVEN, ""),
    ("training.initial_weights", {"training.initial_weights": None}, GIVEN, ""),
    ("layers.*.kernel_initializer", {"layers.*.kernel_initializer": "he_normal"}, GIVEN,
     "both sides start from a file of weights"),
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def files_of_weights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the specs above the files that they start from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("weights"))
        a, _ = sides({"training.batch_size": 3})
        for seed, names in ((5, ("start", "copy")), (6, ("other",))):
            values = {name: initial_value(seed, name, one) for name, one in a.parameters().items()}
            for name in names:
                write_weights(Path(f"{name}.safetensors"), values, "float64")
        yield


def found(changes: Mapping[str, Any], how: Mapping[str, Any], path: str) -> tuple[Resolved, Resolved, Difference]:
    a, b = sides(changes, **how)
    (one,) = [one for one in differences(a, b, ROWS) if one.path == path]
    return a, b, one


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("path", "changes", "how", "reason"), INERT)
def test_what_is_called_inert_moves_nothing_and_what_is_not_does(
    path: str, changes: dict[str, Any], how: dict[str, Any], reason: str
) -> None:
    a, b, one = found(changes, how, path)
    assert one.reason == reason
    for side, other in ((a, b), (b, a)):
        changed = replace(side, config=mixed(side.config, other.config, set(one.paths)))
        assert changed.config != side.config
        before, after = trained(side), trained(changed)
        alike = [x.shape == y.shape and np.array_equal(x, y) for x, y in zip(before, after, strict=True)]
        if "rounding" in reason:
            assert all(np.allclose(x, y, rtol=1e-12, atol=1e-14) for x, y in zip(before, after, strict=True))
        elif reason and len(before) == len(after):
            assert all(alike), reason
        elif path != "loss":  # The kind alone does nothing there, but what it reads is another difference.
            assert not all(alike), "it does something: the reason must not be given"


@pytest.mark.parametrize(
    "changes",
    [
        {"layers.conv.activation": "tanh", "layers.conv.after": CUT},
        {"layers.conv.activation": "linear", "layers.conv.after": {"activation": {"function": "relu", "name": "first"}},
         "layers.first.after": CUT},
    ],
)  # fmt: skip
def test_what_one_side_alone_makes_inert_is_not(changes: dict[str, Any]) -> None:
    """Behind relu a second one does nothing; behind what the other side has there, it does."""
    a, b = sides(changes, [with_fields(CONV, activation="relu")])
    assert [one.reason for one in differences(a, b, ROWS) if "cut" in one.layers] == [""]


def code(side: Resolved) -> str:
    """Return a side's program without words and without what is only recorded."""
    tree = ast.parse(compile_side(side, name="inert", classes=2, formatted=False).source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[0].value.value = ""
    return ast.unparse(tree)


SAME_PROGRAM = {"without momentum", "the outputs are logits", "there is no sigmoid", "strides that are not said"}
"""Beginnings of reasons whose programs are the same to the letter, so that nothing has to be run."""


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize(
    ("path", "changes", "how", "reason"),
    [one for one in INERT if any(one[3].startswith(start) for start in SAME_PROGRAM)],
)
def test_programs_that_are_the_same(
    framework: str, path: str, changes: dict[str, Any], how: dict[str, Any], reason: str
) -> None:
    a, b, one = found(changes, how, path)
    changed = replace(a, config=mixed(a.config, b.config, set(one.paths)), framework=framework)
    assert code(replace(a, framework=framework)) == code(changed)


def reasons_given() -> set[str]:
    return {reason for *_, reason in INERT if reason}


def test_every_reason_in_the_code_is_among_those_that_are_run() -> None:
    """Read from the source: a reason that is added is to be run, too."""
    root = Path(reasons.__file__).parent.parent
    files = [root / "spec" / "inert.py", root / "spec" / "differences.py", root / "ops" / "windows.py"]
    files += [file for folder in ("ops", "optimizers", "losses") for file in (root / folder).glob("*.py")]
    said: set[str] = set()
    for file in dict.fromkeys(files):
        for function in ast.walk(ast.parse(file.read_text())):
            if not isinstance(function, ast.FunctionDef):
                continue
            if not (function.name in ("inert", "one_window") or function.name.endswith("_reason")):
                continue
            docstring = ast.get_docstring(function)
            for node in ast.walk(function):
                if isinstance(node, ast.Return | ast.IfExp):
                    for text in ast.walk(node):
                        if isinstance(text, ast.Constant) and isinstance(text.value, str) and " " in text.value:
                            said.add(text.value)
            said.discard(docstring or "")
    assert len(said) > 15
    given = reasons_given()
    unseen = [text for text in said if not any(text.strip() in reason for reason in given)]
    assert not unseen, "\n".join(unseen)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A worker with PyTorch."""
    if missing("torch"):
        pytest.skip(str(missing("torch")))
    with Session("torch", interpreter("torch"), tmp_path_factory.mktemp("worker") / "torch.log") as made:
        yield made


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("path", "changes", "how", "reason"),
    [one for one in INERT if one[3] and not any(one[3].startswith(start) for start in SAME_PROGRAM)],
)
def test_what_is_called_inert_moves_nothing_on_pytorch(
    worker: Session, tmp_path: Path, path: str, changes: dict[str, Any], how: dict[str, Any], reason: str
) -> None:
    from parity.data.dataset import Dataset
    from parity.run.freerun import free_run
    from parity.run.jobs import Bench, Job
    from parity.run.store import Store

    a, b, one = found(changes, how, path)
    rng = np.random.default_rng(2)
    x, y = inputs(a, rng), targets(a, rng)
    bench = Bench(
        dataset=Dataset(x=x, y=y, raw_x=x, raw_y=y, description="made up"),
        store=Store(tmp_path / "runs"), scratch=tmp_path / "scratch", programs=tmp_path, logs=tmp_path,
    )  # fmt: skip
    runs = []
    for config in (a.config, mixed(a.config, b.config, set(one.paths))):
        side = replace(a, framework="torch", config=config)
        compiled = compile_side(side, name="inert", classes=2, formatted=False)
        program = replace(compiled, file_name=f"inert_{len(runs)}.py")
        runs.append(
            free_run(worker, bench, Job(side=side, program=program, steps=STEPS, precision="float64", threads=1))
        )
    first, second = runs
    assert not second.cached or first.key == second.key
    # Where nothing moves, a tensor that lies elsewhere in memory is still summed up in another order.
    assert second.losses == pytest.approx(first.losses, rel=1e-12 if "rounding" in reason else 1e-14)
    if "rounding" not in reason:
        assert second.final.get("accuracy") == first.final.get("accuracy")


def test_losses_of_several_outputs_that_stand_in_another_order_can_be_told_apart() -> None:
    """The whole section is then a difference, of which no loss can be asked anything."""
    spec = build_spec({
        "name": "two", "data": {"source": "rows.npz"},
        "model": {"input": [4], "layers": [{"dense": {"units": 2, "name": "a"}},
                                           {"dense": {"units": 1, "name": "b", "inputs": "input"}}],
                  "outputs": {"one": "a", "two": "b"}},
        "loss": {"one": "mse", "two": "mae"}, "optimizer": "sgd",
        "sides": {"x": {"framework": "keras"},
                  "y": {"framework": "torch", "changes": {"loss": {"two": "mse", "one": "mse"}}}},
    })  # fmt: skip
    found = differences(*resolve(spec))
    assert [one.path.partition(".")[0] for one in found] == ["loss"] * len(found)
    assert found
    assert not any(one.inert for one in found)
