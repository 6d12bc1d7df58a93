"""A place with its cause: programs with one mistake each through the real court, in workers that stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers_causes import FAULTY, RIGHT
from helpers_frameworks import missing
from helpers_ports import Port, matched, rows, side_like

from parity.result.filling import comparison_facts
from parity.result.schema import Comparison
from parity.selftest.pair_bench import TestBench


def compared(bench: TestBench, port: Port, folder: Path, steps: int) -> Comparison:
    """Return a port beside the compiled program of its config, in PyTorch."""
    for framework in {port.framework, "torch"}:
        if missing(framework):
            pytest.skip(missing(framework))
    side, _, program = matched(bench, port, folder)
    clean = side_like(port, "compiled", "torch")
    (found,) = comparison_facts(bench.judged([clean, side], rows(port), steps, programs={"port": program}))
    return found


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", FAULTY)
def test_what_makes_a_program_agree_is_named(bench: TestBench, tmp_path: Path, name: str) -> None:
    one = FAULTY[name]
    found = compared(bench, one.port, tmp_path, one.steps)
    assert found.verdict == "divergent"
    told = {cause.path: cause.value for cause in found.causes}
    assert set(told) == set(one.causes), (found.causes, found.uncaused)
    for path, value in one.causes.items():
        assert value is ... or told[path] == value
    assert {cause.side for cause in found.causes} <= {"port"}
    assert {cause.way for cause in found.causes} == set(range(one.ways if one.causes else 0))
    assert all(cause.largest < 1e-13 for cause in found.causes)
    assert len(found.uncaused) == (not one.causes)
    # What is found in one step is held against the others.
    assert all(cause.steps[-1] == one.steps for cause in found.causes) or one.port.framework == "tensorflow"


@pytest.mark.sampled(4)
@pytest.mark.parametrize("index", range(len(RIGHT)))
def test_nothing_is_said_of_a_program_that_is_right(bench: TestBench, tmp_path: Path, index: int) -> None:
    found = compared(bench, RIGHT[index], tmp_path, 1)
    assert found.verdict in ("identical", "rounding"), found.reason
    assert (found.causes, found.uncaused) == ([], [])
