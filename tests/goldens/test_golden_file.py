"""The file of a golden: what is written is read back in every bit, and what is no golden is one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity.errors import UsageError
from parity.goldens.file import ANEW, FORMAT, ONE, belongs_to, golden_of, read_golden, text_of, write_golden
from parity.goldens.golden import Golden, RecordedSide, RecordedStep
from parity.goldens.grid import cells_of
from parity.run.digest import digest

RNG = np.random.default_rng(0)


def step_of(number: int) -> RecordedStep:
    state = {
        "weights/dense.kernel": cells_of(RNG.standard_normal((64, 300)), 1e-9)[0],
        "weights/dense.bias": cells_of(RNG.standard_normal(5), 1.0)[0],
        "slots/v/dense.kernel": cells_of(RNG.standard_normal((64, 300)) ** 2, 1e-9)[0],
    }
    names = [("forward", "dense"), ("gradient", "dense.kernel"), ("update", "dense.kernel")]
    digests = {name: digest(RNG.standard_normal((8, 3))) for name in names[: 2 + number]}
    return RecordedStep(loss=1.0 / 3.0, digests=digests, errors={("forward", "dense"): 0.5, ("loss", "loss"): 0.25},
                        state=state)  # fmt: skip


@pytest.fixture(scope="module")
def golden() -> Golden:
    side = RecordedSide(
        framework="torch", versions={"torch": "2.13.0"}, machine={"processor": "one"}, config={"loss": "mse"},
        origins={"loss": "spec"}, native={}, data="d", program="", shapes={"dense.kernel": (64, 300)},
        start={"weights/dense.kernel": digest(RNG.standard_normal((64, 300)))}, steps=[step_of(0), step_of(1)],
    )  # fmt: skip
    return Golden(spec="small", sides={"torch": side}, test="test_a.py::test_b", parity="1")


def test_what_is_written_is_read_back_bit_for_bit(golden: Golden, tmp_path: Path) -> None:
    file = tmp_path / "a.golden.json"
    assert write_golden(golden, file) == file.stat().st_size
    found = read_golden(file)
    assert text_of(found) == text_of(golden)
    before, after = golden.sides["torch"], found.sides["torch"]
    assert after.steps[1].loss == 1.0 / 3.0
    for one, other in zip(before.steps, after.steps, strict=True):
        assert list(other.digests) == list(one.digests)
        assert all(other.digests[name].tobytes() == value.tobytes() for name, value in one.digests.items())
        assert other.errors == one.errors
        for name, cells in one.state.items():
            same = other.state[name]
            assert (same.width, same.upward, same.checksum) == (cells.width, cells.upward, cells.checksum)
            assert same.places.tolist() == cells.places.tolist()
            assert same.above.tolist() == cells.above.tolist()
            assert (same.values is None) is (cells.values is None)
    assert belongs_to(file) == "test_a.py::test_b"


def test_the_head_is_text_that_a_review_can_read(golden: Golden) -> None:
    lines = text_of(golden).splitlines()
    assert ' "spec": "small",' in lines
    assert any('"torch": "2.13.0"' in line for line in lines)
    assert any("0.3333333333333333" in line for line in lines)


def changed(text: str, **values: Any) -> str:
    return json.dumps({**json.loads(text), **values})


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        (lambda text: text[: len(text) // 2], "cut short or damaged"),
        (lambda text: "", "not a golden (no JSON)"),
        (lambda text: "name: small", "not a golden (no JSON)"),
        (lambda text: "[1, 2]", "not a golden"),
        (lambda text: "[" * 100_000, "not a golden"),
        (lambda text: changed(text, parity_golden=FORMAT + 1), f"of format {FORMAT + 1}, by parity 1; this one reads"),
        (lambda text: changed(text, parity_golden=FORMAT + 1, parity="7.0"), "install parity 7.0, or parity freeze"),
        (lambda text: changed(text, spec="other"), "edited by hand"),
        (lambda text: text.replace("2.13.0", "2.12.0"), "edited by hand"),
        (lambda text: changed(text, checksum=None), "edited by hand"),
    ],
)
def test_what_is_no_golden_is_one_line(golden: Golden, spoiled: Any, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        golden_of(spoiled(text_of(golden)), "a.golden.json")
    told = str(caught.value)
    assert said in told
    assert told.startswith("a.golden.json: ")
    assert told.endswith((ANEW, ONE))
    assert told.endswith(ONE) is ("not a golden" in said)
    assert "\n" not in told


def test_a_checksum_that_fits_does_not_hide_what_is_missing(golden: Golden) -> None:
    from parity.goldens import file

    for name in ("framework", "steps", "tensors"):
        head = json.loads(text_of(golden))
        del head["sides"]["torch"][name]
        head["checksum"] = file._checksum(head)
        with pytest.raises(UsageError, match="a golden damaged"):
            golden_of(json.dumps(head), "a.golden.json")


def test_a_file_that_is_not_there_or_no_text_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_golden(tmp_path / "none.golden.json")
    (tmp_path / "b").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="it is no text"):
        read_golden(tmp_path / "b")


def test_whatever_becomes_of_a_file_it_is_the_golden_or_one_line(golden: Golden, tmp_path: Path) -> None:
    whole = text_of(golden).encode()
    file, rng = tmp_path / "a.golden.json", np.random.default_rng(1)
    told = 0
    for _ in range(200):
        spoiled = bytearray(whole)
        for _ in range(int(rng.integers(1, 4))):
            spoiled[rng.integers(len(spoiled))] ^= 1 << int(rng.integers(8))
        file.write_bytes(spoiled[: rng.integers(len(spoiled))] if rng.random() < 0.2 else spoiled)
        try:
            assert text_of(read_golden(file)) == whole.decode()
        except UsageError as error:
            told += "\n" not in str(error)
    assert told > 190
