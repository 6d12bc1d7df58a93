"""Data: what a spec may ask for, where rows come from, and that the written-out steps give the very same bits."""

import dataclasses
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError
from scipy.stats import skew

from parity.data.loading import class_count, fingerprint, load, one_hot, preprocess
from parity.data.section import DataSpec
from parity.data.sources import sources
from parity.data.sources.leaf_like import Draws
from parity.data.written import preprocess_source
from parity.errors import DataError
from parity.run.target_forms import in_form

LEAF_LIKE = "ee05cd8c1bcd1aa5b64dfae8821fc0e330fe9e7c9833d9dc2c7422bffb1b6843"
LEAVES = {"standardize": True, "reshape": (3, 64), "transpose": (1, 0)}


def assert_exported_alike(spec, dataset):
    """An exported program makes the same x, y from the stored arrays, all by itself."""
    names = {"np": np, "X": dataset.raw_x, "y": dataset.raw_y}
    exec("\n".join(preprocess_source(spec, class_count(dataset.raw_y))), names)
    assert names["x"].dtype == names["y"].dtype == np.float64
    np.testing.assert_array_equal(names["x"], dataset.x)
    np.testing.assert_array_equal(names["y"].reshape(dataset.y.shape), dataset.y)


def npz(folder, **arrays):
    np.savez(folder / "rows.npz", **arrays)
    return folder / "rows.npz"


def fault(source):
    with pytest.raises(DataError) as caught:
        load(DataSpec(source=source))
    return str(caught.value)


# ------------------------------------------------------------------------------------------------ schema


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"transpose": (0, 2)}, "each of the axes 0 to 1 once"),
        ({"reshape": (3, 64), "transpose": (0, 1, 2)}, "transpose names 3 axes, but reshape [3, 64] has 2"),
        ({"reshape": (-1, 64)}, "greater than 0"),
        ({"rows": 0}, "greater than 0"),
        ({"rows": True}, "valid integer"),
        ({"standardize": "yes"}, "valid boolean"),
        ({"scale": float("nan")}, "finite"),
        ({"standardise": True}, "not permitted"),
    ],
)
def test_a_wrong_field_is_refused(fields, says):
    with pytest.raises(ValidationError, match=re.escape(says)):
        DataSpec(**{"source": "leaf_like"} | fields)


def test_a_spec_takes_what_yaml_gives_and_every_field_is_described():
    spec = DataSpec.model_validate({"source": "leaf", "reshape": [3, 64], "transpose": [1, 0], "scale": 2})
    assert (spec.reshape, spec.transpose, spec.scale) == ((3, 64), (1, 0), 2.0)
    assert all("description" in field for field in DataSpec.model_json_schema()["properties"].values())
    with pytest.raises(ValidationError, match="frozen"):
        spec.rows = 3


