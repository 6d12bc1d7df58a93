"""The Wi-Fi sets: the real one recognised and prepared, the generated one steady, alike, and named a stand-in."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity.data.loading import load
from parity.data.section import DataSpec
from parity.data.sources import Raw, sources
from parity.data.sources.wifi_like import generate
from parity.data.sources.wifi_location import is_real, prepared
from parity.errors import DataError
from parity.prepare.options import data_source

WIFI_LIKE = "749c74f138846d7911e069c21bd5eb8849a6de5f771354bd36bdf6b1f014f01a"
COLUMNS = {"reshape": (64, 1), "validation_split": 0.2}


def real_file() -> Path:
    return Path(os.environ["PARITY_DATA"]) / "wifi_location.npz"


def file_of(folder: Path, **arrays: Any) -> Path:
    np.savez(folder / "mine.npz", **arrays)
    return folder / "mine.npz"


def some() -> tuple[np.ndarray, np.ndarray]:
    x = np.array([[0.5, 0.0], [0.0, 0.0], [0.0, 0.25], [0.75, 0.5]], np.float32)
    return x, np.array([[10.0, 0.0], [99.0, 9.0], [20.0, 7.0], [30.0, 3.5]], np.float32)


# ------------------------------------------------------------------------------------------------ preparing


def test_rows_of_zeros_go_and_every_coordinate_becomes_0_to_1() -> None:
    x, y = some()
    raw = prepared(Raw(x=x, y=y, description="mine"))
    assert raw.x.tolist() == [[0.5, 0.0], [0.0, 0.25], [0.75, 0.5]]
    assert raw.y.tolist() == [[[0.0], [0.0]], [[0.5], [1.0]], [[1.0], [0.5]]]
    assert raw.description == "mine, places scaled to [0, 1], 1 row of zeros left out"


def test_the_least_and_the_greatest_become_exactly_0_and_1() -> None:
    """Of float32 metres that no binary fraction is, such as a floor at 14.8."""
    rng = np.random.default_rng(0)
    y = rng.choice(np.array([0.1, 3.7, 7.4, 14.8], np.float32), (500, 3))
    scaled = prepared(Raw(x=np.ones((500, 2)), y=y, description="mine")).y
    assert ((scaled == 0).sum(), (scaled == 1).sum()) == ((y == y.min()).sum(), (y == y.max()).sum())


def test_a_coordinate_that_never_changes_is_0() -> None:
    raw = prepared(Raw(x=np.ones((3, 2)), y=np.array([[5.0, 1.0], [5.0, 2.0], [5.0, 3.0]]), description="mine"))
    assert raw.y[:, 0, 0].tolist() == [0.0, 0.0, 0.0]


def test_a_file_given_in_the_stand_in_s_place_is_read_by_the_set_s_own_names(tmp_path: Path) -> None:
    x, y = some()
    data = load(DataSpec(source="wifi_location", reshape=(2, 1)), file=file_of(tmp_path, X64=x, Y=y))
    assert (data.x.shape, data.y.shape, data.classes) == ((3, 2, 1), (3, 2, 1), None)
    assert "mine.npz, not the real Wi-Fi set" in data.description
    assert not data.stand_in
    named = load(DataSpec(source="wifi_location", x="a", y="b"), file=file_of(tmp_path, a=x, b=y))
    np.testing.assert_array_equal(named.y, data.y)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"X": 0, "Y": 0}, "it has no array 'X64'"),
        ({"X64": np.ones((3, 2)), "Y": np.ones((2, 3))}, "X has 3 rows, but y has 2"),
        ({"X64": np.ones((2, 2)), "Y": np.array([[1.0, np.nan], [2.0, 3.0]])}, "1 of 4 values that are NaN"),
        (
            {"X64": np.zeros((2, 2)), "Y": np.ones((2, 3))},
            "all 2 rows are zeros, so that none heard an access point",
        ),
        ({"X64": np.ones((2, 2)), "Y": np.array(["a", "b"])}, "expected integers or floats"),
    ],
)
def test_faulty_files_are_one_sentence(tmp_path: Path, arrays: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=re.escape(says)):
        load(DataSpec(source="wifi_location"), file=file_of(tmp_path, **arrays))


def test_the_real_set_is_asked_for_in_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PARITY_DATA", raising=False)
    with pytest.raises(DataError, match=r"no --data FILE .* PARITY_DATA is not set; get the record from Zenodo"):
        load(DataSpec(source="wifi_location"))
    monkeypatch.setenv("PARITY_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"has no wifi_location.npz; .* source: wifi_like"):
        load(DataSpec(source="wifi_location"))


def test_a_file_means_the_set_that_a_stand_in_stands_in_for() -> None:
    assert data_source("wifi_like", "some/file.npz") == "wifi_location"
    assert data_source("leaf_like", "some/file.csv") == "leaf"
    assert data_source("digits", "some/file.npz") == "digits"
    assert data_source("rows.npz", "other.npz") == "rows.npz"
    assert data_source("wifi_like", "leaf_like") == "leaf_like"
    assert all(one.stands_for in (None, *sources()) for one in sources().values())


# ------------------------------------------------------------------------------------------------ the sets


@pytest.fixture(scope="module")
def like() -> Any:
    return load(DataSpec(source="wifi_like", **COLUMNS))


def looks(data: Any) -> dict[str, float]:
    """Return how a set looks, in figures that the stand-in is calibrated by."""
    x, y = data.x[..., 0], data.y[..., 0]
    held, wanted = data.x_val[..., 0], data.y_val[..., 0]
    fit, *_ = np.linalg.lstsq(np.c_[x, np.ones(len(x))], y, rcond=None)
    return {
        "exact": np.isin(y, (0.0, 1.0)).mean(),
        "heard": (x > 0).mean(),
        "heard in a row": np.median((x > 0).sum(axis=1)),
        "strength": np.median(x[x > 0]),
        "linear error": ((np.c_[held, np.ones(len(held))] @ fit - wanted) ** 2).mean(),
        "error of the mean": ((y.mean(axis=0) - wanted) ** 2).mean(),
    }


def test_wifi_like_never_changes() -> None:
    x, y = generate()
    assert (x.dtype, y.dtype, x.shape, y.shape) == (np.float32, np.float32, (4109, 64), (4109, 3))
    assert hashlib.sha256(x.tobytes() + y.tobytes()).hexdigest() == WIFI_LIKE


def test_wifi_like_looks_like_fingerprints(like: Any) -> None:
    assert (like.x.shape, like.y.shape) == ((3287, 64, 1), (3287, 3, 1))
    assert like.stand_in
    assert "stand-in for the Wi-Fi set" in like.description
    whole = np.concatenate([like.y, like.y_val])
    assert (whole.min(), whole.max()) == (0.0, 1.0)
    assert len(np.unique(whole[:, 2])) == 5, "floors"
    strength = np.concatenate([like.x, like.x_val])[..., 0]
    assert (strength > 0).any(axis=1).all()
    np.testing.assert_allclose(strength[strength > 0] * 110, np.round(strength[strength > 0] * 110), atol=1e-4)
    assert 0.11 < looks(like)["exact"] < 0.13


def test_it_is_no_copy_of_real_rows(like: Any) -> None:
    assert not is_real(Raw(x=like.raw_x, y=like.raw_y[..., 0], description=""))


@pytest.mark.real_data
def test_the_real_set_is_recognised_and_the_stand_in_is_like_it(like: Any) -> None:
    if not real_file().is_file():
        pytest.skip("real data: no wifi_location.npz in PARITY_DATA")
    data = load(DataSpec(source="wifi_location", **COLUMNS), file=real_file())
    assert "the real Wi-Fi set" in data.description
    assert "539 rows of zeros left out" in data.description
    assert len(data.x) + len(data.x_val) == 4109
    ours, real = looks(like), looks(data)
    for name, value in real.items():
        assert 0.8 < ours[name] / value < 1.25, (name, ours[name], value)
    rows = {row.tobytes() for row in data.raw_x}
    shared = [row for row in like.raw_x if row.tobytes() in rows and (row > 0).sum() > 3]
    assert not shared
