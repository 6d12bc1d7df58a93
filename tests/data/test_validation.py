"""Rows kept for validation: which they are, that nothing is trained on them, and what is measured on them."""

from __future__ import annotations

import json
import math
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from helpers_forked import interpreter
from helpers_frameworks import EACH_FRAMEWORK, missing
from helpers_numpy import ROWS, net_job, numpy_bench, numpy_workers
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from parity.data.loading import class_count, fingerprint, load, split, training_rows
from parity.data.section import DataSpec
from parity.data.written import preprocess_source
from parity.errors import DataError
from parity.report import html, markdown
from parity.report.sentences import epochs
from parity.result.schema import EpochFact
from parity.run.freerun import free_run, running_loss
from parity.run.jobs import Bench
from parity.run.randomness import batch_sizes
from parity.run.session import Session
from tests import report_samples as samples
from tests.compile.test_programs import EPOCHS, recorded

SHARES = [0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 0.8, 0.9]

KERAS_SPLITS = """
import json, sys
import numpy as np
from keras.src.trainers.data_adapters.array_slicing import train_validation_split
found = []
for rows, share in json.loads(sys.argv[1]):
    try:
        kept, held = train_validation_split(np.arange(rows), validation_split=share)
        found.append([kept[:].tolist(), held[:].tolist()])
    except ValueError:
        found.append(None)
print(json.dumps(found))
"""


def rows_file(folder: Path, rows: int = 10) -> str:
    np.savez(folder / "rows.npz", X=np.arange(4.0 * rows).reshape(rows, 4), y=np.arange(rows) % 3)
    return str(folder / "rows.npz")


# ------------------------------------------------------------------------------------------------ data


@pytest.mark.parametrize(
    ("share", "says"),
    [(1.0, "less than 1"), (-0.1, "greater than or equal to 0"), ("0.2", "valid number"), (True, "valid number")],
)
def test_a_share_that_is_none_is_refused(share: object, says: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(says)):
        DataSpec(source="leaf_like", validation_split=share)  # type: ignore[arg-type]