def test_naming_the_sources_imports_no_numpy():
    code = (
        "import sys, parity.data.loading; from parity.data.sources import sources; names = list(sources());"
        "print(names, [m for m in ('numpy', 'scipy', 'sklearn') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=Path.cwd())
    known = [
        "blobs",
        "cifar10",
        "cifar_like",
        "digits",
        "leaf",
        "leaf_like",
        "phrases",
        "twins",
        "waves",
        "wifi_like",
        "wifi_location",
    ]
    assert out.stdout.strip() == f"{known} []"


def test_every_source_says_what_it_is():
    assert all(source.name == name and source.summary for name, source in sources().items())


# ------------------------------------------------------------------------------------------------ sources


@pytest.fixture(scope="module")
def leaf_like():
    return load(DataSpec(source="leaf_like", **LEAVES))


def test_leaf_like_never_changes(leaf_like):
    raw = leaf_like.raw_x.tobytes() + leaf_like.raw_y.tobytes()
    assert (leaf_like.raw_x.dtype, leaf_like.raw_y.dtype) == (np.float32, np.int16)
    assert hashlib.sha256(raw).hexdigest() == LEAF_LIKE


def test_leaf_like_looks_like_leaves(leaf_like):
    x, y = leaf_like.raw_x.astype(float), leaf_like.raw_y
    margin, shape, texture = x[:, :64], x[:, 64:128], x[:, 128:]
    assert leaf_like.x.shape == (990, 64, 3)
    assert leaf_like.y.shape == (990, 99)
    assert np.bincount(y).tolist() == [10] * 99
    assert (np.diff(y) == 0).mean() < 0.05  # rows come in no order of classes
    for block in (margin, texture):
        assert block.min() == 0
        np.testing.assert_allclose(block.sum(axis=1), 1)
        assert np.median(skew(block)) > 1.5
    assert 0 < shape.min() < shape.max() < 0.01
    steps = np.abs(np.diff(shape, axis=1)).mean() / shape.std(axis=0).mean()
    assert steps < 0.15  # neighbouring points of an outline are close


def test_a_stand_in_is_called_one(leaf_like):
    assert leaf_like.stand_in
    assert leaf_like.description == (
        "leaf_like, a generated stand-in for the leaf set (no real leaves): 990 rows of shape (64, 3), 99 classes"
    )


def test_draws_are_uniform_and_normal():
    draws = Draws(7)
    uniform, normal = draws.uniform(200, 100), draws.normal(200, 100)
    assert 0 < uniform.min() < uniform.max() < 1
    np.testing.assert_allclose((uniform.mean(), normal.mean(), normal.std()), (0.5, 0, 1), atol=0.02)


def test_digits():
    pytest.importorskip("sklearn")
    spec = DataSpec(source="digits", scale=1 / 16, reshape=(8, 8, 1), rows=100)
    data = load(spec)
    assert (data.x.shape, data.y.shape, data.raw_x.shape) == ((100, 8, 8, 1), (100, 10), (1797, 64))
    assert (data.x.min(), data.x.max(), data.stand_in) == (0, 1, False)
    assert data.description.endswith("the first 100 of 1797 rows of shape (8, 8, 1), 10 classes")
    assert_exported_alike(spec, data)


def test_digits_without_scikit_learn_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    assert "pip install scikit-learn" in fault("digits")


def test_a_missing_leaf_set_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.delenv("PARITY_DATA", raising=False)
    for words in ("--data", "PARITY_DATA is not set", "train.csv", "1491, 1492 and 1493", "leaf_like"):
        assert words in fault("leaf")
    monkeypatch.setenv("PARITY_DATA", str(tmp_path))
    assert "has no leaf.npz or train.csv" in fault("leaf")


@pytest.mark.real_data
@pytest.mark.parametrize("source", ["leaf", "leaf_like"])
def test_kaggles_table_gives_the_arrays_of_the_real_set(source, tmp_path, monkeypatch):
    stored = np.load(Path(os.environ["PARITY_DATA"]) / "leaf.npz")
    real = load(DataSpec(source="leaf", **LEAVES))
    lines = ["id,species," + ",".join(stored["columns"])]
    for number, label, row in zip(stored["id"], stored["y"], stored["X"], strict=True):
        lines.append(f"{number},{stored['species'][label]}," + ",".join(map(str, row)))
    path = tmp_path / "train.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    given_by_hand = load(DataSpec(source=source, **LEAVES), file=path)
    monkeypatch.setenv("PARITY_DATA", str(tmp_path))
    found = load(DataSpec(source="leaf", **LEAVES))
    for data in (given_by_hand, found):
        np.testing.assert_array_equal(data.raw_x, stored["X"])
        assert data.raw_x.dtype == np.float32
        assert fingerprint(data) == fingerprint(real)
        assert data.description == ("train.csv, the real leaf set: 990 rows of shape (64, 3), 99 classes")
        assert not data.stand_in


@pytest.mark.real_data
def test_the_real_set_is_exported_bit_for_bit():
    spec = DataSpec(source="leaf", **LEAVES)
    assert_exported_alike(spec, load(spec))


def test_another_file_is_never_called_the_real_leaf_set(tmp_path, leaf_like):
    path = npz(tmp_path, X=leaf_like.raw_x, y=leaf_like.raw_y)
    data = load(DataSpec(source="leaf"), file=path)
    assert data.description.startswith("rows.npz, not the real leaf set")


# ------------------------------------------------------------------------------------------------ preprocessing

VALUES = st.floats(-1e6, 1e6, width=32)
SHAPES = st.tuples(st.integers(1, 12), st.sampled_from([1, 2, 3])).flatmap(
    lambda size: hnp.arrays(np.float32, (size[0], 2 * size[1] * 3), elements=VALUES)
)


# A scale of 1e-200 leaves columns that vary and whose deviation is 0: an error, in words.
SCALES = st.floats(-300, 300).filter(lambda scale: scale == 0 or abs(scale) > 1e-100)


@given(x=SHAPES, scale=SCALES, standardize=st.booleans(), flip=st.booleans(), data=st.data())
def test_the_written_steps_give_the_same_bits(x, scale, standardize, flip, data):
    rows = data.draw(st.none() | st.integers(1, len(x)))
    spec = DataSpec(source="s", scale=scale, standardize=standardize, reshape=(2, 3, x.shape[1] // 6),
                    transpose=(2, 0, 1) if flip else None, rows=rows)  # fmt: skip
    names = {"np": np, "X": x, "y": np.arange(len(x))}
    exec("\n".join(preprocess_source(spec, len(x))), names)
    np.testing.assert_array_equal(names["x"].view(np.uint64), preprocess(x, spec).view(np.uint64))
    np.testing.assert_array_equal(names["y"], one_hot(np.arange(len(x)), len(x))[:rows])


@given(x=hnp.arrays(np.float32, (9, 4), elements=VALUES), scale=st.floats(0.01, 100))
def test_a_standardized_column_has_mean_0_and_deviation_1_or_0(x, scale):
    out = preprocess(x, DataSpec(source="s", standardize=True, scale=scale))
    varies = np.ptp(x, axis=0) > 1e-3 * np.abs(x).max(axis=0)
    np.testing.assert_allclose(out.mean(axis=0)[varies], 0, atol=1e-9)
    np.testing.assert_allclose(out.std(axis=0)[varies], 1, atol=1e-9)


def test_a_constant_column_is_only_centred_however_its_mean_is_rounded():
    out = preprocess(np.full((3, 1), 1.0), DataSpec(source="s", scale=0.1, standardize=True))
    assert np.full(3, 0.1).std() > 0  # the trap
    np.testing.assert_allclose(out, 0, atol=1e-15)


def test_float_targets_are_exported_as_they_are(tmp_path):
    spec = DataSpec(source=str(npz(tmp_path, X=np.eye(3), y=np.array([0.5, 1.5, 2.5], np.float32))))
    data = load(spec)
    assert (data.y.tolist(), data.target, data.flat) == ([[0.5], [1.5], [2.5]], (), True)
    assert_exported_alike(spec, data)


LABELS, ONES, FLAT = np.array([2, 0, 1]), np.eye(3)[[2, 0, 1]], np.array([0.5, 1.5, 2.5])


@pytest.mark.parametrize(
    ("stored", "form", "wanted"),
    [
        (LABELS, "index", LABELS), (LABELS, "one_hot", ONES), (ONES, "index", LABELS), (ONES, "one_hot", ONES),
        (FLAT, "flat", FLAT), (FLAT, "column", FLAT[:, None]), (FLAT[:, None], "flat", FLAT),
        (FLAT[:, None], "column", FLAT[:, None]),
    ],
)  # fmt: skip
def test_an_exported_program_is_given_the_form_that_the_harness_gives(tmp_path, stored, form, wanted):
    spec = DataSpec(source=str(npz(tmp_path, X=np.eye(3), y=stored)), targets=form)
    data = load(spec)
    names = {"np": np, "X": data.raw_x, "y": data.raw_y}
    exec("\n".join(preprocess_source(spec, data.classes, form=form, flat=data.flat)), names)
    taken = in_form(data.y, form)
    assert names["y"].dtype == taken.dtype == (np.int64 if form == "index" else np.float64)
    assert names["y"].tolist() == taken.tolist() == wanted.tolist()


@pytest.mark.parametrize("stored", [LABELS.astype(np.uint8), ONES])
def test_numbers_of_classes_are_one_hot_rows_to_everything_that_compares(tmp_path, stored):
    source = str(npz(tmp_path, X=np.eye(3), y=stored))
    for spec in (DataSpec(source=source, targets="index"), DataSpec(source=source, targets="index", one_hot=False)):
        assert load(spec).y.tolist() == ONES.tolist()
    assert load(DataSpec(source=source, one_hot=False), numbers={"y": 2}).y.tolist() == ONES.tolist()


def test_only_the_steps_a_spec_asks_for_are_written():
    assert preprocess_source(DataSpec(source="s"), None) == ["x = X.astype(np.float64)", "y = y.astype(np.float64)"]
    assert preprocess_source(DataSpec(source="s", scale=0.5, rows=7, one_hot=False), 3) == [
        "X, y = X[:7], y[:7]",
        "x = X.astype(np.float64)",
        "x = x * 0.5",
        "y = y.astype(np.float64)",
    ]


def test_classes_are_counted_before_rows_are_taken(tmp_path):
    data = load(DataSpec(source=str(npz(tmp_path, X=np.ones((4, 6)), y=np.arange(4))), rows=2))
    assert data.y.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]


def test_a_fingerprint_sees_values_shapes_and_types(leaf_like):
    seen = {fingerprint(leaf_like), fingerprint(load(DataSpec(source="leaf_like", **LEAVES)))}
    for x in (leaf_like.x + 1e-9, leaf_like.x.reshape(990, 192), leaf_like.x.astype(np.float32)):
        seen.add(fingerprint(dataclasses.replace(leaf_like, x=x)))
    assert len(seen) == 4
