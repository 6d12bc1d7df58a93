"""The CIFAR question: its images, real and generated, its five networks in every framework, its differences."""

from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers_frameworks import Reference, assert_same_step, each_framework, opened, starting_weights

from parity.data.loading import class_count, load
from parity.data.section import DataSpec
from parity.data.sources.cifar10 import is_real
from parity.data.written import preprocess_source
from parity.errors import DataError
from parity.prepare.options import data_source
from parity.spec.differences import differences, mixed
from parity.spec.load import load_spec
from parity.spec.resolve import Resolved, changed, resolve

SPECS = Path(__file__).resolve().parents[2] / "specs"
NETWORKS = ("cifar_base", "cifar_batch_norm", "cifar_all_conv", "cifar_small", "cifar_adadelta")
CIFAR_LIKE = "a44258b9a4f38c9b"
"""First digits of the sha256 over the generated images and labels."""


def resolved(name: str, framework: str = "torch") -> Resolved:
    return resolve(load_spec(SPECS / f"{name}.yaml"), (framework,))[0]


def count(side: Resolved) -> int:
    return sum(math.prod(one.shape) for one in side.parameters().values() if one.trainable)


# ------------------------------------------------------------------------------------------------------ images

AS_POSTED: dict[str, Any] = {"scale": 1 / 255, "transpose": (2, 0, 1), "validation_split": 0.2}


@pytest.fixture(scope="module")
def generated() -> Any:
    return load(DataSpec(source="cifar_like", **AS_POSTED))


def test_cifar_like_never_changes(generated: Any) -> None:
    raw = generated.raw_x.tobytes() + generated.raw_y.tobytes()
    assert (generated.raw_x.dtype, generated.raw_y.dtype) == (np.uint8, np.uint8)
    assert hashlib.sha256(raw).hexdigest().startswith(CIFAR_LIKE)


def test_the_test_images_are_kept_for_validation(generated: Any) -> None:
    assert (generated.x.shape, generated.x_val.shape) == ((2000, 3, 32, 32), (500, 3, 32, 32))
    assert generated.y.sum(axis=0).tolist() == [200] * 10
    assert generated.y_val.sum(axis=0).tolist() == [50] * 10
    assert 0 <= generated.x.min() < 0.05 < 0.95 < generated.x.max() <= 1
    assert generated.stand_in
    assert generated.description == (
        "cifar_like, a generated stand-in for CIFAR-10 (no real images), 2000 training images, then 500 test images: "
        "2500 rows of shape (3, 32, 32), 10 classes; 2000 to train on, the last 500 to validate on"
    )


def test_no_single_pixel_says_the_class_but_the_stripes_do(generated: Any) -> None:
    """A linear model finds little; the direction in which neighbours are alike, a product of two pixels, much more."""
    x, y = generated.raw_x[:, ::2, ::2].astype(float), generated.raw_y.astype(int)
    train, test = slice(0, 2000), slice(2000, 2500)

    def found(features: np.ndarray) -> float:
        features = (features - features[train].mean(axis=0)) / features[train].std(axis=0)
        ridge = features[train].T @ features[train] + 300 * np.eye(features.shape[1])
        weights = np.linalg.solve(ridge, features[train].T @ (np.eye(10)[y[train]] - 0.1))
        return float(((features[test] @ weights).argmax(axis=1) == y[test]).mean())

    grey = generated.raw_x.astype(float).mean(axis=-1)
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    spectrum = np.abs(np.fft.fft2(grey))[:, :9, np.r_[0:9, 24:32]].reshape(2500, -1)
    assert 0.15 < found(x.reshape(2500, -1)) < 0.45
    assert found(np.log(spectrum + 1)) > 0.55


def keras_file(folder: Path, column: bool = True, **other: Any) -> Path:
    rng = np.random.default_rng(0)
    parts = {
        "x_train": rng.integers(0, 256, (8, 4, 4, 3), dtype=np.uint8), "y_train": np.arange(8) % 3,
        "x_test": rng.integers(0, 256, (2, 4, 4, 3), dtype=np.uint8), "y_test": np.array([2, 1]),
    }  # fmt: skip
    if column:  # As keras.datasets has them.
        parts |= {name: parts[name][:, None] for name in ("y_train", "y_test")}
    file = folder / "images.npz"
    np.savez(file, **parts | other)
    return file