@pytest.mark.skipif(bool(missing("keras")), reason="keras not installed")
def test_the_rows_are_those_that_keras_takes() -> None:
    """Keras's floor is one in floating point: 0.8 of 10 rows leaves 1 to train on, not 2."""
    asked = [(rows, share) for rows in (1, 2, 7, 10, 50, 100, 4109) for share in SHARES]
    done = subprocess.run(
        [interpreter("keras"), "-c", KERAS_SPLITS, json.dumps(asked)], capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert any(one is None for one in told)
    for (rows, share), one in zip(asked, told, strict=True):
        first = training_rows(rows, share)
        ours = None if first in (0, rows) else [list(range(first)), list(range(first, rows))]
        assert ours == one, (rows, share)
    assert training_rows(10, 0.8) == 1


def test_the_last_rows_are_kept_and_no_row_is_lost(tmp_path: Path) -> None:
    spec = DataSpec(source=rows_file(tmp_path), standardize=True)
    whole, parts = load(spec), load(spec.model_copy(update={"validation_split": 0.3}))
    assert whole.x_val is None
    assert whole.y_val is None
    assert parts.x_val is not None
    assert parts.y_val is not None
    assert (len(parts.x), len(parts.x_val)) == (7, 3)
    np.testing.assert_array_equal(np.concatenate([parts.x, parts.x_val]), whole.x)
    np.testing.assert_array_equal(np.concatenate([parts.y, parts.y_val]), whole.y)
    np.testing.assert_array_equal(parts.raw_x, whole.raw_x)
    assert parts.description.endswith("; 7 to train on, the last 3 to validate on")
    assert parts.classes == whole.classes == 3


@pytest.mark.parametrize(("rows", "share"), [(1, 0.5), (10, 0.95), (10, 1e-17)])
def test_a_split_with_nothing_on_one_side_is_refused(tmp_path: Path, rows: int, share: float) -> None:
    with pytest.raises(DataError) as caught:
        load(DataSpec(source=rows_file(tmp_path, rows), validation_split=share))
    first = training_rows(rows, share)
    told = f"data.validation_split is {share}, but of {rows} rows that leaves {first} to train on and {rows - first}"
    assert str(caught.value).startswith(told)
    assert "give another share, or more rows" in str(caught.value)


@given(rows=st.integers(2, 60), share=st.sampled_from(SHARES), standardize=st.booleans(), some=st.booleans())
def test_the_written_steps_split_the_same_rows(rows: int, share: float, standardize: bool, some: bool) -> None:
    if training_rows(rows, share) == 0:
        return
    spec = DataSpec(source="s", validation_split=share, standardize=standardize, rows=rows if some else None)
    raw_x, raw_y = np.arange(3.0 * rows).reshape(rows, 3) ** 1.5, np.arange(rows) % 2
    whole = {"np": np, "X": raw_x, "y": raw_y}
    exec("\n".join(preprocess_source(spec.model_copy(update={"validation_split": 0.0}), class_count(raw_y))), whole)
    names = {"np": np, "X": raw_x, "y": raw_y}
    exec("\n".join(preprocess_source(spec, class_count(raw_y))), names)
    first = training_rows(rows, share)
    for name in ("x", "y"):
        np.testing.assert_array_equal(names[name], whole[name][:first])  # type: ignore[index]
        np.testing.assert_array_equal(names[f"{name}_val"], whole[name][first:])  # type: ignore[index]


def test_a_fingerprint_sees_the_rows_kept_for_validation(tmp_path: Path) -> None:
    spec = DataSpec(source=rows_file(tmp_path), validation_split=0.3)
    parts = load(spec)
    alone = replace(parts, x_val=None, y_val=None)
    assert parts.x_val is not None
    moved = replace(parts, x_val=parts.x_val + 1)
    assert len({fingerprint(parts), fingerprint(alone), fingerprint(moved)}) == 3


# ------------------------------------------------------------------------------------------------ runs


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """What runs share, with a third of the rows kept, and workers of NumPy alone."""
    numpy_workers(monkeypatch)
    with numpy_bench(tmp_path) as made:
        yield Bench(dataset=split(made.dataset, 0.3), store=made.store, scratch=made.scratch / "split",
                    programs=made.programs, logs=made.logs)  # fmt: skip


def test_validation_rows_are_measured_and_not_trained_on(bench: Bench, tmp_path: Path) -> None:
    """A run on the training rows alone has the same losses; metrics are those of the NumPy reference."""
    data = bench.dataset
    kept = len(data.x)
    assert data.x_val is not None
    assert data.y_val is not None
    assert kept + len(data.x_val) == ROWS
    one = net_job(steps=2 * math.ceil(kept / 4))
    alone = Bench(dataset=replace(data, x_val=None, y_val=None), store=bench.store, scratch=bench.scratch / "alone",
                  programs=bench.programs, logs=bench.logs)  # fmt: skip
    with Session("keras", log=tmp_path / "log") as worker:
        run, without = free_run(worker, bench, one), free_run(worker, alone, one)
    assert run.losses == without.losses
    assert run.key != without.key
    for with_rows, one_without in zip(run.measured, without.measured, strict=True):
        assert with_rows.metrics["accuracy"] == one_without.metrics["accuracy"]
        assert set(with_rows.metrics) == {"accuracy", "val_accuracy"}
        assert set(one_without.metrics) == {"accuracy"}
    share = run.final["val_accuracy"] * len(data.x_val)
    assert share == pytest.approx(round(share))  # of the validation rows, not of all


def test_the_validation_metric_is_that_of_the_last_rows(bench: Bench, tmp_path: Path) -> None:
    """Turned-round targets of the validation rows turn the metric round, and nothing else."""
    data = bench.dataset
    assert data.y_val is not None
    other = Bench(dataset=replace(data, y_val=data.y_val[:, ::-1]), store=bench.store, scratch=bench.scratch / "other",
                  programs=bench.programs, logs=bench.logs)  # fmt: skip
    with Session("keras", log=tmp_path / "log") as worker:
        run, turned = free_run(worker, bench, net_job(steps=3)), free_run(worker, other, net_job(steps=3))
    assert run.losses == turned.losses
    assert run.final["val_accuracy"] == pytest.approx(1 - turned.final["val_accuracy"])


def test_the_running_loss_counts_every_row_once(bench: Bench, tmp_path: Path) -> None:
    kept = len(bench.dataset.x)
    sizes = batch_sizes(kept, 4, False)
    steps = len(sizes) + 1
    with Session("keras", log=tmp_path / "log") as worker:
        run = free_run(worker, bench, net_job(steps=steps))
    first, second = run.measured
    assert (first.epoch, second.epoch, second.step) == (1, 2, steps)
    assert sizes[-1] < 4
    weighted = sum(loss * size for loss, size in zip(run.losses, sizes, strict=False)) / kept
    assert first.running_loss == pytest.approx(weighted, rel=1e-12)
    assert second.running_loss == run.losses[-1]  # a new epoch starts anew
    assert first.running_loss != pytest.approx(float(np.mean(run.losses[: len(sizes)])), rel=1e-6)


def test_a_running_loss_that_is_lost_is_said_to_be() -> None:
    assert math.isnan(running_loss([1.0, math.nan], [2, 2]))


@pytest.mark.parametrize("framework", EACH_FRAMEWORK)
def test_a_program_keeps_the_last_rows_says_so_and_trains_on_the_others(
    framework: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = {"standardize": True, "reshape": [3, 8], "transpose": [1, 0], "validation_split": 0.2}
    one = recorded(framework, tmp_path_factory, EPOCHS * 5, data=data)  # 17 of 22 rows in batches of 4
    done = one.run("--data", "data.npz", "--weights", "init.safetensors")
    assert done.returncode == 0, done.stderr
    assert [float(line) for line in done.stdout.split()] == list(one.losses)
    assert len(one.losses) == EPOCHS * 5
    assert "17 rows to train on, the last 5 to validate on\n" in done.stderr
    (held,) = re.findall(r"^loss of the rows to validate on: (\S+)$", done.stderr, re.MULTILINE)
    assert 0 < float(held) < 10


# ------------------------------------------------------------------------------------------------ reports


def told() -> list[EpochFact]:
    return [
        EpochFact(epoch=1, step=12, metrics={"accuracy": 0.25, "val_accuracy": 0.125}, running_loss=1.5),
        EpochFact(epoch=2, step=24, metrics={"accuracy": 0.5, "val_accuracy": 0.0625}, running_loss=0.75),
    ]


def test_reports_tell_the_running_loss_from_the_values_at_the_end_of_an_epoch() -> None:
    side = samples.a_side("keras", samples.decay(2.0, 0.5, 24), [0.5], epochs=told(),
                          metrics={"accuracy": 0.5, "val_accuracy": 0.0625})  # fmt: skip
    result = samples.a_result([side], [])
    page, text = html.to_html(result), markdown.to_markdown(result)
    assert "| keras | 1 | 12 | 1.5000 | 0.250 | 0.125 |" in text
    assert "| keras | 2 | 24 | 0.75000 | 0.500 | 0.0625 |" in text
    for report in (page.lower(), text.lower()):
        for head in ("loss, running mean over the epoch", "accuracy at its end", "val_accuracy at its end"):
            assert head.replace("_", r"\_") in report or head in report
    assert epochs.NOTE in unescape(page)


def test_a_result_without_running_losses_has_no_such_table() -> None:
    result = samples.leaf()
    assert not epochs.measured(result)
    assert epochs.RUNNING_LOSS not in html.to_html(result)
