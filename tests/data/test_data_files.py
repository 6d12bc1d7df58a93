"""Users' .npz and .csv files: what is read from them, and that each fault is one sentence that says how to mend it."""

import zipfile

import numpy as np
import pytest

from parity.data.loading import load
from parity.data.section import DataSpec
from parity.errors import DataError

X, Y = np.ones((4, 6), np.float32), np.arange(4)


def npz(folder, **arrays):
    np.savez(folder / "rows.npz", **arrays)
    return folder / "rows.npz"


def table(folder, text):
    (folder / "rows.csv").write_text(text, encoding="utf-8")
    return folder / "rows.csv"


def fault(file, **fields):
    """The message of the DataError, which must be one line."""
    with pytest.raises(DataError) as caught:
        load(DataSpec(source=str(file), **fields))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_npz_keeps_its_types(tmp_path):
    path = npz(tmp_path, images=np.arange(24, dtype=np.uint8).reshape(2, 3, 4), labels=np.array([1, 0], np.int8))
    data = load(DataSpec(source=str(path), x="images", y="labels", transpose=(1, 0)))
    assert (data.raw_x.dtype, data.raw_y.dtype, data.x.shape) == (np.uint8, np.int8, (2, 4, 3))
    assert data.y.tolist() == [[0, 1], [1, 0]]


def test_a_csv_leaves_out_id_and_text_and_numbers_names_in_order(tmp_path):
    path = table(tmp_path, "id,a,note,kind,b\n7,1,x,pine,0.5\n8,2,y,oak,0.25\n\n9,3,z,pine,0\n")
    data = load(DataSpec(source=str(path), y="kind"))
    assert data.raw_x.tolist() == [[1, 0.5], [2, 0.25], [3, 0]]
    assert data.raw_y.tolist() == [1, 0, 1]
    assert data.raw_x.dtype == np.float32


@pytest.mark.parametrize(
    ("header", "targets"), [("y,a", [1, 2]), ("a,z", [5, 6])], ids=["the column y", "else the last"]
)
def test_the_target_column_by_default(tmp_path, header, targets):
    assert load(DataSpec(source=str(table(tmp_path, f"{header}\n1,5\n2,6")))).raw_y.tolist() == targets


def test_float_targets_stay(tmp_path):
    data = load(DataSpec(source=str(table(tmp_path, "a,y\n1,0.5\n2,1.5"))))
    assert (data.y.tolist(), data.y.dtype) == ([[0.5], [1.5]], np.float64)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,y\n1,2\n3", "line 3: 1 values; expected 2"),
        ("a,y\n1,0\n,1", "column 'a' has an empty cell in row 2 among numbers"),
        ("a,y\n1,0\n?,1", "column 'a' has '?' in row 2 among numbers"),
        ("a,y\nnan,0\n2,1", "X has 1 of 2 values that are NaN or infinite, the first at [0, 0]"),
        ("a,y\n1,\n2,1", "target column 'y' is empty in row 1"),
        ("a,y\n1,3\n2,oak", "target column 'y' has 'oak' in row 2 among numbers"),
        ("a,y\n1,-1\n2,1", "they run from -1 to 1; expected 0 to 1"),
        ("a,y\n1,0\n2,70000", "labels up to 70000, but only 2 different ones"),
        ("a,a,y\n1,2,3", "two columns are called 'a'"),
        ("a,y\nx,1", "no column besides 'y' holds numbers"),
        ("a,y\n", "it has no rows"),
        ("a,y\n1_0,1\n2,0", "column 'a' has '1_0' in row 1 among numbers"),
        ('a,y\n"0,5",1\n"1,5",0', "column 'a' has '0,5' in row 1; expected a point before the decimals, as in 0.5"),
        ('a,y\n1,1\n"1,5",0', "column 'a' has '1,5' in row 2; expected a point"),
        ("a,y\n\u0663,1\n2,0", "among numbers"),
        ("a,y\n1,1_0\n2,1", "target column 'y' has '1_0' in row 1 among numbers"),
        (f"a,y\n1,{'9' * 30}\n2,1", "a whole number that does not fit 64 bits"),
        (f"a,y\n1,1\n{'x' * 100_000},1", "letters left out"),
    ],
)
def test_a_faulty_table_is_refused(tmp_path, text, says):
    assert says in fault(table(tmp_path, text))


