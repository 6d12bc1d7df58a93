"""Files of initial weights: what is read of them, what is refused, and what they decide of a run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from parity.advice.exploding_initializer import mended
from parity.advice.starts import FROM_FILE, started
from parity.compile import compile_side
from parity.errors import DataError
from parity.frameworks import frameworks
from parity.prepare.forms import dataset_of
from parity.prepare.options import Options, prepare
from parity.run.initial import InitialWeights, initial_value, initial_weight, weights_key
from parity.run.jobs import Bench, Job
from parity.run.store import Store
from parity.run.weights_file import check_fitting, check_weights, digest_of, stored, tensor_of, write_weights
from parity.spec.differences import differences
from parity.spec.load import load_spec
from parity.spec.resolve import Resolved, changed, resolve

SPEC = """
name: small
data: {source: rows.npz}
model:
  input: [3]
  layers:
  - dense: {units: 2, name: first}
  - dense: {units: 1, name: last}
loss: mse
optimizer: {sgd: {learning_rate: 0.1}}
training: {batch_size: 4, initial_weights: start.safetensors}
sides:
  a: {framework: keras}
  b: {framework: torch}
"""

VALUES = {
    "first.kernel": np.arange(6.0).reshape(3, 2) / 7, "first.bias": np.array([0.5, -1.0]),
    "last.kernel": np.array([[1.0], [2.0]]), "last.bias": np.array([3.0]),
}  # fmt: skip


def sides(folder: Path, text: str = SPEC) -> list[Resolved]:
    file = folder / "small.yaml"
    file.write_text(text)
    return resolve(load_spec(file))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_weights(tmp_path / "start.safetensors", VALUES, "float64")
    return tmp_path / "start.safetensors"


def raw(file: Path, tensors: dict[str, tuple[str, list[int], bytes]]) -> Path:
    """Write a file with tensors of any type."""
    table, begin = dict[str, Any](), 0
    for name, (kind, shape, data) in tensors.items():
        table[name] = {"dtype": kind, "shape": shape, "data_offsets": [begin, begin + len(data)]}
        begin += len(data)
    text = json.dumps(table).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(data for _, _, data in tensors.values()))
    return file


@pytest.mark.parametrize("kind", ["float64", "float32", "float16"])
def test_a_tensor_is_read_in_each_type_as_the_format_has_it(tmp_path: Path, kind: str) -> None:
    one = np.array([[1.5, -2.0, 0.1], [3.0, 4.0, 5.0]], kind)
    save_file({"a.kernel": one, "b.bias": np.zeros(0, kind)}, tmp_path / "x.safetensors", metadata={"made": "here"})
    assert set(stored(tmp_path / "x.safetensors")) == {"a.kernel", "b.bias"}
    found = tensor_of(tmp_path / "x.safetensors", "a.kernel")
    assert found.dtype == np.float64
    assert np.array_equal(found, one.astype(np.float64))


def test_bfloat16_is_the_upper_half_of_float32(tmp_path: Path) -> None:
    numbers = np.array([1.0, -0.25, 3.140625], "<f4")
    halves = (numbers.view("<u4") >> 16).astype("<u2").tobytes()
    file = raw(tmp_path / "x.safetensors", {"a.bias": ("BF16", [3], halves)})
    assert np.array_equal(tensor_of(file, "a.bias"), numbers.astype(np.float64))


def test_a_transposed_array_is_written_as_it_reads(tmp_path: Path) -> None:
    one = np.arange(6.0).reshape(2, 3).T
    write_weights(tmp_path / "x.safetensors", {"a.kernel": one})
    assert np.array_equal(tensor_of(tmp_path / "x.safetensors", "a.kernel"), one)


@pytest.mark.parametrize(
    "content",
    [b"", b"abc", b"hello world, hello world", (1 << 60).to_bytes(8, "little") + b"{}" * 9,
     (2).to_bytes(8, "little") + b"[]", (4).to_bytes(8, "little") + b"\xff\xfe\x00\x00"],
)  # fmt: skip
def test_what_is_no_such_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.safetensors").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.safetensors: this is no \.safetensors file.*parity read --weights live"):
        stored(tmp_path / "x.safetensors")


def test_a_file_that_was_cut_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-3])
    with pytest.raises(DataError, match="a part of one"):
        stored(file)


def test_a_shape_that_its_bytes_do_not_fill_is_refused(tmp_path: Path) -> None:
    file = raw(tmp_path / "x.safetensors", {"a.bias": ("F32", [3], b"\0" * 8)})
    with pytest.raises(DataError, match=r"no \.safetensors file"):
        stored(file)


def test_missing_files_and_folders_are_said(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none.safetensors", "No such file"), (tmp_path, "this is a folder")):
        with pytest.raises(DataError, match=why):
            stored(path)


def test_all_that_is_wrong_with_a_file_is_said_at_once(tmp_path: Path) -> None:
    zeros = np.zeros((2, 3), "float32")
    save_file(
        {"first.kernel": zeros, "first.biass": zeros[0, :2].copy(), "last.kernel": np.zeros((2, 1), "int64"),
         "last.bias": zeros[0, :1].copy(), "more.bias": zeros[0].copy()},
        tmp_path / "start.safetensors",
    )  # fmt: skip
    with pytest.raises(DataError) as raised:
        check_weights(sides(tmp_path))
    lines = str(raised.value).splitlines()
    assert all(line.startswith("sides a, b: training.initial_weights: ") for line in lines)
    said = [line.partition("start.safetensors: ")[2] for line in lines]
    assert said == [
        "first.kernel has shape (2, 3); expected (3, 2), the layout is [..., in, out]",
        "first.bias is not in it; expected shape (2,); did you mean 'first.biass'?",
        "last.kernel is of type I64; expected F64, F32, F16 or BF16",
        "first.biass is in it, shape (2,), and the model has no such tensor; expected the tensors of the model alone",
        "more.bias is in it, shape (3,), and the model has no such tensor; expected the tensors of the model alone",
    ]


def test_a_command_says_it_before_anything_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SPEC)
    with pytest.raises(DataError, match=r"start\.safetensors: No such file or directory; expected"):
        prepare(load_spec("small.yaml"), Options())


def test_the_file_of_a_spec_is_looked_for_beside_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    text = SPEC.replace(
        "{framework: torch}", "{framework: torch, changes: {training: {initial_weights: b.safetensors}}}"
    )
    (file.parent / "b.safetensors").write_bytes(file.read_bytes())
    a, b = sides(file.parent, text)
    check_weights([a, b])
    assert [side.config.training.initial_weights for side in (a, b)] == [
        str(file),
        str(file.with_name("b.safetensors")),
    ]


def test_sides_start_from_the_file_in_every_framework_and_twins_beside_it(file: Path, tmp_path: Path) -> None:
    a, b = sides(file.parent)
    initial = InitialWeights(tmp_path / "weights")
    assert initial.files(a, "float64") == initial.files(b, "float64")
    for name, made in initial.files(a, "float64").items():
        assert np.array_equal(np.load(made), VALUES[name]), name
    assert np.load(initial.files(a, "float32")["first.kernel"]).dtype == np.float32
    twin = np.load(initial.files(a, "float64", 3)["first.kernel"])
    assert 0 < np.abs(twin - VALUES["first.kernel"]).max() < 1e-15


def test_what_a_file_holds_decides_a_run_and_not_only_its_name(file: Path, tmp_path: Path) -> None:
    a, _ = sides(file.parent)
    initial, known = InitialWeights(tmp_path / "weights"), weights_key(a)
    before = initial.files(a, "float64")["first.kernel"]
    assert known == digest_of(file)
    write_weights(file, {**VALUES, "first.kernel": VALUES["first.kernel"] + 1}, "float64")
    assert weights_key(a) != known
    after = initial.files(a, "float64")["first.kernel"]
    assert np.allclose(np.load(after) - np.load(before), np.ones((3, 2)), rtol=0, atol=1e-15)


def test_a_run_is_known_by_what_its_file_holds(file: Path) -> None:
    np.savez(file.with_name("rows.npz"), X=np.zeros((8, 3)), y=np.zeros((8, 1)))
    a, _ = sides(file.parent)
    bench = Bench(
        dataset=dataset_of(a, None), store=Store(file.parent / "runs"), scratch=file.parent / "scratch",
        programs=file.parent / "programs", logs=file.parent / "logs",
    )  # fmt: skip
    job = Job(side=a, program=compile_side(a, name="small", formatted=False), steps=2)
    versions = dict.fromkeys(frameworks()["keras"].packages, "1")
    known = bench.key(job, versions)
    assert bench.opening(job)["plan"]["given_weights"]
    write_weights(file, {**VALUES, "last.bias": np.array([4.0])}, "float64")
    assert bench.key(job, versions) != known
    write_weights(file, VALUES, "float64")
    assert bench.key(job, versions) == known


def test_without_a_file_the_initializers_draw(file: Path) -> None:
    (a, _) = sides(file.parent)
    drawn = changed(a, {"training.initial_weights": None}, "a test")
    assert weights_key(drawn) == ""
    assert np.array_equal(
        initial_weight(drawn, "first.kernel"), initial_value(0, "first.kernel", a.parameters()["first.kernel"])
    )
    assert np.array_equal(initial_weight(a, "first.kernel"), VALUES["first.kernel"])


def test_initializers_do_nothing_where_both_sides_start_from_files(file: Path) -> None:
    a, b = sides(file.parent)
    b = changed(b, {"layers.*.kernel_initializer": "he_normal"}, "a test")
    (found,) = differences(a, b)
    assert found.reason == "both sides start from a file of weights"
    (drawn, given) = differences(changed(a, {"training.initial_weights": None}, "a test"), b)
    assert {drawn.path, given.path} == {"layers.*.kernel_initializer", "training.initial_weights"}
    assert not drawn.inert
    assert not given.inert


def test_a_copy_of_the_file_is_no_difference_that_does_anything(file: Path) -> None:
    a, b = sides(file.parent)
    copy = file.with_name("copy.safetensors")
    copy.write_bytes(file.read_bytes())
    (found,) = differences(a, changed(b, {"training.initial_weights": str(copy)}, "a test"))
    assert found.reason == "the two files are alike to the last byte"
    write_weights(copy, {**VALUES, "last.bias": np.array([4.0])}, "float64")
    (found,) = differences(a, changed(b, {"training.initial_weights": str(copy)}, "a test"))
    assert not found.inert


def test_a_mixture_of_sides_that_the_file_does_not_fit_is_none(file: Path) -> None:
    """As counterfactual runs are made: a layer of another width needs weights of its own."""
    a, _ = sides(file.parent)
    wide = replace(changed(a, {"layers.first.units": 5}, "a test"), name="mixture")
    expected = (
        rf"^training\.initial_weights: {file}: first\.kernel has shape \(3, 2\); expected \(3, 5\), .* \(and 2 more"
    )
    with pytest.raises(DataError, match=expected):
        check_fitting(wide)
    check_fitting(a)


@pytest.mark.parametrize("framework", ["keras", "tensorflow", "torch"])
def test_a_compiled_program_asks_for_the_weights(file: Path, framework: str) -> None:
    a, _ = sides(file.parent)
    side = replace(a, framework=framework)
    source = compile_side(side, name="small", formatted=False).source
    assert 'add_argument("--weights", required=True' in source
    drawn = changed(side, {"training.initial_weights": None}, "a test")
    assert 'add_argument("--weights", help' in compile_side(drawn, name="small", formatted=False).source


def test_advice_on_weights_that_explode_is_about_the_file(file: Path) -> None:
    a, _ = sides(file.parent)
    assert mended(a, []) == {FROM_FILE: None}
    assert started(a, FROM_FILE) == f"training.initial_weights is {file}"
