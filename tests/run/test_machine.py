"""What decides rounding beside the versions, as the system tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from parity.run.machine import machine

TOLD = "processor\t: 0\nmodel name\t: Some CPU @ 2.0GHz\nflags\t\t: fpu sse2 {}\n\nprocessor\t: 1\n"


@pytest.mark.parametrize(
    ("flags", "vectors"), [("avx avx2 avx512f", "avx512f"), ("avx avx2", "avx2"), ("avx", "avx"), ("", "")]
)
def test_processor_and_the_widest_vectors(tmp_path: Path, flags: str, vectors: str) -> None:
    (tmp_path / "cpuinfo").write_text(TOLD.format(flags))
    found = machine(str(tmp_path / "cpuinfo"))
    assert (found["processor"], found["vectors"]) == ("Some CPU @ 2.0GHz", vectors)
    assert int(found["cores"]) >= 1


def test_a_system_that_tells_nothing_is_no_fault(tmp_path: Path) -> None:
    found = machine(str(tmp_path / "none"))
    assert found["processor"]
    assert found["vectors"] == ""