@pytest.mark.parametrize(
    ("arrays", "fields", "says"),
    [
        ({"X_train": X, "y": Y}, {}, "no array 'X'; expected one of X_train, y; say which one in the spec"),
        ({"X": X, "lable": Y}, {"y": "label"}, "no array 'label'; expected one of X, lable; did you mean 'lable'?"),
        ({"X": X, "y": Y[:3]}, {}, "X has 4 rows, but y has 3"),
        ({"X": X, "y": Y[:, None]}, {}, "expected one label for each row, (4,); store y.ravel()"),
        ({"X": X, "y": np.array(list("abca"))}, {}, "y holds <U1; expected integers or floats"),
        ({"X": X, "y": Y > 1}, {}, "y holds bool; expected integers or floats; store y.astype(int)"),
        ({"X": X[:0], "y": Y[:0]}, {}, "X has shape (0, 6)"),
        ({"X": X, "y": np.array([0, 1, np.nan, 2])}, {}, "y has 1 of 4 values that are NaN or infinite"),
        ({"X": X, "y": Y}, {"reshape": (4, 2)}, "a row has shape [6], 6 values; give a shape whose product is 6"),
        ({"X": X, "y": Y}, {"transpose": (1, 0)}, "name each of its 1 axes once"),
        ({"X": X, "y": Y}, {"rows": 5}, "data.rows is 5, but there are 4 rows"),
        ({"X": X * 1e30, "y": Y}, {"scale": 1e300}, "after scale, values are no longer finite"),
        ({"X": X.astype(object), "y": Y}, {}, "cannot be read as an .npz of plain number arrays"),
        ({"X": X.astype(complex), "y": Y}, {}, "X holds complex128; expected integers or floats; store its parts"),
        ({"X": X.astype(str), "y": Y}, {}, "store numbers: X.astype(float) where they are spelled out"),
        ({"X": X, "y": Y.astype("datetime64[s]")}, {}, "store y.astype('int64')"),
    ],
)
def test_faulty_arrays_are_refused(tmp_path, arrays, fields, says):
    assert says in fault(npz(tmp_path, **arrays), **fields)


def test_a_file_that_is_not_there_or_not_data(tmp_path):
    assert "there is no such file" in fault(tmp_path / "gone.npz")
    assert "ends in '.txt'; expected .npz or .csv" in fault(tmp_path / "rows.txt")
    assert "cannot be read as an .npz" in fault(table(tmp_path, "a,y\n").rename(tmp_path / "table.npz"))
    assert "did you mean 'leaf_like'?" in fault("leaf_liek")


def test_floats_where_a_named_source_has_classes(tmp_path):
    path = npz(tmp_path, X=X, y=Y.astype(float))
    with pytest.raises(DataError, match="they are float64, where classes are expected"):
        load(DataSpec(source="leaf_like"), file=path)


def test_a_number_of_a_row_is_no_feature_however_it_is_spelled(tmp_path):
    assert load(DataSpec(source=str(table(tmp_path, "ID,a,Id,y\n7,1,3,0\n8,2,4,1")))).x.tolist() == [[1.0], [2.0]]


def test_whole_numbers_that_float32_rounds_are_kept(tmp_path):
    large = load(DataSpec(source=str(table(tmp_path, "a,b,y\n16777217,0.1,0\n16777218,0.2,1"))))
    assert large.x[:, 0].tolist() == [16777217.0, 16777218.0]
    assert load(DataSpec(source=str(table(tmp_path, "a,b,y\n1,0.1,0\n2,0.2,1")))).raw_x.dtype == np.float32


@pytest.mark.parametrize("method", [9, 99])
def test_members_of_a_zip_that_nothing_here_unpacks_are_refused(tmp_path, method):
    path = npz(tmp_path, X=X, y=Y)
    content = path.read_bytes()
    for mark, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        place = content.find(mark)
        while place >= 0:
            content = content[: place + at] + method.to_bytes(2, "little") + content[place + at + 2 :]
            place = content.find(mark, place + 4)
    path.write_bytes(content)
    assert "compression method is not supported" in fault(path)


def test_an_array_that_says_it_is_larger_than_any_memory_is_refused(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000000,), }"
    with zipfile.ZipFile(tmp_path / "rows.npz", "w") as archive:
        archive.writestr("X.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
        archive.writestr("y.npy", b"")
    assert "X does not fit the memory" in fault(tmp_path / "rows.npz")


def test_a_member_that_is_no_array_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "rows.npz", "w") as archive:
        archive.writestr("X.npy", b"text")
        archive.writestr("y.npy", b"text")
    assert "X is no array" in fault(tmp_path / "rows.npz")