@pytest.mark.parametrize("source", ["cifar10", "cifar_like"])
@pytest.mark.parametrize("column", [True, False])
def test_a_file_as_keras_gives_the_set_is_read_training_rows_first(tmp_path: Path, source: str, column: bool) -> None:
    file = keras_file(tmp_path, column)
    spec = DataSpec(source=source, **AS_POSTED)
    data = load(spec, file=file)
    stored = np.load(file)
    np.testing.assert_array_equal(data.raw_x[8:], stored["x_test"])
    assert data.raw_y.tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2, 1]
    assert (len(data.x), len(data.x_val)) == (8, 2)
    assert data.description.startswith(
        "images.npz, not known to be real CIFAR-10 images, 8 training images, then 2 test images: 10 rows"
    )
    names: dict[str, Any] = {"np": np, "X": data.raw_x, "y": data.raw_y}
    exec("\n".join(preprocess_source(spec, class_count(data.raw_y))), names)
    np.testing.assert_array_equal(names["x"], data.x)
    np.testing.assert_array_equal(names["x_val"], data.x_val)


def test_a_file_with_one_array_of_images_is_read_in_its_order(tmp_path: Path) -> None:
    np.savez(tmp_path / "rows.npz", X=np.ones((4, 2, 2, 3)), y=np.array([1, 0, 1, 0]))
    data = load(DataSpec(source="cifar10"), file=tmp_path / "rows.npz")
    assert data.description.startswith("rows.npz, not known to be real CIFAR-10 images: 4 rows")


def test_parts_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    file = keras_file(tmp_path, x_test=np.zeros((2, 3, 4, 3), np.uint8))
    with pytest.raises(DataError, match=r"a row of x_train has shape \(4, 4, 3\), one of x_test \(3, 4, 3\)"):
        load(DataSpec(source="cifar10"), file=file)
    (tmp_path / "broken.npz").write_bytes(b"no archive")
    with pytest.raises(DataError, match="cannot be read as an"):
        load(DataSpec(source="cifar10"), file=tmp_path / "broken.npz")


def test_a_missing_set_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PARITY_DATA", raising=False)
    with pytest.raises(DataError, match=r"PARITY_DATA is not set; write keras.datasets.cifar10.load_data\(\)"):
        load(DataSpec(source="cifar10"))
    monkeypatch.setenv("PARITY_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"has no cifar10_2500.npz or cifar10.npz; .* source: cifar_like"):
        load(DataSpec(source="cifar10"))


def test_a_file_given_to_a_stand_in_is_the_set_it_stands_for() -> None:
    assert data_source("cifar_like", "images.npz") == "cifar10"
    assert data_source("leaf_like", "train.csv") == "leaf"
    assert data_source("cifar_like", None) == data_source("digits", "cifar_like") == "cifar_like"
    assert data_source("digits", "rows.npz") == "digits"


@pytest.mark.real_data
def test_the_real_images_are_recognised_and_nothing_like_them_is() -> None:
    data = load(DataSpec(source="cifar10", **AS_POSTED))
    assert data.description.startswith(
        "cifar10_2500.npz, real CIFAR-10 images, 2000 training images, then 500 test images: 2500 rows"
    )
    stored = np.load(Path(os.environ["PARITY_DATA"]) / "cifar10_2500.npz")
    np.testing.assert_array_equal(data.x_val, (stored["x_test"] * (1 / 255)).transpose(0, 3, 1, 2))
    other = data.raw_x.copy()
    other[7, 3, 3, 1] ^= 1
    assert not is_real(type("Raw", (), {"x": other, "y": data.raw_y})())  # type: ignore[arg-type]


# ----------------------------------------------------------------------------------------------------- networks


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # 3 x 3 convolutions, 2048 features to 1024, 512, 10.
        ("cifar_base", 287_008 + 2_098_176 + 524_800 + 5_130),
        # Scale and offset of 32, 64, 128, 1024 and 512 channels.
        ("cifar_batch_norm", 287_008 + 2_098_176 + 524_800 + 5_130 + 2 * (32 + 64 + 128 + 1024 + 512)),
        # 32 -> 30 -> 14 -> 12 -> 5: 4800 features.
        ("cifar_all_conv", 2_688 + 83_040 + 166_080 + 331_968 + 2 * 4800 + 4800 * 256 + 256 + 2_570),
        # 32 -> 30 -> 13: 10,816 features; the second convolution has no bias.
        ("cifar_small", 896 + 51_200 + 10_816 * 128 + 128 + 1_290),
        ("cifar_adadelta", 183_242),
    ],
)
def test_the_networks_have_the_parameters_their_layers_say(name: str, parameters: int) -> None:
    side = resolved(name)
    assert side.config.model.input == (3, 32, 32)
    assert side.layers()[-1].output_shape == (10,)
    assert count(side) == parameters


