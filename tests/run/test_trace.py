"""Traces: what is written comes back, in little room, and half a run leaves no file."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parity.run import memory, trace
from parity.run.digest import PROJECTIONS, RECORD, digest
from parity.run.memory import Report
from parity.run.probe import DigestProbe
from parity.run.trace import TraceWriter, read_trace

Name = tuple[str, str]


def records(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found = np.zeros(count, RECORD)
    found["norm"] = rng.uniform(size=count)
    found["projections"] = rng.normal(size=(count, PROJECTIONS))
    return found


def told(step: int, names: Sequence[Name] | None, values: np.ndarray) -> dict[str, Any]:
    """Return what a worker tells of a step."""
    named = {} if names is None else {"names": [list(name) for name in names]}
    return {"step": step, "digests": values.tobytes()} | named


NAMES: list[Name] = [("forward", "a"), ("gradient", "a.kernel"), ("weights", "a.kernel")]


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "run.parquet"
    kept = [records(3, seed) for seed in range(5)]
    with TraceWriter(file) as writer:
        writer.add([told(1, NAMES, kept[0]), told(2, None, kept[1])])
        writer.add([])
        writer.add([told(step, None, kept[step - 1]) for step in (3, 4, 5)])
        assert not file.exists(), "the file appears once it is whole"
    found = read_trace(file)
    assert list(found) == NAMES
    for place, name in enumerate(NAMES):
        assert found[name].tobytes() == np.array([one[place] for one in kept]).tobytes()
    assert pq.read_table(file)["step"].to_pylist() == [step for step in range(1, 6) for _ in NAMES]
    assert [one.name for one in file.parent.iterdir()] == ["run.parquet"]


def test_names_may_change_in_the_middle_of_a_run(tmp_path: Path) -> None:
    """Before the first step there are weights only; a tensor may also come late, or go."""
    one, two, three = records(1), records(3, 1), records(2, 2)
    with TraceWriter(tmp_path / "run") as writer:
        writer.add([told(0, [NAMES[2]], one), told(1, NAMES, two)])
        writer.add([told(2, [("state", "m/a.kernel"), NAMES[2]], three), told(3, None, three)])
    found = read_trace(tmp_path / "run")
    assert found[NAMES[2]].tobytes() == np.array([one[0], two[2], three[1], three[1]]).tobytes()
    assert found["state", "m/a.kernel"].tobytes() == np.array([three[0], three[0]]).tobytes()
    assert {name: len(rows) for name, rows in found.items()} == {
        NAMES[2]: 4, NAMES[0]: 1, NAMES[1]: 1, ("state", "m/a.kernel"): 2
    }  # fmt: skip


@given(
    sizes=st.lists(st.integers(0, 5), max_size=12),
    cuts=st.lists(st.integers(1, 4), min_size=12, max_size=12),
    group=st.integers(1, 9),
)
def test_steps_across_row_groups_stay_in_order(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], cuts: list[int], group: int
) -> None:
    """Whatever number of tensors a step has, and however many steps a message tells of."""
    file = tmp_path_factory.mktemp("trace") / "run"
    every = [f"t{number}" for number in range(6)]
    steps = [
        told(step, [("forward", name) for name in every[:size]], records(size, step)) for step, size in enumerate(sizes)
    ]
    kept, trace.GROUP = trace.GROUP, group
    try:
        with TraceWriter(file) as writer:
            waiting, lengths = steps, iter(cuts)
            while waiting:
                length = next(lengths)
                writer.add(waiting[:length])
                waiting = waiting[length:]
    finally:
        trace.GROUP = kept
    found = read_trace(file)
    for place, name in enumerate(every):
        wanted = [records(size, step)[place] for step, size in enumerate(sizes) if size > place]
        assert found.get(("forward", name), np.zeros(0, RECORD)).tobytes() == np.array(wanted, RECORD).tobytes()
    assert len(found) == max(sizes, default=0)


def test_a_run_without_a_step_has_an_empty_trace(tmp_path: Path) -> None:
    with TraceWriter(tmp_path / "run") as writer:
        writer.add([])
    assert read_trace(tmp_path / "run") == {}
    with pytest.raises(OSError, match="nothing"):
        read_trace(tmp_path / "nothing")


@pytest.mark.parametrize("error", [RuntimeError("stopped"), KeyboardInterrupt()])
def test_an_interrupted_run_leaves_no_file(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)), TraceWriter(tmp_path / "run") as writer:  # noqa: PT012 - the block is what ends
        for step in range(5):
            writer.add([told(step, NAMES if step == 0 else None, records(3))])
        raise error
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_run_leaves_the_trace_of_an_earlier_one(tmp_path: Path) -> None:
    with TraceWriter(tmp_path / "run") as writer:
        writer.add([told(1, NAMES, records(3))])
    with pytest.raises(ValueError, match="again"), TraceWriter(tmp_path / "run"):
        raise ValueError("again")
    assert len(read_trace(tmp_path / "run")) == 3


def test_two_runs_of_the_same_program_may_be_written_at_once(tmp_path: Path) -> None:
    """Two sides that mean the same have one key, and train side by side."""
    kept = [records(3, step) for step in range(4)]
    with TraceWriter(tmp_path / "run") as one:
        one.add([told(0, NAMES, kept[0])])
        with TraceWriter(tmp_path / "run") as two:
            two.add([told(0, NAMES, kept[0]), *(told(step, None, kept[step]) for step in (1, 2, 3))])
        one.add([told(step, None, kept[step]) for step in (1, 2, 3)])
    assert [file.name for file in tmp_path.iterdir()] == ["run"]
    assert read_trace(tmp_path / "run")[NAMES[1]].tobytes() == np.array([step[1] for step in kept]).tobytes()


def long_run(file: Path, steps: int, tensors: int = 30) -> None:
    names = [("gradient", f"layer_{number}.kernel") for number in range(tensors)]
    with TraceWriter(file) as writer:
        for step in range(steps):
            writer.add([told(step, names if step == 0 else None, records(tensors, step))])
            assert writer._waiting < trace.GROUP + tensors


def test_a_trace_takes_little_more_than_its_digests(tmp_path: Path) -> None:
    long_run(tmp_path / "run", 1000)
    size = (tmp_path / "run").stat().st_size
    assert RECORD.itemsize <= size / (1000 * 30) <= 150


def test_memory_does_not_grow_with_the_number_of_steps(tmp_path: Path) -> None:
    long_run(tmp_path / "warm", 10)

    def peak(steps: int) -> int:
        gc.collect()
        tracemalloc.start()
        try:
            long_run(tmp_path / "run", steps)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(2000) < peak(300) + 500_000, "1700 steps of 30 tensors are 7 MB"


# ------------------------------------------------------------------------------------- the worker's end of it


def probed(step: int, names: Sequence[Name]) -> DigestProbe:
    probe = DigestProbe()
    for phase, tensor in names:
        probe.see(phase, tensor, np.full(3, float(step)))
    return probe


def test_a_worker_says_names_once_and_keeps_nothing_that_it_has_told(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    report = Report(lambda **values: events.append(values))
    report.last += 1e9  # Not yet time to tell anything.
    report.trace(0, probed(0, NAMES[2:]))
    for step in (1, 2):
        report.trace(step, probed(step, NAMES))
        report.loss(0.5 / step)
    assert events == []
    report.send(measured=2)
    report.trace(3, probed(3, NAMES))
    report.loss(0.125)
    report.send()
    first, second = events
    assert (first["losses"], first["measured"]) == ([0.5, 0.25], 2)
    assert [step["step"] for step in first["trace"]] == [0, 1, 2]
    assert ["names" in step for step in first["trace"]] == [True, True, False]
    assert (second["losses"], "names" in second["trace"][0], "measured" in second) == ([0.125], False, False)
    assert (report.losses, report.steps) == ([], [])
    with TraceWriter(tmp_path / "run") as writer:
        for event in events:
            writer.add(event["trace"])
    found = read_trace(tmp_path / "run")
    assert {name: len(rows) for name, rows in found.items()} == {NAMES[2]: 4, NAMES[0]: 3, NAMES[1]: 3}
    assert found[NAMES[0]][2].tobytes() == digest(np.full(3, 3.0)).tobytes()


def test_a_worker_tells_a_few_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count(step=0.1)
    monkeypatch.setattr(memory, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    events: list[dict[str, Any]] = []
    report = Report(lambda **values: events.append(values))
    for step in range(20):
        report.loss(float(step))
    assert 3 <= len(events) <= 10
    assert [loss for event in events for loss in event["losses"]] == list(range(sum(len(e["losses"]) for e in events)))
    assert all("trace" not in event for event in events), "a run that is not traced sends no traces"