def small(name: str, framework: str) -> Resolved:
    """Return a network of the gallery with its kinds of layers, and few units in each."""
    side = resolved(name, framework)
    dense = [layer.name for layer in side.layers() if layer.op.kind == "dense"][:-1]
    return changed(
        side,
        {"layers.conv2d*.filters": 3, f"layers.{{{','.join(dense)}}}.units": 6, "training.batch_size": 4},
        "a test",
    )


@pytest.mark.takes_turns
@each_framework
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_the_question_is_its_reference(framework: str, name: str) -> None:
    """Three steps, so that dropout, running statistics, max-norm and the optimizer's slots have something to keep."""
    side = small(name, framework)
    rng = np.random.default_rng(5)
    x, y = rng.uniform(size=(12, 3, 32, 32)), np.eye(10)[rng.integers(0, 10, size=12)]
    weights = starting_weights(side)
    reference = Reference(side, x, y, weights)
    with opened(side, x, y, weights) as program:
        for number in range(3):
            assert_same_step(program.step(number), reference.take(number), 1e-11)
            program.adopt(reference.weights, reference.named_slots(), iterations=number + 1)
        np.testing.assert_allclose(program.predict(), reference.predictions(), rtol=1e-11)


# ----------------------------------------------------------------------------------------------------- question


def test_the_two_networks_differ_in_eleven_places() -> None:
    a, b = resolve(load_spec(SPECS / "cifar.yaml"))
    found = differences(a, b)
    assert [one.path for one in found] == [
        "layers.{conv2d,conv2d_1,conv2d_2,conv2d_3}.padding",
        "layers.{conv2d,conv2d_1}.filters",
        "layers.{conv2d_1,max_pooling2d,conv2d_3,max_pooling2d_1}",  # The step goes from the pool to the convolution.
        "layers.{conv2d_2,conv2d_3}.filters",
        "layers.dropout_1.rate",
        "layers.{conv2d_4,conv2d_5,max_pooling2d_2,dropout_2}",
        "layers.batch_norm",
        "layers.dense.units",
        "layers.dense.kernel_constraint",
        "layers.dropout_3",
        "layers.{dense_1,dropout_4}",
    ]
    assert not any(one.inert for one in found)
    assert {one.b for one in found if one.path in ("layers.dropout_3", "layers.{dense_1,dropout_4}")} == {"absent"}


def test_each_difference_of_the_question_can_be_tried_alone_and_taken_back() -> None:
    a, b = resolve(load_spec(SPECS / "cifar.yaml"))
    found = differences(a, b)
    whole = {path for one in found for path in one.paths}
    assert mixed(a.config, b.config, whole) == b.config
    for one in found:
        alone, back = mixed(a.config, b.config, set(one.paths)), mixed(a.config, b.config, whole - set(one.paths))
        for config in (alone, back):
            shape: tuple[int, ...] = config.model.input
            for op in config.model.layers:
                shape = op.output_shape(shape)
            assert shape == (10,)


@pytest.mark.parametrize("name", ["base", "all_conv"])
def test_the_sides_of_the_question_are_the_networks_of_the_gallery(name: str) -> None:
    side = next(one for one in resolve(load_spec(SPECS / "cifar.yaml")) if one.name == name)
    other = resolved(f"cifar_{name}")
    unnamed = [[layer.op.replace(name=None) for layer in one.layers()] for one in (side, other)]
    assert unnamed[0] == unnamed[1]
    assert side.config.data == other.config.data
